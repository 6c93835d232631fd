-- Jobs of pg_cron become workflows.

CREATE FUNCTION etl._pg_cron_schedule(schedule text) RETURNS text
	LANGUAGE plpgsql IMMUTABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	seconds CONSTANT text := (regexp_match(schedule, '^\s*0*(\d{1,2})\s*seconds?\s*$', 'i'))[1];
	fields text[] := regexp_split_to_array(btrim(schedule, E' \t'), '[ \t]+');
BEGIN
	IF seconds IS NOT NULL THEN
		RETURN format('rate(%s second%s)', seconds, CASE WHEN seconds <> '1' THEN 's' END);
	ELSIF fields[1] IN ('@reboot', '@restart') THEN
		RETURN NULL;
	ELSIF fields[3] = '$' THEN
		fields[3] := 'L';
	END IF;
	-- pg_cron ignores what comes behind the fifth field; here six have seconds first.
	RETURN array_to_string(fields[1:5], ' ');
END $$;
REVOKE ALL ON FUNCTION etl._pg_cron_schedule(text) FROM PUBLIC;
COMMENT ON FUNCTION etl._pg_cron_schedule(text) IS 'What a schedule of pg_cron is here; NULL: there is none. Internal.';

CREATE FUNCTION etl._pg_cron_obstacle(job jsonb) RETURNS text
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT CASE
		WHEN job ->> 'database' <> current_database() THEN format('runs in database "%s"', job ->> 'database')
		WHEN job ->> 'nodename' NOT IN ('', 'localhost', '127.0.0.1', '::1') AND job ->> 'nodename' NOT LIKE '/%'
			OR job ->> 'nodeport' <> current_setting('port')
			THEN format('runs on host "%s", port %s', job ->> 'nodename', job ->> 'nodeport')
		WHEN r.oid IS NULL THEN format('role "%s" does not exist', job ->> 'username')
		WHEN NOT r.rolcanlogin THEN format('role "%s" has no LOGIN', r.rolname)
		WHEN etl._pg_cron_schedule(job ->> 'schedule') IS NULL THEN format('schedule %s has no counterpart', job ->> 'schedule')
		-- What begins like this at least; anything else shows when it is run.
		WHEN job ->> 'command' ~* '^\s*(vacuum\M|cluster\s*;?\s*$|reindex\s+(database|system|schema)\M|alter\s+system\M|(create|drop)\s+(database|tablespace)\M)'
			OR job ->> 'command' ~* '^\s*(create|drop|reindex)[^;'']*\sconcurrently\M'
			THEN 'the command cannot run in a transaction, and a step is one'
	END
	FROM (SELECT) one LEFT JOIN pg_roles r ON r.rolname = job ->> 'username'
$$;
REVOKE ALL ON FUNCTION etl._pg_cron_obstacle(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl._pg_cron_obstacle(jsonb) IS 'Why a job of pg_cron cannot be a workflow here; NULL: it can. Internal.';

CREATE FUNCTION etl._import_pg_cron_job(job jsonb, OUT workflow text, OUT imported boolean, OUT remark text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	schedule CONSTANT text := etl._pg_cron_schedule(job ->> 'schedule');
	-- The second is for jobs without a name, and for those whose name is another's workflow's.
	names text[] := ARRAY[job ->> 'jobname', format('pg_cron job %s', job ->> 'jobid')];
BEGIN
	imported := false;
	IF names[1] IS NULL OR names[1] = '' OR names[1] ~ '[[:cntrl:]]' THEN
		names := names[2:];
	END IF;
	SELECT w.name INTO workflow FROM etl.workflow w
		WHERE w.name = ANY (names) AND w.owner = quote_ident(job ->> 'username')::regrole
		ORDER BY array_position(names, w.name) LIMIT 1;
	IF FOUND THEN
		remark := 'the workflow exists';
		RETURN;
	END IF;
	FOREACH workflow IN ARRAY names LOOP
		BEGIN
			-- Like pg_cron: one run at a time, and the next when it has ended; but for seconds, which count from its end.
			INSERT INTO etl.workflow (name, description, owner, enabled, schedule, timezone, overlap)
				VALUES (workflow, format('Job %s of pg_cron', job ->> 'jobid'), quote_ident(job ->> 'username')::regrole,
					coalesce((job ->> 'active')::boolean, true), schedule, coalesce(current_setting('cron.timezone', true), 'GMT'),
					CASE WHEN schedule LIKE 'rate(%' THEN 'skip' ELSE 'queue' END);
			INSERT INTO etl.task (workflow, name, sql) VALUES (workflow, 'command', job ->> 'command');
			imported := true;
			RETURN;
		EXCEPTION
			WHEN unique_violation THEN
				remark := format('the name "%s" is taken', workflow);
			WHEN check_violation OR invalid_parameter_value OR insufficient_privilege THEN
				remark := SQLERRM;
				EXIT;
		END;
	END LOOP;
	workflow := NULL;
END $$;
REVOKE ALL ON FUNCTION etl._import_pg_cron_job(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl._import_pg_cron_job(jsonb) IS 'Makes a workflow of a job of pg_cron that has not been one. Internal.';

CREATE FUNCTION etl.import_pg_cron(unschedule boolean DEFAULT false)
	RETURNS TABLE (jobid bigint, workflow text, imported boolean, remark text)
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	job jsonb;
BEGIN
	-- Another's schema of that name could have a superuser who calls this do anything.
	IF NOT EXISTS (SELECT FROM pg_depend d JOIN pg_extension e ON e.oid = d.refobjid
			WHERE d.classid = 'pg_class'::regclass AND d.objid = to_regclass('cron.job')
				AND d.refclassid = 'pg_extension'::regclass AND d.deptype = 'e' AND e.extname = 'pg_cron') THEN
		RAISE undefined_object USING
			MESSAGE = 'pg_cron is not in this database',
			HINT = 'pg_cron keeps the jobs of all databases in the one that setting cron.database_name names.';
	END IF;
	-- As the caller: pg_cron shows everybody their own jobs, and superusers all. Older ones lack columns.
	FOR job IN EXECUTE 'SELECT to_jsonb(j) FROM cron.job j ORDER BY j.jobid' LOOP
		jobid := job ->> 'jobid';
		workflow := NULL;
		imported := false;
		remark := etl._pg_cron_obstacle(job);
		IF remark IS NULL THEN
			SELECT i.workflow, i.imported, i.remark INTO workflow, imported, remark FROM etl._import_pg_cron_job(job) i;
		END IF;
		-- Not for a workflow that is by chance of this name.
		IF EXISTS (SELECT FROM etl.task t
				WHERE t.workflow = import_pg_cron.workflow AND t.sql = job ->> 'command') THEN
			IF unschedule THEN
				EXECUTE 'SELECT cron.unschedule($1::bigint)' USING jobid;
				remark := concat_ws('; ', remark, 'pg_cron runs it no more');
			ELSIF (job ->> 'active')::boolean THEN
				remark := concat_ws('; ', remark, format('pg_cron runs it, too, until SELECT cron.unschedule(%s)', jobid));
			END IF;
		END IF;
		RETURN NEXT;
	END LOOP;
END $$;
REVOKE ALL ON FUNCTION etl.import_pg_cron(boolean) FROM PUBLIC;
COMMENT ON FUNCTION etl.import_pg_cron(boolean) IS 'Make workflows of pg_cron''s jobs: a row for each with the workflow''s name, or why there is none. A job that has a workflow is left alone. With unschedule, pg_cron forgets those that have one.';

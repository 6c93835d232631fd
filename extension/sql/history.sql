-- History in ranges of runs. etl.run, etl.task_run and etl.event are partitioned alike: run_1_to_100000, task_run_1_to_100000
-- and event_1_to_100000 have the runs 1 to 100000 and all that belongs to them. What is old goes by dropping a range.
--
-- The scheduler makes ranges ahead of the runs. Runs that find none are in the partitions "rest", so that no INSERT fails
-- for want of a range. Partitions are given to nobody, and have no policy that would let them see.

CREATE TABLE etl.run_rest PARTITION OF etl.run DEFAULT;
CREATE TABLE etl.task_run_rest PARTITION OF etl.task_run DEFAULT
	WITH (fillfactor = 45); -- room for the row's next version beside it, so that no index has to follow
CREATE TABLE etl.event_rest PARTITION OF etl.event DEFAULT;
ALTER TABLE etl.run_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE etl.task_run_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE etl.event_rest ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION etl._ranges(OUT first bigint, OUT last bigint) RETURNS SETOF record
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT split_part(c.relname, '_', 2)::bigint, split_part(c.relname, '_', 4)::bigint
		FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'etl.run'::regclass AND c.relname <> 'run_rest' ORDER BY 1
$$;
REVOKE ALL ON FUNCTION etl._ranges() FROM PUBLIC;
COMMENT ON FUNCTION etl._ranges() IS 'The ranges of runs that history is in. Internal.';

-- Attaching a table keeps nobody from reading or writing the others, but a statement that is in the midst of queuing runs
-- would not know of the new one: hence the lock on etl.run.
CREATE FUNCTION etl._make_range(width bigint) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	first bigint;
	last bigint;
	parent text;
	leaf text;
BEGIN
	LOCK TABLE ONLY etl.run IN SHARE MODE;
	SELECT greatest(s.last_value + s.is_called::int, (SELECT max(r.last) + 1 FROM etl._ranges() r))
		INTO first FROM etl.run_run_id_seq s;
	last := first + width - 1;
	FOREACH parent IN ARRAY '{run,task_run,event}'::text[] LOOP
		leaf := format('etl.%s_%s_to_%s', parent, first, last);
		EXECUTE format('CREATE TABLE %s (LIKE etl.%s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) %s', leaf, parent,
			CASE WHEN parent = 'task_run' THEN 'WITH (fillfactor = 45)' END);
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', leaf);
		EXECUTE format('ALTER TABLE etl.%s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)', parent, leaf, first, last + 1);
		-- The extension's own, so that pg_dump leaves it out; what CREATE EXTENSION makes is that already.
		IF NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = leaf::regclass
				AND d.deptype = 'e') THEN
			EXECUTE format('ALTER EXTENSION pg_etl ADD TABLE %s', leaf);
		END IF;
	END LOOP;
END $$;
REVOKE ALL ON FUNCTION etl._make_range(bigint) FROM PUBLIC;
COMMENT ON FUNCTION etl._make_range(bigint) IS 'Makes the next range, for so many runs. Internal.';
SELECT etl._make_range(100000);

-- Whoever has one of the tables locked, be it for reading, is in the way. False: it is not to be dropped after all.
CREATE FUNCTION etl._drop_range(first bigint, last bigint) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	leaf text;
	live boolean;
BEGIN
	LOCK TABLE ONLY etl.run, ONLY etl.task_run, ONLY etl.event IN ACCESS EXCLUSIVE MODE;
	-- Since it was looked through a run may have been retried; of one that was cancelled steps may still end, and the step
	-- that started one may still have to see how it has.
	EXECUTE format('SELECT EXISTS (SELECT FROM etl.run_%s_to_%s WHERE finished_at IS NULL OR notifications_open > 0)', first, last)
		INTO live;
	IF live OR EXISTS (SELECT FROM etl.running t WHERE t.run_id BETWEEN first AND last)
		OR EXISTS (SELECT FROM etl.timer t WHERE t.run_id BETWEEN first AND last)
		OR EXISTS (SELECT FROM etl.suspended s WHERE s.run_id BETWEEN first AND last OR s.child_run_id BETWEEN first AND last) THEN
		RETURN false;
	END IF;
	FOREACH leaf IN ARRAY '{run,task_run,event}'::text[] LOOP
		leaf := format('etl.%s_%s_to_%s', leaf, first, last);
		EXECUTE format('ALTER EXTENSION pg_etl DROP TABLE %s', leaf);
		EXECUTE format('DROP TABLE %s', leaf);
	END LOOP;
	RETURN true;
END $$;
REVOKE ALL ON FUNCTION etl._drop_range(bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION etl._drop_range(bigint, bigint) IS 'Drops a range and all that is in it, unless some of it is live. Internal.';

-- As the caller throughout: it copies what they may see, into tables of theirs.
CREATE FUNCTION etl.export_history(schema regnamespace, "from" timestamptz DEFAULT '-infinity', until timestamptz DEFAULT 'infinity')
	RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	source record;
	col record;
	target text;
	ids bigint[];
	versions bigint[];
BEGIN
	IF schema IS NULL OR "from" IS NULL OR until IS NULL THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('history cannot be exported to schema %s from %s until %s', coalesce(schema::text, 'NULL'),
				coalesce("from"::text, 'NULL'), coalesce(until::text, 'NULL')),
			HINT = 'Name a schema; leave a time out for no limit.';
	END IF;
	-- Triggers on somebody else's table would run as the caller.
	IF NOT (SELECT pg_has_role(current_user, n.nspowner, 'USAGE') FROM pg_namespace n WHERE n.oid = schema) THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('history cannot be exported to schema "%s"', schema),
			DETAIL = format('It is not role "%s"''s own.', current_user),
			HINT = 'CREATE SCHEMA history; and export it there.';
	END IF;
	SELECT array_agg(r.run_id), array_agg(DISTINCT r.version_id) INTO ids, versions
		FROM etl.run r WHERE r.finished_at >= "from" AND r.finished_at < until;
	-- Parents first: whoever reads what is being made finds what a row refers to.
	FOR source IN
		SELECT s.name, s.key, s.of_run FROM (VALUES ('workflow_version', 'version_id', false), ('run', 'run_id', true),
			('task_run', 'task_run_id', true), ('event', 'event_id', true)) AS s(name, key, of_run)
	LOOP
		target := format('%s.%I', schema, 'etl_' || source.name);
		IF NOT (SELECT pg_has_role(current_user, c.relowner, 'USAGE') AND c.relkind IN ('r', 'p')
				FROM pg_class c WHERE c.oid = to_regclass(target)) THEN
			RAISE insufficient_privilege USING
				MESSAGE = format('history cannot be exported to "%s"', target),
				DETAIL = format('It is no table of role "%s"''s own.', current_user),
				HINT = 'Export it to a schema that has nothing of this name.';
		END IF;
		EXECUTE format('CREATE TABLE IF NOT EXISTS %s (%I bigint PRIMARY KEY)', target, source.key);
		-- One that was made before there was a column gets it.
		FOR col IN
			-- A role's name is kept as text: the role may not be there where a dump is restored.
			SELECT a.attname AS name, CASE a.atttypid WHEN 'regrole'::regtype THEN 'text' ELSE format_type(a.atttypid, a.atttypmod) END AS type
				FROM pg_attribute a WHERE a.attrelid = to_regclass('etl.' || source.name) AND a.attnum > 0 AND NOT a.attisdropped
				ORDER BY a.attnum
		LOOP
			IF NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = to_regclass(target) AND a.attname = col.name AND NOT a.attisdropped) THEN
				EXECUTE format('ALTER TABLE %s ADD COLUMN %I %s', target, col.name, col.type);
			END IF;
		END LOOP;
		-- A run that was exported may have been carried on.
		EXECUTE format('DELETE FROM %s WHERE %I = ANY ($1)', target, CASE WHEN source.of_run THEN 'run_id' ELSE source.key END)
			USING CASE WHEN source.of_run THEN ids ELSE versions END;
		EXECUTE (SELECT format('INSERT INTO %s (%s) SELECT %s FROM etl.%I h JOIN unnest($1) AS wanted(id) ON h.%I = wanted.id', target,
				string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum), string_agg('h.' || quote_ident(a.attname), ', ' ORDER BY a.attnum),
				source.name, CASE WHEN source.of_run THEN 'run_id' ELSE source.key END)
			FROM pg_attribute a WHERE a.attrelid = to_regclass('etl.' || source.name) AND a.attnum > 0 AND NOT a.attisdropped)
			USING CASE WHEN source.of_run THEN ids ELSE versions END;
	END LOOP;
	RETURN coalesce(cardinality(ids), 0);
END $$;
REVOKE ALL ON FUNCTION etl.export_history(regnamespace, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION etl.export_history(regnamespace, timestamptz, timestamptz) IS 'Copy the history of runs that have ended in a time to tables of a schema of one''s own, which are dumped as any: etl_run, etl_task_run, etl_event, etl_workflow_version; how many runs that is';

-- COPY JOB: what loads each new file under a prefix, once.

CREATE TABLE etl.copy_job (
	job_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	name text NOT NULL UNIQUE,
	owner regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	table_name regclass NOT NULL,
	uri text NOT NULL,
	format text NOT NULL DEFAULT 'text',
	options jsonb NOT NULL DEFAULT '{}',
	server text NOT NULL,
	statement text,
	auto boolean NOT NULL DEFAULT true,
	created_at timestamptz NOT NULL DEFAULT etl._clock()
);
COMMENT ON TABLE etl.copy_job IS 'Jobs that load each new file under a prefix once. Made by COPY ... JOB CREATE or etl.copy_job_create. Definition; dumped by pg_dump.';
COMMENT ON COLUMN etl.copy_job.job_id IS 'Identity';
COMMENT ON COLUMN etl.copy_job.name IS 'Up to 70 characters';
COMMENT ON COLUMN etl.copy_job.owner IS 'Whose it is; who runs it';
COMMENT ON COLUMN etl.copy_job.table_name IS 'The table that it loads into';
COMMENT ON COLUMN etl.copy_job.uri IS 'The prefix';
COMMENT ON COLUMN etl.copy_job.format IS 'Of the files';
COMMENT ON COLUMN etl.copy_job.options IS 'Those of etl.load, without keys';
COMMENT ON COLUMN etl.copy_job.server IS 'The server of etl_aws that has the files: what etl.aws_server was when the job was made';
COMMENT ON COLUMN etl.copy_job.statement IS 'The COPY that it was made with; null: etl.copy_job_create was called';
COMMENT ON COLUMN etl.copy_job.auto IS 'Runs by itself: workflow copy_job_NAME has its schedule';
COMMENT ON COLUMN etl.copy_job.created_at IS 'When it was made';

CREATE TABLE etl.copy_job_file (
	job_id bigint NOT NULL REFERENCES etl.copy_job ON DELETE CASCADE,
	uri text NOT NULL,
	etag text NOT NULL,
	size bigint NOT NULL,
	last_modified timestamptz NOT NULL,
	status text NOT NULL CHECK (status IN ('existed', 'loaded', 'failed')),
	load_id bigint,
	message text,
	at timestamptz NOT NULL DEFAULT etl._clock(),
	PRIMARY KEY (job_id, uri, etag)
);
COMMENT ON TABLE etl.copy_job_file IS 'The files that a job does not load (again). A file whose row is deleted is loaded by the next run. Dumped by pg_dump.';
COMMENT ON COLUMN etl.copy_job_file.job_id IS 'The job';
COMMENT ON COLUMN etl.copy_job_file.uri IS 'The file';
COMMENT ON COLUMN etl.copy_job_file.etag IS 'Its version: one of the same name with another is loaded, too';
COMMENT ON COLUMN etl.copy_job_file.size IS 'Bytes, as stored';
COMMENT ON COLUMN etl.copy_job_file.last_modified IS 'When it was put';
COMMENT ON COLUMN etl.copy_job_file.status IS 'existed: before the job; loaded; failed: it has records that can''t be loaded, and is tried again when somebody runs the job, not by itself';
COMMENT ON COLUMN etl.copy_job_file.load_id IS 'The load that loaded it, or failed to; null: none';
COMMENT ON COLUMN etl.copy_job_file.message IS 'Of the error that failed it; null: none';
COMMENT ON COLUMN etl.copy_job_file.at IS 'When this was written';
CREATE INDEX copy_job_file_load ON etl.copy_job_file (load_id);
SELECT pg_catalog.pg_extension_config_dump('etl.copy_job', '');
SELECT pg_catalog.pg_extension_config_dump('etl.copy_job_job_id_seq', '');
SELECT pg_catalog.pg_extension_config_dump('etl.copy_job_file', '');

ALTER TABLE etl.copy_job ENABLE ROW LEVEL SECURITY;
CREATE POLICY copy_job_owner ON etl.copy_job USING (pg_catalog.pg_has_role(current_user, owner, 'USAGE'));
ALTER TABLE etl.copy_job_file ENABLE ROW LEVEL SECURITY;
CREATE POLICY copy_job_file_owner ON etl.copy_job_file
	USING (EXISTS (SELECT FROM etl.copy_job j WHERE j.job_id = copy_job_file.job_id AND pg_catalog.pg_has_role(current_user, j.owner, 'USAGE')));
CREATE POLICY copy_job_file_reader ON etl.copy_job_file FOR SELECT
	USING (EXISTS (SELECT FROM etl.copy_job j WHERE j.job_id = copy_job_file.job_id));

-- In C, for the log is to have no statement with keys.
CREATE FUNCTION etl._copy_job_refuse_keys(name text, options jsonb) RETURNS void
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_copy_job_refuse_keys';
REVOKE ALL ON FUNCTION etl._copy_job_refuse_keys(text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl._copy_job_refuse_keys(text, jsonb) IS 'Fails if options of a load bring keys. Internal.';

CREATE FUNCTION etl._copy_job_check() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	refused text;
BEGIN
	IF NOT pg_has_role(current_user, NEW.owner, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('copy job "%s" cannot be given to role "%s"', NEW.name, NEW.owner),
			DETAIL = format('Role "%s" is not a member of it.', current_user),
			HINT = 'Leave the owner out.', TABLE = 'copy_job', COLUMN = 'owner', SCHEMA = 'etl';
	END IF;
	IF NEW.name = '' OR length(NEW.name) > 70 OR NEW.name ~ '[[:cntrl:]]' THEN
		RAISE check_violation USING MESSAGE = format('"%s" is no name for a copy job', NEW.name),
			HINT = 'Give it 1 to 70 characters.', TABLE = 'copy_job', COLUMN = 'name', SCHEMA = 'etl';
	END IF;
	PERFORM etl._copy_job_refuse_keys(NEW.name, NEW.options);
	SELECT o INTO refused FROM unnest('{manifest,maxerror,ignoreallerrors,noload,files}'::text[]) AS o
		WHERE NEW.options ->> o IS DISTINCT FROM NULL AND NEW.options ->> o <> 'false' LIMIT 1;
	IF refused IS NOT NULL THEN
		RAISE feature_not_supported USING MESSAGE = format('copy job "%s" cannot have option "%s"', NEW.name, refused),
			HINT = 'A job loads whole files, those that are found under its prefix.', TABLE = 'copy_job', COLUMN = 'options', SCHEMA = 'etl';
	END IF;
	RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION etl._copy_job_check() FROM PUBLIC;
COMMENT ON FUNCTION etl._copy_job_check() IS 'Refuses a copy job that makes no sense. Trigger.';
CREATE TRIGGER copy_job_check BEFORE INSERT OR UPDATE ON etl.copy_job
	FOR EACH ROW EXECUTE FUNCTION etl._copy_job_check();

-- The workflow of a job that runs by itself. It stays, paused, when the job is not to do that for a while.
CREATE FUNCTION etl._copy_job_schedule() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	flow text := 'copy_job_' || CASE TG_OP WHEN 'DELETE' THEN OLD.name ELSE NEW.name END;
BEGIN
	IF TG_OP = 'DELETE' THEN
		DELETE FROM etl.workflow w WHERE w.name = flow AND w.owner = OLD.owner;
		RETURN NULL;
	END IF;
	UPDATE etl.workflow w SET enabled = NEW.auto WHERE w.name = flow AND w.owner = NEW.owner;
	IF NOT FOUND AND NEW.auto THEN
		INSERT INTO etl.workflow (name, description, owner, schedule, retention)
			VALUES (flow, format('Loads what is new under %s into %s', NEW.uri, NEW.table_name), NEW.owner, '* * * * *', '1 day');
		INSERT INTO etl.task (workflow, name, sql)
			VALUES (flow, 'load', format('SELECT etl.copy_job_run(%L, retry_failed => false)', NEW.name));
	END IF;
	RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION etl._copy_job_schedule() FROM PUBLIC;
COMMENT ON FUNCTION etl._copy_job_schedule() IS 'Keeps the workflow of a copy job that runs by itself. Trigger.';
-- Not when it is inserted: pg_restore inserts its workflow as well.
CREATE TRIGGER copy_job_schedule AFTER DELETE OR UPDATE OF auto ON etl.copy_job
	FOR EACH ROW EXECUTE FUNCTION etl._copy_job_schedule();

CREATE FUNCTION etl._copy_job_objects(uri text, format text, options jsonb, OUT uri_of text, OUT size bigint, OUT etag text, OUT last_modified timestamptz)
	RETURNS SETOF record
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_copy_job_objects';
REVOKE ALL ON FUNCTION etl._copy_job_objects(text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl._copy_job_objects(text, text, jsonb) IS 'The objects that a load with these options would read. Internal.';

CREATE FUNCTION etl.copy_job_create(name text, table_name regclass, uri text, format text DEFAULT 'text', options jsonb DEFAULT '{}',
		auto boolean DEFAULT true, load_existing boolean DEFAULT false, statement text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
DECLARE
	job bigint;
BEGIN
	-- The library is there then, and its settings.
	PERFORM etl._copy_job_refuse_keys(copy_job_create.name, copy_job_create.options);
	INSERT INTO etl.copy_job (name, table_name, uri, format, options, server, auto, statement)
		VALUES (copy_job_create.name, copy_job_create.table_name, copy_job_create.uri, copy_job_create.format, copy_job_create.options,
			current_setting('etl.aws_server'), false, copy_job_create.statement)
		RETURNING job_id INTO job;
	-- Looked at in any case: so it is known now whether the options and the prefix can be read.
	INSERT INTO etl.copy_job_file (job_id, uri, etag, size, last_modified, status)
		SELECT job, o.uri_of, o.etag, o.size, o.last_modified, 'existed'
		FROM etl._copy_job_objects(copy_job_create.uri, copy_job_create.format, copy_job_create.options) o
		WHERE NOT copy_job_create.load_existing;
	IF copy_job_create.auto THEN
		UPDATE etl.copy_job j SET auto = true WHERE j.job_id = job;
	END IF;
	RETURN job;
END $$;
REVOKE ALL ON FUNCTION etl.copy_job_create(text, regclass, text, text, jsonb, boolean, boolean, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.copy_job_create(text, regclass, text, text, jsonb, boolean, boolean, text)
	IS 'Have each file that is put under the prefix from now on loaded once; what COPY ... JOB CREATE calls. Returns the job''s id.';

CREATE FUNCTION etl.copy_job_run(name text, retry_failed boolean DEFAULT true) RETURNS bigint
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_copy_job_run';
REVOKE ALL ON FUNCTION etl.copy_job_run(text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION etl.copy_job_run(text, boolean) IS 'Load the files that a copy job has not loaded yet; what COPY JOB RUN calls. Returns the number of rows.';

CREATE FUNCTION etl._copy_job_id(name text) RETURNS bigint
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	job bigint;
BEGIN
	SELECT j.job_id INTO job FROM etl.copy_job j WHERE j.name = _copy_job_id.name;
	IF job IS NULL THEN
		RAISE undefined_object USING MESSAGE = format('there is no copy job "%s"', name), HINT = 'COPY JOB LIST shows those there are.';
	END IF;
	RETURN job;
END $$;
REVOKE ALL ON FUNCTION etl._copy_job_id(text) FROM PUBLIC;
COMMENT ON FUNCTION etl._copy_job_id(text) IS 'The id of a copy job that the current user may see. Internal.';

CREATE FUNCTION etl.copy_job_alter(name text, auto boolean) RETURNS void
	LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
#variable_conflict use_column
BEGIN
	UPDATE etl.copy_job j SET auto = copy_job_alter.auto WHERE j.job_id = etl._copy_job_id(copy_job_alter.name);
END $$;
REVOKE ALL ON FUNCTION etl.copy_job_alter(text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION etl.copy_job_alter(text, boolean) IS 'Have a copy job run by itself, or no more; what COPY JOB ALTER calls';

CREATE FUNCTION etl.copy_job_drop(name text) RETURNS void
	LANGUAGE plpgsql STRICT SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM etl.copy_job j WHERE j.job_id = etl._copy_job_id(copy_job_drop.name);
END $$;
REVOKE ALL ON FUNCTION etl.copy_job_drop(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.copy_job_drop(text) IS 'Remove a copy job, its schedule and what is known of its files; what COPY JOB DROP calls. What was loaded stays.';

CREATE FUNCTION etl.copy_job_show(name text, OUT job_id bigint, OUT job_name text, OUT owner regrole, OUT table_name regclass, OUT uri text,
		OUT format text, OUT options jsonb, OUT server text, OUT auto boolean, OUT created_at timestamptz, OUT files_loaded bigint, OUT files_failed bigint,
		OUT last_loaded_at timestamptz)
	LANGUAGE sql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
	SELECT j.job_id, j.name, j.owner, j.table_name, j.uri, j.format, j.options, j.server, j.auto, j.created_at,
			(SELECT count(*) FROM etl.copy_job_file f WHERE f.job_id = j.job_id AND f.status = 'loaded'),
			(SELECT count(*) FROM etl.copy_job_file f WHERE f.job_id = j.job_id AND f.status = 'failed'),
			(SELECT max(f.at) FROM etl.copy_job_file f WHERE f.job_id = j.job_id AND f.status = 'loaded')
		FROM etl.copy_job j WHERE j.job_id = etl._copy_job_id(copy_job_show.name)
$$;
REVOKE ALL ON FUNCTION etl.copy_job_show(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.copy_job_show(text) IS 'A copy job, with how many files it has loaded; what COPY JOB SHOW calls';

CREATE VIEW redshift.sys_copy_job WITH (security_invoker = true) AS
	SELECT j.job_id, j.name::varchar(128) AS job_name, (j.options ->> 'iam_role')::varchar(128) AS iam_role,
		coalesce(j.statement, '')::varchar(256) AS job_text, j.auto::integer AS is_auto, 0 AS on_error_suspend
	FROM etl.copy_job j;
COMMENT ON VIEW redshift.sys_copy_job IS 'Copy jobs, as Redshift shows them';
COMMENT ON COLUMN redshift.sys_copy_job.job_id IS 'Identity';
COMMENT ON COLUMN redshift.sys_copy_job.job_name IS 'The name';
COMMENT ON COLUMN redshift.sys_copy_job.iam_role IS 'The role that the COPY names';
COMMENT ON COLUMN redshift.sys_copy_job.job_text IS 'The COPY';
COMMENT ON COLUMN redshift.sys_copy_job.is_auto IS '1: it runs by itself';
COMMENT ON COLUMN redshift.sys_copy_job.on_error_suspend IS '0';

CREATE VIEW redshift.sys_copy_job_detail WITH (security_invoker = true) AS
	SELECT j.owner::oid::integer AS user_id, current_database()::text AS database_name, j.job_id::integer AS job_id, j.name AS job_name,
		split_part(f.uri, '/', 3) AS file_location, substr(f.uri, length(split_part(f.uri, '/', 3)) + 7) AS file_name,
		f.size AS file_size, f.etag AS file_etag, coalesce(j.statement, '')::varchar(256) AS job_text,
		(f.last_modified AT TIME ZONE 'UTC')::timestamp AS modification_time, (f.at AT TIME ZONE 'UTC')::timestamp AS enqueue_time,
		CASE f.status WHEN 'loaded' THEN 'I' ELSE 'E' END::char(1) AS status
	FROM etl.copy_job_file f JOIN etl.copy_job j USING (job_id) WHERE f.status <> 'existed';
COMMENT ON VIEW redshift.sys_copy_job_detail IS 'The files that copy jobs have loaded or failed to, as Redshift shows them';
COMMENT ON COLUMN redshift.sys_copy_job_detail.user_id IS 'The job''s owner';
COMMENT ON COLUMN redshift.sys_copy_job_detail.database_name IS 'The database';
COMMENT ON COLUMN redshift.sys_copy_job_detail.job_id IS 'The job';
COMMENT ON COLUMN redshift.sys_copy_job_detail.job_name IS 'Its name';
COMMENT ON COLUMN redshift.sys_copy_job_detail.file_location IS 'The bucket';
COMMENT ON COLUMN redshift.sys_copy_job_detail.file_name IS 'The key';
COMMENT ON COLUMN redshift.sys_copy_job_detail.file_size IS 'Bytes, as stored';
COMMENT ON COLUMN redshift.sys_copy_job_detail.file_etag IS 'Its ETag';
COMMENT ON COLUMN redshift.sys_copy_job_detail.job_text IS 'The COPY';
COMMENT ON COLUMN redshift.sys_copy_job_detail.modification_time IS 'When it was put, in UTC';
COMMENT ON COLUMN redshift.sys_copy_job_detail.enqueue_time IS 'When it was loaded, in UTC';
COMMENT ON COLUMN redshift.sys_copy_job_detail.status IS 'I: ingested; E: it has records that can''t be loaded';

CREATE VIEW redshift.sys_copy_job_info WITH (security_invoker = true) AS
	SELECT j.job_id, j.name::varchar(128) AS job_name, current_database()::varchar(128) AS database_name,
		(f.at AT TIME ZONE 'UTC')::timestamp AS record_time, (f.uri || ': ' || f.message)::varchar(512) AS message
	FROM etl.copy_job_file f JOIN etl.copy_job j USING (job_id) WHERE f.status = 'failed';
COMMENT ON VIEW redshift.sys_copy_job_info IS 'The errors of copy jobs, as Redshift shows them';
COMMENT ON COLUMN redshift.sys_copy_job_info.job_id IS 'The job';
COMMENT ON COLUMN redshift.sys_copy_job_info.job_name IS 'Its name';
COMMENT ON COLUMN redshift.sys_copy_job_info.database_name IS 'The database';
COMMENT ON COLUMN redshift.sys_copy_job_info.record_time IS 'When it failed, in UTC';
COMMENT ON COLUMN redshift.sys_copy_job_info.message IS 'The file, and why';

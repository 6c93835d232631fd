-- What steps do: statements and scripts, here or on a connection, and jobs.

CREATE PROCEDURE etl.execute(sql text, connection text DEFAULT NULL, parameters jsonb DEFAULT '{}')
	LANGUAGE c AS 'MODULE_PATHNAME', 'pg_etl_execute';
REVOKE ALL ON PROCEDURE etl.execute(text, text, jsonb) FROM PUBLIC;
COMMENT ON PROCEDURE etl.execute(text, text, jsonb) IS 'runs Redshift statements: here, translated, or as they are on a connection';

CREATE PROCEDURE etl.run_script(uri text, parameters jsonb DEFAULT '{}', connection text DEFAULT NULL)
	LANGUAGE c AS 'MODULE_PATHNAME', 'pg_etl_run_script';
REVOKE ALL ON PROCEDURE etl.run_script(text, jsonb, text) FROM PUBLIC;
COMMENT ON PROCEDURE etl.run_script(text, jsonb, text) IS 'runs the Redshift script at s3://...: here, translated, or as it is on a connection';

CREATE FUNCTION etl.execute_statement(sql text) RETURNS bigint
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_execute_statement';
REVOKE ALL ON FUNCTION etl.execute_statement(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.execute_statement(text) IS 'runs Redshift statements here, translated, and returns the number of rows they affected or returned; what connections from another server use';

CREATE FUNCTION etl.query(sql text, connection text DEFAULT NULL) RETURNS SETOF jsonb
	LANGUAGE c AS 'MODULE_PATHNAME', 'pg_etl_query';
REVOKE ALL ON FUNCTION etl.query(text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.query(text, text) IS 'the rows of a Redshift query, here or on a connection, each as a JSON object';

-- What a step loads and unloads is of its run.
ALTER TABLE etl.load_history ALTER run_id SET DEFAULT etl._current_run();
ALTER TABLE etl.unload_history ALTER run_id SET DEFAULT etl._current_run();

CREATE TABLE etl.job
(
	name text PRIMARY KEY CHECK (name <> ''),
	kind text NOT NULL DEFAULT 'sql_script' CHECK (kind IN ('sql_script')),
	default_arguments jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(default_arguments) = 'object'),
	owner regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	description text
);
COMMENT ON TABLE etl.job IS 'what arn:aws:states:::glue:startJobRun.sync starts: jobs by the names that AWS Glue would know them by';
COMMENT ON COLUMN etl.job.name IS 'the JobName of a step''s arguments';
COMMENT ON COLUMN etl.job.kind IS 'sql_script: takes --db, --db_creds, --bucket and --file, and runs that file''s statements one by one on the warehouse that secret --db_creds describes';
COMMENT ON COLUMN etl.job.default_arguments IS 'arguments, such as {"--db": "dev"}, that a step may override';
COMMENT ON COLUMN etl.job.owner IS 'who may see, change and run it';
COMMENT ON COLUMN etl.job.description IS 'for people';
SELECT pg_catalog.pg_extension_config_dump('etl.job', '');

ALTER TABLE etl.job ENABLE ROW LEVEL SECURITY;
CREATE POLICY job_owner ON etl.job USING (pg_catalog.pg_has_role(current_user, owner, 'USAGE'));

CREATE FUNCTION etl._job_check() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	problem text;
	remedy text;
	col text;
BEGIN
	IF NOT pg_has_role(current_user, NEW.owner, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('job "%s" cannot be given to role "%s"', NEW.name, NEW.owner),
			DETAIL = format('Role "%s" is not a member of it.', current_user),
			HINT = format('Name a role that you are a member of, or have GRANT %s TO %I run.', NEW.owner, current_user),
			TABLE = 'job', COLUMN = 'owner', SCHEMA = 'etl';
	END IF;
	IF NEW.name = '' THEN
		problem := 'has an empty name'; col := 'name';
		remedy := 'Give the name that steps know it by, their JobName.';
	ELSIF NEW.kind <> 'sql_script' THEN
		problem := format('has kind "%s"', NEW.kind); col := 'kind';
		remedy := 'Use sql_script.';
	ELSIF jsonb_typeof(NEW.default_arguments) <> 'object' THEN
		problem := 'has default_arguments that are not a JSON object'; col := 'default_arguments';
		remedy := 'Give them as {"--name": "value", ...}.';
	ELSE
		RETURN NEW;
	END IF;
	RAISE check_violation USING MESSAGE = format('job "%s" %s', NEW.name, problem), HINT = remedy,
		TABLE = 'job', COLUMN = col, SCHEMA = 'etl';
END $$;
REVOKE ALL ON FUNCTION etl._job_check() FROM PUBLIC;
COMMENT ON FUNCTION etl._job_check() IS 'Refuses a job that makes no sense. Trigger.';
CREATE TRIGGER job_check BEFORE INSERT OR UPDATE ON etl.job
	FOR EACH ROW EXECUTE FUNCTION etl._job_check();

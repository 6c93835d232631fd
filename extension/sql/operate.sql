-- Operating workflows: what their owners and operators may do to them alike.

CREATE FUNCTION etl.pause_workflow(name text) RETURNS boolean
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_pause_workflow';
REVOKE ALL ON FUNCTION etl.pause_workflow(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.pause_workflow(text) IS 'Queue no more runs of a workflow, by its schedule or by anybody; runs that are queued go on. False if it was paused already.';

CREATE FUNCTION etl.resume_workflow(name text) RETURNS boolean
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_resume_workflow';
REVOKE ALL ON FUNCTION etl.resume_workflow(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.resume_workflow(text) IS 'Have a paused workflow run again; its catchup says what becomes of moments that its schedule has missed. False if it was not paused.';

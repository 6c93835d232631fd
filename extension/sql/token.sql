-- Steps that somebody outside ends: with their token, or, for operators, by run and task.

CREATE FUNCTION etl.complete_task(token text, output jsonb DEFAULT '{}') RETURNS void
	LANGUAGE c AS 'MODULE_PATHNAME', 'pg_etl_complete_task';
REVOKE ALL ON FUNCTION etl.complete_task(text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl.complete_task(text, jsonb) IS 'End the step that has this task token with success, when the transaction commits. Whoever has the token may (Step Functions'' SendTaskSuccess).';

CREATE FUNCTION etl.fail_task(token text, error text, cause text DEFAULT NULL) RETURNS void
	LANGUAGE c AS 'MODULE_PATHNAME', 'pg_etl_fail_task';
REVOKE ALL ON FUNCTION etl.fail_task(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.fail_task(text, text, text) IS 'Fail the attempt that has this task token, when the transaction commits; error is its message, cause its DETAIL (Step Functions'' SendTaskFailure)';

CREATE FUNCTION etl.heartbeat_task(token text) RETURNS void
	LANGUAGE c AS 'MODULE_PATHNAME', 'pg_etl_heartbeat_task';
REVOKE ALL ON FUNCTION etl.heartbeat_task(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.heartbeat_task(text) IS 'Say that the step that has this task token is still being worked on, when the transaction commits (Step Functions'' SendTaskHeartbeat)';

CREATE FUNCTION etl.complete_step(run_id bigint, task text, output jsonb DEFAULT '{}') RETURNS void
	LANGUAGE c AS 'MODULE_PATHNAME', 'pg_etl_complete_step';
REVOKE ALL ON FUNCTION etl.complete_step(bigint, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl.complete_step(bigint, text, jsonb) IS 'etl.complete_task for who has not the token but may cancel the run';

CREATE FUNCTION etl.fail_step(run_id bigint, task text, error text, cause text DEFAULT NULL) RETURNS void
	LANGUAGE c AS 'MODULE_PATHNAME', 'pg_etl_fail_step';
REVOKE ALL ON FUNCTION etl.fail_step(bigint, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.fail_step(bigint, text, text, text) IS 'etl.fail_task for who has not the token but may cancel the run';

-- Pictures of workflows and runs.

CREATE FUNCTION etl._duration_in_words(seconds double precision) RETURNS text
	LANGUAGE c STRICT IMMUTABLE AS 'MODULE_PATHNAME', 'pg_etl_duration_in_words';
REVOKE ALL ON FUNCTION etl._duration_in_words(double precision) FROM PUBLIC;
COMMENT ON FUNCTION etl._duration_in_words(double precision) IS '12 ms, 1.23 s, 3 min 05 s, 2 h 03 min. Internal.';

CREATE FUNCTION etl.graph(workflow text) RETURNS text
	LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'pg_etl_graph_workflow';
REVOKE ALL ON FUNCTION etl.graph(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.graph(text) IS 'A workflow''s tasks and what depends on what, drawn in text. In psql: \g (format=unaligned) shows it as it is.';

CREATE FUNCTION etl.graph(run_id bigint) RETURNS text
	LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'pg_etl_graph_run';
REVOKE ALL ON FUNCTION etl.graph(bigint) FROM PUBLIC;
COMMENT ON FUNCTION etl.graph(bigint) IS 'A run drawn in text, with the status, time and rows, or the error, of each of its tasks';

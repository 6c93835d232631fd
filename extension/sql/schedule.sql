-- Schedules: when a workflow runs.

CREATE FUNCTION etl.next_runs(schedule text, timezone text DEFAULT 'UTC', n integer DEFAULT 5,
		after timestamptz DEFAULT now()) RETURNS SETOF timestamptz
	LANGUAGE c STRICT STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_etl_next_runs';
REVOKE ALL ON FUNCTION etl.next_runs(text, text, integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION etl.next_runs(text, text, integer, timestamptz) IS 'The next n moments a schedule names by the clocks of a time zone, later than the given one; a rate(…) counts from that one';

CREATE FUNCTION etl._schedule_check(schedule text, timezone text) RETURNS void
	LANGUAGE c STRICT STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_etl_schedule_check';
REVOKE ALL ON FUNCTION etl._schedule_check(text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl._schedule_check(text, text) IS 'An error (22023) if the schedule or the time zone is not valid. Internal.';

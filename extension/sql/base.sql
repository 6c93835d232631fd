-- What every module may use.

CREATE FUNCTION etl._clock() RETURNS timestamptz
	LANGUAGE c STRICT VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_clock';
REVOKE ALL ON FUNCTION etl._clock() FROM PUBLIC;
COMMENT ON FUNCTION etl._clock() IS 'What time it is by the engine''s clock, which tests can set. Internal.';

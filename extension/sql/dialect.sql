-- dialect: what Redshift's SQL becomes here

CREATE FUNCTION etl.translate(sql text) RETURNS text
	LANGUAGE c IMMUTABLE STRICT PARALLEL SAFE
	AS 'MODULE_PATHNAME', 'pg_etl_translate';
REVOKE ALL ON FUNCTION etl.translate(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.translate(text) IS
	'a script in Redshift''s dialect as the PostgreSQL statements that run in its place';

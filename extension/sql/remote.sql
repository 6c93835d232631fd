-- Other servers: connections to a warehouse.

CREATE FUNCTION etl.warehouse_validator(options text[], catalog oid) RETURNS void
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_warehouse_validator';
REVOKE ALL ON FUNCTION etl.warehouse_validator(text[], oid) FROM PUBLIC;
COMMENT ON FUNCTION etl.warehouse_validator(text[], oid) IS 'checks the options of etl_warehouse servers and their user mappings';

CREATE FOREIGN DATA WRAPPER etl_warehouse VALIDATOR etl.warehouse_validator;
COMMENT ON FOREIGN DATA WRAPPER etl_warehouse IS 'connections to Amazon Redshift or PostgreSQL that statements are sent to';

-- external: external schemas and tables, and the partitions that are registered.

CREATE FUNCTION etl.external_handler() RETURNS fdw_handler
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_external_handler';
REVOKE ALL ON FUNCTION etl.external_handler() FROM PUBLIC;
COMMENT ON FUNCTION etl.external_handler() IS 'Handler of foreign-data wrapper etl_external';

CREATE FUNCTION etl.external_validator(text[], oid) RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_external_validator';
REVOKE ALL ON FUNCTION etl.external_validator(text[], oid) FROM PUBLIC;
COMMENT ON FUNCTION etl.external_validator(text[], oid) IS 'Validator of foreign-data wrapper etl_external';

CREATE FOREIGN DATA WRAPPER etl_external HANDLER etl.external_handler VALIDATOR etl.external_validator;
COMMENT ON FOREIGN DATA WRAPPER etl_external IS 'Reads files of the object store as tables: what CREATE EXTERNAL TABLE makes';
CREATE SERVER etl_external FOREIGN DATA WRAPPER etl_external;
COMMENT ON SERVER etl_external IS 'The server of every external table; USAGE on it allows making them';

CREATE TABLE etl.external_schema (
	schema_name regnamespace PRIMARY KEY,
	database text,
	region text,
	iam_role text,
	catalog_role text,
	catalog_id text
);
COMMENT ON TABLE etl.external_schema IS 'Schemas made by CREATE EXTERNAL SCHEMA';
COMMENT ON COLUMN etl.external_schema.schema_name IS 'The schema';
COMMENT ON COLUMN etl.external_schema.database IS 'Database of the data catalog that it stands for';
COMMENT ON COLUMN etl.external_schema.region IS 'Region of the files; null: the server''s';
COMMENT ON COLUMN etl.external_schema.iam_role IS 'Role that reads the files; null or default: the server''s own credentials';
COMMENT ON COLUMN etl.external_schema.catalog_role IS 'Role that reads the data catalog';
COMMENT ON COLUMN etl.external_schema.catalog_id IS 'AWS account that the data catalog belongs to';
SELECT pg_catalog.pg_extension_config_dump('etl.external_schema', '');

CREATE TABLE etl.external_partition (
	table_name regclass NOT NULL,
	"values" jsonb NOT NULL CHECK (pg_catalog.jsonb_typeof("values") = 'object'),
	location text NOT NULL,
	registered_at timestamptz NOT NULL DEFAULT pg_catalog.now(),
	PRIMARY KEY (table_name, "values")
);
COMMENT ON TABLE etl.external_partition IS 'Registered partitions of external tables: only these are read';
COMMENT ON COLUMN etl.external_partition.table_name IS 'The external table';
COMMENT ON COLUMN etl.external_partition."values" IS 'Value of each partition column, as text; null: NULL';
COMMENT ON COLUMN etl.external_partition.location IS 'Folder of its files, whatever it is called';
COMMENT ON COLUMN etl.external_partition.registered_at IS 'When it was added';
SELECT pg_catalog.pg_extension_config_dump('etl.external_partition', '');

CREATE FUNCTION etl.create_external_schema(name text, if_not_exists boolean DEFAULT false, options jsonb DEFAULT '{}')
RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_create_external_schema';
REVOKE ALL ON FUNCTION etl.create_external_schema(text, boolean, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl.create_external_schema(text, boolean, jsonb)
	IS 'Make an external schema; options: database, region, iam_role, catalog_role, catalog_id. What CREATE EXTERNAL SCHEMA calls.';

CREATE FUNCTION etl.add_partition(table_name regclass, "values" jsonb, location text, if_not_exists boolean DEFAULT false)
RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_add_partition';
REVOKE ALL ON FUNCTION etl.add_partition(regclass, jsonb, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION etl.add_partition(regclass, jsonb, text, boolean)
	IS 'Register a partition of an external table. What ALTER TABLE ... ADD PARTITION calls.';

CREATE FUNCTION etl.drop_partition(table_name regclass, "values" jsonb)
RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_drop_partition';
REVOKE ALL ON FUNCTION etl.drop_partition(regclass, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl.drop_partition(regclass, jsonb)
	IS 'Forget a partition of an external table; its files stay. What ALTER TABLE ... DROP PARTITION calls.';

CREATE FUNCTION etl.set_partition_location(table_name regclass, "values" jsonb, location text)
RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_set_partition_location';
REVOKE ALL ON FUNCTION etl.set_partition_location(regclass, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.set_partition_location(regclass, jsonb, text)
	IS 'Say where a partition''s files are. What ALTER TABLE ... PARTITION ... SET LOCATION calls.';

CREATE FUNCTION etl.drop_table(names text[], if_exists boolean DEFAULT false, cascade boolean DEFAULT false)
RETURNS void
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_drop_table';
REVOKE ALL ON FUNCTION etl.drop_table(text[], boolean, boolean) FROM PUBLIC;
COMMENT ON FUNCTION etl.drop_table(text[], boolean, boolean)
	IS 'Drop tables, ordinary or external. What DROP TABLE calls, which on Redshift drops both.';

-- The rows above go with their table or schema. Runs in everybody's DROP, so it does this one thing.
CREATE FUNCTION etl.forget_dropped() RETURNS event_trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
	DELETE FROM etl.external_partition p USING pg_catalog.pg_event_trigger_dropped_objects() d
	 WHERE d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.objsubid = 0 AND p.table_name = d.objid;
	DELETE FROM etl.external_schema s USING pg_catalog.pg_event_trigger_dropped_objects() d
	 WHERE d.classid = 'pg_catalog.pg_namespace'::pg_catalog.regclass AND s.schema_name = d.objid;
END
$$;
REVOKE ALL ON FUNCTION etl.forget_dropped() FROM PUBLIC;
COMMENT ON FUNCTION etl.forget_dropped() IS 'Removes the partitions of dropped external tables and the entries of dropped external schemas';
CREATE EVENT TRIGGER etl_forget_dropped ON sql_drop EXECUTE FUNCTION etl.forget_dropped();
COMMENT ON EVENT TRIGGER etl_forget_dropped IS 'pg_etl: removes the partitions of dropped external tables';

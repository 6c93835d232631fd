-- external tables, in local mode.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');

SELECT etl.create_external_schema('ext', false, '{"database": "sales", "iam_role": "default", "create_database": true}');
SELECT etl.create_external_schema('ext', true, '{}');
SELECT etl.create_external_schema('ext', false, '{}');
SELECT etl.create_external_schema('ext2', false, '{"databse": "x"}');
SELECT * FROM etl.external_schema;

CREATE FOREIGN TABLE ext.sales (id int, name varchar(10), price numeric(6,2), day date, region text) SERVER etl_external
	OPTIONS (location 's3://ext/sales/', format 'text', field_delimiter '|', partition_columns '["day", "region"]');
SELECT etl.s3_put('s3://ext/sales/day=2008-01/a', E'1|one|1.5\n2||\n') \gset
SELECT etl.s3_put('s3://ext/sales/day=2008-01/deep/b', E'3|three|3|extra\n4\n') \gset
SELECT etl.s3_put('s3://ext/sales/day=2008-01/_SUCCESS', 'x') \gset
SELECT etl.s3_put('s3://ext/sales/day=2008-01/.hidden', 'x') \gset
SELECT etl.s3_put('s3://ext/sales/day=2008-01/#tmp', 'x') \gset
SELECT etl.s3_put('s3://ext/sales/day=2008-01/old~', 'x') \gset
SELECT etl.s3_put('s3://ext/sales/day=2008-01/_temporary/0/c', 'x') \gset
SELECT etl.s3_put('s3://ext/sales/day=2008-012/a', E'666|a sibling whose name begins alike|0\n') \gset
SELECT etl.s3_put('s3://ext/elsewhere/feb', E'5|five|5\n') \gset
SELECT etl.s3_put('s3://ext/sales/day=2008-03/a', E'7|never registered|5\n') \gset

-- only registered partitions are read; the value is the registered one
SELECT count(*) FROM ext.sales;
SELECT etl.add_partition('ext.sales', '{"day": "2008-1-1", "region": "eu"}', 's3://ext/sales/day=2008-01');
SELECT etl.add_partition('ext.sales', '{"region": "us", "day": "2008-02-01"}', 's3://ext/elsewhere/');
SELECT * FROM ext.sales ORDER BY id;
SELECT table_name, "values", location FROM etl.external_partition ORDER BY "values";
SELECT etl.add_partition('ext.sales', '{"day": "2008-01-01", "region": "eu"}', 's3://ext/other/');
SELECT etl.add_partition('ext.sales', '{"day": "2008-01-01", "region": "eu"}', 's3://ext/other/', true);
SELECT etl.add_partition('ext.sales', '{"day": "2008-01-01"}', 's3://ext/other/');
SELECT etl.add_partition('ext.sales', '{"day": "2008-01-01", "regio": "eu"}', 's3://ext/other/');
SELECT etl.add_partition('ext.sales', '{"day": "January", "region": "eu"}', 's3://ext/other/');
SELECT etl.add_partition('ext.sales', '{"day": "2008-03-01", "region": "eu"}', 'ext/other');
SELECT etl.add_partition('pg_class', '{"day": "2008-03-01"}', 's3://ext/other/');
SELECT etl.drop_partition('ext.sales', '{"day": "2008-03-01", "region": "eu"}');
SELECT etl.set_partition_location('ext.sales', '{"day": "2008-03-01", "region": "eu"}', 's3://ext/other/');

-- partitions are pruned before anything is listed
EXPLAIN (COSTS off) SELECT * FROM ext.sales WHERE day >= '2008-02-01';
EXPLAIN (COSTS off, ANALYZE, TIMING off, SUMMARY off) SELECT * FROM ext.sales WHERE day >= '2008-02-01';
EXPLAIN (COSTS off, ANALYZE, TIMING off, SUMMARY off) SELECT * FROM ext.sales WHERE day = (SELECT date '2008-01-01') AND id > 1;
EXPLAIN (COSTS off) SELECT * FROM ext.sales WHERE day > now();
SET plan_cache_mode = force_generic_plan;
PREPARE p (text) AS SELECT count(*) FROM ext.sales WHERE region = $1;
EXPLAIN (COSTS off) EXECUTE p ('us');
EXECUTE p ('us');
EXECUTE p ('eu');
DEALLOCATE p;
RESET plan_cache_mode;
-- rescans, early stops, joins
SELECT x, (SELECT count(*) FROM ext.sales WHERE region = x) FROM (VALUES ('eu'), ('us'), ('xx')) v (x);
SELECT id FROM ext.sales LIMIT 1;
SELECT s FROM ext.sales s WHERE id = 1;
SELECT etl.set_partition_location('ext.sales', '{"day": "2008-02-01", "region": "us"}', 's3://ext/sales/day=2008-012');
SELECT id, day FROM ext.sales WHERE region = 'us';
SELECT etl.set_partition_location('ext.sales', '{"day": "2008-02-01", "region": "us"}', 's3://ext/elsewhere');
SELECT id, day FROM ext.sales WHERE region = 'us';
SELECT etl.drop_partition('ext.sales', '{"day": "2008-02-01", "region": "us"}');
SELECT count(*) FROM ext.sales;

-- a bad value is an error that says where, where it is needed
SELECT etl.s3_put('s3://ext/bad/a', E'h1|h2\nNULL|a\n1|b\nx1|c\n') \gset
CREATE FOREIGN TABLE ext.bad (id int, name text) SERVER etl_external
	OPTIONS (location 's3://ext/bad', field_delimiter '|', table_properties '{"skip.header.line.count": "1", "serialization.null.format": "NULL", "numRows": "3"}');
SELECT * FROM ext.bad;
SELECT name FROM ext.bad;
EXPLAIN SELECT * FROM ext.bad;
-- OpenCSV, gzip by name
CREATE FOREIGN TABLE ext.csv (id int, name text) SERVER etl_external
	OPTIONS (location 's3://ext/csv', format 'opencsv', serde_properties '{"separatorChar": ";", "quoteChar": "''", "escapeChar": "\\"}');
SELECT etl.s3_put('s3://ext/csv/a', E'1;''a;b''\n2;c\n') \gset
SELECT etl.unload('SELECT 3, ''zipped''', 's3://ext/csv/z', 'text', '{"gzip": true, "delimiter": ";"}');
SELECT * FROM ext.csv ORDER BY id;
-- formats that aren't read yet: defined, explained, refused when scanned
CREATE FOREIGN TABLE ext.parquet (id int) SERVER etl_external OPTIONS (location 's3://ext/p/', format 'parquet', serde 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe');
EXPLAIN (COSTS off) SELECT * FROM ext.parquet;
SELECT * FROM ext.parquet;
CREATE FOREIGN TABLE ext.manifest (id int) SERVER etl_external OPTIONS (location 's3://ext/bad/a');
SELECT * FROM ext.manifest;
CREATE FOREIGN TABLE ext.empty (id int) SERVER etl_external OPTIONS (location 's3://ext/nothing/');
SELECT * FROM ext.empty;
-- the validator
CREATE FOREIGN TABLE ext.no (id int) SERVER etl_external;
CREATE FOREIGN TABLE ext.no (id int) SERVER etl_external OPTIONS (location '/etc');
CREATE FOREIGN TABLE ext.no (id int) SERVER etl_external OPTIONS (location 's3://ext/x', format 'excel');
CREATE FOREIGN TABLE ext.no (id int) SERVER etl_external OPTIONS (location 's3://ext/x', colour 'red');
CREATE FOREIGN TABLE ext.no (id int) SERVER etl_external OPTIONS (location 's3://ext/x', partition_columns '{}');
CREATE SERVER no FOREIGN DATA WRAPPER etl_external OPTIONS (a 'b');

-- rights
CREATE ROLE regress_ext;
GRANT USAGE ON SCHEMA etl, ext TO regress_ext;
GRANT USAGE ON FOREIGN SERVER aws TO regress_ext;
GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA etl TO regress_ext;
GRANT SELECT ON ext.sales TO regress_ext;
SET ROLE regress_ext;
SELECT count(*) FROM ext.sales;
SELECT count(*) FROM ext.bad;
SELECT etl.add_partition('ext.sales', '{"day": "2009-01-01", "region": "eu"}', 's3://ext/sales/x');
SELECT etl.drop_table('{ext.sales}');
RESET ROLE;

-- what is registered goes with the table
CREATE TABLE plain (id int);
CREATE VIEW plain_view AS SELECT * FROM plain;
SELECT etl.drop_table('{ext.sales, plain}');
SELECT etl.drop_table('{nowhere.t, ext.nothing}');
SELECT etl.drop_table('{plain_view}');
SELECT etl.drop_table('{nowhere.t, ext.nothing, ext.sales, plain}', true, true);
SELECT count(*) FROM etl.external_partition;
DROP SCHEMA ext CASCADE;
SELECT count(*) FROM etl.external_schema;
DROP OWNED BY regress_ext;
DROP ROLE regress_ext;
DELETE FROM etl.unload_history;
DROP SERVER aws;

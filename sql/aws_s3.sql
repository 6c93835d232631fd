-- Extension pg_etl_aws_s3: the functions that Amazon RDS has.
\getenv root ETL_TEST_ROOT
SET client_min_messages = warning;
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
CREATE EXTENSION pg_etl_aws_s3;
CREATE TABLE t (id int, name text);
SELECT aws_commons.create_s3_uri('rds-data', 'in/a', 'us-west-2') AS uri \gset
SELECT :'uri';
SELECT etl.s3_put('s3://rds-data/in/a', E'id,name\n1,x\n2,\n'), etl.s3_put('s3://rds-data/in/ab', E'no such thing') \gset

SELECT aws_s3.table_import_from_s3('t', '', '(format csv, header true)', :'uri');
SELECT aws_s3.table_import_from_s3('t', 'name', 'DELIMITER ''|''', 'rds-data', 'in/ab', 'us-west-2');
SELECT aws_s3.table_import_from_s3('public.t', 'id, name', '(format csv, header true)',
	aws_commons.create_s3_uri('rds-data', 'in/a', ''), aws_commons.create_aws_credentials('AKIA', 'SECRETSECRET', ''));
SELECT id, name, name IS NULL AS null FROM t ORDER BY id, name;

SELECT * FROM aws_s3.query_export_to_s3('SELECT * FROM t ORDER BY id, name', aws_commons.create_s3_uri('rds-data', 'out/a.csv', 'us-west-2'),
	options := 'format csv, delimiter $$:$$');
SELECT * FROM aws_s3.query_export_to_s3('SELECT * FROM t ORDER BY id, name', aws_commons.create_s3_uri('rds-data', 'out/a.csv', 'us-west-2'),
	options := '(format csv, delimiter $$;$$)');
SELECT * FROM aws_s3.query_export_to_s3('SELECT 1', 'rds-data', 'out/a.csv', 'us-west-2', '(format text)');
SELECT uri, etl.s3_fetch_text(uri) FROM etl.s3_list('s3://rds-data/out/');

\set VERBOSITY terse
SELECT aws_s3.table_import_from_s3('t', '', '(format csv)', 'rds-data', 'in/none', '');
SELECT aws_s3.table_import_from_s3('none', '', '(format csv)', 'rds-data', 'in/a', '');
SELECT aws_s3.table_import_from_s3('t', 'id) FROM STDIN; SELECT (1', '(format csv)', 'rds-data', 'in/a', '');
SELECT aws_s3.table_import_from_s3('t', '', '(colour red)', 'rds-data', 'in/a', '');
SELECT aws_s3.table_import_from_s3('t', '', '(format csv) WHERE id > 1', 'rds-data', 'in/a', '');
SELECT aws_s3.table_import_from_s3('t', '', '(format csv)', 'rds-data', 'in/a', '', 'AKIA', 'SECRETSECRET', '', 'http://x');
SELECT * FROM aws_s3.query_export_to_s3('DELETE FROM t', 'rds-data', 'out/b');

-- rights
SELECT p.oid::regprocedure FROM pg_proc p WHERE pronamespace IN ('aws_s3'::regnamespace, 'aws_commons'::regnamespace)
	AND has_function_privilege('public', p.oid, 'EXECUTE');
DROP EXTENSION pg_etl_aws_s3;
DROP TABLE t;
DELETE FROM etl.load_history;
DELETE FROM etl.unload_history;
DELETE FROM etl.load_error;
DROP SERVER aws;

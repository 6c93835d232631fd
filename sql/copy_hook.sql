-- PostgreSQL's own COPY of objects: what it reads and writes is what COPY of a file does.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET client_min_messages = warning;
CREATE TABLE t (id int, name varchar(5), price numeric(6,2), day date, ok boolean, note text);
CREATE TABLE u (LIKE t);
CREATE FUNCTION same() RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN EXISTS (TABLE t EXCEPT ALL TABLE u) OR EXISTS (TABLE u EXCEPT ALL TABLE t) THEN 'different' ELSE 'the same ' || count(*) END FROM t $$;
\set text :root '/pgcopy/text'
\set csv :root '/pgcopy/csv'
\set csv2 :root '/pgcopy/csv2'
SET datestyle = 'ISO, DMY';

-- text
SELECT etl.s3_put('s3://pgcopy/text', E'1\tééééé\t1.239\t02/01/2008\tt\ta\\tb\\nc\\\\d\\101\\x41\n2\t\\N\t\\N\t\\N\t\\N\t\n3\t\t-0.999\t2008-12-31\tno\t\\\\N\n') \gset
COPY t FROM 's3://pgcopy/text';
COPY u FROM :'text';
SELECT same();
SELECT id, name, price, day, ok, to_json(note) FROM t ORDER BY id;
COPY t TO 'S3://pgcopy/out/text';
\set out :root '/pgcopy/out/text'
TRUNCATE u;
COPY u FROM :'out';
SELECT same();
\set local :root '/pgcopy/out/local'
COPY t TO :'local';
SELECT etl.s3_fetch('s3://pgcopy/out/text') = etl.s3_fetch('s3://pgcopy/out/local') AS identical;

-- CSV
TRUNCATE t, u;
SELECT etl.s3_put('s3://pgcopy/csv', E'id,name,price,day,ok,note\n1,"a,""b",2.5,31.12.2007,true,""\n2,,,,,\n3,"x\ny",,,,"NULL"\n') \gset
COPY t FROM 's3://pgcopy/csv' (FORMAT csv, HEADER);
COPY u FROM :'csv' (FORMAT csv, HEADER);
SELECT same();
SELECT id, to_json(name), note, note IS NULL AS null FROM t ORDER BY id;
COPY t TO 's3://pgcopy/out/csv' WITH (FORMAT csv, HEADER true, FORCE_QUOTE (id, note), SERVER 'aws');
COPY t TO :'local' WITH (FORMAT csv, HEADER true, FORCE_QUOTE (id, note));
SELECT etl.s3_fetch('s3://pgcopy/out/csv') = etl.s3_fetch('s3://pgcopy/out/local') AS identical;
COPY (SELECT id, note FROM t WHERE name <> ')' ORDER BY id) TO 's3://pgcopy/out/csv2' CSV QUOTE '''' ESCAPE '\' NULL 'nil' FORCE QUOTE *;
COPY (SELECT id, note FROM t WHERE name <> ')' ORDER BY id) TO :'local' CSV QUOTE '''' ESCAPE '\' NULL 'nil' FORCE QUOTE *;
SELECT etl.s3_fetch('s3://pgcopy/out/csv2') = etl.s3_fetch('s3://pgcopy/out/local') AS identical;
TRUNCATE t, u;
SELECT etl.s3_put('s3://pgcopy/csv2', E'1;\'a\\\'b\\c\';nil\n2;\'nil\';nil\n3;nil;\'nil\'\n') \gset
COPY t (id, name, note) FROM 's3://pgcopy/csv2' (FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\', NULL 'nil', FORCE_NULL (name), FORCE_NOT_NULL (note));
COPY u (id, name, note) FROM :'csv2' (FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\', NULL 'nil', FORCE_NULL (name), FORCE_NOT_NULL (note));
SELECT same();
SELECT id, name, note FROM t ORDER BY id;

-- Redshift's options beside them; in functions, with savepoints; the rows are counted
TRUNCATE t;
SELECT etl.s3_put('s3://pgcopy/bad/1', E'1,a,1,2008-01-01,t,x\nx,b,1,2008-01-01,t,x\n') \gset
COPY t FROM 's3://pgcopy/bad/' (FORMAT csv, MAXERROR 10);
COPY t (id) FROM 's3://pgcopy/bad/' (FORMAT csv, IGNOREALLERRORS, COMPUPDATE off, REGION 'eu-west-1', IAM_ROLE 'default');
DO $$
DECLARE n bigint;
BEGIN
	COPY t FROM 's3://pgcopy/bad/' (FORMAT csv, MAXERROR 10);
	GET DIAGNOSTICS n = ROW_COUNT;
	RAISE WARNING '% rows', n;
	BEGIN
		COPY t FROM 's3://pgcopy/bad/' (FORMAT csv);
	EXCEPTION WHEN OTHERS THEN
		RAISE WARNING '%', SQLSTATE;
	END;
END$$;
SELECT count(*) FROM t;
BEGIN;
COPY t TO 's3://pgcopy/parts/' (FORMAT csv, GZIP);
COPY (SELECT 1) TO 's3://pgcopy/parts/named' (PARALLEL off);
COMMIT;
SELECT uri FROM etl.s3_list('s3://pgcopy/parts/');
SELECT query, uri, format, rows FROM etl.unload_history ORDER BY unload_id DESC LIMIT 2;
\set ON_ERROR_STOP 0
\set VERBOSITY terse

-- what is refused
COPY t FROM 's3://pgcopy/text' (FORMAT csv, FREEZE);
COPY t FROM 's3://pgcopy/text' (HEADER match);
COPY t FROM 's3://pgcopy/text' WHERE id > 1;
COPY t FROM 's3://pgcopy/text' (FORMAT binary);
COPY t FROM 's3://pgcopy/text' (FORMAT csv, FORMAT csv);
COPY t FROM 's3://pgcopy/text' (FORCE_QUOTE *);
COPY t FROM 's3://pgcopy/text' (FORCE_NULL (name));
COPY t (id) FROM 's3://pgcopy/csv' (FORMAT csv, FORCE_NULL (name));
COPY t TO 's3://pgcopy/out/x' (FORMAT csv, FORCE_QUOTE (nobody));
COPY t TO 's3://pgcopy/out/x' (ENCODING 'latin1');
COPY t FROM 's3://pgcopy/text' (TRUNCATECOLUMNS);
COPY t FROM 's3://pgcopy/text' (SERVER 'nowhere');
COPY t TO 's3://pgcopy/out/csv' (FORMAT csv);
COPY nothing FROM 's3://pgcopy/text';
CREATE VIEW v AS SELECT 1 AS a;
COPY v TO 's3://pgcopy/out/view';
SELECT etl.s3_put('s3://pgcopy/end', E'1\n\\.\n2\n') \gset
COPY t (id) FROM 's3://pgcopy/end';
\set VERBOSITY default
COPY t FROM 's3://pgcopy/text' (COLOUR 'red');
\set VERBOSITY terse
BEGIN READ ONLY;
SAVEPOINT a;
COPY t FROM 's3://pgcopy/text';
ROLLBACK TO a;
COPY (SELECT 1) TO 's3://pgcopy/out/read_only' (FORMAT csv);
COMMIT;
SELECT etl.s3_fetch_text('s3://pgcopy/out/read_only');

-- rights are those of etl.load and etl.unload
CREATE ROLE regress_copier;
GRANT INSERT, SELECT ON t TO regress_copier;
SET ROLE regress_copier;
COPY t FROM 's3://pgcopy/text';
RESET ROLE;
GRANT USAGE ON SCHEMA etl TO regress_copier;
SET ROLE regress_copier;
COPY t FROM 's3://pgcopy/text';
COPY t TO 's3://pgcopy/out/rights';
RESET ROLE;
GRANT EXECUTE ON FUNCTION etl.load TO regress_copier;
GRANT USAGE ON FOREIGN SERVER aws TO regress_copier;
SET ROLE regress_copier;
COPY t FROM 's3://pgcopy/text';
COPY u FROM 's3://pgcopy/text';
RESET ROLE;

-- PostgreSQL's own business stays that
\set VERBOSITY default
COPY u TO STDOUT;
COPY t TO PROGRAM 'cat > /dev/null';

DROP OWNED BY regress_copier;
DROP ROLE regress_copier;
DROP VIEW v;
DROP FUNCTION same();
DROP TABLE t, u;
DELETE FROM etl.load_history;
DELETE FROM etl.unload_history;
DELETE FROM etl.load_error;
DROP SERVER aws;

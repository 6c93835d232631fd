-- etl.unload: what UNLOAD does, in local mode.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');

-- values as Redshift writes them, whatever the session's settings
SET datestyle = 'German';
SET extra_float_digits = 0;
SET timezone = 'UTC';
SELECT etl.unload($$SELECT 1 AS i, true AS b, 'a|b' AS s, NULL::text AS n, date '2008-01-02' AS d,
	timestamp '2008-01-02 03:04:05.678' AS ts, 1.50::numeric(6,2) AS num, 0.1::float8 + 0.2 AS f, '\xab01'::bytea AS x$$, 's3://unload/a/');
SELECT uri FROM etl.s3_list('s3://unload/a/');
SELECT etl.s3_fetch_text('s3://unload/a/0000_part_00');
RESET datestyle;
RESET extra_float_digits;
SELECT username = current_user AS mine, query ~ '^SELECT 1 AS i' AS query, uri, format, rows, bytes, files FROM etl.unload_history WHERE uri = 's3://unload/a/';

-- options
CREATE VIEW v AS SELECT * FROM (VALUES (1, 'a|b'), (2, NULL), (3, E'q"\n\\'), (4, '')) v (id, name);
SELECT etl.unload('SELECT * FROM v ORDER BY id', 's3://unload/csv', 'csv', '{"header": true, "parallel": false}');
SELECT etl.s3_fetch_text('s3://unload/csv000');
SELECT etl.unload('SELECT * FROM v ORDER BY id', 's3://unload/opt', 'text',
	'{"addquotes": true, "escape": true, "null": "<null>", "delimiter": "\\t", "header": true, "extension": "txt"}');
SELECT etl.s3_fetch_text('s3://unload/opt0000_part_00.txt');
SELECT etl.unload('SELECT * FROM v ORDER BY id', 's3://unload/esc', 'text', '{"escape": true, "gzip": true, "manifest": true}');
SELECT etl.s3_fetch_text('s3://unload/escmanifest');
CREATE TABLE back (id int, name text);
SELECT etl.load('back', 's3://unload/esc0000_part_00.gz', 'text', '{"escape": true, "gzip": true, "emptyasnull": true}');
SELECT id, to_json(name) FROM back ORDER BY id;
-- no rows: an empty file, or one with a header
SELECT etl.unload('SELECT 1 AS a WHERE false', 's3://unload/none');
SELECT size FROM etl.s3_list('s3://unload/none');
SELECT etl.unload('SELECT 1 AS a WHERE false', 's3://unload/head', 'csv', '{"header": true}');
SELECT etl.s3_fetch_text('s3://unload/head0000_part_00');

-- files of at most MAXFILESIZE, split between rows, each with its header
SELECT etl.unload($$SELECT i, repeat('x', 990) AS pad FROM generate_series(1, 12000) i$$, 's3://unload/big', 'text',
	'{"maxfilesize": 5242880, "header": true, "parallel": false, "manifest": true}');
SELECT uri, size <= 5242880 AS fits FROM etl.s3_list('s3://unload/big');
CREATE TABLE big (i int, pad text);
SELECT etl.load('big', 's3://unload/big00', 'text', '{"ignoreheader": 1}');
SELECT count(*), sum(i), min(length(pad)) FROM big;

-- what is there is not overwritten unless that is asked for, and then at commit
SELECT etl.unload('SELECT 1', 's3://unload/once');
SELECT etl.unload('SELECT 2', 's3://unload/once');
SELECT etl.s3_fetch_text('s3://unload/once0000_part_00');
SELECT etl.unload('SELECT 3', 's3://unload/once', 'text', '{"manifest": true, "allowoverwrite": true}');
SELECT etl.s3_fetch_text('s3://unload/once0000_part_00');
BEGIN;
SELECT etl.unload('SELECT 4', 's3://unload/once', 'text', '{"allowoverwrite": true}');
SELECT etl.s3_fetch_text('s3://unload/once0000_part_00');
COMMIT;
SELECT etl.s3_fetch_text('s3://unload/once0000_part_00');

-- nothing stays of what is rolled back
BEGIN;
SELECT etl.unload('SELECT 1', 's3://unload/undo/a');
SAVEPOINT s;
SELECT etl.unload('SELECT 1', 's3://unload/undo/b');
ROLLBACK TO s;
SELECT etl.unload('SELECT 1', 's3://unload/undo/c');
SELECT count(*) FROM etl.s3_list('s3://unload/undo/');
COMMIT;
SELECT uri FROM etl.s3_list('s3://unload/undo/');
BEGIN;
SELECT etl.unload('SELECT 1', 's3://unload/undo/d');
ROLLBACK;
SELECT etl.unload('SELECT 1 / (3 - i) FROM generate_series(1, 5) i', 's3://unload/undo/e');
SELECT uri FROM etl.s3_list('s3://unload/undo/');
SELECT uri FROM etl.unload_history WHERE uri LIKE 's3://unload/undo/%' ORDER BY unload_id;

-- the transaction's own rows are seen; one that only reads is all that is run
BEGIN;
INSERT INTO back VALUES (99, 'new');
SELECT etl.unload('SELECT * FROM back WHERE id = 99', 's3://unload/own');
COMMIT;
SELECT etl.s3_fetch_text('s3://unload/own0000_part_00');
SELECT etl.unload('VALUES (1, 2)', 's3://unload/values');
SELECT etl.unload('WITH w AS (SELECT 1 AS x) SELECT x FROM w', 's3://unload/with');
SELECT etl.unload('DELETE FROM back', 's3://unload/no');
SELECT etl.unload('SELECT 1; SELECT 2', 's3://unload/no');
SELECT etl.unload('SELECT 1 INTO zzz', 's3://unload/no');
SELECT etl.unload('SELECT * FROM back FOR UPDATE', 's3://unload/no');
SELECT etl.unload('WITH d AS (DELETE FROM back RETURNING *) SELECT * FROM d', 's3://unload/no');
SELECT etl.unload('SELECT nope FROM back', 's3://unload/no');
SELECT etl.unload('', 's3://unload/no');
SELECT count(*) FROM back;

-- options that are wrong, or not served yet
SELECT etl.unload('SELECT 1', 's3://unload/no', 'parquet');
SELECT etl.unload('SELECT 1', 's3://unload/no', 'text', '{"partition_by": ["a"]}');
SELECT etl.unload('SELECT 1', 's3://unload/no', 'text', '{"cleanpath": true}');
SELECT etl.unload('SELECT 1', 's3://unload/no', 'text', '{"encrypted": true}');
SELECT etl.unload('SELECT 1', 's3://unload/no', 'text', '{"maxfilesize": 1000}');
SELECT etl.unload('SELECT 1', 's3://unload/no', 'csv', '{"addquotes": true}');
SELECT etl.unload('SELECT 1', 's3://unload/no', 'csv', '{"ignoreheader": 1}');
SELECT etl.unload('SELECT 1', 's3://unload/no', 'csv', '{"extension": "a/b"}');
SELECT etl.unload('SELECT 1', 'nowhere');
SELECT count(*) FROM etl.s3_list('s3://unload/no') WHERE uri LIKE 's3://unload/no0%';

DROP VIEW v;
DROP TABLE back, big;
DELETE FROM etl.load_history;
DELETE FROM etl.unload_history;
DROP SERVER aws;

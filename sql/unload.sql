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
SELECT uri FROM etl.unload_history WHERE uri LIKE 's3://unload/undo/%' AND status = 'unloaded' ORDER BY unload_id;

-- what fails is in the history, whatever becomes of the transaction; an error of the statement is none of an unload
SELECT etl.unload('SELECT 1', 's3://unload/undo/a');
SELECT etl.unload('SELECT 1', 's3://unload/undo/fails', 'text', '{"colour": "red"}');
SELECT etl.unload('SELECT nothing', 's3://unload/undo/fails');
SELECT etl.unload('SELECT 1 AS p', 's3://unload/undo/fails', 'csv', '{"partition_by": ["q"]}');
BEGIN;
SELECT etl.unload('SELECT 1', 's3://unload/undo/f');
SAVEPOINT s;
DO $$BEGIN
	PERFORM etl.unload(format('SELECT (%L || i)::int FROM generate_series(1, 5) i', 'x'), 's3://unload/undo/caught');
EXCEPTION WHEN invalid_text_representation THEN RAISE NOTICE '%', SQLERRM;
END$$;
ROLLBACK TO s;
SELECT count(*) FROM etl.s3_list('s3://unload/undo/f');
ROLLBACK;
SELECT uri, username = current_user AS mine, query, format, rows, bytes, files, message, run_id, pid = pg_backend_pid() AS pid,
	finished_at >= started_at AS ended FROM etl.unload_history WHERE status = 'failed' AND uri LIKE 's3://unload/undo/%' ORDER BY unload_id;
SELECT status, unloaded_location, unloaded_rows, unloaded_files_count, unloaded_files_size, error_message FROM redshift.sys_unload_history
	WHERE status <> 'completed' AND unloaded_location LIKE 's3://unload/undo/%' ORDER BY query_id;
SELECT count(*) FROM redshift.stl_unload_log WHERE path ~ 'undo/(e|caught)';

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

-- every type: Redshift's in one way whatever the settings are, the others as PostgreSQL writes them
SET timezone = 'America/New_York';
SET datestyle = 'German';
CREATE DOMAIN money_amount AS numeric(8,2);
SELECT etl.unload($$SELECT * FROM (VALUES
	(true, (-32768)::int2, (-2147483648)::int4, (-9223372036854775808)::int8, 1e-7::float4, 1e300::float8),
	(false, 0::int2, 2147483647::int4, 9223372036854775807::int8, 'NaN'::float4, '-Infinity'::float8),
	(NULL, NULL, NULL, NULL, NULL, 100::float8)) v (b, i2, i4, i8, f4, f8)$$, 's3://unload/types/numbers');
SELECT etl.s3_fetch_text('s3://unload/types/numbers0000_part_00');
SELECT etl.unload($$SELECT n, n::numeric(20,5) FROM unnest(ARRAY[0, 0.00, 1, -1, 10000, 12345678.9, -0.00012, 99999999.99999, 1e-10, 1e14,
	1000000000000, 0.1000]::numeric[]) n$$, 's3://unload/types/numeric');
SELECT etl.s3_fetch_text('s3://unload/types/numeric0000_part_00');
SELECT etl.unload($$SELECT 'NaN'::numeric, 'Infinity'::numeric, '-Infinity'::numeric, 1e200::numeric, 1e-60::numeric, -7.5::money_amount,
	length(('1e5000'::numeric)::text)$$, 's3://unload/types/odd');
SELECT etl.s3_fetch_text('s3://unload/types/odd0000_part_00');
SELECT etl.unload($$SELECT d, d::timestamp, t FROM (VALUES
	('2000-01-01'::date, '00:00'::time), ('1999-12-31', '23:59:59.999999'), ('1970-01-01', '24:00'), ('2000-02-29', '12:30:00.5'),
	('0001-01-01', NULL), ('0001-12-31 BC', NULL), ('4713-01-01 BC', NULL), ('9999-12-31', NULL), ('15000-06-15', NULL),
	('infinity', NULL), ('-infinity', NULL), ('1600-03-01', NULL), ('1900-02-28', NULL)) v (d, t)$$, 's3://unload/types/dates');
SELECT etl.s3_fetch_text('s3://unload/types/dates0000_part_00');
SELECT etl.unload($$SELECT '2008-06-01 12:00:00.123456+00'::timestamptz, '12:30:45.1+05:30'::timetz, '1999-12-31 23:59:59.9'::timestamp,
	'1 year 2 mons 3 days 04:05:06'::interval, 'a  '::char(5), 'b  '::varchar(5), ' c '::text, '\x00ff10'::bytea, '{"a": [1, null]}'::jsonb,
	'{1,NULL,3}'::int[], row(1, 'x'), '10.0.0.1'::inet, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid$$, 's3://unload/types/others');
SELECT etl.s3_fetch_text('s3://unload/types/others0000_part_00');
-- every day of a thousand years, and timestamps and floats, as PostgreSQL's own text
CREATE TABLE written (n text);
CREATE TABLE expected AS SELECT d::text AS n FROM (SELECT date '0004-01-01 BC' + i AS d FROM generate_series(0, 800000, 3) i) q;
SET datestyle = 'ISO';
SELECT etl.unload('SELECT date ''0004-01-01 BC'' + i FROM generate_series(0, 800000, 3) i', 's3://unload/types/days');
SELECT etl.load('written', 's3://unload/types/days');
SELECT count(*) FROM (SELECT (date '0004-01-01 BC' + i)::text FROM generate_series(0, 800000, 3) i EXCEPT SELECT n FROM written) missing;
TRUNCATE written;
SELECT setseed(0.25);
CREATE TABLE random_values AS SELECT (random() * 10 ^ (random() * 40 - 20)::int)::float8 AS f8, (random() * 10 ^ (random() * 20 - 10)::int)::float4 AS f4,
	(random() * 10 ^ (random() * 30)::int)::numeric * CASE WHEN random() < 0.5 THEN -1 ELSE 1 END AS n,
	round((random() * 10 ^ (random() * 12)::int)::numeric, (random() * 20)::int) AS s,
	timestamp '2000-01-01' + random() * interval '3000 years' - random() * interval '3000 years' AS ts FROM generate_series(1, 20000);
SELECT etl.unload('SELECT * FROM random_values', 's3://unload/types/random', 'text', '{"delimiter": "_"}');
SELECT etl.load('written', 's3://unload/types/random', 'text', '{"delimiter": "~"}');
SELECT count(*) FROM (SELECT concat_ws('_', f8, f4, n, s, ts) FROM random_values EXCEPT SELECT n FROM written) missing;
RESET timezone;
RESET datestyle;
SET timezone = 'UTC';
DROP TABLE written, expected, random_values;
DROP DOMAIN money_amount;
-- a delimiter or null string that values are made of
SELECT etl.unload('SELECT 10, -1.5, date ''2008-01-02'', NULL::int, 0', 's3://unload/types/csvzero', 'csv', '{"delimiter": "-", "null": "0"}');
SELECT etl.s3_fetch_text('s3://unload/types/csvzero0000_part_00');
SELECT etl.unload('SELECT 10, -1.5, date ''2008-01-02'', NULL::int, 0', 's3://unload/types/esczero', 'text', '{"delimiter": "-", "escape": true, "addquotes": true}');
SELECT etl.s3_fetch_text('s3://unload/types/esczero0000_part_00');
SELECT etl.unload('SELECT ''\xabcd''::bytea, ''\xbb''::bytea, NULL::int', 's3://unload/types/csvhex', 'csv', '{"delimiter": "d", "null": "bb"}');
SELECT etl.s3_fetch_text('s3://unload/types/csvhex0000_part_00');

-- what a spreadsheet would take for a formula
CREATE VIEW formulas AS SELECT * FROM (VALUES (1, '=1+1', -5), (2, '+49 30 1', 5), (3, '-1', 5), (4, '@sum(a)', 5), (5, E'\tx', 5), (6, E'\r', 5), (7, '-1.5e-3', 5),
	(8, '-', 5), (9, '', 5), (10, NULL, 5), (11, 'a=b', 5), (12, '-2+3', 5), (13, '="a","b"', 5)) v (id, "=name", n);
SELECT etl.unload('SELECT * FROM formulas ORDER BY id', 's3://unload/guard/', 'csv', '{"formula_guard": true, "header": true}');
SELECT etl.s3_fetch_text('s3://unload/guard/0000_part_00');
SELECT etl.unload('SELECT "=name" FROM formulas WHERE id = 1', 's3://unload/guard/off', 'csv');
SELECT etl.s3_fetch_text('s3://unload/guard/off0000_part_00');
-- by PostgreSQL's rules, too
SELECT etl.unload('SELECT * FROM formulas ORDER BY id', 's3://unload/guard/pg', 'csv', '{"formula_guard": true, "header": true, "postgres": true}');
SELECT etl.s3_fetch_text('s3://unload/guard/pg0000_part_00');
SELECT etl.unload('SELECT "=name" FROM formulas WHERE id IN (1, 5) ORDER BY id', 's3://unload/guard/pgtext', 'text', '{"formula_guard": true, "postgres": true}');
SELECT etl.s3_fetch_text('s3://unload/guard/pgtext0000_part_00');
DROP VIEW formulas;

-- JSON: an object a line
SELECT etl.unload($$SELECT 1 AS id, true AS ok, E'q"b\\n\n\t\x01ü' AS "te""xt", NULL::text AS n, 1.50::numeric(6,2) AS price, 'NaN'::float8 AS f, 1e300::float8 AS big,
	date '2008-01-02' AS d, '{"a": [1, {"b": null}]}'::jsonb AS doc, E'[1,\n 2]'::json AS raw, '{1,2}'::int[] AS arr, '\xab'::bytea AS x$$, 's3://unload/json/', 'json', '{"extension": "json"}');
SELECT etl.s3_fetch_text('s3://unload/json/0000_part_00.json');
SELECT jsonb_typeof(etl.s3_fetch_text('s3://unload/json/0000_part_00.json')::jsonb) AS valid;
SELECT etl.unload('SELECT true AS yes, false AS no, NULL::boolean AS none', 's3://unload/json/bool', 'json');
SELECT etl.s3_fetch_text('s3://unload/json/bool0000_part_00') = E'{"yes":"t","no":"f","none":null}\n' AS written;
SELECT etl.unload('SELECT id, name FROM v ORDER BY id', 's3://unload/json/gz', 'json', '{"gzip": true}');
CREATE TABLE objects (LIKE back);
SELECT etl.load('objects', 's3://unload/json/gz', 'json', '{"gzip": true}');
SELECT * FROM (SELECT id, name FROM v EXCEPT SELECT * FROM objects) missing;
DROP TABLE objects;
SELECT etl.unload('SELECT 1 AS a WHERE false', 's3://unload/json/none', 'json', '{"manifest": true}');
SELECT uri FROM etl.s3_list('s3://unload/json/none');
SELECT etl.unload('SELECT 1 AS a, 2 AS a', 's3://unload/no', 'json');
SELECT etl.unload('SELECT 1 AS a', 's3://unload/no', 'json', '{"header": true}');
-- fixed width: characters, blanks behind
SELECT etl.unload($$SELECT * FROM (VALUES (1, 'äö', -1.5, true), (22, NULL, NULL, NULL), (NULL, '12345', 1.25, false)) v (id, name, n, b)$$, 's3://unload/fixed/', 'fixedwidth',
	'{"fixedwidth": "id:3,name:5,n:6,b:1"}');
SELECT replace(etl.s3_fetch_text('s3://unload/fixed/0000_part_00'), ' ', '.');
SELECT etl.unload($$SELECT * FROM (VALUES (1, 'a'), (NULL, NULL)) v (id, name)$$, 's3://unload/fixed/null', 'fixedwidth', '{"fixedwidth": "0:3,1:5", "null": "NULL"}');
SELECT replace(etl.s3_fetch_text('s3://unload/fixed/null0000_part_00'), ' ', '.');
SELECT etl.unload($$SELECT NULL::text AS name$$, 's3://unload/no', 'fixedwidth', '{"fixedwidth": "0:3", "null": "NULL"}');
SELECT etl.unload($$SELECT 1 AS id, 'abcdef' AS name$$, 's3://unload/no', 'fixedwidth', '{"fixedwidth": "id:3,name:5"}');
SELECT etl.unload($$SELECT 1 AS id, 'abcdef' AS name$$, 's3://unload/no', 'fixedwidth', '{"fixedwidth": "id:3"}');
SELECT etl.unload($$SELECT '\xab'::bytea AS x$$, 's3://unload/no', 'fixedwidth', '{"fixedwidth": "x:3"}');

-- compression and extensions
SELECT etl.unload('SELECT 1', 's3://unload/ext/a', 'csv', '{"bzip2": true}');
SELECT etl.unload('SELECT 1', 's3://unload/ext/b', 'csv', '{"zstd": true, "parallel": false}');
SELECT etl.unload('SELECT 1', 's3://unload/ext/c', 'csv', '{"gzip": true, "extension": "csv.gz"}');
SELECT etl.unload('SELECT 1', 's3://unload/ext/d', 'csv', '{"extension": ".csv"}');
SELECT uri FROM etl.s3_list('s3://unload/ext/');
CREATE TABLE ones (a int);
SELECT etl.load('ones', 's3://unload/ext/a', 'csv', '{"bzip2": true}'), etl.load('ones', 's3://unload/ext/b', 'csv', '{"zstd": true}'),
	etl.load('ones', 's3://unload/ext/c', 'csv', '{"gzip": true}'), etl.load('ones', 's3://unload/ext/d', 'csv');
SELECT count(*), sum(a) FROM ones;
DROP TABLE ones;

-- partitions: folders as Hive names them
CREATE VIEW events AS SELECT * FROM (VALUES (1, 'a', date '2008-01-02', true, 1.50::numeric), (2, 'a', '2008-01-02', false, 1.5), (3, NULL, '2008-01-03', NULL, 2),
	(4, '', '2008-01-03', true, 2), (5, 'x/y=z%', NULL, true, 2), (6, 'ü "q" #1', '2008-01-02', true, 2)) v (id, kind, "day", ok, price);
SELECT etl.unload('SELECT * FROM events ORDER BY id', 's3://unload/part/one', 'text', '{"partition_by": ["kind"]}');
SELECT uri, etl.s3_fetch_text(uri) FROM etl.s3_list('s3://unload/part/one');
SELECT etl.unload('SELECT * FROM events ORDER BY id', 's3://unload/part/two/', 'csv',
	'{"partition_by": ["ok", "day"], "include": true, "header": true, "parallel": false, "extension": "csv", "manifest": true}');
SELECT uri, etl.s3_fetch_text(uri) FROM etl.s3_list('s3://unload/part/two/');
SELECT etl.unload('SELECT kind, ok FROM events', 's3://unload/part/all/', 'csv', '{"partition_by": ["ok", "kind"], "include": true}');
SELECT etl.unload($$SELECT 'a  '::char(4) AS c, timestamp '2008-01-02 03:04:05.5' AS "ts=", -1::int2 AS n, 'x'$$, 's3://unload/part/types', 'csv', '{"partition_by": ["c", "ts=", "n"]}');
SELECT uri, etl.s3_fetch_text(uri) FROM etl.s3_list('s3://unload/part/types');
SELECT etl.unload('SELECT id, kind FROM events WHERE false', 's3://unload/part/none/', 'csv', '{"partition_by": ["kind"], "manifest": true}');
SELECT uri, etl.s3_fetch_text(uri) FROM etl.s3_list('s3://unload/part/none/');
SELECT etl.unload('SELECT * FROM events', 's3://unload/part/no/', 'text', '{"partition_by": ["nope"]}');
SELECT etl.unload('SELECT * FROM events', 's3://unload/part/no/', 'text', '{"partition_by": ["kind", "ok", "kind"]}');
SELECT etl.unload('SELECT kind, ok FROM events', 's3://unload/part/no/', 'text', '{"partition_by": ["kind", "ok"]}');
SELECT etl.unload('SELECT id, kind, kind FROM events', 's3://unload/part/no/', 'text', '{"partition_by": ["kind"]}');
SELECT etl.unload('SELECT id, kind::bytea FROM events', 's3://unload/part/no/', 'text', '{"partition_by": ["kind"]}');
SELECT etl.unload('SELECT id, ARRAY[kind] AS kind FROM events', 's3://unload/part/no/', 'text', '{"partition_by": ["kind"]}');
SELECT etl.unload('SELECT * FROM events', 's3://unload/part/no/', 'text', '{"include": true}');
-- a bucket comes with its first object, be it in a partition
SELECT etl.unload('SELECT id, kind FROM events WHERE id < 3', 's3://unload-new/', 'csv', '{"partition_by": ["kind"], "manifest": true}');
SELECT uri FROM etl.s3_list('s3://unload-new/');
-- what is there is found when the partition is opened, and at the commit
SELECT count(etl.s3_put('s3://unload/part/there/ok=true/0000_part_00', 'x'));
SELECT etl.unload('SELECT * FROM events WHERE ok ORDER BY id', 's3://unload/part/there/', 'text', '{"partition_by": ["ok"]}');
SELECT etl.unload('SELECT * FROM events WHERE NOT ok ORDER BY id', 's3://unload/part/there/', 'text', '{"partition_by": ["ok"]}');
SELECT uri FROM etl.s3_list('s3://unload/part/there/');
-- more partitions than are open at a time: the others come sorted, their rows in the query's order
SET work_mem = '64kB';
CREATE TABLE read (n int, p int, pad text);
SELECT etl.unload($$SELECT n, n % 700 AS p, repeat('x', 100) FROM generate_series(1, 7000) n$$, 's3://unload/many/plain/', 'csv', '{"partition_by": ["p"], "include": true}');
SELECT count(*) FROM etl.s3_list('s3://unload/many/plain/');
SELECT etl.load('read', 's3://unload/many/plain/', 'csv');
SELECT count(*), count(DISTINCT n), bool_and(n % 700 = p) FROM read;
SELECT etl.s3_fetch_text('s3://unload/many/plain/p=650/0000_part_00') ~ '^650,650,x+\n1350,650,x+\n2050,650,x+\n2750,650,x+\n3450,650,x+\n4150,650,x+\n4850,650,x+\n5550,650,x+\n6250,650,x+\n6950,650,x+\n$' AS in_order;
TRUNCATE read;
SELECT etl.unload($$SELECT n, n % 20 AS p, repeat('x', 100) FROM generate_series(1, 2000) n$$, 's3://unload/many/bzip2/', 'csv', '{"partition_by": ["p"], "include": true, "bzip2": true}');
SELECT etl.load('read', 's3://unload/many/bzip2/', 'csv', '{"bzip2": true}');
SELECT count(*), count(DISTINCT n), bool_and(n % 20 = p) FROM read;
RESET work_mem;
-- each partition has files of its own size
SELECT etl.unload($$SELECT i, i % 2 AS p, repeat('x', 990) FROM generate_series(1, 12000) i$$, 's3://unload/many/big/', 'text', '{"partition_by": ["p"], "maxfilesize": 5242880}');
SELECT uri, size <= 5242880 AS fits FROM etl.s3_list('s3://unload/many/big/');
DROP TABLE read;

-- verbose manifests
SELECT etl.unload($$SELECT 1 AS id, 'x'::varchar(25) AS name, 'x'::char(2) AS state, 1.5::numeric(6,2) AS price, timestamptz '2008-01-02 03:04:05+00' AS "at", 2::numeric AS "any" FROM generate_series(1, 3)$$,
	's3://unload/verbose/', 'csv', '{"manifest": true, "manifest_verbose": true, "header": true}');
SELECT regexp_replace(etl.s3_fetch_text('s3://unload/verbose/manifest'), '"version":".*"', '"version":"…"');
SELECT size = (SELECT (etl.s3_fetch_text('s3://unload/verbose/manifest')::jsonb #>> '{entries,0,meta,content_length}')::bigint) AS right_size FROM etl.s3_list('s3://unload/verbose/0000');
SELECT etl.unload('SELECT id, kind, "day" FROM events', 's3://unload/verbose/part', 'csv', '{"manifest": true, "manifest_verbose": true, "partition_by": ["kind"]}');
SELECT jsonb_path_query_array(m, '$.schema.elements[*].name') AS columns, jsonb_array_length(m -> 'entries') AS files, m #>> '{meta,record_count}' AS rows
	FROM (SELECT etl.s3_fetch_text('s3://unload/verbose/part/manifest')::jsonb AS m) q;
SELECT etl.unload('SELECT 1', 's3://unload/no', 'csv', '{"manifest_verbose": true}');

-- CLEANPATH: what was there goes when the new files are there
SELECT count(etl.s3_put('s3://unload/clean/' || k, 'old')) FROM unnest(ARRAY['0000_part_00', '0000_part_01', 'a/b', 'manifest']) k;
SELECT count(etl.s3_put('s3://unload/clean-not', 'old'));
BEGIN;
SELECT etl.unload('SELECT 1', 's3://unload/clean/', 'csv', '{"cleanpath": true}');
SELECT count(*) FROM etl.s3_list('s3://unload/clean');
ROLLBACK;
SELECT count(*) FROM etl.s3_list('s3://unload/clean');
BEGIN;
SAVEPOINT s;
SELECT etl.unload('SELECT 1', 's3://unload/clean/', 'csv', '{"cleanpath": true}');
ROLLBACK TO s;
COMMIT;
SELECT count(*) FROM etl.s3_list('s3://unload/clean');
SELECT etl.unload('SELECT 1 / (2 - i) FROM generate_series(1, 2) i', 's3://unload/clean/', 'csv', '{"cleanpath": true}');
SELECT count(*) FROM etl.s3_list('s3://unload/clean');
SELECT etl.unload('SELECT 1', 's3://unload/clean/', 'csv', '{"cleanpath": true, "manifest": true}');
SELECT uri, etl.s3_fetch_text(uri) ~ 'old' AS old FROM etl.s3_list('s3://unload/clean');
-- of a transaction's unloads the later ones stay
BEGIN;
SELECT etl.unload('SELECT 1', 's3://unload/clean/first', 'csv');
SELECT etl.unload('SELECT 2', 's3://unload/clean/', 'csv', '{"cleanpath": true}');
SELECT etl.unload('SELECT 3', 's3://unload/clean/third', 'csv');
COMMIT;
SELECT uri FROM etl.s3_list('s3://unload/clean');
-- with partitions only in the folders that are written
SELECT count(etl.s3_put('s3://unload/cleanpart/' || k, 'old')) FROM unnest(ARRAY['p=1/0000_part_00', 'p=1/old', 'p=1/deep/er', 'p=10/old', 'p=2/old', 'p=3/old', 'old']) k;
SELECT etl.unload('SELECT i, i % 2 + 1 AS p FROM generate_series(1, 4) i', 's3://unload/cleanpart', 'csv', '{"partition_by": ["p"], "cleanpath": true}');
SELECT uri, etl.s3_fetch_text(uri) = 'old' AS old FROM etl.s3_list('s3://unload/cleanpart');
SELECT etl.unload('SELECT 1', 's3://unload/no', 'csv', '{"cleanpath": true, "allowoverwrite": true}');
DROP VIEW events;

-- encryption is S3's: local mode has none
SELECT etl.unload('SELECT 1', 's3://unload/secret', 'csv', '{"encrypted": true, "kms_key_id": "1234"}');
SELECT etl.unload('SELECT 1', 's3://unload/no', 'csv', '{"kms_key_id": "1234"}');
SELECT etl.unload('SELECT 1', 's3://unload/no', 'csv', '{"encrypted_auto": true, "encrypted": true, "kms_key_id": "1234"}');

-- options that are wrong, or not served yet
SELECT etl.unload('SELECT 1', 's3://unload/no', 'parquet');
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

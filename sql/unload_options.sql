-- The options of etl.unload: what each refuses, and which don't go together.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
-- tries an unload, and says what became of it
CREATE FUNCTION try(format text, options jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text; detail text;
BEGIN
	RETURN etl.unload('SELECT 1 AS a', 's3://opt/' || nextval('n'), format, options) || ' rows';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' / ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END$$;
CREATE SEQUENCE n;

-- a value of the wrong type
\pset format unaligned
\pset tuples_only on
SELECT name || ': ' || try('text', jsonb_build_object(name, '{}'::jsonb)) FROM unnest(ARRAY['addquotes', 'allowoverwrite', 'bzip2',
	'cleanpath', 'delimiter', 'encrypted', 'encrypted_auto', 'escape', 'extension', 'fixedwidth', 'formula_guard', 'gzip', 'header',
	'iam_role', 'include', 'kms_key_id', 'manifest', 'manifest_verbose', 'maxfilesize', 'null', 'parallel', 'partition_by',
	'region', 'rowgroupsize', 'zstd']) name;
SELECT try('text', '{"credentials": 1}');
SELECT try('text', '{"parallel": "maybe"}');
SELECT try('text', '{"partition_by": [1]}');

-- out of range
SELECT try('text', '{"maxfilesize": 5242879}');
SELECT try('text', '{"maxfilesize": 6657199310}');
SELECT try('text', '{"maxfilesize": 5242880.5}');
SELECT try('text', '{"rowgroupsize": 1000}');
SELECT try('text', '{"rowgroupsize": 134217729}');
SELECT try('text', '{"delimiter": ""}');
SELECT try('text', '{"null": "\n"}');
SELECT try('text', '{"extension": "a/b"}');
SELECT try('text', '{"extension": "a\nb"}');
SELECT try('text', '{"region": "nowhere/"}');
SELECT try('text', '{"partition_by": ["a", "a"]}');
SELECT try('fixedwidth', '{}');
SELECT try('fixedwidth', '{"fixedwidth": "a:0"}');

-- formats, and options that they don't have
SELECT format || ': ' || try(format, '{}') FROM unnest(ARRAY['parquet', 'orc', 'avro', 'shapefile', 'xml', 'yaml']) format;
SELECT try(format, jsonb_build_object(name, value) || extra)
  FROM (VALUES (1, 'csv', '{}'::jsonb, '{addquotes,escape,fixedwidth,rowgroupsize}'::text[]),
		(2, 'json', '{}', '{addquotes,delimiter,escape,fixedwidth,formula_guard,header,"null",rowgroupsize}'),
		(3, 'fixedwidth', '{"fixedwidth": "a:1"}', '{addquotes,delimiter,escape,formula_guard,header,rowgroupsize}'),
		(4, 'text', '{}', '{rowgroupsize}')) f (n, format, extra, names),
	unnest(names) WITH ORDINALITY name (name, m),
	LATERAL (SELECT CASE name WHEN 'delimiter' THEN '"|"'::jsonb WHEN 'fixedwidth' THEN '"a:1"' WHEN 'null' THEN '""'
		WHEN 'rowgroupsize' THEN '33554432' ELSE 'true' END) v (value)
  ORDER BY n, m;

-- options that exclude, or need, one another
SELECT try('text', jsonb_build_object(a, true, b, true)) FROM unnest(ARRAY['bzip2', 'gzip', 'zstd']) a,
	unnest(ARRAY['bzip2', 'gzip', 'zstd']) b WHERE a < b;
SELECT try('text', '{"allowoverwrite": true, "cleanpath": true}');
SELECT try('text', '{"encrypted": true, "encrypted_auto": true, "kms_key_id": "k"}');
SELECT try('text', '{"iam_role": "default", "credentials": {"access_key_id": "a", "secret_access_key": "b"}}');
SELECT try('text', '{"include": true}');
SELECT try('text', '{"manifest_verbose": true}');
SELECT try('text', '{"encrypted_auto": true}');
SELECT try('text', '{"kms_key_id": "k"}');

SELECT try(format, jsonb_build_object(a, true, b, CASE b WHEN 'partition_by' THEN '["a"]'::jsonb WHEN 'extension' THEN '"x"' ELSE 'true' END))
  FROM (VALUES (1, 'text', 'postgres', 'addquotes'), (2, 'text', 'postgres', 'escape'), (3, 'csv', 'single', 'partition_by'), (4, 'csv', 'single', 'cleanpath'),
		(5, 'csv', 'single', 'extension')) v (n, format, a, b) ORDER BY n;
SELECT try(format, options) FROM (VALUES (1, 'json', '{"postgres": true}'::jsonb), (2, 'fixedwidth', '{"postgres": true, "fixedwidth": "a:1"}'),
		(3, 'csv', '{"force_quote": ["a"]}'), (4, 'csv', '{"csv_escape": "x"}'), (5, 'text', '{"force_quote": ["a"], "postgres": true}'),
		(6, 'text', '{"csv_escape": "x", "postgres": true}'), (7, 'text', '{"quote": "x"}'), (8, 'json', '{"quote": "x"}'), (9, 'csv', '{"quote": ","}'), (10, 'csv', '{"quote": "é"}'),
		(11, 'text', '{"postgres": true, "delimiter": "a"}'), (12, 'text', '{"escape": true, "null": "\\\\"}'), (13, 'text', '{"escape": true, "null": "x\\"}'),
		(14, 'csv', '{"delimiter": "::", "null": "x:"}'), (15, 'text', '{"addquotes": true, "null": "\"x"}')) v (n, format, options) ORDER BY n;

-- what is taken; what is false or null isn't given
SELECT try('text', '{"parallel": "OFF", "maxfilesize": 5242880, "encrypted": true, "encrypted_auto": true}');
SELECT try('csv', '{"addquotes": false, "escape": null, "fixedwidth": null, "include": false, "parallel": "true"}');

-- numbers have no quotes around them, unless they have one in them
SELECT etl.unload('SELECT 11 AS a, -5 AS b, 2 AS c', 's3://opt/quote', 'csv', '{"quote": "1", "parallel": false}'),
	etl.unload('SELECT 11 AS a, -5 AS b, 2 AS c', 's3://opt/minus', 'csv', '{"quote": "-", "parallel": false}');
SELECT etl.s3_fetch_text('s3://opt/quote000') || etl.s3_fetch_text('s3://opt/minus000');

DROP FUNCTION try;
DROP SEQUENCE n;
DELETE FROM etl.unload_history;
DROP SERVER aws;

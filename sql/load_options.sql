-- The options of etl.load: what each refuses, and which don't go together.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
CREATE TABLE t (id int, name text);
SELECT etl.s3_put('s3://opt/a', E'1|a\n') \gset
SELECT etl.s3_put('s3://opt/c', E'1,a\n') \gset
-- tries a load, and says what became of it
CREATE FUNCTION try(format text, options jsonb, uri text DEFAULT 's3://opt/a') RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text; detail text;
BEGIN
	RETURN etl.load('t', uri, format, options) || ' rows';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' / ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END$$;

-- a value of the wrong type
\pset format unaligned
\pset tuples_only on
SELECT name || ': ' || try('text', jsonb_build_object(name, '{}'::jsonb)) FROM unnest(ARRAY['acceptanydate', 'acceptinvchars',
	'blanksasnull', 'bzip2', 'columns', 'comprows', 'compupdate', 'dateformat', 'delimiter', 'emptyasnull', 'encoding',
	'escape', 'explicit_ids', 'fillrecord', 'gzip', 'iam_role', 'ignoreallerrors', 'ignoreblanklines', 'ignoreheader',
	'lzop', 'manifest', 'maxerror', 'noload', 'null', 'readratio', 'region', 'removequotes', 'roundec', 'statupdate',
	'timeformat', 'trimblanks', 'truncatecolumns', 'zstd']) name;
SELECT name || ': ' || try('text', jsonb_build_object(name, 1)) FROM unnest(ARRAY['credentials', 'fixedwidth', 'jsonpaths', 'quote',
	'rowtag', 'xmlpaths']) name;
SELECT try('text', '{"columns": [1]}');
SELECT try('text', '{"credentials": {"access_key_id": "a"}}');
SELECT try('text', '{"credentials": {"access_key_id": "a", "secret": "SECRETSECRET"}}');
SELECT try('text', '{"compupdate": "prest"}');
SELECT try('text', '{"statupdate": "preset"}');

-- out of range
SELECT try('text', '{"ignoreheader": -1}');
SELECT try('text', '{"ignoreheader": 2147483648}');
SELECT try('text', '{"ignoreheader": 1.5}');
SELECT try('text', '{"maxerror": -1}');
SELECT try('text', '{"maxerror": 100001}');
SELECT try('text', '{"maxerror": 1e30}');
SELECT try('text', '{"comprows": -1}');
SELECT try('text', '{"readratio": 0}');
SELECT try('text', '{"readratio": 201}');
SELECT try('text', '{"acceptinvchars": "ab"}');
SELECT try('text', '{"acceptinvchars": ""}');
SELECT try('text', '{"acceptinvchars": "é"}');
SELECT try('text', '{"encoding": "latin1"}');
SELECT try('text', '{"delimiter": ""}');
SELECT try('text', '{"delimiter": "\n"}');
SELECT try('text', '{"delimiter": "\\302"}');
SELECT try('text', '{"null": "a\nb"}');
SELECT try('text', '{"null": "\\n"}');
SELECT try('csv', '{"quote": "ab"}');
SELECT try('csv', '{"quote": ""}');
SELECT try('text', '{"region": "nowhere/"}');
SELECT try('json', '{"jsonpaths": "path"}');
SELECT try('json', '{"jsonpaths": "s3://bucket"}');
SELECT try('xml', '{"rowtag": "r", "xmlpaths": "noshred"}');
SELECT try('xml', '{}');
SELECT try('xml', '{"rowtag": ""}');

-- FIXEDWIDTH
SELECT spec || ' -> ' || try('text', jsonb_build_object('fixedwidth', spec)) FROM unnest(ARRAY['', 'a', 'a:', ':1', 'a:x', 'a:0',
	'a:-1', 'a:99999999999999999999', 'a:1,', 'a:1,a:2', 'a:1.5', 'a:1 b:2', 'a b : 3 , 2:4']) spec;
SELECT left(try('text', jsonb_build_object('fixedwidth', (SELECT string_agg(i || ':1', ',') FROM generate_series(1, 1665) i))), 80);
SELECT try('fixedwidth', '{}');
SELECT try('fixedwidth', '{"fixedwidth": "a:1", "encoding": "utf16"}');

-- formats
SELECT format || ': ' || try(format, '{}') FROM unnest(ARRAY['parquet', 'orc', 'avro', 'shapefile', 'yaml', 'CSV', '']) format;

-- options that a format doesn't have
SELECT try(format, jsonb_build_object(name, value) || extra)
  FROM (VALUES ('json', '{}'::jsonb), ('xml', '{"rowtag": "r"}')) f (format, extra),
	(VALUES ('delimiter', '"|"'::jsonb), ('escape', 'true'), ('fillrecord', 'true'), ('fixedwidth', '"a:1"'),
		('ignoreblanklines', 'true'), ('ignoreheader', '1'), ('null', '""'), ('quote', '"q"'), ('readratio', '5'),
		('removequotes', 'true')) o (name, value);
SELECT try('json', '{"rowtag": "a"}');
SELECT try('json', '{"xmlpaths": "auto"}');
SELECT try('xml', '{"rowtag": "r", "jsonpaths": "auto"}');
SELECT try('csv', jsonb_build_object(name, value)) FROM (VALUES ('escape', 'true'::jsonb), ('fixedwidth', '"a:1"'),
	('jsonpaths', '"auto"'), ('removequotes', 'true'), ('rowtag', '"r"')) o (name, value);
SELECT try('text', jsonb_build_object(name, value)) FROM (VALUES ('jsonpaths', '"auto"'::jsonb), ('quote', '"q"'),
	('rowtag', '"r"')) o (name, value);
SELECT try('fixedwidth', '{"fixedwidth": "a:1"}' || jsonb_build_object(name, value))
  FROM (VALUES ('delimiter', '"|"'::jsonb), ('escape', 'true'), ('quote', '"q"'), ('removequotes', 'true')) o (name, value);

-- options that exclude one another; what is false or null isn't given
SELECT try('text', jsonb_build_object(a, true, b, true)) FROM unnest(ARRAY['bzip2', 'gzip', 'lzop', 'zstd']) a,
	unnest(ARRAY['bzip2', 'gzip', 'lzop', 'zstd']) b WHERE a < b;
SELECT try('text', '{"ignoreallerrors": true, "maxerror": 0}');
SELECT try('text', '{"iam_role": "default", "credentials": {"access_key_id": "a", "secret_access_key": "b"}}');
SELECT try('csv', '{"escape": false, "removequotes": null, "jsonpaths": null, "gzip": false, "zstd": false}', 's3://opt/c');

-- what is taken
SELECT try('text', '{"compupdate": "PRESET", "statupdate": "on", "comprows": 0, "readratio": 200, "encoding": "UTF-8",
	"dateformat": "auto", "timeformat": "auto", "maxerror": 1, "iam_role": "default"}');
SELECT try('text', '{"compupdate": true, "statupdate": false}');
SELECT etl.s3_put('s3://opt/d', E'1\x01\x02a\n2\x01\x02\\N\n') \gset
SELECT try('text', '{"delimiter": "\\001\\002", "null": "\\\\N"}', 's3://opt/d');
SELECT etl.s3_put('s3://opt/e', E'1§a\n2\t\n') \gset
SELECT try('text', '{"delimiter": "\\302\\247", "fillrecord": true, "null": "2\t"}', 's3://opt/e');
SELECT etl.s3_put('s3://opt/nul', '3|'::bytea || '\x000a'::bytea) \gset
SELECT try('text', '{"null": "\\0"}', 's3://opt/nul');
SELECT id, name, name IS NULL FROM t ORDER BY id, name;

DROP FUNCTION try;
DROP TABLE t;
DELETE FROM etl.load_history;
DROP SERVER aws;

-- etl.load with a manifest: the files that it lists, in its order.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
CREATE TABLE t (n int GENERATED ALWAYS AS IDENTITY, id int);
SELECT etl.s3_put('s3://man1/a', E'1\n2\n'), etl.s3_put('s3://man1/b', E'3\n'), etl.s3_put('s3://man2/c', E'4\n'),
	etl.s3_put('s3://man1/empty', '') \gset
CREATE FUNCTION try(manifest text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE hint text; detail text;
BEGIN
	PERFORM etl.s3_put('s3://man1/manifest', manifest);
	RETURN etl.load('t', 's3://man1/manifest', 'text', '{"manifest": true}') || ' rows';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, detail = PG_EXCEPTION_DETAIL;
	RETURN concat_ws(' / ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''), nullif(hint, ''));
END$$;
\pset format unaligned
\pset tuples_only on

-- several buckets, in the manifest's order; a file that is listed twice is loaded twice
SELECT try('{"entries": [{"url": "s3://man2/c", "mandatory": true}, {"url": "s3://man1/a"}, {"url": "s3://man1/b", "mandatory": false},
	{"url": "s3://man2/c", "meta": {"content_length": 2, "record_count": 1}}, {"url": "s3://man1/a"}, {"url": "s3://man1/empty"}],
	"author": {"name": "Amazon Redshift"}}');
SELECT string_agg(id::text, ',' ORDER BY n) FROM t;
SELECT rows, bytes, files FROM etl.load_history;
-- one that isn't there
SELECT try('{"entries": [{"url": "s3://man1/b", "mandatory": true}, {"url": "s3://man1/none"}, {"url": "s3://man3/none", "mandatory": false}]}');
SELECT try('{"entries": [{"url": "s3://man1/b"}, {"url": "s3://man1/none", "mandatory": true}]}');
SELECT try('{"entries": [{"url": "s3://man1/none"}]}');
SELECT try('{"entries": []}');
-- one that isn't what it was
SELECT try('{"entries": [{"url": "s3://man1/a", "meta": {"content_length": 3}}]}');
-- what is no manifest
SELECT try(text) FROM unnest(ARRAY['', '{"entries": [', '[]', '{}', '{"entries": {}}', '{"entries": [1]}', '{"entries": [{}]}',
	'{"entries": [{"url": 1}]}', '{"entries": [{"url": "http://example.com/"}]}', '{"entries": [{"url": "s3://man1"}]}',
	'{"entries": [{"url": "s3://man1/a", "mandatory": "yes"}]}', '{"entries": [{"url": "s3://man1/a", "meta": 1}]}',
	'{"entries": [{"url": "s3://man1/a", "meta": {"content_length": "1"}}]}',
	'{"entries": [{"url": "s3://man1/a", "meta": {"content_length": -1}}]}', '{"entries": "\u0000"}', repeat('[', 100000)]) text;
SELECT etl.s3_put('s3://man1/latin', '{"entries": ["'::bytea || '\xe9'::bytea || '"]}'::bytea) \gset
\set VERBOSITY terse
SELECT etl.load('t', 's3://man1/latin', 'text', '{"manifest": true}');
SELECT etl.load('t', 's3://man1/nothing', 'text', '{"manifest": true}');
SELECT etl.load('t', 's3://man1/', 'text', '{"manifest": true}');
-- a manifest has a limit, whatever is in it
SELECT try('{"entries": []}' || repeat(' ', 16 * 1024 * 1024));

DROP FUNCTION try;
DROP TABLE t;
DELETE FROM etl.load_history;
DROP SERVER aws;

-- Objects in local mode: files under a root that no key and no link leads out of.
\getenv root ETL_TEST_ROOT
\set VERBOSITY default
SET client_min_messages = warning;
CREATE SERVER store_local FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET etl.aws_server = 'store_local';
RESET client_min_messages;

-- put, fetch, head, list, delete
SELECT etl.s3_put('s3://store-test/a/hello.txt', 'hello') <> '' AS has_etag;
SELECT etl.s3_fetch('s3://store-test/a/hello.txt'), etl.s3_fetch_text('s3://store-test/a/hello.txt');
SELECT etl.s3_put('s3://store-test/a/bytes', '\x00ff0a'::bytea) <> '' AS has_etag;
SELECT etl.s3_fetch('s3://store-test/a/bytes');
SELECT etl.s3_put('s3://store-test/empty', '') <> '' AS has_etag;
SELECT etl.s3_fetch_text('s3://store-test/empty');
SELECT uri, size, last_modified > now() - interval '1 hour' AS recent FROM etl.s3_head('s3://store-test/a/hello.txt');
SELECT count(*) FROM etl.s3_head('s3://store-test/a/nothing');
SELECT count(*) FROM etl.s3_head('s3://store-test/a');
SELECT etl.s3_delete('s3://store-test/a/bytes'), etl.s3_delete('s3://store-test/a/bytes');

-- an object that is replaced has another etag; the server can be named
SELECT etl.s3_put('s3://store-test/etag', 'one') AS etag \gset
SELECT etag = :'etag' AS same FROM etl.s3_head('s3://store-test/etag');
SELECT etl.s3_put('s3://store-test/etag', 'two', server => 'store_local') = :'etag' AS same;
SELECT etl.s3_fetch_text('s3://store-test/etag', server => 'store_local');

-- one that must not exist; copies; many deletions, of which some can't be done
SELECT etl.s3_put('s3://store-test/etag', 'three', true);
SELECT etl.s3_put('s3://store-test/new/once', 'once', must_not_exist => true) <> '' AS has_etag;
SELECT etl.s3_fetch_text('s3://store-test/etag'), etl.s3_fetch_text('s3://store-test/new/once');
SELECT etl.s3_copy('s3://store-test/etag', 's3://store-test/new/copy', 'store_local') = etag AS same
FROM etl.s3_head('s3://store-test/etag');
SELECT etl.s3_copy('s3://store-test/empty', 's3://store-test/new/copy') <> '' AS has_etag;
SELECT uri, size FROM etl.s3_list('s3://store-test/new/');
SELECT etl.s3_copy('s3://store-test/nothing', 's3://store-test/new/copy');
SELECT etl.s3_copy('s3://store-test/etag', 's3://store-test/etag');
SELECT etl.s3_copy('s3://store-test/etag', 's3://store-test/etag/folder');
SELECT etl.s3_copy('s3://store-test/etag', NULL);
SELECT etl.s3_delete('{s3://store-test/new/copy,s3://store-test/new/../x,s3://store-test/new/once,s3://store-test/none}'::text[]);
SELECT uri, size FROM etl.s3_list('s3://store-test/new/');
SELECT etl.s3_delete('{s3://store-test/none,s3://store-test/empty}'::text[], 'store_local'), etl.s3_delete('{}'::text[]);
SELECT etl.s3_put('s3://store-test/empty', '') <> '' AS has_etag;
SELECT etl.s3_delete(NULL::text[]);
SELECT etl.s3_delete('{NULL}'::text[]);
SELECT etl.s3_delete('{s3://store-test}'::text[]);
SELECT count(*) FROM etl.abandoned_uploads();
SELECT etl.forget_upload('../../PG_VERSION');

-- a prefix is the beginning of keys; they come in byte order, whatever the folders
SELECT count(etl.s3_put('s3://store-test/l/' || key, key))
FROM unnest('{b,a.txt,a/b,a/B,a-c,a0,ab/c/d/e,z z+%=ü,.hidden,Z}'::text[]) key;
SELECT uri, size FROM etl.s3_list('s3://store-test/l/');
SELECT uri FROM etl.s3_list('s3://store-test/l/a');
SELECT uri FROM etl.s3_list('s3://store-test/l/a/');
SELECT uri FROM etl.s3_list('s3://store-test/l/ab/c/d/e');
SELECT uri FROM etl.s3_list('s3://store-test/l/z z');
SELECT uri FROM etl.s3_list('s3://store-test/l/nothing');
SELECT uri FROM etl.s3_list('s3://store-test/l/b/');
SELECT uri FROM etl.s3_list('s3://store-test//');
SELECT uri FROM etl.s3_list('s3://store-test/l/../l/');
SELECT count(*) > 10 AS all_of_the_bucket FROM etl.s3_list('s3://store-test');
-- by a delimiter, and from a key or URI on
SELECT uri, size FROM etl.s3_list('s3://store-test/l/', '/');
SELECT uri, size IS NULL AS is_prefix FROM etl.s3_list('s3://store-test/l/', 'b');
SELECT uri, size IS NULL AS is_prefix FROM etl.s3_list('s3://store-test/', '/') WHERE uri LIKE '%/l%';
SELECT uri FROM etl.s3_list('s3://store-test/l/', start_after => 'l/ab');
SELECT uri FROM etl.s3_list('s3://store-test/l/', start_after => 's3://store-test/l/ab/c');
SELECT uri FROM etl.s3_list('s3://store-test/l/', '/', 'l/a/');
SELECT count(*) FROM etl.s3_list('s3://store-test/l/', '/', 'm');
SELECT * FROM etl.s3_list('s3://store-test/l/', start_after => 's3://other/l/a');
-- all that a prefix has
SELECT uri, convert_from(content, 'UTF8') AS content FROM etl.s3_fetch_all('s3://store-test/l/');
SELECT count(*) FROM etl.s3_fetch_all('s3://store-test/nothing');
-- what files don't have
SELECT etl.s3_fetch('s3://store-test/l/b', 'some version');
SELECT * FROM etl.s3_versions('s3://store-test/');
SELECT etl.s3_presign('s3://store-test/l/b');
SELECT etl.s3_fetch_text('s3://store-test/l/z z+%=ü');

-- what isn't there
SELECT etl.s3_fetch('s3://store-test/nothing');
SELECT etl.s3_fetch('s3://store-test/l/b/c');
SELECT etl.s3_fetch('s3://store-test/l/ab');
SELECT etl.s3_fetch('s3://no-such-bucket/key');
SELECT * FROM etl.s3_list('s3://no-such-bucket/');
SELECT etl.s3_delete('s3://no-such-bucket/key');

-- keys that would leave the root, or that no file can have
SELECT etl.s3_put('s3://store-test/../escaped', 'x');
SELECT etl.s3_fetch('s3://store-test/../../etc/passwd');
SELECT etl.s3_put('s3://store-test/a/../b', 'x');
SELECT etl.s3_put('s3://store-test/./b', 'x');
SELECT etl.s3_put('s3://store-test//etc/passwd', 'x');
SELECT etl.s3_put('s3://store-test/a//b', 'x');
SELECT etl.s3_put('s3://store-test/folder/', 'x');
SELECT etl.s3_put('s3://store-test/' || repeat('n', 256), 'x');
SELECT etl.s3_put('s3://store-test/' || repeat('n/', 600) || 'n', 'x');
SELECT etl.s3_put('s3://../escaped', 'x');
SELECT etl.s3_put('s3://.pg_etl/x', 'x');
SELECT etl.s3_put('s3://store-test', 'x');
SELECT etl.s3_fetch('s3://store-test/');
SELECT etl.s3_fetch(E's3://store-test/a\nb');
SELECT etl.s3_fetch('s3a://store-test/a');
SELECT etl.s3_fetch('/etc/passwd');
SELECT etl.s3_fetch('file:///etc/passwd');
SELECT etl.s3_fetch(NULL);
SELECT etl.s3_put('s3://store-test/null', NULL::text);

-- a file can't be a folder, nor a folder a file
SELECT etl.s3_put('s3://store-test/etag/below', 'x');
SELECT etl.s3_put('s3://store-test/l/ab/c', 'x');
SELECT etl.s3_fetch_text('s3://store-test/etag');
-- folders go with their last object, so the name is free again
SELECT etl.s3_delete('s3://store-test/l/ab/c/d/e');
SELECT etl.s3_put('s3://store-test/l/ab', 'file now') <> '' AS has_etag;

-- symbolic links are not followed, and not listed
\! ln -s /etc "$ETL_TEST_ROOT/store-test/link-to-folder"
\! ln -s /etc/passwd "$ETL_TEST_ROOT/store-test/link-to-file"
\! ln -s /etc "$ETL_TEST_ROOT/link-to-bucket"
\! mkfifo "$ETL_TEST_ROOT/store-test/pipe"
SELECT etl.s3_fetch('s3://store-test/link-to-folder/passwd');
SELECT etl.s3_fetch('s3://store-test/link-to-file');
SELECT etl.s3_fetch('s3://link-to-bucket/passwd');
SELECT etl.s3_put('s3://store-test/link-to-folder/x', 'x');
SELECT * FROM etl.s3_head('s3://store-test/link-to-file');
SELECT * FROM etl.s3_list('s3://link-to-bucket/');
SELECT * FROM etl.s3_list('s3://store-test/link-to-folder/');
SELECT * FROM etl.s3_list('s3://store-test/link');
SELECT etl.s3_delete('s3://store-test/link-to-folder/passwd');
SELECT etl.s3_fetch('s3://store-test/pipe');

-- text is UTF-8
SELECT etl.s3_put('s3://store-test/latin1', '\x6162e963'::bytea) <> '' AS has_etag;
SELECT etl.s3_fetch_text('s3://store-test/latin1');
SELECT etl.s3_put('s3://store-test/nul', '\x6100'::bytea) <> '' AS has_etag;
SELECT etl.s3_fetch_text('s3://store-test/nul');

-- larger than a value can be
\! truncate -s 2G "$ETL_TEST_ROOT/store-test/huge"
SELECT etl.s3_fetch('s3://store-test/huge');

-- who may not use the server may not use its objects, and nobody may call the functions unless he is let
CREATE ROLE store_reader;
SET ROLE store_reader;
SELECT etl.s3_fetch('s3://store-test/etag');
RESET ROLE;
GRANT USAGE ON SCHEMA etl TO store_reader;
SET ROLE store_reader;
SELECT etl.s3_fetch('s3://store-test/etag');
RESET ROLE;
GRANT EXECUTE ON FUNCTION etl.s3_fetch, etl.s3_list, etl.s3_put(text, text, boolean, text) TO store_reader;
SET ROLE store_reader;
SELECT etl.s3_fetch('s3://store-test/etag');
SELECT * FROM etl.s3_list('s3://store-test/');
SELECT etl.s3_put('s3://store-test/x', 'x');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER store_local TO store_reader;
SET ROLE store_reader;
SELECT etl.s3_fetch('s3://store-test/etag');
RESET ROLE;

-- nothing is left of what was being written
\! ls -A "$ETL_TEST_ROOT/.pg_etl"
\! cd "$ETL_TEST_ROOT" && ls -Ad store-test escaped no-such-bucket 2>/dev/null

DROP OWNED BY store_reader;
DROP ROLE store_reader;
DROP SERVER store_local;
\! rm -rf "$ETL_TEST_ROOT/store-test" "$ETL_TEST_ROOT/link-to-bucket"

-- store: objects of S3, or of folders in local mode, as functions. `server` is an etl_aws foreign server; NULL means
-- the one that setting etl.aws_server names.

CREATE TYPE etl.s3_object AS (uri text, size bigint, etag text, last_modified timestamptz);
COMMENT ON TYPE etl.s3_object IS 'what etl.s3_list and etl.s3_head tell of an object';
COMMENT ON COLUMN etl.s3_object.uri IS 's3://bucket/key';
COMMENT ON COLUMN etl.s3_object.size IS 'bytes';
COMMENT ON COLUMN etl.s3_object.etag IS 'what tells this content from any other the object has had';
COMMENT ON COLUMN etl.s3_object.last_modified IS 'when the object was put';

CREATE TYPE etl.s3_version AS (uri text, size bigint, etag text, last_modified timestamptz, version_id text, is_latest boolean,
	is_delete_marker boolean);
COMMENT ON TYPE etl.s3_version IS 'what etl.s3_versions tells of a version of an object';
COMMENT ON COLUMN etl.s3_version.uri IS 's3://bucket/key';
COMMENT ON COLUMN etl.s3_version.size IS 'bytes; null for a delete marker';
COMMENT ON COLUMN etl.s3_version.etag IS 'what tells this content from any other the object has had; null for a delete marker';
COMMENT ON COLUMN etl.s3_version.last_modified IS 'when the version was put, or the object deleted';
COMMENT ON COLUMN etl.s3_version.version_id IS 'what etl.s3_fetch and others take as version_id';
COMMENT ON COLUMN etl.s3_version.is_latest IS 'whether it is what the object is now';
COMMENT ON COLUMN etl.s3_version.is_delete_marker IS 'whether it says that the object was deleted';

CREATE TYPE etl.s3_content AS (uri text, content bytea);
COMMENT ON TYPE etl.s3_content IS 'what etl.s3_fetch_all answers';
COMMENT ON COLUMN etl.s3_content.uri IS 's3://bucket/key';
COMMENT ON COLUMN etl.s3_content.content IS 'all of the object';

CREATE FUNCTION etl.s3_fetch(uri text, version_id text DEFAULT NULL, server text DEFAULT NULL) RETURNS bytea
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_s3_fetch';
REVOKE ALL ON FUNCTION etl.s3_fetch(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_fetch(text, text, text) IS 'the content of the object s3://bucket/key, or of one of its versions, up to 1 GB';

CREATE FUNCTION etl.s3_fetch_text(uri text, version_id text DEFAULT NULL, server text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_s3_fetch_text';
REVOKE ALL ON FUNCTION etl.s3_fetch_text(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_fetch_text(text, text, text) IS
'the content of the object s3://bucket/key, or of one of its versions, which must be UTF-8, as text';

CREATE FUNCTION etl.s3_fetch_all(uri text, server text DEFAULT NULL) RETURNS SETOF etl.s3_content
LANGUAGE c VOLATILE ROWS 1000 AS 'MODULE_PATHNAME', 'pg_etl_s3_fetch_all';
REVOKE ALL ON FUNCTION etl.s3_fetch_all(text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_fetch_all(text, text) IS
'the objects whose URI begins with the one given and their content, in byte order of their keys; small ones are fetched many at a time';

CREATE FUNCTION etl.s3_presign(uri text, expires interval DEFAULT '1 hour', method text DEFAULT 'GET', server text DEFAULT NULL)
RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_s3_presign';
REVOKE ALL ON FUNCTION etl.s3_presign(text, interval, text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_presign(text, interval, text, text) IS
'an https URL that lets its holder GET (or HEAD, PUT, DELETE) the object for a while without credentials of his own';

CREATE FUNCTION etl._s3_drain(uri text, server text DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_s3_drain';
REVOKE ALL ON FUNCTION etl._s3_drain(text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl._s3_drain(text, text) IS 'read an object and drop what comes, to measure that; answers the number of bytes';

CREATE FUNCTION etl.s3_put(uri text, content bytea, must_not_exist boolean DEFAULT false, server text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_s3_put';
REVOKE ALL ON FUNCTION etl.s3_put(text, bytea, boolean, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_put(text, bytea, boolean, text) IS
'make or replace the object s3://bucket/key, at once and whatever becomes of the transaction; answers its etag';

CREATE FUNCTION etl.s3_put(uri text, content text, must_not_exist boolean DEFAULT false, server text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_s3_put_text';
REVOKE ALL ON FUNCTION etl.s3_put(text, text, boolean, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_put(text, text, boolean, text) IS
'make or replace the object s3://bucket/key with the text as UTF-8, at once and whatever becomes of the transaction; answers its etag';

CREATE FUNCTION etl.s3_list(uri text, delimiter text DEFAULT NULL, start_after text DEFAULT NULL, server text DEFAULT NULL)
RETURNS SETOF etl.s3_object
LANGUAGE c VOLATILE ROWS 1000 AS 'MODULE_PATHNAME', 'pg_etl_s3_list';
REVOKE ALL ON FUNCTION etl.s3_list(text, text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_list(text, text, text, text) IS
'the objects whose URI begins with the one given, in byte order of their keys, from the one after start_after (a key or URI) on; those that have the delimiter after that beginning are one row, of which only the uri is known';

CREATE FUNCTION etl.s3_glob(pattern text, server text DEFAULT NULL)
RETURNS SETOF etl.s3_object
LANGUAGE c VOLATILE ROWS 1000 AS 'MODULE_PATHNAME', 'pg_etl_s3_glob';
REVOKE ALL ON FUNCTION etl.s3_glob(text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_glob(text, text) IS
'the objects whose key matches a pattern, in byte order of their keys: * and ? (no slash), ** (slashes too), [a-z], {a,b}; a backslash takes away the meaning of what follows';

CREATE FUNCTION etl.s3_head(uri text, version_id text DEFAULT NULL, server text DEFAULT NULL)
RETURNS SETOF etl.s3_object
LANGUAGE c VOLATILE ROWS 1 AS 'MODULE_PATHNAME', 'pg_etl_s3_head';
REVOKE ALL ON FUNCTION etl.s3_head(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_head(text, text, text) IS
'one row about the object s3://bucket/key, or one of its versions, or none if there is no such object';

CREATE FUNCTION etl.s3_versions(uri text, server text DEFAULT NULL)
RETURNS SETOF etl.s3_version
LANGUAGE c VOLATILE ROWS 1000 AS 'MODULE_PATHNAME', 'pg_etl_s3_versions';
REVOKE ALL ON FUNCTION etl.s3_versions(text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_versions(text, text) IS
'all versions of the objects whose URI begins with the one given, by key and then the newest first, as S3 lists them';

CREATE FUNCTION etl.s3_delete(uri text, server text DEFAULT NULL) RETURNS boolean
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_s3_delete';
REVOKE ALL ON FUNCTION etl.s3_delete(text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_delete(text, text) IS
'remove the object s3://bucket/key, at once and whatever becomes of the transaction; true also if there was none, as S3 answers';

CREATE FUNCTION etl.s3_delete(uris text[], server text DEFAULT NULL) RETURNS bigint
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_s3_delete_many';
REVOKE ALL ON FUNCTION etl.s3_delete(text[], text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_delete(text[], text) IS
'remove the objects, whether they are there or not, at once and whatever becomes of the transaction; answers how many; an error if some could not be removed, when the others are';

CREATE FUNCTION etl.s3_copy(source_uri text, target_uri text, server text DEFAULT NULL) RETURNS text
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_s3_copy';
REVOKE ALL ON FUNCTION etl.s3_copy(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.s3_copy(text, text, text) IS
'make or replace the object target_uri with the content of source_uri, within the store, at once and whatever becomes of the transaction; answers its etag';

CREATE FUNCTION etl.abandoned_uploads(OUT record text, OUT database name, OUT role name, OUT server text, OUT uri text,
	OUT objects integer, OUT upload_id text, OUT began timestamptz, OUT failures integer, OUT tried timestamptz, OUT error text)
RETURNS SETOF record
LANGUAGE c VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_abandoned_uploads';
REVOKE ALL ON FUNCTION etl.abandoned_uploads() FROM PUBLIC;
COMMENT ON FUNCTION etl.abandoned_uploads() IS
'what a writer that is gone has left in a store and is still to be removed, of roles the caller is a member of: a multipart upload (upload_id, if that is known), or the objects of a transaction that did not commit (how many it was to make, uri is the first of them); error: why that has failed';

CREATE FUNCTION etl.forget_upload(record text) RETURNS boolean
LANGUAGE c STRICT VOLATILE AS 'MODULE_PATHNAME', 'pg_etl_forget_upload';
REVOKE ALL ON FUNCTION etl.forget_upload(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.forget_upload(text) IS
'give up what can''t be removed from here any more; false: there is no such record of a role the caller is a member of';

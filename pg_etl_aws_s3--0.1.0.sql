-- complain if script is sourced in psql, rather than via CREATE EXTENSION
\echo Use "CREATE EXTENSION pg_etl_aws_s3" to load this file. \quit
-- aws_commons and aws_s3: what Amazon RDS and Aurora have under these names, over etl.load and etl.unload.

CREATE SCHEMA aws_commons;
CREATE SCHEMA aws_s3;

CREATE TYPE aws_commons._s3_uri_1 AS (bucket text, file_path text, region text);
CREATE TYPE aws_commons._aws_credentials_1 AS (access_key text, secret_key text, session_token text);

CREATE FUNCTION aws_commons.create_s3_uri(s3_bucket text, s3_key text, s3_region text)
RETURNS aws_commons._s3_uri_1
LANGUAGE sql IMMUTABLE
RETURN ROW(s3_bucket, s3_key, s3_region)::aws_commons._s3_uri_1;

CREATE FUNCTION aws_commons.create_aws_credentials(access_key text, secret_key text, session_token text)
RETURNS aws_commons._aws_credentials_1
LANGUAGE sql IMMUTABLE
RETURN ROW(access_key, secret_key, session_token)::aws_commons._aws_credentials_1;

COMMENT ON TYPE aws_commons._s3_uri_1 IS 'An object';
COMMENT ON TYPE aws_commons._aws_credentials_1 IS 'An access key';
COMMENT ON FUNCTION aws_commons.create_s3_uri(text, text, text) IS 'An object, by bucket, key and region';
COMMENT ON FUNCTION aws_commons.create_aws_credentials(text, text, text) IS 'An access key, with its session token if it is a temporary one';

-- Region, keys and KMS key as options of etl.load and etl.unload; those that aren't given are left out.
CREATE FUNCTION aws_s3._access(region text, access_key text, secret_key text, session_token text)
RETURNS jsonb
LANGUAGE sql IMMUTABLE
RETURN pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('single', true, 'region', nullif(region, ''),
	'credentials', CASE WHEN nullif(access_key, '') IS NOT NULL OR nullif(secret_key, '') IS NOT NULL
		THEN pg_catalog.jsonb_build_object('access_key_id', access_key, 'secret_access_key', secret_key,
			'session_token', nullif(session_token, '')) END));
COMMENT ON FUNCTION aws_s3._access(text, text, text, text) IS 'Who asks for which object, as options of pg_etl. Internal.';

CREATE FUNCTION aws_s3.table_import_from_s3(table_name text, column_list text, options text, bucket text, file_path text,
	region text, access_key text DEFAULT NULL, secret_key text DEFAULT NULL, session_token text DEFAULT NULL,
	endpoint_url text DEFAULT NULL)
RETURNS text
LANGUAGE plpgsql
AS $$
DECLARE
	copy jsonb;
	loaded bigint;
	size bigint;
BEGIN
	-- An error that is raised here would have the statement, and its keys, in the log: pg_etl's functions see to that. An
	-- endpoint, which is the server's business, is an option that etl.load refuses.
	copy := etl._copy_options(table_name, coalesce(column_list, ''), coalesce(options, ''), true);
	loaded := etl.load(table_name::regclass, pg_catalog.format('s3://%s/%s', bucket, file_path), copy ->> 'format',
		(copy -> 'options') || aws_s3._access(region, access_key, secret_key, session_token) ||
			pg_catalog.jsonb_strip_nulls(pg_catalog.jsonb_build_object('endpoint_url', nullif(endpoint_url, ''))));
	SELECT bytes INTO size FROM etl.load_history WHERE load_id = redshift.pg_last_copy_id();
	RETURN pg_catalog.format('%s rows imported into relation "%s" from file %s of %s bytes', loaded, table_name, file_path, size);
END
$$;
COMMENT ON FUNCTION aws_s3.table_import_from_s3(text, text, text, text, text, text, text, text, text, text)
	IS 'Load one object into a table, with the options of COPY';

CREATE FUNCTION aws_s3.table_import_from_s3(table_name text, column_list text, options text, s3_info aws_commons._s3_uri_1,
	credentials aws_commons._aws_credentials_1 DEFAULT NULL, endpoint_url text DEFAULT NULL)
RETURNS text
LANGUAGE sql
AS $$
	SELECT aws_s3.table_import_from_s3(table_name, column_list, options, (s3_info).bucket, (s3_info).file_path, (s3_info).region,
		(credentials).access_key, (credentials).secret_key, (credentials).session_token, endpoint_url)
$$;
COMMENT ON FUNCTION aws_s3.table_import_from_s3(text, text, text, aws_commons._s3_uri_1, aws_commons._aws_credentials_1, text)
	IS 'Load one object into a table, with the options of COPY';

CREATE FUNCTION aws_s3.query_export_to_s3(query text, bucket text, file_path text, region text DEFAULT NULL,
	options text DEFAULT NULL, kms_key text DEFAULT NULL, OUT rows_uploaded bigint, OUT files_uploaded bigint,
	OUT bytes_uploaded bigint)
LANGUAGE plpgsql
AS $$
DECLARE
	copy jsonb := etl._copy_options('', '', coalesce(options, ''), false);
	kms jsonb := CASE WHEN nullif(kms_key, '') IS NULL THEN '{}'
		ELSE pg_catalog.jsonb_build_object('encrypted', true, 'kms_key_id', kms_key) END;
BEGIN
	rows_uploaded := etl.unload(query, pg_catalog.format('s3://%s/%s', bucket, file_path), copy ->> 'format',
		(copy -> 'options') || aws_s3._access(region, NULL, NULL, NULL) || kms || '{"allowoverwrite": true}');
	SELECT files, bytes INTO files_uploaded, bytes_uploaded
		FROM etl.unload_history WHERE unload_id = redshift.pg_last_unload_id();
END
$$;
COMMENT ON FUNCTION aws_s3.query_export_to_s3(text, text, text, text, text, text)
	IS 'Write a query''s rows to one object, with the options of COPY; what is there is replaced';

CREATE FUNCTION aws_s3.query_export_to_s3(query text, s3_info aws_commons._s3_uri_1, options text DEFAULT NULL,
	kms_key text DEFAULT NULL, OUT rows_uploaded bigint, OUT files_uploaded bigint, OUT bytes_uploaded bigint)
LANGUAGE sql
AS $$
	SELECT * FROM aws_s3.query_export_to_s3(query, (s3_info).bucket, (s3_info).file_path, (s3_info).region, options, kms_key)
$$;
COMMENT ON FUNCTION aws_s3.query_export_to_s3(text, aws_commons._s3_uri_1, text, text)
	IS 'Write a query''s rows to one object, with the options of COPY; what is there is replaced';

REVOKE ALL ON ALL FUNCTIONS IN SCHEMA aws_s3, aws_commons FROM PUBLIC;

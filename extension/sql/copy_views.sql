-- Redshift's views of loads and unloads, with its columns. Strings have its widths and are not filled with blanks. They show
-- what the tables below them show to their reader.

CREATE VIEW redshift.stl_load_errors WITH (security_invoker = true) AS
	SELECT pg_catalog.to_regrole(pg_catalog.quote_ident(e.username))::oid::integer AS userid,
		0 AS slice,
		e.table_id::integer AS tbl,
		(e.started_at AT TIME ZONE 'UTC')::timestamp AS starttime,
		e.pid AS session,
		(e.load_id & 2147483647)::integer AS query,
		e.uri::varchar(256) AS filename,
		e.line AS line_number,
		e.column_name::varchar(127) AS colname,
		(CASE pg_catalog.regexp_replace(e.type, '\(.*\)', '')
			WHEN 'integer' THEN 'int4' WHEN 'bigint' THEN 'int8' WHEN 'smallint' THEN 'int2' WHEN 'character varying' THEN 'varchar'
			WHEN 'character' THEN 'char' WHEN 'boolean' THEN 'bool' WHEN 'real' THEN 'float4' WHEN 'double precision' THEN 'float8'
			WHEN 'timestamp without time zone' THEN 'timestamp' WHEN 'timestamp with time zone' THEN 'timestamptz' WHEN 'time without time zone' THEN 'time' WHEN 'time with time zone' THEN 'timetz'
			ELSE pg_catalog.regexp_replace(e.type, '\(.*\)', '') END)::varchar(10) AS type,
		e.column_length::varchar(10) AS col_length,
		e."position" AS position,
		e.raw_line::varchar(1024) AS raw_line,
		e.raw_value::varchar(1024) AS raw_field_value,
		e.code AS err_code,
		e.reason::varchar(100) AS err_reason
	FROM etl.load_error e;
COMMENT ON VIEW redshift.stl_load_errors IS 'The records that loads rejected, as Redshift shows them';
COMMENT ON COLUMN redshift.stl_load_errors.userid IS 'Who loaded: the role''s OID';
COMMENT ON COLUMN redshift.stl_load_errors.slice IS '0: there is one';
COMMENT ON COLUMN redshift.stl_load_errors.tbl IS 'The table''s OID';
COMMENT ON COLUMN redshift.stl_load_errors.starttime IS 'When the load began, in UTC';
COMMENT ON COLUMN redshift.stl_load_errors.session IS 'The process that loaded';
COMMENT ON COLUMN redshift.stl_load_errors.query IS 'The load: pg_last_copy_id() in its session';
COMMENT ON COLUMN redshift.stl_load_errors.filename IS 'The file';
COMMENT ON COLUMN redshift.stl_load_errors.line_number IS 'The line in it';
COMMENT ON COLUMN redshift.stl_load_errors.colname IS 'The column; null: it is the whole record';
COMMENT ON COLUMN redshift.stl_load_errors.type IS 'The column''s type';
COMMENT ON COLUMN redshift.stl_load_errors.col_length IS 'Its width in bytes; null: it has none';
COMMENT ON COLUMN redshift.stl_load_errors.position IS 'Where in the record the value is, bytes from 0; null: not known';
COMMENT ON COLUMN redshift.stl_load_errors.raw_line IS 'The record';
COMMENT ON COLUMN redshift.stl_load_errors.raw_field_value IS 'The value';
COMMENT ON COLUMN redshift.stl_load_errors.err_code IS 'From Redshift''s load error reference';
COMMENT ON COLUMN redshift.stl_load_errors.err_reason IS 'What is wrong';

CREATE VIEW redshift.stl_loaderror_detail WITH (security_invoker = true) AS
	SELECT pg_catalog.to_regrole(pg_catalog.quote_ident(e.username))::oid::integer AS userid,
		0 AS slice,
		e.pid AS session,
		(e.load_id & 2147483647)::integer AS query,
		e.uri::varchar(256) AS filename,
		e.line AS line_number,
		f.n::integer AS field,
		(f.field ->> 'column')::varchar(1024) AS colname,
		(f.field ->> 'value')::varchar(1024) AS value,
		(f.field ->> 'value' IS NULL)::integer AS is_null,
		(CASE pg_catalog.regexp_replace((f.field ->> 'type'), '\(.*\)', '')
			WHEN 'integer' THEN 'int4' WHEN 'bigint' THEN 'int8' WHEN 'smallint' THEN 'int2' WHEN 'character varying' THEN 'varchar'
			WHEN 'character' THEN 'char' WHEN 'boolean' THEN 'bool' WHEN 'real' THEN 'float4' WHEN 'double precision' THEN 'float8'
			WHEN 'timestamp without time zone' THEN 'timestamp' WHEN 'timestamp with time zone' THEN 'timestamptz' WHEN 'time without time zone' THEN 'time' WHEN 'time with time zone' THEN 'timetz'
			ELSE pg_catalog.regexp_replace((f.field ->> 'type'), '\(.*\)', '') END)::varchar(10) AS type,
		nullif(f.field ->> 'length', '0')::varchar(10) AS col_length
	FROM etl.load_error e,
	LATERAL pg_catalog.jsonb_array_elements(e.fields) WITH ORDINALITY AS f(field, n);
COMMENT ON VIEW redshift.stl_loaderror_detail IS 'The values of rejected records up to the one at fault, of the first 20 of each load';
COMMENT ON COLUMN redshift.stl_loaderror_detail.userid IS 'Who loaded: the role''s OID';
COMMENT ON COLUMN redshift.stl_loaderror_detail.slice IS '0: there is one';
COMMENT ON COLUMN redshift.stl_loaderror_detail.session IS 'The process that loaded';
COMMENT ON COLUMN redshift.stl_loaderror_detail.query IS 'The load';
COMMENT ON COLUMN redshift.stl_loaderror_detail.filename IS 'The file';
COMMENT ON COLUMN redshift.stl_loaderror_detail.line_number IS 'The line in it';
COMMENT ON COLUMN redshift.stl_loaderror_detail.field IS 'The field, from 1';
COMMENT ON COLUMN redshift.stl_loaderror_detail.colname IS 'The column';
COMMENT ON COLUMN redshift.stl_loaderror_detail.value IS 'The value';
COMMENT ON COLUMN redshift.stl_loaderror_detail.is_null IS '1: it is null';
COMMENT ON COLUMN redshift.stl_loaderror_detail.type IS 'The column''s type';
COMMENT ON COLUMN redshift.stl_loaderror_detail.col_length IS 'Its width in bytes; null: it has none';

CREATE VIEW redshift.sys_load_error_detail WITH (security_invoker = true) AS
	SELECT pg_catalog.to_regrole(pg_catalog.quote_ident(e.username))::oid::integer AS user_id,
		e.load_id AS query_id,
		e.transaction_id AS transaction_id,
		e.pid AS session_id,
		pg_catalog.current_database()::varchar(64) AS database_name,
		e.table_id::integer AS table_id,
		(e.started_at AT TIME ZONE 'UTC')::timestamp AS start_time,
		e.uri::varchar(256) AS file_name,
		e.line AS line_number,
		e.column_name::varchar(127) AS column_name,
		(CASE pg_catalog.regexp_replace(e.type, '\(.*\)', '')
			WHEN 'integer' THEN 'int4' WHEN 'bigint' THEN 'int8' WHEN 'smallint' THEN 'int2' WHEN 'character varying' THEN 'varchar'
			WHEN 'character' THEN 'char' WHEN 'boolean' THEN 'bool' WHEN 'real' THEN 'float4' WHEN 'double precision' THEN 'float8'
			WHEN 'timestamp without time zone' THEN 'timestamp' WHEN 'timestamp with time zone' THEN 'timestamptz' WHEN 'time without time zone' THEN 'time' WHEN 'time with time zone' THEN 'timetz'
			ELSE pg_catalog.regexp_replace(e.type, '\(.*\)', '') END)::varchar(10) AS column_type,
		e.column_length::varchar(10) AS column_length,
		e."position" AS position,
		e.code AS error_code,
		e.reason::varchar(512) AS error_message
	FROM etl.load_error e;
COMMENT ON VIEW redshift.sys_load_error_detail IS 'The records that loads rejected, as Redshift shows them since it has SYS views';
COMMENT ON COLUMN redshift.sys_load_error_detail.user_id IS 'Who loaded: the role''s OID';
COMMENT ON COLUMN redshift.sys_load_error_detail.query_id IS 'The load';
COMMENT ON COLUMN redshift.sys_load_error_detail.transaction_id IS 'Its transaction; null: it had no id yet';
COMMENT ON COLUMN redshift.sys_load_error_detail.session_id IS 'The process that loaded';
COMMENT ON COLUMN redshift.sys_load_error_detail.database_name IS 'The database';
COMMENT ON COLUMN redshift.sys_load_error_detail.table_id IS 'The table''s OID';
COMMENT ON COLUMN redshift.sys_load_error_detail.start_time IS 'When the load began, in UTC';
COMMENT ON COLUMN redshift.sys_load_error_detail.file_name IS 'The file';
COMMENT ON COLUMN redshift.sys_load_error_detail.line_number IS 'The line in it';
COMMENT ON COLUMN redshift.sys_load_error_detail.column_name IS 'The column; null: it is the whole record';
COMMENT ON COLUMN redshift.sys_load_error_detail.column_type IS 'The column''s type';
COMMENT ON COLUMN redshift.sys_load_error_detail.column_length IS 'Its width in bytes; null: it has none';
COMMENT ON COLUMN redshift.sys_load_error_detail.position IS 'Where in the record the value is, bytes from 0; null: not known';
COMMENT ON COLUMN redshift.sys_load_error_detail.error_code IS 'From Redshift''s load error reference';
COMMENT ON COLUMN redshift.sys_load_error_detail.error_message IS 'What is wrong';

CREATE VIEW redshift.sys_load_history WITH (security_invoker = true) AS
	SELECT pg_catalog.to_regrole(pg_catalog.quote_ident(h.username))::oid::integer AS user_id,
		h.load_id AS query_id,
		h.transaction_id AS transaction_id,
		h.pid AS session_id,
		pg_catalog.current_database()::text AS database_name,
		CASE h.status WHEN 'failed' THEN 'aborted' ELSE 'completed' END AS status,
		h.table_name AS table_name,
		(h.started_at AT TIME ZONE 'UTC')::timestamp AS start_time,
		(h.finished_at AT TIME ZONE 'UTC')::timestamp AS end_time,
		(extract(epoch FROM h.finished_at - h.started_at) * 1000000)::bigint AS duration,
		h.uri AS data_source,
		CASE h.format WHEN 'text' THEN 'txt' ELSE h.format END AS file_format,
		CASE h.status WHEN 'loaded' THEN h.rows ELSE 0 END AS loaded_rows,
		CASE h.status WHEN 'loaded' THEN h.bytes ELSE 0 END AS loaded_bytes,
		h.files AS source_file_count,
		h.bytes AS source_file_bytes,
		h.files AS file_count_scanned,
		h.bytes AS file_bytes_scanned,
		h.rejected AS error_count,
		coalesce(h.copy_job_id, 0) AS copy_job_id
	FROM etl.load_history h
	UNION ALL
	SELECT p.user_id::integer, p.load_id, NULL, p.pid, pg_catalog.current_database()::text, 'running',
		p.table_id::regclass::text, (p.started_at AT TIME ZONE 'UTC')::timestamp, NULL,
		(extract(epoch FROM etl._clock() - p.started_at) * 1000000)::bigint, NULL, NULL, p.rows, p.bytes_done, p.files_total::integer,
		p.bytes_total, p.files_done::integer, p.bytes_done, p.rejected, 0
	FROM etl._load_progress() p;
COMMENT ON VIEW redshift.sys_load_history IS 'Loads that have ended or are under way, as Redshift shows them';
COMMENT ON COLUMN redshift.sys_load_history.user_id IS 'Who loaded: the role''s OID';
COMMENT ON COLUMN redshift.sys_load_history.query_id IS 'The load: pg_last_copy_id() in its session';
COMMENT ON COLUMN redshift.sys_load_history.transaction_id IS 'Its transaction; null: it had no id yet';
COMMENT ON COLUMN redshift.sys_load_history.session_id IS 'The process that loaded';
COMMENT ON COLUMN redshift.sys_load_history.database_name IS 'The database';
COMMENT ON COLUMN redshift.sys_load_history.status IS 'running, completed or aborted';
COMMENT ON COLUMN redshift.sys_load_history.table_name IS 'The table, with its schema';
COMMENT ON COLUMN redshift.sys_load_history.start_time IS 'When it began, in UTC';
COMMENT ON COLUMN redshift.sys_load_history.end_time IS 'When it ended, in UTC';
COMMENT ON COLUMN redshift.sys_load_history.duration IS 'How long it took, in microseconds';
COMMENT ON COLUMN redshift.sys_load_history.data_source IS 'The prefix or manifest; null: it is running';
COMMENT ON COLUMN redshift.sys_load_history.file_format IS 'txt, csv, json ...';
COMMENT ON COLUMN redshift.sys_load_history.loaded_rows IS 'Rows loaded';
COMMENT ON COLUMN redshift.sys_load_history.loaded_bytes IS 'Bytes of the files they came from, as stored';
COMMENT ON COLUMN redshift.sys_load_history.source_file_count IS 'Files that were to be loaded';
COMMENT ON COLUMN redshift.sys_load_history.source_file_bytes IS 'Their size as stored';
COMMENT ON COLUMN redshift.sys_load_history.file_count_scanned IS 'Files read';
COMMENT ON COLUMN redshift.sys_load_history.file_bytes_scanned IS 'Their size as stored';
COMMENT ON COLUMN redshift.sys_load_history.error_count IS 'Records rejected';
COMMENT ON COLUMN redshift.sys_load_history.copy_job_id IS 'The COPY JOB; 0: none';

CREATE VIEW redshift.stl_load_commits WITH (security_invoker = true) AS
	SELECT pg_catalog.to_regrole(pg_catalog.quote_ident(h.username))::oid::integer AS userid,
		(h.load_id & 2147483647)::integer AS query,
		0 AS slice,
		''::varchar(256) AS name,
		f.uri::varchar(256) AS filename,
		0 AS byte_offset,
		least(f.rows, 2147483647)::integer AS lines_scanned,
		0 AS errors,
		(h.finished_at AT TIME ZONE 'UTC')::timestamp AS curtime,
		1 AS status,
		CASE h.format WHEN 'json' THEN 'JSON' WHEN 'parquet' THEN 'Parquet' WHEN 'orc' THEN 'ORC' WHEN 'avro' THEN 'Avro' ELSE 'Text' END::varchar(16) AS file_format,
		0 AS is_partial,
		0::bigint AS start_offset,
		coalesce(h.copy_job_id, 0) AS copy_job_id
	FROM etl.load_file f JOIN etl.load_history h USING (load_id)
	WHERE h.status = 'loaded';
COMMENT ON VIEW redshift.stl_load_commits IS 'The files of loads that were committed';
COMMENT ON COLUMN redshift.stl_load_commits.userid IS 'Who loaded: the role''s OID';
COMMENT ON COLUMN redshift.stl_load_commits.query IS 'The load';
COMMENT ON COLUMN redshift.stl_load_commits.slice IS '0: there is one';
COMMENT ON COLUMN redshift.stl_load_commits.name IS 'Nothing';
COMMENT ON COLUMN redshift.stl_load_commits.filename IS 'The file';
COMMENT ON COLUMN redshift.stl_load_commits.byte_offset IS '0';
COMMENT ON COLUMN redshift.stl_load_commits.lines_scanned IS 'Records found in it, rejected ones included';
COMMENT ON COLUMN redshift.stl_load_commits.errors IS '0; stl_load_errors has them';
COMMENT ON COLUMN redshift.stl_load_commits.curtime IS 'When the load ended, in UTC';
COMMENT ON COLUMN redshift.stl_load_commits.status IS '1';
COMMENT ON COLUMN redshift.stl_load_commits.file_format IS 'Text, JSON ...';
COMMENT ON COLUMN redshift.stl_load_commits.is_partial IS '0: files are read whole';
COMMENT ON COLUMN redshift.stl_load_commits.start_offset IS '0';
COMMENT ON COLUMN redshift.stl_load_commits.copy_job_id IS 'The COPY JOB; 0: none';

CREATE VIEW redshift.sys_unload_history WITH (security_invoker = true) AS
	SELECT pg_catalog.to_regrole(pg_catalog.quote_ident(h.username))::oid::integer AS user_id,
		h.unload_id AS query_id,
		h.transaction_id AS transaction_id,
		h.pid AS session_id,
		pg_catalog.current_database()::text AS database_name,
		CASE h.status WHEN 'failed' THEN 'aborted' ELSE 'completed' END AS status,
		(h.started_at AT TIME ZONE 'UTC')::timestamp AS start_time,
		(h.finished_at AT TIME ZONE 'UTC')::timestamp AS end_time,
		(extract(epoch FROM h.finished_at - h.started_at) * 1000000)::bigint AS duration,
		CASE h.format WHEN 'text' THEN 'txt' ELSE h.format END AS file_format,
		CASE (SELECT pg_catalog.substring(f.uri, '[.](gz|bz2|zst)$') FROM etl.unload_file f WHERE f.unload_id = h.unload_id LIMIT 1)
			WHEN 'gz' THEN 'gzip' WHEN 'bz2' THEN 'bzip2' WHEN 'zst' THEN 'zstd'
			ELSE CASE h.status WHEN 'failed' THEN NULL ELSE 'none' END END AS compression_type,
		h.uri AS unloaded_location,
		h.rows AS unloaded_rows,
		h.files::bigint AS unloaded_files_count,
		h.bytes AS unloaded_files_size,
		h.message AS error_message
	FROM etl.unload_history h;
COMMENT ON VIEW redshift.sys_unload_history IS 'Unloads that have ended, as Redshift shows them';
COMMENT ON COLUMN redshift.sys_unload_history.user_id IS 'Who unloaded: the role''s OID';
COMMENT ON COLUMN redshift.sys_unload_history.query_id IS 'The unload: pg_last_unload_id() in its session';
COMMENT ON COLUMN redshift.sys_unload_history.transaction_id IS 'Its transaction; null: it had no id yet';
COMMENT ON COLUMN redshift.sys_unload_history.session_id IS 'The process that unloaded';
COMMENT ON COLUMN redshift.sys_unload_history.database_name IS 'The database';
COMMENT ON COLUMN redshift.sys_unload_history.status IS 'completed or aborted';
COMMENT ON COLUMN redshift.sys_unload_history.start_time IS 'When it began, in UTC';
COMMENT ON COLUMN redshift.sys_unload_history.end_time IS 'When it ended, in UTC';
COMMENT ON COLUMN redshift.sys_unload_history.duration IS 'How long it took, in microseconds';
COMMENT ON COLUMN redshift.sys_unload_history.file_format IS 'txt, csv, json ...';
COMMENT ON COLUMN redshift.sys_unload_history.compression_type IS 'By the files'' names; null: there are none, for it has failed';
COMMENT ON COLUMN redshift.sys_unload_history.unloaded_location IS 'The prefix';
COMMENT ON COLUMN redshift.sys_unload_history.unloaded_rows IS 'Rows written';
COMMENT ON COLUMN redshift.sys_unload_history.unloaded_files_count IS 'Files written';
COMMENT ON COLUMN redshift.sys_unload_history.unloaded_files_size IS 'Their size as stored';
COMMENT ON COLUMN redshift.sys_unload_history.error_message IS 'Of the error that failed it; null: none';

CREATE VIEW redshift.stl_unload_log WITH (security_invoker = true) AS
	SELECT pg_catalog.to_regrole(pg_catalog.quote_ident(h.username))::oid::integer AS userid,
		(h.unload_id & 2147483647)::integer AS query,
		0 AS slice,
		h.pid AS pid,
		f.uri::varchar(1280) AS path,
		(h.started_at AT TIME ZONE 'UTC')::timestamp AS start_time,
		(h.finished_at AT TIME ZONE 'UTC')::timestamp AS end_time,
		f.rows AS line_count,
		f.bytes AS transfer_size,
		CASE h.format WHEN 'text' THEN 'Text' WHEN 'csv' THEN 'CSV' WHEN 'json' THEN 'JSON' ELSE h.format END::varchar(10) AS file_format
	FROM etl.unload_file f JOIN etl.unload_history h USING (unload_id);
COMMENT ON VIEW redshift.stl_unload_log IS 'The files that unloads have written';
COMMENT ON COLUMN redshift.stl_unload_log.userid IS 'Who unloaded: the role''s OID';
COMMENT ON COLUMN redshift.stl_unload_log.query IS 'The unload: pg_last_unload_id() in its session';
COMMENT ON COLUMN redshift.stl_unload_log.slice IS '0: there is one';
COMMENT ON COLUMN redshift.stl_unload_log.pid IS 'The process that unloaded';
COMMENT ON COLUMN redshift.stl_unload_log.path IS 'The file';
COMMENT ON COLUMN redshift.stl_unload_log.start_time IS 'When the unload began, in UTC';
COMMENT ON COLUMN redshift.stl_unload_log.end_time IS 'When it ended, in UTC';
COMMENT ON COLUMN redshift.stl_unload_log.line_count IS 'Rows in the file';
COMMENT ON COLUMN redshift.stl_unload_log.transfer_size IS 'Its size as stored';
COMMENT ON COLUMN redshift.stl_unload_log.file_format IS 'Text, CSV, JSON ...';

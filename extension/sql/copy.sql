-- copy: COPY and UNLOAD as functions, and the history of both.

CREATE TABLE etl.load_history (
	load_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	run_id bigint,
	username name NOT NULL,
	table_name text NOT NULL,
	uri text NOT NULL,
	format text NOT NULL,
	started_at timestamptz NOT NULL,
	finished_at timestamptz NOT NULL,
	rows bigint NOT NULL,
	bytes bigint NOT NULL,
	files integer NOT NULL,
	status text NOT NULL DEFAULT 'loaded' CHECK (status IN ('loaded', 'failed', 'checked')),
	rejected bigint NOT NULL DEFAULT 0,
	message text,
	table_id oid,
	transaction_id bigint,
	pid integer,
	copy_job_id bigint
);
COMMENT ON TABLE etl.load_history IS 'One row per load that was committed, or that failed at its data; users see their own, readers and operators all';
COMMENT ON COLUMN etl.load_history.load_id IS 'Counts loads';
COMMENT ON COLUMN etl.load_history.run_id IS 'The run whose step loaded; null outside of runs';
COMMENT ON COLUMN etl.load_history.username IS 'Who loaded';
COMMENT ON COLUMN etl.load_history.table_name IS 'The table, with its schema, as SQL writes it';
COMMENT ON COLUMN etl.load_history.uri IS 'The prefix that was loaded';
COMMENT ON COLUMN etl.load_history.format IS 'text, csv';
COMMENT ON COLUMN etl.load_history.started_at IS 'When it began';
COMMENT ON COLUMN etl.load_history.finished_at IS 'When the last row was in';
COMMENT ON COLUMN etl.load_history.rows IS 'Rows loaded';
COMMENT ON COLUMN etl.load_history.bytes IS 'Size of the files as stored';
COMMENT ON COLUMN etl.load_history.files IS 'Files read';
COMMENT ON COLUMN etl.load_history.status IS 'loaded; failed: nothing was loaded; checked: nothing was to be loaded (NOLOAD)';
COMMENT ON COLUMN etl.load_history.rejected IS 'Records that were not loaded: etl.load_error says why';
COMMENT ON COLUMN etl.load_history.message IS 'Of the error that failed it; null: none';
COMMENT ON COLUMN etl.load_history.table_id IS 'The table''s OID';
COMMENT ON COLUMN etl.load_history.transaction_id IS 'The transaction''s id; null: it had none yet';
COMMENT ON COLUMN etl.load_history.pid IS 'The process that loaded';
COMMENT ON COLUMN etl.load_history.copy_job_id IS 'The COPY JOB that loaded; null: none';

CREATE TABLE etl.load_file (
	load_id bigint NOT NULL REFERENCES etl.load_history ON DELETE CASCADE,
	uri text NOT NULL,
	rows bigint NOT NULL,
	bytes bigint NOT NULL
);
COMMENT ON TABLE etl.load_file IS 'The files of loads that were committed; to be seen by those who see the load';
COMMENT ON COLUMN etl.load_file.load_id IS 'The load';
COMMENT ON COLUMN etl.load_file.uri IS 'The file';
COMMENT ON COLUMN etl.load_file.rows IS 'Records found in it, rejected ones included';
COMMENT ON COLUMN etl.load_file.bytes IS 'Its size as stored';
CREATE INDEX load_file_load ON etl.load_file (load_id);

CREATE TABLE etl.load_error (
	error_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	load_id bigint NOT NULL,
	username name NOT NULL,
	table_name text NOT NULL,
	table_id oid,
	transaction_id bigint,
	pid integer NOT NULL,
	started_at timestamptz NOT NULL,
	at timestamptz NOT NULL DEFAULT etl._clock(),
	uri text NOT NULL,
	line bigint NOT NULL,
	column_name text,
	type text,
	column_length integer,
	position integer,
	raw_line text,
	raw_value text,
	fields jsonb,
	code integer NOT NULL,
	reason text NOT NULL
);
COMMENT ON TABLE etl.load_error IS 'The records that loads rejected, whether or not the load was committed; users see their own, readers and operators all';
COMMENT ON COLUMN etl.load_error.error_id IS 'Counts them, in the order of each load''s files';
COMMENT ON COLUMN etl.load_error.load_id IS 'The load, be it that was rolled back and has no row of etl.load_history';
COMMENT ON COLUMN etl.load_error.username IS 'Who loaded';
COMMENT ON COLUMN etl.load_error.table_name IS 'The table, with its schema, as SQL writes it';
COMMENT ON COLUMN etl.load_error.table_id IS 'Its OID';
COMMENT ON COLUMN etl.load_error.transaction_id IS 'The load''s transaction; null: it had no id yet';
COMMENT ON COLUMN etl.load_error.pid IS 'The process that loaded';
COMMENT ON COLUMN etl.load_error.started_at IS 'When the load began';
COMMENT ON COLUMN etl.load_error.at IS 'When this was written';
COMMENT ON COLUMN etl.load_error.uri IS 'The file';
COMMENT ON COLUMN etl.load_error.line IS 'The line in it, from 1; of JSON the one that the object ends on';
COMMENT ON COLUMN etl.load_error.column_name IS 'The column; null: it is the whole record';
COMMENT ON COLUMN etl.load_error.type IS 'The column''s type';
COMMENT ON COLUMN etl.load_error.column_length IS 'Its width in bytes; null: it has none';
COMMENT ON COLUMN etl.load_error.position IS 'Where in the record the value is, bytes from 0; null: not known';
COMMENT ON COLUMN etl.load_error.raw_line IS 'The record, cut at 1024 bytes; what is no text in it is shown as ?';
COMMENT ON COLUMN etl.load_error.raw_value IS 'The value, cut likewise';
COMMENT ON COLUMN etl.load_error.fields IS 'Of the first 20 of a load, the values up to the one at fault: an array of {column, type, length, value}';
COMMENT ON COLUMN etl.load_error.code IS 'From Redshift''s load error reference';
COMMENT ON COLUMN etl.load_error.reason IS 'What is wrong';
CREATE INDEX load_error_load ON etl.load_error (load_id);
CREATE INDEX load_error_query ON etl.load_error (((load_id & 2147483647)::integer)); -- of redshift.stl_load_errors

CREATE TABLE etl.unload_history (
	unload_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	run_id bigint,
	username name NOT NULL,
	query text NOT NULL,
	uri text NOT NULL,
	format text NOT NULL,
	started_at timestamptz NOT NULL,
	finished_at timestamptz NOT NULL,
	rows bigint NOT NULL,
	bytes bigint NOT NULL,
	files integer NOT NULL,
	status text NOT NULL DEFAULT 'unloaded' CHECK (status IN ('unloaded', 'failed')),
	message text,
	transaction_id bigint,
	pid integer
);
COMMENT ON TABLE etl.unload_history IS 'One row per unload that was committed, or that failed; users see their own, readers and operators all';
COMMENT ON COLUMN etl.unload_history.unload_id IS 'Counts unloads';
COMMENT ON COLUMN etl.unload_history.run_id IS 'The run whose step unloaded; null outside of runs';
COMMENT ON COLUMN etl.unload_history.username IS 'Who unloaded';
COMMENT ON COLUMN etl.unload_history.query IS 'The query';
COMMENT ON COLUMN etl.unload_history.uri IS 'The prefix that was written to';
COMMENT ON COLUMN etl.unload_history.format IS 'text, csv';
COMMENT ON COLUMN etl.unload_history.started_at IS 'When it began';
COMMENT ON COLUMN etl.unload_history.finished_at IS 'When the last row was out, or it failed';
COMMENT ON COLUMN etl.unload_history.rows IS 'Rows written, headers not counted';
COMMENT ON COLUMN etl.unload_history.bytes IS 'Size of the files as stored';
COMMENT ON COLUMN etl.unload_history.files IS 'Files written';
COMMENT ON COLUMN etl.unload_history.status IS 'unloaded; failed: there are no files, but for those that had replaced others';
COMMENT ON COLUMN etl.unload_history.message IS 'Of the error that failed it; null: none';
COMMENT ON COLUMN etl.unload_history.transaction_id IS 'The transaction''s id; null: it had none yet';
COMMENT ON COLUMN etl.unload_history.pid IS 'The process that unloaded';

CREATE TABLE etl.unload_file (
	unload_id bigint NOT NULL REFERENCES etl.unload_history ON DELETE CASCADE,
	uri text NOT NULL,
	rows bigint NOT NULL,
	bytes bigint NOT NULL
);
COMMENT ON TABLE etl.unload_file IS 'The files of unloads; to be seen by those who see the unload';
COMMENT ON COLUMN etl.unload_file.unload_id IS 'The unload';
COMMENT ON COLUMN etl.unload_file.uri IS 'The file';
COMMENT ON COLUMN etl.unload_file.rows IS 'Rows in it, headers not counted';
COMMENT ON COLUMN etl.unload_file.bytes IS 'Its size as stored';
CREATE INDEX unload_file_unload ON etl.unload_file (unload_id);

ALTER TABLE etl.load_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_loads ON etl.load_history FOR SELECT USING (username = current_user);
COMMENT ON POLICY own_loads ON etl.load_history IS 'Users see their own';
ALTER TABLE etl.unload_history ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_unloads ON etl.unload_history FOR SELECT USING (username = current_user);
COMMENT ON POLICY own_unloads ON etl.unload_history IS 'Users see their own';
ALTER TABLE etl.load_error ENABLE ROW LEVEL SECURITY;
CREATE POLICY own_errors ON etl.load_error FOR SELECT USING (username = current_user);
COMMENT ON POLICY own_errors ON etl.load_error IS 'Users see their own';
ALTER TABLE etl.load_file ENABLE ROW LEVEL SECURITY;
CREATE POLICY files_of_loads ON etl.load_file FOR SELECT
	USING (EXISTS (SELECT FROM etl.load_history h WHERE h.load_id = load_file.load_id));
COMMENT ON POLICY files_of_loads ON etl.load_file IS 'Who sees a load sees its files';
ALTER TABLE etl.unload_file ENABLE ROW LEVEL SECURITY;
CREATE POLICY files_of_unloads ON etl.unload_file FOR SELECT
	USING (EXISTS (SELECT FROM etl.unload_history h WHERE h.unload_id = unload_file.unload_id));
COMMENT ON POLICY files_of_unloads ON etl.unload_file IS 'Who sees an unload sees its files';

-- What is older than $1 goes: so many rows of each table at a time. True: there may be more.
CREATE FUNCTION etl._remove_transfers(until timestamptz, batch integer) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	removed integer;
	more boolean := false;
BEGIN
	DELETE FROM etl.load_error e USING (SELECT error_id FROM etl.load_error ORDER BY error_id LIMIT batch) o
		WHERE e.error_id = o.error_id AND e.at < until;
	GET DIAGNOSTICS removed = ROW_COUNT;
	more := more OR removed = batch;
	DELETE FROM etl.load_history h USING (SELECT load_id FROM etl.load_history ORDER BY load_id LIMIT batch) o
		WHERE h.load_id = o.load_id AND h.finished_at < until;
	GET DIAGNOSTICS removed = ROW_COUNT;
	more := more OR removed = batch;
	DELETE FROM etl.unload_history h USING (SELECT unload_id FROM etl.unload_history ORDER BY unload_id LIMIT batch) o
		WHERE h.unload_id = o.unload_id AND h.finished_at < until;
	GET DIAGNOSTICS removed = ROW_COUNT;
	RETURN more OR removed = batch;
END $$;
REVOKE ALL ON FUNCTION etl._remove_transfers(timestamptz, integer) FROM PUBLIC;
COMMENT ON FUNCTION etl._remove_transfers(timestamptz, integer) IS 'Removes history of loads and unloads that is older than a time. Internal.';

CREATE FUNCTION etl.load(table_name regclass, uri text, format text DEFAULT 'text', options jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_load';
REVOKE ALL ON FUNCTION etl.load(regclass, text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl.load(regclass, text, text, jsonb)
	IS 'Load every object whose key starts with the prefix into the table; what COPY calls. Returns the number of rows.';

CREATE FUNCTION etl.unload(query text, uri text, format text DEFAULT 'text', options jsonb DEFAULT '{}')
RETURNS bigint
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_unload';
REVOKE ALL ON FUNCTION etl.unload(text, text, text, jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl.unload(text, text, text, jsonb)
	IS 'Write the rows of a query to files whose keys start with the prefix; what UNLOAD calls. Returns the number of rows.';

CREATE FUNCTION etl._load_progress(OUT pid integer, OUT load_id bigint, OUT user_id oid, OUT table_id oid, OUT started_at timestamptz,
		OUT files_done bigint, OUT files_total bigint, OUT bytes_done bigint, OUT bytes_total bigint, OUT rows bigint, OUT rejected bigint)
	RETURNS SETOF record
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_load_progress';
REVOKE ALL ON FUNCTION etl._load_progress() FROM PUBLIC;
COMMENT ON FUNCTION etl._load_progress() IS 'Loads under way that the current user may see. Internal; see etl.load_progress.';

CREATE VIEW etl.load_progress WITH (security_invoker = true) AS
	SELECT p.pid, p.load_id, u.rolname AS username, p.table_id::regclass::text AS table_name, p.started_at,
		p.files_done, p.files_total, p.bytes_done, nullif(p.bytes_total, 0) AS bytes_total, p.rows, p.rejected,
		(p.rows / e.seconds)::bigint AS rows_per_second, (p.bytes_done / e.seconds)::bigint AS bytes_per_second,
		CASE WHEN p.bytes_done > 0 AND p.bytes_total >= p.bytes_done
			THEN make_interval(secs => ((p.bytes_total - p.bytes_done) * e.seconds / p.bytes_done)::bigint) END AS time_left
	FROM etl._load_progress() p LEFT JOIN pg_roles u ON u.oid = p.user_id,
		LATERAL (SELECT greatest(extract(epoch FROM etl._clock() - p.started_at)::float8, 0.001) AS seconds) e;
COMMENT ON VIEW etl.load_progress IS 'Loads under way; users see their own, readers and operators all';
COMMENT ON COLUMN etl.load_progress.pid IS 'The process that loads';
COMMENT ON COLUMN etl.load_progress.load_id IS 'What its row of etl.load_history will have';
COMMENT ON COLUMN etl.load_progress.username IS 'Whose session it is';
COMMENT ON COLUMN etl.load_progress.table_name IS 'The table';
COMMENT ON COLUMN etl.load_progress.started_at IS 'When it began';
COMMENT ON COLUMN etl.load_progress.files_done IS 'Files read to their end';
COMMENT ON COLUMN etl.load_progress.files_total IS 'Files in all';
COMMENT ON COLUMN etl.load_progress.bytes_done IS 'Bytes read';
COMMENT ON COLUMN etl.load_progress.bytes_total IS 'Bytes in all, as stored; null: not known';
COMMENT ON COLUMN etl.load_progress.rows IS 'Rows loaded';
COMMENT ON COLUMN etl.load_progress.rejected IS 'Records rejected';
COMMENT ON COLUMN etl.load_progress.rows_per_second IS 'Since it began';
COMMENT ON COLUMN etl.load_progress.bytes_per_second IS 'Since it began';
COMMENT ON COLUMN etl.load_progress.time_left IS 'If it goes on at this rate; null: not known';

CREATE FUNCTION redshift.pg_last_copy_id() RETURNS bigint
	LANGUAGE c STRICT VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'pg_etl_last_copy_id';
REVOKE ALL ON FUNCTION redshift.pg_last_copy_id() FROM PUBLIC;
COMMENT ON FUNCTION redshift.pg_last_copy_id() IS 'The session''s last load, be it that it failed at its data: query of stl_load_errors, load_id of etl.load_history; -1: none yet';
CREATE FUNCTION redshift.pg_last_copy_count() RETURNS bigint
	LANGUAGE c STRICT VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'pg_etl_last_copy_count';
REVOKE ALL ON FUNCTION redshift.pg_last_copy_count() FROM PUBLIC;
COMMENT ON FUNCTION redshift.pg_last_copy_count() IS 'The rows that the session''s last successful load has loaded; 0: none yet';
CREATE FUNCTION redshift.pg_last_unload_id() RETURNS bigint
	LANGUAGE c STRICT VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'pg_etl_last_unload_id';
REVOKE ALL ON FUNCTION redshift.pg_last_unload_id() FROM PUBLIC;
COMMENT ON FUNCTION redshift.pg_last_unload_id() IS 'The session''s last successful unload: query of stl_unload_log, unload_id of etl.unload_history; -1: none yet';
CREATE FUNCTION redshift.pg_last_unload_count() RETURNS bigint
	LANGUAGE c STRICT VOLATILE PARALLEL RESTRICTED AS 'MODULE_PATHNAME', 'pg_etl_last_unload_count';
REVOKE ALL ON FUNCTION redshift.pg_last_unload_count() FROM PUBLIC;
COMMENT ON FUNCTION redshift.pg_last_unload_count() IS 'The rows that the session''s last successful unload has written; 0: none yet';

CREATE FUNCTION etl._copy_options(table_name text, columns text, options text, is_load boolean)
RETURNS jsonb
LANGUAGE c STRICT
AS 'MODULE_PATHNAME', 'pg_etl_copy_options';
REVOKE ALL ON FUNCTION etl._copy_options(text, text, text, boolean) FROM PUBLIC;
COMMENT ON FUNCTION etl._copy_options(text, text, text, boolean)
	IS 'The text of the options of PostgreSQL''s COPY as format and options of etl.load or etl.unload; for extension pg_etl_aws_s3';

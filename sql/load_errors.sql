-- The errors of loads: kept though the load is rolled back, seen by whom they concern, in Redshift's views. What happens when
-- they can't be kept is in t/028_load_errors.pl.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SELECT setval('etl.load_history_load_id_seq', 1000, false);
SELECT redshift.pg_last_copy_id() AS copy_id, redshift.pg_last_copy_count() AS copy_count,
	redshift.pg_last_unload_id() AS unload_id, redshift.pg_last_unload_count() AS unload_count;

CREATE TABLE t (id int NOT NULL, name varchar(5), price numeric(6,2), day date);
SELECT etl.s3_put('s3://errs/good/1', E'1|one|1.5|2008-01-02\n2|two||\n'), etl.s3_put('s3://errs/good/2', E'3|three|3|2008-01-02') \gset
SELECT etl.load('t', 's3://errs/good/');
SELECT redshift.pg_last_copy_id(), redshift.pg_last_copy_count();

-- A record that can't be loaded is told and kept, with the load.
SELECT etl.s3_put('s3://errs/bad', E'id|name|price|day\n1|one|1|\n2|two|1,5|\n') \gset
SELECT etl.load('t', 's3://errs/bad', options => '{"ignoreheader": 1}');
SELECT redshift.pg_last_copy_id(), redshift.pg_last_copy_count();
-- The transaction they were in doesn't matter, nor a savepoint, nor that there is a handler.
BEGIN;
SELECT etl.s3_put('s3://errs/long', E'1|a long name||\n') \gset
SELECT etl.load('t', 's3://errs/long');
ROLLBACK;
CREATE FUNCTION attempt(uri text) RETURNS text LANGUAGE plpgsql AS $$
BEGIN
	PERFORM etl.load('t', uri);
	RETURN 'loaded';
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE;
END $$;
SELECT etl.s3_put('s3://errs/date', E'1|a|1|2008-13-13\n'), etl.s3_put('s3://errs/null', E'|a|1|\n'),
	etl.s3_put('s3://errs/more', E'1|a|1||x\n'), etl.s3_put('s3://errs/fewer', E'1|a\n'),
	etl.s3_put('s3://errs/bytes', '\x317c61ff62e200e282ac7c7c0a'::bytea), etl.s3_put('s3://errs/range', E'1|a|12345.6|\n'),
	etl.s3_put('s3://errs/wide', E'1|' || repeat('é', 1000) || E'||\n') \gset
SELECT uri, attempt('s3://errs/' || uri) FROM unnest('{date,"null",more,fewer,bytes,range,wide}'::text[]) AS uri;
SELECT load_id, table_name, uri, status, rows, rejected, files, message, transaction_id > 0 AS transaction, pid = pg_backend_pid() AS mine,
	table_id::regclass, finished_at >= started_at AS ended FROM etl.load_history ORDER BY load_id;
SELECT load_id, uri, line, column_name, type, column_length, position, raw_line, raw_value, code, reason, table_name, table_id::regclass
	FROM etl.load_error WHERE uri <> 's3://errs/wide' ORDER BY error_id;
SELECT octet_length(raw_line), octet_length(raw_value), right(raw_line, 3), left(raw_value, 3) FROM etl.load_error WHERE uri = 's3://errs/wide';
TABLE t ORDER BY id;
-- Where nothing is to be loaded there is nothing that was.
SELECT etl.load('t', 's3://errs/good/', options => '{"noload": true}') \gset noload_
SELECT query_id = redshift.pg_last_copy_id() AS last, redshift.pg_last_copy_count(), status, loaded_rows, loaded_bytes, file_count_scanned
	FROM redshift.sys_load_history WHERE query_id = redshift.pg_last_copy_id();
SELECT count(*) FROM redshift.stl_load_commits WHERE query = redshift.pg_last_copy_id();
-- What fails before a record is read is no error of the data, and not kept.
SELECT etl.load('t', 's3://errs/nothing');
SELECT etl.load('t', 's3://errs/bad', options => '{"columns": ["nothing"]}');
SELECT redshift.pg_last_copy_id();

-- Redshift's views.
SELECT slice, tbl = 't'::regclass::oid::integer AS tbl, starttime <= now() AT TIME ZONE 'UTC' AS starttime, session = pg_backend_pid() AS session,
	query, filename, line_number, colname, type, col_length, position, raw_line, raw_field_value, err_code, err_reason
	FROM redshift.stl_load_errors WHERE query IN (1001, 1002) ORDER BY query;
SELECT userid::oid::regrole = current_user::regrole AS me, count(*) FROM redshift.stl_load_errors GROUP BY 1;
SELECT query_id, database_name = current_database() AS here, table_id::oid::regclass, file_name, line_number, column_name, column_type, column_length,
	position, error_code, error_message FROM redshift.sys_load_error_detail WHERE query_id = 1001;
SELECT query_id, status, table_name, duration >= 0 AS duration, data_source, file_format, loaded_rows, loaded_bytes, source_file_count,
	source_file_bytes, file_count_scanned, file_bytes_scanned, error_count, copy_job_id FROM redshift.sys_load_history
	WHERE query_id IN (1000, 1001) ORDER BY query_id;
SELECT query, filename, lines_scanned, status, file_format, is_partial, start_offset, copy_job_id FROM redshift.stl_load_commits ORDER BY filename;
INSERT INTO etl.load_error (load_id, username, table_name, pid, started_at, uri, line, code, reason, fields) VALUES
	(1999, current_user, 't', 1, now(), 's3://b/k', 7, 1207, 'x',
	'[{"column": "id", "type": "integer", "length": 0, "value": "1"}, {"column": "name", "type": "character varying(5)", "length": 5, "value": null}]');
SELECT query, filename, line_number, field, colname, value, is_null, type, col_length FROM redshift.stl_loaderror_detail;
SELECT etl.unload('SELECT 1 AS id UNION ALL SELECT 2', 's3://errs/out/');
SELECT redshift.pg_last_unload_id() = max(unload_id) AS last, redshift.pg_last_unload_count() FROM etl.unload_history;
SELECT query = redshift.pg_last_unload_id() AS last, slice, pid = pg_backend_pid() AS mine, path, line_count, transfer_size, file_format FROM redshift.stl_unload_log;
SELECT query_id = redshift.pg_last_unload_id() AS last, status, file_format, compression_type, unloaded_location, unloaded_rows, unloaded_files_count,
	unloaded_files_size, error_message, transaction_id > 0 AS transaction FROM redshift.sys_unload_history WHERE unloaded_location = 's3://errs/out/';
-- Their columns and types are the guide's.
SELECT c.relname AS view, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) AS columns
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
	WHERE c.relnamespace = 'redshift'::regnamespace AND c.relkind = 'v' AND c.relname ~ 'load' GROUP BY 1 ORDER BY 1;

-- Each sees their own, a reader all, others nothing.
CREATE ROLE etl_test_author LOGIN;
CREATE ROLE etl_test_reader LOGIN;
CREATE ROLE etl_test_nobody LOGIN;
SELECT etl.grant_author('etl_test_author'), etl.grant_reader('etl_test_reader');
GRANT USAGE ON FOREIGN SERVER aws TO etl_test_author;
GRANT INSERT ON t TO etl_test_author;
SET ROLE etl_test_author;
\set VERBOSITY terse
SELECT etl.load('t', 's3://errs/more');
\set VERBOSITY default
SELECT count(*), min(username) FROM etl.load_error;
SELECT count(*), min(userid::oid::regrole::text) FROM redshift.stl_load_errors;
SELECT count(*), min(status) FROM redshift.sys_load_history;
SELECT count(*) FROM etl.load_file;
SELECT count(*) FROM redshift.stl_unload_log;
INSERT INTO etl.load_error (load_id, username, table_name, pid, started_at, uri, line, code, reason) VALUES (1, 'x', 't', 1, now(), 'u', 1, 1, 'r');
SELECT etl._remove_transfers('infinity', 1);
SET ROLE etl_test_reader;
SELECT count(*), count(DISTINCT userid) FROM redshift.stl_load_errors;
SELECT count(*) FROM redshift.stl_load_commits;
SELECT count(*) FROM redshift.stl_unload_log;
SET ROLE etl_test_nobody;
SELECT count(*) FROM redshift.stl_load_errors;
SELECT redshift.pg_last_copy_id();
RESET ROLE;
SELECT etl.revoke_role('etl_test_author'), etl.revoke_role('etl_test_reader');

-- What is old goes, oldest first, so many at a time.
UPDATE etl.load_error SET at = now() - interval '2 days' WHERE load_id < 1003;
UPDATE etl.load_history SET finished_at = now() - interval '2 days' WHERE load_id < 1003;
SELECT etl._remove_transfers(now() - interval '1 day', 2), etl._remove_transfers(now() - interval '1 day', 2);
SELECT min(e.load_id), (SELECT min(load_id) FROM etl.load_history), (SELECT count(*) FROM etl.load_file) FROM etl.load_error e;

REVOKE ALL ON t FROM etl_test_author;
REVOKE ALL ON FOREIGN SERVER aws FROM etl_test_author;
DROP ROLE etl_test_author, etl_test_reader, etl_test_nobody;
DELETE FROM etl.load_history;
DELETE FROM etl.load_error;
DELETE FROM etl.unload_history;
DROP FUNCTION attempt;
DROP TABLE t;
DROP SERVER aws;

-- COPY JOB: each new file under a prefix is loaded once. What races do to it, and that it runs by itself, is in t/028_copy_job.pl.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SELECT setval('etl.load_history_load_id_seq', 2000, false), setval('etl.copy_job_job_id_seq', 1, false) \gset
SET client_min_messages = warning;

CREATE TABLE t (id int, name varchar(5));
SELECT etl.s3_put('s3://jobs/in/before', E'0|old\n') \gset
CALL etl.execute($$ COPY t FROM 's3://jobs/in/' IAM_ROLE default JOB CREATE Nightly AUTO OFF $$);
SELECT job_id, name, owner = current_user::regrole AS mine, table_name, uri, format, options, server, statement, auto FROM etl.copy_job;
SELECT uri, size, status, load_id FROM etl.copy_job_file;
CALL etl.execute('COPY JOB RUN nightly');
SELECT * FROM t;

-- New ones are loaded, once, with nothing that only begins like one of them.
SELECT etl.s3_put('s3://jobs/in/1', E'1|one\n'), etl.s3_put('s3://jobs/in/10', E'10|ten\n'), etl.s3_put('s3://jobs/other', E'x\n') \gset
SELECT etl.copy_job_run('nightly');
SELECT etl.copy_job_run('nightly');
SELECT etl.s3_put('s3://jobs/in/11', E'11|el\n') \gset
CALL etl.execute('COPY JOB RUN nightly');
-- Another version of a file is new; one that went and came back as it was is not.
SELECT etl.s3_put('s3://jobs/in/1', E'1|again\n') \gset
SELECT etl.copy_job_run('nightly');
SELECT etl.s3_delete('s3://jobs/in/11'), etl.copy_job_run('nightly');
SELECT * FROM t ORDER BY id, name;
SELECT uri, size, status, load_id, message FROM etl.copy_job_file ORDER BY uri, at;
SELECT load_id, uri, rows, files, status, copy_job_id FROM etl.load_history ORDER BY load_id;
SELECT uri, rows FROM etl.load_file ORDER BY load_id, uri;
-- A run that is rolled back has loaded nothing.
SELECT etl.s3_put('s3://jobs/in/2', E'2|two\n') \gset
BEGIN;
SELECT etl.copy_job_run('nightly');
ROLLBACK;
SELECT count(*) FROM t WHERE id = 2;
SELECT etl.copy_job_run('nightly'), etl.copy_job_run('nightly');

-- A file with bad data keeps none of the others back, and is tried again by who asks for it, not by itself.
SET client_min_messages = warning;
TRUNCATE t;
SELECT etl.s3_put('s3://jobs/in/3', E'3|three\n'), etl.s3_put('s3://jobs/in/4', E'4|four\nx|five\n'), etl.s3_put('s3://jobs/in/5', E'5|five\n'),
	etl.s3_put('s3://jobs/in/6', E'6|too long a name\n') \gset
SELECT etl.copy_job_run('nightly', retry_failed => false);
SELECT id FROM t ORDER BY id;
SELECT uri, status, message, load_id IN (SELECT load_id FROM etl.load_error) AS kept FROM etl.copy_job_file WHERE uri ~ '/[3456]$' ORDER BY uri;
SELECT etl.copy_job_run('nightly', retry_failed => false);
SELECT etl.copy_job_run('nightly');
ALTER TABLE t ALTER name TYPE varchar(20);
SELECT etl.copy_job_run('nightly');
SELECT uri, status, message FROM etl.copy_job_file WHERE uri ~ '/[3456]$' ORDER BY uri;
SELECT id FROM t ORDER BY id;
SELECT copy_job_id, status, count(*) FROM etl.load_history GROUP BY 1, 2 ORDER BY 2;
-- What a trigger raises is the file's fault, too; what isn't the file's is the run's, and marks nothing.
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
	IF NEW.id = 7 THEN RAISE 'no 7 here'; ELSIF NEW.id = 8 THEN RAISE lock_not_available USING MESSAGE = 'locked'; END IF; RETURN NEW;
END $$;
CREATE TRIGGER refuse BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT etl.s3_put('s3://jobs/in/7', E'7|x\n'), etl.s3_put('s3://jobs/in/9', E'9|x\n') \gset
SELECT etl.copy_job_run('nightly', false);
SELECT etl.s3_put('s3://jobs/in/8', E'8|x\n') \gset
\set VERBOSITY terse
SELECT etl.copy_job_run('nightly', false);
\set VERBOSITY default
SELECT uri, status FROM etl.copy_job_file WHERE uri ~ '/[789]$' ORDER BY uri;
SELECT etl.s3_delete('s3://jobs/in/8') \gset
DROP TRIGGER refuse ON t;
-- Load a file again: forget it.
DELETE FROM etl.copy_job_file WHERE uri = 's3://jobs/in/9';
SELECT etl.copy_job_run('nightly', false);

-- What there is of jobs.
SELECT * FROM redshift.sys_copy_job;
SELECT user_id::oid::regrole = current_user::regrole AS me, job_id, job_name, file_location, file_name, file_size, status FROM redshift.sys_copy_job_detail ORDER BY file_name, status LIMIT 4;
SELECT job_id, job_name, message FROM redshift.sys_copy_job_info ORDER BY message;
SELECT etl.translate('COPY JOB LIST'), etl.execute_statement('COPY JOB LIST') AS jobs;
SELECT etl.execute_statement('COPY JOB SHOW nightly') AS shown;
SELECT job_id, job_name, table_name, uri, format, options, auto, files_loaded, files_failed, last_loaded_at <= now() + interval '1 min' AS last FROM etl.copy_job_show('nightly');
SELECT c.relname AS view, string_agg(a.attname || ' ' || format_type(a.atttypid, a.atttypmod), ', ' ORDER BY a.attnum) AS columns
	FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0
	WHERE c.relnamespace = 'redshift'::regnamespace AND c.relname ~ 'copy_job' GROUP BY 1 ORDER BY 1;

-- AUTO is a workflow of the owner's.
BEGIN;
CALL etl.execute('COPY JOB ALTER nightly AUTO ON');
SELECT w.name, w.description, owner = current_user::regrole AS mine, enabled, schedule, overlap, w.retention, t.name AS task, t.sql
	FROM etl.workflow w JOIN etl.task t ON t.workflow = w.name;
CALL etl.execute('COPY JOB ALTER nightly AUTO OFF');
SELECT name, enabled FROM etl.workflow;
CALL etl.execute('COPY JOB ALTER nightly AUTO ON');
SELECT name, enabled FROM etl.workflow;
CALL etl.execute('COPY JOB DROP nightly');
SELECT name, enabled FROM etl.workflow;
ROLLBACK;

-- With what was there already; of another format.
CREATE TABLE c (id int, name text);
SELECT etl.s3_put('s3://jobs/csv/1', E'id,name\n1,"a,b"\n') \gset
SELECT etl.copy_job_create('all', 'c', 's3://jobs/csv/', 'csv', '{"ignoreheader": 1}', auto => false, load_existing => true);
SELECT etl.copy_job_run('all');
TABLE c;

-- Refused.
CALL etl.execute($$ COPY t FROM 's3://jobs/in/' ACCESS_KEY_ID 'a' SECRET_ACCESS_KEY 'b' JOB CREATE keys $$);
CALL etl.execute($$ COPY t FROM 's3://jobs/in/' IAM_ROLE default MAXERROR 3 JOB CREATE errors $$);
CALL etl.execute($$ COPY t FROM 's3://jobs/in/' IAM_ROLE default IGNOREALLERRORS JOB CREATE errors $$);
CALL etl.execute($$ COPY t FROM 's3://jobs/in/' IAM_ROLE default NOLOAD JOB CREATE errors $$);
CALL etl.execute($$ COPY t FROM 's3://jobs/in/' IAM_ROLE default MANIFEST JOB CREATE errors $$);
SELECT etl.copy_job_create('keys', 't', 's3://jobs/in/', options => '{"credentials": {"access_key_id": "a", "secret_access_key": "b"}}');
SELECT etl.copy_job_create('manifest', 't', 's3://jobs/in/', options => '{"manifest": true}');
SELECT etl.copy_job_create('unknown', 't', 's3://jobs/in/', options => '{"unknown": true}');
SELECT etl.copy_job_create('', 't', 's3://jobs/in/');
SELECT etl.copy_job_create('nightly', 't', 's3://jobs/in/');
SELECT etl.copy_job_create('nowhere', 'nothing', 's3://jobs/in/');
SELECT etl.load('t', 's3://jobs/in/', options => '{"files": ["x"]}');
SELECT etl.copy_job_run('nothing');
CALL etl.execute('COPY JOB ALTER nothing AUTO ON');
CALL etl.execute('COPY JOB DROP nothing');
\set VERBOSITY terse
CALL etl.execute('COPY JOB RUN nothing');
CALL etl.execute('COPY JOB SHOW nothing');
\set VERBOSITY default
SELECT * FROM etl.copy_job_show('nothing');

-- Others see and run their own.
CREATE ROLE etl_test_author LOGIN;
CREATE ROLE etl_test_reader LOGIN;
SELECT etl.grant_author('etl_test_author'), etl.grant_reader('etl_test_reader');
GRANT USAGE ON FOREIGN SERVER aws TO etl_test_author;
GRANT INSERT ON c TO etl_test_author;
SET ROLE etl_test_author;
SELECT count(*) FROM etl.copy_job;
SELECT etl.copy_job_run('all');
SELECT etl.copy_job_create('mine', 'c', 's3://jobs/csv/', 'csv', auto => false);
INSERT INTO etl.copy_job (name, owner, table_name, uri, server) VALUES ('theirs', 'etl_test_reader', 'c', 's3://jobs/csv/', 'aws');
SELECT etl.s3_put('s3://jobs/csv/2', E'2,b\n') \gset
SELECT etl.copy_job_run('mine');
SELECT job_name, status FROM redshift.sys_copy_job_detail;
SET ROLE etl_test_reader;
SELECT name, owner FROM etl.copy_job WHERE name IN ('all', 'mine') ORDER BY 1;
SELECT count(*) > 5 AS many FROM etl.copy_job_file;
SELECT job_name, files_loaded FROM etl.copy_job_show('mine');
DELETE FROM etl.copy_job;
RESET ROLE;
-- Who runs it is its owner.
SELECT etl.copy_job_run('mine');
SET ROLE etl_test_author;
CALL etl.execute('COPY JOB DROP mine');
RESET ROLE;
DROP TABLE c;
SELECT etl.copy_job_run('all');
SELECT etl.copy_job_drop('all');
CALL etl.execute('COPY JOB DROP nightly');
SELECT (SELECT count(*) FROM etl.copy_job), (SELECT count(*) FROM etl.copy_job_file), (SELECT count(*) FROM etl.workflow);

SELECT etl.revoke_role('etl_test_author'), etl.revoke_role('etl_test_reader');
DROP OWNED BY etl_test_author;
DROP ROLE etl_test_author, etl_test_reader;
DELETE FROM etl.load_history;
DELETE FROM etl.load_error;
DROP TABLE t;
DROP FUNCTION refuse();
DROP SERVER aws;

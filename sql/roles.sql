-- Readers see everything and change nothing; operators may cancel and retry besides; authors have their own alone.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE etl_test_author LOGIN;
CREATE ROLE etl_test_reader LOGIN;
CREATE ROLE etl_test_operator LOGIN;
CREATE ROLE etl_test_shift; -- a group
SELECT etl.grant_author('etl_test_author'), etl.grant_reader('etl_test_reader'), etl.grant_operator('etl_test_shift');
GRANT etl_test_shift TO etl_test_operator;
SELECT * FROM etl.role_grant ORDER BY kind;

SET ROLE etl_test_author;
INSERT INTO etl.workflow (name) VALUES ('bad'), ('long');
INSERT INTO etl.task (workflow, name, sql) VALUES ('bad', 'a', 'SELECT 1 / 0'), ('long', 'a', 'SELECT pg_sleep(600)');
INSERT INTO etl.notification (workflow, topic_arn) VALUES ('bad', 'arn:aws:sns:us-east-1:1:short');
INSERT INTO etl.notification (workflow, topic_arn, on_status)
	VALUES ('bad', 'arn:aws:sns:us-east-1:123456789012:t', '{cancelled}');
SELECT etl.run_workflow('bad') AS bad, etl.run_workflow('long') AS long \gset
SELECT etl.wait_for_run(:bad);
RESET ROLE;
CREATE PROCEDURE wait_for_step(run bigint) LANGUAGE plpgsql AS $$
BEGIN
	WHILE NOT EXISTS (SELECT FROM etl.task_status t WHERE t.run_id = run AND t.status = 'running') LOOP
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$;
CALL wait_for_step(:long);

-- A superuser's own; neither of them is an author of it.
INSERT INTO etl.workflow (name) VALUES ('super');
INSERT INTO etl.job (name) VALUES ('super');
INSERT INTO etl.load_history (username, table_name, uri, format, started_at, finished_at, rows, bytes, files)
	VALUES (current_user, 't', 's3://lake/', 'csv', now(), now(), 1, 1, 1);
INSERT INTO etl.unload_history (username, query, uri, format, started_at, finished_at, rows, bytes, files)
	VALUES (current_user, 'SELECT 1', 's3://lake/', 'csv', now(), now(), 1, 1, 1);
SET ROLE etl_test_reader;
SELECT name, owner FROM etl.workflow ORDER BY name;
SELECT workflow, name FROM etl.task ORDER BY 1, 2;
SELECT count(*) FROM etl.notification;
SELECT workflow, status FROM etl.run_status WHERE run_id IN (:bad, :long) ORDER BY 1;
SELECT task, status, error FROM etl.task_status WHERE run_id IN (:bad, :long) ORDER BY status;
SELECT type FROM etl.event WHERE run_id = :bad AND task IS NULL ORDER BY event_id;
SELECT count(DISTINCT workflow) FROM etl.workflow_version WHERE workflow IN ('bad', 'long');
SELECT owner::regrole FROM etl._activity() WHERE run_id = :long;
SELECT etl.graph('bad') IS NOT NULL;
SELECT name FROM etl.job;
SELECT uri FROM etl.load_history;
SELECT uri FROM etl.unload_history;
\set VERBOSITY sqlstate
INSERT INTO etl.workflow (name) VALUES ('mine');
UPDATE etl.task SET sql = 'SELECT 1';
DELETE FROM etl.run;
SELECT etl.run_workflow('bad');
SELECT etl.cancel_run(:long);
SELECT etl.retry_run(:bad);
SELECT etl.pause_workflow('bad');
DELETE FROM etl.job;
SELECT etl.grant_operator('etl_test_reader');
INSERT INTO etl.role_grant VALUES ('etl_test_reader', 'operator');
\set VERBOSITY default

-- By membership.
SET ROLE etl_test_operator;
SELECT count(*) FROM etl.run_status WHERE run_id IN (:bad, :long);
\set VERBOSITY sqlstate
UPDATE etl.task SET sql = 'SELECT 1';
SELECT etl.run_workflow('bad');
\set VERBOSITY default
SELECT etl.retry_run(:bad);
SELECT etl.wait_for_run(:bad);
SELECT etl.cancel_run(:long);
SELECT status FROM etl.run_status WHERE run_id = :long;
SELECT name FROM etl.job;
SELECT etl.pause_workflow('bad'), etl.pause_workflow('bad');
SELECT etl.pause_workflow('super'), etl.resume_workflow('super'), etl.resume_workflow('super');
SELECT etl.pause_workflow('none');
-- Paused is paused for its owner as well, who may resume it.
SET ROLE etl_test_author;
SELECT etl.run_workflow('bad');
SELECT etl.resume_workflow('bad');
SELECT etl.run_workflow('bad') > :bad AS queued;
SELECT etl.pause_workflow('super');
SELECT count(*) FROM etl.job;
SELECT count(*) FROM etl.load_history;

-- Who is both reader and author changes and runs their own alone.
RESET ROLE;
SELECT etl.grant_author('etl_test_reader');
SET ROLE etl_test_reader;
INSERT INTO etl.workflow (name) VALUES ('mine');
INSERT INTO etl.task (workflow, name, sql) VALUES ('mine', 'a', 'SELECT 1');
SELECT name FROM etl.workflow ORDER BY 1;
INSERT INTO etl.task (workflow, name, sql) VALUES ('bad', 'trojan', 'SELECT 1');
SELECT etl.run_workflow('bad');
\set VERBOSITY sqlstate
INSERT INTO etl.notification (workflow, topic_arn) VALUES ('bad', 'arn:aws:sns:us-east-1:123456789012:u');
SELECT etl.cancel_run(:long);
SELECT etl.retry_run(:bad);
SELECT etl.pause_workflow('bad');
SELECT etl.grant_operator('etl_test_reader');
\set VERBOSITY default
UPDATE etl.workflow SET enabled = false;
UPDATE etl.task SET sql = 'SELECT 2';
DELETE FROM etl.notification;
RESET ROLE;
SELECT name, enabled FROM etl.workflow ORDER BY name;
SELECT workflow, sql FROM etl.task ORDER BY workflow;
SELECT count(*) FROM etl.notification;

-- An author does not see what others' executors are at.
SET ROLE etl_test_author;
SELECT etl.run_workflow('long') AS long \gset
RESET ROLE;
CALL wait_for_step(:long);
DELETE FROM etl.role_grant WHERE role = 'etl_test_reader'::regrole;
SET ROLE etl_test_reader;
SELECT count(*) FROM etl._activity() WHERE owner = 'etl_test_author'::regrole;
SELECT count(*) FROM etl.run_status WHERE workflow = 'long';
SET ROLE etl_test_author;
SELECT count(*) FROM etl._activity() WHERE run_id = :long;
SELECT etl.cancel_run(:long);
RESET ROLE;

-- What was granted is taken back.
SELECT etl.revoke_role('etl_test_shift'), etl.revoke_role('etl_test_reader'), etl.revoke_role('etl_test_author');
SELECT count(*) FROM etl.role_grant;
SELECT role, count(*) FILTER (WHERE has_table_privilege(role, c.oid, 'SELECT, INSERT, UPDATE, DELETE')
		OR has_any_column_privilege(role, c.oid, 'SELECT, INSERT, UPDATE'))
	FROM unnest('{etl_test_author,etl_test_reader,etl_test_operator}'::text[]) role, pg_class c
	WHERE c.relnamespace = 'etl'::regnamespace AND c.relkind IN ('r', 'v') GROUP BY role ORDER BY role;
SELECT role, count(*) FILTER (WHERE has_function_privilege(role, p.oid, 'EXECUTE'))
	FROM unnest('{etl_test_author,etl_test_reader,etl_test_operator}'::text[]) role, pg_proc p
	WHERE p.pronamespace = 'etl'::regnamespace GROUP BY role ORDER BY role;
DELETE FROM etl.workflow;
DELETE FROM etl.job;
DELETE FROM etl.load_history;
DELETE FROM etl.unload_history;
DROP PROCEDURE wait_for_step;
DROP ROLE etl_test_author, etl_test_reader, etl_test_operator, etl_test_shift; -- nothing depends on them

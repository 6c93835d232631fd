-- The engine's tables: what they refuse, and what becomes of runs. Processes coming and going are in t/.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE effect (what text);
CREATE PROCEDURE wait_for_executors(busy boolean) LANGUAGE plpgsql AS $$
BEGIN
	WHILE busy <> EXISTS (SELECT FROM etl._activity() WHERE task_run_id IS NOT NULL) LOOP
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$;

-- Nonsense is refused at INSERT, with the row named and a remedy.
INSERT INTO etl.workflow (name) VALUES ('');
INSERT INTO etl.workflow (name) VALUES (repeat('x', 81));
INSERT INTO etl.workflow (name, input) VALUES ('flow', '[1]');
INSERT INTO etl.workflow (name) VALUES ('flow');
INSERT INTO etl.workflow (name) VALUES ('flow');
INSERT INTO etl.task (workflow, name, sql) VALUES ('nowhere', 'a', 'SELECT 1');
INSERT INTO etl.task (workflow, name) VALUES ('flow', 'a');
INSERT INTO etl.task (workflow, name, sql, resource) VALUES ('flow', 'a', 'SELECT 1', 'arn:aws:states:::sns:publish');
INSERT INTO etl.task (workflow, name, sql) VALUES ('flow', 'a', E' \n');
INSERT INTO etl.task (workflow, name, resource) VALUES ('flow', 'a', 'arn:aws:states:::tea:make');
INSERT INTO etl.task (workflow, name, resource, connection) VALUES ('flow', 'a', 'arn:aws:states:::sns:publish', 'there');
INSERT INTO etl.task (workflow, name, sql, arguments) VALUES ('flow', 'a', 'SELECT 1', '{}');
INSERT INTO etl.task (workflow, name, resource, arguments) VALUES ('flow', 'a', 'arn:aws:states:::sns:publish', '"x"');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES ('flow', 'a', 'SELECT 1', '{a}');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES ('flow', 'a', 'SELECT 1', '{b}');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES ('flow', 'a', 'SELECT 1', '{b,b}');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES ('flow', 'a', 'SELECT 1', '{NULL}');
INSERT INTO etl.task (workflow, name, sql, retries) VALUES ('flow', 'a', 'SELECT 1', -1);
INSERT INTO etl.task (workflow, name, sql, retry_delay) VALUES ('flow', 'a', 'SELECT 1', '-1 s');
INSERT INTO etl.task (workflow, name, sql, retry_backoff) VALUES ('flow', 'a', 'SELECT 1', 0.5);
INSERT INTO etl.task (workflow, name, sql, retry_backoff) VALUES ('flow', 'a', 'SELECT 1', 'NaN');
INSERT INTO etl.task (workflow, name, sql, timeout) VALUES ('flow', 'a', 'SELECT 1', '0');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
	('flow', 'a', 'SELECT 1', '{c}'), ('flow', 'b', 'SELECT 1', '{a}'), ('flow', 'c', 'SELECT 1', '{b}'),
	('flow', 'behind', 'SELECT 1', '{c}'), ('flow', 'root', 'SELECT 1', '{}');
INSERT INTO etl.notification (workflow, topic_arn) VALUES ('flow', 'my-topic');
INSERT INTO etl.notification (workflow, topic_arn, on_status) VALUES ('flow', 'arn:aws:sns:us-east-1:1:t', '{broken}');
INSERT INTO etl.notification (workflow, topic_arn) VALUES ('nowhere', 'arn:aws:sns:us-east-1:123456789012:t');
\echo :LAST_ERROR_SQLSTATE
SELECT count(*) FROM etl.task;
SELECT etl.run_workflow('flow');
SELECT etl.run_workflow('nothing');

-- One INSERT may name tasks that come later in it. A dependency can't be taken away from under a task.
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
	('flow', 'last', $$INSERT INTO effect VALUES ('last')$$, '{left,right}'),
	('flow', 'left', $$INSERT INTO effect VALUES ('left')$$, '{first}'),
	('flow', 'right', $$INSERT INTO effect VALUES ('right'), ('right')$$, '{first}'),
	('flow', 'first', $$INSERT INTO effect VALUES ('first')$$, '{}');
DELETE FROM etl.task WHERE workflow = 'flow' AND name = 'first';
UPDATE etl.task SET name = 'renamed' WHERE workflow = 'flow' AND name = 'first';
UPDATE etl.task SET depends_on = '{last}' WHERE workflow = 'flow' AND name = 'first';

-- A run from start to end.
SELECT etl.run_workflow('flow', '[]');
INSERT INTO etl.run (workflow, input) VALUES ('flow', NULL);
SELECT etl.run_workflow('flow', '{"ds": "2026-11-20"}', 'monday') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT workflow, run_name, status, trigger, tasks_done, tasks_total, error, started_at >= queued_at AS started,
	finished_at >= started_at AS finished FROM etl.run_status WHERE run_id = :run_id;
SELECT task, item, attempt, status, rows, waiting_for, worker_pid IS NOT NULL AS worker
	FROM etl.task_status WHERE run_id = :run_id ORDER BY task;
SELECT what, count(*) FROM effect GROUP BY what ORDER BY what;
SELECT task, type FROM etl.event WHERE run_id = :run_id AND coalesce(task, 'first') IN ('first', 'last') ORDER BY event_id;
SELECT count(*) FROM etl.task_run WHERE status IN ('queued', 'running');

-- The same name and input is the same run; another input is refused.
SELECT etl.run_workflow('flow', '{"ds": "2026-11-20"}', 'monday') = :run_id AS same;
\set VERBOSITY sqlstate
SELECT etl.run_workflow('flow', '{"ds": "2026-11-21"}', 'monday');
INSERT INTO etl.run (workflow, run_name) VALUES ('flow', 'monday');
\set VERBOSITY default
INSERT INTO etl.run (workflow, run_name) VALUES ('flow', '');
INSERT INTO etl.run (workflow, run_name) VALUES ('flow', repeat('x', 81));
INSERT INTO etl.run (workflow, trigger) VALUES ('flow', 'pulled');

-- An INSERT queues too, and can't say more than its author may.
INSERT INTO etl.run (workflow, input, status, owner, version_id, error)
	VALUES ('flow', '{}', 'succeeded', 'pg_read_all_data', 1000000, 'none')
	RETURNING status, error, owner = 'pg_read_all_data'::regrole AS forged;
SELECT etl.wait_for_run(max(run_id)) FROM etl.run;

-- Failures: what follows is skipped, other branches go on, the run says what went wrong.
INSERT INTO etl.workflow (name) VALUES ('fails');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
	('fails', 'bad', $$INSERT INTO effect VALUES ('never'); SELECT 1 / 0$$, '{}'),
	('fails', 'after', 'SELECT 1', '{bad}'), ('fails', 'after that', 'SELECT 1', '{after}'),
	('fails', 'beside', 'SELECT 1', '{}');
SELECT etl.run_workflow('fails') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT status, tasks_done, tasks_total, error FROM etl.run_status WHERE run_id = :run_id;
SELECT task, status, sqlstate, error, waiting_for FROM etl.task_status WHERE run_id = :run_id ORDER BY task;
SELECT count(*) FROM effect WHERE what = 'never';

-- run_if: what a task makes of how those it depends on ended; what is skipped counts for those behind it.
INSERT INTO etl.task (workflow, name, sql, run_if) VALUES ('flow', 'x', 'SELECT 1', 'sometimes');
INSERT INTO etl.task (workflow, name, sql, run_if) VALUES ('flow', 'x', 'SELECT 1', 'any_failed');
INSERT INTO etl.workflow (name) VALUES ('run_if');
INSERT INTO etl.task (workflow, name, sql, depends_on, run_if) VALUES
	('run_if', 'good', 'SELECT 1', '{}', 'all_succeeded'), ('run_if', 'bad', 'SELECT 1 / 0', '{}', 'all_succeeded'),
	('run_if', 'skipped', 'SELECT 1', '{bad}', 'all_succeeded'),
	('run_if', 'all_succeeded', 'SELECT 1', '{good,bad}', 'all_succeeded'),
	('run_if', 'all_done', 'SELECT 1', '{good,bad,skipped}', 'all_done'),
	('run_if', 'any_failed', 'SELECT 1', '{good,bad}', 'any_failed'),
	('run_if', 'any_failed none did', 'SELECT 1', '{good,skipped}', 'any_failed'),
	('run_if', 'any_succeeded', 'SELECT 1', '{good,bad}', 'any_succeeded'),
	('run_if', 'any_succeeded none did', 'SELECT 1', '{bad,skipped}', 'any_succeeded'),
	('run_if', 'none_failed', 'SELECT 1', '{good,skipped}', 'none_failed'),
	('run_if', 'none_failed one did', 'SELECT 1', '{good,bad}', 'none_failed'),
	('run_if', 'behind', 'SELECT 1', '{"any_failed none did"}', 'all_done');
SELECT etl.run_workflow('run_if') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT task, status FROM etl.task_status WHERE run_id = :run_id ORDER BY task;
SELECT status, tasks_done, tasks_total, error FROM etl.run_status WHERE run_id = :run_id;

-- A condition decides when the task could start; it looks and can't touch.
INSERT INTO etl.task (workflow, name, sql, condition) VALUES ('flow', 'x', 'SELECT 1', ' ');
INSERT INTO etl.workflow (name, input) VALUES ('conditions', '{"region": "eu"}');
INSERT INTO etl.task (workflow, name, sql, condition, depends_on, run_if) VALUES
	('conditions', 'true', 'SELECT 1', $$:'region' = 'eu' AND :attempt = 1 -- with a comment$$, '{}', 'all_succeeded'),
	('conditions', 'false', 'SELECT 1', $$(SELECT count(*) FROM effect) < 0$$, '{}', 'all_succeeded'),
	('conditions', 'null', 'SELECT 1', 'NULL::boolean', '{}', 'all_succeeded'),
	('conditions', 'writes', 'SELECT 1', $$nextval('effect_seq') > 0$$, '{}', 'all_succeeded'),
	('conditions', 'no boolean', 'SELECT 1', '42', '{}', 'all_succeeded'),
	('conditions', 'two', 'SELECT 1', 'true); DELETE FROM effect; SELECT (true', '{}', 'all_succeeded'),
	('conditions', 'broken', 'SELECT 1', '1 / 0 = 1', '{}', 'all_succeeded'),
	('conditions', 'after true', 'SELECT 1', NULL, '{true}', 'all_succeeded'),
	('conditions', 'after false', 'SELECT 1', NULL, '{false}', 'all_succeeded'),
	('conditions', 'after false, none failed', 'SELECT 1', NULL, '{false}', 'none_failed');
CREATE SEQUENCE effect_seq;
SELECT etl.run_workflow('conditions') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT task, status, sqlstate, error FROM etl.task_status WHERE run_id = :run_id ORDER BY task;
SELECT task, type FROM etl.event WHERE run_id = :run_id AND task IN ('false', 'true') ORDER BY task, event_id;
DROP SEQUENCE effect_seq;

-- wait_until holds a task back, and no process.
INSERT INTO etl.task (workflow, name, sql, wait_until) VALUES ('flow', 'x', 'SELECT 1', '');
INSERT INTO etl.task (workflow, name, sql, wait_until, poll_interval) VALUES ('flow', 'x', 'SELECT 1', 'true', '0');
CREATE TABLE gate (open boolean);
INSERT INTO etl.workflow (name) VALUES ('gate');
INSERT INTO etl.task (workflow, name, sql, wait_until, poll_interval, condition, depends_on) VALUES
	('gate', 'wait', 'SELECT * FROM gate', '(SELECT bool_or(open) FROM gate)', '0.1 s', NULL, '{}'),
	('gate', 'after', 'SELECT 1', NULL, DEFAULT, NULL, '{wait}'),
	('gate', 'wait and skip', 'SELECT 1', 'EXISTS (SELECT FROM gate)', '0.1 s', 'NOT EXISTS (SELECT FROM gate)', '{}'),
	('gate', 'broken', 'SELECT 1', '1 / 0 = 1', '0.1 s', NULL, '{}');
SELECT etl.run_workflow('gate') AS run_id \gset
SELECT etl.run_workflow('gate') AS cancelled \gset
CREATE PROCEDURE wait_for_gate() LANGUAGE plpgsql AS $$
BEGIN
	WHILE 4 <> (SELECT count(*) FROM etl.task_status WHERE task LIKE 'wait%' AND status = 'waiting' AND attempt = 1
			AND waiting_for ~ '^condition, looked at again at 20' AND worker_pid IS NULL) LOOP
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$;
CALL wait_for_gate();
SELECT etl.cancel_run(:cancelled);
INSERT INTO gate VALUES (true);
SELECT etl.wait_for_run(:run_id);
SELECT task, attempt, status, rows, sqlstate FROM etl.task_status WHERE run_id = :run_id ORDER BY task;
CALL wait_for_executors(false);
SELECT DISTINCT status FROM etl.task_status WHERE run_id = :cancelled AND task <> 'broken';
SELECT count(*) FROM etl.timer;
DROP TABLE gate;
DROP PROCEDURE wait_for_gate;

-- What an earlier task left.
INSERT INTO etl.workflow (name) VALUES ('outputs');
INSERT INTO etl.task (workflow, name, sql, depends_on, run_if) VALUES
	('outputs', 'three', $$INSERT INTO effect SELECT 'output' FROM generate_series(1, 3)$$, '{}', 'all_succeeded'),
	('outputs', 'knows', $$INSERT INTO effect VALUES ('three: ' || (etl.task_output('three') ->> 'rows'))$$, '{three}', 'all_succeeded'),
	('outputs', 'too early', $$SELECT etl.task_output('too early')$$, '{}', 'all_succeeded'),
	('outputs', 'unknown', $$SELECT etl.task_output('four')$$, '{}', 'all_succeeded');
SELECT etl.run_workflow('outputs') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT what FROM effect WHERE what LIKE 'three%';
SELECT task, status, error FROM etl.task_status WHERE run_id = :run_id ORDER BY task;
SELECT etl.task_output('three');

-- A constraint that is checked at commit is still the step's own failure.
CREATE TABLE late (id int PRIMARY KEY DEFERRABLE INITIALLY DEFERRED);
INSERT INTO etl.workflow (name) VALUES ('late');
INSERT INTO etl.task (workflow, name, sql) VALUES ('late', 'twice', 'INSERT INTO late VALUES (1), (1)');
SELECT etl.run_workflow('late') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT task, status, sqlstate, error FROM etl.task_status WHERE run_id = :run_id;

-- Retries, a timeout.
INSERT INTO etl.workflow (name) VALUES ('again'), ('slow');
INSERT INTO etl.task (workflow, name, sql, retries, retry_delay, retry_backoff) VALUES
	('again', 'bad', 'SELECT 1 / 0', 2, '10 ms', 2);
INSERT INTO etl.task (workflow, name, sql, timeout) VALUES ('slow', 'sleeps', 'SELECT pg_sleep(600)', '50 ms');
SELECT etl.run_workflow('again') AS again, etl.run_workflow('slow') AS slow \gset
SELECT etl.wait_for_run(:again), etl.wait_for_run(:slow);
SELECT workflow, task, attempt, status, sqlstate, error FROM etl.task_status WHERE run_id IN (:again, :slow)
	ORDER BY workflow, attempt;
SELECT task, attempt, details FROM etl.event WHERE run_id = :again AND type = 'task_retry_scheduled' ORDER BY event_id;

-- Cancelling: what runs is stopped and rolled back, what waits never starts.
UPDATE etl.task SET sql = $$INSERT INTO effect VALUES ('cancelled'); SELECT pg_sleep(600)$$, timeout = NULL
	WHERE workflow = 'slow';
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES ('slow', 'after', 'SELECT 1', '{sleeps}');
SELECT etl.run_workflow('slow') AS run_id \gset
CALL wait_for_executors(true);
-- Who has waited long enough is told so without the run's number, which varies, and the run goes on.
DO $$
DECLARE
	run bigint := (SELECT max(run_id) FROM etl.run);
	detail text;
	hint text;
BEGIN
	PERFORM etl.wait_for_run(run, '50 ms');
EXCEPTION WHEN query_canceled THEN
	GET STACKED DIAGNOSTICS detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RAISE INFO '% %', SQLSTATE, replace(SQLERRM, run::text, 'N') USING DETAIL = detail, HINT = replace(hint, run::text, 'N');
END $$;
SELECT r.status AS run, t.status AS step FROM etl.run_status r JOIN etl.task_status t USING (run_id)
	WHERE run_id = :run_id AND task = 'sleeps';
SELECT etl.cancel_run(:run_id), etl.wait_for_run(:run_id);
CALL wait_for_executors(false);
SELECT task, status, error FROM etl.task_status WHERE run_id = :run_id ORDER BY task;
SELECT etl.cancel_run(:run_id);
SELECT etl.cancel_run(0);
SELECT count(*) FROM effect WHERE what = 'cancelled';

-- A run keeps the definition it started with; an edit makes a new version.
SELECT workflow, version FROM etl.workflow_version WHERE workflow IN ('slow', 'fails') ORDER BY workflow, version;

-- and one that a run was made with can't be taken away from it.
\set VERBOSITY terse
DELETE FROM etl.workflow_version;
\set VERBOSITY default

-- Waiting.
SELECT etl.wait_for_run(0);
BEGIN;
SELECT etl.run_workflow('fails') AS run_id \gset
\set VERBOSITY sqlstate
SELECT etl.wait_for_run(:run_id);
ROLLBACK;
\set VERBOSITY default
UPDATE etl.workflow SET enabled = false WHERE name = 'fails';
SELECT etl.run_workflow('fails');

-- Authors see and change their own, and steps have their rights: RESET ROLE gets them nowhere.
CREATE ROLE etl_test_author LOGIN;
CREATE ROLE etl_test_nologin;
SELECT etl.grant_author('etl_test_author');
SELECT etl.run_workflow('late') AS other_run \gset
SELECT etl.wait_for_run(:other_run);
SET ROLE etl_test_author;
SELECT count(*) FROM etl.workflow;
SELECT count(*) FROM etl.run_status;
SELECT etl.run_workflow('late');
\set VERBOSITY sqlstate
SELECT etl.cancel_run(:other_run);
SELECT etl.wait_for_run(:other_run);
\set VERBOSITY default
INSERT INTO etl.task (workflow, name, sql) VALUES ('late', 'mine', 'SELECT 1');
INSERT INTO etl.notification (workflow, topic_arn) VALUES ('late', 'arn:aws:sns:us-east-1:123456789012:mine');
INSERT INTO etl.workflow (name, owner) VALUES ('stolen', 'pg_write_server_files');
UPDATE etl.workflow SET owner = 'etl_test_author' WHERE name = 'late';
INSERT INTO etl.task_run (run_id, task, status) VALUES (1, 'x', 'succeeded');
SELECT etl.grant_author('etl_test_author');
INSERT INTO etl.workflow (name) VALUES ('mine');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
	('mine', 'who', 'CREATE TEMP TABLE who AS SELECT session_user AS s, current_user AS c', '{}'),
	('mine', 'reset role', 'RESET ROLE; INSERT INTO effect VALUES (current_user)', '{}'),
	('mine', 'session', 'RESET SESSION AUTHORIZATION; INSERT INTO effect VALUES (current_user)', '{}'),
	('mine', 'temp is gone', 'SELECT * FROM who', '{who}');
SELECT etl.run_workflow('mine') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT task, status, sqlstate, error FROM etl.task_status WHERE run_id = :run_id ORDER BY task;
RESET ROLE;
INSERT INTO etl.workflow (name, owner) VALUES ('nologin', 'etl_test_nologin');

-- A workflow takes its tasks with it, and leaves its history.
DELETE FROM etl.workflow;
SELECT count(*) FROM etl.task;
SELECT count(*) > 0 AS history FROM etl.run;
SELECT count(*) FROM etl.run_status WHERE status IN ('queued', 'running');
DROP PROCEDURE wait_for_executors;
DROP TABLE effect, late;
DROP OWNED BY etl_test_author;
DROP ROLE etl_test_author, etl_test_nologin;

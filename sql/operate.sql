-- What operators do and see: delays of retries, a run's timeout, pausing a workflow.
\set SHOW_CONTEXT never
SET client_min_messages = warning;

-- Delays: none is longer than retry_max_delay; with jitter each is a random part of what it would be.
INSERT INTO etl.workflow (name) VALUES ('capped'), ('jitters');
INSERT INTO etl.task (workflow, name, sql, retries, retry_delay, retry_backoff, retry_max_delay, retry_jitter) VALUES
	('capped', 'a', 'SELECT 1 / 0', 3, '10 ms', 100, '20 ms', 'none'),
	('jitters', 'a', 'SELECT 1 / 0', 20, '10 ms', 100, '20 ms', 'full');
SELECT etl.run_workflow('capped') AS capped, etl.run_workflow('jitters') AS jitters \gset
SELECT etl.wait_for_run(:capped), etl.wait_for_run(:jitters);
SELECT attempt, details FROM etl.event WHERE run_id = :capped AND type = 'task_retry_scheduled' ORDER BY event_id;
SELECT min(delay) >= 0 AS positive, max(delay) <= 0.02 AS capped, count(DISTINCT delay) > 5 AS random
	FROM etl.event, CAST(details ->> 'delay_seconds' AS float8) delay WHERE run_id = :jitters AND type = 'task_retry_scheduled';
SELECT count(*) FROM etl.task_run WHERE run_id = :jitters;
DELETE FROM etl.workflow;

-- A workflow's timeout: a run has the one it was queued with, from when its first step is taken up until it ends.
INSERT INTO etl.workflow (name, timeout) VALUES ('never', '0');
INSERT INTO etl.workflow (name, timeout) VALUES ('never', '101 years');
CREATE PROCEDURE wait_for_deadline(run bigint) LANGUAGE plpgsql AS $$
BEGIN
	WHILE NOT EXISTS (SELECT FROM etl.deadline d WHERE d.run_id = run) LOOP
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$;
INSERT INTO etl.workflow (name, timeout) VALUES ('long', '1 hour'), ('short', '1 hour');
INSERT INTO etl.task (workflow, name, sql) VALUES ('long', 'a', 'SELECT pg_sleep(600)'), ('short', 'a', 'SELECT 1');
SELECT etl.run_workflow('short') AS short, etl.run_workflow('long') AS long \gset
SELECT etl.wait_for_run(:short);
CALL wait_for_deadline(:long);
UPDATE etl.workflow SET timeout = NULL; -- for runs to come
SELECT r.status, r.timeout, d.due_at - r.started_at AS left FROM etl.deadline d JOIN etl.run r USING (run_id);
SELECT etl.cancel_run(:long);
SELECT count(*) FROM etl.deadline;
SELECT workflow, type FROM etl.event JOIN etl.run USING (run_id)
	WHERE run_id IN (:short, :long) AND task IS NULL ORDER BY workflow, event_id;
DROP PROCEDURE wait_for_deadline;
DELETE FROM etl.workflow;

-- What steps load and unload is of their run.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
CREATE TABLE loaded (i int);
INSERT INTO etl.workflow (name) VALUES ('moves');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
	('moves', 'out', $$UNLOAD ('SELECT 1') TO 's3://operate/' IAM_ROLE default ALLOWOVERWRITE$$, '{}'),
	('moves', 'in', $$COPY loaded FROM 's3://operate/' IAM_ROLE default$$, '{out}');
SELECT etl.run_workflow('moves') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT etl.load('loaded', 's3://operate/');
SELECT run_id = :run_id AS of_the_run, table_name, rows FROM etl.load_history ORDER BY load_id;
SELECT run_id = :run_id AS of_the_run, rows FROM etl.unload_history;
DELETE FROM etl.load_history;
DELETE FROM etl.unload_history;
DELETE FROM etl.workflow;
DROP TABLE loaded;
DROP SERVER aws;

-- A workflow isn't renamed under its runs, which know it by its name.
INSERT INTO etl.workflow (name) VALUES ('old');
INSERT INTO etl.task (workflow, name, sql, wait_until) VALUES ('old', 'a', 'SELECT 1', 'false');
SELECT etl.run_workflow('old') AS run_id \gset
\set VERBOSITY terse
UPDATE etl.workflow SET name = 'new' WHERE name = 'old';
\set VERBOSITY default
UPDATE etl.workflow SET name = 'old', description = 'the same name' WHERE name = 'old';
SELECT etl.cancel_run(:run_id);
UPDATE etl.workflow SET name = 'new' WHERE name = 'old';
SELECT w.name, t.name FROM etl.workflow w JOIN etl.task t ON t.workflow = w.name;
SELECT workflow FROM etl.run WHERE run_id = :run_id;
DELETE FROM etl.workflow;

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

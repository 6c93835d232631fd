-- etl.retry_run: of a run that has ended without success, what didn't succeed runs again, and nothing else does.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE effect (what text);
CREATE TABLE works (yes boolean);
INSERT INTO works VALUES (false);
INSERT INTO etl.workflow (name) VALUES ('mend');
INSERT INTO etl.task (workflow, name, sql, depends_on, run_if, retries, retry_delay) VALUES
	('mend', 'first', $$INSERT INTO effect VALUES ('first')$$, '{}', 'all_succeeded', 0, '0'),
	('mend', 'flaky', $$INSERT INTO effect SELECT 'flaky ' || 1 / yes::int FROM works$$, '{first}', 'all_succeeded', 1, '1 ms'),
	('mend', 'after', $$INSERT INTO effect VALUES ('after ' || :'ds')$$, '{flaky}', 'all_succeeded', 0, '0'),
	('mend', 'handler', $$INSERT INTO effect VALUES ('handler')$$, '{flaky}', 'any_failed', 0, '0'),
	('mend', 'unneeded', 'SELECT 1', '{first}', 'any_failed', 0, '0'),
	('mend', 'last', $$INSERT INTO effect VALUES ('last')$$, '{after,unneeded}', 'none_failed', 0, '0');
INSERT INTO etl.notification (workflow, topic_arn, on_status)
	VALUES ('mend', 'arn:aws:sns:us-east-1:123456789012:mend', '{failed,succeeded}');
SELECT etl.run_workflow('mend', '{"ds": "monday"}') AS run_id \gset
SELECT etl.wait_for_run(:run_id);

-- Fails again: the retries count anew, what has succeeded is left alone.
UPDATE etl.task SET sql = 'SELECT 1' WHERE workflow = 'mend' AND name = 'after'; -- for runs to come
SELECT etl.retry_run(:run_id);
SELECT etl.wait_for_run(:run_id);
SELECT task, attempt, first_attempt, status, error FROM etl.task_run
	WHERE run_id = :run_id AND notification_id IS NULL ORDER BY task, attempt;
SELECT status, tasks_done, tasks_total, error FROM etl.run_status WHERE run_id = :run_id;

-- Succeeds, with the definition and input it was queued with.
UPDATE works SET yes = true;
BEGIN;
SELECT etl.retry_run(:run_id);
SELECT status, tasks_done, error, finished_at FROM etl.run_status WHERE run_id = :run_id;
SELECT task, attempt, status, waiting_for FROM etl.task_status
	WHERE run_id = :run_id AND status IN ('waiting', 'queued') AND task !~ 'notification' ORDER BY task;
\set VERBOSITY sqlstate
SELECT etl.retry_run(:run_id);
ROLLBACK;
\set VERBOSITY default
SELECT status, tasks_done, error FROM etl.run_status WHERE run_id = :run_id;
SELECT etl.retry_run(:run_id);
SELECT etl.wait_for_run(:run_id);
SELECT task, attempt, status, error FROM etl.task_run
	WHERE run_id = :run_id AND notification_id IS NULL AND (task, attempt) > ('flaky', 3) OR run_id = :run_id AND task = 'after'
	ORDER BY task, attempt;
SELECT status, tasks_done, tasks_total, error FROM etl.run_status WHERE run_id = :run_id;
SELECT what, count(*) FROM effect GROUP BY what ORDER BY what;
SELECT type, count(*) FROM etl.event WHERE run_id = :run_id AND task IS NULL GROUP BY type ORDER BY type;
-- Each end is told.
SELECT arguments ->> 'Subject' ~ 'succeeded$' AS succeeded, count(DISTINCT first_attempt) FROM etl.task_run
	WHERE run_id = :run_id AND notification_id IS NOT NULL GROUP BY 1 ORDER BY 1;
-- There is nothing left to do.
SELECT etl.retry_run(:run_id);
SELECT etl.retry_run(0);

-- One that was cancelled before it came to its second step.
TRUNCATE effect;
INSERT INTO etl.workflow (name) VALUES ('cut');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
	('cut', 'a', $$INSERT INTO effect VALUES ('a')$$, '{}'),
	('cut', 'b', $$INSERT INTO effect VALUES ('b'); SELECT CASE WHEN yes THEN pg_sleep(600) END FROM works$$, '{a}'),
	('cut', 'c', $$INSERT INTO effect VALUES ('c')$$, '{b}'),
	('cut', 'd', $$INSERT INTO effect VALUES ('d')$$, '{c}');
SELECT etl.run_workflow('cut') AS run_id \gset
CREATE PROCEDURE wait_for_step(name text, run bigint) LANGUAGE plpgsql AS $$
BEGIN
	WHILE NOT EXISTS (SELECT FROM etl.task_status t WHERE t.run_id = run AND t.task = name AND t.status = 'running') LOOP
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$;
CREATE PROCEDURE wait_for_rest(run bigint) LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM etl.task_run t WHERE t.run_id = run AND t.finished_at IS NULL) LOOP
		COMMIT;
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$;
CALL wait_for_step('b', :run_id);
\set VERBOSITY sqlstate
SELECT etl.retry_run(:run_id); -- goes on
\set VERBOSITY default
SELECT etl.cancel_run(:run_id);
CALL wait_for_rest(:run_id);
UPDATE works SET yes = false;
SELECT etl.retry_run(:run_id);
SELECT etl.wait_for_run(:run_id);
SELECT task, attempt, status FROM etl.task_run WHERE run_id = :run_id ORDER BY task, attempt;
SELECT what, count(*) FROM effect GROUP BY what ORDER BY what;
SELECT status, tasks_done, tasks_total FROM etl.run_status WHERE run_id = :run_id;

-- One that was cancelled before it began.
BEGIN;
SELECT etl.run_workflow('cut') AS run_id \gset
SELECT etl.cancel_run(:run_id), etl.retry_run(:run_id);
SELECT status, tasks_done FROM etl.run_status WHERE run_id = :run_id;
COMMIT;
SELECT etl.wait_for_run(:run_id);
SELECT type FROM etl.event WHERE run_id = :run_id AND task IS NULL ORDER BY event_id;

-- A step can't have its own run retried, and nobody another's.
INSERT INTO etl.workflow (name) VALUES ('itself');
INSERT INTO etl.task (workflow, name, sql) VALUES ('itself', 'a', 'SELECT etl.retry_run(:run_id)');
SELECT etl.run_workflow('itself') AS itself \gset
SELECT etl.wait_for_run(:itself);
SELECT sqlstate, error FROM etl.task_status WHERE run_id = :itself;
CREATE ROLE etl_test_other LOGIN;
SELECT etl.grant_author('etl_test_other');
SET ROLE etl_test_other;
\set VERBOSITY sqlstate
SELECT etl.retry_run(:itself);
\set VERBOSITY default
RESET ROLE;
DROP OWNED BY etl_test_other;
DROP ROLE etl_test_other;
DELETE FROM etl.workflow;
DROP PROCEDURE wait_for_step, wait_for_rest;
DROP TABLE effect, works;

-- Workflows with a schedule: what is refused, the state the engine keeps, backfill. That ticks fire is in t/051_ticks.pl.
\set SHOW_CONTEXT never
SET client_min_messages = warning;

-- Nonsense is refused when it is inserted, with the row named.
INSERT INTO etl.workflow (name, schedule) VALUES ('flow', '0 25 * * *');
INSERT INTO etl.workflow (name, schedule, timezone) VALUES ('flow', '@daily', 'Europe/Nowhere');
INSERT INTO etl.workflow (name, timezone) VALUES ('flow', 'UTC+2');
INSERT INTO etl.workflow (name, schedule, catchup) VALUES ('flow', '@daily', 'some');
INSERT INTO etl.workflow (name, schedule, overlap) VALUES ('flow', '@daily', 'wait');
INSERT INTO etl.workflow (name, schedule, catchup) VALUES ('flow', '@daily', 'all');
INSERT INTO etl.workflow (name, schedule, max_active_runs) VALUES ('flow', '@daily', 0);
INSERT INTO etl.workflow (name, schedule, catchup) VALUES ('flow', '@daily', NULL);

-- The state follows the definition.
CREATE VIEW state AS
	SELECT workflow, next_run_at = (SELECT n FROM etl.next_runs(w.schedule, w.timezone, 1) n) AS next, due_at = next_run_at AS due,
		paused, waiting, anchor = date_trunc('second', anchor) AS whole FROM etl.schedule_state s JOIN etl.workflow w ON w.name = s.workflow;
BEGIN;
INSERT INTO etl.workflow (name) VALUES ('plain'), ('other');
TABLE state;
INSERT INTO etl.workflow (name, schedule, timezone) VALUES ('flow', '30 2 1 1 *', 'Europe/Berlin');
TABLE state;
UPDATE etl.workflow SET schedule = '0 0 1 2 *' WHERE name = 'flow';
TABLE state;
UPDATE etl.workflow SET timezone = 'America/New_York', enabled = false WHERE name = 'flow';
TABLE state;
-- What was missed while it was disabled is up to catchup: the state stays.
UPDATE etl.schedule_state SET next_run_at = '2000-01-01';
UPDATE etl.workflow SET enabled = true WHERE name = 'flow';
SELECT next_run_at = '2000-01-01', due_at = '2000-01-01', paused FROM etl.schedule_state;
UPDATE etl.workflow SET name = 'renamed', description = 'x' WHERE name = 'flow';
SELECT workflow, next_run_at = '2000-01-01' AS kept FROM etl.schedule_state;
UPDATE etl.workflow SET schedule = NULL WHERE name = 'renamed';
TABLE state;
UPDATE etl.workflow SET schedule = 'cron(0 0 1 1 ? 2020)' WHERE name = 'renamed';
UPDATE etl.workflow SET schedule = '@yearly' WHERE name = 'plain';
TABLE state;
DELETE FROM etl.workflow WHERE name = 'plain';
TABLE state;
ROLLBACK;

-- Backfill: a run a moment, each once, the newest not before its time; the steps know which.
CREATE TABLE moment (scheduled_for text, ds text, attempt int);
INSERT INTO etl.workflow (name, schedule, timezone, input) VALUES ('nightly', '30 0 * * *', 'Europe/Berlin', '{"ds": "none"}'), ('plain', NULL, 'UTC', '{}');
INSERT INTO etl.task (workflow, name, sql) VALUES ('nightly', 'a', $$INSERT INTO moment VALUES (:'scheduled_for', :'ds', :attempt)$$);
SELECT etl.backfill('nightly', '2026-03-28 00:30 Europe/Berlin', '2026-03-31 00:30 Europe/Berlin');
SELECT etl.backfill('nightly', '2026-03-27 00:30 Europe/Berlin', '2026-03-31 00:30 Europe/Berlin');
SELECT etl.backfill('nightly', '2026-03-31', '2026-03-01'), etl.backfill('nightly', '2190-01-01', '2190-02-01');
SELECT run_name, trigger, etl.wait_for_run(run_id), input FROM etl.run WHERE workflow = 'nightly' ORDER BY scheduled_for;
SELECT * FROM moment ORDER BY 1;
SELECT etl.backfill('nightly', '1980-01-01', '2020-01-01');
SELECT etl.backfill('nightly', '-infinity', '2020-01-01');
SELECT etl.backfill('nightly', NULL, '2020-01-01');
SELECT etl.backfill('plain', '2020-01-01', '2020-01-02');
SELECT etl.backfill('nothing', '2020-01-01', '2020-01-02');
-- A rate counts from when it was set.
BEGIN;
UPDATE etl.workflow SET schedule = 'rate(1 hour)' WHERE name = 'nightly';
SELECT etl.backfill('nightly', '2020-01-01', '2190-01-01');
UPDATE etl.schedule_state SET anchor = now() - interval '2 hours 30 minutes';
SELECT etl.backfill('nightly', '2020-01-01', '2190-01-01');
ROLLBACK;
-- A run that is queued by hand may be about a moment too. One that isn't has no such parameter.
INSERT INTO etl.run (workflow, scheduled_for) VALUES ('nightly', '2026-01-01 00:30 Europe/Berlin'), ('nightly', NULL);
SELECT etl.wait_for_run(run_id), input, trigger FROM etl.run WHERE workflow = 'nightly' AND run_name IS NULL ORDER BY run_id;
SELECT error FROM etl.run_status WHERE workflow = 'nightly' AND error IS NOT NULL;

-- Authors: their own, all of it; others' nothing.
CREATE ROLE etl_test_author LOGIN;
CREATE ROLE etl_test_other LOGIN;
GRANT SELECT ON state TO etl_test_author;
SELECT etl.grant_author('etl_test_author'), etl.grant_author('etl_test_other');
SET ROLE etl_test_author;
INSERT INTO etl.workflow (name, schedule) VALUES ('tokyo', '0 0 1 1 *');
INSERT INTO etl.task (workflow, name, sql) VALUES ('tokyo', 'a', 'SELECT 1');
UPDATE etl.workflow SET timezone = 'Asia/Tokyo', catchup = 'last', overlap = 'queue', max_active_runs = 2 WHERE name = 'tokyo';
SELECT workflow, paused FROM etl.schedule_state;
SELECT etl.backfill('tokyo', '2020-01-01', '2022-01-01');
SELECT etl.backfill('nightly', '2020-01-01', '2022-01-01');
UPDATE etl.schedule_state SET next_run_at = now();
INSERT INTO etl.run (workflow, trigger) VALUES ('tokyo', 'magic');
SET ROLE etl_test_other;
SELECT count(*) FROM etl.schedule_state;
SELECT etl.backfill('tokyo', '2020-01-01', '2022-01-01');
RESET ROLE;

SELECT etl.wait_for_run(run_id) FROM etl.run WHERE workflow = 'tokyo';
DELETE FROM etl.workflow;
DROP VIEW state;
DROP TABLE moment;
DROP OWNED BY etl_test_author, etl_test_other;
DROP ROLE etl_test_author, etl_test_other;

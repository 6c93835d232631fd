-- for_each: a task that runs once for each row of a query.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE item_effect (item int, what text);
CREATE TABLE item_broken (x int);
CREATE VIEW item_whole AS SELECT run_id, task, attempt, status, rows, output, items_succeeded, items_failed, sqlstate, error
	FROM etl.task_run WHERE item = 0;

-- Columns are parameters over the run's input; an item's null hides a value of the run.
INSERT INTO etl.workflow (name, input) VALUES ('parameters', '{"a": "run", "b": "run", "n": 3}');
INSERT INTO etl.task (workflow, name, sql, for_each, depends_on) VALUES
	('parameters', 'each', $$INSERT INTO item_effect VALUES (:item_number, concat_ws(' ', :'a', :'b', :'day', :{?none}))$$,
		$$SELECT 'row ' || i AS a, date '2026-11-20' + i AS day, NULL AS none FROM generate_series(1, :n) i ORDER BY i DESC$$, '{}'),
	('parameters', 'after', $$INSERT INTO item_effect VALUES (NULL, etl.task_output('each')::text)$$, NULL, '{each}');
SELECT etl.run_workflow('parameters', '{"none": 1}') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT * FROM item_effect ORDER BY item;
SELECT task, item, attempt, status, rows, waiting_for FROM etl.task_status WHERE run_id = :run_id ORDER BY task, item;
SELECT item, parameters FROM etl.task_run WHERE run_id = :run_id AND item > 0 ORDER BY item;
SELECT status, tasks_done, tasks_total FROM etl.run_status WHERE run_id = :run_id;
SELECT task, type, details FROM etl.event WHERE run_id = :run_id ORDER BY event_id;
SELECT regexp_replace(regexp_replace(etl.graph(:run_id), 'run \d+|\d+([.]\d+)? m?s', '…', 'g'), ' +', ' ', 'g') \g (format=unaligned tuples_only=on)

-- None, and what is no query.
INSERT INTO etl.workflow (name) VALUES ('none'), ('error'), ('writes'), ('no query'), ('two queries');
INSERT INTO etl.task (workflow, name, sql, for_each) VALUES
	('none', 'each', 'SELECT 1', 'SELECT 1 WHERE false'),
	('error', 'each', 'SELECT 1', 'SELECT 1 / (i - 2) FROM generate_series(1, 3) i'),
	('writes', 'each', 'SELECT 1', 'INSERT INTO item_effect VALUES (0) RETURNING 1'),
	('no query', 'each', 'SELECT 1', 'SET work_mem = 64'),
	('two queries', 'each', 'SELECT 1', 'SELECT 1; SELECT 2');
CREATE TEMP TABLE item_runs AS SELECT name, etl.run_workflow(name) AS run_id FROM etl.workflow
	WHERE name IN ('none', 'error', 'writes', 'no query', 'two queries');
SELECT name, etl.wait_for_run(run_id) FROM item_runs ORDER BY name;
SELECT r.name, w.status, w.rows, w.output, w.sqlstate, w.error FROM item_runs r JOIN item_whole w USING (run_id) ORDER BY name;
SELECT count(*) FROM etl.task_run JOIN item_runs USING (run_id) WHERE item > 0;

-- Failures: tolerated, one too many, and then carried on with the same list.
INSERT INTO etl.workflow (name) VALUES ('fails');
INSERT INTO etl.task (workflow, name, sql, for_each, max_parallel, tolerate, depends_on, retries, retry_delay) VALUES
	('fails', 'tolerant', $$SELECT 1 / (:i % 3)$$, 'SELECT i FROM generate_series(1, 9) i', 2, '34%', '{}', 1, '0'),
	('fails', 'strict', $$INSERT INTO item_effect SELECT :i, 'strict' FROM (SELECT count(*) FROM item_broken WHERE x = :i HAVING 1 / (1 - count(*)) = 1) b$$,
		'SELECT i FROM generate_series(1, (SELECT 6 + count(*) FROM item_broken)) i', 1, '1', '{tolerant}', 0, '0'),
	('fails', 'after', 'SELECT 1', NULL, NULL, NULL, '{strict}', 0, '0');
INSERT INTO item_broken VALUES (2), (4);
TRUNCATE item_effect;
SELECT etl.run_workflow('fails') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT task, attempt, status, rows, output, sqlstate, error FROM item_whole WHERE run_id = :run_id ORDER BY task;
SELECT item, attempt, status, error FROM etl.task_status WHERE run_id = :run_id AND task = 'tolerant' AND item IS NOT NULL ORDER BY item, attempt;
SELECT item, attempt, status, waiting_for, error FROM etl.task_status WHERE run_id = :run_id AND task = 'strict' AND item IS NOT NULL ORDER BY item, attempt;
SELECT * FROM item_effect ORDER BY item;
SELECT status, tasks_done, tasks_total, error FROM etl.run_status WHERE run_id = :run_id;
TRUNCATE item_broken;
INSERT INTO item_broken VALUES (0), (0), (0), (4);
SELECT etl.retry_run(:run_id);
SELECT etl.wait_for_run(:run_id);
SELECT task, attempt, status, rows, output, items_succeeded, items_failed, error FROM item_whole WHERE run_id = :run_id ORDER BY task, attempt;
SELECT item, attempt, status, error FROM etl.task_status WHERE run_id = :run_id AND task = 'strict' AND item IS NOT NULL ORDER BY item, attempt;
SELECT item, count(*) FROM item_effect GROUP BY item ORDER BY item;
SELECT status, tasks_done, tasks_total, error FROM etl.run_status WHERE run_id = :run_id;

-- Retries are each item's own, and so are conditions the task's.
CREATE SEQUENCE item_tries;
INSERT INTO etl.workflow (name) VALUES ('retries');
INSERT INTO etl.task (workflow, name, sql, for_each, condition, retries, retry_delay, max_parallel) VALUES
	('retries', 'each', $$SELECT CASE WHEN :attempt < 3 THEN 1 / 0 END$$, 'SELECT FROM generate_series(1, 3)', 'true', 2, '1 ms', 1),
	('retries', 'skipped', 'SELECT 1', 'SELECT nextval(''item_tries'')', 'false', 0, '0', NULL);
SELECT etl.run_workflow('retries') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT task, status, rows, output FROM item_whole WHERE run_id = :run_id ORDER BY task;
SELECT item, max(attempt), count(*), max(status) FROM etl.task_run WHERE run_id = :run_id AND task = 'each' AND item > 0 GROUP BY item ORDER BY item;

-- A list whose columns have the names that the query gives them, and etl.query's too.
SELECT * FROM etl.query('SELECT i AS x, i AS "Y" FROM generate_series(1, 2) i');

-- What the external step of an item is known by differs from item to item.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
INSERT INTO etl.workflow (name) VALUES ('tells');
INSERT INTO etl.task (workflow, name, resource, arguments, for_each) VALUES
	('tells', 'each', 'arn:aws:states:::sns:publish', '{"TopicArn": "arn:aws:sns:us-east-1:123456789012:items.fifo", "Message": "m", "MessageGroupId": "g"}',
		'SELECT FROM generate_series(1, 3)');
SELECT etl.run_workflow('tells') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT status, rows, output, error FROM item_whole WHERE run_id = :run_id;
SELECT count(*) FROM etl.local_message WHERE topic_arn LIKE '%:items.fifo';

DROP SERVER aws;
DROP VIEW item_whole;
DROP TABLE item_effect, item_broken;
DROP SEQUENCE item_tries;
DELETE FROM etl.workflow WHERE name IN ('parameters', 'none', 'error', 'writes', 'no query', 'two queries', 'fails', 'retries', 'tells');

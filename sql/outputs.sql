-- Outputs of a run's earlier tasks as parameters: :'task.key'. And what is counted as a statement's rows.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SELECT etl.s3_put('s3://outputs/in/1', E'1|a\n2|b\n3|c\n') IS NULL AS put;
CREATE TABLE output_rows (n int, what text);
CREATE ROLE output_owner LOGIN; -- who may not read etl.task_run
GRANT ALL ON output_rows TO output_owner;
GRANT USAGE ON SCHEMA etl TO output_owner;
CREATE VIEW output_tasks AS SELECT run_id, task, status, rows, output - 'MessageId' AS output, sqlstate, error, error_detail, error_hint
	FROM etl.task_run WHERE item = 0;

INSERT INTO etl.workflow (name, owner) VALUES ('uses', 'output_owner');
INSERT INTO etl.task (workflow, name, sql, condition, wait_until, for_each, depends_on) VALUES
	('uses', 'load data.v2', $$INSERT INTO output_rows SELECT i, 'loaded' FROM generate_series(1, 3) i$$, NULL, NULL, NULL, '{}'),
	('uses', 'sql', $$INSERT INTO output_rows VALUES (:'load data.v2.rows', 'sql')$$, $$:'load data.v2.rows' > 2$$, $$:'load data.v2.rows' > 2$$, NULL, '{load data.v2}'),
	('uses', 'each', $$INSERT INTO output_rows VALUES (:i, 'item of ' || :'load data.v2.rows')$$, NULL, NULL,
		$$SELECT i FROM generate_series(1, :'load data.v2.rows') i$$, '{load data.v2}'),
	('uses', 'after', $$INSERT INTO output_rows SELECT :'each.rows', 'after ' || :'each.items' || ' ' || :'each.failed'$$, NULL, NULL, NULL, '{each}');
SELECT etl.run_workflow('uses') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT what, n FROM output_rows ORDER BY what, n;
SELECT task, status, rows, output, error FROM output_tasks WHERE run_id = :run_id ORDER BY task;

INSERT INTO etl.workflow (name) VALUES ('misses');
INSERT INTO etl.task (workflow, name, sql, resource, arguments, depends_on, run_if) VALUES
	('misses', 'tell', NULL, 'arn:aws:states:::sns:publish', '{"TopicArn": "arn:aws:sns:us-east-1:123456789012:outputs", "Message": "m"}', '{}', 'all_done'),
	('misses', 'fails', 'SELECT 1 / 0', NULL, NULL, '{}', 'all_done'),
	('misses', 'five', 'SELECT FROM generate_series(1, 5)', NULL, NULL, '{}', 'all_done'),
	('misses', 'of a failed one', $$SELECT :'fails.rows'$$, NULL, NULL, '{fails}', 'all_done'),
	('misses', 'of none', $$SELECT :'nothing.rows'$$, NULL, NULL, '{fails}', 'all_done'),
	('misses', 'of no key', $$SELECT :'tell.me'$$, NULL, NULL, '{tell}', 'all_done'),
	('misses', 'of null', $$SELECT :'tell.rows'$$, NULL, NULL, '{tell}', 'all_done'),
	('misses', 'arguments', NULL, 'arn:aws:states:::sns:publish',
		'{"TopicArn": "arn:aws:sns:us-east-1:123456789012:outputs", "Message": "${five.rows} rows, ${user.name}", "Subject": ":five.rows"}', '{five}', 'all_done'),
	('misses', 'arguments of a failed one', NULL, 'arn:aws:states:::sns:publish',
		'{"TopicArn": "arn:aws:sns:us-east-1:123456789012:outputs", "Message": "${fails.rows}"}', '{fails}', 'all_done');
SELECT etl.run_workflow('misses') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT task, status, sqlstate, error, error_detail, error_hint FROM output_tasks WHERE run_id = :run_id ORDER BY task;
SELECT subject, message FROM etl.local_message WHERE topic_arn LIKE '%:outputs' AND message <> 'm';

-- Without a run such a text is what it was.
CALL etl.execute($$SELECT :'five.rows'$$);

-- Rows.
INSERT INTO etl.workflow (name) VALUES ('counts');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
	('counts', '1 create table as', 'CREATE TABLE output_made AS SELECT i, i::text AS t FROM generate_series(1, 7) i', '{}'),
	('counts', '2 script', 'INSERT INTO output_made SELECT 8; UPDATE output_made SET t = ''x'' WHERE i < 3; SELECT FROM output_made WHERE i < 4', '{1 create table as}'),
	('counts', '3 copy', $$COPY output_made FROM 's3://outputs/in/' IAM_ROLE default DELIMITER '|'$$, '{2 script}'),
	('counts', '4 unload', $$UNLOAD ('SELECT * FROM output_made') TO 's3://outputs/out/' IAM_ROLE default ALLOWOVERWRITE$$, '{3 copy}');
SELECT etl.run_workflow('counts') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT task, status, rows, error FROM output_tasks WHERE run_id = :run_id ORDER BY task;

DELETE FROM etl.workflow WHERE name IN ('uses', 'misses', 'counts');
DROP SERVER aws;
DROP VIEW output_tasks;
DROP TABLE output_rows, output_made;
REVOKE ALL ON SCHEMA etl FROM output_owner;
DROP ROLE output_owner;
DELETE FROM etl.load_history WHERE uri LIKE 's3://outputs/%';
DELETE FROM etl.unload_history WHERE uri LIKE 's3://outputs/%';

-- etl.graph: workflows and runs drawn in text.
\pset format unaligned
\pset tuples_only on
SET client_encoding = 'UTF8';

INSERT INTO etl.workflow (name) VALUES ('chain'), ('fan out'), ('two parts'), ('empty');
INSERT INTO etl.task (workflow, name, sql, connection, resource, depends_on) VALUES
	('chain', 'stage', 'SELECT 1', NULL, NULL, '{}'),
	('chain', 'report', 'SELECT 1', 'ware house', NULL, '{stage}'),
	('chain', 'größte', NULL, NULL, 'arn:aws:states:::sns:publish', '{report,stage}'),
	('fan out', 'extract', 'SELECT 1', NULL, NULL, '{}'),
	('fan out', 'load_a', 'SELECT 1', NULL, NULL, '{extract}'),
	('fan out', 'load_b', 'SELECT 1', NULL, NULL, '{extract}'),
	('fan out', 'load_c', 'SELECT 1', NULL, NULL, '{extract}'),
	('fan out', 'report', 'SELECT 1', NULL, NULL, '{load_a,load_b,load_c}'),
	('two parts', 'a', 'SELECT 1', NULL, NULL, '{}'),
	('two parts', 'b', 'SELECT 1', NULL, NULL, '{a}'),
	('two parts', 'y', 'SELECT 1', NULL, NULL, '{}'),
	('two parts', 'z', 'SELECT 1', NULL, NULL, '{}');
SELECT etl.graph('chain');
SELECT etl.graph('fan out');
SELECT etl.graph('two parts');
SELECT etl.graph('empty');

-- ASCII where the client could not show it otherwise
SET client_encoding = 'LATIN1';
SELECT etl.graph('fan out');
SET client_encoding = 'UTF8';

-- A run: what became of each task. Times differ from run to run.
INSERT INTO etl.workflow (name) VALUES ('daily');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
	('daily', 'stage', 'CREATE TABLE public.graph_test AS SELECT generate_series(1, 12345)', '{}'),
	('daily', 'check', E'DO $$BEGIN RAISE EXCEPTION ''no\ngood''; END$$', '{stage}'),
	('daily', 'merge', 'DELETE FROM public.graph_test WHERE generate_series = 1', '{stage}'),
	('daily', 'report', 'SELECT 1', '{check,merge}');
SELECT etl.run_workflow('daily') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT regexp_replace(replace(etl.graph(:run_id), 'run ' || :run_id, 'run N'), '\d+ ms', 'N ms', 'g')
	~ E'^run N of daily: failed, N ms\n\n✓      stage    sql   succeeded +N ms   12,345 rows\n├─✗─╮  check    sql   failed +N ms   no good\n╰─✓─┤  merge    sql   succeeded +N ms   1 row\n·───╯  report   sql   skipped$' AS run_is_drawn;

-- What a step waits for is beside it, and how many items failed.
INSERT INTO etl.workflow (name) VALUES ('night');
INSERT INTO etl.task (workflow, name, sql, for_each, tolerate) VALUES
	('night', 'load', 'SELECT 1 / (:n - 3)', 'SELECT generate_series(1, 5) AS n', '1');
INSERT INTO etl.task (workflow, name, sql, depends_on, wait_for_token) VALUES
	('night', 'approve', 'SELECT 1', '{load}', true),
	('night', 'publish', 'SELECT 1', '{approve}', false);
SELECT etl.run_workflow('night') AS night_id \gset
SELECT set_config('graph_test.run', :'night_id', false) <> '' AS is_set;
DO $$
BEGIN
	WHILE NOT EXISTS (SELECT FROM etl.task_status WHERE run_id = current_setting('graph_test.run')::bigint
			AND waiting_for LIKE 'token%') LOOP
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$;
SELECT regexp_replace(split_part(etl.graph(:night_id), E'\n\n', 2), '\d+ ms', 'N ms', 'g') ~
	E'^✓  load      sql   succeeded +N ms   4 rows, 1 of 5 items failed\n│\n○  approve   sql   waiting +N ms   token\n│\n○  publish   sql   waiting$' AS says_why;
SELECT etl.cancel_run(:night_id);
SELECT etl.wait_for_run(:night_id);

-- 12 ms is what a person reads
SELECT etl._duration_in_words(s) FROM unnest('{-1, 0.0004, 0.9994, 0.9996, 59.99, 59.996, 3599.4, 3600, 123456}'::float8[]) s;

-- What there isn't, or isn't to be seen, has no graph.
SELECT etl.graph('dally');
SELECT etl.graph(0);
CREATE ROLE graph_author LOGIN;
SELECT etl.grant_author('graph_author');
SET ROLE graph_author;
SELECT etl.graph('daily');
\set VERBOSITY sqlstate
SELECT etl.graph(:run_id);
RESET ROLE;

DROP TABLE public.graph_test;
DELETE FROM etl.workflow WHERE name IN ('chain', 'fan out', 'two parts', 'empty', 'daily');
DROP OWNED BY graph_author;
DROP ROLE graph_author;

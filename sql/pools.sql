-- Pools: what is refused, who may do what, and what the views show.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
INSERT INTO etl.pool (name, slots, description) VALUES ('loads', 2, 'COPY into the warehouse'), ('spare', 0, NULL);
SELECT name, slots, taken, waiting FROM etl.pool_status ORDER BY 1;

-- Nonsense.
INSERT INTO etl.pool (name, slots) VALUES ('bad', -1);
INSERT INTO etl.pool (name, slots) VALUES ('', 1);
UPDATE etl.pool SET name = E'two\nlines' WHERE name = 'spare';
UPDATE etl.pool SET slots = NULL;
INSERT INTO etl.pool (name, slots) SELECT 'pool ' || n, 1 FROM generate_series(1, 255) n;
INSERT INTO etl.workflow (name) VALUES ('pooled');
INSERT INTO etl.task (workflow, name, sql, pool) VALUES ('pooled', 'a', 'SELECT 1', 'none');

-- A pool keeps its tasks; the next run has its new name.
INSERT INTO etl.task (workflow, name, sql, pool) VALUES ('pooled', 'a', 'SELECT 1', 'loads');
SELECT etl.run_workflow('pooled') AS run \gset
SELECT etl.wait_for_run(:run);
DELETE FROM etl.pool WHERE name = 'loads';
UPDATE etl.pool SET name = 'stores' WHERE name = 'loads';
SELECT etl.run_workflow('pooled') AS run \gset
SELECT etl.wait_for_run(:run);
SELECT v.version, v.definition #>> '{tasks,a,pool}' AS pool FROM etl.run r JOIN etl.workflow_version v USING (version_id, workflow)
	WHERE r.workflow = 'pooled' ORDER BY 1;

-- Authors name pools, operators change them, readers look.
CREATE ROLE etl_test_pool_author LOGIN;
CREATE ROLE etl_test_pool_reader LOGIN;
CREATE ROLE etl_test_pool_operator LOGIN;
SELECT etl.grant_author('etl_test_pool_author'), etl.grant_reader('etl_test_pool_reader'), etl.grant_operator('etl_test_pool_operator');
SET ROLE etl_test_pool_author;
INSERT INTO etl.workflow (name) VALUES ('authored');
INSERT INTO etl.task (workflow, name, sql, pool) VALUES ('authored', 'a', 'SELECT 1', 'spare');
SELECT etl.run_workflow('authored') AS run \gset
SELECT status, waiting_for FROM etl.task_status WHERE run_id = :run;
SELECT status, waiting_for FROM etl.run_status WHERE run_id = :run;
SELECT * FROM etl.pool_status WHERE name = 'spare';
UPDATE etl.pool SET slots = 1;
SELECT etl._pools_changed();
SET ROLE etl_test_pool_reader;
SELECT waiting_for FROM etl.task_status WHERE run_id = :run;
SELECT * FROM etl.pool_status WHERE name = 'spare';
DELETE FROM etl.pool;
SET ROLE etl_test_pool_operator;
SELECT waiting_for FROM etl.run_status WHERE run_id = :run;
INSERT INTO etl.pool (name, slots) VALUES ('operated', 1);
DELETE FROM etl.pool WHERE name = 'operated';
UPDATE etl.pool SET slots = 1 WHERE name = 'spare';
SELECT etl.wait_for_run(:run);
-- Renaming a pool changes tasks that aren't the operator's, as the pool's own.
UPDATE etl.pool SET name = 'kept' WHERE name = 'spare';
RESET ROLE;
SELECT pool FROM etl.task WHERE workflow = 'authored';
SELECT etl.grant_reader('etl_test_pool_operator');
SET ROLE etl_test_pool_operator;
UPDATE etl.pool SET slots = 5;
RESET ROLE;

DELETE FROM etl.workflow WHERE name IN ('pooled', 'authored');
DELETE FROM etl.pool;
SELECT etl.revoke_role(r::regrole) FROM unnest('{etl_test_pool_author,etl_test_pool_reader,etl_test_pool_operator}'::text[]) r;

-- Runs that steps of other runs have started.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE effect (what text);
CREATE TABLE works (yes boolean);
INSERT INTO works VALUES (false);
INSERT INTO etl.workflow (name, input) VALUES ('parent', '{}'), ('child', '{"x": 1, "y": 2}');
INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
	('child', 'work', $$INSERT INTO effect VALUES ('child ' || :'x' || :'y')$$, '{}'),
	('child', 'more', 'SELECT 1 UNION SELECT 2', '{work}');

-- Started and left alone, waited for, and waited for with its output as JSON.
INSERT INTO etl.task (workflow, name, resource, arguments, depends_on) VALUES
	('parent', 'start', 'arn:aws:states:::states:startExecution', '{"StateMachineArn": "child", "Name": "one"}', '{}'),
	('parent', 'sync', 'arn:aws:states:::states:startExecution.sync',
		'{"StateMachineArn": "arn:aws:states:eu-central-1:123456789012:stateMachine:child", "Input": {"x": ":n"}}', '{start}'),
	('parent', 'sync2', 'arn:aws:states:::states:startExecution.sync:2',
		'{"StateMachineArn": "child", "Input": "{\"x\": \"${n}\"}"}', '{sync}');
SELECT etl.run_workflow('parent', '{"n": 5}') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT task, status, rows, replace((output - 'StartDate' - 'StopDate' - 'RunId')::text, :'run_id' || '/', 'R/') AS output
	FROM etl.task_run WHERE run_id = :run_id ORDER BY task_run_id;
SELECT etl.wait_for_run(run_id) FROM etl.run WHERE parent_run_id = :run_id;
SELECT workflow, replace(run_name, :'run_id' || '/', 'R/') AS run_name, trigger, input, status, parent_task_run_id IS NOT NULL AS waited_for
	FROM etl.run WHERE parent_run_id = :run_id ORDER BY run_id;
SELECT count(*) FROM etl.run_status WHERE parent_run_id = :run_id;
SELECT what, count(*) FROM effect GROUP BY what ORDER BY what;
SELECT type FROM etl.event WHERE run_id = :run_id AND task = 'sync' ORDER BY event_id;

-- What can't be started.
CREATE PROCEDURE try(arguments jsonb) LANGUAGE plpgsql AS $$
BEGIN
	UPDATE etl.task t SET arguments = try.arguments WHERE workflow = 'bad';
END $$;
INSERT INTO etl.workflow (name) VALUES ('bad'), ('empty'), ('disabled');
UPDATE etl.workflow SET enabled = false WHERE name = 'disabled';
INSERT INTO etl.task (workflow, name, resource, arguments) VALUES
	('bad', 'start', 'arn:aws:states:::states:startExecution.sync', '{"StateMachineArn": "nowhere"}');
SELECT etl.run_workflow('bad') AS r1 \gset
CALL try('{"StateMachineArn": "empty"}');
SELECT etl.run_workflow('bad') AS r2 \gset
CALL try('{"StateMachineArn": "disabled"}');
SELECT etl.run_workflow('bad') AS r3 \gset
CALL try('{"StateMachineArn": "child", "Name": "one"}');
SELECT etl.run_workflow('bad') AS r4 \gset
CALL try('{"StateMachineArn": "child", "Input": [1]}');
SELECT etl.run_workflow('bad') AS r5 \gset
CALL try('{"StateMachineArn": "child", "Input": "no JSON"}');
SELECT etl.run_workflow('bad') AS r6 \gset
CALL try('{"StateMachineArn": "arn:aws:lambda:eu-central-1:123456789012:function:child"}');
SELECT etl.run_workflow('bad') AS r7 \gset
CALL try('{"Input": {}}');
SELECT etl.run_workflow('bad') AS r8 \gset
CALL try('{"StateMachineArn": "child", "Colour": "red"}');
SELECT etl.run_workflow('bad') AS r9 \gset
SELECT etl.wait_for_run(r) FROM unnest(ARRAY[:r1, :r2, :r3, :r4, :r5, :r6, :r7, :r8, :r9]) AS r;
SELECT sqlstate, error FROM etl.task_run WHERE run_id BETWEEN :r1 AND :r9 ORDER BY run_id;

-- A child that fails fails the step, and a retry starts another; so does etl.retry_run.
INSERT INTO etl.workflow (name) VALUES ('flaky'), ('keeper');
INSERT INTO etl.task (workflow, name, sql) VALUES ('flaky', 'look', 'SELECT 1 / yes::int FROM works');
INSERT INTO etl.task (workflow, name, resource, arguments, retries, retry_delay) VALUES
	('keeper', 'keep', 'arn:aws:states:::states:startExecution.sync', '{"StateMachineArn": "flaky"}', 1, '0');
SELECT etl.run_workflow('keeper') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT t.attempt, t.status, t.sqlstate, replace(t.error, 'run ' || c.run_id, 'run R') AS error, t.error_detail,
		replace(c.run_name, :'run_id' || '/', 'R/') AS run_name
	FROM etl.task_run t JOIN etl.run c ON c.parent_task_run_id = t.task_run_id WHERE t.run_id = :run_id ORDER BY attempt;
UPDATE works SET yes = true;
SELECT etl.retry_run(:run_id);
SELECT etl.wait_for_run(:run_id);
SELECT replace(run_name, :'run_id' || '/', 'R/') AS run_name, status FROM etl.run WHERE parent_run_id = :run_id ORDER BY run_id;

-- Cancelled, it takes the child along, and the child's child; a child that is cancelled fails the step.
CREATE PROCEDURE wait_for_step(flow text, name text, since bigint) LANGUAGE plpgsql AS $$
BEGIN
	WHILE NOT EXISTS (SELECT FROM etl.task_status t
			WHERE t.run_id > since AND t.workflow = flow AND t.task = name AND t.status = 'running') LOOP
		COMMIT;
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$;
-- A run that is cancelled ends at once, and its step when that has been told.
CREATE PROCEDURE wait_for_steps(since bigint) LANGUAGE plpgsql AS $$
BEGIN
	WHILE EXISTS (SELECT FROM etl.task_run t WHERE t.run_id >= since AND t.finished_at IS NULL) LOOP
		COMMIT;
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$;
INSERT INTO etl.workflow (name) VALUES ('top'), ('middle'), ('bottom');
INSERT INTO etl.task (workflow, name, resource, arguments) VALUES
	('top', 'a', 'arn:aws:states:::states:startExecution.sync', '{"StateMachineArn": "middle"}'),
	('middle', 'b', 'arn:aws:states:::states:startExecution.sync:2', '{"StateMachineArn": "bottom"}');
INSERT INTO etl.task (workflow, name, sql) VALUES ('bottom', 'c', 'SELECT pg_sleep(600)');
SELECT etl.run_workflow('top') AS run_id \gset
CALL wait_for_step('bottom', 'c', :run_id);
SELECT t.workflow, t.task, t.status, t.waiting_for = 'run ' || c.run_id AS waits_for_it FROM etl.task_status t
	JOIN etl.run c ON c.parent_run_id = t.run_id WHERE t.workflow IN ('top', 'middle') ORDER BY 1;
SELECT etl.cancel_run(:run_id);
SELECT workflow, status FROM etl.run WHERE run_id >= :run_id ORDER BY run_id;
SELECT count(*) FROM etl.suspended;
SELECT etl.run_workflow('top') AS run_id \gset
CALL wait_for_step('bottom', 'c', :run_id);
SELECT etl.cancel_run(max(run_id)) FROM etl.run WHERE workflow = 'bottom';
SELECT etl.wait_for_run(:run_id);
CALL wait_for_steps(:run_id);
SELECT workflow, sqlstate, regexp_replace(t.error, '\d+', 'R') AS error, regexp_replace(error_detail, '\d+', 'R') AS error_detail
	FROM etl.task_run t JOIN etl.run r USING (run_id) WHERE run_id >= :run_id ORDER BY run_id;

-- One that starts itself for ever.
INSERT INTO etl.workflow (name) VALUES ('self');
INSERT INTO etl.task (workflow, name, resource, arguments) VALUES
	('self', 'again', 'arn:aws:states:::states:startExecution.sync', '{"StateMachineArn": "self"}');
SELECT etl.run_workflow('self') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT count(*), count(*) FILTER (WHERE status = 'failed') AS failed FROM etl.run WHERE workflow = 'self';
SELECT sqlstate, error FROM etl.task_run WHERE run_id = (SELECT max(run_id) FROM etl.run WHERE workflow = 'self');

-- As whom: the child runs as its workflow's owner, and only who may run that may start it.
CREATE ROLE etl_sub_parent LOGIN;
CREATE ROLE etl_sub_child LOGIN;
SELECT etl.grant_author('etl_sub_parent'), etl.grant_author('etl_sub_child');
SET ROLE etl_sub_child;
INSERT INTO etl.workflow (name) VALUES ('theirs');
INSERT INTO etl.task (workflow, name, sql) VALUES ('theirs', 'who', 'DO $$ BEGIN RAISE EXCEPTION ''I am %'', current_user; END $$');
SET ROLE etl_sub_parent;
INSERT INTO etl.workflow (name) VALUES ('ours');
INSERT INTO etl.task (workflow, name, resource, arguments) VALUES
	('ours', 'ask', 'arn:aws:states:::states:startExecution.sync', '{"StateMachineArn": "theirs"}');
SELECT etl.run_workflow('ours') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT sqlstate, error FROM etl.task_run WHERE run_id = :run_id;
-- The link to a step is not for everybody to write: its run would end the step.
INSERT INTO etl.run (workflow, parent_run_id, parent_task_run_id) VALUES ('ours', 1, 1);
RESET ROLE;
GRANT etl_sub_child TO etl_sub_parent;
SELECT etl.run_workflow('ours') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT sqlstate, regexp_replace(error, '\d+', 'R') AS error, error_detail FROM etl.task_run WHERE run_id = :run_id;

SELECT count(*) FROM etl.suspended;
DELETE FROM etl.workflow;
DROP TABLE effect, works;
DROP PROCEDURE try;
DROP PROCEDURE wait_for_step;
DROP PROCEDURE wait_for_steps;
SELECT etl.revoke_role('etl_sub_parent'), etl.revoke_role('etl_sub_child');
DROP ROLE etl_sub_parent, etl_sub_child;

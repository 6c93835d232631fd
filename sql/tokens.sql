-- Steps that somebody outside ends: by their token, or, in an emergency, by run and task.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE TABLE request (run_id bigint, task text, attempt int, token text);
CREATE PROCEDURE wait_for_token(run bigint, name text, att int DEFAULT 1) LANGUAGE plpgsql AS $$
BEGIN
	WHILE NOT EXISTS (SELECT FROM etl.task_status t WHERE t.run_id = run AND t.task = name AND t.attempt = att
			AND t.status = 'waiting' AND t.waiting_for LIKE 'token%')
		AND NOT EXISTS (SELECT FROM etl.run r WHERE r.run_id = run AND r.finished_at IS NOT NULL) LOOP
		COMMIT;
		PERFORM pg_sleep(0.005);
	END LOOP;
END $$;
CREATE FUNCTION token_of(run bigint, name text, att int DEFAULT 1) RETURNS text LANGUAGE sql AS
	$$ SELECT token FROM request r WHERE r.run_id = run AND r.task = name AND r.attempt = att $$;

-- What makes no sense is refused.
INSERT INTO etl.workflow (name) VALUES ('human');
INSERT INTO etl.task (workflow, name, resource, wait_for_token) VALUES
	('human', 'a', 'arn:aws:states:::states:startExecution.sync', true);
INSERT INTO etl.task (workflow, name, resource) VALUES
	('human', 'a', 'arn:aws:states:::states:startExecution.sync:2.waitForTaskToken');
INSERT INTO etl.task (workflow, name, resource) VALUES ('human', 'a', 'arn:aws:states:::tea:make.waitForTaskToken');
INSERT INTO etl.task (workflow, name, resource, heartbeat) VALUES ('human', 'a', 'arn:aws:states:::sns:publish', '1 min');

-- An approval: what the step did is there when it waits, and once.
INSERT INTO etl.task (workflow, name, sql, wait_for_token, retries, retry_delay, depends_on) VALUES
	('human', 'approve', $$INSERT INTO request VALUES (:run_id, :'task', :attempt, :'task_token')$$, true, 1, '0', '{}'),
	('human', 'publish', $$SELECT 1 / (etl.task_output('approve') ->> 'amount')::int$$, false, 0, '0', '{approve}');
SELECT etl.run_workflow('human') AS run_id \gset
CALL wait_for_token(:run_id, 'approve');
SELECT task, status, waiting_for, rows, sqlstate FROM etl.task_status WHERE run_id = :run_id ORDER BY task;
SELECT status, tasks_done FROM etl.run_status WHERE run_id = :run_id;
SELECT count(*) AS busy FROM etl._activity() WHERE run_id = :run_id;
-- The token is where the step put it, and nowhere else.
SELECT token_of(:run_id, 'approve') AS token \gset
SELECT :'token' ~ '^[0-9a-f]{64}$' AS is_token;
SELECT token_hash = sha256(:'token') AS is_hash, due_at FROM etl.suspended WHERE run_id = :run_id;
SELECT count(*) AS found FROM etl.task_run t WHERE t::text LIKE '%' || :'token' || '%';
SELECT etl.complete_task('nonsense');
SELECT etl.complete_task(NULL);
SELECT etl.heartbeat_task(encode(token_hash, 'hex')) FROM etl.suspended WHERE run_id = :run_id;
BEGIN;
SELECT etl.complete_task(:'token', '{"amount": 3}');
ROLLBACK;
SELECT etl.heartbeat_task(:'token');
BEGIN;
SELECT etl.complete_task(:'token', '{"amount": 2}');
\set VERBOSITY terse
SELECT etl.complete_task(:'token', '{"amount": 0}');
\set VERBOSITY default
ROLLBACK;
SELECT etl.complete_task(:'token', '{"amount": 1}');
SELECT etl.wait_for_run(:run_id);
SELECT etl.fail_task(:'token', 'too late');
SELECT task, attempt, status, rows, output FROM etl.task_run WHERE run_id = :run_id ORDER BY task;
SELECT task, type, details FROM etl.event WHERE run_id = :run_id AND task = 'approve' ORDER BY event_id;
SELECT type, count(*) FROM etl.event WHERE run_id = :run_id AND task IS NULL GROUP BY type ORDER BY type;
SELECT count(*) FROM etl.suspended;
SELECT count(*) FROM etl.signal;

-- A failure is an attempt's: the next has another token.
SELECT etl.run_workflow('human') AS run_id \gset
CALL wait_for_token(:run_id, 'approve');
SELECT etl.fail_task(token_of(:run_id, 'approve'), 'Rejected', 'The amount is too high.');
CALL wait_for_token(:run_id, 'approve', 2);
SELECT token_of(:run_id, 'approve', 2) <> token_of(:run_id, 'approve') AS another;
SELECT etl.complete_task(token_of(:run_id, 'approve'), '{}');
SELECT etl.fail_task(token_of(:run_id, 'approve', 2), NULL);
SELECT etl.wait_for_run(:run_id);
SELECT task, attempt, status, sqlstate, error, error_detail FROM etl.task_run WHERE run_id = :run_id ORDER BY task, attempt;
-- Carried on, it waits once more.
SELECT etl.retry_run(:run_id);
CALL wait_for_token(:run_id, 'approve', 3);
\set VERBOSITY sqlstate
SELECT etl.retry_run(:run_id); -- goes on
\set VERBOSITY default
SELECT etl.cancel_run(:run_id);
SELECT status FROM etl.run_status WHERE run_id = :run_id;
SELECT task, attempt, status, waiting_for FROM etl.task_status WHERE run_id = :run_id AND attempt = 3;
SELECT etl.complete_task(token_of(:run_id, 'approve', 3), '{}');
SELECT count(*) FROM etl.suspended;
SELECT etl.retry_run(:run_id);
CALL wait_for_token(:run_id, 'approve', 4);
SELECT etl.complete_task(token_of(:run_id, 'approve', 4), '{"amount": 1}');
SELECT etl.wait_for_run(:run_id);

-- Who may: whoever has the token and the function; without the token who may cancel the run.
CREATE ROLE etl_tokens_author LOGIN;
CREATE ROLE etl_tokens_other LOGIN;
CREATE ROLE etl_tokens_operator LOGIN;
CREATE ROLE etl_tokens_approver LOGIN;
SELECT etl.grant_author('etl_tokens_author'), etl.grant_author('etl_tokens_other'), etl.grant_operator('etl_tokens_operator');
GRANT USAGE ON SCHEMA etl TO etl_tokens_approver;
GRANT EXECUTE ON FUNCTION etl.complete_task(text, jsonb) TO etl_tokens_approver;
GRANT INSERT, SELECT ON request TO etl_tokens_author;
SET ROLE etl_tokens_author;
INSERT INTO etl.workflow (name) VALUES ('two');
INSERT INTO etl.task (workflow, name, sql, wait_for_token) VALUES
	('two', 'a', $$INSERT INTO public.request VALUES (:run_id, :'task', :attempt, :'task_token')$$, true),
	('two', 'b', $$INSERT INTO public.request VALUES (:run_id, :'task', :attempt, :'task_token')$$, true);
SELECT etl.run_workflow('two') AS run_id \gset
RESET ROLE;
CALL wait_for_token(:run_id, 'a');
CALL wait_for_token(:run_id, 'b');
SELECT token_of(:run_id, 'a') AS token \gset
SET ROLE etl_tokens_other;
SELECT task, waiting_for FROM etl.task_status;
SELECT task_run_id FROM etl.suspended;
SELECT token_hash FROM etl.suspended;
SELECT * FROM etl.signal;
\set VERBOSITY sqlstate
SELECT etl.complete_step(:run_id, 'b'); -- is not theirs to see
\set VERBOSITY default
SET ROLE etl_tokens_operator;
SELECT task, waiting_for FROM etl.task_status WHERE run_id = :run_id ORDER BY task;
\set VERBOSITY sqlstate
SELECT etl.complete_step(:run_id, 'c'); -- waits for nothing
\set VERBOSITY default
SELECT etl.fail_step(:run_id, 'b', 'Nobody answers', 'The approver has left.');
SET ROLE etl_tokens_approver;
SELECT etl.fail_task(:'token', 'no');
SELECT etl.complete_task(:'token');
RESET ROLE;
SELECT etl.wait_for_run(:run_id);
SELECT task, status, sqlstate, error, error_detail, output FROM etl.task_run WHERE run_id = :run_id ORDER BY task;
SELECT task, details FROM etl.event WHERE run_id = :run_id AND type = 'task_signalled' ORDER BY task;

-- Completed before it has done its part: nothing is lost. The statement's failure is, with what it said.
INSERT INTO etl.workflow (name) VALUES ('early');
INSERT INTO etl.task (workflow, name, sql, wait_for_token) VALUES
	('early', 'a', $$SELECT etl.complete_task(:'task_token', '{"early": true}')$$, true);
SELECT etl.run_workflow('early') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT status, output FROM etl.task_run WHERE run_id = :run_id;
UPDATE etl.task SET sql = $$SELECT etl.complete_task(:'task_token'); SELECT 1 / 0$$ WHERE workflow = 'early';
SELECT etl.run_workflow('early') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT status, error, output FROM etl.task_run WHERE run_id = :run_id;
-- Its own run's step, a condition that is false, and one that fails.
UPDATE etl.task SET condition = 'false' WHERE workflow = 'early';
SELECT etl.run_workflow('early') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
UPDATE etl.task SET condition = '1 / 0 = 1' WHERE workflow = 'early';
SELECT etl.run_workflow('early') AS failed_id \gset
SELECT etl.wait_for_run(:failed_id);
SELECT task, status, error FROM etl.task_run WHERE run_id IN (:run_id, :failed_id) ORDER BY run_id;
SELECT count(*) FROM etl.suspended;
SELECT count(*) FROM etl.signal;
SELECT count(*) FROM etl.running;

-- A message with the token: the resource that publishes it, as Step Functions names it. Arguments have parameters.
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '/nowhere');
INSERT INTO etl.workflow (name) VALUES ('mail');
INSERT INTO etl.task (workflow, name, resource, arguments) VALUES ('mail', 'ask', 'arn:aws:states:::sns:publish.waitForTaskToken',
	'{"TopicArn": "arn:aws:sns:us-east-1:123456789012:tokens", "Subject": "Run ${run_id} of ${workflow}, ${unknown}, ${",
	  "Message": {"token": ":task_token", "order": ":order", "lines": [":n", ":missing", ":", "12:n"], "text": "n is ${n}"}}');
SELECT wait_for_token FROM etl.task WHERE workflow = 'mail';
SELECT etl.run_workflow('mail', '{"order": {"id": 7, "note": ":n ${n}"}, "n": 5, "run_id": "mine"}') AS run_id \gset
CALL wait_for_token(:run_id, 'ask');
SELECT subject = 'Run ' || :run_id || ' of mail, ${unknown}, ${' AS subject_is_right, message::jsonb - 'token' AS message
	FROM etl.local_message WHERE topic_arn LIKE '%:tokens';
SELECT etl.complete_task(message::jsonb ->> 'token', '["any", "JSON"]') FROM etl.local_message WHERE topic_arn LIKE '%:tokens';
SELECT etl.wait_for_run(:run_id);
SELECT status, output FROM etl.task_run WHERE run_id = :run_id;
SELECT type FROM etl.event WHERE run_id = :run_id ORDER BY event_id;

-- A task that waits for something is not made ready again by what else ends before it.
CREATE TABLE effect (what text);
INSERT INTO etl.workflow (name) VALUES ('any');
INSERT INTO etl.task (workflow, name, sql, depends_on, run_if, wait_for_token) VALUES
	('any', 'one', 'SELECT 1', '{}', 'all_succeeded', false),
	('any', 'two', $$INSERT INTO request VALUES (:run_id, :'task', :attempt, :'task_token')$$, '{}', 'all_succeeded', true),
	('any', 'three', $$INSERT INTO effect VALUES ('three');
		INSERT INTO request VALUES (:run_id, :'task', :attempt, :'task_token')$$, '{one,two}', 'any_succeeded', true);
SELECT etl.run_workflow('any') AS run_id \gset
CALL wait_for_token(:run_id, 'three');
CALL wait_for_token(:run_id, 'two');
SELECT etl.complete_task(token_of(:run_id, 'two'));
SELECT etl.complete_task(token_of(:run_id, 'three'));
SELECT etl.wait_for_run(:run_id);
SELECT count(*) FROM effect;

-- Each item waits for its own token, or for its own run.
INSERT INTO etl.workflow (name) VALUES ('items'), ('item');
INSERT INTO etl.task (workflow, name, sql) VALUES ('item', 'work', $$INSERT INTO effect VALUES ('item ' || :'what')$$);
INSERT INTO etl.task (workflow, name, sql, wait_for_token, for_each, tolerate) VALUES ('items', 'ask',
	$$INSERT INTO request VALUES (:run_id, :'what', :attempt, :'task_token')$$, true, $$SELECT * FROM unnest('{a,b,c}'::text[]) AS w(what)$$, 1);
INSERT INTO etl.task (workflow, name, resource, arguments, for_each, depends_on) VALUES ('items', 'start',
	'arn:aws:states:::states:startExecution.sync', '{"StateMachineArn": "item", "Input": {"what": ":what"}}',
	$$SELECT * FROM unnest('{x,y}'::text[]) AS w(what)$$, '{ask}');
SELECT etl.run_workflow('items') AS run_id \gset
DO $$ BEGIN WHILE (SELECT count(*) < 3 FROM etl.suspended WHERE since IS NOT NULL) LOOP COMMIT; PERFORM pg_sleep(0.005); END LOOP; END $$;
SELECT task, item, status, waiting_for FROM etl.task_status WHERE run_id = :run_id AND item IS NOT NULL ORDER BY item;
\set VERBOSITY sqlstate
SELECT etl.complete_step(:run_id, 'ask'); -- which of the three?
\set VERBOSITY default
SELECT etl.complete_task(token_of(:run_id, 'b'), '"yes"');
SELECT etl.fail_task(token_of(:run_id, 'a'), 'no');
SELECT etl.complete_task(token_of(:run_id, 'c'));
SELECT etl.wait_for_run(:run_id);
SELECT task, item, status, error, output ->> 'Status' AS child, CASE WHEN task = 'ask' THEN output END AS output
	FROM etl.task_run WHERE run_id = :run_id AND item > 0 ORDER BY task, item;
SELECT replace(run_name, :'run_id' || '/', 'R/') AS run_name, status FROM etl.run WHERE parent_run_id = :run_id ORDER BY 1;
SELECT what FROM effect WHERE what LIKE 'item%' ORDER BY what;
-- Cancelled, all of them end.
SELECT etl.run_workflow('items') AS run_id \gset
DO $$ BEGIN WHILE (SELECT count(*) < 3 FROM etl.suspended WHERE since IS NOT NULL) LOOP COMMIT; PERFORM pg_sleep(0.005); END LOOP; END $$;
SELECT etl.cancel_run(:run_id);
SELECT etl.complete_task(token_of(:run_id, 'b'));
SELECT task, status, count(*) FROM etl.task_status WHERE run_id = :run_id GROUP BY 1, 2 ORDER BY 1, 2;

-- Nothing is left behind.
SELECT count(*) FROM etl.suspended;
SELECT count(*) FROM etl.signal;
DELETE FROM etl.workflow;
DROP SERVER aws;
DROP TABLE request, effect;
DROP PROCEDURE wait_for_token;
DROP FUNCTION token_of;
DROP OWNED BY etl_tokens_approver;
SELECT etl.revoke_role('etl_tokens_author'), etl.revoke_role('etl_tokens_other'), etl.revoke_role('etl_tokens_operator');
DROP ROLE etl_tokens_author, etl_tokens_other, etl_tokens_operator, etl_tokens_approver;

-- What an author can do to others: nothing. Everything here is tried against somebody else's workflow.
\set SHOW_CONTEXT never
SET client_min_messages = warning;
CREATE ROLE etl_test_victim LOGIN;
CREATE ROLE etl_test_thief LOGIN;
SELECT etl.grant_author('etl_test_victim'), etl.grant_author('etl_test_thief');

SET ROLE etl_test_victim;
INSERT INTO etl.workflow (name) VALUES ('private'), ('gone');
INSERT INTO etl.task (workflow, name, sql) VALUES
	('private', 'a', $$SELECT 'secret'$$), ('gone', 'a', $$SELECT 'secret'$$);
SELECT etl.run_workflow('private') AS private_run, etl.run_workflow('gone', '{}', 'monday') AS gone_run \gset
SELECT etl.wait_for_run(:private_run), etl.wait_for_run(:gone_run);
SELECT version_id AS private_version FROM etl.run WHERE run_id = :private_run \gset
DELETE FROM etl.workflow WHERE name = 'gone';

SET ROLE etl_test_thief;
-- Another's definition is neither run nor read by naming its version.
INSERT INTO etl.workflow (name, version_id) VALUES ('mine', :private_version);
SELECT version_id FROM etl.workflow;
UPDATE etl.workflow SET version_id = :private_version WHERE name = 'mine';
UPDATE etl.workflow SET description = 'x', input = '{}', enabled = true WHERE name = 'mine';
INSERT INTO etl.task (workflow, name, sql) VALUES ('mine', 'a', 'SELECT 1');
-- A name that somebody else used before gives no right to what was there, and names of runs stay taken.
INSERT INTO etl.workflow (name) VALUES ('gone');
SELECT workflow, definition FROM etl.workflow_version;
INSERT INTO etl.task (workflow, name, sql) VALUES ('gone', 'a', 'SELECT 2');
SELECT etl.run_workflow('gone', '{}', 'monday');
SELECT etl.run_workflow('gone') AS run_id \gset
SELECT etl.wait_for_run(:run_id);
SELECT workflow, version FROM etl.workflow_version;
SELECT count(*) FROM etl.task_status;
-- Functions that are not for authors can't be called, nor made triggers of a table of one's own.
SELECT proname FROM pg_proc WHERE pronamespace = 'etl'::regnamespace AND has_function_privilege(oid, 'EXECUTE')
	AND (prorettype = 'trigger'::regtype OR prosecdef);
CREATE TEMP TABLE forged (run_id bigint);
CREATE TRIGGER forged AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION etl._run_queue();
RESET ROLE;
-- A trigger function is for its own table only, whoever may use it.
CREATE TRIGGER forged AFTER INSERT ON forged FOR EACH ROW EXECUTE FUNCTION etl._run_queue();
INSERT INTO forged VALUES (:private_run);
DROP TABLE forged;
DELETE FROM etl.workflow;
DROP OWNED BY etl_test_victim, etl_test_thief;
DROP ROLE etl_test_victim, etl_test_thief;

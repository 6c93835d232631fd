-- CALL etl.execute, etl.run_script, etl.query: Redshift statements and scripts on this server.
\getenv root ETL_TEST_ROOT
\set VERBOSITY default
SET client_min_messages = warning;
CREATE SERVER execute_aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET etl.aws_server = 'execute_aws';
CREATE SCHEMA execute_test;
SET search_path = execute_test;

-- a script: several statements, the last without a semicolon
CALL etl.execute($$
	-- a comment; with a semicolon
	CREATE TABLE t (a int, b text);
	INSERT INTO t VALUES (1, 'one;'), (2, 'two');
	INSERT INTO t VALUES (3, $q$three; four$q$)
$$);
SELECT * FROM t ORDER BY a;
SELECT etl.execute_statement('DELETE FROM t WHERE a = 3');
SELECT etl.execute_statement('UPDATE t SET a = a RETURNING *');
SELECT etl.execute_statement('SELECT * FROM t');
SELECT etl.execute_statement('CREATE TABLE t2 AS SELECT * FROM t');
SELECT etl.execute_statement('INSERT INTO t2 SELECT * FROM t; DELETE FROM t2 WHERE a = 1');
SELECT etl.execute_statement('-- nothing');
SELECT etl.execute_statement('DROP TABLE t2');
CALL etl.execute(NULL);

-- parameters
CALL etl.execute($$INSERT INTO :"table" VALUES (:n, :'text'); INSERT INTO t VALUES (1::int, ':text')$$,
	parameters => '{"table": "t", "n": 10, "text": "it''s", "unused": null}');
SELECT * FROM t ORDER BY a, b;
CALL etl.execute('SELECT 1', parameters => '[1]');

-- errors say which statement it is, and never show the translation
CALL etl.execute($$SELECT 1;
	SELECT 2;

	SELECT 1 / 0;
$$);
CALL etl.execute('SELECT 1 / 0');
CALL etl.execute('SELECT 1; SELEKT 2');
CALL etl.execute($$SELECT 'unterminated$$);
CREATE FUNCTION fails() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'from inside' USING ERRCODE = 'XX123', DETAIL = 'a detail', HINT = 'a hint'; END $$;
\set SHOW_CONTEXT always
DO $$
DECLARE
	state text; message text; detail text; hint text; context text;
BEGIN
	PERFORM etl.execute_statement('SELECT 1; SELECT fails()');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL,
		hint = PG_EXCEPTION_HINT, context = PG_EXCEPTION_CONTEXT;
	RAISE WARNING '% | % | % | % | %', state, message, detail, hint, context;
END $$;
\set SHOW_CONTEXT errors
CALL etl.execute('COPY t FROM STDIN');

-- a failed script leaves nothing
CALL etl.execute('INSERT INTO t VALUES (99, ''x''); SELECT 1 / 0');
SELECT count(*) FROM t WHERE a = 99;

-- transactions: BEGIN and a last COMMIT say what is so anyway
CALL etl.execute('BEGIN; INSERT INTO t VALUES (20, ''a''); COMMIT;');
CALL etl.execute('begin; insert into t values (21, ''b''); end');
-- in the middle they end one, where that is possible
CALL etl.execute('INSERT INTO t VALUES (22, ''c''); COMMIT; BEGIN; INSERT INTO t VALUES (23, ''d''); ROLLBACK; INSERT INTO t VALUES (24, ''e'')');
CALL etl.execute('INSERT INTO t VALUES (25, ''f''); COMMIT; SELECT 1 / 0');
SELECT a FROM t WHERE a BETWEEN 20 AND 29 ORDER BY a;
BEGIN;
CALL etl.execute('INSERT INTO t VALUES (30, ''a''); COMMIT; SELECT 1');
ROLLBACK;
SELECT etl.execute_statement('INSERT INTO t VALUES (31, ''a''); ROLLBACK');
BEGIN;
CALL etl.execute('BEGIN; INSERT INTO t VALUES (32, ''a''); COMMIT');
ROLLBACK;
SELECT count(*) FROM t WHERE a >= 30;

-- settings: ours end with the statement, the script's stay
SET standard_conforming_strings = off;
CALL etl.execute($$CREATE TABLE strings AS SELECT current_setting('standard_conforming_strings') AS s, current_setting('search_path') AS p$$);
SELECT * FROM strings;
SHOW standard_conforming_strings;
RESET standard_conforming_strings;
SHOW search_path;
CALL etl.execute('SET search_path TO public, execute_test; SET DateStyle TO german');
SHOW search_path;
SHOW DateStyle;
RESET DateStyle;
SET search_path = execute_test;

-- etl.query
SELECT * FROM etl.query('SELECT a, b, NULL AS c, a > 1 AS d FROM t WHERE a < 10 ORDER BY a');
SELECT * FROM etl.query('SELECT 1 AS a; SELECT 2 AS b');
SELECT * FROM etl.query('DELETE FROM t WHERE a >= 20');
SELECT count(*) FROM etl.query('SELECT * FROM generate_series(1, 100000)');
SELECT * FROM etl.query('SELECT 1 / 0');

-- scripts from the store
SELECT etl.s3_put('s3://scripts/load.sql', $$
INSERT INTO t VALUES (:n, '${name}');
INSERT INTO t VALUES (:n + 1, '<name>');
INSERT INTO t VALUES (:n + 2, '${unknown}')$$) IS NOT NULL AS put;
CALL etl.run_script('s3://scripts/load.sql', '{"n": 40, "name": "replaced"}');
SELECT * FROM t WHERE a >= 40 ORDER BY a;
CALL etl.run_script('s3://scripts/load.sql');
CALL etl.run_script('s3://scripts/missing.sql');
CALL etl.run_script('not a uri');
SELECT etl.s3_put('s3://scripts/latin1.sql', '\x53454c45435420e4'::bytea) IS NOT NULL AS put;
CALL etl.run_script('s3://scripts/latin1.sql');
SELECT etl.s3_put('s3://scripts/bom.sql', '\xefbbbf53454c4543542031'::bytea) IS NOT NULL AS put;
CALL etl.run_script('s3://scripts/bom.sql');
-- a translation that holds credentials shows in no error, even one without a position of its own
CALL etl.execute('SELECT 1; COPY nosuch FROM ''s3://scripts/bom.sql'' ACCESS_KEY_ID ''canary-id'' SECRET_ACCESS_KEY ''canary-secret''');

-- as the caller, and by nobody who wasn't allowed to
CREATE ROLE execute_user;
GRANT USAGE ON SCHEMA etl, execute_test TO execute_user;
SET ROLE execute_user;
CALL etl.execute('SELECT 1');
RESET ROLE;
GRANT EXECUTE ON PROCEDURE etl.execute(text, text, jsonb) TO execute_user;
SET ROLE execute_user;
CALL etl.execute('SELECT 1');
CALL etl.execute('SELECT * FROM t');
RESET ROLE;

-- jobs: seen by their owners
GRANT SELECT, INSERT ON etl.job TO execute_user;
GRANT EXECUTE ON FUNCTION etl._sees_all() TO execute_user;
GRANT SELECT ON etl.role_grant TO execute_user;
INSERT INTO etl.job (name, default_arguments) VALUES ('execute_job', '{"--db": "dev"}');
\set SHOW_CONTEXT never
INSERT INTO etl.job (name, kind) VALUES ('x', 'shell');
INSERT INTO etl.job (name, default_arguments) VALUES ('x', '[]');
INSERT INTO etl.job (name) VALUES ('');
SET ROLE execute_user;
SELECT name FROM etl.job;
INSERT INTO etl.job (name, owner) VALUES ('y', 'pg_monitor');
INSERT INTO etl.job (name) VALUES ('execute_job_2');
SELECT name, kind, default_arguments, owner FROM etl.job;
RESET ROLE;
\set SHOW_CONTEXT errors
DELETE FROM etl.job WHERE name LIKE 'execute_job%';

RESET search_path;
DROP SCHEMA execute_test CASCADE;
DROP OWNED BY execute_user;
DROP ROLE execute_user;
DROP SERVER execute_aws;

-- What UNLOAD writes appears when the transaction commits, and not at all with what is rolled back.
\getenv root ETL_TEST_ROOT
CREATE SERVER store_stage FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET etl.aws_server = 'store_stage';
SELECT count(etl.s3_put('s3://stage-test/old', 'old'));
PREPARE objects AS SELECT uri FROM etl.s3_list('s3://stage-test/');

-- rolled back: nothing, not even the temporary file
BEGIN;
SELECT etl.unload('SELECT 1', 's3://stage-test/rolled-back/', 'csv', '{"parallel": false}');
EXECUTE objects;
SELECT count(*) FROM pg_ls_tmpdir();
ROLLBACK;
EXECUTE objects;
SELECT count(*) FROM pg_ls_tmpdir();

-- savepoints: what is rolled back to one is gone, what is released goes with its parent
BEGIN;
SELECT etl.unload('SELECT 1', 's3://stage-test/top/', 'csv', '{"parallel": false}');
SAVEPOINT a;
SELECT etl.unload('SELECT 2', 's3://stage-test/rolled-back/', 'csv', '{"parallel": false}');
ROLLBACK TO a;
SAVEPOINT b;
SELECT etl.unload('SELECT 3', 's3://stage-test/released/', 'csv', '{"parallel": false}');
RELEASE b;
SAVEPOINT c;
SAVEPOINT d;
SELECT etl.unload('SELECT 4', 's3://stage-test/released-and-rolled-back/', 'csv', '{"parallel": false}');
RELEASE d;
ROLLBACK TO c;
COMMIT;
EXECUTE objects;
SELECT count(*) FROM pg_ls_tmpdir();

-- a publish that fails is the transaction's failure, and takes back what was published before it
BEGIN;
SELECT etl.unload('SELECT 1', 's3://stage-test/first/', 'csv', '{"parallel": false}');
SELECT etl.unload('SELECT 2', 's3://stage-test/second/', 'csv', '{"parallel": false}');
SELECT count(etl.s3_put('s3://stage-test/second/000', 'somebody was faster'));
COMMIT;
EXECUTE objects;
SELECT etl.s3_fetch_text('s3://stage-test/second/000');
SELECT count(*) FROM pg_ls_tmpdir();

-- two systems can't be prepared at once
BEGIN;
SELECT etl.unload('SELECT 1', 's3://stage-test/prepared/', 'csv', '{"parallel": false}');
PREPARE TRANSACTION 'store_stage';
EXECUTE objects;

DEALLOCATE objects;
DROP SERVER store_stage;
\! rm -rf "$ETL_TEST_ROOT/stage-test"

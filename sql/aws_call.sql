-- Calls of AWS services by their names: what is refused before anything is sent, and what local mode has in their place.
\set VERBOSITY verbose
\set SHOW_CONTEXT never
\getenv root ETL_TEST_ROOT
SET client_min_messages = warning;
CREATE SERVER call_aws FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1', endpoint 'http://127.0.0.1:1');
CREATE SERVER call_local FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
CREATE ROLE call_analyst;
GRANT USAGE ON SCHEMA etl TO call_analyst;
RESET client_min_messages;
-- Messages, without the file and line of the source.
CREATE FUNCTION pg_temp.refusal(call text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	state text; message text; detail text; hint text;
BEGIN
	EXECUTE 'SELECT ' || call;
	RETURN 'taken';
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, message = MESSAGE_TEXT, detail = PG_EXCEPTION_DETAIL, hint = PG_EXCEPTION_HINT;
	RETURN concat_ws(E'\n  ', state || ': ' || message, nullif(detail, ''), nullif(hint, ''));
END $$;

\pset tuples_only on
\pset format unaligned
SET etl.aws_server = 'call_aws';
SELECT pg_temp.refusal($$etl.aws_call('teapot', 'Make')$$);
SELECT pg_temp.refusal($$etl.aws_call(E'tea\npot', 'Make')$$);
SELECT pg_temp.refusal($$etl.aws_call('s3', 'ListBuckets')$$);
SELECT pg_temp.refusal($$etl.aws_call('', 'Make')$$);
SELECT pg_temp.refusal($$etl.aws_call('lambda', 'Brew')$$);
SELECT pg_temp.refusal($$etl.aws_call('lambda', 'InvokeWithResponseStream', '{"FunctionName": "f"}')$$);
SELECT pg_temp.refusal($$etl.aws_call('sqs', E'Send\r\nX-Header: y')$$);
SELECT pg_temp.refusal($$etl.aws_call('sqs', '')$$);
SELECT pg_temp.refusal($$etl.aws_call(NULL, 'SendMessage')$$);
SELECT pg_temp.refusal($$etl.aws_call('sqs', 'SendMessage', NULL)$$);
SELECT pg_temp.refusal($$etl.aws_call('sqs', 'SendMessage', '[]')$$);
SELECT pg_temp.refusal($$etl.aws_call('sqs', 'SendMessage', '"x"')$$);
SELECT pg_temp.refusal($$etl.aws_call('sqs', 'SendMessage', 'null')$$);
SELECT pg_temp.refusal($$etl.aws_call('lambda', 'Invoke')$$);
SELECT pg_temp.refusal($$etl.aws_call('lambda', 'Invoke', '{"FunctionName": ".."}')$$);
SELECT pg_temp.refusal($$etl.aws_call('lambda', 'Invoke', '{"FunctionName": "a\nb"}')$$);
SELECT pg_temp.refusal($$etl.aws_call('lambda', 'Invoke', '{"FunctionName": "f", "Colour": "blue"}')$$);
SELECT pg_temp.refusal($$etl.aws_call('redshift', 'CreateTags', '{"Tags": {"Key": "a"}}')$$);
SELECT pg_temp.refusal($$etl.aws_call('iam', 'TagRole', '{"Tags": [["a"]]}')$$);
SELECT pg_temp.refusal($$etl.aws_call('sqs', 'SendMessage', ('{"a":' || repeat('[', 70) || repeat(']', 70) || '}')::jsonb)$$);
SELECT pg_temp.refusal($$count(*) FROM etl.aws_pages('lambda', 'Brew')$$);
SELECT pg_temp.refusal($$etl.aws_call('sqs', 'ListQueues', '{}', 'none')$$);
SELECT pg_temp.refusal($$etl.sqs_send(NULL, 'x')$$);
SELECT pg_temp.refusal($$etl.sqs_send('url', 'x', '[1]')$$);
SELECT pg_temp.refusal($$etl.sqs_send('url', 'x', '{"a": true}')$$);
SELECT pg_temp.refusal($$etl.sqs_send('url', 'x', delay => '16 min')$$);
SELECT pg_temp.refusal($$count(*) FROM etl.sqs_receive('url', 0)$$);
SELECT pg_temp.refusal($$count(*) FROM etl.sqs_receive('url', wait => '-1 s')$$);
SELECT pg_temp.refusal($$etl.sqs_delete('url', NULL)$$);

-- endpoints of AWS's own are chosen among, not a custom one
SET client_min_messages = warning;
ALTER SERVER call_aws OPTIONS (ADD use_fips 'true');
CREATE USER MAPPING FOR CURRENT_USER SERVER call_aws OPTIONS (access_key_id 'AKIDEXAMPLE', secret_access_key 'x');
RESET client_min_messages;
SELECT pg_temp.refusal($$etl.aws_call('sqs', 'ListQueues')$$);
ALTER SERVER call_aws OPTIONS (DROP endpoint, SET region 'cn-north-1');
SELECT pg_temp.refusal($$etl.aws_call('iam', 'ListUsers')$$);

-- rights
SET ROLE call_analyst;
SELECT pg_temp.refusal($$etl.aws_call('sts', 'GetCallerIdentity')$$);
RESET ROLE;
GRANT EXECUTE ON FUNCTION etl.aws_call, etl.aws_caller_identity, etl.aws_pages, etl.sqs_send TO call_analyst;
SET ROLE call_analyst;
SELECT pg_temp.refusal($$etl.aws_call('sts', 'GetCallerIdentity')$$);
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER call_aws TO call_analyst;
SET ROLE call_analyst;
SELECT pg_temp.refusal($$etl.aws_call('sts', 'GetCallerIdentity')$$);
RESET ROLE;

-- local mode
SET etl.aws_server = 'call_local';
GRANT USAGE ON FOREIGN SERVER call_local TO call_analyst;
GRANT SELECT, INSERT ON etl.local_secret TO call_analyst;
SET ROLE call_analyst;
SELECT * FROM etl.aws_caller_identity();
SELECT etl.aws_call('sts', 'GetCallerIdentity');
INSERT INTO etl.local_secret (secret_id, value) VALUES ('call-test', E'a "secret"\n');
SELECT etl.aws_call('secretsmanager', 'GetSecretValue', '{"SecretId": "call-test"}');
SELECT pg_temp.refusal($$etl.aws_call('secretsmanager', 'GetSecretValue', '{"SecretId": "none"}')$$);
SELECT pg_temp.refusal($$etl.aws_call('secretsmanager', 'GetSecretValue')$$);
SELECT length(etl.aws_call('sns', 'publish', '{"TopicArn": "arn:aws:sns:us-east-1:123456789012:call-test", "Message": "m",
	"MessageAttributes": {"a": {"DataType": "String", "StringValue": "x"}}}') ->> 'MessageId');
SELECT count(*) FROM etl.aws_pages('sts', 'GetCallerIdentity');
SELECT pg_temp.refusal($$etl.aws_call('sns', 'Publish', '{"TopicArn": 1}')$$);
SELECT pg_temp.refusal($$etl.aws_call('lambda', 'Invoke', '{"FunctionName": "f"}')$$);
SELECT pg_temp.refusal($$etl.sqs_send('https://sqs.us-east-1.amazonaws.com/123456789012/q', 'x')$$);
RESET ROLE;
SELECT message, attributes FROM etl.local_message WHERE topic_arn LIKE '%:call-test';

SET client_min_messages = warning;
DELETE FROM etl.local_message WHERE topic_arn LIKE '%:call-test';
DELETE FROM etl.local_secret WHERE secret_id = 'call-test';
DROP SERVER call_aws, call_local CASCADE;
DROP OWNED BY call_analyst;
DROP ROLE call_analyst;

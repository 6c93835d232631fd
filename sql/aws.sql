-- AWS servers: their options, who may set which, who may use them; topics and secrets of local mode.
\getenv root ETL_TEST_ROOT
\set SHOW_CONTEXT never

-- option names and values
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (regoin 'us-east-1');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'cloud');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root 'relative/path');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (root '/srv/lake');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us east 1');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (path_style 'perhaps');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (credentials 'guessed');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (profile 'etl');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (credentials 'profile', profile '');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (role_arn 'arn:aws:iam::123456789012:role/a, arn:aws:iam::123456789012:role/b');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (role_arn 'arn:aws:iam::123456789012:user/a');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (external_id '42');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (role_arn 'arn:aws:iam::123456789012:role/a', external_id 'a b');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (role_session_name 'a/b');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint 'localhost:5000');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint 'http://me:canary@localhost');
CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint E'http://localhost\r\nX-Header: 1');
ALTER FOREIGN DATA WRAPPER etl_aws OPTIONS (ADD region 'us-east-1');

CREATE SERVER aws_test FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'eu-central-1', endpoint 'https://localhost:1');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws_test OPTIONS (access_key_id 'AKIA');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws_test OPTIONS (access_key_id 'AKIA', secret_access_key '');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws_test OPTIONS (access_key_id 'AKIA', secret_access_key 'canary ');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws_test OPTIONS (access_key_id 'AKIA', secret_access_key 'x', password 'y');

-- which server, and whose credentials
CREATE ROLE aws_analyst;
GRANT USAGE ON SCHEMA etl TO aws_analyst;
GRANT EXECUTE ON FUNCTION etl.notify_sns TO aws_analyst;
SET etl.aws_server = 'aws_nowhere';
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:alerts', 'message');
CREATE FOREIGN DATA WRAPPER aws_other;
CREATE SERVER aws_wrong FOREIGN DATA WRAPPER aws_other;
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:alerts', 'message', server => 'aws_wrong');
SET ROLE aws_analyst;
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:alerts', 'message', server => 'aws_test');
RESET ROLE;
GRANT USAGE ON FOREIGN SERVER aws_test TO aws_analyst;
SET ROLE aws_analyst;
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:alerts', 'message', server => 'aws_test');

-- what only a superuser may set, and what an owner who is none may not use
RESET ROLE;
GRANT USAGE ON FOREIGN DATA WRAPPER etl_aws TO aws_analyst;
SET ROLE aws_analyst;
CREATE SERVER aws_own FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '/tmp');
CREATE SERVER aws_own FOREIGN DATA WRAPPER etl_aws OPTIONS (credentials 'environment');
CREATE SERVER aws_own FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint 'http://localhost:1');
CREATE USER MAPPING FOR CURRENT_USER SERVER aws_own OPTIONS (access_key_id 'AKIA', secret_access_key 'x');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:alerts', 'message', server => 'aws_own');
ALTER SERVER aws_own OPTIONS (SET endpoint 'https://127.0.0.1:1');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:alerts', 'message', server => 'aws_own');
ALTER SERVER aws_own OPTIONS (SET endpoint 'https://[::ffff:169.254.169.254]');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:alerts', 'message', server => 'aws_own');
RESET ROLE;
-- trust is the owner's: the environment's credentials go with it
CREATE SERVER aws_given FOREIGN DATA WRAPPER etl_aws OPTIONS (credentials 'environment');
ALTER SERVER aws_given OWNER TO aws_analyst;
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:alerts', 'message', server => 'aws_given');

-- topics of local mode
CREATE SERVER aws_local FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
GRANT USAGE ON FOREIGN SERVER aws_local TO aws_analyst;
GRANT SELECT ON etl.local_message TO aws_analyst;
SET etl.aws_server = 'aws_local';
SELECT length(etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', 'first')) AS id;
SET ROLE aws_analyst;
SELECT length(etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', 'second', 'A subject',
	'{"severity": "high", "count": 3, "tags": ["a", "b"], "typed": {"DataType": "String", "StringValue": "x"}}')) AS id;
SELECT topic_arn, subject, message, attributes, publisher FROM etl.local_message;
RESET ROLE;
SELECT message FROM etl.local_message WHERE topic_arn LIKE '%:aws-test' ORDER BY published_at;

-- what SNS refuses, local mode refuses
SELECT etl.notify_sns('alerts', 'message');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:a b', 'message');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', '');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', NULL);
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', repeat('x', 262145));
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', 'message', repeat('x', 101));
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', 'message', E'two\nlines');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', 'message', NULL, '[1]');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', 'message', NULL, '{"a b": 1}');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', 'message', NULL, '{"a": true}');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', 'message', NULL, '{"a": [1]}');
SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:aws-test', 'message', NULL, '{"a": {"StringValue": "x"}}');

-- secrets of local mode: the rows of one's own roles
GRANT SELECT, INSERT, UPDATE, DELETE ON etl.local_secret TO aws_analyst;
INSERT INTO etl.local_secret (secret_id, value) VALUES ('aws-test/root', 'canary');
SET ROLE aws_analyst;
INSERT INTO etl.local_secret (secret_id, value) VALUES ('aws-test/analyst', 'hers');
INSERT INTO etl.local_secret (secret_id, owner, value) VALUES ('aws-test/planted', 'pg_monitor', 'x');
INSERT INTO etl.local_secret (secret_id, owner, value) VALUES ('aws-test/nobodys', NULL, 'canary'); -- the error does not show the row
INSERT INTO etl.local_secret (secret_id, owner, value) VALUES (NULL, DEFAULT, 'canary');
SELECT secret_id, owner, value FROM etl.local_secret;
UPDATE etl.local_secret SET value = 'stolen' WHERE secret_id = 'aws-test/root';
RESET ROLE;

DELETE FROM etl.local_secret WHERE secret_id LIKE 'aws-test/%';
DELETE FROM etl.local_message WHERE topic_arn LIKE '%:aws-test';
RESET etl.aws_server;
SET client_min_messages = warning;
DROP FOREIGN DATA WRAPPER aws_other CASCADE;
DROP SERVER aws_test, aws_own, aws_given, aws_local CASCADE;
DROP OWNED BY aws_analyst;
DROP ROLE aws_analyst;

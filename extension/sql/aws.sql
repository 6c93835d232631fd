-- aws: foreign servers that AWS calls go to, SNS, and what stands for AWS in local mode

CREATE FUNCTION etl.aws_validator(options text[], catalog oid) RETURNS void
LANGUAGE C STRICT AS 'MODULE_PATHNAME', 'pg_etl_aws_validator';
REVOKE ALL ON FUNCTION etl.aws_validator(text[], oid) FROM PUBLIC;
COMMENT ON FUNCTION etl.aws_validator(text[], oid) IS 'checks the options of etl_aws servers and their user mappings';

CREATE FOREIGN DATA WRAPPER etl_aws VALIDATOR etl.aws_validator;
COMMENT ON FOREIGN DATA WRAPPER etl_aws IS 'AWS, or in local mode folders and tables in its place: where AWS calls go';

CREATE TABLE etl.local_message (
    message_id uuid PRIMARY KEY DEFAULT gen_random_uuid(),
    topic_arn text NOT NULL,
    subject text,
    message text NOT NULL,
    attributes jsonb,
    published_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    publisher regrole NOT NULL
);
CREATE INDEX ON etl.local_message (topic_arn, published_at);
ALTER TABLE etl.local_message ENABLE ROW LEVEL SECURITY;
CREATE POLICY publisher ON etl.local_message USING (pg_has_role(publisher, 'USAGE'));
COMMENT ON TABLE etl.local_message IS 'messages published to SNS topics in local mode; each is also a NOTIFY etl_local_message with its id';
COMMENT ON COLUMN etl.local_message.message_id IS 'what etl.notify_sns returned';
COMMENT ON COLUMN etl.local_message.topic_arn IS 'the topic it was published to; topics need not be created';
COMMENT ON COLUMN etl.local_message.subject IS 'the subject an e-mail would have; NULL for none';
COMMENT ON COLUMN etl.local_message.message IS 'the message';
COMMENT ON COLUMN etl.local_message.attributes IS 'its message attributes, as they were given';
COMMENT ON COLUMN etl.local_message.published_at IS 'when it was published; visible to others once the transaction commits';
COMMENT ON COLUMN etl.local_message.publisher IS 'the role that published it; only its members see the row';

-- Domains, because the error of a table's constraint shows the whole row, and with it the secret.
CREATE DOMAIN etl.local_secret_id AS text NOT NULL CHECK (VALUE <> '');
COMMENT ON DOMAIN etl.local_secret_id IS 'the name of a secret';
CREATE DOMAIN etl.local_secret_owner AS regrole NOT NULL;
COMMENT ON DOMAIN etl.local_secret_owner IS 'the role that a secret is of';

CREATE TABLE etl.local_secret (
    secret_id etl.local_secret_id PRIMARY KEY,
    owner etl.local_secret_owner DEFAULT quote_ident(current_user)::regrole,
    value text NOT NULL
);
ALTER TABLE etl.local_secret ENABLE ROW LEVEL SECURITY;
CREATE POLICY owner ON etl.local_secret USING (pg_has_role(owner, 'USAGE')) WITH CHECK (pg_has_role(owner, 'USAGE'));
COMMENT ON TABLE etl.local_secret IS 'secrets of local mode, in place of AWS Secrets Manager; not part of a dump';
COMMENT ON COLUMN etl.local_secret.secret_id IS 'the name by which it is asked for';
COMMENT ON COLUMN etl.local_secret.owner IS 'the role whose members may read and change it';
COMMENT ON COLUMN etl.local_secret.value IS 'what GetSecretValue answers: usually a JSON object';

CREATE FUNCTION etl.notify_sns(topic_arn text, message text, subject text DEFAULT NULL, attributes jsonb DEFAULT NULL,
                               server text DEFAULT NULL) RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_etl_notify_sns';
REVOKE ALL ON FUNCTION etl.notify_sns(text, text, text, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.notify_sns(text, text, text, jsonb, text) IS 'publishes a message to an SNS topic and returns its message id';

CREATE FUNCTION etl.aws_call(service text, action text, input jsonb DEFAULT '{}', server text DEFAULT NULL) RETURNS jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_etl_aws_call';
REVOKE ALL ON FUNCTION etl.aws_call(text, text, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.aws_call(text, text, jsonb, text) IS 'calls an action of an AWS service, such as lambda Invoke, and returns its answer';

CREATE FUNCTION etl.aws_pages(service text, action text, input jsonb DEFAULT '{}', server text DEFAULT NULL) RETURNS SETOF jsonb
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'pg_etl_aws_pages';
REVOKE ALL ON FUNCTION etl.aws_pages(text, text, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.aws_pages(text, text, jsonb, text) IS 'calls an action that answers in pages until there are no more, and returns each answer';

CREATE FUNCTION etl.aws_caller_identity(server text DEFAULT NULL, OUT account text, OUT arn text, OUT user_id text)
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_etl_aws_caller_identity';
REVOKE ALL ON FUNCTION etl.aws_caller_identity(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.aws_caller_identity(text) IS 'whom AWS takes the current user for: account, ARN and user id';

CREATE FUNCTION etl.sqs_send(queue_url text, body text, attributes jsonb DEFAULT NULL, group_id text DEFAULT NULL,
                             deduplication_id text DEFAULT NULL, delay interval DEFAULT NULL, server text DEFAULT NULL) RETURNS text
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_etl_sqs_send';
REVOKE ALL ON FUNCTION etl.sqs_send(text, text, jsonb, text, text, interval, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.sqs_send(text, text, jsonb, text, text, interval, text) IS 'sends a message to an SQS queue and returns its message id';

CREATE FUNCTION etl.sqs_receive(queue_url text, max_messages integer DEFAULT 10, wait interval DEFAULT '0', visibility interval DEFAULT NULL,
                                server text DEFAULT NULL)
RETURNS TABLE (message_id text, receipt_handle text, body text, attributes jsonb, system_attributes jsonb)
LANGUAGE C VOLATILE PARALLEL UNSAFE ROWS 10 AS 'MODULE_PATHNAME', 'pg_etl_sqs_receive';
REVOKE ALL ON FUNCTION etl.sqs_receive(text, integer, interval, interval, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.sqs_receive(text, integer, interval, interval, text) IS 'takes messages from an SQS queue, waiting for the first; each is hidden from others until it is deleted or its visibility timeout is over';

CREATE FUNCTION etl.sqs_delete(queue_url text, receipt_handle text, server text DEFAULT NULL) RETURNS void
LANGUAGE C VOLATILE PARALLEL UNSAFE AS 'MODULE_PATHNAME', 'pg_etl_sqs_delete';
REVOKE ALL ON FUNCTION etl.sqs_delete(text, text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.sqs_delete(text, text, text) IS 'deletes a message that was received from an SQS queue';

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

-- The sales pipeline: two Glue jobs in a row and a message when one fails, as its state machine had them. Each job
-- runs a SQL file of bucket pg-etl-sales on the warehouse that secret "warehouse" describes, statement by statement.
INSERT INTO etl.job (name, kind, description, default_arguments) VALUES
	('sales', 'sql_script', 'Runs a SQL file of the sales bucket on the warehouse',
		'{"--db": "demo", "--db_creds": "warehouse", "--bucket": "pg-etl-sales"}');

INSERT INTO etl.workflow (name, description) VALUES
	('sales', 'Load the large sales of the registered months, report the largest first'),
	('sales_again', 'The report once more, without leave to overwrite');

INSERT INTO etl.task (workflow, name, resource, arguments, depends_on) VALUES
	('sales', 'load', 'arn:aws:states:::glue:startJobRun.sync',
		'{"JobName": "sales", "Arguments": {"--file": "load.sql"}}', '{}'),
	('sales', 'report', 'arn:aws:states:::glue:startJobRun.sync',
		'{"JobName": "sales", "Arguments": {"--file": "report.sql"}}', '{load}'),
	('sales_again', 'report', 'arn:aws:states:::glue:startJobRun.sync',
		'{"JobName": "sales", "Arguments": {"--file": "report_again.sql"}}', '{}'),
	('sales_again', 'publish', 'arn:aws:states:::sns:publish',
		'{"TopicArn": "arn:aws:sns:us-east-1:000000000000:reports", "Message": "The report is there."}', '{report}');

INSERT INTO etl.notification (workflow, topic_arn) VALUES
	('sales', 'arn:aws:sns:us-east-1:000000000000:etl-alerts'),
	('sales_again', 'arn:aws:sns:us-east-1:000000000000:etl-alerts');

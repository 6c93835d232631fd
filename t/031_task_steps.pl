# What steps do, through the engine and the real protocols: a statement here and on a connection, a message to SNS, a
# job that a secret and a script in S3 describe. AWS is called with no transaction open.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etl = EtlTest->new(aws => 1, warehouse => 1);
my $warehouse = $etl->warehouse;
my %login = %{ $etl->warehouse_login };

$warehouse->safe_psql('dev', 'SELECT etl.grant_author(\'loader\')');
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'scripts');
$etl->put_object('scripts', 'job.sql', <<'SQL');
-- what a Glue job would run
CREATE TABLE IF NOT EXISTS public.sales (id int DISTKEY, name varchar(20));
INSERT INTO public.sales VALUES (${id}, :'name'), (<id> + 1, 'two;')
SQL
$etl->put_object('scripts', 'fails.sql', "CREATE TABLE public.kept (a int);\n\nSELECT 1 / 0;\nCREATE TABLE public.never (a int)");
$etl->fixtures('put-secret', 'redshift', $etl->warehouse_secret);
$etl->fixtures('put-secret', 'wrong', $etl->warehouse_secret(password => 'canary-wrong'));
$etl->fixtures('put-secret', 'broken', '{"host": "canary-broken"}');
my $topic = $etl->fixtures('make-topic-with-queue', 'alerts');
$etl->sql(<<"SQL");
CREATE SERVER dev FOREIGN DATA WRAPPER etl_warehouse OPTIONS (secret_id 'redshift');
CREATE TABLE public.here (run_id bigint, workflow text, task text, attempt int, ds text);
INSERT INTO etl.job (name, default_arguments) VALUES
	('load', '{"--db": "dev", "--db_creds": "redshift", "--bucket": "scripts", "--file": "job.sql", "--name": "one"}');
SQL

# step(NAME, COLUMNS…): run a workflow of one task; its status, SQLSTATE, error and rows
sub step
{
	my ($name, $columns, $values, $input) = @_;
	$input //= '{}';
	$etl->sql("INSERT INTO etl.workflow (name) VALUES ('$name'); INSERT INTO etl.task (workflow, name, $columns) VALUES ('$name', 'step', $values)");
	my $run = $etl->sql("SELECT etl.run_workflow('$name', '$input')");
	$etl->sql("SELECT etl.wait_for_run($run, '30 s')");
	return $etl->sql("SELECT status, coalesce(sqlstate, ''), coalesce(error, ''), coalesce(rows::text, '') FROM etl.task_status WHERE run_id = $run");
}

sub job
{
	my ($name, $arguments) = @_;
	return step($name, 'resource, arguments', "'arn:aws:states:::glue:startJobRun.sync', '$arguments'");
}

is(step('here', 'sql', q{'INSERT INTO public.here VALUES (:run_id, :''workflow'', :''task'', :attempt, :''ds'')'}, '{"ds": "2026-11-20"}'),
	'succeeded|||1', 'a statement here');
$etl->sql_is('SELECT workflow, task, attempt, ds FROM public.here', 'here|step|1|2026-11-20', 'its parameters');
is(step('there', 'connection, sql', q{'dev', 'CREATE TABLE public.there (a int); INSERT INTO public.there SELECT generate_series(1, :n)'}, '{"n": 7}'),
	'succeeded|||7', 'statements on a connection that a secret describes');
is($warehouse->safe_psql('dev', 'SELECT count(*) FROM public.there'), '7', 'they ran over there');
like(step('there_fails', 'connection, sql', q{'dev', 'SELECT * FROM public.nosuch'}), qr/^failed\|42P01\|relation "public.nosuch" does not exist/,
	'an error over there is the step\'s');

is(step('message', 'resource, arguments', qq{'arn:aws:states:::sns:publish', '{"TopicArn": "$topic->{topic_arn}", "Message": {"a": [1, "two"]}, "Subject": "hello"}'}),
	'succeeded|||', 'a message');
my $messages = $etl->fixtures('read-queue', $topic->{queue_url});
is(scalar @$messages, 1, 'it arrived, once');
$etl->sql(q{SELECT count(etl.run_workflow('message')) FROM generate_series(1, 100)});
$etl->wait_until(q{SELECT count(*) = 101 FROM etl.run WHERE workflow = 'message' AND status = 'succeeded'});
pass('a hundred at a time');
$etl->sql(q{ALTER ROLE CURRENT_USER SET etl.aws_server = 'nosuch'});
like(step('message_elsewhere', 'resource, arguments', qq{'arn:aws:states:::sns:publish', '{"TopicArn": "$topic->{topic_arn}", "Message": "x"}'}),
	qr/^failed\|42704\|.*"nosuch"/, 'its owner\'s setting says by which server');
$etl->sql(q{ALTER ROLE CURRENT_USER RESET etl.aws_server});
is($etl->sql(q{SELECT string_agg(DISTINCT backend_type, ', ') FROM pg_stat_activity a JOIN etl.task_status t ON t.worker_pid = a.pid
	WHERE t.workflow LIKE 'message%'}), 'pg_etl remote executor', 'it takes no executor');

is(job('job', '{"JobName": "load", "Arguments": {"--id": "10"}}'), 'succeeded|||2', 'a job');
is($warehouse->safe_psql('dev', 'SELECT * FROM public.sales ORDER BY id'), "10|one\n11|two;", 'it ran over there');
like(job('job_unknown', '{"JobName": "nosuch"}'), qr/^failed\|42704\|job "nosuch" does not exist/, 'an unknown job');
$etl->sql(q{UPDATE etl.job SET default_arguments = default_arguments - '--file'});
like(job('job_argument', '{"JobName": "load"}'), qr/^failed\|22023\|job "load" needs argument "--file"/, 'a missing argument');
like(job('job_script', '{"JobName": "load", "Arguments": {"--file": "nosuch.sql"}}'), qr/^failed\|58P01\|.*nosuch\.sql/, 'a missing script');
like(job('job_wrong', '{"JobName": "load", "Arguments": {"--file": "job.sql", "--db_creds": "wrong"}}'),
	qr/^failed\|28P01\|could not connect to "wrong"/, 'a wrong password');
like(job('job_broken', '{"JobName": "load", "Arguments": {"--file": "job.sql", "--db_creds": "broken"}}'),
	qr/^failed\|22023\|secret "broken" has no key "port"/, 'a secret that says too little');
like(job('job_fails', '{"JobName": "load", "Arguments": {"--file": "fails.sql"}}'), qr/^failed\|22012\|division by zero/, 'a statement that fails');
$etl->sql_is(q{SELECT count(*) FROM etl.task_run t WHERE t::text LIKE '%statement 2 (line 3) of s3://scripts/fails.sql%'}, '1', 'its context says which');
is($warehouse->safe_psql('dev', q{SELECT to_regclass('public.kept'), to_regclass('public.never')}), 'kept|',
	'each statement is committed by itself');

unlike($etl->server_log . slurp_file($warehouse->logfile), qr/canary/, 'no secret is in a log');
$etl->sql_is(q{SELECT (SELECT count(*) FROM etl.event e WHERE e::text LIKE '%canary%') + (SELECT count(*) FROM etl.task_run t WHERE t::text LIKE '%canary%')},
	'0', 'nor in the history');

done_testing();

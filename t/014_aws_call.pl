# Calls of any AWS service by its name: what is sent and answered as botocore has it, services that moto stands in for, and the
# resources of steps that are one call.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use IPC::Run;
use JSON::PP;
use Test::More;
use Time::HiRes qw(time);

my $etl = EtlTest->new(aws => 1, warehouse => 1, conf => 'etl.max_executors = 2');
my $node = $etl->primary;
my $canary = 'canarySecret';

sub python
{
	my ($output, $errors) = ('', '');
	IPC::Run::run(["$ENV{ETL_VENV}/bin/python", '-B', @_], '<', \'', '>', \$output, '2>', \$errors);
	diag($errors) if $errors;
	return $output;
}

# ---- as botocore has it
is(python("$FindBin::Bin/../test/aws/endpoint_vectors.py", "$FindBin::Bin/../test/unit/endpoint_vectors.txt"), '',
	'the endpoints are still those of botocore');
my @compared = split /\n/, python("$FindBin::Bin/../test/aws/call_oracle.py", '-h', $node->host, '-p', $node->port, 'postgres');
cmp_ok(scalar @compared, '>', 70, 'all services were compared');
ok(/^ok/, s/^(not )?ok //r) foreach @compared;

# ---- services that moto stands in for
$etl->create_aws_server;
sub call
{
	my ($service, $action, $input) = @_;
	return decode_json($etl->sql("SELECT etl.aws_call('$service', '$action', \$json\$" . encode_json($input // {}) . '$json$)'));
}

like(call('sts', 'GetCallerIdentity')->{Arn}, qr/^arn:aws:iam::123456789012:user\/admin$/, 'sts');
$etl->sql_is(q{SELECT account, arn FROM etl.aws_caller_identity()}, '123456789012|arn:aws:iam::123456789012:user/admin', 'who I am');
call('iam', 'CreateRole', { RoleName => 'runner', AssumeRolePolicyDocument => '{}', Tags => [ { Key => 'a', Value => 'b' } ] });
is_deeply(call('iam', 'ListRoleTags', { RoleName => 'runner' })->{Tags}, [ { Key => 'a', Value => 'b' } ], 'iam');
my $vpc = call('ec2', 'CreateVpc', { CidrBlock => '10.1.0.0/16' })->{Vpc}{VpcId};
is_deeply([ map { $_->{CidrBlock} } @{ call('ec2', 'DescribeVpcs', { VpcIds => [$vpc] })->{Vpcs} } ], ['10.1.0.0/16'], 'ec2');
call('redshift', 'CreateCluster', { ClusterIdentifier => 'house', NodeType => 'ra3.large', MasterUsername => 'u', MasterUserPassword => "${canary}1A" });
is(call('redshift', 'DescribeClusters')->{Clusters}[0]{ClusterIdentifier}, 'house', 'redshift');
call('glue', 'CreateDatabase', { DatabaseInput => { Name => 'lake' } });
is(call('glue', 'GetDatabases')->{DatabaseList}[0]{Name}, 'lake', 'glue');
ok(call('athena', 'StartQueryExecution', { QueryString => 'SELECT 1', ResultConfiguration => { OutputLocation => 's3://lake/' } })->{QueryExecutionId}, 'athena');
my $machine = call('states', 'CreateStateMachine', { name => 'm', roleArn => 'arn:aws:iam::123456789012:role/runner',
	definition => '{"StartAt": "A", "States": {"A": {"Type": "Succeed"}}}' })->{stateMachineArn};
is(call('stepfunctions', 'listStateMachines')->{stateMachines}[0]{name}, 'm', 'states, by another of its names');
my $topic = call('sns', 'CreateTopic', { Name => 'alerts', Tags => [ { Key => 'a', Value => 'b' } ] })->{TopicArn};
ok(call('sns', 'Publish', { TopicArn => $topic, Message => "two\nlines",
	MessageAttributes => { n => { DataType => 'Number', StringValue => '1' } } })->{MessageId}, 'sns');
is(call('sns', 'GetTopicAttributes', { TopicArn => $topic })->{Attributes}{TopicArn}, $topic, 'a map in an answer of XML');
$etl->fixtures('put-secret', 'prod/x', $canary);
is(call('secretsmanager', 'GetSecretValue', { SecretId => 'prod/x' })->{SecretString}, $canary, 'secretsmanager');
call('ssm', 'PutParameter', { Name => 'p', Value => "h\x{e4}llo", Type => 'SecureString' });
is(call('ssm', 'GetParameter', { Name => 'p', WithDecryption => JSON::PP::true })->{Parameter}{Value}, "h\x{e4}llo", 'ssm');
call('events', 'PutRule', { Name => 'r', ScheduleExpression => 'rate(1 day)' });
is(call('eventbridge', 'ListRules')->{Rules}[0]{Name}, 'r', 'events');
call('scheduler', 'CreateSchedule', { Name => 'nightly', ScheduleExpression => 'rate(1 day)', FlexibleTimeWindow => { Mode => 'OFF' },
	Target => { Arn => 'arn:aws:sqs:us-east-1:123456789012:q', RoleArn => 'arn:aws:iam::123456789012:role/runner' } });
is(call('scheduler', 'GetSchedule', { Name => 'nightly' })->{ScheduleExpression}, 'rate(1 day)', 'scheduler');
call('logs', 'CreateLogGroup', { logGroupName => 'g' });
is(call('logs', 'DescribeLogGroups')->{logGroups}[0]{logGroupName}, 'g', 'logs');
call('cloudwatch', 'PutMetricData', { Namespace => 'n', MetricData => [ { MetricName => 'm', Value => 1.5 } ] });
is(call('cloudwatch', 'ListMetrics')->{Metrics}[0]{MetricName}, 'm', 'cloudwatch');
call('dynamodb', 'CreateTable', { TableName => 't', BillingMode => 'PAY_PER_REQUEST',
	KeySchema => [ { AttributeName => 'id', KeyType => 'HASH' } ], AttributeDefinitions => [ { AttributeName => 'id', AttributeType => 'S' } ] });
call('dynamodb', 'PutItem', { TableName => 't', Item => { id => { S => "item $_" }, n => { N => '12345678901234567890.5' } } }) foreach 1 .. 5;
is(call('dynamodb', 'GetItem', { TableName => 't', Key => { id => { S => 'item 1' } } })->{Item}{n}{N}, '12345678901234567890.5', 'dynamodb');
is_deeply(call('dms', 'DescribeReplicationInstances')->{ReplicationInstances}, [], 'dms');
is(call('quicksight', 'CreateGroup', { AwsAccountId => '123456789012', Namespace => 'default', GroupName => 'g h' })->{Group}{GroupName}, 'g h', 'quicksight');
is_deeply(call('lakeformation', 'ListPermissions')->{PrincipalResourcePermissions}, [], 'lakeformation');
ok(call('kms', 'CreateKey')->{KeyMetadata}{KeyId}, 'kms');
is_deeply(call('emr', 'ListClusters')->{Clusters}, [], 'emr');
is_deeply(call('batch', 'DescribeJobQueues')->{jobQueues}, [], 'batch');
is(call('ecs', 'CreateCluster', { clusterName => 'c' })->{cluster}{clusterName}, 'c', 'ecs');

# ---- Lambda
my $function = $etl->fixtures('make-function', 'twice', <<'CODE')->{arn};
def handler(event, context):
    if event.get("fail"):
        raise ValueError("no " + event["fail"])
    return {"twice": event.get("n", 0) * 2, "event": event}
CODE
my $invoked = call('lambda', 'Invoke', { FunctionName => 'twice', Payload => { n => 21 } });
is_deeply($invoked, { StatusCode => 200, ExecutedVersion => '$LATEST', Payload => { twice => 42, event => { n => 21 } } }, 'a function, its headers');
is(call('lambda', 'Invoke', { FunctionName => $function, Payload => '{"n": 1}' })->{Payload}{twice}, 2, 'by its ARN, a payload of text');
my $failed = call('lambda', 'Invoke', { FunctionName => 'twice', Payload => { fail => 'way' } });
is($failed->{FunctionError}, 'Unhandled', 'a function that fails');
is($failed->{Payload}{errorMessage}, 'no way', 'what it says');
is_deeply(call('lambda', 'Invoke', { FunctionName => 'twice', InvocationType => 'Event', Payload => {} }), { StatusCode => 202 }, 'an event');
is(call('lambda', 'ListFunctions')->{Functions}[0]{FunctionName}, 'twice', 'functions');

# ---- pages
$etl->sql_is(q{SELECT count(*), sum(jsonb_array_length(p -> 'Items')) FROM etl.aws_pages('dynamodb', 'Scan', '{"TableName": "t", "Limit": 2}') p}, '3|5',
	'pages by a key that is an object');
$etl->reset_aws;
$etl->sql_is(q{SELECT jsonb_array_length(etl.aws_pages('dynamodb', 'Scan', '{"TableName": "t", "Limit": 1}') -> 'Items') LIMIT 2}, "1\n1", 'two of them');
is(scalar $etl->requests(service => 'dynamodb'), 2, 'what nobody reads is not asked for');
$etl->sql(q{SELECT count(etl.aws_call('sns', 'CreateTopic', jsonb_build_object('Name', 'topic' || n))) FROM generate_series(1, 120) n});
$etl->sql_is(q{SELECT count(*), sum(jsonb_array_length(p -> 'Topics')) FROM etl.aws_pages('sns', 'ListTopics') p}, '2|121', 'pages of XML');

# ---- refusals and failures
my $nobody = $etl->fixtures('make-user', 'nobody', '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}');
$etl->sql('CREATE ROLE analyst LOGIN; SELECT etl.grant_author(\'analyst\'); GRANT USAGE ON FOREIGN SERVER aws TO analyst');
$etl->create_aws_mapping(role => 'analyst', %$nobody);
foreach (['states', 'StartExecution', qq({"stateMachineArn": "$machine"}), 'states:StartExecution'], ['ec2', 'DescribeVpcs', '{}', 'ec2:DescribeVpcs'],
	['emr', 'ListClusters', '{}', 'elasticmapreduce:ListClusters'], ['lambda', 'Invoke', '{"FunctionName": "twice"}', 'lambda:InvokeFunction'])
{
	my ($service, $action, $input, $permission) = @$_;
	$etl->sql_fails(qq{SET ROLE analyst; SELECT etl.aws_call('$service', '$action', '$input')}, "$service denied",
		qr/ERROR:  42501: could not call "$service:$action": access denied/, qr/DETAIL:  AWS said .*request id/, qr/HINT:.*$permission on it/);
}
$etl->sql_fails(q{SELECT etl.aws_call('lambda', 'Invoke', '{"FunctionName": "none"}')}, 'no such function',
	qr/ERROR:  42704: could not call "lambda:Invoke": it does not exist/, qr/AWS said ResourceNotFoundException.*HTTP status 404/);
$etl->sql_fails(q{SELECT etl.aws_call('lambda', 'Invoke', '{"FunctionName": "arn:aws:lambda:eu-west-1:123456789012:function:twice"}')},
	'a function is called in its own region', qr/Function not found: arn:aws:lambda:eu-west-1/);
$etl->sql_fails(q{SELECT etl.aws_call('iam', 'GetRole', '{"RoleName": "none"}')}, 'no such role', qr/ERROR:  42704:/, qr/NoSuchEntity/);
$etl->sql_fails(q{SELECT etl.aws_call('glue', 'GetDatabase', '{"Name": "none"}')}, 'no such database', qr/ERROR:  42704:/, qr/EntityNotFoundException/);
$etl->sql_fails(q{SELECT etl.aws_call('glue', 'CreateDatabase', '{"DatabaseInput": {"Name": "lake"}}')}, 'it is there', qr/ERROR:  42710:/, qr/AlreadyExistsException/);
$etl->sql_fails(q{SELECT etl.aws_call('sqs', 'SendMessage', '{"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/none", "MessageBody": "b"}')},
	'no such queue', qr/ERROR:  42704:/);

# a call that hangs ends when it is told to
foreach my $service (['dynamodb', 'ListTables'], ['iam', 'ListUsers'], ['lambda', 'ListFunctions'])
{
	$etl->faults({ do => 'stall', service => $service->[0] });
	my $start = time;
	$etl->sql_fails("SET statement_timeout = '300ms'; SELECT etl.aws_call('$service->[0]', '$service->[1]')", "$service->[0] hangs", qr/57014/);
	cmp_ok(time - $start, '<', 2, 'it ends at once');
}
$etl->faults({ do => 'status', status => 503, code => 'ServiceUnavailable', service => 'lambda' });
is(call('lambda', 'ListFunctions')->{Functions}[0]{FunctionName}, 'twice', 'what passes is tried again');
$etl->reset_aws;

# ---- queues
my $queue = $etl->fixtures('make-queue', 'work')->{queue_url};
my $id = $etl->sql(qq{SELECT etl.sqs_send('$queue', E'two\\nlines "\\u00e4"', '{"n": 1.50, "s": "x", "typed": {"DataType": "String.kind", "StringValue": "y"}}')});
$etl->sql_is(qq{SELECT message_id = '$id', body = E'two\\nlines "\\u00e4"', attributes -> 'n' ->> 'StringValue', attributes -> 'typed' ->> 'DataType', system_attributes ? 'SentTimestamp'
	FROM etl.sqs_receive('$queue', visibility => '0')}, 't|t|1.50|String.kind|t', 'a message, read');
$etl->sql_is(qq{SELECT count(etl.sqs_delete('$queue', receipt_handle)) FROM etl.sqs_receive('$queue')}, '1', 'and deleted');
$etl->sql_is(qq{SELECT count(*) FROM etl.sqs_receive('$queue')}, '0', 'it is gone');
$etl->sql(qq{SELECT count(etl.sqs_send('$queue', n::text)) FROM generate_series(1, 23) n});
$etl->sql_is(qq{SELECT count(DISTINCT body) FROM etl.sqs_receive('$queue', 22)}, '22', 'more than SQS hands out at a time');
$etl->sql(qq{SELECT etl.aws_call('sqs', 'PurgeQueue', '{"QueueUrl": "$queue"}')});
$etl->sql_fails(qq{SELECT * FROM etl.sqs_receive('$queue', 11, visibility => '0')}, 'the same ones again', qr/ERROR:  22023: max_messages/);
my $start = time;
$etl->sql_fails(qq{SET statement_timeout = '300ms'; SELECT * FROM etl.sqs_receive('$queue', wait => '10 min')}, 'a long poll that is cancelled', qr/57014/);
cmp_ok(time - $start, '<', 2, 'it ends at once');
$etl->sql_fails(qq{SELECT * FROM etl.sqs_receive('$queue', visibility => '13 hours')}, 'too long', qr/ERROR:  22023: invalid visibility/);

# ---- steps
sub workflow
{
	my ($name, $resource, $arguments, %task) = @_;
	my $json = encode_json($arguments);
	my %columns = (resource => "'$resource'", arguments => "\$json\$$json\$json\$", %task);
	$etl->sql("INSERT INTO etl.workflow (name) VALUES ('$name'); INSERT INTO etl.task (workflow, name, "
		  . join(', ', sort keys %columns) . ") VALUES ('$name', 'step', " . join(', ', map { $columns{$_} } sort keys %columns) . ')');
}
sub run
{
	my ($name, $input) = @_;
	my $run = $etl->sql("SELECT etl.run_workflow('$name', '" . encode_json($input // {}) . "')");
	$etl->sql("SELECT etl.wait_for_run($run, '60 s')");
	return $run;
}
# The output of a workflow of one step.
sub output
{
	my ($run) = @_;
	return decode_json($etl->sql("SELECT coalesce(output, jsonb_build_object('status', status, 'error', error)) FROM etl.task_run
		WHERE run_id = $run ORDER BY attempt DESC LIMIT 1"));
}

workflow('function', 'arn:aws:states:::lambda:invoke', { FunctionName => 'twice', Payload => { n => ':n' } });
is(output(run('function', { n => 4 }))->{Payload}{twice}, 8, 'lambda:invoke');
workflow('by_arn', $function, { n => 5 });
is(output(run('by_arn'))->{twice}, 10, 'a function by its ARN');
workflow('failing', $function, { fail => 'luck' });
my $run = run('failing');
$etl->sql_is("SELECT status, sqlstate, error, error_detail FROM etl.task_run WHERE run_id = $run",
	"failed|38000|Lambda function \"$function\" failed: ValueError|It said: no luck", 'a function that fails fails its step');
my $steps = $etl->fixtures('make-queue', 'steps')->{queue_url};
workflow('send', 'arn:aws:states:::sqs:sendMessage', { QueueUrl => $steps, MessageBody => { run => ':run_id' } });
ok(output(run('send'))->{MessageId}, 'sqs:sendMessage');
$etl->sql_is(qq{SELECT body::jsonb ? 'run' FROM etl.sqs_receive('$steps')}, 't', 'a message that is an object goes as its text');
workflow('put', 'arn:aws:states:::dynamodb:putItem', { TableName => 't', Item => { id => { S => 'of ${task}' } } });
run('put');
workflow('get', 'arn:aws:states:::dynamodb:getItem', { TableName => 't', Key => { id => { S => 'of step' } } });
is(output(run('get'))->{Item}{id}{S}, 'of step', 'dynamodb:putItem and getItem');
workflow('tell', 'arn:aws:states:::events:putEvents', { Entries => [ { Source => 's', DetailType => 'd', Detail => { a => [1] } } ] });
is(output(run('tell'))->{FailedEntryCount}, 0, 'events:putEvents');
workflow('sdk', 'arn:aws:states:::aws-sdk:ecs:describeClusters', { Clusters => ['c'] });
is(output(run('sdk'))->{Clusters}[0]{ClusterName}, 'c', 'any call, with the names that Step Functions has');
workflow('identity', 'arn:aws:states:::aws-sdk:sts:getCallerIdentity', {});
is(output(run('identity'))->{Account}, '123456789012', 'a call of XML');
workflow('machine', 'arn:aws:states:::aws-sdk:sfn:startExecution', { StateMachineArn => $machine, Input => '{}' });
like(output(run('machine'))->{ExecutionArn}, qr/:m:[0-9a-f]{8}-[0-9a-f-]{27}$/, 'an execution has the step\'s key as its name');
workflow('secret', 'arn:aws:states:::aws-sdk:secretsmanager:getSecretValue', { SecretId => 'prod/x' });
$run = run('secret');
$etl->sql_is("SELECT status, sqlstate FROM etl.task_run WHERE run_id = $run", 'failed|0A000', 'a secret is no output');
$etl->sql_fails(q{INSERT INTO etl.task (workflow, name, resource) VALUES ('sdk', 'x', 'arn:aws:states:::aws-sdk:tea:make')}, 'no such service', qr/nothing serves/);

$etl->sql_fails(q{INSERT INTO etl.task (workflow, name, resource) VALUES ('sdk', 'x', 'arn:aws:states:::aws-sdk:lambda:brew')}, 'no such action', qr/nothing serves/);

# What was done and not answered is not done again where the service knows it by its token.
my $fifo = $etl->fixtures('make-queue', 'work.fifo', '{"FifoQueue": "true"}')->{queue_url};
workflow('once', 'arn:aws:states:::sqs:sendMessage', { QueueUrl => $fifo, MessageBody => 'once', MessageGroupId => 'g' },
	retries => 2, retry_delay => "'0'");
$etl->faults({ do => 'drop', service => 'sqs', action => 'SendMessage', times => 4 });
$run = run('once');
$etl->reset_aws;
cmp_ok($etl->sql("SELECT count(*) FROM etl.task_run WHERE run_id = $run"), '>', 1, 'a second attempt');
$etl->sql_is(qq{SELECT count(*) FROM etl.sqs_receive('$fifo')}, '1', 'one message of all attempts');

$etl->warehouse->safe_psql('dev', 'CREATE TABLE effect (x int); GRANT ALL ON effect TO loader');
$etl->fixtures('put-secret', 'prod/warehouse', $etl->warehouse_secret);
workflow('data', 'arn:aws:states:::aws-sdk:redshiftdata:executeStatement',
	{ WorkgroupName => 'w', Database => 'dev', SecretArn => 'prod/warehouse', Sql => 'INSERT INTO effect VALUES (1)' }, retries => 2, retry_delay => "'0'");
$etl->faults({ do => 'drop', service => 'redshift-data', action => 'ExecuteStatement', times => 4 });
$run = run('data');
$etl->reset_aws;
my $statement = output($run)->{Id};
ok($statement, 'a statement of the Data API') or diag($etl->sql("SELECT t::text FROM etl.task_run t WHERE run_id = $run"));
$etl->wait_until(qq{SELECT etl.aws_call('redshift-data', 'DescribeStatement', '{"Id": "$statement"}') ->> 'Status' = 'FINISHED'});
is($etl->warehouse->safe_psql('dev', 'SELECT count(*) FROM effect'), '1', 'it has run once, by its token');

# Local mode has what it has.
$etl->sql(qq{CREATE SERVER here FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$ENV{TESTDIR}');
	CREATE ROLE developer LOGIN; SELECT etl.grant_author('developer'); GRANT USAGE ON FOREIGN SERVER here TO developer;
	ALTER ROLE developer SET etl.aws_server = 'here'});
workflow('local', 'arn:aws:states:::aws-sdk:sts:getCallerIdentity', {});
workflow('local_function', 'arn:aws:states:::lambda:invoke', { FunctionName => 'twice' });
$etl->sql(q{UPDATE etl.workflow SET owner = 'developer' WHERE name LIKE 'local%'});
is(output(run('local'))->{Arn}, 'arn:aws:iam::000000000000:user/developer', 'a call in local mode');
$run = run('local_function');
$etl->sql_is("SELECT status, sqlstate FROM etl.task_run WHERE run_id = $run", 'failed|0A000', 'one that has no stand-in');

# While it is under way nothing is held.
$etl->faults({ do => 'stall', service => 'lambda', times => 0 });
$run = $etl->sql(q{SELECT max(etl.run_workflow('by_arn')) FROM generate_series(1, 40)});
$etl->wait_until(q{SELECT count(*) = 40 FROM etl.running});
$etl->wait_until(q{SELECT count(*) = 1 AND bool_and(xact_start IS NULL AND backend_xmin IS NULL) FROM pg_stat_activity WHERE backend_type = 'pg_etl remote executor'});
pass('forty of them cost one process, and no transaction');
$start = time;
$etl->sql("SELECT etl.cancel_run($run)");
is($etl->sql("SELECT etl.wait_for_run($run, '60 s')"), 'cancelled', 'a step that hangs is cancelled');
cmp_ok(time - $start, '<', 2, 'it ends at once');
$etl->sql(q{SELECT count(etl.cancel_run(run_id)) FROM etl.run_status WHERE status = 'running'});
$etl->wait_until(q{SELECT count(*) = 0 FROM etl.running});
$etl->reset_aws;

unlike($etl->server_log, qr/$canary/, 'no secret in the log');
$etl->sql_is(qq{SELECT count(*) FROM etl.task_run t WHERE t::text LIKE '%$canary%'}, '0', 'nor in the history');
done_testing();

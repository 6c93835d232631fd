# The sales pipeline, end to end: Redshift scripts from S3 on a warehouse, an external table over S3, UNLOAD, SNS;
# over the real protocols, with the real sales files. And everything that can go wrong with it.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use IPC::Run;
use JSON::PP;
use Test::More;

my $tickit = EtlTest::shared('data/tickit');
my $examples = "$FindBin::Bin/../examples/sales";
my $etl = EtlTest->new(aws => 1, warehouse => 1);
my $canary = $etl->warehouse_login->{password};
my @canaries = ($canary, $etl->secret_access_key);
my $request_id = qr/, request id [0-9A-Za-z-]{16,}/;

# --- The world: buckets, secret, topic; the warehouse with its own access to S3; an analyst.
$etl->fixtures('make-bucket', $_) foreach 'pg-etl-sales', 'pg-etl-scripts';
$etl->fixtures('put-tree', $tickit, 'pg-etl-sales', 'tickit/');
$etl->fixtures('put-tree', $examples, 'pg-etl-scripts', 'sql/');
$etl->fixtures('put-secret', 'prod/redshift', $etl->warehouse_secret);
my $topic = $etl->fixtures('make-topic-with-queue', 'pipeline-failures');

$etl->create_aws_server;
$etl->sql(q{
	CREATE ROLE analyst LOGIN;
	SELECT etl.grant_author('analyst');
	GRANT USAGE ON FOREIGN SERVER aws TO analyst});
$etl->create_aws_mapping(role => 'analyst');
my ($endpoint, $key, $secret) = ($etl->endpoint, $etl->access_key_id, $etl->secret_access_key);
$etl->warehouse->safe_psql('dev', qq{
	SELECT etl.grant_author('loader');
	GRANT CREATE ON SCHEMA public TO loader;
	CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1', endpoint '$endpoint', path_style 'true');
	GRANT USAGE ON FOREIGN SERVER aws TO loader;
	CREATE USER MAPPING FOR loader SERVER aws OPTIONS (access_key_id '$key', secret_access_key '$secret')});

sub as_analyst { return $etl->sql("SET ROLE analyst; $_[0]"); }

# Run a workflow to its end; the run's id.
sub run_to
{
	my ($expected, $workflow, $name) = @_;
	my $run = as_analyst("SELECT etl.run_workflow('$workflow')");
	is(as_analyst("SELECT etl.wait_for_run($run, '2 min')"), $expected, $name);
	return $run;
}

# What etl.task_run says of a run's task, as a hash.
sub task_run
{
	my ($run, $task) = @_;
	return decode_json($etl->sql("SELECT to_json(t) FROM etl.task_run t WHERE run_id = $run AND task = '$task' ORDER BY attempt DESC LIMIT 1"));
}

# The messages that reached the topic's queue since last asked.
sub messages
{
	my ($run) = @_;
	$etl->wait_until("SELECT count(*) = 0 FROM etl.task_run WHERE run_id = $run AND finished_at IS NULL");
	return map { decode_json($_->{Message} // $_->{body}) } @{ $etl->fixtures('read-queue', $topic->{queue_url}) };
}

as_analyst(qq{
	INSERT INTO etl.job (name, default_arguments) VALUES
		('rs_query', '{"--db": "dev", "--db_creds": "prod/redshift", "--bucket": "pg-etl-scripts"}');
	INSERT INTO etl.workflow (name) VALUES ('sales_pipeline');
	INSERT INTO etl.task (workflow, name, resource, arguments, depends_on) VALUES
		('sales_pipeline', 'create schema', 'arn:aws:states:::glue:startJobRun.sync',
			'{"JobName": "rs_query", "Arguments": {"--file": "sql/setup.sql"}}', '{}'),
		('sales_pipeline', 'read lake', 'arn:aws:states:::glue:startJobRun.sync',
			'{"JobName": "rs_query", "Arguments": {"--file": "sql/load.sql"}}', '{"create schema"}'),
		('sales_pipeline', 'report', 'arn:aws:states:::glue:startJobRun.sync',
			'{"JobName": "rs_query", "Arguments": {"--file": "sql/report.sql"}}', '{"read lake"}'),
		('sales_pipeline', 'announce', 'arn:aws:states:::sns:publish',
			'{"TopicArn": "$topic->{topic_arn}", "Message": {"report": "done"}, "Subject": "Sales"}', '{report}');
	INSERT INTO etl.notification (workflow, topic_arn) VALUES ('sales_pipeline', '$topic->{topic_arn}')});

# From here to the end what pg_stat_activity shows is kept: here by a step beside the others, over there by a session. But
# not the statements below that give out keys: who types those, types secrets.
my $keep = q{DO $$
	DECLARE
		stopped boolean;
	BEGIN
		PERFORM pg_advisory_xact_lock(1);
		LOOP
			stopped := EXISTS (SELECT FROM stop);
			PERFORM pg_stat_clear_snapshot();
			INSERT INTO seen SELECT DISTINCT concat_ws(' ', datname, usename, application_name, backend_type, query)
				FROM pg_stat_activity WHERE query NOT LIKE '%USER MAPPING%' EXCEPT SELECT activity FROM seen;
			EXIT WHEN stopped;
			PERFORM pg_sleep(0.01);
		END LOOP;
	END $$};
my $keeping = 'CREATE TABLE seen (activity text); CREATE TABLE stop (stop boolean)';
$etl->sql($keeping);
$etl->sql(q{INSERT INTO etl.workflow (name) VALUES ('watch')});
$etl->sql(qq{INSERT INTO etl.task (workflow, name, sql) VALUES ('watch', 'keep', \$task\$$keep\$task\$)});
my $watch = $etl->sql(q{SELECT etl.run_workflow('watch')});
$etl->warehouse->safe_psql('dev', $keeping);
my ($watcher_input, $watcher_output, $watcher_errors) = ('', '', '');
my $watcher = IPC::Run::start([ 'psql', '-XAtq', '-c', $keep, '-d', $etl->warehouse->connstr('dev') ],
	'<', \$watcher_input, '>', \$watcher_output, '2>', \$watcher_errors);
foreach my $node ([ $etl->primary, 'postgres' ], [ $etl->warehouse, 'dev' ])
{
	$node->[0]->poll_query_until($node->[1], q{SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND granted}, '1')
	  or die 'nobody watches';
}

# --- It runs.
$etl->reset_aws;
my $run = run_to('succeeded', 'sales_pipeline', 'the pipeline runs');
is(as_analyst("SELECT string_agg(task || ' ' || status, ', ' ORDER BY started_at) FROM etl.task_status WHERE run_id = $run"),
	'create schema succeeded, read lake succeeded, report succeeded, announce succeeded', 'step by step');
is($etl->warehouse->safe_psql('dev', 'SET ROLE loader; SELECT count(*) FROM lake.sales_part'), 23089, 'external table: 23,089 rows');
is($etl->warehouse->safe_psql('dev', 'SELECT count(*) FROM public.sales'), 91, 'public.sales: 91 rows');
is($etl->warehouse->safe_psql('dev', q{SELECT string_agg(saledate || ' ' || n, ', ' ORDER BY saledate) FROM (SELECT saledate, count(*) AS n FROM public.sales GROUP BY 1) s}),
	'2008-01-01 38, 2008-03-01 7, 2008-04-01 46', 'the registered value of each partition');
my $report = $etl->get_object('pg-etl-sales', 'output/000');
my ($header, @lines) = split /\n/, $report;
like($header, qr/total_qtysold$/, 'the report has a header');
is(scalar @lines, 91, 'and 91 lines');
my @totals = map { (split /,/)[-1] } @lines;
is_deeply(\@totals, [ sort { $b <=> $a } @totals ], 'total_qtysold descending');
is(scalar(grep { /saledate=2008-(0[256]|1)/ } map { $_->{key} // '' } $etl->requests(method => 'GET')), 0,
	'no object of a partition that is not registered was read');
cmp_ok(scalar($etl->requests(method => 'GET', key => qr{^tickit/saledate=2008-0[134]/})), '>=', 12, 'those of the others were');
is_deeply([ messages($run) ], [ { report => 'done' } ], 'the SNS step was heard, and no failure told');
cmp_ok(task_run($run, 'read lake')->{rows}, '==', 91, 'rows are recorded');

# --- The report again, without ALLOWOVERWRITE: refused, told, nothing touched.
my $refusing = do { local $/; open my $file, '<', "$examples/report.sql" or die $!; <$file> };
$refusing =~ s/allowoverwrite\n//i or die 'no allowoverwrite in report.sql';
$etl->put_object('pg-etl-scripts', 'sql/report_once.sql', $refusing);
as_analyst(qq{
	INSERT INTO etl.workflow (name) VALUES ('again');
	INSERT INTO etl.task (workflow, name, resource, arguments) VALUES
		('again', 'report', 'arn:aws:states:::glue:startJobRun.sync',
			'{"JobName": "rs_query", "Arguments": {"--file": "sql/report_once.sql"}}');
	INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES ('again', 'after', 'CREATE TABLE never ()', '{report}');
	INSERT INTO etl.notification (workflow, topic_arn) VALUES ('again', '$topic->{topic_arn}')});
my $etag = $etl->fixtures('head-object', 'pg-etl-sales', 'output/000');
$run = run_to('failed', 'again', 'a second UNLOAD without ALLOWOVERWRITE fails');
my $failed = task_run($run, 'report');
is($failed->{status}, 'failed', 'the step has failed');
like($failed->{error}, qr{s3://pg-etl-sales/output/000}, 'its error names the object');
is($failed->{sqlstate}, '58P02', 'with SQLSTATE');
like($failed->{error_hint}, qr/ALLOWOVERWRITE/, 'and the remedy');
like($failed->{error_context}, qr{statement 1 \(line \d+\) of s3://pg-etl-scripts/sql/report_once.sql}, 'and its place in the script');
is(task_run($run, 'after')->{status}, 'skipped', 'what depends on it did not run');
is($etl->fixtures('head-object', 'pg-etl-sales', 'output/000')->{etag}, $etag->{etag}, 'the old object is untouched');
is($etl->get_object('pg-etl-sales', 'output/000'), $report, 'to the byte');
my @messages = messages($run);
is(scalar @messages, 1, 'exactly one SNS message');
is($messages[0]{Error}, 'States.TaskFailed', 'which holds the error');
like($messages[0]{Cause}, qr{s3://pg-etl-sales/output/000}, 'and its cause');
is("$messages[0]{workflow} $messages[0]{run_id} $messages[0]{status} $messages[0]{task}", "again $run failed report", 'and which run it was');
is(as_analyst("SELECT status || ': ' || (error ~ '^report: ') FROM etl.run_status WHERE run_id = $run"), 'failed: true', 'the run says so too');

# --- Everything else that can be wrong: each is an error of the step, with SQLSTATE, AWS's word, and a remedy.
my $limited = $etl->fixtures('make-user', 'limited', encode_json({ Version => '2012-10-17', Statement => [
	{ Effect => 'Allow', Action => 's3:ListBucket', Resource => '*' },
	{ Effect => 'Allow', Action => ['s3:GetObject'], Resource => 'arn:aws:s3:::pg-etl-scripts/public/*' },
	{ Effect => 'Allow', Action => 'sns:Publish', Resource => '*' } ] }));
$etl->sql(q{CREATE ROLE limited LOGIN; SELECT etl.grant_author('limited'); GRANT USAGE ON FOREIGN SERVER aws TO limited; GRANT analyst TO limited});
$etl->create_aws_mapping(role => 'limited', %$limited{qw(access_key_id secret_access_key)});
push @canaries, $limited->{secret_access_key};
$etl->fixtures('put-secret', 'wrong/password', $etl->warehouse_secret(password => 'canary-wrong-password'));
$etl->fixtures('put-secret', 'wrong/json', 'canary-not-json');
$etl->fixtures('put-secret', 'wrong/port', $etl->warehouse_secret(port => 1));
push @canaries, 'canary-wrong-password', 'canary-not-json';
$etl->put_object('pg-etl-scripts', 'sql/syntax.sql', "SELECT 1;\n\nSELEKT 2");
$etl->put_object('pg-etl-scripts', 'sql/bucket.sql', "unload ('select 1') to 's3://no-such-bucket-here/x' iam_role default");

my $check_bucket = qr/^Check the bucket's name, and options "region" and "endpoint" of foreign server "aws"/;
my $check_name = qr/^Check the name, letter case included, and option "region" of foreign server "aws"/;
my %failures = (
	'no such secret' => [ { '--db_creds' => 'no/such' }, '42704', qr{no/such},
		qr/ResourceNotFoundException.*$request_id/s, $check_name ],
	'wrong password' => [ { '--db_creds' => 'wrong/password' }, '28P01', qr{^could not connect to "wrong/password"$},
		qr/password authentication failed for user "loader"/, qr/^Check user name and password in the secret/ ],
	'malformed secret' => [ { '--db_creds' => 'wrong/json' }, '22023', qr{wrong/json}, undef,
		qr/^A warehouse's secret is a JSON object with host, port, username, password/ ],
	'warehouse down' => [ { '--db_creds' => 'wrong/port' }, '08001', qr{^could not connect to "wrong/port"$},
		qr/"127\.0\.0\.1", port 1 failed: Connection refused/, qr/^Check host and port/ ],
	'missing script' => [ { '--file' => 'sql/missing.sql' }, '58P01', qr{s3://pg-etl-scripts/sql/missing.sql},
		qr/NoSuchKey.*$request_id/s, $check_name ],
	'wrong bucket' => [ { '--bucket' => 'no-such-bucket-here' }, '42704', qr/no-such-bucket-here/,
		qr/NoSuchBucket.*$request_id/s, $check_bucket ],
	'missing argument' => [ { '--db' => '' }, '22023', qr/--db/, undef, qr/default_arguments/ ],
	'syntax error' => [ { '--file' => 'sql/syntax.sql' }, '42601', qr/SELEKT/, undef, undef ],
	'bucket of an unload' => [ { '--file' => 'sql/bucket.sql' }, '42704', qr/no-such-bucket-here/,
		qr/NoSuchBucket.*$request_id/s, $check_bucket ]);
foreach my $name (sort keys %failures)
{
	my ($changes, $sqlstate, $message, $detail, $hint) = @{ $failures{$name} };
	my $arguments = encode_json({ JobName => 'rs_query', Arguments => { '--file' => 'sql/report.sql', %$changes } });
	as_analyst(qq{
		INSERT INTO etl.workflow (name) VALUES ('$name');
		INSERT INTO etl.task (workflow, name, resource, arguments) VALUES ('$name', 'step', 'arn:aws:states:::glue:startJobRun.sync', '$arguments')});
	$run = run_to('failed', $name, "$name: the run fails");
	my $step = task_run($run, 'step');
	is($step->{sqlstate}, $sqlstate, "$name: SQLSTATE") or diag(explain($step));
	like($step->{error}, $message, "$name: message");
	like($step->{error_detail} // '', $detail, "$name: detail") if $detail;
	like($step->{error_hint} // '', $hint, "$name: hint") if $hint;
}
like(task_run($run = as_analyst(q{SELECT max(run_id) FROM etl.run WHERE workflow = 'syntax error'}), 'step')->{error_context},
	qr/statement 2 \(line 3\) of s3:/, 'a statement is found by its number and line');

# Access denied, endpoint down: other credentials, other servers.
$etl->sql(q{
	SET ROLE limited;
	INSERT INTO etl.workflow (name) VALUES ('denied');
	INSERT INTO etl.task (workflow, name, resource, arguments) VALUES ('denied', 'step', 'arn:aws:states:::glue:startJobRun.sync',
		'{"JobName": "rs_query", "Arguments": {"--file": "sql/load.sql"}}')});
$run = $etl->sql(q{SET ROLE limited; SELECT etl.run_workflow('denied')});
is($etl->sql("SELECT etl.wait_for_run($run)"), 'failed', 'access denied: the run fails');
my $denied = task_run($run, 'step');
is($denied->{sqlstate}, '42501', 'access denied: SQLSTATE');
like($denied->{error_detail}, qr/AccessDenied.*$request_id/s, 'access denied: AWS code and request id');
like($denied->{error_hint}, qr/s3:GetObject/, 'access denied: the action to allow');

$etl->sql(q{
	CREATE SERVER nowhere FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1', endpoint 'http://127.0.0.1:1', path_style 'true');
	CREATE USER MAPPING FOR CURRENT_USER SERVER nowhere OPTIONS (access_key_id 'AKIDCANARY', secret_access_key 'canary-nowhere-key');
	INSERT INTO etl.workflow (name) VALUES ('down');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('down', 'step', $$SELECT etl.s3_fetch('s3://bucket/key', server => 'nowhere')$$)});
push @canaries, 'canary-nowhere-key';
$run = $etl->sql(q{SELECT etl.run_workflow('down')});
is($etl->sql("SELECT etl.wait_for_run($run, '2 min')"), 'failed', 'endpoint down: the run fails');
my $down = task_run($run, 'step');
is($down->{sqlstate}, '08001', 'endpoint down: SQLSTATE');
like($down->{error}, qr{^could not \w+.* "s3://bucket/key": no answer}, 'endpoint down: what it was about');
like($down->{error_detail}, qr/127\.0\.0\.1 port 1/, 'endpoint down: says where');
like($down->{error_hint}, qr/"endpoint"/, 'endpoint down: the option to look at');

$etl->sql("CREATE SERVER miskeyed FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1', endpoint '$endpoint', path_style 'true')");
$etl->create_aws_mapping(name => 'miskeyed', secret_access_key => 'canary-wrong-secret-key');
push @canaries, 'canary-wrong-secret-key';
$etl->sql(q{
	INSERT INTO etl.workflow (name) VALUES ('miskeyed');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('miskeyed', 'step', $$SELECT etl.s3_fetch('s3://pg-etl-scripts/sql/load.sql', server => 'miskeyed')$$)});
$run = $etl->sql(q{SELECT etl.run_workflow('miskeyed')});
is($etl->sql("SELECT etl.wait_for_run($run, '2 min')"), 'failed', 'wrong secret key: the run fails');
my $miskeyed = task_run($run, 'step');
is($miskeyed->{sqlstate}, '28000', 'wrong secret key: SQLSTATE');
like($miskeyed->{error}, qr{s3://pg-etl-scripts/sql/load.sql}, 'wrong secret key: what it was about');
like($miskeyed->{error_detail}, qr/SignatureDoesNotMatch.*$request_id/s, 'wrong secret key: AWS code and request id');
like($miskeyed->{error_hint}, qr/ALTER USER MAPPING/, 'wrong secret key: the remedy');

# --- What pg_stat_activity shows while steps are at work. Both watchers hold a lock that the steps of this run wait for.
as_analyst(q{
	INSERT INTO etl.workflow (name) VALUES ('held');
	INSERT INTO etl.task (workflow, name, resource, arguments) VALUES ('held', 'there', 'arn:aws:states:::glue:startJobRun.sync',
		'{"JobName": "rs_query", "Arguments": {"--file": "sql/held.sql"}}');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('held', 'here',
		$$SELECT etl.s3_fetch('s3://pg-etl-scripts/sql/held.sql'), pg_advisory_xact_lock(1)$$)});
$etl->put_object('pg-etl-scripts', 'sql/held.sql', 'select pg_advisory_xact_lock(1)');
$run = as_analyst(q{SELECT etl.run_workflow('held')});
my $held = q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'};
$etl->wait_until($held, '1');
$etl->warehouse->poll_query_until('dev', $held, '1') or die 'the step does not wait over there';
$etl->sql('INSERT INTO stop VALUES (true)');
$etl->warehouse->safe_psql('dev', 'INSERT INTO stop VALUES (true)');
is($etl->sql("SELECT etl.wait_for_run($watch, '2 min')"), 'succeeded', 'the watcher here has ended');
ok($watcher->finish, 'and the one over there') or diag($watcher_errors);
is($etl->sql("SELECT etl.wait_for_run($run, '2 min')"), 'succeeded', 'so have the steps that they saw');
my $seen_here = $etl->sql('SELECT activity FROM seen');
my $seen_there = $etl->warehouse->safe_psql('dev', 'SELECT activity FROM seen');
like($seen_here, qr/analyst pg_etl executor pg_etl executor run $run\b/, 'a step was seen here');
like($seen_there, qr/loader.*(?:execute_statement|pg_advisory)/, 'and one over there');

# --- No secret anywhere.
my $tables = q{
	SELECT string_agg(x, E'\n') FROM (
		SELECT query_to_xml(format('SELECT * FROM %s', c.oid::regclass), true, false, '')::text
		FROM pg_class c WHERE c.relnamespace = 'etl'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname <> 'local_secret') AS t(x)};
my %places = (
	'table here' => $etl->sql($tables),
	'table of the warehouse' => $etl->warehouse->safe_psql('dev', $tables),
	'activity here' => $seen_here,
	'activity of the warehouse' => $seen_there,
	'log here' => $etl->server_log,
	'log of the warehouse' => PostgreSQL::Test::Utils::slurp_file($etl->warehouse->logfile));
like($places{'table here'}, qr/sales_pipeline/, 'the tables were looked through');
like($places{'table of the warehouse'}, qr{s3://pg-etl-sales/output/}, 'those of the warehouse, too');
foreach my $place (sort keys %places)
{
	unlike($places{$place}, qr/\Q$_\E/, "no secret in any $place") foreach @canaries;
}
done_testing();

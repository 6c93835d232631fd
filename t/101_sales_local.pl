# The sales pipeline in local mode, as examples/ has it and scripts/demo runs it, with the real sales files: folders stand
# for S3, tables for topics and secrets, and the warehouse is this very server.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $tickit = EtlTest::shared('data/tickit');
my $examples = "$FindBin::Bin/../examples";
my $password = 'canary-analyst-password';
my $etl = EtlTest->new(conf => "listen_addresses = '127.0.0.1'");
my $node = $etl->primary;
my $port = $node->port;
my $root = PostgreSQL::Test::Utils::tempdir;

unlink $node->data_dir . '/pg_hba.conf';
$node->append_conf('pg_hba.conf', "local all all trust\nhost all all 127.0.0.1/32 scram-sha-256");
$node->reload;
mkdir "$root/$_" or die $! foreach 'pg-etl-sales', 'pg-etl-sales/tickit', 'pg-etl-reviews';
foreach my $folder (glob "$tickit/saledate=*")
{
	my ($name) = $folder =~ m{([^/]+)$};
	PostgreSQL::Test::RecursiveCopy::copypath($folder, "$root/pg-etl-sales/tickit/$name");
}
$etl->sql('CREATE DATABASE demo');
$node->safe_psql('demo', qq{
	CREATE EXTENSION pg_etl;
	CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root');
	CREATE ROLE analyst LOGIN PASSWORD '$password';
	CREATE ROLE other LOGIN;
	GRANT CREATE ON DATABASE demo TO analyst;
	GRANT CREATE ON SCHEMA public TO analyst;
	GRANT USAGE ON FOREIGN SERVER aws TO analyst, other;
	SELECT etl.grant_author('analyst'), etl.grant_author('other');
	SET ROLE analyst;
	INSERT INTO etl.local_secret (secret_id, value) VALUES ('warehouse',
		'{"host": "127.0.0.1", "port": $port, "dbname": "demo", "username": "analyst", "password": "$password"}')});

sub as_role { return $node->safe_psql('demo', "SET ROLE $_[0]; $_[1]"); }
sub as_analyst { return as_role('analyst', $_[0]); }

# An analyst's workflow run to its end, and the notifications of it; the run's id.
sub run_to
{
	my ($expected, $workflow) = @_;
	my $run = as_analyst("SELECT etl.run_workflow('$workflow')");
	is(as_analyst("SELECT etl.wait_for_run($run, '2 min')"), $expected, "$workflow: $expected")
	  or diag($node->safe_psql('demo', "SELECT task, error, error_detail FROM etl.task_run WHERE run_id = $run"));
	$node->poll_query_until('demo', "SELECT count(*) = 0 FROM etl.task_run WHERE run_id = $run AND finished_at IS NULL")
	  or die 'nobody is told';
	return $run;
}

# --- The pipeline of examples/sales
foreach my $file ('setup', 'load', 'report', 'report_again')
{
	my $script = slurp_file("$examples/sales/$file.sql");
	as_analyst("SELECT etl.s3_put('s3://pg-etl-sales/$file.sql', \$script\$$script\$script\$)");
}
as_analyst(q{SET client_min_messages = warning; CALL etl.run_script('s3://pg-etl-sales/setup.sql')});
as_analyst(slurp_file("$examples/sales/workflow.sql"));
run_to('succeeded', 'sales');
is(as_analyst('SELECT count(*) FROM lake.sales_part'), 23089, 'external table: 23,089 rows');
is(as_analyst('SELECT count(*) FROM public.sales'), 91, 'public.sales: 91 rows');
my $output = "$root/pg-etl-sales/output/000";
my $report = slurp_file($output);
my ($header, @lines) = split /\n/, $report;
is($header, 'salesid,dateid,buyerid,total_qtysold', 'output/000 has a header');
is(scalar @lines, 91, 'and 91 lines');
my @totals = map { (split /,/)[-1] } @lines;
is_deeply(\@totals, [ sort { $b <=> $a } @totals ], 'total_qtysold descending');
is($node->safe_psql('demo', 'SELECT count(*) FROM etl.local_message'), 0, 'nobody was told of a failure');

my $run = run_to('failed', 'sales_again');
is(slurp_file($output), $report, 'the old report is untouched');
is(as_analyst(q{SELECT count(*) || ': ' || min(m.message::jsonb ->> 'Error') || ', ' || bool_and(m.message::jsonb ->> 'Cause' ~ 's3://pg-etl-sales/output/000')
	FROM etl.local_message m}), '1: States.TaskFailed, true', 'one message, which says what was refused');
is($node->safe_psql('demo', "SELECT status FROM etl.task_run WHERE run_id = $run AND task = 'publish'"), 'skipped', 'what depends on it did not run');

# --- examples/reviews: Parquet is defined, and refused where it would be read
my $setup = slurp_file("$examples/reviews/setup.sql");
as_analyst("SET client_min_messages = warning; CALL etl.execute(\$script\$$setup\$script\$)");
foreach my $query ('SELECT count(*) FROM lake_reviews.reviews', 'CALL etl.execute($script$' . slurp_file("$examples/reviews/load.sql") . '$script$)')
{
	my ($status, undef, $stderr) = $node->psql('demo', "\\set VERBOSITY verbose\nSET ROLE analyst;\n$query");
	like($stderr, qr/ERROR:  0A000: .*parquet/is, 'Parquet is not read yet, and says so');
	like($stderr, qr/HINT:  /, 'with a way out');
}
is(as_analyst('SELECT count(*) FROM public.reviews'), 0, 'nothing half-done stays');
as_analyst(slurp_file("$examples/reviews/data.sql"));
my $text = slurp_file("$examples/reviews/setup_text.sql");
as_analyst("SET client_min_messages = warning; CALL etl.execute(\$script\$$text\$script\$)");
as_analyst(slurp_file("$examples/reviews/workflow_text.sql"));
run_to('succeeded', 'reviews');
is(as_analyst('SELECT count(*) FROM public.reviews_text'), 10000, 'the reviews as text are loaded');
is(scalar(split /\n/, slurp_file("$root/pg-etl-reviews/by_category/000")), 5, 'and reported on');

# --- Secrets of local mode: for a warehouse's server and for a job, and for their owner alone
$node->safe_psql('demo', q{CREATE SERVER warehouse FOREIGN DATA WRAPPER etl_warehouse OPTIONS (secret_id 'warehouse');
	GRANT USAGE ON FOREIGN SERVER warehouse TO analyst, other});
my $who = q{SELECT etl.query('SELECT session_user AS who', 'warehouse')};
is(as_analyst($who), '{"who": "analyst"}', 'its owner connects by a secret');
my (undef, undef, $refusal) = $node->psql('demo', "\\set VERBOSITY verbose\nSET ROLE other;\n$who");
like($refusal, qr/ERROR:  42704: could not get secret "warehouse": it does not exist/, 'another author does not');
like($refusal, qr/DETAIL:  Table etl\.local_secret has no such row that role "other" may read/, 'and is told why');
unlike($refusal, qr/canary/, 'and nothing of the secret');
as_role('other', q{
	INSERT INTO etl.job (name, default_arguments) VALUES ('theirs', '{"--db": "demo", "--db_creds": "warehouse", "--bucket": "pg-etl-sales"}');
	INSERT INTO etl.workflow (name) VALUES ('theirs');
	INSERT INTO etl.task (workflow, name, resource, arguments) VALUES ('theirs', 'step', 'arn:aws:states:::glue:startJobRun.sync',
		'{"JobName": "theirs", "Arguments": {"--file": "load.sql"}}')});
$run = as_role('other', q{SELECT etl.run_workflow('theirs')});
is(as_role('other', "SELECT etl.wait_for_run($run, '2 min')"), 'failed', "another's job does not get it either");
is(as_role('other', "SELECT sqlstate || ' ' || error FROM etl.task_run WHERE run_id = $run"),
	'42704 could not get secret "warehouse": it does not exist', 'with the same error');

# --- A topic of local mode is a NOTIFY, too: of the message's id, when it is committed
my $heard = $node->safe_psql('demo', q{
	LISTEN etl_local_message;
	SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:heard', 'hello') AS id \gset
	\echo id :id
	SELECT message FROM etl.local_message WHERE message_id = :'id'});
my ($id) = $heard =~ /^id (\S+)$/m or die $heard;
like($heard, qr/^Asynchronous notification "etl_local_message" with payload "$id" received/m, 'whoever listens hears of a message');
like($heard, qr/^hello$/m, 'and finds it by the id heard');

my $everything = $node->safe_psql('demo', q{
	SELECT string_agg(query_to_xml(format('SELECT * FROM %s', c.oid::regclass), true, false, '')::text, '')
	FROM pg_class c WHERE c.relnamespace = 'etl'::regnamespace AND c.relkind IN ('r', 'v') AND c.relname <> 'local_secret'});
unlike($everything, qr/canary/, 'no secret in a table but that of secrets');
unlike($etl->server_log, qr/canary/, 'nor in the log');
done_testing();

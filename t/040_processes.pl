# The engine's processes come and go: with the extension, with databases, with restarts; and none of it is in
# anybody's way.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $etl = EtlTest->new;
my $node = $etl->primary;

sub psql_in
{
	my ($database, $query) = @_;
	return $node->safe_psql($database, $query);
}

# pids of our processes of one kind, in a database
sub workers
{
	my ($kind, $database) = @_;
	return split /\n/, $node->safe_psql('template1',
		"SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl $kind' AND datname = '$database'");
}

sub wait_for_workers
{
	my ($kind, $database, $count) = @_;
	$node->poll_query_until('template1',
		"SELECT count(*) = $count FROM pg_stat_activity WHERE backend_type = 'pg_etl $kind' AND datname = '$database'")
	  or die "no $count $kind in $database";
}

# A workflow whose one step sleeps until it is cancelled, running in the database.
sub start_sleeper
{
	my ($database) = @_;
	psql_in($database, q{
		INSERT INTO etl.workflow (name) VALUES ('sleeper');
		INSERT INTO etl.task (workflow, name, sql) VALUES ('sleeper', 'sleep', 'INSERT INTO effect VALUES (1); SELECT pg_sleep(600)')});
	psql_in($database, 'CREATE TABLE effect (x int)');
	psql_in($database, q{SELECT etl.run_workflow('sleeper')});
	$node->poll_query_until($database, q{SELECT status = 'running' FROM etl.task_status WHERE task = 'sleep'})
	  or die 'the sleeper does not run';
}

# --- The extension, created and dropped
wait_for_workers('scheduler', 'postgres', 1);
pass('a scheduler serves the database that has the extension');
is(scalar(workers('scheduler', 'template1')), 0, 'and none a template');
start_sleeper('postgres');
my $started = time;
psql_in('postgres', 'DROP EXTENSION pg_etl');
cmp_ok(time - $started, '<', 10, 'DROP EXTENSION does not wait for a running step');
is(psql_in('postgres', 'SELECT count(*) FROM effect'), 0, 'whose statement is rolled back');
wait_for_workers('scheduler', 'postgres', 0);
is(scalar(workers('executor', 'postgres')), 0, 'no executor stays');
is(psql_in('postgres', q{SELECT count(*) FROM pg_namespace WHERE nspname IN ('etl', 'redshift')}), 0,
	'nor a schema');

psql_in('postgres', 'CREATE EXTENSION pg_etl; DROP TABLE effect');
wait_for_workers('scheduler', 'postgres', 1);
pass('created again, it is served again');
start_sleeper('postgres');
psql_in('postgres', 'BEGIN; DROP EXTENSION pg_etl; ROLLBACK');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM etl.task_status WHERE task = 'sleep' AND status = 'running'})
  or die 'the step does not run again';
pass('a DROP EXTENSION that is rolled back: the step runs again');
is(psql_in('postgres', q{SELECT string_agg(status, ',') FROM etl.task_status}), 'running',
	'as the same attempt: nothing of the first one was committed');

# --- Databases
psql_in('postgres', 'CREATE DATABASE other');
psql_in('other', 'CREATE EXTENSION pg_etl');
start_sleeper('other');
$started = time;
psql_in('postgres', 'CREATE DATABASE copy TEMPLATE other');
cmp_ok(time - $started, '<', 10, 'a database with a running step can be a template');
wait_for_workers('scheduler', 'copy', 1);
pass('and its copy is served');
wait_for_workers('scheduler', 'other', 1);
psql_in('postgres', 'ALTER DATABASE other RENAME TO renamed');
wait_for_workers('scheduler', 'renamed', 1);
pass('one can be renamed');
$started = time;
psql_in('postgres', 'DROP DATABASE renamed');
psql_in('postgres', 'DROP DATABASE copy');
cmp_ok(time - $started, '<', 10, 'and dropped');
psql_in('postgres', 'CREATE ROLE nobody LOGIN');
my ($status, $stdout, $stderr) =
  $node->psql('postgres', 'SET ROLE nobody; DROP EXTENSION pg_etl');
like($stderr, qr/must be owner of extension pg_etl/, 'who may not drop the extension');
is(psql_in('postgres', q{SELECT string_agg(status, ',') FROM etl.task_status}), 'running', 'stops no step by trying');

# --- Stops and restarts
my $run_id = psql_in('postgres', q{SELECT max(run_id) FROM etl.run});
$node->stop('fast');
$node->start;
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM etl.task_status WHERE task = 'sleep' AND status = 'running'})
  or die 'the step does not run after a restart';
pass('after a restart the step runs again');
# 1, or 2: the scheduler may still have recorded that the executor was stopped
my $attempts = psql_in('postgres', q{SELECT max(attempt) FROM etl.task_run});
$node->stop('immediate');
$node->start;
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM etl.task_status WHERE task = 'sleep' AND status = 'running'})
  or die 'the step does not run after an immediate stop';
is(psql_in('postgres', q{SELECT max(attempt) FROM etl.task_run}), $attempts, 'an immediate stop is nobody\'s attempt');

psql_in('postgres', q{SELECT pg_terminate_backend(pid) FROM etl._activity()});
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM etl.task_status WHERE task = 'sleep' AND status = 'running'})
  or die 'the step does not run after its executor was terminated';
pass('an executor that is terminated: another takes the step');
my ($scheduler) = workers('scheduler', 'postgres');
psql_in('postgres', "SELECT pg_terminate_backend($scheduler)");
$node->poll_query_until('postgres',
	"SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_etl scheduler' AND datname = 'postgres' AND pid <> $scheduler")
  or die 'no new scheduler';
pass('a scheduler that is terminated is started again');

# What waits says so: for a time, or, as long as there is no scheduler, for that.
psql_in('postgres', q{
	INSERT INTO etl.workflow (name) VALUES ('later');
	INSERT INTO etl.task (workflow, name, sql, retries, retry_delay) VALUES ('later', 'x', 'SELECT 1 / 0', 1, '1 hour')});
my $later = psql_in('postgres', q{SELECT etl.run_workflow('later')});
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM etl.task_status WHERE run_id = $later AND status = 'retrying'") or die 'no retry';
is(psql_in('postgres', "SELECT s.waiting_for = 'time ' || to_char(due_at, 'YYYY-MM-DD HH24:MI:SSOF'), due_at > now() + interval '50 min',
	r.waiting_for = 'x: ' || s.waiting_for FROM etl.task_status s JOIN etl.timer USING (run_id) JOIN etl.run_status r USING (run_id)
	WHERE s.run_id = $later AND s.status = 'retrying'"), 't|t|t', 'a step that is to be repeated waits for its time');
my $launcher = psql_in('postgres', q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl launcher'});
($scheduler) = workers('scheduler', 'postgres');
psql_in('postgres', q{
	CREATE ROLE newcomer LOGIN; SELECT etl.grant_author('newcomer');
	INSERT INTO etl.workflow (name, owner) VALUES ('new', 'newcomer');    -- who has no executor yet
	INSERT INTO etl.task (workflow, name, sql) VALUES ('new', 'x', 'SELECT 1')});
kill('STOP', $launcher);
psql_in('postgres', "SELECT pg_terminate_backend($scheduler, 5000)");
my $unseen = psql_in('postgres', q{SELECT etl.run_workflow('new')});
is(psql_in('postgres', "SELECT status, waiting_for FROM etl.task_status WHERE run_id = $unseen"), 'queued|scheduler, which is not running',
	'where no scheduler runs it is waited for');
kill('CONT', $launcher);
is(psql_in('postgres', "SELECT etl.wait_for_run($unseen)"), 'succeeded', 'until there is one');

$started = time;
is(psql_in('postgres', "SELECT etl.cancel_run($run_id)"), 't', 'the run is cancelled');
$node->poll_query_until('postgres', q{SELECT status = 'cancelled' FROM etl.task_status WHERE task = 'sleep' ORDER BY attempt DESC LIMIT 1})
  or die 'the step is not cancelled';
cmp_ok(time - $started, '<', 2, 'and its statement within 2 s');
is(psql_in('postgres', 'SELECT count(*) FROM effect'), 0, 'its effect is none');

# --- A step that kills its server is not run for ever
psql_in('postgres', q{
	INSERT INTO etl.workflow (name) VALUES ('killer');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('killer', 'kill', $$COPY (SELECT 1) TO PROGRAM 'kill -9 $PPID'$$)});
my $killer = psql_in('postgres', q{SELECT etl.run_workflow('killer')});
$node->poll_query_until('postgres', "SELECT status = 'failed' FROM etl.run_status WHERE run_id = $killer")
  or die 'the killer does not end';
is(psql_in('postgres', "SELECT string_agg(status || ' ' || sqlstate, ',' ORDER BY attempt) FROM etl.task_status WHERE run_id = $killer"),
	'failed 57P02,failed 57P02,failed 57P02', 'a step that kills its server three times is failed');

# --- Owners
psql_in('postgres', q{
	CREATE ROLE leaver LOGIN; SELECT etl.grant_author('leaver');
	INSERT INTO etl.workflow (name, owner) VALUES ('leaver', 'leaver');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('leaver', 'x', 'SELECT 1')});
psql_in('postgres', 'ALTER ROLE leaver NOLOGIN');
my $left = psql_in('postgres', q{SELECT etl.run_workflow('leaver')});
is(psql_in('postgres', "SELECT etl.wait_for_run($left)"), 'failed', 'an owner that can not log in: the run fails');
like(psql_in('postgres', "SELECT error FROM etl.run_status WHERE run_id = $left"), qr/cannot run as role leaver: the role has no LOGIN/,
	'and says why');

# --- Not preloaded
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
($status, $stdout, $stderr) = $node->psql('postgres', q{SELECT etl.run_workflow('leaver')});
is($status, 0, 'without preload a run can be queued');
like($stderr, qr/WARNING: .*nothing will run it.*HINT: .*shared_preload_libraries = 'pg_etl'/s,
	'with a warning that names the setting and its value');
my $unrun = psql_in('postgres', q{INSERT INTO etl.run (workflow) VALUES ('later') RETURNING run_id});
is(psql_in('postgres', "SELECT waiting_for FROM etl.task_status WHERE run_id = $unrun"), 'engine, which is not in shared_preload_libraries',
	'and the view says so');
($status, $stdout, $stderr) = $node->psql('postgres', qq{SELECT etl.wait_for_run($stdout)});
like($stderr, qr/pg_etl is not loaded at server start/, 'it is not waited for');

done_testing();

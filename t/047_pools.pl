# Pools: never more steps at work than slots, none that is lost or kept when a step ends, however it does. Steps wait at
# gates (advisory locks of this test's session), so that each thing is looked at while it is so.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

my $etl = EtlTest->new(warehouse => 1, conf => "etl.max_executors = 4\nrestart_after_crash = on");
my $node = $etl->primary;
my $keeper = $node->background_psql('postgres');

$etl->sql(q{
	CREATE ROLE anna LOGIN;
	SELECT etl.grant_author('anna');
	INSERT INTO etl.pool (name, slots) VALUES ('narrow', 0);
	INSERT INTO etl.workflow (name, owner) VALUES ('mine', DEFAULT), ('hers', 'anna'), ('plain', DEFAULT), ('urgent', DEFAULT);
	INSERT INTO etl.task (workflow, name, sql, pool, priority) VALUES
		('mine', 'a', 'SELECT pg_advisory_xact_lock_shared(:run_id)', 'narrow', 0),
		('hers', 'a', 'SELECT pg_advisory_xact_lock_shared(:run_id)', 'narrow', 0),
		('urgent', 'a', 'SELECT pg_advisory_xact_lock_shared(:run_id)', 'narrow', 9),
		('plain', 'a', 'SELECT 1', NULL, 0)});

# Queue a run whose gate is closed.
sub queue
{
	my ($workflow) = @_;
	my $answer = $keeper->query_safe("SELECT run, pg_advisory_lock(run) FROM (SELECT etl.run_workflow('$workflow') AS run OFFSET 0) r");
	return $answer =~ /^(\d+)/ ? $1 : die "not a run: $answer";
}

sub open_gate
{
	my (@runs) = @_;
	$keeper->query_safe("SELECT pg_advisory_unlock($_)") foreach @runs;
}

sub at_work
{
	return $etl->sql(q{SELECT coalesce(string_agg(run_id::text, ',' ORDER BY run_id), '') FROM etl.task_status WHERE status = 'running'});
}

sub comes_to_work
{
	my ($runs, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $sql = q{SELECT coalesce(string_agg(run_id::text, ',' ORDER BY run_id), '') = '%s' FROM etl.task_status WHERE status = 'running'};
	ok($etl->wait_until(sprintf($sql, join(',', @$runs))), $name);
}

# What the scheduler and the executors had to do has been done when a step that needs no slot, queued later, has ended.
sub barrier
{
	$etl->sql("SELECT etl.run_workflow('plain') \\gset\nSELECT etl.wait_for_run(:run_workflow, '30 s')");
	return;
}

sub ends
{
	my ($run, $status, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($etl->sql("SELECT etl.wait_for_run($run, '30 s')"), $status, $name)
	  or diag($etl->sql("SELECT error FROM etl.run_status WHERE run_id = $run"));
}

sub taken_is
{
	my ($expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($etl->sql(q{SELECT taken FROM etl.pool_status WHERE name = 'narrow'}), $expected, $name);
}

sub pool_is
{
	my ($expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	# A slot is given back after the commit.
	ok($etl->wait_until(q{SELECT concat_ws('|', slots, taken, waiting) FROM etl.pool_status WHERE name = 'narrow'}, $expected), $name);
}

# --- Slots are changed while steps wait
my @runs = map { queue($_) } qw(mine hers mine hers mine);
barrier();
is(at_work(), '', 'of a pool without slots no step starts');
pool_is('0|0|5', 'they wait');
is($etl->sql("SELECT status, waiting_for FROM etl.task_status WHERE run_id = $runs[1]"),
	'queued|pool narrow (0 of 0 slots taken)', 'the view says what for');
is($etl->sql("SELECT status, waiting_for FROM etl.run_status WHERE run_id = $runs[1]"),
	'queued|a: pool narrow (0 of 0 slots taken)', 'that of runs, too');

$etl->sql(q{UPDATE etl.pool SET slots = 2});
comes_to_work([ @runs[0, 1] ], 'as many start as slots were added, the oldest, whoever owns them');
barrier();
is(at_work(), "$runs[0],$runs[1]", 'and no more');
pool_is('2|2|3', 'two slots are taken');
$etl->sql(q{UPDATE etl.pool SET slots = 3});
comes_to_work([ @runs[0 .. 2] ], 'another slot, another step');
$etl->sql(q{UPDATE etl.pool SET slots = 1});
barrier();
is(at_work(), join(',', @runs[0 .. 2]), 'what runs goes on when slots are taken away');
open_gate(@runs[0, 1]);
ends($runs[0], 'succeeded', 'one ends');
ends($runs[1], 'succeeded', 'another ends');
barrier();
is(at_work(), $runs[2], 'no other starts while as many run as there are slots');

# --- Priority holds within the pool, and over its owners
my $urgent = queue('urgent');
my $late = queue('mine');
open_gate($runs[2]);
comes_to_work([$urgent], 'the slot goes to the step with the highest priority');
open_gate($urgent);
comes_to_work([ $runs[3] ], 'then to the oldest');
open_gate(@runs[ 3, 4 ], $late);
ends($_, 'succeeded', 'the rest runs') foreach @runs[ 3, 4 ], $late;
pool_is('1|0|0', 'no slot is taken any more');

# --- However a step ends, its slot goes to the next
sub hands_on
{
	my ($end, $status, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $first = queue('mine');
	my $second = queue('hers');
	comes_to_work([$first], "$name: one is at work");
	my $pid = $etl->sql("SELECT worker_pid FROM etl.task_status WHERE run_id = $first AND status = 'running'");
	$end->($first, $pid);
	ends($first, $status, "$name: it is $status");
	comes_to_work([$second], "$name: the other starts");
	open_gate($first, $second);
	ends($second, 'succeeded', "$name: and ends");
	pool_is('1|0|0', "$name: all slots are free");
}

hands_on(sub { $etl->sql("SELECT etl.cancel_run($_[0])") }, 'cancelled', 'a run is cancelled');
hands_on(sub { $etl->sql("SELECT pg_cancel_backend($_[1])") }, 'failed', 'a step fails');
$etl->sql(q{UPDATE etl.task SET timeout = '0.5 s' WHERE workflow = 'mine'});
hands_on(sub { }, 'failed', 'a step takes too long');
$etl->sql(q{UPDATE etl.task SET timeout = NULL WHERE workflow = 'mine'});

# --- Processes that die
my $scheduler = q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl scheduler' AND datname = 'postgres'};
@runs = map { queue($_) } qw(mine hers);
comes_to_work([ $runs[0] ], 'one is at work as the scheduler is terminated');
my $old = $etl->sql($scheduler);
$etl->sql("SELECT pg_terminate_backend($old, 10000)");
$etl->wait_until("SELECT count(*) = 1 FROM ($scheduler) s WHERE pid <> $old");
barrier();
taken_is(1, 'the next one knows of the slot that is taken');
is(at_work(), $runs[0], 'and starts nothing');
open_gate(@runs);
ends($_, 'succeeded', 'both end') foreach @runs;

@runs = map { queue($_) } qw(mine mine);
comes_to_work([ $runs[0] ], 'one is at work as its process is terminated');
my $pid = $etl->sql("SELECT worker_pid FROM etl.task_status WHERE run_id = $runs[0]");
$etl->sql("SELECT pg_terminate_backend($pid, 10000)");
ok($etl->wait_until("SELECT count(*) = 1 FROM etl.task_status WHERE status = 'running'"), 'one is at work again');
barrier();
taken_is(1, 'one alone');
open_gate(@runs);
ends($_, 'succeeded', 'both end') foreach @runs;

@runs = map { queue($_) } qw(mine hers);
comes_to_work([ $runs[0] ], 'one is at work as its process is killed');
kill('KILL', $etl->sql("SELECT worker_pid FROM etl.task_status WHERE run_id = $runs[0]"));
eval { $keeper->quit };
$etl->wait_for_server;
ends($_, 'succeeded', 'both end, of what the server forgot') foreach @runs;
pool_is('1|0|0', 'no slot is lost');

# --- An owner as which nobody can connect, seen before the scheduler has come to it
kill('STOP', $etl->sql($scheduler));
$etl->sql(q{SELECT pg_terminate_backend(pid, 10000) FROM etl._activity()});
$etl->sql(q{UPDATE etl.task SET pool = NULL WHERE workflow = 'hers'; ALTER ROLE anna NOLOGIN});
my $hers = $etl->sql(q{SELECT etl.run_workflow('hers')});
is($etl->sql("SELECT waiting_for FROM etl.run_status WHERE run_id = $hers"), 'a: role anna, which has no LOGIN', 'the view says what is wrong with a role');
kill('CONT', $etl->sql($scheduler));
ends($hers, 'failed', 'then the step fails');
$etl->sql(q{ALTER ROLE anna LOGIN});

# --- Steps that wait for a moment hold no slot
$etl->sql(q{
	CREATE TABLE arrived (x int);
	INSERT INTO etl.workflow (name) VALUES ('waits'), ('retries'), ('short');
	INSERT INTO etl.task (workflow, name, sql, pool, wait_until, poll_interval) VALUES
		('waits', 'a', 'SELECT 1', 'narrow', 'SELECT EXISTS (SELECT FROM arrived)', '0.1 s');
	INSERT INTO etl.task (workflow, name, sql, pool, retries, retry_delay) VALUES
		('retries', 'a', 'SELECT 1 / (SELECT count(*) FROM arrived)', 'narrow', 1, '1 hour');
	INSERT INTO etl.task (workflow, name, sql, pool) VALUES ('short', 'a', 'SELECT 1', 'narrow')});
my $waits = $etl->sql(q{SELECT etl.run_workflow('waits')});
my $retries = $etl->sql(q{SELECT etl.run_workflow('retries')});
$etl->wait_until(q{SELECT count(*) = 2 FROM etl.timer});
ends($etl->sql(q{SELECT etl.run_workflow('short')}), 'succeeded', 'a step runs while others of the pool wait for a moment');
$etl->sql(q{INSERT INTO arrived VALUES (1)});
ends($waits, 'succeeded', 'what waited for a condition runs in the pool');
$etl->sql(q{UPDATE etl.pool SET slots = 0; UPDATE etl.timer SET due_at = now(); SELECT etl._wake_scheduler()});
$etl->wait_until(q{SELECT waiting = 1 FROM etl.pool_status});
$etl->sql(q{UPDATE etl.pool SET slots = 1});
ends($retries, 'succeeded', 'so does an attempt that is repeated');

# --- Items of a task, and steps that one process is at, of which one is handed over by its owner's executor first
my %login = %{ $etl->warehouse_login };
my $far = $etl->warehouse->background_psql($login{dbname});
$etl->warehouse->safe_psql($login{dbname}, "SELECT etl.grant_author('$login{username}')");
$etl->sql(qq{
	CREATE SERVER far FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '$login{host}', port '$login{port}', dbname '$login{dbname}');
	CREATE USER MAPPING FOR CURRENT_USER SERVER far OPTIONS (user '$login{username}', password '$login{password}');
	INSERT INTO etl.pool (name, slots) VALUES ('far', 0);
	INSERT INTO etl.workflow (name) VALUES ('away');
	INSERT INTO etl.task (workflow, name, connection, pool, priority, sql, for_each, condition) VALUES
		('away', 'a', 'far', 'far', 0, 'SELECT pg_advisory_lock_shared(1)', NULL, NULL),
		('away', 'b', 'far', 'far', 0, 'SELECT pg_advisory_lock_shared(1)', NULL, 'SELECT true'),
		('away', 'c', NULL, 'far', 9, 'SELECT pg_advisory_xact_lock_shared(1)', 'SELECT generate_series(1, 3) AS n', NULL)});
my $far_is = sub {
	my ($expected, $name) = @_;
	ok($etl->wait_until(q{SELECT concat_ws('|', slots, taken, waiting) FROM etl.pool_status WHERE name = 'far'}, $expected), $name);
};
my $here = $node->background_psql('postgres');
$_->query_safe('SELECT pg_advisory_lock(1)') foreach $far, $here;
my $away = $etl->sql(q{SELECT etl.run_workflow('away')});
my $busy = qq{SELECT string_agg(concat(task, item), ' ' ORDER BY task, item) FROM etl.task_status
	WHERE run_id = $away AND status = 'running' AND (item IS NOT NULL OR task <> 'c')};
$far_is->('0|0|3', 'none starts');
$etl->sql(q{UPDATE etl.pool SET slots = 2 WHERE name = 'far'});
ok($etl->wait_until($busy, 'a c1'), 'a step there and an item here have the slots');
$far_is->('2|2|3', 'the others wait');
$etl->sql(q{SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE backend_type LIKE 'pg_etl remote executor%'});
ok($etl->wait_until($busy, 'c1 c2'), 'a remote executor that ends gives its steps\' slots back');
$far_is->('2|2|3', 'and its step waits again');
# An executor that is terminated has the scheduler read the tables anew, where those two items look as if they had yet to start.
ends($etl->sql(q{SELECT etl.run_workflow('plain')}), 'succeeded', 'a step that needs no slot runs beside them');
$etl->wait_until(q{SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'pg_etl executor' AND state = 'idle')});
my $ended_at = $etl->sql(q{SELECT clock_timestamp() FROM (SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity
	WHERE backend_type = 'pg_etl executor' AND state = 'idle' OFFSET 0) t LIMIT 1});
$etl->wait_until(qq{SELECT state = 'idle' AND state_change > timestamptz '$ended_at' + interval '300 ms'
	FROM pg_stat_activity, etl._wake_scheduler() WHERE backend_type = 'pg_etl scheduler'});
$etl->sql_is(q{SELECT waiting FROM etl.pool_status WHERE name = 'far'}, '3', 'steps that run do not wait beside themselves');
$_->query_safe('SELECT pg_advisory_unlock(1)') foreach $far, $here;
ends($away, 'succeeded', 'all of them end');
$far_is->('2|0|0', 'all slots are free');
$etl->sql(q{DELETE FROM etl.workflow WHERE name = 'away'; DELETE FROM etl.pool WHERE name = 'far'});

# --- A pool that is gone
$etl->sql_fails(q{DELETE FROM etl.pool}, 'a pool that tasks name stays', qr/23503/);
$etl->sql(q{UPDATE etl.pool SET slots = 0});
my $orphan = $etl->sql(q{SELECT etl.run_workflow('short')});
$etl->sql(q{UPDATE etl.pool SET name = 'wide', slots = 1});
ends($orphan, 'failed', 'a run keeps the name its pool had');
is($etl->sql("SELECT error FROM etl.run_status WHERE run_id = $orphan"),
	'a: task "a" needs a slot of pool "narrow", which does not exist', 'the step says so');
ends($etl->sql(q{SELECT etl.run_workflow('short')}), 'succeeded', 'a later run has the new name');
$etl->sql(qq{INSERT INTO etl.pool VALUES ('narrow', 1); SELECT etl.retry_run($orphan)});
ends($orphan, 'succeeded', 'with a pool of the old name the run is carried on');

# --- More steps wait than there is memory for
$etl->sql(q{
	UPDATE etl.pool SET slots = 0;
	INSERT INTO etl.workflow (name) VALUES ('many');
	INSERT INTO etl.task (workflow, name, sql, pool) SELECT 'many', 'task ' || n, 'SELECT 1', 'narrow' FROM generate_series(1, 1000) n});
my $many = $etl->sql(q{SELECT min(run) || ' AND ' || max(run) FROM (SELECT etl.run_workflow('many') AS run FROM generate_series(1, 40)) r});
ok($etl->sql(q{SELECT waiting < 40000 FROM etl.pool_status WHERE name = 'narrow'}), 'not all of them are in memory');
barrier();
pass('others have room');
my $last = $etl->sql(q{SELECT etl.run_workflow('short')});
$etl->sql(qq{SELECT etl.cancel_run(run_id) FROM etl.run WHERE run_id BETWEEN $many});
$etl->sql(q{UPDATE etl.task SET pool = 'wide' WHERE workflow = 'short'; UPDATE etl.pool SET slots = 4});
$etl->sql("SELECT etl.wait_for_run($last, '2 min')");
is($etl->sql("SELECT status FROM etl.run_status WHERE run_id = $last"), 'succeeded', 'the last comes in when there is room');
done_testing();

# Schedules fire: in time, after others that can't, after the time they were missed, as the rules for overlaps say. The
# schedules are brought to their moments by moving etl.schedule_state back, and time passes by etl.clock_offset.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

my $etl = EtlTest->new(conf => 'etl.max_executors = 4');
my $node = $etl->primary;

# A workflow of one step that a schedule has once a year, unless columns say otherwise.
sub make
{
	my ($name, $sql, %columns) = @_;
	%columns = (schedule => '0 0 1 1 *', catchup => 'last', %columns);
	my @names = sort keys %columns;
	$etl->sql("INSERT INTO etl.workflow (" . join(', ', 'name', @names) . ") VALUES ("
		  . join(', ', map { "'$_'" } $name, @columns{@names}) . ");
		INSERT INTO etl.task (workflow, name, sql) VALUES ('$name', 'step', '$sql')");
}

# The workflows' schedules come to this moment, all in one transaction.
my $base = $etl->sql(q{SELECT date_trunc('second', now()) - interval '30 s'});
sub tick
{
	my ($seconds, @names) = @_;
	my $list = join ', ', map { "'$_'" } @names;
	$etl->sql("UPDATE etl.schedule_state SET next_run_at = '$base'::timestamptz + interval '$seconds s',
		due_at = '$base'::timestamptz + interval '$seconds s' WHERE workflow IN ($list);
		SELECT etl._wake_scheduler()");
}

# What has become of a workflow's moments: seconds and status.
sub runs
{
	my ($name) = @_;
	return "SELECT string_agg(extract(epoch FROM scheduled_for - '$base')::int || ' ' || status, ', ' ORDER BY scheduled_for)
		FROM etl.run_status WHERE workflow = '$name'";
}

# Second after second passes until a query prints this (default t).
my $offset = 0;
sub pass_time
{
	my ($query, $expected, $database) = @_;
	foreach (1 .. 300)
	{
		return if $node->safe_psql($database // 'postgres', $query) eq ($expected // 't');
		$etl->set_clock(++$offset);
	}
	die "still not: $query";
}

# --- In time
$etl->sql('CREATE TABLE fired (at timestamptz, scheduled_for timestamptz)');
make('every second', q{INSERT INTO fired VALUES (now(), :''scheduled_for'')}, schedule => '* * * * * *', catchup => 'none', overlap => 'allow');
pass_time(q{SELECT count(*) >= 2 FROM etl.run WHERE workflow = 'every second' AND status = 'succeeded'});
$etl->sql(q{UPDATE etl.workflow SET enabled = false WHERE name = 'every second'});
$etl->sql_is(q{SELECT bool_and(trigger = 'schedule' AND scheduled_for = date_trunc('second', scheduled_for)
		AND queued_at >= scheduled_for AND queued_at < scheduled_for + interval '10 s'
		AND run_name = 'schedule ' || to_char(scheduled_for AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'))
	FROM etl.run WHERE workflow = 'every second'}, 't', 'every second, a run for each');
$etl->sql_is(q{SELECT max(scheduled_for) - min(scheduled_for) = (count(*) - 1) * interval '1 s' FROM etl.run
	WHERE workflow = 'every second'}, 't', 'without a gap');

$etl->sql_is(qq{SELECT bool_and(at + interval '$offset s' >= scheduled_for) AND count(*) >= 2 FROM fired}, 't', 'and the time is what now() says');

# --- Overlaps
make('long', 'SELECT pg_sleep(600)');
tick(1, 'long');
$etl->wait_until(runs('long'), '1 running');
tick(2, 'long');
$etl->wait_until(qq{SELECT last_skipped_for = '$base'::timestamptz + interval '2 s' FROM etl.schedule_state WHERE workflow = 'long'});
$etl->sql_is(runs('long'), '1 running', 'skip: left out');
$etl->sql(q{UPDATE etl.workflow SET overlap = 'queue' WHERE name = 'long'});
tick(3, 'long');
$etl->wait_until(q{SELECT waiting FROM etl.schedule_state WHERE workflow = 'long'});
$etl->sql_is(runs('long'), '1 running', 'queue: waits');
$etl->sql(q{SELECT etl.cancel_run(run_id) FROM etl.run WHERE workflow = 'long' AND finished_at IS NULL});
pass_time(runs('long'), '1 cancelled, 3 running');
pass('queue: for the run to end');
$etl->sql(q{UPDATE etl.workflow SET overlap = 'cancel_running' WHERE name = 'long'});
tick(4, 'long');
$etl->wait_until(runs('long'), '1 cancelled, 3 cancelled, 4 running');
$etl->wait_until(q{SELECT bool_and(finished_at IS NOT NULL) FROM etl.task_status WHERE workflow = 'long' AND status <> 'running'});
pass('cancel_running: the one before');
$etl->sql(q{UPDATE etl.workflow SET overlap = 'allow' WHERE name = 'long'});
tick(5, 'long');
$etl->wait_until(runs('long'), '1 cancelled, 3 cancelled, 4 running, 5 running');
pass('allow: side by side');
$etl->sql(q{UPDATE etl.workflow SET max_active_runs = 2 WHERE name = 'long'});
tick(6, 'long');
$etl->wait_until(q{SELECT waiting FROM etl.schedule_state WHERE workflow = 'long'});
$etl->sql_is(runs('long'), '1 cancelled, 3 cancelled, 4 running, 5 running', 'allow with max_active_runs: waits');
$etl->sql(q{UPDATE etl.workflow SET overlap = 'cancel_running' WHERE name = 'long'});
pass_time(runs('long'), '1 cancelled, 3 cancelled, 4 cancelled, 5 running, 6 running');
pass('cancel_running with max_active_runs: the oldest');
tick(5, 'long');
$etl->wait_until(q{SELECT next_run_at > now() FROM etl.schedule_state WHERE workflow = 'long'});
$etl->sql_is(q{SELECT count(*) FROM etl.run WHERE workflow = 'long' AND scheduled_for IS NOT NULL}, '5', 'no moment has two runs');
$etl->sql(q{DELETE FROM etl.workflow WHERE name = 'long'; SELECT etl.cancel_run(run_id) FROM etl.run WHERE workflow = 'long'});

# --- A name that somebody else had before: their runs are no business of the new owner's schedule
$etl->sql('CREATE ROLE before LOGIN; CREATE ROLE after LOGIN');
make('inherited', 'SELECT pg_sleep(600)', owner => 'before');
tick(1, 'inherited');
$etl->wait_until(runs('inherited'), '1 running');
$etl->sql(q{DELETE FROM etl.workflow WHERE name = 'inherited'});
make('inherited', 'SELECT 1', owner => 'after');
tick(2, 'inherited');
$etl->wait_until(runs('inherited'), '1 running, 2 succeeded');
pass('skip: a run of another owner does not keep one from being queued');
$etl->sql(q{UPDATE etl.workflow SET overlap = 'cancel_running' WHERE name = 'inherited'});
tick(3, 'inherited');
$etl->wait_until(runs('inherited'), '1 running, 2 succeeded, 3 succeeded');
pass('cancel_running: nor is it cancelled');
$etl->sql(q{UPDATE etl.workflow SET name = 'renamed' WHERE name = 'inherited'});
pass('nor does it keep the workflow from being renamed');
$etl->sql(q{DELETE FROM etl.workflow WHERE name = 'renamed';
	SELECT etl.cancel_run(run_id) FROM etl.run WHERE workflow = 'inherited' AND finished_at IS NULL});

# --- Those that can't, beside one that can
$etl->sql('CREATE ROLE leaver LOGIN');
make('empty', 'SELECT 1');
make('orphan', 'SELECT 1', owner => 'leaver');
make($_, 'SELECT 1') foreach 'edited', 'taken', 'good';
$etl->sql(q{DELETE FROM etl.task WHERE workflow = 'empty'; DROP ROLE leaver});
# The version is there, so the run that is being queued locks nothing but its name.
$etl->sql(q{SELECT etl.run_workflow('taken')});
my $editor = $node->background_psql('postgres');
$editor->query_safe(q{BEGIN; UPDATE etl.workflow SET description = 'x' WHERE name = 'edited'});
my $taker = $node->background_psql('postgres');
$taker->query_safe(qq{BEGIN; INSERT INTO etl.run (workflow, run_name)
	VALUES ('taken', etl._moment_name('$base'::timestamptz + interval '10 s'))});
tick(10, 'empty', 'orphan', 'taken', 'good');
$etl->sql(qq{UPDATE etl.schedule_state SET due_at = '-infinity', next_run_at = '$base'::timestamptz + interval '10 s' WHERE workflow = 'edited'});
$etl->wait_until(runs('good'), '10 succeeded');
$etl->wait_until(runs('orphan'), '10 failed');
like($etl->sql(q{SELECT error FROM etl.run_status WHERE workflow = 'orphan'}), qr/the role does not exist any more/,
	'an owner that is gone: the run says so');
$etl->sql_is(q{SELECT error, failed_at <= etl._clock(), next_run_at > etl._clock() FROM etl.schedule_state WHERE workflow = 'empty'},
	'workflow "empty" has no tasks|t|t', 'no tasks: the state says so');
like($etl->server_log, qr/workflow "empty" could not be queued by its schedule: workflow "empty" has no tasks/, 'and the log');
$etl->wait_until(q{SELECT waiting FROM etl.schedule_state WHERE workflow = 'taken'});
$etl->sql_is(runs('edited'), '', 'what is being edited waits');
$editor->query_safe('COMMIT');
$taker->query_safe('ROLLBACK');
$editor->quit;
$taker->quit;
pass_time(runs('edited'), '10 succeeded');
pass_time(runs('taken'), '10 succeeded');
pass('until nobody has it locked any more');
$etl->sql(q{INSERT INTO etl.task (workflow, name, sql) VALUES ('empty', 'step', 'SELECT 1')});
tick(11, 'empty');
$etl->wait_until(runs('empty'), '11 succeeded');
$etl->sql_is(q{SELECT error IS NULL AND failed_at IS NULL FROM etl.schedule_state WHERE workflow = 'empty'}, 't', 'a fault that is gone is forgotten');

# --- What was missed
make('none', 'SELECT 1', schedule => 'rate(1 hour)', catchup => 'none');
make('last', 'SELECT 1', schedule => 'rate(1 hour)', catchup => 'last');
make('all', 'SELECT 1', schedule => 'rate(1 hour)', catchup => 'all', overlap => 'allow');
make('queue', 'SELECT 1', schedule => 'rate(1 hour)', catchup => 'all', overlap => 'queue', enabled => 'false');
my $missed = q{UPDATE etl.schedule_state SET anchor = date_trunc('second', now()) - hours * interval '1 hour' - interval '30 min'
	FROM (VALUES ('none', 3), ('last', 900000), ('all', 230), ('queue', 3)) AS v(name, hours) WHERE workflow = name;
	UPDATE etl.schedule_state SET next_run_at = anchor + interval '1 hour', due_at = anchor + interval '1 hour'
	WHERE workflow IN ('none', 'last', 'all', 'queue')};
$etl->sql($missed);
$node->restart;
my $hours = q{SELECT count(*), min(extract(epoch FROM r.scheduled_for - s.anchor)::bigint / 3600),
	max(extract(epoch FROM r.scheduled_for - s.anchor)::bigint / 3600), count(DISTINCT r.scheduled_for)
	FROM etl.schedule_state s JOIN etl.run r USING (workflow) WHERE workflow = };
$etl->wait_until("$hours 'all'", '230|1|230|230');
pass('all: each moment, however many');
$etl->wait_until("$hours 'last'", '1|900000|900000|1');
pass('last: one, of a million');
$etl->wait_until(q{SELECT next_run_at > now() FROM etl.schedule_state WHERE workflow = 'none'});
$etl->sql_is(q{SELECT count(*) FROM etl.run WHERE workflow = 'none'}, '0', 'none: none');
$etl->sql_is(q{SELECT count(*) FROM etl.run WHERE workflow = 'queue'}, '0', 'disabled: none');
$etl->sql(q{UPDATE etl.workflow SET enabled = true WHERE name = 'queue'});
pass_time("$hours 'queue'", '3|1|3|3');
pass_time(q{SELECT bool_and(status = 'succeeded') FROM etl.run WHERE workflow = 'queue'});
$etl->sql_is(q{SELECT bool_and(queued_at >= before) FROM (SELECT queued_at, lag(finished_at) OVER (ORDER BY scheduled_for) AS before
	FROM etl.run WHERE workflow = 'queue') r}, 't', 'when it is enabled again: one after the other');
# A clock that is put back brings the same moments again.
$etl->sql(q{UPDATE etl.schedule_state SET next_run_at = anchor + interval '1 hour', due_at = anchor WHERE workflow = 'all';
	SELECT etl._wake_scheduler()});
$etl->wait_until(q{SELECT next_run_at > now() FROM etl.schedule_state WHERE workflow = 'all'});
$etl->sql_is("$hours 'all'", '230|1|230|230', 'the same moments again: the same runs');

# --- Each database has its own
$etl->sql('CREATE DATABASE other');
$node->safe_psql('other', q{CREATE EXTENSION pg_etl;
	INSERT INTO etl.workflow (name, schedule) VALUES ('good', '* * * * * *');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('good', 'step', 'SELECT 1')});
pass_time(q{SELECT count(*) > 0 FROM etl.run WHERE status = 'succeeded' AND trigger = 'schedule'}, 't', 'other');
pass('another database');
$etl->sql_is(runs('good'), '10 succeeded', 'is another');

# --- A dump that is restored goes on by itself
$etl->sql('CREATE DATABASE copy');
$node->command_ok([ 'sh', '-c', q{pg_dump -d "$0" | psql -qX -v ON_ERROR_STOP=1 -d "$1"}, $node->connstr('other'), $node->connstr('copy') ],
	'dump and restore');
pass_time(q{SELECT count(*) > 0 FROM etl.run WHERE status = 'succeeded' AND trigger = 'schedule'}, 't', 'copy');
pass('and the schedule goes on');

done_testing();

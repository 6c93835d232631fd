# etl.workflow.max_active_runs: whoever queues runs, no more of them go on than that, the others wait for their turn and say
# so. Each run's step stands at a gate of its own, an advisory lock of this test's, until it is let through.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

my $etl = EtlTest->new(conf => "etl.max_executors = 8\nmax_prepared_transactions = 2");
my $node = $etl->primary;
my $gates = $node->background_psql('postgres');

# A workflow of one step, at the gate that the run's input has.
sub make
{
	my ($name, $limit, $more) = @_;
	$more //= '';
	$etl->sql(qq{INSERT INTO etl.workflow (name, input, max_active_runs) VALUES ('$name', '{"gate": 0}', $limit);
		INSERT INTO etl.task (workflow, name, sql) VALUES ('$name', 'a', 'SELECT pg_advisory_xact_lock_shared(:gate)'); $more});
}

sub shut { $gates->query_safe("SELECT pg_advisory_lock($_)") foreach @_; return; }
sub open_gate { $gates->query_safe("SELECT pg_advisory_unlock($_)") foreach @_; return; }

# Queue a run for each gate, named by it.
sub queue
{
	my ($name, @at) = @_;
	$etl->sql(join ';', map { qq{SELECT etl.run_workflow('$name', '{"gate": $_}', 'gate $_')} } @at);
	return;
}

# How a workflow's runs stand.
sub runs
{
	my ($name) = @_;
	return qq{SELECT string_agg(substr(run_name, 6) || ' ' || CASE WHEN waiting_for ~ '^runs before it' THEN 'waits' ELSE status END, ', ' ORDER BY run_id)
		FROM etl.run_status WHERE workflow = '$name' AND run_name ~ '^gate'};
}

# --- By hand
shut(1 .. 4);
make('two', 2);
queue('two', 1 .. 4);
$etl->wait_until(runs('two'), '1 running, 2 running, 3 waits, 4 waits');
pass('two of four go on');
$etl->sql_is(q{SELECT r.status, t.status, t.waiting_for FROM etl.run_status r JOIN etl.task_status t USING (run_id) WHERE run_name = 'gate 4'},
	'queued|waiting|runs before it, by max_active_runs of the workflow', 'the others say what they wait for');
open_gate(2);
$etl->wait_until(runs('two'), '1 running, 2 succeeded, 3 running, 4 waits');
pass('one ends: the next goes on');
$etl->sql(q{UPDATE etl.workflow SET max_active_runs = 3 WHERE name = 'two'});
$etl->wait_until(runs('two'), '1 running, 2 succeeded, 3 running, 4 running');
pass('the limit is changed while they wait');
$etl->sql(q{UPDATE etl.workflow SET max_active_runs = 1 WHERE name = 'two'});
shut(2, 5);
queue('two', 5);
open_gate(1);
open_gate(3);
$etl->wait_until(runs('two'), '1 succeeded, 2 succeeded, 3 succeeded, 4 running, 5 waits');
open_gate(4);
$etl->wait_until(runs('two'), '1 succeeded, 2 succeeded, 3 succeeded, 4 succeeded, 5 running');
pass('likewise to less than go on');
queue('two', 6, 7);
$etl->sql_is(q{SELECT etl.cancel_run(run_id) FROM etl.run WHERE run_name = 'gate 6'}, 't', 'one that waits is cancelled');
$etl->sql_is(runs('two') =~ s/run_name ~ '\^gate'/run_name IN ('gate 5', 'gate 6', 'gate 7')/r, '5 running, 6 cancelled, 7 waits', 'and never goes on');
$etl->sql_is(q{SELECT etl.retry_run(run_id) FROM etl.run WHERE run_name = 'gate 6'}, 't', 'but when it is carried on');
$etl->wait_until(runs('two') =~ s/run_name ~ '\^gate'/run_name IN ('gate 5', 'gate 6', 'gate 7')/r, '5 running, 6 waits, 7 waits');
$etl->sql(q{UPDATE etl.workflow SET max_active_runs = NULL WHERE name = 'two'});
$etl->wait_until(runs('two') =~ s/run_name ~ '\^gate'/run_name IN ('gate 5', 'gate 6', 'gate 7')/r, '5 running, 6 succeeded, 7 succeeded');
pass('no limit any more: all go on');
queue('two', 8);
$etl->wait_until(q{SELECT status = 'succeeded' AND max_active_runs IS NULL FROM etl.run WHERE run_name = 'gate 8'});
open_gate(2, 5);
$etl->wait_until(q{SELECT count(*) = 0 FROM etl.limited_run});
pass('nothing is left of runs that have ended');

# --- A run that had started has its timeout anew when it goes on, not when it is carried on
make('again', 1, q{UPDATE etl.workflow SET timeout = '1 hour' WHERE name = 'again'});
shut(1, 2);
queue('again', 1, 2);
$etl->wait_until(runs('again'), '1 running, 2 waits');
$etl->sql_is(q{SELECT count(*) FROM etl.deadline}, 1, 'time passes for a run that goes on');
$etl->sql(q{SELECT etl.cancel_run(run_id) FROM etl.run WHERE run_name = 'gate 1' AND workflow = 'again'});
$etl->wait_until(runs('again'), '1 cancelled, 2 running');
$etl->wait_until(q{SELECT bool_and(t.finished_at IS NOT NULL) FROM etl.task_run t JOIN etl.run USING (run_id) WHERE run_name = 'gate 1' AND workflow = 'again'});
$etl->sql(q{SELECT etl.retry_run(run_id) FROM etl.run WHERE run_name = 'gate 1' AND workflow = 'again'});
$etl->wait_until(runs('again'), '1 waits, 2 running');
$etl->sql_is(q{SELECT run_name FROM etl.deadline JOIN etl.run USING (run_id)}, 'gate 2', 'not for one that waits');
open_gate(2);
$etl->wait_until(runs('again'), '1 running, 2 succeeded');
$etl->sql_is(q{SELECT run_name FROM etl.deadline JOIN etl.run USING (run_id)}, 'gate 1', 'but when it goes on again');
open_gate(1);
$etl->wait_until(runs('again'), '1 succeeded, 2 succeeded');

# --- A backfill; what is queued beside it comes first
make('days', 1, q{UPDATE etl.workflow SET schedule = '@daily' WHERE name = 'days'});
shut(0, 1);
$etl->sql_is(q{SELECT etl.backfill('days', '2026-01-01', '2026-01-11')}, 10, 'ten days');
my $days = q{SELECT count(*) FILTER (WHERE status = 'running'), count(*) FILTER (WHERE waiting_for ~ '^runs before it'),
	count(*) FILTER (WHERE status = 'succeeded') FROM etl.run_status WHERE workflow = 'days' AND trigger = 'backfill'};
$etl->wait_until($days, '1|9|0');
queue('days', 1);
open_gate(0);
$etl->wait_until(runs('days'), '1 running');
$etl->sql_is($days, '0|9|1', 'one at a time, and what is queued by hand before those that wait');
open_gate(1);
$etl->wait_until($days, '0|0|10');
$etl->sql_is(q{SELECT bool_and(started_at >= before) FROM (SELECT started_at, lag(finished_at) OVER (ORDER BY scheduled_for) AS before
	FROM etl.run WHERE workflow = 'days' AND trigger = 'backfill') r}, 't', 'one after the other, the oldest first');

# --- The server is stopped, runs are locked, queued by a prepared transaction
make('one', 1);
shut(1, 2, 3, 4);
queue('one', 1 .. 3);
$etl->wait_until(runs('one'), '1 running, 2 waits, 3 waits');
$gates->quit;
$node->restart;
$gates = $node->background_psql('postgres');
$etl->wait_until(runs('one'), '1 succeeded, 2 succeeded, 3 succeeded');
pass('after a restart they go on');
shut(4 .. 6);
queue('one', 4 .. 6);
$etl->wait_until(runs('one') =~ s/run_name ~ '\^gate'/run_name > 'gate 3'/r, '4 running, 5 waits, 6 waits');
my $session = $node->background_psql('postgres');
$session->query_safe(q{BEGIN; SELECT FROM etl.run WHERE run_name = 'gate 5' AND workflow = 'one' FOR UPDATE});
open_gate(4);
$etl->wait_until(runs('one') =~ s/run_name ~ '\^gate'/run_name > 'gate 3'/r, '4 succeeded, 5 waits, 6 running');
pass('one that somebody has locked is passed over');
$session->query_safe('ROLLBACK');
open_gate(5, 6);
$etl->wait_until(runs('one') =~ s/run_name ~ '\^gate'/run_name > 'gate 3'/r, '4 succeeded, 5 succeeded, 6 succeeded');
$etl->sql(q{BEGIN; SELECT etl.run_workflow('one', run_name => 'gate 7'); PREPARE TRANSACTION 'p'});
$etl->sql(q{COMMIT PREPARED 'p'});
$etl->wait_until(q{SELECT status = 'succeeded' FROM etl.run WHERE workflow = 'one' AND run_name = 'gate 7'});
pass('as does one that a prepared transaction has queued');

# --- Workflows that start others: the limit holds for these, but none waits for itself
make('child', 2);
$etl->sql(q{
	INSERT INTO etl.workflow (name) VALUES ('parent');
	INSERT INTO etl.task (workflow, name, for_each, resource, arguments) VALUES ('parent', 'each', 'SELECT g AS gate FROM generate_series(1, 4) g',
		'arn:aws:states:::states:startExecution.sync', '{"StateMachineArn": "child", "Input": {"gate": "${gate}"}}');
	INSERT INTO etl.workflow (name, max_active_runs) VALUES ('inner', 1), ('outer', 1);
	INSERT INTO etl.task (workflow, name, resource, arguments, condition) VALUES
		('outer', 'a', 'arn:aws:states:::states:startExecution.sync', '{"StateMachineArn": "inner", "Input": {"left": "${left}"}}', ':left > 0'),
		('inner', 'a', 'arn:aws:states:::states:startExecution.sync', '{"StateMachineArn": "outer", "Input": {"left": 0}}', NULL)});
shut(1 .. 4);
my $parent = $etl->sql(q{SELECT etl.run_workflow('parent')});
my $children = q{SELECT count(*) FILTER (WHERE status = 'running'), count(*) FILTER (WHERE waiting_for ~ '^runs before it') FROM etl.run_status WHERE workflow = 'child'};
$etl->wait_until($children, '2|2');
open_gate(1 .. 4);
is($etl->sql("SELECT etl.wait_for_run($parent)"), 'succeeded', 'runs that other runs wait for wait for their turn');
my $outer = $etl->sql(q{SELECT etl.run_workflow('outer', '{"left": 1}')});
is($etl->sql("SELECT etl.wait_for_run($outer)"), 'succeeded', 'but not for those that wait for them');

# --- A workflow that is gone, and a name that has become somebody else's: no limit of theirs
$etl->sql('CREATE ROLE before LOGIN; CREATE ROLE after LOGIN');
make('name', 1, q{UPDATE etl.workflow SET owner = 'before' WHERE name = 'name'});
shut(1);
queue('name', 1, 2);
$etl->wait_until(runs('name'), '1 running, 2 waits');
$etl->sql(q{DELETE FROM etl.workflow WHERE name = 'name'});
$etl->wait_until(runs('name'), '1 running, 2 succeeded');
pass('of a workflow that is gone');
make('name', 1, q{UPDATE etl.workflow SET owner = 'after' WHERE name = 'name'});
queue('name', 3);
$etl->wait_until(runs('name'), '1 running, 2 succeeded, 3 succeeded');
pass('of another owner\'s');
open_gate(1);
$etl->wait_until(q{SELECT count(*) = 0 FROM etl.limited_run});
pass('nothing is left');
$gates->quit;
$session->quit;

done_testing();

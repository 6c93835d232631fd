# Executors' slots: none is lost to a process that never came up or to a database that is gone.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

my $etl = EtlTest->new(conf => 'etl.max_executors = 2');
my $node = $etl->primary;
my $journal = $node->data_dir . '/pg_stat_tmp/pg_etl.journal';
$etl->sql(q{INSERT INTO etl.workflow (name) VALUES ('flow');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('flow', 'a', 'SELECT 1')});

sub run_succeeds
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $run = $etl->sql(q{SELECT etl.run_workflow('flow')});
	is($etl->sql("SELECT etl.wait_for_run($run, '30 s')"), 'succeeded', $name);
}

# --- Processes that end before they have come to their slot
sub deaths
{
	my @deaths = $etl->server_log =~ /could not open file "pg_stat_tmp\/pg_etl.journal"/g;
	return scalar @deaths;
}

sub deaths_reach
{
	my ($count) = @_;
	foreach (1 .. 300)
	{
		return 1 if deaths() >= $count;
		select(undef, undef, undef, 0.1);
	}
	return 0;
}

rename($journal, "$journal.aside") or die "rename: $!";
mkdir($journal) or die "mkdir: $!";
my $run = $etl->sql(q{SELECT etl.run_workflow('flow')});
ok(deaths_reach(4), 'executors die before they are there, more of them than there are slots');
rmdir($journal) or die "rmdir: $!";
rename("$journal.aside", $journal) or die "rename: $!";
is($etl->sql("SELECT etl.wait_for_run($run, '30 s')"), 'succeeded', 'the step is run once one can be had');

$etl->sql(q{CREATE DATABASE other});
$node->safe_psql('other', 'CREATE EXTENSION pg_etl');
rename($journal, "$journal.aside") or die "rename: $!";
mkdir($journal) or die "mkdir: $!";
$node->safe_psql('other', q{INSERT INTO etl.workflow (name) VALUES ('flow');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('flow', 'a', 'SELECT 1');
	SELECT etl.run_workflow('flow')});
ok(deaths_reach(deaths() + 1), 'an executor dies before it is there');
$node->safe_psql('other', 'DROP EXTENSION pg_etl');
pass('the extension is dropped');
$etl->sql('DROP DATABASE other');
rmdir($journal) or die "rmdir: $!";
rename("$journal.aside", $journal) or die "rename: $!";
run_succeeds('every slot can be had');

# --- A step is left to nobody who has another: one executor is idle, two steps come, and each waits until both run
$etl->sql(q{
	INSERT INTO etl.workflow (name) VALUES ('gate'), ('gates');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('gate', 'a', 'SELECT pg_advisory_xact_lock_shared(99)'),
		('gates', 'a', 'SELECT pg_advisory_xact_lock_shared(99)'), ('gates', 'b', 'SELECT pg_advisory_xact_lock_shared(99)');
	CREATE TABLE lone (run_id bigint);
	CREATE PROCEDURE leave_one() LANGUAGE plpgsql AS $$
	DECLARE
		executors int[] := ARRAY(SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl executor' ORDER BY pid);
	BEGIN
		FOR i IN 2..cardinality(executors) LOOP
			PERFORM pg_terminate_backend(executors[i], 10000);
		END LOOP;
	END $$;
	CREATE PROCEDURE open_gate(run bigint) LANGUAGE plpgsql AS $$
	DECLARE
		patience timestamptz := clock_timestamp() + interval '10 s';
	BEGIN
		WHILE (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND objid = 99 AND NOT granted) < 2 LOOP
			IF clock_timestamp() > patience THEN
				INSERT INTO lone VALUES (run);
				EXIT;
			END IF;
			PERFORM pg_sleep(0.001);
		END LOOP;
		PERFORM pg_advisory_unlock(99);
		PERFORM etl.wait_for_run(run);
		COMMIT;
	END $$;
	CREATE PROCEDURE meet(times int) LANGUAGE plpgsql AS $$
	DECLARE
		run bigint;
	BEGIN
		FOR i IN 1..times LOOP
			CALL leave_one();
			PERFORM pg_advisory_lock(99);
			run := etl.run_workflow('gates');
			COMMIT;
			CALL open_gate(run);
		END LOOP;
	END $$});
$etl->sql('CALL meet(60)');
is($etl->sql('SELECT count(*) FROM lone'), 0, 'two steps of one commit are at work together, each time');

$etl->sql('CALL leave_one()');
my $idle = $etl->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl executor'});
kill('STOP', $idle);
my $session = $node->background_psql('postgres');
$session->query('SELECT pg_advisory_lock(99)');
$etl->sql(q{SELECT etl.run_workflow('gate')});
$run = $etl->sql(q{SELECT etl.run_workflow('gate')});
kill('CONT', $idle);
$session->query("CALL open_gate($run)");
$session->quit;
is($etl->sql('SELECT count(*) FROM lone'), 0, 'and two of two commits, though the idle one was slow to wake');

# --- Steps that crashed the server, of a database that is gone when it is back
my $oid = $etl->sql('SELECT max(oid::bigint) + 1000 FROM pg_database');
$node->stop;
open(my $file, '>:raw', $journal) or die "open: $!";
print $file pack('q q q L x4', 1, 1, 0, $oid) x 2;
close($file);
$node->start;
run_succeeds('slots of a database that is gone are free again');

# --- One executor: of the steps that wait for it the one with the highest priority comes first, among equals the oldest
$node->append_conf('postgresql.conf', 'etl.max_executors = 1');
$node->restart;
$etl->sql(q{DELETE FROM etl.run; DELETE FROM etl.workflow;
	INSERT INTO etl.workflow (name) VALUES ('gate'), ('low'), ('default'), ('high');
	INSERT INTO etl.task (workflow, name, sql, priority) VALUES ('gate', 'a', 'SELECT pg_advisory_lock_shared(97)', 0),
		('low', 'a', 'SELECT 1', -1), ('default', 'a', 'SELECT 1', 0), ('high', 'a', 'SELECT 1', 1)});
$session = $node->background_psql('postgres');
$session->query_safe('SELECT pg_advisory_lock(97)');
$etl->sql(q{SELECT etl.run_workflow('gate')});
$etl->wait_until(q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted});
$etl->sql("SELECT etl.run_workflow('$_')") foreach 'low', 'default', 'high', 'low', 'default', 'high';
$etl->sql_is(q{SELECT DISTINCT waiting_for FROM etl.run_status WHERE workflow <> 'gate'}, 'a: executor (all 1 are busy)', 'all wait for the executor');
$session->query_safe('SELECT pg_advisory_unlock(97)');
$session->quit;
$etl->wait_until(q{SELECT bool_and(finished_at IS NOT NULL) FROM etl.run});
$etl->sql_is(q{SELECT string_agg(workflow || ' ' || place, ', ' ORDER BY t.started_at) FROM etl.task_run t
	JOIN (SELECT run_id, workflow, row_number() OVER (PARTITION BY workflow ORDER BY run_id) AS place FROM etl.run) r USING (run_id) WHERE workflow <> 'gate'},
	'high 1, high 2, default 1, default 2, low 1, low 2', 'and have it in the order of their priority, then of their age');
$etl->sql(q{DELETE FROM etl.workflow; INSERT INTO etl.workflow (name) VALUES ('flow');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('flow', 'a', 'SELECT 1')});

# --- No background worker left: said once
$node->append_conf('postgresql.conf', "etl.max_executors = 2\nmax_worker_processes = 3\nmax_logical_replication_workers = 0");
$node->restart;
$session = $node->background_psql('postgres');
$session->query_safe('SELECT pg_advisory_lock(98)');
$etl->sql(q{UPDATE etl.task SET sql = 'SELECT pg_advisory_lock_shared(98)'});
my @runs = map { $etl->sql(q{SELECT etl.run_workflow('flow')}) } 1 .. 3;
# Each moment of a schedule has the scheduler look for an executor once more.
$etl->sql(q{INSERT INTO etl.workflow (name, schedule, overlap) VALUES ('ticks', '* * * * * *', 'allow');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('ticks', 'a', 'SELECT 1')});
foreach my $count (1 .. 3)
{
	$etl->wait_until("SELECT count(*) >= $count FROM etl.run WHERE workflow = 'ticks'");
	$etl->set_clock(10 * $count);
}
$etl->sql(q{UPDATE etl.workflow SET schedule = NULL WHERE name = 'ticks'});
$session->query_safe('SELECT pg_advisory_unlock(98)');
is($etl->sql("SELECT etl.wait_for_run($_, '30 s')"), 'succeeded', 'steps are run by fewer executors than may be') foreach @runs;
$session->quit;
my @warnings = $etl->server_log =~ /no background worker is left for an executor/g;
is(scalar @warnings, 1, 'which is said once');
done_testing();

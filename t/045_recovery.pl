# What runs goes on: after a standby has taken over, after a crash with another number of slots, whatever has become of
# the journal, and while the extension or the database is altered, dropped or made again.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $etl = EtlTest->new(conf => "etl.max_executors = 3\nmax_connections = 30\nwal_level = replica\nmax_wal_senders = 3");
my $node = $etl->primary;
my $journal = $node->data_dir . '/pg_stat_tmp/pg_etl.journal';

# What an executor's entry in the journal is, to make one.
sub entry
{
	my ($database, $task_run_id, $run_id, $damage) = @_;
	my $bytes = pack('q< q< q< L<', $task_run_id, $run_id, 0, $database);
	my $crc = 0xFFFFFFFF;
	foreach my $byte (unpack 'C*', $bytes)
	{
		$crc ^= $byte;
		$crc = $crc & 1 ? ($crc >> 1) ^ 0x82F63B78 : $crc >> 1 foreach 1 .. 8;
	}
	return $bytes . pack('L<', ($crc ^ 0xFFFFFFFF) + ($damage // 0));
}

sub write_journal
{
	my ($content) = @_;
	open my $file, '>:raw', $journal or die "$journal: $!";
	print $file $content;
	close $file;
}

# A workflow of one step that waits for a row, so that it is in flight until it is let go.
$etl->sql(q{
	CREATE TABLE effect (run_id bigint); CREATE TABLE go (x int);
	INSERT INTO etl.workflow (name) VALUES ('waits');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('waits', 'x', $$INSERT INTO effect VALUES (:run_id);
		DO 'BEGIN WHILE NOT EXISTS (SELECT FROM go) LOOP PERFORM pg_sleep(0.01); END LOOP; END'$$)});
sub start_waiting
{
	my $run = $etl->sql(q{DELETE FROM go; SELECT etl.run_workflow('waits')});
	$etl->wait_until("SELECT status = 'running' FROM etl.task_status WHERE run_id = $run");
	return $run;
}
sub let_go { $etl->sql('INSERT INTO go VALUES (1)'); }
sub ended_well
{
	my ($run, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($etl->sql("SELECT etl.wait_for_run($run)"), 'succeeded', $name);
	$etl->sql_is("SELECT count(*) FROM effect WHERE run_id = $run", '1', "$name: once");
}

# --- Restarts with steps in flight
my $run = start_waiting();
$node->command_ok([ 'pg_ctl', '-D', $node->data_dir, '-l', $node->logfile, '-m', 'immediate', '-w', 'restart' ], 'restart -m immediate');
$node->_update_pid(1);
let_go();
ended_well($run, 'a step in flight at an immediate restart');
$etl->sql_is("SELECT count(*) FROM etl.task_status WHERE run_id = $run", '1', 'which is nobody\'s attempt');

# --- The extension
$run = start_waiting();
$etl->sql_fails('CREATE SCHEMA elsewhere; ALTER EXTENSION pg_etl SET SCHEMA elsewhere', 'the extension moved', qr/0A000: extension "pg_etl" does not support SET SCHEMA/);
$etl->sql_is('ALTER EXTENSION pg_etl UPDATE', '', 'ALTER EXTENSION UPDATE, to the version it has');
$etl->sql_is("SELECT status FROM etl.task_status WHERE run_id = $run", 'running', 'stop no step');
let_go();
ended_well($run, 'which goes on');
$run = start_waiting();
$node->psql('postgres', 'DROP EXTENSION pg_etl');    # refused or not, the engine isn't in its way
$etl->sql('CREATE EXTENSION IF NOT EXISTS pg_etl');
$etl->sql_is('SELECT count(*) FROM etl.run', '0', 'dropped and made again with a step in flight, it knows of none');
$etl->sql_is("SELECT count(*) FROM effect WHERE run_id = $run", '0', 'and the step has left nothing');
$etl->sql(q{TRUNCATE effect;
	INSERT INTO etl.workflow (name) VALUES ('waits');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('waits', 'x', $$INSERT INTO effect VALUES (:run_id);
		DO 'BEGIN WHILE NOT EXISTS (SELECT FROM go) LOOP PERFORM pg_sleep(0.01); END LOOP; END'$$)});
$run = start_waiting();
let_go();
ended_well($run, 'a run after that');

# DROP OWNED takes the extension along without naming it.
$etl->sql('CREATE ROLE keeper SUPERUSER; CREATE DATABASE kept');
$node->safe_psql('kept', 'SET ROLE keeper; CREATE EXTENSION pg_etl');
my $served = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_etl scheduler' AND datname = 'kept'};
$etl->wait_until($served, '1');
$node->safe_psql('kept', 'DROP OWNED BY keeper CASCADE; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = \'pg_etl scheduler\' AND datname = \'kept\'');
$etl->wait_until($served, '0');
pass('DROP OWNED: the scheduler leaves');
$node->safe_psql('kept', 'CREATE EXTENSION pg_etl');
$etl->wait_until($served, '1');
pass('and comes when the extension does');
$etl->sql('DROP DATABASE kept');

# --- The journal
my $database = $etl->sql(q{SELECT oid FROM pg_database WHERE datname = 'postgres'});
my $crashes = q{SELECT count(*) FROM etl.task_run WHERE process_end = 'crashed' AND run_id = };
sub crash_with_journal
{
	my ($content, $executors) = @_;
	my $run = start_waiting();
	my $step = $etl->sql("SELECT task_run_id FROM etl.task_run WHERE run_id = $run");
	$node->stop('immediate');
	write_journal($content->($step, $run)) if defined $content;
	unlink $journal unless defined $content;
	$node->append_conf('postgresql.conf', "etl.max_executors = $executors") if $executors;
	$node->start;
	let_go();
	return $run;
}
$run = crash_with_journal(sub { entry($database, 0, 0) . entry($database, @_) });
ended_well($run, 'a step that the journal names');
$etl->sql_is("$crashes $run", '1', 'has one attempt that ended its process');
$run = crash_with_journal(sub { entry($database, 0, 0) x 2 . entry($database, @_) }, 1);
ended_well($run, 'of a slot that isn\'t there any more');
$etl->sql_is("$crashes $run", '1', 'it is counted all the same');
is(-s $journal, 32, 'and the journal has as many entries as there are slots');
$run = crash_with_journal(sub { entry($database, @_, 1) . entry($database, $_[0] + 1, $_[1], 7) });
ended_well($run, 'a journal that is damaged');
$etl->sql_is("$crashes $run", '0', 'blames nobody');
like($etl->server_log, qr{LOG:  invalid entry 0 in file "pg_stat_tmp/pg_etl.journal"}, 'and the log says so');
$run = crash_with_journal(sub { substr(entry($database, @_), 0, 20) }, 3);
ended_well($run, 'one that is cut short');
$run = crash_with_journal(sub { 'x' x 1_000_000 });
ended_well($run, 'one that is something else');
$run = crash_with_journal(sub { entry(1, @_) x 3 });
ended_well($run, 'one that names databases that nobody connects to');
$run = crash_with_journal(undef);
ended_well($run, 'one that is gone');
$etl->sql('SELECT pg_terminate_backend(pid) FROM etl._activity()');
$run = start_waiting();
unlink $journal;
let_go();
ended_well($run, 'one that is removed meanwhile');
$etl->sql('SELECT pg_terminate_backend(pid) FROM etl._activity()');
$run = start_waiting();
let_go();
ended_well($run, 'does not keep executors from starting');

# --- A standby takes over
my $in_flight = start_waiting();
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
ok(-z $standby->data_dir . '/pg_stat_tmp/pg_etl.journal', 'a standby\'s journal is its own');
my $queued = $etl->sql(q{SELECT etl.run_workflow('waits')});
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', q{SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'pg_etl%'}), '0',
	'in recovery it runs nothing');
is($standby->safe_psql('postgres', "SELECT count(*) FROM etl.run_status WHERE run_id IN ($in_flight, $queued)"), '2', 'but shows what there is');
my ($status, $stdout, $stderr) = $standby->psql('postgres', q{SELECT etl.run_workflow('waits')});
like($stderr, qr/cannot execute INSERT in a read-only transaction/, 'and queues nothing');
$node->stop('immediate');
$standby->promote;
$standby->safe_psql('postgres', 'INSERT INTO go VALUES (1)');
foreach my $left ($in_flight, $queued)
{
	is($standby->safe_psql('postgres', "SELECT etl.wait_for_run($left)"), 'succeeded', 'promoted, it runs what was left');
	is($standby->safe_psql('postgres', "SELECT count(*) FROM effect WHERE run_id = $left"), '1', 'once');
	is($standby->safe_psql('postgres', "SELECT count(*) FROM etl.task_status WHERE run_id = $left"), '1', 'and blames nobody');
}
$standby->safe_psql('postgres', q{SELECT etl.run_workflow('waits', '{}', 'new')});
is($standby->safe_psql('postgres', q{SELECT etl.wait_for_run(run_id) FROM etl.run WHERE run_name = 'new'}), 'succeeded', 'and what is new');

done_testing();

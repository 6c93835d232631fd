# A load that is cancelled or ended, or whose processes are killed, at whatever stage: the table is as it was, no process stays, and
# the history says nothing that isn't so. A load for which there is no process is the backend's alone, and the same.
use strict;
use warnings FATAL => 'all';

use EtlSession;
use EtlTest;
use IPC::Run;
use Test::More;
use Time::HiRes qw(time);

plan(skip_all => 'no program bzip2 (Debian: the package of that name)') if system('command -v bzip2 >/dev/null') != 0;
my $etl = EtlTest->new(aws => 1);
my $node = $etl->primary;
sessions_of($etl);
my $worker = qr/pg_etl load worker/;
my $helpers = qr/pg_etl load/;
my $rows = 60_000;

$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');
$etl->put_object('lake', 'large/1', join('', map { "$_|" . 'x' x 100 . "\n" } 1 .. $rows));
$etl->put_object('lake', 'large/2', join('', map { "$_|" . 'x' x 100 . "\n" } $rows + 1 .. 2 * $rows));
$etl->put_object('lake', 'wrong', join('', map { ($_ % 1000 ? '' : 'x') . "$_|" . 'x' x 100 . "\n" } 1 .. $rows));
# terabytes of empty lines, of which a queue's worth takes hours
$etl->put_object('lake', 'bomb', `yes '' | head -c 100M | bzip2` x 45_000);
$etl->sql(q{
	CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_advisory_xact_lock(35); RETURN NEW; END$$;
	CREATE TABLE t (id int PRIMARY KEY, name text);
	CREATE TABLE before_t (LIKE t);
	CREATE TABLE after_t (LIKE t);
	CREATE TABLE late_t (LIKE t);
	CREATE TRIGGER hold BEFORE INSERT ON before_t FOR EACH ROW WHEN (NEW.id = 20000) EXECUTE FUNCTION hold();
	CREATE TRIGGER hold AFTER INSERT ON after_t FOR EACH ROW WHEN (NEW.id = 20000) EXECUTE FUNCTION hold();
	CREATE CONSTRAINT TRIGGER hold AFTER INSERT ON late_t DEFERRABLE INITIALLY DEFERRED
		FOR EACH ROW WHEN (NEW.id = 20000) EXECUTE FUNCTION hold();
	INSERT INTO t VALUES (0, 'before');
	INSERT INTO before_t VALUES (0, 'before');
	INSERT INTO after_t VALUES (0, 'before');
	INSERT INTO late_t VALUES (0, 'before')});
my $advisory = q{wait_event = 'advisory'};
my $network = q{wait_event_type = 'Extension'};
my $hold = 'SELECT pg_advisory_lock(35)';

# What is loaded, what holds it up there, what the backend's wait is then, and whether there is a process that reads for it
my %stages = (
	listing => { table => 't', fault => { method => 'GET', key => '', do => 'stall' }, wait => $network },
	'fetching the first bytes' => { table => 't', fault => { method => 'GET', key => 'large/1', do => 'stall' }, wait => $network, worker => 1 },
	fetching => { table => 't', fault => { method => 'GET', key => 'large/2', do => 'stall', after => 3_000_000 }, wait => $network, worker => 1 },
	'reading slowly' => { table => 't', fault => { method => 'GET', key => 'large/1', do => 'slow', bytes_per_second => 100_000 }, wait => $network, worker => 1 },
	'reading a bomb' => {
		table => 't', uri => 's3://lake/bomb', options => '{"bzip2": true, "ignoreblanklines": true}', set => 'SET etl.decompress_max_ratio = 0;',
		wait => $network, worker => 1 },
	inserting => { table => 'before_t', lock => $hold, wait => $advisory, worker => 1 },
	'an AFTER trigger' => { table => 'after_t', lock => $hold, wait => $advisory },
	'writing the errors' => {
		table => 't', uri => 's3://lake/wrong', options => '{"maxerror": 1000}',
		lock => 'BEGIN; LOCK TABLE etl.load_error IN ACCESS EXCLUSIVE MODE', wait => $network },
	commit => { table => 'late_t', lock => $hold, wait => $advisory });


# at($stage, $name, $do, $expected, $crash): the load is brought there, something is done to its processes, and it ends.
sub at
{
	my ($stage, $name, $do, $expected, $crash) = @_;
	my %stage = %{ $stages{$stage} };
	my $holder;

	$etl->faults($stage{fault}) if $stage{fault};
	if ($stage{lock})
	{
		$holder = $node->background_psql('postgres');
		$holder->query_safe($stage{lock});
	}
	my $loaded = $etl->sql(q{SELECT count(*) FROM etl.load_history WHERE status = 'loaded'});
	my $uri = $stage{uri} // 's3://lake/large/';
	my $options = $stage{options} // '{}';
	my $session = session(($stage{set} // '') . "SELECT etl.load('$stage{table}', '$uri', 'text', '$options')");
	if ($stage eq 'writing the errors')
	{
		$etl->wait_until(q{SELECT count(*) > 0 FROM pg_stat_activity WHERE backend_type = 'pg_etl load errors' AND wait_event_type = 'Lock'});
	}
	elsif ($stage{worker})
	{
		ok($etl->wait_for_processes($worker, 1), "$stage, $name: a process reads");
	}
	$etl->wait_until("SELECT $stage{wait} FROM pg_stat_activity WHERE pid = $session->{pid}");
	my $start = time;
	$do->($session->{pid});
	eval { $session->{run}->finish };
	cmp_ok(time - $start, '<', 2, "$stage, $name: soon") unless $crash;
	$etl->wait_for_server if $crash;
	like($session->{stderr}, $expected, "$stage, $name: $expected");
	ok($etl->wait_for_processes($helpers, 0, 2), "$stage, $name: no process is left");
	if ($crash && $holder)
	{
		eval { $holder->{run}->finish };
	}
	elsif ($holder)
	{
		$holder->quit;
	}
	$etl->reset_aws;
	$etl->sql_is("SELECT string_agg(name, '') FROM $stage{table}", 'before', "$stage, $name: the table is as it was");
	$etl->sql_is(q{SELECT count(*) FROM etl.load_history WHERE status = 'loaded'}, $loaded, "$stage, $name: none is in the history");
	$etl->sql_is(q{SELECT count(*) FROM pg_prepared_xacts}, '0', "$stage, $name: and nothing waits");
}

my $gone = qr/server closed the connection unexpectedly|connection to server was lost/;
foreach my $stage (sort keys %stages)
{
	at($stage, 'cancelled', sub { $etl->sql("SELECT pg_cancel_backend($_[0])") }, qr/ERROR:  57014: canceling statement due to user request/);
	at($stage, 'ended', sub { $etl->sql("SELECT pg_terminate_backend($_[0])") }, qr/FATAL:  57P01: terminating connection/);
	at($stage, 'killed', sub { kill('KILL', $_[0]) }, $gone, 1);
	next unless $stages{$stage}{worker};
	my $only = sub { my ($pid) = $etl->processes($worker); return $pid; };
	# a trigger that waits for a lock is waited for
	if ($stage ne 'inserting')
	{
		at($stage, 'its process ended', sub { kill('TERM', $only->()) },
			qr/ERROR:  58000: the process that reads the load's files is gone.*HINT:  The server's log says why\. Nothing was loaded\./s);
	}
	at($stage, 'its process killed', sub { kill('KILL', $only->()) }, $gone, 1);
}

# What the process has to say isn't waited for either, when the bytes that follow don't come
$etl->put_object('lake', 'endless', 'x' x 6_000_000);
$etl->faults({ method => 'GET', key => 'endless', do => 'stall', after => 5_000_000, times => 0 });
my $begin = time;
$etl->sql_fails(q{SELECT etl.load('t', 's3://lake/endless')}, 'an error amid a stall', qr{54000: .*longer than 4 MB.*endless", line 1\.}s);
cmp_ok(time - $begin, '<', 5, 'is raised soon');
$etl->reset_aws;

# With a process and without, if it isn't to be, or isn't to be had
my $sum = "SELECT count(*), sum(id), sum(length(name)) FROM t";
my $expected = (2 * $rows) . "\n" . (2 * $rows) . '|' . $rows * (2 * $rows + 1) . '|' . 200 * $rows;
my $load = q{DELETE FROM t; SELECT etl.load('t', 's3://lake/large/')};
my $wrong = q{DELETE FROM t; SELECT etl.load('t', 's3://lake/wrong', 'text', '{"maxerror": 1000}');
	SELECT count(*), md5(string_agg(concat_ws(',', line, column_name, position, raw_line, raw_value, code, reason), '' ORDER BY line))
	FROM etl.load_error WHERE load_id = redshift.pg_last_copy_id()};
$etl->sql_is("SET etl.load_worker = $_; $load; $sum", $expected, "the rows, worker $_") foreach 'on', 'off';
my $with = $etl->sql("SET etl.load_worker = on; $wrong");
my $good = $rows - $rows / 1000;
like($with, qr/^$good\n60\|/, 'what is rejected');
$etl->sql_is("SET etl.load_worker = off; $wrong", $with, 'is the same without');
my $single = q{\set VERBOSITY verbose
	TRUNCATE t;
	SELECT etl.load('t', 's3://lake/wrong')};
my @said = map { my (undef, undef, $error) = $node->psql('postgres', "SET etl.load_worker = $_;\n$single"); $error =~ s/query = \d+//r } 'on', 'off';
is($said[0], $said[1], 'and so is the error');
like($said[0], qr{22P02: .*wrong", line 1000, column "id": "x1000"}s, 'which says where');

# Nor is one to be had when there is no room for the memory that is shared with it. A limit on the size of a process's files is
# one on that memory, too, whatever kind it is of. limited($bytes, $loads, $then): the loads of a transaction within that limit.
sub limit_files
{
	my ($pid, $bytes) = @_;
	IPC::Run::run([ 'prlimit', '--pid', $pid, "--fsize=$bytes:" ]) or die 'prlimit';
}
sub wait_for_lock
{
	my ($session, $key) = @_;
	$etl->wait_until("SELECT count(*) = 0 OR bool_or(EXISTS (SELECT FROM pg_locks l WHERE l.pid = a.pid AND objid = $key AND NOT granted))"
		  . " FROM pg_stat_activity a WHERE pid = $session->{pid}");
}
sub limited
{
	my ($bytes, $loads, $then) = @_;
	my ($gate, $exit) = map { my $psql = $node->background_psql('postgres'); $psql->query_safe("SELECT pg_advisory_lock($_)"); $psql } 36, 37;
	my $lock = 'DO $$BEGIN PERFORM pg_advisory_xact_lock(%d); END$$; ';
	my $session = session("SET client_min_messages = debug1; BEGIN; " . sprintf($lock, 36) . "$loads; " . sprintf($lock, 37) . "COMMIT; $then");
	wait_for_lock($session, 36);
	limit_files($session->{pid}, $bytes);
	$gate->quit;
	wait_for_lock($session, 37);
	limit_files($session->{pid}, 'unlimited');
	$exit->quit;
	$session->{run}->finish;
	return ($session->{stdout} =~ s/^\d+\n//r, $session->{stderr});
}
SKIP:
{
	skip('no program prlimit (Debian: util-linux)', 6) if system('command -v prlimit >/dev/null') != 0;
	$etl->put_object('lake', 'short/1', "x|a\n1|b\n");
	# rows that are no larger in the table than the limit lets it be
	$etl->put_object('lake', 'wide/1', join('', map { "$_|" . 'x' x 4000 . "\n" } 1 .. 1100));
	$etl->sql('TRUNCATE t; TRUNCATE etl.load_history, etl.load_file');
	my ($out, $said) = limited(1_900_000, q{SELECT etl.load('t', 's3://lake/wide/')}, $sum);
	is($out, "1100\n1100|605550|4400000\n", 'a load without shared memory');
	like($said, qr/DEBUG:  53\w+: the load is read without a process beside the backend\nDETAIL:  could not (resize|write to) shared memory segment/, 'says so if asked');
	$etl->sql('TRUNCATE t; TRUNCATE etl.load_history, etl.load_file');
	($out, $said) = limited(65536, q{SELECT etl.load('t', 's3://lake/short/', 'text', '{"maxerror": 2}')}, $sum);
	is($out, "1\n1|1|1\n", 'a load whose errors have no memory');
	like($said, qr/WARNING:  53\w+: the errors of the load into public\.t could not be kept\nDETAIL:  could not (resize|write to) shared memory segment/, 'which a warning says');
	$etl->sql_is('SELECT count(*) FROM etl.load_history', '1', 'is in the history');
	unlike($etl->server_log, qr/leak/, 'nothing is leaked');
}

$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\nmax_logical_replication_workers = 0\nmax_worker_processes = 1\n");
$node->restart;
# one load has the only process
my $holder = $node->background_psql('postgres');
$holder->query_safe($hold);
my $first = session(q{SELECT etl.load('before_t', 's3://lake/large/')});
$etl->wait_until("SELECT $advisory FROM pg_stat_activity WHERE pid = $first->{pid}");
is(scalar $etl->processes($worker), 1, 'one load has the only process');
$etl->sql_is("$load; $sum", $expected, 'another one does without');
$etl->sql('TRUNCATE t');
# and one that fails waits for a moment, which is cancelled as any wait
my $start = time;
my (undef, undef, $lost) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT etl.load('t', 's3://lake/wrong')");
like($lost, qr/WARNING:  53400: the errors of the load into public\.t could not be kept.*No background worker is left.*ERROR:  22P02/s, 'no process for its errors: a warning');
cmp_ok(time - $start, '>=', 2, 'after two seconds');
$etl->sql_fails("SET statement_timeout = '1s'; SELECT etl.load('t', 's3://lake/wrong')", 'that wait', qr/ERROR:  57014:/);
my $kept = $etl->sql('SELECT count(*) FROM etl.load_error');
my $second = session(q{SELECT etl.load('t', 's3://lake/wrong')});
$etl->wait_until("SELECT $network FROM pg_stat_activity WHERE pid = $second->{pid}");
$etl->sql("SELECT pg_terminate_backend($first->{pid})");
eval { $_->{run}->finish } foreach $first, $second;
$holder->quit;
unlike($second->{stderr}, qr/WARNING/, 'a process that comes free in time is had');
$etl->sql_is('SELECT count(*) FROM etl.load_error', $kept + 1, 'and the error is kept');

done_testing();

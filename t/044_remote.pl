# The remote executor: one process that is at all external steps of a database. None of them keeps another from going on, a
# transaction open, or an owner's rights; cancels and timeouts reach the other side; what dies with it is repeated.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;
use Time::HiRes qw(time);

my $etl = EtlTest->new(warehouse => 1, conf => "etl.max_executors = 2\nmax_connections = 30\netl.max_remote_steps = 150");
my $node = $etl->primary;
my $warehouse = $etl->warehouse;
my %login = %{ $etl->warehouse_login };

sub there { return $warehouse->safe_psql('postgres', $_[0]); }

$warehouse->append_conf('postgresql.conf', 'max_connections = 250');
$warehouse->restart;
there(q{DROP EXTENSION pg_etl; CREATE ROLE one LOGIN PASSWORD 'one'; CREATE ROLE two LOGIN PASSWORD 'two';
	CREATE TABLE effect (who name, x int); GRANT ALL ON effect TO PUBLIC});
$etl->sql(qq{
	CREATE SERVER far FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '$login{host}', port '$login{port}', dbname 'postgres');
	CREATE SERVER by_name FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'localhost', port '$login{port}', dbname 'postgres');
	CREATE SERVER nowhere FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host 'nowhere.invalid', dbname 'postgres');
	CREATE SERVER silent FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '192.0.2.1', dbname 'postgres', connect_timeout '1');
	CREATE ROLE one LOGIN; SELECT etl.grant_author('one'); CREATE ROLE two LOGIN; SELECT etl.grant_author('two');
	GRANT USAGE ON FOREIGN SERVER far, by_name, nowhere, silent TO one, two});
foreach my $server ('far', 'by_name', 'nowhere', 'silent')
{
	$etl->sql(qq{CREATE USER MAPPING FOR CURRENT_USER SERVER $server OPTIONS ("user" '$login{username}', password '$login{password}');
		CREATE USER MAPPING FOR one SERVER $server OPTIONS ("user" 'one', password 'one')});
}
$etl->sql(q{CREATE USER MAPPING FOR two SERVER far OPTIONS ("user" 'two', password 'two')});

# A workflow of one step on a connection.
sub workflow
{
	my ($name, $sql, %task) = @_;
	my $owner = $task{owner} ? "'$task{owner}'" : 'DEFAULT';
	my %columns = (connection => "'far'", sql => "\$sql\$$sql\$sql\$", map { ($_, $task{$_}) } grep { $_ ne 'owner' } keys %task);
	$etl->sql("INSERT INTO etl.workflow (name, owner) VALUES ('$name', $owner);
		INSERT INTO etl.task (workflow, name, " . join(', ', sort keys %columns) . ") VALUES ('$name', 'step', " .
		join(', ', map { $columns{$_} } sort keys %columns) . ')');
}

sub queue
{
	my ($name, $count) = @_;
	return $etl->sql("SELECT max(etl.run_workflow('$name')) FROM generate_series(1, " . ($count // 1) . ')');
}

sub ends
{
	my ($run, $status, $name, $error) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($etl->sql("SELECT etl.wait_for_run($run, '60 s')"), $status, $name)
	  or diag($etl->sql("SELECT string_agg(t::text, E'\\n') FROM etl.task_run t WHERE run_id = $run"));
	like($etl->sql("SELECT coalesce(error, '') FROM etl.run_status WHERE run_id = $run"), $error, "$name: error") if $error;
}

# How many of ours are at it over there.
my $at_it = q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_etl' AND state = 'active'};
sub wait_until_there
{
	my ($count) = @_;
	$warehouse->poll_query_until('postgres', "SELECT ($at_it) = $count") or die "not $count: " . there($at_it);
}

sub remote_pid { return $etl->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl remote executor'}); }

# A gate over there: steps wait behind it until it is opened.
my $gate = $warehouse->background_psql('postgres');
sub close_gate { $gate->query_safe('SELECT pg_advisory_lock(1)'); }
sub open_gate { $gate->query_safe('SELECT pg_advisory_unlock(1)'); }
workflow('gate', 'SELECT pg_advisory_lock_shared(1)', owner => 'one');

# --- Many at a time, more than there are places
close_gate();
queue('gate', 200);
wait_until_there(150);
$etl->sql_is(q{SELECT count(DISTINCT worker_pid) = 1, count(*) FROM etl.task_status WHERE status = 'running'}, 't|150',
	'150 steps run in one process');
$etl->sql_is(q{SELECT count(*) FROM etl.task_status WHERE status = 'queued'}, '50', 'the others wait for a place');
$etl->sql_is(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_etl remote executor' AND backend_xmin IS NULL
	AND backend_xid IS NULL AND xact_start IS NULL}, '1', 'which has no transaction open');
$etl->sql_is(q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_etl executor'}, '0', 'and needs no executor');
workflow('here', 'SELECT 1', connection => 'NULL');
ends(queue('here'), 'succeeded', 'a step here does not wait for them');
open_gate();
$etl->wait_until(q{SELECT count(*) = 201 FROM etl.run WHERE status = 'succeeded'});
pass('all succeed');

# --- Owners
workflow("writes $_", "INSERT INTO effect SELECT current_user, generate_series(1, 3)", owner => $_) foreach 'one', 'two';
queue("writes $_", 20) foreach 'one', 'two';
$etl->wait_until(q{SELECT count(*) = 40 FROM etl.run WHERE workflow LIKE 'writes%' AND status = 'succeeded'});
is(there('SELECT string_agg(who || count, $$ $$ ORDER BY who) FROM (SELECT who, count(*) FROM effect GROUP BY 1) e'), 'one60 two60',
	'each owner is who the mapping says');
$etl->sql_is(q{SELECT DISTINCT rows FROM etl.task_status WHERE workflow LIKE 'writes%'}, '3', 'rows are counted');
workflow('no mapping', 'SELECT 1', owner => 'two', connection => q{'by_name'});
ends(queue('no mapping'), 'failed', 'an owner without a mapping', qr/user mapping not found for "two"/);
$etl->sql('REVOKE USAGE ON FOREIGN SERVER far FROM two');
ends(queue('writes two'), 'failed', 'an owner who may not use the server', qr/permission denied for foreign server far/);
$etl->sql('GRANT USAGE ON FOREIGN SERVER far TO two; ALTER ROLE two NOLOGIN');
ends(queue('writes two'), 'failed', 'an owner who may not log in', qr/cannot run as role two: the role has no LOGIN/);
$etl->sql('ALTER ROLE two LOGIN');

# --- Errors are each step's own
workflow('fails', 'SELECT 1; SELECT 1 / 0', owner => 'one');
workflow('by name', 'SELECT 1', connection => q{'by_name'});
workflow('nowhere', 'SELECT 1', connection => q{'nowhere'});
workflow('silent', 'SELECT 1', connection => q{'silent'});
workflow('copies', 'COPY effect TO STDOUT', owner => 'one');
workflow('leaves open', 'BEGIN; SELECT 1', owner => 'one');
workflow('nothing', ' ; -- nothing', owner => 'one');
close_gate();
queue('gate', 20);
wait_until_there(20);
my ($nowhere, $silent) = (queue('nowhere'), queue('silent'));
ends(queue('fails'), 'failed', 'a statement that fails', qr/division by zero/);
$etl->sql_is(q{SELECT error_context FROM etl.task_run WHERE run_id = (SELECT max(run_id) FROM etl.run)},
	qq{on connection "far"\nstatement 2 (line 1)}, 'says which');
ends(queue('copies'), 'failed', 'copy data', qr/COPY from or to the client is not supported/);
ends(queue('leaves open'), 'failed', 'a transaction left open', qr/leaves a transaction open/);
ends(queue('nothing'), 'succeeded', 'a script of nothing');
ends(queue('by name'), 'succeeded', 'a host with a name');
ends($nowhere, 'failed', 'a host that there is not', qr/could not connect to "nowhere"/);
$etl->sql_is("SELECT sqlstate FROM etl.task_status WHERE run_id = $nowhere", '08001', 'its SQLSTATE');
ends($silent, 'failed', 'a host that does not answer', qr/could not connect to "silent"/);
is(there($at_it), 20, 'the others go on meanwhile');

# --- Questions come first, in SQL, as the owner
workflow('asks', 'INSERT INTO effect VALUES (current_user, 100)', owner => 'one', condition => q{$$current_user = 'one'$$});
workflow('skips', 'SELECT 1', owner => 'one', condition => q{$$current_user <> 'one'$$});
workflow('waits', 'SELECT 1', owner => 'one', wait_until => q{$$EXISTS (SELECT FROM ready)$$}, poll_interval => q{'100 ms'});
$etl->sql('CREATE TABLE ready (); GRANT SELECT ON ready TO one');
ends(queue('asks'), 'succeeded', 'a condition that holds');
is(there('SELECT count(*) FROM effect WHERE x = 100'), 1, 'and the statement, once');
ends(queue('skips'), 'succeeded', 'one that does not');
$etl->sql_is(q{SELECT status FROM etl.task_status WHERE workflow = 'skips'}, 'skipped', 'skips the step');
my $waits = queue('waits');
$etl->wait_until("SELECT status = 'waiting' FROM etl.task_status WHERE run_id = $waits");
$etl->sql('INSERT INTO ready DEFAULT VALUES');
ends($waits, 'succeeded', 'a step that waits for a condition');

# --- Cancel and timeout reach the other side
my $one = $etl->sql(q{SELECT min(run_id) FROM etl.run WHERE status = 'running'});
my $cancelled_at = time;
$etl->sql("SELECT etl.cancel_run($one)");
wait_until_there(19);
cmp_ok(time - $cancelled_at, '<', 2, 'one of many is cancelled, over there too, within 2 s');
$etl->wait_until("SELECT status = 'cancelled' FROM etl.task_status WHERE run_id = $one");
$cancelled_at = time;
$etl->sql(q{SELECT count(etl.cancel_run(run_id)) FROM etl.run WHERE status = 'running'});
wait_until_there(0);
cmp_ok(time - $cancelled_at, '<', 2, 'and all the others');
$etl->wait_until(q{SELECT count(*) = 20 FROM etl.task_status WHERE status = 'cancelled'});
workflow('slow', 'SELECT pg_advisory_lock_shared(1)', owner => 'one', timeout => q{'300 ms'}, retries => 1, retry_delay => q{'10 ms'});
ends(queue('slow'), 'failed', 'a timeout', qr/ran longer than its timeout of 0.3 s/);
$etl->sql_is(q{SELECT count(*) FROM etl.task_status WHERE workflow = 'slow' AND status = 'timed_out'}, '2', 'is repeated as the task says');
wait_until_there(0);
pass('and cancels its statement');

# --- A run that somebody has locked is in nobody's way
my $locker = $node->background_psql('postgres');
my $locked = queue('gate');
wait_until_there(1);
$locker->query_safe("BEGIN; SELECT FROM etl.run WHERE run_id = $locked FOR UPDATE");
open_gate();
wait_until_there(0);
ends(queue('by name'), 'succeeded', 'a step beside one whose run is locked');
$etl->sql_is("SELECT status FROM etl.task_status WHERE run_id = $locked", 'running', 'which is not recorded yet');
$locker->query_safe('COMMIT');
ends($locked, 'succeeded', 'but then');

# Nor are many: those that come after them are claimed, and others have their turns
$etl->sql(q{INSERT INTO etl.pool (name, slots) VALUES ('closed', 0)});
workflow('pooled', 'SELECT 1', owner => 'one', pool => q{'closed'});
my $last = queue('pooled', 20);
$locker->query_safe("BEGIN; SELECT FROM etl.run WHERE workflow = 'pooled' AND run_id < $last - 5 FOR UPDATE");
$etl->sql(q{UPDATE etl.pool SET slots = 20});
ends($_, 'succeeded', 'a step that comes after those whose runs are locked') foreach $last - 5, $last;
ends(queue('by name'), 'succeeded', 'and one of another run');
$locker->query_safe('COMMIT');
$etl->wait_until(q{SELECT count(*) = 0 FROM etl.run WHERE workflow = 'pooled' AND finished_at IS NULL});
pass('then they are claimed');

# --- A record that fails is its step's alone, and repeated
$etl->sql(q{CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN
		IF (SELECT backend_type FROM pg_stat_activity WHERE pid = pg_backend_pid()) = 'pg_etl remote executor' THEN
			RAISE 'no room';
		END IF;
		RETURN OLD;
	END$$;
	CREATE TRIGGER refuse BEFORE DELETE ON etl.running FOR EACH ROW EXECUTE FUNCTION refuse()});
my $recorder = remote_pid();
queue('writes one', 20);
$etl->wait_until(q{SELECT count(DISTINCT run_id) = 20 FROM etl.task_run WHERE process_end = 'stopped'});
$etl->sql('DROP TRIGGER refuse ON etl.running');
$etl->wait_until(q{SELECT count(*) = 0 FROM etl.run WHERE workflow = 'writes one' AND finished_at IS NULL});
$etl->sql_is(q{SELECT count(*) FROM etl.run JOIN (SELECT DISTINCT run_id FROM etl.task_run WHERE process_end = 'stopped') t USING (run_id)
	WHERE status = 'succeeded'}, '20', 'steps that could not be recorded are repeated');
is(remote_pid(), $recorder, 'by the same process');

# --- The other side goes
close_gate();
my $killed = queue('gate');
wait_until_there(1);
there(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'pg_etl' AND state = 'active'});
ends($killed, 'failed', 'a backend over there that is ended', qr/terminating connection/);
workflow('persistent', 'SELECT pg_advisory_lock_shared(1)', owner => 'one', retries => 30, retry_delay => q{'200 ms'}, retry_backoff => 1);
queue('gate', 10);
my $persistent = queue('persistent');
wait_until_there(11);
$gate->quit;
$warehouse->restart('immediate');
$etl->wait_until(q{SELECT count(*) = 0 FROM etl.run WHERE workflow = 'gate' AND finished_at IS NULL});
$etl->sql_is(q{SELECT string_agg(DISTINCT status || ' ' || sqlstate, ', ') FROM (SELECT * FROM etl.task_status WHERE workflow = 'gate'
	ORDER BY run_id DESC LIMIT 10) t WHERE status <> 'failed' OR sqlstate NOT IN ('57P01', '57P02', '08006')}, '', 'a warehouse that crashes fails what it was at');
ends($persistent, 'succeeded', 'what is repeated succeeds when it is back');

# --- The process goes
$gate = $warehouse->background_psql('postgres');
close_gate();
queue('gate', 50);
wait_until_there(50);
my $pid = remote_pid();
$etl->sql("SELECT pg_cancel_backend($pid)");
$etl->sql("SELECT pg_terminate_backend($pid)");
$etl->wait_until(q{SELECT count(*) = 50 FROM etl.task_status WHERE status = 'running' AND attempt = 2});
wait_until_there(50);
$etl->sql_is(q{SELECT count(*) FROM etl.task_run JOIN etl.run USING (run_id) WHERE process_end = 'stopped' AND workflow = 'gate'}, '50', 'a process that is ended: its steps are stopped over there and repeated');
$pid = remote_pid();
kill('KILL', $pid);
$node->poll_query_until('postgres', q{SELECT count(*) = 50 FROM etl.task_status WHERE status = 'running' AND attempt = 3})
  or die 'not repeated';
$etl->sql_is(q{SELECT count(*) FROM etl.task_run WHERE process_end = 'crashed'}, '0', 'one that is killed while they wait: none is to blame');
isnt(remote_pid(), $pid, 'another process has them');
$node->stop('fast');
$node->start;
$etl->wait_until(q{SELECT count(*) = 50 FROM etl.task_status WHERE status = 'running' AND attempt = 4});
pass('and goes on with them when it is back');
$etl->sql('BEGIN; DROP EXTENSION pg_etl CASCADE; ROLLBACK');
pass('DROP EXTENSION does not wait for them');
$etl->wait_until(q{SELECT count(*) = 50 FROM etl.task_status WHERE status = 'running' AND attempt = 5});
open_gate();
$etl->wait_until(q{SELECT count(*) = 0 FROM etl.run WHERE finished_at IS NULL});
$etl->sql_is(q{SELECT count(*) FROM etl.task_status WHERE attempt = 5 AND status = 'succeeded'}, '50', 'and all succeed in the end');

# --- A step whose turn ends the process is not repeated for ever: here the journal says so
close_gate();
my $guilty = queue('gate');
wait_until_there(1);
foreach my $attempt (1 .. 3)
{
	$etl->wait_until("SELECT count(*) = 1 FROM etl.task_status WHERE run_id = $guilty AND status = 'running' AND attempt = $attempt");
	my ($step, $oid) = split /\|/, $etl->sql("SELECT task_run_id, (SELECT oid FROM pg_database WHERE datname = 'postgres')
		FROM etl.task_run WHERE run_id = $guilty AND status = 'running'");
	$node->stop('immediate');
	blame($guilty, $step, $oid);
	$node->start;
}
ends($guilty, 'failed', 'a step that ends the process three times', qr/died/);
open_gate();

# --- Memory is bounded
my $peak = sub { return $etl->sql("SELECT substring(pg_read_file('/proc/" . remote_pid() . "/status') FROM 'VmHWM:\\s+(\\d+)')") };
ends(queue('by name'), 'succeeded', 'a process to look at');
my $before = $peak->();
workflow('big', q{SELECT repeat('x', 500) FROM generate_series(1, 200000)}, owner => 'one');
queue('big', 5);
$etl->wait_until(q{SELECT count(*) = 5 FROM etl.task_status WHERE workflow = 'big' AND status = 'succeeded' AND rows = 200000});
cmp_ok($peak->() - $before, '<', 10 * 1024, 'five results of 100 MB take less than 10 MB');

$gate->quit;
$locker->quit;
done_testing();

# Leave an entry in the journal as a crash in the step's turn would.
sub blame
{
	my ($run, $step, $database) = @_;
	my $bytes = pack('q q q L', $step, $run, 0, $database);
	my $crc = 0xFFFFFFFF;
	foreach my $byte (unpack 'C*', $bytes)
	{
		$crc ^= $byte;
		$crc = $crc & 1 ? ($crc >> 1) ^ 0x82F63B78 : $crc >> 1 foreach 1 .. 8;
	}
	my $journal = $node->data_dir . '/pg_stat_tmp/pg_etl.journal';
	open(my $file, '>:raw', $journal) or die "open $journal: $!";
	print $file $bytes . pack('L<', $crc ^ 0xFFFFFFFF);
	close $file;
}

# Steps that wait for a token, or for another run: what time, crashes and many of them do. No process is held.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

my $etl = EtlTest->new(conf => 'etl.max_executors = 4');
my $node = $etl->primary;

$etl->sql(q{CREATE TABLE request (run_id bigint, task text, attempt int, token text)});
my $ask = q{INSERT INTO request VALUES (:run_id, :'task', :attempt, :'task_token')};

# A workflow of one step that asks and waits; its columns besides.
sub define
{
	my ($name, %task) = @_;
	$task{$_} = "'$task{$_}'" foreach grep { $_ ne 'sql' } keys %task;
	$task{sql} = '$sql$' . ($task{sql} // $ask) . '$sql$';
	my @columns = sort keys %task;
	$etl->sql("INSERT INTO etl.workflow (name) VALUES ('$name');
		INSERT INTO etl.task (workflow, name, wait_for_token, " . join(', ', @columns) . ")
		VALUES ('$name', 'ask', true, " . join(', ', map { $task{$_} } @columns) . ')');
}

sub run { return $etl->sql("SELECT etl.run_workflow('$_[0]')"); }

sub token
{
	my ($run, $attempt) = @_;
	$attempt //= 1;
	$etl->wait_until(qq{SELECT count(*) = 1 FROM etl.task_status WHERE run_id = $run AND attempt = $attempt AND waiting_for LIKE 'token%'});
	return $etl->sql("SELECT token FROM request WHERE run_id = $run AND attempt = $attempt");
}

sub ends
{
	my ($run, $status, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($etl->sql("SELECT etl.wait_for_run($run, '60 s')"), $status, $name)
	  or diag($etl->sql("SELECT error FROM etl.run_status WHERE run_id = $run"));
}

# --- Time
define('late', timeout => '1 hour', retries => 1, retry_delay => 0);
my $run = run('late');
my $first = token($run);
like($etl->sql("SELECT waiting_for FROM etl.task_status WHERE run_id = $run"), qr/^token until 2/, 'until when it waits');
$etl->set_clock(3700);
my $second = token($run, 2);
$etl->sql_is("SELECT status, sqlstate, error, error_detail FROM etl.task_run WHERE run_id = $run AND attempt = 1",
	'timed_out|57014|task "ask" was ended: it took longer than its timeout of 3600 s|States.Timeout: nobody ended it with its token.',
	'an attempt whose time is over');
$etl->sql_fails("SELECT etl.complete_task('$first')", 'its token', qr/42704/, qr/no step waits/);
$etl->sql("SELECT etl.complete_task('$second')");
ends($run, 'succeeded', 'the next has all its time');
$etl->set_clock(0);

define('beats', heartbeat => '1 minute', timeout => '10 minutes');
$run = run('beats');
my $token = token($run);
$etl->set_clock(50);
$etl->sql("SELECT etl.heartbeat_task('$token')");
$etl->wait_until('SELECT count(*) = 0 FROM etl.signal');
$etl->set_clock(100);
$etl->sql_is("SELECT status FROM etl.task_status WHERE run_id = $run", 'waiting', 'a heartbeat gives it another minute');
$etl->sql("SELECT etl.heartbeat_task('$token')");
$etl->wait_until('SELECT count(*) = 0 FROM etl.signal');
$etl->set_clock(170);
ends($run, 'failed', 'one that is missing ends it');
$etl->sql_is("SELECT status, sqlstate, error FROM etl.task_run WHERE run_id = $run",
	'timed_out|57014|task "ask" was ended: no heartbeat came for 60 s', 'and says so');
$etl->set_clock(0);

# --- Who comes first, the word or the time: a word that is there when the time is over counts, whenever it is acted on.
define('race', timeout => '1 hour');
$run = run('race');
$token = token($run);
my $speaker = $node->background_psql('postgres');
my $locker = $node->background_psql('postgres');
$locker->query_safe("BEGIN; SELECT FROM etl.run WHERE run_id = $run FOR UPDATE");
$speaker->query_safe("SELECT etl.complete_task('$token', '{\"in\": \"time\"}')");
$etl->set_clock(3700);
$locker->query_safe('COMMIT');
ends($run, 'succeeded', 'a word in time');
$etl->set_clock(0);
$run = run('race');
$token = token($run);
$locker->query_safe("BEGIN; SELECT FROM etl.run WHERE run_id = $run FOR UPDATE");
$etl->set_clock(3700);
$etl->sql_fails("SELECT etl.complete_task('$token')", 'a word too late', qr/55000/, qr/has timed out/);
$locker->query_safe('COMMIT');
ends($run, 'failed', 'is no word');
$etl->set_clock(0);
$run = run('race');
$token = token($run);
$speaker->query_safe("BEGIN; SELECT etl.complete_task('$token')");
$etl->set_clock(3700);
ends($run, 'failed', 'nor is one that is not committed when time is over');
$speaker->query_safe('COMMIT');
$etl->wait_until('SELECT count(*) = 0 FROM etl.signal');
$etl->set_clock(0);

# --- A word that comes before the step has done its part, and one that it waits for
define('early', sql => "CALL publish(:'task_token'); SELECT pg_advisory_lock_shared(7)");
my $dblink = $etl->sql(q{SELECT count(*) FROM pg_available_extensions WHERE name = 'dblink'});
# At once, for all to see, by somebody else's transaction.
$etl->sql(q{CREATE EXTENSION dblink; CREATE TABLE published (token text);
	CREATE PROCEDURE publish(token text) LANGUAGE plpgsql AS $$ BEGIN
		PERFORM dblink_exec(format('dbname=postgres host=%s port=%s', split_part(current_setting('unix_socket_directories'), ',', 1),
			current_setting('port')), format('INSERT INTO published VALUES (%L)', token));
	END $$}) if $dblink;
SKIP:
{
	skip 'no dblink here', 5 unless $dblink;
	$locker->query_safe('SELECT pg_advisory_lock(7)');
	$run = run('early');
	$etl->wait_until('SELECT count(*) = 1 FROM published');
	$token = $etl->sql('SELECT token FROM published');
	$etl->sql("SELECT etl.complete_task('$token', '{\"early\": 1}')");
	$etl->sql_fails("SELECT etl.complete_task('$token')", 'a second word, early too', qr/55000/);
	$etl->sql_is("SELECT status FROM etl.task_status WHERE run_id = $run", 'running', 'it is still at it');
	$locker->query_safe('SELECT pg_advisory_unlock(7)');
	ends($run, 'succeeded', 'an early word is kept');
	$etl->sql_is("SELECT output FROM etl.task_run WHERE run_id = $run", '{"early": 1}', 'with what it said');
}

# --- Crashes: what waits, waits on; what was said is acted on; what a child's end says is not lost
define('crash');
$etl->sql(q{INSERT INTO etl.workflow (name) VALUES ('outer');
	INSERT INTO etl.task (workflow, name, resource, arguments) VALUES
		('outer', 'call', 'arn:aws:states:::states:startExecution.sync:2', '{"StateMachineArn": "crash"}')});
my $outer = run('outer');
$etl->wait_until(qq{SELECT count(*) = 1 FROM etl.run WHERE parent_run_id = $outer});
my $inner = $etl->sql("SELECT run_id FROM etl.run WHERE parent_run_id = $outer");
$token = token($inner);
$node->stop('immediate');
$node->start;
$etl->sql_is("SELECT waiting_for FROM etl.task_status WHERE run_id IN ($outer, $inner) ORDER BY run_id", "run $inner\ntoken",
	'both wait after a crash');
$locker = $node->background_psql('postgres');
$locker->query_safe("BEGIN; SELECT FROM etl.run WHERE run_id = $inner FOR UPDATE");
$etl->sql("SELECT etl.complete_task('$token', '{\"after\": \"crash\"}')");
$node->stop('immediate');
$node->start;
ends($outer, 'succeeded', 'a word that nobody had acted on when the server crashed');
$etl->sql_is("SELECT output -> 'Output' FROM etl.task_run WHERE run_id = $outer", '{"ask": {"after": "crash"}}', 'comes all the way');
$locker = $node->background_psql('postgres');

# The scheduler is gone when a child ends: its end is found by the next. (Locked, so that it can't be acted on before.)
$outer = run('outer');
$etl->wait_until(qq{SELECT count(*) = 1 FROM etl.run WHERE parent_run_id = $outer});
$inner = $etl->sql("SELECT run_id FROM etl.run WHERE parent_run_id = $outer");
$token = token($inner);
$locker->query_safe("BEGIN; SELECT FROM etl.run WHERE run_id = $outer FOR UPDATE");
$etl->sql("SELECT etl.complete_task('$token')");
ends($inner, 'succeeded', 'a child ends');
$etl->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_etl scheduler'});
$locker->query_safe('COMMIT');
ends($outer, 'succeeded', 'and its parent, by another scheduler');

# --- The time of a step that waits for a run takes the run along
$etl->sql(q{UPDATE etl.task SET timeout = '1 hour' WHERE workflow = 'outer'});
$outer = run('outer');
$etl->wait_until(qq{SELECT count(*) = 1 FROM etl.run WHERE parent_run_id = $outer});
$inner = $etl->sql("SELECT run_id FROM etl.run WHERE parent_run_id = $outer");
token($inner);
$etl->set_clock(3700);
ends($outer, 'failed', 'a step that has waited too long');
ends($inner, 'cancelled', 'cancels the run');
like($etl->sql("SELECT error_detail FROM etl.task_run WHERE run_id = $outer"), qr/run $inner went on, and was cancelled/, 'and says so');
$etl->set_clock(0);

# --- A crash while the step is at its part: it asks anew, and the token from before is worth nothing
define('twice', sql => "$ask; SELECT pg_sleep(CASE :attempt WHEN 1 THEN 600 ELSE 0 END)");
$run = run('twice');
$etl->wait_until(qq{SELECT count(*) = 1 FROM etl.task_status WHERE run_id = $run AND status = 'running' AND worker_pid IS NOT NULL});
$etl->sql("SELECT pg_terminate_backend(worker_pid) FROM etl.task_status WHERE run_id = $run AND status = 'running'");
$token = token($run, 2);
$etl->sql_is("SELECT count(*) FROM request WHERE run_id = $run", 1, 'what the first attempt wrote is gone');
$etl->sql_is('SELECT count(*) FROM etl.suspended', 1, 'so is its token');
$etl->sql("SELECT etl.complete_task('$token')");
ends($run, 'succeeded', 'the second is answered');

# --- A statement on a connection has its token, too, over there
my ($host, $port, $user) = ($node->host, $node->port, $etl->sql('SELECT current_user'));
$etl->sql("CREATE SERVER here FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER here OPTIONS (user '$user', password 'none')");
define('far', sql => "INSERT INTO public.request VALUES (:run_id, 'ask', :attempt, :'task_token')", connection => 'here', timeout => '1 hour');
$run = run('far');
$token = token($run);
$etl->sql_is("SELECT rows FROM etl.task_run WHERE run_id = $run", 1, 'a step on a connection waits');
$etl->sql_is('SELECT count(*) FROM etl.running', 0, 'and runs no more');
$etl->sql("SELECT etl.complete_task('$token', '[1]')");
ends($run, 'succeeded', 'until it is answered');
$etl->sql_is("SELECT output FROM etl.task_run WHERE run_id = $run", '[1]', 'with the answer');

# --- Ten thousand
$etl->sql(qq{INSERT INTO etl.workflow (name) VALUES ('many');
	INSERT INTO etl.task (workflow, name, sql, wait_for_token)
		VALUES ('many', 'ask', \$sql\$$ask\$sql\$, true);
	INSERT INTO etl.run (workflow) SELECT 'many' FROM generate_series(1, 10000)});
$etl->wait_until(q{SELECT count(*) = 10000 FROM etl.suspended WHERE since IS NOT NULL});
$etl->wait_until(q{SELECT count(*) = 0 FROM etl._activity()});
pass('ten thousand wait, and no executor is there');
$etl->sql_is(q{SELECT count(*) FROM etl.signal}, 0, 'nothing is left to do');
$etl->sql(q{SELECT etl.complete_task(token) FROM request JOIN etl.run USING (run_id) WHERE workflow = 'many'});
$etl->wait_until(q{SELECT count(*) = 10000 FROM etl.run WHERE workflow = 'many' AND status = 'succeeded'});
pass('all are answered by one statement');
$etl->sql_is(q{SELECT (SELECT count(*) FROM etl.suspended) + (SELECT count(*) FROM etl.signal)}, 0, 'and gone');

done_testing();

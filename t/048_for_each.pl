# Tasks that run once for each row of a query, while executors die, runs are cancelled and steps wait for others: each item takes
# effect exactly once, and the counts are right.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $kills = $ENV{ETL_KILLS} // 8;
my $etl = EtlTest->new(conf => 'etl.max_executors = 4');
my $node = $etl->primary;
$etl->sql('CREATE TABLE effect (run_id bigint, item int)');

# A workflow of one task, queued; the run's id.
sub queue
{
	my ($name, %task) = @_;
	$etl->sql("INSERT INTO etl.workflow (name) VALUES ('$name')");
	my $columns = join ', ', sort keys %task;
	my $values = join ', ', map { "\$v\$$task{$_}\$v\$" } sort keys %task;
	$etl->sql("INSERT INTO etl.task (workflow, name, $columns) VALUES ('$name', 'each', $values)");
	return $etl->sql("SELECT etl.run_workflow('$name')");
}

sub counts_are_right
{
	my ($run, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$etl->sql_is(
		qq{WITH last AS (SELECT DISTINCT ON (item) item, status, rows FROM etl.task_run WHERE run_id = $run AND item > 0 ORDER BY item, attempt DESC)
			SELECT t.items = count(*), t.items_succeeded = count(*) FILTER (WHERE l.status = 'succeeded'),
				t.items_failed = count(*) FILTER (WHERE l.status IN ('failed', 'timed_out')), t.rows IS NOT DISTINCT FROM sum(l.rows) FILTER (WHERE l.status = 'succeeded')
			FROM (SELECT * FROM etl.task_run WHERE run_id = $run AND item = 0 ORDER BY attempt DESC LIMIT 1) t, last l
			GROUP BY t.items, t.items_succeeded, t.items_failed, t.rows}, 't|t|t|t', "$name: counts");
	$etl->sql_is(
		qq{SELECT count(*) FROM (SELECT item FROM etl.task_run WHERE run_id = $run AND item > 0 AND status = 'succeeded') s
			FULL JOIN (SELECT item, count(*) AS n FROM effect WHERE run_id = $run GROUP BY item) e USING (item)
			WHERE s.item IS NULL OR e.n IS DISTINCT FROM 1}, '0', "$name: each item that succeeded took effect once, and no other");
}

# --- No more than max_parallel, and how far it is
my $locker = $node->background_psql('postgres');
$locker->query_safe('SELECT pg_advisory_lock(1)');
my $effect = 'INSERT INTO effect VALUES (:run_id, :item_number); SELECT pg_advisory_xact_lock_shared(1)';
my $run = queue('parallel', sql => "$effect WHERE :item_number > 2", for_each => 'SELECT FROM generate_series(1, 7)', max_parallel => 2);
$etl->wait_until(q{SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted});
$etl->sql_is("SELECT status, waiting_for FROM etl.task_status WHERE run_id = $run AND item IS NULL",
	'running|items, 2 of 7 have ended', 'a task waits for its items');
$etl->sql_is("SELECT string_agg(concat_ws(' ', item, status, CASE WHEN status = 'waiting' THEN waiting_for END), ', ' ORDER BY item) FROM etl.task_status WHERE run_id = $run AND item > 2",
	'3 running, 4 running, 5 waiting items before it, 6 waiting items before it, 7 waiting items before it', 'and items for those before them');
$etl->sql_is("SELECT count(*) FROM etl.task_run WHERE run_id = $run AND item > 0 AND status = 'queued'", '2', 'no more of them are queued');

# --- Cancelled in the middle, and carried on with the same list
is($etl->sql("SELECT etl.cancel_run($run)"), 't', 'it is cancelled');
$etl->wait_until("SELECT count(*) = 0 FROM etl.task_status WHERE run_id = $run AND status IN ('queued', 'running', 'waiting')");
$etl->sql_is("SELECT status, count(*) FROM etl.task_status WHERE run_id = $run AND item IS NOT NULL GROUP BY 1 ORDER BY 1",
	"cancelled|5\nsucceeded|2", 'with all that had not ended');
counts_are_right($run, 'cancelled');
$locker->query_safe('SELECT pg_advisory_unlock(1)');
$etl->sql(q{UPDATE etl.task SET for_each = 'SELECT 1 / 0' WHERE workflow = 'parallel'});
is($etl->sql("SELECT etl.retry_run($run)"), 't', 'it is carried on');
is($etl->sql("SELECT etl.wait_for_run($run)"), 'succeeded', 'to its end');
counts_are_right($run, 'carried on');
$etl->sql_is("SELECT max(item), count(*) FROM etl.task_run WHERE run_id = $run AND item > 0", '7|9', 'what was not tried before was tried once');

# --- One failure too many ends what runs
$locker->query_safe('SELECT pg_advisory_lock(1)');
$run = queue('strict', sql => q{INSERT INTO effect VALUES (:run_id, :item_number); SELECT 1 / (:item_number - 3); SELECT pg_advisory_xact_lock_shared(1)},
	for_each => 'SELECT FROM generate_series(1, 6)', max_parallel => 3);
is($etl->sql("SELECT etl.wait_for_run($run)"), 'failed', 'a task of which an item fails');
like($etl->sql("SELECT error FROM etl.run_status WHERE run_id = $run"), qr/^each: 1 of 6 items failed, first item 3: division by zero$/, 'says which');
$etl->wait_until("SELECT count(*) = 0 FROM etl.task_status WHERE run_id = $run AND status IN ('queued', 'running', 'waiting')");
$etl->sql_is("SELECT string_agg(concat_ws(' ', item, status), ', ' ORDER BY item) FROM etl.task_status WHERE run_id = $run AND item > 0",
	'1 cancelled, 2 cancelled, 3 failed, 4 cancelled, 5 cancelled, 6 cancelled', 'ends the others');
like($etl->sql("SELECT error FROM etl.task_run WHERE run_id = $run AND item = 1"), qr/too many items/, 'which say why');
counts_are_right($run, 'one failure too many');
$locker->query_safe('SELECT pg_advisory_unlock(1)');

# --- Items that wait for a token
$etl->sql('CREATE TABLE tokens (item int, token text)');
$run = queue('tokens', sql => q{INSERT INTO tokens VALUES (:item_number, :'task_token')}, wait_for_token => 'true',
	for_each => 'SELECT FROM generate_series(1, 5)', max_parallel => 2, tolerate => '20%');
foreach my $item (1 .. 5)
{
	$etl->wait_until("SELECT count(*) = 1 FROM tokens WHERE item = $item");
	$etl->sql($item == 2 ? "SELECT etl.fail_task(token, 'no') FROM tokens WHERE item = $item"
		: "SELECT etl.complete_task(token) FROM tokens WHERE item = $item");
}
is($etl->sql("SELECT etl.wait_for_run($run)"), 'succeeded', 'items that wait for a token');
$etl->sql_is("SELECT output FROM etl.task_run WHERE run_id = $run AND item = 0", '{"items": 5, "failed": 1}', 'are counted');
$etl->sql('TRUNCATE tokens');
$run = $etl->sql("SELECT etl.run_workflow('tokens')");
$etl->wait_until('SELECT count(*) = 2 FROM tokens');
$etl->wait_until("SELECT count(*) = 2 FROM etl.task_run WHERE run_id = $run AND item > 0 AND status = 'waiting' AND started_at IS NOT NULL");
is($etl->sql("SELECT etl.cancel_run($run)"), 't', 'they are cancelled');
$etl->sql_is("SELECT status, count(*) FROM etl.task_status WHERE run_id = $run GROUP BY 1", 'cancelled|6', 'with their task');
$etl->sql_is('SELECT count(*) FROM etl.suspended', '0', 'and wait no more');

# --- On a connection; the outputs of earlier tasks there, too
my ($host, $port, $user) = ($node->host, $node->port, $etl->sql('SELECT current_user'));
$etl->sql("CREATE SERVER here FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER here OPTIONS (user '$user', password 'none')");
$run = queue('far', sql => 'INSERT INTO effect VALUES (:run_id, :item_number)', connection => 'here', for_each => 'SELECT FROM generate_series(1, 20)');
$etl->sql(q{INSERT INTO etl.task (workflow, name, sql, connection, depends_on) VALUES ('far', 'after', $$INSERT INTO effect VALUES (-1, :'each.rows')$$, 'here', '{each}')});
is($etl->sql("SELECT etl.wait_for_run($run)"), 'succeeded', 'items on a connection');
counts_are_right($run, 'on a connection');
$run = $etl->sql("SELECT etl.run_workflow('far')");
is($etl->sql("SELECT etl.wait_for_run($run)"), 'succeeded', 'and what follows them');
$etl->sql_is('SELECT item FROM effect WHERE run_id = -1', '20', 'knows how many rows there were');

# --- Many: in memory and in the queue there is a bounded number of them
$locker->query_safe('SELECT pg_advisory_lock(1)');
$run = queue('many', sql => $effect, for_each => q{SELECT i, repeat('x', 100) AS x FROM generate_series(1, 200000) i});
$etl->wait_until(q{SELECT count(*) = 4 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted});
$etl->sql_is("SELECT items, items_reached, items_running FROM etl.task_run WHERE run_id = $run AND item = 0", '200000|1024|1024', 'a bounded number is queued');
my @peaks = map { slurp_file("/proc/$_/status") =~ /^VmHWM:\s+(\d+) kB/m ? $1 : die } split /\n/, $etl->sql('SELECT pid FROM etl._activity() WHERE task_run_id IS NOT NULL');
my $buffers = 128 * 1024;
cmp_ok($_, '<', $buffers + 64 * 1024, 'an executor stays small') foreach @peaks;
is($etl->sql("SELECT etl.cancel_run($run)"), 't', 'they are cancelled');
$locker->query_safe('SELECT pg_advisory_unlock(1)');

# --- Killed
$locker->quit;
my $items = 500;
$run = queue('killed', sql => q{INSERT INTO effect VALUES (:run_id, :item_number); SELECT pg_sleep(0.01)}, for_each => "SELECT FROM generate_series(1, $items)");
$etl->wait_until("SELECT count(*) >= 1 FROM effect WHERE run_id = $run");
my $killed = 0;
for (my $looks = 0; $killed < $kills && $looks < 600; $looks++)
{
	# No answer: the server comes back from the last.
	my ($status, $pid, $stderr) = eval { $node->psql('postgres', q{SELECT CASE WHEN finished_at IS NULL THEN coalesce((SELECT a.pid FROM etl._activity() a
		JOIN etl.task_run t USING (run_id, task_run_id) WHERE t.attempt < 3 ORDER BY random() LIMIT 1), 0) ELSE -1 END
		FROM etl.run ORDER BY run_id DESC LIMIT 1}) };
	next if $@ || $status != 0;
	last if $pid < 0;
	$killed += kill 'KILL', $pid if $pid > 0;
	usleep(20_000);
}
cmp_ok($killed, '>', 0, "$killed processes were killed");
$node->poll_query_until('postgres', "SELECT finished_at IS NOT NULL FROM etl.run WHERE run_id = $run") or die 'the run is stuck';
$etl->sql_is("SELECT status FROM etl.run WHERE run_id = $run", 'succeeded', 'a run whose executors were killed');
counts_are_right($run, 'killed');
$etl->sql_is("SELECT count(*) FROM effect WHERE run_id = $run", $items, 'no item is missing');
done_testing();

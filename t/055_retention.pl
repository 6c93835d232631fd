# Retention: what is older than its workflow says goes, by rows or by whole ranges, and what is live stays. No time passes
# here: etl.clock_offset moves the engine's clock.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

use constant { MINUTE => 60, HOUR => 3600, DAY => 86400 };

my $etl = EtlTest->new(conf => "etl.retention = '30d'");
my $node = $etl->primary;

# The run, when it has ended.
sub run_of
{
	my ($workflow, $name) = @_;
	my $run = $etl->sql("SELECT etl.run_workflow('$workflow'" . ($name ? ", run_name => '$name'" : '') . ')');
	$etl->sql("SELECT etl.wait_for_run($run)");
	return $run;
}

# Numbers of rows that runs have in each table of history.
sub rows_of { return join ',', map { $etl->sql("SELECT count(*) FROM etl.$_ WHERE run_id IN (" . join(',', @_) . ')') } qw(run run_name task_run event); }
sub is_gone { my $run = shift; $etl->wait_until("SELECT NOT EXISTS (SELECT FROM etl.run WHERE run_id = $run)"); is(rows_of($run), '0,0,0,0', shift); }

$etl->sql(q{
	CREATE ROLE first LOGIN; CREATE ROLE second LOGIN;
	SELECT etl.grant_author('first'), etl.grant_author('second');
	INSERT INTO etl.workflow (name, retention) VALUES ('plain', NULL), ('brief', '1 hour'), ('for ever', '1000 years'), ('patient', '0'), ('longest', '178000000 years'), ('items', '1 hour');
	INSERT INTO etl.task (workflow, name, sql) SELECT name, 'step', 'SELECT 1' FROM etl.workflow;
	UPDATE etl.task SET wait_until = 'false', poll_interval = '100 years' WHERE workflow = 'patient';
	UPDATE etl.task SET sql = 'SELECT 1 / 0', for_each = 'SELECT FROM generate_series(1, 3)', max_parallel = 1 WHERE workflow = 'items';
	INSERT INTO etl.workflow (name, owner) VALUES ('same name', 'first');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('same name', 'step', 'SELECT 1')});
# more than goes at a time
$etl->sql(q{
	INSERT INTO etl.load_error (load_id, username, table_name, pid, started_at, uri, line, code, reason)
		SELECT 1, 'first', 't', 1, now(), 's3://b/k', n, 1200, 'bad' FROM generate_series(1, 2500) n;
	INSERT INTO etl.load_history (username, table_name, uri, format, started_at, finished_at, rows, bytes, files)
		VALUES ('first', 't', 's3://b/k', 'csv', now(), now(), 0, 0, 0), ('first', 't', 's3://b/k', 'csv', now(), now() + interval '9 days', 0, 0, 0);
	INSERT INTO etl.unload_history (username, query, uri, format, started_at, finished_at, rows, bytes, files)
		VALUES ('first', 'q', 's3://b/k', 'csv', now(), now(), 0, 0, 0)});
my $live = $etl->sql(q{SELECT etl.run_workflow('patient')});
$etl->wait_until('SELECT count(*) = 1 FROM etl.timer');

# --- Rows
my ($plain, $brief, $kept, $longest, $same) = map { run_of($_, 'name') } 'plain', 'brief', 'for ever', 'longest', 'same name';
$etl->sql(q{DELETE FROM etl.workflow WHERE name = 'same name'});
$etl->sql(q{SET ROLE second; INSERT INTO etl.workflow (name, retention) VALUES ('same name', '0')});
my $items = run_of('items', 'name');
is(rows_of($plain), '1,1,1,5', 'a run in history');
$etl->set_clock(2 * HOUR);
is_gone($brief, 'an hour is over for the workflow that gives its runs one');
is_gone($items, 'items that have never had their turn keep no run');
is(rows_of($plain, $kept, $longest, $same, $live), '5,4,5,21', 'and for no other, be it of another owner and of this name');
cmp_ok(run_of('brief', 'name'), '>', $brief, 'its name may be used again');
$etl->sql(q{UPDATE etl.task SET sql = 'SELECT 2' WHERE workflow = 'plain'});
my $edited = run_of('plain');
$etl->set_clock(30 * DAY + HOUR);
is_gone($plain, 'the time of the setting is over');
$etl->wait_until('SELECT NOT EXISTS (SELECT FROM etl.load_error)');
$etl->sql_is('SELECT (SELECT count(*) FROM etl.load_history), (SELECT count(*) FROM etl.unload_history)', '1|0', 'that of what was loaded, too');
$etl->wait_until(q{SELECT string_agg(version::text, ',') FROM etl.workflow_version WHERE workflow = 'plain'}, '2');
is(rows_of($edited), '1,0,1,5', 'with it the version that no other run has');
is(rows_of($live), '1,0,1,1', 'what is live stays');
$etl->sql_is('SELECT count(*) FROM etl.timer', '1', 'and its timer');

# --- Ranges. The runs come to the end of theirs.
$etl->sql(q{SELECT etl.cancel_run(run_id), setval('etl.run_run_id_seq', 99997) FROM etl.run WHERE finished_at IS NULL});
$etl->sql(q{DELETE FROM etl.run WHERE workflow IN ('for ever', 'longest')});
$etl->set_clock(31 * DAY);
$etl->wait_until('SELECT max(last) > 100000 FROM etl._ranges()');
my @runs = map { run_of('plain', $_) } 1 .. 6;
is_deeply(\@runs, [ 99998 .. 100003 ], 'runs go from one range to the next');
$etl->sql_is(q{SELECT string_agg(DISTINCT substring(tableoid::regclass::text FROM '.*_'), ' ') FROM etl.event WHERE run_id >= 99998},
	'etl.event_100001_to_ etl.event_1_to_', 'their events, too');

# A step that takes its time is in nobody's way; a transaction that has read of runs is.
my $reader = $node->background_psql('postgres');
$reader->query_safe('BEGIN; SELECT count(*) FROM etl.run; SELECT pg_advisory_lock(7)');
$etl->sql(q{INSERT INTO etl.workflow (name) VALUES ('long');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('long', 'step', 'SELECT pg_advisory_lock_shared(7)')});
my $long = $etl->sql(q{SELECT etl.run_workflow('long')});
$etl->wait_until("SELECT status = 'running' FROM etl.task_status WHERE run_id = $long");
$etl->set_clock(61 * DAY + HOUR);
$etl->wait_until(q{SELECT count(*) = 0 FROM etl.run_name WHERE run_id < 100000});
ok($etl->sql('SELECT count(*) FROM etl._ranges() WHERE first = 1'), 'a range that somebody reads is not dropped');
my $after = run_of('plain');
is(rows_of($after), '1,0,1,5', 'which holds nobody up');
$reader->query_safe('COMMIT');
$etl->set_clock(61 * DAY + HOUR + 2 * MINUTE);
$etl->wait_until('SELECT count(*) = 0 FROM etl._ranges() WHERE first = 1');
$etl->sql_is(q{SELECT count(*) FROM pg_class WHERE relname ~ '_1_to_100000'}, '0', 'it goes when nobody does, with all of it');
is(rows_of(@runs), '0,0,0,0', 'runs of the next range go by rows, as it is in use');
is($etl->sql("SELECT status FROM etl.task_status WHERE run_id = $long"), 'running', 'a step goes on through all this');
$reader->query_safe('SELECT pg_advisory_unlock(7)');
is($etl->sql("SELECT etl.wait_for_run($long)"), 'succeeded', 'to its end');
my $table = $etl->sql(q{SELECT format('etl.run_%s_to_%s', first, last) FROM etl._ranges() WHERE first = 100001});
$etl->sql_fails("DROP TABLE $table", 'a partition on its own', qr/2BP01: .*extension pg_etl/);

# --- Runs that find no range
$etl->sql(q{SELECT setval('etl.run_run_id_seq', (SELECT max(last) FROM etl._ranges()) + 1000)});
my $rest = run_of('brief', 'rest');
$etl->sql_is("SELECT tableoid::regclass FROM etl.run WHERE run_id = $rest", 'etl.run_rest', 'a run beyond the last range is in the rest');
$etl->set_clock(61 * DAY + 3 * HOUR);
is_gone($rest, 'whence it goes when its time is over');
$etl->wait_until("SELECT max(first) = $rest + 1 FROM etl._ranges()");
is(rows_of(run_of('plain')), '1,0,1,5', 'the next range begins behind it');

# --- The extension takes all of it along
$etl->set_clock(0);
$etl->sql('DROP EXTENSION pg_etl; CREATE EXTENSION pg_etl');
$etl->sql_is('SELECT string_agg(first::text, $$,$$) FROM etl._ranges()', '1', 'a new extension begins anew');
$etl->sql(q{INSERT INTO etl.workflow (name) VALUES ('plain'); INSERT INTO etl.task (workflow, name, sql) VALUES ('plain', 'step', 'SELECT 1')});
is(rows_of(run_of('plain')), '1,0,1,5', 'and runs');
unlike($etl->server_log, qr/scheduler ERROR/, 'nothing of this is an error in the log');
done_testing();

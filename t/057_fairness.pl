# Executors are shared out between owners: none starves while others have endless work, in this database or another.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

my $etl = EtlTest->new(conf => 'etl.max_executors = 2');
my $node = $etl->primary;
my $keeper = $node->background_psql('postgres');

sub set_up
{
	my ($database) = @_;
	$node->safe_psql($database, q{
		SELECT etl.grant_author('anna'), etl.grant_author('bert'), etl.grant_author('carl');
		INSERT INTO etl.workflow (name, owner) SELECT w || ' of ' || r, r::regrole
			FROM unnest('{anna,bert,carl}'::text[]) r, unnest('{one,gate,endless}'::text[]) w;
		INSERT INTO etl.task (workflow, name, sql) SELECT name, 'a', CASE split_part(name, ' ', 1)
			WHEN 'one' THEN 'SELECT 1' WHEN 'gate' THEN 'SELECT pg_advisory_xact_lock_shared(7)'
			ELSE format('SELECT etl.run_workflow(%L) WHERE EXISTS (SELECT FROM more)', name) END FROM etl.workflow;
		CREATE TABLE more (x int);
		GRANT SELECT ON more TO PUBLIC;
		INSERT INTO more VALUES (1)});
}

sub run_ends
{
	my ($workflow, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($etl->sql("SELECT etl.run_workflow('$workflow') \\gset\nSELECT etl.wait_for_run(:run_workflow, '1 min')"), 'succeeded', $name);
}

$etl->sql('CREATE ROLE anna LOGIN; CREATE ROLE bert LOGIN; CREATE ROLE carl LOGIN');
set_up('postgres');

# --- One who has all the executors leaves one when it goes idle, though there is soon work for it again
$keeper->query_safe('SELECT pg_advisory_lock(7)');
$etl->sql(q{SELECT etl.run_workflow('gate of anna') FROM generate_series(1, 2)});
$etl->wait_until(q{SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory' AND objid = 7 AND NOT granted});
my $waiting = $etl->sql(q{SELECT etl.run_workflow('one of bert')});
is($etl->sql("SELECT waiting_for FROM etl.task_status WHERE run_id = $waiting"), 'executor (all 2 are busy)', 'the view says what a step waits for');
my $first = $etl->sql(q{SELECT min(run_id) FROM etl.run WHERE workflow = 'gate of anna'});
is($etl->sql("SELECT waiting_for FROM etl.task_status WHERE run_id = $first"),
	'lock (advisory), held by process ' . ($keeper->query_safe('SELECT pg_backend_pid()') =~ /(\d+)/)[0],
	'and which process holds the lock that a running one waits for');
$etl->sql("SELECT etl.cancel_run($first)");
my $others = 0;
while ($etl->sql("SELECT finished_at IS NULL FROM etl.run WHERE run_id = $waiting") eq 't' && $others < 200)
{
	$etl->sql("SELECT etl.run_workflow('one of anna') \\gset\nSELECT etl.wait_for_run(:run_workflow, '1 min')");
	$others++;
}
cmp_ok($others, '<', 200, 'another owner\'s step does not wait for it to have nothing to do');
$keeper->query_safe('SELECT pg_advisory_unlock(7)');

# --- One who has endless work leaves some
$etl->sql(q{SELECT etl.run_workflow('endless of anna') FROM generate_series(1, 4)});
$etl->wait_until(q{SELECT count(*) > 4 FROM etl.run WHERE workflow = 'endless of anna'});
run_ends('one of bert', 'an owner gets an executor while another has endless work');
$etl->sql(q{SELECT etl.run_workflow('endless of bert') FROM generate_series(1, 4)});
run_ends('one of carl', 'so does a third, when there are but two executors');
run_ends('one of anna', 'and the first');
run_ends('one of bert', 'and the second');
run_ends('one of carl', 'and the third, again');

# --- In another database, too
$etl->sql('CREATE DATABASE other');
$node->safe_psql('other', 'CREATE EXTENSION pg_etl');
set_up('other');
is($node->safe_psql('other', qq{SELECT etl.run_workflow('one of carl') \\gset\nSELECT etl.wait_for_run(:run_workflow, '1 min')}),
	'succeeded', 'an owner of another database gets one');
my $done = $etl->sql(q{SELECT max(run_id) FROM etl.run});
$etl->wait_until("SELECT count(DISTINCT workflow) = 2 FROM etl.run WHERE run_id > $done AND finished_at IS NOT NULL AND workflow LIKE 'endless%'");
pass('those who have endless work go on');

# --- Who has fewer gets more
$etl->sql('DELETE FROM more');
$etl->wait_until('SELECT count(*) = 0 FROM etl.run WHERE finished_at IS NULL');
$node->append_conf('postgresql.conf', 'etl.max_executors = 4');
$keeper->quit;
$node->restart;
$etl->sql('INSERT INTO more VALUES (1)');
$etl->sql(q{SELECT etl.run_workflow('endless of anna') FROM generate_series(1, 6)});
$etl->wait_until(q{SELECT count(*) = 4 FROM etl._activity() WHERE owner = 'anna'::regrole});
$etl->sql(q{SELECT etl.run_workflow('endless of bert') FROM generate_series(1, 6)});
ok($etl->wait_until(q{SELECT count(*) FILTER (WHERE owner = 'anna'::regrole) = 2 AND count(*) FILTER (WHERE owner = 'bert'::regrole) = 2
	FROM etl._activity()}), 'two owners with endless work have as many executors each');
my $pids = $etl->sql(q{SELECT string_agg(pid::text, ',' ORDER BY pid) FROM etl._activity()});
$done = $etl->sql(q{SELECT max(run_id) FROM etl.run});
$etl->wait_until("SELECT count(*) > 1000 FROM etl.run WHERE run_id > $done");
is($etl->sql(q{SELECT string_agg(pid::text, ',' ORDER BY pid) FROM etl._activity()}), $pids, 'and keep them');
$etl->sql('DELETE FROM more');

# --- One who has more steps ready than the queue has places keeps nobody out of it, and all of them are run
$etl->sql(q{
	SET client_min_messages = warning;
	INSERT INTO etl.workflow (name, owner) VALUES ('wide', 'anna');
	INSERT INTO etl.task (workflow, name, sql) SELECT 'wide', 'a' || i, 'SELECT 1' FROM generate_series(1, 2000) i;
	INSERT INTO etl.run (workflow) SELECT 'wide' FROM generate_series(1, 40)});
run_ends('one of bert', 'an owner with one step waits for none of 80,000');
cmp_ok($etl->sql(q{SELECT count(*) FROM etl.run WHERE workflow = 'wide' AND finished_at IS NULL}), '>', 0, 'as there are more of them to come');
$etl->wait_until(q{SELECT bool_and(status = 'succeeded') FROM etl.run WHERE workflow = 'wide'});
pass('which are run, too');
done_testing();

# What operators see of a run: its version, its errors; and what ends it before its steps have: a workflow's timeout, here
# and on connections.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;
use Time::HiRes qw(time);

use constant HOUR => 3600;

my $etl = EtlTest->new;
my $node = $etl->primary;
my ($host, $port, $user) = ($node->host, $node->port, $etl->sql('SELECT current_user'));
$etl->sql("CREATE SERVER here FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER here OPTIONS (user '$user', password 'none')");

# How the tasks of a run stand, but for notifications.
sub tasks
{
	my ($run) = @_;
	return "SELECT string_agg(concat_ws(' ', task, attempt, status, error), '; ' ORDER BY task, attempt)
		FROM etl.task_run WHERE run_id = $run AND notification_id IS NULL";
}

# --- A run keeps its definition, whatever becomes of its workflow meanwhile
my $lock = $node->background_psql('postgres');
$lock->query_safe('SELECT pg_advisory_lock(7)');
$etl->sql(q{
	CREATE TABLE effect (what text);
	INSERT INTO etl.workflow (name) VALUES ('edited');
	INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES
		('edited', 'a', 'SELECT pg_advisory_lock_shared(7)', '{}'),
		('edited', 'b', $$INSERT INTO effect VALUES ('b as it was')$$, '{a}')});
my $waiting = q{SELECT count(*) = %d FROM pg_locks WHERE locktype = 'advisory' AND NOT granted};
my $first = $etl->sql(q{SELECT etl.run_workflow('edited')});
$etl->wait_until(sprintf $waiting, 1);
$etl->sql(q{DELETE FROM etl.task WHERE name = 'b'; INSERT INTO etl.task (workflow, name, sql, depends_on)
	VALUES ('edited', 'c', $$INSERT INTO effect VALUES ('c')$$, '{a}')});
my $second = $etl->sql(q{SELECT etl.run_workflow('edited')});
$etl->wait_until(sprintf $waiting, 2);
$etl->sql(q{DELETE FROM etl.workflow});
$lock->query_safe('SELECT pg_advisory_unlock(7)');
is($etl->sql("SELECT etl.wait_for_run($_)"), 'succeeded', "run $_ of a workflow that is gone") foreach $first, $second;
$etl->sql_is('SELECT string_agg(what, \',\' ORDER BY what) FROM effect', 'b as it was,c', 'each has done what it was queued to do');
$etl->sql_is(q{SELECT r.run_id, v.version, string_agg(t.name, ',' ORDER BY t.name)
	FROM etl.run r JOIN etl.workflow_version v USING (version_id), jsonb_object_keys(v.definition -> 'tasks') t(name) GROUP BY 1, 2 ORDER BY 1},
	"$first|1|a,b\n$second|2|a,c", 'which its version shows');
$etl->sql_is("SELECT string_agg(task, ',' ORDER BY task) FROM etl.task_status WHERE run_id = $first", 'a,b', 'as its steps do');
$etl->sql('DELETE FROM effect');
$lock->quit;

# --- An error keeps all its parts, here and over there
$etl->sql(q{
	CREATE FUNCTION fail(place text) RETURNS void LANGUAGE plpgsql AS $$
	BEGIN
		RAISE EXCEPTION 'it failed %', place USING ERRCODE = 'ZX123', DETAIL = 'a detail', HINT = 'a hint';
	END $$;
	INSERT INTO etl.workflow (name) VALUES ('errors');
	INSERT INTO etl.task (workflow, name, sql, connection, depends_on, run_if) VALUES
		('errors', 'here', $$SELECT public.fail('here')$$, NULL, '{}', 'all_succeeded'),
		('errors', 'there', $$SELECT public.fail('there')$$, 'here', '{here}', 'all_done');
	INSERT INTO etl.task (workflow, name, resource, arguments, depends_on, run_if) VALUES
		('errors', 'topic', 'arn:aws:states:::sns:publish', '{"TopicArn": "arn:aws:sns:us-east-1:123456789012:none", "Message": "x"}',
			'{there}', 'all_done')});
my $errors = $etl->sql(q{SELECT etl.run_workflow('errors')});
is($etl->sql("SELECT etl.wait_for_run($errors)"), 'failed', 'a run whose steps fail');
$etl->sql_is(qq{SELECT task, sqlstate, error, error_detail, error_hint, error_context ~ 'function (public[.])?fail\\(text\\) line 3 at RAISE'
	FROM etl.task_run WHERE run_id = $errors AND task <> 'topic' ORDER BY task},
	"here|ZX123|it failed here|a detail|a hint|t\nthere|ZX123|it failed there|a detail|a hint|t", 'SQLSTATE, message, DETAIL, HINT and CONTEXT');
$etl->sql_is("SELECT sqlstate, error FROM etl.task_run WHERE run_id = $errors AND task = 'topic'",
	'42704|AWS server "aws" does not exist', 'of a call of AWS as well');
$etl->sql_is("SELECT string_agg(concat_ws(' ', task, sqlstate, error), '; ' ORDER BY task) FROM etl.task_status WHERE run_id = $errors",
	'here ZX123 it failed here; there ZX123 it failed there; topic 42704 AWS server "aws" does not exist', 'etl.task_status shows each');
$etl->sql_is("SELECT error FROM etl.run_status WHERE run_id = $errors", 'here: it failed here', 'etl.run_status the first');

# --- A run that takes too long: what runs of it is cancelled, here and over there, what has not started never will
$etl->sql(q{
	INSERT INTO etl.workflow (name, timeout) VALUES ('slow', '1 hour');
	INSERT INTO etl.task (workflow, name, sql, connection, depends_on, run_if) VALUES
		('slow', 'bad', 'SELECT 1 / 0', NULL, '{}', 'all_succeeded'),
		('slow', 'first', $$INSERT INTO effect VALUES ('first')$$, NULL, '{bad}', 'all_done'),
		('slow', 'here', $$INSERT INTO effect VALUES ('here'); SELECT pg_sleep(600)$$, NULL, '{first}', 'all_succeeded'),
		('slow', 'there', 'SELECT pg_sleep(601)', 'here', '{first}', 'all_succeeded'),
		('slow', 'zafter', 'SELECT 1', NULL, '{here,there}', 'all_done');
	INSERT INTO etl.notification (workflow, topic_arn) VALUES ('slow', 'arn:aws:sns:us-east-1:123456789012:slow')});
my $run = $etl->sql(q{SELECT etl.run_workflow('slow')});
my $under_way = q{SELECT count(*) = 2 FROM pg_stat_activity WHERE wait_event = 'PgSleep'};
$etl->wait_until($under_way);
$etl->set_clock(HOUR - 60);
is($etl->sql("SELECT status FROM etl.run_status WHERE run_id = $run"), 'running', 'a run goes on until its time is over');
$etl->set_clock(HOUR + 60);
is($etl->sql("SELECT etl.wait_for_run($run)"), 'timed_out', 'then it is timed out');
$etl->sql_is("SELECT error FROM etl.run_status WHERE run_id = $run", 'run took longer than its timeout of 01:00:00', 'which its error says');
$etl->wait_until(tasks($run), 'bad 1 failed division by zero; first 1 succeeded; here 1 cancelled run timed out; '
	. 'there 1 cancelled run timed out; zafter 1 cancelled');
$etl->wait_until(q{SELECT count(*) = 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
pass('what ran is cancelled, here and over there; what had not started never will');
$etl->sql_is('SELECT string_agg(what, \',\') FROM effect', 'first', 'what a cancelled step did is rolled back');
$etl->sql_is(qq{SELECT string_agg(type, ',' ORDER BY event_id) FROM etl.event WHERE run_id = $run AND task IS NULL},
	'run_queued,run_started,run_timed_out', 'its history');
$etl->sql_is(qq{SELECT message ->> 'status', message ->> 'task', message ->> 'Error', message ->> 'Cause'
	FROM etl.task_run, CAST(arguments ->> 'Message' AS jsonb) message WHERE run_id = $run AND notification_id IS NOT NULL AND attempt = 1},
	'timed_out|bad|States.Timeout|run took longer than its timeout of 01:00:00', 'somebody is told');

# --- One that begins over there, with no process of its own here
$etl->sql(q{
	INSERT INTO etl.workflow (name, timeout) VALUES ('far', '2 hours');
	INSERT INTO etl.task (workflow, name, sql, connection) VALUES ('far', 'a', 'SELECT pg_sleep(602)', 'here')});
my $far = $etl->sql(q{SELECT etl.run_workflow('far')});
$etl->wait_until(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
$etl->sql_is("SELECT due_at - started_at FROM etl.deadline JOIN etl.run USING (run_id) WHERE run_id = $far", '02:00:00', 'a run that begins over there has its time');
my $cancelled_at = time;
$etl->sql("SELECT etl.cancel_run($far)");
$etl->wait_until(q{SELECT count(*) = 0 FROM pg_stat_activity WHERE wait_event = 'PgSleep'});
cmp_ok(time - $cancelled_at, '<', 2, 'when it is cancelled, its statement over there is within 2 s');

# --- Carried on, it has all its time again
is($etl->sql("SELECT etl.retry_run($run)"), 't', 'it is carried on');
$etl->wait_until($under_way);
$etl->set_clock(2 * HOUR - 60);
is($etl->sql("SELECT status FROM etl.run_status WHERE run_id = $run"), 'running', 'with all its time again');
$etl->set_clock(2 * HOUR + 120);
is($etl->sql("SELECT etl.wait_for_run($run)"), 'timed_out', 'and no more');
$etl->wait_until("SELECT count(*) = 0 FROM etl.task_run WHERE run_id = $run AND notification_id IS NULL AND finished_at IS NULL");

# --- The notifications of both ends are tried to their ends, none in the other's way
$etl->sql(q{
	INSERT INTO etl.workflow (name) VALUES ('told');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('told', 'a', 'SELECT 1 / 0');
	INSERT INTO etl.notification (workflow, topic_arn) VALUES ('told', 'arn:aws:sns:us-east-1:123456789012:told')});
my $told = $etl->sql(q{SELECT etl.run_workflow('told')});
my $now = 2 * HOUR + 120;
# The first end's has been tried, and waits for its second attempt.
$etl->wait_until("SELECT count(*) = 1 FROM etl.task_status WHERE run_id = $told AND task ~ 'notification' AND status = 'retrying'");
$etl->sql("SELECT etl.retry_run($told)");
is($etl->sql("SELECT etl.wait_for_run($told)"), 'failed', 'a run that ends again');
$etl->wait_until("SELECT count(*) = 2 FROM etl.task_run WHERE run_id = $told AND notification_id IS NOT NULL AND status = 'failed' AND attempt = first_attempt");
$etl->set_clock($now += 60) until $etl->sql("SELECT notifications_open FROM etl.run WHERE run_id = $told") == 0;
$etl->sql_is("SELECT string_agg(tries::text, ' ') FROM (SELECT count(*) AS tries FROM etl.task_run
	WHERE run_id = $told AND notification_id IS NOT NULL AND status = 'failed' GROUP BY first_attempt) t", '6 6', 'each is tried as often as it may be');

# --- Time that passes while the server is down counts; a run that waits for a condition takes time, too
$etl->sql(q{
	INSERT INTO etl.workflow (name, timeout) VALUES ('waits', '1 hour');
	INSERT INTO etl.task (workflow, name, sql, wait_until) VALUES ('waits', 'a', 'SELECT 1', 'false')});
my $waits = $etl->sql(q{SELECT etl.run_workflow('waits')});
$run = $etl->sql(q{SELECT etl.run_workflow('slow')});
$etl->wait_until($under_way);
$etl->wait_until(tasks($waits), 'a 1 waiting');
$etl->sql('CHECKPOINT');    # what executors have committed is on disk
$node->stop('immediate');
$node->append_conf('postgresql.auto.conf', 'etl.clock_offset = ' . 4 * HOUR);
$node->start;
is($etl->sql("SELECT etl.wait_for_run($_)"), 'timed_out', "run $_ has run out of time while the server was down") foreach $run, $waits;
$etl->wait_until(tasks($waits), 'a 1 cancelled');

# --- Somebody has locked one run: others are ended in their time, it when it is free
$run = $etl->sql(q{SELECT etl.run_workflow('waits')});
my $other = $etl->sql(q{SELECT etl.run_workflow('waits')});
$etl->wait_until(tasks($_), 'a 1 waiting') foreach $run, $other;
my $locker = $node->background_psql('postgres');
$locker->query_safe("BEGIN; SELECT FROM etl.run WHERE run_id = $run FOR UPDATE");
$etl->set_clock(5 * HOUR + 60);
is($etl->sql("SELECT etl.wait_for_run($other)"), 'timed_out', 'a run is ended beside one that is locked');
$locker->query_safe('COMMIT');
is($etl->sql("SELECT etl.wait_for_run($run)"), 'timed_out', 'which is ended when it is free');

# So it is with one whose task just counts an item, and with one that waits for a run that is locked.
$etl->sql(q{
	INSERT INTO etl.workflow (name, timeout) VALUES ('items', '1 hour'), ('parent', '1 hour'), ('child', NULL);
	INSERT INTO etl.task (workflow, name, sql, for_each, wait_for_token) VALUES ('items', 'a', 'SELECT 1', 'SELECT FROM generate_series(1, 2)', true);
	INSERT INTO etl.task (workflow, name, resource, arguments) VALUES
		('parent', 'a', 'arn:aws:states:::states:startExecution.sync', '{"StateMachineArn": "child"}');
	INSERT INTO etl.task (workflow, name, sql, wait_until) VALUES ('child', 'a', 'SELECT 1', 'false')});
my ($items, $parent) = map { $etl->sql("SELECT etl.run_workflow('$_')") } 'items', 'parent';
$etl->wait_until(q{SELECT count(*) = 3 FROM etl.suspended WHERE since IS NOT NULL});
$other = $etl->sql(q{SELECT etl.run_workflow('waits')});
$etl->wait_until(tasks($other), 'a 1 waiting');
$locker->query_safe("BEGIN; SELECT FROM etl.task_run WHERE run_id = $items AND item = 0 FOR UPDATE;
	SELECT FROM etl.run WHERE workflow = 'child' FOR UPDATE");
$etl->set_clock(6 * HOUR + 120);
is($etl->sql("SELECT etl.wait_for_run($other)"), 'timed_out', 'a run is ended beside those');
$etl->sql_is("SELECT string_agg(status, ',') FROM etl.run WHERE run_id IN ($items, $parent)", 'running,running', 'which go on');
$locker->query_safe('COMMIT');
is($etl->sql("SELECT etl.wait_for_run($_)"), 'timed_out', 'and are ended when they are free') foreach $items, $parent;
$etl->sql_is(tasks($items), 'a 1 cancelled; a 1 cancelled; a 1 cancelled', 'with all of their steps');
$etl->sql_is(q{SELECT status FROM etl.run WHERE workflow = 'child'}, 'cancelled', 'and runs');
$locker->quit;
# --- The clock is put back: no run has more time left than its timeout
$etl->set_clock(1000 * HOUR);
$run = $etl->sql(q{SELECT etl.run_workflow('waits')});
$etl->wait_until(tasks($run), 'a 1 waiting');
$etl->set_clock(6 * HOUR);
$etl->wait_until("SELECT due_at <= etl._clock() + interval '1 hour' FROM etl.deadline WHERE run_id = $run");
$etl->set_clock(7 * HOUR + 60);
is($etl->sql("SELECT etl.wait_for_run($run)"), 'timed_out', 'a run is ended in its time though the clock was put back');
$etl->sql_is('SELECT count(*) FROM etl.deadline', 0, 'nothing is left of deadlines');

done_testing();

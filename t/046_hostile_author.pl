# What an author can do to others: nothing. The scheduler serves all owners of a database, so it waits for nobody's
# transaction, survives whatever one defines, and goes on for the others.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;
use Time::HiRes qw(time);

my $etl = EtlTest->new(conf => 'etl.max_executors = 4');
my $node = $etl->primary;

$etl->sql(q{
	CREATE ROLE villain LOGIN; CREATE ROLE victim LOGIN; CREATE ROLE gang; GRANT gang TO villain;
	SELECT etl.grant_author('villain'), etl.grant_author('victim');
	CREATE SCHEMA villain AUTHORIZATION villain; CREATE SCHEMA victim AUTHORIZATION victim;
	INSERT INTO etl.workflow (name, owner) VALUES ('good', 'victim');
	INSERT INTO etl.task (workflow, name, sql, retries, retry_delay) VALUES
		('good', 'now', 'SELECT 1', 0, '0'), ('good', 'later', 'SELECT 1 / :succeeds', 1, '1 hour')});

sub as_villain
{
	my ($query) = @_;
	return $node->safe_psql('postgres', $query, extra_params => [ '-U', 'villain' ]);
}

# The scheduler is at work: a new executor is started, for a role that has none, and a timer fires.
my $hours = 0;
my $others = 0;
sub goes_on
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $other = 'other' . ++$others;
	$etl->sql(qq{CREATE ROLE $other LOGIN; SELECT etl.grant_author('$other');
		INSERT INTO etl.workflow (name, owner) VALUES ('$other', '$other');
		INSERT INTO etl.task (workflow, name, sql) VALUES ('$other', 'x', 'SELECT 1')});
	my $new = $etl->sql(qq{SELECT etl.run_workflow('$other')});
	my $late = $etl->sql(qq{SELECT etl.run_workflow('good', '{"succeeds": 0}')});
	is($etl->sql("SELECT etl.wait_for_run($new, '20 s')"), 'succeeded', "$name: a step of another owner starts");
	$etl->wait_until(qq{SELECT status = 'retrying' FROM etl.task_status WHERE run_id = $late AND task = 'later' ORDER BY attempt DESC LIMIT 1});
	$hours++;
	$etl->set_clock($hours * 7300);
	is($etl->sql("SELECT etl.wait_for_run($late, '20 s')"), 'failed', "$name: a retry is made when its time comes");
}
goes_on('at rest');

# --- A transaction that stays open
as_villain(q{
	INSERT INTO etl.workflow (name) VALUES ('held');
	INSERT INTO etl.task (workflow, name, sql, retries, retry_delay) VALUES ('held', 'x', 'SELECT 1 / 0', 1, '1 hour')});
my $held = as_villain(q{SELECT etl.run_workflow('held')});
$etl->wait_until(qq{SELECT bool_or(status = 'retrying') FROM etl.task_status WHERE run_id = $held});
my $session = $node->background_psql('postgres', extra_params => [ '-U', 'villain' ]);
$session->query_safe("BEGIN; SELECT etl.cancel_run($held)");
goes_on('a run whose retry is due is being cancelled');
$session->query_safe('ROLLBACK');
is($etl->sql("SELECT etl.wait_for_run($held)"), 'failed', 'which is made when nobody does any more');

# So do deadlines.
as_villain(q{
	INSERT INTO etl.workflow (name, timeout) VALUES ('late', '1 hour');
	INSERT INTO etl.task (workflow, name, sql, wait_until) VALUES ('late', 'x', 'SELECT 1', 'false')});
my $late_run = as_villain(q{SELECT etl.run_workflow('late')});
$etl->wait_until(qq{SELECT status = 'waiting' FROM etl.task_status WHERE run_id = $late_run});
$session->query_safe("BEGIN; SELECT etl.cancel_run($late_run)");
goes_on('a run whose time is up is being cancelled');
$session->query_safe('ROLLBACK');
is($etl->sql("SELECT etl.wait_for_run($late_run)"), 'timed_out', 'which ends when nobody does any more');

# Recovering an interrupted step takes its run's row.
as_villain(q{
	INSERT INTO etl.workflow (name) VALUES ('dies');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('dies', 'x', 'SELECT pg_sleep(600)')});
my $dies = as_villain(q{SELECT etl.run_workflow('dies')});
$etl->wait_until(qq{SELECT status = 'running' FROM etl.task_status WHERE run_id = $dies});
$session->query_safe("BEGIN; SELECT etl.cancel_run($dies)");
as_villain(qq{SELECT pg_terminate_backend(worker_pid) FROM etl.task_status WHERE run_id = $dies});
goes_on('a run whose step has just died is being cancelled');
$session->query_safe('COMMIT');
$etl->wait_until(qq{SELECT bool_and(finished_at IS NOT NULL) FROM etl.task_status WHERE run_id = $dies});
pass('and its step has ended afterwards');

# --- A table that is locked
$session->query_safe('BEGIN; LOCK TABLE etl.notification');
my $blocked = $etl->sql(q{SELECT etl.run_workflow('good', '{"succeeds": 1}')});
$session->query_safe('ROLLBACK');
is($etl->sql("SELECT etl.wait_for_run($blocked)"), 'succeeded', 'a lock on a table holds others up until it is gone');
$etl->sql(q{UPDATE etl.workflow SET schedule = '* * * * *' WHERE name = 'good'});
$session->query_safe('BEGIN; LOCK TABLE etl.workflow');
my ($scheduler) = $etl->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl scheduler'});
$etl->set_clock($hours * 7300 + 120);
$etl->wait_until(q{SELECT due_at < etl._clock() FROM etl.schedule_state WHERE workflow = 'good'});
$etl->set_clock($hours * 7300 + 180);
$session->query_safe('COMMIT');
$etl->wait_until(q{SELECT count(*) > 0 FROM etl.run WHERE workflow = 'good' AND trigger = 'schedule'});
$etl->sql_is(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl scheduler'}, $scheduler, 'and the scheduler stays');
$etl->sql(q{UPDATE etl.workflow SET schedule = NULL WHERE name = 'good'});

# --- Definitions
my ($status, $stdout, $stderr) = $node->psql('postgres', q{
	INSERT INTO etl.workflow (name) VALUES ('clash');
	INSERT INTO etl.notification (workflow, topic_arn, on_status) VALUES ('clash', 'arn:aws:sns:us-east-1:123456789012:t', '{succeeded,failed}');
	INSERT INTO etl.task (workflow, name, sql)
		SELECT 'clash', 'notification ' || notification_id, 'SELECT 1' FROM etl.notification WHERE workflow = 'clash';
	SELECT etl.run_workflow('clash')}, extra_params => [ '-U', 'villain' ]);
goes_on('a task of a notification\'s name');
like($stderr, qr/task "notification \d+" of workflow "clash" has a name that is not usable/, 'is refused');
($status, $stdout, $stderr) = $node->psql('postgres', q{
	INSERT INTO etl.workflow (name) VALUES ('never');
	INSERT INTO etl.task (workflow, name, sql, wait_until, poll_interval) VALUES ('never', 'x', 'SELECT 1', 'false', '1000000 years');
	SELECT etl.run_workflow('never')}, extra_params => [ '-U', 'villain' ]);
goes_on('a poll that is a million years away');
like($stderr, qr/task "x" of workflow "never" has an interval of more than 100 years/, 'is refused');
$etl->sql_is(q{SELECT count(*) > 0 FROM etl.task_status}, 't', 'the view can be read');

# --- Statements that trap what cancels them: their process is ended, and they have not crashed it
as_villain(q{
	INSERT INTO etl.workflow (name) VALUES ('deaf');
	INSERT INTO etl.task (workflow, name, sql, timeout, wait_for_token) VALUES
		('deaf', 'local', $$DO $do$ BEGIN LOOP BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $do$ --$$,
			NULL, false),
		('deaf', 'token', $$DO $do$ BEGIN LOOP BEGIN PERFORM pg_sleep(600); EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $do$ --$$,
			NULL, true)});
my $deaf_steps = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_etl executor' AND wait_event = 'PgSleep'};
my $deaf = as_villain(q{SELECT etl.run_workflow('deaf')});
$etl->wait_until($deaf_steps, 2);
is(as_villain("SELECT etl.cancel_run($deaf)"), 't', 'a run whose statements trap their cancellation is cancelled');
my $cancelled_at = time;
$etl->wait_until($deaf_steps, 0);
cmp_ok(time - $cancelled_at, '<', 8, 'and its statements end, some seconds later');
my $how = "SELECT string_agg(concat_ws(' ', task, attempt, status, sqlstate, error, process_end), '; ' ORDER BY task, attempt) FROM etl.task_run WHERE run_id = ";
$etl->wait_until($how . $deaf, 'local 1 cancelled 57014 run was cancelled; token 1 cancelled 57014 run was cancelled');
pass('as cancelled');
as_villain(q{DELETE FROM etl.task WHERE name = 'token';
	UPDATE etl.task SET timeout = '0.2 s', retries = 1, retry_delay = '0' WHERE workflow = 'deaf'});
$deaf = as_villain(q{SELECT etl.run_workflow('deaf')});
is($etl->sql("SELECT etl.wait_for_run($deaf, '30 s')"), 'failed', 'so do those that trap their timeout');
my $late_error = '57014 task "local" was cancelled: it ran longer than its timeout of 0.2 s';
$etl->sql_is($how . $deaf, "local 1 timed_out $late_error; local 2 timed_out $late_error", 'as timed out, and are repeated as the task says');
goes_on('after those');

# --- Settings of a role, which its executors have, too
as_villain(q{
	CREATE FUNCTION villain.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE 'trojan'; END $$;
	CREATE FUNCTION villain.length(text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'trojan'; END $$;
	CREATE FUNCTION villain.eq(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN RAISE 'trojan'; END $$;
	CREATE OPERATOR villain.= (LEFTARG = text, RIGHTARG = text, FUNCTION = villain.eq);
	INSERT INTO etl.workflow (name) VALUES ('odd');
	INSERT INTO etl.task (workflow, name, sql, retries, retry_delay) VALUES ('odd', 'x', 'SELECT 1 / 0', 1, '0');
	INSERT INTO etl.task (workflow, name, sql, depends_on, run_if) VALUES ('odd', 'y', 'SELECT pg_sleep(0.01)', '{x}', 'all_done')});
my @settings = (
	"search_path = villain", "role = gang", "default_transaction_read_only = on", "default_transaction_isolation = 'serializable'",
	"statement_timeout = '1ms'", "lock_timeout = '1ms'", "idle_in_transaction_session_timeout = '1ms'", "row_security = off",
	"DateStyle = 'German, DMY'", "IntervalStyle = 'sql_standard'", "TimeZone = 'Pacific/Chatham'", "bytea_output = 'escape'",
	"standard_conforming_strings = off", "array_nulls = off", "transform_null_equals = on", "quote_all_identifiers = on",
	"extra_float_digits = -15", "check_function_bodies = off", "client_min_messages = 'error'", "enable_indexscan = off", "synchronous_commit = on",
	"plan_cache_mode = force_generic_plan", "xmloption = document", "work_mem = '64kB'", "temp_buffers = 100");
as_villain(join ';', map { "ALTER ROLE villain SET $_" } @settings);
$etl->sql(q{SELECT pg_terminate_backend(pid) FROM etl._activity() WHERE task_run_id IS NULL});
my $odd = $etl->sql(q{SELECT etl.run_workflow('odd')});
is($etl->sql("SELECT etl.wait_for_run($odd)"), 'failed', 'a role\'s settings');
$etl->sql_is(qq{SELECT string_agg(task || ' ' || attempt || ' ' || status || ' ' || coalesce(error, ''), ', ' ORDER BY task, attempt)
	FROM etl.task_status WHERE run_id = $odd}, 'x 1 failed division by zero, x 2 failed division by zero, y 1 succeeded ',
	'are of its statements, not of the engine\'s');
$etl->sql('ALTER ROLE villain RESET ALL; ALTER ROLE villain SET exit_on_error = on');
$etl->sql(q{SELECT pg_terminate_backend(pid) FROM etl._activity() WHERE task_run_id IS NULL});
$odd = $etl->sql(q{SELECT etl.run_workflow('odd')});
is($etl->sql("SELECT etl.wait_for_run($odd)"), 'failed', 'one that ends its process at each error');
goes_on('and its executors');
$session->quit;

done_testing();

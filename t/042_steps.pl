# What a step may do to its own process, and what its role's settings may do to the engine: no step hangs, is lost,
# or runs for ever.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

my $etl = EtlTest->new(conf => "max_prepared_transactions = 5\nwal_level = replica\nmax_wal_senders = 2\netl.max_executors = 4");
my $node = $etl->primary;

# A workflow of one step, queued; the run's id.
sub queue
{
	my ($name, $sql, %task) = @_;
	my $owner = $task{owner} // 'CURRENT_USER';
	$owner = "'$owner'" unless $owner eq 'CURRENT_USER';
	my $retries = $task{retries} // 0;
	$etl->sql("INSERT INTO etl.workflow (name, owner) VALUES ('$name', " . ($owner eq 'CURRENT_USER' ? 'DEFAULT' : $owner) . ")");
	$etl->sql("INSERT INTO etl.task (workflow, name, sql, retries) VALUES ('$name', 'step', \$sql\$$sql\$sql\$, $retries)");
	return $etl->sql("SELECT etl.run_workflow('$name')");
}

sub ends
{
	my ($run, $status, $name, $error) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is($etl->sql("SELECT etl.wait_for_run($run, '30 s')"), $status, $name)
	  or diag($etl->sql("SELECT error FROM etl.run_status WHERE run_id = $run"));
	like($etl->sql("SELECT error FROM etl.run_status WHERE run_id = $run"), $error, "$name: error") if $error;
}

# --- Settings of the role and of the database
$etl->sql(q{CREATE ROLE particular LOGIN; SELECT etl.grant_author('particular');
	GRANT CREATE ON SCHEMA public TO particular;
	ALTER ROLE particular SET default_transaction_isolation = serializable;
	ALTER ROLE particular SET lock_timeout = '1ms';
	ALTER ROLE particular SET row_security = off;
	ALTER ROLE particular SET search_path = nowhere;
	ALTER ROLE particular SET idle_in_transaction_session_timeout = '1ms'});
my $run = queue('particular', 'CREATE TABLE public.made AS SELECT 1 AS x', owner => 'particular');
ends($run, 'succeeded', 'a role with settings of its own');
$etl->sql('ALTER ROLE particular SET default_transaction_read_only = on');
$etl->sql('SELECT pg_terminate_backend(pid) FROM etl._activity()');
$run = queue('read only', 'INSERT INTO public.made VALUES (2)', owner => 'particular');
ends($run, 'failed', 'a role that is read-only', qr/cannot execute INSERT in a read-only transaction/);
$run = queue('reads', 'SELECT * FROM public.made', owner => 'particular');
ends($run, 'succeeded', 'which may read');
$run = queue('set read only', 'SET TRANSACTION READ ONLY; SELECT 1');
ends($run, 'succeeded', 'a step that makes itself read-only');

# While the run is locked by somebody, a role's lock_timeout is no reason to fail its step.
my $locker = $node->background_psql('postgres');
my $gate = $node->background_psql('postgres');
$gate->query_safe('SELECT pg_advisory_lock(42)');
$run = queue('locked', 'SET lock_timeout = 0; SELECT pg_advisory_lock_shared(42)', owner => 'particular');
$etl->wait_until(q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted});
$locker->query_safe("BEGIN; SELECT FROM etl.run WHERE run_id = $run FOR UPDATE");
$gate->query_safe('SELECT pg_advisory_unlock(42)');
$gate->quit;
$etl->wait_until(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_etl executor' AND wait_event_type = 'Lock'});
$locker->query_safe('COMMIT');
ends($run, 'succeeded', 'a run that is locked while its step ends');
$etl->sql('ALTER ROLE particular RESET ALL');

$etl->sql('ALTER DATABASE postgres SET default_transaction_read_only = on');
$etl->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type IN ('pg_etl scheduler', 'pg_etl executor')});
$run = $etl->sql(q{SET default_transaction_read_only = off; SELECT etl.run_workflow('set read only')});
ends($run, 'succeeded', 'a database that is read-only by default');
$etl->sql('SET default_transaction_read_only = off; ALTER DATABASE postgres RESET ALL');
$etl->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type IN ('pg_etl scheduler', 'pg_etl executor')});

# --- What a step does to itself
$run = queue('suicide', 'SELECT pg_terminate_backend(pg_backend_pid()); SELECT pg_sleep(10)');
ends($run, 'failed', 'a step that ends its process is not run for ever', qr/died/);
is($etl->sql("SELECT count(*) FROM etl.task_run WHERE run_id = $run"), 3, 'but three times');
is($etl->sql("SELECT etl.retry_run($run)"), 't', 'its run is retried');
ends($run, 'failed', 'a step that ends its process again', qr/died/);
is($etl->sql("SELECT count(*) FROM etl.task_run WHERE run_id = $run"), 6, 'is run three times more');
$run = queue('drops', 'DROP EXTENSION pg_etl');
ends($run, 'failed', 'nor one that drops what runs it', qr/step cannot/);
$run = queue('cancels itself', 'SELECT etl.cancel_run(:run_id)');
ends($run, 'failed', 'one that cancels its own run', qr/own run/);
$run = queue('waits for itself', 'SELECT etl.wait_for_run(:run_id)');
ends($run, 'failed', 'one that waits for its own run', qr/own run/);
$run = queue('becomes', 'SET SESSION AUTHORIZATION particular; SET ROLE particular; SELECT 1 / 0');
ends($run, 'failed', 'one that becomes another and fails', qr/division by zero/);
$run = queue('remembers', q{CREATE SEQUENCE public.s; SELECT nextval('public.s')});
ends($run, 'succeeded', 'a sequence is drawn from');
$run = queue('recalls', 'SELECT lastval()');
ends($run, 'failed', 'of which the next step knows nothing', qr/lastval is not yet defined/);

# An advisory lock is held until the commit: here that waits for a standby that isn't there. A step waits for nobody
# unless the database says so.
$etl->sql(q{ALTER DATABASE postgres SET synchronous_commit = on});
$etl->sql(q{SELECT pg_terminate_backend(pid) FROM etl._activity()});
$etl->sql(q{ALTER SYSTEM SET synchronous_standby_names = 'nobody'});
$node->reload;
$etl->sql('CHECKPOINT');    # by the process that tells the others that there is a standby to wait for
my $local = 'SET synchronous_commit = local;';
$etl->sql("$local INSERT INTO etl.workflow (name) VALUES ('advisory');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('advisory', 'x', 'SELECT pg_advisory_xact_lock(42)')");
$run = $etl->sql("$local SELECT etl.run_workflow('advisory')");
$etl->wait_until(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event = 'SyncRep'});
is($etl->sql('SELECT pg_try_advisory_xact_lock(42)'), 'f', 'an advisory lock is held until the step is committed');
$etl->sql("$local ALTER SYSTEM RESET synchronous_standby_names");
$etl->sql("$local ALTER DATABASE postgres RESET synchronous_commit");
$node->reload;
ends($run, 'succeeded', 'and then released');
$etl->wait_until('SELECT pg_try_advisory_xact_lock(42)');

# --- A role that loses LOGIN while a step of it runs
$run = queue('long', 'SELECT pg_advisory_lock_shared(7)', owner => 'particular');
ends($run, 'succeeded', 'a lock is there for the next');
$locker->query_safe('SELECT pg_advisory_lock(7)');
$run = $etl->sql(q{SELECT etl.run_workflow('long')});
$etl->wait_until(q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted});
$etl->sql('ALTER ROLE particular NOLOGIN');
my $other = $etl->sql(q{SELECT etl.run_workflow('reads')});
ends($other, 'failed', 'a role that can not log in any more', qr/no LOGIN/);
$locker->query_safe('SELECT pg_advisory_unlock(7)');
ends($run, 'succeeded', 'does not end what it is at');
$etl->sql('ALTER ROLE particular LOGIN');

# --- Rows that somebody took away
$locker->query_safe('SELECT pg_advisory_lock(7)');
my @held = map { $etl->sql(q{SELECT etl.run_workflow('long')}) } 1 .. 4;
$etl->wait_until(q{SELECT count(*) = 4 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted});
$run = $etl->sql(q{SELECT etl.run_workflow('reads')});
$etl->sql("DELETE FROM etl.task_run WHERE run_id = $run; DELETE FROM etl.run WHERE run_id = $run");
$locker->query_safe('SELECT pg_advisory_unlock(7)');
ends($_, 'succeeded', 'a step beside one that is gone') foreach @held;
pass('a step that is gone leaves the queue');

# --- An executor that waits for another server is none that will take the next step
my ($host, $port, $user) = ($node->host, $node->port, $etl->sql('SELECT current_user'));
$etl->sql("CREATE SERVER here FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '$host', port '$port', dbname 'postgres');
	CREATE USER MAPPING FOR CURRENT_USER SERVER here OPTIONS (user '$user', password 'none')");
$etl->sql(q{SELECT pg_terminate_backend(pid) FROM etl._activity()});
$etl->wait_until('SELECT count(*) = 0 FROM etl._activity()');
$locker->query_safe('SELECT pg_advisory_lock(7)');
$etl->sql(q{INSERT INTO etl.workflow (name) VALUES ('far');
	INSERT INTO etl.task (workflow, name, sql, connection) VALUES ('far', 'x', 'SELECT pg_advisory_lock_shared(7)', 'here')});
$run = $etl->sql(q{SELECT etl.run_workflow('far')});
$etl->wait_until(q{SELECT count(*) = 1 FROM pg_locks WHERE locktype = 'advisory' AND NOT granted});
ends($etl->sql(q{SELECT etl.run_workflow('set read only')}), 'succeeded', 'a step while an external one runs');
$locker->query_safe('SELECT pg_advisory_unlock(7)');
ends($run, 'succeeded', 'which ends in its time');

# --- A run that is waited for when the last record has just filled its page of WAL
$run = $etl->sql(q{SELECT etl.run_workflow('reads')});
ends($run, 'succeeded', 'a run to ask about');
$etl->sql_is(qq{DO \$\$
	DECLARE
		page CONSTANT int := current_setting('wal_block_size');
		filled int := 0;
		room int;
	BEGIN
		FOR i IN 1 .. 10000 LOOP
			-- 51 bytes are a message's own, beside its content; a record's length is rounded up to 8
			room := page - (pg_current_wal_insert_lsn() - '0/0') % page;
			PERFORM pg_logical_emit_message(false, '', repeat('x', CASE WHEN room BETWEEN 72 AND 240 THEN room - 56 ELSE 8 END));
			IF (pg_current_wal_insert_lsn() - '0/0') % page IN (24, 40) THEN
				filled := filled + 1;
				PERFORM etl.wait_for_run($run);
			END IF;
			EXIT WHEN filled = 5;
		END LOOP;
		ASSERT filled = 5;
	END \$\$}, '', 'is waited for at the end of a page of WAL');

# --- Two-phase commit
$etl->sql(q{BEGIN; SELECT etl.run_workflow('reads'); PREPARE TRANSACTION 'later'});
$etl->sql(q{COMMIT PREPARED 'later'});
ends($etl->sql('SELECT max(run_id) FROM etl.run'), 'succeeded', 'a run that a prepared transaction queued');
$etl->sql(q{INSERT INTO etl.workflow (name) VALUES ('sleeps'); INSERT INTO etl.task (workflow, name, sql) VALUES ('sleeps', 'x', 'SELECT pg_sleep(600)')});
my $asleep = $etl->sql(q{SELECT etl.run_workflow('sleeps')});
$etl->sql_fails("BEGIN; SELECT etl.cancel_run($asleep); PREPARE TRANSACTION 'later'", 'a cancellation is not prepared',
	qr/0A000: cannot PREPARE a transaction that has cancelled run $asleep/, qr/HINT:  Use COMMIT/);
$etl->sql_fails(q{BEGIN; DROP EXTENSION pg_etl CASCADE; PREPARE TRANSACTION 'later'}, 'nor that the extension is dropped', qr/0A000: cannot PREPARE/);
$etl->sql("SELECT etl.cancel_run($asleep)");
ends($asleep, 'cancelled', 'it is done when it is committed');

# --- The record is written without statements. What hangs on the rows is as with one.
my $plain = queue('plain', 'SELECT 1');
ends($plain, 'succeeded', 'a run');
$etl->sql(q{CREATE TABLE seen (what text, run_id bigint);
	CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO public.seen VALUES (TG_ARGV[0], NEW.run_id); RETURN NEW; END$$;
	CREATE TRIGGER see_end AFTER UPDATE OF status ON etl.run FOR EACH ROW WHEN (NEW.finished_at IS NOT NULL) EXECUTE FUNCTION see('end');
	CREATE TRIGGER see_nothing AFTER UPDATE OF input ON etl.run FOR EACH ROW EXECUTE FUNCTION see('input');
	CREATE TRIGGER see_step BEFORE UPDATE ON etl.task_run FOR EACH ROW EXECUTE FUNCTION see('step');
	CREATE TRIGGER see_event AFTER INSERT ON etl.event FOR EACH ROW EXECUTE FUNCTION see('event')});
my $watched = $etl->sql(q{SELECT etl.run_workflow('plain')});
ends($watched, 'succeeded', 'a run whose tables have triggers of somebody');
$etl->sql_is("SELECT string_agg(what || ' ' || count, ', ' ORDER BY what) FROM (SELECT what, count(*) FROM seen WHERE run_id = $watched GROUP BY 1) s",
	'end 1, event 5, step 1', 'which fire');
$etl->sql('DROP FUNCTION see() CASCADE');
ends($etl->sql(q{SELECT etl.run_workflow('plain')}), 'succeeded', 'a run without them');
$etl->sql_is("SELECT count(*) FROM seen WHERE run_id <> $watched", 0, 'none fires any more');
$etl->sql('CREATE INDEX by_type ON etl.event (type)');
my $indexed = $etl->sql(q{SELECT etl.run_workflow('plain')});
ends($indexed, 'succeeded', 'a run whose events have another index');
$etl->sql_is("SET enable_seqscan = off; SELECT count(*) FROM etl.event WHERE type IN ('run_started', 'run_succeeded') AND run_id + 0 = $indexed",
	2, 'which knows them');
$etl->sql(q{ALTER TABLE etl.event ADD CONSTRAINT not_now CHECK (type <> 'task_succeeded') NOT VALID});
ends($etl->sql(q{SELECT etl.run_workflow('plain')}), 'failed', 'a record that a constraint refuses', qr/violates check constraint "not_now"/);
$etl->sql(q{ALTER TABLE etl.event DROP CONSTRAINT not_now; DROP INDEX etl.by_type});

# A run's row that somebody changes, or deletes, while its step is about to record its end.
my $waits = q{SELECT count(*) = 1 FROM pg_stat_activity WHERE backend_type = 'pg_etl executor' AND wait_event_type = 'Lock' AND wait_event = '%s'};
$etl->sql('CREATE TABLE effect (run_id bigint)');
for my $change (q{UPDATE etl.run SET input = '{"changed": true}'}, 'DELETE FROM etl.run')
{
	$locker->query_safe('SELECT pg_advisory_lock(7)');
	$run = queue($change =~ s/\W+/ /gr, 'INSERT INTO public.effect VALUES (:run_id); SELECT pg_advisory_lock_shared(7)');
	$etl->wait_until(sprintf($waits, 'advisory'));
	$locker->query_safe("BEGIN; $change WHERE run_id = $run; SELECT pg_advisory_unlock(7)");
	$etl->wait_until(sprintf($waits, 'transactionid'));
	$locker->query_safe('COMMIT');
	if ($change =~ /UPDATE/)
	{
		ends($run, 'succeeded', 'a run that is changed as its step ends');
		$etl->sql_is("SELECT input, tasks_done FROM etl.run WHERE run_id = $run", '{"changed": true}|1', 'nothing of the change is lost');
	}
	else
	{
		$etl->wait_until("SELECT status = 'cancelled' FROM etl.task_run WHERE run_id = $run");
		$etl->sql_is("SELECT count(*) FROM effect WHERE run_id = $run", 0, 'a run that is deleted: what its step did is rolled back');
	}
}
$locker->quit;
done_testing();

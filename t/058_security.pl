# Who may do what, and who may not: steps stay their owner, nobody's objects are called with another's rights, nobody
# changes what is another's, and a role that loses what it needs fails by itself.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

my $etl = EtlTest->new(conf => 'etl.max_executors = 4');
my $node = $etl->primary;

sub as
{
	my ($role, $query) = @_;
	my ($status, $stdout, $stderr) = $node->psql('postgres', $query, extra_params => [ '-U', $role ]);
	return $status == 0 ? $stdout : $stderr;
}

# Try them all, whatever becomes of each.
sub try_as
{
	my ($role, @statements) = @_;
	my ($status, $stdout, $stderr) = $node->psql('postgres', join(";\n", @statements), on_error_stop => 0, extra_params => [ '-U', $role ]);
	return $stdout . $stderr;
}

# Define a workflow of one step as a role, run it, and return the run.
my $flows = 0;
sub run_as
{
	my ($role, $sql) = @_;
	my $name = 'flow ' . ++$flows;
	as($role, qq{INSERT INTO etl.workflow (name) VALUES ('$name');
		INSERT INTO etl.task (workflow, name, sql) VALUES ('$name', 'x', \$step\$$sql\$step\$)});
	my $run = as($role, "SELECT etl.run_workflow('$name')");
	$etl->sql("SELECT etl.wait_for_run($run)");
	return $run;
}

sub fails_as
{
	my ($role, $sql, $error, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my $run = run_as($role, $sql);
	like($etl->sql("SELECT concat(status, ': ', error) FROM etl.run_status WHERE run_id = $run"), qr/^failed: x: $error/, $name);
}

my $superuser = $etl->sql('SELECT current_user');
$etl->sql(q{
	CREATE ROLE villain LOGIN; CREATE ROLE victim LOGIN; CREATE ROLE reads LOGIN; CREATE ROLE operates LOGIN;
	SELECT etl.grant_author('villain'), etl.grant_author('victim'), etl.grant_reader('reads'), etl.grant_operator('operates');
	CREATE SCHEMA villain AUTHORIZATION villain; CREATE SCHEMA victim AUTHORIZATION victim;
	GRANT CREATE ON SCHEMA public TO villain});

# --- A step is its owner
as('villain', 'CREATE TABLE villain.who (what text, who text)');
foreach my $escape ('RESET ROLE', 'RESET SESSION AUTHORIZATION', 'SET SESSION AUTHORIZATION DEFAULT', 'SET ROLE NONE', 'DISCARD TEMP')
{
	my $run = run_as('villain', "$escape; INSERT INTO villain.who VALUES ('$escape', concat_ws(' ', current_user, session_user))");
	is($etl->sql("SELECT who FROM villain.who WHERE what = '$escape'"), 'villain villain', "$escape gets nowhere");
}
fails_as('villain', "SET ROLE $superuser", 'permission denied to set role', 'SET ROLE');
fails_as('villain', "SET SESSION AUTHORIZATION $superuser", 'permission denied to set session authorization', 'SET SESSION AUTHORIZATION');
fails_as('villain', q{COPY villain.who FROM PROGRAM 'id'}, 'must be superuser or have privileges', 'COPY FROM PROGRAM');
fails_as('villain', q{COPY villain.who TO '/tmp/x'}, 'must be superuser or have privileges', 'COPY to a file');
fails_as('villain', 'CREATE FUNCTION villain.f() RETURNS event_trigger LANGUAGE plpgsql AS $$ BEGIN END $$;
	CREATE EVENT TRIGGER e ON ddl_command_end EXECUTE FUNCTION villain.f()', 'permission denied to create event trigger', 'an event trigger');
fails_as('villain', 'SET row_security = off; SELECT * FROM etl.run', 'query would be affected by row-level security policy', 'row_security = off');
fails_as('villain', 'SELECT etl._wake_scheduler()', 'permission denied for function _wake_scheduler', 'the engine\'s own doors');
fails_as('villain', 'SELECT etl._engine_start()', 'permission denied for function _engine_start', 'all of them');
fails_as('villain', q{SELECT etl.grant_author('villain')}, 'permission denied for function grant_author', 'grants');
fails_as('villain', q{ALTER DEFAULT PRIVILEGES FOR ROLE victim GRANT ALL ON TABLES TO villain}, 'must be member of role "victim"|permission denied', 'default privileges of another');
fails_as('villain', q{UPDATE etl.task_run SET status = 'succeeded'}, 'permission denied for table task_run', 'its own record');
fails_as('villain', q{DELETE FROM etl.event}, 'permission denied for table event', 'and history');
fails_as('villain', q{DROP EXTENSION pg_etl}, 'must be owner of extension pg_etl', 'the extension');
fails_as('villain', q{ALTER SYSTEM SET etl.clock_offset = 1}, 'ALTER SYSTEM cannot|permission denied', 'the clock');
fails_as('villain', q{SET etl.run_superuser_workflows = on}, 'parameter "etl.run_superuser_workflows" cannot be changed now', 'settings of the server');
foreach my $trigger ('_run_queue', '_run_version', '_run_check', '_task_graph_check', '_schedule_changed', '_workflow_check')
{
	fails_as('villain', "CREATE TRIGGER t AFTER INSERT ON villain.who FOR EACH ROW EXECUTE FUNCTION etl.$trigger()",
		"permission denied for function etl.$trigger", "a trigger of one's own that calls etl.$trigger");
}

# --- Traps: whatever can be shadowed that the extension calls, in the villain's schema, public and pg_temp. All tell who
# called them.
my $shadows = q{
	SELECT format('CREATE FUNCTION %s.%I(%s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO villain.caught VALUES (%L, current_user); RETURN NULL; END $f$',
			schema, p.proname, pg_get_function_identity_arguments(p.oid), CASE WHEN p.proretset THEN 'SETOF ' ELSE '' END || p.prorettype::regtype, p.proname)
		FROM pg_proc p, unnest('{villain,public}'::text[]) AS schema
		WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.prokind = 'f' AND NOT p.proretset
			AND p.proname = ANY ('{now,length,format,pg_has_role,quote_ident,jsonb_typeof,date_trunc,isfinite,jsonb_build_object,btrim,to_char,
				clock_timestamp,left,array_to_string,array_position,concat,coalesce,regexp_replace,current_setting,cardinality,set_config}')
			AND p.provariadic = 0 AND pg_get_function_identity_arguments(p.oid) !~ 'any|internal'
	UNION ALL SELECT format('CREATE FUNCTION %s.pg_has_role(name, regrole, text) RETURNS boolean LANGUAGE plpgsql AS
			$f$ BEGIN INSERT INTO villain.caught VALUES (%L, current_user); RETURN true; END $f$', schema, 'pg_has_role')
		FROM unnest('{villain,public}'::text[]) AS schema
	UNION ALL SELECT format('CREATE FUNCTION villain.%I(%s, %s) RETURNS %s LANGUAGE plpgsql AS $f$ BEGIN INSERT INTO villain.caught VALUES (%L, current_user); RETURN NULL; END $f$;
			CREATE OPERATOR villain.%s (LEFTARG = %s, RIGHTARG = %s, FUNCTION = villain.%I)',
			'op' || o.oid, oprleft::regtype, oprright::regtype, oprresult::regtype, oprname, oprname, oprleft::regtype, oprright::regtype, 'op' || o.oid)
		FROM pg_operator o WHERE oprnamespace = 'pg_catalog'::regnamespace AND oprkind = 'b' AND oprname IN ('=', '<>', '||', '->', '->>', '~', '<@', '<', '>')
			AND oprleft::regtype::text IN ('text', 'jsonb', 'bigint', 'integer', 'oid', 'timestamp with time zone', 'regrole', 'text[]')
			AND oprright::regtype::text IN ('text', 'jsonb', 'bigint', 'integer', 'oid', 'timestamp with time zone', 'text[]')
			AND oprleft::regtype::text !~ 'any'};
as('villain', 'CREATE TABLE villain.caught (what text, who text); GRANT ALL ON villain.caught TO PUBLIC; GRANT USAGE ON SCHEMA villain TO PUBLIC');
my @shadows = split /\x01/, $etl->sql("SELECT string_agg(s, E'\\x01') FROM ($shadows) AS t(s)");
try_as('villain', @shadows);
my $laid = $etl->sql(q{SELECT count(*) FROM pg_proc WHERE proowner = 'villain'::regrole});
cmp_ok($laid, '>', 60, 'traps are laid');
my $trapped = q{SET search_path = villain, public, pg_catalog, pg_temp;
	CREATE TEMP TABLE workflow (name text, owner oid, version_id bigint); CREATE TEMP TABLE task (LIKE workflow);
	CREATE TEMP TABLE run (LIKE workflow); CREATE TEMP TABLE old_rows (workflow text); CREATE TEMP TABLE new_rows (workflow text);
	CREATE DOMAIN pg_temp.text AS bytea; CREATE DOMAIN pg_temp.regrole AS bytea; CREATE DOMAIN pg_temp.jsonb AS bytea;};
my $session = as('villain', $trapped . q{
	INSERT INTO etl.workflow (name, schedule) VALUES ('trapped', '0 0 1 1 *');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('trapped', 'a', 'SELECT 1 / 0'), ('trapped', 'b', 'SELECT 1');
	UPDATE etl.task SET depends_on = '{b}' WHERE name = 'a';
	UPDATE etl.workflow SET schedule = '0 0 2 1 *', description = 'x' WHERE name = 'trapped';
	INSERT INTO etl.notification (workflow, topic_arn) VALUES ('trapped', 'arn:aws:sns:us-east-1:123456789012:t');
	DELETE FROM etl.notification;
	SELECT etl.backfill('trapped', '2020-01-01', '2022-01-01');
	SELECT etl.run_workflow('trapped', '{}', 'one'), etl.run_workflow('trapped', '{}', 'one');
	SELECT count(*) > 0 FROM etl.run_status; SELECT count(*) > 0 FROM etl.task_status; SELECT etl.graph('trapped') IS NOT NULL;
	SELECT etl.next_runs('@daily')});
unlike($session, qr/ERROR/, 'among them the extension is used');
my $trapped_run = $etl->sql(q{SELECT run_id FROM etl.run WHERE run_name = 'one'});
is(as('villain', $trapped . "SELECT etl.wait_for_run($trapped_run)"), 'failed', 'waited for');
is(as('villain', $trapped . "SELECT etl.retry_run($trapped_run), etl.cancel_run($trapped_run)"), 't|t', 'retried, cancelled');
as('villain', 'ALTER ROLE villain SET search_path = villain, public, pg_catalog, pg_temp');
$etl->sql(q{SELECT pg_terminate_backend(pid) FROM etl._activity() WHERE task_run_id IS NULL});
run_as('villain', 'SELECT now()');
$etl->sql(q{SET search_path = villain, public, pg_catalog; UPDATE etl.workflow SET description = 'y' WHERE name OPERATOR(pg_catalog.=) 'trapped'});
$etl->sql_is(q{SELECT string_agg(DISTINCT who || ' ' || what, ', ') FROM villain.caught WHERE who <> 'villain'}, '', 'and nobody but the villain steps into them');
$etl->sql_is(q{SELECT count(*) > 0 FROM villain.caught}, 't', 'who does, in a step');
$etl->sql('ALTER ROLE villain RESET ALL; DROP OWNED BY villain; SELECT etl.grant_author(\'villain\'); CREATE SCHEMA villain AUTHORIZATION villain;
	DELETE FROM etl.workflow');

# --- What is another's
my $theirs = run_as('victim', 'SELECT 1 / 0');
as('victim', q{INSERT INTO etl.workflow (name, schedule) VALUES ('theirs', '0 0 1 1 *');
	INSERT INTO etl.task (workflow, name, sql, retries, retry_delay) VALUES ('theirs', 'x', 'SELECT 1 / 0', 1, '1 hour'), ('theirs', 'y', 'SELECT pg_sleep(600)', 0, '0');
	INSERT INTO etl.notification (workflow, topic_arn) VALUES ('theirs', 'arn:aws:sns:us-east-1:123456789012:t');
	INSERT INTO etl.local_secret (secret_id, value) VALUES ('s', 'canary-secret')});
my $running = as('victim', q{SELECT etl.run_workflow('theirs')});
$etl->wait_until(qq{SELECT string_agg(status, ',' ORDER BY task, attempt) FROM etl.task_status WHERE run_id = $running}, 'failed,retrying,running');
my $tables = $etl->sql(q{SELECT string_agg(c.relname, ' ') FROM pg_class c WHERE relnamespace = 'etl'::regnamespace AND relkind IN ('r', 'p')});
my $contents = 'SELECT md5(concat_ws(chr(10), ' . join(', ', map { "(SELECT string_agg(t::text, chr(10) ORDER BY t::text) FROM etl.$_ t)" } split ' ', $tables) . '))';
my $before = $etl->sql($contents);
foreach my $role ('villain', 'reads', 'operates')
{
	foreach my $table (split ' ', $tables)
	{
		my @columns = split ' ', $etl->sql("SELECT string_agg(quote_ident(attname), ' ') FROM pg_attribute WHERE attrelid = 'etl.$table'::regclass AND attnum > 0 AND NOT attisdropped");
		try_as($role, "DELETE FROM etl.$table", "TRUNCATE etl.$table CASCADE", "INSERT INTO etl.$table SELECT * FROM etl.$table",
		  (map { "UPDATE etl.$table SET $_ = NULL" } @columns), "UPDATE etl.$table SET owner = '$role'",
		  "DROP TABLE etl.$table CASCADE", "ALTER TABLE etl.$table DISABLE ROW LEVEL SECURITY", "CREATE TRIGGER t BEFORE INSERT ON etl.$table FOR EACH ROW EXECUTE FUNCTION suppress_redundant_updates_trigger()");
	}
}
$etl->sql_is($contents, $before, 'no statement changes a row that is another\'s');
my $calls = q{SELECT format('SELECT %s(%s)', p.oid::regproc, (SELECT string_agg(CASE format_type(t, NULL)
			WHEN 'bigint' THEN '} . $running . q{' WHEN 'integer' THEN '1' WHEN 'text' THEN quote_literal(w) WHEN 'jsonb' THEN '''{}'''
			WHEN 'interval' THEN '''0.1 s''' WHEN 'timestamp with time zone' THEN 'now()' WHEN 'boolean' THEN 'true' ELSE 'NULL' END, ', ' ORDER BY n)
		FROM unnest(p.proargtypes) WITH ORDINALITY AS a(t, n)))
	FROM pg_proc p, unnest('{theirs,s}'::text[]) w WHERE p.pronamespace IN ('etl'::regnamespace, 'redshift'::regnamespace) AND p.prokind = 'f' AND has_function_privilege(p.oid, 'EXECUTE')};
foreach my $role ('villain', 'reads', 'operates')
{
	my @calls = split /\n/, as($role, $calls);
	cmp_ok(scalar @calls, '>', 5, "$role may call functions");
	unlike(try_as($role, grep { $role ne 'operates' || !/etl\.((cancel|retry)_run|(pause|resume)_workflow)/ } @calls), qr/canary/, 'none of which shows a secret');
	$etl->sql_is($contents, $before, "no function changes what is another's for $role");
}
foreach my $role ('villain', 'reads')
{
	like(as($role, "SELECT etl.$_($running)"), qr/permission denied|does not exist/, "$role: $_") foreach 'cancel_run', 'retry_run';
}
is(as('villain', q{SELECT count(*) FROM etl.run_status WHERE workflow = 'theirs'}), '0', 'an author does not see another\'s runs');
is(as('villain', q{SELECT count(*) FROM etl._activity() WHERE owner <> 'villain'::regrole}), '0', 'nor executors');
is(as('reads', "SELECT count(*) FROM etl.run_status WHERE run_id = $running"), '1', 'a reader does');
foreach my $role ('villain', 'reads', 'operates')
{
	like(as($role, qq{INSERT INTO etl.workflow (name, owner) VALUES ('mine', '$_')}), qr/cannot be given to role|permission denied/, "$role gives nothing to $_")
	  foreach 'victim', $superuser;
	like(as($role, q{INSERT INTO etl.task (workflow, name, sql) VALUES ('theirs', 'z', 'SELECT 1')}), qr/does not exist|permission denied/, "$role adds no task");
	like(as($role, q{INSERT INTO etl.notification (workflow, topic_arn) VALUES ('theirs', 'arn:aws:sns:us-east-1:123456789012:u')}),
		qr/of workflow "theirs", which does not exist|permission denied/, "$role no notification");
	like(as($role, q{INSERT INTO etl.run (workflow) VALUES ('theirs')}), qr/does not exist|permission denied/, "$role queues no run");
}
as('villain', q{INSERT INTO etl.workflow (name) VALUES ('mine')});
like(as('villain', q{UPDATE etl.workflow SET name = 'theirs' WHERE name = 'mine'}), qr/duplicate key/, 'a workflow cannot take another\'s name');
like(as('villain', q{UPDATE etl.workflow SET owner = 'victim' WHERE name = 'mine'}), qr/cannot be given to role/, 'nor owner');
like(as('villain', q{UPDATE etl.workflow SET version_id = 1 WHERE name = 'mine'}), qr/permission denied/, 'nor version');
like(as('villain', q{UPDATE etl.task SET workflow = 'theirs'}), qr/^(UPDATE 0)?$/, 'nor tasks');
like(as('villain', 'SELECT pg_terminate_backend(' . $etl->sql("SELECT min(pid) FROM pg_stat_activity WHERE backend_type = '$_' AND usename IS DISTINCT FROM 'villain'") . ')'),
	qr/must be a|permission denied/, "$_: not theirs to end") foreach 'pg_etl executor', 'pg_etl scheduler', 'pg_etl launcher';
is(as('operates', "SELECT etl.cancel_run($running)"), 't', 'an operator cancels any run');
$etl->wait_until("SELECT bool_and(finished_at IS NOT NULL) FROM etl.task_status WHERE run_id = $running");
is(as('operates', "SELECT etl.retry_run($running)"), 't', 'and retries it');
as('operates', "SELECT etl.cancel_run($running)");
$etl->sql_is("SELECT owner FROM etl.run WHERE run_id = $running", 'victim', 'which stays its owner\'s');

# --- Rights that are lost while a run goes on. Its first step waits, its second is in an executor that is warm.
$etl->sql('CREATE TABLE go (x int); GRANT SELECT ON go TO PUBLIC; CREATE TABLE needed AS SELECT 1; REVOKE CONNECT ON DATABASE postgres FROM PUBLIC;
	GRANT CONNECT ON DATABASE postgres TO villain, victim');
sub lose
{
	my ($loss, $error, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$etl->sql(q{DELETE FROM go; CREATE ROLE loser LOGIN; SELECT etl.grant_author('loser'); GRANT SELECT ON needed TO loser;
		GRANT CONNECT ON DATABASE postgres TO loser});
	my @runs = map {
		my $role = $_;
		$etl->sql(qq{DELETE FROM etl.workflow WHERE name = 'loses $role'; INSERT INTO etl.workflow (name, owner) VALUES ('loses $role', '$role');
			INSERT INTO etl.task (workflow, name, sql, depends_on, retries, retry_delay) VALUES ('loses $role', 'a', 'DO
				''BEGIN WHILE NOT EXISTS (SELECT FROM go) LOOP PERFORM pg_sleep(0.01); END LOOP; END''', '{}', 0, '0'),
				('loses $role', 'b', 'SELECT * FROM needed', '{a}', 0, '0'), ('loses $role', 'c', 'SELECT 1', '{a}', 3, '1 hour')});
		$etl->sql(qq{SELECT etl.run_workflow('loses $role')});
	} 'loser', 'victim';
	$etl->wait_until("SELECT count(*) = 2 FROM etl.task_status WHERE run_id IN ($runs[0], $runs[1]) AND status = 'running'");
	$etl->sql('GRANT SELECT ON needed TO victim');
	$etl->sql($loss);
	$etl->sql('INSERT INTO go VALUES (1)');
	is($etl->sql("SELECT etl.wait_for_run($runs[0])"), 'failed', "$name: the run fails");
	like($etl->sql("SELECT error FROM etl.task_status WHERE run_id = $runs[0] AND task = 'b'"), $error, "$name: and says why");
	is($etl->sql("SELECT etl.wait_for_run($runs[1])"), 'succeeded', "$name: another goes on");
	$etl->sql(q{DELETE FROM etl.workflow WHERE name = 'loses loser'});
	$etl->sql('DROP OWNED BY loser; DROP ROLE loser') if $etl->sql(q{SELECT count(*) FROM pg_roles WHERE rolname = 'loser'});
}
lose('REVOKE SELECT ON needed FROM loser', qr/permission denied for table needed/, 'a privilege');
lose('ALTER ROLE loser NOLOGIN', qr/task "b" cannot run as role loser: the role has no LOGIN/, 'LOGIN');
lose('REVOKE CONNECT ON DATABASE postgres FROM loser', qr/task "b" cannot run as role loser: the role has no CONNECT privilege/, 'CONNECT');
lose('DROP OWNED BY loser; DROP ROLE loser', qr/task "b" cannot run as role \d+: the role does not exist any more/, 'the role itself');

# --- Superusers' workflows, switched off
my $warm = run_as($superuser, 'SELECT 1');
$etl->sql_is("SELECT status FROM etl.run WHERE run_id = $warm", 'succeeded', 'a superuser\'s workflow runs');
$etl->sql('ALTER SYSTEM SET etl.run_superuser_workflows = off');
$etl->sql('SELECT pg_reload_conf()');
my $executors = "SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_etl executor' AND usename = '$superuser'";
$etl->wait_until($executors, '0');
pass('switched off, no executor stays connected as one');
fails_as($superuser, 'SELECT 1', "task \"x\" cannot run as role \"?$superuser\"?: it is a superuser, whose workflows are switched off", 'its steps fail');
$etl->sql_is(q{SELECT sqlstate, error_hint FROM etl.task_run ORDER BY task_run_id DESC LIMIT 1},
	'28000|Give the workflow an owner that is none, or set etl.run_superuser_workflows to on; then run it again.', 'and say what to do');
$etl->sql_is($executors, '0', 'without any connection');
my $other = run_as('victim', 'SELECT 1');
$etl->sql_is("SELECT status FROM etl.run WHERE run_id = $other", 'succeeded', 'others\' run');
$etl->sql('DELETE FROM go');
as('victim', q{INSERT INTO etl.workflow (name) VALUES ('rises');
	INSERT INTO etl.task (workflow, name, sql, depends_on) VALUES ('rises', 'a', 'DO
		''BEGIN WHILE NOT EXISTS (SELECT FROM go) LOOP PERFORM pg_sleep(0.01); END LOOP; END''', '{}'), ('rises', 'b', 'SELECT 1', '{a}')});
my $rises = as('victim', q{SELECT etl.run_workflow('rises')});
$etl->wait_until("SELECT count(*) = 1 FROM etl.task_status WHERE run_id = $rises AND status = 'running'");
$etl->sql('ALTER ROLE victim SUPERUSER; INSERT INTO go VALUES (1)');
is($etl->sql("SELECT etl.wait_for_run($rises)"), 'failed', 'one that has become a superuser');
$etl->sql('ALTER ROLE victim NOSUPERUSER');
is($etl->sql("SELECT etl.retry_run($rises)"), 't', 'and is none any more');
is($etl->sql("SELECT etl.wait_for_run($rises)"), 'succeeded', 'goes on');

done_testing();

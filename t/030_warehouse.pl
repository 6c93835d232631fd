# Statements on another server: they run over there, their errors come back whole, a cancel reaches them, memory is
# bounded by a row, and no password is in anybody's log.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time sleep);

my $etl = EtlTest->new(warehouse => 1);
my $warehouse = $etl->warehouse;
my %login = %{ $etl->warehouse_login };

sub there { return $warehouse->safe_psql('dev', $_[0]); }

# dev has pg_etl and translates; plain takes statements as they are
there('SELECT etl.grant_author(\'loader\')');
$warehouse->safe_psql('postgres', 'CREATE DATABASE plain OWNER loader');
foreach my $database ('dev', 'plain')
{
	$etl->sql(<<"SQL");
CREATE SERVER $database FOREIGN DATA WRAPPER etl_warehouse
	OPTIONS (host '$login{host}', port '$login{port}', dbname '$database', connect_timeout '5');
CREATE USER MAPPING FOR CURRENT_USER SERVER $database OPTIONS ("user" '$login{username}', password '$login{password}');
SQL
}

# statements
$etl->sql(q{CALL etl.execute($$
	CREATE TABLE public.t (id int DISTKEY, name varchar(10)) SORTKEY (id);
	INSERT INTO public.t VALUES (:n, :'name'), (2, 'b;')$$, 'dev', '{"n": 1, "name": "it''s"}')});
is(there('SELECT * FROM public.t ORDER BY id'), "1|it's\n2|b;", 'Redshift statements run over there, with parameters');
$etl->sql(q{CALL etl.execute('BEGIN; INSERT INTO public.t VALUES (3); ROLLBACK; BEGIN; INSERT INTO public.t VALUES (4); COMMIT', 'dev')});
is(there('SELECT string_agg(id::text, $$,$$ ORDER BY id) FROM public.t'), '1,2,4', 'transactions are those of over there');
$etl->sql_is(q{SELECT * FROM etl.query('SELECT id, name, NULL AS n FROM public.t WHERE id < 3 ORDER BY id', 'dev')},
	qq({"n": null, "id": 1, "name": "it's"}\n{"n": null, "id": 2, "name": "b;"}), 'rows come back from pg_etl');
$etl->sql_is(q{SELECT * FROM etl.query($$SELECT 1 AS a, 1.50 AS b, true AS c, 'NaN'::float8 AS d, '{"x": 1}'::json AS e, 'it''s' AS f, null AS g$$, 'plain')},
	q({"a": 1, "b": 1.50, "c": true, "d": "NaN", "e": {"x": 1}, "f": "it's", "g": null}), 'rows come back from PostgreSQL');

# errors
$etl->sql_fails(q{CALL etl.execute('SELECT 1; DO $$BEGIN RAISE EXCEPTION ''over there'' USING ERRCODE = ''XX123'', DETAIL = ''a detail'', HINT = ''a hint''; END$$', 'plain')},
	'an error over there', qr/XX123: over there/, qr/DETAIL:  a detail/, qr/HINT:  a hint/,
	qr/CONTEXT:  PL\/pgSQL function inline_code_block line 1 at RAISE\non connection "plain"\nstatement 2 \(line 1\)/);
$etl->sql_fails(q{CALL etl.execute('SELECT * FROM nosuch', 'dev')}, 'an error of pg_etl over there',
	qr/42P01: relation "nosuch" does not exist/, qr/CONTEXT:  on connection "dev"\n/);
$etl->sql_fails(q{CALL etl.execute('BEGIN; SELECT 1', 'dev')}, 'a transaction left open', qr/25001/);
$etl->sql_fails(q{CALL etl.execute('COPY (SELECT 1) TO STDOUT', 'plain')}, 'copy data', qr/0A000/);

# passwords
$etl->sql(q{CREATE ROLE analyst; SELECT etl.grant_author('analyst'); GRANT USAGE ON FOREIGN SERVER dev TO analyst});
my $as_analyst = 'SET ROLE analyst; CALL etl.execute(\'SELECT 1\', \'dev\')';
$etl->sql(q{CREATE USER MAPPING FOR analyst SERVER dev OPTIONS ("user" 'loader', password 'canary-wrong')});
$etl->sql_fails($as_analyst, 'a wrong password', qr/28P01: could not connect to "dev"/, qr/password authentication failed/);
$etl->sql(q{ALTER USER MAPPING FOR analyst SERVER dev OPTIONS (DROP password)});
$etl->sql_fails($as_analyst, 'no password', qr/2F003: password is required/);
$etl->sql(q{ALTER USER MAPPING FOR analyst SERVER dev OPTIONS (ADD password 'canary-unasked', SET "user" 'trusted')});
$warehouse->safe_psql('postgres', 'CREATE ROLE trusted LOGIN');
unlink $warehouse->data_dir . '/pg_hba.conf';
$warehouse->append_conf('pg_hba.conf',
	"local all all trust\nhost all trusted 127.0.0.1/32 trust\nhost all all 127.0.0.1/32 scram-sha-256");
$warehouse->reload;
$etl->sql_fails($as_analyst, 'a password that nobody asks for', qr/2F003: password is required/,
	qr/DETAIL:  The other server did not ask for one/);
$etl->sql(q{ALTER USER MAPPING FOR analyst SERVER dev OPTIONS (SET "user" 'dbname=x password=y')});
$etl->sql_fails($as_analyst, 'a value is not a connection string', qr/authentication failed for user "dbname=x password=y"/);

# nobody there
$etl->sql(q{CREATE SERVER closed FOREIGN DATA WRAPPER etl_warehouse OPTIONS (host '127.0.0.1', port '1', dbname 'd');
	CREATE USER MAPPING FOR CURRENT_USER SERVER closed OPTIONS ("user" 'u', password 'canary-closed')});
$etl->sql_fails(q{CALL etl.execute('SELECT 1', 'closed')}, 'nobody there', qr/08001: could not connect to "closed"/);

# a cancel, and the end of a session, reach the other side
my $sleeping = q{SELECT count(*) FROM pg_stat_activity WHERE application_name = 'pg_etl' AND state = 'active'};
foreach my $function ('pg_cancel_backend', 'pg_terminate_backend')
{
	my ($in, $out, $err) = ('', '', '');
	my $session = IPC::Run::start([ 'psql', '-XqAt', '-c', q{CALL etl.execute('SELECT pg_sleep(180)', 'dev')},
		$etl->primary->connstr('postgres') ], '<', \$in, '>', \$out, '2>', \$err);
	$warehouse->poll_query_until('postgres', $sleeping, '1') or die 'the statement did not start';
	my $start = time;
	$etl->sql("SELECT $function(pid) FROM pg_stat_activity WHERE query LIKE 'CALL etl.execute%'");
	$warehouse->poll_query_until('postgres', $sleeping, '0') or die 'the statement goes on';
	$session->finish;
	cmp_ok(time - $start, '<', 2, "$function ends it here and there within 2 s");
	like($err, $function eq 'pg_cancel_backend' ? qr/canceling statement due to user request/
		: qr/terminating connection/, "$function: it says so");
}
$etl->sql_fails(q{SET statement_timeout = '500ms'; SELECT count(*) FROM etl.query('SELECT * FROM generate_series(1, 1000000000)', 'plain')},
	'a timeout among rows', qr/57014/);

# memory is bounded by a row
my $peak = q{SELECT substring(pg_read_file('/proc/self/status') FROM 'VmHWM:\s+(\d+)')};
my ($before, $after) = split /\n/,
	$etl->sql(qq{$peak; CALL etl.execute('SELECT repeat(''x'', 200) FROM generate_series(1, 1000000)', 'plain'); $peak});
cmp_ok($after - $before, '<', 20 * 1024, 'a million rows take less than 20 MB');
($before, $after) = (split /\n/,
	$etl->sql(qq{SET work_mem = '1MB'; $peak; SELECT count(*) FROM etl.query('SELECT repeat(''x'', 200) FROM generate_series(1, 300000)', 'plain'); $peak}))[0, 2];
cmp_ok($after - $before, '<', 20 * 1024, 'and so when they are kept');

my $log = $etl->server_log . slurp_file($warehouse->logfile);
unlike($log, qr/canary/, 'no password is in a log');

done_testing();

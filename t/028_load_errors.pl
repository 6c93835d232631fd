# A load's errors outlive its failure: whoever loads, from wherever; and when they can't be kept, a warning says so, and the
# load's own error comes all the same.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;

my $etl = EtlTest->new;
my $node = $etl->primary;
my $root = PostgreSQL::Test::Utils::tempdir;

$etl->sql(qq{
	CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root');
	CREATE TABLE t (id int);
	CREATE ROLE nobody NOLOGIN;
	SELECT etl.grant_author('nobody');
	GRANT USAGE ON FOREIGN SERVER aws TO nobody;
	GRANT INSERT ON t TO nobody;
	SELECT etl.s3_put('s3://bad/1', E'1\\nx\\n')});
my $load = q{SELECT etl.load('t', 's3://bad/1')};
my $lost = qr/WARNING:  [0-9A-Z]{5}: the errors of the load into public\.t could not be kept/;
my $own = qr/ERROR:  22P02: invalid digit at byte 1 for type integer\nDETAIL:  File "s3:\/\/bad\/1", line 2, column "id": "x"\./;
sub kept { return $etl->sql(q{SELECT count(*) || ',' || (SELECT count(*) FROM etl.load_history WHERE status = 'failed') FROM etl.load_error}); }
sub is_kept { my ($before, $more, $name) = @_; is(kept(), join(',', map { $_ + $more } split(/,/, $before)), $name); }
# Somebody has the table to himself while this runs.
sub locked
{
	my $session = $node->background_psql('postgres');
	$session->query_safe('BEGIN; LOCK TABLE etl.load_error IN ACCESS EXCLUSIVE MODE');
	shift->();
	$session->quit;
}
my $writers = q{SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'pg_etl load errors'};

# --- Kept
my $before = kept();
$etl->sql_fails($load, 'a bad load', $own, qr/HINT:  SELECT \* FROM redshift\.stl_load_errors WHERE query = \d+\n/);
is_kept($before, 1, 'its error is kept');
$etl->sql_fails("BEGIN; SAVEPOINT a; $load", 'in a transaction that nobody commits', $own);
$etl->sql_fails("BEGIN ISOLATION LEVEL SERIALIZABLE; SET LOCAL lock_timeout = 1; SET LOCAL search_path = pg_temp; SELECT etl.load('public.t', 's3://bad/1')",
	'whatever its settings', $own);
$etl->sql_fails("SET ROLE nobody; $load", 'of a role that may not log in', $own);
is_kept($before, 4, 'kept, too');
$etl->sql_is('SELECT username, count(*) FROM etl.load_error GROUP BY 1 ORDER BY 1',
	join("\n", sort("nobody|1", $etl->sql('SELECT current_user') . '|3')), 'with who it was');
$etl->sql('ALTER DATABASE postgres ALLOW_CONNECTIONS true CONNECTION LIMIT 5');
$etl->sql('ALTER DATABASE postgres SET default_transaction_read_only = on');
$etl->sql_fails("SET default_transaction_read_only = off; $load", 'where transactions read by default', $own);
$etl->sql('SET default_transaction_read_only = off; ALTER DATABASE postgres RESET default_transaction_read_only');
$etl->sql('ALTER DATABASE postgres CONNECTION LIMIT -1');
is_kept($before, 5, 'kept, too');

# Many at a time, one after another.
$before = kept();
my @sessions = map {
	my ($out, $err) = ('', '');
	{ run => IPC::Run::start([ 'psql', '-X', '-d', $node->connstr('postgres'), '-c', "$load;", ('-c', $load) x 9 ], '<', \undef, '>', \$out, '2>', \$err) }
} 1 .. 6;
$_->{run}->finish foreach @sessions;
is_kept($before, 60, 'six sessions with ten bad loads each');
unlike($etl->server_log, qr/WARNING/, 'without a warning');

# Of a load that goes on after errors, too, be it that nobody commits it.
$before = $etl->sql('SELECT count(*) FROM etl.load_error');
$etl->sql(q{SELECT etl.s3_put('s3://bad/many', string_agg(CASE WHEN i % 3 = 0 THEN i::text ELSE repeat('é', 200) END || E'\n', '' ORDER BY i))
	FROM generate_series(1, 151200) i});
$etl->sql(q{BEGIN; SELECT etl.load('t', 's3://bad/1', options => '{"maxerror": 2}'); ROLLBACK});
$etl->sql_is("SELECT count(*) - $before FROM etl.load_error", '1', 'a load that is rolled back has left what it rejected');
$etl->sql(q{TRUNCATE t; TRUNCATE etl.load_error});
$etl->sql_is(q{SELECT etl.load('t', 's3://bad/many', options => '{"ignoreallerrors": true}')}, '50400', 'a load that rejects 100,800 records');
$etl->sql_is(q{SELECT rejected, rows, status FROM etl.load_history ORDER BY load_id DESC LIMIT 1}, '100800|50400|loaded', 'counts them');
$etl->sql_is(q{SELECT count(*), min(line), max(line), count(fields), max(octet_length(raw_line)), count(DISTINCT load_id) FROM etl.load_error},
	'100000|1|149999|20|400|1', 'and keeps the first 100,000, the first 20 with their fields');
is($etl->sql(q{SELECT bool_and(line > before) FROM (SELECT line, lag(line, 1, 0::bigint) OVER (ORDER BY error_id) AS before FROM etl.load_error) e}), 't', 'in their order');
$etl->sql_fails(q{SELECT etl.load('t', 's3://bad/many', options => '{"maxerror": 100000}')}, 'a load that reaches MAXERROR', qr/reached MAXERROR/);
$etl->sql_is(q{SELECT rejected, rows, status FROM etl.load_history ORDER BY load_id DESC LIMIT 1}, '100000|0|failed', 'is in history');

# --- Not kept
$before = kept();
locked(sub {
	$etl->sql_fails($load, 'somebody has the table', $lost, qr/DETAIL:  canceling statement due to lock timeout\./, $own);
});
is_kept($before, 0, 'nothing is kept');
is($etl->sql($writers), '0', 'nobody is left behind');

locked(sub {
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	$session->query_until(qr/loading/, "\\set VERBOSITY verbose\n\\echo loading\n$load;\n");
	$etl->wait_until("$writers AND wait_event_type = 'Lock'", '1');
	$etl->sql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE backend_type = 'pg_etl load errors'});
	$session->query_until(qr/done/, "\\echo done\n");
	like($session->{stderr}, $lost, 'its writer is killed');
	like($session->{stderr}, qr/DETAIL:  The process that writes them ended\.\nHINT:  The server's log may say why\./, 'and says so');
	like($session->{stderr}, $own, 'after the warning comes the error');
	$session->quit;
});
is_kept($before, 0, 'nothing is kept');

locked(sub {
	my $session = $node->background_psql('postgres', on_error_stop => 0);
	my $pid = $session->query('SELECT pg_backend_pid()');
	$session->query_until(qr/loading/, "\\set VERBOSITY verbose\n\\echo loading\n$load;\n");
	$etl->wait_until("$writers AND wait_event_type = 'Lock'", '1');
	$etl->sql("SELECT pg_cancel_backend($pid)");
	$session->query_until(qr/done/, "\\echo done\n");
	like($session->{stderr}, qr/ERROR:  57014: canceling statement due to user request/, 'a load that waits for it can be cancelled');
	$session->quit;
});
$etl->wait_until($writers, '0');

# The extension is there for the transaction that creates it alone.
$node->safe_psql('postgres', 'CREATE DATABASE other');
my ($status, $stdout, $stderr) = $node->psql('other', qq{\\set VERBOSITY verbose
	BEGIN;
	CREATE EXTENSION pg_etl;
	CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root');
	CREATE TABLE t (id int);
	$load}, on_error_stop => 0);
like($stderr, $lost, 'in the transaction that creates the extension');
like($stderr, qr/DETAIL:  extension "pg_etl" is not created in this database\./, 'and says so');
like($stderr, $own, 'after the warning comes the error');
# Nor does it keep anybody from dropping the database.
$node->safe_psql('other', qq{CREATE EXTENSION pg_etl; CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root'); CREATE TABLE t (id int)});
$node->psql('other', $load);
$node->safe_psql('postgres', 'DROP DATABASE other');
pass('a database is dropped right after a bad load');

# --- Without the engine, and without a process to be had
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''\n");
$node->restart;
$before = kept();
$etl->sql_fails($load, 'where pg_etl is not preloaded', $own);
is_kept($before, 1, 'they are kept');
$node->append_conf('postgresql.conf', "max_worker_processes = 0\n");
$node->restart;
$etl->sql_fails($load, 'no process is left', qr/WARNING:  53400/, $lost, qr/DETAIL:  No background worker is left\.\nHINT:  Raise max_worker_processes\./, $own);
is_kept($before, 1, 'nothing is kept');

done_testing();

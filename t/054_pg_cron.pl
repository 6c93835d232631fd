# etl.import_pg_cron with the real pg_cron. Its jobs are never due here: what they would do is not what this is about.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

chomp(my $libraries = `pg_config --pkglibdir`);
plan(skip_all => "no pg_cron in $libraries (Debian: postgresql-15-cron)") unless -e "$libraries/pg_cron.so";

my $etl = EtlTest->new(conf => "shared_preload_libraries = 'pg_cron,pg_etl'\ncron.database_name = 'postgres'");
my $node = $etl->primary;
my $superuser = $etl->sql('SELECT current_user');

my @missing = ('SELECT * FROM etl.import_pg_cron()', 'without pg_cron', qr/ERROR:  42704: pg_cron is not in this database/);
$etl->sql_fails(@missing);
$etl->sql('CREATE SCHEMA cron; CREATE VIEW cron.job AS SELECT 1 / 0 AS jobid');
$etl->sql_fails(@missing);    # somebody's schema of that name is not looked into
$etl->sql('DROP SCHEMA cron CASCADE');
$etl->sql('CREATE EXTENSION pg_cron');
$etl->sql(q{
	CREATE ROLE alice LOGIN; CREATE ROLE bob LOGIN; CREATE ROLE nobody;
	GRANT USAGE ON SCHEMA cron TO alice, bob;
	GRANT CREATE ON SCHEMA public TO alice;
	CREATE DATABASE other});

# What pg_cron itself takes, of two users with one name between them.
$etl->sql(q{SET ROLE alice; SELECT cron.schedule('nightly', '30 2 * * *', 'CREATE TABLE public.made AS SELECT current_user AS who')});
$etl->sql(q{SET ROLE bob; SELECT cron.schedule('nightly', '0 9 1-7 * MON-FRI', 'SELECT 1')});
$etl->sql(q{SET ROLE bob; SELECT cron.schedule('@daily', 'SELECT 2')});
$etl->sql(q{SELECT cron.schedule('sweep', '0 10 * * *', 'VACUUM')});

# What newer versions take as well, and what can't be a workflow.
$etl->sql(q{
	INSERT INTO cron.job (jobname, schedule, command, database, username, nodename, nodeport, active)
	SELECT jobname, schedule, command, coalesce(database, current_database()), username, coalesce(nodename, 'localhost'),
		coalesce(nodeport, current_setting('port')::int), active
	FROM (VALUES
		('seconds', '30 seconds', 'SELECT 3', NULL, 'alice', NULL, NULL, true),
		('one second', '1 Second', 'SELECT 3', NULL, 'alice', NULL, NULL, true),
		('last day', '0 0 $ * *', 'SELECT 4', NULL, 'alice', NULL, NULL, false),
		('behind', '5 4 3 * * root', 'SELECT 5', NULL, 'alice', NULL, NULL, true),
		('boot', '@reboot', 'SELECT 6', NULL, 'alice', NULL, NULL, true),
		('elsewhere', '0 0 * * *', 'SELECT 7', 'other', 'alice', NULL, NULL, true),
		('far', '0 0 * * *', 'SELECT 8', NULL, 'alice', 'db.example.com', NULL, true),
		('port', '0 0 * * *', 'SELECT 8', NULL, 'alice', NULL, 1, true),
		('gone', '0 0 * * *', 'SELECT 9', NULL, 'carol', NULL, NULL, true),
		('no login', '0 0 * * *', 'SELECT 9', NULL, 'nobody', NULL, NULL, true),
		('never', '0 0 31 2 *', 'SELECT 10', NULL, 'alice', NULL, NULL, true),
		('index', '0 0 * * *', 'CREATE UNIQUE INDEX CONCURRENTLY i ON t (x)', NULL, 'alice', NULL, NULL, true))
		AS j(jobname, schedule, command, database, username, nodename, nodeport, active)});

# --- A user's own
$etl->sql(q{SELECT etl.grant_author('bob')});
$etl->sql_is(q{SET ROLE bob; SELECT workflow, imported, remark FROM etl.import_pg_cron()},
	"nightly|t|pg_cron runs it, too, until SELECT cron.unschedule(2)\n"
	. "pg_cron job 3|t|pg_cron runs it, too, until SELECT cron.unschedule(3)", 'a user imports their own jobs');

# --- A superuser: everybody's
my $expected = <<'EXPECTED';
1|pg_cron job 1|t|the name "nightly" is taken; pg_cron runs it, too, until SELECT cron.unschedule(1)
2|nightly|f|the workflow exists; pg_cron runs it, too, until SELECT cron.unschedule(2)
3|pg_cron job 3|f|the workflow exists; pg_cron runs it, too, until SELECT cron.unschedule(3)
4||f|the command cannot run in a transaction, and a step is one
5|seconds|t|pg_cron runs it, too, until SELECT cron.unschedule(5)
6|one second|t|pg_cron runs it, too, until SELECT cron.unschedule(6)
7|last day|t|
8|behind|t|pg_cron runs it, too, until SELECT cron.unschedule(8)
9||f|schedule @reboot has no counterpart
10||f|runs in database "other"
11||f|runs on host "db.example.com", port PORT
12||f|runs on host "localhost", port 1
13||f|role "carol" does not exist
14||f|role "nobody" has no LOGIN
15||f|workflow "never": schedule "0 0 31 2 *" never comes
16||f|the command cannot run in a transaction, and a step is one
EXPECTED
chomp($expected);
$expected =~ s/PORT/$node->port/e;
$etl->sql_is('SELECT * FROM etl.import_pg_cron()', $expected, 'a superuser imports everybody\'s');
$etl->sql_is(q{SELECT name, owner, enabled, schedule, timezone, overlap, (SELECT string_agg(sql, ';') FROM etl.task WHERE workflow = w.name)
	FROM etl.workflow w ORDER BY name COLLATE "C"}, <<'EXPECTED' =~ s/\n$//r, 'as what they were');
behind|alice|t|5 4 3 * *|GMT|queue|SELECT 5
last day|alice|f|0 0 L * *|GMT|queue|SELECT 4
nightly|bob|t|0 9 1-7 * MON-FRI|GMT|queue|SELECT 1
one second|alice|t|rate(1 second)|GMT|skip|SELECT 3
pg_cron job 1|alice|t|30 2 * * *|GMT|queue|CREATE TABLE public.made AS SELECT current_user AS who
pg_cron job 3|bob|t|@daily|GMT|queue|SELECT 2
seconds|alice|t|rate(30 seconds)|GMT|skip|SELECT 3
EXPECTED

# --- Again: nothing is imported and nothing changed
$etl->sql(q{UPDATE etl.task SET sql = 'SELECT 55' WHERE workflow = 'behind'; SELECT etl.pause_workflow('seconds')});
$etl->sql_is('SELECT count(*) FILTER (WHERE imported), count(workflow) FROM etl.import_pg_cron()', '0|7', 'a second call imports nothing');
$etl->sql_is(q{SELECT count(*), count(*) FILTER (WHERE enabled), count(*) FILTER (WHERE sql = 'SELECT 55')
	FROM etl.workflow w JOIN etl.task t ON t.workflow = w.name}, '7|5|1', 'and leaves what it finds');

# --- A workflow runs as its owner, who need not be an author
my $run = $etl->sql(q{SELECT etl.run_workflow('pg_cron job 1')});
is($etl->sql("SELECT etl.wait_for_run($run)"), 'succeeded', 'a workflow that was a job runs');
$etl->sql_is('SELECT who FROM made', 'alice', 'as the one it was of');

# --- pg_cron forgets what has become a workflow, but not by chance
$etl->sql_is(q{SELECT jobid, remark FROM etl.import_pg_cron(unschedule => true) WHERE workflow IN ('nightly', 'behind')},
	"2|the workflow exists; pg_cron runs it no more\n8|the workflow exists", 'unscheduled are those whose command is the workflow\'s');
$etl->sql_is('SELECT string_agg(jobid::text, $$ $$ ORDER BY jobid) FROM cron.job', '4 8 9 10 11 12 13 14 15 16', 'which are gone from pg_cron');

done_testing();

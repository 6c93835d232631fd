# pg_dump: definitions, rights and servers go with a dump and work where it is restored; history, secrets and how far
# schedules have come do not.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etl = EtlTest->new;
my $node = $etl->primary;
my $folder = PostgreSQL::Test::Utils::tempdir;
chmod(0755, $folder);

$etl->sql(qq{
	CREATE ROLE author LOGIN; CREATE ROLE reader LOGIN; CREATE ROLE gone LOGIN;
	GRANT CREATE ON SCHEMA public TO author;
	SELECT etl.grant_author('author'), etl.grant_author('gone'), etl.grant_reader('reader');
	CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$folder');
	GRANT USAGE ON FOREIGN SERVER aws TO author;
	INSERT INTO etl.pool (name, slots) VALUES ('narrow', 2);
	INSERT INTO etl.local_secret (secret_id, owner, value) VALUES ('canary', 'author', 'canary in the mine');
	CREATE TABLE public.effect (what text); GRANT INSERT ON public.effect TO author});
$etl->sql(q{SET ROLE author;
	INSERT INTO etl.workflow (name, input, schedule, timezone, catchup, overlap, retention) VALUES
		('daily', '{"what": "done"}', '0 3 * * *', 'Europe/Berlin', 'all', 'queue', '1 year'),
		('rate', '{}', 'rate(1 day)', 'UTC', 'all', 'queue', NULL);
	-- Names in an order that puts what depends on something before it.
	INSERT INTO etl.task (workflow, name, sql, depends_on, pool) VALUES
		('daily', 'a', $$INSERT INTO public.effect VALUES (:'what')$$, '{z}', 'narrow'), ('daily', 'z', 'SELECT 1', '{}', NULL),
		('rate', 'x', 'SELECT 1', '{}', NULL);
	INSERT INTO etl.notification (workflow, on_status, topic_arn) VALUES ('daily', '{succeeded}', 'arn:aws:sns:eu-central-1:123456789012:told')});
$etl->sql(q{SET ROLE gone;
	INSERT INTO etl.workflow (name) VALUES ('of one without login'); INSERT INTO etl.task (workflow, name, sql) VALUES ('of one without login', 'x', 'SELECT 1');
	RESET ROLE; ALTER ROLE gone NOLOGIN});
my $run = $etl->sql(q{SELECT etl.run_workflow('daily', run_name => 'first')});
is($etl->sql("SELECT etl.wait_for_run($run)"), 'succeeded', 'a run before the dump');
$etl->wait_until("SELECT notifications_open = 0 FROM etl.run WHERE run_id = $run");
# Moments that were missed before the dump are not for the restored database to catch up on.
$etl->sql(q{UPDATE etl.workflow SET enabled = false WHERE name = 'rate'; UPDATE etl.schedule_state SET anchor = anchor - interval '10 days'});
$etl->sql('SELECT etl._make_range(10000)');

# History goes along if it is asked for: what a role may see, to tables of its own.
$etl->sql(q{CREATE SCHEMA authors AUTHORIZATION author; CREATE SCHEMA readers AUTHORIZATION reader; CREATE SCHEMA others;
	GRANT CREATE, USAGE ON SCHEMA others TO author;
	INSERT INTO etl.workflow (name) VALUES ('of the superuser'); INSERT INTO etl.task (workflow, name, sql) VALUES ('of the superuser', 'x', 'SELECT 1 / 0')});
my $failed = $etl->sql(q{SELECT etl.run_workflow('of the superuser')});
is($etl->sql("SELECT etl.wait_for_run($failed)"), 'failed', 'a run of somebody else\'s');
my $waits = $etl->sql(q{SET ROLE author; INSERT INTO etl.workflow (name) VALUES ('waits'); INSERT INTO etl.task (workflow, name, sql, wait_until) VALUES ('waits', 'x', 'SELECT 1', 'false');
	SELECT etl.run_workflow('waits')});
$etl->sql_is(q{SET ROLE author; SELECT etl.export_history('authors', now() - interval '1 day', now() + interval '1 day')}, 1, 'an author\'s history');
$etl->sql_is(q{SET ROLE reader; SELECT etl.export_history('readers')}, 2, 'a reader\'s is everybody\'s, of runs that have ended');
$etl->sql_is('SET ROLE author; SELECT etl.export_history(\'authors\', until => now() - interval \'1 day\')', 0, 'none of another time');
$etl->sql_fails(q{SET ROLE author; SELECT etl.export_history('others')}, 'not to a schema of others', qr/42501: history cannot be exported to schema "others"/);
$etl->sql(q{CREATE SCHEMA traps AUTHORIZATION author; CREATE TABLE traps.etl_event (event_id bigint PRIMARY KEY); GRANT ALL ON traps.etl_event TO author});
$etl->sql_fails(q{SET ROLE author; SELECT etl.export_history('traps')}, 'nor to a table of others', qr/42501: history cannot be exported to "traps.etl_event"/);
$etl->sql_is("SELECT etl.retry_run($failed)", 't', 'a run is carried on');
is($etl->sql("SELECT etl.wait_for_run($failed)"), 'failed', 'and fails again');
$etl->sql('ALTER TABLE readers.etl_run DROP COLUMN error');    # as if a version before had not had it
$etl->sql_is(q{SET ROLE reader; SELECT etl.export_history('readers')}, 2, 'exported again');
$etl->sql_is("SELECT (SELECT count(*) FROM readers.etl_task_run WHERE run_id = $failed), (SELECT error FROM readers.etl_run WHERE run_id = $failed)",
	'2|division by zero', 'it is as it is now');

my $dump = "$folder/dump.sql";
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'dump');
my $text = slurp_file($dump);
unlike($text, qr/canary in the mine/, 'no secret is in it');
unlike($text, qr/\bCOPY etl\.(limited_run|run|task_run|event|run_name|schedule_state|workflow_version)\b|run_1_to|_rest\b/, 'nor history, nor its partitions');
$etl->sql('CREATE DATABASE copy');
$node->command_ok([ 'psql', '-qX', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('copy'), '-f', $dump ], 'restore');

# What the query prints is the same in both.
sub is_kept
{
	my ($query, $name) = @_;
	my $there = $etl->sql($query);
	isnt($there, '', "$name: there are some");
	is($node->safe_psql('copy', $query), $there, $name);
}
is_kept('SELECT name, owner, input, enabled, schedule, timezone, catchup, overlap, retention, created_at FROM etl.workflow ORDER BY 1', 'workflows');
is_kept('SELECT * FROM etl.task ORDER BY workflow, name', 'tasks');
is_kept('SELECT * FROM etl.pool', 'pools');
is_kept('SELECT * FROM etl.notification', 'notifications');
is_kept('SELECT * FROM etl.role_grant', 'readers');
is_kept(q{SELECT has_table_privilege('author', 'etl.task', 'INSERT'), has_function_privilege('author', 'etl.run_workflow(text, jsonb, text)', 'EXECUTE'),
	has_server_privilege('author', 'aws', 'USAGE'), has_function_privilege('reader', 'etl.cancel_run(bigint)', 'EXECUTE'),
	has_table_privilege('author', 'etl.run_1_to_100000', 'SELECT'), has_table_privilege('public', 'etl.run', 'SELECT')}, 'rights');

is($node->safe_psql('copy', 'SELECT count(*) FROM etl.run'), 0, 'there are no runs');
is_kept("SELECT run_id, workflow, owner, status, input, finished_at FROM $_.etl_run ORDER BY 1", "runs exported by $_") foreach 'authors', 'readers';
is_kept('SELECT * FROM readers.etl_task_run ORDER BY task_run_id', 'their steps');
is_kept('SELECT * FROM readers.etl_event ORDER BY event_id', 'what happened');
is_kept('SELECT workflow, definition FROM readers.etl_workflow_version ORDER BY version_id', 'and what they ran');
$run = $node->safe_psql('copy', q{SET ROLE author; SELECT etl.run_workflow('daily', run_name => 'first')});
is($node->safe_psql('copy', "SELECT etl.wait_for_run($run)"), 'succeeded', 'a workflow runs');
is($node->safe_psql('copy', q{SELECT string_agg(what, ',') FROM public.effect}), 'done,done', 'and does what it did');
$node->poll_query_until('copy', q{SELECT count(*) = 1 FROM etl.local_message WHERE topic_arn LIKE '%:told'});
pass('and tells those who want to know');
$node->safe_psql('copy', q{SET ROLE author; INSERT INTO etl.notification (workflow, topic_arn) VALUES ('daily', 'arn:aws:sns:eu-central-1:123456789012:more')});
pass('another notification takes another number');
is($node->safe_psql('copy', q{UPDATE etl.workflow SET enabled = true;
	SELECT bool_and(next_run_at > now()), bool_and(anchor > now() - interval '1 hour') FROM etl.schedule_state}),
	't|t', 'schedules go on from the time of the restore');
done_testing();

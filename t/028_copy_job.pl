# COPY JOB: each file is loaded once whoever runs the job at the same time, and by itself every minute.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etl = EtlTest->new(aws => 1);
my $node = $etl->primary;
my $root = PostgreSQL::Test::Utils::tempdir;

$etl->sql(qq{
	CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root');
	CREATE TABLE t (id int);
	CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN PERFORM pg_advisory_xact_lock_shared(1); RETURN NEW; END \$\$;
	CREATE TRIGGER stop BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION stop();
	CREATE ROLE author LOGIN;
	SELECT etl.grant_author('author');
	GRANT USAGE ON FOREIGN SERVER aws TO author;
	GRANT INSERT ON t TO author;
	SELECT etl.s3_put('s3://jobs/other', '');
	SELECT etl.copy_job_create('job', 't', 's3://jobs/in/', auto => false)});
my $run = q{SELECT etl.copy_job_run('job')};
sub put { $etl->sql("SELECT etl.s3_put('s3://jobs/in/$_', E'$_\\n')") foreach @_; }
sub is_loaded { my ($ids, $name) = @_; $etl->sql_is(q{SELECT string_agg(id::text, ',' ORDER BY id) FROM t}, $ids, $name); }
my $holder = $node->background_psql('postgres');
# A session that has said how it went.
sub session { my $session = $node->background_psql('postgres', on_error_stop => 0); my $pid = $session->query('SELECT pg_backend_pid()'); return ($session, $pid); }
sub start { my ($session, $query) = @_; $session->query_until(qr/begun/, "\\echo begun\n$query;\n"); }
sub finish { my $session = shift; $session->query_until(qr/done/, "\\echo done\n"); my $out = $session->{stdout}; $session->quit; return $out; }
sub waits { my $pid = shift; $etl->wait_until("SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid"); }

# --- Two at a time
$holder->query_safe('SELECT pg_advisory_lock(1)');
put(1, 2);
my ($first, $first_pid) = session();
start($first, $run);
waits($first_pid);
my ($second, $second_pid) = session();
start($second, $run);
waits($second_pid);
put(3);
$holder->query_safe('SELECT pg_advisory_unlock(1)');
$etl->wait_until(q{SELECT count(*) = 3 FROM t});
finish($_) foreach $first, $second;
is_loaded('1,2,3', 'the second run waits for the first, and loads what came meanwhile');
$etl->sql_is(q{SELECT count(*), count(DISTINCT load_id) FROM etl.copy_job_file WHERE status = 'loaded'}, '3|2', 'in two loads');

# One that sees an old state does not load again what it does not know to be loaded.
($first) = session();
$first->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
put(4);
$etl->sql_is($run, '1', 'a run');
$first->query_until(qr/done/, "\\set VERBOSITY verbose\n$run;\n\\echo done\n");
like($first->{stderr}, qr/ERROR:  40001/, 'a transaction that began before it is told to try again');
$first->quit;
is_loaded('1,2,3,4', 'no file twice');

# A run that is killed has loaded nothing, and the next one does.
$holder->query_safe('SELECT pg_advisory_lock(1)');
put(5);
($first, $first_pid) = session();
start($first, $run);
waits($first_pid);
$etl->sql("SELECT pg_terminate_backend($first_pid)");
$etl->wait_until("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = $first_pid)");
$holder->query_safe('SELECT pg_advisory_unlock(1)');
is_loaded('1,2,3,4', 'a run that is killed');
$etl->sql_is($run, '1', 'the next');
is_loaded('1,2,3,4,5', 'loads what it had begun');

# A file that is replaced before it is read: neither version is taken for the other.
$holder->query_safe('SELECT pg_advisory_lock(1)');
put(6);
$etl->sql(q{SELECT etl.s3_put('s3://jobs/in/7', E'7\n')});
($first, $first_pid) = session();
start($first, "\\set VERBOSITY verbose\n$run");
waits($first_pid);
$etl->sql(q{SELECT etl.s3_put('s3://jobs/in/7', E'77\n')});
$holder->query_safe('SELECT pg_advisory_unlock(1)');
$first->query_until(qr/done/, "\\echo done\n");
my $changed = $first->{stderr} =~ /ERROR:  40001/;
$first->quit;
$etl->sql($run);
# The store may have the file open already and read the version it has listed.
is($etl->sql(q{SELECT string_agg(id::text, ',' ORDER BY id) FROM t WHERE id IN (6, 7, 77)}), $changed ? '6,77' : '6,7,77', 'a file that is replaced meanwhile');
$etl->sql_is(q{SELECT count(*) FROM etl.copy_job_file WHERE uri = 's3://jobs/in/7'}, $changed ? '1' : '2', 'is known in the versions that were loaded');

# --- By itself
$etl->sql(q{TRUNCATE t; SET ROLE author; CALL etl.execute($$COPY public.t FROM 's3://jobs/auto/' IAM_ROLE default JOB CREATE own$$)});
$etl->sql_is(q{SELECT name, owner FROM etl.workflow}, 'copy_job_own|author', 'a job that runs by itself is a workflow of its owner');
$etl->sql(q{SELECT etl.s3_put('s3://jobs/auto/1', E'1\n'), etl.s3_put('s3://jobs/auto/2', E'x\n')});
$etl->set_clock(60);
$etl->wait_until(q{SELECT count(*) > 0 FROM etl.run_status WHERE status = 'succeeded'});
is_loaded('1', 'what is new is loaded');
$etl->sql_is(q{SELECT f.uri, status FROM etl.copy_job_file f JOIN etl.copy_job j USING (job_id) WHERE name = 'own' ORDER BY uri},
	"s3://jobs/auto/1|loaded\ns3://jobs/auto/2|failed", 'and what is bad is known to be');
$etl->sql_is(q{SELECT DISTINCT username, run_id = (SELECT min(run_id) FROM etl.run) FROM etl.load_history h JOIN etl.copy_job_file USING (load_id) WHERE h.copy_job_id = 2},
	'author|t', "by the workflow's run, as the owner");
my $loads = $etl->sql('SELECT count(*) FROM etl.load_history');
$etl->sql(q{SELECT etl.s3_put('s3://jobs/auto/3', E'3\n')});
$etl->set_clock(120);
$etl->wait_until(q{SELECT count(*) = 2 FROM t});
is_loaded('1,3', 'and so every minute');
$etl->sql_is("SELECT count(*) - $loads FROM etl.load_history", '1', 'a bad file is not tried again by itself');
$etl->wait_until(q{SELECT NOT EXISTS (SELECT FROM etl.run_status WHERE finished_at IS NULL)});
$etl->sql(q{SET ROLE author; CALL etl.execute('COPY JOB DROP own')});
$etl->sql_is(q{SELECT count(*) FROM etl.workflow}, '0', 'its schedule goes with it');
$holder->quit;

# --- On S3: another server's, which the job remembers
$etl->create_aws_server(name => 's3');
$etl->fixtures('make-bucket', 'remote');
$etl->put_object('remote', 'in/0', '0');
$etl->sql(q{TRUNCATE t; SET etl.aws_server = 's3'; SELECT etl.copy_job_create('remote', 't', 's3://remote/in/', auto => false)});
$etl->put_object('remote', "in/$_", "$_\n") foreach 1, 10, 2;
$etl->sql_is(q{SELECT etl.copy_job_run('remote')}, '3', 'new objects are loaded');
is(scalar $etl->requests(method => 'GET', key => qr{^in/0}), 0, 'and no other is read');
$etl->put_object('remote', 'in/2', "22\n");
$etl->put_object('remote', 'in/1', "1\n");
$etl->sql_is(q{SELECT etl.copy_job_run('remote')}, '1', 'an object is known by its ETag');
is_loaded('1,2,10,22', 'each once');
$etl->put_object('remote', 'in/3', "3\n");
$etl->faults({ do => 'status', method => 'GET', key => 'in/3', status => 403, code => 'AccessDenied', times => 100 });
$etl->sql_fails(q{SELECT etl.copy_job_run('remote')}, 'an object that may not be read', qr/42501/);
$etl->faults();
$etl->sql_is(q{SELECT etl.copy_job_run('remote')}, '1', 'is loaded when it may be');

# --- Dumped and restored: what was loaded is not loaded again, and what runs by itself does so once.
$etl->sql(q{CALL etl.execute('COPY JOB ALTER job AUTO ON')});
my $dump = PostgreSQL::Test::Utils::tempdir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, '-d', $node->connstr('postgres') ], 'it is dumped');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'and restored');
is($node->safe_psql('restored', q{SELECT table_name, auto FROM etl.copy_job WHERE name = 'job'}), 't|t', 'with its table');
is($node->safe_psql('restored', q{SELECT etl.copy_job_run('job')}), '0', 'what was loaded is not loaded again');
is($node->safe_psql('restored', q{SELECT etl.copy_job_create('next', 't', 's3://jobs/in/', auto => false) > max(job_id) FROM etl.copy_job}), 't', 'ids go on');

done_testing();

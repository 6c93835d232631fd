# How far a load is, seen from another session in the midst of it. A trigger stops it where the test wants to look.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etl = EtlTest->new;
my $node = $etl->primary;
my $root = PostgreSQL::Test::Utils::tempdir;

$etl->sql(qq{
	CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root');
	CREATE TABLE t (id int);
	CREATE TABLE inner_t (id int);
	CREATE FUNCTION stop() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
		IF NEW.id = 4 THEN PERFORM pg_advisory_xact_lock(4); END IF;
		IF NEW.id = 5 THEN PERFORM etl.load('inner_t', 's3://progress/inner'); END IF;
		IF NEW.id = 6 THEN
			BEGIN PERFORM etl.load('inner_t', 's3://progress/bad'); EXCEPTION WHEN OTHERS THEN NULL; END;
		END IF;
		IF NEW.id = 7 THEN PERFORM pg_advisory_xact_lock(7); END IF;
		RETURN NEW;
	END \$\$;
	CREATE TRIGGER stop BEFORE INSERT ON t FOR EACH ROW EXECUTE FUNCTION stop();
	CREATE TRIGGER stop BEFORE INSERT ON inner_t FOR EACH ROW EXECUTE FUNCTION stop();
	CREATE ROLE author LOGIN;
	CREATE ROLE other LOGIN;
	CREATE ROLE operator LOGIN;
	SELECT etl.grant_author('author'), etl.grant_author('other'), etl.grant_operator('operator');
	GRANT USAGE ON FOREIGN SERVER aws TO author;
	GRANT INSERT ON t, inner_t TO author;
	SELECT etl.s3_put('s3://progress/load/1', E'1\\n2\\n'), etl.s3_put('s3://progress/load/2', E'3\\n4\\n5\\n6\\n'),
		etl.s3_put('s3://progress/load/3', E'7\\n8\\n'), etl.s3_put('s3://progress/inner', E'40\\n'), etl.s3_put('s3://progress/bad', E'x\\n')});

my $locks = $node->background_psql('postgres');
$locks->query_safe('SELECT pg_advisory_lock(4), pg_advisory_lock(7)');
my $session = $node->background_psql('postgres', extra_params => [ '-U', 'author' ]);
my $pid = $session->query('SELECT pg_backend_pid()');
$session->query_until(qr/loading/, "\\echo loading\nSELECT etl.load('t', 's3://progress/load/');\n");
my $waits = "SELECT wait_event_type = 'Lock' FROM pg_stat_activity WHERE pid = $pid";
$etl->wait_until($waits);

my $progress = 'SELECT pid, username, table_name, files_done, files_total, bytes_total, rows, rejected,'
  . ' started_at <= now(), rows_per_second >= 0, bytes_per_second >= 0 FROM etl.load_progress';
$etl->sql_is($progress, "$pid|author|t|1|3|16|2|0|t|t|t", 'one file is through');
$etl->sql_is('SELECT relid::regclass, command, type, tuples_processed, bytes_total FROM pg_stat_progress_copy', 't|COPY FROM|CALLBACK|2|16',
	'PostgreSQL shows it, too');
my $load = $etl->sql('SELECT load_id FROM etl.load_progress');
$etl->sql_is('SET ROLE author; SELECT count(*) FROM etl.load_progress', '1', 'who loads sees it');
$etl->sql_is('SET ROLE other; SELECT count(*) FROM etl.load_progress', '0', 'another does not');
$etl->sql_is('SET ROLE operator; SELECT load_id, table_name FROM etl.load_progress', "$load|t", 'an operator does');

$etl->sql_is(qq{SELECT query_id, status, table_name, end_time IS NULL, loaded_rows, source_file_count, file_count_scanned FROM redshift.sys_load_history},
	"$load|running|t|t|2|3|1", "Redshift's view has it");
# A load within a load, and one that fails there, have taken its place meanwhile.
$locks->query_safe('SELECT pg_advisory_unlock(4)');
$etl->wait_until("$waits AND EXISTS (SELECT FROM pg_locks WHERE pid = $pid AND objid = 7 AND NOT granted)");
$etl->sql_is('SELECT load_id, table_name, files_done, files_total, rows FROM etl.load_progress', "$load|t|2|3|6", 'the outer load again');
$locks->query_safe('SELECT pg_advisory_unlock(7)');
$session->query_until(qr/done/, "\\echo done\n");
$etl->sql_is('SELECT count(*) FROM etl.load_progress', '0', 'it is over');
$etl->sql_is("SELECT load_id, rows FROM etl.load_history WHERE status = 'loaded' AND table_name = 'public.t'", "$load|8", 'and in history');
$session->quit;
$locks->quit;

done_testing();

# A writer that is rolled back or killed, at whatever stage, leaves no object and no upload.
use strict;
use warnings FATAL => 'all';

use EtlSession;
use EtlTest;
use Test::More;

my $etl = EtlTest->new(aws => 1);
my $node = $etl->primary;
sessions_of($etl);
my $records = q{pg_ls_dir('pg_stat_tmp/pg_etl.uploads', true, false)};
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');

sub unload
{
	my ($target, $authorization) = @_;
	$authorization //= 'IAM_ROLE default';
	return qq{CALL etl.execute(\$\$UNLOAD ('SELECT repeat(chr(97 + n % 26), 1024) FROM generate_series(1, 34000) n')
		TO 's3://lake/$target' $authorization PARALLEL OFF\$\$)};
}

sub nothing_left
{
	my ($name, $prefix, @others) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$etl->wait_until("SELECT count(*) = 0 FROM $records");
	is_deeply([ map { $_->{key} } @{ $etl->fixtures('uploads', 'lake') } ], \@others, "$name: no upload");
	is_deeply($etl->fixtures('list', 'lake', $prefix), [], "$name: no object");
	$etl->sql_is('SELECT count(*) FROM etl.abandoned_uploads()', '0', "$name: none is abandoned");
}
# What the records say.
sub recorded { return $etl->sql("SELECT string_agg(pg_read_file('pg_stat_tmp/pg_etl.uploads/' || f), '') FROM $records f"); }
sub wait_recorded
{
	my ($pattern) = @_;
	$etl->wait_until("SELECT coalesce(bool_or(pg_read_file('pg_stat_tmp/pg_etl.uploads/' || f) ~ '$pattern'), false) FROM $records f");
}

# S3 has an upload to this key.
sub wait_for_upload
{
	my ($key) = @_;
	foreach (1 .. 300)
	{
		return if grep { $_->{key} eq $key } @{ $etl->fixtures('uploads', 'lake') };
	}
	die "no upload to $key";
}

# ---- rolled back
$etl->sql('BEGIN; ' . unload('back/a') . '; ROLLBACK');
nothing_left('a rollback', 'back/');
$etl->sql('BEGIN; SAVEPOINT a; ' . unload('back/savepoint') . '; ROLLBACK TO a; ' . unload('kept') . '; COMMIT');
nothing_left('a rollback to a savepoint', 'back/');
is_deeply($etl->fixtures('list', 'lake', 'kept'), ['kept000'], 'what came after it is there');
$etl->sql_fails('BEGIN; ' . unload('back/error') . '; SELECT 1/0; COMMIT', 'an error', qr/22012/);
nothing_left('an error', 'back/');
$etl->sql_fails('BEGIN ISOLATION LEVEL SERIALIZABLE; ' . unload('back/prepared') . q{; PREPARE TRANSACTION 'x'}, 'two phases', qr/0A000/);
nothing_left('two phases', 'back/');

# ---- killed, and the whole server with it
$etl->fixtures('make-upload', 'lake', 'killed/creation000-of-somebody-else');
$etl->faults({ method => 'POST', key => 'killed/creation000', do => 'stall', after => 0 });
my $session = session(unload('killed/creation'));
wait_recorded('ready');
wait_for_upload('killed/creation000');
like(recorded(), qr/^key killed\/creation000$/m, 'it is on record');
unlike(recorded(), qr/^upload /m, 'without an id');
unlike(recorded(), qr/\Q@{[ $etl->secret_access_key ]}\E|\Q@{[ $etl->access_key_id ]}\E/, 'and without keys');
kill_backend($session);
nothing_left('killed at the creation', 'killed/', 'killed/creation000-of-somebody-else');

$etl->faults({ method => 'POST', key => 'killed/unmade000', do => 'stall', times => 0 });
$session = session(unload('killed/unmade'));
wait_recorded('ready');
$etl->faults;
kill_backend($session);
nothing_left('killed before the creation', 'killed/', 'killed/creation000-of-somebody-else');

$etl->faults({ method => 'PUT', key => 'killed/parts000', nth => 3, times => 0, do => 'stall' });
$session = session(unload('killed/parts'));
wait_recorded('\nupload ');
kill_backend($session);
nothing_left('killed at the parts', 'killed/', 'killed/creation000-of-somebody-else');

$session = session('BEGIN; ' . unload('killed/before') . "; SELECT 'written', pg_sleep(600)");
$etl->wait_until("SELECT query ~ 'written' AND wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $session->{pid}");
kill_backend($session);
nothing_left('killed before the commit', 'killed/', 'killed/creation000-of-somebody-else');

$etl->faults({ method => 'POST', key => 'killed/commit000', nth => 2, do => 'stall', times => 0 });
$session = session('BEGIN; ' . unload('killed/commit') . ";\nCOMMIT");
$etl->wait_until("SELECT query = 'COMMIT;' AND wait_event = 'Extension' FROM pg_stat_activity WHERE pid = $session->{pid}");
kill_backend($session);
$etl->faults;
$etl->wait_until_swept;
$etl->set_clock(100);    # its object is looked for a second time
nothing_left('killed at the commit', 'killed/', 'killed/creation000-of-somebody-else');

$etl->set_clock(0);

# ---- terminated, which runs its abort; and a server that stops
$session = session('BEGIN; ' . unload('ended/a') . "; SELECT 'written', pg_sleep(600)");
$etl->wait_until("SELECT query ~ 'written' AND wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $session->{pid}");
$etl->sql("SELECT pg_terminate_backend($session->{pid})");
eval { $session->{run}->finish };
nothing_left('terminated', 'ended/', 'killed/creation000-of-somebody-else');
$session = session('BEGIN; ' . unload('ended/b') . "; SELECT 'written', pg_sleep(600)");
$etl->wait_until("SELECT query ~ 'written' AND wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $session->{pid}");
$node->stop('immediate');
eval { $session->{run}->finish };
is(scalar(grep { $_->{key} eq 'ended/b000' } @{ $etl->fixtures('uploads', 'lake') }), 1, 'a server that is down aborts nothing');
$node->start;
nothing_left('the server was stopped', 'ended/', 'killed/creation000-of-somebody-else');

# ---- what can't be aborted stays on record, and is tried again
$etl->sql('CREATE ROLE analyst; GRANT USAGE ON FOREIGN SERVER aws TO analyst; GRANT USAGE ON SCHEMA etl TO analyst; '
	  . q{SELECT etl.grant_author('analyst')});
$etl->create_aws_mapping(role => 'analyst');
$session = session('SET ROLE analyst; BEGIN; ' . unload('later/a') . "; SELECT 'written', pg_sleep(600)");
$etl->wait_until("SELECT query ~ 'written' AND wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $session->{pid}");
$etl->sql('DROP USER MAPPING FOR analyst SERVER aws');
$etl->sql("SELECT pg_terminate_backend($session->{pid})");
eval { $session->{run}->finish };
$etl->wait_until(q{SELECT count(*) = 1 FROM etl.abandoned_uploads() WHERE failures = 1});
$etl->sql_is(q{SELECT database, role, server, uri, upload_id <> '', error ~ 'no AWS credentials' FROM etl.abandoned_uploads()},
	'postgres|analyst|aws|s3://lake/later/a000|t|t', 'it is shown');
$etl->sql_is(q{SET ROLE analyst; SELECT count(*) FROM etl.abandoned_uploads()}, '1', 'to its role');
$etl->sql('CREATE ROLE other; GRANT USAGE ON SCHEMA etl TO other; GRANT EXECUTE ON FUNCTION etl.abandoned_uploads(), etl.forget_upload(text) TO other');
$etl->sql_is(q{SET ROLE other; SELECT count(*) FROM etl.abandoned_uploads()}, '0', 'and to no other');
my $record = $etl->sql('SELECT record FROM etl.abandoned_uploads()');
$etl->sql_is("SET ROLE other; SELECT etl.forget_upload('$record')", 'f', 'who can not have it forgotten either');
$etl->set_clock(100);
$etl->wait_until(q{SELECT count(*) = 1 FROM etl.abandoned_uploads() WHERE failures = 2});
is(scalar(() = $etl->server_log =~ /WARNING:  an abandoned upload to "s3:\/\/lake\/later\/a000" could not be aborted/g), 1, 'one warning');
$etl->create_aws_mapping(role => 'analyst');
$etl->set_clock(1000);
nothing_left('tried again', 'later/', 'killed/creation000-of-somebody-else');
$etl->set_clock(0);

# ---- keys of a statement are nowhere kept: its session aborts, at the end of its next transaction
my $keys = "ACCESS_KEY_ID '@{[ $etl->access_key_id ]}' SECRET_ACCESS_KEY '@{[ $etl->secret_access_key ]}'";
$etl->sql('BEGIN; ' . unload('given/a', $keys) . '; ROLLBACK; SELECT 1');
nothing_left('keys of a statement', 'given/', 'killed/creation000-of-somebody-else');
$session = session('BEGIN; ' . unload('given/b', $keys) . "; SELECT 'written', pg_sleep(600)");
$etl->wait_until("SELECT query ~ 'written' AND wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = $session->{pid}");
kill_backend($session);
$etl->wait_until(q{SELECT count(*) = 1 FROM etl.abandoned_uploads() WHERE failures = 1});
$etl->sql_is(q{SELECT uri, error FROM etl.abandoned_uploads()}, q{s3://lake/given/b000|the keys were a statement's, and are not kept}, 'a killed one is shown');
$etl->sql_is(q{SELECT bool_and(etl.forget_upload(record)) FROM etl.abandoned_uploads()}, 't', 'and can be forgotten');
$etl->sql_is("SELECT count(*) FROM $records", '0', 'so it is');

# ---- nor is there anybody else where pg_etl isn't preloaded
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
$etl->sql('BEGIN; ' . unload('alone/a') . '; ROLLBACK; SELECT 1');
nothing_left('without a scheduler', 'alone/', 'killed/creation000-of-somebody-else', 'given/b000');

unlike($etl->server_log, qr/\Q@{[ $etl->secret_access_key ]}\E/, 'the log has no secret');
done_testing();

# Objects that a transaction publishes just before its commit, and a server that is killed on the way: if the transaction has
# committed they stay, otherwise they are removed, all but those that replaced others.
use strict;
use warnings FATAL => 'all';

use EtlSession;
use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etl = EtlTest->new(aws => 1, conf => "max_wal_senders = 2\nwal_level = replica");
my $node = $etl->primary;
sessions_of($etl);
my $records = q{pg_ls_dir('pg_stat_tmp/pg_etl.uploads', true, false)};
my $root = PostgreSQL::Test::Utils::tempdir();
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');
$etl->sql("CREATE SERVER here FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root')");
$etl->sql(q{SELECT etl.s3_put('s3://lake/a-bucket', 'x', server => 'here'); CREATE TABLE written (note text)});

# Three files, in an open transaction; `server`: here in local mode.
sub unload
{
	my ($target, $options, $server) = @_;
	$options //= '';
	return 'BEGIN; SET LOCAL etl.aws_server = ' . ($server // 'aws')
	  . qq{; CALL etl.execute(\$e\$UNLOAD ('SELECT i AS n, i % 3 + 1 AS p FROM generate_series(1, 10) i') TO 's3://lake/$target/'
		IAM_ROLE default CSV PARTITION BY (p) $options\$e\$); INSERT INTO written VALUES ('$target')};
}
sub keys_of { return [ map { m{^s3://lake/(.*)} } split(/\n/, $etl->sql("SELECT uri FROM etl.s3_list('s3://lake/$_[0]/', server => '" . ($_[1] // 'aws') . "')")) ]; }
sub files { return [ map { "$_[0]/p=$_/0000_part_00" } 1 .. 3 ]; }
# The server stops at once, as it would at a failure of power, and is down.
sub stop_server
{
	my ($session) = @_;
	$node->stop('immediate');
	eval { $session->{run}->finish };
}
sub wait_for_keys
{
	my ($prefix, @expected) = @_;
	foreach (1 .. 600)
	{
		return if "@{ $etl->fixtures('list', 'lake', $prefix) }" eq "@expected";
	}
	die "not these keys: @expected";
}
sub nothing_on_record { return $etl->wait_until("SELECT count(*) = 0 FROM $records"); }
# All that can be removed is, what is not there was looked for, and then a second time.
sub swept
{
	my ($clock) = @_;
	$etl->wait_until_swept;
	$etl->set_clock($clock // 100);
	nothing_on_record();
	$etl->set_clock(0);
}
sub is_left
{
	my ($prefix, $keys, $written, $name, $server) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	is_deeply(keys_of($prefix, $server), $keys, "$name: objects");
	$etl->sql_is("SELECT count(*) FROM written WHERE note = '$prefix'", $written, "$name: the table");
	$etl->sql_is('SELECT count(*) FROM etl.abandoned_uploads()', '0', "$name: nothing is abandoned");
}

# ---- without a kill
$etl->sql(unload('whole') . '; COMMIT');
swept();
is_left('whole', files('whole'), 1, 'committed');
$etl->sql(unload('whole', '', 'here') . '; COMMIT');
swept();
is_left('whole', files('whole'), 2, 'committed, in local mode', 'here');

# ---- what can't be put on record is not sent
my $folder = $node->data_dir . '/pg_stat_tmp/pg_etl.uploads';
rename($folder, "$folder.away") or die $!;
append_to_file($folder, '');
$etl->reset_aws;
$etl->sql_fails(unload('unrecorded') . '; COMMIT', 'no room for a record', qr/could not write file "pg_stat_tmp\/pg_etl\.uploads/, qr/DETAIL:  No object is written without a record/);
is(scalar $etl->requests(method => 'PUT'), 0, 'nothing was sent');
unlink($folder);
rename("$folder.away", $folder) or die $!;
is_left('unrecorded', [], 0, 'no record');

# ---- killed when some are there, one has been put but its answer hasn't come, and one has not been put
$etl->faults({ method => 'PUT', key => 'amid/p=1/.*', do => 'stall', times => 0 }, { method => 'PUT', key => 'amid/p=3/.*', do => 'stall', after => 0, times => 0 });
my $session = session(unload('amid') . ";\nCOMMIT");
wait_for_keys('amid/', 'amid/p=2/0000_part_00', 'amid/p=3/0000_part_00');
$etl->faults;
kill_backend($session);
swept();
is_left('amid', [], 0, 'killed amid publishing');

# ---- who unloads to the same place again waits until it is free, also when a step is repeated
$etl->faults({ method => 'PUT', key => 'again/p=1/.*', do => 'stall', times => 0 });
$session = session(unload('again') . ";\nCOMMIT");
wait_for_keys('again/', 'again/p=2/0000_part_00', 'again/p=3/0000_part_00');
$etl->faults;
kill_backend($session);
$etl->sql(unload('again') . '; COMMIT');
is_deeply(keys_of('again'), files('again'), 'unloaded again');
swept();
is_left('again', files('again'), 1, 'and it stays');
$etl->faults({ method => 'PUT', key => 'step/p=1/.*', do => 'stall' });
$etl->sql(q{INSERT INTO etl.workflow (name) VALUES ('step');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('step', 'unload', $t$UNLOAD ('SELECT i AS n, i % 3 + 1 AS p FROM generate_series(1, 10) i')
		TO 's3://lake/step/' IAM_ROLE default CSV PARTITION BY (p); INSERT INTO written VALUES ('step')$t$);
	SELECT etl.run_workflow('step')});
wait_for_keys('step/', 'step/p=2/0000_part_00', 'step/p=3/0000_part_00');
kill('KILL', $etl->sql(q{SELECT pid FROM pg_stat_activity WHERE backend_type = 'pg_etl executor' AND wait_event = 'Extension' AND state = 'active'}));
$etl->wait_until(q{SELECT status = 'succeeded' FROM etl.run WHERE workflow = 'step'});
swept();
is_left('step', files('step'), 1, 'a step that is repeated');
$etl->sql_is(q{SELECT string_agg(concat_ws(' ', status, process_end), ', ' ORDER BY attempt) FROM etl.task_run WHERE task = 'unload'}, 'failed crashed, succeeded', 'it was killed, and repeated');

# ---- a step that fails after it has published, with its subtransaction
$etl->sql(q{CREATE TABLE parent (id int PRIMARY KEY); CREATE TABLE child (id int REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
	INSERT INTO etl.workflow (name) VALUES ('fails');
	INSERT INTO etl.task (workflow, name, sql) VALUES ('fails', 'orphan', $t$UNLOAD ('SELECT i AS n, i % 3 + 1 AS p FROM generate_series(1, 10) i')
		TO 's3://lake/fails/' IAM_ROLE default CSV PARTITION BY (p); INSERT INTO child VALUES (1)$t$);
	SELECT etl.run_workflow('fails')});
$etl->wait_until(q{SELECT status = 'failed' FROM etl.run WHERE workflow = 'fails'});
is(scalar $etl->requests(method => 'PUT', key => qr{^fails/}), 3, 'it has published');
swept();
is_left('fails', [], 0, 'a step that fails');

# ---- a number that no transaction has kept is another's after a crash
$etl->faults({ method => 'PUT', key => 'number/p=1/.*', do => 'stall', times => 0 });
$session = session(unload('number') . ";\nCOMMIT");
wait_for_keys('number/', 'number/p=2/0000_part_00', 'number/p=3/0000_part_00');
stop_server($session);
$etl->faults;
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->start;
$etl->sql("INSERT INTO written VALUES ('another')") foreach 1 .. 10;
is_deeply(keys_of('number'), [ (@{ files('number') })[ 1, 2 ] ], 'nobody has swept yet');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_etl'");
$node->restart;
swept();
is_left('number', [], 0, 'other transactions have committed since');

# ---- who replaces what is about to be removed waits: here between the look at one object and its removal with the others
$etl->faults({ method => 'PUT', key => 'hold/.*', do => 'stall', times => 0 });
$session = session(unload('hold') . ";\nCOMMIT");
wait_for_session($session, "query = 'COMMIT;' AND wait_event = 'Extension'");
my ($first, $mark) = reverse($etl->sql("SELECT pg_read_file('pg_stat_tmp/pg_etl.uploads/' || f) FROM $records f") =~ m{^object (\w+) (hold/p=2/.*)$}m);
$etl->faults;
kill_backend($session);
$etl->wait_until_swept;
$etl->_run_fixtures('late', 'put-marked', 'lake', $first, $mark);
$etl->reset_aws;
$etl->faults({ method => 'HEAD', key => 'hold/p=1/.*', do => 'stall', seconds => 2 });
$etl->set_clock(100);
until ($etl->requests(method => 'HEAD', key => $first)) { }
$etl->sql(unload('hold', 'ALLOWOVERWRITE') . '; COMMIT');
swept();
is_left('hold', files('hold'), 1, 'replaced while it was to be removed');

# ---- what a killed process has sent arrives late; what others put there meanwhile is theirs
$etl->faults({ method => 'PUT', key => 'late/p=[13]/.*', do => 'stall', times => 0 });
$session = session(unload('late') . ";\nCOMMIT");
wait_for_keys('late/', 'late/p=2/0000_part_00');
($mark) = $etl->sql("SELECT pg_read_file('pg_stat_tmp/pg_etl.uploads/' || f) FROM $records f") =~ m{^object (\w+) late/p=1/}m;
stop_server($session);
$etl->faults;
$etl->put_object('lake', 'late/p=2/0000_part_00', 'another');
$node->start;
$etl->wait_until_swept;
$etl->sql_is(q{SELECT database, role = CURRENT_USER, server, uri, objects, upload_id IS NULL, failures FROM etl.abandoned_uploads()},
	'postgres|t|aws|s3://lake/late/p=2/0000_part_00|3|t|0', 'it is shown meanwhile');
$etl->_run_fixtures('late', 'put-marked', 'lake', 'late/p=1/0000_part_00', $mark);
swept();
is_left('late', ['late/p=2/0000_part_00'], 0, 'killed, and a late arrival');
is($etl->get_object('lake', 'late/p=2/0000_part_00'), 'another', "somebody else's object stays");

# ---- objects that replaced others stay, as they do when publishing fails
$etl->put_object('lake', "over/p=$_/0000_part_00", 'old') foreach 1, 2;
$etl->faults({ method => 'PUT', key => 'over/p=1/.*', do => 'stall', times => 0 });
$session = session(unload('over', 'ALLOWOVERWRITE') . ";\nCOMMIT");
wait_for_keys('over/', @{ files('over') });
$etl->faults;
kill_backend($session);
swept();
is_left('over', [ (@{ files('over') })[ 0, 1 ] ], 0, 'killed with ALLOWOVERWRITE');

# ---- killed when old objects are being removed: the new ones are all there, and stay
$etl->put_object('lake', "clean/p=$_/old", 'old') foreach 1 .. 3;
$etl->faults({ method => 'POST', bucket => 'lake', do => 'stall', times => 0 });
$session = session(unload('clean', 'CLEANPATH') . ";\nCOMMIT");
wait_for_session($session, "query = 'COMMIT;' AND wait_event = 'Extension'");
until ($etl->requests(method => 'GET', query => qr/prefix=clean/)) { }
$etl->wait_until("SELECT count(*) = 0 FROM $records");
$etl->faults;
kill_backend($session);
swept();
is_left('clean', [ sort @{ files('clean') }, map { "clean/p=$_/old" } 1 .. 3 ], 0, 'killed amid CLEANPATH');

# Only of the UNLOAD that removes them.
$etl->put_object('lake', "clean2/p=$_/old", 'old') foreach 1 .. 3;
$etl->faults({ method => 'POST', bucket => 'lake', do => 'stall', times => 0 });
$session = session(unload('beside') =~ s/'beside'\)$/'beside'); /r . unload('clean2', 'CLEANPATH') =~ s/^BEGIN;//r . ";\nCOMMIT");
wait_for_session($session, "query = 'COMMIT;' AND wait_event = 'Extension'");
$etl->wait_until("SELECT count(*) = 1 FROM $records");
$etl->faults;
kill_backend($session);
swept();
is_left('beside', [], 0, 'killed amid CLEANPATH of another UNLOAD');
is(scalar @{ keys_of('clean2') }, 6, 'whose files stay');

# An error after some old ones are gone is no reason to remove the new ones, too.
$etl->sql(q{SELECT count(etl.s3_put('s3://lake/clean3/p=1/' || i, 'old', server => 'aws')) FROM generate_series(1, 1001) i});
$etl->faults({ method => 'POST', bucket => 'lake', nth => 2, times => 0, do => 'status', status => 403, code => 'AccessDenied' });
$etl->sql_fails(unload('clean3', 'CLEANPATH') . '; COMMIT', 'CLEANPATH that breaks off', qr/42501/);
$etl->faults;
swept();
is(scalar(grep { /part_00/ } @{ keys_of('clean3') }), 3, 'the new files stay');
cmp_ok(scalar @{ keys_of('clean3') }, '<', 10, 'in the place of the old ones');

# Where there are no rows there are no partitions that are written, and nothing is removed.
$etl->put_object('lake', 'clean4/p=1/old', 'old');
$etl->sql(q{BEGIN; SET LOCAL etl.aws_server = aws; CALL etl.execute($e$UNLOAD ('SELECT 1 AS n, 1 AS p WHERE false') TO 's3://lake/clean4/' IAM_ROLE default
	CSV PARTITION BY (p) CLEANPATH$e$); COMMIT});
is_deeply(keys_of('clean4'), ['clean4/p=1/old'], 'CLEANPATH of no partition removes nothing');

# ---- the commit fails after all are published
sub conflict
{
	my ($target, $server) = @_;
	my $query = 'SELECT sum(hashtext(note)) FROM written';
	my $other = $node->background_psql('postgres', on_error_stop => 0);
	$other->query_safe("BEGIN ISOLATION LEVEL SERIALIZABLE; $query; INSERT INTO written VALUES ('other')");
	my $sql = unload($target, '', $server) =~ s/BEGIN/BEGIN ISOLATION LEVEL SERIALIZABLE; $query/r;
	my $session = session("$sql; SELECT 'written', pg_sleep(0) FROM pg_advisory_xact_lock(1)");
	$etl->wait_until("SELECT query ~ 'written' AND state = 'idle in transaction' FROM pg_stat_activity WHERE pid = $session->{pid}");
	$other->query_safe('COMMIT');
	$other->quit;
	$session->{stdin} .= "COMMIT;\n";
	$session->{run}->finish;
	like($session->{stderr}, qr/could not serialize access.*during commit attempt/s, "$target: the commit fails");
}
foreach my $server ('aws', 'here')
{
	# The conflict is found where the transaction commits, after what is published: without that this shows nothing.
	conflict("conflict-$server", $server);
	swept();
	is_left("conflict-$server", [], 0, "a commit that fails ($server)", $server);
}

# ---- killed between publishing and the commit, and after the commit
# NOTIFY has a lock between the two, which a session holds that waits for a standby.
sub hold_commits
{
	$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'\nsynchronous_commit = local");
	$node->reload;
	$etl->wait_until(q{SELECT current_setting('synchronous_standby_names') = 'nobody'});
	my $holder = session("SET synchronous_commit = on; BEGIN; NOTIFY x; INSERT INTO written VALUES ('holder'); COMMIT");
	wait_for_session($holder, "wait_event = 'SyncRep'");
	return $holder;
}
foreach my $server ('aws', 'here')
{
	my $holder = hold_commits();
	$session = session(unload("between-$server", '', $server) . ";\nNOTIFY x;\nCOMMIT");
	wait_for_session($session, "query = 'COMMIT;' AND wait_event_type = 'Lock'");
	is_deeply(keys_of("between-$server", $server), files("between-$server"), "$server: all are published");
	kill_backend($session);
	eval { $holder->{run}->finish };
	swept();
	is_left("between-$server", [], 0, "killed before the commit ($server)", $server);

	$session = session('SET synchronous_commit = on; ' . unload("after-$server", '', $server) . ";\nCOMMIT");
	wait_for_session($session, "wait_event = 'SyncRep'");
	kill_backend($session);
	swept();
	is_left("after-$server", files("after-$server"), 1, "killed after the commit ($server)", $server);
}

# ---- what can't be removed stays on record
my $holder = hold_commits();
$etl->sql('CREATE ROLE analyst; GRANT USAGE ON FOREIGN SERVER aws TO analyst; GRANT USAGE ON SCHEMA etl TO analyst; '
	  . q{GRANT INSERT ON written TO analyst; SELECT etl.grant_author('analyst')});
$etl->create_aws_mapping(role => 'analyst');
$session = session('SET ROLE analyst; ' . unload('refused') . ";\nNOTIFY x;\nCOMMIT");
wait_for_session($session, "query = 'COMMIT;' AND wait_event_type = 'Lock'");
$etl->sql('DROP USER MAPPING FOR analyst SERVER aws');
kill_backend($session);
eval { $holder->{run}->finish };
$etl->wait_until(q{SELECT count(*) = 1 FROM etl.abandoned_uploads() WHERE failures = 1});
$etl->sql_is(q{SELECT role, uri, objects, error ~ 'no AWS credentials' FROM etl.abandoned_uploads()}, 'analyst|s3://lake/refused/p=2/0000_part_00|3|t', 'it is shown');
is(scalar(() = $etl->server_log =~ m{WARNING:  objects of a transaction that failed could not be removed from "s3://lake/"\n.*no AWS credentials}g), 1, 'one warning');
$etl->create_aws_mapping(role => 'analyst');
$etl->set_clock(100);
swept(200);
is_left('refused', [], 0, 'tried again');

done_testing();

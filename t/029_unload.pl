# UNLOAD to S3: partitions, encryption, manifests; what is there before a commit, after a failure at any stage, after a kill.
use strict;
use warnings FATAL => 'all';

use EtlSession;
use EtlTest;
use JSON::PP;
use Test::More;

my $etl = EtlTest->new(aws => 1);
sessions_of($etl);
my $records = q{pg_ls_dir('pg_stat_tmp/pg_etl.uploads', true, false)};
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');

sub unload
{
	my ($query, $target, $options) = @_;
	return qq{CALL etl.execute(\$e\$UNLOAD (\$q\$$query\$q\$) TO 's3://lake/$target' IAM_ROLE default $options\$e\$)};
}
sub keys_of { return $etl->fixtures('list', 'lake', $_[0]); }
sub nothing_left
{
	my ($name, $prefix, @others) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$etl->wait_until_swept;
	is_deeply($etl->fixtures('uploads', 'lake'), [], "$name: no upload");
	is_deeply(keys_of($prefix), [ sort @others ], "$name: no object");
}
# Two partitions, one of which is too large for a single request.
my $large = 'SELECT i % 1000 / 999 AS p, repeat(chr(97 + i % 26), 1024) AS pad FROM generate_series(1, 34000) i';

# ---- encryption: of every object, whatever its size, and of the manifest
$etl->sql(unload('SELECT repeat(chr(97 + i % 26), 1024) FROM generate_series(1, 34000) i', 'kms/large', q{PARALLEL OFF ENCRYPTED KMS_KEY_ID 'key-1'}));
$etl->sql(unload('SELECT 1', 'kms/small', q{PARALLEL OFF MANIFEST ENCRYPTED KMS_KEY_ID 'key-1'}));
foreach my $key (qw(kms/large000 kms/small000 kms/smallmanifest))
{
	my $head = $etl->fixtures('head-object', 'lake', $key);
	is_deeply([ @$head{qw(encryption kms_key_id)} ], [ 'aws:kms', 'key-1' ], "$key: encrypted with the key");
}
$etl->sql(unload('SELECT 1', 'kms/own', 'PARALLEL OFF ENCRYPTED'));
is($etl->fixtures('head-object', 'lake', 'kms/own000')->{encryption}, 'aws:kms', 'ENCRYPTED alone: the account\'s key');
$etl->sql(unload('SELECT 1', 'kms/auto', 'PARALLEL OFF ENCRYPTED AUTO'));
is($etl->fixtures('head-object', 'lake', 'kms/auto000')->{encryption}, undef, 'AUTO leaves it to the bucket');

# ---- a thousand partitions
my $thousand = 'SELECT i AS n, i % 1000 AS p FROM generate_series(1, 5000) i';
$etl->reset_aws;
$etl->sql('BEGIN; ' . unload($thousand, 'many', 'CSV PARTITION BY (p) MANIFEST VERBOSE') . '; ROLLBACK');
is(scalar $etl->requests(method => 'PUT'), 0, 'nothing is sent before the commit');
is(scalar $etl->requests(method => 'HEAD'), 0, 'where nothing is nobody looks for each file');
is_deeply(keys_of('many'), [], 'nothing stays of what is rolled back');
$etl->sql(unload($thousand, 'many', 'CSV PARTITION BY (p) MANIFEST VERBOSE'));
my @keys = @{ keys_of('many/') };
is(scalar @keys, 1001, 'a thousand files and their manifest');
is($etl->get_object('lake', 'many/p=777/0000_part_00'), "777\n1777\n2777\n3777\n4777\n", 'with their rows, in order');
my $manifest = decode_json($etl->get_object('lake', 'many/manifest'));
is_deeply([ sort map { $_->{url} =~ s{^s3://lake/}{}r } @{ $manifest->{entries} } ], [ grep { $_ ne 'many/manifest' } @keys ], 'the manifest has all of them');
is_deeply($manifest->{schema}, { elements => [ { name => 'n', type => { base => 'integer' } } ] }, 'and the columns of the files');
my ($bytes, $rows) = (0, 0);
foreach my $entry (@{ $manifest->{entries} })
{
	$bytes += $entry->{meta}{content_length};
	$rows += $entry->{meta}{record_count};
}
is_deeply($manifest->{meta}, { content_length => $bytes, record_count => $rows }, 'sums are of all files');
is($rows, 5000, 'all rows');
$etl->sql_is(q{SELECT rows, files, bytes FROM etl.unload_history ORDER BY unload_id DESC LIMIT 1}, "5000|1000|$bytes", 'and so says the history');

# ---- what is there
$etl->sql_fails(unload($thousand, 'many', 'CSV PARTITION BY (p)'), 'partitions that are there', qr{58P02: object "s3://lake/many/p=1/0000_part_00" already exists},
	qr/HINT:.*ALLOWOVERWRITE/);
my $three = 'SELECT i AS n, i AS p FROM generate_series(1, 3) i';
$etl->put_object('lake', 'there/manifest', 'old');
$etl->sql_fails(unload($three, 'there', 'CSV PARTITION BY (p) MANIFEST'), 'a manifest that is there', qr{58P02: object "s3://lake/there/manifest"});
is_deeply(keys_of('there/'), ['there/manifest'], 'nothing else is written');
my $session = session('BEGIN; ' . unload($three, 'race', 'CSV PARTITION BY (p)') . "; SELECT 'written';\nSELECT pg_sleep(600)");
wait_for_session($session, "wait_event = 'PgSleep'");
$etl->put_object('lake', 'race/p=2/0000_part_00', 'faster');
$etl->sql("SELECT pg_cancel_backend($session->{pid})");
$session->{run}->finish;
$etl->sql_fails('BEGIN; ' . unload($three, 'race', 'CSV PARTITION BY (p) INCLUDE') . '; COMMIT', 'a file that came before', qr/58P02/);
is($etl->get_object('lake', 'race/p=2/0000_part_00'), 'faster', 'stays');
is_deeply(keys_of('race/'), ['race/p=2/0000_part_00'], 'and is alone');
$etl->sql(unload($three, 'race', 'CSV PARTITION BY (p) INCLUDE ALLOWOVERWRITE'));
is($etl->get_object('lake', 'race/p=2/0000_part_00'), "2,2\n", 'ALLOWOVERWRITE replaces it');

# Somebody makes one between the look and the commit.
$etl->sql(q{CREATE FUNCTION meanwhile(uri text) RETURNS int LANGUAGE plpgsql AS $$BEGIN PERFORM etl.s3_put(uri, 'faster'); RETURN 4; END$$});
$etl->sql_fails(unload(q{SELECT i AS n, i AS p FROM generate_series(1, 3) i UNION ALL SELECT meanwhile('s3://lake/late/p=2/0000_part_00'), 4}, 'late', 'CSV PARTITION BY (p)'),
	'a file that came meanwhile', qr{58P02: could not write "s3://lake/late/p=2/0000_part_00": it exists already});
is_deeply(keys_of('late/'), ['late/p=2/0000_part_00'], 'stays, and nothing of the unload');

# ---- a failure amid publishing
$etl->faults({ method => 'PUT', key => 'failed/p=2/.*', do => 'status', status => 403, code => 'AccessDenied' });
$etl->sql_fails(unload($three, 'failed', 'CSV PARTITION BY (p)'), 'one that may not be written', qr{42501: could not write "s3://lake/failed/p=2/0000_part_00"});
$etl->faults;
nothing_left('a failed publish', 'failed/');
my $failed = q{SELECT string_agg(concat_ws('|', uri, status, rows, files, pid > 0, transaction_id > 0, message), E'\n' ORDER BY unload_id) FROM etl.unload_history};
$etl->sql_is("$failed WHERE uri ~ 'failed'", 's3://lake/failed|failed|0|0|t|t|could not write "s3://lake/failed/p=2/0000_part_00": access denied', 'is in the history');
# so are all whose files were to come with that commit, and nobody else's
$etl->faults({ method => 'PUT', key => 'failed/p=2/.*', do => 'status', status => 403, code => 'AccessDenied' });
$etl->sql_fails('DELETE FROM etl.unload_history; BEGIN; ' . unload('SELECT 1', 'with/a', 'CSV') . '; SAVEPOINT a; ' . unload('SELECT 1', 'with/back', 'CSV')
	  . '; ROLLBACK TO a; SAVEPOINT b; ' . unload($three, 'failed', 'CSV PARTITION BY (p)') . '; RELEASE b; COMMIT', 'one of several', qr/42501/);
$etl->faults;
$etl->sql_is(q{SELECT string_agg(uri || ' ' || status, ', ' ORDER BY unload_id) FROM etl.unload_history}, 's3://lake/with/a failed, s3://lake/failed failed', 'with what was to come together');
$etl->sql(unload('SELECT 1', 'with/a', 'CSV ALLOWOVERWRITE'));
$etl->sql_is(q{SELECT string_agg(status, ',' ORDER BY unload_id) FROM etl.unload_history}, 'failed,failed,unloaded', 'and not with what comes later');

# ---- CLEANPATH
my @old = map { "clean/$_" } qw(p=1/old p=1/deep/old p=2/old p=9/old);
$etl->put_object('lake', $_, 'old') foreach @old;
$etl->faults({ method => 'PUT', key => 'clean/p=2/.*', do => 'status', status => 403, code => 'AccessDenied' });
$etl->sql_fails(unload($three, 'clean', 'CSV PARTITION BY (p) CLEANPATH'), 'CLEANPATH of a publish that fails', qr/42501/);
nothing_left('a publish that fails leaves what was there', 'clean/', @old);
$etl->faults({ method => 'POST', bucket => 'lake', do => 'status', status => 403, code => 'AccessDenied', times => 0 });
$etl->sql_fails(unload($three, 'clean', 'CSV PARTITION BY (p) CLEANPATH'), 'CLEANPATH that may not delete', qr/42501:.*delet/, qr/s3:DeleteObject/);
$etl->faults;
nothing_left('so does one that may not delete', 'clean/', @old);
$etl->sql(unload($three, 'clean', 'CSV PARTITION BY (p) CLEANPATH'));
is_deeply(keys_of('clean/'), [ map { "clean/$_" } qw(p=1/0000_part_00 p=2/0000_part_00 p=3/0000_part_00 p=9/old) ], 'only what is written is cleaned');
$etl->put_object('lake', sprintf('cleanmany/%04d', $_), 'old') foreach 1 .. 5;
$etl->reset_aws;
$etl->sql(unload('SELECT 1', 'cleanmany/', 'CSV CLEANPATH PARALLEL OFF'));
is_deeply(keys_of('cleanmany/'), ['cleanmany/000'], 'all else is gone');
my @order = map { "$_->{method} " . ($_->{query} // '') } grep { $_->{method} =~ /PUT|POST/ } $etl->requests;
like("@order", qr/^PUT.*POST.*delete/, 'after the new file came');

# ---- cancelled
$etl->faults({ method => 'PUT', key => 'cancelled/p=2/.*', do => 'stall', times => 0 });
$session = session('BEGIN; ' . unload($three, 'cancelled', 'CSV PARTITION BY (p)') . ";\nCOMMIT");
wait_for_session($session, "query = 'COMMIT;' AND wait_event = 'Extension'");
$etl->sql("SELECT pg_cancel_backend($session->{pid})");
$session->{run}->finish;
like($session->{stderr}, qr/canceling statement/, 'a commit is cancelled');
$etl->faults;
nothing_left('cancelled', 'cancelled/');
$session = session(unload(q{SELECT i AS n, i % 3 AS p, pg_sleep(CASE WHEN i = 9 THEN 600 ELSE 0 END) FROM generate_series(1, 10) i}, 'cancelled', 'CSV PARTITION BY (p)'));
wait_for_session($session, "wait_event = 'PgSleep'");
$etl->sql("SELECT pg_cancel_backend($session->{pid})");
$session->{run}->finish;
like($session->{stderr}, qr/canceling statement/, 'a query is cancelled');
nothing_left('a cancelled query', 'cancelled/');
$etl->sql_is(q{SELECT count(*), min(message) FROM etl.unload_history WHERE uri ~ 'cancelled' AND status = 'failed'}, '2|canceling statement due to user request', 'both are in the history');

# ---- killed: while rows come, with parts of a large file sent; before the commit; amid publishing
$etl->faults({ method => 'PUT', key => 'killed/.*', nth => 3, times => 0, do => 'stall' });
$session = session(unload($large, 'killed', 'CSV PARTITION BY (p)'));
$etl->wait_until("SELECT coalesce(bool_or(pg_read_file('pg_stat_tmp/pg_etl.uploads/' || f) ~ '\\nupload '), false) FROM $records f");
kill_backend($session);
$etl->faults;
nothing_left('killed while rows come', 'killed/');
$session = session('BEGIN; ' . unload($large, 'killed', 'CSV PARTITION BY (p) MANIFEST') . ";\nSELECT pg_sleep(600)");
wait_for_session($session, "wait_event = 'PgSleep'");
kill_backend($session);
nothing_left('killed before the commit', 'killed/');
$etl->faults({ method => 'PUT', key => 'killed/p=1/.*', do => 'stall', times => 0 });
$session = session('BEGIN; ' . unload($three, 'killed', 'CSV PARTITION BY (p)') . ";\nCOMMIT");
wait_for_session($session, "query = 'COMMIT;' AND wait_event = 'Extension'");
kill_backend($session);
$etl->faults;
nothing_left('killed amid publishing', 'killed/');

done_testing();

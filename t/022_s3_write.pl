# Writing to S3: checksums, encryption, conditions, objects made of parts, copies, deletions of many; and what is lost on
# the way is made up for or is an error, with nothing changed.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use Test::More;

my $etl = EtlTest->new(aws => 1);
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');

sub unload
{
	my ($kilobytes, $target, %options) = @_;
	my $more = $options{more} // '';
	return qq{CALL etl.execute(\$\$UNLOAD ('SELECT n || repeat(chr(97 + n % 26), 1024 - length(n::text) - 1) FROM generate_series(10000, 9999 + $kilobytes) n')
		TO 's3://lake/$target' IAM_ROLE default PARALLEL OFF $more\$\$)};
}
my %expected;
sub expected { my ($kilobytes) = @_; return $expected{$kilobytes} //= $etl->sql(qq{SELECT md5(string_agg(n || repeat(chr(97 + n % 26), 1024 - length(n::text) - 1) || E'\\n', '')) FROM generate_series(10000, 9999 + $kilobytes) n}); }
sub content_is
{
	my ($key, $kilobytes, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	require Digest::MD5;
	is(Digest::MD5::md5_hex($etl->get_object('lake', $key)), expected($kilobytes), $name);
}
sub nothing_left
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$etl->wait_until_swept;
	is_deeply($etl->fixtures('uploads', 'lake'), [], "$name: no upload is left");
}

# ---- one request
$etl->reset_aws;
$etl->sql(q{SELECT etl.s3_put('s3://lake/one.csv', 'a,b')});
my $head = $etl->fixtures('head-object', 'lake', 'one.csv');
is($head->{content_type}, 'text/csv', 'its type is that of its extension');
is($head->{encryption}, undef, 'the bucket decides on encryption');
$etl->sql_fails(q{SELECT etl.s3_put('s3://lake/one.csv', 'x', true)}, 'an object that must not exist', qr/58P02/, qr/PreconditionFailed/);
$etl->sql_is(q{SELECT etl.s3_fetch_text('s3://lake/one.csv')}, "a,b", 'it stays as it was');
$etl->sql_is(q{SELECT etl.s3_put('s3://lake/two', 'x', true) <> ''}, 't', 'one that does not');

# A lost answer: the repetition finds its own object
$etl->faults({ method => 'PUT', key => 'mine', do => 'drop' });
$etl->sql_is(q{SELECT etl.s3_put('s3://lake/mine', 'x', true) <> ''}, 't', 'a put whose answer was lost');
is(scalar $etl->requests(method => 'PUT', key => 'mine'), 2, 'in two requests');
$etl->faults({ method => 'PUT', key => 'mine2', do => 'drop', times => 0 });
$etl->sql_is(q{SELECT etl.s3_put('s3://lake/mine2', 'x', true) <> ''}, 't', 'one whose answers were all lost');
$etl->reset_aws;

# ---- encryption
$etl->sql(q{ALTER SERVER aws OPTIONS (ADD encryption 'aws:kms', ADD kms_key_id 'arn:aws:kms:us-east-1:123456789012:key/k')});
$etl->sql(q{SELECT etl.s3_put('s3://lake/secret', 'x'), etl.s3_copy('s3://lake/two', 's3://lake/secret-copy')});
$etl->sql(unload(33000, 'secret-parts/'));
foreach my $key (qw(secret secret-copy secret-parts/000))
{
	$head = $etl->fixtures('head-object', 'lake', $key);
	is_deeply([ @$head{qw(encryption kms_key_id)} ], [ 'aws:kms', 'arn:aws:kms:us-east-1:123456789012:key/k' ], "$key: encrypted");
}
$etl->sql(q{ALTER SERVER aws OPTIONS (DROP encryption, DROP kms_key_id)});

# ---- parts
$etl->reset_aws;
$etl->sql(unload(32768, 'parts/small'));
is(scalar $etl->requests(key => 'parts/small000', query => qr/upload/), 0, '32 MB go in one request');
content_is('parts/small000', 32768, 'all of it');
$etl->sql(unload(80000, 'parts/large'));
content_is('parts/large000', 80000, '80 MB in parts');
is(scalar $etl->requests(method => 'PUT', key => 'parts/large000', query => qr/partNumber/), 10, 'ten of them');
nothing_left('a large object');
$etl->sql_is(qq{BEGIN; @{[ unload(36000, 'parts/late') ]}; SELECT count(*) FROM etl.s3_list('s3://lake/parts/late'); COMMIT;
	SELECT count(*) FROM etl.s3_list('s3://lake/parts/late')}, "0\n1", 'nothing is to be seen before the commit');
cmp_ok($etl->sql(qq{BEGIN; @{[ unload(70000, 'parts/disk') ]}; SELECT coalesce(max(size), 0) FROM pg_ls_tmpdir(); ROLLBACK}), '<=', 33 * 1024 * 1024,
	'no more than a few parts are on disk');
nothing_left('a rollback');
is_deeply($etl->fixtures('list', 'lake', 'parts/disk'), [], 'no object either');
$etl->sql_fails(unload(34000, 'parts/large'), 'an object that is there', qr/58P02/);
$etl->sql(unload(34000, 'parts/large', more => 'ALLOWOVERWRITE'));
content_is('parts/large000', 34000, 'replaced');

# somebody is faster than the commit
$etl->sql_fails(qq{BEGIN; @{[ unload(34000, 'parts/race') ]}; SELECT etl.s3_put('s3://lake/parts/race000', 'faster'); COMMIT},
	'an object that came meanwhile', qr/58P02/, qr{parts/race000});
is($etl->get_object('lake', 'parts/race000'), 'faster', 'it stays');
nothing_left('a race that was lost');

# ---- what happens on the way
sub suffers
{
	my ($name, @faults) = @_;
	(my $target = "faults/$name") =~ tr/ /-/;
	$etl->reset_aws;
	$etl->faults(map { { key => "\Q${target}000\E", %$_ } } @faults);
	$etl->sql(unload(36000, $target));
	content_is("${target}000", 36000, $name);
	nothing_left($name);
	$etl->reset_aws;
}
suffers('a part that is refused', { method => 'PUT', nth => 3, do => 'status', status => 503, code => 'SlowDown' });
suffers('parts that break off', { method => 'PUT', nth => 2, times => 2, do => 'reset' });
suffers('a part whose answer is lost', { method => 'PUT', do => 'drop' });
suffers('an upload whose answer is lost', { method => 'POST', do => 'drop' });
suffers('a completion that is refused', { method => 'POST', nth => 2, do => 'status', status => 500, code => 'InternalError' });
suffers('an error in a completion of status 200', { method => 'POST', nth => 2, do => 'status', status => 200, code => 'InternalError' });
suffers('a completion whose answer is lost', { method => 'POST', nth => 2, do => 'drop' });
suffers('a completion without any answer', { method => 'POST', nth => 2, times => 3, do => 'drop' });

sub suffers_in_vain
{
	my ($name, $pattern, @faults) = @_;
	(my $target = "vain/$name") =~ tr/ /-/;
	$etl->reset_aws;
	$etl->faults(map { { key => "\Q${target}000\E", %$_ } } @faults);
	$etl->sql_fails(unload(36000, $target), $name, $pattern, qr{s3://lake/vain/});
	$etl->faults;
	is_deeply($etl->fixtures('list', 'lake', $target), [], "$name: no object");
	nothing_left($name);
	$etl->reset_aws;
}
suffers_in_vain('no upload', qr/42501/, { method => 'POST', times => 0, do => 'status', status => 403, code => 'AccessDenied' });
suffers_in_vain('no part', qr/58000/, { method => 'PUT', nth => 2, times => 0, do => 'status', status => 500, code => 'InternalError' });
suffers_in_vain('no completion', qr/58000/, { method => 'POST', nth => 2, times => 0, do => 'status', status => 500, code => 'InternalError' });

suffers_in_vain('errors in completions of status 200', qr/58000/, { method => 'POST', nth => 2, times => 0, do => 'status', status => 200, code => 'InternalError' });

# ---- several at a time, and taken back together
$etl->sql(unload(20000, 'several/', more => 'MAXFILESIZE 5 MB'));
is(scalar @{ $etl->fixtures('list', 'lake', 'several/') }, 4, 'four files');
$etl->faults({ method => 'PUT', key => 'back/003', do => 'status', status => 403, code => 'AccessDenied' });
$etl->sql_fails(unload(40000, 'back/', more => 'MAXFILESIZE 5 MB'), 'one of eight that fails', qr/42501/, qr{back/003});
is_deeply($etl->fixtures('list', 'lake', 'back/'), [], 'takes the others along');
$etl->reset_aws;
$etl->faults({ method => 'PUT', key => 'hang/005', do => 'stall', times => 0 });
my $session = $etl->primary->background_psql('postgres', on_error_stop => 0);
my $pid = $session->query('SELECT pg_backend_pid()');
$session->query('BEGIN; ' . unload(40000, 'hang/', more => 'MAXFILESIZE 5 MB'));
$session->query_until(qr/committing/, "\\echo committing\nCOMMIT;\n");
$etl->wait_until(q{SELECT count(*) = 7 FROM etl.s3_list('s3://lake/hang/')});
my $started = time;
$etl->sql("SELECT pg_cancel_backend($pid)");
$session->query('SELECT 1');
like($session->{stderr}, qr/canceling statement due to user request/, 'one that hangs, cancelled');
cmp_ok(time - $started, '<=', 3, 'at once');
$session->quit;
$etl->reset_aws;
is_deeply($etl->fixtures('list', 'lake', 'hang/'), [], 'takes the others along as well');

# ---- copies
$etl->sql_is(q{SELECT etl.s3_copy('s3://lake/one.csv', 's3://lake/copies/a +%=ü.csv') <> ''}, 't', 'a copy');
is($etl->get_object('lake', "copies/a +%=\xc3\xbc.csv"), "a,b", 'of the content');
$etl->sql_is(q{SELECT etl.s3_copy('s3://lake/copies/a +%=ü.csv', 's3://lake/copies/b') <> ''}, 't', 'a copy of it');
is($etl->get_object('lake', 'copies/b'), "a,b", 'of the content, too');
$etl->sql_fails(q{SELECT etl.s3_copy('s3://lake/none', 's3://lake/copies/none')}, 'a copy of nothing', qr/58P01/, qr{s3://lake/none});
$etl->sql_fails(q{SELECT etl.s3_copy('s3://lake/two', 's3://lake/two')}, 'a copy to itself', qr/22023/);
$etl->faults({ method => 'PUT', key => 'copies/d', do => 'status', status => 200, code => 'InternalError' });
$etl->sql_is(q{SELECT etl.s3_copy('s3://lake/two', 's3://lake/copies/d') <> ''}, 't', 'a copy that fails in a 200 is tried again');
is(scalar $etl->requests(method => 'PUT', key => 'copies/d'), 2, 'in two requests');
$etl->faults({ method => 'PUT', key => 'copies/d', do => 'status', status => 200, code => 'AccessDenied', times => 0 });
$etl->sql_fails(q{SELECT etl.s3_copy('s3://lake/two', 's3://lake/copies/d')}, 'a copy that is denied in a 200', qr/42501/);
$etl->faults({ method => 'PUT', key => 'copies/c', do => 'status', status => 412, code => 'PreconditionFailed' });
$etl->sql_fails(q{SELECT etl.s3_copy('s3://lake/two', 's3://lake/copies/c')}, 'a source that changed', qr/40001/);
$etl->reset_aws;

# ---- many deletions
$etl->sql(q{SELECT count(etl.s3_copy('s3://lake/two', 's3://lake/many/<&>' || n)) FROM generate_series(1, 1200) n});
$etl->sql_is(q{SELECT etl.s3_delete(array_agg(uri) || 's3://lake/many/none'::text) FROM etl.s3_list('s3://lake/many/')}, '1201', 'many are deleted');
is_deeply($etl->fixtures('list', 'lake', 'many/'), [], 'all of them');
is(scalar $etl->requests(method => 'POST', query => qr/delete/), 2, 'in two requests');
my $user = $etl->fixtures('make-user', 'deleter',
	'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:DeleteObject","Resource":"arn:aws:s3:::lake/copies/*"}]}');
$etl->sql('CREATE ROLE deleter; GRANT USAGE ON FOREIGN SERVER aws TO deleter; GRANT USAGE ON SCHEMA etl TO deleter;'
	  . 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA etl TO deleter');
$etl->create_aws_mapping(role => 'deleter', %$user);
$etl->sql_fails(q{SET ROLE deleter; SELECT etl.s3_delete('{s3://lake/one.csv,s3://lake/copies/b,s3://lake/two}'::text[])}, 'some may not be',
	qr/42501: could not delete "s3:\/\/lake\/(one.csv|two)": access denied/, qr/2 of 3 objects could not be deleted; the others are/, qr/s3:DeleteObject/);
is_deeply($etl->fixtures('list', 'lake', 'copies/b'), [], 'the others are');
$etl->sql_is(q{SELECT etl.s3_delete('{}'::text[])}, '0', 'none at all');
$etl->sql_fails(q{SELECT etl.s3_delete(ARRAY['s3://lake/a', NULL])}, 'a null', qr/22004/, qr/number 2/);
$etl->sql_fails(q{SELECT etl.s3_delete('{s3://lake/}'::text[])}, 'a bucket', qr/22023/);

unlike($etl->server_log, qr/\Q@{[ $etl->secret_access_key ]}\E/, 'the log has no secret');
done_testing();

# The store on S3: what is put with one client is read with another, keys of any kind, errors worded, nothing half done.
use strict;
use warnings FATAL => 'all';
use utf8;

use Encode qw(encode_utf8);
use EtlTest;
use Test::More;

my $etl = EtlTest->new(aws => 1);
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');

# Both ways, the other side being boto3
$etl->put_object('lake', 'from/boto', "bytes\0\xff");
$etl->sql_is(q{SELECT etl.s3_fetch('s3://lake/from/boto')}, '\x627974657300ff', 'fetch what boto3 put');
my $etag = $etl->sql(q{SELECT etl.s3_put('s3://lake/from/us', '\x00ff'::bytea)});
is($etl->get_object('lake', 'from/us'), "\0\xff", 'boto3 gets what we put');
is($etl->fixtures('head-object', 'lake', 'from/us')->{etag}, qq{"$etag"}, 'its etag is the one S3 has');
$etl->sql_is(q{SELECT etl.s3_put('s3://lake/empty', '') <> ''}, 't', 'put nothing');
$etl->sql_is(q{SELECT octet_length(etl.s3_fetch('s3://lake/empty'))}, '0', 'fetch nothing');
$etl->sql_is(q{SELECT uri, size, etag, last_modified BETWEEN now() - interval '10 min' AND now() + interval '10 min'
	FROM etl.s3_head('s3://lake/from/us')}, "s3://lake/from/us|2|$etag|t", 'head');
$etl->sql_is(q{SELECT count(*) FROM etl.s3_head('s3://lake/nothing')}, '0', 'head of no object: no row');
$etl->sql_is(q{SELECT etl.s3_delete('s3://lake/from/us'), etl.s3_delete('s3://lake/from/us')}, 't|t', 'delete twice');
is_deeply($etl->fixtures('list', 'lake', 'from/'), ['from/boto'], 'it is gone');
$etl->sql_is(q{SELECT etl.s3_put('s3://lake/big', repeat('0123456789', 800000)) <> ''}, 't', 'put 8 MB');
$etl->sql_is(q{SELECT md5(etl.s3_fetch('s3://lake/big')) = md5(repeat('0123456789', 800000))}, 't', 'fetch 8 MB');

# A put cannot be undone, and says so in the docs: it does not depend on the transaction
$etl->sql(q{BEGIN; SELECT etl.s3_put('s3://lake/rolled-back', 'x'); ROLLBACK});
is($etl->get_object('lake', 'rolled-back'), 'x', 'a put is outside of the transaction');

# Keys that need care in a signature or a URL; file systems could not hold all of them
foreach my $key ('a b', 'plus+plus', 'per%20cent', 'k=v/x=1', 'ünï/cödé/日本', 'q?x=1&y#z', "quote'\"quote", 'a//b', '/lead',
	'folder/', '../up', './here', '~tilde', '(paren)*!', ':colon@at;semi,comma$')
{
	my $literal = $key =~ s/'/''/gr;
	$etl->sql_is("SELECT etl.s3_put('s3://lake/keys/$literal', '$literal') <> ''", 't', encode_utf8("put '$key'"));
	$etl->sql_is("SELECT etl.s3_fetch_text('s3://lake/keys/$literal') = '$literal'", 't', encode_utf8("fetch '$key'"));
	$etl->sql_is("SELECT uri = 's3://lake/keys/$literal' FROM etl.s3_list('s3://lake/keys/$literal')", 't',
		encode_utf8("list '$key'"));
	$etl->sql_is("SELECT etl.s3_delete('s3://lake/keys/$literal')", 't', encode_utf8("delete '$key'"));
}
is_deeply($etl->fixtures('list', 'lake', 'keys/'), [], 'all of them are gone');

# A listing of several pages
$etl->fixtures('make-bucket', 'many');
$etl->sql(q{SELECT count(etl.s3_put('s3://many/' || to_char(i, 'FM00000'), '')) FROM generate_series(1, 2100) i});
$etl->reset_aws;
$etl->sql_is(q{SELECT count(*), min(uri), max(uri), bool_and(ordered) FROM
	(SELECT uri, uri > lag(uri, 1, '') OVER () AS ordered FROM etl.s3_list('s3://many/')) l},
	'2100|s3://many/00001|s3://many/02100|t', 'three pages are one listing, in order');
is(scalar $etl->requests(method => 'GET', bucket => 'many'), 3, 'in three requests');
$etl->sql_is(q{SELECT count(*) FROM etl.s3_list('s3://many/0100')}, '10', 'a prefix is the beginning of keys');

# What isn't there
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/nothing')}, 'missing object',
	qr/58P01/, qr{"s3://lake/nothing"}, qr/NoSuchKey.*, request id [0-9A-Za-z-]{16,}/);
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://no-such-bucket/x')}, 'missing bucket', qr/42704/, qr/no-such-bucket/, qr/NoSuchBucket/);
$etl->sql_fails(q{SELECT * FROM etl.s3_list('s3://no-such-bucket/')}, 'list of a missing bucket', qr/42704/, qr/NoSuchBucket/);
$etl->sql_fails(q{SELECT etl.s3_put('s3://no-such-bucket/x', 'x')}, 'put to a missing bucket', qr/42704/, qr/NoSuchBucket/);
$etl->sql_fails(q{SELECT etl.s3_delete('s3://no-such-bucket/x')}, 'delete in a missing bucket', qr/42704/, qr/NoSuchBucket/);

# Who may not, may not; and is told what he lacks
my $user = $etl->fixtures('make-user', 'reader',
	'{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:ListBucket","Resource":"*"}]}');
$etl->sql('CREATE ROLE reader; GRANT USAGE ON FOREIGN SERVER aws TO reader; GRANT USAGE ON SCHEMA etl TO reader;'
	  . 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA etl TO reader');
$etl->sql_fails(q{SET ROLE reader; SELECT etl.s3_fetch('s3://lake/from/boto')}, 'no mapping', qr/28000/,
	qr/CREATE USER MAPPING/);
$etl->create_aws_mapping(role => 'reader', %$user);
$etl->sql_is(q{SET ROLE reader; SELECT uri FROM etl.s3_list('s3://lake/from/')}, 's3://lake/from/boto', 'may list');
$etl->sql_fails(q{SET ROLE reader; SELECT etl.s3_fetch('s3://lake/from/boto')}, 'may not read', qr/42501/,
	qr{s3://lake/from/boto}, qr/s3:GetObject/);
$etl->sql_fails(q{SET ROLE reader; SELECT etl.s3_put('s3://lake/x', 'x')}, 'may not write', qr/42501/, qr/s3:PutObject/);
$etl->sql_fails(q{SET ROLE reader; SELECT etl.s3_delete('s3://lake/x')}, 'may not delete', qr/42501/, qr/s3:DeleteObject/);

# A download that breaks off goes on where it was; one that gets nowhere is an error, never a short object
foreach my $how ('truncate', 'reset')
{
	$etl->faults({ method => 'GET', key => 'big', do => $how, after => 3000000, times => 0 });
	$etl->sql_is(q{SELECT md5(etl.s3_fetch('s3://lake/big')) = md5(repeat('0123456789', 800000))}, 't', "$how, and go on");
	cmp_ok(scalar(grep { $_->{range} } $etl->requests(method => 'GET', key => 'big')), '>=', 2, 'for the missing bytes');
	$etl->faults({ method => 'GET', key => 'big', do => $how, after => 0, times => 0 });
	$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/big')}, "$how without a byte", qr/08006/, qr{s3://lake/big});
	$etl->reset_aws;
}

# A put that is retried, a request that is throttled
$etl->faults({ method => 'PUT', key => 'retried', do => 'status', status => 503, code => 'SlowDown' });
$etl->sql_is(q{SELECT etl.s3_put('s3://lake/retried', 'x') <> ''}, 't', 'put after one SlowDown');
is(scalar $etl->requests(method => 'PUT', key => 'retried'), 2, 'in two requests');
$etl->reset_aws;

# Cancel
$etl->faults({ method => 'GET', key => 'big', do => 'stall', after => 1000, times => 0 });
my $started = time;
$etl->sql_fails(q{SET statement_timeout = '500ms'; SELECT etl.s3_fetch('s3://lake/big')}, 'cancel while waiting', qr/57014/);
cmp_ok(time - $started, '<=', 3, 'at once');
$etl->reset_aws;

# No answer at all
$etl->sql(q{CREATE SERVER down FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint 'http://127.0.0.1:1', path_style 'true')});
$etl->create_aws_mapping(name => 'down');
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/x', server => 'down')}, 'endpoint down', qr/08001/, qr/127\.0\.0\.1 port 1/);

unlike($etl->server_log, qr/\Q@{[ $etl->secret_access_key ]}\E/, 'the log has no secret');

done_testing();

# Reading and listing S3: parts side by side, checksums, versions, many objects, presigned URLs; what goes wrong meanwhile.
use strict;
use warnings FATAL => 'all';
use utf8;

use Digest::MD5 qw(md5_hex);
use Digest::SHA qw(sha256_base64);
use Encode qw(encode_utf8);
use EtlTest;
use HTTP::Tiny;
use Test::More;

my $etl = EtlTest->new(aws => 1, conf => "etl.aws_server = 'aws'");
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');

sub put_with
{
	my ($body, @command) = @_;
	return $etl->_run_fixtures($body, @command);
}

# 40 MB that repeat nowhere, and a bit: parts are of 8 MB
my $large = join('', map { pack('N4', $_, $_ * 7, $_ * 13, ~$_ & 0xffffffff) } 1 .. 2_621_440) . 'the end';
my $md5 = md5_hex($large);
$etl->put_object('lake', 'large', $large);

sub is_whole
{
	my ($name, $before) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return $etl->sql_is(($before // '') . q{SELECT md5(etl.s3_fetch('s3://lake/large'))}, $md5, $name);
}

sub ranges { return grep { $_->{range} } $etl->requests(method => 'GET', key => 'large'); }

# ---- parts

$etl->reset_aws;
is_whole('a large object, in parts');
my @requests = $etl->requests(key => 'large');
is(scalar @requests, 6, 'one request for the whole of it, of which the first part is taken, and one for each other');
is_deeply([ sort map { $_->{range} } ranges() ],
	[ sort map { sprintf('bytes=%d-%d', $_ * 8388608, ($_ < 5 ? ($_ + 1) * 8388608 : length $large) - 1) } 1 .. 5 ], 'each for its own');
is(scalar(grep { !$_->{if_match} } ranges()), 0, 'of the version that was first answered');

$etl->reset_aws;
is_whole('with little memory', q{SET etl.s3_read_memory = '256kB'; });
is(scalar $etl->requests(key => 'large'), 1, 'it comes in one');
$etl->reset_aws;
is_whole('with some', q{SET etl.s3_read_memory = '3MB'; });
is(scalar ranges(), 40, 'in smaller parts');
$etl->reset_aws;
$etl->sql_is(q{SELECT etl._s3_drain('s3://lake/large')}, length $large, 'drained');

$etl->put_object('lake', 'small', 'x' x 1000);
$etl->reset_aws;
$etl->sql_is(q{SELECT octet_length(etl.s3_fetch('s3://lake/small'))}, '1000', 'a small object');
is(scalar $etl->requests(key => 'small'), 1, 'is one request');

# ---- what breaks off goes on, wherever that is

foreach my $eighth (0 .. 7)
{
	foreach my $how ('reset', 'truncate')
	{
		$etl->faults({ method => 'GET', key => 'large', nth => 1, times => $eighth ? 3 : 2, do => $how, after => $eighth * 1048576 });
		is_whole("$how at $eighth/8 of several parts");
	}
}
$etl->faults({ method => 'GET', key => 'large', nth => 3, do => 'status', status => 500, code => 'InternalError' },
	{ method => 'GET', key => 'large', nth => 5, do => 'status', status => 503, code => 'SlowDown' });
is_whole('parts that are refused once');
$etl->faults({ method => 'GET', key => 'large', nth => 4, times => 0, do => 'reset', after => 0 });
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/large')}, 'parts that never come', qr/08006/, qr{s3://lake/large});
$etl->faults({ method => 'GET', key => 'large', nth => 4, times => 0, do => 'status', status => 403, code => 'AccessDenied' });
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/large')}, 'parts that may not be read', qr/42501/, qr/s3:GetObject/);
$etl->faults({ method => 'GET', key => 'large', nth => 3, do => 'stall', after => 1000, times => 0 });
$etl->sql_fails(q{SET statement_timeout = '700ms'; SELECT etl.s3_fetch('s3://lake/large')}, 'cancelled in the midst', qr/57014/);
$etl->reset_aws;
is_whole('and the session is none the worse', q{SET statement_timeout = '30s'; SELECT 1 FROM etl.s3_list('s3://lake/') LIMIT 0; });

# ---- one version or none

$etl->reset_aws;
$etl->faults({ method => 'GET', key => 'large', nth => 4, do => 'replace', after => 1000 });
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/large') IS NULL}, 'replaced while one of its parts was read',
	qr/40001: .*"s3:\/\/lake\/large" changed while it was being read/);
$etl->reset_aws;
$etl->put_object('lake', 'large', $large);

# ---- checksums

my $body = 'content with a checksum ' x 1000;
foreach my $kind ([ 'sha256' ], [ 'sha1' ], [ 'crc32' ], [ 'crc32c', 'K/l8Ew==' ], [ 'crc64nvme', 'vhCAUx8IFXY=' ])
{
	my ($algorithm, @value) = @$kind;
	put_with($body, 'put-checked', 'lake', "checked-$algorithm", $algorithm, @value);
	$etl->reset_aws;
	$etl->sql_is("SELECT md5(etl.s3_fetch('s3://lake/checked-$algorithm'))", md5_hex($body), "$algorithm: right");
	$etl->faults({ method => 'GET', key => "checked-$algorithm", do => 'corrupt', times => 0 });
	$etl->sql_fails("SELECT etl.s3_fetch('s3://lake/checked-$algorithm')", "$algorithm: wrong",
		qr/XX001: .*"s3:\/\/lake\/checked-$algorithm" does not have the checksum/, qr/x-amz-checksum-$algorithm/);
}
$etl->reset_aws;
put_with($large, 'put-checked', 'lake', 'checked-large', 'sha256');
$etl->sql_is(q{SELECT md5(etl.s3_fetch('s3://lake/checked-large'))}, $md5, 'of a large one, over all its parts');
$etl->faults({ method => 'GET', key => 'checked-large', nth => 4, do => 'corrupt' });
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/checked-large')}, 'one bit in one of them is wrong', qr/XX001/);
$etl->reset_aws;
unlike(put_with($large, 'put-composite', 'lake', 'composite'), qr/null|\Q@{[ sha256_base64($large) ]}\E/, 'an object that was put in parts');
$etl->sql_is(q{SELECT md5(etl.s3_fetch('s3://lake/composite'))}, $md5, 'a checksum of checksums is let be');
put_with('', 'put-checked', 'lake', 'checked-empty', 'sha256');
$etl->sql_is(q{SELECT octet_length(etl.s3_fetch('s3://lake/checked-empty'))}, 0, 'of nothing');

# ---- listings

$etl->fixtures('make-bucket', 'tree');
my @keys = ('a b', 'a%b', 'a+b', 'a=b/c', 'a=b/d', 'dir/', 'dir/x', 'dir/y/z', 'last', 'ünï/z', 'ünï/日本');
$etl->put_object('tree', encode_utf8("in/$_"), 'x') foreach @keys;
my $list = q{SELECT string_agg(substr(uri, 14) || CASE WHEN size IS NULL THEN '*' ELSE '' END, ' | ') FROM etl.s3_list('s3://tree/in/'};
$etl->sql_is("$list)", encode_utf8(join(' | ', @keys)), 'keys of any kind');
$etl->sql_is("$list, '/')", encode_utf8('a b | a%b | a+b | a=b/* | dir/* | last | ünï/*'), 'by a delimiter');
$etl->sql_is("$list, 'b')", encode_utf8('a b* | a%b* | a+b* | a=b* | dir/ | dir/x | dir/y/z | last | ünï/z | ünï/日本'), 'any delimiter');
$etl->sql_is("$list, start_after => 'in/dir/x')", encode_utf8('dir/y/z | last | ünï/z | ünï/日本'), 'from a key on');
$etl->sql_is("$list, '/', 's3://tree/in/dir/zzz')", encode_utf8('last | ünï/*'), 'from a URI on, with a delimiter');
$etl->sql_is("$list, '', '')", encode_utf8(join(' | ', @keys)), 'empty ones are none');
$etl->sql_is(q{SELECT etag IS NULL AND size IS NULL AND last_modified IS NULL FROM etl.s3_list('s3://tree/in/d', '/')}, 't', 'of a prefix nothing else is known');
$etl->sql_fails(q{SELECT * FROM etl.s3_list('s3://tree/', start_after => 's3://lake/x')}, 'another bucket\'s', qr/22023/);

# ---- many objects

$etl->fixtures('make-bucket', 'many');
$etl->sql(q{SELECT count(etl.s3_put('s3://many/s/' || to_char(i, 'FM00000'), repeat(i || ' ', i))) FROM generate_series(1, 300) i});
$etl->put_object('many', 's/00150-large', $large);
$etl->put_object('many', encode_utf8('s/00151 ünï+%'), 'odd');
$etl->put_object('many', 's/00152', '');
my $all = q{SELECT count(*), bool_and(ordered), sum(octet_length(content)), md5(string_agg(content, '')) FROM
	(SELECT uri COLLATE "C" > lag(uri, 1, '') OVER () COLLATE "C" AS ordered, content FROM etl.s3_fetch_all('s3://many/s/')) c};
my $expected = join('', map { my $i = $_; ($i == 152 ? '' : "$i " x $i) . ($i == 150 ? $large : $i == 151 ? 'odd' : '') } 1 .. 300);
my $answer = '302|t|' . length($expected) . '|' . md5_hex($expected);
$etl->reset_aws;
$etl->sql_is($all, $answer, 'many objects, in order');
$etl->sql_is("SET etl.s3_read_memory = '256kB'; $all", $answer, 'with little memory');
$etl->faults({ method => 'GET', key => 's/.*', nth => 20, times => 3, do => 'reset', after => 3 },
	{ method => 'GET', key => 's/.*', nth => 100, times => 3, do => 'status', status => 503, code => 'SlowDown' });
$etl->sql_is($all, $answer, 'some of which fail at first');
$etl->faults({ method => 'GET', key => 's/00200', times => 0, do => 'status', status => 404, code => 'NoSuchKey' });
$etl->sql_fails($all, 'one that is gone meanwhile', qr/58P01/, qr{s3://many/s/00200});
$etl->reset_aws;
$etl->sql_is(q{SELECT count(*) FROM (SELECT etl.s3_fetch_all('s3://many/nothing/')) x}, 0, 'none');

# ---- versions

$etl->fixtures('make-versioned', 'versions');
$etl->sql(qq{SELECT etl.s3_put('s3://versions/key', '$_')}) foreach 'one', 'two', 'three';
$etl->sql(q{SELECT etl.s3_delete('s3://versions/key')});
$etl->sql_is(q{SELECT count(*), count(DISTINCT version_id), count(size), count(*) FILTER (WHERE is_delete_marker AND is_latest),
	string_agg(etl.s3_fetch_text(uri, version_id), ' ' ORDER BY n) FILTER (WHERE NOT is_delete_marker)
	FROM etl.s3_versions('s3://versions/') WITH ORDINALITY v (uri, size, etag, modified, version_id, is_latest, is_delete_marker, n)}, '4|4|3|1|three two one', 'all versions, the newest first, and what is left of the object');
$etl->sql_is(q{SELECT bool_and(h.size = v.size AND h.etag = v.etag) FROM etl.s3_versions('s3://versions/key') v, etl.s3_head(v.uri, v.version_id) h
	WHERE NOT v.is_delete_marker}, 't', 'head of each');
$etl->sql_is(q{SELECT count(*) FROM etl.s3_head('s3://versions/key')}, 0, 'the object itself is gone');
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://versions/key', 'no-such-version')}, 'no such version', qr/NoSuchVersion|InvalidArgument|InvalidVersionId/);

# ---- presigned URLs

my $http = HTTP::Tiny->new;
my $url = $etl->sql(q{SELECT etl.s3_presign('s3://lake/from us+%/ü', '10 min', 'PUT')});
is($http->put($url, { content => 'by anybody' })->{status}, 200, 'anybody may put with the URL');
$url = $etl->sql(q{SELECT etl.s3_presign('s3://lake/from us+%/ü')});
is($http->get($url)->{content}, 'by anybody', 'and get with another');
is($http->delete($url)->{status}, 403, 'but nothing else');
is($http->get($url =~ s/us%2B/usx/r)->{status}, 403, 'and no other object');
foreach my $method ('GET', 'HEAD', 'PUT', 'DELETE')
{
	my $ours = $etl->sql(qq{SELECT etl.s3_presign('s3://lake/a b/ü+=%&?', '1 day 1 s', '$method')});
	my ($date) = $ours =~ /X-Amz-Date=(\w+)/;
	my $theirs = $etl->fixtures('presign', 'lake', encode_utf8('a b/ü+=%&?'), 86401, $date, $method)->{url};
	is_deeply([ sort split /[?&]/, $ours ], [ sort split /[?&]/, $theirs ], "$method: the URL is the one that botocore makes");
}
$etl->_control('POST', 'clock', '{"offset": 3700}');
is($http->get($url)->{status}, 403, 'after an hour it is good for nothing');
$etl->reset_aws;
$etl->sql_fails(q{SELECT etl.s3_presign('s3://lake/x', '8 days')}, 'for too long', qr/22023/, qr/seven days/);
$etl->sql_fails(q{SELECT etl.s3_presign('s3://lake/x', '-1 s')}, 'for no time', qr/22023/);
$etl->sql_fails(q{SELECT etl.s3_presign('s3://lake/x', method => 'POST')}, 'to post', qr/22023/, qr/GET, HEAD, PUT or DELETE/);
$etl->sql_fails(q{SELECT etl.s3_presign('s3://lake/')}, 'of a bucket', qr/22023/);

# ---- requester pays

$etl->sql(qq{CREATE SERVER payer FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint '@{[ $etl->endpoint ]}', path_style 'true', requester_pays 'true')});
$etl->create_aws_mapping(name => 'payer');
$etl->reset_aws;
$etl->sql(q{SELECT count(etl.s3_fetch(uri, server => 'payer')) FROM etl.s3_list('s3://many/s/0000', server => 'payer')});
$etl->sql(q{SELECT etl.s3_put('s3://lake/paid', 'x', server => 'payer'), etl.s3_delete('s3://lake/paid', 'payer')});
is(scalar(grep { ($_->{request_payer} // '') ne 'requester' } $etl->requests), 0, 'who asked to pay says so in every request');
cmp_ok(scalar $etl->requests, '>=', 12, 'of which there are some');
like($etl->sql(q{SELECT etl.s3_presign('s3://lake/x', server => 'payer')}), qr/x-amz-request-payer=requester/, 'and in URLs');

# ---- in local mode there is none of that

my $root = $etl->primary->basedir . '/folders';
mkdir $root;
$etl->sql("CREATE SERVER folders FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root')");
$etl->sql_fails("SELECT etl.$_", $_, qr/0A000/, qr/local mode/)
  foreach q{s3_versions('s3://xyz/', 'folders')}, q{s3_presign('s3://xyz/y', server => 'folders')}, q{s3_fetch('s3://xyz/y', 'v', 'folders')},
  q{s3_head('s3://xyz/y', 'v', 'folders')};

unlike($etl->server_log, qr/\Q@{[ $etl->secret_access_key ]}\E|X-Amz-Signature=[0-9a-f]/, 'the log has no secret and no signature');

done_testing();

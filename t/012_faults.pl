# Everything that can go wrong between here and AWS: each fault ends in the right bytes, or in a clear error and nothing
# changed, and none hangs. Prints what became of each, in how many requests and seconds.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $folder = tempdir(CLEANUP => 1, DIR => $ENV{TESTDIR});
my $etl = EtlTest->new(aws => 1, conf => "etl.stall_timeout = '2s'", environment => { AWS_CA_BUNDLE => "$folder/ca.pem" });
my ($port) = $etl->endpoint =~ /(\d+)$/;
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');

my $size = 800_000;
my $body = join('', map { chr(int(rand(256))) } 1 .. 8_000) x 100;
my %get = (service => 's3', method => 'GET', key => 'big');
my %put = (service => 's3', method => 'PUT', key => 'new');
my $fetch = q{SELECT md5(etl.s3_fetch('s3://lake/big'))};
$etl->put_object('lake', 'big', $body);
my $md5 = $etl->sql($fetch);

# ---- a table of what happened
my @table;

sub server
{
	my ($name, $endpoint, $path_style) = @_;
	$path_style //= 'true';
	$etl->sql("CREATE SERVER $name FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint '$endpoint', path_style '$path_style')");
	$etl->create_aws_mapping(name => $name);
}

# suffers(what, query, expected output or qr/error/, within so many seconds, faults…): returns the requests but for HEAD,
# which may precede others.
sub suffers
{
	my ($name, $query, $expected, $seconds, @faults) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$etl->reset_aws;
	$etl->faults(@faults);
	my $start = time;
	my ($status, $stdout, $stderr) =
	  $etl->primary->psql('postgres', "\\set VERBOSITY verbose\n$query", on_error_stop => 1);
	my $took = time - $start;
	if (ref $expected)
	{
		isnt($status, 0, "$name: an error");
		like($stderr, $expected, "$name: which");
	}
	else
	{
		is($stdout, $expected, "$name: success") or diag($stderr);
	}
	cmp_ok($took, '<', $seconds, "$name: in less than $seconds s");
	my @requests = $etl->requests;
	my ($error) = $stderr =~ /ERROR:  (.{0,70})/;
	push @table, [ $name, $error // 'success', scalar @requests, sprintf('%.1f', $took) ];
	return grep { $_->{method} ne 'HEAD' } @requests;
}

# ---- no connection
server('down', 'http://127.0.0.1:1');
suffers('connection refused', q{SELECT etl.s3_fetch('s3://lake/big', server => 'down')},
	qr/ERROR:  08001: could not \w+.* "s3:\/\/lake\/big": no answer.*DETAIL:.*127\.0\.0\.1 port 1.*HINT:/s, 3);
server('nowhere', 'http://nowhere.invalid:9000');
suffers('no such name', q{SELECT etl.s3_fetch('s3://lake/big', server => 'nowhere')},
	qr/ERROR:  08001:.*nowhere\.invalid/s, 12);

# ---- connections that break
foreach my $eighth (0 .. 7)
{
	is(scalar suffers("reset at $eighth/8 of the body", $fetch, $md5, 5, { %get, do => 'reset', after => $size * $eighth / 8 }),
		2, 'the rest was asked for once');
}
is(scalar suffers('reset before the answer', $fetch, $md5, 5, { %get, do => 'reset' }), 2, 'two requests');
is(scalar suffers('truncated body', $fetch, $md5, 5, { %get, do => 'truncate' }), 2, 'two requests');
is(scalar suffers('always reset after a byte', $fetch, qr/ERROR:  08006: could not read "s3:\/\/lake\/big"/, 5,
	{ %get, do => 'reset', after => 1, times => 0 }), 3, 'a byte a time is no progress');

# ---- connections on which nothing moves, or next to nothing
suffers('stall before the answer', $fetch, $md5, 8, { %get, do => 'stall' });
suffers('stall in the body', $fetch, $md5, 8, { %get, do => 'stall', after => $size / 2 });
# the test server logs a request when it is through with it, which may be later
cmp_ok(scalar suffers('slow drip', $fetch, qr/ERROR:  08006:.*less than a kilobyte a second came or went for 2 s/s, 20,
	{ %get, do => 'slow', bytes_per_second => 400, times => 0 }), '<=', 3, 'three attempts');
suffers('slow, but not too slow', q{SELECT length(etl.s3_fetch('s3://lake/big'))}, $size, 10, { %get, do => 'slow', bytes_per_second => 400_000 });

# ---- a reader that is slow itself is not the other side's fault
{
	$etl->reset_aws;
	$etl->sql(q{CREATE TABLE slow (n int); CREATE FUNCTION wait() RETURNS trigger LANGUAGE plpgsql AS
		$$BEGIN IF NEW.n = 1 THEN PERFORM pg_sleep(5); END IF; RETURN NEW; END$$;
		CREATE TRIGGER wait BEFORE INSERT ON slow FOR EACH ROW EXECUTE FUNCTION wait()});
	$etl->put_object('lake', 'numbers', join("\n", 1 .. 400_000) . "\n");
	$etl->sql(q{CALL etl.execute($$COPY slow FROM 's3://lake/numbers' IAM_ROLE default$$)});
	is(scalar $etl->requests(method => 'GET', key => 'numbers'), 1, 'a reader that pauses needs one request');
}

# ---- what the service says
is(scalar suffers('500 once', $fetch, $md5, 5, { %get, do => 'status', status => 500 }), 2, 'two requests');
is(scalar suffers('500 always', $fetch, qr/ERROR:  58000:.*HTTP status 500, request id.*HINT:  It was tried 3 times/s, 5,
	{ %get, do => 'status', status => 500, times => 0 }), 3, 'three requests');
is(scalar suffers('503 SlowDown once', $fetch, $md5, 5, { %get, do => 'status', status => 503, code => 'SlowDown' }), 2, 'two requests');
is(scalar suffers('503 SlowDown storm', $fetch, qr/ERROR:  53400:.*SlowDown/s, 8,
	{ %get, do => 'status', status => 503, code => 'SlowDown', times => 0 }), 3, 'three requests');
{
	my @requests = suffers('503 with Retry-After: 2', $fetch, $md5, 8,
		{ %get, do => 'status', status => 503, code => 'ServiceUnavailable', headers => { 'Retry-After' => '2' } });
	cmp_ok($requests[1]{time} - $requests[0]{time}, '>=', 1.9, 'which was waited for');
	@requests = suffers('503 with x-amz-retry-after: 1500', $fetch, $md5, 8,
		{ %get, do => 'status', status => 503, code => 'ServiceUnavailable', headers => { 'x-amz-retry-after' => '1500' } });
	cmp_ok($requests[1]{time} - $requests[0]{time}, '>=', 1.4, 'which was waited for');
}

# ---- an error that S3 learns of when it has said 200
{
	my %copy = (service => 's3', method => 'PUT', key => 'copy', do => 'status', status => 200);
	my $copy = q{SELECT length(etl.s3_copy('s3://lake/big', 's3://lake/copy')) > 0};
	is(scalar suffers('error inside a 200', $copy, 't', 5, { %copy, code => 'InternalError' }), 2, 'it was copied again');
	is($etl->get_object('lake', 'copy'), $body, 'the object is whole');
	is(scalar suffers('errors inside a 200', q{SELECT etl.s3_copy('s3://lake/big', 's3://lake/other')},
		qr/ERROR:  \w+: could not write .*AWS said InternalError/s, 5, { %copy, key => 'other', code => 'InternalError', times => 0 }), 3,
		'three attempts');
	$etl->sql_is(q{SELECT count(*) FROM etl.s3_head('s3://lake/other')}, '0', 'nothing was made');
}

# ---- lost answers: what was asked for is done, once or twice, with the same content
is(scalar suffers('lost answer of a PUT', q{SELECT length(etl.s3_put('s3://lake/new', 'content')) > 0}, 't', 5, { %put, do => 'drop' }),
	2, 'it was put again');
is($etl->get_object('lake', 'new'), 'content', 'the object is whole');
my $topic = $etl->fixtures('make-topic-with-queue', 'alerts');
{
	my @requests = suffers('lost answer of a publish', qq{SELECT length(etl.notify_sns('$topic->{topic_arn}', 'hello')) > 0}, 't', 5,
		{ service => 'sns', do => 'drop' });
	is(scalar @requests, 2, 'it was sent again');
	is($requests[0]{received}, $requests[1]{received}, 'as it was');
}

# ---- another object in its place
suffers('replaced while it was read', $fetch, qr/ERROR:  40001: "s3:\/\/lake\/big" changed while it was being read/, 5, { %get, do => 'replace' });
$etl->put_object('lake', 'big', $body);

# ---- elsewhere
$etl->fixtures('make-bucket', 'europe', 'eu-west-1');
my $europe = q{SELECT etl.s3_fetch_text('s3://europe/key')};
{
	my @requests = suffers('a bucket of another region', q{SELECT length(etl.s3_put('s3://europe/key', 'content')) > 0;}
		. "$europe; $europe; SELECT count(*) FROM etl.s3_head('s3://europe/key'); SELECT count(*) FROM etl.s3_list('s3://europe/')",
		"t\ncontent\ncontent\n1\n1", 5);
	is(scalar @requests, 5, 'its region is learnt once');
	is($requests[0]{code}, 'AuthorizationHeaderMalformed', 'by a refusal');
	suffers('a HEAD of one', q{SELECT size FROM etl.s3_head('s3://europe/key')}, '7', 5);
	is(scalar $etl->requests, 2, 'in two requests');
	suffers('REGION of COPY', q{CREATE TEMP TABLE r (x text); CALL etl.execute($$COPY r FROM 's3://europe/key' IAM_ROLE default REGION 'eu-west-1'$$); TABLE r}, 'content', 5);
	is(scalar $etl->requests(code => 'AuthorizationHeaderMalformed'), 0, 'goes there at once');
	suffers('REGION of UNLOAD', q{CALL etl.execute($e$UNLOAD ($$SELECT 1$$) TO 's3://europe/out/' IAM_ROLE default REGION 'eu-west-1'$e$)}, '', 5);
	is(scalar $etl->requests(code => 'AuthorizationHeaderMalformed'), 0, 'goes there at once');
}
{
	my %elsewhere = (service => 's3', do => 'status', status => 301, code => 'PermanentRedirect');
	suffers('301 to another region', "$europe; $europe", "content\ncontent", 5,
		{ %elsewhere, headers => { 'x-amz-bucket-region' => 'eu-west-1' } });
	is(scalar $etl->requests(status => qr/^[34]/), 1, 'learnt once');
	suffers('301 by a host name', $europe, 'content', 5, { %elsewhere, extra => { Endpoint => 'europe.s3-eu-west-1.amazonaws.com' } });
	$elsewhere{method} = 'GET';
	is(scalar suffers('301 for ever', $fetch, qr/ERROR:  22023:.*the region is wrong/, 5,
		map { { %elsewhere, nth => $_, headers => { 'x-amz-bucket-region' => "eu-west-$_" } } } 1 .. 9), 3, 'two redirects are followed');
	is(scalar suffers('301 to nowhere', $fetch, qr/ERROR:  22023:.*the region is wrong/, 5, { %elsewhere, times => 0 }), 1, 'one request');
}

# ---- 307: to the endpoint's own hosts, and to no other
my $other = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1') or die $!;
{
	my %elsewhere = (%get, do => 'status', status => 307, code => 'TemporaryRedirect');
	my $named = q{SELECT md5(etl.s3_fetch('s3://lake/big', server => 'named'))};
	server('named', "http://localhost:$port");
	my @requests = suffers('307 to a host of the endpoint', "$named; $named", "$md5\n$md5", 5,
		{ %elsewhere, headers => { Location => "http://lake.localhost:$port/big" } });
	is(scalar @requests, 3, 'followed, and not remembered');
	is($requests[1]{host}, "lake.localhost:$port", 'there');
	foreach my $location ("http://127.0.0.1:@{[$other->sockport]}/lake/big", "http://lake.localhost:@{[$other->sockport]}/big",
		"http://localhost:$port\@127.0.0.1:@{[$other->sockport]}/lake/big", "//127.0.0.1:@{[$other->sockport]}/")
	{
		is(scalar suffers('307 to another host', q{SELECT etl.s3_put('s3://lake/new', 'secret', server => 'named')},
			qr/ERROR:  22023: could not write "s3:\/\/lake\/new": it is redirected/, 5,
			{ %elsewhere, %put, headers => { Location => $location }, times => 0 }), 1, "not followed: $location");
	}
	ok(!IO::Select->new($other)->can_read(0), 'nobody came there');
}

# ---- clocks that disagree
foreach my $minutes (20, -20)
{
	my $where = "clock $minutes minutes off";
	foreach my $case ([ 'read', $fetch, $md5 ], [ 'write', q{SELECT length(etl.s3_put('s3://lake/new', 'x')) > 0}, 't' ],
		[ 'list', q{SELECT count(*) > 0 FROM etl.s3_list('s3://lake/')}, 't' ], [ 'look', q{SELECT size FROM etl.s3_head('s3://lake/big')}, $size ],
		[ 'delete', q{SELECT etl.s3_delete('s3://lake/new')}, 't' ],
		[ 'publish', qq{SELECT length(etl.notify_sns('$topic->{topic_arn}', 'hello')) > 0}, 't' ])
	{
		my ($what, $query, $expected) = @$case;
		$etl->reset_aws;
		$etl->_control('POST', 'clock', qq({"offset": @{[$minutes * 60]}}));
		my $start = time;
		$etl->sql_is("$query; $query", "$expected\n$expected", "$where: $what");
		is(scalar $etl->requests(status => 403), 1, "$where: $what: learnt once");
		push @table, [ "$where: $what", 'success', scalar $etl->requests, sprintf('%.1f', time - $start) ] if $what eq 'read';
	}
}
$etl->reset_aws;

# ---- certificates
sub openssl { my ($output, $errors); IPC::Run::run([ 'openssl', @_ ], '>', \$output, '2>', \$errors) or die "openssl @_: $errors"; }
my @key = ('-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes');

sub authority
{
	my ($name) = @_;
	openssl('req', '-x509', @key, '-keyout', "$folder/$name.key", '-out', "$folder/$name.pem", '-days', 2, '-subj', "/CN=$name");
}

# A TLS server whose certificate is of this host, by this authority, for so many days; a function that has what it says.
sub tls_front
{
	my ($name, $host, $authority, $days) = @_;
	openssl('req', @key, '-keyout', "$folder/$name.key", '-out', "$folder/$name.csr", '-subj', "/CN=$host", '-addext', "subjectAltName=DNS:$host");
	openssl('x509', '-req', '-in', "$folder/$name.csr", '-CA', "$folder/$authority.pem", '-CAkey', "$folder/$authority.key",
		'-days', $days, '-copy_extensions', 'copy', '-out', "$folder/$name.pem");
	my ($front_port, $said) = $etl->tls_front("$folder/$name.pem", "$folder/$name.key");
	server($name, "https://localhost:$front_port");
	return $said;
}
authority('ca');
authority('stranger');
my $good = tls_front('good', 'localhost', 'ca', 2);
suffers('TLS', q{SELECT md5(etl.s3_fetch('s3://lake/big', server => 'good'))}, $md5, 5);
foreach my $case ([ 'wrong_name', 'elsewhere.example', 'ca', 2, qr/name|match/ ], [ 'expired', 'localhost', 'ca', -1, qr/expired/ ],
	[ 'unknown_authority', 'localhost', 'stranger', 2, qr/certificate/ ])
{
	my ($name, $host, $authority, $days, $reason) = @$case;
	my $said = tls_front($name, $host, $authority, $days);
	suffers("TLS, $name", qq{SELECT etl.s3_put('s3://lake/secret', 'x', server => '$name')},
		qr/ERROR:  08001: could not write "s3:\/\/lake\/secret": no answer.*DETAIL:.*$reason/s, 5);
	is(scalar $etl->requests, 0, "TLS, $name: no request");
	unlike($said->(), qr/served/, "TLS, $name: nothing was sent");
}

# ---- a long outage, and a storm of throttling: many calls, of sessions side by side that share what they learn, then of one
# that doesn't. AWS's standard mode: 500 tokens, of which a retry takes 14, and after throttling 5.
sub outage
{
	my ($name, $node, $sessions, $calls, $endpoint, $most_retries, @faults) = @_;
	my ($id, $key) = ($etl->access_key_id, $etl->secret_access_key);
	$node->safe_psql('postgres', "DROP SERVER IF EXISTS out CASCADE; CREATE SERVER out FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint '$endpoint', path_style 'true');"
		  . "CREATE USER MAPPING FOR CURRENT_USER SERVER out OPTIONS (access_key_id '$id', secret_access_key '$key')");
	$etl->reset_aws;
	$etl->faults(@faults);
	my $start = time;
	# A file: what comes from a scalar is handed to one of them at a time.
	unlink("$folder/calls.sql");
	append_to_file("$folder/calls.sql", qq{CREATE FUNCTION pg_temp.calls() RETURNS int LANGUAGE plpgsql AS \$\$
		DECLARE failed int := 0;
		BEGIN
			FOR i IN 1..@{[$calls / $sessions]} LOOP
				BEGIN
					PERFORM etl.s3_fetch('s3://lake/' || CASE i % 2 WHEN 0 THEN 'big' ELSE 'other' END, server => 'out');
				EXCEPTION WHEN system_error OR configuration_limit_exceeded THEN failed := failed + 1;
				END;
			END LOOP;
			RETURN failed;
		END\$\$; SELECT pg_temp.calls()});
	my @runs = map { { output => '', errors => '' } } 1 .. $sessions;
	$_->{run} = IPC::Run::start([ 'psql', '-XAtq', '-f', "$folder/calls.sql", $node->connstr('postgres') ], '>', \$_->{output}, '2>', \$_->{errors}, IPC::Run::timeout(180))
	  foreach @runs;
	my $failed = 0;
	foreach (@runs) { $_->{run}->finish; $failed += $_->{output} || 0; diag($_->{errors}) if $_->{errors}; }
	my $took = time - $start;
	my $requests = scalar $etl->requests;
	is($failed, $calls, "$name: all fail");
	cmp_ok($requests, '<=', $calls + $most_retries, "$name: no more retries than the quota allows");
	cmp_ok($requests, '>', $calls, "$name: some are retried");
	cmp_ok($requests, '<', 1.1 * $calls, "$name: the host is asked less than a tenth more often");
	push @table, [ "$name: $calls calls", sprintf('%.3f requests a call', $requests / $calls), $requests, sprintf('%.1f', $took) ];
	$etl->reset_aws;
	is($node->safe_psql('postgres', q{SELECT md5(etl.s3_fetch('s3://lake/big', server => 'out'))}), $md5, "$name: then it goes on");
}
my @down = ({ do => 'status', status => 500, times => 0 });
my @throttling = ({ key => 'big', do => 'status', status => 503, code => 'SlowDown', times => 0 },
	{ key => 'other', do => 'status', status => 429, code => 'TooManyRequestsException', times => 0 });
outage('outage', $etl->primary, 6, 600, "http://localhost:$port", 35, @down);
$etl->primary->restart;    # the quota is full again
outage('throttling', $etl->primary, 15, 1500, "http://localhost:$port", 100, @throttling);
$etl->primary->stop;
my $alone = EtlTest->new(name => 'alone', conf => "shared_preload_libraries = ''");
outage('outage, not preloaded', $alone->primary, 1, 600, $etl->endpoint, 35, @down);

my ($wide) = sort { $b <=> $a } map { length $_->[0] } @table;
note(sprintf("%-${wide}s | %-78s | %8s | %s", 'fault', 'outcome', 'requests', 'seconds'));
note(sprintf("%-${wide}s | %-78s | %8s | %7s", @$_)) foreach @table;
unlike($etl->server_log, qr/\Q@{[$etl->secret_access_key]}\E|Signature=[0-9a-f]/, 'no secret in the log');

done_testing();

# A server that no superuser owns reaches https and public addresses alone, however it is spelt: what must not be reached
# is here, listens, and is asked afterwards whether anybody came. And nothing of the server's environment has a say.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::IP;
use PostgreSQL::Test::Utils;
use Sys::Hostname;
use Test::More;

my $folder = tempdir(CLEANUP => 1, DIR => $ENV{TESTDIR});

# ---- what listens, on every address of this host
my $listener = IO::Socket::INET->new(Listen => 64, LocalAddr => '0.0.0.0') or die $!;
my $port = $listener->sockport;
my $listener6 = IO::Socket::IP->new(Listen => 64, LocalHost => '::', LocalPort => $port, V6Only => 1);
my $select = IO::Select->new(grep { defined } $listener, $listener6);

sub visitors
{
	my $count = 0;
	while (my @ready = $select->can_read(0))
	{
		foreach my $socket (@ready) { $socket->accept; $count++; }
	}
	return $count;
}

# ---- the environment says otherwise
my %environment = (
	(map { $_ => "http://127.0.0.1:$port" } qw(http_proxy https_proxy HTTPS_PROXY ALL_PROXY all_proxy)),
	SSLKEYLOGFILE => "$folder/keys", AWS_CA_BUNDLE => "$folder/cert.pem", HOME => $folder, CURL_HOME => $folder, XDG_CONFIG_HOME => $folder);
append_to_file("$folder/.netrc", "default login canary password canary\n");
append_to_file("$folder/.curlrc", "proxy = http://127.0.0.1:$port\nheader = \"X-Canary: 1\"\n");
my $errors;
IPC::Run::run([ qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=localhost
	-addext subjectAltName=DNS:localhost -keyout), "$folder/key.pem", '-out', "$folder/cert.pem" ], '2>', \$errors) or die $errors;
my $etl = EtlTest->new(aws => 1, environment => \%environment);
my ($tls_port, $said) = $etl->tls_front("$folder/cert.pem", "$folder/key.pem");
my ($aws_port) = $etl->endpoint =~ /(\d+)$/;

$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');
$etl->put_object('lake', 'key', 'content');
$etl->sql("CREATE SERVER tls FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint 'https://localhost:$tls_port', path_style 'true')");
$etl->create_aws_mapping(name => 'tls');
$etl->sql_is(q{SELECT etl.s3_fetch_text('s3://lake/key')}, 'content', 'http, past the environment');
$etl->sql_is(q{SELECT etl.s3_fetch_text('s3://lake/key', server => 'tls')}, 'content', 'https, past the environment');
is(visitors(), 0, 'no proxy was asked');
ok(!-e "$folder/keys", 'no keys of connections were written');

# ---- a role that may make servers
$etl->sql(q{CREATE ROLE maker LOGIN; GRANT USAGE ON FOREIGN DATA WRAPPER etl_aws TO maker; GRANT USAGE ON SCHEMA etl TO maker;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA etl TO maker; GRANT CREATE ON SCHEMA public TO maker});

# The trusted reach the listener, so it would be seen if others did: it doesn't speak TLS, nor answer.
sub fetch
{
	my ($endpoint, $role, $path_style) = @_;
	my $literal = $endpoint =~ s/'/''/gr;
	my ($status, $stdout, $stderr) = $etl->primary->psql('postgres', qq{
		\\set VERBOSITY verbose
		SET ROLE $role; SET statement_timeout = '2s'; BEGIN;
		CREATE SERVER evil FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint E'$literal', path_style '$path_style');
		CREATE USER MAPPING FOR CURRENT_USER SERVER evil OPTIONS (access_key_id 'AKIACANARY', secret_access_key 'canary');
		SELECT etl.s3_fetch('s3://lake/key', server => 'evil')}, on_error_stop => 1);
	return $stderr;
}
foreach my $endpoint ("https://127.0.0.1:$port", "https://localhost:$port", "https://2130706433:$port")
{
	fetch($endpoint, 'none', 'true');
	cmp_ok(visitors(), '>=', 1, "a superuser's server reaches $endpoint");
}

# ---- the forms: addresses, in every notation that a resolver may take for one, which the guard is to refuse
my @addresses = (
	# itself
	'127.0.0.1', '127.0.0.2', '127.255.255.254', '127.1', '127.0.1', '0', '0.0.0.0', '0.0', '2130706433', '017700000001',
	'0x7f000001', '0x7F.0.0.1', '0x7f.1', '0177.0.0.1', '0177.0.0.01', '127.0x0.0.1', '00000177.1', 'localhost', 'LOCALHOST',
	'a.localhost', 's3.amazonaws.com.localhost',
	# IPv6, and IPv4 in its clothes
	'[::1]', '[0:0:0:0:0:0:0:1]', '[0000::0001]', '[::]', '[::ffff:127.0.0.1]', '[::ffff:7f00:1]', '[0:0:0:0:0:ffff:7f00:0001]',
	'[::127.0.0.1]', '[64:ff9b::127.0.0.1]', '[64:ff9b::7f00:1]', '[64:ff9b:1::7f00:1]', '[2002:7f00:1::]', '[2001:0:7f00:1::]',
	'[::ffff:0:127.0.0.1]', '[fe80::1]', '[fec0::1]', '[fc00::1]', '[fd00:ec2::254]', '[ff02::1]', '[::ffff:169.254.169.254]',
	# metadata services, private and other special networks
	'169.254.169.254', '169.254.170.2', '2852039166', '0xa9fea9fe', '0251.0376.0251.0376', '10.0.0.1', '10.255.255.255', '172.16.0.1',
	'172.31.255.254', '192.168.1.1', '100.64.0.1', '100.127.255.254', '192.0.2.2', '198.18.0.1', '198.51.100.1', '203.0.113.1',
	'192.0.0.170', '192.88.99.1', '224.0.0.1', '240.0.0.1', '255.255.255.255', '4294967295');
# names that may be known as this host's, and an address that is one
my @names = ('localhost.', 'localhost.localdomain', 'ip6-localhost', 'ip6-loopback', '127.0.0.1.', hostname());
my @others = (
  # not https, and what is said to be
  "http://127.0.0.1:$port", "http://localhost:$port", "http://s3.amazonaws.com:$port", "HTTP://127.0.0.1:$port", "HTTPS://127.0.0.1:$port",
  "ftp://127.0.0.1:$port", "file:///etc/passwd", "gopher://127.0.0.1:$port", "//127.0.0.1:$port", "127.0.0.1:$port", "https:127.0.0.1:$port",
  "https:/127.0.0.1:$port", "https:///127.0.0.1:$port", "unix:///tmp/s", '',
  # users, fragments, paths and queries that make another host of it
  "https://s3.amazonaws.com\@127.0.0.1:$port", "https://user:canary\@127.0.0.1:$port", "https://127.0.0.1:$port\@s3.amazonaws.com",
  "https://127.0.0.1:$port#\@s3.amazonaws.com", "https://127.0.0.1:$port?.amazonaws.com", "https://127.0.0.1:$port/", "https://127.0.0.1:$port/x",
  "https://s3.amazonaws.com\\\\\@127.0.0.1:$port", "https://127.0.0.1:$port\\\\.amazonaws.com", "https://127.0.0.1:$port:443", "https://127.0.0.1:0",
  "https://127.0.0.1:", "https://127.0.0.1:99999", "https://:$port",
  # percent, unicode, blanks and control characters
  "https://%31%32%37.0.0.1:$port", "https://127%2e0%2e0%2e1:$port", "https://localhost%00.amazonaws.com:$port", "https://\x{2460}\x{2461}\x{2466}.0.0.1:$port",
  "https://127\x{3002}0\x{3002}0\x{3002}1:$port", "https://\x{ff11}\x{ff12}\x{ff17}.0.0.1:$port", "https://loc\x{ad}alhost:$port", "https://127.0.0.1 :$port", " https://127.0.0.1:$port",
  "https://127.0.0.1:$port\\nHost: s3.amazonaws.com", "https://127.0.0.1\\r\\n:$port", "https://127.0.0.1\\t:$port", "https://127.0.0.1\\x7f:$port",
  "https://[::1%25lo]:$port", "https://[fe80::1%25eth0]:$port", "https://[127.0.0.1]:$port", "https://[::1:$port", "https://::1:$port",
  "https://-:$port", "https://.:$port", "https://..:$port");

my %tally;
my $forms = 0;

# None of these is reached, by whoever may make servers, and the refusal has one of these SQLSTATEs.
sub refused
{
	my ($sqlstates, @forms) = @_;
	foreach my $form (@forms)
	{
		utf8::encode(my $bytes = $form);
		$errors = fetch($bytes, 'maker', 'true');
		my ($sqlstate) = $errors =~ /ERROR:  (\w+): /;
		my $visitors = visitors();
		ok($visitors == 0 && $sqlstate =~ /^(?:$sqlstates)$/, "refused: $bytes ($sqlstate)") or diag("$errors\n$visitors came");
		unlike($errors, qr/canary/, 'no secret is repeated') if $bytes =~ /canary/;
		$tally{$sqlstate}++;
		$forms++;
	}
}
refused('42501', map { "https://$_:$port" } @addresses);
refused('42501|08001', map { "https://$_:$port" } @names);
refused('42501|22023', @others);
cmp_ok($forms, '>=', 60, 'sixty forms and more');
note("$forms forms: " . join(', ', map { "$_: $tally{$_}" } sort keys %tally));

# The bucket in front of the host is judged with it.
fetch("https://localhost:$port", 'maker', 'false');
is(visitors(), 0, 'nor with the bucket in the host name');

# ---- a kept connection that another's request has made
my $before = () = $said->() =~ /^served/mg;
$etl->reset_aws;
$etl->sql_is(q{SELECT etl.s3_fetch_text('s3://lake/key', server => 'tls')}, 'content', 'one');
my $requests = scalar $etl->requests;
$etl->reset_aws;
my ($status, $stdout, $stderr) = $etl->primary->psql('postgres', q{
	\set VERBOSITY verbose
	SELECT etl.s3_fetch_text('s3://lake/key', server => 'tls'), etl.s3_fetch_text('s3://lake/key', server => 'tls');
	ALTER SERVER tls OWNER TO maker;
	SELECT etl.s3_fetch_text('s3://lake/key', server => 'tls')}, on_error_stop => 1);
is($stdout, 'content|content', 'while a superuser owns it');
like($stderr, qr/ERROR:  42501:.*the address is not allowed/, 'refused as soon as somebody else owns it, though a connection is there');
is(scalar $etl->requests, 2 * $requests, 'nothing came by it');
my $after = () = $said->() =~ /^served/mg;
is($after - $before, 2, 'which the two before shared');

# Nor is it there for another server of another owner that leads to the same place, in the same session, in whatever order.
$before = () = $said->() =~ /^served/mg;
$etl->reset_aws;
($status, $stdout, $stderr) = $etl->primary->psql('postgres', qq{
	\\set VERBOSITY verbose
	ALTER SERVER tls OWNER TO CURRENT_USER;
	SET ROLE maker;
	CREATE SERVER near FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint 'https://localhost:$tls_port', path_style 'true');
	CREATE USER MAPPING FOR maker SERVER near OPTIONS (access_key_id '@{[ $etl->access_key_id ]}', secret_access_key '@{[ $etl->secret_access_key ]}');
	SELECT 'before', etl.s3_fetch_text('s3://lake/key', server => 'near');
	RESET ROLE;
	SELECT etl.s3_fetch_text('s3://lake/key', server => 'tls');
	SET ROLE maker;
	SELECT 'read', etl.s3_fetch_text('s3://lake/key', server => 'near');
	SELECT 'written', etl.s3_put('s3://lake/other', 'x', server => 'near');
	SELECT 'listed', count(*) FROM etl.s3_list('s3://lake/', server => 'near');
	RESET ROLE;
	SELECT etl.s3_fetch_text('s3://lake/key', server => 'tls')}, on_error_stop => 0);
is($stdout, "content\ncontent", "a superuser's server is served before and after");
is(scalar(() = $stderr =~ /ERROR:  42501: [^\n]*the address is not allowed/g), 4, "another owner's that leads there never is, though a connection is there");
is(scalar $etl->requests, 2 * $requests, 'nothing came by it');
is($etl->sql(q{SELECT count(*) FROM etl.s3_head('s3://lake/other', server => 'aws')}), '0', 'nothing was written');
$after = () = $said->() =~ /^served/mg;
cmp_ok($after - $before, '<=', 2, 'and made no connection');

# ---- no part of a request has a control character
foreach my $code (1 .. 31, 127)
{
	my $character = sprintf('\\x%02x', $code);
	$etl->sql_fails(qq{SELECT etl.s3_fetch(E's3://lake/a${character}b')}, "key with $character", qr/ERROR:  22023:/);
}
$requests = scalar $etl->requests;
foreach my $query (q{SELECT etl.s3_fetch(E's3://la\nke/key')}, q{SELECT * FROM etl.s3_list(E's3://lake/a\r\nHost: x')},
	q{SELECT etl.notify_sns(E'arn:aws:sns:us-east-1:123456789012:a\nb', 'm')},
	q{SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:a', 'm', subject => E'a\nb')},
	q{CREATE SERVER x FOREIGN DATA WRAPPER etl_aws OPTIONS (region E'us-east-1\n')},
	q{CREATE SERVER x FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1.evil.example/')},
	q{CREATE USER MAPPING FOR PUBLIC SERVER aws OPTIONS (access_key_id E'a\nb', secret_access_key 'x')},
	q{CREATE USER MAPPING FOR PUBLIC SERVER aws OPTIONS (access_key_id 'a', secret_access_key 'x', session_token E'a\r\nX-Evil: 1')})
{
	$etl->sql_fails($query, $query, qr/ERROR:  (?:22023|HV)/);
}
is(scalar $etl->requests, $requests, 'none of them was sent');

done_testing();

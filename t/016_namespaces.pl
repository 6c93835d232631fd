# What takes a network of one's own: addresses that AWS has fixed (a container's credentials, the metadata service), and names
# whose address changes under way. In namespaces of this test's own, which any user may make where the kernel allows it.
use strict;
use warnings FATAL => 'all';

use Test::More;

BEGIN
{
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
	my @own = qw(unshare --user --map-current-user --keep-caps --net --mount);
	if (!$ENV{ETL_NAMESPACE})
	{
		my $failure = `@own -- sh -c 'ip link set lo up && mount --bind /etc/hosts /etc/resolv.conf' 2>&1`;
		plan(skip_all => "no namespaces for this user: $failure" =~ s/\n.*//sr) if $? != 0;
		$ENV{ETL_NAMESPACE} = 1;
		exec @own, '--', $^X, (map { "-I$_" } @INC), $0 or die "unshare: $!";
	}
}

use EtlTest;
use File::Temp qw(tempdir);
use IO::Select;
use IO::Socket::INET;
use IO::Socket::IP;
use PostgreSQL::Test::Utils;

sub run_or_die
{
	my (@command) = @_;
	local $ENV{PATH} = "$ENV{PATH}:/usr/sbin:/sbin";
	my ($output, $errors);
	IPC::Run::run(\@command, '>', \$output, '2>', \$errors) or die "@command: $errors";
}

# ---- the network: what is private listens, and is asked whether anybody came; one public address is the AWS test server
my $folder = tempdir(CLEANUP => 1, DIR => $ENV{TESTDIR});
my $public = '52.216.0.1';
my @private = ('127.0.0.1', '10.0.0.1', '169.254.169.253', '::1');
run_or_die(qw(ip link set lo up));
run_or_die(qw(ip address add), "$_/32", qw(dev lo)) foreach $public, qw(10.0.0.1 169.254.169.253 169.254.169.254 169.254.170.2);
append_to_file("$folder/resolv.conf", "nameserver 127.0.0.1\noptions timeout:1 attempts:1\n");
run_or_die(qw(mount --bind), "$folder/resolv.conf", '/etc/resolv.conf');
run_or_die(qw(openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj /CN=test -addext),
	'subjectAltName=DNS:moves.example,DNS:*.moves.example,DNS:stays.example', '-keyout', "$folder/key.pem", '-out', "$folder/cert.pem");

my $etl = EtlTest->new(aws => 1, environment => { AWS_CA_BUNDLE => "$folder/cert.pem" });
my ($port, $said) = $etl->tls_front("$folder/cert.pem", "$folder/key.pem", $public, 0);
my @listeners = map { IO::Socket::IP->new(Listen => 64, LocalHost => $_, LocalPort => $port, GetAddrInfoFlags => 0) or die "$_: $@" } @private;
my $select = IO::Select->new(@listeners);

sub visitors
{
	my $count = 0;
	while (my @ready = $select->can_read(0))
	{
		foreach my $socket (@ready) { $socket->accept; $count++; }
	}
	return $count;
}

sub names
{
	open(my $file, '>', "$folder/names.new") or die $!;
	print $file "$_\n" foreach @_;
	close($file);
	rename("$folder/names.new", "$folder/names") or die $!;
}
names();
my $answers = $etl->name_server("$folder/names");

# ---- where credentials are: the addresses that ECS and EC2 have
my %anything = (Version => '2012-10-17', Statement => [ { Effect => 'Allow', Action => '*', Resource => '*' } ]);
my $role = $etl->fixtures('make-role', 'task', JSON::PP->new->encode(\%anything))->{role_arn};
$etl->tls_front('', '', '169.254.170.2', 80);
$etl->tls_front('', '', '169.254.169.254', 80);
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');
$etl->put_object('lake', 'key', 'content');
$etl->sql('DROP USER MAPPING FOR CURRENT_USER SERVER aws');
$etl->sql(q{ALTER SERVER aws OPTIONS (ADD credentials 'container')});
my $read = q{SELECT etl.s3_fetch_text('s3://lake/key')};
my $environment = { AWS_CA_BUNDLE => "$folder/cert.pem", AWS_CONTAINER_CREDENTIALS_RELATIVE_URI => '/container/credentials' };

$etl->machine(role => $role);
$etl->restart_with(%$environment);
$etl->sql_is($read, 'content', 'ECS: a task role');
is(scalar $etl->requests(service => 'container'), 1, 'asked for at 169.254.170.2');
is(($etl->requests(service => 'container'))[0]{host}, '169.254.170.2', 'by that name');
$etl->machine(role => $role, authorization => 'canary-token');
$etl->sql_fails($read, 'ECS: without the token that is asked for', qr/28000: could not get AWS credentials from "http:\/\/169\.254\.170\.2\/container\/credentials"/, qr/HTTP status 401/);
$etl->restart_with(%$environment, AWS_CONTAINER_AUTHORIZATION_TOKEN => 'canary-token');
$etl->sql_is($read, 'content', 'ECS: with it');
$etl->restart_with(%$environment, AWS_CONTAINER_CREDENTIALS_FULL_URI => 'http://10.0.0.1/credentials', AWS_CONTAINER_AUTHORIZATION_TOKEN => 'canary-token');
$etl->sql_is($read, 'content', 'ECS: the relative URI comes before a full one');
$etl->restart_with(%$environment, AWS_CONTAINER_CREDENTIALS_RELATIVE_URI => '@10.0.0.1/credentials');
$etl->sql_fails($read, 'ECS: one that is none', qr/28000: no container credentials/);
$etl->sql(q{ALTER SERVER aws OPTIONS (SET credentials 'instance')});
$etl->reset_aws;
$etl->machine(role => $role);
$etl->restart_with(AWS_CA_BUNDLE => "$folder/cert.pem");
$etl->sql_is($read, 'content', 'EC2: the role of an instance');
is_deeply([ map { $_->{host} } $etl->requests(service => 'imds') ], [ ('169.254.169.254') x 3 ], 'asked for at 169.254.169.254');
is(visitors(), 0, 'and nowhere else');

# ---- names that move, and a role that may make servers
$etl->sql(q{CREATE ROLE maker LOGIN; GRANT USAGE ON FOREIGN DATA WRAPPER etl_aws TO maker; GRANT USAGE ON SCHEMA etl TO maker;
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA etl TO maker});
my $keys = "access_key_id '@{[ $etl->access_key_id ]}', secret_access_key '@{[ $etl->secret_access_key ]}'";
sub server
{
	my ($name, $role, $host) = @_;
	$etl->sql("SET ROLE $role; CREATE SERVER $name FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint 'https://$host:$port', path_style 'true');
		CREATE USER MAPPING FOR CURRENT_USER SERVER $name OPTIONS ($keys)");
}
server('moves', 'maker', 'moves.example');
server('trusted', 'none', 'moves.example');
my $fetch = q{SELECT etl.s3_fetch_text('s3://lake/key', server => 'moves')};
my $refusal = qr/ERROR:  42501: .*"s3:\/\/lake\/key": the address is not allowed/;

names("moves.example 127.0.0.1");
$etl->primary->psql('postgres', q{SET statement_timeout = '1s'; SELECT etl.s3_fetch_text('s3://lake/key', server => 'trusted')});
cmp_ok(visitors(), '>=', 1, 'what a name leads to is reached by the trusted');

names("moves.example $public");
$etl->sql_is("SET ROLE maker; $fetch", 'content', 'a public address is reached by whoever makes servers');

# It moves between two sessions, and so between two requests that resolve it.
names("moves.example $public 127.0.0.1");
$etl->reset_aws;
$etl->sql_is("SET ROLE maker; $fetch", 'content', 'a name that is of a public address');
is(scalar $etl->requests, 1, 'which is asked');
$etl->sql_fails("SET ROLE maker; $fetch", 'and moves to the loopback', $refusal);
is(scalar $etl->requests, 1, 'where nothing is sent');
is(visitors(), 0, 'nor anybody comes');
is(join(' ', (split /\n/, $answers->())[-2, -1]), "moves.example $public moves.example 127.0.0.1", 'so it was answered');

# It is of both, and the public one doesn't answer.
foreach my $addresses ('52.216.0.2,127.0.0.1', '127.0.0.1,52.216.0.2', '10.0.0.1', '169.254.169.253', '0.0.0.0', '::1', '::ffff:127.0.0.1', '::ffff:10.0.0.1,::1',
	'64:ff9b::7f00:1')
{
	names("moves.example $addresses");
	$etl->sql_fails("SET ROLE maker; SET statement_timeout = '20s'; $fetch", "a name of $addresses", $refusal);
	is(visitors(), 0, "$addresses: nobody comes");
}

# It is of both, and the public one does: that is what is spoken to, and a break there is none of the other's.
foreach my $addresses ("127.0.0.1,$public", "$public,127.0.0.1", "::1,$public")
{
	names("moves.example $addresses");
	$etl->faults({ method => 'GET', key => 'key', do => 'reset' });
	$etl->sql_is("SET ROLE maker; $fetch", 'content', "a name of $addresses");
	is(visitors(), 0, "$addresses: nobody comes to the other");
}

# ---- it moves while a session has a connection: that leads where it did
names("moves.example $public 127.0.0.1");
$etl->reset_aws;
$etl->sql_is("SET ROLE maker; $fetch; $fetch", "content\ncontent", 'a connection that is kept');
is(scalar $etl->requests, 2, 'leads to what it was made to');
$etl->faults({ method => 'GET', key => 'key', nth => 2, times => 2, do => 'reset' });
$etl->primary->psql('postgres', "SET ROLE maker; $fetch; $fetch");
is(visitors(), 0, 'and when it breaks nobody comes to where the name leads now');

# ---- S3 redirects to a name that leads elsewhere
my %redirect = (service => 's3', method => 'GET', key => 'key', do => 'status', status => 307, code => 'TemporaryRedirect',
	headers => { Location => "https://lake.moves.example:$port/key" });
names("moves.example $public", "lake.moves.example $public");
$etl->reset_aws;
$etl->faults(\%redirect);
$etl->sql_is("SET ROLE maker; $fetch", 'content', 'a redirect to a public address is followed');
is(scalar $etl->requests, 2, 'in two requests');
foreach my $address ('127.0.0.1', '::1', '10.0.0.1', '169.254.169.253', '52.216.0.2,127.0.0.1')
{
	names("moves.example $public", "lake.moves.example $address");
	$etl->reset_aws;
	$etl->faults(\%redirect);
	$etl->sql_fails("SET ROLE maker; $fetch", "a redirect to a name of $address", $refusal);
	is(scalar $etl->requests, 1, "redirect to $address: nothing is sent");
	is(visitors(), 0, "redirect to $address: nobody comes");
}

unlike($etl->server_log, qr/\Q@{[ $etl->secret_access_key ]}\E|canary/, 'the log has no secret');
done_testing();

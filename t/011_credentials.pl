# Who signs: where keys come from, who may use those of the machine, and that no request fails for keys that could have
# been renewed.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use HTTP::Tiny;
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Utils;
use Test::More;

my $etl = EtlTest->new(aws => 1, warehouse => 1);
my $canary = 'canarySecretAccessKey/canarySecretAccess';
my $folder = PostgreSQL::Test::Utils::tempdir();
my @sts = (service => 'sts');
my $read = 'SELECT length(etl.s3_fetch($$s3://lake/big$$))';

$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');
$etl->put_object('lake', 'big', 'x' x 2_000_000);
my $topic = $etl->fixtures('make-topic-with-queue', 'alerts')->{topic_arn};

# ---- who there is
sub policy
{
	my ($action, $resource, %more) = @_;
	return encode_json({ Version => '2012-10-17', Statement => [ { Effect => 'Allow', Action => $action, Resource => $resource, %more } ] });
}

sub trust
{
	my ($principal, %more) = @_;
	return encode_json({ Version => '2012-10-17', Statement => [ { Effect => 'Allow', Action => 'sts:AssumeRole', Principal => $principal, %more } ] });
}

sub role
{
	my ($name, $trust) = @_;
	return $etl->fixtures('make-role', $name, policy('*', '*'), $trust // ())->{role_arn};
}

my $loader = role('loader');
my $step = role('step');
my $behind = role('behind', trust({ AWS => $step }));
my $foreign = role('foreign', trust({ AWS => '*' }, Condition => { StringEquals => { 'sts:ExternalId' => 'tenant/42' } }));
my $pod = role('pod', encode_json({ Version => '2012-10-17', Statement => [
	{ Effect => 'Allow', Action => 'sts:AssumeRoleWithWebIdentity', Principal => { Federated => 'oidc.example.com' } } ] }));
my $nobody = $etl->fixtures('make-user', 'nobody', policy('sts:AssumeRole', '*'));
$etl->sql('DROP USER MAPPING FOR CURRENT_USER SERVER aws');
$etl->create_aws_mapping(%$nobody);

# Options of server aws, in place of those it has: options(role_arn => …).
my %own = ();
sub options
{
	my (%options) = @_;
	my @changes = ((map { "DROP $_" } grep { !exists $options{$_} } keys %own),
		(map { (exists $own{$_} ? 'SET' : 'ADD') . " $_ '$options{$_}'" } sort keys %options));
	%own = %options;
	$etl->sql('ALTER SERVER aws OPTIONS (' . join(', ', @changes) . ')') if @changes;
	$etl->reset_aws;
}

# A session that goes on: what it prints for each query.
sub session
{
	my ($in, $out) = ('', '');
	my $process = IPC::Run::start([ 'psql', '-XqAt', $etl->primary->connstr('postgres') ], '<', \$in, '>', \$out, '2>&1', '>&1',
		IPC::Run::timeout($PostgreSQL::Test::Utils::timeout_default));
	return sub {
		my ($query) = @_;
		if (!defined $query) { $in .= "\\q\n"; return $process->finish; }
		$out = '';
		$in .= "$query;\n\\echo end\n";
		$process->pump until $out =~ /^end\n/m;
		return $out =~ s/\n?end\n\z//r;
	};
}

# ---- roles that the server's options name
$etl->sql_fails($read, 'a user who may nothing', qr/ERROR:  42501/);
options(role_arn => $loader);
$etl->sql_is($read, '2000000', 'its role may');
my ($assumed) = $etl->requests(@sts);
is("$assumed->{role} $assumed->{session}", "$loader pg_etl", 'the role was assumed, by the name pg_etl');
options(role_arn => "$step,$behind", role_session_name => 'nightly@db');
$etl->sql_is($read, '2000000', 'a chain of roles');
is(join(' ', map { "$_->{role} $_->{session}" } $etl->requests(@sts)), "$step nightly\@db $behind nightly\@db",
	'the first assumes the second, by the name that was given');
options(role_arn => $foreign);
$etl->sql_fails($read, 'no external id', qr/ERROR:  42501: could not assume role "$foreign"/, qr/HINT:.*sts:AssumeRole/);
options(role_arn => $foreign, external_id => 'tenant/42');
$etl->sql_is($read, '2000000', 'the external id');
$etl->sql('CREATE TABLE t (x text)');
options(role_arn => $step, external_id => 'tenant/42');
$etl->sql_fails(qq{CALL etl.execute(\$\$COPY t FROM 's3://lake/big' IAM_ROLE '$foreign'\$\$)}, 'is not for a role that a statement names',
	qr/ERROR:  42501: could not assume role "$foreign"/);
$etl->sql_is(qq{SELECT etl.s3_put('s3://lake/one', 'x'); CALL etl.execute(\$\$COPY t FROM 's3://lake/one' IAM_ROLE '$behind'\$\$); SELECT count(*) FROM t},
	qq("9dd4e461268c8034f5c8564e155c67a6"\n1) =~ s/"//gr, "the server's role assumes that of the statement");
options();
$etl->reset_aws;
$etl->sql_is(qq{CALL etl.execute(\$\$COPY t FROM 's3://lake/one' IAM_ROLE '$step,$behind'\$\$); SELECT count(*) FROM t}, '2', 'a chain in a statement');
is(join(' ', map { $_->{role} } $etl->requests(@sts)), "$step $behind", 'the first assumes the second');
$etl->sql_fails(qq{CALL etl.execute(\$\$COPY t FROM 's3://lake/one' IAM_ROLE '$behind'\$\$)}, 'without the first', qr/ERROR:  42501: could not assume role "$behind"/);

# ---- what was renewed in time
options(role_arn => $loader);
my $query = session();
is($query->($read), '2000000', 'a session reads');
is($query->($read), '2000000', 'again');
is(scalar $etl->requests(@sts), 1, 'with the same keys');
$etl->set_clock(54 * 60);
is($query->($read), '2000000', 'six minutes before their end');
is(scalar $etl->requests(@sts), 1, 'they are good');
$etl->set_clock(56 * 60);
is($query->($read), '2000000', 'four minutes before their end');
is(scalar $etl->requests(@sts), 2, 'they are renewed');
$etl->set_clock(0);
$query->();

$query = session();
is($query->($read), '2000000', 'another session');
$etl->set_clock(56 * 60);
$etl->faults({ service => 'sts', do => 'status', status => 403, code => 'AccessDenied', times => 0 });
is($query->($read), '2000000', 'keys that are good are used when they cannot be renewed');
is($query->($read), '2000000', 'again');
is(scalar $etl->requests(@sts, status => 403), 1, 'and not at each request is it tried');
like($etl->server_log, qr/LOG:  could not renew AWS credentials: could not assume role "$loader": access denied/, 'the log says so');
$etl->set_clock(61 * 60);
like($query->($read), qr/could not assume role "$loader": access denied/, 'but not beyond their end');
$etl->faults();
is($query->($read), '2000000', 'and it goes on when it can');
$etl->set_clock(0);
$query->();

# ---- what expires while it is used
$etl->reset_aws;
$query = session();
$etl->faults({ method => 'GET', key => 'big', do => 'truncate', after => 500_000, expire => JSON::PP::true });
is($query->('SELECT md5(etl.s3_fetch($$s3://lake/big$$)) = md5(repeat($$x$$, 2000000))'), 't', 'keys that expire in the middle of a download');
my @gets = $etl->requests(method => 'GET', key => 'big');
is(join(' ', map { $_->{code} // $_->{status} } @gets), '200 ExpiredToken 206', 'it goes on where it was, with others');
is(scalar $etl->requests(@sts), 2, 'which were asked for once');
foreach my $other ('SELECT etl.s3_put($$s3://lake/put$$, $$x$$) <> $$$$', 'SELECT count(*) > 0 FROM etl.s3_list($$s3://lake/$$)',
	'SELECT count(*) = 1 FROM etl.s3_head($$s3://lake/big$$)', "SELECT etl.notify_sns('$topic', 'm') <> ''")
{
	$etl->expire_sessions;
	is($query->($other), 't', "keys that have expired: $other");
}
$etl->expire_sessions;
$etl->faults({ service => 'sts', do => 'status', status => 500, code => 'InternalFailure' });
is($query->($read), '2000000', 'and when STS is not well at first');
is($query->('BEGIN; CALL etl.execute(\'UNLOAD ($$SELECT 1$$) TO $$s3://lake/unloaded/$$ IAM_ROLE default\')'), '', 'UNLOAD');
$etl->expire_sessions;
is($query->('COMMIT'), '', 'whose keys expire before the commit');
is_deeply($etl->fixtures('list', 'lake', 'unloaded/0000'), [ 'unloaded/0000_part_00' ], 'is there');
options(role_arn => "$step,$behind");
is($query->($read), '2000000', 'a chain');
$etl->expire_sessions;
is($query->($read), '2000000', 'whose roles have all expired');
is(join(' ', map { ($_->{role} =~ /(\w+)$/)[0] . ($_->{code} // '') } $etl->requests(@sts)),
	'step behind behindExpiredToken step behind', 'is renewed from the one that can');
$query->();

# ---- keys that nobody can renew
options();
$etl->machine(role => $loader);
my %session = %{ decode_json(HTTP::Tiny->new->get($etl->endpoint . '/container/credentials')->{content}) };
$etl->sql("ALTER USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (SET access_key_id '$session{AccessKeyId}', "
	  . "SET secret_access_key '$session{SecretAccessKey}', ADD session_token '$session{Token}')");
$etl->sql_is($read, '2000000', 'a session\'s keys in the mapping');
my $pair = "ACCESS_KEY_ID '$session{AccessKeyId}' SECRET_ACCESS_KEY '$session{SecretAccessKey}'";
my $string = "aws_access_key_id=$session{AccessKeyId};aws_secret_access_key=$session{SecretAccessKey}";
foreach my $with ("$pair SESSION_TOKEN '$session{Token}'", "CREDENTIALS '$string;token=$session{Token}'")
{
	$etl->sql_is(qq{TRUNCATE t; CALL etl.execute(\$\$COPY t FROM 's3://lake/one' $with\$\$); SELECT count(*) FROM t}, '1', 'a statement\'s token');
}
$etl->sql_fails(qq{CALL etl.execute(\$\$COPY t FROM 's3://lake/one' $_\$\$)}, 'without it', qr/ERROR:  28000/) foreach $pair, "CREDENTIALS '$string'";
$etl->expire_sessions;
$etl->sql_fails($read, 'expired', qr/ERROR:  28000: could not read "s3:\/\/lake\/big": the session token has expired/,
	qr/HINT:.*ALTER USER MAPPING.*session_token/);
is(scalar $etl->requests(method => 'GET', key => 'big'), 2, 'are not tried twice');

# ---- the environment
options(credentials => 'environment');
$etl->restart_with();
$etl->sql_fails($read, 'nothing in the environment', qr/ERROR:  28000: no AWS credentials for server "aws" in the environment/);
$etl->restart_with(AWS_ACCESS_KEY_ID => $etl->access_key_id, AWS_SECRET_ACCESS_KEY => $etl->secret_access_key);
$etl->sql_is($read, '2000000', 'keys in the environment');
$etl->restart_with(AWS_ACCESS_KEY_ID => $etl->access_key_id, AWS_SECRET_ACCESS_KEY => $canary);
$etl->sql_fails($read, 'wrong ones', qr/ERROR:  28000/, qr/HINT:  The keys come from the environment that PostgreSQL was started in/);

# ---- profiles
sub put_file
{
	my ($name, $text) = @_;
	open my $file, '>', "$folder/$name" or die "$folder/$name: $!";
	print $file $text;
	close $file;
}

my ($id, $secret) = ($etl->access_key_id, $etl->secret_access_key);
put_file('config', <<"FILE");
[default]
region = eu-central-1
[profile over]
role_arn = $foreign
external_id = tenant/42
source_profile = below
role_session_name = of-the-profile
[profile round]
role_arn = $loader
source_profile = round_again
[profile round_again]
role_arn = $loader
source_profile = round
[profile program]
credential_process = /bin/echo canary
[profile broken]
canary
FILE
put_file('credentials', <<"FILE");
[default]
aws_access_key_id = $id
aws_secret_access_key = $secret
[below]
aws_access_key_id = $nobody->{access_key_id}
aws_secret_access_key = $nobody->{secret_access_key}
FILE
$etl->restart_with(AWS_CONFIG_FILE => "$folder/config", AWS_SHARED_CREDENTIALS_FILE => "$folder/credentials");
options(credentials => 'profile');
$etl->sql_is($read, '2000000', 'the default profile');
options(credentials => 'profile', profile => 'over');
$etl->sql_is($read, '2000000', 'a profile with a role that another one assumes');
is(join(' ', map { "$_->{role} $_->{session}" } $etl->requests(@sts)), "$foreign of-the-profile", 'by its name');
options(credentials => 'profile', profile => 'over', role_arn => $loader, role_session_name => 'mine');
$etl->sql_is($read, '2000000', 'and assumes another');
is(join(' ', map { "$_->{role} $_->{session}" } $etl->requests(@sts)), "$foreign mine $loader mine", 'by the name that the server says');
foreach my $bad ([ 'none', qr/ERROR:  28000: there is no AWS profile "none"/ ], [ 'round', qr/ERROR:  28000: AWS profile "\w+" has no credentials that can be used/ ],
	[ 'program', qr/DETAIL:  It has them from a program/ ], [ 'broken', qr/ERROR:  F0000: invalid line in an AWS profile file "$folder\/config"/ ])
{
	options(credentials => 'profile', profile => $bad->[0]);
	$etl->sql_fails($read, "profile $bad->[0]", $bad->[1]);
}
$etl->machine(role => $loader);
%session = %{ decode_json(HTTP::Tiny->new->get($etl->endpoint . '/container/credentials')->{content}) };
sub put_session
{
	put_file('credentials', "[kept]\naws_access_key_id = $_[0]{AccessKeyId}\naws_secret_access_key = $_[0]{SecretAccessKey}\naws_session_token = $_[0]{Token}\n");
}
put_session(\%session);
options(credentials => 'profile', profile => 'kept');
$query = session();
is($query->($read), '2000000', 'keys that somebody keeps fresh in the file');
$etl->expire_sessions;
$etl->machine(role => $loader);
put_session(decode_json(HTTP::Tiny->new->get($etl->endpoint . '/container/credentials')->{content}));
is($query->($read), '2000000', 'are read anew');
$query->();

# ---- a web identity
put_file('token', "first.$canary\n");
$etl->restart_with(AWS_ROLE_ARN => $pod, AWS_WEB_IDENTITY_TOKEN_FILE => "$folder/token", AWS_ROLE_SESSION_NAME => 'pod-7');
options(credentials => 'web_identity');
$etl->machine(web_identity_token => "first.$canary");
$query = session();
is($query->($read), '2000000', 'a web identity');
is(join(' ', map { "$_->{action} $_->{role} $_->{session}" } $etl->requests(@sts)), "AssumeRoleWithWebIdentity $pod pod-7", 'who it is');
$etl->machine(web_identity_token => "second.$canary");
put_file('token', "second.$canary\n");
$etl->expire_sessions;
is($query->($read), '2000000', 'a token that was replaced');
$etl->expire_sessions;
$etl->machine();
like($query->($read), qr/could not assume role "$pod": the web identity was refused.*HINT:  The keys come from the file of the web identity/s, 'one that is refused');
unlink "$folder/token";
like($query->($read), qr/could not assume role "$pod": could not read file ".*token": No such file/, 'none');
$query->();

# ---- a container
put_file('authorization', $canary);
my %container = (AWS_CONTAINER_CREDENTIALS_FULL_URI => $etl->endpoint . '/container/credentials',
	AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE => "$folder/authorization");
$etl->restart_with(%container);
options(credentials => 'container');
$etl->machine(role => $loader, authorization => $canary);
$query = session();
is($query->($read), '2000000', 'the container\'s role');
is($query->($read), '2000000', 'again');
is(scalar $etl->requests(service => 'container'), 1, 'asked for once');
$etl->expire_sessions;
$etl->faults({ service => 'container', do => 'status', status => 500 });
is($query->($read), '2000000', 'it has expired, and the service is not well at first');
$etl->machine(role => $loader, authorization => 'another');
$etl->expire_sessions;
like($query->($read), qr/could not get AWS credentials from "http.*": it has none\nDETAIL:  It said Unauthorized.*HTTP status 401/, 'a wrong token');
$query->();
$etl->restart_with(%container, AWS_CONTAINER_CREDENTIALS_FULL_URI => 'http://192.0.2.1/credentials');
$etl->sql_fails($read, 'http to anywhere', qr/ERROR:  22023: AWS_CONTAINER_CREDENTIALS_FULL_URI can't be used/);

# ---- the instance
$etl->restart_with(AWS_EC2_METADATA_SERVICE_ENDPOINT => $etl->endpoint);
options(credentials => 'instance');
$etl->sql_fails($read, 'an instance without a role', qr/ERROR:  28000: could not get AWS credentials from "http.*": the instance has no role/,
	qr/HINT:  Attach an instance profile/);
options(credentials => 'instance');
$etl->machine(role => $loader, lifetime => 120);
$query = session();
is($query->($read), '2000000', 'the instance\'s role');
is(join(' ', map { "$_->{method} $_->{action}" } $etl->requests(service => 'imds')),
	'PUT /latest/api/token GET /latest/meta-data/iam/security-credentials/ GET /latest/meta-data/iam/security-credentials/loader',
	'a token is asked for first');
is($query->($read), '2000000', 'again');
is(scalar $etl->requests(service => 'imds'), 3, 'keys that end in two minutes are not asked for each time');
$etl->expire_sessions;
is($query->($read), '2000000', 'it has expired');
$query->();
$etl->faults({ service => 'imds', method => 'PUT', do => 'status', status => 403, times => 0 });
$etl->sql_fails($read, 'version 2 is off', qr/ERROR:  28000: could not get AWS credentials from "http.*": the metadata service refused/, qr/HINT:.*version 2/);
is(scalar $etl->requests(service => 'imds', method => 'GET', action => qr/./), 4, 'nothing is asked by version 1');
$etl->faults({ service => 'imds', do => 'stall', times => 0 });
$query = session();
like($query->("SET statement_timeout = '300ms'; $read"), qr/canceling statement due to statement timeout/, 'a service that hangs is not waited for');
$etl->faults();
is($query->("RESET statement_timeout; $read"), '2000000', 'and the next time it is asked again');
$query->();
$etl->restart_with(AWS_EC2_METADATA_SERVICE_ENDPOINT => $etl->endpoint, AWS_EC2_METADATA_DISABLED => 'true');
$etl->sql_fails($read, 'the metadata service is not to be asked', qr/ERROR:  28000/, qr/AWS_EC2_METADATA_DISABLED/);

# ---- the machine's own are for a superuser's server
$etl->sql('CREATE ROLE analyst LOGIN; GRANT USAGE ON SCHEMA etl TO analyst; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA etl TO analyst;
	GRANT USAGE ON FOREIGN DATA WRAPPER etl_aws TO analyst');
foreach my $provider ('environment', 'profile', 'web_identity', 'container', 'instance')
{
	options(credentials => $provider);
	$etl->sql('ALTER SERVER aws OWNER TO analyst');
	$etl->sql_fails("SET ROLE analyst; $read", "$provider: an owner who is no superuser",
		qr/ERROR:  42501: AWS server "aws" may not use credentials of the database server/);
	$etl->sql_fails($read, "$provider: not for a superuser either", qr/ERROR:  42501/);
	$etl->sql_fails("SET ROLE analyst; CREATE SERVER mine FOREIGN DATA WRAPPER etl_aws OPTIONS (credentials '$provider')",
		"$provider: to be set by a superuser", qr/ERROR:  42501: permission denied to set option "credentials" to "$provider"/);
	is(scalar $etl->requests(), 0, "$provider: nobody was asked");
	$etl->sql('ALTER SERVER aws OWNER TO CURRENT_USER');
}

# ---- a step in the remote executor
$etl->restart_with(AWS_EC2_METADATA_SERVICE_ENDPOINT => $etl->endpoint);
options(credentials => 'instance', role_arn => $behind, role_session_name => 'steps');
$etl->machine(role => $step);
$etl->sql(qq{INSERT INTO etl.workflow (name) VALUES ('w');
	INSERT INTO etl.task (workflow, name, resource, arguments)
		SELECT 'w', 's' || n, 'arn:aws:states:::sns:publish', '{"TopicArn": "$topic", "Message": "m"}' FROM generate_series(1, 40) n});
sub run_ends { return $etl->sql(q{SELECT etl.wait_for_run(max(run_id), '60 s') FROM etl.run}); }
$etl->sql(q{SELECT etl.run_workflow('w')});
is(run_ends(), 'succeeded', 'forty steps');
is(scalar $etl->requests(service => 'sns'), 40, 'published');
is(join(' ', map { $_->{session} } $etl->requests(@sts)), 'steps', 'a role assumed once for all of them');
is(scalar $etl->requests(service => 'imds'), 3, 'by the instance\'s, asked for once');
$etl->reset_aws;
$etl->machine(role => $step);
$etl->expire_sessions;
$etl->sql(q{SELECT etl.run_workflow('w')});
is(run_ends(), 'succeeded', 'when they have expired');
is($etl->sql(q{SELECT max(attempt) FROM etl.task_run}), '1', 'no step fails for it');
is(scalar $etl->requests(@sts, status => 200), 1, 'they are renewed once');

# ---- a warehouse's secret is kept for a few minutes, and read anew when its password is refused
options(credentials => 'instance', role_arn => $behind);
$etl->machine(role => $step);
$etl->fixtures('put-secret', 'prod/warehouse', $etl->warehouse_secret);
$etl->warehouse->safe_psql('dev', q{SELECT etl.grant_author('loader')});
$etl->sql(q{CREATE SERVER warehouse FOREIGN DATA WRAPPER etl_warehouse OPTIONS (secret_id 'prod/warehouse');
	GRANT USAGE ON FOREIGN SERVER warehouse TO analyst});
my $ask = q{SELECT etl.query('SELECT current_user AS me', 'warehouse')};
my $me = '{"me": "loader"}';
my @values = (action => 'GetSecretValue');

# Give the warehouse's user another password, and say so in the secret or not.
sub rotate
{
	my ($password, $in_secret) = @_;
	$etl->warehouse->safe_psql('postgres', "ALTER ROLE loader PASSWORD '$password'");
	$etl->fixtures('put-secret', 'prod/warehouse', $etl->warehouse_secret(password => $password)) if $in_secret;
}

$query = session();
is($query->($ask), $me, 'a warehouse that a secret describes');
is($query->($ask), $me, 'again');
is(scalar $etl->requests(@values), 1, 'the secret was read once');
rotate('canary-second', 1);
is($query->($ask), $me, 'a password that was changed');
is(scalar $etl->requests(@values), 2, 'is read anew');
is($query->($ask), $me, 'and used from then on');
is(scalar $etl->requests(@values), 2, 'without asking');
rotate('canary-third', 0);
like($query->($ask), qr/could not connect to "warehouse"\nDETAIL:  .*password authentication failed for user "loader"/s, 'a password that is not in the secret yet');
is(scalar $etl->requests(@values), 3, 'is looked for once');
like($query->($ask), qr/password authentication failed/, 'and by the next connection');
is(scalar $etl->requests(@values), 4, 'once');
rotate('canary-fourth', 1);
is($query->($ask), $me, 'until it is there');
$etl->set_clock(301);
is(scalar $etl->requests(@values), 5, 'read once more');
is($query->($ask), $me, 'after five minutes');
is(scalar $etl->requests(@values), 6, 'and once more');
$etl->set_clock(0);
$etl->sql("GRANT USAGE ON FOREIGN SERVER aws TO analyst; ALTER SERVER aws OPTIONS (SET credentials 'user_mapping', DROP role_arn);
	DROP USER MAPPING FOR CURRENT_USER SERVER aws");
$etl->create_aws_mapping;
$etl->create_aws_mapping(role => 'analyst', %$nobody);
is($query->($ask), $me, 'one who may read it');
like($query->("SET ROLE analyst; $ask"), qr/could not get secret "prod\/warehouse": access denied/, 'another of the same session who may not');
$query->();

$etl->sql(q{INSERT INTO etl.workflow (name) VALUES ('far');
	INSERT INTO etl.task (workflow, name, connection, sql) SELECT 'far', 's' || n, 'warehouse', 'SELECT 1' FROM generate_series(1, 5) n});
$etl->sql(q{SELECT etl.run_workflow('far')});
is(run_ends(), 'succeeded', 'steps on it');
rotate('canary-fifth', 1);
$etl->reset_aws;
$etl->sql(q{SELECT etl.run_workflow('far')});
is(run_ends(), 'succeeded', 'when the password was changed');
is($etl->sql(q{SELECT max(attempt) FROM etl.task_run}), '1', 'no step fails for it');

my $log = $etl->server_log . slurp_file($etl->warehouse->logfile);
unlike($log, qr/canary/, 'no secret in the log');
unlike($log, qr/\Q@{[$etl->secret_access_key]}\E/, "nor the admin's");
unlike($log, qr/Signature=[0-9a-f]/, 'nor a signature');

done_testing();

# Credentials of the database server's own environment: they sign, for servers that a superuser owns, and what is said
# when there are none.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use Test::More;

delete @ENV{ grep { /^AWS_/ } keys %ENV };
my $etl = EtlTest->new(aws => 1);
my ($endpoint, $key, $secret) = ($etl->endpoint, $etl->access_key_id, $etl->secret_access_key);
$etl->fixtures('make-bucket', 'lake');
$etl->put_object('lake', 'key', 'body');
$etl->sql("CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1', endpoint '$endpoint', path_style 'true',
	credentials 'environment')");
my $fetch = q{SELECT etl.s3_fetch_text('s3://lake/key')};

# PostgreSQL is started by pg_ctl, in the environment that this program has then.
sub restart_with
{
	my (%environment) = @_;
	local @ENV{ keys %environment } = values %environment;
	$etl->primary->restart;
	$etl->reset_aws;
}

$etl->sql_fails($fetch, 'nothing in the environment', qr/ERROR:  28000: no AWS credentials for server "aws" in the environment/,
	qr/HINT:  Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment/);
restart_with(AWS_ACCESS_KEY_ID => $key);
$etl->sql_fails($fetch, 'half of it', qr/ERROR:  28000: no AWS credentials for server "aws" in the environment/);
is(scalar $etl->requests, 0, 'no request was sent');

restart_with(AWS_ACCESS_KEY_ID => $key, AWS_SECRET_ACCESS_KEY => $secret);
$etl->sql_is($fetch, 'body', "the environment's keys sign");
is(($etl->requests)[0]{access_key_id}, $key, 'a request is signed with them');
$etl->sql(q{INSERT INTO etl.workflow (name) VALUES ('fetch')});
$etl->sql(qq{INSERT INTO etl.task (workflow, name, sql) VALUES ('fetch', 'step', \$\$$fetch\$\$)});
my $run = $etl->sql(q{SELECT etl.run_workflow('fetch')});
$etl->sql_is("SELECT etl.wait_for_run($run)", 'succeeded', 'those of a step, too');

restart_with(AWS_ACCESS_KEY_ID => $key, AWS_SECRET_ACCESS_KEY => 'canary-wrong-secret-key');
$etl->sql_fails($fetch, 'a wrong one', qr/ERROR:  28000:/, qr/SignatureDoesNotMatch/);

restart_with(AWS_ACCESS_KEY_ID => $key, AWS_SECRET_ACCESS_KEY => $secret);
$etl->sql('CREATE ROLE analyst; GRANT USAGE ON FOREIGN DATA WRAPPER etl_aws TO analyst; ALTER SERVER aws OWNER TO analyst');
$etl->reset_aws;
$etl->sql_fails($fetch, 'a server whose owner is no superuser', qr/ERROR:  42501:/);
is(scalar $etl->requests, 0, 'no request was sent');

unlike($etl->server_log, qr/canary|\Q$secret\E/, 'no secret in the log');
done_testing();

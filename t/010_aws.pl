# AWS over its own protocols: what comes back when all is well, and what is said when it isn't.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use Test::More;
use Time::HiRes qw(time);

my $etl = EtlTest->new(aws => 1);
my $canary = 'canarySecretAccessKey/canarySecretAccess';
my $request_id = qr/request id [0-9A-Za-z-]{16,}/;

$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');

# ---- SNS, read back through SQS
my $topic = $etl->fixtures('make-topic-with-queue', 'alerts');
my $id = $etl->sql(qq{SELECT etl.notify_sns('$topic->{topic_arn}', 'h' || U&'\\00E4' || 'llo', 'A subject',
	'{"severity": "high", "count": 3, "tags": ["a", "b"]}')});
my ($message) = @{ $etl->fixtures('read-queue', $topic->{queue_url}) };
is($message->{MessageId}, $id, 'the message id is the one that arrives');
is($message->{Message}, "h\x{e4}llo", 'the message');
is($message->{Subject}, 'A subject', 'its subject');
is($message->{MessageAttributes}{severity}{Value}, 'high', 'an attribute');
is($message->{MessageAttributes}{count}{Type}, 'Number', 'a number is one');
$etl->sql_fails(qq{SELECT etl.notify_sns('$topic->{topic_arn}x', 'm')}, 'no such topic',
	qr/ERROR:  42704: could not publish to topic "arn:.*:alertsx"/, qr/DETAIL:  AWS said NotFound.*HTTP status 404, $request_id/);

# ---- objects
my $key = 'year=2016/a b+c/./../' . "\x{c3}\x{a9}" . '~!*%41';
my $body = join('', map { chr(int(rand(256))) } 1 .. 100_000) x 30;
$etl->put_object('lake', $key, $body);
$etl->put_object('lake', 'big', $body);
$etl->sql_is(qq{SELECT md5(etl.s3_fetch('s3://lake/$key')) = md5(etl.s3_fetch('s3://lake/big'))}, 't', 'a key of strange characters');
my $etag = $etl->sql(qq{SELECT etl.s3_put('s3://lake/copy $key', etl.s3_fetch('s3://lake/big'))});
is($etl->get_object('lake', "copy $key"), $body, 'what was put is what was meant');
is($etl->fixtures('head-object', 'lake', "copy $key")->{etag}, qq{"$etag"}, 'its etag');
$etl->sql_is(q{SELECT count(*), sum(size) FROM etl.s3_list('s3://lake/')}, '3|9000000', 'a listing');
$etl->sql_is(qq{SELECT etl.s3_delete('s3://lake/copy $key')}, 't', 'a deletion');
$etl->sql_is(q{SELECT count(*) FROM etl.s3_list('s3://lake/')}, '2', 'it is gone');
$etl->sql_is(q{SELECT count(*) FROM etl.s3_head('s3://lake/none')}, '0', 'no such object: no row');
ok($etl->fixtures('list', 'lake'), 'the bucket is there');

# more than a page
$etl->sql(q{SELECT etl.s3_put('s3://lake/page/' || n, '') FROM generate_series(1, 1100) n});
$etl->sql_is(q{SELECT count(*), count(DISTINCT uri) FROM etl.s3_list('s3://lake/page/')}, '1100|1100', 'two pages of a listing');
is(scalar $etl->requests(query => qr/continuation-token/), 1, 'the second one was asked for');

# ---- failures that pass
sub suffers
{
	my ($name, $expected_requests, @faults) = @_;
	$etl->reset_aws;
	$etl->faults(@faults);
	$etl->sql_is(q{SELECT md5(etl.s3_fetch('s3://lake/big'))}, $etl->{big_md5}, $name);
	is(scalar $etl->requests(method => 'GET', key => 'big'), $expected_requests, "$name: $expected_requests requests");
}
$etl->{big_md5} = $etl->sql(q{SELECT md5(etl.s3_fetch('s3://lake/big'))});
my %get = (method => 'GET', key => 'big');
suffers('an internal error', 2, { %get, do => 'status', status => 500, code => 'InternalError' });
suffers('two of them', 3, { %get, do => 'status', status => 503, code => 'ServiceUnavailable', times => 2 });
suffers('a reset before the answer', 2, { %get, do => 'reset' });
suffers('a reset in the middle', 2, { %get, do => 'reset', after => 1_000_000 });
suffers('an answer cut short', 2, { %get, do => 'truncate', after => 2_000_000 });
suffers('three cuts with progress between them', 4,
	map { { %get, do => 'truncate', after => 500_000, nth => $_ } } 1 .. 3);
my @ranges = map { $_->{range} // '' } $etl->requests(%get);
like($ranges[1], qr/^bytes=[1-9]\d*-\d+$/, 'the rest was asked for, not the whole');

# ---- failures that don't
$etl->reset_aws;
$etl->faults({ %get, do => 'status', status => 503, code => 'ServiceUnavailable', times => 0 });
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/big')}, 'service down',
	qr/ERROR:  58000: could not read "s3:\/\/lake\/big"/, qr/AWS said ServiceUnavailable.*HTTP status 503, $request_id/, qr/HINT:/);
is(scalar $etl->requests(%get), 3, 'three attempts');
$etl->reset_aws;
$etl->faults({ %get, do => 'status', status => 403, code => 'AccessDenied', message => 'Access Denied' });
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/big')}, 'denied', qr/ERROR:  42501:/, qr/HINT:.*s3:GetObject/);
is(scalar $etl->requests(%get), 1, 'a refusal is not tried again');
$etl->reset_aws;

$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/none')}, 'no such object', qr/ERROR:  58P01: could not read "s3:\/\/lake\/none"/);
$etl->sql_fails(q{SELECT etl.s3_put('s3://nolake/key', 'x')}, 'no such bucket', qr/ERROR:  42704:/, qr/NoSuchBucket.*$request_id/,
	qr/HINT:  Check the bucket's name/);

# ---- credentials
my $reader = $etl->fixtures('make-user', 'reader',
	'{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "arn:aws:s3:::lake/*"}]}');
$etl->sql('CREATE ROLE analyst LOGIN; GRANT USAGE ON SCHEMA etl TO analyst; GRANT USAGE ON FOREIGN SERVER aws TO analyst; '
	  . 'GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA etl TO analyst');
$etl->sql_fails(q{SET ROLE analyst; SELECT etl.s3_fetch('s3://lake/big')}, 'no user mapping',
	qr/ERROR:  28000: no AWS credentials for role analyst on server "aws"/, qr/HINT:  CREATE USER MAPPING FOR analyst SERVER aws/);
$etl->create_aws_mapping(role => 'analyst', %$reader);
$etl->sql_is(q{SET ROLE analyst; SELECT length(etl.s3_fetch('s3://lake/big'))}, '3000000', 'a user who may read reads');
$etl->sql_fails(q{SET ROLE analyst; SELECT etl.s3_put('s3://lake/new', 'x')}, 'a user who may not write',
	qr/ERROR:  42501: could not write "s3:\/\/lake\/new": access denied/, qr/AWS said AccessDenied.*$request_id/,
	qr/HINT:.*s3:PutObject/);
$etl->sql_fails(qq{SET ROLE analyst; SELECT etl.notify_sns('$topic->{topic_arn}', 'm')}, 'a user who may not publish',
	qr/ERROR:  42501:/, qr/HINT:.*sns:Publish/);

$etl->sql("ALTER USER MAPPING FOR analyst SERVER aws OPTIONS (SET secret_access_key '$canary')");
$etl->sql_fails(q{SET ROLE analyst; SELECT etl.s3_fetch('s3://lake/big')}, 'a wrong secret key',
	qr/ERROR:  28000:/, qr/AWS said SignatureDoesNotMatch.*$request_id/, qr/HINT:.*ALTER USER MAPPING/);
$etl->sql("ALTER USER MAPPING FOR analyst SERVER aws OPTIONS (SET access_key_id 'AKIAUNKNOWN')");
$etl->sql_fails(q{SET ROLE analyst; SELECT etl.s3_fetch('s3://lake/big')}, 'an unknown access key',
	qr/ERROR:  28000:/, qr/AWS said InvalidAccessKeyId/, qr/HINT:.*ALTER USER MAPPING/);

# ---- secrets, as a warehouse's
sub warehouse_fails
{
	my ($secret_id, $name, @patterns) = @_;
	$etl->sql("DROP SERVER IF EXISTS warehouse; CREATE SERVER warehouse FOREIGN DATA WRAPPER etl_warehouse OPTIONS (secret_id '$secret_id')");
	$etl->sql_fails(q{SELECT etl.query('SELECT 1', 'warehouse')}, $name, @patterns);
}
warehouse_fails('prod/none', 'no such secret', qr/ERROR:  42704: could not get secret "prod\/none": it does not exist/,
	qr/AWS said ResourceNotFoundException.*HTTP status 400, $request_id/, qr/HINT:/);
my $nowhere = qq({"host": "127.0.0.1", "port": 1, "dbname": "dev", "username": "loader", "password": "$canary"});
$etl->fixtures('put-secret', 'prod/text', $nowhere);
warehouse_fails('prod/text', 'a secret of text', qr/ERROR:  08001:.*127\.0\.0\.1/s);
$etl->fixtures('put-secret-binary', 'prod/binary', $nowhere);
warehouse_fails('prod/binary', 'a secret of bytes', qr/ERROR:  08001:.*127\.0\.0\.1/s);

# ---- IAM roles
my $role = $etl->fixtures('make-role', 'loader', '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
	  . '"Action": ["s3:GetObject", "s3:ListBucket"], "Resource": ["arn:aws:s3:::lake", "arn:aws:s3:::lake/*"]}]}')->{role_arn};
my $nobody = $etl->fixtures('make-user', 'nobody',
	'{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Resource": "*"}]}');
$etl->sql('DROP USER MAPPING FOR CURRENT_USER SERVER aws');
$etl->create_aws_mapping(%$nobody);
$etl->put_object('lake', 'numbers', "1\n2\n");
$etl->sql('CREATE TABLE numbers (n int)');
sub copy { return "CALL etl.execute(\$\$COPY numbers FROM 's3://lake/numbers' IAM_ROLE '$_[0]'\$\$);"; }
$etl->reset_aws;
$etl->sql_is(copy($role) . copy($role) . 'SELECT count(*) FROM numbers', '4', 'a role may what its user may not');
is(scalar $etl->requests(service => 'sts'), 1, 'it is assumed once');
$etl->sql_fails(copy('arn:aws:iam::1:role/x'), 'no ARN', qr/ERROR:  22023: invalid IAM role ARN "arn:aws:iam::1:role\/x"/);
$etl->sql_fails(q{CALL etl.execute($$COPY numbers FROM 's3://lake/numbers' IAM_ROLE default$$)}, 'without the role',
	qr/ERROR:  42501:/);
$etl->sql('DROP USER MAPPING FOR CURRENT_USER SERVER aws');
$etl->create_aws_mapping(%$reader);
$etl->sql_fails(copy($role), 'a user who may not assume the role',
	qr/ERROR:  42501: could not assume role "$role": access denied/, qr/AWS said AccessDenied.*$request_id/, qr/HINT:.*sts:AssumeRole/);
$etl->sql('DROP USER MAPPING FOR CURRENT_USER SERVER aws');
$etl->create_aws_mapping;

# ---- a clock that is off is corrected by AWS's Date
$etl->_control('POST', 'clock', '{"offset": 3600}');
$etl->sql_is(q{SELECT length(etl.s3_fetch('s3://lake/big'))}, '3000000', 'an hour off');
$etl->reset_aws;

# ---- nobody there, and nothing coming
$etl->sql(q{CREATE SERVER down FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint 'http://127.0.0.1:1')});
$etl->create_aws_mapping(name => 'down');
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/big', server => 'down')}, 'endpoint down',
	qr/ERROR:  08001: could not \w+.* "s3:\/\/lake\/big": no answer/, qr/DETAIL:.*127\.0\.0\.1 port 1/, qr/HINT:.*"endpoint"/);
foreach my $stall ({ %get, do => 'stall' }, { %get, do => 'stall', after => 300_000 })
{
	$etl->faults($stall);
	my $start = time;
	$etl->sql_fails(q{SET statement_timeout = '300ms'; SELECT etl.s3_fetch('s3://lake/big')}, 'cancelled',
		qr/ERROR:  57014: canceling statement due to statement timeout/);
	cmp_ok(time - $start, '<', 2, 'a stalled answer is cancelled at once');
}
$etl->reset_aws;
$etl->sql_is(q{SELECT length(etl.s3_fetch('s3://lake/big'))}, '3000000', 'and the next request works');

# ---- an owner who is no superuser
$etl->sql('ALTER SERVER aws OWNER TO analyst');
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/big')}, 'http without trust', qr/ERROR:  42501: AWS server "aws" may use https only/);

my $log = $etl->server_log;
unlike($log, qr/canary/, 'no secret in the log');
unlike($log, qr/\Q@{[$etl->secret_access_key]}\E/, "nor the admin's");
unlike($log, qr/Signature=[0-9a-f]/, 'nor a signature');

done_testing();

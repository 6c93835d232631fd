# Answers that AWS doesn't give, of another server or of something between: each is an error that says so and quotes nothing,
# nothing is taken from half of one, and no upload is left.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use Test::More;

my $etl = EtlTest->new(aws => 1);
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');
my $html = '<html><body>canary</body></html>';
my $protocol = qr/ERROR:  08P01: .*unexpected answer/;

sub refused
{
	my ($sql, $fault, $detail, $name, $error) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$etl->reset_aws;
	$etl->faults({ do => 'answer', %$fault });
	$etl->sql_fails($sql, $name, $error // $protocol, qr/DETAIL:  \Q$detail\E/);
	$etl->reset_aws;
}

# ---- SQS and other services that answer JSON
my $queue = 'https://sqs.us-east-1.amazonaws.com/123456789012/q';
foreach my $body ('[1, 2, 3]', '"MessageId"', '17', 'null', '[]', '["Messages", "Messages", {"Messages": []}]')
{
	refused("SELECT * FROM etl.sqs_receive('$queue')", { service => 'sqs', body => $body }, 'It is not a JSON object.', "messages: $body");
	refused("SELECT etl.sqs_send('$queue', 'm')", { service => 'sqs', body => $body }, 'It is not a JSON object.', "a message: $body");
	refused("SELECT etl.aws_pages('sqs', 'ListQueues', '{}')", { service => 'sqs', body => $body }, 'It is not a JSON object.',
		"pages: $body");
}
refused("SELECT * FROM etl.sqs_receive('$queue')", { service => 'sqs', body => '{"Messages": 5}' }, 'Its Messages are not an array.',
	'messages that are none');
refused("SELECT * FROM etl.sqs_receive('$queue')", { service => 'sqs', body => '{"Messages": [{"MessageId": "m"}, "canary"]}' },
	'One of its Messages is not an object.', 'one that is none');
refused("SELECT etl.sqs_send('$queue', 'm')", { service => 'sqs', body => '{"MessageId": {"canary": 1}}' }, 'The answer has no MessageId.',
	'a message without id');
refused("SELECT etl.aws_call('sqs', 'ListQueues', '{}')", { service => 'sqs', body => qq({"QueueUrls": ["\xff\xfe canary"]}) },
	'It is not UTF-8.', 'text that is none');
refused("SELECT etl.aws_call('sqs', 'ListQueues', '{}')", { service => 'sqs', body => qq({"a": "\xed\xa0\x80"}) }, 'It is not UTF-8.',
	'half of a surrogate pair');
refused("SELECT etl.aws_call('sqs', 'ListQueues', '{}')", { service => 'sqs', body => qq({"a": 1}\0) }, 'It holds a byte 0.', 'a byte 0');
refused("SELECT etl.aws_call('sqs', 'ListQueues', '{}')", { service => 'sqs', body => $html }, 'It is not JSON.', 'a web page');
refused("SELECT etl.aws_call('lambda', 'Invoke', '{\"FunctionName\": \"f\"}')", { service => 'lambda', body => "\xff\xfe" }, 'It is not UTF-8.',
	'a payload that is not text');

# ---- XML
refused("SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:t', 'm')", { service => 'sns', body => $html },
	'The answer is no PublishResponse.', 'a topic');
refused("SELECT etl.aws_call('sns', 'ListTopics', '{}')", { service => 'sns', body => $html }, 'The XML is no ListTopicsResponse.', 'topics');
$etl->sql("ALTER SERVER aws OPTIONS (ADD role_arn 'arn:aws:iam::123456789012:role/r')");
refused(q{SELECT etl.s3_fetch_text('s3://lake/a')}, { service => 'sts', body => $html }, 'The answer is no AssumeRoleResponse.', 'a role');
refused(
	q{SELECT etl.s3_fetch_text('s3://lake/a')},
	{ service => 'sts',
	  body => '<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>canary</AccessKeyId><SecretAccessKey>canary</SecretAccessKey>'
		. '<Expiration>2040-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>' },
	'The answer has no SessionToken.', 'half of the keys');
$etl->sql('ALTER SERVER aws OPTIONS (DROP role_arn)');

# ---- what S3 answers to writes
$etl->sql(q{SELECT etl.s3_put('s3://lake/a', 'x'), etl.s3_put('s3://lake/b', 'x')});
refused(q{SELECT etl.s3_copy('s3://lake/a', 's3://lake/c')}, { method => 'PUT', key => 'c', body => $html },
	'The answer is no CopyObjectResult.', 'a copy');
refused(q{SELECT etl.s3_copy('s3://lake/a', 's3://lake/c')}, { method => 'PUT', key => 'c', body => '<CopyObjectResult/>' },
	'The answer has no ETag.', 'a copy without ETag');
$etl->sql_is(q{SELECT count(*) FROM etl.s3_list('s3://lake/c')}, '0', 'nothing was copied');
refused(q{SELECT etl.s3_delete('{s3://lake/a,s3://lake/b}'::text[])}, { method => 'POST', body => $html },
	'The answer is no DeleteResult.', 'deletions');
$etl->sql_is(q{SELECT count(*) FROM etl.s3_list('s3://lake/')}, '2', 'nothing was deleted');

my $large = q{CALL etl.execute($$UNLOAD ('SELECT n || repeat(chr(97 + n % 26), 1020) FROM generate_series(1, 33000) n')
	TO 's3://lake/large/' IAM_ROLE default PARALLEL OFF$$)};
sub nothing_left
{
	my ($name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$etl->wait_until(q{SELECT count(*) = 0 FROM pg_ls_dir('pg_stat_tmp/pg_etl.uploads', true, false)});
	is_deeply($etl->fixtures('uploads', 'lake'), [], "$name: no upload is left");
	$etl->sql_is(q{SELECT count(*) FROM etl.s3_list('s3://lake/large/')}, '0', "$name: nothing was written");
}
my %answers = (
	'no id' => [ { method => 'POST' }, 'The answer has no UploadId.', '<InitiateMultipartUploadResult/>' ],
	'two ids' => [ { method => 'POST' }, 'The answer has several UploadId.',
		'<InitiateMultipartUploadResult><UploadId>canary</UploadId><UploadId>b</UploadId></InitiateMultipartUploadResult>' ],
	'a part without ETag' => [ { method => 'PUT', nth => 3 }, 'The answer has no ETag.', '' ],
	'completed, by a page' => [ { method => 'POST', nth => 2 }, 'The answer is no CompleteMultipartUploadResult.', $html ],
	'completed, by half of an answer' => [ { method => 'POST', nth => 2 }, 'The document is not usable:',
		'<CompleteMultipartUploadResult><ETag>"canary"</ETag>' ]);
foreach my $name (sort keys %answers)
{
	my ($fault, $detail, $body) = @{ $answers{$name} };
	refused($large, { %$fault, key => 'large/.*', body => $body }, $detail, $name);
	nothing_left($name);
}
refused(q{SELECT * FROM etl.s3_fetch_text('s3://lake/a')}, { method => 'GET', key => 'a', body => 'x', headers => { 'x-amz-checksum-crc32c' => 'canary' } },
	'Its x-amz-checksum-crc32c is not a checksum.', 'a checksum that is none');

# A part sent by a clock that can't be: the next request is signed as ever
$etl->faults({ do => 'status', status => 403, code => 'RequestTimeTooSkewed', key => 'a', headers => { Date => 'Fri, 31 Dec 9999 23:59:59 GMT' } });
$etl->sql_fails(q{SELECT etl.s3_fetch_text('s3://lake/a')}, 'the end of time', qr/ERROR:  28000: .*the clocks disagree/);
$etl->sql_is(q{SELECT etl.s3_fetch_text('s3://lake/a')}, 'x', 'signed with our own time');

unlike($etl->server_log, qr/canary/, 'nothing of an answer is in the log');
done_testing();

# The servers that the other tests build on: a primary with pg_etl, a warehouse with a password, AWS.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $etl = EtlTest->new(aws => 1, warehouse => 1);

$etl->sql_is(q{SELECT extname FROM pg_extension WHERE extname = 'pg_etl'}, 'pg_etl', 'the extension is there');
$etl->sql_is('SHOW shared_preload_libraries', 'pg_etl', 'the library is preloaded');
$etl->sql_fails('SELECT 1/0', 'an error', qr/ERROR:  22012: division by zero/);
$etl->wait_until('SELECT true');

my %login = %{ $etl->warehouse_login };
my $dsn = "host=$login{host} port=$login{port} dbname=$login{dbname} user=$login{username}";
{
	local $ENV{PGPASSWORD} = $login{password};
	command_like([ 'psql', '-XAtc', 'SELECT current_user', $dsn ], qr/^loader$/, 'the warehouse knows its password');
	local $ENV{PGPASSWORD} = 'wrong';
	command_fails_like([ 'psql', '-XAtc', 'SELECT 1', $dsn ], qr/password authentication failed/,
		'the warehouse refuses another one');
}
like($etl->warehouse_secret(password => 'wrong'), qr/"password":"wrong"/, 'a secret may be made wrong');

$etl->fixtures('make-bucket', 'lake');
$etl->put_object('lake', 'dir/key', "bytes\0\xff");
is($etl->get_object('lake', 'dir/key'), "bytes\0\xff", 'an object comes back as it was put');
is_deeply($etl->fixtures('list', 'lake'), ['dir/key'], 'it is listed');
is(scalar $etl->requests(method => 'PUT', key => qr{^dir/}), 1, 'the request log tells the put');
$etl->faults({ do => 'status', status => 503, code => 'SlowDown' });
eval { $etl->fixtures('list', 'lake') };
like($@, qr/SlowDown/, 'a fault is answered');
$etl->reset_aws;
is(scalar $etl->requests, 0, 'the log is empty after a reset');

my $made = $etl->fixtures('make-topic-with-queue', 'alerts');
is_deeply($etl->fixtures('read-queue', $made->{queue_url}), [], 'a queue starts empty');

$etl->create_aws_server;
$etl->put_object('lake', 'dir/text', 'ünïcode');
$etl->sql_is(q{SELECT etl.s3_fetch_text('s3://lake/dir/text')}, 'ünïcode', 'pg_etl reads what boto3 wrote');
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://lake/missing')}, 'a missing object', qr/s3:\/\/lake\/missing/, qr/NoSuchKey/);

my $log = $etl->server_log . slurp_file($etl->warehouse->logfile);
foreach my $secret ($login{password}, $etl->secret_access_key)
{
	unlike($log, qr/\Q$secret\E/, 'the servers log no secret');
}

done_testing();

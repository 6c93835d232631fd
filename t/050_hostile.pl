# What a hostile or failing other side, a killed process and a curious user can do: nothing that stays, nothing that shows.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use Fcntl qw(:flock);
use IO::Socket::INET;
use IPC::Run;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(time);

my $etl = EtlTest->new(aws => 1, conf => 'log_min_messages = debug5');
$etl->create_aws_server;
$etl->fixtures('make-bucket', 'lake');
$etl->sql('CREATE TABLE t (id int, name text)');

# A psql that runs in the background.
sub start_psql
{
	my ($sql, $out, $err) = @_;
	my $in = '';
	return IPC::Run::start([ 'psql', '-XqAt', '-v', 'ON_ERROR_STOP=1', '-c', $sql, $etl->primary->connstr('postgres') ],
		'<', \$in, '>', $out, '2>', $err);
}

# ---- an answer that does not say how long it is, and is cut
my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', Listen => 5) or die $!;
my $answerer = fork // die $!;
if ($answerer == 0)
{
	while (my $client = $listener->accept)
	{
		my $request = <$client> // '';
		while (my $line = <$client>) { last if $line eq "\r\n" }
		my $listing = '<ListBucketResult><Contents><Key>cut/1</Key><Size>8</Size><ETag>"e"</ETag></Contents></ListBucketResult>';
		print $client "HTTP/1.1 200 OK\r\nETag: \"e\"\r\nConnection: close\r\n\r\n", $request =~ /list-type/ ? $listing : "1|a\n";
		close $client;
	}
	POSIX::_exit(0);
}
$etl->sql("CREATE SERVER cutting FOREIGN DATA WRAPPER etl_aws OPTIONS (endpoint 'http://127.0.0.1:"
	  . $listener->sockport . q{', path_style 'true')});
$etl->create_aws_mapping(name => 'cutting');
$etl->sql_fails(q{SET etl.aws_server = cutting; SELECT etl.load('t', 's3://lake/cut/')}, 'an answer without a length',
	qr{08P01: unexpected answer from S3 about "s3://lake/cut/1"}, qr/Content-Length/);
$etl->sql_fails(q{SELECT etl.s3_fetch('https://lake/cut?X-Amz-Signature=canary')}, 'a signed URL', qr{"https://lake/cut"});
kill 'TERM', $answerer;
waitpid $answerer, 0;

# ---- an answer that is lost: the put that is tried again finds its own object
$etl->faults({ method => 'PUT', key => 'lost/.*', do => 'drop' });
$etl->sql_is(q{SELECT etl.unload('SELECT 1', 's3://lake/lost/')}, '1', 'an unload whose put is answered by nobody');
is(scalar $etl->requests(method => 'PUT', key => qr{^lost/}), 2, 'is tried again, and knows its object');
$etl->sql_fails(q{SELECT etl.unload('SELECT 1', 's3://lake/lost/')}, 'which is in the way of another', qr/58P02/);
$etl->reset_aws;

# ---- the other side hangs: every function can be cancelled
my $role = 'arn:aws:iam::123456789012:role/loader';
$etl->sql(q{CREATE SCHEMA ext; CREATE FOREIGN TABLE ext.t (id int) SERVER etl_external OPTIONS (location 's3://lake/in/');
	CREATE SERVER secretive FOREIGN DATA WRAPPER etl_warehouse OPTIONS (secret_id 'hanging')});
$etl->faults({ do => 'stall', times => 0 });
foreach my $statement (
	q{SELECT etl.s3_fetch('s3://lake/x')}, q{SELECT etl.s3_fetch_text('s3://lake/x')}, q{SELECT etl.s3_put('s3://lake/x', 'x')},
	q{SELECT etl.s3_put('s3://lake/x', repeat('x', 3000000))}, q{SELECT * FROM etl.s3_list('s3://lake/')},
	q{SELECT * FROM etl.s3_head('s3://lake/x')}, q{SELECT etl.s3_delete('s3://lake/x')}, q{SELECT etl.load('t', 's3://lake/x')},
	qq{SELECT etl.load('t', 's3://lake/x', 'text', '{"iam_role": "$role"}')}, q{SELECT etl.unload('SELECT 1', 's3://lake/x')},
	q{SELECT * FROM ext.t}, q{SELECT etl.notify_sns('arn:aws:sns:us-east-1:123456789012:topic', 'x')},
	q{CALL etl.run_script('s3://lake/x')}, q{CALL etl.execute('SELECT 1', 'secretive')}, q{SELECT etl.query('SELECT 1', 'secretive')})
{
	my $began = time;
	$etl->sql_fails("SET statement_timeout = '200ms'; $statement", $statement, qr/57014/);
	cmp_ok(time - $began, '<', 2, 'in time');
}
$etl->reset_aws;

# ---- a publish that hangs, and then hangs again as what it published is taken back
$etl->faults({ method => 'PUT', key => 'hang/manifest', do => 'stall', times => 0 }, { method => 'DELETE', do => 'stall', times => 0 });
my ($out, $err) = ('', '');
my $session = start_psql(q{SELECT etl.unload('SELECT 1', 's3://lake/hang/', 'csv', '{"manifest": true}')}, \$out, \$err);
$etl->wait_until(q{SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'SELECT etl.unload%' AND pid <> pg_backend_pid()});
for (1 .. 600)
{
	last if $etl->requests(method => 'PUT', key => 'hang/0000_part_00');
	Time::HiRes::sleep(0.1);
}
my $began = time;
$etl->sql(q{SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT etl.unload%' AND pid <> pg_backend_pid()});
$session->finish;
cmp_ok(time - $began, '<', 2.5, 'a publish that hangs is cancelled within 2 s');
like($err, qr{canceling statement due to user request}, 'it says so');
like($err, qr{WARNING:  object "s3://lake/hang/0000_part_00" stays}, 'and which object it could not take back');
$etl->reset_aws;

# ---- local mode: what a killed process leaves is swept, what another is writing is not
my $root = PostgreSQL::Test::Utils::tempdir();
$etl->sql("CREATE SERVER folders FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root')");
$etl->sql(q{SELECT etl.s3_put('s3://lake/a', 'x', server => 'folders')});
my ($left, $held) = map { "$root/.pg_etl/$_" } '1.0', '2.0';
PostgreSQL::Test::Utils::append_to_file($_, 'half') foreach $left, $held;
open my $writer, '<', $held or die $!;
flock $writer, LOCK_EX or die $!;
$etl->sql(q{SELECT etl.s3_put('s3://lake/a', 'y', server => 'folders')});
ok(!-e $left, 'what a killed process left is gone');
ok(-e $held, 'what is being written is not');
$etl->sql_is(q{SELECT etl.s3_fetch_text('s3://lake/a', server => 'folders')}, 'y', 'and the object is there');
close $writer;

# A name that is no text here never becomes any.
PostgreSQL::Test::Utils::append_to_file("$root/lake/bad\xff", 'x');
$etl->sql_fails(q{SELECT * FROM etl.s3_list('s3://lake/', server => 'folders')}, 'a file name that is not UTF-8', qr/22021: invalid byte sequence/);
unlink "$root/lake/bad\xff";

# ---- keys of a COPY do not get into the log by way of a plan
$etl->put_object('lake', 'in/1', "1|one\n");
my $keys = "ACCESS_KEY_ID '@{[ $etl->access_key_id ]}' SECRET_ACCESS_KEY '@{[ $etl->secret_access_key ]}'";
my $explain = q{LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_nested_statements = on;};
$etl->sql(qq{$explain CALL etl.execute(\$\$COPY t FROM 's3://lake/in/' $keys\$\$)});
$etl->sql(qq{$explain CALL etl.execute(\$\$UNLOAD ('SELECT 1') TO 's3://lake/out/' $keys\$\$)});
$etl->sql(qq{$explain CALL etl.execute('SELECT count(*) FROM t')});
like($etl->server_log, qr/Query Text: SELECT count\(\*\) FROM t/, 'other plans are logged');

# ---- a secret that is refused is not shown
foreach my $id (q{''}, 'NULL')
{
	my $error = $etl->sql_fails("INSERT INTO etl.local_secret (secret_id, value) VALUES ($id, 'canary-local')",
		"a local secret called $id", qr/local_secret_id/);
	unlike($error =~ s/^LINE.*//mr, qr/canary-local/, 'is not in the error');
}

# ---- who may not change a table can't make others wait for it
$etl->sql(q{CREATE ROLE stranger; SELECT etl.grant_author('stranger')});
my ($holder_out, $holder_err) = ('', '');
my $holder = start_psql('BEGIN; LOCK TABLE t IN SHARE UPDATE EXCLUSIVE MODE; SELECT pg_sleep(180)', \$holder_out, \$holder_err);
$etl->wait_until(q{SELECT count(*) = 1 FROM pg_locks WHERE relation = 't'::regclass AND mode = 'ShareUpdateExclusiveLock'});
$etl->sql_fails(q{SET ROLE stranger; SET lock_timeout = '500ms'; SELECT etl.add_partition('t', '{}', 's3://lake/x/')},
	'a stranger is refused before he waits', qr/42501: must be owner/);
$etl->sql(q{SELECT pg_cancel_backend(pid) FROM pg_locks WHERE relation = 't'::regclass AND mode = 'ShareUpdateExclusiveLock'});
$holder->finish;

ok(index($etl->server_log, $etl->secret_access_key) < 0, 'no key is in a log of level debug5');

done_testing();

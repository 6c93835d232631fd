# COPY, UNLOAD and external tables over S3: whose rights are used, what is requested, what stays after a failure.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use Test::More;
use Time::HiRes qw(time);

my $etl = EtlTest->new(aws => 1);
my $allow = '{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], '
  . '"Resource": ["arn:aws:s3:::lake", "arn:aws:s3:::lake/mine/*"]}]}';

$etl->fixtures('make-bucket', 'lake');
$etl->put_object('lake', "in/$_", "$_|row $_\n") foreach 1 .. 3;
$etl->put_object('lake', 'mine/1', "10|mine\n");
$etl->create_aws_server;
$etl->sql('CREATE TABLE t (id int, name text)');

# ---- loading
$etl->sql_is(q{SELECT etl.load('t', 's3://lake/in/')}, '3', 'three files are loaded');
is(scalar $etl->requests(method => 'GET', key => qr{^in/}), 3, 'with one request each');
$etl->reset_aws;
$etl->faults({ method => 'GET', key => 'in/3', do => 'status', status => 403, code => 'AccessDenied' });
$etl->sql_fails(q{SELECT etl.load('t', 's3://lake/in/')}, 'a file that may not be read',
	qr{ERROR:  42501: could not read "s3://lake/in/3"}, qr/HINT:.*s3:GetObject/);
$etl->sql_is('SELECT count(*) FROM t', '3', 'nothing of the other files stays');
$etl->reset_aws;
$etl->faults({ method => 'GET', key => 'in/2', do => 'truncate', after => 3 });
$etl->sql_is(q{TRUNCATE t; SELECT etl.load('t', 's3://lake/in/')}, '3', 'an answer cut short is completed');
$etl->sql_is(q{SELECT string_agg(name, ',' ORDER BY id) FROM t}, 'row 1,row 2,row 3', 'and nothing is lost or doubled');
$etl->reset_aws;

# A trigger replaces the second file, which is too large to be asked for before its turn, while the first one is loaded.
$etl->sql(q{CREATE FUNCTION replace_file() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN PERFORM etl.s3_put('s3://lake/changing/2', E'2|new\n'); RETURN NEW; END$$;
	CREATE TABLE watched (id int, name text);
	CREATE TRIGGER replace_file BEFORE INSERT ON watched FOR EACH ROW EXECUTE FUNCTION replace_file()});
$etl->put_object('lake', 'changing/1', "1|one\n");
$etl->put_object('lake', 'changing/2', "2|old and longer\n" x 100_000);
$etl->sql_fails(q{SELECT etl.load('watched', 's3://lake/changing/')}, 'a file replaced under the load',
	qr{"s3://lake/changing/2"});
$etl->sql_is('SELECT count(*) FROM watched', '0', 'two versions are never mixed');

$etl->faults({ method => 'GET', key => 'in/1', do => 'stall', after => 2 });
my $began = time;
$etl->sql_fails(q{SET statement_timeout = '500ms'; SELECT etl.load('t', 's3://lake/in/')}, 'a load that hangs can be cancelled',
	qr/ERROR:  57014:/);
cmp_ok(time - $began, '<', 3, 'soon');
$etl->reset_aws;

# ---- a manifest: its files, and no listing
$etl->put_object('lake', 'manifest', '{"entries": [{"url": "s3://lake/in/3"}, {"url": "s3://lake/mine/1", "mandatory": true},
	{"url": "s3://lake/in/none"}]}');
$etl->sql_is(q{TRUNCATE t; SELECT etl.load('t', 's3://lake/manifest', 'text', '{"manifest": true}')}, '2', 'the files of a manifest');
is(scalar $etl->requests(method => 'GET', key => qr{^(in|mine)/}), 2, 'each is read once');
is(scalar $etl->requests(action => qr/List/), 0, 'and nothing is listed');
$etl->reset_aws;
# Small files are asked for ahead.
$etl->put_object('lake', "many/$_", "$_|x\n") foreach 100 .. 139;
$etl->sql_is(q{TRUNCATE t; SELECT etl.load('t', 's3://lake/many/')}, '40', 'many small files');
$etl->sql_is(q{SELECT count(*), sum(id) FROM t}, '40|4780', 'each once');
$etl->reset_aws;

# ---- whose rights
my $user = $etl->fixtures('make-user', 'reader', $allow);
my $keys = qq{"access_key_id": "$user->{access_key_id}", "secret_access_key": "$user->{secret_access_key}"};
my $role = $etl->fixtures('make-role', 'loader', $allow)->{role_arn};
my %who = (credentials => qq{{"credentials": {$keys}}}, iam_role => qq{{"iam_role": "$role"}});
foreach my $option (sort keys %who)
{
	$etl->sql_is(qq{SELECT etl.load('t', 's3://lake/mine/', 'text', '$who{$option}')}, '1', "$option: what is allowed");
	$etl->sql_fails(qq{SELECT etl.load('t', 's3://lake/in/', 'text', '$who{$option}')}, "$option: what isn't",
		qr{ERROR:  42501: could not read "s3://lake/in/1"});
	$etl->sql_fails(qq{SELECT etl.unload('SELECT 1', 's3://lake/mine/out', 'text', '$who{$option}')}, "$option: writing",
		qr{ERROR:  42501: could not write "s3://lake/mine/out0000_part_00"});
}
is(scalar(grep { $_->{key} =~ /out/ } $etl->requests(method => 'PUT', status => 200)), 0, 'nothing was written');
$etl->sql_is(q{SELECT etl.load('t', 's3://lake/mine/', 'text', '{"iam_role": "default"}')}, '1', 'the default role is the server\'s');

# ---- unloading
$etl->sql_is(q{SELECT etl.unload('SELECT 1', 's3://lake/report/', 'csv', '{"parallel": false}')}, '1', 'unloaded');
my $etag = $etl->fixtures('head-object', 'lake', 'report/000')->{etag};
$etl->sql_fails(q{SELECT etl.unload('SELECT 2', 's3://lake/report/', 'csv', '{"parallel": false}')}, 'and not overwritten',
	qr{ERROR:  58P02: object "s3://lake/report/000" already exists}, qr/HINT:.*ALLOWOVERWRITE/);
is($etl->fixtures('head-object', 'lake', 'report/000')->{etag}, $etag, 'the old object is untouched');
$etl->sql(q{BEGIN; SELECT etl.unload('SELECT 1', 's3://lake/undone/'); ROLLBACK});
$etl->sql_fails(q{SELECT etl.unload('SELECT 1 / (2 - i) FROM generate_series(1, 2) i', 's3://lake/undone/')}, 'a query that fails',
	qr/ERROR:  22012:/);
is_deeply($etl->fixtures('list', 'lake', 'undone/'), [], 'nothing is left of what failed or was rolled back');
$etl->faults({ method => 'PUT', key => 'late/.*', do => 'status', status => 403, code => 'AccessDenied' });
$etl->sql_fails(q{BEGIN; INSERT INTO t VALUES (99); SELECT etl.unload('SELECT 1', 's3://lake/late/'); COMMIT},
	'a file that can\'t be published fails the commit', qr{ERROR:  42501: could not write "s3://lake/late/0000_part_00"});
$etl->reset_aws;
$etl->sql_is('SELECT count(*) FROM t WHERE id = 99', '0', 'and all that the transaction did');

# ---- external tables: only what is needed is asked for
$etl->sql(q{SELECT etl.create_external_schema('ext', false, '{"region": "us-east-1"}');
	CREATE FOREIGN TABLE ext.sales (id int, name text, day date) SERVER etl_external
		OPTIONS (location 's3://lake/sales/', field_delimiter '|', partition_columns '["day"]')});
foreach my $month (1 .. 4)
{
	$etl->put_object('lake', "sales/day=2008-0$month/a", "$month|a\n");
	next if $month == 2;
	$etl->sql(qq{SELECT etl.add_partition('ext.sales', '{"day": "2008-0$month-01"}', 's3://lake/sales/day=2008-0$month')});
}
$etl->reset_aws;
$etl->sql_is('SELECT string_agg(id::text, $$,$$ ORDER BY id) FROM ext.sales', '1,3,4', 'registered partitions are read');
is(scalar $etl->requests(key => qr{day=2008-02}), 0, 'the other one is not asked for');
$etl->reset_aws;
$etl->sql('EXPLAIN SELECT * FROM ext.sales');
is(scalar $etl->requests, 0, 'a plan asks for nothing');
$etl->sql_is(q{SELECT id FROM ext.sales WHERE day = '2008-03-01'}, '3', 'one partition');
is(scalar $etl->requests, 2, 'is one listing and one object');

# The statement that brings a key is left out of the log, and blotted out of the context of what ran it.
$etl->sql_fails(qq{DO \$\$BEGIN PERFORM etl.load('t', 's3://lake/in/', 'text', '$who{credentials}'); END\$\$}, 'in a function',
	qr/ERROR:  42501:/, qr/CONTEXT:.*"secret_access_key": "\*{30,}"/s);
$etl->sql_fails(qq{SELECT etl.load('t', 's3://lake/in/', 'text', '{"credentials": {$keys}, "unknown": 1}')}, 'a wrong option',
	qr/ERROR:  22023: unknown option/);
# PostgreSQL's own syntax, with a key of the statement's
my $copy_keys = qq{ACCESS_KEY_ID '$user->{access_key_id}', SECRET_ACCESS_KEY '$user->{secret_access_key}'};
$etl->sql_is(qq{TRUNCATE t; COPY t FROM 's3://lake/mine/' (DELIMITER '|', $copy_keys); SELECT count(*) FROM t}, '1',
	'COPY with a key');
$etl->sql_fails(qq{COPY t FROM 's3://lake/in/' (DELIMITER '|', $copy_keys)}, 'COPY of what the key does not allow', qr/ERROR:  42501:/);
$etl->sql_fails(qq{COPY t FROM 's3://lake/mine/' (COLOUR 'red', $copy_keys)}, 'COPY with an unknown option', qr/ERROR:  42601:/);
$etl->sql_fails(qq{DO \$\$BEGIN COPY t FROM 's3://lake/in/' (DELIMITER '|', $copy_keys); END\$\$}, 'COPY in a function',
	qr/ERROR:  42501:/, qr/CONTEXT:.*SECRET_ACCESS_KEY '\*{30,}'/s);
# and in the functions that Amazon RDS has
my $rds_keys = "'$user->{access_key_id}', '$user->{secret_access_key}', ''";
my $import = q{SELECT aws_s3.table_import_from_s3('%s', '', '(delimiter $$|$$%s)', 'lake', '%s', 'us-east-1', } . "$rds_keys%s)";
$etl->sql('CREATE EXTENSION pg_etl_aws_s3');
$etl->sql_is(sprintf($import, 't', '', 'mine/1', ''), '1 rows imported into relation "t" from file mine/1 of 8 bytes', 'aws_s3 with a key');
$etl->sql_fails(sprintf($import, 't', '', 'in/1', ''), 'of what the key does not allow', qr/ERROR:  42501:/);
$etl->sql_fails(sprintf($import, 'nothing', '', 'mine/1', ''), 'into no table', qr/ERROR:  42P01:/);
$etl->sql_fails(sprintf($import, 't', ', colour 1', 'mine/1', ''), 'with an unknown option', qr/ERROR:  42601:/);
$etl->sql_fails(sprintf($import, 't', ', (', 'mine/1', ''), 'with bad syntax', qr/ERROR:  42601:/);
$etl->sql_fails(sprintf($import, 't', '', 'mine/1', ", 'http://x'"), 'with an endpoint', qr/ERROR:  22023:/);
my $log = $etl->server_log;
unlike($log, qr/\Q$user->{secret_access_key}\E/, 'the log has no secret');
unlike($etl->sql('SELECT string_agg(l::text, $$,$$) FROM etl.load_history l'), qr/\Q$user->{secret_access_key}\E/, 'nor the history');

done_testing();

# Objects of more than 5 GB, which is what S3 takes in one request, and beyond 2^32: looked at, read, copied within S3, written;
# and what goes wrong in the middle leaves no object and no upload.
use strict;
use warnings FATAL => 'all';

use EtlSession;
use EtlTest;
use Test::More;
use Time::HiRes qw(time);

my $GB = 1 << 30;
my $etl = EtlTest->new(aws => 1);
my $node = $etl->primary;
sessions_of($etl);
my $records = q{pg_ls_dir('pg_stat_tmp/pg_etl.uploads', true, false)};
$etl->create_aws_server;

my $size = 6 * $GB + 12345;
my %marks = (0 => 'begin', (1 << 31) - 3 => 'two GB', (1 << 32) - 3 => 'four GB', 5 * $GB - 1 => 'five', $size - 3 => 'end');
$etl->put_large('large', 'six', $size, \%marks);

my @figures;
sub timed
{
	my ($name, $run) = @_;
	my $start = time;
	$run->();
	push @figures, sprintf('%s: %.1f s', $name, time - $start);
}
sub nothing_left
{
	my ($name, $key) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$etl->wait_until("SELECT count(*) = 0 FROM $records");
	is_deeply($etl->fixtures('uploads', 'large'), [], "$name: no upload");
	$etl->sql_is("SELECT count(*) FROM etl.s3_list('s3://large/$key')", '0', "$name: no object") if defined $key;
}
sub copied { my ($key, @query) = @_; return grep { $_->{query} =~ /partNumber/ } $etl->requests(method => 'PUT', key => $key, @query); }

# The copy is the source: its size, and its bytes where they aren't zero.
sub copy_is_whole
{
	my ($key) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$etl->sql_is("SELECT size FROM etl.s3_head('s3://large/$key')", $size, "$key: its size");
	my @offsets = sort { $a <=> $b } keys %marks;
	is_deeply($etl->fixtures('get-ranges', 'large', $key, map { "$_:" . length $marks{$_} } @offsets), [ @marks{@offsets} ], "$key: its bytes");
}

# ---- looked at, listed
$etl->sql_is(q{SELECT size FROM etl.s3_head('s3://large/six')}, $size, 'looked at');
$etl->sql_is(q{SELECT uri, size FROM etl.s3_list('s3://large/')}, "s3://large/six|$size", 'listed');
$etl->sql_fails(q{SELECT etl.s3_fetch('s3://large/six')}, 'too large for a value', qr/54000/, qr/\Q$size\E bytes/);

# ---- read: the checksum that S3 has of it tells that every byte came at its place
{
	my $end = 4 * $GB + 300 * 1024 * 1024;
	$etl->put_large('large', 'read', $end, { 7 => 'begin', (1 << 31) - 3 => 'two GB', (1 << 32) - 3 => 'four GB', $end - 3 => 'end' });
	$etl->reset_aws;
	$etl->faults({ method => 'GET', key => 'read', nth => 530, do => 'reset', after => 1_000_003 },
		{ method => 'GET', key => 'read', nth => 200, do => 'status', status => 503, code => 'SlowDown' });
	timed('4.3 GB read', sub { $etl->sql_is(q{SELECT etl._s3_drain('s3://large/read')}, $end, 'read'); });
	my ($resumed) = grep { ($_->{range} // '') =~ /^bytes=(\d+)-/ && $1 % 1024 != 0 } $etl->requests(method => 'GET', key => 'read');
	my ($from) = $resumed->{range} =~ /=(\d+)/;
	cmp_ok($from, '>', 1 << 32, "a break beyond 4 GB is gone on with ($resumed->{range})");
	$etl->reset_aws;
	$etl->faults({ method => 'GET', key => 'read', nth => 530, do => 'replace', after => 1_000_003 });
	$etl->sql_fails(q{SELECT etl._s3_drain('s3://large/read')}, 'replaced while it is read', qr/40001: "s3:\/\/large\/read" changed/);
	$etl->reset_aws;
}

# ---- copied
timed('6 GB copied', sub { $etl->sql_is(q{SELECT length(etl.s3_copy('s3://large/six', 's3://large/copy')) > 0}, 't', 'copied'); });
is(scalar copied('copy'), 7, 'in seven parts');
copy_is_whole('copy');
nothing_left('a copy');
$etl->put_large('large', 'five', 5 * $GB, { (1 << 32) => 'x' });
$etl->reset_aws;
$etl->sql_is(q{SELECT length(etl.s3_copy('s3://large/five', 's3://large/copy5')) > 0}, 't', '5 GB');
is(scalar copied('copy5'), 0, 'are copied at once');
$etl->put_large('large', 'more', 5 * $GB + 1, { (1 << 32) => 'x' });
$etl->sql_is(q{SELECT length(etl.s3_copy('s3://large/more', 's3://large/copy5')) > 0}, 't', 'one byte more');
is(scalar copied('copy5'), 6, 'in parts, the last of one byte');
$etl->sql_is(q{SELECT size FROM etl.s3_head('s3://large/copy5')}, 5 * $GB + 1, 'all of it');
$etl->put_large('large', 'huge', 48 << 40, {});
$etl->reset_aws;
timed('48 TB copied', sub { $etl->sql_is(q{SELECT length(etl.s3_copy('s3://large/huge', 's3://large/huge2')) > 0}, 't', 'an object of 48 TB, in no more parts than S3 takes'); });
$etl->sql_is(q{SELECT size FROM etl.s3_head('s3://large/huge2')}, 48 << 40, 'all of it');

# ---- what goes wrong meanwhile, and is made up for
sub suffers
{
	my ($name, $requests, @faults) = @_;
	(my $key = "faults/$name") =~ tr/ /-/;
	$etl->reset_aws;
	$etl->faults(map { { key => $key, %$_ } } @faults);
	$etl->sql_is("SELECT length(etl.s3_copy('s3://large/six', 's3://large/$key')) > 0", 't', $name);
	is(scalar $etl->requests(key => $key, method => qr/PUT|POST/), $requests, "$name: $requests requests");
	copy_is_whole($key);
	nothing_left($name);
	$etl->reset_aws;
}
suffers('a part of 500', 10, { method => 'PUT', nth => 3, do => 'status', status => 500, code => 'InternalError' });
suffers('a part of 503', 10, { method => 'PUT', nth => 2, do => 'status', status => 503, code => 'SlowDown' });
suffers('an error in a part of 200', 10, { method => 'PUT', nth => 5, do => 'status', status => 200, code => 'InternalError' });
suffers('a part whose answer is lost', 10, { method => 'PUT', nth => 6, do => 'drop' });
suffers('an upload whose answer is lost', 10, { method => 'POST', do => 'drop' });
suffers('an error in a completion of 200', 10, { method => 'POST', nth => 2, do => 'status', status => 200, code => 'InternalError' });
suffers('a completion whose answer is lost', 10, { method => 'POST', nth => 2, do => 'drop' });

# ---- or not
sub suffers_in_vain
{
	my ($name, $patterns, @faults) = @_;
	(my $key = "vain/$name") =~ tr/ /-/;
	$etl->reset_aws;
	$etl->faults(map { { key => $key, %$_ } } @faults);
	my $start = time;
	$etl->sql_fails("SELECT etl.s3_copy('s3://large/six', 's3://large/$key')", $name, @$patterns);
	push @figures, sprintf('%s: an error after %.1f s', $name, time - $start);
	$etl->faults;
	nothing_left($name, $key);
	$etl->reset_aws;
}
suffers_in_vain('source replaced', [ qr/40001: "s3:\/\/large\/six" changed while it was being copied/, qr/DETAIL:.*HTTP status 412, request id/, qr/HINT:  Run the statement again/ ],
	{ method => 'PUT', nth => 5, do => 'replace' });
suffers_in_vain('source deleted', [ qr/40001: "s3:\/\/large\/six" changed while it was being copied/, qr/HTTP status 404/ ],
	{ method => 'PUT', nth => 5, times => 0, do => 'status', status => 404, code => 'NoSuchKey', message => 'The specified key does not exist.' });
suffers_in_vain('part always 500', [ qr/58000: could not write "s3:\/\/large\/vain/, qr/It was tried 3 times/ ],
	{ method => 'PUT', nth => 5, times => 0, do => 'status', status => 500, code => 'InternalError' });
suffers_in_vain('part always 503', [ qr/53400: could not write "s3:\/\/large\/vain/, qr/SlowDown/ ],
	{ method => 'PUT', nth => 5, times => 0, do => 'status', status => 503, code => 'SlowDown' });
suffers_in_vain('part denied', [ qr/42501/, qr/s3:PutObject/ ],
	{ method => 'PUT', nth => 2, times => 0, do => 'status', status => 403, code => 'AccessDenied' });
suffers_in_vain('errors in completions of 200', [ qr/58000/ ],
	{ method => 'POST', nth => 2, times => 0, do => 'status', status => 200, code => 'InternalError' });
suffers_in_vain('aborted by somebody', [ qr/40001/ ],
	{ method => 'PUT', nth => 3, times => 0, do => 'status', status => 404, code => 'NoSuchUpload' });

# ---- cancelled, terminated, killed, where a part hangs
sub hanging
{
	my ($key) = @_;
	$etl->reset_aws;
	$etl->faults({ method => 'PUT', key => $key, nth => 3, times => 0, do => 'stall' });
	my $session = session("SELECT etl.s3_copy('s3://large/six', 's3://large/$key')");
	$etl->wait_until("SELECT coalesce(bool_or(pg_read_file('pg_stat_tmp/pg_etl.uploads/' || f) ~ '\\nupload '), false) FROM $records f");
	is(scalar @{ $etl->fixtures('uploads', 'large') }, 1, "$key: it has begun");
	return $session;
}
foreach my $way ('cancelled', 'terminated')
{
	my $session = hanging($way);
	my $start = time;
	$etl->sql('SELECT pg_' . ($way eq 'cancelled' ? 'cancel' : 'terminate') . "_backend($session->{pid})");
	eval { $session->{run}->finish };
	cmp_ok(time - $start, '<', 2, "$way within two seconds");
	push @figures, sprintf('%s after %.2f s', $way, time - $start);
	like($session->{stderr}, qr/canceling statement due to user request|terminating connection due to administrator command/, "$way: says so");
	$etl->faults;
	nothing_left($way, $way);
}
{
	my $session = hanging('killed');
	kill('KILL', $session->{pid});
	eval { $session->{run}->finish };
	$etl->wait_for_server;
	$etl->faults;
	nothing_left('killed', 'killed');
}

# ---- keys of a statement aren't kept, and without preloading nobody else is there: the session aborts what it began
$node->append_conf('postgresql.conf', "shared_preload_libraries = ''");
$node->restart;
suffers_in_vain('nobody else is there', [ qr/58000/ ], { method => 'PUT', nth => 5, times => 0, do => 'status', status => 500, code => 'InternalError' });
{
	my $session = hanging('alone');
	my $start = time;
	$etl->sql("SELECT pg_cancel_backend($session->{pid})");
	eval { $session->{run}->finish };
	cmp_ok(time - $start, '<', 2, 'cancelled there within two seconds');
	$etl->faults;
	nothing_left('cancelled where nobody else is', 'alone');
}

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_etl'");
$node->restart;

# ---- written, as the query goes
SKIP:
{
	diag('SKIPPED: writing 5.1 GB takes minutes; ETL_TEST_LARGE=1 does it'), skip('ETL_TEST_LARGE is not set', 1) unless $ENV{ETL_TEST_LARGE};
	my ($rows, $row) = (5_200, 1 << 20);
	$etl->reset_aws;
	timed('5.1 GB written', sub {
		$etl->sql(qq{SET statement_timeout = 0; CALL etl.execute(\$\$UNLOAD ('SELECT n || repeat(chr(97 + n % 26), $row - 1 - length(n::text)) FROM generate_series(1, $rows) n')
			TO 's3://large/written' IAM_ROLE default PARALLEL OFF\$\$)}); });
	$etl->sql_is(q{SELECT size FROM etl.s3_head('s3://large/written000')}, $rows * $row, 'its size');
	is(scalar copied('written000'), $rows * $row >> 23, 'in so many parts of 8 MB');
	is_deeply($etl->fixtures('get-ranges', 'large', 'written000', 4999 * $row . ':6'), ['5000ii'], 'a row beyond 4 GB');
	timed('and read', sub { $etl->sql_is(q{SELECT etl._s3_drain('s3://large/written000')}, $rows * $row, 'read, and its checksum is right'); });
	nothing_left('writing');
}
note($_) foreach @figures;
unlike($etl->server_log, qr/\Q@{[ $etl->secret_access_key ]}\E/, 'the log has no secret');
done_testing();

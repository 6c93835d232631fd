# Files that nobody should load: bombs, endless fields and lines, depth, garbage, many, and those that change under the load. Each
# ends in an error that says where, or in the right rows; soon, and in little memory, whether a process beside the backend reads
# them or not.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;
use POSIX ();
use Time::HiRes qw(time usleep);

my $most_kb = 300 * 1024;
my $most_seconds = 120;

foreach my $program ('gzip', 'bzip2', 'zstd')
{
	plan(skip_all => "no program $program (Debian: the package of that name)") if system("command -v $program >/dev/null") != 0;
}

# What a process has of shared_buffers counts as its own.
my $etl = EtlTest->new(conf => 'shared_buffers = 16MB');
my $node = $etl->primary;
my $root = PostgreSQL::Test::Utils::tempdir;
$etl->sql(qq{CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root');
	CREATE UNLOGGED TABLE t (id int, name text);
	CREATE UNLOGGED TABLE name (name text)});
$etl->sql('CREATE UNLOGGED TABLE wide (' . join(', ', map { "c$_ int" } 1 .. 1600) . ')');
mkdir "$root/bad";

sub file
{
	my ($key, @pieces) = @_;
	open(my $file, '>:raw', "$root/bad/$key") or die "$key: $!";
	print $file $_ foreach @pieces;
	close($file) or die "$key: $!";
}

sub made { my ($key, $command) = @_; system("{ $command; } > $root/bad/$key") == 0 or die "$key: $command"; }

# The most that any process of the server has had while this runs, in kB; a process apart looks all the time.
sub most_memory
{
	pipe(my $from, my $to) or die $!;
	my $pid = fork // die $!;
	if ($pid == 0)
	{
		my $most = 0;
		my $stop = 0;
		local $SIG{TERM} = sub { $stop = 1 };
		while (!$stop)
		{
			foreach my $process ($etl->processes(qr//))
			{
				my ($kb) = (eval { slurp_file("/proc/$process/status") } // '') =~ /^VmHWM:\s+(\d+)/m;
				$most = $kb if ($kb // 0) > $most;
			}
			usleep(5000);
		}
		syswrite($to, "$most\n");
		POSIX::_exit(0);
	}
	close($to);
	return sub { kill 'TERM', $pid; my $most = <$from>; waitpid($pid, 0); return $most + 0; };
}

my $helpers = qr/pg_etl load/;

# What the query prints, or what psql says of its failure, is this; with a worker and without.
sub survives
{
	my ($name, $query, $expected) = @_;
	foreach my $worker ('on', 'off')
	{
		my $most = most_memory();
		my $start = time;
		my ($status, $out, $error) = $node->psql('postgres', "\\set VERBOSITY verbose\nSET etl.load_worker = $worker; TRUNCATE t, name, wide;\n$query",
			on_error_stop => 1);
		my $seconds = time - $start;
		my $kb = $most->();
		ok($etl->wait_for_processes($helpers, 0, 5), "$name, worker $worker: no process is left");
		my $said = $status == 0 ? $out : $error;

		ref $expected ? like($said, $expected, "$name, worker $worker") : is($said, $expected, "$name, worker $worker");
		cmp_ok($seconds, '<', $most_seconds, sprintf('%s, worker %s: %.1f s', $name, $worker, $seconds));
		cmp_ok($kb, '<', $most_kb, sprintf('%s, worker %s: %d MB', $name, $worker, $kb / 1024));
	}
}

sub load { my ($table, $key, $format, $options) = @_; return "SELECT etl.load('$table', 's3://bad/$key', '$format', '" . ($options // '{}') . "')"; }
sub is_utf8 { my ($bytes) = @_; return $bytes =~ /\A(?:[\x00-\x7F]|[\xC2-\xDF][\x80-\xBF]|\xE0[\xA0-\xBF][\x80-\xBF]|[\xE1-\xEC\xEE\xEF][\x80-\xBF]{2}|\xED[\x80-\x9F][\x80-\xBF]|\xF0[\x90-\xBF][\x80-\xBF]{2}|[\xF1-\xF3][\x80-\xBF]{3}|\xF4[\x80-\x8F][\x80-\xBF]{2})*\z/; }
sub too_long { my ($key, $line) = @_; return qr{ERROR:  54000: .*longer than 4 MB.*DETAIL:  File "s3://bad/$key", line $line\.}s; }

# --- Bombs of 10 GB: of zeros, which are one field, and of empty lines, which are nothing
my %program = (gzip => 'gzip -9', bzip2 => 'bzip2', zstd => 'zstd -q -19');
foreach my $codec (sort keys %program)
{
	made('member', "head -c 100M /dev/zero | $program{$codec}");
	made("zeros-$codec", "for i in \$(seq 100); do cat $root/bad/member; done");
	made('member', "yes '' | head -c 100M | $program{$codec}");
	made("lines-$codec", "for i in \$(seq 100); do cat $root/bad/member; done");
	survives("10 GB of zeros in $codec", load('t', "zeros-$codec", 'csv', qq({"$codec": true})), too_long("zeros-$codec", 1));
	survives("10 GB of empty lines in $codec", load('t', "lines-$codec", 'text', qq({"$codec": true, "ignoreblanklines": true})),
		qr{ERROR:  54000: object "s3://bad/lines-$codec" expands to more than 1000 times its size});
}
unlink "$root/bad/member";

# --- A field of 1 GB
made('text', "{ printf '1|'; head -c 1G /dev/zero | tr '\\0' a; } | gzip -1");
survives('a field of 1 GB in text', load('t', 'text', 'text', '{"gzip": true}'), too_long('text', 1));
made('quoted', "{ printf '1,x\\n2,\"'; head -c 1G /dev/zero | tr '\\0' a; } | gzip -1");
survives('a field of 1 GB in quotes', load('t', 'quoted', 'csv', '{"gzip": true}'), too_long('quoted', 2));
made('json', "{ printf '{\"id\": 1}\\n{\"id\": 2, \"name\": \"'; head -c 1G /dev/zero | tr '\\0' a; } | gzip -1");
survives('a string of 1 GB in JSON', load('t', 'json', 'json', '{"gzip": true}'), too_long('json', 2));
made('xml', "{ printf '<l><row><id>1</id></row>\\n<row><name>'; head -c 1G /dev/zero | tr '\\0' a; } | gzip -1");
survives('text of 1 GB in XML', load('t', 'xml', 'xml', '{"rowtag": "row", "gzip": true}'), too_long('xml', 2));
file('open', "1,x\n2,\"", "3,y\n" x 25_000_000);
survives('a quote that is never closed in a file of 100 MB', load('t', 'open', 'csv'), too_long('open', 2));
unlink "$root/bad/open";

# --- Many columns
file('columns', '1|' x 10_000_000);
survives('a line of 10,000,000 columns', load('t', 'columns', 'text'), too_long('columns', 1));
file('columns', "1|a\n", '1|' x 2_000_000, "\n", "2|b\n");
survives('one of 2,000,000', load('t', 'columns', 'text'), qr{ERROR:  22P04: extra columns: the row has 2000001 fields for 2 columns.*columns", line 2\.}s);
survives('and with MAXERROR', load('t', 'columns', 'text', '{"maxerror": 2}'), '2');
file('wide', map { join(',', ($_) x 1600) . "\n" } 1 .. 2000);
survives('rows of 1,600 columns', load('wide', 'wide', 'csv') . '; SELECT sum(c1), sum(c1600) FROM wide', "2000\n2001000|2001000");
file('wide', map { join(',', ($_) x 1601) . "\n" } 1 .. 3);
survives('rows of 1,601', load('wide', 'wide', 'csv'), qr{ERROR:  22P04: .*1601 fields for 1600 columns.*line 1\.}s);

# --- Depth
sub too_deep { my ($what, $levels) = @_; return qr{ERROR:  22P04: invalid $what: it is nested more than $levels levels deep\nDETAIL:  File "s3://bad/deep", line 1\.}; }
file('deep', '{"id": 1, "name": ' . '[' x 10_000 . ']' x 10_000 . "}\n");
survives('JSON 10,000 deep', load('t', 'deep', 'json'), too_deep('JSON', 1000));
file('deep', '{"id": 1, "name": ' . '[' x 2_000_000 . ']' x 2_000_000 . "}\n");
survives('2,000,000 deep', load('t', 'deep', 'json'), too_deep('JSON', 1000));
file('deep', '{"id": 1, "name": ' . '[' x 10_000_000 . ']' x 10_000_000 . "}\n");
survives('10,000,000 deep', load('t', 'deep', 'json'), too_long('deep', 1));
file('deep', '<l><row><id>1</id>' . '<x>' x 10_000 . '</x>' x 10_000 . '</row></l>');
survives('XML 10,000 deep', load('t', 'deep', 'xml', '{"rowtag": "row"}'), too_deep('XML', 256));
file('deep', '<x>' x 10_000_000);
survives('10,000,000 deep', load('t', 'deep', 'xml', '{"rowtag": "row"}'), too_deep('XML', 256));
file('laughs', qq{<?xml version="1.0"?>\n<!DOCTYPE l [<!ENTITY a0 "ha">},
	(map { "<!ENTITY a$_ \"" . ('&a' . ($_ - 1) . ';') x 10 . '">' } 1 .. 10), ']><l><row><name>&a10;</name></row></l>');
survives('an XML bomb', load('t', 'laughs', 'xml', '{"rowtag": "row"}'), qr{ERROR:  22P04: invalid XML: it has a document type declaration\nDETAIL:  File "s3://bad/laughs", line 2\.});

# --- Rows of 4 MB, and a header longer than any block
my $limit = 4 * 1024 * 1024;
file('row', 'x' x $limit, "\n", 'y' x $limit, "\n");
survives('rows of 4 MB', load('name', 'row', 'text') . '; SELECT length(name), md5(name) FROM name ORDER BY 2',
	join("\n", 2, map { "$limit|$_" } sort map { $etl->sql("SELECT md5(repeat('$_', $limit))") } 'x', 'y'));
file('row', "z\n", 'x' x ($limit + 1), "\n");
survives('and a byte too long', load('name', 'row', 'text'), too_long('row', 2));
file('header', join('|', map { "column $_" } 1 .. 200_000), "\n1|a\n");
survives('a header of 3 MB', load('t', 'header', 'text', '{"ignoreheader": 1}') . '; SELECT * FROM t', "1\n1|a");

# --- Bytes that are no text
file('nul', map { "$_|a\0b\n" } 1 .. 1000);
survives('NUL bytes', load('t', 'nul', 'text'), qr{ERROR:  22021: NUL byte in field 2\nDETAIL:  File "s3://bad/nul", line 1, column "name"});
my @bytes = map { my $i = $_; map { pack('C*', $i, $_, 0x80) } grep { $_ != 10 && $_ != 13 && $_ != 0 } 0 .. 255 } 128 .. 255;
my $texts = grep { is_utf8($_) } @bytes;
file('bytes', map { "$_\n" } @bytes);
survives('invalid UTF-8', load('name', 'bytes', 'csv'), qr{ERROR:  22021: invalid byte sequence for encoding "UTF8": 0x80, at byte 1 for type text\nDETAIL:  File "s3://bad/bytes", line 1, column "name"});
my $rejected = '; SELECT rejected FROM etl.load_history ORDER BY load_id DESC LIMIT 1';
survives('invalid UTF-8, ignored', load('name', 'bytes', 'csv', '{"ignoreallerrors": true, "quote": "\u0001"}') . $rejected,
	"$texts\n" . (@bytes - $texts));
# Bytes by chance, the same each time. Text has a row where they happen to be one; the others' are bytes that no row can be in.
srand(34);
my $garbage = join('', map { pack('C*', map { int rand 256 } 1 .. 65536) } 1 .. 100);
my @lines = split(/\n/, $garbage, -1);
pop(@lines) if $lines[-1] eq '';
my @rows = grep { s/\r\z//r =~ /\A\s*(?:[+-]?\d{1,9})?\s*\|([^|]*)\|?\z/a && $1 !~ /\0/ && is_utf8($1) } @lines;
file('garbage', $garbage);
survives('garbage as text', load('t', 'garbage', 'text', '{"ignoreallerrors": true}') . $rejected, @rows . "\n" . (@lines - @rows));
survives('garbage as XML', load('t', 'garbage', 'xml', '{"rowtag": "row"}'), qr{ERROR:  22P04: invalid XML: .*\nDETAIL:  File "s3://bad/garbage", line 1\.});
file('no-comma', $garbage =~ tr/,/;/r);
survives('garbage as csv', load('t', 'no-comma', 'csv', '{"ignoreallerrors": true}') . $rejected, qr/\A0\n[1-9]\d*\z/);
file('no-object', $garbage =~ tr/{/(/r);
survives('garbage as json', load('t', 'no-object', 'json', '{"ignoreallerrors": true}') . $rejected, qr/\A0\n[1-9]\d*\z/);
survives('garbage as gzip', load('t', 'garbage', 'text', '{"gzip": true}'), qr{ERROR:  22P03: object "s3://bad/garbage" is not a valid gzip file});

# --- Many bad records
file('many', map { "$_|a\nx$_|b\n" } 1 .. 100_000);
my $kept = "; SELECT count(*), count(DISTINCT line) FROM etl.load_error WHERE load_id = (SELECT max(load_id) FROM etl.load_error)";
survives('100,000 rejected records', load('t', 'many', 'text', '{"ignoreallerrors": true}') . $kept, "100000\n100000|100000");
survives('with MAXERROR 100,000', load('t', 'many', 'text', '{"maxerror": 100000}'),
	qr{ERROR:  22P04: load into table public\.t reached MAXERROR: 100000 records were rejected.*many", line 200000, column "id": "x100000"}s);
unlike($etl->server_log, qr/leak/, 'nothing is leaked');

# --- Nothing, often
file("empty$_") foreach 1 .. 3;
survives('empty files', load('t', 'empty', 'text'), '0');
file('blank', "\n" x 1_000_000);
survives('1,000,000 empty lines', load('t', 'blank', 'text', '{"ignoreblanklines": true}'), '0');
survives('that aren\'t ignored', load('t', 'blank', 'text'), qr{ERROR:  22P04: .*blank", line 1\.}s);
survives('whose errors are', load('t', 'blank', 'text', '{"ignoreallerrors": true}') . $kept, "0\n100000|100000");

# --- Many files
mkdir "$root/bad/small";
file("small/$_", "$_|x\n") foreach 10_000 .. 29_999;
survives('20,000 files', load('t', 'small/', 'text') . '; SELECT sum(id) FROM t', "20000\n399990000");
file('manifest', '{"entries": [', join(",\n", map { qq({"url": "s3://bad/small/$_", "mandatory": true}) } 10_000 .. 19_999), ']}');
survives('a manifest of 10,000', load('t', 'manifest', 'text', '{"manifest": true}') . '; SELECT sum(id) FROM t', "10000\n149995000");

# --- Files that change while they are read
$etl->sql(q{CREATE FUNCTION hold() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN PERFORM pg_advisory_xact_lock(34); RETURN NEW; END$$;
	CREATE TABLE held (id int, name text);
	CREATE TRIGGER hold BEFORE INSERT ON held FOR EACH ROW WHEN (NEW.id = 1) EXECUTE FUNCTION hold()});
# changing($name, $change, $expected): the file is changed while its first row waits.
sub changing
{
	my ($name, $change, $expected) = @_;
	foreach my $worker ('on', 'off')
	{
		file('changing', map { "$_|" . 'x' x 1000 . "\n" } 1 .. 20_000);
		my $holder = $node->background_psql('postgres');
		$holder->query_safe('SELECT pg_advisory_lock(34)');
		my $session = $node->background_psql('postgres', on_error_stop => 0);
		$session->query_until(qr/loading/, "\\set VERBOSITY verbose\nSET etl.load_worker = $worker; TRUNCATE held;\n\\echo loading\n" . load('held', 'changing', 'text') . ";\n");
		$etl->wait_until(q{SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory'}, '1');
		$change->();
		$holder->quit;
		my $out = $session->query_until(qr/done/, "\\echo done\n");
		like("$out$session->{stderr}", $expected, "$name, worker $worker");
		$session->quit;
	}
}
changing('a file that shrinks', sub { truncate("$root/bad/changing", 10_000_000) }, qr{ERROR:  08006: object "s3://bad/changing" ended early});
$etl->sql_is('SELECT count(*) FROM held', '0', 'nothing of it is loaded');
# what is open stays what it was
foreach my $change (
	[ 'a file that is replaced', sub { file('new', "1|new\n"); rename("$root/bad/new", "$root/bad/changing") } ],
	[ 'a file that is removed', sub { unlink "$root/bad/changing" } ])
{
	changing(@$change, qr/^20000$/m);
	$etl->sql_is('SELECT count(*), sum(id), min(name) = repeat($$x$$, 1000) AND max(name) = min(name) FROM held', '20000|200010000|t', "$change->[0] is loaded as it was");
}
ok($etl->wait_for_processes($helpers, 0, 5), 'no process is left');
unlike($etl->server_log, qr/terminated by signal|PANIC|leak/, 'the server was up all the time');

done_testing();

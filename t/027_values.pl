# format/value*.c against PostgreSQL: random and edge texts of every kind of value are read as its input functions read
# them, to the byte that is stored, or rejected as they are there; and written as its output functions write them.
# ETL_VALUES=1000000 takes so many texts; ETL_SEED the seed that a run has printed.
use strict;
use warnings FATAL => 'all';

use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

plan(skip_all => 'no $ETL_VALUE_DRIVER: scripts/test builds it') unless $ENV{ETL_VALUE_DRIVER};
my $count = $ENV{ETL_VALUES} // 60_000;
my $seed = $ENV{ETL_SEED} // time;
srand($seed);
note("ETL_SEED=$seed");

my $digits = join '', map { int rand 10 } 1 .. 10_000;

sub pick { return $_[ rand @_ ]; }
sub one_of { return $_[ rand @_ ]->(); }
sub digits { return substr $digits, rand 9_000, $_[0]; }
sub sign { return pick('', '', '', '-', '+'); }
sub fraction { return pick('', '.') eq '' ? '' : '.' . digits(1 + rand pick(3, 6, 6, 14)); }

sub integer
{
	return one_of(
		sub { sign() . digits(1 + rand 20) },
		sub { sign() . int(rand 70000) },
		sub { sign() . (2**pick(7, 15, 16, 31, 32, 53) + int(rand 3) - 1) },
		sub { sign() . '922337203685477580' . int(rand 10) },
		sub { sign() . '0' x (1 + rand 25) . digits(3) });
}

sub decimal
{
	return one_of(
		sub { sign() . int(rand 100000) . '.' . digits(2) },
		sub { sign() . '0.0' . int(rand 10) },
		sub { sign() . digits(1 + rand 20) . '.' . digits(rand 20) },
		sub { sign() . '0' x rand(5) . '.' . '0' x rand(20) . digits(1 + rand 10) },
		sub { sign() . digits(rand 4) . '.' . digits(1 + rand 40) },
		sub { sign() . pick('9', '99', '9999', '99999', '999999999') . '.' . '9' x (1 + rand 12) . digits(1) },
		sub { sign() . digits(1 + rand 300) },
		sub { sign() . digits(1 + rand 3) . '0' x rand(20) . pick('', '.') },
		sub { sign() . digits(1 + rand 3) . pick('', '.' . digits(rand 8)) . pick('e', 'E') . sign() . int(rand 40) },
		sub { sign() . digits(1) . 'e' . sign() . int(rand 400) },
		sub { integer() },
		sub { pick('NaN', 'nan', 'Infinity', '-Infinity', '+inf', 'infinity', '0', '-0', '0.000', '.', '-', 'e1', '1e') });
}

sub date
{
	my $year = pick(1990 + int rand 40, 1990 + int rand 40, 1 + int rand 9999, pick(0, 1, 1600, 1900, 2000, 9999));
	return one_of(
		sub { sprintf('%04d-%02d-%02d', $year, 1 + rand 12, 1 + rand 28) },
		sub { sprintf('%04d-%02d-%02d', $year, 1 + rand 12, 1 + rand 28) },
		sub { sprintf('%04d-%02d-%02d', $year, rand 14, rand 33) },
		sub { sprintf('%04d-%d-%d', $year, 1 + rand 12, 1 + rand 31) });
}

sub daytime
{
	return one_of(
		sub { sprintf('%02d:%02d:%02d', rand 24, rand 60, rand 60) . fraction() },
		sub { sprintf('%02d:%02d:%02d', rand 24, rand 60, rand 60) . fraction() },
		sub { sprintf('%02d:%02d:%02d', rand 26, rand 62, rand 62) . fraction() },
		sub { sprintf('%d:%02d', rand 24, rand 60) },
		sub { pick('24:00:00', '23:59:60', '24:00:00.000001', '23:59:59.9999999', '00:00', '23:59:60.5', '24:00') });
}

sub zone
{
	return one_of(
		sub { 'Z' },
		sub { 'z' },
		sub { pick('', ' ') . pick('+', '-') . sprintf('%02d', rand 17) },
		sub { pick('+', '-') . sprintf('%02d:%02d', rand 16, rand 61) },
		sub { pick('+', '-') . sprintf('%02d%02d', rand 16, rand 60) },
		sub { pick('+', '-') . sprintf('%d', rand 16) },
		sub { pick('+', '-') . sprintf('%02d:%02d:%02d', rand 16, rand 60, rand 60) });
}

sub timestamp { return date() . pick(' ', 'T', ' ', '  ', 't') . daytime(); }

# What 'auto' knows
sub written
{
	my ($year, $month, $day) = (1900 + int rand 200, 1 + int rand 12, 1 + int rand 28);
	my $name = pick('Jan', 'feb', 'March', 'APR', 'may', 'June', 'Jul', 'august', 'Sept', 'Oct', 'Nov', 'december');
	my $time = pick('', ' ' . daytime(), ' ' . sprintf('%d:%02d %s', 1 + rand 12, rand 60, pick('AM', 'pm')));
	return one_of(
		sub { "$month/$day/$year$time" },
		sub { sprintf('%02d-%02d-%04d', $month, $day, $year) . $time },
		sub { "$name $day, $year$time" },
		sub { "$day $name $year$time" },
		sub { "$day-$name-$year$time" },
		sub { "$name-$day-$year$time" },
		sub { sprintf('%04d%02d%02d', $year, $month, $day) . pick('', ' ' . digits(6), 'T' . digits(6)) },
		sub { sprintf('%02d%02d%02d', $year % 100, $month, $day) . pick('', ' ' . digits(6)) },
		sub { sprintf('%04d.%03d', $year, 1 + rand 366) },
		sub { 'J' . int(1_000_000 + rand 3_000_000) . $time },
		sub { sprintf('%02d/%02d/%02d', $month, $day, $year % 100) . $time },
		sub { "$day $name" . sprintf(' %02d:%02d:%02d ', rand 24, rand 60, rand 60) . $year . pick('', ' PST', ' utc', ' CET') },
		sub { sprintf('%02d.%02d.%04d', $month, $day, $year) . $time },
		sub { "$year/$month/$day$time" },
		sub { "$year-$name-$day" },
		sub { "$name $day, $year BC" },
		sub { timestamp() . pick(zone(), ' EST', ' jst') });
}

# Kind (EtlValueKind), precision, scale, ROUNDEC, format; how its texts are made
my @kinds = (
	[ 'boolean', '1 0 0 0 -', sub { my $word = pick(qw(t f true false yes no y n 1 0 on off 2 x)); return pick($word, uc $word, ucfirst $word); } ],
	(map { [ "int$_->[0]", "$_->[1] 0 0 0 -", \&integer ] } [ 2, 2 ], [ 4, 3 ], [ 8, 4 ]),
	[ 'float4', '5 0 0 0 -', \&decimal ],
	[ 'float8', '6 0 0 0 -', sub { return pick(decimal(), sprintf('%.17g', rand() * 10**int(rand 40)), sprintf('%.16g', rand)); } ],
	(map { [ "numeric($_)", "7 $_ -", \&decimal ] }
		'0 0 0', '12 2 0', '12 2 1', '38 10 0', '38 10 1', '18 0 0', '18 0 1', '5 5 1', '3 5 0', '3 5 1', '5 -2 0', '5 -2 1', '1000 500 1', '300 70 0'),
	[ 'date', '8 0 0 0 -', sub { return one_of(\&date, \&date, \&timestamp); } ],
	[ 'time', '9 0 0 0 -', \&daytime ], [ 'time(2)', '9 0 4 0 -', \&daytime ],
	[ 'timetz', '10 0 0 0 -', sub { return daytime() . zone(); } ],
	[ 'timestamp', '11 0 0 0 -', sub { return pick(timestamp(), timestamp() . zone(), date()); } ],
	[ 'timestamp(0)', '11 0 6 0 -', \&timestamp ], [ 'timestamp(3)', '11 0 3 0 -', \&timestamp ],
	[ 'timestamptz', '12 0 0 0 -', sub { return timestamp() . one_of(sub { '' }, \&zone, \&zone); } ],
	[ 'timestamptz(1)', '12 0 5 0 -', sub { return timestamp() . pick('', zone()); } ],
	[ 'bytea', '15 0 0 0 -', sub { return pick('', '\x') . join '', map { pick(0 .. 9, 'a' .. 'f', 'A' .. 'F') } 1 .. rand 60; } ],
	(map { [ "$_->[0] auto", "$_->[1] 0 0 0 auto", sub { return one_of(\&written, \&written, \&timestamp); } ] } [ 'date', 8 ], [ 'timestamp', 11 ], [ 'timestamptz', 12 ]));

# Some are wrong, or have blanks at their ends.
sub mangled
{
	my $text = shift;
	my $at = int rand length $text;
	return $text if rand > 0.15 || $text eq '';
	return pick(' ', "  ") . $text . pick('', ' ') if rand > 0.5;
	substr($text, $at, pick(0, 1), pick('', 0 .. 9, '-', '+', '.', ':', ' ', 'e', 'x', '/'));
	return $text;
}

my $input = "$PostgreSQL::Test::Utils::tmp_check/values.in";
my $output = "$PostgreSQL::Test::Utils::tmp_check/values.out";
open my $file, '>', $input or die;
foreach my $kind (@kinds)
{
	print $file "$kind->[1]\t", mangled($kind->[2]->()), "\n" for 1 .. $count / @kinds;
}
close $file;

# of a zone without a history
my $offset = 5 * 3600 + 30 * 60;
my $start = time;
local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
ok(system("'$ENV{ETL_VALUE_DRIVER}' $offset < '$input' > '$output'") == 0, 'texts are read') or BAIL_OUT('no driver');

my $node = PostgreSQL::Test::Cluster->new('values');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'XXX-5:30'\ndatestyle = 'ISO, MDY'\nextra_float_digits = 1\nfsync = off");
$node->start;
$node->safe_psql('postgres', q{
	CREATE UNLOGGED TABLE result (spec text, t text, sent text, written text);
	CREATE FUNCTION number_of(t text, p int, s int, r int) RETURNS numeric LANGUAGE plpgsql AS $$
	DECLARE
		x numeric := t::numeric;
	BEGIN
		IF p = 0 THEN RETURN x; END IF;
		IF r = 0 THEN x := trunc(x, s); END IF;
		RETURN pg_catalog.numeric(x, ((p << 16) | (s & 2047)) + 4);
	END $$;
	-- The size on disk, which is even, without the header of one byte or four
	CREATE FUNCTION size_of(n numeric) RETURNS int LANGUAGE sql AS $$ SELECT pg_column_size(n) - CASE pg_column_size(n) % 2 WHEN 1 THEN 1 ELSE 4 END $$;
	-- What PostgreSQL makes of a text: as it is sent, and as it is written.
	CREATE FUNCTION expected(spec text, t text, OUT sent text, OUT written text) LANGUAGE plpgsql AS $$
	DECLARE
		part text[] := string_to_array(spec, ' ');
		p int := part[2];
		s int := part[3];
		n numeric;
	BEGIN
		CASE part[1]::int
			WHEN 1 THEN sent := encode(boolsend(t::bool), 'hex'); written := CASE WHEN t::bool THEN 't' ELSE 'f' END;
			WHEN 2 THEN sent := encode(int2send(t::int2), 'hex'); written := t::int2;
			WHEN 3 THEN sent := encode(int4send(t::int4), 'hex'); written := t::int4;
			WHEN 4 THEN sent := encode(int8send(t::int8), 'hex'); written := t::int8;
			WHEN 5 THEN sent := encode(float4send(t::float4), 'hex'); written := t::float4;
			WHEN 6 THEN sent := encode(float8send(t::float8), 'hex'); written := t::float8;
			WHEN 7 THEN n := number_of(t, p, s, part[4]::int); sent := size_of(n); written := n;
			WHEN 8 THEN sent := encode(date_send(t::date), 'hex'); written := t::date;
			WHEN 9 THEN sent := encode(time_send("time"(t::time, 6 - s)), 'hex'); written := "time"(t::time, 6 - s);
			WHEN 10 THEN sent := encode(timetz_send(t::timetz), 'hex'); written := t::timetz;
			WHEN 11 THEN sent := encode(timestamp_send("timestamp"(t::timestamp, 6 - s)), 'hex');
				written := "timestamp"(t::timestamp, 6 - s);
			WHEN 12 THEN sent := encode(timestamptz_send("timestamptz"(t::timestamptz, 6 - s)), 'hex');
				written := "timestamptz"(t::timestamptz, 6 - s);
			WHEN 15 THEN sent := encode(decode(regexp_replace(btrim(t), '^\\\\x', ''), 'hex'), 'hex'); written := sent;
		END CASE;
	EXCEPTION WHEN OTHERS THEN
		sent := 'error';
	END $$;
});
$node->safe_psql('postgres', "COPY result FROM '$output' (FORMAT csv, DELIMITER E'\\t', QUOTE E'\\b', NULL '~')");

# In what they differ: blanks inside of an exponent, digits of base 16 and beginnings of boolean words are PostgreSQL's alone; of 'auto', what it doesn't know, and that the
# day may be before the month.
$node->safe_psql('postgres', q{
	CREATE UNLOGGED TABLE compared AS
		SELECT r.*, e.sent AS sent_expected, e.written AS written_expected, spec LIKE '% auto' AS auto
		FROM result r, LATERAL expected(spec, t) e
		WHERE r.sent <> 'text' AND NOT (r.sent = 'null' AND btrim(t) = '');
	DELETE FROM compared WHERE spec LIKE '7 %' AND t ~ '[eE][+-]? ' OR t ~ '0x' OR spec LIKE '1 %' AND btrim(t) ~* '^(tr|tru|fa|fal|fals|ye|of)$' OR spec LIKE '15 %' AND btrim(t) ~ ' '
		OR auto AND sent = 'error' OR auto AND sent_expected = 'error' AND t ~ '^ *(1[3-9]|[23]\d)\.\d\d?\.\d'});
foreach my $kind (@kinds)
{
	my ($name, $spec) = @$kind;
	is($node->safe_psql('postgres', qq{
			SELECT format('"%s": %s %s instead of %s %s', t, sent, written, sent_expected, written_expected) FROM compared
			WHERE spec = '$spec' AND (sent IS DISTINCT FROM sent_expected OR sent <> 'error' AND written IS DISTINCT FROM written_expected)
			LIMIT 5}), '', "$name: as PostgreSQL reads and writes it");
	# not all are left to PostgreSQL or rejected
	cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM compared WHERE spec = '$spec' AND sent <> 'error'"),
		'>', $count / @kinds * ($name =~ /int|numeric|timetz/ ? 0.1 : 0.3), "$name: of many texts");
}
note($node->safe_psql('postgres', 'SELECT count(*) FROM compared') . ' values compared in ' . (time - $start) . ' s');
$node->stop;
done_testing();

# UNLOAD and then COPY with the matching options give the same table: for every type, with the values that hurt, and for
# every pair of options. What can't come back is listed here with the reason, and shown not to. ETL_SEED repeats a run.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{ETL_SEED} // int(rand(1 << 31));
note("ETL_SEED=$seed");
srand($seed);
my $etl = EtlTest->new;
my $root = PostgreSQL::Test::Utils::tempdir;
$etl->sql("CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root')");

# --- The table: each type with its extremes, and strings of what formats are made of.
my @atoms = ('|', ',', '^', "\t", '"', "'", '\\', "\n", "\r", "\r\n", '\\N', 'NULL', '~', ' ', '  ', 'a', 'bc', '{', '}', ':', 'é', '→', '😀',
	"\x01", "\x7f", '\\n', '""', '0', '-', '#', ';', '%', '\\.', "\xc2\xa0");
my @strings = ('', ' ', '   ', ' a', 'a ', @atoms, map { my $n = $_; join('', map { $atoms[rand @atoms] } 1 .. 1 + $n % 9) } 1 .. 40);
my %values = (
	b => [ 't', 'f' ],
	i2 => [ -32768, 32767, 0, -1 ],
	i4 => [ -2147483648, 2147483647, 0 ],
	i8 => [ '-9223372036854775808', '9223372036854775807', 10 ],
	n => [ '9' x 28 . '.' . '9' x 10, '-' . '9' x 28 . '.' . '9' x 10, '0.0000000001', '0', '-0.5', '12345678901234567890.0000000001' ],
	anynum => [ '1' . '0' x 60, '0.' . '0' x 40 . '1', '-1.50', '1.500', '10000', '0.0000', '99999999.9999' ],
	f4 => [ '3.4028235e38', '-1e-45', '0.1', '-0', 'NaN', 'Infinity' ],
	f8 => [ '1.7976931348623157e308', '5e-324', '0.1', '-0', 'NaN', '-Infinity', '123456789.12345678', '1e22' ],
	d => [ '0001-01-01', '9999-12-31', '2000-02-29', '5874897-12-31', '4713-11-24 BC', 'infinity' ],
	tm => [ '00:00:00', '23:59:59.999999', '24:00:00', '12:30:00.1' ],
	tz => [ '00:00:00+15:59', '23:59:59.999999-15:59', '12:00:00+05:30', '12:00:00.5+00' ],
	ts => [ '0001-01-01 00:00:00', '294276-12-31 23:59:59.999999', '1999-12-31 23:59:59.000001', '4713-11-24 00:00:00 BC', '-infinity' ],
	tsz => [ '0001-01-01 12:00:00+00', '294276-12-31 00:00:00+00', '2008-10-26 01:30:00+00', '4713-11-25 00:00:00+00 BC', 'infinity' ],
	tsz0 => [ '2008-01-02 03:04:05+00', '2008-01-02 03:04:06+05:30' ],
	y => [ '\\x', '\\x00', '\\x00ff5c7c2c220a0d', '\\x' . join('', map { sprintf '%02x', $_ } 0 .. 255) ],
	j => [ '{"a": [1, {"b": null}], "c": "x|y,z"}', '"\\\\\\"\\n"', 'null', '1.50', '[]', '{"é": "→"}' ],
	js => [ '{"a" :1,  "b":[]}', '"x\\"y|"', '1e3' ],
	a => [ '{}', '{1,NULL,3}', '{{1,2},{3,4}}' ],
	ta => [ '{}', '{"a b","c,d","e|f",NULL,"NULL","\\"q\\"","\\\\"}' ],
	iv => [ '1 year 2 mons -3 days 04:05:06.789', '00:00:00', '-170000000 years' ],
	u => [ '00000000-0000-0000-0000-000000000000', 'ffffffff-ffff-ffff-ffff-ffffffffffff' ],
	m => [ 'sad', 'very, very | happy' ],
	dm => [ 2, 100 ]);
my @columns = ([ id => 'int NOT NULL' ], [ b => 'bool' ], [ i2 => 'int2' ], [ i4 => 'int' ], [ i8 => 'bigint' ], [ n => 'numeric(38,10)' ],
	[ anynum => 'numeric' ], [ f4 => 'real' ], [ f8 => 'double precision' ], [ c => 'char(12)' ], [ v => 'varchar(200)' ], [ x => 'text' ],
	[ d => 'date' ], [ tm => 'time' ], [ tz => 'timetz' ], [ ts => 'timestamp' ], [ tsz => 'timestamptz' ], [ tsz0 => 'timestamptz(0)' ],
	[ y => 'bytea' ], [ j => 'jsonb' ], [ js => 'json' ], [ a => 'int[]' ], [ ta => 'text[]' ], [ iv => 'interval' ], [ u => 'uuid' ], [ m => 'mood' ], [ dm => 'even' ]);
my @names = map { $_->[0] } @columns;

sub literal { my ($text) = @_; return 'NULL' unless defined $text; $text =~ s/(['\\])/$1$1/g; return "E'$text'"; }

# A row has a value in few columns, so that what one format can't carry leaves it the others' rows.
sub row
{
	my ($id, %given) = @_;
	$given{id} = $id;
	return '(' . join(', ', map { literal($given{$_}) } @names) . ')';
}
my (@rows, $id);
push @rows, row(++$id);
foreach my $name (@names)
{
	push @rows, row(++$id, $name => $_) foreach @{ $values{$name} // [] };
}
foreach my $text (@strings)
{
	push @rows, row(++$id, x => $text), row(++$id, v => $text, c => ($text =~ /^[\x00-\x7f]{0,12}$/ ? $text : 'plain'));
}
foreach (1 .. 40)
{
	my %given;
	foreach my $name (keys %values) { $given{$name} = $values{$name}[ rand @{ $values{$name} } ] if rand() < 0.8; }
	$given{$_} = $strings[ rand @strings ] foreach 'v', 'x';
	push @rows, row(++$id, %given);
}
$etl->sql(q{CREATE TYPE mood AS ENUM ('sad', 'very, very | happy'); CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0)});
$etl->sql('CREATE TABLE wide (' . join(', ', map { "$_->[0] $_->[1]" } @columns) . ')');
$etl->sql('CREATE TABLE back (LIKE wide)');
$etl->sql("INSERT INTO wide VALUES\n" . join(",\n", @rows));
is($etl->sql('SELECT count(*) FROM wide'), $id, "$id rows");

# Unload the rows that meet a condition, in a transaction of its own: '' or the error. Then load them: 'same', what differs, or
# the error.
$etl->sql(q{
	CREATE FUNCTION out_(condition text, target text, options text, names text[]) RETURNS text LANGUAGE plpgsql AS $f$
	BEGIN
		PERFORM etl.execute_statement(format('UNLOAD ($$SELECT %s FROM wide WHERE %s ORDER BY id$$) TO %L IAM_ROLE default %s',
			array_to_string(names, ', '), condition, target, options));
		RETURN '';
	EXCEPTION WHEN OTHERS THEN RETURN 'UNLOAD: ' || SQLSTATE || ' ' || SQLERRM;
	END$f$;
	CREATE FUNCTION in_(condition text, source text, options text, names text[]) RETURNS text LANGUAGE plpgsql AS $f$
	DECLARE
		different text; columns text;
	BEGIN
		TRUNCATE back;
		PERFORM etl.execute_statement(format('COPY back (%s) FROM %L IAM_ROLE default %s', array_to_string(names, ', '), source, options));
		-- row by row first: column by column takes its time
		EXECUTE format($q$SELECT concat('sent ', sent.row, ', got ', got.row) FROM (SELECT id, wide::text AS row FROM wide WHERE %s) sent FULL JOIN (SELECT id, back::text AS row FROM back) got
			USING (id) WHERE sent.row IS DISTINCT FROM got.row LIMIT 1$q$, condition) INTO different;
		IF different IS NULL THEN
			RETURN 'same, ' || (SELECT count(*) FROM back) || ' rows';
		END IF;
		EXECUTE format($q$SELECT string_agg(concat(id, ' ', name, ': sent ', was, ', got ', now), ' / ') FROM (
			SELECT id, name, to_json(sent.wide) ->> name AS was, to_json(got.back) ->> name AS now
			FROM (SELECT id, wide FROM wide WHERE %s) sent FULL JOIN (SELECT id, back FROM back) got USING (id),
				unnest(%L::text[]) name
			WHERE to_json(sent.wide) ->> name IS DISTINCT FROM to_json(got.back) ->> name
				OR (name = 'j' AND ((sent.wide).j IS NULL) <> ((got.back).j IS NULL)) ORDER BY 1 LIMIT 6) rows$q$, condition, names) INTO columns;
		RETURN coalesce(columns, different);
	EXCEPTION WHEN OTHERS THEN RETURN 'COPY: ' || SQLSTATE || ' ' || SQLERRM;
	END$f$});

# --- Options, and what goes with them
my %factors = (
	format => [ 'text', 'escape', 'addquotes', 'both', 'csv', 'json', 'fixedwidth' ],
	compression => [ '', 'GZIP', 'BZIP2', 'ZSTD' ],
	header => [ 0, 1 ],
	delimiter => [ '', ',', '\t', '^', '~', ';', '||' ],
	null => [ undef, '', '\N', 'NULL', '~~' ],
	manifest => [ '', 'MANIFEST', 'MANIFEST VERBOSE' ],
	parallel => [ '', 'PARALLEL OFF', 'PARALLEL ON' ],
	overwrite => [ '', 'ALLOWOVERWRITE' ]);
my @factors = sort keys %factors;

# The factors a format has not are as if they weren't given.
sub fits
{
	my ($choice) = @_;
	# refused: written, it would be two fields
	return 0 if $choice->{delimiter} ne '' && index($choice->{null} // '', $choice->{delimiter}) >= 0;
	return !(($choice->{format} eq 'json' && ($choice->{header} || $choice->{delimiter} ne '' || defined $choice->{null}))
		|| ($choice->{format} eq 'fixedwidth' && ($choice->{header} || $choice->{delimiter} ne '')));
}

# Choices such that each pair of two factors' values that can be together is in one of them.
sub all_pairs
{
	my (%open, @chosen);
	foreach my $f (0 .. $#factors)
	{
		foreach my $g ($f + 1 .. $#factors)
		{
			foreach my $v (0 .. $#{ $factors{ $factors[$f] } })
			{
				foreach my $w (0 .. $#{ $factors{ $factors[$g] } }) { $open{"$f=$v $g=$w"} = 1; }
			}
		}
	}
	my $pairs = sub {
		my @at = @_;
		my @found;
		foreach my $f (0 .. $#at) { push @found, map { "$f=$at[$f] $_=$at[$_]" } $f + 1 .. $#at; }
		return grep { $open{$_} } @found;
	};
	for (my $idle = 0; $idle < 50;)
	{
		my ($best, @best_pairs);
		foreach (1 .. 60)
		{
			my @at = map { int rand @{ $factors{$_} } } @factors;
			my %choice = map { $factors[$_] => $factors{ $factors[$_] }[ $at[$_] ] } 0 .. $#at;
			next unless fits(\%choice);
			my @new = $pairs->(@at);
			($best, @best_pairs) = (\%choice, @new) if @new > @best_pairs;
		}
		$idle = $best ? 0 : $idle + 1;
		next unless $best;
		delete @open{@best_pairs};
		push @chosen, $best;
	}
	return @chosen;
}

my $widths = join(',', map { "$_:300" } grep { $_ ne 'y' } @names);
my $all_text = "concat_ws(chr(1), " . join(', ', map { "wide.$_\::text" } @names) . ')';
my @string_columns = ('c', 'v', 'x');

# Which rows can come back, as SQL, and why the others can't.
sub condition
{
	my ($choice) = @_;
	my $format = $choice->{format};
	my $delimiter = $choice->{delimiter} eq '\t' ? "\t" : $choice->{delimiter} eq '' ? '|' : $choice->{delimiter};
	my $null = $choice->{null} // '';
	my @conditions = ($choice->{rows} // 'true');
	my $none = sub { my ($test) = @_; push @conditions, map { "coalesce(NOT ($test), true)" =~ s/\?/$_/gr } @string_columns; };

	# an empty field is NULL in all but strings, and JSON's null in every column
	push @conditions, 'coalesce(octet_length(wide.y), 1) > 0';
	push @conditions, q{wide.j IS DISTINCT FROM 'null'} if $format eq 'json';
	# nothing escapes these: the field would end there
	push @conditions, "strpos($all_text, " . literal(substr($delimiter, 0, 1)) . ') = 0' if $format eq 'text';
	push @conditions, "strpos($all_text, " . literal("\"$delimiter") . ') = 0' if $format eq 'addquotes';
	$none->("? ~ '[\\n\\r]'") if $format eq 'text' || $format eq 'addquotes';
	# the very text that stands for NULL, where neither quotes nor an escape tell it
	$none->('?::text = ' . literal($null)) if $format eq 'text' || (($format eq 'escape' || $format eq 'csv') && $null eq '');
	if ($format eq 'fixedwidth')
	{
		# lines, and blanks, which fill the fields up; NULL is blank and so is an empty string
		push @conditions, "wide.y IS NULL";
		$none->("? ~ '[\\n\\r]' OR ? ~ '[ \\t]\$' OR ? = ''");
		$none->('btrim(?::text) = ' . literal($null eq '' ? '\\N' : $null));
	}
	return join(' AND ', @conditions);
}

sub unload_options
{
	my ($choice) = @_;
	my %format = (text => '', escape => 'ESCAPE', addquotes => 'ADDQUOTES', both => 'ADDQUOTES ESCAPE', csv => 'CSV', json => 'JSON',
		fixedwidth => "FIXEDWIDTH '" . $widths . "'");
	return join(' ', $format{ $choice->{format} }, $choice->{compression}, $choice->{header} ? 'HEADER' : '',
		$choice->{delimiter} ne '' ? "DELIMITER AS '$choice->{delimiter}'" : '', defined $choice->{null} ? "NULL AS '$choice->{null}'" : '',
		$choice->{manifest}, $choice->{parallel}, $choice->{overwrite}) =~ s/^ +| +(?= |$)//gr;
}

sub copy_options
{
	my ($choice) = @_;
	my %format = (text => '', escape => 'ESCAPE', addquotes => 'REMOVEQUOTES', both => 'REMOVEQUOTES ESCAPE', csv => 'CSV', json => "JSON 'auto'",
		fixedwidth => "FIXEDWIDTH '" . $widths . "' TRIMBLANKS BLANKSASNULL");
	my $lines = $choice->{format} ne 'json' && $choice->{format} ne 'fixedwidth';
	return join(' ', $format{ $choice->{format} }, $choice->{compression}, $choice->{header} ? 'IGNOREHEADER 1' : '',
		$choice->{delimiter} ne '' ? "DELIMITER AS '$choice->{delimiter}'" : '',
		$lines || defined $choice->{null} && $choice->{null} ne '' ? "NULL AS '" . ($choice->{null} // '') . "'" : '',
		$choice->{manifest} ne '' ? 'MANIFEST' : '') =~ s/^ +| +(?= |$)//gr;
}

# bytea isn't for fields of fixed width.
sub columns_of { my ($choice) = @_; return '{' . join(',', grep { $choice->{format} ne 'fixedwidth' || $_ ne 'y' } @names) . '}'; }

# Unload and load back by each of these choices, numbered from $first; at least so many rows must come.
sub round_trips
{
	my ($first, $least, @choices) = @_;
	my $script = "SET TimeZone = 'America/New_York'; SET client_min_messages = warning;\n";

	foreach my $n (0 .. $#choices)
	{
		my ($choice, $condition) = ($choices[$n], literal(condition($choices[$n])));
		my $target = 's3://trip/' . ($first + $n) . '/';
		$script .= "SELECT 'out $n ' || out_($condition, '$target', " . literal(unload_options($choice)) . ", '" . columns_of($choice) . "');\n";
		$script .= "SELECT 'in $n ' || in_($condition, '$target" . ($choice->{manifest} ne '' ? 'manifest' : '') . "', " . literal(copy_options($choice)) . ", '" . columns_of($choice) . "');\n";
	}
	my %said = map { /^((?:in|out) \d+) (.*)$/s ? ($1 => $2) : () } split /\n(?=in |out )/, $etl->sql($script);
	foreach my $n (0 .. $#choices)
	{
		my $what = unload_options($choices[$n]);
		is($said{"out $n"}, '', "UNLOAD $what") or next;
		my ($same) = ($said{"in $n"} // '') =~ /^same, (\d+) rows/;
		ok($same && $same >= $least, 'COPY ' . copy_options($choices[$n]) . ', ' . ($same // 'no') . ' rows') or diag($said{"in $n"});
	}
}

my @choices = all_pairs();
note(scalar(@choices) . ' choices');
round_trips(0, 40, @choices);

# --- What can't come back, and why: [why, row's values, options of UNLOAD, of COPY, what is said]
my @lost = (
	[ 'text without ESCAPE ends a field at a delimiter', { x => 'a|b' }, '', "NULL AS ''", qr/^COPY: 22/ ],
	[ 'text without ESCAPE ends a row at a line end', { x => "a\nb" }, '', "NULL AS ''", qr/^COPY: 22P04/ ],
	[ 'ADDQUOTES without ESCAPE ends a field at a quote and a delimiter', { x => 'a"|b' }, 'ADDQUOTES', "REMOVEQUOTES NULL AS ''", qr/^COPY: 22/ ],
	[ 'ADDQUOTES without ESCAPE has no line ends', { x => "a\nb" }, 'ADDQUOTES', "REMOVEQUOTES NULL AS ''", qr/^COPY: 22P04/ ],
	[ 'in text an empty string is what NULL is written as', { x => '' }, 'ESCAPE', "ESCAPE NULL AS ''", qr/^\d+ x: sent , got $/ ],
	[ 'and NULL an empty string', { i4 => 1 }, 'ESCAPE', 'ESCAPE', qr/^\d+ c: .* \d+ v: sent , got  \/ \d+ x: sent , got $/ ],
	[ 'in CSV, too', { v => '' }, 'CSV', "CSV NULL AS ''", qr/^\d+ v: sent , got $/ ],
	[ 'in text a string that is the NULL string is NULL', { x => 'NULL' }, "NULL AS 'NULL'", "NULL AS 'NULL'", qr/^\d+ x: sent NULL, got $/ ],
	[ 'an empty bytea is an empty field', { y => '\\x' }, 'CSV', 'CSV', qr/^\d+ .*y: sent \\x, got $/ ],
	[ "SUPER's null is NULL in JSON", { j => 'null' }, 'JSON', "JSON 'auto'", qr/^\d+ j: sent , got $/ ],
	[ 'fixed width fills up with blanks', { x => 'a ' }, "FIXEDWIDTH '$widths'", "FIXEDWIDTH '$widths' TRIMBLANKS BLANKSASNULL", qr/^\d+ x: sent a , got a$/ ],
	[ 'fixed width has blanks for NULL', { x => '' }, "FIXEDWIDTH '$widths'", "FIXEDWIDTH '$widths' TRIMBLANKS BLANKSASNULL", qr/^\d+ x: sent , got $/ ],
	[ 'fixed width ends a row at a line end', { x => "a\nb" }, "FIXEDWIDTH '$widths'", "FIXEDWIDTH '$widths' TRIMBLANKS", qr/^COPY: 22/ ],
	[ 'fixed width has no room for more', { x => 'x' x 301 }, "FIXEDWIDTH '$widths'", '', qr/^UNLOAD: 22001/ ],
	[ 'the delimiter is part of the NULL string', {}, "CSV DELIMITER '~' NULL '~~'", '', qr/^UNLOAD: 22023 null string must not contain the delimiter/ ]);
my $n = @choices;
foreach my $lost (@lost)
{
	my ($why, $given, $unload, $copy, $pattern) = @$lost;
	my ($row, $target, $choice) = (++$id, 's3://trip/' . ++$n . '/', { format => $unload =~ /FIXED/ ? 'fixedwidth' : '' });
	$etl->sql('INSERT INTO wide VALUES ' . row($row, %$given));
	my @both = split /\n(?=in |out )/, $etl->sql(q{SET client_min_messages = warning;} . "SELECT 'out ' || out_('id = $row', '$target', " . literal($unload) . ", '" . columns_of($choice) . "');
		SELECT 'in ' || in_('id = $row', '$target', " . literal($copy) . ", '" . columns_of($choice) . "')");
	like($both[0] eq 'out ' ? $both[1] =~ s/^in //r : $both[0] =~ s/^out //r, $pattern, $why);
}

# --- The same where files are so large that a process of its own reads them
my $copied = join(', ', map { $_ eq 'x' ? q{concat(x, repeat('→x', 130))} : $_ } grep { $_ ne 'id' } @names);
$etl->sql("INSERT INTO wide SELECT id + 1000 * i, $copied FROM wide, generate_series(1, 60) i WHERE octet_length(coalesce(x, '')) < 300");
round_trips(1000, 500, map { { format => $_, compression => '', header => $_ ne 'json' && $_ ne 'fixedwidth', delimiter => '', null => $_ eq 'json' ? undef : '~~',
	manifest => '', parallel => '', overwrite => '', rows => $_ eq 'fixedwidth' ? 'wide.id BETWEEN 1000 AND 5000' : 'wide.id >= 1000' } } @{ $factors{format} });
is($etl->sql(q{SELECT count(*) FILTER (WHERE bytes >= 4 * 1024 * 1024) FROM (SELECT bytes FROM etl.load_history ORDER BY load_id DESC LIMIT 7) l}), 7, 'which were large');
done_testing();

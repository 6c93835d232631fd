# UNLOAD and then COPY with the matching options give the same table: for every type, with the values that hurt, and for
# every pair of options, partitions and several files of a size among them. What can't come back is listed here with the reason,
# and shown not to. ETL_SEED repeats a run.
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
	dm => [ 2, 100 ],
	q => [ 1, -2, 3 ]);
my @columns = ([ id => 'int NOT NULL' ], [ b => 'bool' ], [ i2 => 'int2' ], [ i4 => 'int' ], [ i8 => 'bigint' ], [ n => 'numeric(38,10)' ],
	[ anynum => 'numeric' ], [ f4 => 'real' ], [ f8 => 'double precision' ], [ c => 'char(12)' ], [ v => 'varchar(200)' ], [ x => 'text' ],
	[ d => 'date' ], [ tm => 'time' ], [ tz => 'timetz' ], [ ts => 'timestamp' ], [ tsz => 'timestamptz' ], [ tsz0 => 'timestamptz(0)' ],
	[ y => 'bytea' ], [ j => 'jsonb' ], [ js => 'json' ], [ a => 'int[]' ], [ ta => 'text[]' ], [ iv => 'interval' ], [ u => 'uuid' ], [ m => 'mood' ], [ dm => 'even' ], [ p => 'text' ], [ q => 'int' ]);
my @names = map { $_->[0] } @columns;

sub literal { my ($text) = @_; return 'NULL' unless defined $text; $text =~ s/(['\\])/$1$1/g; return "E'$text'"; }

# What names folders: p, with what these escape or could be taken for something else; NULL half the time, and q likewise.
my @folders = ('a', 'A', 'b', 'a/b', '/', '//', 'x=y', '=', '100%', '%', '%2F', 'a%2Fb', '%%', ' ', ' lead', 'trail ', 'in between', '.', '..', '../..', '-', '~', '&', '+',
	'a:b', '#', '*', '?', '{', ']', '^', "'", '"', '\\', "tab\t", "line\n", "\x01", "\x7f", 'é→😀', 'true', 'p=1', '0000_part_00', 'manifest', 'NULL');

# A row has a value in few columns, so that what one format can't carry leaves it the others' rows.
sub row
{
	my ($id, %given) = @_;
	$given{id} = $id;
	$given{p} //= $folders[ rand @folders ] if rand() < 0.5;
	$given{q} //= $values{q}[ rand @{ $values{q} } ] if rand() < 0.5;
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
push @rows, row(++$id, p => $_) foreach @folders, '';
foreach (1 .. 40)
{
	my %given;
	foreach my $name (keys %values) { $given{$name} = $values{$name}[ rand @{ $values{$name} } ] if rand() < 0.8; }
	$given{$_} = $strings[ rand @strings ] foreach 'v', 'x';
	push @rows, row(++$id, %given);
}
$etl->sql(q{CREATE TYPE mood AS ENUM ('sad', 'very, very | happy'); CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0)});
$etl->sql('CREATE TABLE wide (' . join(', ', map { "$_->[0] $_->[1]" } @columns) . ')');
$etl->sql('CREATE TABLE back (LIKE wide); CREATE TABLE part (LIKE wide); ALTER TABLE part ALTER id DROP NOT NULL');
$etl->sql("INSERT INTO wide VALUES\n" . join(",\n", @rows));
is($etl->sql('SELECT count(*) FROM wide'), $id, "$id rows");

# Unload the rows that meet a condition, in a transaction of its own: '' or the error. See how large the files are. Then load them: 'same', what differs, or the error. What only the folders' names say (columns `folders`) is taken from these,
# a folder at a time; a manifest has all in one, and then it isn't looked at.
$etl->sql(q{
	CREATE FUNCTION out_(condition text, target text, options text, names text[]) RETURNS text LANGUAGE plpgsql AS $f$
	BEGIN
		PERFORM etl.execute_statement(format('UNLOAD ($$SELECT %s FROM wide WHERE %s ORDER BY id$$) TO %L IAM_ROLE default %s',
			array_to_string(names, ', '), condition, target, options));
		RETURN '';
	EXCEPTION WHEN OTHERS THEN RETURN 'UNLOAD: ' || SQLSTATE || ' ' || SQLERRM;
	END$f$;
	CREATE FUNCTION files_(target text, most bigint) RETURNS text LANGUAGE sql AS $f$
		SELECT count(*) || ' files' || coalesce(', too large: ' || string_agg(uri || ' ' || size, ', ') FILTER (WHERE size > most), '') FROM etl.s3_list(target)$f$;
	CREATE FUNCTION unescape(folder text) RETURNS text LANGUAGE sql AS $f$
		SELECT coalesce(convert_from(string_agg(CASE WHEN m[1] ~ '^%' THEN decode(substr(m[1], 2), 'hex') ELSE convert_to(m[1], 'UTF8') END, '' ORDER BY n), 'UTF8'), '')
			FROM regexp_matches(folder, '%[0-9A-F]{2}|[^%]+', 'g') WITH ORDINALITY piece (m, n)$f$;
	CREATE FUNCTION copy_(source text, options text, names text[], folders text[]) RETURNS void LANGUAGE plpgsql AS $f$
	DECLARE
		folder text; pair text;
		files constant text[] = ARRAY(SELECT name FROM unnest(names) name WHERE name <> ALL (folders));
	BEGIN
		TRUNCATE back;
		IF folders = '{}' THEN
			PERFORM etl.execute_statement(format('COPY back (%s) FROM %L IAM_ROLE default %s', array_to_string(names, ', '), source, options));
			RETURN;
		END IF;
		FOR folder IN SELECT DISTINCT CASE WHEN options ~ 'MANIFEST' THEN source ELSE regexp_replace(uri, '[^/]*$', '') END FROM etl.s3_list(source) LOOP
			TRUNCATE part;
			PERFORM etl.execute_statement(format('COPY part (%s) FROM %L IAM_ROLE default %s', array_to_string(files, ', '), folder, options));
			FOREACH pair IN ARRAY string_to_array(trim('/' FROM substr(folder, length(source) + 1)), '/') LOOP
				EXECUTE format('UPDATE part SET %I = %L', split_part(pair, '=', 1),
					nullif(unescape(substr(pair, strpos(pair, '=') + 1)), '__HIVE_DEFAULT_PARTITION__'));
			END LOOP;
			IF options ~ 'MANIFEST' THEN
				UPDATE part SET (p, q) = (SELECT wide.p, wide.q FROM wide WHERE id = part.id);
			END IF;
			INSERT INTO back TABLE part;
		END LOOP;
	END$f$;
	CREATE FUNCTION in_(condition text, source text, options text, names text[], folders text[] = '{}') RETURNS text LANGUAGE plpgsql AS $f$
	DECLARE
		different text; columns text;
	BEGIN
		PERFORM copy_(source, options, names, folders);
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
	partition => [ '', 'PARTITION BY (p)', 'PARTITION BY (q, p) INCLUDE', 'PARTITION BY (id)', 'PARTITION BY (id) INCLUDE' ],
	maxfilesize => [ '', 'MAXFILESIZE 5 MB' ],
	extension => [ '', q{EXTENSION 'data'} ],
	overwrite => [ '', 'ALLOWOVERWRITE', 'CLEANPATH' ]);

# The factors a format has not are as if they weren't given.
sub fits
{
	my ($choice) = @_;
	# refused: written, it would be two fields
	return 0 if $choice->{partition} eq 'PARTITION BY (id)' && $choice->{manifest} ne '';    # nothing would say which row is which
	return 0 if $choice->{delimiter} ne '' && index($choice->{null} // '', $choice->{delimiter}) >= 0;
	return !(($choice->{format} eq 'json' && ($choice->{header} || $choice->{delimiter} ne '' || defined $choice->{null}))
		|| ($choice->{format} eq 'fixedwidth' && ($choice->{header} || $choice->{delimiter} ne '')));
}

# Choices such that each pair of two factors' values that can be together is in one of them.
sub all_pairs
{
	my (%factors) = @_;
	my @factors = sort keys %factors;
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

# The columns that folders' names have and files don't.
sub folder_columns
{
	my ($choice) = @_;
	my ($columns, $include) = ($choice->{partition} // '') =~ /\((.*)\)( INCLUDE)?/ or return ();
	return $include ? () : split(/, /, $columns);
}

# bytea isn't for fields of fixed width.
sub columns_of { my ($choice) = @_; return grep { $choice->{format} ne 'fixedwidth' || $_ ne 'y' } @names; }

sub file_columns
{
	my ($choice) = @_;
	my %left_out = map { $_ => 1 } folder_columns($choice);
	return grep { !$left_out{$_} } columns_of($choice);
}
sub widths { my ($choice) = @_; return join(',', map { $_ eq 'x' ? 'x:800' : "$_:300" } file_columns($choice)); }

# Which rows can come back, as SQL, and why the others can't.
sub condition
{
	my ($choice) = @_;
	my $format = $choice->{format};
	my $delimiter = $choice->{delimiter} eq '\t' ? "\t" : $choice->{delimiter} eq '' ? '|' : $choice->{delimiter};
	my $null = $choice->{null} // '';
	my @conditions = ($choice->{rows} // 'true');
	my @string_columns = grep { /^(?:c|v|x|p)$/ } file_columns($choice);
	my $all_text = 'concat_ws(chr(1), ' . join(', ', map { "wide.$_\::text" } file_columns($choice)) . ')';
	my $none = sub { my ($test) = @_; push @conditions, map { "coalesce(NOT ($test), true)" =~ s/\?/$_/gr } @string_columns; };

	# as a folder's name an empty string is NULL
	push @conditions, q{wide.p IS DISTINCT FROM ''} if grep { $_ eq 'p' } folder_columns($choice);

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
		fixedwidth => "FIXEDWIDTH '" . widths($choice) . "'");
	return join(' ', $format{ $choice->{format} }, $choice->{partition}, $choice->{maxfilesize}, $choice->{extension}, $choice->{compression}, $choice->{header} ? 'HEADER' : '',
		$choice->{delimiter} ne '' ? "DELIMITER AS '$choice->{delimiter}'" : '', defined $choice->{null} ? "NULL AS '$choice->{null}'" : '',
		$choice->{manifest}, $choice->{parallel}, $choice->{overwrite}) =~ s/^ +| +(?= |$)//gr;
}

sub copy_options
{
	my ($choice) = @_;
	my %format = (text => '', escape => 'ESCAPE', addquotes => 'REMOVEQUOTES', both => 'REMOVEQUOTES ESCAPE', csv => 'CSV', json => "JSON 'auto'",
		fixedwidth => "FIXEDWIDTH '" . widths($choice) . "' TRIMBLANKS BLANKSASNULL");
	my $lines = $choice->{format} ne 'json' && $choice->{format} ne 'fixedwidth';
	return join(' ', $format{ $choice->{format} }, $choice->{compression}, $choice->{header} ? 'IGNOREHEADER 1' : '',
		$choice->{delimiter} ne '' ? "DELIMITER AS '$choice->{delimiter}'" : '',
		$lines || defined $choice->{null} && $choice->{null} ne '' ? "NULL AS '" . ($choice->{null} // '') . "'" : '',
		$choice->{manifest} ne '' ? 'MANIFEST' : '') =~ s/^ +| +(?= |$)//gr;
}

sub array { return '{' . join(',', @_) . '}'; }

my $most_files = 0;

# Unload and load back by each of these choices, numbered from $first; at least so many rows must come.
sub round_trips
{
	my ($first, $least, @choices) = @_;
	my $script = "SET TimeZone = 'America/New_York'; SET client_min_messages = warning;\n";

	foreach my $n (0 .. $#choices)
	{
		my ($choice, $condition) = ($choices[$n], literal(condition($choices[$n])));
		my $target = 's3://trip/' . ($first + $n) . '/';
		$script .= "SELECT 'out $n ' || out_($condition, '$target', " . literal(unload_options($choice)) . ", '" . array(columns_of($choice)) . "');\n";
		$script .= "SELECT 'files $n ' || files_('$target', " . ($choices[$n]{maxfilesize} ne '' ? 5 << 20 : 6657199309) . ");\n";
		$script .= "SELECT 'in $n ' || in_($condition, '$target" . ($choice->{manifest} ne '' ? 'manifest' : '') . "', " . literal(copy_options($choice)) . ", '" . array(columns_of($choice)) . "', '" . array(folder_columns($choice)) . "');\n";
	}
	my %said = map { /^((?:in|out|files) \d+) (.*)$/s ? ($1 => $2) : () } split /\n(?=in |out |files )/, $etl->sql($script);
	foreach my $n (0 .. $#choices)
	{
		my $what = unload_options($choices[$n]);
		is($said{"out $n"}, '', "UNLOAD $what") or next;
		my ($files) = $said{"files $n"} =~ /^(\d+) files$/;
		ok($files && $files >= ($choices[$n]{files} // 1), "$what: " . ($files // 'too large')) or diag($said{"files $n"});
		$most_files = $files if ($files // 0) > $most_files;
		my ($same) = ($said{"in $n"} // '') =~ /^same, (\d+) rows/;
		ok($same && $same >= $least, 'COPY ' . copy_options($choices[$n]) . ', ' . ($same // 'no') . ' rows') or diag($said{"in $n"});
	}
}

my @choices = all_pairs(%factors);
note(scalar(@choices) . ' choices');
round_trips(0, 40, @choices);
cmp_ok($most_files, '>', 256, 'more partitions than are open at a time');

# --- Delimiters of what values are made of
my @delimiters = grep { $_ ne '"' && $_ ne "'" && $_ ne '\\' && $_ ne '~' } map { chr } 32 .. 126;
round_trips(500, 40, map { { format => ord($delimiters[$_]) % 2 ? 'csv' : 'escape', delimiter => $delimiters[$_], null => '~~', header => 1, rows => 'wide.id < 250',
	map { $_ => '' } qw(compression manifest parallel partition maxfilesize extension overwrite) } } 0 .. $#delimiters);

# --- Partitions by a column of each type that may name them, and by one whose name has what folders' names escape
foreach my $name (grep { !/^(?:id|y|j|js|a|ta)$/ } @names)
{
	$etl->sql(qq{SET TimeZone = 'America/New_York'; SELECT etl.execute_statement(\$\$UNLOAD ('SELECT id, $name FROM wide') TO 's3://trip/by/$name/' IAM_ROLE default PARTITION BY ($name)\$\$)});
	is($etl->sql(qq{SET TimeZone = 'America/New_York'; SELECT copy_('s3://trip/by/$name/', '', '{id,$name}', '{$name}');
		SELECT count(*) FROM (SELECT id, nullif($name\::text, '') FROM wide EXCEPT SELECT id, $name\::text FROM back) missing}), "\n0", "partitions by $name");
}
$etl->sql(q{SELECT etl.execute_statement($$UNLOAD ('SELECT 1 AS one, 2 AS "a=b/é %"') TO 's3://trip/odd/' IAM_ROLE default PARTITION BY ("a=b/é %")$$)});
$etl->sql_is(q{SELECT uri FROM etl.s3_list('s3://trip/odd/')}, 's3://trip/odd/a%3Db%2Fé %25=2/0000_part_00', 'a column with a name like that');
$etl->sql(q{SELECT etl.execute_statement($$UNLOAD ($q$SELECT * FROM (VALUES (1, '__HIVE_DEFAULT_PARTITION__'), (2, NULL), (3, '')) v (one, p)$q$) TO 's3://trip/none/' IAM_ROLE default PARTITION BY (p)$$)});
$etl->sql_is(q{SELECT string_agg(uri, ' ') FROM etl.s3_list('s3://trip/none/')}, 's3://trip/none/p=__HIVE_DEFAULT_PARTITION__/0000_part_00', 'NULL, the empty string and the name of their partition are one');

# --- What can't come back, and why: [why, row's values, options of UNLOAD, of COPY, what is said]
my $widths = widths({ format => 'fixedwidth' });
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
	[ 'fixed width has no room for more', { x => 'x' x 801 }, "FIXEDWIDTH '$widths'", '', qr/^UNLOAD: 22001/ ],
	[ 'the delimiter is part of the NULL string', {}, "CSV DELIMITER '~' NULL '~~'", '', qr/^UNLOAD: 22023 null string must not contain the delimiter/ ]);
my $n = 700;
foreach my $lost (@lost)
{
	my ($why, $given, $unload, $copy, $pattern) = @$lost;
	my ($row, $target, $choice) = (++$id, 's3://trip/' . ++$n . '/', { format => $unload =~ /FIXED/ ? 'fixedwidth' : '' });
	$etl->sql('INSERT INTO wide VALUES ' . row($row, p => 'a', q => 1, %$given));
	my @both = split /\n(?=in |out )/, $etl->sql(q{SET client_min_messages = warning;} . "SELECT 'out ' || out_('id = $row', '$target', " . literal($unload) . ", '" . array(columns_of($choice)) . "');
		SELECT 'in ' || in_('id = $row', '$target', " . literal($copy) . ", '" . array(columns_of($choice)) . "')");
	like($both[0] eq 'out ' ? $both[1] =~ s/^in //r : $both[0] =~ s/^out //r, $pattern, $why);
}

# --- The same where files are so large that a process of its own reads them, and that there are several of each
my $noise = q{(SELECT translate(string_agg(encode(sha512(concat(id, ' ', i, ' ', n)::bytea), 'base64'), ''), E'\n', '') FROM generate_series(1, 6) n)};
my $copied = join(', ', map { $_ eq 'x' ? "concat(x, $noise)" : $_ } grep { $_ ne 'id' } @names);
$etl->sql("INSERT INTO wide SELECT id + 1000 * i, $copied FROM wide, generate_series(1, 60) i WHERE octet_length(coalesce(x, '')) < 200");
my %some = (delimiter => '', extension => '', overwrite => '', maxfilesize => 'MAXFILESIZE 5 MB');
my ($formats, $compressions) = @factors{qw(format compression)};
@choices = map { { %some, format => 'csv', compression => $_, partition => '', header => 1, null => '~~', manifest => 'MANIFEST', parallel => '', files => 2, rows => 'wide.id >= 1000' } } @$compressions;
foreach my $i (0 .. $#$formats)
{
	my $format = $formats->[$i];
	my $partition = [ '', 'PARTITION BY (p)', 'PARTITION BY (q, p) INCLUDE' ]->[ ($i + $seed / 4) % 3 ];
	push @choices, { %some, format => $format, compression => $compressions->[ ($i + $seed) % @$compressions ], partition => $partition,
		header => $format ne 'json' && $format ne 'fixedwidth', null => $format eq 'json' ? undef : '~~', manifest => $partition =~ /p\)$/ ? 'MANIFEST' : '',
		parallel => '', rows => 'wide.id BETWEEN 1000 AND ' . ($format eq 'fixedwidth' ? 4000 : 45000) };
}
round_trips(1000, 400, @choices);
cmp_ok($etl->sql(q{SELECT count(*) FROM etl.load_history WHERE bytes >= 4 * 1024 * 1024}), '>=', 10, 'loads that were large');
done_testing();

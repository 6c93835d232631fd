# PostgreSQL's own COPY of objects. Any bytes, under any of its options, are the same rows as in a file of the server, or an
# error in both; also through the extended protocol, in functions, for a user, where the extension isn't created, and beside
# pg_stat_statements. ETL_SEED repeats a run, ETL_COPY_INPUTS says how many inputs there are.
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

# ---- generated inputs: what is in them is what the options at hand make special, so that most are near an edge
my @dialects = (
	[ q{FORMAT csv}, ',', '"', '"' ],
	[ q{FORMAT csv, HEADER}, ',', '"', '"' ],
	[ q{FORMAT csv, QUOTE '''', ESCAPE '\', DELIMITER ';', NULL 'n'}, ';', "'", '\\', 'n' ],
	[ q{FORMAT csv, ESCAPE '\', NULL '\n', FORCE_NULL (a), FORCE_NOT_NULL (b)}, ',', '"', '\\', '\\n' ],
	[ q{FORMAT csv, QUOTE '\', ESCAPE ',', NULL ' '}, ',', '\\', ',', ' ' ],
	[ q{FORMAT csv, NULL 'ab', FORCE_NULL (a, b)}, ',', '"', '"', 'ab' ],
	[ q{FORMAT text}, "\t", '\\', '\\', '\\N' ],
	[ q{FORMAT text, HEADER}, "\t", '\\', '\\', '\\N' ],
	[ q{FORMAT text, DELIMITER 'A', NULL 'x'}, 'A', '\\', '\\', 'x', '\\x41', '\\xA', 'A' ],
	[ q{FORMAT text, DELIMITER '"', NULL ''}, '"', '\\', '\\', '' ]);
my @atoms = ('a', 'b', 'é', ' ', '.', '\\', '"', ',', "\t", "\r", "\n", "\r\n", '\\.', '\\N', '\\n', '\\b\\f\\v', '\\101', '\\7', '\\x4', '\\xq', '\\x');
my @line_ends = ("\n", "\r\n", "\r");

sub field
{
	my (undef, $delimiter, $quote, $escape, @others) = @_;
	my $kind = rand();
	my @letters = ('a', 'b', ' ', 'é', $escape, @others);
	my $text = join('', map { $letters[rand @letters] } 1 .. rand(4));

	return $text if $kind < 0.4;
	return "$quote$text$delimiter\n$escape$quote$quote" if $kind < 0.5;
	return "$quote$text$quote" if $kind < 0.7;
	return "$text$quote$text$delimiter$quote" if $kind < 0.76;
	return join('', map { $atoms[rand @atoms] } 1 .. 1 + rand(4)) if $kind < 0.9;
	return $others[rand @others] // '';
}

sub input
{
	my ($dialect) = @_;
	my $delimiter = $dialect->[1];
	my $line_end = $line_ends[ rand() < 0.6 ? 0 : rand 3 ];
	my $text = '';

	return join('', map { $atoms[rand @atoms] } 1 .. rand(12)) if rand() < 0.1;
	foreach (1 .. 1 + rand(3))
	{
		$text .= join($delimiter, field(@$dialect), rand() < 0.98 ? field(@$dialect) : ());
		$text .= rand() < 0.97 ? $line_end : rand() < 0.5 ? $line_ends[rand 3] : '';
	}
	$text .= "\\.$line_end" . "a$delimiter$line_end" if rand() < 0.1;
	$text =~ s/[\r\n]+$// if rand() < 0.2;
	return $text;
}

my $count = $ENV{ETL_COPY_INPUTS} // 2000;
mkdir("$root/$_") or die foreach 'inputs';
my @inputs;
foreach my $number (0 .. $count - 1)
{
	push @inputs, input($dialects[ $number % @dialects ]);
	append_to_file("$root/inputs/$number.x", $inputs[-1]);
}
$etl->sql(q{CREATE TABLE t (a text, b text);
	CREATE TABLE compared (number int, ours text, theirs text);
	CREATE FUNCTION copied(command text) RETURNS text LANGUAGE plpgsql AS $$
	DECLARE answer text;
	BEGIN
		EXECUTE command;
		SELECT 'rows' || coalesce(string_agg(t::text, E'\n' ORDER BY t::text), '') INTO answer FROM t;
		DELETE FROM t;
		RETURN answer;
	EXCEPTION WHEN data_exception THEN
		RETURN 'error ' || SQLERRM;
	END $$});
my $quoted = join(', ', map { my $options = $_->[0]; $options =~ s/'/''/g; "'$options'" } @dialects);
$etl->sql(qq{SET client_min_messages = error;
	INSERT INTO compared SELECT i, copied(format('COPY t FROM %L (%s)', 's3://inputs/' || i || '.x', o)),
			copied(format('COPY t FROM %L (%s)', '$root/inputs/' || i || '.x', o))
		FROM generate_series(0, $count - 1) i, LATERAL (SELECT (ARRAY[$quoted])[i % @{[scalar @dialects]} + 1] AS o) d});
my $differ = $etl->sql(q{SELECT number FROM compared WHERE ours <> theirs AND NOT (ours ^@ 'error' AND theirs ^@ 'error') ORDER BY number});
foreach my $number ((split /\n/, $differ)[ 0 .. 9 ])
{
	last unless defined $number;
	(my $shown = $inputs[$number]) =~ s/([\r\n\t])/sprintf('<%02x>', ord $1)/ge;
	diag("$dialects[$number % @dialects][0]: $shown\n" . $etl->sql("SELECT ours, theirs FROM compared WHERE number = $number"));
}
is($differ, '', "$count inputs are to COPY of an object what they are to COPY of a file");
my ($rows, $errors) = split /\|/, $etl->sql(q{SELECT count(*) FILTER (WHERE ours ^@ 'rows'), count(*) FILTER (WHERE ours ^@ 'error') FROM compared});
note("$rows were loaded, $errors refused");
cmp_ok($rows, '>', $count / 4, 'many of them can be loaded');
cmp_ok($errors, '>', $count / 20, 'and some can not');

done_testing();

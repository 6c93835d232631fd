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
my $etl = EtlTest->new(conf => "shared_preload_libraries = 'pg_etl, pg_stat_statements'");
my $root = PostgreSQL::Test::Utils::tempdir;
$etl->sql("CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root')");

# ---- generated inputs: what is in them is what the options at hand make special, so that most are near an edge
my @dialects = (
	[ q{FORMAT csv}, ',', '"', '"' ],
	[ q{FORMAT csv, HEADER}, ',', '"', '"' ],
	[ q{FORMAT csv, QUOTE '''', ESCAPE '\', DELIMITER ';', NULL 'n'}, ';', "'", '\\', 'n' ],
	[ q{FORMAT csv, ESCAPE '\', NULL '\n', FORCE_NULL (a), FORCE_NOT_NULL (b)}, ',', '"', '\\', '\\n' ],
	[ q{FORMAT csv, QUOTE '\', ESCAPE ',', NULL ' '}, ',', '\\', ',', ' ' ],
	[ q{FORMAT csv, QUOTE '\'}, ',', '\\', '\\', '.' ],
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

# ---- the extended protocol, where a statement is parsed once and executed often
my $node = $etl->primary;
append_to_file("$root/inputs/rows", "1\ta\n2\tb\n3\tc\n");
$etl->sql(q{CREATE ROLE copier LOGIN; CREATE TABLE u (id int, name text); GRANT INSERT, SELECT ON u TO copier;
	SELECT etl.grant_author('copier'); GRANT USAGE ON FOREIGN SERVER aws TO copier});
foreach my $protocol ('simple', 'extended', 'prepared')
{
	$etl->sql('TRUNCATE u');
	$node->pgbench("-n -U copier -M $protocol -t 3", 0, [qr{processed: 3/3}], [qr/^(pgbench: .*\n)*$/], "$protocol protocol",
		{ "036_copy_$protocol" => qq{COPY u FROM 's3://inputs/rows' (SERVER 'aws') WHERE id > 1;
			COPY (SELECT id FROM u WHERE name = 'b' ORDER BY id) TO 's3://inputs/out/$protocol' WITH (FORMAT csv, ALLOWOVERWRITE);} });
	$etl->sql_is('SELECT count(*), sum(id) FROM u', '6|15', "$protocol: the rows are there");
	is(slurp_file("$root/inputs/out/$protocol"), "2\n2\n2\n", "$protocol: and the file");
}
SKIP:
{
	skip("no Python packages in $ENV{ETL_VENV}", 1) unless -e "$ENV{ETL_VENV}/requirements.txt";
	my $python = <<'PYTHON';
import psycopg, sys
with psycopg.connect(sys.argv[1]) as connection:
	for _ in range(2):
		cursor = connection.execute("COPY u FROM 's3://inputs/rows'", prepare=True)
		print(cursor.rowcount, cursor.statusmessage)
PYTHON
	my ($stdout, $stderr) = run_command([ "$ENV{ETL_VENV}/bin/python", '-c', $python, $node->connstr('postgres') . ' user=copier' ]);
	is("$stdout$stderr", "3 COPY 3\n3 COPY 3", 'psycopg: prepared, and how many rows there are');
}

# ---- in functions, whose plans are kept
append_to_file("$root/inputs/swapped", "a\t1\nb\t2\nc\t3\n");
$etl->sql(q{CREATE FUNCTION in_plpgsql() RETURNS bigint LANGUAGE plpgsql AS $$
	DECLARE n bigint;
	BEGIN
		COPY u (name, id) FROM 's3://inputs/swapped' WHERE id IN (1, 2);
		GET DIAGNOSTICS n = ROW_COUNT;
		EXECUTE 'COPY u FROM ' || quote_literal('s3://inputs/rows') || ' WHERE name = ''c''';
		COPY (SELECT ')', id FROM u ORDER BY id) TO 's3://inputs/out/plpgsql' (ALLOWOVERWRITE);
		RETURN n;
	END $$;
	CREATE FUNCTION in_sql() RETURNS bigint LANGUAGE sql AS $$
		COPY u FROM 's3://inputs/rows' WHERE id = 1; COPY (SELECT count(*) FROM u) TO 's3://inputs/out/sql' (ALLOWOVERWRITE);
		SELECT count(*) FROM u $$;
	CREATE PROCEDURE in_procedure() LANGUAGE plpgsql AS $$
	BEGIN
		COPY u FROM 's3://inputs/rows';
		COMMIT;
		COPY u FROM 's3://inputs/rows';
		ROLLBACK;
	END $$});
$etl->sql_is('SET ROLE copier; BEGIN; SELECT in_plpgsql(), in_plpgsql(); ROLLBACK', '2|2', 'in PL/pgSQL, for a user');
$etl->sql('TRUNCATE u');
$etl->sql_is('SELECT in_plpgsql(); SELECT in_sql(); SELECT in_sql()', "2\n4\n5", 'in PL/pgSQL and SQL');
is(slurp_file("$root/inputs/out/plpgsql"), ")\t1\n)\t2\n)\t3\n", 'and what PL/pgSQL wrote');
is(slurp_file("$root/inputs/out/sql"), "5\n", 'and SQL');
$etl->sql('TRUNCATE u; CALL in_procedure()');
$etl->sql_is('SELECT count(*) FROM u', '3', 'in a procedure that commits');

# ---- what is so large that a process beside the backend reads it
$etl->sql(q{COPY (SELECT i AS id, repeat('n', i % 30) AS name FROM generate_series(1, 250000) i) TO 's3://inputs/large' (FORMAT csv, HEADER)});
cmp_ok(-s "$root/inputs/large", '>', 4 * 1024 * 1024, 'a large file');
$etl->sql(q{TRUNCATE u; COPY u FROM 's3://inputs/large' (FORMAT csv, HEADER match) WHERE id % 2 = 0});
$etl->sql_is(q{SELECT count(*), (SELECT count(*) FROM (SELECT i, repeat('n', i % 30) FROM generate_series(2, 250000, 2) i EXCEPT ALL TABLE u) d) FROM u},
	'125000|0', 'with a header and a condition');
$etl->sql_fails(q{COPY u (name, id) FROM 's3://inputs/large' (FORMAT csv, HEADER match)}, 'with another header',
	qr/ERROR:  22P04: column name mismatch in header line field 1: got "id", expected "name"\nDETAIL:  File "s3:\/\/inputs\/large", line 1\./);
$etl->sql('TRUNCATE u');

# ---- pg_stat_statements sees what those execute that were loaded before it
$etl->sql(q{COPY u FROM 's3://inputs/rows'});
my $seen = q{SELECT calls, rows, query FROM pg_stat_statements WHERE query LIKE 'COPY u %' ORDER BY query};
$etl->sql('CREATE EXTENSION pg_stat_statements; SELECT pg_stat_statements_reset()');
$etl->sql(q{COPY u FROM 's3://inputs/rows'; COPY u TO 's3://inputs/out/seen'});
$etl->sql_is($seen, "1|3|COPY u FROM 's3://inputs/rows'\n1|6|COPY u TO 's3://inputs/out/seen'", 'loaded after pg_etl it sees COPY of objects');
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements, pg_etl'");
$node->restart;
$etl->sql('SELECT pg_stat_statements_reset()');
$etl->sql(qq{COPY u FROM 's3://inputs/rows'; COPY u FROM '$root/inputs/rows'});
$etl->sql_is($seen, "1|3|COPY u FROM '$root/inputs/rows'", 'loaded before it, that of files alone');

# ---- a database in another encoding, and one without the extension
$etl->sql(q{CREATE DATABASE latin ENCODING 'latin1' TEMPLATE template0 LC_COLLATE 'C' LC_CTYPE 'C'});
append_to_file("$root/inputs/latin", "n\xe9e\n\xe9\n");
$node->safe_psql('latin', qq{CREATE EXTENSION pg_etl; CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root');
	CREATE TABLE l (U&"n\\00E9e" text)});
$node->safe_psql('latin', q{COPY l FROM 's3://inputs/latin' (ENCODING 'latin1', HEADER match); COPY l TO 's3://inputs/out/latin' (ENCODING 'latin1', HEADER)});
is($node->safe_psql('latin', q{SELECT octet_length(l::text), l::text = '(' || chr(233) || ')' FROM l}), '3|t', 'in a database of the same encoding');
is(slurp_file("$root/inputs/out/latin"), "n\xe9e\n\xe9\n", 'which comes out again');
my (undef, undef, $refused) = $node->psql('latin', q{COPY l FROM 's3://inputs/latin' (ENCODING 'win1252')});
like($refused, qr/encoding "win1252" is not supported in a database whose encoding is "LATIN1"/, 'and no other');
foreach my $user ('copier', scalar getpwuid($<))
{
	foreach my $statement (q{COPY u FROM 's3://inputs/rows'}, q{COPY (SELECT 1) TO 'S3://inputs/x' (SECRET_ACCESS_KEY 'canary')})
	{
		my (undef, undef, $without) = $node->psql('template1', "\\set VERBOSITY verbose\n$statement", extra_params => [ '-U', $user ]);
		like($without, qr/ERROR:  42704: COPY .* needs extension pg_etl, which is not created in database "template1"\nHINT:  CREATE EXTENSION pg_etl\n/,
			"without the extension, as $user: $statement");
	}
}
unlike($etl->server_log, qr/canary/, 'and the log has no key');

done_testing();

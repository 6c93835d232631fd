# Parameters are where psql finds its variables: the same texts, with the same values, by psql itself and by etl.execute, do
# the same or fail alike.
use strict;
use warnings FATAL => 'all';

use FindBin;
use lib "$FindBin::Bin/lib";
use EtlTest;
use JSON::PP;
use Test::More;

my $etl = EtlTest->new;
my $node = $etl->primary;
$etl->sql('CREATE TABLE seen (what text)');

my %value = (n => '7', name => q{it's}, word => 'Mixed "case"', empty => '', back => q{a\\b'c}, 'größe' => '8', 9 => '10', n_2 => '11');
my @texts = (
	# where they are
	':n', q{:'name'}, q{:'n'}, q{(SELECT k FROM (SELECT 1 AS :"word") t, json_object_keys(row_to_json(t)) k)}, q{:'empty'}, q{:'back'},
	':n+:n', ':n:n', '1=:n', '(:n)', ':n::text', q{:'n'::int + 1}, ':größe', ':9', ':n_2', ":n\n+ :n", q{length(:'name')},
	':{?n}', ':{?unknown}', q{:'name'||:'name'}, q{E:'name'}, q{E :'name'}, q{U&:'n'},
	# where they aren't
	q{':n'}, q{'it''s :n'}, q{E'\\':n'}, q{E'\\\\' || :n}, q{e'\\':n'}, q{U&':n'}, q{B'1' || ':n'}, q{N':n'}, q{x'1f'::int::text || ':n'},
	'$$:n$$', '$q$:n $$ :n$q$', '$q$:n$q$ || :n', q{$$'$$ || :n}, q{'$$' || :n || '$$'}, q{(SELECT k FROM (SELECT 1 AS ":n") t, json_object_keys(row_to_json(t)) k)},
	"1 -- :n\n", "1 -- ' :n\n+ :n", '1 /* :n */', '1 /* :n /* :n */ :n */', '1 /* /* */ */ + :n', q{1 /* ' */ + :n}, q{'--' || :n}, q{'/*' || :n},
	"'a'\n':n'", "'a' -- '\n':n'", q{'a' ':n'},
	# what is no variable
	q{'1'::int}, q{'7'::n}, '1::text', '(ARRAY[1,2,3])[1:2]', '(ARRAY[1,2,3])[1:1+1]', '(ARRAY[1,2,3])[:n]', '(ARRAY[1,2,3])[1:n]', '(ARRAY[1,2,3,4,5,6,7])[2::n]',
	'(ARRAY[1,2,3])[1 : 2]', '(ARRAY[1,2,3])[\\:2]', '(ARRAY[1,2,3])[1\\:2]', '\\:n', ':unknown', q{:'unknown'}, q{:"unknown"}, ': n', q{: 'n'}, ':', q{:'n}, q{:'n"},
	':n$', ':-n', q{:'na me'}, q{:'n''n'}, ':{n}', ':{?n', ':{?}', 'a:=1', '1:2', q{:''}, '$1:n', 'x$y:n', 'x:n', '1:n', ':N');

# What a text leaves in the table, or the SQLSTATE it fails with.
sub outcome
{
	my ($done, $errors) = @_;
	my $seen = $node->safe_psql('postgres', 'SELECT string_agg(what, chr(10)) FROM seen; TRUNCATE seen');
	return $errors =~ /ERROR:\s+(\w{5})\b/ ? "error $1" : "seen $seen";
}

my @variables = map { ('-v', "$_=$value{$_}") } sort keys %value;
my $json = JSON::PP->new->encode(\%value);    # characters are bytes here, on both sides
foreach my $expression (@texts)
{
	my $text = "INSERT INTO seen SELECT ($expression\n)::text";
	my ($status, $stdout, $stderr) = $node->psql('postgres', "$text;\n", extra_params => [ '-v', 'VERBOSITY=sqlstate', '-v', 'ON_ERROR_STOP=0', @variables ]);
	my $psql = outcome($status, $stderr);
	my $quoted = join '', map { sprintf '%02x', ord } split //, $text;
	my $parameters = join '', map { sprintf '%02x', ord } split //, $json;
	($status, $stdout, $stderr) = $node->psql('postgres', "CALL etl.execute(convert_from('\\x$quoted', 'UTF8'), NULL, convert_from('\\x$parameters', 'UTF8')::jsonb)",
		extra_params => [ '-v', 'VERBOSITY=sqlstate' ]);
	is(outcome($status, $stderr), $psql, $expression =~ s/\n/\\n/gr);
}

# The differences: a backslash in a literal is Redshift's escape (docs/dialect.md); and psql reads what it has put in once more.
$etl->sql(q{CALL etl.execute($$INSERT INTO seen VALUES (:quoted)$$, NULL, '{"quoted": "$q$:n; ''$q$", "n": 7}')});
$etl->sql_is('SELECT what FROM seen', q{:n; '}, 'a value is not read again');

done_testing();

# The README's tour runs as it is pasted, and prints what the README says it prints; other pages' examples run.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use EtlTest;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

my $top = abs_path(dirname(__FILE__) . '/..');
my $readme = slurp_file("$top/README.md");
my @blocks = $readme =~ /^```sql\n(.*?)^```$/msg;
cmp_ok(scalar @blocks, '>', 5, 'the README has a tour');

my $etl = EtlTest->new;
my $node = $etl->primary;
my $root = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', 'CREATE DATABASE tour');

my $printed = '';
foreach my $block (@blocks)
{
	my ($first) = $block =~ /^(.{1,60})/;
	(my $here = $block) =~ s{/tmp/pg_etl_tour}{$root}g;
	my ($status, $stdout, $stderr) = $node->psql('tour', $here, on_error_stop => 1);
	is($status, 0, "runs: $first …") or diag($stderr);
	$printed .= "$stdout\n";
}

my ($drawing) = $readme =~ /^```\n(●.*?)^```$/ms;
ok(index($printed, $drawing) >= 0, 'the drawing is what it prints') or diag($printed);
is($node->safe_psql('tour', 'SELECT run_id, status, tasks_done, tasks_total FROM etl.run_status ORDER BY run_id'),
	"1|succeeded|5|5\n2|failed|5|5", 'one run succeeds, one fails');
is($node->safe_psql('tour', q{SELECT etl.s3_fetch_text('s3://tour/by_customer/000')}),
	"customer,total\nanna,109.50\nben,7.25\n", 'the report');
my $alerts = "FROM etl.local_message WHERE topic_arn LIKE '%:alerts'";
$node->poll_query_until('tour', "SELECT count(*) = 1 $alerts") or fail('the message comes');
like($node->safe_psql('tour', "SELECT message $alerts"), qr{s3://tour/orders/2026-11-21/},
	'and names what is missing');

# Pages that run from top to bottom, in one session. pg_cron is not installed here.
foreach my $page ('engine', 'schedules')
{
	my $root_of_page = PostgreSQL::Test::Utils::tempdir;
	my $text = slurp_file("$top/docs/$page.md");
	my $examples = join('', grep { !/import_pg_cron/ } $text =~ /^```sql\n(.*?)^```$/msg);

	$node->safe_psql('postgres', "CREATE DATABASE $page");
	$node->safe_psql($page, "CREATE EXTENSION pg_etl;
		CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root_of_page')");
	my ($status, $stdout, $stderr) = $node->psql($page, $examples, on_error_stop => 1);
	is($status, 0, "the examples of docs/$page.md run") or diag($stderr);
}

# The part on unloading, of a table that is there.
my ($part) = slurp_file("$top/docs/copy.md") =~ /^## Unloading\n(.*?)^## /ms;
my $lake = PostgreSQL::Test::Utils::tempdir;
$node->safe_psql('postgres', 'CREATE DATABASE unloading');
$node->safe_psql('unloading', "CREATE EXTENSION pg_etl; CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$lake');
	CREATE TABLE sales AS SELECT i AS saleid, NULLIF('name ' || i, 'name 3') AS name, date '2008-01-01' + i % 3 AS saledate FROM generate_series(1, 10) i");
my ($unloaded, undef, $problem) = $node->psql('unloading', join('', $part =~ /^```sql\n(.*?)^```$/msg), on_error_stop => 1);
is($unloaded, 0, 'the examples of unloading run') or diag($problem);
is($node->safe_psql('unloading', 'SELECT count(*), count(DISTINCT sales), count(DISTINCT saledate) FROM sales'), '20|10|3', 'and bring back what they unload');

done_testing();

# Schedules against an independent implementation: etl.next_runs and croniter agree on every clock change of 20 time
# zones in 30 years, on leap days, on random expressions; test/schedule/oracle.py lists where croniter is known to differ.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use EtlTest;
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

plan(skip_all => "no Python packages in $ENV{ETL_VENV}: scripts/setup-python failed")
  unless -e "$ENV{ETL_VENV}/requirements.txt";

my $etl = EtlTest->new;
my $oracle = abs_path(dirname(__FILE__)) . '/../test/schedule/oracle.py';
{
	local $ENV{PGHOST} = $etl->primary->host;
	local $ENV{PGPORT} = $etl->primary->port;
	my ($stdout, $stderr) = run_command([ "$ENV{ETL_VENV}/bin/python", '-B', $oracle ]);
	my @lines = split /\n/, $stdout;
	foreach my $line (@lines)
	{
		ok($1 eq '', $2) if $line =~ /^(not |)ok \d+ - (.*)/;
		diag($line) if $line =~ /^#/;
	}
	is($lines[-1], '1..' . (scalar grep { /^(not )?ok/ } @lines), 'the oracle came to its end');
	is($stderr, '', 'without a complaint');
}

# A speed that nothing near it can miss: 100,000 runs within a second.
my $start = time;
$etl->sql_is(q{SELECT count(*) FROM etl.next_runs('*/5 * * * *', 'Europe/Berlin', 100000)}, '100000', 'every five minutes');
$etl->sql_is(q{SELECT count(*) FROM etl.next_runs('30 2 * * *', 'Europe/Berlin', 50000, '2024-01-01')}, '50000', 'every day');
cmp_ok(time - $start, '<', 10, 'are quickly found');

done_testing();

# CSV and JSON against readers that are not ours: thousands of generated and mutated files are the same rows and values to
# Python's csv and json. test/format/format_property.py says where they are known to differ; it runs any number of files.
use strict;
use warnings FATAL => 'all';

use Cwd qw(abs_path);
use File::Basename;
use PostgreSQL::Test::Utils;
use Test::More;

plan(skip_all => "no Python packages in $ENV{ETL_VENV}: scripts/setup-python failed")
  unless -e "$ENV{ETL_VENV}/requirements.txt";
plan(skip_all => 'no $ETL_FORMAT_DRIVER: scripts/test builds it') unless $ENV{ETL_FORMAT_DRIVER};

my $property = abs_path(dirname(__FILE__)) . '/../test/format/format_property.py';
local $ENV{ASAN_OPTIONS} = 'detect_leaks=0';
my ($stdout, $stderr) = run_command([ "$ENV{ETL_VENV}/bin/python", '-B', $property, $ENV{ETL_FORMAT_DRIVER}, 3000 ]);
my @lines = split /\n/, $stdout;
foreach my $line (@lines)
{
	ok($1 eq '', $2) if $line =~ /^(not |)ok \d+ - (.*)/;
	diag($line) if $line =~ /^#   / || ($line =~ /^# seed/ && $stdout =~ /^not ok/m);
	note($line) if $line =~ /^#/;
}
is($lines[-1], '1..' . (scalar grep { /^(not )?ok/ } @lines), 'it came to its end');
is($stderr, '', 'without a complaint');

done_testing();

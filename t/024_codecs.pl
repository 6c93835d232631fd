# Compressed objects, made by the programs that users make them with: COPY, UNLOAD and external tables read and write them;
# cut, damaged and endless ones are errors that name the object.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;

my %program = (gzip => 'gzip', bzip2 => 'bzip2', lzop => 'lzop', zstd => 'zstd -q');
my %extension = (gzip => 'gz', bzip2 => 'bz2', lzop => 'lzo', zstd => 'zst');
my @codecs = sort keys %program;
foreach my $codec (@codecs)
{
	plan(skip_all => "no program $codec (Debian: the package of that name)") if system("command -v $codec >/dev/null") != 0;
}

my $etl = EtlTest->new;
my $root = PostgreSQL::Test::Utils::tempdir;
$etl->sql(qq{CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root');
	CREATE TABLE item (id int, name varchar(40))});
mkdir "$root/lake";

sub put
{
	my ($key, $command) = @_;
	system("mkdir -p \$(dirname $root/lake/$key) && { $command; } > $root/lake/$key") == 0 or die "could not make $key";
}

sub load
{
	my ($prefix, $options) = @_;
	return "TRUNCATE item; CALL etl.execute(\$\$COPY item FROM 's3://lake/$prefix' IAM_ROLE default CSV $options\$\$);"
	  . "SELECT count(*), sum(id) FROM item";
}

my $rows = q{perl -e 'print "$_,name $_\n" foreach 1 .. 20000'};
foreach my $codec (@codecs)
{
	my $option = uc $codec;
	put("$codec/one", "$rows | $program{$codec} -c");
	put("$codec/two", "seq 20001 30000 | sed 's/\$/,x/' | $program{$codec} -c; echo 30001,y | $program{$codec} -c; printf '' | $program{$codec} -c");
	$etl->sql_is(load("$codec/", $option), '30001|450045001', "$codec: files of several members");
	# Cut or damaged at every eighth
	my $size = -s "$root/lake/$codec/one";
	my $named_count = 0;
	foreach my $i (1 .. 7)
	{
		put("$codec-cut/$i", "head -c @{[int($size * $i / 8)]} $root/lake/$codec/one");
		put("$codec-bad/$i", "cp $root/lake/$codec/one /dev/stdout | perl -0777 -pe 'substr(\$_, @{[int($size * $i / 8)]}, 3) ^= \"ABC\"'");
		foreach my $kind ('cut', 'bad')
		{
			my ($code, $out, $error) = $etl->primary->psql('postgres', load("$codec-$kind/$i", $option), extra_params => [ '-v', 'VERBOSITY=verbose' ]);
			# What a damaged file gives before its checksum is read may be no row of the table.
			my $named = $error =~ m{22P03: .*object "s3://lake/$codec-$kind/$i" is not a valid $codec file}
			  || ($kind eq 'bad' && $error =~ m{ERROR:  22.*File "s3://lake/$codec-$kind/$i"}s);
			$named_count++ if $named;
			diag($error) unless $named;
		}
	}
	is($named_count, 14, "$codec: cut and damaged files are errors that name the object");
	$etl->sql_is('SELECT count(*) FROM item', 0, "$codec: and load nothing");
	my $other = $codec eq 'gzip' ? 'zstd' : 'gzip';
	$etl->sql_fails(load("$codec/one", uc $other), "$codec: is not $other", qr/22P03/, qr/not a valid $other file/);
	$etl->sql_fails(load("$codec/one", "$option " . uc $other), "$codec with $other", qr/42601|22023/);
}

# --- UNLOAD, and back
foreach my $codec ('bzip2', 'gzip', 'zstd')
{
	my $option = uc $codec;
	$etl->sql(qq{CALL etl.execute(\$\$UNLOAD ('SELECT g AS id, ''n'' || g AS name FROM generate_series(1, 50000) g')
		TO 's3://lake/out/$codec/' IAM_ROLE default CSV $option PARALLEL OFF\$\$)});
	my $file = "$root/lake/out/$codec/000.$extension{$codec}";
	is(`$program{$codec} -dc $file | wc -l` + 0, 50000, "UNLOAD $option: the program reads it");
	$etl->sql_is(load("out/$codec/", $option), '50000|1250025000', "UNLOAD $option and COPY");
}

# --- External tables: by the file's name, else by its first bytes
put("ext/$_", "cp $root/lake/$_/one /dev/stdout") foreach @codecs;
put("ext/named.$extension{$_}", "cp $root/lake/$_/one /dev/stdout") foreach @codecs;
put('ext/plain', $rows);
$etl->sql(q{CALL etl.execute($$
	CREATE EXTERNAL SCHEMA lake FROM DATA CATALOG DATABASE 'lake' IAM_ROLE default CREATE EXTERNAL DATABASE IF NOT EXISTS;
	CREATE EXTERNAL TABLE lake.item (id int, name varchar(40)) ROW FORMAT DELIMITED FIELDS TERMINATED BY ','
		STORED AS TEXTFILE LOCATION 's3://lake/ext/'$$)});
$etl->sql_is('SELECT count(*), count(DISTINCT id), max(name) FROM lake.item', '180000|20000|name 9999', 'an external table reads them all');
put('ext/false.gz', $rows);
$etl->sql_fails('SELECT count(*) FROM lake.item', 'what is only called .gz is an error', qr{22P03: .*"s3://lake/ext/false.gz" is not a valid gzip file});

# --- Bombs: the ratio from 100 MB on, the size, and a line without end
put('bomb/gz', 'head -c 200M /dev/zero | gzip -9');
put('bomb/bz2', 'head -c 200M /dev/zero | bzip2');
put('bomb/zst', 'head -c 200M /dev/zero | zstd -q');
$etl->sql_fails(load("bomb/$_->[0]", uc $_->[1]), "a line without end in $_->[1]", qr/54000/, qr{s3://lake/bomb/$_->[0]})
  foreach [ 'gz', 'gzip' ], [ 'bz2', 'bzip2' ], [ 'zst', 'zstd' ];
my $long = q{perl -e 'print "1,", "a" x 1000000, "\n" foreach 1 .. 150'};
put('lines/gz', "$long | gzip -1");
put('lines/bz2', "$long | bzip2");
$etl->sql_fails(load('lines/bz2', 'BZIP2 TRUNCATECOLUMNS'), 'beyond the ratio', qr/54000/,
	qr{s3://lake/lines/bz2" expands to more than 1000 times}, qr/DETAIL:.*gave \d+ bytes/, qr/HINT:.*etl.decompress_max_ratio/);
$etl->sql_fails('SET etl.decompress_max_size = 10;' . load('lines/gz', 'GZIP TRUNCATECOLUMNS'), 'beyond the size', qr/54000/,
	qr{s3://lake/lines/gz" expands to more than 10 MB}, qr/HINT:.*etl.decompress_max_size/);
$etl->sql_is('SET etl.decompress_max_ratio = 0;' . load('lines/bz2', 'BZIP2 TRUNCATECOLUMNS'), '150|150', 'as much as is wanted');

done_testing();

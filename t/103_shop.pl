# The shop: products, sellers and funnel events of CSV files as they come (BOM, CRLF, US dates), and the merge of an increment
# in one string; from folders and from S3, with the real files. And what must leave the final table alone.
use strict;
use warnings FATAL => 'all';

use EtlTest;
use PostgreSQL::Test::Utils;
use Test::More;

my $olist = EtlTest::shared('data/olist');
my $funnel = EtlTest::shared('data/funnel');
my $etl = EtlTest->new(aws => 1);
my $root = PostgreSQL::Test::Utils::tempdir;

mkdir "$root/dwh" or die $!;
PostgreSQL::Test::RecursiveCopy::copypath($olist, "$root/dwh/olist");
PostgreSQL::Test::RecursiveCopy::copypath($funnel, "$root/funnel");
$etl->fixtures('make-bucket', $_) foreach 'dwh', 'funnel';
$etl->fixtures('put-tree', $olist, 'dwh', 'olist/');
$etl->fixtures('put-tree', $funnel, 'funnel', '');
$etl->create_aws_server(name => 's3');
$etl->sql("CREATE SERVER folders FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root '$root')");

sub script { return "CALL etl.execute(\$script\$$_[0]\$script\$)"; }

my $tables = q{
	DROP TABLE IF EXISTS products; DROP TABLE IF EXISTS products_staging; DROP TABLE IF EXISTS sellers; DROP TABLE IF EXISTS translation;
	DROP TABLE IF EXISTS funnel;
	CREATE TABLE products (product_id varchar(32) NOT NULL distkey sortkey, product_category_name varchar(60), product_name_lenght int,
		product_description_lenght int, product_photos_qty int, product_weight_g int, product_length_cm int, product_height_cm int, product_width_cm int);
	CREATE TABLE products_staging (LIKE products);
	CREATE TABLE sellers (seller_id char(32) NOT NULL, seller_zip_code_prefix varchar(5), seller_city varchar(40), seller_state char(2));
	CREATE TABLE translation (product_category_name varchar(60), product_category_name_english varchar(60));
	CREATE TABLE funnel (session_id char(36), event_timestamp timestamp, event_type varchar(20), userid varchar(40), product_id varchar(40), category_id varchar(60))};
my $merge = q{begin; copy products_staging from 's3://dwh/products/current' iam_role default CSV QUOTE '\"' DELIMITER ',' acceptinvchars;
	delete from products using products_staging where products.product_id = products_staging.product_id;
	insert into products select * from products_staging; truncate products_staging; end;};
my $state = q{SELECT count(*), count(*) FILTER (WHERE product_category_name = 'changed, "really"'), sum(product_weight_g), (SELECT count(*) FROM products_staging) FROM products};

foreach my $server ('folders', 's3')
{
	my $set = "SET client_min_messages = warning; SET etl.aws_server = '$server';";
	my $put = sub { $etl->sql("$set SELECT etl.s3_put('s3://dwh/products/current', convert_to(\$csv\$$_[0]\$csv\$, 'UTF8')" . ($_[1] // '') . ')'); };

	# --- First loads
	$etl->sql($set . script($tables));
	$etl->sql($set . script(q{
		COPY products FROM 's3://dwh/olist/products.csv' IAM_ROLE default CSV IGNOREHEADER 1;
		COPY sellers FROM 's3://dwh/olist/sellers.csv' IAM_ROLE default CSV IGNOREHEADER AS 1 MAXERROR 3;
		COPY translation FROM 's3://dwh/olist/product_category' IAM_ROLE default CSV IGNOREHEADER 1;
		COPY funnel FROM 's3://funnel/2016_funnel.csv' IAM_ROLE default CSV IGNOREHEADER 1 EMPTYASNULL TIMEFORMAT 'MM/DD/YYYY HH:MI AM'}));
	$etl->sql_is($state, '32951|0|75007492|0', "$server: products");
	$etl->sql_is(q{SELECT count(*) FILTER (WHERE product_category_name = ''), count(*) FILTER (WHERE product_weight_g IS NULL) FROM products},
		'610|2', "$server: what is empty is '' in a string and NULL in a number");
	$etl->sql_is(q{SELECT count(*), count(DISTINCT seller_id), count(*) FILTER (WHERE seller_zip_code_prefix LIKE '0%') FROM sellers},
		'3093|3093|1027', "$server: sellers, with the zeros of their codes");
	$etl->sql_is(q{SELECT line_number, err_code FROM redshift.stl_load_errors WHERE filename ~ 'sellers' ORDER BY starttime DESC, query DESC, line_number LIMIT 2}, "553|1202\n2990|1202",
		"$server: but for two of the 3,095, whose cities have commas and no quotes");
	$etl->sql_fails($set . script(q{COPY sellers FROM 's3://dwh/olist/sellers.csv' IAM_ROLE default CSV IGNOREHEADER 1}), "$server: without MAXERROR",
		qr/ERROR:  22P04: extra columns: the row has 6 fields for 4 columns/, qr{DETAIL:  File "s3://dwh/olist/sellers.csv", line 553});
	$etl->sql_is(q{SELECT count(*), count(*) FILTER (WHERE product_category_name_english LIKE E'%\r') FROM translation}, '71|0',
		"$server: the file with BOM and CRLF");
	$etl->sql_is(q{SELECT count(*) FROM products JOIN translation USING (product_category_name)}, '32328', "$server: joins");
	$etl->sql_is(q{SELECT string_agg(month || ' ' || n, ', ' ORDER BY month) FROM (SELECT to_char(event_timestamp, 'YYYY-MM') AS month, count(*) AS n FROM funnel GROUP BY 1) m},
		'2016-09 2236, 2016-10 2588, 2016-11 2563, 2016-12 2612', "$server: events of each month");
	$etl->sql_is(q{SELECT count(*) FILTER (WHERE extract(hour FROM event_timestamp) >= 12), count(*) FILTER (WHERE extract(hour FROM event_timestamp) = 0),
		count(*) FILTER (WHERE extract(hour FROM event_timestamp) = 12), min(event_timestamp), count(*) FILTER (WHERE category_id IS NULL) FROM funnel},
		'4968|412|394|2016-09-04 17:45:00|187', "$server: hours of the afternoon, of midnight and noon; categories that are missing");

	# --- The merge of an increment: two that are there, one new, a byte that is no UTF-8
	my ($one, $two) = split /\n/, $etl->sql('SELECT product_id FROM products ORDER BY 1 LIMIT 2');
	my $weight = $etl->sql("SELECT sum(product_weight_g) FROM products WHERE product_id NOT IN ('$one', '$two')") + 6;
	$put->(qq{$one,"changed, ""really""",1,1,1,1,1,1,1\r\n$two,"changed, ""really""",2,2,2,2,2,2,2\r\nnew,}, q{ || '\xe9'::bytea || E',3,3,3,3,3,3,3\r\n'::bytea});
	$etl->sql($set . script($merge));
	$etl->sql_is($state, "32952|2|$weight|0", "$server: each row is replaced once, all others are kept, staging is empty");
	$etl->sql_is(q{SELECT product_category_name FROM products WHERE product_id = 'new'}, '?', "$server: ACCEPTINVCHARS");
	$etl->sql($set . script($merge));
	$etl->sql_is($state, "32952|2|$weight|0", "$server: and again: the same");

	# --- What fails leaves all as it was.
	$put->("$one,@{['x' x 61]},9,9,9,9,9,9,9\n");
	$etl->sql_fails($set . script($merge), "$server: a text longer than its VARCHAR", qr/ERROR:  22001:/,
		qr{DETAIL:  File "s3://dwh/products/current", line 1, column "product_category_name"}, qr/HINT:.*stl_load_errors/, qr/statement 2/);
	$etl->sql_is($state, "32952|2|$weight|0", "$server: the final table is untouched");
	$etl->sql_is(q{SELECT err_code, btrim(colname), left(raw_field_value, 3) FROM redshift.stl_load_errors ORDER BY starttime DESC LIMIT 1},
		'1204|product_category_name|xxx', "$server: the error is kept");
	$put->("$one,other,9,9,9,9,9,9,9\n");
	$etl->sql_fails($set . script($merge =~ s/insert into products /insert into product /r), "$server: a wrong table name", qr/ERROR:  42P01:/, qr/statement 4/);
	$etl->sql_is($state, "32952|2|$weight|0", "$server: all is rolled back");
	# TRUNCATE commits on Redshift, and is part of the transaction here, as PostgreSQL has it.
	$etl->sql_fails($set . script($merge =~ s/end;$/select 1 \/ 0; end;/r), "$server: an error behind TRUNCATE", qr/ERROR:  22012:/, qr/statement 6/);
	$etl->sql_is($state, "32952|2|$weight|0", "$server: all is rolled back, too");
}
done_testing();

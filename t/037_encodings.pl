# COPY and UNLOAD in databases that aren't UTF-8. What they write (rows, headers, JSON, manifests, keys, folders of partitions)
# is UTF-8, as Redshift's is; what they read is, too, and a character that the database hasn't is an error of its record.
use strict;
use warnings FATAL => 'all';

use Encode;
use EtlTest;
use JSON::PP;
use Test::More;

my $etl = EtlTest->new(aws => 1);
my $node = $etl->primary;
$etl->fixtures('make-bucket', 'lake');

# All here is UTF-8, whatever the database is.
sub query
{
	my ($database, $sql) = @_;
	return $node->safe_psql($database, "SET client_encoding = 'UTF8'; SET client_min_messages = warning; $sql");
}
sub query_is
{
	my ($database, $sql, $expected, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $stdout, $stderr) = $node->psql($database, "SET client_encoding = 'UTF8'; SET client_min_messages = warning; $sql", on_error_stop => 1);
	diag("$sql\n$stderr") if $status;
	return is($stdout, $expected, "$database: $name");
}
sub query_fails
{
	my ($database, $sql, $name, @patterns) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my ($status, $stdout, $stderr) = $node->psql($database, "\\set VERBOSITY verbose\nSET client_encoding = 'UTF8'; $sql", on_error_stop => 1);
	isnt($status, 0, "$database, $name: fails");
	like($stderr, $_, "$database, $name: $_") foreach @patterns;
}
sub execute { my ($statement) = @_; return "CALL etl.execute(\$e\$$statement\$e\$)"; }
sub create_database
{
	my ($database, $encoding) = @_;
	$node->safe_psql('postgres', "CREATE DATABASE $database TEMPLATE template0 ENCODING '$encoding' LC_COLLATE 'C' LC_CTYPE 'C'");
	query($database, 'CREATE EXTENSION pg_etl');
	query($database, q{CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (region 'us-east-1', path_style 'true', endpoint '} . $etl->endpoint . q{');
		CREATE USER MAPPING FOR CURRENT_USER SERVER aws OPTIONS (access_key_id '} . $etl->access_key_id . q{', secret_access_key '} . $etl->secret_access_key . q{')});
}
# Objects below a prefix, as bytes by keys that are bytes, too.
sub objects
{
	my ($prefix) = @_;
	return { map { my $key = encode_utf8($_); $key => $etl->get_object('lake', $key) } @{ $etl->fixtures('list', 'lake', $prefix) } };
}
sub is_utf8 { my ($bytes) = @_; return eval { decode('UTF-8', my $copy = $bytes, Encode::FB_CROAK); 1 } // 0; }

# For each: a column's name, words, a delimiter, a null string; and a character that it hasn't.
my %databases = (
	latin1 => { encoding => 'LATIN1', column => 'größe', words => [ 'é', 'Ærøskøbing', 'plain', 'ÿ¡' ], delimiter => '§', null => 'ø', foreign => '→' },
	eucjp => { encoding => 'EUC_JP', column => '名前', words => [ '東京', 'カタカナ', 'plain', 'ﾊﾝｶｸ、' ], delimiter => '◆', null => '無', foreign => '😀' });

foreach my $db (sort keys %databases)
{
	my %is = %{ $databases{$db} };
	my ($column, @words) = ($is{column}, @{ $is{words} });
	create_database($db, $is{encoding});
	query($db, qq{CREATE TYPE "$column" AS ENUM ('$words[0]', '$words[1]');
		CREATE TABLE t (id int, "$column" varchar(40), doc jsonb, kind "$column"); CREATE TABLE back (LIKE t)});
	query($db, join(';', map { "INSERT INTO t VALUES ($_, '$words[$_]', '{\"$words[$_]\": \"$words[0]\"}', " . ($_ < 2 ? "'$words[$_]'" : 'NULL') . ')' } 0 .. 3)
		. '; INSERT INTO t VALUES (9)');

	# ---- there and back by every format
	my $widths = "id:5,name:20,doc:60,kind:20";
	foreach (
		[ 'text', "DELIMITER '$is{delimiter}' NULL AS '$is{null}' ESCAPE HEADER", "DELIMITER '$is{delimiter}' NULL AS '$is{null}' ESCAPE IGNOREHEADER 1", "id$is{delimiter}$column$is{delimiter}doc" ],
		[ 'quotes', "DELIMITER '$is{delimiter}' NULL AS '$is{null}' ADDQUOTES ESCAPE", "DELIMITER '$is{delimiter}' NULL AS '$is{null}' REMOVEQUOTES ESCAPE", qq{"$words[1]"} ],
		[ 'csv', "CSV NULL AS '$is{null}' DELIMITER '$is{delimiter}$is{delimiter}' HEADER GZIP", "CSV NULL AS '$is{null}' DELIMITER '$is{delimiter}$is{delimiter}' IGNOREHEADER 1 GZIP" ],
		[ 'json', 'JSON', q{JSON 'auto'}, qq{"$column":"$words[1]","doc":{"$words[1]": "$words[0]"}} ],
		[ 'jsoncase', 'JSON', q{JSON 'auto ignorecase'}, qq{"$column":"$words[0]"} ],
		[ 'fixed', "FIXEDWIDTH '$widths' NULL AS '$is{null}'", "FIXEDWIDTH '$widths' NULL AS '$is{null}' TRIMBLANKS", $words[1] ])
	{
		my ($name, $unload, $copy, $content) = @$_;
		query($db, execute("UNLOAD ('SELECT * FROM t ORDER BY id') TO 's3://lake/$db/$name/' IAM_ROLE default $unload"));
		if ($content)
		{
			my $text = join('', values %{ objects("$db/$name/") });
			ok(is_utf8($text) && index($text, $content) >= 0, "$db: $name is UTF-8") or diag($text);
		}
		query($db, 'TRUNCATE back; ' . execute("COPY back FROM 's3://lake/$db/$name/' IAM_ROLE default $copy"));
		query_is($db, 'SELECT count(*), (SELECT count(*) FROM (TABLE t EXCEPT TABLE back) missing) FROM back', '5|0', "$name comes back");
	}

	# ---- a large file, which another process reads
	query($db, qq{CREATE TABLE large (id int, "$column" varchar(400)); CREATE TABLE large_back (LIKE large);
		INSERT INTO large SELECT i, repeat('$words[0]', 40) || i FROM generate_series(1, 60000) i});
	foreach ([ "DELIMITER '$is{delimiter}' NULL AS '$is{null}'", "DELIMITER '$is{delimiter}' NULL AS '$is{null}'" ], [ 'JSON', q{JSON 'auto'} ])
	{
		my ($unload, $copy) = @$_;
		query($db, execute("UNLOAD ('SELECT * FROM large') TO 's3://lake/$db/large' IAM_ROLE default $unload ALLOWOVERWRITE"));
		query($db, 'TRUNCATE large_back; ' . execute("COPY large_back FROM 's3://lake/$db/large' IAM_ROLE default $copy"));
		query_is($db, 'SELECT count(*), (SELECT count(*) FROM (TABLE large EXCEPT TABLE large_back) missing) FROM large_back', '60000|0', "a large file comes back by $copy");
	}
	query_is($db, q{SELECT bytes > 4 * 1024 * 1024 FROM etl.load_history ORDER BY load_id DESC LIMIT 1}, 't', 'it was large');

	# ---- keys, partitions, manifests
	query($db, execute("UNLOAD ('SELECT id, \"$column\" FROM t') TO 's3://lake/$db/$words[1]/' IAM_ROLE default CSV PARTITION BY (\"$column\") INCLUDE MANIFEST VERBOSE"));
	my $found = objects("$db/$words[1]/");
	is_deeply([ sort keys %$found ], [ sort "$db/$words[1]/manifest", map { "$db/$words[1]/$column=$_/0000_part_00" } @words, '__HIVE_DEFAULT_PARTITION__' ],
		"$db: keys are UTF-8");
	my $manifest = decode_json($found->{"$db/$words[1]/manifest"});
	is_deeply([ sort map { encode_utf8($_->{url}) } @{ $manifest->{entries} } ], [ map { "s3://lake/$_" } grep { !/manifest$/ } sort keys %$found ], "$db: so is the manifest");
	is(encode_utf8($manifest->{schema}{elements}[1]{name}), $column, "$db: with the columns' names");
	query_is($db, qq{TRUNCATE back; } . execute("COPY back (id, \"$column\") FROM 's3://lake/$db/$words[1]/manifest' IAM_ROLE default CSV EMPTYASNULL MANIFEST")
		. qq{; SELECT count(*), (SELECT count(*) FROM (SELECT id, "$column" FROM t EXCEPT SELECT id, "$column" FROM back) missing) FROM back}, '5|0', 'by a manifest');
	query_is($db, qq{SELECT count(*) FROM etl.s3_list('s3://lake/$db/$words[1]/$column=$words[0]')}, 1, 'a listing by such a prefix');
	query_is($db, qq{SELECT count(*) FROM etl.unload_file WHERE uri = 's3://lake/$db/$words[1]/$column=$words[0]/0000_part_00'}, 1, 'the history has them');
	query($db, execute("UNLOAD ('SELECT id, \"$column\" FROM t') TO 's3://lake/$db/$words[1]/' IAM_ROLE default CSV PARTITION BY (\"$column\") CLEANPATH"));
	is(scalar keys %{ objects("$db/$words[1]/$column=$words[0]/") }, 1, "$db: CLEANPATH");

	# ---- paths, XML, dates
	$etl->put_object('lake', "$db/paths/file", qq({"jsonpaths": ["\$['id']", "\$['$column']['$words[0]']"]}));
	$etl->put_object('lake', "$db/paths/rows", qq({"id": 1, "$column": {"$words[0]": "$words[1]"}}));
	query_is($db, qq{TRUNCATE back; } . execute("COPY back (id, \"$column\") FROM 's3://lake/$db/paths/rows' IAM_ROLE default JSON 's3://lake/$db/paths/file'")
		. qq{; SELECT "$column" FROM back}, $words[1], 'JSON paths');
	$etl->put_object('lake', "$db/paths/bad", qq({"jsonpaths": ["\$['id']", "$column"]}));
	query_fails($db, execute("COPY back (id, \"$column\") FROM 's3://lake/$db/paths/rows' IAM_ROLE default JSON 's3://lake/$db/paths/bad'"), 'a path that is none', qr/path 2 "$column"/);
	$etl->put_object('lake', "$db/xml", qq(<$words[1]s><$words[1]><id>1</id><$column>$words[0]</$column></$words[1]></$words[1]s>));
	query_is($db, qq{TRUNCATE back; } . execute("COPY back (id, \"$column\") FROM 's3://lake/$db/xml' IAM_ROLE default FORMAT XML ROWTAG '$words[1]'")
		. qq{; SELECT "$column" FROM back}, $words[0], 'XML');
	query($db, 'CREATE TABLE days (day date)');
	$etl->put_object('lake', "$db/days", "2008$words[0]01$words[1]02\n");
	query_is($db, execute(qq{COPY days FROM 's3://lake/$db/days' IAM_ROLE default DATEFORMAT 'YYYY"$words[0]"MM"$words[1]"DD'}) . q{; SELECT day FROM days}, '2008-01-02', 'DATEFORMAT');
	query_fails($db, execute(qq{COPY days FROM 's3://lake/$db/days' IAM_ROLE default DATEFORMAT 'YYYY"$words[0]"QQ'}), 'a DATEFORMAT that is none', qr/"YYYY"$words[0]"QQ"/);
	$etl->put_object('lake', "$db/utf16", encode('UTF-16', decode_utf8("1|$words[0]\n2|$words[1]\n")));
	query_is($db, qq{TRUNCATE back; } . execute("COPY back (id, \"$column\") FROM 's3://lake/$db/utf16' IAM_ROLE default ENCODING UTF16")
		. qq{; SELECT string_agg("$column", ' ' ORDER BY id) FROM back}, "$words[0] $words[1]", 'UTF-16');
	query_is($db, qq{TRUNCATE back; } . execute("COPY back (id, \"$column\") FROM 's3://lake/$db/utf16' IAM_ROLE default CSV DELIMITER '|' ENCODING UTF16")
		. qq{; SELECT count(*) FROM back}, 2, 'CSV of it');

	# ---- a character that the database hasn't, and bytes that are none
	my %bad = (
		text => [ '', qq(1|$words[0]\n2|x$is{foreign}y$words[1]\n3|z\n), 2 ],
		csv => [ 'CSV', qq(1,$words[0]\n2,"x$is{foreign}y$words[1]"\n3,z\n), 2 ],
		json => [ 'JSON', qq({"id": 1}\n{"id": 2, "$column": "x$is{foreign}y$words[1]"}\n{"id": 3}), 2 ],
		fixed => [ q{FIXEDWIDTH 'id:1,name:20'}, "1$words[2]\n2x$is{foreign}y$words[1]\n3z\n", 2 ]);
	foreach my $format (sort keys %bad)
	{
		my ($options, $content, $line) = @{ $bad{$format} };
		my $load = "COPY back (id, \"$column\") FROM 's3://lake/$db/bad/$format' IAM_ROLE default TRIMBLANKS $options";
		$etl->put_object('lake', "$db/bad/$format", $content);
		query_fails($db, execute($load), "$format: a character that it hasn't", qr/22P05: character with byte sequence 0x.. ?0?x?.* in encoding "UTF8" has no equivalent in encoding "$is{encoding}"/,
			qr{DETAIL:  File "s3://lake/$db/bad/$format", line $line, column "$column": "x\?y$words[1]"});
		query_is($db, "TRUNCATE back; " . execute("$load MAXERROR 2") . '; SELECT count(*) FROM back', 2, "$format: MAXERROR goes on");
		query_is($db, 'SELECT line_number, btrim(colname), btrim(raw_field_value), err_code, err_reason ~ \'has no equivalent\' FROM redshift.stl_load_errors WHERE query = (SELECT max(query) FROM redshift.stl_load_errors)',
			"$line|$column|x?y$words[1]|1220|t", "$format: what is kept of it");
	}
	$etl->put_object('lake', "$db/bad/bytes", "1|$words[0]\n2|a\xe9\xff$words[1]\n3|$words[1]\n");
	my $load = "COPY back (id, \"$column\") FROM 's3://lake/$db/bad/bytes' IAM_ROLE default";
	query_fails($db, execute($load), 'bytes that are no character', qr/22021: invalid byte sequence for encoding "UTF8"/, qr{File "s3://lake/$db/bad/bytes", line 2, column "$column"\.});
	query_is($db, "TRUNCATE back; " . execute("$load MAXERROR 2") . '; SELECT count(*) FROM back', 2, 'MAXERROR goes on after bytes');
	query_is($db, 'SELECT line_number, btrim(raw_line), btrim(raw_field_value), err_code FROM redshift.stl_load_errors WHERE query = (SELECT max(query) FROM redshift.stl_load_errors)',
		"2|2|a??$words[1]|a??$words[1]|1220", 'what is kept of them');
	query_is($db, "TRUNCATE back; " . execute("$load ACCEPTINVCHARS '#'") . "; SELECT \"$column\" FROM back WHERE id = 2", "a##$words[1]", 'ACCEPTINVCHARS');
	# of types that their input functions read
	$etl->put_object('lake', "$db/bad/enum", qq(1|$words[0]\n2|$is{foreign}\n));
	query_fails($db, execute("COPY back (id, kind) FROM 's3://lake/$db/bad/enum' IAM_ROLE default"), 'an enum', qr/22P05/, qr{File "s3://lake/$db/bad/enum", line 2, column "kind"});

	# ---- manifests and keys with what the database hasn't
	$etl->put_object('lake', "$db/foreign/manifest", qq({"entries": [{"url": "s3://lake/$db/foreign/$is{foreign}"}]}));
	query_fails($db, execute("COPY back FROM 's3://lake/$db/foreign/manifest' IAM_ROLE default MANIFEST"), 'a manifest with a key that it has no name for', qr{22P05.*manifest "s3://lake/$db/foreign/manifest"});
	$etl->put_object('lake', "$db/foreign/$is{foreign}", 'x');
	query_fails($db, execute("COPY back FROM 's3://lake/$db/foreign/' IAM_ROLE default"), 'a key that it has no name for', qr/22P05/, qr{CONTEXT:  the keys that begin with "s3://lake/$db/foreign/"});

	# ---- PostgreSQL's COPY of objects
	query($db, "COPY t TO 's3://lake/$db/pg' (HEADER, NULL '$is{null}', DELIMITER '$is{delimiter}')");
	my $text = join('', values %{ objects("$db/pg") });
	ok(is_utf8($text) && index($text, $column) >= 0, "$db: COPY TO writes UTF-8");
	query_is($db, "TRUNCATE back; COPY back FROM 's3://lake/$db/pg' (HEADER, NULL '$is{null}', DELIMITER '$is{delimiter}'); SELECT count(*) FROM (TABLE t EXCEPT TABLE back) missing", 0, 'COPY FROM reads it');
	query_fails($db, "COPY t TO 's3://lake/$db/no' (FORMAT csv, QUOTE '$words[0]')", 'a quote that is several bytes', qr/quote/);
}

# ---- SQL_ASCII knows no characters: its texts are taken for UTF-8
create_database('ascii', 'SQL_ASCII');
query('ascii', qq{CREATE TABLE t (id int, "größe" text); INSERT INTO t VALUES (1, 'é→')});
query('ascii', execute(q{UNLOAD ('SELECT * FROM t') TO 's3://lake/ascii/' IAM_ROLE default CSV HEADER DELIMITER '§'}));
is_deeply(objects('ascii/'), { 'ascii/0000_part_00' => "id§größe\n1§é→\n" }, 'ascii: what is UTF-8 goes through');
query_is('ascii', execute(q{COPY t FROM 's3://lake/ascii/' IAM_ROLE default CSV IGNOREHEADER 1 DELIMITER '§'}) . '; SELECT count(*) FROM t WHERE "größe" = \'é→\'', 2, 'and back');
query_fails('ascii', q{INSERT INTO t VALUES (2, E'\xe9|'); } . execute(q{UNLOAD ('SELECT * FROM t') TO 's3://lake/ascii/no' IAM_ROLE default CSV}), 'what is not', qr/22021: invalid byte sequence for encoding "UTF8": 0xe9/);
is_deeply([ keys %{ objects('ascii/no') } ], [], 'ascii: nothing stays of it');

done_testing();

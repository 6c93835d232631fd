-- Every option of COPY through Redshift's own syntax: what it does, what it refuses, and several together. The last query
-- compares with the options that etl.load knows, so that a new one without a test here shows.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET client_min_messages = warning;
SET TimeZone = 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres';
\pset format unaligned
\pset tuples_only on

CREATE TABLE tried (word text, worked boolean);
-- Empties the table, puts the data, loads it with these options, and says what is in the table then, or what was wrong.
CREATE FUNCTION try(target text, data bytea, options text) RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE
	hint text; detail text;
	words text[] := regexp_split_to_array(upper(regexp_replace(options, '''[^'']*''', '', 'g')), '[^A-Z0-9_]+');
BEGIN
	EXECUTE 'TRUNCATE ' || split_part(target, ' ', 1);
	BEGIN
		PERFORM etl.s3_put('s3://options/data', data);
		PERFORM etl.execute_statement('COPY ' || target || ' FROM ''s3://options/data'' IAM_ROLE default ' || options);
		INSERT INTO tried SELECT unnest(words), true;
	EXCEPTION WHEN OTHERS THEN
		GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT, detail = PG_EXCEPTION_DETAIL;
		INSERT INTO tried SELECT unnest(words), false;
		RETURN NEXT concat_ws(' / ', SQLSTATE || ' ' || SQLERRM, nullif(detail, ''),
			nullif(regexp_replace(hint, ' ?SELECT .*', ''), ''));
	END;
	RETURN QUERY EXECUTE format('SELECT to_json(t)::text FROM %s t', split_part(target, ' ', 1));
END$$;
CREATE FUNCTION try(target text, data text, options text) RETURNS SETOF text LANGUAGE sql AS
	$$SELECT try(target, convert_to(data, 'UTF8'), options)$$;

CREATE TABLE t (id int, name varchar(8), code char(3), price numeric(6,2));
CREATE TABLE s (id int, name varchar(40));
CREATE TABLE d (id int, day date, at timestamp, zoned timestamptz);

-- DELIMITER: the pipe unless told otherwise, several characters, several bytes, octal; not in a field
SELECT try('t', E'1|a|x|1.5\n', '');
SELECT try('t', E'1,a,x,1.5\n', $$DELIMITER ','$$);
SELECT try('t', E'1\ta\tx\t1.5\n', $$DELIMITER AS '\t'$$);
SELECT try('t', E'1||a||x||1.5\n2|||b||||2\n', $$DELIMITER '||'$$);
SELECT try('t', E'1→a→x→1.5\n', $$DELIMITER '→'$$);
SELECT try('t', E'1§a§x§1.5\n', $$DELIMITER '\302\247'$$);
SELECT try('t', '1', $$DELIMITER '\376'$$);
SELECT try('t', E'1\x01a\x01x\x011.5\n', $$DELIMITER '\001'$$);
SELECT try('t', E'1\x7Fa\x7Fx\x7F1.5\n', $$DELIMITER '\177'$$);
SELECT try('t', E'1|a|b|x|1.5\n', '');
SELECT try('t', E'1,a,x,1.5\n', '');
SELECT try('t', '', $$DELIMITER ''$$);
SELECT try('t', '', $$DELIMITER '\n'$$);

-- CSV: quotes, doubled; line ends and delimiters in them; blanks beside them; another quote
SELECT try('t', E'1,"a,b",x,1.5\r\n2,"a\nb","y",2\n3, "q""q" ,z,3\n4,,,\n', 'CSV');
SELECT try('t', E'1,%a,b%,x,1.5\n2,%a%%b%,"y",2\n', $$FORMAT AS CSV QUOTE AS '%'$$);
SELECT try('t', E'1;"a;b";x;1.5\n', $$DELIMITER ';' FORMAT CSV$$);
SELECT try('t', E'1\t"a"\t "x"\t1.5\n', $$CSV DELIMITER '\t'$$);
SELECT try('t', E'1,"a\n', 'CSV');
SELECT try('t', E'1,a"b,x,1\n', 'CSV');
SELECT try('t', E'1,"a"b,x,1\n', 'CSV');
SELECT try('t', '', $$CSV QUOTE 'ab'$$);
SELECT try('t', '', $$QUOTE '"'$$);
SELECT try('t', '', $$CSV DELIMITER '"'$$);

-- FIXEDWIDTH: the guide's VENUE, with a header; a width is of characters
CREATE TABLE venue (venueid int, venuename varchar(100), venuecity varchar(30), venuestate char(2), venueseats int);
SELECT try('venue', E'id name                     city        stseats \n1  Toyota Park              Bridgeview  IL0\n2  Columbus Crew Stadium    Columbus    OH0\n3  RFK Stadium              Washington  DC0\n4  CommunityAmerica BallparkKansas City KS0\n5  Gillette Stadium         Foxborough  MA68756\n',
	$$FIXEDWIDTH 'venueid:3,venuename:25,venuecity:12,venuestate:2,venueseats:6' IGNOREHEADER 1 TRIMBLANKS$$);
SELECT try('s', E'1 Ünï\n2 →→→\n', $$FIXEDWIDTH AS '0:2,1:3'$$);
CREATE TABLE other (u uuid, i interval, j jsonb);
SELECT try('other', E'00000000-0000-0000-0000-000000000001  1 day   {"a": 1}\n                                                 \n', $$FIXEDWIDTH 'u:38,i:8,j:9' FILLRECORD$$);
SELECT try('s', E'1 abc\n', $$FIXEDWIDTH 'id:2'$$);
SELECT try('s', E'1 abc\n', $$FIXEDWIDTH 'id:x'$$);
SELECT try('s', E'1 abc\n', $$FIXEDWIDTH 'id:2,name:3' DELIMITER '|'$$);

-- JSON: the guide's CATEGORY as objects, by paths, as arrays; letter case
CREATE TABLE category (catid smallint, catgroup varchar(10), catname varchar(10), catdesc varchar(50));
SELECT try('category', $$
{
    "catdesc": "Major League Baseball",
    "catid": 1,
    "catgroup": "Sports",
    "catname": "MLB"
}
{
    "catgroup": "Sports",
    "catid": 2,
    "catname": "NHL",
    "catdesc": "National Hockey League"
}{
    "catid": 3,
    "catname": "NFL",
    "catgroup": "Sports",
    "catdesc": "National Football League"
}
{
    "bogus": "Bogus Sports LLC",
    "catid": 4,
    "catgroup": "Sports",
    "catname": "NBA",
    "catdesc": "National Basketball Association"
}
{
    "catid": 5,
    "catgroup": "Shows",
    "catname": "Musicals",
    "catdesc": "All symphony, concerto, and choir concerts"
}
$$, $$JSON 'auto'$$);
SELECT try('category', '{"CatDesc": "a", "CATID": 1, "catGroup": "b"}', $$JSON 'auto ignorecase'$$);
SELECT try('category', '{"CatDesc": "a", "CATID": 1, "catGroup": "b"}', 'FORMAT JSON');
SELECT etl.s3_put('s3://options/paths/object', $$
{
    "jsonpaths": [
        "$['one']",
        "$['two']",
        "$['three']",
        "$['four']"
    ]
}
$$), etl.s3_put('s3://options/paths/array', '{"jsonpaths": ["$[0]", "$[1]", "$[2]", "$[3]"]}'),
	etl.s3_put('s3://options/paths/deep', $$ {"jsonpaths": ["$.id", "$['at']['group'][1]", "$.at.names[0].first", "$.at"]}$$),
	etl.s3_put('s3://options/paths/three', '{"jsonpaths": ["$.a", "$.b", "$.c"]}'),
	etl.s3_put('s3://options/paths/mixed', '{"jsonpaths": ["$.a[", "$.b", "$.c", "$.d"]}') \gset
SELECT try('category', $${"one": 1, "two": "Sports", "three": "MLB", "four": "Major League Baseball"}
{"three": "NHL", "four": "National Hockey League", "one": 2, "two": "Sports"}
{"two": "Sports", "three": "NFL", "one": 3, "four": "National Football League"}$$, $$JSON AS 's3://options/paths/object'$$);
SELECT try('category', $$[1,"Sports","MLB","Major League Baseball"]
[2,"Sports","NHL","National Hockey League"]
[3,"Sports","NFL",
"National Football League"][4,null,"NBA","National Basketball Association"]$$, $$FORMAT AS JSON 's3://options/paths/array'$$);
SELECT try('category', $${"id": 1, "at": {"group": [0, "x"], "names": [{"first": "y"}]}}
{"id": 2}
{"id": 3, "at": {"group": [0, "z"], "names": [{"last": "no"}]}}$$, $$JSON 's3://options/paths/deep'$$);
SELECT try('category', '{}', $$JSON 's3://options/paths/three'$$);
SELECT try('category', '{}', $$JSON 's3://options/paths/mixed'$$);
SELECT try('category', '{}', $$JSON 's3://options/paths/none'$$);
SELECT try('category', '{}', $$JSON 'automatic'$$);
SELECT try('category', '{"catid": 1 "catgroup": "x"}', $$JSON 'auto'$$);
SELECT try('category', '{"CATID": "x"}', $$JSON 'auto ignorecase'$$);
SELECT try('category', '{"catid": [1]}', 'JSON');
SELECT try('category', '{"catgroup": {"a": "longer"}}', 'JSON');
SELECT try('s', '', format('JSON ''auto'' %s', other)) FROM unnest(ARRAY['CSV', 'DELIMITER ''|''', 'ESCAPE', 'FILLRECORD',
	'FIXEDWIDTH ''a:1''', 'IGNOREBLANKLINES', 'IGNOREHEADER 1', 'NULL AS ''x''', 'REMOVEQUOTES', 'READRATIO 1']) other;
CREATE TABLE super (doc jsonb);
SELECT try('super', E'{"a": [1, {"b": null}]}\n{"c": "x"}', $$JSON 'noshred'$$);
-- a string is one in SUPER, too, whatever is in it
SELECT try('super', E'{"doc": "a \\"b\\"\\n\\u0001"} {"doc": "{\\"a\\": 1}"} {"doc": ""} {"doc": "  "} {"doc": 1.50} {"doc": null} {"doc": true} {"doc": [" x"]}', 'JSON');
SELECT try('super', E'{"a": 1}\n"x"\n\n', '');
SELECT try('super', E'x\n', '');

-- XML, which is ours
SELECT try('s', '<l><order id="1"><name>x</name></order><order><id>2</id></order></l>', $$FORMAT XML ROWTAG 'order'$$);
SELECT try('s', '<l><order ID="1"><Name>x</Name></order></l>', $$XML 'auto ignorecase' ROWTAG 'order'$$);
SELECT etl.s3_put('s3://options/paths/xml', '{"xmlpaths": ["$.@n", "$.a.b"]}') \gset
SELECT try('s', '<l><order n="1"><a><b>x</b></a></order></l>', $$XML 's3://options/paths/xml' ROWTAG 'order'$$);
SELECT try('s', '', 'XML');
SELECT try('s', '', $$ROWTAG 'order'$$);
SELECT try('s', '', $$XML ROWTAG 'order' NULL 'x'$$);

-- other formats: named, and not read yet; what doesn't go with a columnar one
SELECT try('s', '', format) FROM unnest(ARRAY['PARQUET', 'FORMAT ORC', 'AVRO ''auto''', 'SHAPEFILE', 'YAML', 'FORMAT AS YAML']) format;
SELECT try('s', '', 'PARQUET ' || other) FROM unnest(ARRAY['GZIP', 'MAXERROR 1', 'ESCAPE', 'TRIMBLANKS', 'DATEFORMAT ''auto''',
	'IGNOREHEADER 1', 'ORC', 'ROUNDEC', 'EMPTYASNULL', 'TRUNCATECOLUMNS', 'NULL ''''', 'ENCODING UTF8']) other;
SELECT try('s', '', format) FROM unnest(ARRAY['AVRO', 'AVRO ''auto ignorecase''', 'FORMAT AS AVRO ''s3://options/paths/object''']) format;
SELECT try('s', '', format || ' ACCEPTINVCHARS ''^'' EXPLICIT_IDS FILLRECORD MANIFEST STATUPDATE OFF') FROM unnest(ARRAY['PARQUET', 'ORC']) format;
SELECT try('s', '', format || ' ' || other) FROM unnest(ARRAY['PARQUET', 'ORC']) format, unnest(ARRAY['REGION ''eu-west-1''', 'DELIMITER ''|''',
	'QUOTE ''"''', 'BZIP2', 'LZOP', 'ZSTD', 'ACCEPTANYDATE', 'BLANKSASNULL', 'IGNOREBLANKLINES', 'REMOVEQUOTES', 'TIMEFORMAT ''auto''',
	'COMPROWS 1000', 'COMPUPDATE OFF', 'IGNOREALLERRORS', 'NOLOAD', 'READRATIO 10']) other;

-- compression; of real size in t/024_codecs.pl
SELECT try('s', '\x1f8b08000000000002ff33acc9cf4be50200e60f959b060000001f8b08000000000002ff33aa2929cfe70200a3dd017306000000'::bytea, 'GZIP');
SELECT try('s', '\x425a68393141592653593c0e3175000000c98000102000200000042000219a68334d30bc5dc914e14240f038c5d4'::bytea, 'BZIP2');
SELECT try('s', '\x894c5a4f000d0a1a0a104020a0094001050300000d000000006b0c7607000000000026e30264000000040000000403080119317c610a00000000'::bytea, 'lzop');
SELECT try('s', '\x28b52ffd0458210000317c610a30a4d075'::bytea, 'zstd');
SELECT try('s', E'1|a\n', method) FROM unnest(ARRAY['GZIP', 'BZIP2', 'LZOP', 'ZSTD']) method;
SELECT try('s', '', a || ' ' || b) FROM unnest(ARRAY['GZIP', 'BZIP2', 'LZOP', 'ZSTD']) a, unnest(ARRAY['GZIP', 'BZIP2', 'LZOP', 'ZSTD']) b WHERE a < b;

-- dates and times: the default, formats, auto, epochs; ACCEPTANYDATE
SELECT try('d', E'1|2008-01-02|2008-01-02 03:04:05|2008-01-02 03:04:05+01\n2|||\n', '');
SELECT try('d', E'1|02.01.2008|2008/02/01 3:04 PM|\n', $$DATEFORMAT 'DD.MM.YYYY' TIMEFORMAT AS 'YYYY/DD/MM HH:MI AM'$$);
SELECT try('d', E'1|2008-01-02|1199243045.123|1199243045\n', $$TIMEFORMAT 'epochsecs'$$);
SELECT try('d', E'1|2008-01-02|1199243045123|1199243045123\n', $$TIMEFORMAT 'epochmillisecs'$$);
SELECT try('d', E'1|Jan 2 2008|Wed Jan 2 03:04:05 2008|2008-01-02T03:04:05Z\n2|01/02/2008|08 January 2008 3:04 PM|\n3|20080102|20080102 030405|\n', $$DATEFORMAT 'auto' TIMEFORMAT 'auto'$$);
SELECT try('d', E'1|00/00/00|00/00/00 00:00:00|x\n2|2008-02-30|2008-02-28|2008-13-01\n', $$DATEFORMAT 'auto' ACCEPTANYDATE$$);
SELECT try('d', E'1|2008-02-30||\n', '');
SELECT try('d', E'1||2008-02-28 25:00|\n', '');
SELECT try('d', E'1|02.01.2008||\n', $$DATEFORMAT 'YYYY-MM-DD'$$);
SELECT try('d', E'1||1199243045x|\n', $$TIMEFORMAT 'epochsecs'$$);
SELECT try('d', '', $$DATEFORMAT 'epochsecs'$$);
SELECT try('d', '', $$DATEFORMAT 'YYYY-QQ'$$);
SELECT try('d', '', $$TIMEFORMAT 'HH:MI:XX'$$);
SELECT try('d', E'1|2008-01-99||\n', $$DATEFORMAT 'auto'$$);
SELECT try('d', E'1||31.31.2003|\n', $$TIMEFORMAT 'auto'$$);
SELECT try('d', E'1||x|\n', format('TIMEFORMAT ''%s''', written)) FROM unnest(ARRAY['epochmillisecs', 'YYYY-MM-DD HH24:MI']) written;
CREATE TABLE dated (day date NOT NULL);
SELECT try('dated', E'2008-02-30\n', 'ACCEPTANYDATE');

-- ACCEPTINVCHARS: for VARCHAR alone, a character for each byte
SELECT try('s', convert_to('1|caf', 'UTF8') || '\xe9'::bytea || E' x\n'::bytea || convert_to('2|→', 'UTF8') || '\xf0288c28'::bytea, option)
  FROM unnest(ARRAY['ACCEPTINVCHARS', 'ACCEPTINVCHARS ''^''', 'ACCEPTINVCHARS AS ''#''']) option;
SELECT try('s', '1|'::bytea || '\xe9'::bytea, '');
SELECT try('t', '1|a|'::bytea || '\xe9'::bytea || '|1'::bytea, 'ACCEPTINVCHARS');
SELECT try('t', E'1|a|é|1\n', 'ACCEPTINVCHARS');
SELECT try('s', '', $$ACCEPTINVCHARS 'ab'$$);
SELECT try('s', '', $$ACCEPTINVCHARS 'é'$$);

-- empty fields and blank ones, of each class of type, with each option
CREATE TABLE classes (v varchar(5), c char(3), i int, n numeric(4,1), f float8, b boolean, d date, z timestamptz);
SELECT option, try('classes', E'|||||||\n  |  |  |  |  |  |  |  \n\\N|\\N|\\N|\\N|\\N|\\N|\\N|\\N\nx |y | 1| 1.5 | 2 | t | 2008-01-02 | 2008-01-02\n', option)
  FROM unnest(ARRAY['', 'EMPTYASNULL', 'BLANKSASNULL', 'BLANKSASNULL EMPTYASNULL', 'TRIMBLANKS', 'TRIMBLANKS EMPTYASNULL',
	'TRIMBLANKS BLANKSASNULL', $$NULL AS ''$$, $$NULL '  '$$]) option;
-- the same in CSV: a quoted empty field is an empty field, and a quoted NULL string is text
SELECT option, try('classes', E'"","",,,,,,\n\\N,"\\N",,,,,,\n', option)
  FROM unnest(ARRAY['CSV', 'CSV EMPTYASNULL', $$CSV NULL AS ''$$]) option;
SELECT option, try('classes', '{"v": "", "c": "", "i": "", "n": "", "d": ""} {"v": " ", "c": " ", "i": " "} {"v": null, "c": null}', option)
  FROM unnest(ARRAY['JSON', 'JSON EMPTYASNULL', 'JSON BLANKSASNULL', 'JSON TRIMBLANKS']) option;

-- NULL AS
SELECT try('s', E'NULL|NULL\n2|\\N\n3|null\n', $$NULL AS 'NULL'$$);
SELECT try('s', '1|'::bytea || '\x000a'::bytea || '2|x'::bytea, $$NULL AS '\0'$$);
SELECT try('s', '1|'::bytea || '\x000a'::bytea || '2|x'::bytea, $$NULL AS '\000'$$);
SELECT try('s', '1|'::bytea || '\x000a'::bytea || '2|x'::bytea, '');
SELECT try('s', '', $$NULL AS '\n'$$);
CREATE TABLE must (id int NOT NULL, name varchar(5) NOT NULL);
SELECT try('must', E'1|\n', '');
SELECT try('must', E'1|\n', 'EMPTYASNULL');
SELECT try('must', E'|a\n', '');
SELECT try('must', E'1|  \n', 'BLANKSASNULL');
SELECT try('must', E'1|\\N\n', '');

-- ESCAPE: delimiters, line ends, backslashes; the guide's REDSHIFTINFO
SELECT try('s', E'1|a\\|b\n2|a\\\nb\n3|a\\\\b\n4|a\\b\n5|\\N\n6|\\\\N\n', 'ESCAPE');
CREATE TABLE redshiftinfo (infoid int, tableinfo varchar(50));
SELECT try('redshiftinfo', E'1|public\\|event\\|dateid\\|table\n2|public|sales\n', $$DELIMITER '|' ESCAPE MAXERROR 2$$);
SELECT try('s', E'1|a\\', 'ESCAPE');
SELECT try('s', '', 'CSV ESCAPE');
SELECT try('s', '', $$FIXEDWIDTH 'a:1' ESCAPE$$);

-- REMOVEQUOTES: the guide's table of what becomes of quotes
SELECT try('s', E'1|''The delimiter is a pipe (|) character''\n2|''Black''\n3|"White"\n4|Blue''\n7|'' ''Black'' ''\n8|'' ''\n', 'REMOVEQUOTES');
SELECT try('s', E'5|''Blue\n6|"Blue\n9|x\n', 'REMOVEQUOTES MAXERROR 3');
SELECT try('s', E'1|''Blue\n', 'REMOVEQUOTES');
SELECT try('s', E'1|"a\\"b"\n', 'REMOVEQUOTES ESCAPE');
SELECT try('s', '', 'CSV REMOVEQUOTES');

-- FILLRECORD: what is missing is NULL, a VARCHAR of text or CSV an empty string unless EMPTYASNULL
SELECT option, try('t', E'1\n2|a\n', option) FROM unnest(ARRAY['FILLRECORD', 'FILLRECORD EMPTYASNULL']) option;
SELECT option, try('t', E'1\n2,a\n', option) FROM unnest(ARRAY['FILLRECORD CSV', 'FILLRECORD CSV EMPTYASNULL']) option;
SELECT try('t', E'1 \n2 a\n', $$FIXEDWIDTH 'id:2,name:1,code:2,price:3' FILLRECORD$$);
SELECT try('t', E'1\n', '');
SELECT try('t', E'1|a|b|2|3\n', 'FILLRECORD');
SELECT try('must', E'1\n', 'FILLRECORD');
SELECT try('must', E'1\n', 'FILLRECORD EMPTYASNULL');

-- lines: IGNOREBLANKLINES, IGNOREHEADER (of each file), CRLF, no line end at the end, a byte order mark
SELECT try('s', E'\n1|a\r\n\r\n2|b\n\n3|c', 'IGNOREBLANKLINES');
SELECT try('s', E'1|a\n\n', '');
SELECT try('s', E'one|line\nand another\n1|a\n', 'IGNOREHEADER AS 2');
SELECT try('s', E'1|a\n', 'IGNOREHEADER 5');
SELECT try('s', E'head\n1|a\n', '');
SELECT try('s', '', 'IGNOREHEADER -1');
SELECT try('s', '', 'IGNOREHEADER many');
SELECT try('s', E'\uFEFF1|a\r\n2|b', '');

-- numbers: ROUNDEC or not; strings: TRUNCATECOLUMNS, TRIMBLANKS
SELECT option, try('t', E'1|a|x|1.239\n2|a|x|-1.235\n3|a|x|9999.995\n', option) FROM unnest(ARRAY['', 'ROUNDEC MAXERROR 2']) option;
SELECT try('t', E'1|a|x|9999.995\n', 'ROUNDEC');
SELECT try('t', E'1|a|x|10000\n', '');
SELECT try('t', E'1|abcdefgé|abcd|1\n2|→→→|abc   |1\n', 'TRUNCATECOLUMNS');
SELECT try('t', E'1|abcdefgé|abc|1\n', '');
SELECT try('t', E'1|a|abcd|1\n', '');
SELECT try('t', E'1|abcdefgh   |abc   |1\n', '');
SELECT try('t', E'1| a  |b |1\n', 'TRIMBLANKS');
SELECT try('must', E'1|  \n', 'TRIMBLANKS EMPTYASNULL');
SELECT try('t', E'1|a|x|123456\n', 'TRUNCATECOLUMNS');

-- ENCODING
SELECT try('s', '\xfffe31007c00e9000a00'::bytea, 'ENCODING UTF16');
SELECT try('s', '\xfeff0031007c00e9'::bytea, $$ENCODING AS 'utf16'$$);
SELECT try('s', '\x31007c00e9000a00'::bytea, 'ENCODING AS UTF16LE');
SELECT try('s', '\x0031007c00e9'::bytea, 'encoding utf16be');
SELECT try('s', E'1|é\n', 'ENCODING UTF8');
SELECT try('s', '\x31007c00e9000a00'::bytea, 'ENCODING UTF16');
SELECT try('s', '\xfffe31007c00e9000a00'::bytea, '');
SELECT try('s', '', 'ENCODING LATIN1');
SELECT try('s', '\x317ce9'::bytea, 'ENCODING UTF8');
SELECT try('s', '\xfeff0031007c00e9'::bytea, 'ENCODING UTF16LE');
SELECT try('s', '\xfffe31007c00e900'::bytea, 'ENCODING UTF16BE');
SELECT try('s', '\x31007c00e9'::bytea, 'ENCODING UTF16LE');

-- EXPLICIT_IDS: the guide's VENUE with an identity
CREATE TABLE venue_ids (venueid int GENERATED ALWAYS AS IDENTITY, venuename varchar(20));
SELECT try('venue_ids', E'7|a\n9|b\n', 'EXPLICIT_IDS');
SELECT try('venue_ids (venuename)', E'a\n', '');
SELECT try('venue_ids', E'7|a\n', '');
SELECT try('venue_ids (venueid, venuename)', E'7|a\n', '');
SELECT try('venue_ids', E'a\n', 'EXPLICIT_IDS');
SELECT try('venue_ids', E'|a\n', 'EXPLICIT_IDS');
SELECT try('venue_ids (venuename)', E'a\n', 'EXPLICIT_IDS');

-- MAXERROR, IGNOREALLERRORS, NOLOAD
SELECT try('s', E'1|a\nx|b\n3|c\n', option) FROM unnest(ARRAY['MAXERROR 2', 'MAXERROR AS 100000', 'IGNOREALLERRORS']) option;
SELECT try('s', E'1|a\nx|b\n3|c\n', option) FROM unnest(ARRAY['MAXERROR 0', 'MAXERROR 1', 'MAXERROR 100001', 'MAXERROR x', 'IGNOREALLERRORS MAXERROR 5']) option;
SELECT try('s', E'1|a\n', 'NOLOAD');
SELECT try('s', E'1|a\nx|b\n', 'NOLOAD');

-- a list of columns: what is left out has its default
CREATE TABLE listed (a int DEFAULT 7, b varchar(5) NOT NULL DEFAULT 'none', c date);
SELECT try('listed (c, b)', E'2008-01-02|x\n|y\n', '');
SELECT try('listed (c)', E'2008-01-02\n', '');
SELECT try('listed (c, nope)', '', '');
SELECT try('listed (c, c)', '', '');

-- MANIFEST
SELECT etl.s3_put('s3://options/files/1', E'1|a\n') \gset
SELECT try('s', '{"entries": [{"url": "s3://options/files/1"}, {"url": "s3://options/files/1", "mandatory": true}]}', 'MANIFEST');
SELECT try('s', '{"entries": [{"url": "s3://options/files/2", "mandatory": true}]}', 'MANIFEST');
SELECT try('s', E'1|a\n', 'MANIFEST');

-- who and where: local mode asks nobody, so only what is written counts
SELECT try('s', E'1|a\n', $$REGION 'eu-west-1'$$), try('s', E'1|a\n', $$REGION AS 'eu-west-1'$$);
SELECT try('s', '', $$REGION 'nowhere/'$$);
SELECT try('s', '', $$CREDENTIALS 'aws_iam_role=arn:aws:iam::123456789012:role/r'$$);
CREATE FUNCTION by(authorization_clause text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	words text[] := regexp_split_to_array(upper(regexp_replace(authorization_clause, '''[^'']*''', '', 'g')), '[^A-Z0-9_]+');
BEGIN
	PERFORM etl.s3_put('s3://options/data', E'1|a\n');
	PERFORM etl.execute_statement('COPY s FROM ''s3://options/data'' ' || authorization_clause);
	INSERT INTO tried SELECT unnest(words), true;
	RETURN redshift.pg_last_copy_count() || ' row';
EXCEPTION WHEN OTHERS THEN
	INSERT INTO tried SELECT unnest(words), false;
	RETURN SQLSTATE || ' ' || SQLERRM;
END$$;
SELECT by(clause) FROM unnest(ARRAY['IAM_ROLE default', 'iam_role ''arn:aws:iam::123456789012:role/r''',
	'iam_ROLE ''arn:aws:iam::123456789012:role/r,arn:aws:iam::123456789012:role/s''',
	'ACCESS_KEY_ID ''AKIDX'' SECRET_ACCESS_KEY ''x'' SESSION_TOKEN ''y''', 'secret_access_key ''x'' access_key_id ''AKIDX''',
	'CREDENTIALS ''aws_iam_role=arn:aws:iam::123456789012:role/r''', 'with credentials as ''aws_access_key_id=AKIDX;aws_secret_access_key=x''',
	'', 'IAM_ROLE ''x''', 'IAM_ROLE default CREDENTIALS ''aws_iam_role=arn:aws:iam::123456789012:role/r''', 'CREDENTIALS ''x=y''',
	'ACCESS_KEY_ID ''AKIDX''', 'SECRET_ACCESS_KEY ''x''', 'SESSION_TOKEN ''y''', 'ACCESS_KEY_ID ''AKIDX'' SESSION_TOKEN ''y''',
	'CREDENTIALS ''aws_access_key_id=AKIDX;token=y''', 'ACCESS_KEY_ID ''AKIDX'' SECRET_ACCESS_KEY ''x'' SESSION_TOKEN ''y'' CREDENTIALS ''token=z''',
	'IAM_ROLE arn', 'CREDENTIALS ''aws_access_key_id=AKIDX;aws_secret_access_key=x;master_symmetric_key=k''']) clause;

-- what has no meaning here is taken, and read
SELECT try('s', E'1|a\n', $$COMPUPDATE STATUPDATE COMPROWS 1000 READRATIO 10$$);
SELECT try('s', E'1|a\n', $$compupdate preset statupdate OFF$$), try('s', E'1|a\n', $$COMPUPDATE FALSE STATUPDATE true$$);
SELECT try('s', '', option) FROM unnest(ARRAY['COMPROWS -1', 'READRATIO 0', 'READRATIO 201', 'COMPUPDATE sometimes', 'STATUPDATE PRESET']) option;

-- all together: as many as go together, in two orders, in any letter case
SELECT try('classes', E'HEAD\nHEAD\n"  "|''ab''|1|2.25|3|t|2.1.2008|1199243045\n\n"toolong"|x|4|||||\nNONE|NONE|NONE\n',
	$$REMOVEQUOTES ESCAPE DELIMITER AS '|' NULL AS 'NONE' IGNOREHEADER 2 IGNOREBLANKLINES FILLRECORD EMPTYASNULL BLANKSASNULL TRIMBLANKS
	TRUNCATECOLUMNS ROUNDEC ACCEPTINVCHARS AS '^' ACCEPTANYDATE DATEFORMAT 'DD.MM.YYYY' TIMEFORMAT 'epochsecs' ENCODING UTF8 EXPLICIT_IDS
	MAXERROR 5 COMPUPDATE OFF STATUPDATE ON REGION 'us-east-1'$$);
SELECT try('classes', E'HEAD\nHEAD\n"  "|''ab''|1|2.25|3|t|2.1.2008|1199243045\n\n"toolong"|x|4|||||\nNONE|NONE|NONE\n',
	$$Region 'us-east-1', statUPDATE on, compupdate off, MaxError 5, explicit_IDS, Encoding AS utf8, timeformat AS 'epochsecs', dateFormat AS 'DD.MM.YYYY',
	acceptAnyDate, acceptinvchars '^', roundec, TruncateColumns, trimblanks, blanksAsNull, emptyAsNull, fillRecord, ignoreBlankLines,
	IgnoreHeader AS 2, Null 'NONE', delimiter '|', Escape, removeQuotes$$);
SELECT try('classes', E'"x\n"," "," 1 ",\\N\n', $$fillrecord Csv quote '"' truncatecolumns blanksasnull$$);
SELECT try('classes', '{"V": "  long one ", "C": "", "I": 7, "N": 1.25}', $$roundec json 'AUTO IGNORECASE' truncatecolumns emptyasnull$$);
-- an option that is given twice, one that is misspelt, what is no option
SELECT try('s', '', option) FROM unnest(ARRAY['GZIP GZIP', 'NULL ''a'' DELIMITER ''|'' NULL ''b''', 'TRIMBLANK', 'DELIMITER', 'TRIMBLANKS 5', '5']) option;
-- every flag by itself takes no argument
SELECT try('s', '', flag || ' ''x''') FROM unnest(ARRAY['ACCEPTANYDATE', 'BLANKSASNULL', 'EMPTYASNULL', 'ESCAPE', 'EXPLICIT_IDS', 'FILLRECORD',
	'IGNOREALLERRORS', 'IGNOREBLANKLINES', 'MANIFEST', 'NOLOAD', 'REMOVEQUOTES', 'ROUNDEC', 'TRIMBLANKS', 'TRUNCATECOLUMNS', 'GZIP', 'LZOP', 'ZSTD']) flag;

-- The options of etl.load that nothing above has shown the effect of, or the error: none. "columns" is no word of COPY's,
-- "files" COPY JOB's matter (copy_job.sql), the others are PostgreSQL's syntax's (copy_hook.sql).
CREATE FUNCTION known() RETURNS SETOF text LANGUAGE plpgsql AS $$
DECLARE hint text;
BEGIN
	PERFORM etl.load('s', 's3://options/data', 'text', '{"no such option": 1}');
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS hint = PG_EXCEPTION_HINT;
	RETURN QUERY SELECT regexp_replace(name, '[^a-z0-9_]', '', 'g') FROM regexp_split_to_table(split_part(hint, ': ', 2), ', ') name;
END$$;
SELECT count(*) > 30 AS some FROM known();
SELECT name, w FROM known() name, unnest(ARRAY[true, false]) w
  WHERE name NOT IN ('columns', 'files', 'csv_escape', 'force_not_null', 'force_null', 'freeze', 'header_match', 'postgres', 'server', 'single', 'where') AND NOT EXISTS (SELECT FROM tried WHERE tried.worked = w
	AND tried.word = CASE name WHEN 'jsonpaths' THEN 'JSON' WHEN 'xmlpaths' THEN 'XML' ELSE upper(name) END)
  ORDER BY 1, 2;

DROP FUNCTION try(text, text, text), try(text, bytea, text), by(text), known();
DROP TABLE tried, t, s, d, venue, category, super, classes, must, redshiftinfo, venue_ids, listed, other, dated;
DELETE FROM etl.load_history;
DELETE FROM etl.load_error;
DROP SERVER aws;

-- COPY of fixed width, JSON and XML, and of files in UTF-16.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET client_min_messages = warning;
SELECT setval('etl.load_history_load_id_seq', 3000, false) \gset

-- fixed width: characters, blanks at the end are part of a string unless TRIMBLANKS says otherwise
CREATE TABLE venue (id int, name varchar(12), city text, seats int);
SELECT etl.s3_put('s3://formats/fixed', E'1  Café      Paris   100\n2  Füße\n\n3  long name and more of it\n') \gset
CALL etl.execute($$COPY venue FROM 's3://formats/fixed' IAM_ROLE default FIXEDWIDTH 'id:3,name:10,city:8,seats:5' FILLRECORD TRIMBLANKS IGNOREBLANKLINES MAXERROR 5$$);
SELECT id, to_json(name) AS name, to_json(city) AS city, seats FROM venue ORDER BY id;
SELECT line_number, colname, err_code, err_reason FROM redshift.stl_load_errors WHERE query = redshift.pg_last_copy_id();
CALL etl.execute($$COPY venue FROM 's3://formats/fixed' IAM_ROLE default FIXEDWIDTH 'id:3,name:10'$$);
TRUNCATE venue;

-- JSON by names, by names whatever their case, by paths, whole
CREATE TABLE event (id int, name varchar(20), at timestamp, tags jsonb, nested text);
SELECT etl.s3_put('s3://formats/json', E'{"id": 1, "name": "a\\u00e9", "at": "2008-01-02 03:04:05", "tags": [1, {"x": null}], "more": 1}\n\n[{"ID": 2, "id": 3, "name": null}, {"id": 4, "nested": {"b": [10, 20]}}] {"id": 5, "name": ""}') \gset
CALL etl.execute($$COPY event FROM 's3://formats/json' IAM_ROLE default JSON 'auto'$$);
SELECT * FROM event ORDER BY id;
TRUNCATE event;
SELECT etl.s3_put('s3://formats/ignorecase', E'{"Id": 7, "NAME": "x"}{"iD": "8"}') \gset
CALL etl.execute($$COPY event FROM 's3://formats/ignorecase' IAM_ROLE default FORMAT JSON AS 'auto ignorecase'$$);
CALL etl.execute($$COPY event FROM 's3://formats/ignorecase' IAM_ROLE default FORMAT AS JSON 'auto'$$);
SELECT id, name FROM event ORDER BY id;
TRUNCATE event;
SELECT etl.s3_put('s3://formats/paths.json', '{"jsonpaths": ["$[''nested''].b[1]", "$.name"]}') \gset
CALL etl.execute($$COPY event (id, name) FROM 's3://formats/json' IAM_ROLE default JSON 's3://formats/paths.json'$$);
SELECT id, name FROM event ORDER BY id, name;
CALL etl.execute($$COPY event FROM 's3://formats/json' IAM_ROLE default JSON 's3://formats/paths.json'$$);
CALL etl.execute($$COPY event (id, name) FROM 's3://formats/json' IAM_ROLE default JSON 's3://formats/json'$$);
CALL etl.execute($$COPY event (id, name) FROM 's3://formats/json' IAM_ROLE default JSON 's3://formats/nothere'$$);
TRUNCATE event;
CALL etl.execute($$COPY event (tags) FROM 's3://formats/json' IAM_ROLE default JSON 'noshred'$$);
SELECT tags FROM event ORDER BY tags->'id' NULLS FIRST;
CALL etl.execute($$COPY event FROM 's3://formats/json' IAM_ROLE default JSON 'noshred'$$);
TRUNCATE event;
-- malformed objects count toward MAXERROR, each with the line it ends on
SELECT etl.s3_put('s3://formats/badjson', E'{"id": 1}\n{"id": 2,\n"name": }\n{"id": 3}\n{"id": "x"}\n{"id": 4, "name": "too long a name to be in there"}\n{"id": 5, "tags": {"a"\n{"id": 6}\n') \gset
CALL etl.execute($$COPY event FROM 's3://formats/badjson' IAM_ROLE default JSON 'auto' MAXERROR 5$$);
SELECT id FROM event ORDER BY id;
SELECT line_number, colname, err_code, err_reason FROM redshift.stl_load_errors WHERE query = redshift.pg_last_copy_id() ORDER BY line_number;
CALL etl.execute($$COPY event FROM 's3://formats/badjson' IAM_ROLE default JSON 'auto'$$);
SELECT etl.s3_put('s3://formats/deep', repeat('{"a":', 10000) || '1' || repeat('}', 10000)) \gset
CALL etl.execute($$COPY event FROM 's3://formats/deep' IAM_ROLE default JSON 'auto'$$);
TRUNCATE event;

-- XML: rows by their tag, values by names or paths
CREATE TABLE purchase (id int, customer text, total numeric(8,2), city text);
SELECT etl.s3_put('s3://formats/xml', '<?xml version="1.0"?><orders xmlns:o="urn:o"><order id="1"><customer>A &amp; B</customer><total>1.50</total><to><city>Rome</city></to></order>'
	|| E'\n<o:order id="2"><customer><first>C</first> D</customer><total/><city>Bern</city></o:order></orders>') \gset
CALL etl.execute($$COPY purchase FROM 's3://formats/xml' IAM_ROLE default FORMAT XML ROWTAG 'order'$$);
SELECT * FROM purchase ORDER BY id;
TRUNCATE purchase;
SELECT etl.s3_put('s3://formats/paths.xml', '{"xmlpaths": ["$.@id", "$.customer.first", "$.total", "$.to.city"]}') \gset
SELECT etl.load('purchase', 's3://formats/xml', 'xml', '{"rowtag": "order", "xmlpaths": "s3://formats/paths.xml"}');
SELECT * FROM purchase ORDER BY id;
SELECT etl.s3_put('s3://formats/badxml', '<a><order><id>1</id></order><order></a>') \gset
SELECT etl.load('purchase', 's3://formats/badxml', 'xml', '{"rowtag": "order"}');
SELECT etl.s3_put('s3://formats/dtd', '<!DOCTYPE a [<!ENTITY x "y">]><a><order><id>1</id></order></a>') \gset
SELECT etl.load('purchase', 's3://formats/dtd', 'xml', '{"rowtag": "order", "maxerror": 10}');

-- UTF-16
SELECT etl.s3_put('s3://formats/wide16', '\xfffe31007c00e9000a0032007c003dd800de0a00'::bytea) \gset
SELECT etl.s3_put('s3://formats/be16', '\x0031007c00e9000a'::bytea) \gset
CREATE TABLE wide (id int, text text);
SELECT etl.load('wide', 's3://formats/wide16', 'text', '{"encoding": "utf16"}');
SELECT etl.load('wide', 's3://formats/be16', 'text', '{"encoding": "utf16be"}');
SELECT * FROM wide ORDER BY id, text;
SELECT etl.load('wide', 's3://formats/be16', 'text', '{"encoding": "utf16le"}');
SELECT etl.load('wide', 's3://formats/wide16', 'text');

-- dates and times
CREATE TABLE moment (id int, day date, at timestamp, zoned timestamptz);
SELECT etl.s3_put('s3://formats/dates', E'1|02.01.2008|2008-01-02 03:04:05 PM|\n2|2.1.2008|x|\n') \gset
SELECT etl.load('moment', 's3://formats/dates', 'text', '{"dateformat": "DD.MM.YYYY", "timeformat": "YYYY-MM-DD HH12:MI:SS AM", "acceptanydate": true}');
SELECT etl.s3_put('s3://formats/epoch', E'3|2008-01-02|1199243045123|1199243045123\n') \gset
SELECT etl.load('moment', 's3://formats/epoch', 'text', '{"timeformat": "epochmillisecs"}');
SELECT etl.s3_put('s3://formats/auto', E'4|Jan 2 2008|Jan 2 2008 03:04:05PM|20080102T030405Z\n') \gset
SELECT etl.load('moment', 's3://formats/auto', 'text', '{"dateformat": "auto", "timeformat": "auto"}');
SET TimeZone = 'UTC'; SET DateStyle = 'ISO';
SELECT * FROM moment ORDER BY id;
RESET TimeZone; RESET DateStyle;
SELECT etl.load('moment', 's3://formats/dates', 'text', '{"dateformat": "QQ"}');
SELECT etl.load('moment', 's3://formats/dates', 'text', '{"dateformat": "YYYY-MM-DD"}');

DROP TABLE venue, event, purchase, wide, moment;
DELETE FROM etl.load_history;
DELETE FROM etl.load_error;
DROP SERVER aws;

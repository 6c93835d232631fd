-- etl.load: what COPY does, in local mode.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET client_min_messages = warning;
SELECT setval('etl.load_history_load_id_seq', 100, false) \gset

CREATE TABLE t (id int, name varchar(5), price numeric(6,2), day date, ok boolean);
SELECT etl.s3_put('s3://load/text/a', E'1|one|1.239|2008-01-02|t\n2||||\n3|\\N|-0.999|01/31/2008|no\n') \gset
SELECT etl.s3_put('s3://load/text/b', '4|ünï|5|2008-12-31|1') \gset
SELECT etl.load('t', 's3://load/text/');
SELECT *, name IS NULL AS name_null FROM t ORDER BY id;
SELECT username = current_user AS mine, table_name, uri, format, rows, bytes, files FROM etl.load_history;
-- the prefix is literal and spans folders; letter case counts; nothing there is an error
TRUNCATE t;
SELECT etl.load('t', 's3://load/te');
SELECT etl.load('t', 's3://load/Text');
SELECT etl.load('t', 'file:///etc/passwd');

-- CSV, header, quotes, line ends in values; a BOM and CRLF
TRUNCATE t;
SELECT etl.s3_put('s3://load/csv', E'id,name,price,day,ok\n1,"a,""b",2.5,2008-01-01,true\n2,"x\ny",,,\n') \gset
SELECT etl.load('t', 's3://load/csv', 'csv', '{"ignoreheader": 1}');
SELECT id, to_json(name) FROM t ORDER BY id;
TRUNCATE t;
SELECT etl.s3_put('s3://load/semi', E'1;''q;q'';3;2008-01-01;f\r\n') \gset
SELECT etl.load('t', 's3://load/semi', 'csv', '{"delimiter": ";", "quote": "''"}');
SELECT * FROM t;

TRUNCATE t;
SELECT etl.s3_put('s3://load/bom', E'\uFEFF1,a,1,2008-01-01,t\r\n') \gset
SELECT etl.load('t', 's3://load/bom', 'csv');
SELECT id, to_json(name) FROM t;

-- gzip, of several members
CREATE TABLE s (id int, name text);
SELECT etl.s3_put('s3://load/gz', '\x1f8b08000000000002ff33acc9cf4be50200e60f959b060000001f8b08000000000002ff33aa2929cfe70200a3dd017306000000'::bytea) \gset
SELECT etl.load('s', 's3://load/gz', 'text', '{"gzip": true}');
SELECT * FROM s ORDER BY id;
SELECT etl.s3_put('s3://load/cutgz', '\x1f8b08000000000002ff33acc9cf4be50200e60f959b'::bytea) \gset
SELECT etl.load('s', 's3://load/cutgz', 'text', '{"gzip": true}');
SELECT etl.load('s', 's3://load/semi', 'text', '{"gzip": true}');

-- options of conversion
TRUNCATE s;
SELECT etl.s3_put('s3://load/conv', E'1|"x"\n2|  \n3|\n4|y  \n5|NONE\n6\n') \gset
SELECT etl.load('s', 's3://load/conv', 'text', '{"fillrecord": true, "removequotes": true, "blanksasnull": true, "trimblanks": true, "null": "NONE"}');
SELECT id, '[' || name || ']' AS name FROM s ORDER BY id;
TRUNCATE s;
SELECT etl.load('s', 's3://load/conv', 'text', '{"fillrecord": true, "emptyasnull": true}');
SELECT id, '[' || name || ']' AS name FROM s ORDER BY id;
TRUNCATE s;
SELECT etl.s3_put('s3://load/escape', E'1|a\\|b\n2|c\\\nd\n\n3|\\\\\n') \gset
SELECT etl.load('s', 's3://load/escape', 'text', '{"escape": true, "ignoreblanklines": true}');
SELECT id, to_json(name) FROM s ORDER BY id;
TRUNCATE s;
SELECT etl.s3_put('s3://load/latin', convert_to(E'1|caf', 'utf8') || '\xe9'::bytea || convert_to(E'\n2|\té\t\n', 'utf8')) \gset
SELECT etl.load('s', 's3://load/latin');
SELECT etl.load('s', 's3://load/latin', 'text', '{"acceptinvchars": "?"}');
SELECT id, to_json(name) FROM s ORDER BY id;
TRUNCATE t;
SELECT etl.s3_put('s3://load/long', E'1|1234é|1|2008-01-01|t\n') \gset
SELECT etl.load('t', 's3://load/long');
SELECT etl.load('t', 's3://load/long', 'text', '{"truncatecolumns": true, "roundec": true}');
SELECT * FROM t;
TRUNCATE t;
SELECT etl.load('t', 's3://load/text/a', 'text', '{"roundec": true}');
SELECT id, price FROM t ORDER BY id;

-- a failed load leaves nothing, and says where it failed
TRUNCATE t;
SELECT etl.s3_put('s3://load/bad/1', E'1|a|1|2008-01-01|t\n2|b|1|2008-01-01|t\n') \gset
SELECT etl.s3_put('s3://load/bad/2', E'h\n3|c|1|2008-01-01|t\n4|d|1,5|2008-01-01|t\n') \gset
SELECT etl.load('t', 's3://load/bad/', 'text', '{"ignoreheader": 1}');
SELECT count(*) FROM t;
SELECT etl.s3_put('s3://load/cols', E'1|a|1|2008-01-01|t|x\n') \gset
SELECT etl.load('t', 's3://load/cols');
SELECT etl.s3_put('s3://load/few', E'1|a|1\n') \gset
SELECT etl.load('t', 's3://load/few');
SELECT etl.s3_put('s3://load/quote', E'1,"a\n') \gset
SELECT etl.load('s', 's3://load/quote', 'csv');

-- column lists, defaults, identity, generated columns, constraints, triggers, partitions
CREATE TABLE d (n int GENERATED ALWAYS AS IDENTITY, a int NOT NULL CHECK (a < 100), b text DEFAULT 'none',
	c int GENERATED ALWAYS AS (a * 2) STORED, UNIQUE (a)) PARTITION BY RANGE (a);
CREATE TABLE d1 PARTITION OF d FOR VALUES FROM (0) TO (10);
CREATE TABLE d2 PARTITION OF d FOR VALUES FROM (10) TO (1000);
CREATE FUNCTION shout() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.b := upper(NEW.b); RETURN NEW; END$$;
CREATE TRIGGER shout BEFORE INSERT ON d2 FOR EACH ROW EXECUTE FUNCTION shout();
SELECT etl.s3_put('s3://load/d', E'x|5\ny|15\n') \gset
SELECT etl.load('d', 's3://load/d', 'text', '{"columns": ["b", "a"]}');
SELECT etl.s3_put('s3://load/d3', E'6\n7\n') \gset
SELECT etl.load('d', 's3://load/d3', 'text', '{"columns": ["a"]}');
SELECT tableoid::regclass, * FROM d ORDER BY n;
SELECT etl.load('d', 's3://load/d3', 'text', '{"columns": ["a"]}');
SELECT etl.s3_put('s3://load/d4', E'1|\n2|x\n') \gset
SELECT etl.load('d', 's3://load/d4', 'text', '{"columns": ["b", "a"]}');
SELECT etl.s3_put('s3://load/d5', E'8|\n100|x\n') \gset
SELECT etl.load('d', 's3://load/d5');
SELECT etl.load('d', 's3://load/d5', 'text', '{"columns": ["n", "a"]}');
SELECT etl.s3_put('s3://load/d6', E'77|8|x\n') \gset
SELECT etl.load('d', 's3://load/d6', 'text', '{"explicit_ids": true}');
SELECT n, a, b FROM d WHERE a = 8;
SELECT etl.load('d', 's3://load/d', 'text', '{"columns": ["a", "c"]}');
SELECT etl.load('d', 's3://load/d', 'text', '{"columns": ["a", "zzz"]}');
-- an error that comes after the rows isn't blamed on one
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int REFERENCES parent);
SELECT etl.load('child', 's3://load/d3');

-- a trigger may load too, and an error in it be caught
CREATE TABLE log (a int, b text);
CREATE FUNCTION chain() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF NEW.id < 100 THEN
		PERFORM etl.load('log', 's3://load/inner');
		BEGIN
			PERFORM etl.load('log', 's3://load/latin');
		EXCEPTION WHEN character_not_in_repertoire THEN
			NEW.name := NEW.name || ', caught';
		END;
	END IF;
	RETURN NEW;
END$$;
CREATE TABLE outer_table (id int, name text);
CREATE TRIGGER chain BEFORE INSERT ON outer_table FOR EACH ROW EXECUTE FUNCTION chain();
SELECT etl.s3_put('s3://load/inner', E'1|in\n') \gset
SELECT etl.s3_put('s3://load/outer', E'1|a\n2|b\n3|c\n') \gset
SELECT etl.load('outer_table', 's3://load/outer');
SELECT * FROM outer_table;
SELECT * FROM log;
SELECT etl.s3_put('s3://load/outer', E'1|a\nx|b\n') \gset
SELECT etl.load('outer_table', 's3://load/outer');
SELECT count(*) FROM log;
-- extra digits are cut, also where there is an exponent
TRUNCATE t;
SELECT etl.s3_put('s3://load/exp', E'1||15.999e-2|\n2|| 1.999 |\n3||1e2|\n4||-.009|\n5||7.|\n') \gset
SELECT etl.load('t', 's3://load/exp', 'text', '{"columns": ["id", "name", "price", "day"]}');
SELECT id, price FROM t ORDER BY id;

-- options that are wrong, or not served yet
SELECT etl.load('s', 's3://load/d', 'text', '{"ignoreheaders": 1}');
SELECT etl.load('s', 's3://load/d', 'text', '{"ignoreheader": "1"}');
SELECT etl.load('s', 's3://load/d', 'text', '{"ignoreheader": -1}');
SELECT etl.load('s', 's3://load/d', 'text', '{"maxerror": 5}');
SELECT etl.load('s', 's3://load/d', 'text', '{"manifest": true}');
SELECT etl.load('s', 's3://load/d', 'text', '{"dateformat": "YYYYMMDD"}');
SELECT etl.load('s', 's3://load/d', 'json', '{}');
SELECT etl.load('s', 's3://load/d', 'yaml', '{}');
SELECT etl.load('s', 's3://load/d', 'csv', '{"escape": true}');
SELECT etl.load('s', 's3://load/d', 'csv', '{"delimiter": "\"" }');
SELECT etl.load('s', 's3://load/d', 'text', '{"iam_role": "default", "credentials": {"access_key_id": "a", "secret_access_key": "b"}}');
SELECT etl.load('s', 's3://load/d', 'text', '{"region": "evil.example/"}');
SELECT etl.load('s', 's3://load/d', 'text', '[]');
-- accepted without effect
TRUNCATE s;
SELECT etl.load('s', 's3://load/gz', 'text', '{"gzip": true, "iam_role": "arn:aws:iam::123456789012:role/r", "region": "eu-west-1",
	"statupdate": "on", "compupdate": false, "maxerror": 1, "manifest": false, "bzip2": null, "timeformat": "auto", "encoding": "UTF8"}');

-- rights are COPY's
CREATE ROLE regress_loader;
GRANT USAGE ON FOREIGN SERVER aws TO regress_loader;
GRANT USAGE ON SCHEMA etl TO regress_loader;
GRANT EXECUTE ON FUNCTION etl.load TO regress_loader;
GRANT INSERT (id) ON s TO regress_loader;
SET ROLE regress_loader;
SELECT etl.load('s', 's3://load/d3');
SELECT etl.load('s', 's3://load/d3', 'text', '{"columns": ["id"]}');
SELECT etl.load('t', 's3://load/d3');
RESET ROLE;
ALTER TABLE s ENABLE ROW LEVEL SECURITY;
SET ROLE regress_loader;
SELECT etl.load('s', 's3://load/d3', 'text', '{"columns": ["id"]}');
RESET ROLE;
SELECT etl.grant_author('regress_loader');
SET ROLE regress_loader;
SELECT username, table_name, rows FROM etl.load_history;
RESET ROLE;

DROP OWNED BY regress_loader;
DROP ROLE regress_loader;
DROP TABLE t, s, d, child, parent, log, outer_table;
DROP FUNCTION shout(), chain();
DELETE FROM etl.load_history;
DELETE FROM etl.load_error;
DROP SERVER aws;

-- PostgreSQL's own COPY of objects: what it reads and writes is what COPY of a file does.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET client_min_messages = warning;
CREATE TABLE t (id int, name varchar(5), price numeric(6,2), day date, ok boolean, note text);
CREATE TABLE u (LIKE t);
CREATE FUNCTION same() RETURNS text LANGUAGE sql AS $$
	SELECT CASE WHEN EXISTS (TABLE t EXCEPT ALL TABLE u) OR EXISTS (TABLE u EXCEPT ALL TABLE t) THEN 'different' ELSE 'the same ' || count(*) END FROM t $$;
\set text :root '/pgcopy/text'
\set csv :root '/pgcopy/csv'
\set csv2 :root '/pgcopy/csv2'
SET datestyle = 'ISO, DMY';

-- text
SELECT etl.s3_put('s3://pgcopy/text', E'1\tééééé\t1.239\t02/01/2008\tt\ta\\tb\\nc\\\\d\\101\\x41\n2\t\\N\t\\N\t\\N\t\\N\t\n3\t\t-0.999\t2008-12-31\tno\t\\\\N\n') \gset
COPY t FROM 's3://pgcopy/text';
COPY u FROM :'text';
SELECT same();
SELECT id, name, price, day, ok, to_json(note) FROM t ORDER BY id;
COPY t TO 'S3://pgcopy/out/text';
\set out :root '/pgcopy/out/text'
TRUNCATE u;
COPY u FROM :'out';
SELECT same();
\set local :root '/pgcopy/out/local'
COPY t TO :'local';
SELECT etl.s3_fetch('s3://pgcopy/out/text') = etl.s3_fetch('s3://pgcopy/out/local') AS identical;

-- CSV
TRUNCATE t, u;
SELECT etl.s3_put('s3://pgcopy/csv', E'id,name,price,day,ok,note\n1,"a,""b",2.5,31.12.2007,true,""\n2,,,,,\n3,"x\ny",,,,"NULL"\n') \gset
COPY t FROM 's3://pgcopy/csv' (FORMAT csv, HEADER);
COPY u FROM :'csv' (FORMAT csv, HEADER);
SELECT same();
SELECT id, to_json(name), note, note IS NULL AS null FROM t ORDER BY id;
COPY t TO 's3://pgcopy/out/csv' WITH (FORMAT csv, HEADER true, FORCE_QUOTE (id, note), SERVER 'aws');
COPY t TO :'local' WITH (FORMAT csv, HEADER true, FORCE_QUOTE (id, note));
SELECT etl.s3_fetch('s3://pgcopy/out/csv') = etl.s3_fetch('s3://pgcopy/out/local') AS identical;
COPY (SELECT id, note FROM t WHERE name <> ')' ORDER BY id) TO 's3://pgcopy/out/csv2' CSV QUOTE '''' ESCAPE '\' NULL 'nil' FORCE QUOTE *;
COPY (SELECT id, note FROM t WHERE name <> ')' ORDER BY id) TO :'local' CSV QUOTE '''' ESCAPE '\' NULL 'nil' FORCE QUOTE *;
SELECT etl.s3_fetch('s3://pgcopy/out/csv2') = etl.s3_fetch('s3://pgcopy/out/local') AS identical;
TRUNCATE t, u;
SELECT etl.s3_put('s3://pgcopy/csv2', E'1;\'a\\\'b\\c\';nil\n2;\'nil\';nil\n3;nil;\'nil\'\n') \gset
COPY t (id, name, note) FROM 's3://pgcopy/csv2' (FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\', NULL 'nil', FORCE_NULL (name), FORCE_NOT_NULL (note));
COPY u (id, name, note) FROM :'csv2' (FORMAT csv, DELIMITER ';', QUOTE '''', ESCAPE '\', NULL 'nil', FORCE_NULL (name), FORCE_NOT_NULL (note));
SELECT same();
SELECT id, name, note FROM t ORDER BY id;

-- Redshift's options beside them; in functions, with savepoints; the rows are counted
TRUNCATE t;
SELECT etl.s3_put('s3://pgcopy/bad/1', E'1,a,1,2008-01-01,t,x\nx,b,1,2008-01-01,t,x\n') \gset
COPY t FROM 's3://pgcopy/bad/' (FORMAT csv, MAXERROR 10);
COPY t (id) FROM 's3://pgcopy/bad/' (FORMAT csv, IGNOREALLERRORS, COMPUPDATE off, REGION 'eu-west-1', IAM_ROLE 'default');
DO $$
DECLARE n bigint;
BEGIN
	COPY t FROM 's3://pgcopy/bad/' (FORMAT csv, MAXERROR 10);
	GET DIAGNOSTICS n = ROW_COUNT;
	RAISE WARNING '% rows', n;
	BEGIN
		COPY t FROM 's3://pgcopy/bad/' (FORMAT csv);
	EXCEPTION WHEN OTHERS THEN
		RAISE WARNING '%', SQLSTATE;
	END;
END$$;
SELECT count(*) FROM t;
BEGIN;
COPY t TO 's3://pgcopy/parts/' (FORMAT csv, GZIP);
COPY (SELECT 1) TO 's3://pgcopy/parts/named' (PARALLEL off);
COMMIT;
SELECT uri FROM etl.s3_list('s3://pgcopy/parts/');
SELECT query, uri, format, rows FROM etl.unload_history ORDER BY unload_id DESC LIMIT 2;

-- WHERE: before triggers and constraints, after defaults
CREATE TABLE w (id int NOT NULL, name text NOT NULL DEFAULT 'none', twice int GENERATED ALWAYS AS (id * 2) STORED, CHECK (id < 10));
CREATE FUNCTION fill() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN NEW.name := coalesce(NEW.name, 'filled'); RETURN NEW; END$$;
CREATE TRIGGER fill BEFORE INSERT ON w FOR EACH ROW EXECUTE FUNCTION fill();
SELECT etl.s3_put('s3://pgcopy/end', E'1\n\\.\n2\n') \gset
SELECT etl.s3_put('s3://pgcopy/where', E'1\ta\n2\t\\N\n\\N\tb\n20\tc\n3\td;where\n') \gset
COPY w (id, name) FROM 's3://pgcopy/where' (DELIMITER E'\t') WHERE id < 10 AND (name IS NULL OR name <> 'where; (') -- ; a comment
;
TABLE w ORDER BY id;
TRUNCATE w;
COPY w (id, name) FROM 's3://pgcopy/where' wHERE(id IN (1, 3)); COPY w (id) FROM 's3://pgcopy/end' WHERE name = 'none' AND id = 1;
TABLE w ORDER BY id, name;
-- what can't be evaluated is the row's fault
SELECT etl.s3_put('s3://pgcopy/ids', E'1\n0\n2\n') \gset
COPY w (id) FROM 's3://pgcopy/ids' (MAXERROR 5) WHERE 10 / id > 5;
SELECT id, name FROM w WHERE name = 'none' ORDER BY id;
-- it sees the rows that are there already
TRUNCATE w;
CREATE FUNCTION few() RETURNS bool LANGUAGE sql VOLATILE AS 'SELECT count(*) < 1 FROM w';
COPY w (id) FROM 's3://pgcopy/ids' WHERE few();
SELECT id FROM w;
CREATE TABLE parts (id int, name text) PARTITION BY RANGE (id);
CREATE TABLE parts_1 PARTITION OF parts FOR VALUES FROM (0) TO (10);
COPY parts FROM 's3://pgcopy/where' WHERE id < 10;
SELECT tableoid::regclass, * FROM parts ORDER BY id;
SELECT etl.load('w', 's3://pgcopy/ids', 'text', '{"postgres": true, "columns": ["id"], "where": "id = 2", "noload": true}');

-- HEADER match
SELECT etl.s3_put('s3://pgcopy/match/1', E'id,"name"\n1,a\n'), etl.s3_put('s3://pgcopy/match/2', E'id,name\n2,b\n') \gset
TRUNCATE parts;
COPY parts FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match);
TABLE parts ORDER BY id;

-- FREEZE
BEGIN;
TRUNCATE parts_1;
COPY parts_1 FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match, FREEZE);
COMMIT;
CREATE EXTENSION pg_visibility;
SELECT all_visible, all_frozen FROM pg_visibility_map('parts_1');
SELECT count(*) FROM pg_check_frozen('parts_1');
TABLE parts_1 ORDER BY id;
DROP EXTENSION pg_visibility;

-- ENCODING
CREATE TABLE l (id int, name text);
CREATE TABLE m (LIKE l);
SELECT etl.s3_put('s3://pgcopy/latin1', convert_to(E'1\té\n2\tÿ×\n', 'latin1')), etl.s3_put('s3://pgcopy/sjis', convert_to(E'1\tソ表\n2\t能\n', 'sjis')),
	etl.s3_put('s3://pgcopy/euc', convert_to('1' || E'\t' || repeat('表', 100000) || E'\n2\tx' || repeat('表', 100000), 'euc_jp')) \gset
\set latin1 :root '/pgcopy/latin1'
\set sjis :root '/pgcopy/sjis'
\set euc :root '/pgcopy/euc'
COPY l FROM 's3://pgcopy/latin1' (ENCODING 'latin1');
COPY l FROM 's3://pgcopy/sjis' (ENCODING 'SJIS');
TABLE l;
COPY l FROM 's3://pgcopy/euc' (ENCODING 'EUC_JP');
COPY m FROM :'latin1' (ENCODING 'latin1');
COPY m FROM :'sjis' (ENCODING 'SJIS');
COPY m FROM :'euc' (ENCODING 'EUC_JP');
SELECT count(*) FROM (TABLE l EXCEPT TABLE m) d;
COPY (SELECT * FROM m WHERE name !~ '[éÿ×]') TO 's3://pgcopy/out/sjis' (ENCODING 'sjis', FORMAT csv, HEADER);
COPY (SELECT * FROM m WHERE name !~ '[éÿ×]') TO :'local' (ENCODING 'sjis', FORMAT csv, HEADER);
SELECT etl.s3_fetch('s3://pgcopy/out/sjis') = etl.s3_fetch('s3://pgcopy/out/local') AS identical;
COPY (SELECT E'é\\\t' FROM generate_series(1, 30000)) TO 's3://pgcopy/out/latin1' (ENCODING 'latin1', GZIP);
COPY (SELECT E'é\\\t' FROM generate_series(1, 30000)) TO :'local' (ENCODING 'latin1');
TRUNCATE l, m;
COPY l (name) FROM 's3://pgcopy/out/latin1' (ENCODING 'latin1', GZIP);
COPY m (name) FROM :'local' (ENCODING 'latin1');
SELECT count(*), (SELECT count(*) FROM (TABLE l EXCEPT ALL TABLE m) d) AS different FROM l;
TRUNCATE l;
COPY l FROM 's3://pgcopy/where' (ENCODING 'sql_ascii', MAXERROR 9);
SELECT count(*) FROM l;
DROP TABLE l, m;

-- quotes in a field, and the end of data
TRUNCATE t;
COPY t (id) FROM 's3://pgcopy/end';
SELECT id FROM t;
\set ON_ERROR_STOP 0
\set VERBOSITY terse

-- what is refused
COPY t FROM 's3://pgcopy/text' WHERE id > (SELECT 1);
COPY t FROM 's3://pgcopy/text' WHERE nothing > 1;
COPY t FROM 's3://pgcopy/text' WHERE id;
COPY w (id) FROM 's3://pgcopy/ids' WHERE twice > 2;
COPY w (id) FROM 's3://pgcopy/ids' WHERE w IS NULL;
COPY w (id) FROM 's3://pgcopy/ids' WHERE tableoid > 2;
COPY w (id) FROM 's3://pgcopy/ids' WHERE 10 / id > 5;
COPY w (id, name) FROM 's3://pgcopy/where';
SELECT etl.load('w', 's3://pgcopy/ids', 'text', '{"postgres": true, "where": "true; SELECT 1"}');
\set VERBOSITY default
SELECT etl.load('w', 's3://pgcopy/ids', 'text', '{"postgres": true, "where": "id >"}');
SELECT etl.load('w', 's3://pgcopy/ids', 'text', '{"postgres": true, "where": "idx > 1"}');
\set VERBOSITY terse
SELECT etl.load('w', 's3://pgcopy/ids', 'text', '{"where": "id > 1"}');
COPY w (id) FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match);
COPY parts (name, id) FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match, MAXERROR 10);
COPY parts FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match, NULL 'id');
COPY parts FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match, IGNOREHEADER 1);
SELECT etl.s3_put('s3://pgcopy/nothing', '') \gset
COPY parts FROM 's3://pgcopy/nothing' (HEADER match);
COPY parts TO 's3://pgcopy/out/match' (HEADER match);
COPY parts_1 FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match, FREEZE);
COPY parts FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match, FREEZE);
COPY parts_1 TO 's3://pgcopy/out/freeze' (FREEZE);
BEGIN;
TRUNCATE parts_1;
COPY parts_1 FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match, FREEZE, MAXERROR 10);
ROLLBACK;
BEGIN;
TRUNCATE parts_1;
SAVEPOINT a;
COPY parts_1 FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match, FREEZE);
ROLLBACK;
BEGIN;
TRUNCATE parts_1;
DECLARE c CURSOR FOR SELECT 1;
FETCH c;
COPY parts_1 FROM 's3://pgcopy/match/' (FORMAT csv, HEADER match, FREEZE);
ROLLBACK;
COPY t FROM 's3://pgcopy/text' (DELIMITER 'a');
COPY t FROM 's3://pgcopy/text' (FORMAT binary);
COPY t FROM 's3://pgcopy/text' (FORMAT csv, FORMAT csv);
COPY t FROM 's3://pgcopy/text' (FORCE_QUOTE *);
COPY t FROM 's3://pgcopy/text' (FORCE_NULL (name));
COPY t (id) FROM 's3://pgcopy/csv' (FORMAT csv, FORCE_NULL (name));
COPY t TO 's3://pgcopy/out/x' (FORMAT csv, FORCE_QUOTE (nobody));
COPY (SELECT 'a→') TO 's3://pgcopy/out/x' (ENCODING 'latin1');
COPY t TO 's3://pgcopy/out/x' (ENCODING 'utf16');
COPY t TO 's3://pgcopy/out/x' (FORMAT json, ENCODING 'latin1');
COPY t FROM 's3://pgcopy/text' (ENCODING 'morse');
COPY t FROM 's3://pgcopy/text' (ENCODING 'mule_internal');
SELECT etl.load('t', 's3://pgcopy/text', 'text', '{"encoding": "latin1"}');
\set VERBOSITY default
SELECT etl.s3_put('s3://pgcopy/bytes/win', '\x610a8162'::bytea), etl.s3_put('s3://pgcopy/bytes/sjis', '\x6120810a'::bytea), etl.s3_put('s3://pgcopy/bytes/nul', '\x61626300'::bytea) \gset
COPY t (note) FROM 's3://pgcopy/bytes/win' (ENCODING 'win1252');
COPY t (note) FROM 's3://pgcopy/bytes/sjis' (ENCODING 'sjis');
COPY t (note) FROM 's3://pgcopy/bytes/nul' (ENCODING 'latin1');
\set VERBOSITY terse
COPY t FROM 's3://pgcopy/text' (TRUNCATECOLUMNS);
COPY t FROM 's3://pgcopy/text' (SERVER 'nowhere');
COPY t TO 's3://pgcopy/out/csv' (FORMAT csv);
COPY nothing FROM 's3://pgcopy/text';
CREATE VIEW v AS SELECT 1 AS a;
COPY v TO 's3://pgcopy/out/view';
\set VERBOSITY default
COPY t FROM 's3://pgcopy/text' (COLOUR 'red');
\set VERBOSITY terse
BEGIN READ ONLY;
SAVEPOINT a;
COPY t FROM 's3://pgcopy/text';
ROLLBACK TO a;
COPY (SELECT 1) TO 's3://pgcopy/out/read_only' (FORMAT csv);
COMMIT;
SELECT etl.s3_fetch_text('s3://pgcopy/out/read_only');

-- a key may be anything, also nothing: it is no reason to say less, or to look for it for ever
COPY t FROM 's3://pgcopy/text' (SECRET_ACCESS_KEY '', ACCESS_KEY_ID '');
COPY t FROM 's3://pgcopy/text' (SECRET_ACCESS_KEY 'e', ACCESS_KEY_ID 'e', SERVER 'nowhere');
COPY t FROM 's3://pgcopy/text' (ON_ERROR 'sotp');
COPY t FROM 's3://pgcopy/text' (FORMAT csv, HEADER, IGNOREHEADER 3);
COPY t (t) TO 's3://pgcopy/out/columns';
COPY t (ctid) TO 's3://pgcopy/out/columns';
COPY t (id, id) TO 's3://pgcopy/out/columns';
COPY (SELECT '©', 'é', 'ë') TO 's3://pgcopy/out/delimiter' (DELIMITER 'é');
SELECT etl.s3_fetch_text('s3://pgcopy/out/delimiter');

-- identity columns are columns
CREATE TABLE ident (id int GENERATED ALWAYS AS IDENTITY, a text);
INSERT INTO ident (id, a) OVERRIDING SYSTEM VALUE VALUES (7, 'seven');
COPY ident TO 's3://pgcopy/out/ident' (FORMAT csv, HEADER);
TRUNCATE ident;
COPY ident FROM 's3://pgcopy/out/ident' (FORMAT csv, HEADER match, ON_ERROR 'STOP');
TABLE ident;
DROP TABLE ident;

-- what is written as JSON is read again
CREATE TABLE j (n int, b bytea, x jsonb);
INSERT INTO j VALUES (1, 'abc', '"123"'), (2, '', '"null"'), (3, NULL, '{"a": [1, null]}'), (4, '\x00ff', '"abc"');
COPY j TO 's3://pgcopy/out/json' (FORMAT json);
COPY j FROM 's3://pgcopy/out/json' (FORMAT json) WHERE n > 0;
SELECT n, b, x, count(*) FROM j GROUP BY n, b, x ORDER BY n;
DROP TABLE j;

-- rights are those of etl.load and etl.unload
CREATE ROLE regress_copier;
GRANT INSERT, SELECT ON t TO regress_copier;
SET ROLE regress_copier;
COPY t FROM 's3://pgcopy/text';
RESET ROLE;
GRANT USAGE ON SCHEMA etl TO regress_copier;
SET ROLE regress_copier;
COPY t FROM 's3://pgcopy/text';
COPY t TO 's3://pgcopy/out/rights';
RESET ROLE;
GRANT EXECUTE ON FUNCTION etl.load TO regress_copier;
GRANT USAGE ON FOREIGN SERVER aws TO regress_copier;
SET ROLE regress_copier;
COPY t FROM 's3://pgcopy/text';
COPY u FROM 's3://pgcopy/text';
RESET ROLE;
-- a condition reads
REVOKE SELECT ON t FROM regress_copier;
GRANT SELECT (id) ON t TO regress_copier;
SET ROLE regress_copier;
COPY t FROM 's3://pgcopy/text' WHERE id > 100;
COPY t FROM 's3://pgcopy/text' WHERE note > 'a';
RESET ROLE;

-- PostgreSQL's own business stays that
\set VERBOSITY default
COPY u TO STDOUT;
COPY t TO PROGRAM 'cat > /dev/null';

DROP OWNED BY regress_copier;
DROP ROLE regress_copier;
DROP VIEW v;
DROP FUNCTION same(), few();
DROP TABLE t, u, w, parts;
DROP FUNCTION fill();
DELETE FROM etl.load_history;
DELETE FROM etl.unload_history;
DELETE FROM etl.load_error;
DROP SERVER aws;

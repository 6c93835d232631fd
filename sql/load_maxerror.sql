-- MAXERROR: a load that goes on after errors, whoever finds them; NOLOAD, IGNOREALLERRORS.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET client_min_messages = warning;
SELECT setval('etl.load_history_load_id_seq', 2000, false) \gset

-- values and records that are wrong as they stand
CREATE TABLE plain (id int, day date, price numeric(6,2), name varchar(5) NOT NULL);
SELECT etl.s3_put('s3://maxerror/plain', E'1|2008-01-02|1.5|a\nx|2008-01-02|1|b\n3|2008-13-02|1|c\n4|2008-01-02|1\n5|infinity|2|e\n6|2008-01-02|99999|f\n7|2008-01-02|1|toolong\n8|yesterdayish|1|h\n9|2008-01-02|1|i|j\n10|||\n11|||k\n') \gset
SELECT etl.load('plain', 's3://maxerror/plain', 'text', '{"maxerror": 9, "emptyasnull": true}');
SELECT * FROM plain ORDER BY id;
-- it fails when there are as many
SELECT etl.load('plain', 's3://maxerror/plain', 'text', '{"maxerror": 8, "emptyasnull": true}');
SELECT count(*) FROM plain;
SELECT etl.load('plain', 's3://maxerror/plain', 'text', '{"maxerror": 1}');
SELECT etl.load('plain', 's3://maxerror/plain', 'text', '{"ignoreallerrors": true, "emptyasnull": true}');
SELECT count(*) FROM plain;

-- NOLOAD reads and checks, and loads nothing
TRUNCATE plain;
SELECT etl.load('plain', 's3://maxerror/plain', 'text', '{"noload": true, "maxerror": 100, "emptyasnull": true}');
SELECT etl.load('plain', 's3://maxerror/plain', 'text', '{"noload": true}');
SELECT count(*) FROM plain;

-- types that PostgreSQL's own input functions read; domains; defaults
CREATE DOMAIN even AS int CHECK (VALUE % 2 = 0);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE TABLE odd (id even, m mood, tags text[], doc jsonb, at timestamptz DEFAULT '2020-01-01Z', n serial);
SELECT etl.s3_put('s3://maxerror/odd', E'2;happy;{a,b};{"a":1}\n3;sad;{};null\n4;angry;{};1\n6;sad;{a;1\n8;sad;{};{\n10;;;\n') \gset
SELECT etl.load('odd', 's3://maxerror/odd', 'text', '{"delimiter": ";", "columns": ["id", "m", "tags", "doc"], "maxerror": 5}');
SELECT id, m, tags, doc, at = '2020-01-01Z' AS at FROM odd ORDER BY id;
SELECT etl.load('odd', 's3://maxerror/odd', 'text', '{"delimiter": ";", "columns": ["id", "m", "tags", "doc"]}');

-- what refuses a row on its way in: constraints, unique and foreign keys, triggers, partitions
CREATE TABLE parent (id int PRIMARY KEY);
INSERT INTO parent SELECT generate_series(1, 1000);
CREATE TABLE child (id int UNIQUE, parent int REFERENCES parent, amount int CHECK (amount > 0));
CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN IF NEW.id = 500 THEN RAISE 'not 500'; END IF; RETURN CASE WHEN NEW.id = 501 THEN NULL ELSE NEW END; END$$;
CREATE TRIGGER refuse BEFORE INSERT ON child FOR EACH ROW EXECUTE FUNCTION refuse();
SELECT etl.s3_put('s3://maxerror/child', (SELECT string_agg(format('%s|%s|%s', CASE i WHEN 300 THEN 7 ELSE i END,
	CASE i WHEN 100 THEN 5000 ELSE i END, CASE i WHEN 1000 THEN 0 WHEN 1 THEN -1 ELSE i END), E'\n' ORDER BY i)
	FROM generate_series(1, 1000) i)) \gset
SELECT etl.load('child', 's3://maxerror/child', 'text', '{"maxerror": 6}');
SELECT count(*), sum(id) = 1000 * 1001 / 2 - 1 - 100 - 300 - 500 - 501 - 1000 AS right_ones FROM child;
TRUNCATE child;
SELECT etl.load('child', 's3://maxerror/child', 'text', '{"maxerror": 5}');
SELECT etl.load('child', 's3://maxerror/child');
SELECT count(*) FROM child;
-- the same without the trigger: many rows at a time
DROP TRIGGER refuse ON child;
SELECT etl.load('child', 's3://maxerror/child', 'text', '{"maxerror": 6}');
SELECT count(*) FROM child;

CREATE TABLE parted (id int, part int) PARTITION BY LIST (part);
CREATE TABLE parted_1 PARTITION OF parted FOR VALUES IN (1);
CREATE TABLE parted_2 (part int, more text, id int CHECK (id <> 4));
ALTER TABLE parted_2 DROP COLUMN more;
ALTER TABLE parted ATTACH PARTITION parted_2 FOR VALUES IN (2);
SELECT etl.s3_put('s3://maxerror/parted', E'1|1\n2|2\n3|3\n4|2\n5|2\n6|1\n7|9\n') \gset
SELECT etl.load('parted', 's3://maxerror/parted', 'text', '{"maxerror": 4}');
SELECT tableoid::regclass, * FROM parted ORDER BY id;

-- a trigger that is to see all rows together can't be served in parts
CREATE FUNCTION look() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE NOTICE '% rows', (SELECT count(*) FROM rows); RETURN NULL; END$$;
CREATE TABLE seen (id int);
CREATE TRIGGER look AFTER INSERT ON seen REFERENCING NEW TABLE AS rows FOR EACH STATEMENT EXECUTE FUNCTION look();
SELECT etl.s3_put('s3://maxerror/seen', E'1\n2\n3\n') \gset
SET client_min_messages = notice;
SELECT etl.load('seen', 's3://maxerror/seen');
SELECT etl.load('seen', 's3://maxerror/seen', 'text', '{"maxerror": 2}');
SET client_min_messages = warning;

-- large enough for a process beside the backend: the same rows, the same errors
CREATE TABLE large (id int, text text);
SELECT etl.s3_put('s3://maxerror/large', (SELECT string_agg(format('%s|%s', CASE WHEN i % 20000 = 0 THEN 'x' ELSE i::text END,
	repeat('t', 100)), E'\n' ORDER BY i) FROM generate_series(1, 60000) i)) \gset
SELECT etl.load('large', 's3://maxerror/large', 'text', '{"maxerror": 4}');
SELECT count(*), sum(id) = 60000::bigint * 60001 / 2 - 20000 - 40000 - 60000 AS right_ones FROM large;
TRUNCATE large;
SELECT etl.load('large', 's3://maxerror/large', 'text', '{"maxerror": 3}');
SELECT etl.load('large', 's3://maxerror/large', 'text', '{"gzip": true}');
SELECT count(*) FROM large;

DROP TABLE plain, odd, child, parent, parted, seen, large;
DROP FUNCTION refuse(), look();
DROP TYPE mood;
DROP DOMAIN even;
DELETE FROM etl.load_history;
DELETE FROM etl.load_error;
DROP SERVER aws;

-- etl.load into tables of every kind, from wherever a statement can be.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET client_min_messages = warning;
CREATE SCHEMA tables;
SET search_path = tables, public;
SELECT setval('etl.load_history_load_id_seq', 10000, false) \gset
SELECT etl.s3_put('s3://tables/good', E'1|one\n2|two\n3|three\n') \gset
SELECT etl.s3_put('s3://tables/bad', E'4|four\nx|five\n') \gset
CREATE TABLE t (id int, name text);
CREATE FUNCTION good(target regclass) RETURNS bigint LANGUAGE sql AS $$SELECT etl.load(target, 's3://tables/good')$$;

-- What isn't there
SELECT etl.load(0::regclass, 's3://tables/good');
SELECT etl.load(999999999::regclass, 's3://tables/good');
SELECT etl.load('pg_type_oid_index', 's3://tables/good');
SELECT etl.load('etl.load_history_load_id_seq', 's3://tables/good');

-- In a block that catches, again and again; what was loaded before stays
DO $$
DECLARE caught int := 0;
BEGIN
	PERFORM good('t');
	FOR i IN 1 .. 20 LOOP
		BEGIN
			PERFORM good('t');
			PERFORM etl.load('t', 's3://tables/bad');
		EXCEPTION WHEN invalid_text_representation THEN
			caught := caught + 1;
		END;
	END LOOP;
	RAISE WARNING 'caught %', caught;
END$$;
SELECT count(*) FROM t;
SELECT status, count(*), sum(rows) FROM etl.load_history GROUP BY 1 ORDER BY 1;
SELECT count(*) FROM etl.load_error;

-- In a subtransaction
TRUNCATE t;
BEGIN;
SELECT good('t');
SAVEPOINT a;
SELECT good('t');
SELECT etl.load('t', 's3://tables/bad');
ROLLBACK TO a;
SELECT count(*) FROM t;
SELECT good('t');
RELEASE a;
COMMIT;
SELECT count(*) FROM t;

-- In a procedure that commits
TRUNCATE t;
CREATE PROCEDURE in_parts() LANGUAGE plpgsql AS $$
BEGIN
	FOR i IN 1 .. 3 LOOP
		PERFORM good('t');
		IF i = 2 THEN ROLLBACK; ELSE COMMIT; END IF;
	END LOOP;
END$$;
CALL in_parts();
SELECT count(*) FROM t;

-- In the loop over a cursor of the very table
DO $$
DECLARE r record; loops int := 0;
BEGIN
	FOR r IN SELECT id FROM t LOOP
		PERFORM good('t');
		loops := loops + 1;
	END LOOP;
	RAISE WARNING 'loops %', loops;
END$$;
SELECT count(*) FROM t;
-- A row at a time, in a query that reads it
TRUNCATE t;
SELECT count(good('t')) FROM generate_series(1, 3);
SELECT count(*) FROM t;
-- Statement of a WITH that inserts, too
WITH i AS (INSERT INTO t VALUES (0, 'zero') RETURNING id) SELECT good('t') FROM i;
SELECT count(*) FROM t;

-- A trigger that loads, and one that loads into its own table
CREATE TABLE outer_t (id int, name text);
CREATE FUNCTION load_more() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF pg_trigger_depth() <= 2 AND NEW.id = 2 THEN PERFORM good(TG_ARGV[0]::regclass); END IF;
	RETURN NEW;
END$$;
CREATE TRIGGER more BEFORE INSERT ON outer_t FOR EACH ROW EXECUTE FUNCTION load_more('outer_t');
SELECT good('outer_t');
SELECT id, count(*) FROM outer_t GROUP BY 1 ORDER BY 1;
DROP TRIGGER more ON outer_t;
TRUNCATE outer_t, t;
CREATE TRIGGER more AFTER INSERT ON outer_t FOR EACH ROW EXECUTE FUNCTION load_more('t');
SELECT good('outer_t');
SELECT (SELECT count(*) FROM outer_t), (SELECT count(*) FROM t);

-- Triggers that see what was put before them, by row and by statement
CREATE TABLE seen (id int, name text);
CREATE FUNCTION see() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
	IF TG_LEVEL = 'STATEMENT' THEN RAISE WARNING '% % sees %', TG_WHEN, TG_LEVEL, (SELECT count(*) FROM seen); RETURN NULL; END IF;
	NEW.name := (SELECT count(*) FROM seen);
	RETURN NEW;
END$$;
CREATE TRIGGER see BEFORE INSERT ON seen FOR EACH ROW EXECUTE FUNCTION see();
CREATE TRIGGER see_before BEFORE INSERT ON seen EXECUTE FUNCTION see();
CREATE TRIGGER see_after AFTER INSERT ON seen EXECUTE FUNCTION see();
SELECT good('seen');
SELECT * FROM seen ORDER BY id;

-- Deferred constraints: at the end, or when they are made immediate
CREATE TABLE parent (id int PRIMARY KEY);
CREATE TABLE child (id int UNIQUE DEFERRABLE INITIALLY DEFERRED, name text, FOREIGN KEY (id) REFERENCES parent DEFERRABLE INITIALLY DEFERRED);
BEGIN;
SELECT good('child');
INSERT INTO parent VALUES (1), (2), (3);
COMMIT;
SELECT count(*) FROM child;
BEGIN;
SELECT good('child');
SET CONSTRAINTS ALL IMMEDIATE;
ROLLBACK;
BEGIN;
SELECT good('child');
COMMIT;
SELECT count(*) FROM child;
SELECT count(*) FROM etl.load_history WHERE table_name = 'tables.child' AND status = 'loaded';

-- Whose rights
CREATE ROLE loads_nothing;
CREATE ROLE loads_t;
SELECT etl.grant_author('loads_nothing'), etl.grant_author('loads_t') \gset
GRANT USAGE ON FOREIGN SERVER aws TO loads_nothing, loads_t;
GRANT USAGE ON SCHEMA tables TO loads_nothing, loads_t;
GRANT INSERT (id, name) ON t TO loads_t;
TRUNCATE t;
SET ROLE loads_nothing;
SELECT etl.load('t', 's3://tables/good');
SET ROLE loads_t;
SELECT etl.load('t', 's3://tables/good');
RESET ROLE;
CREATE FUNCTION good_definer() RETURNS bigint LANGUAGE sql SECURITY DEFINER SET search_path = tables AS $$SELECT etl.load('t', 's3://tables/good')$$;
ALTER FUNCTION good_definer OWNER TO loads_t;
SET ROLE loads_nothing;
SELECT good_definer();
RESET ROLE;
SELECT username = current_user AS mine, username, count(*) FROM etl.load_history WHERE table_name = 'tables.t' AND username LIKE 'loads%' GROUP BY 1, 2;
ALTER FUNCTION good_definer OWNER TO loads_nothing;
SELECT good_definer();
SELECT count(*) FROM t;

-- Temporary, unlogged, of the same transaction
CREATE TEMP TABLE passing (id int, name text);
SELECT good('passing');
CREATE UNLOGGED TABLE unlogged (LIKE t);
SELECT good('unlogged');
BEGIN;
CREATE TABLE new_one (id int PRIMARY KEY, name text);
SELECT good('new_one');
SAVEPOINT a;
TRUNCATE new_one;
SELECT good('new_one');
ROLLBACK TO a;
TRUNCATE new_one;
SELECT good('new_one');
COMMIT;
SELECT (SELECT count(*) FROM passing), (SELECT count(*) FROM unlogged), (SELECT count(*) FROM new_one);
BEGIN;
CREATE TEMP TABLE gone (id int, name text) ON COMMIT DROP;
SELECT good('gone');
COMMIT;
BEGIN READ ONLY;
SAVEPOINT a;
SELECT etl.load('t', 's3://tables/good');
ROLLBACK TO a;
ROLLBACK;
-- as PostgreSQL's COPY, a load may go into a temporary table there; its history is of the transaction, as ever
TRUNCATE passing;
SELECT count(*) AS loads FROM etl.load_history \gset
BEGIN READ ONLY;
SELECT good('passing');
SELECT etl.load('passing', 's3://tables/good', 'text', '{"noload": true}') > 0 AS checked;
SAVEPOINT a;
SELECT etl.load('t', 's3://tables/good');
ROLLBACK TO a;
INSERT INTO t VALUES (-1, 'read only');
ROLLBACK TO a;
SHOW transaction_read_only;
COMMIT;
SELECT (SELECT count(*) FROM passing) AS rows, count(*) - :loads AS loads FROM etl.load_history;
BEGIN READ ONLY;
SELECT good('passing');
ROLLBACK;
SELECT (SELECT count(*) FROM passing) AS rows, count(*) - :loads AS loads FROM etl.load_history;
BEGIN ISOLATION LEVEL SERIALIZABLE READ ONLY;
SELECT good('passing');
ROLLBACK;
BEGIN ISOLATION LEVEL SERIALIZABLE;
SELECT good('t');
COMMIT;

-- Dropped, generated and identity columns; one that was added; storage of every kind
CREATE TABLE columns (gone int, id int, twice int GENERATED ALWAYS AS (id * 2) STORED, also_gone text, name text,
	number int GENERATED BY DEFAULT AS IDENTITY, always int GENERATED ALWAYS AS IDENTITY);
ALTER TABLE columns DROP gone, DROP also_gone;
ALTER TABLE columns ADD added text DEFAULT 'added';
ALTER TABLE columns ADD checked int CHECK (checked > 0) DEFAULT 1;
SELECT etl.load('columns', 's3://tables/good', 'text', '{"columns": ["id", "name"]}');
SELECT * FROM columns ORDER BY id;
SELECT etl.load('columns', 's3://tables/good', 'text', '{"columns": ["id", "twice"]}');
SELECT etl.load('columns', 's3://tables/good', 'text', '{"columns": ["id", "gone"]}');
SELECT etl.load('columns', 's3://tables/good', 'text', '{"columns": ["always", "name"]}');
CREATE TABLE large (id int, a text, b text, c text, d text COMPRESSION pglz);
ALTER TABLE large ALTER b SET STORAGE EXTERNAL, ALTER c SET STORAGE MAIN;
SELECT etl.s3_put('s3://tables/large', (SELECT string_agg(concat_ws('|', i, repeat(md5(i::text), 2000), repeat(md5(i::text), 2000), repeat('c', 7000), repeat('d', 100000)) || E'\n', '')
	FROM generate_series(1, 20) i)) \gset
SELECT etl.load('large', 's3://tables/large');
SELECT count(*), bool_and(a = repeat(md5(id::text), 2000) AND b = a AND c = repeat('c', 7000) AND d = repeat('d', 100000)) AS same,
	bool_and(pg_column_size(d) < 5000) AS compressed, bool_and(pg_column_size(b) >= 64000) AS as_it_is FROM large;

-- Exclusion constraints, expression and partial indexes, and an index on what is TOASTed
CREATE TABLE rooms (id int, name text, EXCLUDE USING btree (name WITH =) WHERE (id > 1));
CREATE INDEX ON rooms (lower(name)) WHERE id < 3;
SELECT good('rooms');
SELECT good('rooms');
SELECT etl.load('rooms', 's3://tables/good', 'text', '{"maxerror": 10}');
SELECT id, count(*) FROM rooms GROUP BY 1 ORDER BY 1;

-- A view with a trigger, one without, a foreign table, a materialized view
CREATE VIEW plain AS SELECT * FROM t;
CREATE VIEW taken AS SELECT id, name FROM t;
CREATE FUNCTION take() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN INSERT INTO t VALUES (NEW.id + 100, NEW.name); RETURN NEW; END$$;
CREATE TRIGGER take INSTEAD OF INSERT ON taken FOR EACH ROW EXECUTE FUNCTION take();
TRUNCATE t;
SELECT good('plain');
SELECT good('taken');
SELECT * FROM t ORDER BY id;
CREATE MATERIALIZED VIEW kept AS SELECT * FROM t;
SELECT good('kept');

-- Partitions: by range and list, of several levels, with another order of columns, one that takes none; a foreign one
CREATE TABLE parts (id int, name text) PARTITION BY RANGE (id);
CREATE TABLE part_1 (name text, gone int, id int);
ALTER TABLE part_1 DROP gone;
ALTER TABLE parts ATTACH PARTITION part_1 FOR VALUES FROM (1) TO (2);
CREATE TABLE part_2 PARTITION OF parts FOR VALUES FROM (2) TO (3) PARTITION BY LIST (name);
CREATE TABLE part_2_two PARTITION OF part_2 FOR VALUES IN ('two');
SELECT good('parts');
SELECT count(*) FROM parts;
SELECT etl.load('parts', 's3://tables/good', 'text', '{"maxerror": 2}');
SELECT tableoid::regclass, id, name FROM parts ORDER BY id;
SELECT etl.load('part_1', 's3://tables/good', 'text', '{"maxerror": 3}');
SELECT count(*) FROM part_1;

-- A table that is dropped or changed under the load
CREATE TABLE self_made (id int, name text);
CREATE FUNCTION undermine() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN EXECUTE TG_ARGV[0]; RETURN NEW; END$$;
CREATE TRIGGER undermine BEFORE INSERT ON self_made FOR EACH ROW EXECUTE FUNCTION undermine('ALTER TABLE self_made ADD x int');
SELECT good('self_made');
DROP TRIGGER undermine ON self_made;
CREATE TRIGGER undermine BEFORE INSERT ON self_made FOR EACH ROW EXECUTE FUNCTION undermine('DROP TABLE self_made');
SELECT good('self_made');
DROP TRIGGER undermine ON self_made;
CREATE TRIGGER undermine BEFORE INSERT ON self_made FOR EACH ROW EXECUTE FUNCTION undermine('TRUNCATE self_made');
SELECT good('self_made');
DROP TRIGGER undermine ON self_made;
CREATE TRIGGER undermine AFTER INSERT ON self_made FOR EACH ROW EXECUTE FUNCTION undermine('DROP TABLE self_made');
SELECT good('self_made');
SELECT count(*) FROM self_made;

-- A foreign table of another PostgreSQL, where it can be had
SELECT count(*) > 0 AS has_fdw FROM pg_available_extensions WHERE name = 'postgres_fdw' \gset
\if :has_fdw
CREATE EXTENSION postgres_fdw;
SELECT split_part(current_setting('unix_socket_directories'), ',', 1) AS host, current_setting('port') AS port, current_database() AS name \gset
CREATE SERVER here FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host :'host', port :'port', dbname :'name');
CREATE USER MAPPING FOR CURRENT_USER SERVER here;
CREATE TABLE there (id int CHECK (id < 3), name text);
CREATE FOREIGN TABLE away (id int, name text) SERVER here OPTIONS (table_name 'there');
SELECT good('away');
SELECT count(*) FROM there;
ALTER TABLE there DROP CONSTRAINT there_id_check;
SELECT good('away');
SELECT * FROM there ORDER BY id;
CREATE FOREIGN TABLE part_3 PARTITION OF parts FOR VALUES FROM (3) TO (4) SERVER here OPTIONS (table_name 'there');
SELECT good('parts');
SELECT count(*) FROM there;
DROP EXTENSION postgres_fdw CASCADE;
\endif

DELETE FROM etl.load_error;
DELETE FROM etl.load_history;
DROP SCHEMA tables CASCADE;
DROP SERVER aws;
DROP OWNED BY loads_nothing, loads_t;
DROP ROLE loads_nothing, loads_t;

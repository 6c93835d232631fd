-- etl.load into columns of every type: what the type writes, it takes; alone, in arrays, under domains, in composites.
\getenv root ETL_TEST_ROOT
CREATE SERVER aws FOREIGN DATA WRAPPER etl_aws OPTIONS (mode 'local', root :'root');
SET client_min_messages = warning;
CREATE SCHEMA types;
SET search_path = types, public;
CREATE TYPE mood AS ENUM ('sad', 'it''s "ok"', 'happy, very');
CREATE TYPE pair AS (n int, t text);
CREATE TYPE span AS RANGE (subtype = float8, multirange_type_name = spans);
CREATE DOMAIN positive AS int CHECK (VALUE > 0);
CREATE DOMAIN positives AS positive[] CHECK (cardinality(VALUE) < 4);
CREATE DOMAIN short AS varchar(3) NOT NULL;
CREATE DOMAIN pair_up AS pair CHECK ((VALUE).n < 10);
CREATE TABLE sample (type text, value text);
INSERT INTO sample VALUES
	('aclitem', current_user || '=arwdDxt/' || current_user), ('bit', '1'), ('bit(5)', '10101'), ('bit varying', ''), ('bit varying(9)', '0101'),
	('boolean', 'true'), ('boolean', 'f'), ('character(5)', 'ab'), ('character(5)', 'ü'), ('character', 'x'), ('bytea', '\x00ff10'), ('bytea', '\x'),
	('"char"', 'x'), ('"char"', ''), ('cid', '7'), ('cidr', '10.1.0.0/16'), ('cidr', '2001:db8::/32'), ('circle', '<(1.5,2),3>'),
	('date', '2008-02-29'), ('date', '4713-01-01 BC'), ('date', 'infinity'), ('date', '5874897-12-31'), ('datemultirange', '{[2008-01-01,2008-02-01),[2009-01-01,)}'),
	('daterange', '[2008-01-01,2008-02-01)'), ('daterange', 'empty'), ('real', '1.5e-40'), ('real', 'NaN'), ('real', '-Infinity'),
	('double precision', '0.1'), ('double precision', '5e-324'), ('double precision', '1.7976931348623157e+308'), ('double precision', '-0'),
	('inet', '::1'), ('inet', '192.168.0.1/24'), ('smallint', '-32768'), ('integer', '2147483647'), ('bigint', '-9223372036854775808'),
	('int4multirange', '{[1,3),[7,8)}'), ('int4range', '[1,)'), ('int8multirange', '{}'), ('int8range', '(,9223372036854775807)'),
	('interval', '1 year 2 mons -3 days 04:05:06.789'), ('interval(2)', '00:00:01.239'), ('interval day', '3 days 12:00'),
	('interval year to month', '2 years 3 mons'), ('json', '{"a": [1, "x\"y", null]}'), ('jsonb', '{"a": [1, "x\"y", null], "b": "\u00e9"}'), ('jsonb', '"text"'), ('jsonb', 'null'),
	('jsonpath', '$."a"[*]?(@ > 1)'), ('macaddr', '08:00:2b:01:02:03'), ('macaddr8', '08:00:2b:01:02:03:04:05'), ('money', '$1,234.56'), ('money', '-$0.01'),
	('numeric', '12345678901234567890.123456789012345678901234567890'), ('numeric', 'NaN'), ('numeric', 'Infinity'), ('numeric', '1e100'), ('numeric', '0.00'),
	('numeric(5,2)', '-999.99'), ('numeric(3,-2)', '12300'), ('numeric(2,4)', '0.0012'), ('numeric(1000,0)', repeat('9', 1000)),
	('nummultirange', '{[1.5,2.5]}'), ('numrange', '(1.5,2.5]'), ('oid', '4294967295'), ('path', '((1,2),(3,4))'), ('path', '[(1,2),(3,4)]'), ('pg_lsn', '16/B374D848'),
	('pg_snapshot', '10:20:10,14,15'), ('polygon', '((0,0),(1,1),(1,0))'), ('refcursor', 'c'), ('regclass', 'pg_class'), ('regclass', '42'), ('regcollation', '"C"'),
	('regconfig', 'english'), ('regdictionary', 'simple'), ('regnamespace', 'pg_catalog'), ('regoper', '||/'), ('regoperator', '+(integer,integer)'),
	('regproc', 'pg_stat_get_activity'), ('regprocedure', 'abs(integer)'), ('regrole', quote_ident(current_user)), ('regtype', 'timestamp with time zone'),
	('text', E'a "quoted", \\ | line\r\nand another\ttab'), ('text', 'NULL'), ('text', ''), ('text', '  blanks  '), ('tid', '(4294967295,65535)'), ('time without time zone', '24:00:00'),
	('time without time zone', '23:59:59.999999'), ('time(3)', '12:34:56.789'), ('timestamp without time zone', '2008-02-29 23:59:59.999999'), ('timestamp without time zone', '-infinity'),
	('timestamp without time zone', '4713-11-24 00:00:00 BC'), ('timestamp(0)', '2008-01-01 10:20:30'), ('timestamp with time zone', '2008-03-30 02:30:00+01'),
	('timestamp with time zone', 'infinity'), ('timestamp(3) with time zone', '2008-07-01 00:00:00.123-07'), ('time with time zone', '10:20:30.5-07:30'),
	('tsmultirange', '{["2008-01-01 00:00:00","2008-02-01 00:00:00")}'), ('tsquery', '''fat'' & !''rat'':AB'), ('tsrange', '["2008-01-01 10:00:00",)'),
	('tstzmultirange', '{["2008-01-01 00:00:00+00",)}'), ('tstzrange', '(,"2008-01-01 00:00:00+00"]'), ('tsvector', '''a'':1A ''b'':2 ''it''''s'''),
	('txid_snapshot', '10:20:10'), ('uuid', 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'), ('character varying', 'ü'), ('character varying(3)', 'abc'), ('xid', '12'), ('xid8', '18446744073709551615'),
	('name', 'a name'), ('name', repeat('n', 63)), ('point', '(1.5,-2)'), ('lseg', '[(1,2),(3,4)]'), ('box', '(3,4),(1,2)'), ('line', '{1,-1,0}'),
	('int2vector', '1 2 3'), ('oidvector', '1 2 3'), ('mood', 'it''s "ok"'), ('pair', '(1,"a ""b"", c")'), ('pair', '(,)'), ('span', '[1.5,2)'), ('spans', '{[1.5,2)}'),
	('positive', '1'), ('positives', '{1,2,3}'), ('short', 'abc'), ('pair_up', '(9,x)'), ('integer[]', '[0:1]={1,NULL}'), ('integer[]', '{{1,2},{3,4}}'), ('text[]', '{"a,b","c\"d",NULL,"NULL",""}');
-- XML is compiled in, or not
DO $$BEGIN INSERT INTO sample SELECT 'xml', v::xml::text FROM unnest(ARRAY['<a b="1">&lt;</a>', '<x/>text']) v; EXCEPTION WHEN feature_not_supported THEN NULL; END$$;

-- Types without a sample: those that take no text, and xml where there is none
SELECT typname FROM pg_type WHERE typtype IN ('b', 'r', 'm') AND typcategory <> 'A' AND typnamespace = 'pg_catalog'::regnamespace
	AND NOT EXISTS (SELECT FROM sample WHERE format_type(pg_type.oid, NULL) = regexp_replace(type, '\(\d.*?\)', '')
		OR (type LIKE 'interval%' AND typname = 'interval') OR typname = type) AND typname <> 'xml' ORDER BY 1;

CREATE FUNCTION csv(value text) RETURNS text LANGUAGE sql IMMUTABLE AS $$SELECT '"' || replace(value, '"', '""') || '"'$$;
-- What became of values of this type that are written like this, in a table of their own: NULL if they are what they were.
-- (In JSON they are written as strings, which SUPER and json have as strings.)
CREATE FUNCTION trip(type text, value text, format text, options jsonb) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	expected text;
	found text;
	content text;
BEGIN
	EXECUTE format('SELECT %L::%s::text', value, type) INTO expected;
	EXECUTE format('CREATE TEMP TABLE one (id int, v %s, after int)', type);
	content := CASE format
		WHEN 'csv' THEN concat_ws(',', 1, csv(expected), 2)
		WHEN 'json' THEN jsonb_build_object('id', 1, 'after', 2, 'v', expected)::text
		ELSE concat_ws('|', 1, regexp_replace(expected, '[\\|\n\r]', E'\\\\\\&', 'g'), 2) END;
	PERFORM etl.s3_put('s3://types/one', content || E'\n');
	PERFORM etl.load('one', 's3://types/one', format, options);
	EXECUTE 'SELECT v::text || CASE WHEN id = 1 AND after = 2 THEN '''' ELSE '' and its neighbours'' END FROM one' INTO found;
	DROP TABLE one;
	IF found IS NOT DISTINCT FROM expected THEN RETURN NULL; END IF;
	RETURN coalesce(found, 'NULL');
EXCEPTION WHEN OTHERS THEN
	RETURN SQLSTATE || ' ' || SQLERRM;
END$$;

SELECT count(*) AS samples FROM sample \gset
SELECT format, type, left(value, 40) AS value, left(trip(type, value, format, options), 100) AS became
FROM sample, (VALUES ('csv', '{}'::jsonb), ('text', '{"escape": true}'), ('json', '{}')) f (format, options)
WHERE trip(type, value, format, options) IS NOT NULL ORDER BY 1, 2, 3;
-- In an array with a NULL, under a domain, under a domain over the array, and as a member of a composite
CREATE FUNCTION wrapped(type text, value text, kind text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	became text;
	held text;
BEGIN
	IF kind LIKE '%array' AND type LIKE '%[]' THEN RETURN NULL; END IF;
	EXECUTE CASE kind
		WHEN 'array' THEN format('CREATE DOMAIN wrap AS %s[]', type)
		WHEN 'domain' THEN format('CREATE DOMAIN wrap AS %s', type)
		WHEN 'checked array' THEN format('CREATE DOMAIN wrap AS %s[] CHECK (cardinality(VALUE) = 3)', type)
		ELSE format('CREATE TYPE wrap AS (a int, v %s)', type) END;
	EXECUTE CASE kind
		WHEN 'domain' THEN format('SELECT %L', value)
		WHEN 'composite' THEN format('SELECT ROW(1, %L::%s)::wrap::text', value, type)
		ELSE format('SELECT ARRAY[%L::%s, NULL, %1$L::%2$s]::%2$s[]::text', value, type) END INTO held;
	became := trip(CASE kind WHEN 'array' THEN type || '[]' ELSE 'wrap' END, held, 'csv', '{}');
	IF kind = 'composite' THEN DROP TYPE wrap; ELSE DROP DOMAIN wrap; END IF;
	RETURN became;
END$$;
SELECT kind, type, left(value, 40) AS value, left(wrapped(type, value, kind), 100) AS became
FROM sample, unnest('{array,domain,checked array,composite}'::text[]) kind
WHERE type <> 'short' AND wrapped(type, value, kind) IS NOT NULL ORDER BY 1, 2, 3;

-- All of them in one row, and in one of NULLs
SELECT format('CREATE TABLE every (%s)', string_agg(format('c%s %s', n, type), ', ' ORDER BY n)) AS create,
	format('INSERT INTO expected VALUES (%s), (%s)', string_agg(quote_literal(value), ', ' ORDER BY n), string_agg('NULL', ', ')) AS insert,
	format('SELECT etl.s3_put(''s3://types/every'', (SELECT string_agg(%s, E''\n'') FROM expected))',
		string_agg(format('coalesce(csv(c%s::text), '''')', n), ' || '','' || ' ORDER BY n)) AS put
FROM (SELECT row_number() OVER (ORDER BY type, value) AS n, * FROM sample WHERE type NOT IN ('short', 'character(5)') AND value <> '') s \gset every_
:every_create;
CREATE TABLE expected (LIKE every);
:every_insert;
:every_put \gset
SELECT etl.load('every', 's3://types/every', 'csv', '{"emptyasnull": true}');
SELECT count(*), count(DISTINCT every::text) FROM every WHERE every::text IN (SELECT expected::text FROM expected);
-- The same in files that another process reads, with what gathers there
SELECT etl.s3_put('s3://types/large', (SELECT string_agg(row, E'\n')
	FROM (SELECT etl.s3_fetch_text('s3://types/every') AS row) r, generate_series(1, (5000000 / length(row))))) \gset
SELECT etl.load('every', 's3://types/large', 'csv', '{"emptyasnull": true}') > 1000 AS loaded;
SELECT count(DISTINCT every::text) FROM every;
DELETE FROM etl.load_error;
DELETE FROM etl.load_history;
DROP SCHEMA types CASCADE;
DROP SERVER aws;

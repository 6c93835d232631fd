-- What holds for every object of the extension. Each query lists what breaks a rule, so each is empty.
CREATE TEMP VIEW member AS
	SELECT d.classid, d.objid FROM pg_depend d
	JOIN pg_extension e ON e.oid = d.refobjid AND d.refclassid = 'pg_extension'::regclass
	WHERE e.extname = 'pg_etl' AND d.deptype = 'e'
		-- Partitions are like their tables, and nobody's.
		AND NOT (d.classid = 'pg_class'::regclass AND (SELECT c.relispartition FROM pg_class c WHERE c.oid = d.objid));

-- Every object has a comment (but a table's row type, and what comes with a table or foreign-data wrapper).
SELECT pg_describe_object(classid, objid, 0) AS uncommented FROM member
	WHERE obj_description(objid, classid::regclass::name) IS NULL
		AND classid <> 'pg_type'::regclass
		AND NOT (classid = 'pg_class'::regclass AND (SELECT relkind FROM pg_class c WHERE c.oid = objid) IN ('S', 'i', 'c'))
	ORDER BY 1;
-- Every column of its tables and views has one.
SELECT a.attrelid::regclass, a.attname FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
	JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
	WHERE c.relkind IN ('r', 'v', 'p') AND col_description(c.oid, a.attnum) IS NULL
	ORDER BY c.relname, a.attnum;
-- Nothing is granted to PUBLIC.
SELECT p.oid::regprocedure AS public_function FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
	WHERE has_function_privilege('public', p.oid, 'EXECUTE') ORDER BY p.proname;
SELECT c.oid::regclass AS public_relation FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass,
	LATERAL aclexplode(c.relacl) a WHERE a.grantee = 0 ORDER BY c.relname;
SELECT n.nspname AS public_schema FROM member m JOIN pg_namespace n ON n.oid = m.objid AND m.classid = 'pg_namespace'::regclass,
	LATERAL aclexplode(n.nspacl) a WHERE a.grantee = 0 ORDER BY 1;
-- Functions in a language that looks up names pin the search_path.
SELECT p.oid::regprocedure AS unpinned FROM member m JOIN pg_proc p ON p.oid = m.objid AND m.classid = 'pg_proc'::regclass
	JOIN pg_language l ON l.oid = p.prolang
	WHERE l.lanname IN ('plpgsql', 'sql')
		AND NOT coalesce(p.proconfig, '{}') @> '{"search_path=pg_catalog, pg_temp"}' ORDER BY p.proname;
-- Every table is under row security, but the engine's own, which nobody is given, pools, which are everybody's, and
-- what is said of external tables, which is as open as pg_class.
SELECT c.oid::regclass AS without_row_security FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
	WHERE c.relkind IN ('r', 'p') AND NOT c.relrowsecurity
		AND c.relname NOT IN ('running', 'signal', 'pool', 'external_partition', 'external_schema') ORDER BY c.relname;
-- Views show what their reader may see.
SELECT c.oid::regclass AS definer_view FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
	WHERE c.relkind = 'v' AND NOT coalesce(c.reloptions, '{}') @> '{security_invoker=true}' ORDER BY c.relname;
-- All relations are in schemas of the extension's own.
SELECT DISTINCT n.nspname FROM member m JOIN pg_class c ON c.oid = m.objid AND m.classid = 'pg_class'::regclass
	JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname NOT IN ('etl', 'redshift');
-- Partitions are the engine's own.
SELECT c.oid::regclass AS open_partition FROM pg_class c
	WHERE c.relispartition AND c.relnamespace = 'etl'::regnamespace AND c.relkind = 'r'
		AND (NOT c.relrowsecurity OR c.relacl IS NOT NULL
			OR NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = c.oid AND d.deptype = 'e'));

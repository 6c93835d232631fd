-- History in ranges of runs. etl.run, etl.task_run and etl.event are partitioned alike: run_1_to_100000, task_run_1_to_100000
-- and event_1_to_100000 have the runs 1 to 100000 and all that belongs to them. What is old goes by dropping a range.
--
-- The scheduler makes ranges ahead of the runs. Runs that find none are in the partitions "rest", so that no INSERT fails
-- for want of a range. Partitions are given to nobody, and have no policy that would let them see.

CREATE TABLE etl.run_rest PARTITION OF etl.run DEFAULT;
CREATE TABLE etl.task_run_rest PARTITION OF etl.task_run DEFAULT
	WITH (fillfactor = 80); -- room for the row's next version beside it, so that no index has to follow
CREATE TABLE etl.event_rest PARTITION OF etl.event DEFAULT;
ALTER TABLE etl.run_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE etl.task_run_rest ENABLE ROW LEVEL SECURITY;
ALTER TABLE etl.event_rest ENABLE ROW LEVEL SECURITY;

CREATE FUNCTION etl._ranges(OUT first bigint, OUT last bigint) RETURNS SETOF record
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT split_part(c.relname, '_', 2)::bigint, split_part(c.relname, '_', 4)::bigint
		FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid
		WHERE i.inhparent = 'etl.run'::regclass AND c.relname <> 'run_rest' ORDER BY 1
$$;
REVOKE ALL ON FUNCTION etl._ranges() FROM PUBLIC;
COMMENT ON FUNCTION etl._ranges() IS 'The ranges of runs that history is in. Internal.';

-- Attaching a table keeps nobody from reading or writing the others, but a statement that is in the midst of queuing runs
-- would not know of the new one: hence the lock on etl.run. It is waited for, and keeps others waiting, for lock_timeout.
CREATE FUNCTION etl._make_range(width bigint) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET lock_timeout = '50ms' AS $$
DECLARE
	first bigint;
	last bigint;
	parent text;
	leaf text;
BEGIN
	LOCK TABLE etl.run IN SHARE MODE;
	SELECT greatest(s.last_value + s.is_called::int, (SELECT max(r.last) + 1 FROM etl._ranges() r))
		INTO first FROM etl.run_run_id_seq s;
	last := first + width - 1;
	FOREACH parent IN ARRAY '{run,task_run,event}'::text[] LOOP
		leaf := format('etl.%s_%s_to_%s', parent, first, last);
		EXECUTE format('CREATE TABLE %s (LIKE etl.%s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) %s', leaf, parent,
			CASE WHEN parent = 'task_run' THEN 'WITH (fillfactor = 80)' END);
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', leaf);
		EXECUTE format('ALTER TABLE etl.%s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)', parent, leaf, first, last + 1);
		-- The extension's own, so that pg_dump leaves it out; what CREATE EXTENSION makes is that already.
		IF NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = leaf::regclass
				AND d.deptype = 'e') THEN
			EXECUTE format('ALTER EXTENSION pg_etl ADD TABLE %s', leaf);
		END IF;
	END LOOP;
	RETURN true;
EXCEPTION WHEN lock_not_available THEN
	RETURN false;
END $$;
REVOKE ALL ON FUNCTION etl._make_range(bigint) FROM PUBLIC;
COMMENT ON FUNCTION etl._make_range(bigint) IS 'Makes the next range, for so many runs. False: somebody has locked what it needs. Internal.';
SELECT etl._make_range(100000);

-- History in ranges of runs. etl.run, etl.task_run and etl.event are partitioned alike: run_1_to_100000, task_run_1_to_100000
-- and event_1_to_100000 have the runs 1 to 100000 and all that belongs to them. What is old goes by dropping a range.
--
-- The scheduler makes ranges ahead of the runs. Runs that find none are in the partitions "rest", so that no INSERT fails
-- for want of a range. Partitions are given to nobody, and have no policy that would let them see.

CREATE TABLE etl.run_rest PARTITION OF etl.run DEFAULT;
CREATE TABLE etl.task_run_rest PARTITION OF etl.task_run DEFAULT
	WITH (fillfactor = 45); -- room for the row's next version beside it, so that no index has to follow
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
-- would not know of the new one: hence the lock on etl.run.
CREATE FUNCTION etl._make_range(width bigint) RETURNS void
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	first bigint;
	last bigint;
	parent text;
	leaf text;
BEGIN
	LOCK TABLE ONLY etl.run IN SHARE MODE;
	SELECT greatest(s.last_value + s.is_called::int, (SELECT max(r.last) + 1 FROM etl._ranges() r))
		INTO first FROM etl.run_run_id_seq s;
	last := first + width - 1;
	FOREACH parent IN ARRAY '{run,task_run,event}'::text[] LOOP
		leaf := format('etl.%s_%s_to_%s', parent, first, last);
		EXECUTE format('CREATE TABLE %s (LIKE etl.%s INCLUDING DEFAULTS INCLUDING CONSTRAINTS INCLUDING STORAGE) %s', leaf, parent,
			CASE WHEN parent = 'task_run' THEN 'WITH (fillfactor = 45)' END);
		EXECUTE format('ALTER TABLE %s ENABLE ROW LEVEL SECURITY', leaf);
		EXECUTE format('ALTER TABLE etl.%s ATTACH PARTITION %s FOR VALUES FROM (%s) TO (%s)', parent, leaf, first, last + 1);
		-- The extension's own, so that pg_dump leaves it out; what CREATE EXTENSION makes is that already.
		IF NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_class'::regclass AND d.objid = leaf::regclass
				AND d.deptype = 'e') THEN
			EXECUTE format('ALTER EXTENSION pg_etl ADD TABLE %s', leaf);
		END IF;
	END LOOP;
END $$;
REVOKE ALL ON FUNCTION etl._make_range(bigint) FROM PUBLIC;
COMMENT ON FUNCTION etl._make_range(bigint) IS 'Makes the next range, for so many runs. Internal.';
SELECT etl._make_range(100000);

-- Whoever has one of the tables locked, be it for reading, is in the way. False: it is not to be dropped after all.
CREATE FUNCTION etl._drop_range(first bigint, last bigint) RETURNS boolean
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	leaf text;
	live boolean;
BEGIN
	LOCK TABLE ONLY etl.run, ONLY etl.task_run, ONLY etl.event IN ACCESS EXCLUSIVE MODE;
	-- Since it was looked through a run may have been retried; of one that was cancelled steps may still end, and the step
	-- that started one may still have to see how it has.
	EXECUTE format('SELECT EXISTS (SELECT FROM etl.run_%s_to_%s WHERE finished_at IS NULL OR notifications_open > 0)', first, last)
		INTO live;
	IF live OR EXISTS (SELECT FROM etl.running t WHERE t.run_id BETWEEN first AND last)
		OR EXISTS (SELECT FROM etl.timer t WHERE t.run_id BETWEEN first AND last)
		OR EXISTS (SELECT FROM etl.suspended s WHERE s.run_id BETWEEN first AND last OR s.child_run_id BETWEEN first AND last) THEN
		RETURN false;
	END IF;
	FOREACH leaf IN ARRAY '{run,task_run,event}'::text[] LOOP
		leaf := format('etl.%s_%s_to_%s', leaf, first, last);
		EXECUTE format('ALTER EXTENSION pg_etl DROP TABLE %s', leaf);
		EXECUTE format('DROP TABLE %s', leaf);
	END LOOP;
	RETURN true;
END $$;
REVOKE ALL ON FUNCTION etl._drop_range(bigint, bigint) FROM PUBLIC;
COMMENT ON FUNCTION etl._drop_range(bigint, bigint) IS 'Drops a range and all that is in it, unless some of it is live. Internal.';

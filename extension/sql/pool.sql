-- Pools: who waits for a slot of one is in shared memory; the scheduler reads etl.pool when a commit has changed it.

CREATE FUNCTION etl._pools_changed() RETURNS void
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_pools_changed';
REVOKE ALL ON FUNCTION etl._pools_changed() FROM PUBLIC;
COMMENT ON FUNCTION etl._pools_changed() IS 'Has this database''s scheduler read etl.pool when the transaction commits. Internal.';

CREATE FUNCTION etl._pool_check() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NEW.name = '' OR length(NEW.name) > 80 OR NEW.name ~ '[[:cntrl:]]' THEN
		RAISE check_violation USING
			MESSAGE = format('pool name "%s" is not usable', left(NEW.name, 100)),
			DETAIL = format('It has %s characters.', length(NEW.name)),
			HINT = 'Use 1 to 80 characters, none of them a control character.',
			TABLE = 'pool', COLUMN = 'name', SCHEMA = 'etl';
	END IF;
	IF NEW.slots < 0 THEN
		RAISE check_violation USING
			MESSAGE = format('pool "%s" has %s slots', NEW.name, NEW.slots),
			HINT = 'Give how many of its steps may run at a time; 0: none starts.',
			TABLE = 'pool', COLUMN = 'slots', SCHEMA = 'etl';
	END IF;
	RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION etl._pool_check() FROM PUBLIC;
COMMENT ON FUNCTION etl._pool_check() IS 'Refuses a pool that makes no sense. Trigger.';
CREATE TRIGGER pool_check BEFORE INSERT OR UPDATE OF name, slots ON etl.pool
	FOR EACH ROW EXECUTE FUNCTION etl._pool_check();

CREATE FUNCTION etl._pool_changed() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	most CONSTANT integer := 256;
	there bigint;
BEGIN
	IF TG_OP = 'INSERT' THEN
		SELECT count(*) INTO there FROM etl.pool;
		IF there > most THEN
			RAISE program_limit_exceeded USING
				MESSAGE = format('there can be no more than %s pools', most),
				DETAIL = format('There would be %s.', there),
				HINT = 'Let tasks share a pool, or delete those that no task names.',
				TABLE = 'pool', SCHEMA = 'etl';
		END IF;
	END IF;
	PERFORM etl._pools_changed();
	RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION etl._pool_changed() FROM PUBLIC;
COMMENT ON FUNCTION etl._pool_changed() IS 'Refuses too many pools, and has the scheduler read them. Trigger.';
CREATE TRIGGER pool_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON etl.pool
	FOR EACH STATEMENT EXECUTE FUNCTION etl._pool_changed();

CREATE FUNCTION etl._pools(OUT name text, OUT taken integer, OUT waiting integer) RETURNS SETOF record
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_pools';
REVOKE ALL ON FUNCTION etl._pools() FROM PUBLIC;
COMMENT ON FUNCTION etl._pools() IS 'The pools of this database that steps have slots of or wait for. Internal; see etl.pool_status.';

CREATE FUNCTION etl._waiting_for_pool(pool text, priority integer, task_run_id bigint) RETURNS text
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_waiting_for_pool';
REVOKE ALL ON FUNCTION etl._waiting_for_pool(text, integer, bigint) FROM PUBLIC;
COMMENT ON FUNCTION etl._waiting_for_pool(text, integer, bigint) IS 'Which pool a step that could start waits for a slot of, in words; NULL: none. Internal; see etl.task_status.';

CREATE VIEW etl.pool_status WITH (security_invoker = true) AS
	SELECT p.name, p.slots, coalesce(s.taken, 0) AS taken, coalesce(s.waiting, 0) AS waiting
	FROM etl.pool p LEFT JOIN etl._pools() s USING (name);
COMMENT ON VIEW etl.pool_status IS 'A row a pool, as it stands this moment';
COMMENT ON COLUMN etl.pool_status.name IS 'The pool';
COMMENT ON COLUMN etl.pool_status.slots IS 'How many of its steps may run at a time';
COMMENT ON COLUMN etl.pool_status.taken IS 'How many slots are taken: by steps that run, and by those that start as soon as there is an executor. More than slots, after those became fewer, until enough have ended.';
COMMENT ON COLUMN etl.pool_status.waiting IS 'How many steps wait for a slot; of tens of thousands, those that are in memory';

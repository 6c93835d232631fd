-- Schedules: when a workflow runs.

CREATE FUNCTION etl.next_runs(schedule text, timezone text DEFAULT 'UTC', n integer DEFAULT 5,
		after timestamptz DEFAULT now()) RETURNS SETOF timestamptz
	LANGUAGE c STRICT STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_etl_next_runs';
REVOKE ALL ON FUNCTION etl.next_runs(text, text, integer, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION etl.next_runs(text, text, integer, timestamptz) IS 'The next n moments a schedule names by the clocks of a time zone, later than the given one; a rate(...) counts from that one';

CREATE FUNCTION etl._schedule_check(schedule text, timezone text) RETURNS void
	LANGUAGE c STRICT STABLE PARALLEL SAFE AS 'MODULE_PATHNAME', 'pg_etl_schedule_check';
REVOKE ALL ON FUNCTION etl._schedule_check(text, text) FROM PUBLIC;
COMMENT ON FUNCTION etl._schedule_check(text, text) IS 'An error (22023) if the schedule or the time zone is not valid. Internal.';

CREATE FUNCTION etl._workflow_schedule_check(flow etl.workflow) RETURNS void
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	problem text;
	fact text;
	remedy text;
	col text;
BEGIN
	IF flow.catchup IS NULL OR flow.catchup NOT IN ('none', 'last', 'all') THEN
		problem := format('has catchup %s', coalesce('"' || flow.catchup || '"', 'NULL')); col := 'catchup';
		remedy := 'Use none, last or all.';
	ELSIF flow.overlap IS NULL OR flow.overlap NOT IN ('skip', 'queue', 'allow', 'cancel_running') THEN
		problem := format('has overlap %s', coalesce('"' || flow.overlap || '"', 'NULL')); col := 'overlap';
		remedy := 'Use skip, queue, allow or cancel_running.';
	ELSIF flow.catchup = 'all' AND flow.overlap IN ('skip', 'cancel_running') THEN
		problem := format('has catchup "all" and overlap "%s"', flow.overlap); col := 'overlap';
		fact := 'Of runs that are caught up on one after the other, all but one would be left out or cancelled.';
		remedy := 'Use overlap queue or allow, or catchup last.';
	ELSIF flow.max_active_runs <= 0 THEN
		problem := format('has max_active_runs %s', flow.max_active_runs); col := 'max_active_runs';
		remedy := 'Give a number from 1, or NULL.';
	ELSE
		-- Of a workflow without a schedule the time zone is looked at all the same.
		PERFORM etl._schedule_check(coalesce(flow.schedule, '@daily'), flow.timezone);
		RETURN;
	END IF;
	RAISE check_violation USING MESSAGE = format('workflow "%s" %s', flow.name, problem),
		DETAIL = coalesce(fact, format('The schedule is %s.', coalesce(quote_literal(flow.schedule), 'NULL'))),
		HINT = remedy, TABLE = 'workflow', COLUMN = col, SCHEMA = 'etl';
EXCEPTION WHEN invalid_parameter_value THEN
	GET STACKED DIAGNOSTICS problem = MESSAGE_TEXT, fact = PG_EXCEPTION_DETAIL, remedy = PG_EXCEPTION_HINT;
	RAISE invalid_parameter_value USING MESSAGE = format('workflow "%s": %s', flow.name, problem),
		DETAIL = fact, HINT = remedy, TABLE = 'workflow', COLUMN = 'schedule', SCHEMA = 'etl';
END $$;
REVOKE ALL ON FUNCTION etl._workflow_schedule_check(etl.workflow) FROM PUBLIC;
COMMENT ON FUNCTION etl._workflow_schedule_check(etl.workflow) IS 'Refuses a schedule, and rules for it, that make no sense. Internal.';

-- What the scheduler works from: a row a workflow that has a schedule. A look at the index says when the next is due,
-- however many there are. Not dumped: a workflow that is restored makes its own.
CREATE TABLE etl.schedule_state (
	workflow text PRIMARY KEY REFERENCES etl.workflow ON UPDATE CASCADE ON DELETE CASCADE,
	anchor timestamptz NOT NULL,
	next_run_at timestamptz,
	due_at timestamptz,
	paused boolean NOT NULL,
	waiting boolean NOT NULL DEFAULT false,
	last_scheduled_for timestamptz,
	last_skipped_for timestamptz,
	error text,
	failed_at timestamptz,
	ticked_at timestamptz NOT NULL
);
CREATE INDEX schedule_state_due_idx ON etl.schedule_state (due_at) WHERE NOT paused;
COMMENT ON TABLE etl.schedule_state IS 'How far each workflow''s schedule has come. Written by the engine.';
COMMENT ON COLUMN etl.schedule_state.workflow IS 'The workflow';
COMMENT ON COLUMN etl.schedule_state.anchor IS 'When the schedule was set, which rate(...) counts from';
COMMENT ON COLUMN etl.schedule_state.next_run_at IS 'The first moment that nothing has become of yet; NULL: there is none';
COMMENT ON COLUMN etl.schedule_state.due_at IS 'When the scheduler looks at it: next_run_at, or later if that is waiting';
COMMENT ON COLUMN etl.schedule_state.paused IS 'The workflow is not enabled';
COMMENT ON COLUMN etl.schedule_state.waiting IS 'next_run_at has come and waits for a run to end; it, and what comes behind it, will not be missed';
COMMENT ON COLUMN etl.schedule_state.last_scheduled_for IS 'The last moment a run was queued for';
COMMENT ON COLUMN etl.schedule_state.last_skipped_for IS 'The last moment that was left out because a run went on';
COMMENT ON COLUMN etl.schedule_state.error IS 'Why no run could be queued for the last moment; NULL: it could';
COMMENT ON COLUMN etl.schedule_state.failed_at IS 'When that was';
COMMENT ON COLUMN etl.schedule_state.ticked_at IS 'When next_run_at was found; if that is yet to come, the clock has been put back';

CREATE FUNCTION etl._wake_scheduler() RETURNS void
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_wake_scheduler';
REVOKE ALL ON FUNCTION etl._wake_scheduler() FROM PUBLIC;
COMMENT ON FUNCTION etl._wake_scheduler() IS 'Has this database''s scheduler look when the transaction commits. Internal.';

CREATE FUNCTION etl._schedule_changed() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	-- To the second, as the names of its runs are.
	start CONSTANT timestamptz := date_trunc('second', etl._clock());
	first timestamptz;
BEGIN
	IF NEW.schedule IS NULL THEN
		DELETE FROM etl.schedule_state s WHERE s.workflow = NEW.name;
	ELSIF TG_OP = 'UPDATE' AND (NEW.schedule, NEW.timezone) IS NOT DISTINCT FROM (OLD.schedule, OLD.timezone) THEN
		UPDATE etl.schedule_state s SET paused = NOT NEW.enabled, waiting = false, due_at = s.next_run_at
			WHERE s.workflow = NEW.name;
	ELSE
		first := etl.next_runs(NEW.schedule, NEW.timezone, 1, start);
		INSERT INTO etl.schedule_state AS s (workflow, anchor, next_run_at, due_at, paused, ticked_at)
			VALUES (NEW.name, start, first, first, NOT NEW.enabled, start)
			ON CONFLICT (workflow) DO UPDATE SET anchor = start, next_run_at = first, due_at = first, ticked_at = start,
				paused = excluded.paused, waiting = false, error = NULL, failed_at = NULL;
	END IF;
	PERFORM etl._wake_scheduler();
	RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION etl._schedule_changed() FROM PUBLIC;
COMMENT ON FUNCTION etl._schedule_changed() IS 'Keeps etl.schedule_state after a workflow''s definition. Trigger.';
CREATE TRIGGER schedule_set AFTER INSERT ON etl.workflow
	FOR EACH ROW WHEN (NEW.schedule IS NOT NULL) EXECUTE FUNCTION etl._schedule_changed();
CREATE TRIGGER schedule_changed AFTER UPDATE OF schedule, timezone, enabled ON etl.workflow
	FOR EACH ROW WHEN (OLD.schedule IS NOT NULL OR NEW.schedule IS NOT NULL)
	EXECUTE FUNCTION etl._schedule_changed();

CREATE FUNCTION etl._moment_name(moment timestamptz) RETURNS text
	LANGUAGE sql STRICT STABLE SET search_path = pg_catalog, pg_temp
	RETURN 'schedule ' || to_char(moment AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"');
REVOKE ALL ON FUNCTION etl._moment_name(timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION etl._moment_name(timestamptz) IS 'The name of the run for a moment of a schedule, so that it is not queued twice. Internal.';

CREATE FUNCTION etl._moments(schedule text, timezone text, anchor timestamptz, "from" timestamptz, until timestamptz)
	RETURNS SETOF timestamptz
	LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'pg_etl_moments';
REVOKE ALL ON FUNCTION etl._moments(text, text, timestamptz, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION etl._moments(text, text, timestamptz, timestamptz, timestamptz) IS 'The moments of a schedule from one, before another; 10,001 of them at most. Internal.';

CREATE FUNCTION etl.backfill(workflow text, "from" timestamptz, until timestamptz) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	flow record;
	moments timestamptz[];
	queued bigint;
BEGIN
	-- As the caller: row security shows nobody a workflow that isn't theirs to run.
	SELECT w.schedule, w.timezone, s.anchor INTO flow
		FROM etl.workflow w LEFT JOIN etl.schedule_state s ON s.workflow = w.name WHERE w.name = backfill.workflow;
	IF NOT FOUND THEN
		RAISE undefined_object USING
			MESSAGE = format('workflow "%s" does not exist', backfill.workflow),
			HINT = 'SELECT name FROM etl.workflow lists the workflows you own.';
	ELSIF flow.schedule IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('workflow "%s" has no schedule', backfill.workflow),
			HINT = 'UPDATE etl.workflow SET schedule = ..., or queue its runs with etl.run_workflow.';
	ELSIF "from" IS NULL OR until IS NULL OR NOT isfinite("from") OR NOT isfinite(until) THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('workflow "%s" cannot be backfilled from %s until %s', backfill.workflow,
				coalesce("from"::text, 'NULL'), coalesce(until::text, 'NULL')),
			HINT = 'Give two moments in time.';
	END IF;
	-- What has not come yet is the schedule's own.
	SELECT array_agg(m ORDER BY m) INTO moments
		FROM etl._moments(flow.schedule, flow.timezone, flow.anchor, "from", least(until, etl._clock())) m;
	IF cardinality(moments) > 10000 THEN
		RAISE program_limit_exceeded USING
			MESSAGE = format('backfill of workflow "%s" is of more than 10000 runs', backfill.workflow),
			DETAIL = format('The 10000th is for %s.', moments[10000]),
			HINT = 'Backfill a shorter time, and the rest when its runs have ended.';
	END IF;
	INSERT INTO etl.run (workflow, run_name, trigger, scheduled_for)
		SELECT backfill.workflow, etl._moment_name(m), 'backfill', m FROM unnest(moments) WITH ORDINALITY AS u(m, n)
		ORDER BY n;
	GET DIAGNOSTICS queued = ROW_COUNT;
	RETURN queued;
END $$;
REVOKE ALL ON FUNCTION etl.backfill(text, timestamptz, timestamptz) FROM PUBLIC;
COMMENT ON FUNCTION etl.backfill(text, timestamptz, timestamptz) IS 'Queue a run for each moment of a workflow''s schedule from one on and before another that has none yet; how many it queued';

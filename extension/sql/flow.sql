-- What happens: run, task_run, event, all three in ranges of runs (history.sql), and the small tables the engine works
-- from (running, timer, deadline), which hold live work only. The queue itself is in shared memory: what is ready is what
-- etl.task_run says is queued.

-- What is inserted is checked by run_check. No CHECK is here: each UPDATE of the engine's would look at them again, and that
-- is a twentieth of a short step's time.
CREATE TABLE etl.run (
	run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workflow text NOT NULL,
	run_name text,
	input jsonb NOT NULL DEFAULT '{}',
	trigger text NOT NULL DEFAULT 'manual',
	scheduled_for timestamptz,
	parent_run_id bigint,
	parent_task_run_id bigint,
	status text NOT NULL DEFAULT 'queued',
	version_id bigint NOT NULL REFERENCES etl.workflow_version,
	owner regrole NOT NULL,
	timeout interval,
	max_active_runs integer,
	tasks_total integer NOT NULL DEFAULT 0,
	tasks_done integer NOT NULL DEFAULT 0,
	queued_at timestamptz NOT NULL DEFAULT now(),
	started_at timestamptz,
	finished_at timestamptz,
	failed_task text,
	error text,
	notifications_open integer NOT NULL DEFAULT 0
) PARTITION BY RANGE (run_id);
CREATE INDEX run_version_idx ON etl.run (version_id);
CREATE INDEX run_live_idx ON etl.run (workflow, run_id) WHERE finished_at IS NULL OR notifications_open > 0;
COMMENT ON TABLE etl.run IS 'A run of a workflow. INSERT (workflow, input) to queue one; etl.run_status is the view to read.';
COMMENT ON COLUMN etl.run.run_id IS 'Identity';
COMMENT ON COLUMN etl.run.workflow IS 'The workflow''s name when the run was queued';
COMMENT ON COLUMN etl.run.run_name IS 'A name of the caller''s choice, unique in the workflow: queuing it again is the same run';
COMMENT ON COLUMN etl.run.input IS 'Parameters, a JSON object; once queued, merged over the workflow''s default input';
COMMENT ON COLUMN etl.run.trigger IS 'What queued it: manual, schedule, backfill, workflow (a step of another run)';
COMMENT ON COLUMN etl.run.scheduled_for IS 'The moment of the schedule that it is about; NULL: none. Its steps have it as :scheduled_for, and its date as :ds.';
COMMENT ON COLUMN etl.run.parent_run_id IS 'The run a step of which queued it; NULL: none did';
COMMENT ON COLUMN etl.run.parent_task_run_id IS 'That step''s etl.task_run, which waits for this run''s end; NULL: none does';
COMMENT ON COLUMN etl.run.status IS 'queued, running, succeeded, failed, cancelled, timed_out';
COMMENT ON COLUMN etl.run.version_id IS 'etl.workflow_version it runs';
COMMENT ON COLUMN etl.run.owner IS 'The role it runs as: the workflow''s owner when it was queued';
COMMENT ON COLUMN etl.run.timeout IS 'How long it may take: the workflow''s when it was queued; NULL: as long as it does';
COMMENT ON COLUMN etl.run.max_active_runs IS 'How many of its workflow may go on at a time, as it was when this one was queued; NULL: any number, and it has not waited';
COMMENT ON COLUMN etl.run.tasks_total IS 'Number of its tasks';
COMMENT ON COLUMN etl.run.tasks_done IS 'How many of them have come to an end';
COMMENT ON COLUMN etl.run.queued_at IS 'When it was queued';
COMMENT ON COLUMN etl.run.started_at IS 'When its first step started';
COMMENT ON COLUMN etl.run.finished_at IS 'When its outcome was recorded';
COMMENT ON COLUMN etl.run.failed_task IS 'The first task that failed';
COMMENT ON COLUMN etl.run.error IS 'That task''s error message; of a run that timed out, that it did';
COMMENT ON COLUMN etl.run.notifications_open IS 'How many notifications of its end are still to be delivered';

-- No index of a partitioned table could keep the names unique.
CREATE TABLE etl.run_name (
	workflow text NOT NULL,
	run_name text NOT NULL,
	run_id bigint NOT NULL,
	PRIMARY KEY (workflow, run_name)
);
CREATE INDEX run_name_run_idx ON etl.run_name (run_id);
COMMENT ON TABLE etl.run_name IS 'The runs that have a name, by it. Written by the engine.';
COMMENT ON COLUMN etl.run_name.workflow IS 'The workflow''s name when the run was queued';
COMMENT ON COLUMN etl.run_name.run_name IS 'The run''s name';
COMMENT ON COLUMN etl.run_name.run_id IS 'The run';

-- Only the engine writes here, so there is no foreign key to etl.run: its check would lock the run's row once a step.
-- Nor checks of what it writes: each UPDATE reads them anew from their stored text, an eighth of a short step's time.
-- Nor an identity column: before PostgreSQL 17 a partition has none, and the engine writes into the partition.
CREATE SEQUENCE etl.task_run_id_seq;
COMMENT ON SEQUENCE etl.task_run_id_seq IS 'etl.task_run.task_run_id';
CREATE TABLE etl.task_run (
	task_run_id bigint NOT NULL DEFAULT nextval('etl.task_run_id_seq'),
	run_id bigint NOT NULL,
	task text NOT NULL,
	item integer NOT NULL DEFAULT 0,
	attempt integer NOT NULL DEFAULT 1,
	first_attempt integer NOT NULL DEFAULT 1,
	status text NOT NULL,
	notification_id bigint,
	arguments jsonb,
	queued_at timestamptz,
	started_at timestamptz,
	finished_at timestamptz,
	rows bigint,
	output jsonb,
	sqlstate text,
	error text,
	error_detail text,
	error_hint text,
	error_context text,
	worker_pid integer,
	process_end text,
	dependencies_succeeded integer NOT NULL DEFAULT 0,
	dependencies_failed integer NOT NULL DEFAULT 0,
	dependencies_skipped integer NOT NULL DEFAULT 0,
	parameters jsonb,
	items integer,
	items_reached integer,
	items_running integer,
	items_succeeded integer,
	items_failed integer,
	PRIMARY KEY (run_id, task_run_id),
	UNIQUE (run_id, task, item, attempt)
) PARTITION BY RANGE (run_id);
ALTER SEQUENCE etl.task_run_id_seq OWNED BY etl.task_run.task_run_id;
COMMENT ON TABLE etl.task_run IS 'An attempt of a step of a run. Written by the engine; etl.task_status is the view to read.';
COMMENT ON COLUMN etl.task_run.task_run_id IS 'Identity';
COMMENT ON COLUMN etl.task_run.run_id IS 'The run';
COMMENT ON COLUMN etl.task_run.task IS 'The task''s name; for a notification "notification" and its id';
COMMENT ON COLUMN etl.task_run.item IS 'With for_each: 1, 2, ... for the task''s items, in the order of the query''s rows; 0: the task itself';
COMMENT ON COLUMN etl.task_run.attempt IS '1, 2, ..., of each item by itself';
COMMENT ON COLUMN etl.task_run.first_attempt IS 'The attempt from which retries and crashes are counted: 1, or the first since etl.retry_run';
COMMENT ON COLUMN etl.task_run.status IS 'waiting (for dependencies; an item for its turn), queued, running (committed for external steps only; etl.task_status knows better), retrying (waits for its time), succeeded, failed, timed_out, skipped, cancelled';
COMMENT ON COLUMN etl.task_run.notification_id IS 'The etl.notification it delivers; NULL for a task';
COMMENT ON COLUMN etl.task_run.arguments IS 'A notification''s message and topic; NULL for a task';
COMMENT ON COLUMN etl.task_run.queued_at IS 'When it could have started';
COMMENT ON COLUMN etl.task_run.started_at IS 'When it did';
COMMENT ON COLUMN etl.task_run.finished_at IS 'When its outcome was known';
COMMENT ON COLUMN etl.task_run.rows IS 'Rows its statements affected; NULL when it has none';
COMMENT ON COLUMN etl.task_run.output IS 'What the resource answered';
COMMENT ON COLUMN etl.task_run.sqlstate IS 'SQLSTATE of its error';
COMMENT ON COLUMN etl.task_run.error IS 'Primary message of its error';
COMMENT ON COLUMN etl.task_run.error_detail IS 'DETAIL of its error';
COMMENT ON COLUMN etl.task_run.error_hint IS 'HINT of its error';
COMMENT ON COLUMN etl.task_run.error_context IS 'CONTEXT of its error: which statement, which line';
COMMENT ON COLUMN etl.task_run.worker_pid IS 'The executor process that ran it';
COMMENT ON COLUMN etl.task_run.dependencies_succeeded IS 'Of the tasks it depends on, how many have succeeded so far';
COMMENT ON COLUMN etl.task_run.dependencies_failed IS 'How many have failed, timed out or been cancelled';
COMMENT ON COLUMN etl.task_run.dependencies_skipped IS 'How many have been skipped';
COMMENT ON COLUMN etl.task_run.parameters IS 'An item''s: the row of for_each that it stands for';
COMMENT ON COLUMN etl.task_run.items IS 'Of a task with for_each, once the query has been answered: how many items it has. NULL: none yet, or no such task.';
COMMENT ON COLUMN etl.task_run.items_reached IS 'The last item that was queued; those after it wait for their turn';
COMMENT ON COLUMN etl.task_run.items_running IS 'How many of its items have been queued and have not ended';
COMMENT ON COLUMN etl.task_run.items_succeeded IS 'How many have succeeded';
COMMENT ON COLUMN etl.task_run.items_failed IS 'How many have failed, for good';
COMMENT ON COLUMN etl.task_run.process_end IS 'For an attempt that ended with its process: crashed, or stopped by somebody. It is repeated without counting as a retry; three crashes fail the step.';

CREATE SEQUENCE etl.event_id_seq;
COMMENT ON SEQUENCE etl.event_id_seq IS 'etl.event.event_id';
CREATE TABLE etl.event (
	event_id bigint NOT NULL DEFAULT nextval('etl.event_id_seq'),
	run_id bigint NOT NULL,
	task text,
	attempt integer,
	at timestamptz NOT NULL DEFAULT etl._clock(),
	type text NOT NULL,
	details jsonb,
	PRIMARY KEY (run_id, event_id)
) PARTITION BY RANGE (run_id);
ALTER SEQUENCE etl.event_id_seq OWNED BY etl.event.event_id;
COMMENT ON TABLE etl.event IS 'History, append-only: one row for everything that happened to a run';
COMMENT ON COLUMN etl.event.event_id IS 'Identity';
COMMENT ON COLUMN etl.event.run_id IS 'The run';
COMMENT ON COLUMN etl.event.task IS 'The task; NULL for the run as a whole';
COMMENT ON COLUMN etl.event.attempt IS 'The task''s attempt';
COMMENT ON COLUMN etl.event.at IS 'When it happened';
COMMENT ON COLUMN etl.event.type IS 'run_queued, run_started, run_succeeded, run_failed, run_timed_out, run_cancelled, run_retried; task_started, task_succeeded, task_failed, task_timed_out, task_cancelled, task_skipped, task_interrupted, task_retry_scheduled, task_submitted (it waits for a token or a run), task_signalled (somebody has ended it)';
COMMENT ON COLUMN etl.event.details IS 'What else is known, such as the error or the delay';

CREATE TABLE etl.running (
	task_run_id bigint PRIMARY KEY,
	run_id bigint NOT NULL
);
COMMENT ON TABLE etl.running IS 'External steps that are under way, to be found again when their process is gone';
COMMENT ON COLUMN etl.running.task_run_id IS 'The etl.task_run';
COMMENT ON COLUMN etl.running.run_id IS 'Its run';

CREATE TABLE etl.timer (
	task_run_id bigint PRIMARY KEY,
	run_id bigint NOT NULL,
	owner oid NOT NULL,
	priority integer NOT NULL,
	due_at timestamptz NOT NULL,
	set_at timestamptz NOT NULL DEFAULT etl._clock(),
	pool text
);
CREATE INDEX timer_due_at_idx ON etl.timer (due_at);
COMMENT ON TABLE etl.timer IS 'Steps that wait for a moment; the scheduler puts them into the queue when it has come';
COMMENT ON COLUMN etl.timer.task_run_id IS 'The etl.task_run that waits';
COMMENT ON COLUMN etl.timer.run_id IS 'Its run';
COMMENT ON COLUMN etl.timer.owner IS 'The role it runs as';
COMMENT ON COLUMN etl.timer.priority IS 'Its task''s';
COMMENT ON COLUMN etl.timer.due_at IS 'The moment';
COMMENT ON COLUMN etl.timer.set_at IS 'When it was set; if that is yet to come, the clock has been put back';
COMMENT ON COLUMN etl.timer.pool IS 'Its task''s; NULL: none';

CREATE TABLE etl.deadline (
	run_id bigint PRIMARY KEY,
	due_at timestamptz NOT NULL
);
CREATE INDEX deadline_due_at_idx ON etl.deadline (due_at, run_id);
COMMENT ON TABLE etl.deadline IS 'Runs that go on and have a timeout; the scheduler ends those that go on when it is over';
COMMENT ON COLUMN etl.deadline.run_id IS 'The run';
COMMENT ON COLUMN etl.deadline.due_at IS 'When its time is over';

CREATE TABLE etl.limited_run (
	run_id bigint PRIMARY KEY,
	workflow text NOT NULL,
	owner oid NOT NULL,
	turn smallint NOT NULL
);
CREATE INDEX limited_run_turn_idx ON etl.limited_run (workflow, owner, turn, run_id);
COMMENT ON TABLE etl.limited_run IS 'Runs that have not ended of workflows with max_active_runs: those that go on, and those that wait for one of these to end';
COMMENT ON COLUMN etl.limited_run.run_id IS 'The run';
COMMENT ON COLUMN etl.limited_run.workflow IS 'Its workflow';
COMMENT ON COLUMN etl.limited_run.owner IS 'The role it runs as';
COMMENT ON COLUMN etl.limited_run.turn IS '0: it goes on; else it waits: 1, whatever the limit, since a run of its workflow waits for it; 2; 3, for a backfill';

-- Steps that have done their part and hold no process until somebody says what has become of them. Whoever changes a row has
-- the lock of the run's row: users' sessions, which may stay in a transaction, have nothing to do here.
CREATE TABLE etl.suspended (
	task_run_id bigint PRIMARY KEY,
	run_id bigint NOT NULL,
	since timestamptz,
	token_hash bytea UNIQUE,
	child_run_id bigint,
	timeout_at timestamptz,
	heartbeat interval,
	due_at timestamptz,
	CHECK (num_nonnulls(token_hash, child_run_id) = 1)
);
CREATE INDEX suspended_due_at_idx ON etl.suspended (due_at) WHERE due_at IS NOT NULL;
COMMENT ON TABLE etl.suspended IS 'Steps that somebody else ends: who has their token, or the run they have started';
COMMENT ON COLUMN etl.suspended.task_run_id IS 'The etl.task_run';
COMMENT ON COLUMN etl.suspended.run_id IS 'Its run';
COMMENT ON COLUMN etl.suspended.since IS 'When it had done its part; NULL: it is at it';
COMMENT ON COLUMN etl.suspended.token_hash IS 'SHA-256 of its token, which is kept nowhere; NULL: it waits for a run';
COMMENT ON COLUMN etl.suspended.child_run_id IS 'The run it waits for; NULL: it has a token';
COMMENT ON COLUMN etl.suspended.timeout_at IS 'When its task''s timeout is over; NULL: it has none';
COMMENT ON COLUMN etl.suspended.heartbeat IS 'The longest time between two heartbeats; NULL: none is asked for';
COMMENT ON COLUMN etl.suspended.due_at IS 'When the scheduler ends it if nobody has: timeout_at, or when a heartbeat is missing; NULL: never';

-- Users' sessions and runs that end only ever insert here, so nothing waits for them; the scheduler does the rest.
CREATE TABLE etl.signal (
	signal_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	task_run_id bigint NOT NULL,
	kind text NOT NULL CHECK (kind IN ('succeeded', 'failed', 'heartbeat', 'run_ended')),
	at timestamptz NOT NULL DEFAULT etl._clock(),
	role text,
	output jsonb,
	error text,
	cause text
);
CREATE UNIQUE INDEX signal_end_key ON etl.signal (task_run_id) WHERE kind <> 'heartbeat';
COMMENT ON TABLE etl.signal IS 'What was said of suspended steps, until the scheduler has acted on it';
COMMENT ON COLUMN etl.signal.signal_id IS 'Identity';
COMMENT ON COLUMN etl.signal.task_run_id IS 'The step';
COMMENT ON COLUMN etl.signal.kind IS 'succeeded, failed, heartbeat; run_ended: the run it waits for has ended';
COMMENT ON COLUMN etl.signal.at IS 'When it was said';
COMMENT ON COLUMN etl.signal.role IS 'Who said it';
COMMENT ON COLUMN etl.signal.output IS 'The output of a step that succeeded';
COMMENT ON COLUMN etl.signal.error IS 'The error of one that failed';
COMMENT ON COLUMN etl.signal.cause IS 'And its cause';

-- The queue ----------------------------------------------------------------------------------------------------

CREATE FUNCTION etl._run_check() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	flow etl.workflow;
BEGIN
	-- As the inserting user, who may see workflows that aren't theirs to run.
	SELECT * INTO flow FROM etl.workflow w WHERE w.name = NEW.workflow AND pg_has_role(current_user, w.owner, 'USAGE');
	IF NOT FOUND THEN
		RAISE undefined_object USING
			MESSAGE = format('workflow "%s" does not exist', NEW.workflow),
			HINT = 'SELECT name FROM etl.workflow lists the workflows you own.',
			TABLE = 'run', COLUMN = 'workflow', SCHEMA = 'etl';
	END IF;
	IF NOT flow.enabled THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('workflow "%s" is not enabled', NEW.workflow),
			HINT = format('SELECT etl.resume_workflow(%L);', NEW.workflow),
			TABLE = 'run', COLUMN = 'workflow', SCHEMA = 'etl';
	END IF;
	IF jsonb_typeof(NEW.input) IS DISTINCT FROM 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('input of a run of workflow "%s" is not a JSON object', NEW.workflow),
			DETAIL = format('It is of type %s.', coalesce(jsonb_typeof(NEW.input), 'SQL NULL')),
			HINT = 'Give parameters as {"name": value, ...}.',
			TABLE = 'run', COLUMN = 'input', SCHEMA = 'etl';
	END IF;
	IF NEW.run_name = '' OR length(NEW.run_name) > 80 OR NEW.run_name ~ '[[:cntrl:]]' THEN
		RAISE check_violation USING
			MESSAGE = format('run name "%s" of workflow "%s" is not usable', left(NEW.run_name, 100), NEW.workflow),
			DETAIL = format('It has %s characters.', length(NEW.run_name)),
			HINT = 'Use 1 to 80 characters, none of them a control character.',
			TABLE = 'run', COLUMN = 'run_name', SCHEMA = 'etl';
	END IF;
	IF NEW.trigger IS NULL OR NEW.trigger NOT IN ('manual', 'schedule', 'backfill', 'workflow') THEN
		RAISE check_violation USING
			MESSAGE = format('run of workflow "%s" has trigger "%s"', NEW.workflow, NEW.trigger),
			HINT = 'Use manual, schedule, backfill or workflow.',
			TABLE = 'run', COLUMN = 'trigger', SCHEMA = 'etl';
	END IF;
	-- The date is that of the moment by the schedule's clocks.
	NEW.input := flow.input || CASE WHEN isfinite(NEW.scheduled_for)
		THEN jsonb_build_object('ds', (NEW.scheduled_for AT TIME ZONE flow.timezone)::date) ELSE '{}' END || NEW.input;
	NEW.owner := flow.owner;
	NEW.timeout := flow.timeout;
	NEW.max_active_runs := flow.max_active_runs;
	NEW.status := 'queued';
	NEW.queued_at := etl._clock();
	NEW.started_at := NULL;
	NEW.finished_at := NULL;
	NEW.failed_task := NULL;
	NEW.error := NULL;
	NEW.tasks_done := 0;
	RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION etl._run_check() FROM PUBLIC;
COMMENT ON FUNCTION etl._run_check() IS 'Completes a row that queues a run, or refuses it. Trigger.';
CREATE TRIGGER run_check BEFORE INSERT ON etl.run
	FOR EACH ROW EXECUTE FUNCTION etl._run_check();

-- With the extension owner's rights, after run_check has looked whose workflow it is: triggers run in the order of
-- their names.
CREATE FUNCTION etl._run_name() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	INSERT INTO etl.run_name (workflow, run_name, run_id) VALUES (NEW.workflow, NEW.run_name, NEW.run_id)
		ON CONFLICT DO NOTHING;
	IF FOUND THEN
		RETURN NEW;
	ELSIF NEW.trigger <> 'manual' THEN
		RETURN NULL; -- the moment of a schedule has its run
	END IF;
	RAISE unique_violation USING
		MESSAGE = format('run name "%s" of workflow "%s" is taken', NEW.run_name, NEW.workflow),
		HINT = 'etl.run_workflow returns the run that has it, if its input is the same.',
		TABLE = 'run', COLUMN = 'run_name', SCHEMA = 'etl';
END $$;
REVOKE ALL ON FUNCTION etl._run_name() FROM PUBLIC;
COMMENT ON FUNCTION etl._run_name() IS 'Takes a run''s name, or refuses one that is taken. Trigger.';
CREATE TRIGGER run_name BEFORE INSERT ON etl.run
	FOR EACH ROW WHEN (NEW.run_name IS NOT NULL) EXECUTE FUNCTION etl._run_name();

CREATE FUNCTION etl._run_name_free() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	DELETE FROM etl.run_name n WHERE n.workflow = OLD.workflow AND n.run_name = OLD.run_name AND n.run_id = OLD.run_id;
	RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION etl._run_name_free() FROM PUBLIC;
COMMENT ON FUNCTION etl._run_name_free() IS 'The name of a run that is deleted may be used again. Trigger.';
CREATE TRIGGER run_name_free AFTER DELETE ON etl.run
	FOR EACH ROW WHEN (OLD.run_name IS NOT NULL) EXECUTE FUNCTION etl._run_name_free();

-- Runs with the extension owner's rights, and is a trigger so that nobody can call it for a workflow that isn't
-- theirs: run_check, which comes before it, has looked with the inserting user's.
CREATE FUNCTION etl._run_version() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	current_definition jsonb;
	latest record;
BEGIN
	-- The version is locked, so that it is not cleared away before somebody can see that this run has it.
	SELECT v.version_id INTO NEW.version_id FROM etl.workflow w JOIN etl.workflow_version v USING (version_id)
		WHERE w.name = NEW.workflow FOR KEY SHARE OF v;
	IF NEW.version_id IS NULL THEN
		-- Locked, so that two sessions that queue the first run after an edit make one version.
		SELECT w.version_id INTO NEW.version_id FROM etl.workflow w WHERE w.name = NEW.workflow FOR NO KEY UPDATE;
	END IF;
	IF NEW.version_id IS NULL THEN
		current_definition := etl._definition(NEW.workflow);
		IF current_definition IS NULL THEN
			RAISE object_not_in_prerequisite_state USING
				MESSAGE = format('workflow "%s" has no tasks', NEW.workflow),
				HINT = 'INSERT INTO etl.task (workflow, name, sql) first.',
				TABLE = 'run', COLUMN = 'workflow', SCHEMA = 'etl';
		END IF;
		SELECT v.version_id, v.version, v.definition INTO latest
			FROM etl.workflow_version v WHERE v.workflow = NEW.workflow ORDER BY v.version DESC LIMIT 1 FOR KEY SHARE;
		IF latest.definition = current_definition THEN
			NEW.version_id := latest.version_id;
		ELSE
			INSERT INTO etl.workflow_version AS v (workflow, version, definition)
				VALUES (NEW.workflow, coalesce(latest.version, 0) + 1, current_definition)
				RETURNING v.version_id INTO NEW.version_id;
		END IF;
		UPDATE etl.workflow w SET version_id = NEW.version_id WHERE w.name = NEW.workflow;
	END IF;
	SELECT count(*) INTO NEW.tasks_total FROM etl.workflow_version v, jsonb_object_keys(v.definition -> 'tasks')
		WHERE v.version_id = NEW.version_id;
	RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION etl._run_version() FROM PUBLIC;
COMMENT ON FUNCTION etl._run_version() IS 'Gives a run the version of its workflow''s definition as it stands, made if need be. Trigger.';
CREATE TRIGGER run_version BEFORE INSERT ON etl.run
	FOR EACH ROW EXECUTE FUNCTION etl._run_version();

CREATE FUNCTION etl._run_queue() RETURNS trigger
	LANGUAGE c AS 'MODULE_PATHNAME', 'pg_etl_run_queue';
REVOKE ALL ON FUNCTION etl._run_queue() FROM PUBLIC;
COMMENT ON FUNCTION etl._run_queue() IS 'Makes the steps of a queued run and wakes the engine at commit. Trigger.';
CREATE TRIGGER run_queue AFTER INSERT ON etl.run
	FOR EACH ROW EXECUTE FUNCTION etl._run_queue();

CREATE FUNCTION etl._engine_is_loaded() RETURNS boolean
	LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'pg_etl_engine_is_loaded';
REVOKE ALL ON FUNCTION etl._engine_is_loaded() FROM PUBLIC;
COMMENT ON FUNCTION etl._engine_is_loaded() IS 'Whether pg_etl is in shared_preload_libraries, so that queued runs are run. Internal.';

CREATE FUNCTION etl.run_workflow(workflow text, input jsonb DEFAULT '{}', run_name text DEFAULT NULL) RETURNS bigint
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	given jsonb := coalesce(run_workflow.input, '{}');
	id bigint;
	there record;
BEGIN
	IF run_workflow.run_name IS NULL THEN
		INSERT INTO etl.run AS r (workflow, input) VALUES (run_workflow.workflow, given) RETURNING r.run_id INTO id;
	END IF;
	-- Look first: an INSERT that conflicts would use up a run_id. The conflict is for two that queue at once, and then
	-- looking again finds the other's.
	FOR attempt IN 1..2 LOOP
		EXIT WHEN id IS NOT NULL;
		SELECT r.run_id, r.input = w.input || given AS same INTO there
			FROM etl.run_name n JOIN etl.run r ON r.run_id = n.run_id JOIN etl.workflow w ON w.name = n.workflow
			WHERE n.workflow = run_workflow.workflow AND n.run_name = run_workflow.run_name;
		IF there.same THEN
			RETURN there.run_id;
		ELSIF there.run_id IS NOT NULL THEN
			RAISE duplicate_object USING
				MESSAGE = format('run "%s" of workflow "%s" exists with another input',
					run_workflow.run_name, run_workflow.workflow),
				DETAIL = format('It is run %s.', there.run_id),
				HINT = 'Queue it under another name, or with the same input to get that run''s id.';
		END IF;
		BEGIN
			INSERT INTO etl.run AS r (workflow, input, run_name)
				VALUES (run_workflow.workflow, given, run_workflow.run_name) RETURNING r.run_id INTO id;
		EXCEPTION WHEN unique_violation THEN
			NULL;
		END;
	END LOOP;
	IF id IS NULL THEN
		RAISE duplicate_object USING
			MESSAGE = format('run name "%s" of workflow "%s" is taken', run_workflow.run_name, run_workflow.workflow),
			DETAIL = 'A run that is not yours to see has it, of an earlier workflow or owner of this name.',
			HINT = 'Queue it under another name.';
	END IF;
	IF NOT etl._engine_is_loaded() THEN
		RAISE WARNING USING
			MESSAGE = format('run %s is queued, but nothing will run it: pg_etl is not loaded at server start', id),
			HINT = format('Set shared_preload_libraries = ''%s'' in postgresql.conf (ALTER SYSTEM does it too) and restart the server.',
				concat_ws(',', nullif(current_setting('shared_preload_libraries', true), ''), 'pg_etl')),
			ERRCODE = 'object_not_in_prerequisite_state';
	END IF;
	RETURN id;
END $$;
REVOKE ALL ON FUNCTION etl.run_workflow(text, jsonb, text) FROM PUBLIC;
COMMENT ON FUNCTION etl.run_workflow(text, jsonb, text) IS 'Queue a run and return its run_id; the same run_name and input again return the same run';

CREATE FUNCTION etl.wait_for_run(run_id bigint, timeout interval DEFAULT '1 min') RETURNS text
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_wait_for_run';
REVOKE ALL ON FUNCTION etl.wait_for_run(bigint, interval) FROM PUBLIC;
COMMENT ON FUNCTION etl.wait_for_run(bigint, interval) IS 'Wait until a run has ended and return its status; an error when that takes longer than timeout, and at once for a run that this very transaction queued';

CREATE FUNCTION etl.cancel_run(run_id bigint) RETURNS boolean
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_cancel_run';
REVOKE ALL ON FUNCTION etl.cancel_run(bigint) FROM PUBLIC;
COMMENT ON FUNCTION etl.cancel_run(bigint) IS 'Cancel a run: what has not started will not, running statements are cancelled, what they did is rolled back. False if it had ended already.';

CREATE FUNCTION etl._current_run() RETURNS bigint
	LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'pg_etl_current_run';
REVOKE ALL ON FUNCTION etl._current_run() FROM PUBLIC;
COMMENT ON FUNCTION etl._current_run() IS 'The run whose step this process is at; NULL: none. Internal.';

CREATE FUNCTION etl.task_output(task text) RETURNS jsonb
	LANGUAGE plpgsql STABLE STRICT SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	run bigint := etl._current_run();
	last record;
BEGIN
	IF run IS NULL THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('output of task "%s" can be asked for by a step of the same run only', task),
			HINT = 'Outside of a run, SELECT rows, output FROM etl.task_run.';
	END IF;
	SELECT t.status, t.rows, t.output INTO last FROM etl.task_run t
		WHERE t.run_id = run AND t.task = task_output.task AND t.item = 0 AND t.notification_id IS NULL ORDER BY t.attempt DESC LIMIT 1;
	IF last.status IS NULL THEN
		RAISE undefined_object USING
			MESSAGE = format('task "%s" does not exist in this workflow', task);
	ELSIF last.status <> 'succeeded' THEN
		RAISE object_not_in_prerequisite_state USING
			MESSAGE = format('task "%s" has no output', task),
			DETAIL = format('Its status is "%s".', last.status),
			HINT = 'Name it in depends_on, so that it has ended before this task starts.';
	END IF;
	RETURN jsonb_build_object('rows', last.rows) || coalesce(CASE WHEN jsonb_typeof(last.output) = 'object' THEN last.output
		ELSE jsonb_build_object('output', last.output) END, '{}');
END $$;
REVOKE ALL ON FUNCTION etl.task_output(text) FROM PUBLIC;
COMMENT ON FUNCTION etl.task_output(text) IS 'In a step: what an earlier task of the same run left: {"rows": n} and what its resource answered';

CREATE FUNCTION etl.retry_run(run_id bigint) RETURNS boolean
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_retry_run';
REVOKE ALL ON FUNCTION etl.retry_run(bigint) FROM PUBLIC;
COMMENT ON FUNCTION etl.retry_run(bigint) IS 'Carry a run on that failed or was cancelled: what failed, was cancelled or never ran runs again, with the same definition and input; what succeeded does not. False if all of it had succeeded.';

-- What executors are doing right now ---------------------------------------------------------------------------

CREATE FUNCTION etl._activity(OUT pid integer, OUT owner oid, OUT task_run_id bigint, OUT run_id bigint,
		OUT started_at timestamptz, OUT lock text) RETURNS SETOF record
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_activity';
REVOKE ALL ON FUNCTION etl._activity() FROM PUBLIC;
COMMENT ON FUNCTION etl._activity() IS 'The executors of this database, the step each is running, and the kind of lock its statement waits for. Internal; see etl.task_status.';

CREATE FUNCTION etl._waiting_for_executor(remote boolean) RETURNS text
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_waiting_for_executor';
REVOKE ALL ON FUNCTION etl._waiting_for_executor(boolean) FROM PUBLIC;
COMMENT ON FUNCTION etl._waiting_for_executor(boolean) IS 'What a step waits for that could start, in words. Internal; see etl.task_status.';

CREATE FUNCTION etl._engine_start() RETURNS void
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_engine_start';
REVOKE ALL ON FUNCTION etl._engine_start() FROM PUBLIC;
COMMENT ON FUNCTION etl._engine_start() IS 'Has the launcher look at this database when the transaction commits. Called by CREATE EXTENSION. Internal.';
SELECT etl._engine_start();

-- Views --------------------------------------------------------------------------------------------------------

CREATE VIEW etl.task_status WITH (security_invoker = true) AS
	SELECT t.run_id, r.workflow, t.task, nullif(t.item, 0) AS item, t.attempt,
		CASE WHEN a.pid IS NOT NULL THEN 'running' WHEN i.never_starts THEN 'cancelled' ELSE t.status END AS status,
		t.queued_at, coalesce(t.started_at, a.started_at) AS started_at, t.finished_at,
		coalesce(t.finished_at, etl._clock()) - coalesce(t.started_at, a.started_at) AS duration,
		t.rows, t.sqlstate, t.error,
		CASE
			WHEN t.finished_at IS NOT NULL OR i.never_starts THEN NULL
			WHEN a.pid IS NOT NULL THEN 'lock (' || a.lock || ')' || coalesce(', held by ' || (
				SELECT string_agg(DISTINCT CASE b.pid WHEN 0 THEN 'a prepared transaction' ELSE 'process ' || b.pid END, ', ')
				FROM unnest(pg_blocking_pids(a.pid)) AS b(pid)), '')
			WHEN t.status = 'waiting' AND t.item > 0 AND t.queued_at IS NULL THEN 'items before it'
			WHEN t.status = 'running' AND t.items IS NOT NULL
				THEN format('items, %s of %s have ended', t.items_succeeded + t.items_failed, t.items)
			WHEN t.status = 'waiting' AND tm.due_at IS NOT NULL
				THEN 'condition, looked at again at ' || to_char(tm.due_at, 'YYYY-MM-DD HH24:MI:SSOF')
			WHEN t.status = 'waiting' AND s.child_run_id IS NOT NULL THEN 'run ' || s.child_run_id
			WHEN t.status = 'waiting' AND s.task_run_id IS NOT NULL
				THEN 'token' || coalesce(' until ' || to_char(s.due_at, 'YYYY-MM-DD HH24:MI:SSOF'), '')
			WHEN t.status = 'waiting' AND l.run_id IS NOT NULL THEN 'runs before it, by max_active_runs of the workflow'
			WHEN t.status = 'waiting' THEN 'dependency ' || (
				SELECT string_agg(quote_ident(d.name), ', ' ORDER BY d.name)
				FROM etl.workflow_version v, jsonb_array_elements_text(v.definition -> 'tasks' -> t.task -> 'depends_on') AS d(name)
				WHERE v.version_id = r.version_id
					AND EXISTS (SELECT FROM etl.task_run o
								WHERE o.run_id = t.run_id AND o.task = d.name AND o.item = 0 AND o.finished_at IS NULL))
			WHEN t.status = 'retrying' THEN 'time ' || to_char(tm.due_at, 'YYYY-MM-DD HH24:MI:SSOF')
			WHEN t.status = 'queued' THEN coalesce((
				SELECT format('role %s, which ', r.owner) || CASE WHEN o.oid IS NULL THEN 'does not exist'
					WHEN NOT o.rolcanlogin THEN 'has no LOGIN'
					WHEN NOT has_database_privilege(o.oid, current_database(), 'CONNECT')
						THEN 'has no CONNECT privilege on this database' END
				FROM (SELECT) one LEFT JOIN pg_roles o ON o.oid = r.owner),
				(SELECT coalesce(etl._waiting_for_pool(d.task ->> 'pool', coalesce((d.task ->> 'priority')::integer, 0), t.task_run_id),
						etl._waiting_for_executor(coalesce(etl._is_remote(d.task), true)))
					FROM (SELECT v.definition -> 'tasks' -> t.task FROM etl.workflow_version v
							WHERE v.version_id = r.version_id OFFSET 0) AS d(task)))
		END AS waiting_for,
		coalesce(a.pid, t.worker_pid) AS worker_pid
	FROM etl.task_run t
	JOIN etl.run r USING (run_id)
	LEFT JOIN etl.timer tm USING (task_run_id)
	LEFT JOIN etl.suspended s USING (task_run_id)
	LEFT JOIN etl.limited_run l ON l.run_id = t.run_id AND l.turn > 0
	LEFT JOIN etl._activity() a ON a.task_run_id = t.task_run_id AND t.finished_at IS NULL
	-- An item whose turn had not come when its task ended: its row is left as it was.
	LEFT JOIN LATERAL (SELECT NOT EXISTS (SELECT FROM etl.task_run o WHERE o.run_id = t.run_id AND o.task = t.task
			AND o.item = 0 AND o.finished_at IS NULL) AS never_starts) i ON t.item > 0 AND t.status = 'waiting' AND t.queued_at IS NULL;
COMMENT ON VIEW etl.task_status IS 'A row an attempt of a step, as it stands this moment';
COMMENT ON COLUMN etl.task_status.run_id IS 'The run';
COMMENT ON COLUMN etl.task_status.workflow IS 'The workflow';
COMMENT ON COLUMN etl.task_status.task IS 'The task';
COMMENT ON COLUMN etl.task_status.item IS 'The item of for_each; NULL for the task itself';
COMMENT ON COLUMN etl.task_status.attempt IS '1, 2, ...';
COMMENT ON COLUMN etl.task_status.status IS 'queued, waiting, running, retrying, succeeded, failed, skipped, cancelled, timed_out';
COMMENT ON COLUMN etl.task_status.queued_at IS 'When it could have started';
COMMENT ON COLUMN etl.task_status.started_at IS 'When it did';
COMMENT ON COLUMN etl.task_status.finished_at IS 'When its outcome was known';
COMMENT ON COLUMN etl.task_status.duration IS 'From start to finish, or to now';
COMMENT ON COLUMN etl.task_status.rows IS 'Rows its statements affected';
COMMENT ON COLUMN etl.task_status.sqlstate IS 'SQLSTATE of its error';
COMMENT ON COLUMN etl.task_status.error IS 'Its error; DETAIL, HINT and CONTEXT are in etl.task_run';
COMMENT ON COLUMN etl.task_status.waiting_for IS 'What it waits for: dependency, runs (before its own), condition, time, items (of for_each), token, run, pool, lock, role, executor';
COMMENT ON COLUMN etl.task_status.worker_pid IS 'The executor process that runs or ran it';

CREATE VIEW etl.run_status WITH (security_invoker = true) AS
	SELECT r.run_id, r.workflow, r.run_name,
		CASE WHEN r.status = 'queued' AND a.started_at IS NOT NULL THEN 'running' ELSE r.status END AS status,
		r.trigger, r.scheduled_for, r.queued_at,
		coalesce(r.started_at, a.started_at) AS started_at, r.finished_at,
		coalesce(r.finished_at, etl._clock()) - coalesce(r.started_at, a.started_at) AS duration,
		r.tasks_done, r.tasks_total,
		CASE WHEN r.failed_task IS NULL OR r.status = 'timed_out' THEN r.error
			ELSE format('%s: %s', r.failed_task, r.error) END AS error,
		r.parent_run_id,
		-- Of a run none of whose steps is at work: what the one waits for that could have been the first.
		CASE WHEN l.run_id IS NOT NULL THEN 'runs before it, by max_active_runs of the workflow' WHEN r.finished_at IS NULL THEN (
			SELECT CASE WHEN t.waiting_for IS NOT NULL THEN format('%s: %s', t.task, t.waiting_for) END FROM etl.task_status t
			WHERE t.run_id = r.run_id AND t.status IN ('waiting', 'queued', 'running', 'retrying')
				AND coalesce(t.waiting_for, '') NOT LIKE 'dependency %' AND coalesce(t.waiting_for, '') NOT LIKE 'items%'
			ORDER BY t.waiting_for IS NOT NULL, t.queued_at LIMIT 1) END AS waiting_for
	FROM etl.run r
	LEFT JOIN etl.limited_run l ON l.run_id = r.run_id AND l.turn > 0
	LEFT JOIN (SELECT act.run_id, min(act.started_at) AS started_at FROM etl._activity() act GROUP BY 1) a
		ON a.run_id = r.run_id AND r.finished_at IS NULL;
COMMENT ON VIEW etl.run_status IS 'A row a run, as it stands this moment';
COMMENT ON COLUMN etl.run_status.run_id IS 'Identity';
COMMENT ON COLUMN etl.run_status.workflow IS 'The workflow';
COMMENT ON COLUMN etl.run_status.run_name IS 'The name its caller chose';
COMMENT ON COLUMN etl.run_status.status IS 'queued, running, succeeded, failed, cancelled, timed_out';
COMMENT ON COLUMN etl.run_status.trigger IS 'What queued it';
COMMENT ON COLUMN etl.run_status.scheduled_for IS 'The moment it is about';
COMMENT ON COLUMN etl.run_status.queued_at IS 'When it was queued';
COMMENT ON COLUMN etl.run_status.started_at IS 'When its first step started';
COMMENT ON COLUMN etl.run_status.finished_at IS 'When its outcome was recorded';
COMMENT ON COLUMN etl.run_status.duration IS 'From start to finish, or to now';
COMMENT ON COLUMN etl.run_status.tasks_done IS 'Tasks that have come to an end';
COMMENT ON COLUMN etl.run_status.tasks_total IS 'Tasks in all';
COMMENT ON COLUMN etl.run_status.error IS 'The first task that failed, and its message; or that the run timed out';
COMMENT ON COLUMN etl.run_status.parent_run_id IS 'The run a step of which queued it';
COMMENT ON COLUMN etl.run_status.waiting_for IS 'If none of its steps is at work: the one that could have been first, and what that waits for';

-- The engine's tables: definitions (workflow, task, notification), what happens (run, task_run, event), and the
-- two small tables the engine works from (running, timer), which hold live work only. The queue itself is in shared
-- memory: what is ready is what etl.task_run says is queued.

CREATE TABLE etl.workflow (
	name text PRIMARY KEY CHECK (name <> '' AND length(name) <= 80 AND name !~ '[[:cntrl:]]'),
	description text,
	owner regrole NOT NULL DEFAULT quote_ident(current_user)::regrole,
	input jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(input) = 'object'),
	enabled boolean NOT NULL DEFAULT true,
	schedule text,
	timezone text NOT NULL DEFAULT 'UTC',
	catchup text NOT NULL DEFAULT 'none' CHECK (catchup IN ('none', 'last', 'all')),
	overlap text NOT NULL DEFAULT 'skip' CHECK (overlap IN ('skip', 'queue', 'allow', 'cancel_running')),
	max_active_runs integer CHECK (max_active_runs > 0),
	version_id bigint,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE etl.workflow IS 'A workflow: a named set of tasks that runs as its owner. Definition; dumped by pg_dump.';
COMMENT ON COLUMN etl.workflow.name IS 'Up to 80 characters, no control characters';
COMMENT ON COLUMN etl.workflow.description IS 'For people';
COMMENT ON COLUMN etl.workflow.owner IS 'The role its steps connect and run as; must be allowed to LOGIN';
COMMENT ON COLUMN etl.workflow.input IS 'Default input, a JSON object; a run''s own input is merged over it, key by key';
COMMENT ON COLUMN etl.workflow.enabled IS 'false: no new run can be queued; runs in flight go on';
COMMENT ON COLUMN etl.workflow.schedule IS 'When it runs by itself: a cron expression, @hourly and its like, rate(…), or AWS''s cron(…); NULL: it doesn''t. etl.next_runs shows what one means.';
COMMENT ON COLUMN etl.workflow.timezone IS 'IANA time zone by whose clocks the schedule goes';
COMMENT ON COLUMN etl.workflow.catchup IS 'What becomes of moments that are over by more than a minute when the scheduler comes to them (server down, workflow disabled): none of them is run, the last, or all';
COMMENT ON COLUMN etl.workflow.overlap IS 'What a moment does that comes while max_active_runs runs go on: skip (it is left out), queue (it waits), allow (nothing, any number may; with max_active_runs it waits), cancel_running (the oldest are cancelled)';
COMMENT ON COLUMN etl.workflow.max_active_runs IS 'How many runs may go on for the schedule to queue another; NULL: 1, with overlap allow any number';
COMMENT ON COLUMN etl.workflow.version_id IS 'The version of the definition as it stands, NULL after an edit until the next run is queued. Kept by the engine.';
COMMENT ON COLUMN etl.workflow.created_at IS 'When the row was inserted';

CREATE TABLE etl.task (
	workflow text NOT NULL REFERENCES etl.workflow ON UPDATE CASCADE ON DELETE CASCADE,
	name text NOT NULL CHECK (name <> '' AND length(name) <= 80 AND name !~ '[[:cntrl:]]'),
	sql text,
	connection text,
	resource text,
	arguments jsonb CHECK (jsonb_typeof(arguments) = 'object'),
	depends_on text[] NOT NULL DEFAULT '{}',
	run_if text NOT NULL DEFAULT 'all_succeeded'
		CHECK (run_if IN ('all_succeeded', 'all_done', 'any_failed', 'any_succeeded', 'none_failed')),
	condition text,
	wait_until text,
	poll_interval interval NOT NULL DEFAULT '1 minute' CHECK (poll_interval >= interval '0.1 seconds'),
	priority integer NOT NULL DEFAULT 0,
	retries integer NOT NULL DEFAULT 0 CHECK (retries BETWEEN 0 AND 1000),
	retry_delay interval NOT NULL DEFAULT '1 second' CHECK (retry_delay >= interval '0'),
	retry_backoff double precision NOT NULL DEFAULT 2.0 CHECK (retry_backoff >= 1.0 AND retry_backoff <= 100.0),
	timeout interval CHECK (timeout > interval '0'),
	description text,
	PRIMARY KEY (workflow, name),
	CHECK (num_nonnulls(sql, resource) = 1),
	CHECK (connection IS NULL OR sql IS NOT NULL),
	CHECK (arguments IS NULL OR resource IS NOT NULL)
);
COMMENT ON TABLE etl.task IS 'A step of a workflow: a SQL statement (here or on a connection), or a resource with arguments. Definition; dumped by pg_dump.';
COMMENT ON COLUMN etl.task.workflow IS 'The workflow it belongs to';
COMMENT ON COLUMN etl.task.name IS 'Unique in its workflow; up to 80 characters, no control characters';
COMMENT ON COLUMN etl.task.sql IS 'One or more SQL statements, Redshift''s or PostgreSQL''s, with parameters as in psql (:name, :''name'', :"name"). Exactly one of sql and resource is given.';
COMMENT ON COLUMN etl.task.connection IS 'etl_warehouse server to run the SQL on; NULL: here';
COMMENT ON COLUMN etl.task.resource IS 'Resource ARN as in a Step Functions Task state, such as arn:aws:states:::sns:publish';
COMMENT ON COLUMN etl.task.arguments IS 'The resource''s arguments, a JSON object';
COMMENT ON COLUMN etl.task.depends_on IS 'Tasks of the same workflow that this one waits for';
COMMENT ON COLUMN etl.task.run_if IS 'What must have become of those it depends on, for it to start: all_succeeded, all_done, any_failed, any_succeeded, none_failed (each succeeded or was skipped). Otherwise it is skipped. Decided as soon as it can be.';
COMMENT ON COLUMN etl.task.condition IS 'SQL boolean, looked at when the task could start, with the same parameters as sql; if it is not true the task is skipped. It can''t change anything.';
COMMENT ON COLUMN etl.task.wait_until IS 'SQL boolean, as condition: while it is not true the task waits, without a process, and it is looked at again';
COMMENT ON COLUMN etl.task.poll_interval IS 'How long after each look at wait_until the next one comes; 0.1 s at least';
COMMENT ON COLUMN etl.task.priority IS 'Of the steps of one owner that could start, the one with the highest priority does; among equals the oldest';
COMMENT ON COLUMN etl.task.retries IS 'How often a failed attempt is repeated; 0: not at all';
COMMENT ON COLUMN etl.task.retry_delay IS 'Time before the first repetition';
COMMENT ON COLUMN etl.task.retry_backoff IS 'What each further delay is multiplied by (Step Functions'' BackoffRate)';
COMMENT ON COLUMN etl.task.timeout IS 'An attempt that runs longer is cancelled and counts as timed_out; NULL: none';
COMMENT ON COLUMN etl.task.description IS 'For people';

CREATE TABLE etl.notification (
	notification_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workflow text NOT NULL REFERENCES etl.workflow ON UPDATE CASCADE ON DELETE CASCADE,
	on_status text[] NOT NULL DEFAULT '{failed,timed_out}'
		CHECK (cardinality(on_status) > 0 AND on_status <@ '{succeeded,failed,timed_out,cancelled}'),
	topic_arn text NOT NULL,
	UNIQUE (workflow, topic_arn)
);
COMMENT ON TABLE etl.notification IS 'Who is told when a run ends: one SNS message a run and row. Definition; dumped by pg_dump.';
COMMENT ON COLUMN etl.notification.notification_id IS 'Identity';
COMMENT ON COLUMN etl.notification.workflow IS 'The workflow whose runs it is about';
COMMENT ON COLUMN etl.notification.on_status IS 'The final statuses that are told: succeeded, failed, timed_out, cancelled';
COMMENT ON COLUMN etl.notification.topic_arn IS 'SNS topic; in local mode rows of etl.local_message';

CREATE TABLE etl.workflow_version (
	version_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workflow text NOT NULL,
	version integer NOT NULL,
	definition jsonb NOT NULL,
	created_at timestamptz NOT NULL DEFAULT now(),
	UNIQUE (workflow, version)
);
COMMENT ON TABLE etl.workflow_version IS 'Every definition that a run was started with. A run keeps the one it started with.';
COMMENT ON COLUMN etl.workflow_version.version_id IS 'Identity';
COMMENT ON COLUMN etl.workflow_version.workflow IS 'The workflow''s name at that time';
COMMENT ON COLUMN etl.workflow_version.version IS '1, 2, … within the workflow';
COMMENT ON COLUMN etl.workflow_version.definition IS 'The tasks as they stood: {"type": "dag", "tasks": {name: {…}}}';
COMMENT ON COLUMN etl.workflow_version.created_at IS 'When its first run was queued';

CREATE TABLE etl.run (
	run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	workflow text NOT NULL,
	run_name text CHECK (run_name <> '' AND length(run_name) <= 80),
	input jsonb NOT NULL DEFAULT '{}' CHECK (jsonb_typeof(input) = 'object'),
	trigger text NOT NULL DEFAULT 'manual' CHECK (trigger IN ('manual', 'schedule', 'backfill')),
	scheduled_for timestamptz,
	status text NOT NULL DEFAULT 'queued'
		CHECK (status IN ('queued', 'running', 'succeeded', 'failed', 'cancelled', 'timed_out')),
	version_id bigint NOT NULL REFERENCES etl.workflow_version,
	owner regrole NOT NULL,
	tasks_total integer NOT NULL DEFAULT 0,
	tasks_done integer NOT NULL DEFAULT 0,
	queued_at timestamptz NOT NULL DEFAULT now(),
	started_at timestamptz,
	finished_at timestamptz,
	failed_task text,
	error text,
	notifications_open integer NOT NULL DEFAULT 0
);
CREATE UNIQUE INDEX run_name_key ON etl.run (workflow, run_name) WHERE run_name IS NOT NULL;
CREATE INDEX run_live_idx ON etl.run (workflow, run_id) WHERE finished_at IS NULL OR notifications_open > 0;
COMMENT ON TABLE etl.run IS 'A run of a workflow. INSERT (workflow, input) to queue one; etl.run_status is the view to read.';
COMMENT ON COLUMN etl.run.run_id IS 'Identity';
COMMENT ON COLUMN etl.run.workflow IS 'The workflow''s name when the run was queued';
COMMENT ON COLUMN etl.run.run_name IS 'A name of the caller''s choice, unique in the workflow: queuing it again is the same run';
COMMENT ON COLUMN etl.run.input IS 'Parameters, a JSON object; once queued, merged over the workflow''s default input';
COMMENT ON COLUMN etl.run.trigger IS 'What queued it: manual, schedule, backfill';
COMMENT ON COLUMN etl.run.scheduled_for IS 'The moment of the schedule that it is about; NULL: none. Its steps have it as :scheduled_for, and its date as :ds.';
COMMENT ON COLUMN etl.run.status IS 'queued, running, succeeded, failed, cancelled, timed_out';
COMMENT ON COLUMN etl.run.version_id IS 'etl.workflow_version it runs';
COMMENT ON COLUMN etl.run.owner IS 'The role it runs as: the workflow''s owner when it was queued';
COMMENT ON COLUMN etl.run.tasks_total IS 'Number of its tasks';
COMMENT ON COLUMN etl.run.tasks_done IS 'How many of them have come to an end';
COMMENT ON COLUMN etl.run.queued_at IS 'Start of the transaction that queued it';
COMMENT ON COLUMN etl.run.started_at IS 'When its first step started';
COMMENT ON COLUMN etl.run.finished_at IS 'When its outcome was recorded';
COMMENT ON COLUMN etl.run.failed_task IS 'The first task that failed';
COMMENT ON COLUMN etl.run.error IS 'That task''s error message';
COMMENT ON COLUMN etl.run.notifications_open IS 'How many notifications of its end are still to be delivered';

-- Only the engine writes here, so there is no foreign key to etl.run: its check would lock the run's row once a step.
CREATE TABLE etl.task_run (
	task_run_id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
	run_id bigint NOT NULL,
	task text NOT NULL,
	attempt integer NOT NULL DEFAULT 1,
	first_attempt integer NOT NULL DEFAULT 1,
	status text NOT NULL CHECK (status IN ('queued', 'waiting', 'running', 'retrying', 'succeeded', 'failed',
		'skipped', 'cancelled', 'timed_out')),
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
	process_end text CHECK (process_end IN ('crashed', 'stopped')),
	dependencies_succeeded integer NOT NULL DEFAULT 0,
	dependencies_failed integer NOT NULL DEFAULT 0,
	dependencies_skipped integer NOT NULL DEFAULT 0,
	UNIQUE (run_id, task, attempt)
) WITH (fillfactor = 80); -- room for the row's next version beside it, so that no index has to follow
COMMENT ON TABLE etl.task_run IS 'An attempt of a step of a run. Written by the engine; etl.task_status is the view to read.';
COMMENT ON COLUMN etl.task_run.task_run_id IS 'Identity';
COMMENT ON COLUMN etl.task_run.run_id IS 'The run';
COMMENT ON COLUMN etl.task_run.task IS 'The task''s name; for a notification "notification" and its id';
COMMENT ON COLUMN etl.task_run.attempt IS '1, 2, …';
COMMENT ON COLUMN etl.task_run.first_attempt IS 'The attempt from which retries and crashes are counted: 1, or the first since etl.retry_run';
COMMENT ON COLUMN etl.task_run.status IS 'waiting (for dependencies), queued, running (committed for external steps only; etl.task_status knows better), retrying (waits for its time), succeeded, failed, timed_out, skipped, cancelled';
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
COMMENT ON COLUMN etl.task_run.process_end IS 'For an attempt that ended with its process: crashed, or stopped by somebody. It is repeated without counting as a retry; three crashes fail the step.';

CREATE TABLE etl.event (
	event_id bigint GENERATED ALWAYS AS IDENTITY,
	run_id bigint NOT NULL,
	task text,
	attempt integer,
	at timestamptz NOT NULL DEFAULT clock_timestamp(),
	type text NOT NULL,
	details jsonb,
	PRIMARY KEY (run_id, event_id)
);
COMMENT ON TABLE etl.event IS 'History, append-only: one row for everything that happened to a run';
COMMENT ON COLUMN etl.event.event_id IS 'Identity';
COMMENT ON COLUMN etl.event.run_id IS 'The run';
COMMENT ON COLUMN etl.event.task IS 'The task; NULL for the run as a whole';
COMMENT ON COLUMN etl.event.attempt IS 'The task''s attempt';
COMMENT ON COLUMN etl.event.at IS 'When it happened';
COMMENT ON COLUMN etl.event.type IS 'run_queued, run_started, run_succeeded, run_failed, run_timed_out, run_cancelled, run_retried; task_started, task_succeeded, task_failed, task_timed_out, task_cancelled, task_skipped, task_interrupted, task_retry_scheduled';
COMMENT ON COLUMN etl.event.details IS 'What else is known, such as the error or the delay';

CREATE TABLE etl.running (
	task_run_id bigint PRIMARY KEY
);
COMMENT ON TABLE etl.running IS 'External steps that are under way, to be found again when their process is gone';
COMMENT ON COLUMN etl.running.task_run_id IS 'The etl.task_run';

CREATE TABLE etl.timer (
	task_run_id bigint PRIMARY KEY,
	run_id bigint NOT NULL,
	owner oid NOT NULL,
	priority integer NOT NULL,
	due_at timestamptz NOT NULL
);
CREATE INDEX timer_due_at_idx ON etl.timer (due_at);
COMMENT ON TABLE etl.timer IS 'Steps that wait for a moment; the scheduler puts them into the queue when it has come';
COMMENT ON COLUMN etl.timer.task_run_id IS 'The etl.task_run that waits';
COMMENT ON COLUMN etl.timer.run_id IS 'Its run';
COMMENT ON COLUMN etl.timer.owner IS 'The role it runs as';
COMMENT ON COLUMN etl.timer.priority IS 'Its task''s';
COMMENT ON COLUMN etl.timer.due_at IS 'The moment';

-- Definitions go with pg_dump; runs and history do not.
SELECT pg_catalog.pg_extension_config_dump('etl.workflow', '');
SELECT pg_catalog.pg_extension_config_dump('etl.task', '');
SELECT pg_catalog.pg_extension_config_dump('etl.notification', '');
SELECT pg_catalog.pg_extension_config_dump('etl.notification_notification_id_seq', '');

-- Definition checks -------------------------------------------------------------------------------------------

CREATE FUNCTION etl._resource_is_served(resource text) RETURNS boolean
	LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'pg_etl_resource_is_served';
REVOKE ALL ON FUNCTION etl._resource_is_served(text) FROM PUBLIC;
COMMENT ON FUNCTION etl._resource_is_served(text) IS 'Whether a step can name this resource ARN. Internal.';

CREATE FUNCTION etl._resources() RETURNS text
	LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'pg_etl_resources';
REVOKE ALL ON FUNCTION etl._resources() FROM PUBLIC;
COMMENT ON FUNCTION etl._resources() IS 'The resource ARNs a step can name, comma-separated. Internal.';

CREATE FUNCTION etl._workflow_check() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
	IF NEW.name = '' OR length(NEW.name) > 80 OR NEW.name ~ '[[:cntrl:]]' THEN
		RAISE check_violation USING
			MESSAGE = format('workflow name "%s" is not usable', left(NEW.name, 100)),
			DETAIL = format('It has %s characters.', length(NEW.name)),
			HINT = 'Use 1 to 80 characters, none of them a control character.',
			TABLE = 'workflow', COLUMN = 'name', SCHEMA = 'etl';
	END IF;
	IF jsonb_typeof(NEW.input) <> 'object' THEN
		RAISE check_violation USING
			MESSAGE = format('default input of workflow "%s" is not a JSON object', NEW.name),
			DETAIL = format('It is of type %s.', jsonb_typeof(NEW.input)),
			HINT = 'Give parameters as {"name": value, …}.',
			TABLE = 'workflow', COLUMN = 'input', SCHEMA = 'etl';
	END IF;
	PERFORM etl._workflow_schedule_check(NEW);
	IF NOT pg_has_role(current_user, NEW.owner, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('workflow "%s" cannot be given to role "%s"', NEW.name, NEW.owner),
			DETAIL = format('Role "%s" is not a member of it, and a workflow runs as its owner.', current_user),
			TABLE = 'workflow', COLUMN = 'owner', SCHEMA = 'etl';
	END IF;
	-- Not when a dump is restored, which sets row_security off: a role may lose LOGIN after its workflows are defined.
	IF NOT (SELECT rolcanlogin FROM pg_roles WHERE oid = NEW.owner) AND current_setting('row_security')::boolean THEN
		RAISE invalid_role_specification USING
			MESSAGE = format('workflow "%s" cannot run as role "%s", which has no LOGIN', NEW.name, NEW.owner),
			DETAIL = 'Steps connect as the workflow''s owner.',
			HINT = format('Run ALTER ROLE %s LOGIN, or name another owner.', NEW.owner),
			TABLE = 'workflow', COLUMN = 'owner', SCHEMA = 'etl';
	END IF;
	IF TG_OP = 'INSERT' THEN
		NEW.version_id := NULL;
	END IF;
	RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION etl._workflow_check() FROM PUBLIC;
COMMENT ON FUNCTION etl._workflow_check() IS 'Refuses a workflow that makes no sense or whose owner cannot run it. Trigger.';
CREATE TRIGGER workflow_check BEFORE INSERT OR UPDATE OF name, owner, input, schedule, timezone, catchup, overlap, max_active_runs
	ON etl.workflow
	FOR EACH ROW EXECUTE FUNCTION etl._workflow_check();

CREATE FUNCTION etl._task_check() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	subject text := format('task "%s" of workflow "%s"', NEW.name, NEW.workflow);
	problem text;
	remedy text;
	col text;
BEGIN
	-- Row security shows nobody but readers and operators a workflow that isn't theirs to change.
	IF NOT EXISTS (SELECT FROM etl.workflow w
			WHERE w.name = NEW.workflow AND pg_has_role(current_user, w.owner, 'USAGE')) THEN
		RAISE foreign_key_violation USING
			MESSAGE = format('task "%s" is of workflow "%s", which does not exist', NEW.name, NEW.workflow),
			HINT = 'INSERT INTO etl.workflow (name) first. SELECT name FROM etl.workflow lists the workflows you own.',
			TABLE = 'task', COLUMN = 'workflow', SCHEMA = 'etl';
	END IF;
	IF NEW.name = '' OR length(NEW.name) > 80 OR NEW.name ~ '[[:cntrl:]]' THEN
		problem := 'has a name that is not usable'; col := 'name';
		remedy := 'Use 1 to 80 characters, none of them a control character.';
	ELSIF num_nonnulls(NEW.sql, NEW.resource) = 2 THEN
		problem := 'has both sql and resource'; col := 'resource';
		remedy := 'A task is either a SQL statement or a resource with arguments; make it two tasks, one depending on the other.';
	ELSIF num_nonnulls(NEW.sql, NEW.resource) = 0 THEN
		problem := 'has neither sql nor resource'; col := 'sql';
		remedy := 'Give sql (a statement) or resource (such as arn:aws:states:::sns:publish).';
	ELSIF btrim(NEW.sql, E' \t\r\n') = '' THEN
		problem := 'has an empty sql'; col := 'sql';
		remedy := 'Give a statement.';
	ELSIF NEW.connection IS NOT NULL AND NEW.sql IS NULL THEN
		problem := 'has a connection but no sql'; col := 'connection';
		remedy := 'A connection is where sql runs; a resource takes what it needs as arguments.';
	ELSIF NEW.arguments IS NOT NULL AND NEW.resource IS NULL THEN
		problem := 'has arguments but no resource'; col := 'arguments';
		remedy := 'A statement takes its parameters from the run''s input, as :name.';
	ELSIF jsonb_typeof(NEW.arguments) <> 'object' THEN
		problem := 'has arguments that are not a JSON object'; col := 'arguments';
		remedy := 'Give them as {"name": value, …}.';
	ELSIF NEW.resource IS NOT NULL AND NOT etl._resource_is_served(NEW.resource) THEN
		problem := format('names a resource that nothing serves: "%s"', NEW.resource); col := 'resource';
		remedy := format('Known resources: %s.', etl._resources());
	ELSIF array_position(NEW.depends_on, NULL) IS NOT NULL THEN
		problem := 'has a NULL in depends_on'; col := 'depends_on';
		remedy := 'List names of tasks of the same workflow.';
	ELSIF NEW.name = ANY (NEW.depends_on) THEN
		problem := 'depends on itself'; col := 'depends_on';
		remedy := 'Remove its own name from depends_on.';
	ELSIF (SELECT count(*) <> count(DISTINCT d) FROM unnest(NEW.depends_on) d) THEN
		problem := 'names a dependency twice'; col := 'depends_on';
		remedy := 'List each task once.';
	ELSIF NEW.run_if NOT IN ('all_succeeded', 'all_done', 'any_failed', 'any_succeeded', 'none_failed') THEN
		problem := format('has run_if "%s"', NEW.run_if); col := 'run_if';
		remedy := 'Use all_succeeded, all_done, any_failed, any_succeeded or none_failed.';
	ELSIF NEW.run_if IN ('any_failed', 'any_succeeded') AND cardinality(NEW.depends_on) = 0 THEN
		problem := format('has run_if "%s" but depends on nothing', NEW.run_if); col := 'run_if';
		remedy := 'Name the tasks it looks at in depends_on.';
	ELSIF btrim(NEW.condition, E' \t\r\n') = '' THEN
		problem := 'has an empty condition'; col := 'condition';
		remedy := 'Give an expression that is true or false, or NULL for none.';
	ELSIF btrim(NEW.wait_until, E' \t\r\n') = '' THEN
		problem := 'has an empty wait_until'; col := 'wait_until';
		remedy := 'Give an expression that is true or false, or NULL for none.';
	ELSIF NEW.poll_interval < interval '0.1 seconds' THEN
		problem := format('has poll_interval %s', NEW.poll_interval); col := 'poll_interval';
		remedy := 'Give 0.1 seconds or more.';
	ELSIF NEW.retries NOT BETWEEN 0 AND 1000 THEN
		problem := format('has retries %s', NEW.retries); col := 'retries';
		remedy := 'Give a number from 0 to 1000.';
	ELSIF NEW.retry_delay < interval '0' THEN
		problem := format('has a negative retry_delay: %s', NEW.retry_delay); col := 'retry_delay';
		remedy := 'Give the time before the first repetition.';
	ELSIF NOT (NEW.retry_backoff BETWEEN 1.0 AND 100.0) THEN
		problem := format('has retry_backoff %s', NEW.retry_backoff); col := 'retry_backoff';
		remedy := 'Give a factor from 1.0 (equal delays) to 100.';
	ELSIF NEW.timeout <= interval '0' THEN
		problem := format('has a timeout that is not positive: %s', NEW.timeout); col := 'timeout';
		remedy := 'Give the longest time an attempt may take, or NULL for no limit.';
	ELSE
		RETURN NEW;
	END IF;
	RAISE check_violation USING MESSAGE = format('%s %s', subject, problem), HINT = remedy,
		TABLE = 'task', COLUMN = col, SCHEMA = 'etl';
END $$;
REVOKE ALL ON FUNCTION etl._task_check() FROM PUBLIC;
COMMENT ON FUNCTION etl._task_check() IS 'Refuses a task that makes no sense by itself. Trigger.';
CREATE TRIGGER task_check BEFORE INSERT OR UPDATE ON etl.task
	FOR EACH ROW EXECUTE FUNCTION etl._task_check();

CREATE FUNCTION etl._notification_check() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	statuses CONSTANT text[] := '{succeeded,failed,timed_out,cancelled}';
BEGIN
	IF cardinality(NEW.on_status) = 0 OR NOT NEW.on_status <@ statuses THEN
		RAISE check_violation USING
			MESSAGE = format('notification of workflow "%s" has on_status %s', NEW.workflow, NEW.on_status),
			HINT = format('Name one or more of %s.', array_to_string(statuses, ', ')),
			TABLE = 'notification', COLUMN = 'on_status', SCHEMA = 'etl';
	END IF;
	IF NEW.topic_arn !~ '^arn:aws[a-z-]*:sns:[a-z0-9-]+:[0-9]{12}:[A-Za-z0-9_-]+([.]fifo)?$'
		OR length(split_part(NEW.topic_arn, ':', 6)) > 256 THEN
		RAISE check_violation USING
			MESSAGE = format('notification of workflow "%s" has a topic_arn that is no SNS topic''s: "%s"',
				NEW.workflow, NEW.topic_arn),
			HINT = 'A topic''s ARN is arn:aws:sns:REGION:ACCOUNT:NAME, ACCOUNT being 12 digits; in local mode any such name will do.',
			TABLE = 'notification', COLUMN = 'topic_arn', SCHEMA = 'etl';
	END IF;
	RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION etl._notification_check() FROM PUBLIC;
COMMENT ON FUNCTION etl._notification_check() IS 'Refuses a notification that could never be sent. Trigger.';
CREATE TRIGGER notification_check BEFORE INSERT OR UPDATE ON etl.notification
	FOR EACH ROW EXECUTE FUNCTION etl._notification_check();

-- The graph is looked at once a statement, so that one INSERT may name tasks that come later in it.
CREATE FUNCTION etl._task_graph_check() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	changed text[];
	flow text;
	bad record;
	done text[];
	step text[];
BEGIN
	IF TG_OP = 'DELETE' THEN
		SELECT array_agg(DISTINCT o.workflow) INTO changed FROM old_rows o;
	ELSIF TG_OP = 'INSERT' THEN
		SELECT array_agg(DISTINCT n.workflow) INTO changed FROM new_rows n;
	ELSE
		SELECT array_agg(DISTINCT w) INTO changed
			FROM (SELECT workflow FROM old_rows UNION SELECT workflow FROM new_rows) AS both_sides(w);
	END IF;
	FOREACH flow IN ARRAY coalesce(changed, '{}') LOOP
		-- Written even when it is NULL already, and before the look: another transaction that changes tasks of this
		-- workflow waits here, and then sees what this one did.
		UPDATE etl.workflow SET version_id = NULL WHERE name = flow;
		SELECT t.name, d.name AS missing INTO bad
			FROM etl.task t, unnest(t.depends_on) AS d(name)
			WHERE t.workflow = flow
				AND NOT EXISTS (SELECT FROM etl.task o WHERE o.workflow = flow AND o.name = d.name)
			ORDER BY t.name LIMIT 1;
		IF FOUND THEN
			RAISE foreign_key_violation USING
				MESSAGE = format('task "%s" of workflow "%s" depends on task "%s", which does not exist',
					bad.name, flow, bad.missing),
				HINT = 'Insert the task it depends on first or in the same statement; before deleting a task, take it out of the others'' depends_on.',
				TABLE = 'task', COLUMN = 'depends_on', SCHEMA = 'etl';
		END IF;
		-- Take away what depends on nothing that is left; what can't be taken away is on a cycle or behind one.
		done := '{}';
		LOOP
			SELECT array_agg(t.name) INTO step FROM etl.task t
				WHERE t.workflow = flow AND t.depends_on <@ done AND t.name <> ALL (done);
			EXIT WHEN step IS NULL;
			done := done || step;
		END LOOP;
		IF EXISTS (SELECT FROM etl.task t WHERE t.workflow = flow AND t.name <> ALL (done)) THEN
			RAISE check_violation USING
				MESSAGE = format('tasks of workflow "%s" depend on each other in a cycle', flow),
				DETAIL = format('Cycle: %s.', etl._task_cycle(flow, done)),
				HINT = 'Take one of these out of the other''s depends_on.',
				TABLE = 'task', COLUMN = 'depends_on', SCHEMA = 'etl';
		END IF;
	END LOOP;
	RETURN NULL;
END $$;
REVOKE ALL ON FUNCTION etl._task_graph_check() FROM PUBLIC;
COMMENT ON FUNCTION etl._task_graph_check() IS 'Refuses unknown dependencies and cycles, and has the next run make a new version. Trigger.';

CREATE FUNCTION etl._task_cycle(flow text, acyclic text[]) RETURNS text
	LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	path text[];
	here text;
BEGIN
	SELECT min(t.name) INTO here FROM etl.task t WHERE t.workflow = flow AND t.name <> ALL (acyclic);
	-- Every task that is left depends on another that is left: walking back must come round.
	WHILE here <> ALL (coalesce(path, '{}')) LOOP
		path := path || here;
		SELECT min(d) INTO here FROM etl.task t, unnest(t.depends_on) AS d
			WHERE t.workflow = flow AND t.name = path[cardinality(path)] AND d <> ALL (acyclic);
	END LOOP;
	path := path[array_position(path, here):] || here;
	RETURN (SELECT string_agg(format('"%s"', p.name), ' depends on ' ORDER BY p.n)
			FROM unnest(path) WITH ORDINALITY AS p(name, n));
END $$;
REVOKE ALL ON FUNCTION etl._task_cycle(text, text[]) FROM PUBLIC;
COMMENT ON FUNCTION etl._task_cycle(text, text[]) IS 'A cycle among the tasks that are not in the second argument, in words. Internal.';

CREATE TRIGGER task_graph_check_insert AFTER INSERT ON etl.task REFERENCING NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION etl._task_graph_check();
CREATE TRIGGER task_graph_check_update AFTER UPDATE ON etl.task REFERENCING OLD TABLE AS old_rows NEW TABLE AS new_rows
	FOR EACH STATEMENT EXECUTE FUNCTION etl._task_graph_check();
CREATE TRIGGER task_graph_check_delete AFTER DELETE ON etl.task REFERENCING OLD TABLE AS old_rows
	FOR EACH STATEMENT EXECUTE FUNCTION etl._task_graph_check();

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
			HINT = format('UPDATE etl.workflow SET enabled = true WHERE name = %L;', NEW.workflow),
			TABLE = 'run', COLUMN = 'workflow', SCHEMA = 'etl';
	END IF;
	IF jsonb_typeof(NEW.input) IS DISTINCT FROM 'object' THEN
		RAISE invalid_parameter_value USING
			MESSAGE = format('input of a run of workflow "%s" is not a JSON object', NEW.workflow),
			DETAIL = format('It is of type %s.', coalesce(jsonb_typeof(NEW.input), 'SQL NULL')),
			HINT = 'Give parameters as {"name": value, …}.',
			TABLE = 'run', COLUMN = 'input', SCHEMA = 'etl';
	END IF;
	-- The date is that of the moment by the schedule's clocks.
	NEW.input := flow.input || CASE WHEN isfinite(NEW.scheduled_for)
		THEN jsonb_build_object('ds', (NEW.scheduled_for AT TIME ZONE flow.timezone)::date) ELSE '{}' END || NEW.input;
	NEW.owner := flow.owner;
	NEW.status := 'queued';
	NEW.queued_at := now();
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

-- Runs with the extension owner's rights, and is a trigger so that nobody can call it for a workflow that isn't
-- theirs: run_check, which comes before it, has looked with the inserting user's.
CREATE FUNCTION etl._run_version() RETURNS trigger
	LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	current_definition jsonb;
	latest record;
BEGIN
	SELECT w.version_id INTO NEW.version_id FROM etl.workflow w WHERE w.name = NEW.workflow;
	IF NEW.version_id IS NULL THEN
		-- Locked, so that two sessions that queue the first run after an edit make one version.
		SELECT w.version_id INTO NEW.version_id FROM etl.workflow w WHERE w.name = NEW.workflow FOR NO KEY UPDATE;
	END IF;
	IF NEW.version_id IS NULL THEN
		SELECT jsonb_build_object('type', 'dag', 'tasks', jsonb_object_agg(t.name, jsonb_strip_nulls(jsonb_build_object(
				'sql', t.sql, 'connection', t.connection, 'resource', t.resource, 'depends_on', t.depends_on,
				'retries', t.retries, 'retry_delay', extract(epoch FROM t.retry_delay),
				'retry_backoff', t.retry_backoff, 'timeout', extract(epoch FROM t.timeout),
				'run_if', nullif(t.run_if, 'all_succeeded'), 'condition', t.condition,
				'wait_until', t.wait_until,
				'poll_interval', CASE WHEN t.wait_until IS NOT NULL THEN extract(epoch FROM t.poll_interval) END, 'priority', nullif(t.priority, 0)))
				|| CASE WHEN t.arguments IS NULL THEN '{}' ELSE jsonb_build_object('arguments', t.arguments) END))
			INTO current_definition FROM etl.task t WHERE t.workflow = NEW.workflow HAVING count(*) > 0;
		IF current_definition IS NULL THEN
			RAISE object_not_in_prerequisite_state USING
				MESSAGE = format('workflow "%s" has no tasks', NEW.workflow),
				HINT = 'INSERT INTO etl.task (workflow, name, sql) first.',
				TABLE = 'run', COLUMN = 'workflow', SCHEMA = 'etl';
		END IF;
		SELECT v.version_id, v.version, v.definition INTO latest
			FROM etl.workflow_version v WHERE v.workflow = NEW.workflow ORDER BY v.version DESC LIMIT 1;
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
-- After run_check: triggers run in the order of their names.
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
	-- Look first: an INSERT that conflicts would use up a run_id. The conflict is for two that queue at once, and then
	-- looking again finds the other's.
	FOR attempt IN 1..2 LOOP
		SELECT r.run_id, r.input = w.input || given AS same INTO there
			FROM etl.run r JOIN etl.workflow w ON w.name = r.workflow
			WHERE r.workflow = run_workflow.workflow AND r.run_name = run_workflow.run_name;
		IF there.same THEN
			RETURN there.run_id;
		ELSIF there.run_id IS NOT NULL THEN
			RAISE duplicate_object USING
				MESSAGE = format('run "%s" of workflow "%s" exists with another input',
					run_workflow.run_name, run_workflow.workflow),
				DETAIL = format('It is run %s.', there.run_id),
				HINT = 'Queue it under another name, or with the same input to get that run''s id.';
		END IF;
		INSERT INTO etl.run AS r (workflow, input, run_name)
			VALUES (run_workflow.workflow, given, run_workflow.run_name)
			ON CONFLICT DO NOTHING RETURNING r.run_id INTO id;
		EXIT WHEN id IS NOT NULL;
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
		WHERE t.run_id = run AND t.task = task_output.task AND t.notification_id IS NULL ORDER BY t.attempt DESC LIMIT 1;
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
		OUT started_at timestamptz) RETURNS SETOF record
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_activity';
REVOKE ALL ON FUNCTION etl._activity() FROM PUBLIC;
COMMENT ON FUNCTION etl._activity() IS 'The executors of this database and the step each is running. Internal; see etl.task_status.';

CREATE FUNCTION etl._engine_start() RETURNS void
	LANGUAGE c STRICT AS 'MODULE_PATHNAME', 'pg_etl_engine_start';
REVOKE ALL ON FUNCTION etl._engine_start() FROM PUBLIC;
COMMENT ON FUNCTION etl._engine_start() IS 'Has the launcher look at this database when the transaction commits. Called by CREATE EXTENSION. Internal.';
SELECT etl._engine_start();

-- Views --------------------------------------------------------------------------------------------------------

CREATE VIEW etl.run_status WITH (security_invoker = true) AS
	SELECT r.run_id, r.workflow, r.run_name,
		CASE WHEN r.status = 'queued' AND a.started_at IS NOT NULL THEN 'running' ELSE r.status END AS status,
		r.trigger, r.scheduled_for, r.queued_at,
		coalesce(r.started_at, a.started_at) AS started_at, r.finished_at,
		coalesce(r.finished_at, clock_timestamp()) - coalesce(r.started_at, a.started_at) AS duration,
		r.tasks_done, r.tasks_total,
		CASE WHEN r.failed_task IS NOT NULL THEN format('%s: %s', r.failed_task, r.error) END AS error
	FROM etl.run r
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
COMMENT ON COLUMN etl.run_status.error IS 'The first task that failed, and its message';

CREATE VIEW etl.task_status WITH (security_invoker = true) AS
	SELECT t.run_id, r.workflow, t.task, NULL::text AS item, t.attempt,
		CASE WHEN a.pid IS NOT NULL THEN 'running' ELSE t.status END AS status,
		t.queued_at, coalesce(t.started_at, a.started_at) AS started_at, t.finished_at,
		coalesce(t.finished_at, clock_timestamp()) - coalesce(t.started_at, a.started_at) AS duration,
		t.rows, t.sqlstate, t.error,
		CASE
			WHEN a.pid IS NOT NULL THEN NULL
			WHEN t.status = 'waiting' AND tm.due_at IS NOT NULL
				THEN 'condition, looked at again at ' || to_char(tm.due_at, 'YYYY-MM-DD HH24:MI:SSOF')
			WHEN t.status = 'waiting' THEN 'dependency ' || (
				SELECT string_agg(quote_ident(d.name), ', ' ORDER BY d.name)
				FROM etl.workflow_version v, jsonb_array_elements_text(v.definition -> 'tasks' -> t.task -> 'depends_on') AS d(name)
				WHERE v.version_id = r.version_id
					AND NOT EXISTS (SELECT FROM etl.task_run o
									WHERE o.run_id = t.run_id AND o.task = d.name AND o.status = 'succeeded'))
			WHEN t.status = 'retrying' THEN 'time ' || to_char(tm.due_at, 'YYYY-MM-DD HH24:MI:SSOF')
			WHEN t.status = 'queued' THEN 'executor'
		END AS waiting_for,
		coalesce(a.pid, t.worker_pid) AS worker_pid
	FROM etl.task_run t
	JOIN etl.run r USING (run_id)
	LEFT JOIN etl.timer tm USING (task_run_id)
	LEFT JOIN etl._activity() a ON a.task_run_id = t.task_run_id AND t.finished_at IS NULL;
COMMENT ON VIEW etl.task_status IS 'A row an attempt of a step, as it stands this moment';
COMMENT ON COLUMN etl.task_status.run_id IS 'The run';
COMMENT ON COLUMN etl.task_status.workflow IS 'The workflow';
COMMENT ON COLUMN etl.task_status.task IS 'The task';
COMMENT ON COLUMN etl.task_status.item IS 'The instance of a task that runs once an item; NULL for one that runs once';
COMMENT ON COLUMN etl.task_status.attempt IS '1, 2, …';
COMMENT ON COLUMN etl.task_status.status IS 'queued, waiting, running, retrying, succeeded, failed, skipped, cancelled, timed_out';
COMMENT ON COLUMN etl.task_status.queued_at IS 'When it could have started';
COMMENT ON COLUMN etl.task_status.started_at IS 'When it did';
COMMENT ON COLUMN etl.task_status.finished_at IS 'When its outcome was known';
COMMENT ON COLUMN etl.task_status.duration IS 'From start to finish, or to now';
COMMENT ON COLUMN etl.task_status.rows IS 'Rows its statements affected';
COMMENT ON COLUMN etl.task_status.sqlstate IS 'SQLSTATE of its error';
COMMENT ON COLUMN etl.task_status.error IS 'Its error; DETAIL, HINT and CONTEXT are in etl.task_run';
COMMENT ON COLUMN etl.task_status.waiting_for IS 'What it waits for: dependency, condition, time, executor';
COMMENT ON COLUMN etl.task_status.worker_pid IS 'The executor process that runs or ran it';

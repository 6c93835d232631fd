-- Definitions: workflow, task, pool, notification, the versions that runs keep, and the checks that refuse nonsense.

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
	timeout interval CHECK (timeout > interval '0'),
	retention interval CHECK (retention >= interval '0'),
	version_id bigint,
	created_at timestamptz NOT NULL DEFAULT now()
);
COMMENT ON TABLE etl.workflow IS 'A workflow: a named set of tasks that runs as its owner. Definition; dumped by pg_dump.';
COMMENT ON COLUMN etl.workflow.name IS 'Up to 80 characters, no control characters';
COMMENT ON COLUMN etl.workflow.description IS 'For people';
COMMENT ON COLUMN etl.workflow.owner IS 'The role its steps connect and run as; must be allowed to LOGIN';
COMMENT ON COLUMN etl.workflow.input IS 'Default input, a JSON object; a run''s own input is merged over it, key by key';
COMMENT ON COLUMN etl.workflow.enabled IS 'false: it is paused: no new run can be queued; runs that are queued go on';
COMMENT ON COLUMN etl.workflow.schedule IS 'When it runs by itself: a cron expression, @hourly and its like, rate(...), or AWS''s cron(...); NULL: it doesn''t. etl.next_runs shows what one means.';
COMMENT ON COLUMN etl.workflow.timezone IS 'IANA time zone by whose clocks the schedule goes';
COMMENT ON COLUMN etl.workflow.catchup IS 'What becomes of moments that are over by more than a minute when the scheduler comes to them (server down, workflow disabled): none of them is run, the last, or all';
COMMENT ON COLUMN etl.workflow.overlap IS 'What a moment does that comes while max_active_runs runs go on: skip (it is left out), queue (it waits), allow (nothing, any number may; with max_active_runs it waits), cancel_running (the oldest are cancelled)';
COMMENT ON COLUMN etl.workflow.max_active_runs IS 'How many of its runs may go on at a time; those that are queued beyond it wait. NULL: any number, but overlap has one in mind';
COMMENT ON COLUMN etl.workflow.timeout IS 'A run that takes longer, from when its first step is taken up, is ended with status timed_out; NULL: none';
COMMENT ON COLUMN etl.workflow.retention IS 'How long its runs are kept after their end; NULL: setting etl.retention';
COMMENT ON COLUMN etl.workflow.version_id IS 'The version of the definition as it stands, NULL after an edit until the next run is queued. Kept by the engine.';
COMMENT ON COLUMN etl.workflow.created_at IS 'When the row was inserted';

CREATE TABLE etl.pool (
	name text PRIMARY KEY CHECK (name <> '' AND length(name) <= 80 AND name !~ '[[:cntrl:]]'),
	slots integer NOT NULL CHECK (slots >= 0),
	description text
);
COMMENT ON TABLE etl.pool IS 'A limit on how many steps run at a time, of all workflows whose tasks name it. Definition; dumped by pg_dump.';
COMMENT ON COLUMN etl.pool.name IS 'Up to 80 characters, no control characters';
COMMENT ON COLUMN etl.pool.slots IS 'How many of its steps may run at a time; 0: none starts. A change holds from its commit; what runs goes on.';
COMMENT ON COLUMN etl.pool.description IS 'For people';

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
	for_each text,
	max_parallel integer CHECK (max_parallel > 0),
	tolerate text CHECK (tolerate ~ '^[0-9]{1,9}$' OR tolerate ~ '^([0-9]|[1-9][0-9]|100)([.][0-9]{1,3})?%$'),
	wait_for_token boolean NOT NULL DEFAULT false,
	heartbeat interval CHECK (heartbeat > interval '0'),
	pool text REFERENCES etl.pool ON UPDATE CASCADE,
	priority integer NOT NULL DEFAULT 0,
	retries integer NOT NULL DEFAULT 0 CHECK (retries BETWEEN 0 AND 1000),
	retry_delay interval NOT NULL DEFAULT '1 second' CHECK (retry_delay >= interval '0'),
	retry_backoff double precision NOT NULL DEFAULT 2.0 CHECK (retry_backoff >= 1.0 AND retry_backoff <= 100.0),
	retry_max_delay interval CHECK (retry_max_delay >= interval '0'),
	retry_jitter text NOT NULL DEFAULT 'none' CHECK (retry_jitter IN ('none', 'full')),
	timeout interval CHECK (timeout > interval '0'),
	description text,
	PRIMARY KEY (workflow, name),
	CHECK (num_nonnulls(sql, resource) = 1),
	CHECK (connection IS NULL OR sql IS NOT NULL),
	CHECK (arguments IS NULL OR resource IS NOT NULL),
	CHECK (for_each IS NOT NULL OR num_nonnulls(max_parallel, tolerate) = 0),
	CHECK (wait_for_token OR heartbeat IS NULL)
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
COMMENT ON COLUMN etl.task.for_each IS 'SQL query, looked at when the task could start, with the same parameters as sql: the task runs once for each of its rows, whose columns are parameters (:name)';
COMMENT ON COLUMN etl.task.max_parallel IS 'How many items of for_each run at a time; NULL: as many as can';
COMMENT ON COLUMN etl.task.tolerate IS 'How many items of for_each may fail for the task to succeed: a number, or with % a share of them; NULL: none';
COMMENT ON COLUMN etl.task.wait_for_token IS 'true: the step does not end with its statement or call, but when somebody says so: etl.complete_task or etl.fail_task with the token that it has as :task_token. Set for a resource whose name ends in .waitForTaskToken.';
COMMENT ON COLUMN etl.task.heartbeat IS 'With wait_for_token: the longest time between etl.heartbeat_task calls before the step fails; NULL: none is asked for';
COMMENT ON COLUMN etl.task.pool IS 'etl.pool a slot of which the step has while it runs; NULL: none';
COMMENT ON COLUMN etl.task.priority IS 'Of the steps of one owner that could start, the one with the highest priority does; among equals the oldest';
COMMENT ON COLUMN etl.task.retries IS 'How often a failed attempt is repeated; 0: not at all';
COMMENT ON COLUMN etl.task.retry_delay IS 'Time before the first repetition';
COMMENT ON COLUMN etl.task.retry_backoff IS 'What each further delay is multiplied by (Step Functions'' BackoffRate)';
COMMENT ON COLUMN etl.task.retry_max_delay IS 'No delay is longer (Step Functions'' MaxDelaySeconds); NULL: a day';
COMMENT ON COLUMN etl.task.retry_jitter IS 'full: each delay is a random part of it (Step Functions'' JitterStrategy); none: it is as computed';
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
COMMENT ON COLUMN etl.workflow_version.version IS '1, 2, ... within the workflow';
COMMENT ON COLUMN etl.workflow_version.definition IS 'The tasks as they stood: {"type": "dag", "tasks": {name: {...}}}';
COMMENT ON COLUMN etl.workflow_version.created_at IS 'When its first run was queued';

-- Definitions go with pg_dump; runs and history do not.
SELECT pg_catalog.pg_extension_config_dump('etl.workflow', '');
SELECT pg_catalog.pg_extension_config_dump('etl.pool', '');
SELECT pg_catalog.pg_extension_config_dump('etl.task', '');
SELECT pg_catalog.pg_extension_config_dump('etl.notification', '');
SELECT pg_catalog.pg_extension_config_dump('etl.notification_notification_id_seq', '');

-- Definition checks -------------------------------------------------------------------------------------------

CREATE FUNCTION etl._resource_is_served(resource text) RETURNS boolean
	LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'pg_etl_resource_is_served';
REVOKE ALL ON FUNCTION etl._resource_is_served(text) FROM PUBLIC;
COMMENT ON FUNCTION etl._resource_is_served(text) IS 'Whether a step can name this resource ARN. Internal.';

CREATE FUNCTION etl._is_remote(task jsonb) RETURNS boolean
	LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'pg_etl_task_is_remote';
REVOKE ALL ON FUNCTION etl._is_remote(jsonb) FROM PUBLIC;
COMMENT ON FUNCTION etl._is_remote(jsonb) IS 'Whether a task of a version''s definition is one for the remote executor from its first moment. Internal.';

CREATE FUNCTION etl._resources() RETURNS text
	LANGUAGE c STRICT STABLE AS 'MODULE_PATHNAME', 'pg_etl_resources';
REVOKE ALL ON FUNCTION etl._resources() FROM PUBLIC;
COMMENT ON FUNCTION etl._resources() IS 'The resource ARNs a step can name, comma-separated. Internal.';

CREATE FUNCTION etl._workflow_check() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	live bigint;
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
			HINT = 'Give parameters as {"name": value, ...}.',
			TABLE = 'workflow', COLUMN = 'input', SCHEMA = 'etl';
	END IF;
	PERFORM etl._workflow_schedule_check(NEW);
	IF NEW.timeout <= interval '0' OR NEW.timeout > interval '100 years' THEN
		RAISE check_violation USING
			MESSAGE = format('workflow "%s" has a timeout of %s', NEW.name, NEW.timeout),
			HINT = 'Give the longest time a run may take, up to 100 years, or NULL for no limit.',
			TABLE = 'workflow', COLUMN = 'timeout', SCHEMA = 'etl';
	END IF;
	IF NOT pg_has_role(current_user, NEW.owner, 'USAGE') THEN
		RAISE insufficient_privilege USING
			MESSAGE = format('workflow "%s" cannot be given to role "%s"', NEW.name, NEW.owner),
			DETAIL = format('Role "%s" is not a member of it, and a workflow runs as its owner.', current_user),
			HINT = format('Name a role that you are a member of, or have GRANT %s TO %I run.', NEW.owner, current_user),
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
	ELSIF NEW.name <> OLD.name THEN
		-- Runs know it by its name: nobody would be told of their end, and the schedule would not wait for them.
		SELECT min(r.run_id) INTO live FROM etl.run r
			WHERE r.workflow = OLD.name AND (r.finished_at IS NULL OR r.notifications_open > 0)
				AND pg_has_role(OLD.owner, r.owner, 'USAGE'); -- others' are of an earlier workflow of this name
		IF live IS NOT NULL THEN
			RAISE object_in_use USING
				MESSAGE = format('workflow "%s" cannot be renamed while its runs go on', OLD.name),
				DETAIL = format('Run %s has not ended, or somebody is still to be told of its end.', live),
				HINT = format('Wait for the end of its runs, or cancel them with etl.cancel_run. SELECT etl.pause_workflow(%L) lets no others begin.', OLD.name),
				TABLE = 'workflow', COLUMN = 'name', SCHEMA = 'etl';
		END IF;
	END IF;
	RETURN NEW;
END $$;
REVOKE ALL ON FUNCTION etl._workflow_check() FROM PUBLIC;
COMMENT ON FUNCTION etl._workflow_check() IS 'Refuses a workflow that makes no sense or whose owner cannot run it. Trigger.';
CREATE TRIGGER workflow_check BEFORE INSERT OR UPDATE OF name, owner, input, schedule, timezone, catchup, overlap, max_active_runs,
		timeout ON etl.workflow
	FOR EACH ROW EXECUTE FUNCTION etl._workflow_check();

CREATE FUNCTION etl._task_check() RETURNS trigger
	LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
	subject text := format('task "%s" of workflow "%s"', NEW.name, NEW.workflow);
	problem text;
	remedy text;
	col text;
BEGIN
	NEW.wait_for_token := NEW.wait_for_token OR coalesce(NEW.resource ~ '[.]waitForTaskToken$', false);
	-- Row security shows nobody but readers and operators a workflow that isn't theirs to change.
	IF NOT EXISTS (SELECT FROM etl.workflow w
			WHERE w.name = NEW.workflow AND pg_has_role(current_user, w.owner, 'USAGE')) THEN
		RAISE foreign_key_violation USING
			MESSAGE = format('task "%s" is of workflow "%s", which does not exist', NEW.name, NEW.workflow),
			HINT = 'INSERT INTO etl.workflow (name) first. SELECT name FROM etl.workflow lists the workflows you own.',
			TABLE = 'task', COLUMN = 'workflow', SCHEMA = 'etl';
	END IF;
	IF NEW.pool IS NOT NULL AND NOT EXISTS (SELECT FROM etl.pool p WHERE p.name = NEW.pool) THEN
		RAISE foreign_key_violation USING
			MESSAGE = format('%s is of pool "%s", which does not exist', subject, NEW.pool),
			HINT = 'INSERT INTO etl.pool (name, slots) first. SELECT name FROM etl.pool lists those there are.',
			TABLE = 'task', COLUMN = 'pool', SCHEMA = 'etl';
	END IF;
	IF NEW.name = '' OR length(NEW.name) > 80 OR NEW.name ~ '[[:cntrl:]]' THEN
		problem := 'has a name that is not usable'; col := 'name';
		remedy := 'Use 1 to 80 characters, none of them a control character.';
	ELSIF NEW.name ~ '^notification [0-9]+$' THEN
		problem := 'has a name that is not usable'; col := 'name';
		remedy := 'Steps that deliver notifications have such names.';
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
		remedy := 'Give them as {"name": value, ...}.';
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
	ELSIF greatest(NEW.poll_interval, NEW.heartbeat, NEW.timeout) > interval '100 years' THEN
		problem := format('has an interval of more than 100 years: %s',
			greatest(NEW.poll_interval, NEW.heartbeat, NEW.timeout)); col := 'poll_interval';
		remedy := 'Give a shorter one.';
	ELSIF NEW.poll_interval < interval '0.1 seconds' THEN
		problem := format('has poll_interval %s', NEW.poll_interval); col := 'poll_interval';
		remedy := 'Give 0.1 seconds or more.';
	ELSIF btrim(NEW.for_each, E' \t\r\n') = '' THEN
		problem := 'has an empty for_each'; col := 'for_each';
		remedy := 'Give a query, or NULL for none.';
	ELSIF NEW.for_each IS NULL AND NEW.max_parallel IS NOT NULL THEN
		problem := 'has max_parallel but no for_each'; col := 'max_parallel';
		remedy := 'It is about the items of for_each; etl.pool limits steps of any kind.';
	ELSIF NEW.for_each IS NULL AND NEW.tolerate IS NOT NULL THEN
		problem := 'has tolerate but no for_each'; col := 'tolerate';
		remedy := 'It is about the items of for_each; run_if says what a failed task means to others.';
	ELSIF NEW.max_parallel <= 0 THEN
		problem := format('has max_parallel %s', NEW.max_parallel); col := 'max_parallel';
		remedy := 'Give 1 or more, or NULL for as many as can.';
	ELSIF NEW.tolerate !~ '^[0-9]{1,9}$' AND NEW.tolerate !~ '^([0-9]|[1-9][0-9]|100)([.][0-9]{1,3})?%$' THEN
		problem := format('has tolerate "%s"', NEW.tolerate); col := 'tolerate';
		remedy := 'Give a number of items, such as 5, or a share of them, such as 10%.';
	ELSIF NEW.wait_for_token AND NEW.resource ~ '[.]sync(:2)?([.]waitForTaskToken)?$' THEN
		problem := format('has wait_for_token and a resource that waits for an end itself: "%s"', NEW.resource);
		col := 'wait_for_token';
		remedy := 'Name the resource without .sync, or leave wait_for_token out.';
	ELSIF NEW.heartbeat IS NOT NULL AND NOT NEW.wait_for_token THEN
		problem := 'has heartbeat but not wait_for_token'; col := 'heartbeat';
		remedy := 'It is about steps that somebody else ends; for others timeout is the limit.';
	ELSIF NEW.heartbeat <= interval '0' THEN
		problem := format('has a heartbeat that is not positive: %s', NEW.heartbeat); col := 'heartbeat';
		remedy := 'Give the longest time between two heartbeats, or NULL for none.';
	ELSIF NEW.retries NOT BETWEEN 0 AND 1000 THEN
		problem := format('has retries %s', NEW.retries); col := 'retries';
		remedy := 'Give a number from 0 to 1000.';
	ELSIF NEW.retry_delay < interval '0' THEN
		problem := format('has a negative retry_delay: %s', NEW.retry_delay); col := 'retry_delay';
		remedy := 'Give the time before the first repetition.';
	ELSIF NOT (NEW.retry_backoff BETWEEN 1.0 AND 100.0) THEN
		problem := format('has retry_backoff %s', NEW.retry_backoff); col := 'retry_backoff';
		remedy := 'Give a factor from 1.0 (equal delays) to 100.';
	ELSIF NEW.retry_max_delay < interval '0' THEN
		problem := format('has a negative retry_max_delay: %s', NEW.retry_max_delay); col := 'retry_max_delay';
		remedy := 'Give the longest delay, or NULL for a day.';
	ELSIF NEW.retry_jitter NOT IN ('none', 'full') THEN
		problem := format('has retry_jitter "%s"', NEW.retry_jitter); col := 'retry_jitter';
		remedy := 'Use none or full.';
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
	-- Row security shows nobody but readers and operators a workflow that isn't theirs to change.
	IF NOT EXISTS (SELECT FROM etl.workflow w
			WHERE w.name = NEW.workflow AND pg_has_role(current_user, w.owner, 'USAGE')) THEN
		RAISE foreign_key_violation USING
			MESSAGE = format('notification to "%s" is of workflow "%s", which does not exist', NEW.topic_arn, NEW.workflow),
			HINT = 'INSERT INTO etl.workflow (name) first. SELECT name FROM etl.workflow lists the workflows you own.',
			TABLE = 'notification', COLUMN = 'workflow', SCHEMA = 'etl';
	END IF;
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

-- What a version keeps of the workflow. What has its default is left out, so that a version that was made before there was such
-- a column is still the same definition.
CREATE FUNCTION etl._definition(flow text) RETURNS jsonb
	LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp AS $$
	SELECT jsonb_build_object('type', 'dag',
		'tasks', jsonb_object_agg(t.name, jsonb_strip_nulls(jsonb_build_object(
			'sql', t.sql,
			'connection', t.connection,
			'resource', t.resource,
			'depends_on', t.depends_on,
			'run_if', nullif(t.run_if, 'all_succeeded'),
			'condition', t.condition,
			'wait_until', t.wait_until,
			'poll_interval', CASE WHEN t.wait_until IS NOT NULL THEN extract(epoch FROM t.poll_interval) END,
			'for_each', t.for_each,
			'max_parallel', t.max_parallel,
			'tolerate', t.tolerate,
			'wait_for_token', nullif(t.wait_for_token, false),
			'heartbeat', extract(epoch FROM t.heartbeat),
			'pool', t.pool,
			'priority', nullif(t.priority, 0),
			'retries', t.retries,
			'retry_delay', extract(epoch FROM t.retry_delay),
			'retry_backoff', t.retry_backoff,
			'retry_max_delay', extract(epoch FROM t.retry_max_delay),
			'retry_jitter', nullif(t.retry_jitter, 'none'),
			'timeout', extract(epoch FROM t.timeout)))
			|| CASE WHEN t.arguments IS NULL THEN '{}' ELSE jsonb_build_object('arguments', t.arguments) END))
		FROM etl.task t WHERE t.workflow = flow HAVING count(*) > 0
	$$;
REVOKE ALL ON FUNCTION etl._definition(text) FROM PUBLIC;
COMMENT ON FUNCTION etl._definition(text) IS 'The definition of a workflow as it stands; NULL: it has no tasks. Internal.';

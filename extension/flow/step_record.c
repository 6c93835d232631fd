/*
 * step_record.c
 *		Claims and outcomes of steps: everything that is written to etl.task_run and the queue. See step.h.
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/pg_prng.h"
#include "common/sha2.h"
#include "access/xlog.h"
#include "flow/for_each.h"
#include "flow/notify.h"
#include "flow/range.h"
#include "flow/row.h"
#include "flow/run.h"
#include "flow/shared.h"
#include "flow/step.h"
#include "flow/suspend.h"
#include "flow/token.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/formatting.h"
#include "utils/json.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

static bool
has_token(const EtlClaim *claim)
{
	return claim->task != NULL && claim->task->wait_for_token;
}

/*
 * The key is the same for every attempt of a step of a run, and no other step anywhere has it. It is a function of
 * what identifies the step, so it needs no record before the call to be found again after a crash.
 */
static char *
idempotency_key(const EtlClaim *claim)
{
	const EtlStep *step = &claim->step;
	char *source = psprintf(UINT64_FORMAT "/%u/" INT64_FORMAT "/%s%s", GetSystemIdentifier(), MyDatabaseId, step->run_id,
							step->task,
							/* A run that has ended once more is told once more. */
							claim->is_notification ? psprintf("/%d", claim->first_attempt)
							/* No name has a line feed. Another attempt has another token. */
							: step->item > 0 || has_token(claim)
							? psprintf("\n%d\n%d", step->item, has_token(claim) ? step->attempt : 0)
							: "");
	uint8 digest[PG_SHA256_DIGEST_LENGTH];
	char *key = palloc(2 * sizeof(digest) + 1);
	pg_cryptohash_ctx *ctx = pg_cryptohash_create(PG_SHA256);

	if (pg_cryptohash_init(ctx) < 0 || pg_cryptohash_update(ctx, (uint8 *) source, strlen(source)) < 0 ||
		pg_cryptohash_final(ctx, digest, sizeof(digest)) < 0)
		elog(ERROR, "could not compute SHA-256: %s", pg_cryptohash_error(ctx));
	pg_cryptohash_free(ctx);
	for (int i = 0; i < lengthof(digest); i++)
		sprintf(key + 2 * i, "%02x", digest[i]);
	return key;
}

/* A notification is a step that no definition has. */
static void
set_notification(EtlClaim *claim, Jsonb *arguments)
{
	claim->is_notification = claim->step.is_notification = true;
	claim->step.resource = ETL_NOTIFY_RESOURCE;
	claim->step.arguments = arguments;
	claim->retries = ETL_NOTIFY_RETRIES;
	claim->backoff = (EtlBackoff){.delay = 1.0, .factor = 2.0, .longest = ETL_BACKOFF_LONGEST};
}

static void
find_definition(EtlClaim *claim)
{
	claim->definition = definition_get(claim->version_id);
	claim->task = claim->definition == NULL ? NULL : definition_task(claim->definition, claim->step.task);
	if (claim->task == NULL)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("version " INT64_FORMAT " of workflow \"%s\" has no task \"%s\"", claim->version_id,
					   claim->step.workflow, claim->step.task));
}

static void
set_definition(EtlClaim *claim)
{
	const EtlTaskDefinition *task;

	find_definition(claim);
	task = claim->task;
	claim->step.sql = task->sql;
	claim->step.connection = task->connection;
	claim->step.resource = task->resource;
	claim->step.arguments = task->arguments;
	claim->retries = task->retries;
	claim->backoff = task->backoff;
	claim->timeout = task->timeout;
}

/* "2026-11-20T00:00:00Z"; NULL: the run is about no moment, or one that is infinite. */
static const char *
scheduled_for(const EtlRow *run)
{
	bool isnull;
	TimestampTz moment = DatumGetTimestampTz(row_value(run, ETL_RUN_SCHEDULED_FOR, &isnull));

	if (isnull || TIMESTAMP_NOT_FINITE(moment))
		return NULL;
	return TextDatumGetCString(DirectFunctionCall2Coll(timestamp_to_char, C_COLLATION_OID, TimestampGetDatum(moment),
													   CStringGetTextDatum("YYYY-MM-DD\"T\"HH24:MI:SS\"Z\"")));
}

static int
int_value(const EtlRow *row, int column)
{
	bool isnull;

	return DatumGetInt32(row_value(row, column, &isnull));
}

/* NULL: it is null. */
static Jsonb *
jsonb_value(const EtlRow *row, int column)
{
	bool isnull;
	Datum value = row_value(row, column, &isnull);

	return isnull ? NULL : DatumGetJsonbPCopy(value);
}

static EtlClaim *
read_claim(const EtlRow *attempt, const EtlRow *run)
{
	EtlClaim *claim = palloc0(sizeof(EtlClaim));
	EtlStep *step = &claim->step;
	Datum value;
	bool isnull;

	step->run_id = attempt->run_id;
	step->task_run_id = attempt->task_run_id;
	step->workflow = row_text(run, ETL_RUN_WORKFLOW);
	step->run_name = row_text(run, ETL_RUN_RUN_NAME);
	step->scheduled_for = scheduled_for(run);
	step->input = jsonb_value(run, ETL_RUN_INPUT);
	step->task = row_text(attempt, ETL_TASK_RUN_TASK);
	step->item = int_value(attempt, ETL_TASK_RUN_ITEM);
	step->attempt = int_value(attempt, ETL_TASK_RUN_ATTEMPT);
	step->item_parameters = jsonb_value(attempt, ETL_TASK_RUN_PARAMETERS);
	claim->first_attempt = int_value(attempt, ETL_TASK_RUN_FIRST_ATTEMPT);
	claim->has_items = !row_is_null(attempt, ETL_TASK_RUN_ITEMS);
	claim->owner = DatumGetObjectId(row_value(run, ETL_RUN_OWNER, &isnull));
	value = row_value(attempt, ETL_TASK_RUN_STARTED_AT, &isnull);
	claim->started_at = isnull ? clock_now() : DatumGetTimestampTz(value);
	if (!row_is_null(attempt, ETL_TASK_RUN_NOTIFICATION_ID))
		set_notification(claim, jsonb_value(attempt, ETL_TASK_RUN_ARGUMENTS));
	else
	{
		claim->version_id = DatumGetInt64(row_value(run, ETL_RUN_VERSION_ID, &isnull));
		claim->run_ended = !row_is_null(run, ETL_RUN_FINISHED_AT);
		claim->run_started = !row_is_null(run, ETL_RUN_STARTED_AT);
		claim->run_has_timeout = !row_is_null(run, ETL_RUN_TIMEOUT);
		set_definition(claim);
	}
	claim->adapter = flow_adapter_find(step->resource, step->connection);
	if (claim->adapter == NULL || claim->adapter->start != NULL)
		step->idempotency_key = idempotency_key(claim);
	return claim;
}

static bool
has_status(const EtlRow *attempt, const char *status)
{
	return strcmp(row_text(attempt, ETL_TASK_RUN_STATUS), status) == 0;
}

/* The row is looked at before it is locked, so that no other's is, and after, since it may have changed. */
static EtlClaim *
claim_by(const char *status, int64 run_id, int64 task_run_id)
{
	EtlRow attempt;
	EtlRow run;
	EtlSpiScope spi;
	EtlClaim *claim = NULL;

	etl_spi_open(&spi, ETL_SPI_OWNER); /* for its lock_timeout; the claim is the caller's, who may keep it */
	MemoryContextSwitchTo(spi.caller_context);
	if (row_open(&attempt, ETL_TASK_RUN, run_id, task_run_id, RowShareLock) && has_status(&attempt, status) &&
		row_try_lock(&attempt) && has_status(&attempt, status))
	{
		if (row_open(&run, ETL_RUN, run_id, 0, AccessShareLock))
			claim = read_claim(&attempt, &run);
		row_close(&run);
	}
	row_close(&attempt);
	etl_spi_close(&spi);
	return claim;
}

static const char *
copy_text(const char *text)
{
	return text == NULL ? NULL : pstrdup(text);
}

void
step_keep(EtlClaim *claim)
{
	EtlStep *step = &claim->step;

	step->sql = copy_text(step->sql);
	step->connection = copy_text(step->connection);
	step->resource = copy_text(step->resource);
	if (step->arguments != NULL)
		step->arguments = DatumGetJsonbPCopy(JsonbPGetDatum(step->arguments));
	claim->definition = NULL;
	claim->task = NULL;
}

void
step_find_definition(EtlClaim *claim)
{
	if (!claim->is_notification)
		find_definition(claim);
}

EtlClaim *
step_claim(int64 run_id, int64 task_run_id)
{
	return claim_by("queued", run_id, task_run_id);
}

bool
step_is_queued(int64 run_id, int64 task_run_id)
{
	static EtlSpiPlan look = {
		"SELECT 1 FROM etl.task_run_{range} WHERE run_id = $1 AND task_run_id = $2 AND status = 'queued'",
		2,
		{INT8OID, INT8OID}};
	Datum values[] = {Int64GetDatum(run_id), Int64GetDatum(task_run_id)};
	EtlSpiScope spi;
	bool queued;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	queued = range_execute(&look, run_id, SPI_OK_SELECT, values, NULL) > 0;
	etl_spi_close(&spi);
	return queued;
}

bool
step_is_left(int64 run_id, int64 task_run_id)
{
	return step_is_queued(run_id, task_run_id) && shared_executors_at(MyDatabaseId, task_run_id) == 1;
}

EtlClaim *
step_claim_abandoned(int64 run_id, int64 task_run_id)
{
	EtlClaim *claimed = claim_by("running", run_id, task_run_id);

	if (claimed != NULL)
		claimed->started = true;
	return claimed;
}

EtlClaim *
step_claim_suspended(int64 run_id, int64 task_run_id)
{
	EtlClaim *claimed = claim_by("waiting", run_id, task_run_id);

	if (claimed != NULL)
		claimed->started = claimed->suspended = true;
	return claimed;
}

/* What the step tells its run. */
static EtlStepReport
make_report(const EtlClaim *claim)
{
	return (EtlStepReport){.definition = claim->definition,
						   .task = claim->task,
						   .started_at = claim->run_started ? 0 : claim->started_at};
}

static Datum
text_or_null(const char *text, char *null)
{
	*null = text == NULL ? 'n' : ' ';
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

bool
step_record_wait(const EtlClaim *claim)
{
	static EtlSpiPlan wait = {
		"WITH waits AS (UPDATE etl.task_run_{range} SET status = 'waiting' WHERE run_id = $5 AND task_run_id = $1"
		"  RETURNING task_run_id, run_id)"
		" INSERT INTO etl.timer (task_run_id, run_id, owner, priority, due_at, pool)"
		" SELECT task_run_id, run_id, $2, $3, $4, $6 FROM waits",
		6,
		{INT8OID, OIDOID, INT4OID, TIMESTAMPTZOID, INT8OID, TEXTOID}};
	TimestampTz due = TimestampTzPlusMilliseconds(clock_now(), (int64) (claim->task->poll_interval * 1000));
	char nulls[] = "      ";
	Datum values[] = {Int64GetDatum(claim->step.task_run_id), ObjectIdGetDatum(claim->owner),
					  Int32GetDatum(claim->task->priority), TimestampTzGetDatum(due), Int64GetDatum(claim->step.run_id),
					  text_or_null(claim->task->pool, &nulls[5])};
	EtlSpiScope spi;
	bool goes_on;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	goes_on = run_lock(claim->step.run_id);
	if (goes_on)
	{
		range_execute(&wait, claim->step.run_id, SPI_OK_INSERT, values, nulls);
		wake_for_scheduler();
	}
	etl_spi_close(&spi);
	return goes_on;
}

bool
step_starts_apart(const EtlClaim *claim)
{
	return claim->adapter != NULL && (step_is_remote(claim) || has_token(claim));
}

bool
step_record_start(EtlClaim *claim)
{
	static EtlSpiPlan start = {
		"UPDATE etl.task_run_{range} SET status = 'running', started_at = $2, worker_pid = $3"
		" WHERE run_id = $4 AND task_run_id = $1",
		4,
		{INT8OID, TIMESTAMPTZOID, INT4OID, INT8OID}};
	static EtlSpiPlan under_way = {"INSERT INTO etl.running (task_run_id, run_id) VALUES ($1, $2)", 2, {INT8OID, INT8OID}};
	EtlStep *step = &claim->step;
	Datum values[] = {Int64GetDatum(step->task_run_id), TimestampTzGetDatum(claim->started_at),
					  Int32GetDatum(MyProcPid), Int64GetDatum(step->run_id)};
	Datum ids[] = {Int64GetDatum(step->task_run_id), Int64GetDatum(step->run_id)};
	EtlHistory history = {.run_id = step->run_id};
	EtlStepReport report = make_report(claim);
	EtlSpiScope spi;
	bool goes_on;

	if (has_token(claim))
	{
		MemoryContext old = MemoryContextSwitchTo(GetMemoryChunkContext(claim)); /* it is the claim's, whoever keeps that */

		step->task_token = token_make();
		MemoryContextSwitchTo(old);
	}
	etl_spi_open(&spi, ETL_SPI_OWNER);
	goes_on = claim->is_notification ||
		(step->item > 0 ? for_each_lock(claim) : run_report(step->run_id, &report, &history));
	if (goes_on)
	{
		if (step->task_token != NULL)
			suspend_announce(claim);
		range_execute(&start, step->run_id, SPI_OK_UPDATE, values, NULL);
		etl_spi_execute(&under_way, SPI_OK_INSERT, ids, NULL);
		if (step->item == 0)
			history_add(&history, step->task, step->attempt, claim->started_at, "task_started", NULL);
		history_write(&history);
		claim->started = claim->run_started = true;
	}
	etl_spi_close(&spi);
	return goes_on;
}

/* The step is under way no more. */
static void
leave_running(int64 task_run_id)
{
	static EtlSpiPlan leave = {"DELETE FROM etl.running WHERE task_run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(task_run_id)};

	etl_spi_execute(&leave, SPI_OK_DELETE, values, NULL);
}

bool
step_record_part(const EtlClaim *claim)
{
	const EtlStep *step = &claim->step;
	EtlHistory history = {.run_id = step->run_id};
	EtlStepReport report = make_report(claim);

	if (!(step->item > 0 ? for_each_lock(claim) : run_report(step->run_id, &report, &history)))
		return false;
	if (claim->started)
		leave_running(step->task_run_id);
	if (step->item > 0)
		return true;
	if (!claim->started)
		history_add(&history, step->task, step->attempt, claim->started_at, "task_started", NULL);
	history_add(&history, step->task, step->attempt, clock_now(), "task_submitted", NULL);
	history_write(&history);
	return true;
}

static const char *
status_name(EtlStepStatus status)
{
	switch (status)
	{
		case ETL_STEP_SUCCEEDED:
			return "succeeded";
		case ETL_STEP_TIMED_OUT:
			return "timed_out";
		case ETL_STEP_CANCELLED:
			return "cancelled";
		case ETL_STEP_SKIPPED:
			return "skipped";
		default:
			return "failed";
	}
}

static void
set_text(EtlRow *row, int column, const char *text)
{
	row_set(row, column, text == NULL ? (Datum) 0 : CStringGetTextDatum(text), text == NULL);
}

static void
set_outcome(EtlRow *row, const EtlClaim *claim, EtlStepStatus status, const EtlStepResult *result,
			const EtlStepFailure *failure, TimestampTz now)
{
	const Jsonb *output = result == NULL ? NULL : result->output;

	set_text(row, ETL_TASK_RUN_STATUS, status_name(status));
	row_set(row, ETL_TASK_RUN_STARTED_AT, TimestampTzGetDatum(claim->started_at), false);
	row_set(row, ETL_TASK_RUN_FINISHED_AT, TimestampTzGetDatum(now), false);
	if (result != NULL && result->rows >= 0)
		row_set(row, ETL_TASK_RUN_ROWS, Int64GetDatum(result->rows), false);
	row_set(row, ETL_TASK_RUN_OUTPUT, output == NULL ? (Datum) 0 : JsonbPGetDatum(output), output == NULL);
	set_text(row, ETL_TASK_RUN_SQLSTATE, failure ? unpack_sql_state(failure->sqlstate) : NULL);
	set_text(row, ETL_TASK_RUN_ERROR, failure ? failure->message : NULL);
	set_text(row, ETL_TASK_RUN_ERROR_DETAIL, failure ? failure->detail : NULL);
	set_text(row, ETL_TASK_RUN_ERROR_HINT, failure ? failure->hint : NULL);
	set_text(row, ETL_TASK_RUN_ERROR_CONTEXT, failure ? failure->context : NULL);
	if (status < ETL_STEP_STOPPED && !claim->suspended) /* else the process that was is not this one */
		row_set(row, ETL_TASK_RUN_WORKER_PID, Int32GetDatum(MyProcPid), false);
	set_text(row, ETL_TASK_RUN_PROCESS_END,
			 status == ETL_STEP_CRASHED	  ? "crashed"
			 : status == ETL_STEP_STOPPED ? "stopped"
										  : NULL);
}

static void
record_attempt(const EtlClaim *claim, EtlStepStatus status, const EtlStepResult *result,
			   const EtlStepFailure *failure, TimestampTz now)
{
	EtlRow row;

	row_open(&row, ETL_TASK_RUN, claim->step.run_id, claim->step.task_run_id, RowExclusiveLock);
	while (row.found)
	{
		set_outcome(&row, claim, status, result, failure, now);
		if (row_update(&row))
			break;
	}
	row_close(&row);
}

/* Seconds until the step is to be repeated; negative: not at all. The failed attempt is recorded already. */
static double
repeat_after(const EtlClaim *claim, EtlStepStatus status)
{
	static EtlSpiPlan count = {
		"SELECT count(*) FILTER (WHERE process_end = 'crashed'), count(*) FILTER (WHERE process_end IS NULL)"
		" FROM etl.task_run_{range} WHERE run_id = $1 AND task = $2 AND item = $4 AND first_attempt = $3",
		4,
		{INT8OID, TEXTOID, INT4OID, INT4OID}};
	const EtlStep *step = &claim->step;
	Datum values[] = {Int64GetDatum(step->run_id), CStringGetTextDatum(step->task),
					  Int32GetDatum(claim->first_attempt), Int32GetDatum(step->item)};
	bool isnull;
	int64 crashes;
	int64 failures;

	if (status == ETL_STEP_SUCCEEDED || status == ETL_STEP_CANCELLED || status == ETL_STEP_SKIPPED)
		return -1;
	if (status == ETL_STEP_STOPPED)
		return 0;
	range_execute(&count, step->run_id, SPI_OK_SELECT, values, NULL);
	crashes = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	failures = DatumGetInt64(etl_spi_datum(0, 2, &isnull));
	SPI_freetuptable(SPI_tuptable);
	if (status == ETL_STEP_CRASHED)
		return crashes < ETL_STEP_MAX_CRASHES ? 0 : -1;
	if (claim->adapter == NULL || failures > claim->retries)
		return -1;
	return backoff_delay(&claim->backoff, (int) failures, pg_prng_double(&pg_global_prng_state));
}

/*
 * A run that has ended again has notifications of both ends, which share their numbers; its row orders who takes the next.
 * (Attempts of a task follow each other.)
 */
static void
lock_numbers(int64 run_id)
{
	static EtlSpiPlan lock = {"SELECT FROM etl.run_{range} WHERE run_id = $1 FOR NO KEY UPDATE", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};

	range_execute(&lock, run_id, SPI_OK_SELECT, values, NULL);
}

static void
queue_next_attempt(const EtlClaim *claim, double delay, TimestampTz now, EtlHistory *history)
{
	static EtlSpiPlan next = {
		"WITH next AS (INSERT INTO etl.task_run_{range} (run_id, task, item, attempt, first_attempt, status, queued_at,"
		"  notification_id, arguments, parameters, items)"
		"  SELECT run_id, task, item, (SELECT max(attempt) + 1 FROM etl.task_run_{range}"
		"    WHERE run_id = $6 AND task = t.task AND item = t.item),"
		"   first_attempt, CASE WHEN $3 > $2 THEN 'retrying' ELSE 'queued' END, $3,"
		"   notification_id, arguments, parameters, items FROM etl.task_run_{range} t WHERE run_id = $6 AND task_run_id = $1"
		"  RETURNING task_run_id, run_id, status, attempt),"
		" later AS (INSERT INTO etl.timer (task_run_id, run_id, owner, priority, due_at, pool)"
		"  SELECT task_run_id, run_id, $4, $5, $3, $7 FROM next WHERE status = 'retrying')"
		" SELECT task_run_id, attempt FROM next",
		7,
		{INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, OIDOID, INT4OID, INT8OID, TEXTOID}};
	const EtlStep *step = &claim->step;
	EtlQueued queued = {.run_id = step->run_id,
						.priority = claim->task ? claim->task->priority : 0,
						.remote = claim->task != NULL && step->item == 0 ? claim->task->remote : step_is_remote(claim),
						.pool = claim->task ? claim->task->pool : NULL};
	TimestampTz due = TimestampTzPlusMilliseconds(now, (int64) (delay * 1000));
	char nulls[] = "       ";
	Datum values[] = {Int64GetDatum(step->task_run_id), TimestampTzGetDatum(now),
					  TimestampTzGetDatum(due),			ObjectIdGetDatum(claim->owner),
					  Int32GetDatum(queued.priority),	Int64GetDatum(step->run_id),
					  text_or_null(queued.pool, &nulls[6])};
	int attempt;
	bool isnull;

	if (claim->is_notification)
		lock_numbers(step->run_id);
	range_execute(&next, step->run_id, SPI_OK_SELECT, values, nulls);
	queued.task_run_id = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	attempt = DatumGetInt32(etl_spi_datum(0, 2, &isnull));
	SPI_freetuptable(SPI_tuptable);
	if (due > now)
	{
		if (step->item == 0)
			history_add(history, step->task, attempt, now, "task_retry_scheduled",
						psprintf("{\"delay_seconds\": %g}", delay));
		wake_for_scheduler();
	}
	else
		wake_for_step(claim->owner, &queued);
}

static char *
failure_details(const EtlStepFailure *failure)
{
	StringInfoData json;

	initStringInfo(&json);
	appendStringInfo(&json, "{\"sqlstate\": \"%s\", \"error\": ", unpack_sql_state(failure->sqlstate));
	escape_json(&json, failure->message);
	appendStringInfoChar(&json, '}');
	return json.data;
}

/* Tell the run, whose row this locks. False: it has ended. */
static bool
is_wanted(const EtlClaim *claim)
{
	return claim->step.item > 0 ? for_each_lock(claim) : run_lock(claim->step.run_id);
}

/* Tell the run, or of an item the task, whose row this locks. False: it has ended. */
static bool
report_end(const EtlClaim *claim, EtlStepStatus status, const EtlStepResult *result, const EtlStepFailure *failure,
		   bool repeated, EtlHistory *history)
{
	EtlStepReport report = make_report(claim);

	if (claim->step.item > 0)
		return repeated ? for_each_lock(claim)
						: for_each_item_ended(claim, status == ETL_STEP_SUCCEEDED, result ? result->rows : -1, history);

	report.ended = !repeated;
	report.outcome = status == ETL_STEP_SUCCEEDED ? ETL_OUTCOME_SUCCEEDED
		: status == ETL_STEP_SKIPPED			  ? ETL_OUTCOME_SKIPPED
												  : ETL_OUTCOME_FAILED;
	report.error = failure ? failure->message : NULL;
	return run_report(claim->step.run_id, &report, history);
}

/* Of items there is no history but their rows. */
static void
add_outcome(EtlHistory *history, const EtlClaim *claim, EtlStepStatus status, const EtlStepFailure *failure,
			TimestampTz now)
{
	const EtlStep *step = &claim->step;

	if (!claim->started && status != ETL_STEP_SKIPPED)
		history_add(history, step->task, step->attempt, claim->started_at, "task_started", NULL);
	history_add(history, step->task, step->attempt, now,
				status >= ETL_STEP_STOPPED ? "task_interrupted" : psprintf("task_%s", status_name(status)),
				failure ? failure_details(failure) : NULL);
}

bool
step_record(const EtlClaim *claim, EtlStepStatus status, const EtlStepResult *result,
			const EtlStepFailure *failure)
{
	const EtlStep *step = &claim->step;
	EtlHistory history = {.run_id = step->run_id};
	TimestampTz now = clock_now();
	bool goes_on = true;
	double delay;
	EtlSpiScope spi;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	/* A cancellation that was meant for the run before it was retried ends no step of the run that goes on. */
	if (status == ETL_STEP_CANCELLED && !claim->is_notification && is_wanted(claim))
		status = ETL_STEP_STOPPED;
	record_attempt(claim, status, result, failure, now);
	if (has_token(claim) || claim->suspended)
		suspend_forget(step->task_run_id);
	if (claim->started)
		leave_running(step->task_run_id);
	if (step->item == 0)
		add_outcome(&history, claim, status, failure, now);
	delay = repeat_after(claim, status);
	if (!claim->is_notification && status != ETL_STEP_CANCELLED)
		goes_on = report_end(claim, status, result, failure, delay >= 0, &history);
	if (goes_on)
	{
		if (delay >= 0)
			queue_next_attempt(claim, delay, now, &history);
		else if (claim->is_notification)
			run_notified(step->run_id);
		history_write(&history);
	}
	etl_spi_close(&spi);
	return goes_on;
}

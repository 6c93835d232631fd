/*
 * step_record.c
 *		Claims and outcomes of steps: everything that is written to etl.task_run and the queue. See step.h.
 */
#include "postgres.h"

#include <math.h>

#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "access/xlog.h"
#include "flow/notify.h"
#include "flow/run.h"
#include "flow/step.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#define LONGEST_RETRY_DELAY 86400.0 /* seconds */

bool
step_claim(Oid owner, int64 *task_run_id, int64 *run_id)
{
	static EtlSpiPlan claim = {"SELECT task_run_id, run_id FROM etl.ready WHERE owner = $1"
							   " ORDER BY task_run_id LIMIT 1 FOR UPDATE SKIP LOCKED",
							   1,
							   {OIDOID}};
	Datum values[] = {ObjectIdGetDatum(owner)};
	bool isnull;

	if (etl_spi_execute(&claim, SPI_OK_SELECT, values, NULL) == 0)
		return false;
	*task_run_id = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	*run_id = DatumGetInt64(etl_spi_datum(0, 2, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return true;
}

bool
step_reclaim(int64 task_run_id)
{
	static EtlSpiPlan reclaim = {
		"SELECT 1 FROM etl.ready WHERE task_run_id = $1 FOR UPDATE SKIP LOCKED", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(task_run_id)};
	EtlSpiScope spi;
	bool found;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	found = etl_spi_execute(&reclaim, SPI_OK_SELECT, values, NULL) > 0;
	etl_spi_close(&spi);
	return found;
}

/*
 * The key is the same for every attempt of a step of a run, and no other step anywhere has it. It is a function of
 * what identifies the step, so it needs no record before the call to be found again after a crash.
 */
static char *
idempotency_key(int64 run_id, const char *task)
{
	char *source =
		psprintf(UINT64_FORMAT "/%u/" INT64_FORMAT "/%s", GetSystemIdentifier(), MyDatabaseId, run_id, task);
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

static Jsonb *
copy_jsonb(MemoryContext context, Datum value)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Jsonb *copy = DatumGetJsonbPCopy(value);

	MemoryContextSwitchTo(old);
	return copy;
}

static double
number_or(uint64 row, int column, double otherwise)
{
	bool isnull;
	Datum value = etl_spi_datum(row, column, &isnull);

	return isnull ? otherwise : DatumGetFloat8(value);
}

EtlClaim *
step_load(int64 task_run_id)
{
	static EtlSpiPlan load = {
		"SELECT t.run_id, r.workflow, r.run_name, t.task, t.attempt, r.input, r.owner::oid,"
		"  r.status NOT IN ('queued', 'running'), t.notification_id IS NOT NULL, t.arguments,"
		"  d.step ->> 'sql', d.step ->> 'connection', d.step ->> 'resource', d.step -> 'arguments',"
		"  (d.step ->> 'retries')::float8, (d.step ->> 'retry_delay')::float8,"
		"  (d.step ->> 'retry_backoff')::float8, (d.step ->> 'timeout')::float8, t.started_at"
		" FROM etl.task_run t JOIN etl.run r USING (run_id) JOIN etl.workflow_version v USING (version_id),"
		"  LATERAL (SELECT v.definition -> 'tasks' -> t.task) AS d(step)"
		" WHERE t.task_run_id = $1",
		1,
		{INT8OID}};
	Datum values[] = {Int64GetDatum(task_run_id)};
	MemoryContext context = CurrentMemoryContext;
	EtlSpiScope spi;
	EtlClaim *claim;
	EtlStep *step;
	Datum value;
	bool isnull;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	if (etl_spi_execute(&load, SPI_OK_SELECT, values, NULL) == 0)
	{
		etl_spi_close(&spi);
		return NULL;
	}
	claim = MemoryContextAllocZero(context, sizeof(EtlClaim));
	step = &claim->step;
	step->task_run_id = task_run_id;
	step->run_id = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	step->workflow = etl_spi_text(&spi, 0, 2);
	step->run_name = etl_spi_text(&spi, 0, 3);
	step->task = etl_spi_text(&spi, 0, 4);
	step->attempt = DatumGetInt32(etl_spi_datum(0, 5, &isnull));
	step->input = copy_jsonb(context, etl_spi_datum(0, 6, &isnull));
	claim->owner = DatumGetObjectId(etl_spi_datum(0, 7, &isnull));
	claim->is_notification = DatumGetBool(etl_spi_datum(0, 9, &isnull));
	claim->run_ended = !claim->is_notification && DatumGetBool(etl_spi_datum(0, 8, &isnull));
	step->sql = etl_spi_text(&spi, 0, 11);
	step->connection = etl_spi_text(&spi, 0, 12);
	step->resource = claim->is_notification ? ETL_NOTIFY_RESOURCE : etl_spi_text(&spi, 0, 13);
	value = etl_spi_datum(0, claim->is_notification ? 10 : 14, &isnull);
	step->arguments = isnull ? NULL : copy_jsonb(context, value);
	claim->retries = claim->is_notification ? ETL_NOTIFY_RETRIES : (int) number_or(0, 15, 0);
	claim->retry_delay = number_or(0, 16, 1.0);
	claim->retry_backoff = number_or(0, 17, 2.0);
	claim->timeout = number_or(0, 18, 0);
	value = etl_spi_datum(0, 19, &isnull);
	claim->started_at = isnull ? clock_now() : DatumGetTimestampTz(value);
	etl_spi_close(&spi);

	step->idempotency_key = idempotency_key(step->run_id, step->task);
	claim->adapter = flow_adapter_find(step->resource, step->connection);
	return claim;
}

static void
leave_queue(int64 task_run_id)
{
	static EtlSpiPlan leave = {"DELETE FROM etl.ready WHERE task_run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(task_run_id)};

	etl_spi_execute(&leave, SPI_OK_DELETE, values, NULL);
}

void
step_forget(int64 task_run_id)
{
	EtlSpiScope spi;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	leave_queue(task_run_id);
	etl_spi_close(&spi);
}

void
step_record_start(const EtlClaim *claim)
{
	static EtlSpiPlan start = {
		"UPDATE etl.task_run SET status = 'running', started_at = $2, worker_pid = $3 WHERE task_run_id = $1",
		3,
		{INT8OID, TIMESTAMPTZOID, INT4OID}};
	const EtlStep *step = &claim->step;
	Datum values[] = {Int64GetDatum(step->task_run_id), TimestampTzGetDatum(claim->started_at),
					  Int32GetDatum(MyProcPid)};
	EtlSpiScope spi;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	leave_queue(step->task_run_id);
	etl_spi_execute(&start, SPI_OK_UPDATE, values, NULL);
	if (!claim->is_notification)
		run_note_start(step->run_id, claim->started_at);
	run_event(step->run_id, step->task, step->attempt, claim->started_at, "task_started", NULL);
	etl_spi_close(&spi);
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
		default:
			return "failed";
	}
}

static Datum
text_or_null(const char *text, char *null)
{
	*null = text == NULL ? 'n' : ' ';
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

static void
record_attempt(const EtlClaim *claim, EtlStepStatus status, const EtlStepResult *result,
			   const EtlStepFailure *failure, TimestampTz now)
{
	static EtlSpiPlan finish = {
		"UPDATE etl.task_run SET status = $2, started_at = $3, finished_at = $4, rows = $5, output = $6,"
		" sqlstate = $7, error = $8, error_detail = $9, error_hint = $10, error_context = $11, worker_pid = coalesce($12, worker_pid),"
		" process_end = $13 WHERE task_run_id = $1",
		13,
		{INT8OID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, JSONBOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID,
		 TEXTOID, INT4OID, TEXTOID}};
	Datum values[13];
	char nulls[] = "             ";

	values[0] = Int64GetDatum(claim->step.task_run_id);
	values[1] = CStringGetTextDatum(status_name(status));
	values[2] = TimestampTzGetDatum(claim->started_at);
	values[3] = TimestampTzGetDatum(now);
	values[4] = Int64GetDatum(result ? result->rows : -1);
	nulls[4] = result == NULL || result->rows < 0 ? 'n' : ' ';
	values[5] = result && result->output ? JsonbPGetDatum(result->output) : (Datum) 0;
	nulls[5] = result && result->output ? ' ' : 'n';
	values[6] = text_or_null(failure ? unpack_sql_state(failure->sqlstate) : NULL, &nulls[6]);
	values[7] = text_or_null(failure ? failure->message : NULL, &nulls[7]);
	values[8] = text_or_null(failure ? failure->detail : NULL, &nulls[8]);
	values[9] = text_or_null(failure ? failure->hint : NULL, &nulls[9]);
	values[10] = text_or_null(failure ? failure->context : NULL, &nulls[10]);
	values[11] = Int32GetDatum(MyProcPid);
	nulls[11] = status < ETL_STEP_STOPPED ? ' ' : 'n'; /* else the process that was is not this one */
	values[12] = text_or_null(status == ETL_STEP_CRASHED   ? "crashed"
							  : status == ETL_STEP_STOPPED ? "stopped"
														   : NULL,
							  &nulls[12]);
	etl_spi_execute(&finish, SPI_OK_UPDATE, values, nulls);
}

/* Seconds until the step is to be repeated; negative: not at all. The failed attempt is recorded already. */
static double
repeat_after(const EtlClaim *claim, EtlStepStatus status)
{
	static EtlSpiPlan count = {
		"SELECT count(*) FILTER (WHERE process_end = 'crashed'), count(*) FILTER (WHERE process_end IS NULL)"
		" FROM etl.task_run WHERE run_id = $1 AND task = $2",
		2,
		{INT8OID, TEXTOID}};
	const EtlStep *step = &claim->step;
	Datum values[] = {Int64GetDatum(step->run_id), CStringGetTextDatum(step->task)};
	bool isnull;
	int64 crashes;
	int64 failures;

	if (status == ETL_STEP_SUCCEEDED || status == ETL_STEP_CANCELLED)
		return -1;
	if (status == ETL_STEP_STOPPED)
		return 0;
	etl_spi_execute(&count, SPI_OK_SELECT, values, NULL);
	crashes = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	failures = DatumGetInt64(etl_spi_datum(0, 2, &isnull));
	SPI_freetuptable(SPI_tuptable);
	if (status == ETL_STEP_CRASHED)
		return crashes < ETL_STEP_MAX_CRASHES ? 0 : -1;
	if (claim->adapter == NULL || failures > claim->retries)
		return -1;
	return Min(claim->retry_delay * pow(claim->retry_backoff, failures - 1), LONGEST_RETRY_DELAY);
}

static void
queue_next_attempt(const EtlClaim *claim, double delay, TimestampTz now)
{
	static EtlSpiPlan next = {
		"WITH next AS (INSERT INTO etl.task_run (run_id, task, attempt, status, queued_at, notification_id, arguments)"
		"  SELECT run_id, task, attempt + 1, CASE WHEN $3 > $2 THEN 'retrying' ELSE 'queued' END, $3,"
		"   notification_id, arguments FROM etl.task_run WHERE task_run_id = $1"
		"  RETURNING task_run_id, run_id, status),"
		" later AS (INSERT INTO etl.timer (task_run_id, run_id, owner, due_at)"
		"  SELECT task_run_id, run_id, $4, $3 FROM next WHERE status = 'retrying')"
		" INSERT INTO etl.ready (task_run_id, run_id, owner)"
		"  SELECT task_run_id, run_id, $4 FROM next WHERE status = 'queued'",
		4,
		{INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, OIDOID}};
	const EtlStep *step = &claim->step;
	TimestampTz due = TimestampTzPlusMilliseconds(now, (int64) (delay * 1000));
	Datum values[] = {Int64GetDatum(step->task_run_id), TimestampTzGetDatum(now), TimestampTzGetDatum(due),
					  ObjectIdGetDatum(claim->owner)};

	etl_spi_execute(&next, SPI_OK_INSERT, values, NULL);
	if (due > now)
	{
		run_event(step->run_id, step->task, step->attempt + 1, now, "task_retry_scheduled",
				  psprintf("{\"delay_seconds\": %g}", delay));
		wake_for_scheduler();
	}
	else
		wake_for_step(claim->owner);
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

void
step_record(const EtlClaim *claim, EtlStepStatus status, const EtlStepResult *result,
			const EtlStepFailure *failure)
{
	const EtlStep *step = &claim->step;
	TimestampTz now = clock_now();
	EtlSpiScope spi;
	bool run_goes_on;
	double delay;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	/* Before anything of the run is looked at: two steps that end together must each see the other. */
	run_goes_on = run_lock(step->run_id);
	if (!run_goes_on && !claim->is_notification)
		status = ETL_STEP_CANCELLED;
	leave_queue(step->task_run_id);
	record_attempt(claim, status, result, failure, now);
	if (run_goes_on && !claim->is_notification)
		run_note_start(step->run_id, claim->started_at);
	if (claim->adapter == NULL || claim->adapter->transactional)
		run_event(step->run_id, step->task, step->attempt, claim->started_at, "task_started", NULL);
	run_event(step->run_id, step->task, step->attempt, now,
			  status >= ETL_STEP_STOPPED ? "task_interrupted" : psprintf("task_%s", status_name(status)),
			  failure ? failure_details(failure) : NULL);

	delay = repeat_after(claim, status);
	if (delay >= 0 && (run_goes_on || claim->is_notification))
		queue_next_attempt(claim, delay, now);
	else if (!claim->is_notification)
		run_advance(step->run_id);
	etl_spi_close(&spi);
}

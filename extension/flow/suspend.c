/*
 * suspend.c
 *		Steps that somebody outside ends. See suspend.h.
 *
 * What is said and the step's own part may be committed in any order: the scheduler looks when the later one is. It
 * acts with the lock of the run's row, as all do that change a row of etl.suspended.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type.h"
#include "flow/child.h"
#include "flow/definition.h"
#include "flow/for_each.h"
#include "flow/range.h"
#include "flow/run.h"
#include "flow/shared.h"
#include "flow/suspend.h"
#include "flow/token.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/json.h"
#include "utils/timestamp.h"

#define STEPS_AT_ONCE 1000				  /* before the scheduler does something else */
#define LOCKED_PAUSE (USECS_PER_SEC / 10) /* a run's row is locked for the moment of a record, as a rule */
#define LONGEST_WAIT 3e9				  /* seconds; a century is for ever, and still a date */

/* child_run_id 0: it has a token. */
static void
announce(const EtlStep *step, int64 child_run_id)
{
	static EtlSpiPlan insert = {
		"INSERT INTO etl.suspended (task_run_id, run_id, token_hash, child_run_id) VALUES ($1, $2, $3, $4)",
		4,
		{INT8OID, INT8OID, BYTEAOID, INT8OID}};
	bool has_token = child_run_id == 0;
	Datum values[] = {Int64GetDatum(step->task_run_id), Int64GetDatum(step->run_id),
					  has_token ? token_hash(step->task_token) : (Datum) 0, Int64GetDatum(child_run_id)};

	etl_spi_execute(&insert, SPI_OK_INSERT, values, has_token ? "   n" : "  n ");
}

void
suspend_announce(const EtlClaim *claim)
{
	announce(&claim->step, 0);
}

bool
suspend_step(const EtlClaim *claim, const EtlStepResult *result)
{
	static EtlSpiPlan wait = {
		"UPDATE etl.task_run_{range} SET status = 'waiting', started_at = $3, rows = $4, worker_pid = $5"
		" WHERE run_id = $1 AND task_run_id = $2",
		5,
		{INT8OID, INT8OID, TIMESTAMPTZOID, INT8OID, INT4OID}};
	static EtlSpiPlan suspend = {
		"UPDATE etl.suspended SET since = $2, timeout_at = $3 + make_interval(secs => $4),"
		"  heartbeat = make_interval(secs => $5),"
		"  due_at = least($3 + make_interval(secs => $4), $2 + make_interval(secs => $5))"
		" WHERE task_run_id = $1",
		5,
		{INT8OID, TIMESTAMPTZOID, TIMESTAMPTZOID, FLOAT8OID, FLOAT8OID}};
	const EtlStep *step = &claim->step;
	TimestampTz now = clock_now();
	double heartbeat = claim->task->heartbeat;
	Datum did[] = {Int64GetDatum(step->run_id), Int64GetDatum(step->task_run_id),
				   TimestampTzGetDatum(claim->started_at), Int64GetDatum(result->rows),
				   Int32GetDatum(MyProcPid)};
	Datum waits[] = {
		Int64GetDatum(step->task_run_id), TimestampTzGetDatum(now), TimestampTzGetDatum(claim->started_at),
		Float8GetDatum(Min(claim->timeout, LONGEST_WAIT)), Float8GetDatum(Min(heartbeat, LONGEST_WAIT))};
	char nulls[] = {' ', ' ', ' ', claim->timeout > 0 ? ' ' : 'n', heartbeat > 0 ? ' ' : 'n', '\0'};
	EtlSpiScope spi;
	bool goes_on;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	goes_on = step_record_part(claim);
	if (goes_on)
	{
		if (step->task_token == NULL)
			announce(step, result->child_run_id);
		range_execute(&wait, step->run_id, SPI_OK_UPDATE, did, result->rows < 0 ? "   n " : NULL);
		etl_spi_execute(&suspend, SPI_OK_UPDATE, waits, nulls);
		wake_for_signal(); /* it may be there already */
	}
	etl_spi_close(&spi);
	return goes_on;
}

void
suspend_forget(int64 task_run_id)
{
	static EtlSpiPlan forget = {"WITH waits AS (DELETE FROM etl.suspended WHERE task_run_id = $1)"
								" DELETE FROM etl.signal WHERE task_run_id = $1",
								1,
								{INT8OID}};
	Datum values[] = {Int64GetDatum(task_run_id)};

	etl_spi_execute(&forget, SPI_OK_DELETE, values, NULL);
}

/* Cancel a run that a step waits for, with all that implies. */
static void
cancel_child(int64 run_id)
{
	EtlHistory history = {.run_id = run_id};

	if (!run_cancel(run_id, &history))
		return;
	history_write(&history);
	wake_for_cancel(run_id);
}

void
suspend_cancel(int64 run_id, const char *task)
{
	/* Items whose turn has not come have no time of queuing; there may be a million of them. */
	static EtlSpiPlan forget = {
		"DELETE FROM etl.suspended WHERE task_run_id = ANY (ARRAY("
		" SELECT task_run_id FROM etl.task_run_{range}"
		" WHERE run_id = $1 AND notification_id IS NULL AND finished_at IS NULL AND queued_at IS NOT NULL"
		"  AND ($2 IS NULL OR task = $2))) RETURNING child_run_id",
		2,
		{INT8OID, TEXTOID}};
	Datum values[] = {Int64GetDatum(run_id), task ? CStringGetTextDatum(task) : (Datum) 0};
	int count = (int) range_execute(&forget, run_id, SPI_OK_DELETE_RETURNING, values, task ? NULL : " n");
	int64 *children = palloc((count + 1) * sizeof(int64));

	for (int i = 0; i < count; i++)
	{
		bool isnull;

		children[i] = DatumGetInt64(etl_spi_datum(i, 1, &isnull));
		if (isnull)
			children[i] = 0;
	}
	SPI_freetuptable(SPI_tuptable);
	for (int i = 0; i < count; i++)
		if (children[i] != 0)
			cancel_child(children[i]);
	if (count > 0)
		wake_for_signal(); /* what was said of them is to go */
}

void
suspend_signal_run_end(int64 task_run_id)
{
	static EtlSpiPlan insert = {"INSERT INTO etl.signal (task_run_id, kind) VALUES ($1, 'run_ended')"
								" ON CONFLICT (task_run_id) WHERE kind <> 'heartbeat' DO NOTHING",
								1,
								{INT8OID}};
	Datum values[] = {Int64GetDatum(task_run_id)};

	etl_spi_execute(&insert, SPI_OK_INSERT, values, NULL);
	wake_for_signal();
}

/* What the scheduler knows of a step that it may end. */
typedef struct Suspended
{
	int64 task_run_id;
	int64 run_id;
	int64 child_run_id; /* 0: it has a token */
	bool late;			/* its timeout is over, it isn't for want of a heartbeat */
	double heartbeat;	/* seconds */
	const char *kind;	/* of the signal; NULL: there is none, its time is over */
	const char *role;
	Jsonb *output;
	const char *error;
	const char *cause;
	bool passed_over; /* somebody has the run locked */
} Suspended;

static Jsonb *
copy_jsonb(MemoryContext context, Datum value)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	Jsonb *copy = DatumGetJsonbPCopy(value);

	MemoryContextSwitchTo(old);
	return copy;
}

/* Lock the run, and read the step if there is something to do about it. */
static bool
read_suspended(EtlSpiScope *spi, Suspended *step)
{
	static EtlSpiPlan lock = {
		"SELECT FROM etl.run_{range} WHERE run_id = $1 AND finished_at IS NULL FOR NO KEY UPDATE SKIP LOCKED",
		1,
		{INT8OID}};
	static EtlSpiPlan read = {
		"SELECT coalesce(s.child_run_id, 0), coalesce(s.timeout_at <= $2, false),"
		"  coalesce(extract(epoch FROM s.heartbeat)::float8, 0),"
		"  g.kind, g.role, g.output, g.error, g.cause"
		" FROM etl.suspended s"
		" LEFT JOIN etl.signal g ON g.task_run_id = s.task_run_id AND g.kind <> 'heartbeat'"
		" WHERE s.task_run_id = $1 AND s.since IS NOT NULL AND (g.kind IS NOT NULL OR s.due_at <= $2)",
		2,
		{INT8OID, TIMESTAMPTZOID}};
	Datum run_id[] = {Int64GetDatum(step->run_id)};
	Datum values[] = {Int64GetDatum(step->task_run_id), TimestampTzGetDatum(clock_now())};
	Datum output;
	bool isnull;

	if (!for_each_try_lock(step->run_id, step->task_run_id) ||
		range_execute(&lock, step->run_id, SPI_OK_SELECT, run_id, NULL) == 0 ||
		etl_spi_execute(&read, SPI_OK_SELECT, values, NULL) == 0)
		return false;
	step->child_run_id = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	step->late = DatumGetBool(etl_spi_datum(0, 2, &isnull));
	step->heartbeat = DatumGetFloat8(etl_spi_datum(0, 3, &isnull));
	step->kind = etl_spi_text(spi, 0, 4);
	step->role = etl_spi_text(spi, 0, 5);
	output = etl_spi_datum(0, 6, &isnull);
	step->output = isnull ? NULL : copy_jsonb(spi->caller_context, output);
	step->error = etl_spi_text(spi, 0, 7);
	step->cause = etl_spi_text(spi, 0, 8);
	return true;
}

/* The run has gone away under it. */
static bool
forget_orphan(const Suspended *step)
{
	static EtlSpiPlan forget = {
		"DELETE FROM etl.suspended WHERE task_run_id = $1"
		" AND NOT EXISTS (SELECT FROM etl.run WHERE run_id = $2 AND finished_at IS NULL)",
		2,
		{INT8OID, INT8OID}};
	Datum values[] = {Int64GetDatum(step->task_run_id), Int64GetDatum(step->run_id)};

	return etl_spi_execute(&forget, SPI_OK_DELETE, values, NULL) > 0;
}

static void
describe_timeout(const EtlClaim *claim, const Suspended *step, EtlStepFailure *failure)
{
	failure->sqlstate = ERRCODE_QUERY_CANCELED;
	if (step->late)
	{
		failure->message = psprintf("task \"%s\" was ended: it took longer than its timeout of %g s",
									claim->step.task, claim->timeout);
		failure->detail = step->child_run_id == 0
							  ? "States.Timeout: nobody ended it with its token."
							  : psprintf("States.Timeout: run " INT64_FORMAT " went on, and was cancelled.",
										 step->child_run_id);
		failure->hint = "Raise etl.task.timeout, or see to it that somebody answers in time.";
	}
	else
	{
		failure->message =
			psprintf("task \"%s\" was ended: no heartbeat came for %g s", claim->step.task, step->heartbeat);
		failure->detail =
			"States.HeartbeatTimeout: whoever works on it calls etl.heartbeat_task more often than that.";
	}
}

/* Who has said it is worth knowing when somebody asks who has approved. */
static void
record_signal(const EtlClaim *claim, const Suspended *step)
{
	EtlHistory history = {.run_id = step->run_id};
	StringInfoData details;

	initStringInfo(&details);
	appendStringInfoString(&details, "{\"role\": ");
	escape_json(&details, step->role);
	appendStringInfoChar(&details, '}');
	history_add(&history, claim->step.task, claim->step.attempt, clock_now(), "task_signalled", details.data);
	history_write(&history);
}

/* A run that was taken up again before the scheduler came to its end will end once more. */
static void
wait_on(const Suspended *step)
{
	static EtlSpiPlan drop = {"DELETE FROM etl.signal WHERE task_run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(step->task_run_id)};

	etl_spi_execute(&drop, SPI_OK_DELETE, values, NULL);
}

/* What has become of it. False: nothing yet. */
static bool
judge(EtlSpiScope *spi, const EtlClaim *claim, const Suspended *step, EtlStepStatus *status,
	  EtlStepResult *result, EtlStepFailure *failure)
{
	if (step->kind == NULL)
	{
		*status = ETL_STEP_TIMED_OUT;
		describe_timeout(claim, step, failure);
		if (step->child_run_id != 0)
			cancel_child(step->child_run_id);
		return true;
	}
	if (step->child_run_id != 0)
		return child_outcome(spi, claim, step->child_run_id, status, result, failure);
	record_signal(claim, step);
	*status = strcmp(step->kind, "succeeded") == 0 ? ETL_STEP_SUCCEEDED : ETL_STEP_FAILED;
	result->output = step->output;
	failure->sqlstate = ERRCODE_RAISE_EXCEPTION;
	failure->message =
		step->error ? step->error : psprintf("task \"%s\" was failed with its token", claim->step.task);
	failure->detail = step->cause;
	return true;
}

static void
end_step(void *arg)
{
	Suspended *step = arg;
	MemoryContext context = CurrentMemoryContext;
	EtlClaim *claim = NULL;
	EtlStepStatus status = ETL_STEP_SUCCEEDED;
	EtlStepResult result = {.rows = -1};
	EtlStepFailure failure = {0};
	EtlSpiScope spi;
	bool ended = false;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	if (read_suspended(&spi, step))
		claim = step_claim_suspended(step->run_id, step->task_run_id);
	if (claim != NULL)
	{
		ended = judge(&spi, claim, step, &status, &result, &failure);
		if (!ended)
			wait_on(step);
	}
	else
		step->passed_over = !forget_orphan(step);
	if (ended && status == ETL_STEP_SUCCEEDED)
		step_record(claim, status, &result, NULL);
	else if (ended)
		step_record(claim, status, NULL, &failure);
	etl_spi_close(&spi); /* the claim is in its memory */
	/* A crash that loses this leaves what was said. */
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true,
							 0, false);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
}

/* Heartbeats move the time that the next is missed. Those of steps that somebody has locked can wait. */
static void
take_heartbeats(void)
{
	static EtlSpiPlan beat = {
		"WITH live AS (SELECT s.task_run_id FROM etl.suspended s WHERE s.task_run_id = ANY (ARRAY("
		"   SELECT task_run_id FROM etl.signal WHERE kind = 'heartbeat')) FOR UPDATE SKIP LOCKED),"
		" beats AS (DELETE FROM etl.signal g USING live"
		"   WHERE g.task_run_id = live.task_run_id AND g.kind = 'heartbeat'"
		"   RETURNING g.task_run_id, g.at),"
		" last AS (SELECT task_run_id, max(at) AS at FROM beats GROUP BY task_run_id)"
		" UPDATE etl.suspended s SET due_at = least(s.timeout_at, last.at + s.heartbeat) FROM last"
		" WHERE s.task_run_id = last.task_run_id AND s.since IS NOT NULL AND s.heartbeat IS NOT NULL",
		0,
		{0}};

	etl_spi_execute(&beat, SPI_OK_UPDATE, NULL, NULL);
}

static void
drop_stale_signals(void)
{
	/* Counted, for a look by the index a signal, however many steps wait. */
	static EtlSpiPlan drop = {
		"DELETE FROM etl.signal g"
		" WHERE (SELECT count(*) FROM etl.suspended s WHERE s.task_run_id = g.task_run_id) = 0",
		0,
		{0}};

	etl_spi_execute(&drop, SPI_OK_DELETE, NULL, NULL);
}

/* Steps of which somebody has spoken, or whose time is over. In the current context. */
static Suspended *
collect(int *count)
{
	static EtlSpiPlan find = {
		"SELECT task_run_id, run_id FROM etl.suspended WHERE since IS NOT NULL"
		"  AND task_run_id = ANY (ARRAY(SELECT task_run_id FROM etl.signal WHERE kind <> 'heartbeat'))"
		" UNION SELECT task_run_id, run_id FROM etl.suspended WHERE due_at <= $1",
		1,
		{TIMESTAMPTZOID}};
	MemoryContext context = CurrentMemoryContext;
	Datum values[] = {TimestampTzGetDatum(clock_now())};
	Suspended *steps;
	EtlSpiScope spi;
	bool isnull;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	take_heartbeats();
	drop_stale_signals();
	*count = (int) etl_spi_execute(&find, SPI_OK_SELECT, values, NULL);
	steps = MemoryContextAllocHuge(context, (*count + 1) * sizeof(Suspended));
	for (int i = 0; i < *count; i++)
		steps[i] = (Suspended){.task_run_id = DatumGetInt64(etl_spi_datum(i, 1, &isnull)),
							   .run_id = DatumGetInt64(etl_spi_datum(i, 2, &isnull))};
	etl_spi_close(&spi);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return steps;
}

/* When the first of those that are not due yet will be; DT_NOEND: never. */
static TimestampTz
next_due(TimestampTz now)
{
	static EtlSpiPlan next = {"SELECT min(due_at) FROM etl.suspended WHERE due_at > $1", 1, {TIMESTAMPTZOID}};
	MemoryContext context = CurrentMemoryContext;
	Datum values[] = {TimestampTzGetDatum(now)};
	EtlSpiScope spi;
	TimestampTz due;
	bool isnull;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_execute(&next, SPI_OK_SELECT, values, NULL);
	due = DatumGetTimestampTz(etl_spi_datum(0, 1, &isnull));
	if (isnull)
		due = DT_NOEND;
	etl_spi_close(&spi);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return due;
}

TimestampTz
suspend_run(void)
{
	TimestampTz now = clock_now();
	TimestampTz later = DT_NOEND; /* when to look at those again that could not be ended */
	int count;
	Suspended *steps = collect(&count);

	definition_trim();
	for (int i = 0, ended = 0; i < count; i++)
	{
		int sqlstate = etl_transaction_guard(end_step, &steps[i]);

		if (sqlstate == ERRCODE_LOCK_NOT_AVAILABLE || (sqlstate == 0 && steps[i].passed_over))
			later = Min(later, now + LOCKED_PAUSE);
		else if (sqlstate != 0)
			later = Min(later, now + USECS_PER_MINUTE);
		else if (++ended == STEPS_AT_ONCE)
			return now;
	}
	return Min(later, next_due(now));
}

/*
 * for_each.c
 *		Tasks that run once for each row of a query. See for_each.h.
 *
 * However many items there are, a bounded number of them is queued at a time; the rest wait as rows. Whoever ends an item
 * holds the lock of the task's row, so the count is exact and the next items are queued once. When more have failed
 * than the task tolerates it fails at once: what is queued is cancelled, what runs too, and what still waits stays as
 * it is, never to be started unless etl.retry_run comes back to it.
 */
#include "postgres.h"

#include "base/clock.h"
#include "catalog/pg_type.h"
#include "executor/tuptable.h"
#include "flow/for_each.h"
#include "flow/range.h"
#include "flow/run.h"
#include "flow/slot.h"
#include "flow/suspend.h"
#include "flow/tolerance.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datum.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

#define MOST_QUEUED 1024 /* items of one task at a time, if max_parallel says nothing */
#define BATCH_ITEMS 1000 /* rows made by one statement, */
#define BATCH_SIZE (1024 * 1024) /* whose parameters have not much more than this */

struct EtlItemList
{
	Tuplestorestate *rows;
	TupleDesc columns;
	int64 count;
};

/* The task's own row, locked. */
typedef struct Whole
{
	int64 task_run_id;
	int attempt;
	int items;
	int reached;
	int running;
	int succeeded;
	int failed;
	char *first_error;
} Whole;

#define WHOLE_COLUMNS                                                                                               \
	"t.task_run_id, t.attempt, t.items, t.items_reached, t.items_running, t.items_succeeded, t.items_failed, t.error"

static Whole
read_whole(void)
{
	Whole whole;
	bool isnull;
	Datum error = etl_spi_datum(0, 8, &isnull);

	whole.first_error = isnull ? NULL : TextDatumGetCString(error);
	whole.task_run_id = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	whole.attempt = DatumGetInt32(etl_spi_datum(0, 2, &isnull));
	whole.items = DatumGetInt32(etl_spi_datum(0, 3, &isnull));
	whole.reached = DatumGetInt32(etl_spi_datum(0, 4, &isnull));
	whole.running = DatumGetInt32(etl_spi_datum(0, 5, &isnull));
	whole.succeeded = DatumGetInt32(etl_spi_datum(0, 6, &isnull));
	whole.failed = DatumGetInt32(etl_spi_datum(0, 7, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return whole;
}

static void
keep_row(Jsonb *parameters, void *arg)
{
	EtlItemList *list = arg;
	Datum value = JsonbPGetDatum(parameters);
	bool isnull = false;

	if (list->count == PG_INT32_MAX)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("for_each has too many rows"),
				errdetail("A task may have %d items.", PG_INT32_MAX));
	tuplestore_putvalues(list->rows, list->columns, &value, &isnull);
	list->count++;
}

EtlItemList *
for_each_query(const EtlClaim *claim)
{
	EtlItemList *list = palloc0(sizeof(EtlItemList));

	list->columns = CreateTemplateTupleDesc(1);
	TupleDescInitEntry(list->columns, 1, "parameters", JSONBOID, -1, 0);
	list->rows = tuplestore_begin_heap(false, false, work_mem);
	flow_item_query()(&claim->step, claim->task->for_each, keep_row, list);
	return list;
}

/* Returns how many there were; 0: no more. */
static int
next_batch(EtlItemList *list, TupleTableSlot *slot, Datum *parameters)
{
	size_t size = 0;
	int count = 0;

	while (count < BATCH_ITEMS && size < BATCH_SIZE && tuplestore_gettupleslot(list->rows, true, false, slot))
	{
		bool isnull;
		Datum value = slot_getattr(slot, 1, &isnull);

		size += VARSIZE_ANY(DatumGetPointer(value));
		parameters[count++] = datumCopy(value, false, -1);
	}
	return count;
}

static void
make_items(const EtlClaim *claim, EtlItemList *list)
{
	static EtlSpiPlan insert = {
		"INSERT INTO etl.task_run_{range} (run_id, task, item, status, parameters)"
		" SELECT $1, $2, ($3 + p.number)::int4, 'waiting', p.parameters"
		" FROM unnest($4) WITH ORDINALITY AS p(parameters, number)",
		4,
		{INT8OID, TEXTOID, INT4OID, JSONBARRAYOID}};
	TupleTableSlot *slot = MakeSingleTupleTableSlot(list->columns, &TTSOpsMinimalTuple);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl items", ALLOCSET_DEFAULT_SIZES);
	MemoryContext outer = CurrentMemoryContext;
	Datum parameters[BATCH_ITEMS];
	int made = 0;
	int count;

	for (;; made += count)
	{
		Datum values[4];

		MemoryContextSwitchTo(context); /* SPI leaves its own */
		count = next_batch(list, slot, parameters);
		if (count == 0)
			break;
		values[0] = Int64GetDatum(claim->step.run_id);
		values[1] = CStringGetTextDatum(claim->step.task);
		values[2] = Int32GetDatum(made);
		values[3] = PointerGetDatum(construct_array(parameters, count, JSONBOID, -1, false, TYPALIGN_INT));
		/* Cancel requests are held off while something is recorded. This can take a while. */
		CHECK_FOR_INTERRUPTS();
		if (slot_step_is_cancelled())
			ereport(ERROR, errcode(ERRCODE_QUERY_CANCELED), errmsg("run was cancelled"));
		range_execute(&insert, claim->step.run_id, SPI_OK_INSERT, values, NULL);
		ExecClearTuple(slot); /* its row is in the context, too */
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(outer);
	ExecDropSingleTupleTableSlot(slot);
	MemoryContextDelete(context);
	tuplestore_end(list->rows);
}

/* Those that were tried and have not succeeded get a new row, as retry.c gives tasks; the others wait still. */
static void
make_items_again(const EtlClaim *claim)
{
	static EtlSpiPlan again = {
		"INSERT INTO etl.task_run_{range} (run_id, task, item, attempt, first_attempt, status, parameters)"
		" SELECT run_id, task, item, attempt + 1, attempt + 1, 'waiting', parameters FROM (SELECT DISTINCT ON (item) *"
		"  FROM etl.task_run_{range} WHERE run_id = $1 AND task = $2 AND item > 0 ORDER BY item, attempt DESC) last"
		" WHERE status IN ('failed', 'timed_out', 'cancelled')",
		2,
		{INT8OID, TEXTOID}};
	Datum values[] = {Int64GetDatum(claim->step.run_id), CStringGetTextDatum(claim->step.task)};

	range_execute(&again, claim->step.run_id, SPI_OK_INSERT, values, NULL);
}

/* The next items join the queue, as far as there may be more of them in it. */
static void
queue_items(const EtlClaim *claim, const Whole *whole)
{
	static EtlSpiPlan next = {
		"WITH next AS (UPDATE etl.task_run_{range} SET status = 'queued', queued_at = $4 WHERE run_id = $1"
		"  AND task_run_id = ANY (ARRAY(SELECT task_run_id FROM etl.task_run_{range} WHERE run_id = $1 AND task = $2"
		"   AND item > $5 AND status = 'waiting' ORDER BY item LIMIT $6)) RETURNING task_run_id, item),"
		" whole AS (UPDATE etl.task_run_{range} t SET items_running = t.items_running + n.count,"
		"   items_reached = CASE WHEN n.count < $6 THEN t.items ELSE n.last END"
		"  FROM (SELECT max(item) AS last, count(*)::int4 AS count FROM next) n"
		"  WHERE t.run_id = $1 AND t.task_run_id = $3)"
		" SELECT task_run_id FROM next ORDER BY item",
		6,
		{INT8OID, TEXTOID, INT8OID, TIMESTAMPTZOID, INT4OID, INT8OID}};
	const EtlTaskDefinition *task = claim->task;
	int most = task->max_parallel > 0 ? task->max_parallel : MOST_QUEUED;
	Datum values[] = {Int64GetDatum(claim->step.run_id),	 CStringGetTextDatum(task->name),
					  Int64GetDatum(whole->task_run_id),	 TimestampTzGetDatum(clock_now()),
					  Int32GetDatum(whole->reached),		 Int64GetDatum(most - whole->running)};
	uint64 count;

	/* Without a limit of the task's own they are queued by the hundreds, which costs less than one by one. */
	if (whole->reached == whole->items || whole->running >= (task->max_parallel > 0 ? most : most / 2))
		return;
	count = range_execute(&next, claim->step.run_id, SPI_OK_SELECT, values, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		EtlQueued queued = {.run_id = claim->step.run_id,
							.priority = task->priority,
							.pool = task->pool,
							.remote = step_is_remote(claim)};
		bool isnull;

		queued.task_run_id = DatumGetInt64(etl_spi_datum(i, 1, &isnull));
		wake_for_step(claim->owner, &queued);
	}
	SPI_freetuptable(SPI_tuptable);
}

/* The task has failed: what of it is in the queue leaves it, and what executors are at is cancelled. */
static void
cancel_items(const EtlClaim *claim, const Whole *whole)
{
	static EtlSpiPlan untime = {
		"DELETE FROM etl.timer WHERE task_run_id = ANY (ARRAY(SELECT task_run_id FROM etl.task_run_{range}"
		" WHERE run_id = $1 AND task = $2 AND item BETWEEN 1 AND $3 AND status = 'retrying'))",
		3,
		{INT8OID, TEXTOID, INT4OID}};
	static EtlSpiPlan cancel = {
		"UPDATE etl.task_run_{range} SET status = 'cancelled', finished_at = $4 WHERE run_id = $1"
		" AND task_run_id = ANY (ARRAY(SELECT task_run_id FROM etl.task_run_{range} WHERE run_id = $1 AND task = $2"
		"  AND item BETWEEN 1 AND $3 AND status IN ('queued', 'retrying', 'waiting') FOR UPDATE SKIP LOCKED))",
		4,
		{INT8OID, TEXTOID, INT4OID, TIMESTAMPTZOID}};
	static EtlSpiPlan left = {
		"SELECT task_run_id FROM etl.task_run_{range} WHERE run_id = $1 AND task = $2 AND item BETWEEN 1 AND $3"
		" AND status IN ('queued', 'running')",
		3,
		{INT8OID, TEXTOID, INT4OID}};
	int64 run_id = claim->step.run_id;
	Datum values[] = {Int64GetDatum(run_id), CStringGetTextDatum(claim->step.task), Int32GetDatum(whole->reached),
					  TimestampTzGetDatum(clock_now())};
	uint64 count;
	bool isnull;

	/* Timers first, as the scheduler does. */
	range_execute(&untime, run_id, SPI_OK_DELETE, values, NULL);
	suspend_cancel(run_id, claim->step.task);
	range_execute(&cancel, run_id, SPI_OK_UPDATE, values, NULL);
	count = range_execute(&left, run_id, SPI_OK_SELECT, values, NULL);
	for (uint64 i = 0; i < count; i++)
		wake_for_step_cancel(DatumGetInt64(etl_spi_datum(i, 1, &isnull)));
	SPI_freetuptable(SPI_tuptable);
}

/* Record that all of it has ended, and tell the run. False: that has ended before. */
static bool
finish(const EtlClaim *claim, const Whole *whole, bool succeeded, EtlHistory *history)
{
	static EtlSpiPlan success = {
		"UPDATE etl.task_run_{range} SET status = 'succeeded', finished_at = $3,"
		"  output = jsonb_build_object('items', items, 'failed', items_failed), error = NULL, sqlstate = NULL,"
		"  error_detail = NULL, error_hint = NULL, error_context = NULL WHERE run_id = $1 AND task_run_id = $2",
		3,
		{INT8OID, INT8OID, TIMESTAMPTZOID}};
	static EtlSpiPlan failure = {
		"UPDATE etl.task_run_{range} SET status = 'failed', finished_at = $3,"
		"  output = jsonb_build_object('items', items, 'failed', items_failed), error = $4"
		" WHERE run_id = $1 AND task_run_id = $2",
		4,
		{INT8OID, INT8OID, TIMESTAMPTZOID, TEXTOID}};
	int64 run_id = claim->step.run_id;
	TimestampTz now = clock_now();
	EtlStepReport report = {.definition = claim->definition,
							.task = claim->task,
							.ended = true,
							.outcome = succeeded ? ETL_OUTCOME_SUCCEEDED : ETL_OUTCOME_FAILED};
	Datum values[4] = {Int64GetDatum(run_id), Int64GetDatum(whole->task_run_id), TimestampTzGetDatum(now)};

	if (!run_lock(run_id))
		return false;
	if (succeeded)
		range_execute(&success, run_id, SPI_OK_UPDATE, values, NULL);
	else
	{
		report.error = psprintf("%d of %d items failed, first %s", whole->failed, whole->items, whole->first_error);
		values[3] = CStringGetTextDatum(report.error);
		range_execute(&failure, run_id, SPI_OK_UPDATE, values, NULL);
		cancel_items(claim, whole);
	}
	history_add(history, claim->task->name, whole->attempt, now, succeeded ? "task_succeeded" : "task_failed",
				psprintf("{\"items\": %d, \"failed\": %d}", whole->items, whole->failed));
	return run_report(run_id, &report, history);
}

static bool
carry_on(const EtlClaim *claim, const Whole *whole, EtlHistory *history)
{
	if (whole->failed > tolerance_count(claim->task->tolerate, whole->items))
		return finish(claim, whole, false, history);
	if (whole->succeeded + whole->failed == whole->items)
		return finish(claim, whole, true, history);
	queue_items(claim, whole);
	return true;
}

bool
for_each_start(const EtlClaim *claim, EtlItemList *list)
{
	/* What has succeeded is counted, not remembered: the rows are the truth. */
	static EtlSpiPlan start = {
		"UPDATE etl.task_run_{range} t SET status = 'running', started_at = $3, items = coalesce(t.items, $4),"
		"  items_reached = 0, items_running = 0, items_succeeded = done.items, items_failed = 0,"
		"  rows = CASE WHEN coalesce(t.items, $4) > 0 THEN done.rows ELSE 0 END"
		" FROM (SELECT count(*)::int4 AS items, sum(rows)::int8 AS rows FROM etl.task_run_{range}"
		"  WHERE run_id = $1 AND task = $5 AND item > 0 AND status = 'succeeded') done"
		" WHERE t.run_id = $1 AND t.task_run_id = $2 RETURNING " WHOLE_COLUMNS,
		5,
		{INT8OID, INT8OID, TIMESTAMPTZOID, INT4OID, TEXTOID}};
	const EtlStep *step = &claim->step;
	EtlHistory history = {.run_id = step->run_id};
	EtlStepReport report = {.definition = claim->definition,
							.task = claim->task,
							.started_at = claim->run_started ? 0 : claim->started_at};
	Datum values[] = {Int64GetDatum(step->run_id), Int64GetDatum(step->task_run_id),
					  TimestampTzGetDatum(claim->started_at), Int32GetDatum(list == NULL ? 0 : (int) list->count),
					  CStringGetTextDatum(step->task)};
	Whole whole;

	if (list == NULL)
		make_items_again(claim);
	else
		make_items(claim, list);
	range_execute(&start, step->run_id, SPI_OK_UPDATE_RETURNING, values, NULL);
	whole = read_whole();
	history_add(&history, step->task, step->attempt, claim->started_at, "task_started",
				psprintf("{\"items\": %d}", whole.items));
	/* The run's row comes last: nobody is to wait for it while items are made. */
	if (!run_report(step->run_id, &report, &history) || !carry_on(claim, &whole, &history))
		return false;
	history_write(&history);
	return true;
}

#define WAITING_FOR_ITEMS \
	" FROM etl.task_run_{range} WHERE run_id = $1 AND item = 0 AND status = 'running' AND items IS NOT NULL"

void
for_each_lock_all(int64 run_id)
{
	static EtlSpiPlan lock = {"SELECT" WAITING_FOR_ITEMS " ORDER BY task FOR NO KEY UPDATE", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};

	range_execute(&lock, run_id, SPI_OK_SELECT, values, NULL);
}

bool
for_each_try_lock_all(int64 run_id)
{
	static EtlSpiPlan lock = {"WITH locked AS (SELECT" WAITING_FOR_ITEMS " FOR NO KEY UPDATE SKIP LOCKED)"
							  " SELECT (SELECT count(*) FROM locked) = (SELECT count(*)" WAITING_FOR_ITEMS ")",
							  1,
							  {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	bool isnull;

	range_execute(&lock, run_id, SPI_OK_SELECT, values, NULL);
	return DatumGetBool(etl_spi_datum(0, 1, &isnull));
}

bool
for_each_try_lock(int64 run_id, int64 task_run_id)
{
	static EtlSpiPlan find = {
		"SELECT task FROM etl.task_run_{range} WHERE run_id = $1 AND task_run_id = $2 AND item > 0", 2, {INT8OID, INT8OID}};
	static EtlSpiPlan lock = {"SELECT FROM etl.task_run_{range} WHERE run_id = $1 AND task = $2 AND item = 0"
							  " AND status = 'running' FOR NO KEY UPDATE SKIP LOCKED",
							  2,
							  {INT8OID, TEXTOID}};
	Datum values[] = {Int64GetDatum(run_id), Int64GetDatum(task_run_id)};
	bool isnull;

	if (range_execute(&find, run_id, SPI_OK_SELECT, values, NULL) == 0)
		return true;
	values[1] = etl_spi_datum(0, 1, &isnull);
	return range_execute(&lock, run_id, SPI_OK_SELECT, values, NULL) > 0;
}

bool
for_each_lock(const EtlClaim *item)
{
	static EtlSpiPlan lock = {
		"SELECT t.task_run_id, r.finished_at FROM etl.task_run_{range} t JOIN etl.run_{range} r USING (run_id)"
		" WHERE t.run_id = $1 AND t.task = $2 AND t.item = 0 AND t.status = 'running' FOR NO KEY UPDATE OF t",
		2,
		{INT8OID, TEXTOID}};
	static EtlSpiPlan cancel = {
		"UPDATE etl.task_run_{range} SET status = 'cancelled', finished_at = $3 WHERE run_id = $1 AND task_run_id = $2",
		3,
		{INT8OID, INT8OID, TIMESTAMPTZOID}};
	int64 run_id = item->step.run_id;
	Datum values[3] = {Int64GetDatum(run_id), CStringGetTextDatum(item->step.task)};
	bool run_goes_on;
	bool isnull;

	if (range_execute(&lock, run_id, SPI_OK_SELECT, values, NULL) == 0)
		return false;
	values[1] = etl_spi_datum(0, 1, &isnull);
	values[2] = etl_spi_datum(0, 2, &isnull);
	run_goes_on = isnull;
	SPI_freetuptable(SPI_tuptable);
	/* The run was cancelled as the task started or while an item of it was recorded. */
	if (!run_goes_on)
		range_execute(&cancel, run_id, SPI_OK_UPDATE, values, NULL);
	return run_goes_on;
}

bool
for_each_item_ended(const EtlClaim *item, bool succeeded, int64 rows, EtlHistory *history)
{
	/* Of the errors the first is kept, for the task's own. */
	static EtlSpiPlan count = {
		"UPDATE etl.task_run_{range} t SET items_running = t.items_running - 1, items_succeeded = t.items_succeeded + $3,"
		"  items_failed = t.items_failed + 1 - $3,"
		"  rows = CASE WHEN $4 < 0 THEN t.rows ELSE coalesce(t.rows, 0) + $4 END"
		" WHERE t.run_id = $1 AND t.task = $2 AND t.item = 0 AND t.status = 'running' RETURNING " WHOLE_COLUMNS,
		4,
		{INT8OID, TEXTOID, INT4OID, INT8OID}};
	static EtlSpiPlan keep_error = {
		"UPDATE etl.task_run_{range} t SET error = concat('item ', i.item, ': ', i.error), sqlstate = i.sqlstate,"
		"  error_detail = i.error_detail, error_hint = i.error_hint, error_context = i.error_context"
		" FROM etl.task_run_{range} i WHERE t.run_id = $1 AND t.task_run_id = $2 AND i.run_id = $1 AND i.task_run_id = $3"
		" RETURNING " WHOLE_COLUMNS,
		3,
		{INT8OID, INT8OID, INT8OID}};
	int64 run_id = item->step.run_id;
	Datum values[] = {Int64GetDatum(run_id), CStringGetTextDatum(item->step.task), Int32GetDatum(succeeded ? 1 : 0),
					  Int64GetDatum(rows)};
	Whole whole;

	if (range_execute(&count, run_id, SPI_OK_UPDATE_RETURNING, values, NULL) == 0)
		return false;
	whole = read_whole();
	if (!succeeded && whole.first_error == NULL)
	{
		Datum rows_of[] = {Int64GetDatum(run_id), Int64GetDatum(whole.task_run_id),
						   Int64GetDatum(item->step.task_run_id)};

		range_execute(&keep_error, run_id, SPI_OK_UPDATE_RETURNING, rows_of, NULL);
		whole = read_whole();
	}
	return carry_on(item, &whole, history);
}

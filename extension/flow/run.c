/*
 * run.c
 *		A run from its queuing to its end. See run.h.
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/spi.h"
#include "catalog/namespace.h"
#include "catalog/partition.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "flow/for_each.h"
#include "flow/limit.h"
#include "flow/notify.h"
#include "flow/range.h"
#include "flow/row.h"
#include "flow/run.h"
#include "flow/slot.h"
#include "flow/suspend.h"
#include "flow/wake.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

const EtlFrontEnd *
run_front_end(const char *type)
{
	if (strcmp(type, front_end_dag.type) == 0)
		return &front_end_dag;
	ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("no front end for workflows of type \"%s\"", type));
}

bool
run_lock(int64 run_id)
{
	static EtlSpiPlan lock = {
		"SELECT 1 FROM etl.run_{range} WHERE run_id = $1 AND finished_at IS NULL FOR NO KEY UPDATE", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};

	return range_execute(&lock, run_id, SPI_OK_SELECT, values, NULL) > 0;
}

/* The time of a run that has a timeout begins. */
static void
set_deadline(int64 run_id, TimestampTz at)
{
	static EtlSpiPlan insert = {"INSERT INTO etl.deadline (run_id, due_at)"
								" SELECT run_id, $2 + timeout FROM etl.run_{range} WHERE run_id = $1",
								2,
								{INT8OID, TIMESTAMPTZOID}};
	Datum values[] = {Int64GetDatum(run_id), TimestampTzGetDatum(at)};

	range_execute(&insert, run_id, SPI_OK_INSERT, values, NULL);
	wake_for_scheduler();
}

void
run_start(int64 run_id, TimestampTz at, EtlHistory *history)
{
	static EtlSpiPlan start = {"UPDATE etl.run_{range} SET status = 'running', started_at = $2"
							   " WHERE run_id = $1 AND started_at IS NULL AND finished_at IS NULL",
							   2,
							   {INT8OID, TIMESTAMPTZOID}};
	Datum values[] = {Int64GetDatum(run_id), TimestampTzGetDatum(at)};

	if (range_execute(&start, run_id, SPI_OK_UPDATE, values, NULL) == 0)
		return;
	history_add(history, NULL, 0, at, "run_started", NULL);
	set_deadline(run_id, at);
}

/* A run that has come to its end. */
typedef struct Ended
{
	const char *workflow;
	const char *status;
	bool has_timeout;
	bool has_limit;
	int64 parent_task_run_id; /* 0: no step waits for it */
} Ended;

/* What ends with a run, however it ends. */
static void
run_ended(int64 run_id, const Ended *run, TimestampTz at, EtlHistory *history)
{
	static EtlSpiPlan in_time = {"DELETE FROM etl.deadline WHERE run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};

	if (run->has_timeout)
		etl_spi_execute(&in_time, SPI_OK_DELETE, values, NULL);
	if (run->has_limit)
		limit_run_ended(run_id);
	history_add(history, NULL, 0, at, psprintf("run_%s", run->status), NULL);
	notify_queue(run_id, run->workflow, run->status);
	if (run->parent_task_run_id != 0)
		suspend_signal_run_end(run->parent_task_run_id);
	wake_for_run_end(run_id);
}

void
run_carry_on(Oid owner, const EtlAdvance *advance, TimestampTz at, EtlHistory *history)
{
	ListCell *cell;

	foreach (cell, advance->skipped)
	{
		const EtlSkipped *skipped = lfirst(cell);

		history_add(history, skipped->task, skipped->attempt, at, "task_skipped", NULL);
	}
	foreach (cell, advance->ready)
		wake_for_step(owner, lfirst(cell));
}

/* What a report makes of the run's row, as it is. */
typedef struct Progress
{
	Oid owner;
	bool starts; /* with this step */
	bool over;	 /* as this says: */
	Ended run;
} Progress;

static int
int_value(const EtlRow *run, int column)
{
	bool isnull;

	return DatumGetInt32(row_value(run, column, &isnull));
}

static Progress
make_progress(EtlRow *run, const EtlStepReport *report, int ended, TimestampTz now)
{
	bool isnull;
	Progress progress = {.owner = DatumGetObjectId(row_value(run, ETL_RUN_OWNER, &isnull)),
						 .starts = report->started_at != 0 && row_is_null(run, ETL_RUN_STARTED_AT)};
	Datum parent = row_value(run, ETL_RUN_PARENT_TASK_RUN_ID, &isnull);
	int done = int_value(run, ETL_RUN_TASKS_DONE) + ended;
	bool failed_before = !row_is_null(run, ETL_RUN_FAILED_TASK);
	bool fails = report->ended && report->outcome == ETL_OUTCOME_FAILED;

	progress.over = done == int_value(run, ETL_RUN_TASKS_TOTAL);
	progress.run = (Ended){.workflow = row_text(run, ETL_RUN_WORKFLOW),
						   .status = !progress.over			  ? "running"
							   : failed_before || fails ? "failed"
														: "succeeded",
						   .has_timeout = !row_is_null(run, ETL_RUN_TIMEOUT),
						   .has_limit = !row_is_null(run, ETL_RUN_MAX_ACTIVE_RUNS),
						   .parent_task_run_id = isnull ? 0 : DatumGetInt64(parent)};

	row_set(run, ETL_RUN_TASKS_DONE, Int32GetDatum(done), false);
	row_set(run, ETL_RUN_STATUS, CStringGetTextDatum(progress.run.status), false);
	if (progress.starts)
		row_set(run, ETL_RUN_STARTED_AT, TimestampTzGetDatum(report->started_at), false);
	if (progress.over)
		row_set(run, ETL_RUN_FINISHED_AT, TimestampTzGetDatum(now), false);
	if (fails && !failed_before)
	{
		row_set(run, ETL_RUN_FAILED_TASK, CStringGetTextDatum(report->task->name), false);
		row_set(run, ETL_RUN_ERROR, CStringGetTextDatum(report->error), false);
	}
	return progress;
}

/*
 * Write it: one version of the row a step. The step that ends the run is the one that makes tasks_done complete. False: the
 * run has ended already.
 */
static bool
write_progress(int64 run_id, const EtlStepReport *report, int ended, TimestampTz now, Progress *progress)
{
	EtlRow run;
	bool written = false;

	row_open(&run, ETL_RUN, run_id, 0, RowExclusiveLock);
	while (!written && run.found && row_is_null(&run, ETL_RUN_FINISHED_AT))
	{
		*progress = make_progress(&run, report, ended, now);
		written = row_update(&run);
	}
	row_close(&run);
	return written;
}

bool
run_report(int64 run_id, const EtlStepReport *report, EtlHistory *history)
{
	const EtlFrontEnd *front_end = run_front_end(report->definition->type);
	EtlAdvance advance = {0};
	TimestampTz now = clock_now();
	Progress progress;

	if (report->ended && front_end->has_successors(report->definition, report->task))
	{
		/* Two steps that end together must each see the other. */
		if (!run_lock(run_id))
			return false;
		front_end->step_ended(run_id, report->definition, report->task, report->outcome, &advance);
	}
	if (!write_progress(run_id, report, (report->ended ? 1 : 0) + list_length(advance.skipped), now, &progress))
		return false;

	/* History is in the order of what happened: before the step's own events stands the run's start. */
	if (progress.starts)
	{
		EtlHistory before = {.run_id = run_id};

		history_add(&before, NULL, 0, report->started_at, "run_started", NULL);
		history->events = list_concat(before.events, history->events);
		if (progress.run.has_timeout)
			set_deadline(run_id, report->started_at);
	}
	run_carry_on(progress.owner, &advance, now, history);
	if (progress.over)
		run_ended(run_id, &progress.run, now, history);
	return true;
}

void
run_go_on(int64 run_id, EtlHistory *history)
{
	static EtlSpiPlan look = {
		"SELECT version_id, owner::oid FROM etl.run_{range} WHERE run_id = $1", 1, {INT8OID}};
	/* One that has started before has all the time of its timeout again; one that never has gets it when it does. */
	static EtlSpiPlan update = {
		"WITH again AS (UPDATE etl.run_{range} SET status = CASE WHEN started_at IS NULL THEN 'queued' ELSE "
		"'running' END,"
		"  tasks_done = tasks_done + $2 WHERE run_id = $1 RETURNING started_at, timeout)"
		" INSERT INTO etl.deadline (run_id, due_at) SELECT $1, $3 + timeout FROM again"
		" WHERE started_at IS NOT NULL AND timeout IS NOT NULL",
		3,
		{INT8OID, INT4OID, TIMESTAMPTZOID}};
	TimestampTz now = clock_now();
	Datum values[] = {Int64GetDatum(run_id), (Datum) 0, TimestampTzGetDatum(now)};
	EtlAdvance advance = {0};
	const EtlDefinition *definition;
	int64 version_id;
	Oid owner;
	bool isnull;

	if (range_execute(&look, run_id, SPI_OK_SELECT, values, NULL) == 0)
		elog(ERROR, "run " INT64_FORMAT " is gone", run_id);
	version_id = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	owner = DatumGetObjectId(etl_spi_datum(0, 2, &isnull));
	SPI_freetuptable(SPI_tuptable);
	definition = definition_get(version_id);
	if (definition == NULL)
		elog(ERROR, "version " INT64_FORMAT " of a workflow is gone", version_id);
	run_front_end(definition->type)->go_on(run_id, definition, &advance);
	if (advance.ready == NIL)
		elog(ERROR, "nothing of run " INT64_FORMAT " can start", run_id);
	values[1] = Int32GetDatum(list_length(advance.skipped));
	if (range_execute(&update, run_id, SPI_OK_INSERT, values, NULL) > 0)
		wake_for_scheduler();
	run_carry_on(owner, &advance, now, history);
}

void
run_notified(int64 run_id)
{
	static EtlSpiPlan update = {
		"UPDATE etl.run_{range} SET notifications_open = notifications_open - 1 WHERE run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};

	range_execute(&update, run_id, SPI_OK_UPDATE, values, NULL);
}

/*
 * Those that an executor is at are locked by it. A task that only waits for its items is at none; items whose turn
 * has not come are left as they are.
 */
int
run_cancel_unstarted(int64 run_id, TimestampTz now, EtlHistory *history)
{
	static EtlSpiPlan untime = {
		"DELETE FROM etl.timer WHERE task_run_id = ANY (ARRAY(SELECT task_run_id FROM etl.task_run_{range}"
		" WHERE run_id = $1 AND notification_id IS NULL AND (status = 'retrying' OR status = 'waiting' AND item = 0)))",
		1,
		{INT8OID}};
	static EtlSpiPlan cancel = {
		"UPDATE etl.task_run_{range} SET status = 'cancelled', finished_at = $2"
		" WHERE run_id = $1 AND task_run_id = ANY (ARRAY(SELECT task_run_id FROM etl.task_run_{range}"
		"  WHERE run_id = $1 AND notification_id IS NULL AND (status IN ('queued', 'retrying')"
		"   OR status = 'waiting' AND (item = 0 OR queued_at IS NOT NULL) OR status = 'running' AND items IS NOT NULL)"
		"  FOR UPDATE SKIP LOCKED)) RETURNING task, attempt, item",
		2,
		{INT8OID, TIMESTAMPTZOID}};
	Datum values[] = {Int64GetDatum(run_id), TimestampTzGetDatum(now)};
	int rows;
	int tasks = 0;

	range_execute(&untime, run_id, SPI_OK_DELETE, values, NULL);
	rows = (int) range_execute(&cancel, run_id, SPI_OK_UPDATE_RETURNING, values, NULL);
	for (int i = 0; i < rows; i++)
	{
		bool isnull;

		if (DatumGetInt32(etl_spi_datum(i, 3, &isnull)) > 0)
			continue;
		tasks++;
		history_add(history, TextDatumGetCString(etl_spi_datum(i, 1, &isnull)),
					DatumGetInt32(etl_spi_datum(i, 2, &isnull)), now, "task_cancelled", NULL);
	}
	return tasks;
}

/* End it before its steps have. */
static bool
end_early(int64 run_id, const char *status, EtlHistory *history)
{
	static EtlSpiPlan update = {
		"UPDATE etl.run_{range} SET status = $4, finished_at = $2, tasks_done = tasks_done + $3, error = "
		"CASE $4 WHEN 'timed_out'"
		"  THEN format('run took longer than its timeout of %s', timeout) ELSE error END"
		" WHERE run_id = $1 RETURNING timeout IS NOT NULL, coalesce(parent_task_run_id, 0), workflow,"
		"  max_active_runs IS NOT NULL",
		4,
		{INT8OID, TIMESTAMPTZOID, INT4OID, TEXTOID}};
	TimestampTz now = clock_now();
	Datum values[] = {Int64GetDatum(run_id), TimestampTzGetDatum(now), (Datum) 0, CStringGetTextDatum(status)};
	Ended run = {.status = status};
	bool isnull;

	if (!run_lock(run_id))
		return false;
	suspend_cancel(run_id, NULL);
	values[2] = Int32GetDatum(run_cancel_unstarted(run_id, now, history));
	range_execute(&update, run_id, SPI_OK_UPDATE_RETURNING, values, NULL);
	run.has_timeout = DatumGetBool(etl_spi_datum(0, 1, &isnull));
	run.parent_task_run_id = DatumGetInt64(etl_spi_datum(0, 2, &isnull));
	run.workflow = TextDatumGetCString(etl_spi_datum(0, 3, &isnull));
	run.has_limit = DatumGetBool(etl_spi_datum(0, 4, &isnull));
	SPI_freetuptable(SPI_tuptable);
	run_ended(run_id, &run, now, history);
	return true;
}

bool
run_cancel(int64 run_id, EtlHistory *history)
{
	for_each_lock_all(run_id); /* what an item is about to record is either committed before, or never */
	return end_early(run_id, "cancelled", history);
}

bool
run_time_out(int64 run_id, EtlHistory *history)
{
	return end_early(run_id, "timed_out", history);
}

char *
run_status(int64 run_id)
{
	static EtlSpiPlan look = {"SELECT status FROM etl.run_{range} WHERE run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	bool isnull;

	if (range_execute(&look, run_id, SPI_OK_SELECT, values, NULL) == 0)
		return NULL;
	return TextDatumGetCString(etl_spi_datum(0, 1, &isnull));
}

static bool
is_partition_of_runs(Relation relation)
{
	Oid runs = get_relname_relid("run", get_namespace_oid("etl", false));

	return relation->rd_rel->relispartition && get_partition_parent(RelationGetRelid(relation), false) == runs;
}

/*
 * AFTER INSERT on etl.run, called for the partition that has the row: make the run's steps, start the first, and have the engine woken by the commit. All in
 * the inserting transaction, so that a run is never there without its steps.
 */
PG_FUNCTION_INFO_V1(pg_etl_run_queue);
Datum
pg_etl_run_queue(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	TupleDesc columns;
	EtlSpiScope spi;
	EtlHistory history = {0};
	EtlAdvance advance = {0};
	const EtlDefinition *definition;
	int64 version_id;
	Oid owner;
	bool held;
	bool isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) || !is_partition_of_runs(trigger->tg_relation))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function \"etl._run_queue\" is a trigger of table \"etl.run\""));
	columns = trigger->tg_relation->rd_att;
#define COLUMN(name) heap_getattr(trigger->tg_trigtuple, SPI_fnumber(columns, name), columns, &isnull)
	history.run_id = DatumGetInt64(COLUMN("run_id"));
	version_id = DatumGetInt64(COLUMN("version_id"));
	owner = DatumGetObjectId(COLUMN("owner"));
	(void) COLUMN("max_active_runs");
	held = !isnull;
#undef COLUMN

	etl_spi_open(&spi, ETL_SPI_OWNER);
	if (slot_run_id() == 0)
		definition_trim();
	definition = definition_get(version_id);
	if (definition == NULL)
		elog(ERROR, "version " INT64_FORMAT " of a workflow is gone", version_id);
	history_add(&history, NULL, 0, clock_now(), "run_queued", NULL);
	run_front_end(definition->type)->begin(history.run_id, definition, held, &advance);
	if (held)
		limit_hold(history.run_id);
	run_carry_on(owner, &advance, clock_now(), &history);
	history_write(&history);
	etl_spi_close(&spi);
	return PointerGetDatum(NULL);
}

/*
 * run.c
 *		A run from its queuing to its end. See run.h.
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/spi.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "flow/executor.h"
#include "flow/front_end.h"
#include "flow/notify.h"
#include "flow/run.h"
#include "flow/shared.h"
#include "flow/wake.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/timestamp.h"

/* What etl.run says of the run that run_lock has locked. */
typedef struct LockedRun
{
	char *status;
	Oid owner;
	const EtlFrontEnd *front_end;
} LockedRun;

static const EtlFrontEnd *
front_end_find(const char *type)
{
	if (strcmp(type, front_end_dag.type) == 0)
		return &front_end_dag;
	ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("no front end for workflows of type \"%s\"", type));
}

static bool
status_is_final(const char *status)
{
	return strcmp(status, "queued") != 0 && strcmp(status, "running") != 0;
}

static bool
lock_row(int64 run_id, LockedRun *run)
{
	static EtlSpiPlan lock = {"SELECT r.status, r.owner::oid, v.definition ->> 'type'"
							  " FROM etl.run r JOIN etl.workflow_version v USING (version_id)"
							  " WHERE r.run_id = $1 FOR NO KEY UPDATE OF r",
							  1,
							  {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	bool isnull;

	if (etl_spi_execute(&lock, SPI_OK_SELECT, values, NULL) == 0)
		return false;
	run->status = TextDatumGetCString(etl_spi_datum(0, 1, &isnull));
	run->owner = DatumGetObjectId(etl_spi_datum(0, 2, &isnull));
	run->front_end = front_end_find(TextDatumGetCString(etl_spi_datum(0, 3, &isnull)));
	SPI_freetuptable(SPI_tuptable);
	return !status_is_final(run->status);
}

bool
run_lock(int64 run_id)
{
	LockedRun run;

	return lock_row(run_id, &run);
}

void
run_event(int64 run_id, const char *task, int attempt, TimestampTz at, const char *type, const char *details)
{
	static EtlSpiPlan insert = {"INSERT INTO etl.event (run_id, task, attempt, at, type, details)"
								" VALUES ($1, $2, $3, $4, $5, $6::jsonb)",
								6,
								{INT8OID, TEXTOID, INT4OID, TIMESTAMPTZOID, TEXTOID, TEXTOID}};
	Datum values[] = {Int64GetDatum(run_id), task ? CStringGetTextDatum(task) : (Datum) 0, Int32GetDatum(attempt),
					  TimestampTzGetDatum(at), CStringGetTextDatum(type),
					  details ? CStringGetTextDatum(details) : (Datum) 0};
	char nulls[] = "      ";

	if (task == NULL)
		nulls[1] = nulls[2] = 'n';
	if (details == NULL)
		nulls[5] = 'n';
	etl_spi_execute(&insert, SPI_OK_INSERT, values, nulls);
}

void
run_note_start(int64 run_id, TimestampTz at)
{
	static EtlSpiPlan start = {"UPDATE etl.run SET status = 'running', started_at = $2"
							   " WHERE run_id = $1 AND started_at IS NULL",
							   2,
							   {INT8OID, TIMESTAMPTZOID}};
	Datum values[] = {Int64GetDatum(run_id), TimestampTzGetDatum(at)};

	if (etl_spi_execute(&start, SPI_OK_UPDATE, values, NULL) == 1)
		run_event(run_id, NULL, 0, at, "run_started", NULL);
}

static Datum
id_array(const List *ids)
{
	Datum *elements = palloc(list_length(ids) * sizeof(Datum));
	int count = 0;
	ListCell *cell;

	foreach (cell, ids)
		elements[count++] = Int64GetDatum(*(int64 *) lfirst(cell));
	return PointerGetDatum(construct_array(elements, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
}

static void
start_steps(int64 run_id, Oid owner, const List *ids)
{
	static EtlSpiPlan start = {"WITH started AS (UPDATE etl.task_run SET status = 'queued', queued_at = $4"
							   "  WHERE task_run_id = ANY ($3) RETURNING task_run_id)"
							   " INSERT INTO etl.ready (task_run_id, run_id, owner) SELECT task_run_id, $1, $2"
							   " FROM started",
							   4,
							   {INT8OID, OIDOID, INT8ARRAYOID, TIMESTAMPTZOID}};
	Datum values[] = {Int64GetDatum(run_id), ObjectIdGetDatum(owner), id_array(ids),
					  TimestampTzGetDatum(clock_now())};

	etl_spi_execute(&start, SPI_OK_INSERT, values, NULL);
	for (int i = 0; i < list_length(ids); i++)
		wake_for_step(owner);
}

static void
skip_steps(int64 run_id, const List *ids)
{
	static EtlSpiPlan skip = {"WITH skipped AS (UPDATE etl.task_run SET status = 'skipped', finished_at = $3"
							  "  WHERE task_run_id = ANY ($2) RETURNING task, attempt)"
							  " INSERT INTO etl.event (run_id, task, attempt, at, type)"
							  " SELECT $1, task, attempt, $3, 'task_skipped' FROM skipped ORDER BY task",
							  3,
							  {INT8OID, INT8ARRAYOID, TIMESTAMPTZOID}};
	Datum values[] = {Int64GetDatum(run_id), id_array(ids), TimestampTzGetDatum(clock_now())};

	etl_spi_execute(&skip, SPI_OK_INSERT, values, NULL);
}

/* tasks_done and, at the end, the outcome: the one place that ends a run which wasn't cancelled. */
static void
update_run(int64 run_id, const char *final_status)
{
	static EtlSpiPlan update = {
		"WITH last AS (SELECT DISTINCT ON (task) * FROM etl.task_run"
		"  WHERE run_id = $1 AND notification_id IS NULL ORDER BY task, attempt DESC),"
		" failed AS (SELECT task, error FROM last WHERE status IN ('failed', 'timed_out')"
		"  ORDER BY finished_at, task_run_id LIMIT 1)"
		" UPDATE etl.run SET tasks_done = (SELECT count(*) FROM last"
		"   WHERE status NOT IN ('waiting', 'queued', 'running', 'retrying')),"
		"  status = coalesce($2, status), finished_at = CASE WHEN $2 IS NOT NULL THEN $3 END,"
		"  failed_task = CASE WHEN $2 <> 'succeeded' THEN (SELECT task FROM failed) END,"
		"  error = CASE WHEN $2 <> 'succeeded' THEN (SELECT error FROM failed) END"
		" WHERE run_id = $1",
		3,
		{INT8OID, TEXTOID, TIMESTAMPTZOID}};
	TimestampTz now = clock_now();
	Datum values[] = {Int64GetDatum(run_id), final_status ? CStringGetTextDatum(final_status) : (Datum) 0,
					  TimestampTzGetDatum(now)};

	etl_spi_execute(&update, SPI_OK_UPDATE, values, final_status ? NULL : " n ");
	if (final_status != NULL)
	{
		run_event(run_id, NULL, 0, now, psprintf("run_%s", final_status), NULL);
		notify_queue(run_id, final_status);
		wake_for_run_end();
	}
}

void
run_advance(int64 run_id)
{
	LockedRun run;
	EtlAdvice advice = {0};
	const char *final_status = NULL;

	if (!lock_row(run_id, &run))
		return;
	run.front_end->advance(run_id, &advice);
	if (advice.start != NIL)
		start_steps(run_id, run.owner, advice.start);
	if (advice.skip != NIL)
		skip_steps(run_id, advice.skip);
	if (advice.ended)
		final_status = advice.succeeded ? "succeeded" : "failed";
	update_run(run_id, final_status);
}

/*
 * AFTER INSERT on etl.run: make the run's steps, start the first, and have the engine woken by the commit. All in
 * the inserting transaction, so that a run is never there without its steps.
 */
PG_FUNCTION_INFO_V1(pg_etl_run_queue);
Datum
pg_etl_run_queue(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;
	EtlSpiScope spi;
	LockedRun run;
	int64 run_id;
	bool isnull;

	if (!CALLED_AS_TRIGGER(fcinfo) ||
		RelationGetRelid(trigger->tg_relation) != get_relname_relid("run", get_namespace_oid("etl", false)))
		ereport(ERROR, errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				errmsg("function \"etl._run_queue\" is a trigger of table \"etl.run\""));
	run_id = DatumGetInt64(heap_getattr(trigger->tg_trigtuple, SPI_fnumber(trigger->tg_relation->rd_att, "run_id"),
										trigger->tg_relation->rd_att, &isnull));

	etl_spi_open(&spi, ETL_SPI_OWNER);
	if (!lock_row(run_id, &run))
		elog(ERROR, "run " INT64_FORMAT " is gone", run_id);
	run_event(run_id, NULL, 0, clock_now(), "run_queued", NULL);
	run.front_end->begin(run_id);
	run_advance(run_id);
	etl_spi_close(&spi);
	return PointerGetDatum(NULL);
}

/* Everything of the run that no executor is at: gone from the queue, cancelled. */
static void
cancel_unstarted(int64 run_id)
{
	static EtlSpiPlan unqueue = {
		"DELETE FROM etl.ready WHERE task_run_id = ANY (ARRAY("
		" SELECT q.task_run_id FROM etl.ready q JOIN etl.task_run t USING (task_run_id)"
		" WHERE q.run_id = $1 AND t.notification_id IS NULL FOR UPDATE OF q SKIP LOCKED))"
		" RETURNING task_run_id",
		1,
		{INT8OID}};
	static EtlSpiPlan untime = {"DELETE FROM etl.timer WHERE run_id = $1"
								" RETURNING task_run_id",
								1,
								{INT8OID}};
	static EtlSpiPlan cancel = {
		"WITH cancelled AS (UPDATE etl.task_run t SET status = 'cancelled', finished_at = $3"
		"  WHERE run_id = $1 AND notification_id IS NULL"
		"  AND (status = 'waiting' OR task_run_id = ANY ($2))"
		"  RETURNING task, attempt)"
		" INSERT INTO etl.event (run_id, task, attempt, at, type)"
		" SELECT $1, task, attempt, $3, 'task_cancelled' FROM cancelled ORDER BY task",
		3,
		{INT8OID, INT8ARRAYOID, TIMESTAMPTZOID}};
	Datum values[] = {Int64GetDatum(run_id), (Datum) 0, TimestampTzGetDatum(clock_now())};
	List *ids = NIL;
	EtlSpiPlan *sources[] = {&unqueue, &untime};

	for (int s = 0; s < lengthof(sources); s++)
	{
		uint64 count = etl_spi_execute(sources[s], SPI_OK_DELETE_RETURNING, values, NULL);

		for (uint64 i = 0; i < count; i++)
		{
			bool isnull;
			int64 *id = palloc(sizeof(int64));

			*id = DatumGetInt64(etl_spi_datum(i, 1, &isnull));
			ids = lappend(ids, id);
		}
		SPI_freetuptable(SPI_tuptable);
	}
	values[1] = id_array(ids);
	etl_spi_execute(&cancel, SPI_OK_INSERT, values, NULL);
}

PG_FUNCTION_INFO_V1(pg_etl_cancel_run);
Datum
pg_etl_cancel_run(PG_FUNCTION_ARGS)
{
	static EtlSpiPlan see = {
		"SELECT 1 FROM etl.run WHERE run_id = $1", 1, {INT8OID}};
	int64 run_id = PG_GETARG_INT64(0);
	Datum values[] = {Int64GetDatum(run_id)};
	EtlSpiScope spi;
	bool goes_on;

	if (run_id != 0 && run_id == executor_run_id())
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("a step cannot cancel its own run"),
				errdetail("The cancellation would be rolled back with the step."),
				errhint("Raise an error, which fails the step, or cancel run " INT64_FORMAT " in a session.", run_id));
	/* As the caller: row security shows only runs that are theirs. */
	etl_spi_open(&spi, ETL_SPI_CALLER);
	if (etl_spi_execute(&see, SPI_OK_SELECT, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("run " INT64_FORMAT " does not exist", run_id),
				errhint("SELECT run_id FROM etl.run_status lists your runs."));
	etl_spi_close(&spi);

	etl_spi_open(&spi, ETL_SPI_OWNER);
	goes_on = run_lock(run_id);
	if (goes_on)
	{
		cancel_unstarted(run_id);
		update_run(run_id, "cancelled");
		wake_for_cancel(run_id);
	}
	etl_spi_close(&spi);
	PG_RETURN_BOOL(goes_on);
}

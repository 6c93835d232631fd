/*
 * retry.c
 *		Carrying on a run that has failed or was cancelled. See retry.h.
 *
 * The run's row is locked first and stays so. A step that was tried gets a new row, its next attempt, and is never
 * queued by its old one: somebody may hold an entry of the queue, or a snapshot, from before. What counts as ended for
 * good is what has succeeded; everything else waits, and the front end starts or skips it as at the run's begin.
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/definition.h"
#include "flow/limit.h"
#include "flow/operate.h"
#include "flow/range.h"
#include "flow/retry.h"
#include "flow/run.h"
#include "flow/slot.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* True: it has succeeded, and there is nothing to carry on. */
static bool
lock_ended(int64 run_id)
{
	static EtlSpiPlan lock = {
		"SELECT status, finished_at IS NULL FROM etl.run_{range} WHERE run_id = $1 FOR NO KEY UPDATE",
		1,
		{INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	char *status;
	bool isnull;

	if (range_execute(&lock, run_id, SPI_OK_SELECT, values, NULL) == 0)
		elog(ERROR, "run " INT64_FORMAT " is gone", run_id);
	status = TextDatumGetCString(etl_spi_datum(0, 1, &isnull));
	if (DatumGetBool(etl_spi_datum(0, 2, &isnull)))
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("run " INT64_FORMAT " has not ended", run_id), errdetail("Its status is \"%s\".", status),
				errhint("Wait for its end with etl.wait_for_run, or cancel it first with etl.cancel_run."));
	SPI_freetuptable(SPI_tuptable);
	return strcmp(status, "succeeded") == 0;
}

/* A cancelled run has ended before the steps have that executors were at. */
static void
check_nothing_runs(int64 run_id)
{
	static EtlSpiPlan find = {"SELECT min(task) FROM etl.task_run_{range} WHERE run_id = $1 AND notification_id IS NULL"
							  /* An item that waits for its turn is nobody's. */
							  " AND (status IN ('queued', 'retrying', 'running') OR status = 'waiting' AND (item = 0 OR queued_at IS NOT NULL))",
							  1,
							  {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	Datum task;
	bool isnull;

	range_execute(&find, run_id, SPI_OK_SELECT, values, NULL);
	task = etl_spi_datum(0, 1, &isnull);
	if (!isnull)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("run " INT64_FORMAT " is still being cancelled", run_id),
				errdetail("An executor is at task \"%s\".", TextDatumGetCString(task)),
				errhint("Try again in a moment."));
	SPI_freetuptable(SPI_tuptable);
}

/* Every task that has not succeeded waits. Returns how many have succeeded. */
static int
reset_tasks(int64 run_id)
{
	static EtlSpiPlan again = {
		"INSERT INTO etl.task_run_{range} (run_id, task, attempt, first_attempt, status, items)"
		" SELECT run_id, task, attempt + 1, attempt + 1, 'waiting', items FROM (SELECT DISTINCT ON (task) run_id, task, attempt,"
		"  status, items FROM etl.task_run_{range} WHERE run_id = $1 AND item = 0 AND notification_id IS NULL ORDER BY task, attempt DESC) last"
		" WHERE status IN ('failed', 'timed_out', 'cancelled')",
		1,
		{INT8OID}};
	static EtlSpiPlan skipped = {
		"UPDATE etl.task_run_{range} SET status = 'waiting', queued_at = NULL, started_at = NULL, finished_at = NULL,"
		" worker_pid = NULL, dependencies_succeeded = 0, dependencies_failed = 0, dependencies_skipped = 0 WHERE run_id = $1 AND item = 0 AND status = 'skipped'",
		1,
		{INT8OID}};
	static EtlSpiPlan count = {"SELECT count(*)::int4 FROM etl.task_run_{range} WHERE run_id = $1 AND item = 0 AND status = 'succeeded'"
							   " AND notification_id IS NULL",
							   1,
							   {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	int succeeded;
	bool isnull;

	range_execute(&again, run_id, SPI_OK_INSERT, values, NULL);
	range_execute(&skipped, run_id, SPI_OK_UPDATE, values, NULL);
	range_execute(&count, run_id, SPI_OK_SELECT, values, NULL);
	succeeded = DatumGetInt32(etl_spi_datum(0, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return succeeded;
}

/* True: it is to wait for others of its workflow to end. */
static bool
reopen(int64 run_id, int tasks_done)
{
	static EtlSpiPlan update = {
		"UPDATE etl.run_{range} r SET status = 'queued', finished_at = NULL, failed_task = NULL, error = "
		"NULL, tasks_done = $2,"
		"  max_active_runs = (SELECT w.max_active_runs FROM etl.workflow w WHERE w.name = r.workflow"
		"   AND pg_has_role(w.owner, r.owner, 'USAGE'))"
		" WHERE run_id = $1 RETURNING max_active_runs IS NOT NULL",
		2,
		{INT8OID, INT4OID}};
	Datum values[] = {Int64GetDatum(run_id), Int32GetDatum(tasks_done)};
	bool held;
	bool isnull;

	range_execute(&update, run_id, SPI_OK_UPDATE_RETURNING, values, NULL);
	held = DatumGetBool(etl_spi_datum(0, 1, &isnull));
	SPI_freetuptable(SPI_tuptable);
	return held;
}

bool
retry_run(int64 run_id)
{
	TimestampTz now = clock_now();
	EtlHistory history = {.run_id = run_id};

	if (lock_ended(run_id))
		return false;
	/* A server crash may have left queued what an executor was at when the run was cancelled: nobody is now. */
	run_cancel_unstarted(run_id, now, &history);
	check_nothing_runs(run_id);
	history_add(&history, NULL, 0, now, "run_retried", NULL);
	if (reopen(run_id, reset_tasks(run_id)))
		limit_hold(run_id);
	else
		run_go_on(run_id, &history);
	history_write(&history);
	return true;
}

PG_FUNCTION_INFO_V1(pg_etl_retry_run);
Datum
pg_etl_retry_run(PG_FUNCTION_ARGS)
{
	int64 run_id = PG_GETARG_INT64(0);
	EtlSpiScope spi;
	bool retried;

	operate_check(run_id, "retry");
	etl_spi_open(&spi, ETL_SPI_OWNER);
	if (slot_run_id() == 0)
		definition_trim();
	retried = retry_run(run_id);
	etl_spi_close(&spi);
	PG_RETURN_BOOL(retried);
}

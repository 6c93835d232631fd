/*
 * sql_functions.c
 *		The engine's SQL functions that are about its processes: who is at what, wait for a run, start here.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "access/xlog_internal.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/operate.h"
#include "flow/remote_place.h"
#include "flow/run.h"
#include "flow/shared.h"
#include "flow/slot.h"
#include "flow/wake.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/proc.h"
#include "storage/procarray.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

PG_FUNCTION_INFO_V1(pg_etl_engine_is_loaded);
Datum
pg_etl_engine_is_loaded(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(etl_shared != NULL);
}

PG_FUNCTION_INFO_V1(pg_etl_engine_start);
Datum
pg_etl_engine_start(PG_FUNCTION_ARGS)
{
	wake_for_launcher();
	PG_RETURN_VOID();
}

/* The kind of lock that the process waits for; NULL: none. */
static const char *
awaited_lock(pid_t pid)
{
	PGPROC *process = BackendPidGetProc(pid);
	uint32 event = process == NULL ? 0 : *(volatile uint32 *) &process->wait_event_info;
	const char *type = pgstat_get_wait_event_type(event);

	return type != NULL && strcmp(type, "Lock") == 0 ? pgstat_get_wait_event(event) : NULL;
}

static void
put_activity(ReturnSetInfo *result, pid_t pid, Oid owner, int64 task_run_id, int64 run_id, TimestampTz started_at,
			 const char *lock)
{
	Datum values[] = {Int32GetDatum(pid),
					  ObjectIdGetDatum(owner),
					  Int64GetDatum(task_run_id),
					  Int64GetDatum(run_id),
					  TimestampTzGetDatum(started_at),
					  lock == NULL ? (Datum) 0 : CStringGetTextDatum(lock)};
	bool nulls[lengthof(values)] = {false};

	nulls[2] = nulls[3] = nulls[4] = task_run_id == 0;
	nulls[5] = lock == NULL;
	tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

PG_FUNCTION_INFO_V1(pg_etl_activity);
Datum
pg_etl_activity(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	EtlRemotePlace place;
	bool sees_all;

	InitMaterializedSRF(fcinfo, 0);
	if (etl_shared == NULL)
		return (Datum) 0;
	sees_all = operate_sees_all();
	for (int i = 0; i < etl_max_executors; i++)
	{
		EtlExecutorSlot slot;

		LWLockAcquire(etl_shared->lock, LW_SHARED);
		slot = etl_shared->executors[i];
		LWLockRelease(etl_shared->lock);
		if (slot.pid == 0 || slot.dbid != MyDatabaseId)
			continue;
		if (!sees_all && !has_privs_of_role(GetUserId(), slot.owner))
			continue;
		put_activity(result, slot.pid, slot.owner, slot.task_run_id, slot.run_id, slot.started_at,
					 awaited_lock(slot.pid));
	}
	for (int i = 0; remote_place_read(i, &place); i++)
		if (place.dbid == MyDatabaseId && OidIsValid(place.owner) &&
			(sees_all || has_privs_of_role(GetUserId(), place.owner)))
			put_activity(result, place.pid, place.owner, place.task_run_id, place.run_id, place.started_at,
						 NULL); /* its process waits for no lock, but for a moment */
	return (Datum) 0;
}

/* The lock is held. */
static bool
is_served(Oid dbid)
{
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
		if (etl_shared->schedulers[i].dbid == dbid && etl_shared->schedulers[i].serving)
			return true;
	return false;
}

static char *
describe_executors(bool remote)
{
	EtlRemotePlace place;
	int count = 0;
	int busy = 0;

	if (remote)
		for (; remote_place_read(count, &place); count++)
			busy += place.pid != 0;
	else
	{
		count = etl_max_executors;
		LWLockAcquire(etl_shared->lock, LW_SHARED);
		for (int i = 0; i < count; i++)
			busy += etl_shared->executors[i].state == ETL_EXECUTOR_BUSY;
		LWLockRelease(etl_shared->lock);
	}
	if (busy < count)
		return "executor";
	return remote ? psprintf("executor (at %d external steps, as many as it may be)", busy)
				  : psprintf("executor (all %d are busy)", busy);
}

PG_FUNCTION_INFO_V1(pg_etl_waiting_for_executor);
Datum
pg_etl_waiting_for_executor(PG_FUNCTION_ARGS)
{
	bool served;

	if (etl_shared == NULL)
		PG_RETURN_TEXT_P(cstring_to_text("engine, which is not in shared_preload_libraries"));
	LWLockAcquire(etl_shared->lock, LW_SHARED);
	served = is_served(MyDatabaseId);
	LWLockRelease(etl_shared->lock);
	if (!served)
		PG_RETURN_TEXT_P(cstring_to_text("scheduler, which is not running"));
	PG_RETURN_TEXT_P(cstring_to_text(describe_executors(PG_GETARG_BOOL(0))));
}

PG_FUNCTION_INFO_V1(pg_etl_current_run);
Datum
pg_etl_current_run(PG_FUNCTION_ARGS)
{
	if (slot_run_id() == 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(slot_run_id());
}

typedef struct SeenRun
{
	bool found;
	bool ours;	/* queued by this very transaction */
	bool ended;
	char *status;
} SeenRun;

/* As of now, not of the transaction's snapshot: in a repeatable-read transaction too, the end of a run is seen. */
static SeenRun
see_run(int64 run_id)
{
	static EtlSpiPlan see = {"SELECT status, finished_at IS NOT NULL, xmin FROM etl.run WHERE run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	SeenRun seen = {0};
	EtlSpiScope spi;

	etl_spi_open(&spi, ETL_SPI_CALLER);
	if (see.plan == NULL)
	{
		see.plan = SPI_prepare(see.sql, see.nargs, see.types);
		if (see.plan == NULL || SPI_keepplan(see.plan) != 0)
			elog(ERROR, "SPI answered %s to: %s", SPI_result_code_string(SPI_result), see.sql);
	}
	if (SPI_execute_snapshot(see.plan, values, NULL, GetLatestSnapshot(), InvalidSnapshot, true, false, 0) !=
		SPI_OK_SELECT)
		elog(ERROR, "SPI refused: %s", see.sql);
	if (SPI_processed > 0)
	{
		bool isnull;

		seen.found = true;
		seen.status = etl_spi_text(&spi, 0, 1);
		seen.ended = DatumGetBool(etl_spi_datum(0, 2, &isnull));
		seen.ours = TransactionIdIsCurrentTransactionId(DatumGetTransactionId(etl_spi_datum(0, 3, &isnull)));
	}
	etl_spi_close(&spi);
	return seen;
}

/* What etl.run_status says, which knows of steps at work whose start isn't recorded yet. */
static char *
status_now(int64 run_id, const SeenRun *seen)
{
	Oid types[] = {INT8OID};
	Datum values[] = {Int64GetDatum(run_id)};
	char *status = seen->status;
	EtlSpiScope spi;

	etl_spi_open(&spi, ETL_SPI_CALLER);
	if (etl_spi_run("SELECT status FROM etl.run_status WHERE run_id = $1", SPI_OK_SELECT, lengthof(types), types,
					values, NULL) > 0)
		status = etl_spi_text(&spi, 0, 1);
	etl_spi_close(&spi);
	return status;
}

static void
check_waitable(int64 run_id, const SeenRun *seen)
{
	if (!seen->found)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("run " INT64_FORMAT " does not exist", run_id),
				errhint("SELECT run_id FROM etl.run_status lists your runs."));
	if (seen->ours && !seen->ended)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("run " INT64_FORMAT " cannot be waited for by the transaction that queued it", run_id),
				errdetail("Nobody else sees the run before this transaction commits."),
				errhint("COMMIT first, then call etl.wait_for_run in a statement of its own."));
	if (run_id == slot_run_id())
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("a step cannot wait for its own run"),
				errdetail("Run " INT64_FORMAT " does not end before this step has.", run_id));
	if (etl_shared == NULL && !seen->ended)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("run " INT64_FORMAT " will not end: pg_etl is not loaded at server start", run_id),
				errhint("Add pg_etl to shared_preload_libraries and restart the server."));
}

/*
 * Steps are committed without waiting for the disk. What is told to somebody is on it. When the last record has
 * filled its page, the place of the next is behind the header of a page that isn't begun, and can't be flushed up to.
 */
static void
flush_commits(void)
{
	XLogRecPtr end;

	if (RecoveryInProgress())
		return;
	end = GetXLogInsertRecPtr();
	if (XLogSegmentOffset(end, wal_segment_size) == SizeOfXLogLongPHD)
		end -= SizeOfXLogLongPHD;
	else if (end % XLOG_BLCKSZ == SizeOfXLogShortPHD)
		end -= SizeOfXLogShortPHD;
	XLogFlush(end);
}

PG_FUNCTION_INFO_V1(pg_etl_wait_for_run);
Datum
pg_etl_wait_for_run(PG_FUNCTION_ARGS)
{
	int64 run_id = PG_GETARG_INT64(0);
	TimestampTz end = DatumGetTimestampTz(DirectFunctionCall2(
		timestamptz_pl_interval, TimestampTzGetDatum(GetCurrentTimestamp()), PG_GETARG_DATUM(1)));
	SeenRun seen = see_run(run_id);

	check_waitable(run_id, &seen);
	if (!seen.ended)
	{
		ConditionVariable *ended = shared_run_ended(run_id);

		ConditionVariablePrepareToSleep(ended);
		while (!(seen = see_run(run_id)).ended)
		{
			long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);

			check_waitable(run_id, &seen);
			if (left <= 0)
				ereport(ERROR, errcode(ERRCODE_QUERY_CANCELED),
						errmsg("run " INT64_FORMAT " has not ended within the timeout", run_id),
						errdetail("Its status is \"%s\".", status_now(run_id, &seen)),
						errhint("Wait longer: etl.wait_for_run(%lld, interval '...'). The run goes on.",
								(long long) run_id));
			/* The timeout is only there in case the run's end was not broadcast: its process died with the commit. */
			(void) ConditionVariableTimedSleep(ended, Min(left, 1000), PG_WAIT_EXTENSION);
		}
		ConditionVariableCancelSleep();
	}
	flush_commits();
	PG_RETURN_TEXT_P(cstring_to_text(seen.status));
}

PG_FUNCTION_INFO_V1(pg_etl_cancel_run);
Datum
pg_etl_cancel_run(PG_FUNCTION_ARGS)
{
	int64 run_id = PG_GETARG_INT64(0);
	EtlHistory history = {.run_id = run_id};
	EtlSpiScope spi;
	bool cancelled;

	operate_check(run_id, "cancel");
	etl_spi_open(&spi, ETL_SPI_OWNER);
	cancelled = run_cancel(run_id, &history);
	if (cancelled)
	{
		history_write(&history);
		wake_for_cancel(run_id);
	}
	etl_spi_close(&spi);
	PG_RETURN_BOOL(cancelled);
}

/*
 * recover.c
 *		Steps whose process is gone. See recover.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/journal.h"
#include "flow/recover.h"
#include "flow/shared.h"
#include "flow/step.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

/* Whether the step still is where its process left it; locked if so. */
static bool
lock_interrupted(int64 task_run_id)
{
	static EtlSpiPlan lock = {
		"SELECT 1 FROM etl.task_run t WHERE task_run_id = $1 AND (status = 'running'"
		"  OR EXISTS (SELECT FROM etl.ready q WHERE q.task_run_id = t.task_run_id)) FOR UPDATE",
		1,
		{INT8OID}};
	Datum values[] = {Int64GetDatum(task_run_id)};
	EtlSpiScope spi;
	bool found;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	found = etl_spi_execute(&lock, SPI_OK_SELECT, values, NULL) > 0;
	etl_spi_close(&spi);
	return found;
}

static void
record_interrupted(int64 task_run_id, EtlStepStatus status, TimestampTz started_at)
{
	EtlClaim *claim;
	EtlStepFailure failure = {0};

	StartTransactionCommand();
	if (lock_interrupted(task_run_id) && (claim = step_load(task_run_id)) != NULL)
	{
		if (started_at != 0)
			claim->started_at = started_at;
		if (status == ETL_STEP_CRASHED)
			failure = (EtlStepFailure){
				.sqlstate = ERRCODE_CRASH_SHUTDOWN,
				.message = psprintf("the server process that ran task \"%s\" died", claim->step.task),
				.hint = "The server log says of what. A step that ends its process three times is not run again."};
		else
			failure = (EtlStepFailure){
				.sqlstate = ERRCODE_ADMIN_SHUTDOWN,
				.message = psprintf("the server process that ran task \"%s\" was stopped", claim->step.task)};
		step_record(claim, status, NULL, &failure);
	}
	CommitTransactionCommand();
}

void
recover_forget(Oid dbid)
{
	for (int i = 0; i < etl_shared->executor_count; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
		if (slot->state == ETL_EXECUTOR_RECOVER && slot->dbid == dbid)
		{
			journal_clear(i);
			memset(slot, 0, sizeof(*slot));
		}
		LWLockRelease(etl_shared->lock);
	}
}

void
recover_crashed(void)
{
	for (int i = 0; i < etl_shared->executor_count; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		/* Only this process changes a slot of its database that is in this state. */
		if (slot->state != ETL_EXECUTOR_RECOVER || slot->dbid != MyDatabaseId)
			continue;
		record_interrupted(slot->task_run_id, ETL_STEP_CRASHED, slot->started_at);
		journal_clear(i);
		LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
		memset(slot, 0, sizeof(*slot));
		LWLockRelease(etl_shared->lock);
	}
}

static bool
some_executor_is_at(int64 task_run_id)
{
	bool found = false;

	LWLockAcquire(etl_shared->lock, LW_SHARED);
	for (int i = 0; i < etl_shared->executor_count; i++)
		if (etl_shared->executors[i].dbid == MyDatabaseId && etl_shared->executors[i].task_run_id == task_run_id)
			found = true;
	LWLockRelease(etl_shared->lock);
	return found;
}

/* Run a query that answers one column of bigint; the values, in the current context. */
static int
collect_ids(EtlSpiPlan *query, Datum *values, int64 **ids)
{
	MemoryContext context = CurrentMemoryContext;
	EtlSpiScope spi;
	int count;
	bool isnull;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	count = (int) etl_spi_execute(query, SPI_OK_SELECT, values, NULL);
	*ids = MemoryContextAlloc(context, (count + 1) * sizeof(int64));
	for (int i = 0; i < count; i++)
		(*ids)[i] = DatumGetInt64(etl_spi_datum(i, 1, &isnull));
	etl_spi_close(&spi);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return count;
}

void
recover_abandoned(void)
{
	static EtlSpiPlan running = {"SELECT task_run_id FROM etl.task_run WHERE status = 'running'", 0, {0}};
	int64 *ids;
	int count = collect_ids(&running, NULL, &ids);

	/* An executor that has just finished is seen by lock_interrupted: the record comes before it leaves its slot. */
	for (int i = 0; i < count; i++)
		if (!some_executor_is_at(ids[i]))
			record_interrupted(ids[i], ETL_STEP_STOPPED, 0);
}

void
recover_unrunnable(Oid owner, const char *problem, const char *hint)
{
	static EtlSpiPlan ready = {"SELECT task_run_id FROM etl.ready WHERE owner = $1", 1, {OIDOID}};
	Datum values[] = {ObjectIdGetDatum(owner)};
	int64 *ids;
	int count = collect_ids(&ready, values, &ids);

	for (int i = 0; i < count; i++)
	{
		EtlClaim *claim;
		EtlStepFailure failure = {.sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, .hint = hint};

		StartTransactionCommand();
		/* Not one that an executor from before is still at: to wait for it here is to wait for the step. */
		if (step_reclaim(ids[i]) && (claim = step_load(ids[i])) != NULL)
		{
			char *role = GetUserNameFromId(owner, true);

			failure.message = psprintf("task \"%s\" cannot run as role %s: %s", claim->step.task,
									   role ? quote_identifier(role) : psprintf("%u", owner), problem);
			claim->retries = 0;
			step_record(claim, ETL_STEP_FAILED, NULL, &failure);
		}
		CommitTransactionCommand();
	}
}

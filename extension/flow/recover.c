/*
 * recover.c
 *		Steps whose process is gone. See recover.h.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/journal.h"
#include "flow/queue.h"
#include "flow/recover.h"
#include "flow/shared.h"
#include "flow/step.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"

static void
record_interrupted(int64 task_run_id, EtlStepStatus status, TimestampTz started_at)
{
	EtlClaim *claim;
	EtlStepFailure failure = {0};

	StartTransactionCommand();
	/* A local step looks as if it had never been started, an external one as if it still ran. */
	claim = step_claim(task_run_id);
	if (claim == NULL)
		claim = step_claim_abandoned(task_run_id);
	if (claim != NULL)
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
		if (!step_record(claim, status, NULL, &failure))
			step_record(claim, ETL_STEP_CANCELLED, NULL, &failure);
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

/* Run a query that answers one column of bigint; the values, in the current context. */
static int
collect_ids(EtlSpiPlan *query, int64 **ids)
{
	MemoryContext context = CurrentMemoryContext;
	EtlSpiScope spi;
	int count;
	bool isnull;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	count = (int) etl_spi_execute(query, SPI_OK_SELECT, NULL, NULL);
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
	static EtlSpiPlan running = {"SELECT task_run_id FROM etl.running", 0, {0}};
	int64 *ids;
	int count = collect_ids(&running, &ids);

	/* One that an executor has just finished is not recorded as running any more: it recorded that before it left. */
	for (int i = 0; i < count; i++)
		if (shared_executors_at(MyDatabaseId, ids[i]) == 0)
			record_interrupted(ids[i], ETL_STEP_STOPPED, 0);
}

void
recover_unrunnable(Oid owner, const char *problem, const char *hint)
{
	EtlQueued next;

	while (queue_pop(MyDatabaseId, owner, &next))
	{
		EtlClaim *claim;
		EtlStepFailure failure = {.sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION, .hint = hint};

		StartTransactionCommand();
		/* NULL: an executor from before is still at it. */
		claim = step_claim(next.task_run_id);
		if (claim != NULL)
		{
			char *role = GetUserNameFromId(owner, true);

			failure.message = psprintf("task \"%s\" cannot run as role %s: %s", claim->step.task,
									   role ? quote_identifier(role) : psprintf("%u", owner), problem);
			claim->retries = 0;
			if (!step_record(claim, ETL_STEP_FAILED, NULL, &failure))
				step_record(claim, ETL_STEP_CANCELLED, NULL, &failure);
		}
		CommitTransactionCommand();
	}
}

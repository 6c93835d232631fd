/*
 * recover.c
 *		Steps whose process is gone. See recover.h.
 *
 * A step that can't be recorded because of an error is given up, with the error in the log; the others are not to
 * wait for it. One that somebody has locked is not given up: it is tried again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type.h"
#include "flow/journal.h"
#include "flow/queue.h"
#include "flow/recover.h"
#include "flow/shared.h"
#include "flow/step.h"
#include "miscadmin.h"

typedef struct Interrupted
{
	int64 run_id;
	int64 task_run_id;
	EtlStepStatus status;
	TimestampTz started_at; /* 0: as recorded */
} Interrupted;

/* In words. */
static EtlStepFailure
describe(const EtlClaim *claim, EtlStepStatus status)
{
	switch (status)
	{
		case ETL_STEP_CANCELLED:
			return step_failure_of_cancellation(claim);
		case ETL_STEP_TIMED_OUT:
			return step_failure_of_timeout(claim);
		case ETL_STEP_CRASHED:
			return (EtlStepFailure){
				.sqlstate = ERRCODE_CRASH_SHUTDOWN,
				.message = psprintf("the server process that ran task \"%s\" died", claim->step.task),
				.hint = "The server log says of what. A step that ends its process three times is not run "
						"again."};
		default:
			return (EtlStepFailure){
				.sqlstate = ERRCODE_ADMIN_SHUTDOWN,
				.message = psprintf("the server process that ran task \"%s\" was stopped", claim->step.task)};
	}
}

/* With the outcome that is left, if the run has ended. */
static void
record(const EtlClaim *claim, EtlStepStatus status, const EtlStepFailure *failure)
{
	if (!step_record(claim, status, NULL, failure))
		step_record(claim, ETL_STEP_CANCELLED, NULL, failure);
}

static void
record_interrupted(void *arg)
{
	const Interrupted *step = arg;
	EtlClaim *claim;
	EtlStepFailure failure;

	StartTransactionCommand();
	/* A local step looks as if it had never been started, an external one as if it still ran. */
	claim = step_claim(step->run_id, step->task_run_id);
	if (claim == NULL)
		claim = step_claim_abandoned(step->run_id, step->task_run_id);
	if (claim != NULL)
	{
		if (step->started_at != 0)
			claim->started_at = step->started_at;
		failure = describe(claim, step->status);
		record(claim, step->status, &failure);
	}
	CommitTransactionCommand();
}

/* The slot is nobody's any more. */
static void
forget(int index)
{
	journal_clear(index);
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	memset(&etl_shared->executors[index], 0, sizeof(EtlExecutorSlot));
	shared_wake_wanting(NULL);
	LWLockRelease(etl_shared->lock);
}

/* Only a scheduler, or the launcher where there is none, changes a slot that is in this state. */
static bool
is_to_recover(int index, Oid dbid)
{
	const EtlExecutorSlot *slot = &etl_shared->executors[index];
	bool is;

	LWLockAcquire(etl_shared->lock, LW_SHARED);
	is = slot->state == ETL_EXECUTOR_RECOVER && slot->dbid == dbid;
	LWLockRelease(etl_shared->lock);
	return is;
}

void
recover_forget(Oid dbid)
{
	for (int i = 0; i < etl_shared->executor_count; i++)
		if (is_to_recover(i, dbid))
			forget(i);
}

bool
recover_crashed(void)
{
	bool complete = true;

	for (int i = 0; i < etl_shared->executor_count; i++)
	{
		static const EtlStepStatus statuses[] = {[ETL_NOT_EVICTED] = ETL_STEP_CRASHED,
												 [ETL_EVICTED_CANCELLED] = ETL_STEP_CANCELLED,
												 [ETL_EVICTED_TIMED_OUT] = ETL_STEP_TIMED_OUT};
		Interrupted step;

		if (!is_to_recover(i, MyDatabaseId))
			continue;
		step.status = statuses[etl_shared->executors[i].evicted];
		step.run_id = etl_shared->executors[i].run_id;
		step.task_run_id = etl_shared->executors[i].task_run_id;
		step.started_at = etl_shared->executors[i].started_at;
		if (etl_transaction_guard(record_interrupted, &step) == ERRCODE_LOCK_NOT_AVAILABLE)
			complete = false;
		else
			forget(i);
	}
	return complete;
}

bool
recover_abandoned(void)
{
	static EtlSpiPlan running = {"SELECT run_id, task_run_id FROM etl.running", 0, {0}};
	MemoryContext context = CurrentMemoryContext;
	Interrupted *steps;
	uint64 count;
	EtlSpiScope spi;
	bool complete = true;
	bool isnull;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	count = etl_spi_execute(&running, SPI_OK_SELECT, NULL, NULL);
	steps = MemoryContextAlloc(context, (count + 1) * sizeof(Interrupted));
	for (uint64 i = 0; i < count; i++)
		steps[i] = (Interrupted){.run_id = DatumGetInt64(etl_spi_datum(i, 1, &isnull)),
								 .task_run_id = DatumGetInt64(etl_spi_datum(i, 2, &isnull)),
								 .status = ETL_STEP_STOPPED};
	etl_spi_close(&spi);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);

	/* One that an executor has just finished is not recorded as running any more: it recorded that before it left. */
	for (uint64 i = 0; i < count; i++)
		if (shared_executors_at(MyDatabaseId, steps[i].task_run_id) == 0 &&
			etl_transaction_guard(record_interrupted, &steps[i]) == ERRCODE_LOCK_NOT_AVAILABLE)
			complete = false;
	return complete;
}

/* A step that nobody is at, and why nobody will be. */
typedef struct Unrunnable
{
	EtlQueued step;
	const EtlRoleProblem *problem; /* of its owner; NULL: none */
	const char *pool;			   /* which is not there */
} Unrunnable;

static EtlStepFailure
pool_failure(const EtlClaim *claim, const char *pool)
{
	return (EtlStepFailure){
		.sqlstate = ERRCODE_UNDEFINED_OBJECT,
		.message = psprintf("task \"%s\" needs a slot of pool \"%s\", which does not exist", claim->step.task, pool),
		.detail = "A run keeps the definition it was queued with.",
		.hint = "Insert the pool into etl.pool and carry the run on with etl.retry_run, or queue another."};
}

static void
record_unrunnable(void *arg)
{
	const Unrunnable *refused = arg;
	EtlClaim *claim;

	StartTransactionCommand();
	/* NULL: an executor from before is still at it. */
	claim = step_claim(refused->step.run_id, refused->step.task_run_id);
	if (claim != NULL)
	{
		EtlStepFailure failure = refused->problem != NULL ? role_failure(claim, refused->problem)
														  : pool_failure(claim, refused->pool);

		claim->retries = 0;
		record(claim, ETL_STEP_FAILED, &failure);
	}
	CommitTransactionCommand();
}

/* False: somebody has locked it, and it is in the tables alone now. */
static bool
refuse(Unrunnable *refused)
{
	if (etl_transaction_guard(record_unrunnable, refused) != ERRCODE_LOCK_NOT_AVAILABLE)
		return true;
	shared_queue_overflowed(MyDatabaseId);
	return false;
}

bool
recover_unrunnable(Oid owner, const EtlRoleProblem *problem)
{
	Unrunnable refused = {.problem = problem};
	bool complete = true;

	while (queue_pop(MyDatabaseId, owner, &refused.step))
	{
		complete = refuse(&refused) && complete;
		shared_release_pool(refused.step.slot_of);
	}
	return complete;
}

bool
recover_without_pool(const char *pool)
{
	Unrunnable refused = {.pool = pool};
	bool complete = true;

	while (queue_pool_remove_first(MyDatabaseId, pool, &refused.step))
		complete = refuse(&refused) && complete;
	return complete;
}

/*
 * scheduler.c
 *		The scheduler's process. See scheduler.h.
 *
 * It sleeps on its latch until a commit, an executor that left, or the next timer wakes it, and then does all there
 * is to do, each thing in a short transaction of its own. It never waits for a step.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "base/clock.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type.h"
#include "flow/executor.h"
#include "flow/recover.h"
#include "flow/scheduler.h"
#include "flow/shared.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define NO_WORKER_PAUSE_MS 1000

PGDLLEXPORT void pg_etl_scheduler_main(Datum arg);

static EtlSchedulerSlot *my_slot = NULL;

bool
scheduler_start(int slot, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = Int32GetDatum(slot);
	strlcpy(worker.bgw_library_name, "pg_etl", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "pg_etl_scheduler_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "pg_etl scheduler", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pg_etl scheduler", BGW_MAXLEN);
	return RegisterDynamicBackgroundWorker(&worker, handle);
}

static void
leave(int code, Datum arg)
{
	bool served = my_slot->serving;
	bool failed = served && !shared_is_quiesced(my_slot->dbid);

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	if (failed)
		etl_shared->scheduler_failed = true;
	memset(my_slot, 0, sizeof(*my_slot));
	LWLockRelease(etl_shared->lock);
	shared_wake_launcher(served);
	ConditionVariableBroadcast(&etl_shared->worker_gone);
}

static void
attach(int index)
{
	Oid dbid;

	my_slot = &etl_shared->schedulers[index];
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	dbid = my_slot->dbid;
	my_slot->pid = MyProcPid;
	my_slot->latch = MyLatch;
	LWLockRelease(etl_shared->lock);
	if (dbid == InvalidOid)
		proc_exit(0); /* the launcher gave the slot up before the postmaster got round to this process */
	before_shmem_exit(leave, (Datum) 0);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(dbid, InvalidOid, 0);
	etl_transaction_set_defaults();
	SetConfigOption("application_name", "pg_etl scheduler", PGC_USERSET, PGC_S_SESSION);
}

static bool
extension_is_here(void)
{
	bool here;

	StartTransactionCommand();
	here = OidIsValid(etl_extension_owner());
	CommitTransactionCommand();
	return here;
}

/* Steps whose time has come join the queue. Returns when the next is due; DT_NOEND: none is. */
static TimestampTz
fire_timers(void)
{
	static EtlSpiPlan fire = {
		"WITH due AS (DELETE FROM etl.timer WHERE due_at <= $1 RETURNING task_run_id, run_id, owner),"
		" queued AS (UPDATE etl.task_run t SET status = 'queued', queued_at = $1 FROM due"
		"  WHERE t.task_run_id = due.task_run_id)"
		" INSERT INTO etl.ready (task_run_id, run_id, owner) SELECT task_run_id, run_id, owner FROM due",
		1,
		{TIMESTAMPTZOID}};
	static EtlSpiPlan next = {"SELECT min(due_at) FROM etl.timer", 0, {0}};
	Datum values[] = {TimestampTzGetDatum(clock_now())};
	TimestampTz due;
	bool isnull;
	EtlSpiScope spi;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_execute(&fire, SPI_OK_INSERT, values, NULL);
	etl_spi_execute(&next, SPI_OK_SELECT, NULL, NULL);
	due = DatumGetTimestampTz(etl_spi_datum(0, 1, &isnull));
	if (isnull)
		due = DT_NOEND;
	etl_spi_close(&spi);
	CommitTransactionCommand();
	return due;
}

/* An owner with steps in the queue. */
typedef struct Demand
{
	Oid owner;
	int steps;	   /* no more than there can be executors */
	char *problem; /* NULL: executors can connect as it */
} Demand;

static List *
read_demand(MemoryContext context)
{
	static EtlSpiPlan demand = {
		"SELECT q.owner, least(count(*), $1)::int4,"
		"  CASE WHEN r.oid IS NULL THEN 'the role does not exist any more'"
		"   WHEN NOT r.rolcanlogin THEN 'the role has no LOGIN'"
		"   WHEN NOT has_database_privilege(r.oid, current_database(), 'CONNECT')"
		"    THEN 'the role has no CONNECT privilege on this database' END"
		" FROM etl.ready q LEFT JOIN pg_roles r ON r.oid = q.owner GROUP BY q.owner, r.oid, r.rolcanlogin",
		1,
		{INT4OID}};
	Datum values[] = {Int32GetDatum(etl_max_executors)};
	List *list = NIL;
	EtlSpiScope spi;
	uint64 count;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	count = etl_spi_execute(&demand, SPI_OK_SELECT, values, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		MemoryContext old = MemoryContextSwitchTo(context);
		Demand *one = palloc0(sizeof(Demand));
		bool isnull;
		Datum problem;

		one->owner = DatumGetObjectId(etl_spi_datum(i, 1, &isnull));
		one->steps = DatumGetInt32(etl_spi_datum(i, 2, &isnull));
		problem = etl_spi_datum(i, 3, &isnull);
		one->problem = isnull ? NULL : TextDatumGetCString(problem);
		list = lappend(list, one);
		MemoryContextSwitchTo(old);
	}
	etl_spi_close(&spi);
	CommitTransactionCommand();
	return list;
}

/*
 * Give slots to `wanted` more executors of this owner. Returns how many got one, their numbers in slots. When none
 * is free, idle ones of other owners are asked to leave; the scheduler is woken when they have.
 */
static int
reserve_slots(Oid owner, int wanted, int *slots)
{
	int got = 0;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < etl_shared->executor_count; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->state != ETL_EXECUTOR_FREE && slot->dbid == MyDatabaseId && slot->owner == owner && !slot->unqueued)
		{
			/* Running one of the steps in the queue, or about to: one less to start. An idle one may not know yet. */
			wanted--;
			if (slot->state == ETL_EXECUTOR_IDLE)
				SetLatch(slot->latch);
		}
	}
	for (int i = 0; i < etl_shared->executor_count && got < wanted; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->state != ETL_EXECUTOR_FREE)
			continue;
		slot->state = ETL_EXECUTOR_STARTING;
		slot->dbid = MyDatabaseId;
		slot->owner = owner;
		slots[got++] = i;
	}
	for (int i = 0, evict = wanted - got; i < etl_shared->executor_count && evict > 0; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->state == ETL_EXECUTOR_IDLE && (slot->dbid != MyDatabaseId || slot->owner != owner))
		{
			slot->retire = true;
			SetLatch(slot->latch);
			evict--;
		}
	}
	LWLockRelease(etl_shared->lock);
	return got;
}

static void
release_slot(int index)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	memset(&etl_shared->executors[index], 0, sizeof(EtlExecutorSlot));
	LWLockRelease(etl_shared->lock);
}

/*
 * See that executors are at work for every owner with steps in the queue. False: some process could not be had, or
 * could not connect (the server log says why), and it is to be tried again in a while.
 */
static bool
dispatch(MemoryContext context)
{
	int *slots = MemoryContextAlloc(context, etl_shared->executor_count * sizeof(int));
	bool complete = true;
	bool pause;
	ListCell *cell;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	pause = my_slot->executor_failed;
	my_slot->executor_failed = false;
	LWLockRelease(etl_shared->lock);
	if (pause)
		return false;
	foreach (cell, read_demand(context))
	{
		Demand *demand = lfirst(cell);
		int count;

		if (demand->problem != NULL)
		{
			recover_unrunnable(demand->owner, demand->problem,
							   "Give the workflow another owner, or the role what it lacks; then run it again.");
			continue;
		}
		count = reserve_slots(demand->owner, demand->steps, slots);
		for (int i = 0; i < count; i++)
			if (!executor_start(slots[i]))
			{
				release_slot(slots[i]);
				complete = false;
			}
	}
	if (!complete)
		ereport(WARNING, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("no background worker is left for an executor"),
				errhint("Raise max_worker_processes, or lower etl.max_executors."));
	return complete;
}

static void
sleep_until(TimestampTz due)
{
	long timeout = -1;
	int flags = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;

	if (due != DT_NOEND)
	{
		timeout = TimestampDifferenceMilliseconds(clock_now(), due) + 1;
		flags |= WL_TIMEOUT;
	}
	pgstat_report_activity(STATE_IDLE, NULL);
	(void) WaitLatch(MyLatch, flags, timeout, PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

void
pg_etl_scheduler_main(Datum arg)
{
	MemoryContext context;

	attach(DatumGetInt32(arg));
	if (!extension_is_here())
	{
		recover_forget(MyDatabaseId);
		proc_exit(0);
	}
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	my_slot->serving = true;
	LWLockRelease(etl_shared->lock);
	shared_wake_launcher(false);

	context = AllocSetContextCreate(TopMemoryContext, "pg_etl scheduler", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		TimestampTz due;

		MemoryContextSwitchTo(context);
		recover_crashed();
		recover_abandoned();
		due = fire_timers();
		MemoryContextSwitchTo(context);
		if (!dispatch(context))
			due = Min(due, TimestampTzPlusMilliseconds(clock_now(), NO_WORKER_PAUSE_MS));
		MemoryContextSwitchTo(TopMemoryContext);
		MemoryContextReset(context);
		sleep_until(due);
	}
}

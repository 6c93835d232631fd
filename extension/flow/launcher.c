/*
 * launcher.c
 *		Starts a scheduler in every database that has the extension. See launcher.h.
 *
 * Whether a database has it can only be seen from inside: a scheduler is started in each, one after the other, and
 * leaves at once where there is nothing to do. That is done at server start (on a standby: at promotion) and when
 * something says look again: CREATE EXTENSION, CREATE DATABASE, a scheduler that left. A database that some backend
 * wants to itself (DROP DATABASE, DROP EXTENSION: see quiesce.c) is passed over until that is done.
 */
#include "postgres.h"

#include <signal.h>

#include "access/genam.h"
#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_database.h"
#include "flow/launcher.h"
#include "flow/recover.h"
#include "flow/scheduler.h"
#include "flow/shared.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

#define LOOK_PAUSE_MS 1000 /* between two looks at all databases, lest a failing scheduler be started in a loop */

PGDLLEXPORT void pg_etl_launcher_main(Datum arg);

void
launcher_register(void)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = 1;
	strlcpy(worker.bgw_library_name, "pg_etl", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "pg_etl_launcher_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "pg_etl launcher", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pg_etl launcher", BGW_MAXLEN);
	RegisterBackgroundWorker(&worker);
}

static void
leave(int code, Datum arg)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	etl_shared->launcher_pid = 0;
	etl_shared->launcher_latch = NULL;
	LWLockRelease(etl_shared->lock);
}

/* OIDs of the databases that can be served, in the current context. */
static List *
list_databases(void)
{
	MemoryContext context = CurrentMemoryContext;
	List *databases = NIL;
	Relation relation;
	TableScanDesc scan;
	HeapTuple tuple;

	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	relation = table_open(DatabaseRelationId, AccessShareLock);
	scan = table_beginscan_catalog(relation, 0, NULL);
	while (HeapTupleIsValid(tuple = heap_getnext(scan, ForwardScanDirection)))
	{
		Form_pg_database database = (Form_pg_database) GETSTRUCT(tuple);
		MemoryContext old;

		if (!database->datallowconn || database->datistemplate)
			continue;
		old = MemoryContextSwitchTo(context);
		databases = lappend_oid(databases, database->oid);
		MemoryContextSwitchTo(old);
	}
	table_endscan(scan);
	table_close(relation, AccessShareLock);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return databases;
}

/*
 * Steps that crashed in a database that is gone, or that nobody can connect to any more, have nobody to recover them:
 * their executors' slots are free again.
 */
static void
forget_unserved(void)
{
	List *crashed = NIL;
	List *databases;
	ListCell *cell;

	/* Before the look at which databases there are: one that is made meanwhile is not taken for one that is gone. */
	for (int i = 0; i < etl_shared->executor_count; i++)
	{
		Oid dbid = InvalidOid;

		LWLockAcquire(etl_shared->lock, LW_SHARED);
		if (etl_shared->executors[i].state == ETL_EXECUTOR_RECOVER)
			dbid = etl_shared->executors[i].dbid;
		LWLockRelease(etl_shared->lock);
		if (OidIsValid(dbid))
			crashed = list_append_unique_oid(crashed, dbid);
	}
	if (crashed == NIL)
		return;
	databases = list_databases();
	foreach (cell, crashed)
		if (!list_member_oid(databases, lfirst_oid(cell)))
			recover_forget(lfirst_oid(cell));
}

/* A slot for the database's scheduler; -1: it has one, must have none, or all are taken. */
static int
reserve_slot(Oid dbid)
{
	int free = -1;

	if (shared_is_quiesced(dbid))
		return -1;
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
	{
		if (etl_shared->schedulers[i].dbid == dbid)
		{
			LWLockRelease(etl_shared->lock);
			return -1;
		}
		if (etl_shared->schedulers[i].dbid == InvalidOid && free < 0)
			free = i;
	}
	if (free >= 0)
		etl_shared->schedulers[free].dbid = dbid;
	LWLockRelease(etl_shared->lock);
	if (free < 0)
		ereport(WARNING, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("workflows run in at most %d databases of a server", ETL_MAX_DATABASES),
				errdetail("Database %u is left out.", dbid));
	return free;
}

/* A slot is given up until a scheduler has attached to it; from then on the scheduler gives it up. */
static void
release_slot(int slot)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	if (etl_shared->schedulers[slot].pid == 0)
		memset(&etl_shared->schedulers[slot], 0, sizeof(EtlSchedulerSlot));
	LWLockRelease(etl_shared->lock);
}

/* The scheduler in this slot serves, or has found nothing to do and left. */
static bool
is_settled(int slot)
{
	bool settled;

	LWLockAcquire(etl_shared->lock, LW_SHARED);
	settled = etl_shared->schedulers[slot].dbid == InvalidOid || etl_shared->schedulers[slot].serving;
	LWLockRelease(etl_shared->lock);
	return settled;
}

static void
wait_on_latch(long timeout)
{
	(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (timeout > 0 ? WL_TIMEOUT : 0), timeout,
					 PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
}

/* Start the database's scheduler and wait until it knows whether it is needed. False: no process could be had. */
static bool
probe(Oid dbid)
{
	BackgroundWorkerHandle *handle;
	pid_t pid;
	int slot = reserve_slot(dbid);

	if (slot < 0)
		return true;
	if (!scheduler_start(slot, &handle))
	{
		release_slot(slot);
		ereport(WARNING, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("no background worker is left for the scheduler of database %u", dbid),
				errhint("Raise max_worker_processes."));
		return false;
	}
	while (!is_settled(slot))
	{
		if (GetBackgroundWorkerPid(handle, &pid) == BGWH_STOPPED)
		{
			release_slot(slot);
			break;
		}
		wait_on_latch(100);
	}
	pfree(handle);
	return true;
}

void
pg_etl_launcher_main(Datum arg)
{
	MemoryContext context;

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	before_shmem_exit(leave, (Datum) 0);
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	etl_shared->launcher_pid = MyProcPid;
	etl_shared->launcher_latch = MyLatch;
	etl_shared->look_again = true;
	LWLockRelease(etl_shared->lock);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnection(NULL, NULL, 0);

	/* Those that a launcher before this one waited for. */
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
		release_slot(i);
	context = AllocSetContextCreate(TopMemoryContext, "pg_etl launcher", ALLOCSET_DEFAULT_SIZES);
	for (;;)
	{
		bool look;
		bool failed;
		bool complete = true;
		ListCell *cell;

		LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
		look = etl_shared->look_again;
		etl_shared->look_again = false;
		failed = etl_shared->scheduler_failed;
		etl_shared->scheduler_failed = false;
		LWLockRelease(etl_shared->lock);
		if (!look)
		{
			wait_on_latch(0);
			continue;
		}
		MemoryContextSwitchTo(context);
		forget_unserved();
		foreach (cell, list_databases())
			complete = probe(lfirst_oid(cell)) && complete;
		MemoryContextReset(context);
		if (!complete)
			shared_wake_launcher(true);
		/* Not by the latch: a look asked for meanwhile waits its turn. */
		(void) WaitLatch(MyLatch, WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, complete && !failed ? 0 : LOOK_PAUSE_MS,
						 PG_WAIT_EXTENSION);
		CHECK_FOR_INTERRUPTS();
	}
}

/*
 * executor.c
 *		The executor's process: attach, loop, leave.
 *
 * It is connected as the workflows' owner from its first moment, never as a superuser that plays the owner: a
 * statement that says RESET ROLE or RESET SESSION AUTHORIZATION gets back to the owner. The engine's own bookkeeping
 * takes the extension owner's rights in ETL_SPI_OWNER scopes, where no user SQL runs.
 */
#include "postgres.h"

#include <signal.h>
#include <unistd.h>

#include "access/xact.h"
#include "base/clock.h"
#include "base/transaction.h"
#include "flow/executor.h"
#include "flow/journal.h"
#include "flow/shared.h"
#include "flow/step.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/procsignal.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"
#include "utils/ps_status.h"

#define IDLE_TIMEOUT_MS 10000 /* a warm executor without work leaves after this */

PGDLLEXPORT void pg_etl_executor_main(Datum arg);

static EtlExecutorSlot *my_slot = NULL;
static bool connected = false;

bool
executor_start(int index, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker = {0};

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = Int32GetDatum(index);
	strlcpy(worker.bgw_library_name, "pg_etl", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, "pg_etl_executor_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, "pg_etl executor", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pg_etl executor", BGW_MAXLEN);
	return RegisterDynamicBackgroundWorker(&worker, handle);
}

void
executor_step_begin(int64 task_run_id, int64 run_id)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	my_slot->state = ETL_EXECUTOR_BUSY;
	my_slot->task_run_id = task_run_id;
	my_slot->run_id = run_id;
	my_slot->started_at = clock_now();
	my_slot->cancel = false;
	/* One that was sent to the step before, too late, was sent under this lock. */
	QueryCancelPending = false;
	LWLockRelease(etl_shared->lock);
	journal_write(MyDatabaseId, task_run_id, my_slot->started_at);
}

void
executor_step_show(const EtlStep *step)
{
	/* debug_query_string is what log lines and pg_stat_activity show; the statement itself may hold secrets. */
	static char shown[256];

	snprintf(shown, sizeof(shown), "run " INT64_FORMAT " of workflow \"%s\": task \"%s\", attempt %d", step->run_id,
			 step->workflow, step->task, step->attempt);
	debug_query_string = shown;
	pgstat_report_activity(STATE_RUNNING, shown);
}

void
executor_step_end(void)
{
	journal_write(MyDatabaseId, 0, 0);
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	my_slot->task_run_id = 0;
	my_slot->run_id = 0;
	my_slot->cancel = false;
	LWLockRelease(etl_shared->lock);
	debug_query_string = NULL;
	pgstat_report_activity(STATE_IDLE, NULL);
	pgstat_report_stat(false);
}

bool
executor_step_is_cancelled(void)
{
	bool cancelled;

	LWLockAcquire(etl_shared->lock, LW_SHARED);
	cancelled = my_slot->cancel;
	LWLockRelease(etl_shared->lock);
	return cancelled;
}

Oid
executor_owner(void)
{
	return my_slot == NULL ? InvalidOid : my_slot->owner;
}

int64
executor_run_id(void)
{
	return my_slot == NULL ? 0 : my_slot->run_id;
}

static void
set_state(EtlExecutorState state)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	my_slot->state = state;
	LWLockRelease(etl_shared->lock);
}

/*
 * However it leaves, its scheduler looks for what it left undone, others for the free slot. A step that has its
 * process ended, other than for a statement that needs the database without it, is treated as one that crashed it:
 * it would do so for ever. (Nobody is left to do that when the server shuts down.)
 */
static void
leave(int code, Datum arg)
{
	Oid dbid = my_slot->dbid;
	bool died = my_slot->task_run_id != 0 && !shared_is_quiesced(dbid);

	journal_write(dbid, 0, 0);
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	if (died)
	{
		my_slot->state = ETL_EXECUTOR_RECOVER;
		my_slot->owner = InvalidOid;
		my_slot->pid = 0;
		my_slot->latch = NULL;
	}
	else
		memset(my_slot, 0, sizeof(*my_slot));
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
		if (!connected && etl_shared->schedulers[i].dbid == dbid)
			etl_shared->schedulers[i].executor_failed = true;
	LWLockRelease(etl_shared->lock);
	if (code != 0)
		shared_queue_overflowed(dbid); /* a step that it took and never came to is in the tables alone */
	shared_executor_left(dbid);
	ConditionVariableBroadcast(&etl_shared->worker_gone);
}

/* The server crashed, and not here: this step is not the one to blame. Only async-signal-safe calls. */
static void
at_crash_of_another(SIGNAL_ARGS)
{
	journal_write(my_slot->dbid, 0, 0);
	_exit(2);
}

/*
 * A local step's effect and its record are one commit: if a crash loses it, it loses both, and the step is run again.
 * So nothing has to wait for the disk, unless somebody has said that it should. (What others are told of, by
 * wait_for_run and external steps, is on disk before.)
 */
static void
set_commit_mode(void)
{
	/* As a default: a setting in postgresql.conf, of the database or of the role comes before it. */
	SetConfigOption("synchronous_commit", "off", PGC_USERSET, PGC_S_DYNAMIC_DEFAULT);
}

static void
attach(int index)
{
	Oid dbid;
	Oid owner;

	my_slot = &etl_shared->executors[index];
	journal_open(index);
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	if (my_slot->state != ETL_EXECUTOR_STARTING)
	{
		/* The scheduler gave the slot up before the postmaster got round to this process. */
		LWLockRelease(etl_shared->lock);
		proc_exit(0);
	}
	my_slot->pid = MyProcPid;
	my_slot->latch = MyLatch;
	my_slot->state = ETL_EXECUTOR_BUSY;
	dbid = my_slot->dbid;
	owner = my_slot->owner;
	LWLockRelease(etl_shared->lock);
	before_shmem_exit(leave, (Datum) 0);

	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGQUIT, at_crash_of_another);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(dbid, owner, 0);
	connected = true;
	step_set_read_only(DefaultXactReadOnly);
	etl_transaction_set_defaults();
	set_commit_mode();
	SetConfigOption("application_name", "pg_etl executor", PGC_USERSET, PGC_S_SESSION);
}

/* False: nothing came for long enough, or the place is wanted for another owner. */
static bool
wait_for_work(void)
{
	bool stay;
	int events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, IDLE_TIMEOUT_MS,
						   PG_WAIT_EXTENSION);

	ResetLatch(MyLatch);
	QueryCancelPending = false; /* meant for a step that has ended */
	CHECK_FOR_INTERRUPTS();
	if (ConfigReloadPending)
	{
		ConfigReloadPending = false;
		ProcessConfigFile(PGC_SIGHUP);
	}
	LWLockAcquire(etl_shared->lock, LW_SHARED);
	stay = !my_slot->retire && !(events & WL_TIMEOUT);
	LWLockRelease(etl_shared->lock);
	return stay;
}

void
pg_etl_executor_main(Datum arg)
{
	attach(DatumGetInt32(arg));
	do
	{
		while (step_run_next(my_slot->owner))
			CHECK_FOR_INTERRUPTS();

		/*
		 * Idle is said before the last look: who queues a step after it sees an idle executor and wakes it; what
		 * was queued before it is found by the look. (A step queued as it leaves is the scheduler's: leave() wakes it.)
		 */
		set_state(ETL_EXECUTOR_IDLE);
		pgstat_report_activity(STATE_IDLE, NULL);
	} while (step_run_next(my_slot->owner) || wait_for_work());
}

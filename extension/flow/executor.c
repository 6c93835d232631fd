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

#include "access/xact.h"
#include "base/transaction.h"
#include "flow/executor.h"
#include "flow/role.h"
#include "flow/remote_executor.h"
#include "flow/shared.h"
#include "flow/slot.h"
#include "flow/step.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "postmaster/interrupt.h"
#include "storage/ipc.h"
#include "storage/latch.h"
#include "tcop/tcopprot.h"
#include "utils/guc.h"

#define IDLE_TIMEOUT_MS 10000 /* a warm executor without work leaves after this */

PGDLLEXPORT void pg_etl_executor_main(Datum arg);

bool
executor_start(int index, BackgroundWorkerHandle **handle)
{
	BackgroundWorker worker = {0};
	bool remote = shared_slot_is_remote(index);

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = Int32GetDatum(index);
	strlcpy(worker.bgw_library_name, "pg_etl", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, remote ? ETL_REMOTE_EXECUTOR_MAIN : "pg_etl_executor_main", BGW_MAXLEN);
	strlcpy(worker.bgw_name, remote ? "pg_etl remote executor" : "pg_etl executor", BGW_MAXLEN);
	strlcpy(worker.bgw_type, worker.bgw_name, BGW_MAXLEN);
	return RegisterDynamicBackgroundWorker(&worker, handle);
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

	if (!slot_take(index, &dbid, &owner))
		proc_exit(0);
	pqsignal(SIGHUP, SignalHandlerForConfigReload);
	pqsignal(SIGTERM, die);
	pqsignal(SIGQUIT, slot_at_crash_of_another);
	BackgroundWorkerUnblockSignals();
	BackgroundWorkerInitializeConnectionByOid(dbid, owner, 0);
	slot_set_connected();
	step_set_read_only(DefaultXactReadOnly);
	etl_transaction_set_defaults();
	set_commit_mode();
	SetConfigOption("application_name", "pg_etl executor", PGC_USERSET, PGC_S_SESSION);
}

/* Settings as they are now. False: by them there is to be no executor of this role. */
static bool
reload_settings(void)
{
	EtlRoleProblem problem;
	bool may_stay;

	if (!ConfigReloadPending)
		return true;
	ConfigReloadPending = false;
	ProcessConfigFile(PGC_SIGHUP);
	StartTransactionCommand();
	may_stay = !role_has_problem(slot_owner(), &problem);
	CommitTransactionCommand();
	return may_stay;
}

/* False: nothing came for long enough, or the place is wanted for another owner. */
static bool
wait_for_work(void)
{
	int events;

	if (slot_is_wanted())
		return false;
	events = WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, IDLE_TIMEOUT_MS,
					   PG_WAIT_EXTENSION);
	ResetLatch(MyLatch);
	QueryCancelPending = false; /* meant for a step that has ended */
	CHECK_FOR_INTERRUPTS();
	if (!reload_settings())
		return false;
	return !slot_is_wanted() && !(events & WL_TIMEOUT);
}

void
pg_etl_executor_main(Datum arg)
{
	EtlQueued next;

	attach(DatumGetInt32(arg));
	do
	{
		while (slot_step_take(&next))
		{
			step_run(next.run_id, next.task_run_id);
			CHECK_FOR_INTERRUPTS();
			if (!reload_settings())
				return;
		}
	} while (wait_for_work()); /* a step queued as it leaves is the scheduler's, which is woken then */
}

/*
 * scheduler.c
 *		The scheduler's process. See scheduler.h.
 *
 * It sleeps on its latch until a commit, an executor that left, the next timer or schedule wakes it, and then does all
 * there is to do, each thing in short transactions of its own. It never waits for a step, nor for anybody's lock.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "base/clock.h"
#include "base/extension.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type.h"
#include "flow/adapter.h"
#include "flow/deadline.h"
#include "flow/dispatch.h"
#include "flow/limit.h"
#include "flow/pool.h"
#include "flow/queue.h"
#include "flow/recover.h"
#include "flow/retention.h"
#include "flow/scheduler.h"
#include "flow/shared.h"
#include "flow/suspend.h"
#include "flow/tick.h"
#include "flow/timer.h"
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

#define PAUSE_MS 1000 /* before what could not be done is tried again */
#define REFILL_PAUSE_MS 100
#define LOCK_TIMEOUT_MS 50 /* it serves everybody, so it waits for nobody */
#define LONGEST_SLEEP_MS 60000 /* the clock may be put forward meanwhile */

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
	queue_clear(my_slot->dbid);
	/* Nobody is left to see whether those come up. One that does, does not find its slot and leaves. */
	for (int i = 0; i < etl_shared->executor_count; i++)
		if (etl_shared->executors[i].state == ETL_EXECUTOR_STARTING && etl_shared->executors[i].dbid == my_slot->dbid)
			memset(&etl_shared->executors[i], 0, sizeof(EtlExecutorSlot));
	memset(my_slot, 0, sizeof(*my_slot));
	shared_wake_wanting(NULL);
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
	dbid = my_slot->pid == 0 ? my_slot->dbid : InvalidOid;
	if (dbid != InvalidOid)
	{
		my_slot->pid = MyProcPid;
		my_slot->latch = MyLatch;
	}
	LWLockRelease(etl_shared->lock);
	/* A launcher gave the slot up before the postmaster got round to this process; another may have taken it. */
	if (dbid == InvalidOid)
		proc_exit(0);
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

static int
compare_ids(const void *a, const void *b)
{
	int64 first = *(const int64 *) a;
	int64 second = *(const int64 *) b;

	return first < second ? -1 : first > second;
}

/*
 * Fill the queue from the tables. A local step that an executor is at looks there as if it had yet to start, and is left
 * out: it would wait for a pool's slot beside itself. A step that is committed meanwhile may be in the queue twice, which
 * does no harm. Of each lane and pool the first come first, so that none is kept out by another that has no end. False:
 * those were not all.
 */
static bool
read_queue(void)
{
	static EtlSpiPlan ready = {
		"SELECT task_run_id, run_id, owner, priority, remote, pool FROM ("
		" SELECT t.task_run_id, t.run_id, r.owner::oid, q.priority, q.remote, q.pool,"
		"  row_number() OVER (PARTITION BY CASE WHEN q.remote THEN 0 ELSE r.owner END, q.pool"
		"   ORDER BY q.priority DESC, t.task_run_id) AS place"
		"  FROM etl.run r JOIN etl.task_run t USING (run_id) JOIN etl.workflow_version v USING (version_id),"
		"   LATERAL (SELECT coalesce((task ->> 'priority')::int4, 0) AS priority, task ->> 'pool' AS pool,"
		/* A notification is no task of the version. */
		"     coalesce(etl._is_remote(task), true) AS remote FROM (SELECT v.definition -> 'tasks' -> t.task) AS d(task)) q"
		"  WHERE (r.finished_at IS NULL OR r.notifications_open > 0) AND t.status = 'queued') AS ready"
		" ORDER BY place LIMIT $1",
		1,
		{INT4OID}};
	Datum values[] = {Int32GetDatum(ETL_QUEUE_PLACES)};
	EtlSpiScope spi;
	int64 *taken;
	int ntaken;
	uint64 count;
	bool complete;

	queue_clear(MyDatabaseId);
	ntaken = shared_pass_over(MyDatabaseId, &taken);
	qsort(taken, ntaken, sizeof(int64), compare_ids);
	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	count = etl_spi_execute(&ready, SPI_OK_SELECT, values, NULL);
	complete = count < ETL_QUEUE_PLACES;
	for (uint64 i = 0; i < count; i++)
	{
		EtlQueued step;
		bool isnull;

		step.task_run_id = DatumGetInt64(etl_spi_datum(i, 1, &isnull));
		if (bsearch(&step.task_run_id, taken, ntaken, sizeof(int64), compare_ids) != NULL)
			continue;
		step.run_id = DatumGetInt64(etl_spi_datum(i, 2, &isnull));
		step.priority = DatumGetInt32(etl_spi_datum(i, 4, &isnull));
		step.remote = DatumGetBool(etl_spi_datum(i, 5, &isnull));
		step.pool = etl_spi_text(&spi, i, 6);
		if (queue_push(MyDatabaseId, DatumGetObjectId(etl_spi_datum(i, 3, &isnull)), &step) == ETL_QUEUE_FULL)
			complete = false;
	}
	etl_spi_close(&spi);
	CommitTransactionCommand();
	return complete;
}

/*
 * At the start, and when something found no place in the queue: read the tables. Returns when to look next; DT_NOEND:
 * never. A long queue takes long to read: at most half of the scheduler's time is for that.
 */
static TimestampTz
refill(void)
{
	static bool unread = true; /* until all has been read, be it that an error cuts it short */
	static TimestampTz last = DT_NOBEGIN;
	static int64 pause = 0; /* ms */
	TimestampTz now = clock_now();
	bool later;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	unread = unread || my_slot->overflowed;
	my_slot->overflowed = false;
	LWLockRelease(etl_shared->lock);
	if (!queue_is_drained(MyDatabaseId, &later) && !unread)
		return later ? TimestampTzPlusMilliseconds(now, REFILL_PAUSE_MS) : DT_NOEND;
	if (now >= last && now < TimestampTzPlusMilliseconds(last, pause))
		return TimestampTzPlusMilliseconds(last, pause);
	unread = true;
	unread = !read_queue();
	last = clock_now();
	pause = Max((last - now) / 1000, REFILL_PAUSE_MS);
	return unread || queue_is_drained(MyDatabaseId, &later) || later ? TimestampTzPlusMilliseconds(last, pause) : DT_NOEND;
}

static void
sleep_until(TimestampTz due)
{
	long timeout = -1;
	int flags = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;

	if (due != DT_NOEND)
	{
		timeout = Min(TimestampDifferenceMilliseconds(clock_now(), due) + 1, LONGEST_SLEEP_MS);
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

static TimestampTz
recover(void)
{
	static bool abandoned = true; /* until looked for: some may have been before this process was there */
	bool complete;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	abandoned = abandoned || my_slot->executor_left;
	my_slot->executor_left = false;
	LWLockRelease(etl_shared->lock);
	complete = recover_crashed();
	if (abandoned)
		abandoned = !recover_abandoned();
	return complete && !abandoned ? DT_NOEND : TimestampTzPlusMilliseconds(clock_now(), PAUSE_MS);
}

/* Steps that wait for a token or a run; looked at when somebody has spoken, or their time comes. */
static TimestampTz
end_suspended(void)
{
	static TimestampTz next = DT_NOBEGIN;
	bool signalled;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	signalled = my_slot->signalled;
	my_slot->signalled = false;
	LWLockRelease(etl_shared->lock);
	if (!signalled && clock_now() < next)
		return next;
	next = DT_NOBEGIN; /* if an error ends it, it is to be done again */
	next = suspend_run();
	return next;
}

/* Executors whose statement traps its cancellation. */
static TimestampTz
evict(void)
{
	int64 next_ms = shared_evict(MyDatabaseId);

	return next_ms < 0 ? DT_NOEND : TimestampTzPlusMilliseconds(clock_now(), next_ms);
}

/* Runs that wait for others of their workflow to end. */
static TimestampTz
let_runs_go_on(void)
{
	bool changed;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	changed = my_slot->limit_changed;
	my_slot->limit_changed = false;
	LWLockRelease(etl_shared->lock);
	return limit_run(changed);
}

/* At the start, too: the clock may have been set back while nobody looked. */
static TimestampTz
watch_clock(void)
{
	static TimestampTz last = DT_NOEND;
	TimestampTz now = clock_now();

	if (now < last)
	{
		timer_clock_set_back(now);
		deadline_clock_set_back(now);
		tick_clock_set_back(now);
	}
	last = now;
	return DT_NOEND;
}

static TimestampTz
do_others(void)
{
	return flow_chore() != NULL ? flow_chore()() : DT_NOEND;
}

/* One of the things a scheduler does, and when it is to be done again. */
typedef struct Chore
{
	TimestampTz (*work)(void);
	TimestampTz due;
} Chore;

static void
do_chore(void *arg)
{
	Chore *chore = arg;

	chore->due = chore->work();
}

/*
 * All there is to do. What fails, or somebody holds up, is tried again in a while, and keeps nothing else from being
 * done: the scheduler serves all owners. Returns when to look next.
 */
static TimestampTz
do_chores(MemoryContext context)
{
	static TimestampTz (*const chores[])(void) = {
		watch_clock,	evict,	recover,		   timer_fire, deadline_run,		  end_suspended, tick_run,
		let_runs_go_on, refill, pool_read_changed, dispatch,   retention_make_ranges, retention_run, do_others};
	TimestampTz due = DT_NOEND;

	for (int i = 0; i < lengthof(chores); i++)
	{
		Chore chore = {.work = chores[i]};

		MemoryContextSwitchTo(context);
		if (etl_transaction_guard(do_chore, &chore) != 0)
		{
			/* Not all DDL that takes the extension along asks for the scheduler to leave. */
			if (!extension_is_here())
				proc_exit(0);
			chore.due = TimestampTzPlusMilliseconds(clock_now(), PAUSE_MS);
		}
		due = Min(due, chore.due);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(TopMemoryContext);
	return due;
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

	etl_spi_lock_timeout = LOCK_TIMEOUT_MS;
	dispatch_init(my_slot);
	context = AllocSetContextCreate(TopMemoryContext, "pg_etl scheduler", ALLOCSET_DEFAULT_SIZES);
	for (;;)
		sleep_until(do_chores(context));
}

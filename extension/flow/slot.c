/*
 * slot.c
 *		An executor's slot in shared memory. See slot.h.
 */
#include "postgres.h"

#include <unistd.h>

#include "base/clock.h"
#include "flow/journal.h"
#include "flow/shared.h"
#include "flow/slot.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "tcop/tcopprot.h"

static EtlExecutorSlot *my_slot = NULL;
static bool connected = false;
static volatile sig_atomic_t stopped = false; /* a remote executor was told to end */

/*
 * However it leaves, its scheduler looks for what it left undone, others for the free slot. A step that has its
 * process ended, other than for a statement that needs the database without it, is treated as one that crashed it:
 * it would do so for ever. (Nobody is left to do that when the server shuts down.) In a remote executor none can, but by an
 * error that is fatal: whoever tells that one to end is somebody else.
 */
static void
leave(int code, Datum arg)
{
	Oid dbid = my_slot->dbid;
	bool died = my_slot->task_run_id != 0 && !stopped && !shared_is_quiesced(dbid);
	int pool = my_slot->pool;

	journal_write(dbid, 0, 0, 0);
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	if (died)
	{
		my_slot->state = ETL_EXECUTOR_RECOVER;
		my_slot->pool = 0;
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
	shared_release_pool(pool);
	if (code != 0)
		shared_queue_overflowed(dbid); /* a step that it took and never came to is in the tables alone */
	shared_executor_left(dbid);
	ConditionVariableBroadcast(&etl_shared->worker_gone);
}

/* The server crashed, and not here: this step is not the one to blame. Only async-signal-safe calls. */
void
slot_at_crash_of_another(SIGNAL_ARGS)
{
	journal_write(my_slot->dbid, 0, 0, 0);
	_exit(2);
}

void
slot_at_stop(SIGNAL_ARGS)
{
	stopped = true;
	die(postgres_signal_arg);
}

bool
slot_take(int index, Oid *dbid, Oid *owner)
{
	my_slot = &etl_shared->executors[index];
	journal_open(index);
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	if (my_slot->state != ETL_EXECUTOR_STARTING)
	{
		LWLockRelease(etl_shared->lock);
		return false;
	}
	my_slot->pid = MyProcPid;
	my_slot->latch = MyLatch;
	my_slot->state = ETL_EXECUTOR_CALLED;
	my_slot->came_ms = clock_monotonic_ms();
	*dbid = my_slot->dbid;
	*owner = my_slot->owner;
	LWLockRelease(etl_shared->lock);
	before_shmem_exit(leave, (Datum) 0);
	return true;
}

void
slot_set_connected(void)
{
	connected = true;
}

bool
slot_is_wanted(void)
{
	bool wanted;

	LWLockAcquire(etl_shared->lock, LW_SHARED);
	wanted = my_slot->retire;
	LWLockRelease(etl_shared->lock);
	return wanted;
}

/*
 * The lock is held. Asked to make room though there may be work for it: it does when it has been there for a while, if
 * a place is still wanted for an owner that has fewer. One of the owner's is enough.
 */
static bool
gives_way(void)
{
	int has;

	if (!my_slot->retire || clock_monotonic_ms() - my_slot->came_ms < ETL_EXECUTOR_QUANTUM_MS)
		return false;
	has = shared_executors_of(my_slot->dbid, my_slot->owner);
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
	{
		const EtlSchedulerSlot *scheduler = &etl_shared->schedulers[i];

		if (!scheduler->wants || (scheduler->has > 0 && scheduler->has + 1 >= has))
			continue;
		for (int j = 0; j < etl_shared->executor_count; j++)
			if (etl_shared->executors[j].dbid == my_slot->dbid && etl_shared->executors[j].owner == my_slot->owner)
				etl_shared->executors[j].retire = false;
		my_slot->retire = true;
		return true;
	}
	my_slot->retire = false;
	return false;
}

bool
slot_step_take(EtlQueued *step)
{
	bool taken;
	EtlPoolNext next = {0};

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	if (my_slot->pool != 0)
		next = queue_pool_release(my_slot->pool);
	my_slot->pool = 0;
	taken = !gives_way() && queue_pop(my_slot->dbid, my_slot->owner, step);
	if (taken)
	{
		my_slot->state = ETL_EXECUTOR_BUSY;
		my_slot->task_run_id = step->task_run_id;
		my_slot->run_id = step->run_id;
		my_slot->pool = step->slot_of;
		my_slot->started_at = clock_now();
		my_slot->cancel = false;
		my_slot->evicted = ETL_NOT_EVICTED;
		my_slot->passed_over = false;
		if (step->task_run_id == next.task_run_id)
			next.found = false; /* nobody else is to be called for it */
	}
	else
	{
		my_slot->state = ETL_EXECUTOR_IDLE;
		shared_wake_wanting(NULL);
	}
	/* One that was sent to the step before, too late, was sent under this lock. */
	QueryCancelPending = false;
	LWLockRelease(etl_shared->lock);
	shared_pool_next(&next);
	/* In place of the step before, which is in the journal until here. */
	if (taken)
		journal_write(my_slot->dbid, step->run_id, step->task_run_id, my_slot->started_at);
	else
	{
		journal_write(my_slot->dbid, 0, 0, 0);
		pgstat_report_activity(STATE_IDLE, NULL);
	}
	return taken;
}

void
slot_step_show(const EtlStep *step)
{
	/* debug_query_string is what log lines and pg_stat_activity show; the statement itself may hold secrets. */
	static char shown[256];

	snprintf(shown, sizeof(shown), "run " INT64_FORMAT " of workflow \"%s\": task \"%s\", attempt %d", step->run_id,
			 step->workflow, step->task, step->attempt);
	debug_query_string = shown;
	pgstat_report_activity(STATE_RUNNING, shown);
}

bool
slot_step_end(void)
{
	bool passed_over;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	passed_over = my_slot->passed_over;
	my_slot->task_run_id = 0;
	my_slot->run_id = 0;
	my_slot->cancel = false;
	LWLockRelease(etl_shared->lock);
	debug_query_string = NULL;
	pgstat_report_activity(STATE_IDLE, NULL);
	pgstat_report_stat(false);
	return passed_over;
}

/* The slot is this process's own: nobody else reads a turn from it before the process is gone. */
void
slot_turn_begin(const EtlQueued *step, TimestampTz started_at)
{
	my_slot->task_run_id = step->task_run_id;
	my_slot->run_id = step->run_id;
	my_slot->started_at = started_at;
	journal_write(my_slot->dbid, step->run_id, step->task_run_id, started_at);
}

void
slot_turn_end(void)
{
	journal_write(my_slot->dbid, 0, 0, 0);
	my_slot->task_run_id = 0;
	my_slot->run_id = 0;
}

bool
slot_step_is_cancelled(void)
{
	bool cancelled;

	LWLockAcquire(etl_shared->lock, LW_SHARED);
	cancelled = my_slot->cancel;
	LWLockRelease(etl_shared->lock);
	return cancelled;
}

/* Nobody else writes this of a step that has not been cancelled, and of one that has it is all the same. */
void
slot_step_evict(void)
{
	my_slot->evicted = ETL_EVICTED_TIMED_OUT;
	ProcDiePending = true;
	InterruptPending = true;
	SetLatch(MyLatch);
}

Oid
slot_owner(void)
{
	return my_slot == NULL ? InvalidOid : my_slot->owner;
}

int64
slot_run_id(void)
{
	return my_slot == NULL ? 0 : my_slot->run_id;
}

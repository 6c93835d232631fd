/*
 * shared.c
 *		The engine's shared memory. See shared.h.
 */
#include "postgres.h"

#include <signal.h>

#include "base/clock.h"
#include "flow/journal.h"
#include "flow/queue.h"
#include "flow/remote_place.h"
#include "flow/shared.h"
#include "miscadmin.h"
#include "storage/ipc.h"
#include "storage/shmem.h"

EtlShared *etl_shared = NULL;
int etl_max_executors = 4;

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static Size
shared_size(void)
{
	return add_size(offsetof(EtlShared, executors),
					mul_size(etl_max_executors + ETL_MAX_DATABASES, sizeof(EtlExecutorSlot)));
}

static void
shared_request(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(add_size(shared_size(), add_size(queue_shared_size(), remote_place_shared_size())));
	RequestNamedLWLockTranche("pg_etl", 2);
}

static void
shared_startup(void)
{
	bool found;
	bool queue_found;
	bool places_found;
	void *queue;
	void *places;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	etl_shared = ShmemInitStruct("pg_etl", shared_size(), &found);
	if (!found)
	{
		memset(etl_shared, 0, shared_size());
		etl_shared->lock = &GetNamedLWLockTranche("pg_etl")->lock;
		etl_shared->executor_count = etl_max_executors + ETL_MAX_DATABASES;
		for (int i = 0; i < ETL_RUN_END_GROUPS; i++)
			ConditionVariableInit(&etl_shared->run_ended[i]);
		ConditionVariableInit(&etl_shared->worker_gone);
		journal_read();
	}
	queue = ShmemInitStruct("pg_etl queue", queue_shared_size(), &queue_found);
	if (queue_found)
		queue_shared_attach(queue);
	else
		queue_shared_init(queue);
	places = ShmemInitStruct("pg_etl remote steps", remote_place_shared_size(), &places_found);
	if (places_found)
		remote_place_shared_attach(places);
	else
		remote_place_shared_init(places);
	LWLockRelease(AddinShmemInitLock);
}

void
shared_init(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = shared_request;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = shared_startup;
}

void
shared_wake_launcher(bool look_again)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	if (look_again)
		etl_shared->look_again = true;
	if (etl_shared->launcher_latch != NULL)
		SetLatch(etl_shared->launcher_latch);
	LWLockRelease(etl_shared->lock);
}

/* The lock is held. */
static void
wake_scheduler_locked(Oid dbid)
{
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
		if ((dbid == InvalidOid || etl_shared->schedulers[i].dbid == dbid) &&
			etl_shared->schedulers[i].latch != NULL)
			SetLatch(etl_shared->schedulers[i].latch);
}

void
shared_wake_scheduler(Oid dbid)
{
	LWLockAcquire(etl_shared->lock, LW_SHARED);
	wake_scheduler_locked(dbid);
	LWLockRelease(etl_shared->lock);
}

void
shared_call_executor(EtlExecutorSlot *slot)
{
	slot->state = ETL_EXECUTOR_CALLED;
	SetLatch(slot->latch);
}

void
shared_call_executors(Oid dbid, Oid owner, int count)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < etl_max_executors && count > 0; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->state == ETL_EXECUTOR_IDLE && slot->dbid == dbid && slot->owner == owner)
		{
			shared_call_executor(slot);
			count--;
		}
	}
	if (count > 0)
		wake_scheduler_locked(dbid);
	LWLockRelease(etl_shared->lock);
}

bool
shared_slot_is_remote(int index)
{
	return index >= etl_max_executors;
}

bool
shared_call_remote_executors_locked(Oid dbid)
{
	bool found = false;

	for (int i = etl_max_executors; i < etl_shared->executor_count; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->latch == NULL || (dbid != InvalidOid && slot->dbid != dbid))
			continue;
		SetLatch(slot->latch);
		found = true;
	}
	return found;
}

void
shared_call_remote_executor(Oid dbid)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	if (!shared_call_remote_executors_locked(dbid))
		wake_scheduler_locked(dbid);
	LWLockRelease(etl_shared->lock);
}

int
shared_executors_of(Oid dbid, Oid owner)
{
	int count = 0;

	for (int i = 0; i < etl_max_executors; i++)
		if (etl_shared->executors[i].state >= ETL_EXECUTOR_STARTING && etl_shared->executors[i].dbid == dbid &&
			etl_shared->executors[i].owner == owner)
			count++;
	return count;
}

void
shared_wake_wanting(const EtlSchedulerSlot *but)
{
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
	{
		const EtlSchedulerSlot *scheduler = &etl_shared->schedulers[i];

		if (scheduler != but && scheduler->wants && scheduler->latch != NULL)
			SetLatch(scheduler->latch);
	}
}

void
shared_pool_next(const EtlPoolNext *next)
{
	if (next->found && next->owner == ETL_REMOTE_LANE)
		shared_call_remote_executor(next->dbid);
	else if (next->found)
		shared_call_executors(next->dbid, next->owner, 1);
	if (next->drained)
		shared_wake_scheduler(next->dbid);
}

void
shared_release_pool(int pool)
{
	EtlPoolNext next;

	if (pool == 0)
		return;
	next = queue_pool_release(pool);
	shared_pool_next(&next);
}

void
shared_pools_changed(Oid dbid)
{
	queue_pools_changed(dbid);
	shared_wake_scheduler(dbid);
}

void
shared_executor_left(Oid dbid)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
		if (etl_shared->schedulers[i].dbid == dbid)
			etl_shared->schedulers[i].executor_left = true;
	/* Its place is free: others may have waited for one. */
	wake_scheduler_locked(InvalidOid);
	LWLockRelease(etl_shared->lock);
}

void
shared_queue_overflowed(Oid dbid)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
		if (etl_shared->schedulers[i].dbid == dbid)
			etl_shared->schedulers[i].overflowed = true;
	wake_scheduler_locked(dbid);
	LWLockRelease(etl_shared->lock);
}

void
shared_signal(Oid dbid)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
		if (etl_shared->schedulers[i].dbid == dbid)
			etl_shared->schedulers[i].signalled = true;
	wake_scheduler_locked(dbid);
	LWLockRelease(etl_shared->lock);
}

void
shared_limit_changed(Oid dbid)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
		if (etl_shared->schedulers[i].dbid == dbid)
			etl_shared->schedulers[i].limit_changed = true;
	wake_scheduler_locked(dbid);
	LWLockRelease(etl_shared->lock);
}

/* Steps of the run, or with run_id 0 the step. */
static void
cancel_steps(Oid dbid, int64 run_id, int64 task_run_id)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < etl_max_executors; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->state == ETL_EXECUTOR_BUSY && slot->dbid == dbid &&
			(run_id != 0 ? slot->run_id == run_id : slot->task_run_id == task_run_id))
		{
			slot->cancel = true;
			slot->cancelled_ms = clock_monotonic_ms();
			kill(slot->pid, SIGINT);
			wake_scheduler_locked(dbid);
		}
	}
	LWLockRelease(etl_shared->lock);
	remote_place_cancel(dbid, run_id, task_run_id);
}

void
shared_cancel_run(Oid dbid, int64 run_id)
{
	cancel_steps(dbid, run_id, 0);
}

void
shared_cancel_step(Oid dbid, int64 task_run_id)
{
	cancel_steps(dbid, 0, task_run_id);
}

ConditionVariable *
shared_run_ended(int64 run_id)
{
	return &etl_shared->run_ended[run_id % ETL_RUN_END_GROUPS];
}

int64
shared_evict(Oid dbid)
{
	int64 now_ms = clock_monotonic_ms();
	int64 next_ms = -1;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < etl_max_executors; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];
		int64 left_ms = slot->cancelled_ms + ETL_CANCEL_GRACE_MS - now_ms;

		if (slot->state != ETL_EXECUTOR_BUSY || slot->dbid != dbid || !slot->cancel ||
			slot->evicted != ETL_NOT_EVICTED)
			continue;
		if (left_ms > 0)
		{
			next_ms = next_ms < 0 ? left_ms : Min(next_ms, left_ms);
			continue;
		}
		slot->evicted = ETL_EVICTED_CANCELLED;
		kill(slot->pid, SIGTERM);
	}
	LWLockRelease(etl_shared->lock);
	return next_ms;
}

bool
shared_is_quiesced(Oid dbid)
{
	bool quiesced = false;

	LWLockAcquire(etl_shared->lock, LW_SHARED);
	for (int i = 0; i < ETL_MAX_QUIESCED; i++)
		if (etl_shared->quiesced[i].pid != 0 && etl_shared->quiesced[i].dbid == dbid)
			quiesced = true;
	LWLockRelease(etl_shared->lock);
	return quiesced;
}

int
shared_executors_at(Oid dbid, int64 task_run_id)
{
	int count = remote_place_count(dbid, task_run_id);

	LWLockAcquire(etl_shared->lock, LW_SHARED);
	for (int i = 0; i < etl_shared->executor_count; i++)
	{
		const EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->dbid == dbid && slot->task_run_id == task_run_id &&
			(!shared_slot_is_remote(i) || slot->state == ETL_EXECUTOR_RECOVER))
			count++;
	}
	LWLockRelease(etl_shared->lock);
	return count;
}

int
shared_pass_over(Oid dbid, int64 **task_run_ids)
{
	int count = 0;

	*task_run_ids = palloc((etl_shared->executor_count + etl_max_remote_steps) * sizeof(int64));
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < etl_shared->executor_count; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->dbid != dbid || slot->task_run_id == 0 || shared_slot_is_remote(i))
			continue;
		slot->passed_over = true;
		(*task_run_ids)[count++] = slot->task_run_id;
	}
	count += remote_place_pass_over(dbid, *task_run_ids + count);
	LWLockRelease(etl_shared->lock);
	return count;
}

/*
 * remote_place.c
 *		The external steps that are under way. See remote_place.h.
 */
#include "postgres.h"

#include "flow/remote_place.h"
#include "flow/shared.h"
#include "miscadmin.h"

typedef struct Places
{
	bool wanted; /* somebody found none free */
	EtlRemotePlace places[FLEXIBLE_ARRAY_MEMBER];
} Places;

int etl_max_remote_steps = 1000;

static Places *all = NULL; /* under etl_shared->lock */
static int next = 0;	   /* where this process looks first for a free one */

Size
remote_place_shared_size(void)
{
	return add_size(offsetof(Places, places), mul_size(etl_max_remote_steps, sizeof(EtlRemotePlace)));
}

void
remote_place_shared_attach(void *memory)
{
	all = memory;
}

void
remote_place_shared_init(void *memory)
{
	all = memory;
	memset(all, 0, remote_place_shared_size());
}

/* The lock is held; -1: none. */
static int
find_free(void)
{
	for (int i = 0; i < etl_max_remote_steps; i++)
	{
		int place = (next + i) % etl_max_remote_steps;

		if (all->places[place].pid == 0)
		{
			next = place + 1;
			return place;
		}
	}
	all->wanted = true;
	return -1;
}

int
remote_place_take(EtlQueued *step)
{
	int place;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	place = find_free();
	if (place >= 0 && !queue_pop(MyDatabaseId, ETL_REMOTE_LANE, step))
		place = -1;
	if (place >= 0)
		all->places[place] = (EtlRemotePlace){
			.pid = MyProcPid, .dbid = MyDatabaseId, .task_run_id = step->task_run_id, .run_id = step->run_id, .pool = step->slot_of};
	LWLockRelease(etl_shared->lock);
	return place;
}

void
remote_place_show(int place, Oid owner, TimestampTz started_at)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	all->places[place].owner = owner;
	all->places[place].started_at = started_at;
	LWLockRelease(etl_shared->lock);
}

/* Without the lock: it only ever becomes true, and then the latch is set. */
bool
remote_place_is_cancelled(int place)
{
	return ((volatile EtlRemotePlace *) &all->places[place])->cancel;
}

void
remote_place_free(int place)
{
	int pool = all->places[place].pool;
	Oid dbid = all->places[place].dbid;
	bool passed_over;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	passed_over = all->places[place].passed_over;
	memset(&all->places[place], 0, sizeof(EtlRemotePlace));
	if (all->wanted)
	{
		all->wanted = false;
		shared_call_remote_executors_locked(InvalidOid);
	}
	LWLockRelease(etl_shared->lock);
	shared_release_pool(pool);
	if (passed_over)
		shared_queue_overflowed(dbid); /* it may not have come to be run */
}

void
remote_place_free_all(void)
{
	/* Which places are this process's nobody else changes. */
	for (int i = 0; i < etl_max_remote_steps; i++)
		if (all->places[i].pid == MyProcPid)
			remote_place_free(i);
}

void
remote_place_cancel(Oid dbid, int64 run_id, int64 task_run_id)
{
	bool found = false;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = 0; i < etl_max_remote_steps; i++)
	{
		EtlRemotePlace *place = &all->places[i];

		if (place->pid != 0 && place->dbid == dbid &&
			(run_id != 0 ? place->run_id == run_id : place->task_run_id == task_run_id))
			place->cancel = found = true;
	}
	if (found)
		shared_call_remote_executors_locked(dbid);
	LWLockRelease(etl_shared->lock);
}

int
remote_place_pass_over(Oid dbid, int64 *task_run_ids)
{
	int count = 0;

	for (int i = 0; i < etl_max_remote_steps; i++)
		if (all->places[i].pid != 0 && all->places[i].dbid == dbid)
		{
			all->places[i].passed_over = true;
			task_run_ids[count++] = all->places[i].task_run_id;
		}
	return count;
}

int
remote_place_count(Oid dbid, int64 task_run_id)
{
	int count = 0;

	LWLockAcquire(etl_shared->lock, LW_SHARED);
	for (int i = 0; i < etl_max_remote_steps; i++)
		if (all->places[i].task_run_id == task_run_id && all->places[i].dbid == dbid)
			count++;
	LWLockRelease(etl_shared->lock);
	return count;
}

bool
remote_place_read(int index, EtlRemotePlace *place)
{
	if (index >= etl_max_remote_steps)
		return false;
	LWLockAcquire(etl_shared->lock, LW_SHARED);
	*place = all->places[index];
	LWLockRelease(etl_shared->lock);
	return true;
}

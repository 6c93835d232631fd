/*
 * dispatch.c
 *		Which owners get executors, and how many. See dispatch.h.
 *
 * Owners are equals. A free place goes to the owner that has fewest executors of those who have steps left. When none
 * is free, somebody's idle executor is asked to leave; when none is idle, those of the owner that has most: the first
 * of them to end its step leaves. Not before it has been there for a while, so that processes aren't started for a step
 * each. That goes on until all have as many, or, with more owners than places, in turn. A scheduler that wants places
 * says so in its slot, for executors and for the schedulers of other databases.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "flow/dispatch.h"
#include "flow/executor.h"
#include "flow/queue.h"
#include "flow/recover.h"
#include "flow/role.h"
#include "miscadmin.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define PAUSE_MS 1000 /* before what could not be done is tried again */

/* An owner with steps in the queue. */
typedef struct Claimant
{
	Oid owner;
	int has;	/* executors, coming ones, too */
	int wants;	/* so many more would find a step */
	bool refused;
	EtlRoleProblem problem; /* if it is */
} Claimant;

static EtlSchedulerSlot *my_slot = NULL;
static Oid last_served = InvalidOid; /* owner that was given the last free slot */
static BackgroundWorkerHandle **started; /* by slot: the executor this process last started there, or NULL */

void
dispatch_init(EtlSchedulerSlot *scheduler)
{
	my_slot = scheduler;
	started = MemoryContextAllocZero(TopMemoryContext, etl_shared->executor_count * sizeof(BackgroundWorkerHandle *));
}

/* Free the slots of executors that ended before they were there, as when no process could be forked. True: some did. */
static bool
reap_unborn(void)
{
	bool found = false;

	for (int i = 0; i < etl_shared->executor_count; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];
		pid_t pid;

		if (started[i] == NULL || GetBackgroundWorkerPid(started[i], &pid) != BGWH_STOPPED)
			continue;
		pfree(started[i]);
		started[i] = NULL;
		LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
		if (slot->state == ETL_EXECUTOR_STARTING && slot->dbid == MyDatabaseId)
		{
			memset(slot, 0, sizeof(*slot));
			found = true;
		}
		LWLockRelease(etl_shared->lock);
	}
	return found;
}

/* Those as which steps can run; the steps of others are failed. False: some is to be tried again. */
static bool
refuse_unrunnable(Claimant *claimants, int *count)
{
	MemoryContext context = CurrentMemoryContext;
	bool recorded = true;
	int left = 0;

	StartTransactionCommand();
	for (int i = 0; i < *count; i++)
		claimants[i].refused = role_has_problem(claimants[i].owner, &claimants[i].problem);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	for (int i = 0; i < *count; i++)
		if (claimants[i].refused)
			recorded = recover_unrunnable(claimants[i].owner, &claimants[i].problem) && recorded;
		else
			claimants[left++] = claimants[i];
	*count = left;
	return recorded;
}

/* From here to reserve_slots the lock is held. */

/* What a claimant has, and what it wants besides. Its idle executors are called. */
static void
count_executors(Claimant *claimant)
{
	for (int i = 0; i < etl_max_executors; i++)
	{
		const EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->state < ETL_EXECUTOR_STARTING || slot->dbid != MyDatabaseId || slot->owner != claimant->owner)
			continue;
		claimant->has++;
		/* Who is going to take one of the steps need not be started. */
		if (slot->state == ETL_EXECUTOR_STARTING || slot->state == ETL_EXECUTOR_CALLED)
			claimant->wants--;
	}
	for (int i = 0; i < etl_max_executors && claimant->wants > 0; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->state != ETL_EXECUTOR_IDLE || slot->dbid != MyDatabaseId || slot->owner != claimant->owner)
			continue;
		shared_call_executor(slot);
		claimant->wants--;
	}
}

/* Of two that want more executors: who has fewer comes first, among equals who follows the last one that got one. */
static bool
comes_first(const Claimant *a, const Claimant *b)
{
	if (a->has != b->has)
		return a->has < b->has;
	return a->owner - last_served - 1 < b->owner - last_served - 1; /* round and round */
}

/* NULL: nobody wants more. Others are told who does. */
static Claimant *
find_neediest(Claimant *claimants, int count)
{
	Claimant *neediest = NULL;

	for (int i = 0; i < count; i++)
		if (claimants[i].wants > 0 && (neediest == NULL || comes_first(&claimants[i], neediest)))
			neediest = &claimants[i];
	if (neediest != NULL && (!my_slot->wants || my_slot->has != neediest->has || my_slot->wanted_for != neediest->owner))
	{
		my_slot->ticket = ++etl_shared->tickets;
		my_slot->has = neediest->has;
		my_slot->wanted_for = neediest->owner;
	}
	my_slot->wants = neediest != NULL;
	return neediest;
}

/* Not if another database's neediest owner has fewer, or as many and has waited for longer. */
static bool
may_take(void)
{
	for (int i = 0; i < ETL_MAX_DATABASES; i++)
	{
		const EtlSchedulerSlot *other = &etl_shared->schedulers[i];

		if (other != my_slot && other->wants &&
			(other->has < my_slot->has || (other->has == my_slot->has && other->ticket < my_slot->ticket)))
			return false;
	}
	return true;
}

/* Ask up to `count` idle executors to leave; those who want them have none idle. What became of it. */
typedef struct Asked
{
	int idle;
	bool later; /* some have not been there for long enough, and whoever wants them has others */
} Asked;

static Asked
ask_idle(int count, int fewest)
{
	Asked asked = {0};
	int64 now_ms = clock_monotonic_ms();

	for (int i = 0; i < etl_max_executors && asked.idle < count; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->state != ETL_EXECUTOR_IDLE)
			continue;
		if (fewest > 0 && now_ms - slot->came_ms < ETL_EXECUTOR_QUANTUM_MS)
		{
			asked.later = true;
			continue;
		}
		slot->retire = true;
		SetLatch(slot->latch);
		asked.idle++;
	}
	return asked;
}

/*
 * Have one executor leave of the owner that has most: among equals, of the one whose process has been there longest.
 * Not if that would only turn things round, unless there is an owner that has none.
 */
static void
ask_busy(int fewest)
{
	const EtlExecutorSlot *chosen = NULL;
	int most = 0;

	for (int i = 0; i < etl_max_executors; i++)
	{
		const EtlExecutorSlot *slot = &etl_shared->executors[i];
		int has;

		if (slot->state != ETL_EXECUTOR_BUSY)
			continue;
		has = shared_executors_of(slot->dbid, slot->owner);
		if (has > most || (has == most && slot->came_ms < chosen->came_ms))
		{
			chosen = slot;
			most = has;
		}
	}
	if (chosen == NULL || (fewest > 0 && most <= fewest + 1))
		return;
	for (int i = 0; i < etl_max_executors; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->state == ETL_EXECUTOR_BUSY && slot->dbid == chosen->dbid && slot->owner == chosen->owner)
			slot->retire = true;
	}
}

/* Reserve the free slots that claimants can have; their numbers in slots. Returns how many these are. */
static int
take_free_slots(Claimant *claimants, int count, int *slots)
{
	int got = 0;

	for (int i = 0; i < etl_max_executors; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];
		Claimant *neediest;

		if (slot->state != ETL_EXECUTOR_FREE)
			continue;
		neediest = find_neediest(claimants, count);
		if (neediest == NULL)
			break;
		if (!may_take())
		{
			shared_wake_wanting(my_slot);
			break;
		}
		slot->state = ETL_EXECUTOR_STARTING;
		slot->dbid = MyDatabaseId;
		slot->owner = neediest->owner;
		neediest->has++;
		neediest->wants--;
		last_served = neediest->owner;
		slots[got++] = i;
	}
	return got;
}

/*
 * Give slots to claimants, as many as they want and there are, and see that what is missing comes free. `later`: the
 * scheduler is to look again in a while.
 */
static int
reserve_slots(Claimant *claimants, int count, int *slots, bool *later)
{
	Claimant *neediest;
	Asked asked = {0};
	bool wanted;
	int missing = 0;
	int got;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	wanted = my_slot->wants;
	for (int i = 0; i < count; i++)
		count_executors(&claimants[i]);
	got = take_free_slots(claimants, count, slots);
	neediest = find_neediest(claimants, count);
	for (int i = 0; i < count; i++)
		missing += Max(claimants[i].wants, 0);
	if (neediest != NULL)
		asked = ask_idle(missing, neediest->has);
	if (neediest != NULL && asked.idle == 0)
		ask_busy(neediest->has);
	/* Others may have left free what this one wanted. */
	if (wanted && neediest == NULL)
		shared_wake_wanting(my_slot);
	LWLockRelease(etl_shared->lock);
	*later = asked.later;
	return got;
}

/* A slot for the database's remote executor; -1: it has one, or all are taken. */
static int
reserve_remote_slot(void)
{
	int found = -1;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	for (int i = etl_max_executors; i < etl_shared->executor_count; i++)
	{
		EtlExecutorSlot *slot = &etl_shared->executors[i];

		if (slot->dbid == MyDatabaseId && slot->state != ETL_EXECUTOR_RECOVER)
		{
			if (slot->latch != NULL)
				SetLatch(slot->latch);
			found = -1;
			break;
		}
		if (slot->state == ETL_EXECUTOR_FREE && found < 0)
			found = i;
	}
	if (found >= 0)
	{
		etl_shared->executors[found].state = ETL_EXECUTOR_STARTING;
		etl_shared->executors[found].dbid = MyDatabaseId;
		etl_shared->executors[found].owner = ETL_REMOTE_LANE;
	}
	LWLockRelease(etl_shared->lock);
	return found;
}

static void
release_slot(int index)
{
	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	memset(&etl_shared->executors[index], 0, sizeof(EtlExecutorSlot));
	LWLockRelease(etl_shared->lock);
}

/* Fill a reserved slot. False, with the slot free again: there is no process to be had. */
static bool
start_in_slot(int index)
{
	MemoryContext old = MemoryContextSwitchTo(TopMemoryContext);
	bool success;

	if (started[index] != NULL)
		pfree(started[index]);
	started[index] = NULL;
	success = executor_start(index, &started[index]);
	MemoryContextSwitchTo(old);
	if (!success)
		release_slot(index);
	return success;
}

/* Said once, until there is a process again. */
static void
warn_of_no_worker(bool complete)
{
	static bool warned = false;

	if (!complete && !warned)
		ereport(WARNING, errcode(ERRCODE_CONFIGURATION_LIMIT_EXCEEDED),
				errmsg("no background worker is left for an executor"),
				errhint("Raise max_worker_processes, or lower etl.max_executors."));
	warned = !complete;
}

/* Returns how many owners have steps; `remote`: there are some for the remote executor. */
static int
find_claimants(Claimant *claimants, bool *remote)
{
	EtlQueueDemand *demand = palloc(ETL_QUEUE_LANES * sizeof(EtlQueueDemand));
	int lanes = queue_demand(MyDatabaseId, demand);
	int count = 0;

	*remote = false;
	for (int lane = 0; lane < lanes; lane++)
		if (demand[lane].owner == ETL_REMOTE_LANE)
			*remote = true;
		else
			claimants[count++] =
				(Claimant){.owner = demand[lane].owner, .wants = Min(demand[lane].steps, etl_max_executors)};
	return count;
}

TimestampTz
dispatch(void)
{
	int *slots = palloc(etl_shared->executor_count * sizeof(int));
	Claimant *claimants = palloc(ETL_QUEUE_LANES * sizeof(Claimant));
	bool complete = true;
	bool recorded = true;
	bool pause;
	bool later;
	bool remote;
	int count;

	LWLockAcquire(etl_shared->lock, LW_EXCLUSIVE);
	pause = my_slot->executor_failed;
	my_slot->executor_failed = false;
	LWLockRelease(etl_shared->lock);
	if (reap_unborn() || pause)
		return TimestampTzPlusMilliseconds(clock_now(), PAUSE_MS);
	count = find_claimants(claimants, &remote);
	if (count > 0)
		recorded = refuse_unrunnable(claimants, &count);
	count = reserve_slots(claimants, count, slots, &later);
	if (remote && (slots[count] = reserve_remote_slot()) >= 0)
		count++;
	for (int i = 0; i < count; i++)
		complete = start_in_slot(slots[i]) && complete;
	warn_of_no_worker(complete);
	if (!complete || !recorded)
		return TimestampTzPlusMilliseconds(clock_now(), PAUSE_MS);
	return later ? TimestampTzPlusMilliseconds(clock_now(), ETL_EXECUTOR_QUANTUM_MS) : DT_NOEND;
}

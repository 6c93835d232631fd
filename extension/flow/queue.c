/*
 * queue.c
 *		The queue in shared memory. See queue.h.
 *
 * A fixed number of places, each free, in one lane's heap, or in one pool's (heap.h). All of it is under one
 * spinlock's worth of work, a lightweight lock held for a microsecond: a push is a meld, a pop a few.
 */
#include "postgres.h"

#include "flow/heap.h"
#include "flow/queue.h"
#include "storage/lwlock.h"

typedef struct Place
{
	EtlHeapNode node; /* first, for heap.h; of a free place, sibling is the next free one */
	int64 task_run_id;
	int64 run_id;
	int priority;
	Oid owner;
	int pool; /* its number: 1 is the first; 0: none */
} Place;

typedef struct Lane
{
	Oid dbid; /* InvalidOid: free */
	Oid owner;
	int first;		  /* root of its heap */
	int steps;
	int refill_below; /* steps found no place: the tables are to be read when it has fewer than that; 0: none did */
} Lane;

typedef struct Pool
{
	Oid dbid;
	int slots;		  /* ETL_POOL_GONE: there is none of this name */
	int taken;		  /* by steps in lanes, and by popped ones */
	int waiting;	  /* steps in its heap */
	int first;		  /* root of it */
	int refill_below; /* steps found no place: the tables are to be read when fewer wait than that; 0: none did */
	uint32 change;	  /* counts what may have changed it */
	uint32 read;	  /* the change as of which slots is */
	char name[ETL_POOL_NAME_SIZE];
} Pool;

typedef struct Queue
{
	LWLock *lock;
	int free;
	int free_count;
	int lane_end; /* one past the last lane in use */
	int pool_end;
	Lane lanes[ETL_QUEUE_LANES];
	Pool pools[ETL_POOLS];
	Place places[ETL_QUEUE_PLACES];
} Queue;

static Queue *queue = NULL;

static bool
comes_first(int a, int b, const void *arg)
{
	const Place *first = &queue->places[a];
	const Place *second = &queue->places[b];

	if (first->priority != second->priority)
		return first->priority > second->priority;
	return first->task_run_id < second->task_run_id;
}

static EtlHeapArray
places(void)
{
	return (EtlHeapArray){.nodes = queue->places, .stride = sizeof(Place), .comes_first = comes_first};
}

Size
queue_shared_size(void)
{
	return sizeof(Queue);
}

void
queue_shared_attach(void *memory)
{
	queue = memory;
}

void
queue_shared_init(void *memory)
{
	queue = memory;
	memset(queue, 0, offsetof(Queue, places));
	queue->lock = &GetNamedLWLockTranche("pg_etl")[1].lock;
	for (int i = 0; i < ETL_QUEUE_PLACES; i++)
		queue->places[i].node.sibling = i + 1 < ETL_QUEUE_PLACES ? i + 1 : ETL_HEAP_EMPTY;
	queue->free = 0;
	queue->free_count = ETL_QUEUE_PLACES;
}

/* From here to queue_push the lock is held. */

/* With `make`, one is made if there is none; NULL: there is none, or no more can be made. */
static Lane *
find_lane(Oid dbid, Oid owner, bool make)
{
	Lane *unused = NULL;

	for (int i = 0; i < queue->lane_end; i++)
	{
		Lane *lane = &queue->lanes[i];

		if (lane->dbid == dbid && lane->owner == owner)
			return lane;
		if (lane->dbid == InvalidOid && unused == NULL)
			unused = lane;
	}
	if (!make)
		return NULL;
	if (unused == NULL && queue->lane_end < ETL_QUEUE_LANES)
		unused = &queue->lanes[queue->lane_end++];
	if (unused != NULL)
		*unused = (Lane){.dbid = dbid, .owner = owner, .first = ETL_HEAP_EMPTY};
	return unused;
}

/* The same of a pool. One that nothing is in is kept, for what is known of it, until its place is needed. */
static Pool *
find_pool(Oid dbid, const char *name, bool make)
{
	Pool *unused = NULL;

	for (int i = 0; i < queue->pool_end; i++)
	{
		Pool *pool = &queue->pools[i];

		if (pool->dbid == dbid && strcmp(pool->name, name) == 0)
			return pool;
		if (pool->taken == 0 && pool->waiting == 0)
			unused = pool;
	}
	if (!make)
		return NULL;
	if (queue->pool_end < ETL_POOLS)
		unused = &queue->pools[queue->pool_end++];
	if (unused != NULL)
	{
		*unused = (Pool){.dbid = dbid, .first = ETL_HEAP_EMPTY, .change = 1};
		strlcpy(unused->name, name, sizeof(unused->name));
	}
	return unused;
}

static Pool *
pool_of(const Place *place)
{
	return &queue->pools[place->pool - 1];
}

static bool
is_to_be_read(const Pool *pool)
{
	if (pool->change != pool->read)
		return pool->waiting > 0 || pool->taken > 0;
	return pool->slots == ETL_POOL_GONE && pool->waiting > 0;
}

/* There is a free place. */
static int
make_place(Oid owner, const EtlQueued *step)
{
	int index = queue->free;
	Place *place = &queue->places[index];

	queue->free = place->node.sibling;
	queue->free_count--;
	place->task_run_id = step->task_run_id;
	place->run_id = step->run_id;
	place->priority = step->priority;
	place->owner = owner;
	place->pool = 0;
	return index;
}

static EtlQueued
free_place(int index)
{
	Place *place = &queue->places[index];

	place->node.sibling = queue->free;
	queue->free = index;
	queue->free_count++;
	return (EtlQueued){.task_run_id = place->task_run_id,
					   .run_id = place->run_id,
					   .priority = place->priority,
					   .slot_of = place->pool};
}

static void
add_to_lane(Lane *lane, int place)
{
	EtlHeapArray array = places();

	lane->first = heap_add(&array, lane->first, place);
	lane->steps++;
}

/* The lane isn't empty. */
static int
take_from_lane(Lane *lane)
{
	EtlHeapArray array = places();
	int place = lane->first;

	lane->first = heap_remove_first(&array, place);
	if (--lane->steps == 0 && lane->refill_below == 0)
		lane->dbid = InvalidOid;
	return place;
}

static void
add_to_pool(Pool *pool, int place)
{
	EtlHeapArray array = places();

	queue->places[place].pool = (int) (pool - queue->pools) + 1;
	pool->first = heap_add(&array, pool->first, place);
	pool->waiting++;
}

/* Some step waits. */
static int
take_from_pool(Pool *pool)
{
	EtlHeapArray array = places();
	int place = pool->first;

	pool->first = heap_remove_first(&array, place);
	pool->waiting--;
	return place;
}

/* The pool's free slots go to the steps that come first. Returns the place of the last to get one. */
static int
fill_slots(Pool *pool)
{
	int place = ETL_HEAP_EMPTY;

	while (pool->waiting > 0 && pool->taken < pool->slots)
	{
		Lane *lane = find_lane(pool->dbid, queue->places[pool->first].owner, true);

		if (lane == NULL)
		{
			pool->refill_below = PG_INT32_MAX; /* as if it had found no place */
			break;
		}
		place = take_from_pool(pool);
		pool->taken++;
		add_to_lane(lane, place);
	}
	return place;
}

static EtlQueuePush
push_into_pool(Oid dbid, Oid owner, const EtlQueued *step)
{
	Pool *pool = find_pool(dbid, step->pool, true);

	if (pool == NULL)
		return ETL_QUEUE_FULL;
	/* The more steps wait for slots, the fewer of one pool: there is always room for those that wait for none. */
	if (pool->waiting >= queue->free_count)
	{
		pool->refill_below = pool->waiting / 2 + 1;
		return pool->waiting < pool->refill_below ? ETL_QUEUE_ASKS : ETL_QUEUE_WAITS;
	}
	add_to_pool(pool, make_place(owner, step));
	if (is_to_be_read(pool))
		return ETL_QUEUE_ASKS;
	if (fill_slots(pool) != ETL_HEAP_EMPTY)
		return ETL_QUEUE_READY;
	return pool->waiting < pool->refill_below ? ETL_QUEUE_ASKS : ETL_QUEUE_WAITS;
}

static EtlQueuePush
push_into_lane(Oid dbid, Oid owner, const EtlQueued *step)
{
	Lane *lane = find_lane(dbid, owner, true);

	if (lane == NULL)
		return ETL_QUEUE_FULL;
	/* The more there are, the fewer of one lane: there is always room for another's. */
	if (lane->steps >= queue->free_count)
	{
		lane->refill_below = lane->steps / 2 + 1;
		return ETL_QUEUE_ASKS;
	}
	add_to_lane(lane, make_place(owner, step));
	return ETL_QUEUE_READY;
}

EtlQueuePush
queue_push(Oid dbid, Oid owner, const EtlQueued *step)
{
	Oid lane_owner = step->remote ? ETL_REMOTE_LANE : owner;
	EtlQueuePush result;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	if (step->pool != NULL)
		result = push_into_pool(dbid, lane_owner, step);
	else
		result = push_into_lane(dbid, lane_owner, step);
	LWLockRelease(queue->lock);
	return result;
}

bool
queue_pop(Oid dbid, Oid owner, EtlQueued *step)
{
	Lane *lane;
	bool found = false;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	while (!found && (lane = find_lane(dbid, owner, false)) != NULL && lane->steps > 0)
	{
		int place = take_from_lane(lane);
		Pool *pool = queue->places[place].pool == 0 ? NULL : pool_of(&queue->places[place]);

		found = pool == NULL || pool->slots == ETL_POOL_GONE || pool->taken <= pool->slots;
		if (found)
			*step = free_place(place);
		else
		{
			pool->taken--; /* slots became fewer since it was given one */
			add_to_pool(pool, place);
		}
	}
	LWLockRelease(queue->lock);
	return found;
}

void
queue_clear(Oid dbid)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	for (int i = 0; i < queue->lane_end; i++)
	{
		Lane *lane = &queue->lanes[i];

		if (lane->dbid != dbid)
			continue;
		while (lane->steps > 0)
		{
			EtlQueued step = free_place(take_from_lane(lane));

			if (step.slot_of != 0)
				queue->pools[step.slot_of - 1].taken--;
		}
		lane->dbid = InvalidOid;
	}
	for (int i = 0; i < queue->pool_end; i++)
	{
		Pool *pool = &queue->pools[i];

		if (pool->dbid != dbid)
			continue;
		while (pool->waiting > 0)
			free_place(take_from_pool(pool));
		pool->slots = 0; /* until it has been read */
		pool->refill_below = 0;
		pool->change++;
	}
	LWLockRelease(queue->lock);
}

int
queue_demand(Oid dbid, EtlQueueDemand *demand)
{
	int count = 0;

	LWLockAcquire(queue->lock, LW_SHARED);
	for (int i = 0; i < queue->lane_end; i++)
		if (queue->lanes[i].dbid == dbid && queue->lanes[i].steps > 0)
			demand[count++] = (EtlQueueDemand){.owner = queue->lanes[i].owner, .steps = queue->lanes[i].steps};
	LWLockRelease(queue->lock);
	return count;
}

bool
queue_is_drained(Oid dbid, bool *later)
{
	bool drained = false;

	*later = false;
	LWLockAcquire(queue->lock, LW_SHARED);
	for (int i = 0; i < queue->lane_end; i++)
	{
		const Lane *lane = &queue->lanes[i];

		if (lane->dbid != dbid || lane->refill_below == 0)
			continue;
		*later = true; /* who takes steps from a lane tells nobody */
		drained = drained || lane->steps < lane->refill_below;
	}
	for (int i = 0; i < queue->pool_end; i++)
		if (queue->pools[i].dbid == dbid && queue->pools[i].waiting < queue->pools[i].refill_below)
			drained = true;
	LWLockRelease(queue->lock);
	return drained;
}

EtlPoolNext
queue_pool_release(int number)
{
	Pool *pool = &queue->pools[number - 1];
	EtlPoolNext next = {0};
	int place;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	Assert(pool->taken > 0);
	pool->taken--;
	place = fill_slots(pool);
	next.dbid = pool->dbid;
	if (place != ETL_HEAP_EMPTY)
	{
		next.found = true;
		next.owner = queue->places[place].owner;
		next.task_run_id = queue->places[place].task_run_id;
	}
	next.drained = pool->waiting < pool->refill_below;
	LWLockRelease(queue->lock);
	return next;
}

void
queue_pools_changed(Oid dbid)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	for (int i = 0; i < queue->pool_end; i++)
		if (queue->pools[i].dbid == dbid)
			queue->pools[i].change++;
	LWLockRelease(queue->lock);
}

static EtlPoolState
state_of(const Pool *pool)
{
	EtlPoolState state = {
		.slots = pool->slots, .taken = pool->taken, .waiting = pool->waiting, .change = pool->change};

	strlcpy(state.name, pool->name, sizeof(state.name));
	return state;
}

bool
queue_pool_to_read(Oid dbid, EtlPoolState *pool)
{
	bool found = false;

	LWLockAcquire(queue->lock, LW_SHARED);
	for (int i = 0; i < queue->pool_end && !found; i++)
		if (queue->pools[i].dbid == dbid && is_to_be_read(&queue->pools[i]))
		{
			*pool = state_of(&queue->pools[i]);
			found = true;
		}
	LWLockRelease(queue->lock);
	return found;
}

void
queue_pool_set(Oid dbid, const EtlPoolState *state, int slots)
{
	Pool *pool;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	pool = find_pool(dbid, state->name, false);
	if (pool != NULL)
	{
		pool->slots = slots;
		pool->read = state->change;
		fill_slots(pool);
	}
	LWLockRelease(queue->lock);
}

bool
queue_pool_remove_first(Oid dbid, const char *name, EtlQueued *step)
{
	Pool *pool;
	bool found;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	pool = find_pool(dbid, name, false);
	found = pool != NULL && pool->waiting > 0;
	if (found)
	{
		*step = free_place(take_from_pool(pool));
		step->slot_of = 0;
	}
	LWLockRelease(queue->lock);
	return found;
}

int
queue_pools(Oid dbid, EtlPoolState **pools)
{
	int count = 0;

	*pools = palloc(ETL_POOLS * sizeof(EtlPoolState));
	LWLockAcquire(queue->lock, LW_SHARED);
	for (int i = 0; i < queue->pool_end; i++)
		if (queue->pools[i].dbid == dbid && (queue->pools[i].taken > 0 || queue->pools[i].waiting > 0))
			(*pools)[count++] = state_of(&queue->pools[i]);
	LWLockRelease(queue->lock);
	return count;
}

bool
queue_waits_in_pool(Oid dbid, const EtlQueued *step, EtlPoolState *state)
{
	Pool *pool;
	bool waits = false;

	LWLockAcquire(queue->lock, LW_SHARED);
	pool = find_pool(dbid, step->pool, false);
	if (pool != NULL && pool->waiting > 0)
	{
		const Place *first = &queue->places[pool->first];

		waits = step->priority < first->priority ||
			(step->priority == first->priority && step->task_run_id >= first->task_run_id);
		*state = state_of(pool);
	}
	LWLockRelease(queue->lock);
	return waits;
}

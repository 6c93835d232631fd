/*
 * queue.c
 *		The queue in shared memory. See queue.h.
 *
 * A fixed number of places, each free or in one lane's heap (heap.h). All of it is under one spinlock's worth of
 * work, a lightweight lock held for a microsecond: a push is a meld, a pop a few.
 */
#include "postgres.h"

#include "flow/heap.h"
#include "flow/queue.h"
#include "storage/lwlock.h"

#define QUEUE_PLACES 65536 /* steps ready at a time, in all databases; beyond it the tables are read again */
#define QUEUE_LANES 512	   /* owners with ready steps at a time */

typedef struct Place
{
	EtlHeapNode node; /* first, for heap.h; of a free place, sibling is the next free one */
	EtlQueued step;
} Place;

typedef struct Lane
{
	Oid dbid; /* InvalidOid: free */
	Oid owner;
	int first; /* root of its heap */
	int steps;
} Lane;

typedef struct Queue
{
	LWLock *lock;
	int free;
	int free_count;
	int lane_end; /* one past the last lane in use */
	Lane lanes[QUEUE_LANES];
	Place places[QUEUE_PLACES];
} Queue;

static Queue *queue = NULL;

static bool
comes_first(int a, int b, const void *arg)
{
	const EtlQueued *first = &queue->places[a].step;
	const EtlQueued *second = &queue->places[b].step;

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
	for (int i = 0; i < QUEUE_PLACES; i++)
		queue->places[i].node.sibling = i + 1 < QUEUE_PLACES ? i + 1 : ETL_HEAP_EMPTY;
	queue->free = 0;
	queue->free_count = QUEUE_PLACES;
}

/* The lock is held. With `make`, one is made if there is none; NULL: there is none, or no more can be made. */
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
	if (unused == NULL && queue->lane_end < QUEUE_LANES)
		unused = &queue->lanes[queue->lane_end++];
	if (unused != NULL)
		*unused = (Lane){.dbid = dbid, .owner = owner, .first = ETL_HEAP_EMPTY};
	return unused;
}

/* The lock is held, the lane isn't empty. */
static void
take_first(Lane *lane)
{
	EtlHeapArray array = places();
	int place = lane->first;

	lane->first = heap_remove_first(&array, place);
	if (--lane->steps == 0)
		lane->dbid = InvalidOid;
	queue->places[place].node.sibling = queue->free;
	queue->free = place;
	queue->free_count++;
}

bool
queue_push(Oid dbid, Oid owner, const EtlQueued *step)
{
	Lane *lane = NULL;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	if (queue->free != ETL_HEAP_EMPTY)
		lane = find_lane(dbid, step->remote ? ETL_REMOTE_LANE : owner, true);
	if (lane != NULL)
	{
		EtlHeapArray array = places();
		int place = queue->free;

		queue->free = queue->places[place].node.sibling;
		queue->free_count--;
		queue->places[place].step = *step;
		lane->first = heap_add(&array, lane->first, place);
		lane->steps++;
	}
	LWLockRelease(queue->lock);
	return lane != NULL;
}

bool
queue_pop(Oid dbid, Oid owner, EtlQueued *step)
{
	Lane *lane;

	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	lane = find_lane(dbid, owner, false);
	if (lane != NULL)
	{
		*step = queue->places[lane->first].step;
		take_first(lane);
	}
	LWLockRelease(queue->lock);
	return lane != NULL;
}

void
queue_clear(Oid dbid)
{
	LWLockAcquire(queue->lock, LW_EXCLUSIVE);
	for (int i = 0; i < queue->lane_end; i++)
		while (queue->lanes[i].dbid == dbid)
			take_first(&queue->lanes[i]);
	LWLockRelease(queue->lock);
}

int
queue_demand(Oid dbid, EtlQueueDemand *demand, int size)
{
	int count = 0;

	LWLockAcquire(queue->lock, LW_SHARED);
	for (int i = 0; i < queue->lane_end && count < size; i++)
		if (queue->lanes[i].dbid == dbid)
			demand[count++] = (EtlQueueDemand){.owner = queue->lanes[i].owner, .steps = queue->lanes[i].steps};
	LWLockRelease(queue->lock);
	return count;
}

bool
queue_has_room(void)
{
	bool room;

	LWLockAcquire(queue->lock, LW_SHARED);
	room = queue->free_count > QUEUE_PLACES / 2;
	LWLockRelease(queue->lock);
	return room;
}

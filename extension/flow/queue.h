/*
 * queue.h
 *		The queue: steps that can start now, in shared memory.
 *
 * The tables say what there is to do (etl.task_run, status queued); this says in which order, so that nobody scans a
 * table for work and nothing is left behind in one when the work is done, whatever snapshot some session holds. It is
 * filled by commits, emptied by executors, and built anew from the tables when a database's scheduler starts. It
 * may hold a step twice, or one that somebody has dealt with: whoever takes a step looks at its row, locked, before
 * anything else.
 *
 * Steps of one database and owner are a lane; the one with the highest priority comes first, among equals the oldest. So
 * are those of a database, whoever owns them, that need no executor of their owner's: the remote lane. What is there has no
 * question to ask in SQL any more (condition, wait_until): the remote executor doesn't ask.
 *
 * A step of a pool (etl.pool) needs one of its slots. It waits in the pool's own heap, in the same order, whoever owns
 * it, and joins its lane when it is given a slot. It keeps that until whoever popped it gives it back: executors when they
 * take their next step or end, remote ones when the step's place is free. How many slots a pool has is in etl.pool, which
 * the scheduler reads (pool.c).
 */
#ifndef ETL_FLOW_QUEUE_H
#define ETL_FLOW_QUEUE_H

#include "postgres.h"

#define ETL_QUEUE_PLACES 65536	   /* steps at a time, in all databases; beyond it the tables are read again */
#define ETL_QUEUE_LANES 512		   /* owners with ready steps at a time */
#define ETL_POOLS 1024			   /* pools with steps at a time, in all databases */
#define ETL_POOL_NAME_SIZE (80 * 4 + 1) /* 80 characters, in any encoding */
#define ETL_REMOTE_LANE InvalidOid /* in place of an owner */

typedef struct EtlQueued
{
	int64 task_run_id;
	int64 run_id;
	int priority;	  /* higher comes first */
	bool remote;	  /* it is for the remote lane, not for its owner's */
	const char *pool; /* of a step that is pushed: the pool it needs a slot of; NULL: none */
	int slot_of;	  /* of one that was popped: the pool it has a slot of, for queue_pool_release; 0: none */
} EtlQueued;

typedef enum EtlQueuePush
{
	ETL_QUEUE_READY, /* it is in its lane */
	ETL_QUEUE_WAITS, /* for a slot of its pool */
	ETL_QUEUE_ASKS,	 /* the scheduler is to be woken: it reads the pool, or the tables when there is room */
	ETL_QUEUE_FULL	 /* it is not in the queue, nor does that remember it: the scheduler is to be told so */
} EtlQueuePush;

/* A lane that is not empty. */
typedef struct EtlQueueDemand
{
	Oid owner; /* or ETL_REMOTE_LANE */
	int steps;
} EtlQueueDemand;

/* A pool as it stands. */
typedef struct EtlPoolState
{
	char name[ETL_POOL_NAME_SIZE];
	int slots; /* ETL_POOL_GONE: there is none of this name */
	int taken;
	int waiting;
	uint32 change; /* counts the commits that may have changed it */
} EtlPoolState;

#define ETL_POOL_GONE (-1)

/* What follows from a slot that is free again. */
typedef struct EtlPoolNext
{
	Oid dbid;
	bool found; /* a step that can start now */
	Oid owner;	/* whose lane it is in: an owner's or the remote */
	int64 task_run_id;
	bool drained; /* the scheduler is to read the tables: see queue_is_drained */
} EtlPoolNext;

extern Size queue_shared_size(void);
/* In shared memory that is being made. */
extern void queue_shared_init(void *memory);
/* Where it is, in any process. */
extern void queue_shared_attach(void *memory);

extern EtlQueuePush queue_push(Oid dbid, Oid owner, const EtlQueued *step);
/* From one lane: an owner's or the remote. */
extern bool queue_pop(Oid dbid, Oid owner, EtlQueued *step);
/* Nothing of the database is in it any more. Slots that popped steps have stay theirs. */
extern void queue_clear(Oid dbid);
/* The database's lanes that are not empty; demand has room for ETL_QUEUE_LANES. */
extern int queue_demand(Oid dbid, EtlQueueDemand *demand);
/*
 * Of some lane or pool of the database there were more steps than found a place, and half of those that did are gone: the
 * scheduler is to read the tables. False with `later`: it is to ask again in a while.
 */
extern bool queue_is_drained(Oid dbid, bool *later);

/* A popped step has ended, or its process has: its slot goes to the step that comes first. See shared_release_pool. */
extern EtlPoolNext queue_pool_release(int pool);
/* A commit may have changed any of the database's pools. */
extern void queue_pools_changed(Oid dbid);
/* One that the scheduler is to look at: it may have changed, or is gone while steps wait for it. False: there is none. */
extern bool queue_pool_to_read(Oid dbid, EtlPoolState *pool);
/* What etl.pool says of a pool, as of queue_pool_to_read. Steps that now have a slot are in their lanes. */
extern void queue_pool_set(Oid dbid, const EtlPoolState *pool, int slots);
/* Take the first step that waits for a slot, to deal with it without one. */
extern bool queue_pool_remove_first(Oid dbid, const char *pool, EtlQueued *step);
/* The database's pools that steps wait for or have slots of; palloc'd. */
extern int queue_pools(Oid dbid, EtlPoolState **pools);
/* Whether a step that is ready waits for a slot: the first that does comes before it. Then `state` is its pool's. */
extern bool queue_waits_in_pool(Oid dbid, const EtlQueued *step, EtlPoolState *state);

#endif

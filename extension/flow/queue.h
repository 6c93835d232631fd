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
 */
#ifndef ETL_FLOW_QUEUE_H
#define ETL_FLOW_QUEUE_H

#include "postgres.h"

#define ETL_REMOTE_LANE InvalidOid /* in place of an owner */

typedef struct EtlQueued
{
	int64 task_run_id;
	int64 run_id;
	int priority; /* higher comes first */
	bool remote;  /* it is for the remote lane, not for its owner's */
} EtlQueued;

/* A lane that is not empty. */
typedef struct EtlQueueDemand
{
	Oid owner; /* or ETL_REMOTE_LANE */
	int steps;
} EtlQueueDemand;

extern Size queue_shared_size(void);
/* In shared memory that is being made. */
extern void queue_shared_init(void *memory);
/* Where it is, in any process. */
extern void queue_shared_attach(void *memory);

/* False: it is full. Then the database's scheduler must be told, for it to read the tables when there is room. */
extern bool queue_push(Oid dbid, Oid owner, const EtlQueued *step);
/* From one lane: an owner's or the remote. */
extern bool queue_pop(Oid dbid, Oid owner, EtlQueued *step);
/* Nothing of the database is in it any more. */
extern void queue_clear(Oid dbid);
/* The database's lanes that are not empty; at most `size`. */
extern int queue_demand(Oid dbid, EtlQueueDemand *demand, int size);
/* Whether half of the places are free again. */
extern bool queue_has_room(void);

#endif

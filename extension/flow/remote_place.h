/*
 * remote_place.h
 *		The external steps that are under way, in shared memory: who is at which, and who is to stop.
 *
 * A remote executor is at many steps at once; each has a place here while it is. There are etl.max_remote_steps of them, in
 * all databases together.
 */
#ifndef ETL_FLOW_REMOTE_PLACE_H
#define ETL_FLOW_REMOTE_PLACE_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "flow/queue.h"

typedef struct EtlRemotePlace
{
	pid_t pid; /* of the remote executor; 0: free */
	Oid dbid;
	Oid owner; /* InvalidOid: not known yet */
	int64 task_run_id;
	int64 run_id;
	TimestampTz started_at;
	int pool;	 /* of which the step has a slot, as queue_pop says; 0: none */
	bool cancel; /* the step's run was cancelled */
	bool passed_over; /* see shared_pass_over */
} EtlRemotePlace;

extern int etl_max_remote_steps; /* setting etl.max_remote_steps */

extern Size remote_place_shared_size(void);
/* In shared memory that is being made. */
extern void remote_place_shared_init(void *memory);
/* Where it is, in any process. */
extern void remote_place_shared_attach(void *memory);

/*
 * In a remote executor: take its database's next step from the queue, and be at it. The place; -1: there is no step, or no
 * place, and the latch is set when there may be.
 */
extern int remote_place_take(EtlQueued *step);
extern void remote_place_show(int place, Oid owner, TimestampTz started_at);
extern bool remote_place_is_cancelled(int place);
extern void remote_place_free(int place);
extern void remote_place_free_all(void);

/* In any process. Cancel what is under way of a run, or with run_id 0 a step. */
extern void remote_place_cancel(Oid dbid, int64 run_id, int64 task_run_id);
/* The part of shared_pass_over; the lock is held. Adds the steps to those at `task_run_ids`, and returns how many. */
extern int remote_place_pass_over(Oid dbid, int64 *task_run_ids);
/* How many are at the step: one or none. */
extern int remote_place_count(Oid dbid, int64 task_run_id);
/* Place `index` as it is now. False: there is none of that number. */
extern bool remote_place_read(int index, EtlRemotePlace *place);

#endif

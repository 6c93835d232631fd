/*
 * shared.h
 *		What the engine's processes know of each other: shared memory, and how they wake one another.
 *
 * Only live state is here, all of it can be lost: the tables say what there is to do, shared memory says who is
 * doing it. Everything is under one lock, held for a few instructions at a time. Present only when pg_etl is in
 * shared_preload_libraries.
 */
#ifndef ETL_FLOW_SHARED_H
#define ETL_FLOW_SHARED_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "flow/queue.h"
#include "storage/condition_variable.h"
#include "storage/latch.h"
#include "storage/lwlock.h"

#define ETL_MOST_EXECUTORS 1024 /* that etl.max_executors may be */
#define ETL_MAX_DATABASES 64 /* that have the extension */
#define ETL_MAX_QUIESCED 32	 /* databases being dropped, or losing the extension, at a time */
#define ETL_CANCEL_GRACE_MS                                                                                  \
	3000 /* how long a statement has to heed its cancellation before its process is ended */
#define ETL_EXECUTOR_QUANTUM_MS 100 /* how long an executor stays that another owner wants the place of */

typedef enum EtlExecutorState
{
	ETL_EXECUTOR_FREE,	   /* the slot is nobody's */
	ETL_EXECUTOR_RECOVER,  /* held for the scheduler: this step's process died */
	ETL_EXECUTOR_STARTING, /* registered, not there yet */
	ETL_EXECUTOR_IDLE,	   /* waits until it is called or asked to leave */
	ETL_EXECUTOR_CALLED,   /* is going to look into the queue: good for one step, and not for a second */
	ETL_EXECUTOR_BUSY	   /* at a step */
} EtlExecutorState;

/* Why the engine has ended the process of a step, which did not heed its cancellation. */
typedef enum EtlStepEviction
{
	ETL_NOT_EVICTED,
	ETL_EVICTED_CANCELLED,
	ETL_EVICTED_TIMED_OUT
} EtlStepEviction;

typedef struct EtlExecutorSlot
{
	EtlExecutorState state;
	Oid dbid;
	Oid owner; /* role it is connected as */
	pid_t pid; /* 0 until it is there */
	Latch *latch;
	int64 task_run_id; /* 0: runs none */
	int64 run_id;
	TimestampTz started_at; /* of the step */
	int pool;				/* of which the step has a slot, as queue_pop says; 0: none */
	bool cancel;			/* the step's run was cancelled */
	int64 cancelled_ms;		/* when, by clock_monotonic_ms */
	EtlStepEviction evicted;
	bool retire;			/* asked to make room for another owner's: see dispatch.c */
	bool passed_over;		/* the queue was read anew while it was at the step, and does not have that */
	int64 came_ms;			/* when the process did, by clock_monotonic_ms */
} EtlExecutorSlot;

typedef struct EtlSchedulerSlot
{
	Oid dbid; /* InvalidOid: free */
	pid_t pid;
	Latch *latch;
	bool serving; /* the extension is there, and it runs */
	bool executor_failed; /* one could not connect: not another one at once */
	bool executor_left;	  /* one has: was it at an external step? */
	bool overflowed;	  /* steps are ready that are not in the queue */
	bool signalled;		  /* somebody has said what became of a suspended step */
	bool limit_changed;	  /* a run that max_active_runs is about was queued, or has ended */
	bool wants;			  /* more executors: no slot was free */
	Oid wanted_for;		  /* if it does: the owner that has fewest of those it wants them for */
	int has;			  /* so many */
	uint64 ticket;		  /* who has waited for longer has the lower one */
} EtlSchedulerSlot;

typedef struct EtlQuiesced
{
	Oid dbid; /* no process of ours may be there */
	pid_t pid; /* the backend that asks for it; 0: free */
} EtlQuiesced;

/* Who waits for a run is woken by the ends of one in so many, and not by every one. */
#define ETL_RUN_END_GROUPS 64

typedef struct EtlShared
{
	LWLock *lock;
	pid_t launcher_pid;
	Latch *launcher_latch;
	bool look_again;			   /* the launcher is to look at every database anew */
	uint64 tickets;				   /* given so far: see dispatch.c */
	bool scheduler_failed;		   /* because one has died: not again at once */
	ConditionVariable run_ended[ETL_RUN_END_GROUPS]; /* broadcast when a run of the group has: shared_run_ended */
	ConditionVariable worker_gone;					 /* broadcast when a scheduler or executor is */
	EtlSchedulerSlot schedulers[ETL_MAX_DATABASES];
	EtlQuiesced quiesced[ETL_MAX_QUIESCED];
	/*
	 * The first etl_max_executors are of those that run their owner's steps. The others are of remote executors: owner
	 * ETL_REMOTE_LANE, at a step while it has its turn.
	 */
	int executor_count;
	EtlExecutorSlot executors[FLEXIBLE_ARRAY_MEMBER];
} EtlShared;

extern EtlShared *etl_shared; /* NULL: not preloaded */
extern int etl_max_executors; /* setting etl.max_executors */

extern void shared_init(void);

/* The launcher's latch; with look_again it probes every database. */
extern void shared_wake_launcher(bool look_again);
/* The lock is held, the slot is ETL_EXECUTOR_IDLE. */
extern void shared_call_executor(EtlExecutorSlot *slot);
/* The lock is held. How many executors of this database and owner there are, or are coming. */
extern int shared_executors_of(Oid dbid, Oid owner);
/* The lock is held. Schedulers but this one that want executors' slots look whether they can have one now. */
extern void shared_wake_wanting(const EtlSchedulerSlot *but);
/* The database's scheduler; InvalidOid: every one. */
extern void shared_wake_scheduler(Oid dbid);
/* Call up to `count` idle executors of this database and owner; the scheduler too when they don't suffice. */
extern void shared_call_executors(Oid dbid, Oid owner, int count);
/* Wake the database's remote executor, or have its scheduler start one. */
extern void shared_call_remote_executor(Oid dbid);
/* The lock is held. InvalidOid: every database's. False: there is none. */
extern bool shared_call_remote_executors_locked(Oid dbid);
/* Whether slot `index` is one of the remote executors'. */
extern bool shared_slot_is_remote(int index);
/* An executor has left, or failed to record what its step did: the scheduler is to look for abandoned ones. */
extern void shared_executor_left(Oid dbid);
/* A step that has ended, or was dealt with, had a slot of the pool: whoever waits for it starts. 0: it had none. */
extern void shared_release_pool(int pool);
/* What follows from a slot that was given back: see queue_pool_release. */
extern void shared_pool_next(const EtlPoolNext *next);
/* A commit may have changed etl.pool. */
extern void shared_pools_changed(Oid dbid);
/* The database has steps that are not in the queue: the scheduler is to read the tables. */
extern void shared_queue_overflowed(Oid dbid);
/* Somebody has said what became of a suspended step: the scheduler is to look. */
extern void shared_signal(Oid dbid);
/* A run that max_active_runs is about was queued, or has ended: likewise. */
extern void shared_limit_changed(Oid dbid);
/* Cancel the steps of a run that executors, the remote one included, are at. */
extern void shared_cancel_run(Oid dbid, int64 run_id);
/* The same for one step. */
extern void shared_cancel_step(Oid dbid, int64 task_run_id);
/*
 * End the database's executors that have not heeded a cancellation for ETL_CANCEL_GRACE_MS. Returns for how many ms the
 * next has time; -1: there is none.
 */
extern int64 shared_evict(Oid dbid);
/* How many executors are at the step; the remote one counts, whosever turn it is. */
extern int shared_executors_at(Oid dbid, int64 task_run_id);
/*
 * The steps that executors of the database are at, palloc'd; returns how many. Who reads the queue anew leaves
 * them out, so each executor is marked: if its step is still to be run when it leaves it, the queue is to be read again.
 */
extern int shared_pass_over(Oid dbid, int64 **task_run_ids);
/* What is broadcast when this run ends, and others of its group. */
extern ConditionVariable *shared_run_ended(int64 run_id);
/* Whether some backend has asked that no process of ours be in the database. */
extern bool shared_is_quiesced(Oid dbid);

#endif

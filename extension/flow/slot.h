/*
 * slot.h
 *		An executor's slot in shared memory: what the process says there of itself and of the step it is at.
 */
#ifndef ETL_FLOW_SLOT_H
#define ETL_FLOW_SLOT_H

#include "postgres.h"

#include "flow/adapter.h"
#include "flow/queue.h"

/*
 * In an executor, first of all: take slot `index`, and leave it when the process ends. False: the scheduler gave the
 * slot up before the postmaster got round to this process.
 */
extern bool slot_take(int index, Oid *dbid, Oid *owner);
/* The process is connected; one that ends before is not started again at once. */
extern void slot_set_connected(void);
/* For SIGQUIT: the server has crashed, and not here. */
extern void slot_at_crash_of_another(SIGNAL_ARGS);
/* For SIGTERM in a remote executor. */
extern void slot_at_stop(SIGNAL_ARGS);

/* What the step's code tells of itself: to shared memory and the journal, to pg_stat_activity. */
/*
 * Take the owner's next step from the queue and be at it; the slot that the last one had of a pool is given back. False:
 * there is none, or the place is wanted for another owner, and the executor is idle until it is called. All in one with
 * the state others see, so that no step is ever left to an executor that has taken another.
 */
extern bool slot_step_take(EtlQueued *step);
extern void slot_step_show(const EtlStep *step);
/* True: the queue does not have the step, should it still be to be run (shared_pass_over). */
extern bool slot_step_end(void);
/* In a remote executor: the step has its turn. */
extern void slot_turn_begin(const EtlQueued *step, TimestampTz started_at);
extern void slot_turn_end(void);
/* The run of the step this executor is at has been cancelled. */
extern bool slot_step_is_cancelled(void);
/*
 * In the handler of a timeout: the step has not heeded the end of its time, and its process ends as soon as it can. Only
 * async-signal-safe calls.
 */
extern void slot_step_evict(void);
/* It is to make room for another owner's. */
extern bool slot_is_wanted(void);

/* In any process. The role it runs steps for; InvalidOid: it is no executor. */
extern Oid slot_owner(void);
/* The run whose step it is at; 0: it is at none. */
extern int64 slot_run_id(void);

#endif

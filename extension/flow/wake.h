/*
 * wake.h
 *		What is to happen when the current transaction commits: who is woken, whose steps are cancelled.
 *
 * Latches are set from the commit's callback, so nobody looks before there is something to see; NOTIFY would take a
 * cluster-wide lock at every commit. A subtransaction that aborts takes its wishes with it. Without preload all of
 * them do nothing.
 */
#ifndef ETL_FLOW_WAKE_H
#define ETL_FLOW_WAKE_H

#include "postgres.h"

#include "flow/queue.h"

extern void wake_init(void);

/* A step of this owner can start: it joins the queue. */
extern void wake_for_step(Oid owner, const EtlQueued *step);
/* Timers or definitions changed. */
extern void wake_for_scheduler(void);
/* So did pools: the scheduler reads them. */
extern void wake_for_pools(void);
/* A run ended: sessions that wait for it in etl.wait_for_run look. */
extern void wake_for_run_end(int64 run_id);
/* A run was cancelled: executors that are at one of its steps stop. */
extern void wake_for_cancel(int64 run_id);
/* Somebody has said what became of a suspended step, or a step is suspended now. */
extern void wake_for_signal(void);
/* A run was queued that max_active_runs is about, or has ended: the scheduler looks whose turn it is. */
extern void wake_for_limit(void);
/* A step is to end although its run goes on: an executor that is at it stops. */
extern void wake_for_step_cancel(int64 task_run_id);
/* The extension was created here. */
extern void wake_for_launcher(void);

#endif

/*
 * executor.h
 *		The process that runs steps, connected as the owner of the workflows they belong to.
 */
#ifndef ETL_FLOW_EXECUTOR_H
#define ETL_FLOW_EXECUTOR_H

#include "postgres.h"

#include "flow/adapter.h"
#include "postmaster/bgworker.h"

/* Have the postmaster start one for slot `index`, which is ETL_EXECUTOR_STARTING. False: no process can be had. */
extern bool executor_start(int index, BackgroundWorkerHandle **handle);

/* What the step's code tells of itself: to shared memory and the journal, to pg_stat_activity. */
extern void executor_step_begin(int64 task_run_id, int64 run_id);
extern void executor_step_show(const EtlStep *step);
extern void executor_step_end(void);
/* The run of the step this executor is at has been cancelled. */
extern bool executor_step_is_cancelled(void);
/* The role this process runs steps for; InvalidOid: it is no executor. */
extern Oid executor_owner(void);
/* The run whose step this process is at; 0: it is at none. */
extern int64 executor_run_id(void);

#endif

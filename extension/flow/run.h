/*
 * run.h
 *		A run from its queuing to its end: everything that is written to etl.run.
 *
 * All functions are called inside an ETL_SPI_OWNER scope, in the transaction whose commit makes the change.
 */
#ifndef ETL_FLOW_RUN_H
#define ETL_FLOW_RUN_H

#include "postgres.h"

#include "flow/definition.h"
#include "flow/front_end.h"
#include "flow/history.h"

/* What a step tells of itself to its run. */
typedef struct EtlStepReport
{
	const EtlDefinition *definition;
	const EtlTaskDefinition *task;
	TimestampTz started_at; /* 0: the run has started before */
	bool ended; /* for good: no attempt follows */
	EtlOutcome outcome;
	const char *error; /* of a failure */
} EtlStepReport;

/* Lock the run's row. False when it has ended already (or never was). */
extern bool run_lock(int64 run_id);
/*
 * The run starts, and the time that its timeout gives it. By itself, for runs that have one: a step's own record of its start
 * may come with its end.
 */
extern void run_start(int64 run_id, TimestampTz at, EtlHistory *history);
/*
 * A step has started or ended: starts the run, starts or skips what follows, ends the run, and tells whom it
 * concerns. False, with nothing changed, when the run has ended already.
 */
extern bool run_report(int64 run_id, const EtlStepReport *report, EtlHistory *history);
/* A notification of the run has been delivered, or given up. */
extern void run_notified(int64 run_id);
/* Everything of the run that no executor is at: cancelled. Returns how many tasks that is. */
extern int run_cancel_unstarted(int64 run_id, TimestampTz now, EtlHistory *history);
/* The run's tasks that have not succeeded wait: they start, or are skipped, as it has it. The run's row is locked. */
extern void run_go_on(int64 run_id, EtlHistory *history);
/* Steps of the run that were skipped, or can start: into history, and into the queue when this commits. */
extern void run_carry_on(Oid owner, const EtlAdvance *advance, TimestampTz at, EtlHistory *history);
/* The front end of workflows of this type. */
extern const EtlFrontEnd *run_front_end(const char *type);
/* End the run, if it goes on, whatever its steps are at. False: it has ended already. */
extern bool run_cancel(int64 run_id, EtlHistory *history);
/* The same, for a caller that has for_each_try_lock_all behind it. */
extern bool run_time_out(int64 run_id, EtlHistory *history);
/* Its status, as stored; NULL: it is gone. */
extern char *run_status(int64 run_id);

#endif

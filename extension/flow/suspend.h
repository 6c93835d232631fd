/*
 * suspend.h
 *		Steps that do not end with their statement or call: they wait, without a process, until somebody outside says
 *		what has become of them. That is who has their token (token.h), or the run they have started (child.h).
 *
 * Such a step has a row of etl.suspended. What is said is a row of etl.signal, inserted in the speaker's transaction:
 * nobody waits for that, and the scheduler records the step's end when it has committed. What is said before the step
 * has done its part waits there.
 */
#ifndef ETL_FLOW_SUSPEND_H
#define ETL_FLOW_SUSPEND_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "flow/step.h"

/* All but the last inside an ETL_SPI_OWNER scope. */

/* The step, which has a token now, is going to do its part. */
extern void suspend_announce(const EtlClaim *claim);
/* It has done it, and waits from now on. False, with nothing changed: its run has ended. */
extern bool suspend_step(const EtlClaim *claim, const EtlStepResult *result);
/* It waits for nothing any more. */
extern void suspend_forget(int64 task_run_id);
/* A run is cancelled, whose row is locked, or the items of its task: so are the runs that these steps wait for. */
extern void suspend_cancel(int64 run_id, const char *task);
/* A run has ended that this step waits for. */
extern void suspend_signal_run_end(int64 task_run_id);

/*
 * In a scheduler, in transactions of its own: end the steps of which somebody has said what became of them, and those
 * whose time is over. Returns when to look next; DT_NOEND: when somebody speaks.
 */
extern TimestampTz suspend_run(void);

#endif

/*
 * limit.h
 *		How many runs of a workflow go on at a time: etl.workflow.max_active_runs.
 *
 * A run of a workflow that has a limit when it is queued has a row of etl.limited_run until it ends. It is queued with all
 * its steps waiting, and the scheduler alone lets it go on, so that no two let in one too many and nobody's transaction is
 * waited for. Runs of other workflows know nothing of all this.
 */
#ifndef ETL_FLOW_LIMIT_H
#define ETL_FLOW_LIMIT_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Inside an ETL_SPI_OWNER scope: a run has been queued, or is to go on again, and waits for its turn. */
extern void limit_hold(int64 run_id);
/* A run that waits is not to be held up by others: what waits for its end is one of them. */
extern void limit_exempt(int64 run_id);
/* A run that had a row has ended. */
extern void limit_run_ended(int64 run_id);

/*
 * In a scheduler, in transactions of its own: let runs go on whose turn it is. Returns when to look next; DT_NOEND: when
 * a run is queued or has ended.
 */
extern TimestampTz limit_run(bool changed);

#endif

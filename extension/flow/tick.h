/*
 * tick.h
 *		What workflows' schedules have due becomes runs.
 *
 * etl.schedule_state has a row a scheduled workflow, which its definition's trigger makes; here it is moved on. A tick
 * is a moment a schedule names. Its run has a name made of it, so no tick is queued twice, whatever the clock does.
 */
#ifndef ETL_FLOW_TICK_H
#define ETL_FLOW_TICK_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * In a scheduler: queue the runs that are due, each workflow's in a transaction of their own. Returns when to look
 * next; DT_NOEND: when something changes.
 */
extern TimestampTz tick_run(void);
/* The clock stood later than now before: look anew at schedules that were looked at then. */
extern void tick_clock_set_back(TimestampTz now);

#endif

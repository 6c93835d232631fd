/*
 * timer.h
 *		Steps that wait for a moment (etl.timer): a retry's delay, the next look at a wait_until.
 */
#ifndef ETL_FLOW_TIMER_H
#define ETL_FLOW_TIMER_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * In a scheduler, in transactions of their own.
 *
 * Steps whose moment has come join the queue. Returns when to look next; DT_NOEND: when something changes.
 */
extern TimestampTz timer_fire(void);
/* The clock stood later than now before: what was set then waits as long from now as it was to wait from then. */
extern void timer_clock_set_back(TimestampTz now);

#endif

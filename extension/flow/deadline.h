/*
 * deadline.h
 *		Runs that take longer than their workflow's timeout are ended.
 *
 * etl.deadline has a row a run that has a timeout, has started and goes on; run.c keeps it, here it is looked at.
 */
#ifndef ETL_FLOW_DEADLINE_H
#define ETL_FLOW_DEADLINE_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * In a scheduler, in transactions of their own.
 *
 * End the runs whose time is over. Returns when to look next; DT_NOEND: when something changes.
 */
extern TimestampTz deadline_run(void);
/* The clock stood later than now before: no run has more time left than its timeout. */
extern void deadline_clock_set_back(TimestampTz now);

#endif

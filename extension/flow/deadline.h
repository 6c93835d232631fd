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
 * In a scheduler: end the runs whose time is over, each in a transaction of its own. Returns when to look next;
 * DT_NOEND: when something changes.
 */
extern TimestampTz deadline_run(void);

#endif

/*
 * retention.h
 *		Making ranges of history ahead of the runs, and removing what is older than its workflow's retention.
 */
#ifndef ETL_FLOW_RETENTION_H
#define ETL_FLOW_RETENTION_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Setting etl.retention. */
extern void retention_init(void);

/*
 * In a scheduler, in transactions of their own; a few milliseconds each time. Return when to be called next.
 *
 * Make the next range when the runs come near the end of the last.
 */
extern TimestampTz retention_make_ranges(void);
/* Drop ranges, and delete runs and versions, whose time is over. */
extern TimestampTz retention_run(void);

#endif

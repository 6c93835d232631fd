/*
 * schedule.h
 *		When a workflow runs: a cron expression in any of its forms, or a rate. Pure.
 */
#ifndef ETL_FLOW_SCHEDULE_H
#define ETL_FLOW_SCHEDULE_H

#include "base/platform.h"

#include "datatype/timestamp.h"
#include "flow/cron.h"

typedef struct EtlSchedule
{
	int64 period; /* of a rate, in microseconds; 0: it is a cron expression */
	EtlCron cron;
} EtlSchedule;

/* False, with an error of SQLSTATE 22023, for what is malformed and for what never comes. */
extern bool schedule_parse(const char *text, EtlSchedule *schedule, EtlError *error);

/*
 * The first run later than after; false: there is none before the year 2200. A rate runs at anchor + 1, 2, … periods of
 * elapsed time, and knows no zone; a cron expression needs no anchor.
 */
extern bool schedule_next(const EtlSchedule *schedule, const EtlZone *zone, TimestampTz anchor,
						  TimestampTz after, TimestampTz *next);

#endif

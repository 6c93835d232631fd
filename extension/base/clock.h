/*
 * clock.h
 *		What time it is, for everything that decides by it (timers, schedules, retries, signatures).
 *
 * One function, so that tests need not wait for time to pass: etl.clock_offset puts this clock forward or back for all
 * processes. Nobody asks PostgreSQL's clock but for how long something takes; in install SQL it is etl._clock().
 */
#ifndef ETL_BASE_CLOCK_H
#define ETL_BASE_CLOCK_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Defines the setting. */
extern void clock_init(void);
extern TimestampTz clock_now(void);
/* Milliseconds since some moment, for how long something takes: nobody puts this clock forward or back. */
extern int64 clock_monotonic_ms(void);

#endif

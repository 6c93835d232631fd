/*
 * clock.h
 *		What time it is, for everything that decides by it (timers, retries, signatures).
 *
 * One function, so that a test can put another clock in its place.
 */
#ifndef ETL_BASE_CLOCK_H
#define ETL_BASE_CLOCK_H

#include "postgres.h"

#include "datatype/timestamp.h"

extern TimestampTz clock_now(void);

#endif

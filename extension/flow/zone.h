/*
 * zone.h
 *		A time zone, as what schedules ask of one; so that they are pure, and tests bring zones of their own.
 */
#ifndef ETL_FLOW_ZONE_H
#define ETL_FLOW_ZONE_H

#include "base/platform.h"

typedef struct EtlZone
{
	/*
	 * The offset from UTC, in seconds to the east, at a moment (seconds since 1970-01-01 00:00 UTC), and when that
	 * offset ends: the first moment that may have another one, PG_INT64_MAX if there is none.
	 */
	void (*span)(const void *data, int64 at, int *offset, int64 *end);
	const void *data;
} EtlZone;

#endif

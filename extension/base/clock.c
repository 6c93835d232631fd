/*
 * clock.c
 *		The wall clock. See clock.h.
 */
#include "postgres.h"

#include "base/clock.h"
#include "utils/timestamp.h"

TimestampTz
clock_now(void)
{
	return GetCurrentTimestamp();
}

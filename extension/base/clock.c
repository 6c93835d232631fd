/*
 * clock.c
 *		The wall clock. See clock.h.
 */
#include "postgres.h"

#include "base/clock.h"
#include "fmgr.h"
#include "portability/instr_time.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#define MAX_OFFSET_S (20 * 366 * SECS_PER_DAY)

static int clock_offset = 0; /* setting etl.clock_offset */

void
clock_init(void)
{
	/* For the whole server alone: processes whose clocks differ have no order of what happens. */
	DefineCustomIntVariable("etl.clock_offset", "How far the engine's clock stands ahead of the server's. For tests.", NULL,
							&clock_offset, 0, -MAX_OFFSET_S, MAX_OFFSET_S, PGC_SIGHUP,
							GUC_UNIT_S | GUC_NO_SHOW_ALL | GUC_NOT_IN_SAMPLE, NULL, NULL, NULL);
}

TimestampTz
clock_now(void)
{
	return GetCurrentTimestamp() + clock_offset * USECS_PER_SEC;
}

int64
clock_monotonic_ms(void)
{
	instr_time now;

	INSTR_TIME_SET_CURRENT(now);
	return (int64) INSTR_TIME_GET_MILLISEC(now);
}

PG_FUNCTION_INFO_V1(pg_etl_clock);
Datum
pg_etl_clock(PG_FUNCTION_ARGS)
{
	PG_RETURN_TIMESTAMPTZ(clock_now());
}

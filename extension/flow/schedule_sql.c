/*
 * schedule_sql.c
 *		Schedules from SQL: check one, list its next runs, say that one has changed.
 */
#include "postgres.h"

#include "flow/schedule.h"
#include "flow/time_zone.h"
#include "flow/wake.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static EtlSchedule
schedule_argument(text *argument)
{
	EtlSchedule schedule;
	EtlError error;

	if (!schedule_parse(text_to_cstring(argument), &schedule, &error))
		etl_error_raise(&error);
	return schedule;
}

PG_FUNCTION_INFO_V1(pg_etl_schedule_check);
Datum
pg_etl_schedule_check(PG_FUNCTION_ARGS)
{
	(void) schedule_argument(PG_GETARG_TEXT_PP(0));
	(void) time_zone_open(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pg_etl_next_runs);
Datum
pg_etl_next_runs(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	EtlSchedule schedule = schedule_argument(PG_GETARG_TEXT_PP(0));
	EtlZone zone = time_zone_open(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	int32 n = PG_GETARG_INT32(2);
	TimestampTz anchor = PG_GETARG_TIMESTAMPTZ(3), at = anchor;

	if (n < 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("number of runs \"%d\" is negative", n),
				errhint("Ask for as many runs as are to be listed, such as 5."));
	if (TIMESTAMP_NOT_FINITE(at))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("runs after \"%s\" cannot be listed", timestamptz_to_str(at)),
				errhint("Give a moment in time, such as now()."));
	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	for (int i = 0; i < n && schedule_next(&schedule, &zone, anchor, at, &at); i++)
	{
		Datum value = TimestampTzGetDatum(at);
		bool isnull = false;

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc, &value, &isnull);
	}
	return (Datum) 0;
}

#define MOMENTS_LIMIT 10001 /* one more than etl.backfill takes */

PG_FUNCTION_INFO_V1(pg_etl_moments);
Datum
pg_etl_moments(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	EtlSchedule schedule = schedule_argument(PG_GETARG_TEXT_PP(0));
	EtlZone zone = time_zone_open(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	TimestampTz anchor = PG_GETARG_TIMESTAMPTZ(2), at = PG_GETARG_TIMESTAMPTZ(3), until = PG_GETARG_TIMESTAMPTZ(4);

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC);
	at--;
	for (int i = 0; i < MOMENTS_LIMIT && schedule_next(&schedule, &zone, anchor, at, &at) && at < until; i++)
	{
		Datum value = TimestampTzGetDatum(at);
		bool isnull = false;

		CHECK_FOR_INTERRUPTS();
		tuplestore_putvalues(result->setResult, result->setDesc, &value, &isnull);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(pg_etl_wake_scheduler);
Datum
pg_etl_wake_scheduler(PG_FUNCTION_ARGS)
{
	wake_for_scheduler();
	PG_RETURN_VOID();
}

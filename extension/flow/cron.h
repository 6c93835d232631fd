/*
 * cron.h
 *		Cron expressions: what a text means, and when it comes next. Pure.
 *
 * cron_parse.c reads the text into sets, cron_calendar.c finds the next date and time on a calendar without time
 * zones, cron_next.c brings that to a time zone, where clocks are put forward and back.
 */
#ifndef ETL_FLOW_CRON_H
#define ETL_FLOW_CRON_H

#include "base/error.h"
#include "flow/zone.h"

/* AWS's years. A schedule has no run outside of them, whatever its form. */
#define ETL_CRON_FIRST_YEAR 1970
#define ETL_CRON_LAST_YEAR 2199
#define ETL_CRON_END INT64_C(7258118400) /* 2200-01-01 00:00, in seconds since 1970-01-01 00:00 */

typedef struct EtlCron
{
	uint64 seconds; /* in every set bit n stands for n, if not said otherwise */
	uint64 minutes;
	uint32 hours;
	uint32 months;
	uint64 years[4]; /* bit n: ETL_CRON_FIRST_YEAR + n */

	uint32 days;			/* of the month */
	uint32 days_before_end; /* bit n: n days before the month's last (L, L-n) */
	uint32 nearest_weekday; /* bit n: the weekday nearest to day n (nW); bit 0: the last weekday (LW) */
	uint8 weekdays;			/* 0 is Sunday */
	uint8 nth_weekday[7];	/* of each weekday bit n: its nth in the month (#n); bit 0: its last (L) */
	bool either_day;		/* one of day of month and day of week is enough; if false, both must match */
} EtlCron;

typedef enum EtlCronForm
{
	ETL_CRON_CLASSIC, /* [second] minute hour day-of-month month day-of-week */
	ETL_CRON_AWS	  /* minute hour day-of-month month day-of-week year, within cron(…) */
} EtlCronForm;

/* fields: what schedule, the whole text, has for the fields. */
extern bool cron_parse(const char *schedule, const char *fields, EtlCronForm form, EtlCron *cron,
					   EtlError *error);

/* The first time later than after, both as seconds since 1970-01-01 00:00 of the same calendar. False: none is left. */
extern bool cron_next_local(const EtlCron *cron, int64 after, int64 *next);

/* The same of moments, as seconds since 1970-01-01 00:00 UTC, by the clocks of a zone; see cron_next.c for the rule. */
extern bool cron_next(const EtlCron *cron, const EtlZone *zone, int64 after, int64 *next);

#endif

/*
 * time_parts.h
 *		Arithmetic of dates and times. Private to format/value_*.c and format/time_*.c.
 */
#ifndef ETL_FORMAT_TIME_PARTS_H
#define ETL_FORMAT_TIME_PARTS_H

#include "format/time_format.h"

#include "datatype/timestamp.h"

/* time_auto.c: any form that 'auto' knows. The parts are those of midnight, January 1, but for what the text has. */
extern bool time_auto_read(const char *data, size_t len, EtlTimeParts *parts);

/* time_format.c: digits behind a second's point, at least one, rounded as PostgreSQL rounds; moves behind them. */
extern bool time_fraction_read(const char **at, const char *end, int *microsecond);
/* An hour of 1 to 12 before or after noon becomes one of 24; false: it isn't one. */
extern bool time_hour_of_meridian(EtlTimeParts *parts, bool is_pm);

static inline bool
time_is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static inline int
time_days_in_month(int year, int month)
{
	static const uint8 days[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

	return days[month] + (month == 2 && time_is_leap(year));
}

static inline bool
time_is_date(int year, int month, int day)
{
	return month >= 1 && month <= 12 && day >= 1 && (day <= 28 || day <= time_days_in_month(year, month));
}

/* The last minute may have a second 60, the last day an hour 24; nothing is past that. */
static inline bool
time_is_time(const EtlTimeParts *parts)
{
	if (parts->hour < 0 || parts->minute < 0 || parts->minute > 59 || parts->second < 0 || parts->second > 60)
		return false;
	if (likely(parts->hour < 23))
		return true;
	return ((parts->hour * INT64CONST(60) + parts->minute) * 60 + parts->second) * USECS_PER_SEC +
			   parts->microsecond <=
		   USECS_PER_DAY;
}

/* Days since 2000-01-01, of a year that isn't before 4714 BC. */
static inline int32
time_days(int year, int month, int day)
{
	int century;

	/* March begins the year, so that the leap day ends it */
	year += 4800 - (month <= 2);
	month += month <= 2 ? 9 : -3;
	century = year / 100;
	return year * 365 + year / 4 - century + century / 4 + (month * 153 + 2) / 5 + day - 32045 -
		   POSTGRES_EPOCH_JDATE;
}

/* The other way round, of a day that isn't before 4714 BC. */
static inline void
time_days_split(int32 days, int *year, int *month, int *day)
{
	/* since March 1, 4801 BC; an int is too small for the last day that there is */
	uint32 all_days = (uint32) days + POSTGRES_EPOCH_JDATE + 32044;
	int era = all_days / 146097; /* of 400 years */
	int of_era = all_days % 146097;
	int years = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
	int of_year = of_era - (years * 365 + years / 4 - years / 100);
	int from_march = (5 * of_year + 2) / 153;

	*day = of_year - (153 * from_march + 2) / 5 + 1;
	*month = from_march < 10 ? from_march + 3 : from_march - 9;
	*year = era * 400 + years - 4800 + (*month <= 2);
}

static inline int64
time_of_day(const EtlTimeParts *parts)
{
	return ((parts->hour * INT64CONST(60) + parts->minute) * 60 + parts->second) * USECS_PER_SEC +
		   parts->microsecond;
}

#endif

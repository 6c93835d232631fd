/*
 * cron_calendar.c
 *		The next date and time that a cron expression names, on a calendar without time zones.
 *
 * Years, months, days, hours, minutes and seconds are sets; each step goes to the next member of one, so that an
 * answer costs the same whether it is a minute or a year away.
 */
#include "base/platform.h"

#include "flow/cron.h"
#include "port/pg_bitutils.h"

#define DAY 86400

/* The lowest member that is not below from; -1: none. */
static int
next_member(uint64 set, int from)
{
	set &= PG_UINT64_MAX << from;
	return set == 0 ? -1 : pg_rightmost_one_pos64(set);
}

static bool
is_leap(int year)
{
	return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

/* From 1970-01-01 to the first day of a year; of the leap years since year 1, 477 came before 1970. */
static int
days_before_year(int year)
{
	int past = year - 1;

	return 365 * (year - 1970) + past / 4 - past / 100 + past / 400 - 477;
}

/* From 1970-01-01 to the first day of a month; the 13th is the next January. */
static int
days_before_month(int year, int month)
{
	static const int before[] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365};

	return days_before_year(year) + before[month - 1] + (month > 2 && is_leap(year));
}

/* nW: a Saturday gives way to Friday and a Sunday to Monday, but never to one of another month. */
static int
nearest_weekday(int day, int weekday, int length)
{
	if (weekday == 6)
		return day > 1 ? day - 1 : day + 2;
	if (weekday == 0)
		return day < length ? day + 1 : day - 2;
	return day;
}

/* Those of a month's days (bits 1 to 31) that the expression names. */
static uint32
days_of_month(const EtlCron *cron, int year, int month)
{
	int first = days_before_month(year, month);
	int length = days_before_month(year, month + 1) - first;
	uint32 by_day = cron->days;
	uint32 by_weekday = 0;

	for (int day = 1; day <= length; day++)
	{
		int weekday = (first + day - 1 + 4) % 7; /* 1970-01-01 was a Thursday */
		uint8 nth = cron->nth_weekday[weekday];
		bool last = day + 7 > length;

		if (cron->days_before_end & (UINT32_C(1) << (length - day)))
			by_day |= UINT32_C(1) << day;
		if (cron->nearest_weekday & (UINT32_C(1) << day))
			by_day |= UINT32_C(1) << nearest_weekday(day, weekday, length);
		if ((cron->nearest_weekday & 1) && day == length)
			by_day |= UINT32_C(1) << nearest_weekday(day, weekday, length);
		if ((cron->weekdays & (1 << weekday)) || (nth & (1 << ((day + 6) / 7))) || ((nth & 1) && last))
			by_weekday |= UINT32_C(1) << day;
	}
	return (cron->either_day ? by_day | by_weekday : by_day & by_weekday) & ~UINT32_C(1) &
		   (PG_UINT32_MAX >> (31 - length));
}

/* The first time of day, in seconds, that is not before from; -1: none is left that day. */
static int
next_time_of_day(const EtlCron *cron, int from)
{
	int from_hour = from / 3600, from_minute = from / 60 % 60, from_second = from % 60;

	for (int hour = next_member(cron->hours, from_hour); hour >= 0; hour = next_member(cron->hours, hour + 1))
	{
		int minute = next_member(cron->minutes, hour == from_hour ? from_minute : 0);

		for (; minute >= 0; minute = next_member(cron->minutes, minute + 1))
		{
			bool same = hour == from_hour && minute == from_minute;
			int second = next_member(cron->seconds, same ? from_second : 0);

			if (second >= 0)
				return hour * 3600 + minute * 60 + second;
		}
	}
	return -1;
}

/* The first day that is not before from (both as days since 1970-01-01); -1: none. */
static int
next_day(const EtlCron *cron, int from)
{
	int year = 1970 + from / 366; /* never too late */
	int month = 12;

	while (days_before_year(year + 1) <= from)
		year++;
	while (days_before_month(year, month) > from)
		month--;
	for (; year <= ETL_CRON_LAST_YEAR; year++, month = 1)
	{
		int n = year - ETL_CRON_FIRST_YEAR;

		if (!(cron->years[n / 64] & (UINT64_C(1) << (n % 64))))
			continue;
		for (month = next_member(cron->months, month); month >= 0;
			 month = next_member(cron->months, month + 1))
		{
			int before = days_before_month(year, month) - 1;
			int day = next_member(days_of_month(cron, year, month), Max(from - before, 1));

			if (day >= 0)
				return before + day;
		}
	}
	return -1;
}

bool
cron_next_local(const EtlCron *cron, int64 after, int64 *next)
{
	int64 from = after < 0 ? 0 : after + 1;
	int today, day, time;

	if (after >= ETL_CRON_END - 1)
		return false;
	today = from / DAY;
	time = next_time_of_day(cron, from % DAY);
	day = next_day(cron, time < 0 ? today + 1 : today);
	if (day < 0)
		return false;
	if (day > today)
		time = next_time_of_day(cron, 0);
	*next = (int64) day * DAY + time;
	return true;
}

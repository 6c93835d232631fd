/*
 * date.c
 *		Reading dates. See date.h.
 */
#include "net/date.h"

#include "datatype/timestamp.h"

#define EPOCH_WEEKDAY 4 /* 1970-01-01 was a Thursday */

static const char *const weekdays[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
									 "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};

typedef struct Moment
{
	int year;
	int month; /* from 1 on */
	int day;
	int hour;
	int minute;
	int second;
} Moment;

static bool
take_text(const char **at, const char *text)
{
	size_t length = strlen(text);

	if (strncmp(*at, text, length) != 0)
		return false;
	*at += length;
	return true;
}

/* A number of exactly so many digits. */
static bool
take_number(const char **at, int digits, int *out)
{
	*out = 0;
	for (int i = 0; i < digits; i++, (*at)++)
	{
		if (**at < '0' || **at > '9')
			return false;
		*out = *out * 10 + **at - '0';
	}
	return true;
}

/* Which of the names comes next; -1: none. */
static int
take_name(const char **at, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (take_text(at, names[i]))
			return i;
	return -1;
}

static bool
take_clock(const char **at, Moment *moment)
{
	return take_number(at, 2, &moment->hour) && take_text(at, ":") && take_number(at, 2, &moment->minute) &&
		   take_text(at, ":") && take_number(at, 2, &moment->second);
}

static int
month_days(const Moment *moment)
{
	static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
	bool leap = moment->year % 4 == 0 && (moment->year % 100 != 0 || moment->year % 400 == 0);

	return days[moment->month - 1] + (leap && moment->month == 2 ? 1 : 0);
}

/* Days since 1970-01-01; years begin in March here, so that a leap day is the last one. */
static int64
days_since_epoch(const Moment *moment)
{
	int64 year = moment->month > 2 ? moment->year : moment->year - 1;
	int64 month = moment->month > 2 ? moment->month - 3 : moment->month + 9;

	return 365 * year + year / 4 - year / 100 + year / 400 + (153 * month + 2) / 5 + moment->day - 1 - 719468;
}

static bool
moment_time(const Moment *moment, int64 *days, int64 *out)
{
	/* the 61st second is a leap second */
	if (moment->year < 1970 || moment->month < 1 || moment->month > 12 || moment->day < 1 ||
		moment->day > month_days(moment) || moment->hour > 23 || moment->minute > 59 || moment->second > 60)
		return false;
	*days = days_since_epoch(moment);
	*out = *days * SECS_PER_DAY + moment->hour * SECS_PER_HOUR + moment->minute * SECS_PER_MINUTE +
		   moment->second;
	return true;
}

bool
date_parse_http(const char *text, int64 *out)
{
	Moment moment;
	int weekday;
	int64 days;
	int64 time;

	if (text == NULL || (weekday = take_name(&text, weekdays, lengthof(weekdays))) < 0 ||
		!take_text(&text, ", ") || !take_number(&text, 2, &moment.day) || !take_text(&text, " "))
		return false;
	moment.month = take_name(&text, months, lengthof(months)) + 1;
	if (!take_text(&text, " ") || !take_number(&text, 4, &moment.year) || !take_text(&text, " ") ||
		!take_clock(&text, &moment) || strcmp(text, " GMT") != 0 || !moment_time(&moment, &days, &time) ||
		(days + EPOCH_WEEKDAY) % 7 != weekday)
		return false;
	*out = time;
	return true;
}

bool
date_parse_iso(const char *text, int64 *out)
{
	Moment moment;
	int64 days;
	int64 time;

	if (text == NULL || !take_number(&text, 4, &moment.year) || !take_text(&text, "-") ||
		!take_number(&text, 2, &moment.month) || !take_text(&text, "-") ||
		!take_number(&text, 2, &moment.day) || !take_text(&text, "T") || !take_clock(&text, &moment))
		return false;
	if (take_text(&text, "."))
	{
		size_t digits = strspn(text, "0123456789");

		if (digits == 0)
			return false;
		text += digits;
	}
	if (strcmp(text, "Z") != 0 || !moment_time(&moment, &days, &time))
		return false;
	*out = time;
	return true;
}

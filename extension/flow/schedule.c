/*
 * schedule.c
 *		Tells the forms of a schedule apart, and knows what a rate is. See schedule.h.
 */
#include "base/platform.h"

#include "flow/schedule.h"

/* Longer than any that means something; the error messages hold it twice. */
#define MAX_LENGTH 400

#define SPACE " \t\r\n"

/* From 1970-01-01, where cron counts from, to 2000-01-01, where timestamps do; in seconds. */
#define EPOCH ((POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY)

/* The years of cron expressions bound rates too. */
#define END_OF_SCHEDULES ((ETL_CRON_END - EPOCH) * USECS_PER_SEC)

static const struct
{
	const char *name;
	const char *fields;
} nicknames[] = {
	{"@yearly", "0 0 1 1 *"}, {"@annually", "0 0 1 1 *"}, {"@monthly", "0 0 1 * *"}, {"@weekly", "0 0 * * 0"},
	{"@daily", "0 0 * * *"},  {"@midnight", "0 0 * * *"}, {"@hourly", "0 * * * *"},
};

static const struct
{
	const char *one;
	const char *many;
	int64 length;
} units[] = {
	{"second", "seconds", USECS_PER_SEC},
	{"minute", "minutes", USECS_PER_MINUTE},
	{"hour", "hours", USECS_PER_HOUR},
	{"day", "days", USECS_PER_DAY},
};

static bool
parse_nickname(const char *text, EtlSchedule *schedule, EtlError *error)
{
	for (int i = 0; i < lengthof(nicknames); i++)
		if (pg_strcasecmp(text, nicknames[i].name) == 0)
			return cron_parse(text, nicknames[i].fields, ETL_CRON_CLASSIC, &schedule->cron, error);
	etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid schedule \"%s\"", text);
	etl_error_detail(error,
					 "The names are @yearly, @annually, @monthly, @weekly, @daily, @midnight and @hourly.");
	etl_error_hint(error, "Write one of them, or a cron expression such as 0 9 * * MON-FRI.");
	return false;
}

static bool
invalid_rate(const char *text, EtlError *error)
{
	etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid rate in schedule \"%s\"", text);
	etl_error_detail(
		error, "A rate is a number from 1 and second, minute, hour or day; with an s unless the number is "
			   "1; at most 36500 days in all.");
	etl_error_hint(error, "For example rate(5 minutes), rate(1 hour).");
	return false;
}

/* inside: what is between rate( and ). */
static bool
parse_rate(const char *text, const char *inside, EtlSchedule *schedule, EtlError *error)
{
	char unit[9];
	int64 value;
	int digits = strspn(inside, "0123456789");
	int used = 0;

	/* 36500 days have ten digits as seconds */
	if (digits == 0 || digits > 10 || strspn(inside + digits, SPACE) == 0 ||
		sscanf(inside + digits, " %8s %n", unit, &used) != 1 || inside[digits + used] != '\0')
		return invalid_rate(text, error);
	value = strtoll(inside, NULL, 10);
	if (value == 0)
		return invalid_rate(text, error);
	for (int i = 0; i < lengthof(units); i++)
		if (pg_strcasecmp(unit, value == 1 ? units[i].one : units[i].many) == 0 &&
			value <= 36500 * USECS_PER_DAY / units[i].length)
		{
			schedule->period = value * units[i].length;
			return true;
		}
	return invalid_rate(text, error);
}

/* If text is name(…), a copy of what is inside the parentheses, without space around it. */
static char *
inside_parentheses(const char *text, const char *name)
{
	size_t length = strlen(name), end = strlen(text);

	if (pg_strncasecmp(text, name, length) != 0 || text[length] != '(' || text[end - 1] != ')')
		return NULL;
	length += 1 + strspn(text + length + 1, SPACE);
	return pnstrdup(text + length, end - 1 - length);
}

/* text has no space around it. */
static bool
parse(const char *text, EtlSchedule *schedule, EtlError *error)
{
	char *inside;
	bool good;

	if (text[0] == '@')
		return parse_nickname(text, schedule, error);
	if ((inside = inside_parentheses(text, "rate")) != NULL)
		good = parse_rate(text, inside, schedule, error);
	else if ((inside = inside_parentheses(text, "cron")) != NULL)
		good = cron_parse(text, inside, ETL_CRON_AWS, &schedule->cron, error);
	else
		return cron_parse(text, text, ETL_CRON_CLASSIC, &schedule->cron, error);
	pfree(inside);
	return good;
}

bool
schedule_parse(const char *text, EtlSchedule *schedule, EtlError *error)
{
	char *copy;
	size_t length;
	bool good;

	memset(schedule, 0, sizeof(*schedule));
	text += strspn(text, SPACE);
	length = strlen(text);
	while (length > 0 && strchr(SPACE, text[length - 1]) != NULL)
		length--;
	if (length > MAX_LENGTH)
	{
		etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "schedule of %zu bytes is too long", length);
		etl_error_detail(error, "At most %d are allowed.", MAX_LENGTH);
		etl_error_hint(error, "Write ranges (1-5) and steps (*/2) in place of long lists.");
		return false;
	}
	copy = pnstrdup(text, length);
	good = parse(copy, schedule, error);
	pfree(copy);
	return good;
}

static bool
next_of_rate(int64 period, TimestampTz anchor, TimestampTz after, TimestampTz *next)
{
	int64 periods;

	if (after >= END_OF_SCHEDULES || anchor >= END_OF_SCHEDULES)
		return false;
	periods = after < anchor ? 0 : (after - anchor) / period;
	*next = anchor + (periods + 1) * period;
	return *next < END_OF_SCHEDULES;
}

bool
schedule_next(const EtlSchedule *schedule, const EtlZone *zone, TimestampTz anchor, TimestampTz after,
			  TimestampTz *next)
{
	int64 seconds = after / USECS_PER_SEC;

	if (schedule->period > 0)
		return next_of_rate(schedule->period, anchor, after, next);
	if (after % USECS_PER_SEC < 0)
		seconds--; /* the second it is in, not the one it is before */
	if (!cron_next(&schedule->cron, zone, seconds + EPOCH, &seconds))
		return false;
	*next = (seconds - EPOCH) * USECS_PER_SEC;
	return true;
}

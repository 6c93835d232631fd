/*
 * schedule_test.c
 *		Schedules: every form, every error, and clocks that are put forward and back.
 */
#include "flow/schedule.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

/* A zone of a few offsets, each with its end. */
typedef struct TestSpan
{
	int64 end;
	int offset;
} TestSpan;

static void
test_span(const void *data, int64 at, int *offset, int64 *end)
{
	const TestSpan *span = data;

	while (at >= span->end)
		span++;
	*offset = span->offset;
	*end = span->end;
}

#define HOUR 3600
/* One hour forward on 2024-03-31 at 02:00, back on 2024-10-27 at 03:00. */
static const TestSpan berlin[] = {{1711846800, HOUR}, {1729990800, 2 * HOUR}, {PG_INT64_MAX, HOUR}};
/* Half an hour back on 2024-04-07 at 02:00, forward on 2024-10-06 at 02:00. */
static const TestSpan lord_howe[] = {
	{1712415600, 11 * HOUR}, {1728142200, 10 * HOUR + 1800}, {PG_INT64_MAX, 11 * HOUR}};
/* Forward on 2018-11-04 at 00:00, back on 2019-02-17 at 00:00. */
static const TestSpan sao_paulo[] = {
	{1541300400, -3 * HOUR}, {1550368800, -2 * HOUR}, {PG_INT64_MAX, -3 * HOUR}};
/* 2011-12-30 left out. */
static const TestSpan apia[] = {{1325239200, -10 * HOUR}, {PG_INT64_MAX, 14 * HOUR}};
static const TestSpan utc[] = {{PG_INT64_MAX, 0}};

static TimestampTz
from_unix(int64 seconds)
{
	return (seconds - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY) * USECS_PER_SEC;
}

static TimestampTz
moment(const char *text)
{
	struct tm tm = {0};

	assert_non_null(strptime(text, "%Y-%m-%d %H:%M:%S", &tm));
	return from_unix(timegm(&tm));
}

static const char *
show(TimestampTz at)
{
	static char text[64];
	time_t seconds = at / USECS_PER_SEC + (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY;
	struct tm tm;

	strftime(text, sizeof(text), "%Y-%m-%d %H:%M:%S", gmtime_r(&seconds, &tm));
	return text;
}

/* The runs after a moment (UTC) are these, each in UTC; an empty last one says that there are no more. */
static void
assert_runs(const char *text, const TestSpan *spans, const char *after, const char *const *expected,
			int count)
{
	EtlZone zone = {test_span, spans};
	EtlSchedule schedule;
	EtlError error;
	TimestampTz anchor = moment(after), at = anchor;

	if (!schedule_parse(text, &schedule, &error))
		fail_msg("%s: %s", text, error.message);
	for (int i = 0; i < count; i++)
	{
		bool found = schedule_next(&schedule, &zone, anchor, at, &at);
		const char *seen = found ? show(at) : "";

		if (strcmp(seen, expected[i]) != 0)
			fail_msg("%s after %s: run %d is %s, not %s", text, after, i + 1, seen, expected[i]);
	}
}

#define RUNS(schedule, zone, after, ...)                                                                     \
	assert_runs(schedule, zone, after, (const char *const[]){__VA_ARGS__},                                   \
				lengthof(((const char *const[]){__VA_ARGS__})))

static void
classic_forms(void **state)
{
	RUNS("*/20 9-10 * * *", utc, "2024-01-01 09:20:00", "2024-01-01 09:40:00", "2024-01-01 10:00:00",
		 "2024-01-01 10:20:00", "2024-01-01 10:40:00", "2024-01-02 09:00:00");
	RUNS("  50/5\t0 1 1 *  ", utc, "2024-01-01 00:00:00", "2024-01-01 00:50:00", "2024-01-01 00:55:00",
		 "2025-01-01 00:50:00");
	RUNS("15,45 */30 0 1 jan *", utc, "2024-01-01 00:00:15", "2024-01-01 00:00:45", "2024-01-01 00:30:15",
		 "2024-01-01 00:30:45", "2025-01-01 00:00:15");
	RUNS("0 0 * * FRI-mon", utc, "2024-01-05 00:00:00", "2024-01-06 00:00:00", "2024-01-07 00:00:00",
		 "2024-01-08 00:00:00", "2024-01-12 00:00:00");
	RUNS("0 0 * * 6-7", utc, "2024-01-01 00:00:00", "2024-01-06 00:00:00", "2024-01-07 00:00:00",
		 "2024-01-13 00:00:00");
	RUNS("0 22-2/2 * * *", utc, "2024-01-01 00:00:00", "2024-01-01 02:00:00", "2024-01-01 22:00:00",
		 "2024-01-02 00:00:00");
	RUNS("0 0 1 * *", utc, "2024-11-15 12:00:00", "2024-12-01 00:00:00", "2025-01-01 00:00:00");
	RUNS("59 59 23 31 12 *", utc, "2198-12-31 23:59:59", "2199-12-31 23:59:59", "");
}

static void
either_day_if_both_are_restricted(void **state)
{
	RUNS("0 0 13 * FRI", utc, "2024-09-07 00:00:00", "2024-09-13 00:00:00", "2024-09-20 00:00:00",
		 "2024-09-27 00:00:00", "2024-10-04 00:00:00", "2024-10-11 00:00:00", "2024-10-13 00:00:00");
	/* a field that starts with * does not count as restricted */
	RUNS("0 0 */2 * MON", utc, "2024-09-01 00:00:00", "2024-09-09 00:00:00", "2024-09-23 00:00:00");
	RUNS("0 0 13 * *,FRI", utc, "2024-09-01 00:00:00", "2024-09-13 00:00:00", "2024-10-13 00:00:00");
}

static void
names(void **state)
{
	RUNS("@yearly", utc, "2024-05-05 05:05:05", "2025-01-01 00:00:00", "2026-01-01 00:00:00");
	RUNS("@annually", utc, "2024-05-05 05:05:05", "2025-01-01 00:00:00");
	RUNS("@monthly", utc, "2024-05-05 05:05:05", "2024-06-01 00:00:00");
	RUNS("@weekly", utc, "2024-05-01 05:05:05", "2024-05-05 00:00:00");
	RUNS("@daily", utc, "2024-05-05 05:05:05", "2024-05-06 00:00:00");
	RUNS("@Midnight", utc, "2024-05-05 05:05:05", "2024-05-06 00:00:00");
	RUNS(" @hourly ", utc, "2024-05-05 05:05:05", "2024-05-05 06:00:00");
}

static void
aws_forms(void **state)
{
	RUNS("cron(0 10 * * ? *)", utc, "2024-05-05 10:00:00", "2024-05-06 10:00:00");
	RUNS("cron(15 12 ? * 2-6 *)", utc, "2024-05-03 12:15:00", "2024-05-06 12:15:00");
	RUNS("cron( 0/15 8 ? JAN SUN 2025/100 )", utc, "2024-01-01 00:00:00", "2025-01-05 08:00:00",
		 "2025-01-05 08:15:00", "2025-01-05 08:30:00", "2025-01-05 08:45:00", "2025-01-12 08:00:00");
	RUNS("cron(0 0 L * ? 2024)", utc, "2024-01-31 00:00:00", "2024-02-29 00:00:00", "2024-03-31 00:00:00");
	RUNS("cron(0 0 L-2 2 ? *)", utc, "2024-01-01 00:00:00", "2024-02-27 00:00:00", "2025-02-26 00:00:00");
	/* the 15th of June 2024 is a Saturday, of September a Sunday; June starts on a Saturday and ends on a Sunday */
	RUNS("cron(0 0 15W 6,9 ? *)", utc, "2024-01-01 00:00:00", "2024-06-14 00:00:00", "2024-09-16 00:00:00");
	RUNS("cron(0 0 1W,30W 6 ? *)", utc, "2024-01-01 00:00:00", "2024-06-03 00:00:00", "2024-06-28 00:00:00");
	RUNS("cron(0 0 LW 6,8 ? 2024)", utc, "2024-01-01 00:00:00", "2024-06-28 00:00:00", "2024-08-30 00:00:00",
		 "");
	RUNS("cron(0 0 31W 4,5 ? 2024)", utc, "2024-01-01 00:00:00", "2024-05-31 00:00:00", "");
	RUNS("cron(0 0 ? * 6L *)", utc, "2024-01-01 00:00:00", "2024-01-26 00:00:00", "2024-02-23 00:00:00");
	RUNS("cron(0 0 ? * L *)", utc, "2024-01-01 00:00:00", "2024-01-06 00:00:00", "2024-01-13 00:00:00");
	RUNS("cron(0 0 ? * MON#1,6#5 *)", utc, "2024-02-01 00:00:00", "2024-02-05 00:00:00",
		 "2024-03-04 00:00:00", "2024-03-29 00:00:00");
	RUNS("cron(0 0 29 2 ? 2096-2104)", utc, "2024-01-01 00:00:00", "2096-02-29 00:00:00",
		 "2104-02-29 00:00:00", "");
	RUNS("0 0 LW * 5#2", utc, "2024-06-01 00:00:00", "2024-06-14 00:00:00", "2024-06-28 00:00:00");
}

static void
rates(void **state)
{
	RUNS("rate(5 minutes)", utc, "2024-01-01 00:00:01", "2024-01-01 00:05:01", "2024-01-01 00:10:01");
	RUNS("rate(1 hour)", utc, "2024-01-01 00:00:01", "2024-01-01 01:00:01");
	RUNS("RATE( 30  seconds )", utc, "2024-01-01 00:00:01", "2024-01-01 00:00:31");
	/* elapsed time, whatever the clocks do */
	RUNS("rate(1 day)", berlin, "2024-03-30 12:00:00", "2024-03-31 12:00:00", "2024-04-01 12:00:00");
	RUNS("rate(36500 days)", utc, "2024-01-01 00:00:00", "2123-12-08 00:00:00", "");
}

static void
a_rate_counts_from_its_anchor(void **state)
{
	EtlSchedule schedule;
	EtlError error;
	TimestampTz anchor = moment("2024-01-01 00:00:00"), next;

	assert_true(schedule_parse("rate(2 hours)", &schedule, &error));
	assert_true(schedule_next(&schedule, NULL, anchor, moment("2024-01-01 03:59:59"), &next));
	assert_string_equal(show(next), "2024-01-01 04:00:00");
	assert_true(schedule_next(&schedule, NULL, anchor, next, &next));
	assert_string_equal(show(next), "2024-01-01 06:00:00");
	assert_true(schedule_next(&schedule, NULL, anchor, moment("2023-01-01 00:00:00"), &next));
	assert_string_equal(show(next), "2024-01-01 02:00:00");
}

/* What is in a gap is run once, when the gap ends; what is in a fold is run in its first pass. */
static void
restricted_hours_at_clock_changes(void **state)
{
	RUNS("30 2 * * *", berlin, "2024-03-30 12:00:00", "2024-03-31 01:00:00", "2024-04-01 00:30:00");
	RUNS("0,15,30 2,3 * * *", berlin, "2024-03-30 12:00:00", "2024-03-31 01:00:00", "2024-03-31 01:15:00");
	RUNS("30 2 * * *", berlin, "2024-10-26 12:00:00", "2024-10-27 00:30:00", "2024-10-28 01:30:00");
	RUNS("*/30 2 * * *", berlin, "2024-10-26 12:00:00", "2024-10-27 00:00:00", "2024-10-27 00:30:00",
		 "2024-10-28 01:00:00");
	RUNS("30 2 * * *", berlin, "2024-10-27 01:00:00", "2024-10-28 01:30:00");
	RUNS("15 2 * * *", lord_howe, "2024-10-05 00:00:00", "2024-10-05 15:30:00", "2024-10-06 15:15:00");
	RUNS("45 1 * * *", lord_howe, "2024-04-06 00:00:00", "2024-04-06 14:45:00", "2024-04-07 15:15:00");
	RUNS("0 0 * * *", sao_paulo, "2018-11-03 12:00:00", "2018-11-04 03:00:00", "2018-11-05 02:00:00");
	RUNS("30 23 * * *", sao_paulo, "2019-02-16 12:00:00", "2019-02-17 01:30:00", "2019-02-18 02:30:00");
	RUNS("0 0 * * *", sao_paulo, "2019-02-16 12:00:00", "2019-02-17 03:00:00");
	RUNS("0 12 * * *", apia, "2011-12-29 12:00:00", "2011-12-29 22:00:00", "2011-12-30 10:00:00",
		 "2011-12-30 22:00:00");
}

/* What comes every hour follows the clock. */
static void
every_hour_at_clock_changes(void **state)
{
	RUNS("*/30 * * * *", berlin, "2024-03-31 00:00:00", "2024-03-31 00:30:00", "2024-03-31 01:00:00");
	RUNS("30 0-23 * * *", berlin, "2024-03-31 00:30:00", "2024-03-31 01:30:00");
	RUNS("30 * * * *", berlin, "2024-10-27 00:00:00", "2024-10-27 00:30:00", "2024-10-27 01:30:00",
		 "2024-10-27 02:30:00");
	RUNS("@hourly", berlin, "2024-10-26 23:30:00", "2024-10-27 00:00:00", "2024-10-27 01:00:00",
		 "2024-10-27 02:00:00");
	RUNS("40 * * * *", lord_howe, "2024-04-06 14:00:00", "2024-04-06 14:40:00", "2024-04-06 15:10:00");
	RUNS("0 * 27 10 *", berlin, "2024-10-27 22:00:00", "2025-10-26 23:00:00");
}

static void
bounds(void **state)
{
	EtlZone zone = {test_span, berlin};
	EtlSchedule schedule;
	EtlError error;
	TimestampTz next;

	assert_true(schedule_parse("* * * * *", &schedule, &error));
	assert_true(schedule_next(&schedule, &zone, 0, PG_INT64_MIN, &next));
	assert_string_equal(show(next), "1969-12-31 23:00:00");
	assert_false(schedule_next(&schedule, &zone, 0, PG_INT64_MAX, &next));
	/* within a second */
	assert_true(schedule_next(&schedule, &zone, 0, moment("2024-01-01 00:00:00") - 1, &next));
	assert_string_equal(show(next), "2024-01-01 00:00:00");
	assert_true(schedule_next(&schedule, &zone, 0, moment("2024-01-01 00:00:00") + 1, &next));
	assert_string_equal(show(next), "2024-01-01 00:01:00");
	assert_true(schedule_next(&schedule, &zone, 0, moment("1999-01-01 00:00:00") - 1, &next));
	assert_string_equal(show(next), "1999-01-01 00:00:00");
}

static void
errors(void **state)
{
	static const struct
	{
		const char *schedule;
		const char *message;
		const char *detail; /* the start of it */
		const char *hint;
	} cases[] = {
		{"60 * * * *", "invalid minute \"60\" in schedule \"60 * * * *\"", "Minutes are 0-59.",
		 "Write *, a value"},
		{"60 * * * * *", "invalid second \"60\" in schedule \"60 * * * * *\"", "Seconds are 0-59.",
		 "Write *"},
		{"0 24 * * *", "invalid hour \"24\" in schedule \"0 24 * * *\"", "Hours are 0-23.", "Write *"},
		{"0 0 0 * *", "invalid day of month \"0\" in schedule \"0 0 0 * *\"", "Days of the month are 1-31, L",
		 "Write *"},
		{"0 0 32 * *", "invalid day of month \"32\" in schedule \"0 0 32 * *\"", "Days of the month",
		 "Write *"},
		{"0 0 * 13 *", "invalid month \"13\" in schedule \"0 0 * 13 *\"", "Months are 1-12 or JAN-DEC.",
		 "Write *"},
		{"0 0 * 0 *", "invalid month \"0\" in schedule \"0 0 * 0 *\"", "Months are", "Write *"},
		{"0 0 * FEBR *", "invalid month \"FEBR\" in schedule \"0 0 * FEBR *\"", "Months are", "Write *"},
		{"0 0 * * 8", "invalid day of week \"8\" in schedule \"0 0 * * 8\"",
		 "Days of the week are 0-7 (0 and 7", "Write *"},
		{"0 0 * * L", "invalid day of week \"L\" in schedule \"0 0 * * L\"", "Days of the week", "Write *"},
		{"cron(0 0 ? * 0 *)", "invalid day of week \"0\" in schedule \"cron(0 0 ? * 0 *)\"",
		 "Days of the week are 1-7 (1 is", "Write *"},
		{"cron(0 0 ? * 6#6 *)", "invalid day of week \"6#6\" in schedule \"cron(0 0 ? * 6#6 *)\"",
		 "Days of the week", "Write *"},
		{"cron(0 0 * * ? 1969)", "invalid year \"1969\" in schedule \"cron(0 0 * * ? 1969)\"",
		 "Years are 1970-2199.", "Write *"},
		{"cron(0 0 * * ? 2200)", "invalid year \"2200\" in schedule \"cron(0 0 * * ? 2200)\"", "Years are",
		 "Write *"},
		{"cron(0 0 * * ? 20240)", "invalid year \"20240\" in schedule \"cron(0 0 * * ? 20240)\"", "Years are",
		 "Write *"},
		{"cron(0 0 * * ? 2025-2024)", "invalid year \"2025-2024\" in schedule \"cron(0 0 * * ? 2025-2024)\"",
		 "Years are", "Put the lower"},
		{"1,,2 * * * *", "invalid minute \"\" in schedule \"1,,2 * * * *\"", "Minutes", "Write *"},
		{"1,61,2 * * * *", "invalid minute \"61\" in schedule \"1,61,2 * * * *\"", "Minutes", "Write *"},
		{"1-x * * * *", "invalid minute \"1-x\" in schedule \"1-x * * * *\"", "Minutes", "Write *"},
		{"*5 * * * *", "invalid minute \"*5\" in schedule \"*5 * * * *\"", "Minutes", "Write *"},
		{"-5 * * * *", "invalid minute \"-5\" in schedule \"-5 * * * *\"", "Minutes", "Write *"},
		{"*/0 * * * *", "invalid minute \"*/0\" in schedule \"*/0 * * * *\"", "Minutes",
		 "A step of this field is a number from 1 to 60."},
		{"*/90 * * * *", "invalid minute \"*/90\" in schedule \"*/90 * * * *\"", "Minutes",
		 "A step of this field is"},
		{"0 0 15WW * *", "invalid day of month \"15WW\" in schedule \"0 0 15WW * *\"", "Days of the month",
		 "Write *"},
		{"0 0 L-31 * *", "invalid day of month \"L-31\" in schedule \"0 0 L-31 * *\"", "Days of the month",
		 "Write *"},
		{"0 0 ? * *", "invalid day of month \"?\" in schedule \"0 0 ? * *\"", "Days of the month",
		 "Write *; only cron(...) has ?"},
		{"cron(0 0 * * * *)",
		 "invalid day of month \"*\" and day of week \"*\" in schedule \"cron(0 0 * * * *)\"",
		 "Exactly one of the two must be ?.", "Write ? for the one"},
		{"cron(0 0 ? * ? *)",
		 "invalid day of month \"?\" and day of week \"?\" in schedule \"cron(0 0 ? * ? *)\"", "Exactly one",
		 "Write ?"},
		{"cron(0 0 * * ?)", "invalid number of fields in schedule \"cron(0 0 * * ?)\"",
		 "cron(...) has six fields", "For example cron(0 9"},
		{"", "invalid number of fields in schedule \"\"", "A schedule has five fields", "For example 0 9"},
		{"0 0 * *", "invalid number of fields in schedule \"0 0 * *\"", "A schedule has five", "For example"},
		{"0 0 0 * * * *", "invalid number of fields in schedule \"0 0 0 * * * *\"", "A schedule has five",
		 "For example"},
		{"* * * * * * * * * *", "invalid number of fields in schedule \"* * * * * * * * * *\"",
		 "A schedule has five", "For example"},
		{"@reboot", "invalid schedule \"@reboot\"", "The names are @yearly", "Write one of them"},
		{"rate(1 minutes)", "invalid rate in schedule \"rate(1 minutes)\"", "A rate is a number from 1",
		 "For example rate(5 minutes)"},
		{"rate(5 minute)", "invalid rate in schedule \"rate(5 minute)\"", "A rate", "For"},
		{"rate(0 days)", "invalid rate in schedule \"rate(0 days)\"", "A rate", "For"},
		{"rate(-1 days)", "invalid rate in schedule \"rate(-1 days)\"", "A rate", "For"},
		{"rate(5)", "invalid rate in schedule \"rate(5)\"", "A rate", "For"},
		{"rate()", "invalid rate in schedule \"rate()\"", "A rate", "For"},
		{"rate(5 days ago)", "invalid rate in schedule \"rate(5 days ago)\"", "A rate", "For"},
		{"rate(36501 days)", "invalid rate in schedule \"rate(36501 days)\"", "A rate", "For"},
		{"rate(99999999999 days)", "invalid rate in schedule \"rate(99999999999 days)\"", "A rate", "For"},
		{"0 0 30 2 *", "schedule \"0 0 30 2 *\" never comes", "No date from 1970 to 2199", "Check the days"},
		{"cron(0 0 29 2 ? 2023)", "schedule \"cron(0 0 29 2 ? 2023)\" never comes", "No date", "Check"},
		{"0 0 */31 * 1#5", "schedule \"0 0 */31 * 1#5\" never comes", "No date", "Check"},
	};

	for (int i = 0; i < lengthof(cases); i++)
	{
		EtlSchedule schedule;
		EtlError error = {0};

		if (schedule_parse(cases[i].schedule, &schedule, &error))
			fail_msg("no error for %s", cases[i].schedule);
		assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
		assert_string_equal(error.message, cases[i].message);
		if (strncmp(error.detail, cases[i].detail, strlen(cases[i].detail)) != 0)
			fail_msg("%s: detail %s", cases[i].schedule, error.detail);
		if (strncmp(error.hint, cases[i].hint, strlen(cases[i].hint)) != 0)
			fail_msg("%s: hint %s", cases[i].schedule, error.hint);
	}
}

static void
too_long(void **state)
{
	EtlSchedule schedule;
	EtlError error;
	char text[500];

	memset(text, '1', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_false(schedule_parse(text, &schedule, &error));
	assert_string_equal(error.message, "schedule of 499 bytes is too long");
	memset(text + 9, ' ', sizeof(text) - 10);
	memcpy(text, "* * * * *", 9);
	assert_true(schedule_parse(text, &schedule, &error));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(classic_forms),
		cmocka_unit_test(either_day_if_both_are_restricted),
		cmocka_unit_test(names),
		cmocka_unit_test(aws_forms),
		cmocka_unit_test(rates),
		cmocka_unit_test(a_rate_counts_from_its_anchor),
		cmocka_unit_test(restricted_hours_at_clock_changes),
		cmocka_unit_test(every_hour_at_clock_changes),
		cmocka_unit_test(bounds),
		cmocka_unit_test(errors),
		cmocka_unit_test(too_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * date_test.c
 *		Dates of headers and of documents: the one form of each that is taken, and what is none.
 */
#include "net/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <time.h>

#include <cmocka.h>

static void
test_http(void **state)
{
	static const struct
	{
		const char *text;
		int64 time;
	} good[] = {{"Thu, 01 Jan 1970 00:00:00 GMT", 0},
				{"Sun, 06 Nov 1994 08:49:37 GMT", 784111777},
				{"Tue, 29 Feb 2000 23:59:59 GMT", 951868799},
				{"Sat, 31 Dec 2016 23:59:60 GMT", 1483228800}, /* a leap second */
				{"Fri, 20 Nov 2026 01:02:03 GMT", 1795136523},
				{"Fri, 31 Dec 9999 23:59:59 GMT", INT64CONST(253402300799)}};
	int64 time;

	for (int i = 0; i < lengthof(good); i++)
	{
		assert_true(date_parse_http(good[i].text, &time));
		assert_int_equal(time, good[i].time);
	}
}

/* Every second day of some centuries, as the C library has it. */
static void
test_calendar(void **state)
{
	for (int64 expected = 0; expected < INT64CONST(10000000000); expected += 2 * 86400 + 12345)
	{
		time_t t = (time_t) expected;
		struct tm tm;
		char text[64];
		int64 time;

		assert_non_null(gmtime_r(&t, &tm));
		assert_true(strftime(text, sizeof(text), "%a, %d %b %Y %H:%M:%S GMT", &tm) > 0);
		assert_true(date_parse_http(text, &time) && time == expected);
		assert_true(strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm) > 0);
		assert_true(date_parse_iso(text, &time) && time == expected);
	}
}

static void
test_http_none(void **state)
{
	static const char *const none[] = {NULL,
									   "",
									   "Sunday, 06-Nov-94 08:49:37 GMT", /* the obsolete forms */
									   "Sun Nov  6 08:49:37 1994",
									   "Mon, 06 Nov 1994 08:49:37 GMT", /* it was a Sunday */
									   "sun, 06 nov 1994 08:49:37 gmt",
									   "Sun, 6 Nov 1994 08:49:37 GMT",
									   "Sun,  06 Nov 1994 08:49:37 GMT",
									   "Sun, 06 Nov 1994 08:49:37",
									   "Sun, 06 Nov 1994 08:49:37 UTC",
									   "Sun, 06 Nov 1994 08:49:37 +0000",
									   "Sun, 06 Nov 1994 08:49:37 GMT ",
									   " Sun, 06 Nov 1994 08:49:37 GMT",
									   "Sun, 06 Nov 1994 8:49:37 GMT",
									   "Sun, 06 Nov 1994 08:49 GMT",
									   "Sun, 06 Nov 1994 24:00:00 GMT",
									   "Sun, 06 Nov 1994 08:60:00 GMT",
									   "Sun, 06 Nov 1994 08:49:61 GMT",
									   "Sun, 06 Nov 1994 -8:49:37 GMT",
									   "Sun, 06 Nov 94 08:49:37 GMT",
									   "Sun, 06 Nov 19940 08:49:37 GMT",
									   "Sun, 06 Xyz 1994 08:49:37 GMT",
									   "Sun, 06 11 1994 08:49:37 GMT",
									   "Sun, 06",
									   "Sun",
									   "Thu, 00 Nov 1994 08:49:37 GMT",
									   "Fri, 31 Nov 2023 08:49:37 GMT",
									   "Thu, 29 Feb 2100 00:00:00 GMT",
									   "Wed, 31 Dec 1969 23:59:59 GMT",
									   "Sat, 01 Jan 0000 00:00:00 GMT",
									   "784111777",
									   "tomorrow"};
	int64 time = -7;

	for (int i = 0; i < lengthof(none); i++)
		if (date_parse_http(none[i], &time))
			fail_msg("taken: %s", none[i]);
	assert_int_equal(time, -7);
}

static void
test_iso(void **state)
{
	static const char *const none[] = {NULL,
									   "",
									   "2026-11-20",
									   "2026-11-20T01:02:03",
									   "2026-11-20T01:02:03+01:00",
									   "2026-11-20T01:02:03z",
									   "2026-11-20t01:02:03Z",
									   "2026-11-20 01:02:03Z",
									   "2026-11-20T01:02:03Zx",
									   "2026-11-20T01:02:03.Z",
									   "2026-11-20T01:02:03.000",
									   "2026-11-20T01:02:03,5Z",
									   "2026-11-20T01:02Z",
									   "2026-11-20T 1:02:03Z",
									   "2026-11-20T+1:02:03Z",
									   "2026-11-20T25:02:03Z",
									   "2026-11-20T01:60:03Z",
									   "2026-11-20T01:02:61Z",
									   "2026-00-20T01:02:03Z",
									   "2026-13-20T01:02:03Z",
									   "2026-11-00T01:02:03Z",
									   "2026-11-31T01:02:03Z",
									   "2026-02-29T01:02:03Z",
									   "20261-1-20T01:02:03Z",
									   " 2026-11-20T01:02:03Z",
									   "-026-11-20T01:02:03Z",
									   "1969-12-31T23:59:59Z"};
	int64 time = -7;

	for (int i = 0; i < lengthof(none); i++)
		if (date_parse_iso(none[i], &time))
			fail_msg("taken: %s", none[i]);
	assert_int_equal(time, -7);
	assert_true(date_parse_iso("1970-01-02T00:00:00Z", &time) && time == 86400);
	assert_true(date_parse_iso("2026-11-20T01:02:03.000Z", &time) && time == 1795136523);
	assert_true(date_parse_iso("2026-11-20T01:02:03.123456789012345678901234567890Z", &time));
	assert_int_equal(time, 1795136523);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_http), cmocka_unit_test(test_calendar),
									   cmocka_unit_test(test_http_none), cmocka_unit_test(test_iso)};

	return cmocka_run_group_tests_name("date", tests, NULL, NULL);
}

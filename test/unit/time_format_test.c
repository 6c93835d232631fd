/*
 * time_format_test.c
 *		DATEFORMAT and TIMEFORMAT: every form that Redshift's guide lists, and what is none.
 */
#include "format/time_format.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* "2003-03-31 18:45:05.123456", with the offset in minutes if there is one; "none"; or the format's error. */
static const char *
parts_read(const char *format, bool is_date, const char *text)
{
	static char out[1024];
	EtlError error = {0};
	EtlTimeParts parts;
	EtlTimeFormat *compiled = time_format_create(format, is_date, &error);
	size_t len = strlen(text);
	char *exact = malloc(Max(len, 1));
	int written;

	memcpy(exact, text, len);
	if (compiled == NULL)
		snprintf(out, sizeof(out), "%s: %s", error.message, error.detail);
	else if (!time_format_read(compiled, exact, len, &parts))
		strcpy(out, "none");
	else
	{
		written = snprintf(out, sizeof(out), "%04d-%02d-%02d %02d:%02d:%02d.%06d", parts.year, parts.month,
						   parts.day, parts.hour, parts.minute, parts.second, parts.microsecond);
		if (parts.has_zone)
			snprintf(out + written, sizeof(out) - written, " %+d", parts.zone / 60);
	}
	if (compiled != NULL)
		pfree(compiled);
	free(exact);
	return out;
}

#define IS(format, text, expected) assert_string_equal(parts_read(format, false, text), expected)
#define AUTO(text, expected) IS("auto", text, expected)
#define NOT(format, text) IS(format, text, "none")

static void
patterns_of_the_guide(void **state)
{
	IS("YYYY-MM-DD", "2003-03-31", "2003-03-31 00:00:00.000000");
	IS("MM/DD/YYYY", "03/31/2003", "2003-03-31 00:00:00.000000");
	IS("MON DD, YYYY", "March 31, 2003", "2003-03-31 00:00:00.000000");
	IS("MON-DD-YYYY", "Jan-01-1999", "1999-01-01 00:00:00.000000");
	IS("MM.DD.YYYY HH:MI:SS", "03.31.2003 18:45:05", "2003-03-31 18:45:05.000000");
	IS("MM.DD.YYYY HH:MI:SS", "03.31.2003 18:45:05.123456", "2003-03-31 18:45:05.123456");
	IS("YYYY-MM-DD HH:MI:SS", "2003-03-31 18:45:05", "2003-03-31 18:45:05.000000");
	IS("YY/MM/DD", "69/12/31", "2069-12-31 00:00:00.000000");
	IS("YY/MM/DD", "70/12/31", "1970-12-31 00:00:00.000000");
	IS("YYYYMMDDHH24MISS", "20030331184505", "2003-03-31 18:45:05.000000");
	IS("MM/DD/YYYY HH12:MI AM", "03/31/2003 06:45 pm", "2003-03-31 18:45:00.000000");
	IS("MM/DD/YYYY HH:MI PM", "03/31/2003 12:45 AM", "2003-03-31 00:45:00.000000");
	IS("YYYY-MM-DD HH12:MI", "2003-03-31 12:45", "2003-03-31 00:45:00.000000");
}

static void
patterns(void **state)
{
	IS("mm/dd/yyyy", "3/1/2003", "2003-03-01 00:00:00.000000");
	IS("YYYY-MM-DDTHH:MI:SS", "2003-03-31T18:45:05", "2003-03-31 18:45:05.000000");
	IS("YYYY-MM-DDTHH:MI:SSZ", "2003-03-31t18:45:05.5z", "2003-03-31 18:45:05.500000 +0");
	IS("YYYY-MM-DD HH:MI:SS.SSS", "2003-03-31 18:45:05.123", "2003-03-31 18:45:05.123000");
	IS("YYYY-MM-DD HH:MI:SS.SSSSSS", "2003-03-31 18:45:05", "2003-03-31 18:45:05.000000");
	IS("YYYY-MM-DD HH:MI:SS.MS", "2003-03-31 18:45:05.123", "2003-03-31 18:45:05.123000");
	IS("YYYY-MM-DD HH:MI:SS", "2003-03-31 18:45:05.1234567", "2003-03-31 18:45:05.123457");
	IS("YYYY-MM-DD HH:MI:SS", "2003-03-31 18:45:05.9999999", "2003-03-31 18:45:05.1000000");
	IS("YYYY-MM-DD HH:MI:SS", "2003-03-31   18:45:05", "2003-03-31 18:45:05.000000");
	IS("DD MON YYYY", "1 sept 2003", "2003-09-01 00:00:00.000000");
	IS("YYYY\"y\"MM", "2003y04", "2003-04-01 00:00:00.000000");
	IS("YYYY", "2004", "2004-01-01 00:00:00.000000");
	NOT("YYYY-MM-DD", "2003-02-29");
	NOT("YYYY-MM-DD", "2003-13-01");
	NOT("YYYY-MM-DD", "0000-01-01");
	NOT("YYYY-MM-DD", "03-01-01");
	NOT("YYYY-MM-DD", "2003-03-31 ");
	NOT("YYYY-MM-DD", "2003/03/31");
	NOT("YYYY-MM-DD", "2003-03-");
	NOT("YYYY-MM-DD", "2003-03");
	NOT("YYYY-MM-DD", "");
	NOT("YYYYMMDD", "2003331");
	NOT("YYYY-MM-DD HH:MI:SS", "2003-03-3118:45:05");
	NOT("YYYY-MM-DD HH:MI:SS", "2003-03-31 24:45:05");
	NOT("YYYY-MM-DD HH:MI:SS", "2003-03-31 18:45:05.");
	NOT("YYYY-MM-DD HH12:MI", "2003-03-31 13:45");
	NOT("YYYY-MM-DD HH:MI AM", "2003-03-31 13:45 PM");
	NOT("YYYY-MM-DD HH:MI AM", "2003-03-31 03:45 XM");
	NOT("MON DD, YYYY", "Marc 31, 2003");
	NOT("MON DD, YYYY", "31 31, 2003");
}

static void
no_patterns(void **state)
{
	IS("YYYY-MM-DD HH:MI:SSOF", "",
	   "invalid time format \"YYYY-MM-DD HH:MI:SSOF\": A time zone can't be part of it; "
	   "\"auto\" reads time zones.");
	IS("YYYY-MM-DD TZ", "",
	   "invalid time format \"YYYY-MM-DD TZ\": A time zone can't be part of it; \"auto\" reads time "
	   "zones.");
	IS("MM/DD", "", "invalid time format \"MM/DD\": It has no year.");
	IS("", "", "invalid time format \"\": It has no year.");
	IS("YYYY-MM-MM", "", "invalid time format \"YYYY-MM-MM\": A part is there twice.");
	IS("YYYY-DDD", "",
	   "invalid time format \"YYYY-DDD\": What starts with \"D\" at character 8 is no part of a date or "
	   "time.");
	IS("AUTO", "",
	   "invalid time format \"AUTO\": What starts with \"A\" at character 1 is no part of a date or time.");
	IS("YYYY 1", "", "invalid time format \"YYYY 1\": A digit is no part of a date or time.");
	IS("YYYY \"x", "", "invalid time format \"YYYY \"x\": A double quote has no other to end its text.");
	assert_string_equal(parts_read("epochsecs", true, ""),
						"invalid date format \"epochsecs\": What starts with \"e\" at "
						"character 1 is no part of a date or time.");
}

static void
epochs(void **state)
{
	IS("epochsecs", "0", "1970-01-01 00:00:00.000000 +0");
	IS("epochsecs", "1048990505", "2003-03-30 02:15:05.000000 +0");
	IS("epochsecs", "1048990505.25", "2003-03-30 02:15:05.250000 +0");
	IS("epochsecs", "-1", "1969-12-31 23:59:59.000000 +0");
	IS("epochsecs", "253402300799", "9999-12-31 23:59:59.000000 +0");
	IS("epochmillisecs", "1048990505123", "2003-03-30 02:15:05.123000 +0");
	IS("epochmillisecs", "-1", "1969-12-31 23:59:59.999000 +0");
	IS("epochmillisecs", "1.5", "1970-01-01 00:00:00.001500 +0");
	NOT("epochsecs", "253402300800");
	NOT("epochsecs", "99999999999999999999999999");
	NOT("epochsecs", "-99999999999999999999999999");
	NOT("epochsecs", "1x");
	NOT("epochsecs", "");
	NOT("epochsecs", "-");
	NOT("epochsecs", "1.");
	NOT("epochsecs", "2003-03-31");
}

/* The table of "Using automatic recognition with DATEFORMAT and TIMEFORMAT", in its order. */
static void
automatic_of_the_guide(void **state)
{
	AUTO("2019-02-11T05:09:12.195Z", "2019-02-11 05:09:12.195000 +0");
	AUTO("J2451187", "1999-01-08 00:00:00.000000");
	AUTO("J2345678 04:05:06.789", "1710-02-23 04:05:06.789000");
	AUTO("Jan-08-95 BC", "-094-01-08 00:00:00.000000");
	AUTO("19960108 040809", "1996-01-08 04:08:09.000000");
	AUTO("960108 040809", "1996-01-08 04:08:09.000000");
	AUTO("1996.008", "1996-01-08 00:00:00.000000");
	AUTO("1996-01-08 04:05:06.789", "1996-01-08 04:05:06.789000");
	AUTO("17 Dec 07:37:16 1997 PST", "1997-12-17 07:37:16.000000 -480");
	AUTO("12/17/1997 07:37:16.00 PST", "1997-12-17 07:37:16.000000 -480");
	AUTO("1997-12-17 07:37:16-08", "1997-12-17 07:37:16.000000 -480");
	AUTO("12.17.1997 07:37:16.00 PST", "1997-12-17 07:37:16.000000 -480");
	AUTO("17.12.1997 07:37:16.00 PST", "1997-12-17 07:37:16.000000 -480");
	/* and those of its table of formats */
	AUTO("03/31/2003", "2003-03-31 00:00:00.000000");
	AUTO("March 31, 2003", "2003-03-31 00:00:00.000000");
	AUTO("03.31.2003 18:45:05", "2003-03-31 18:45:05.000000");
	AUTO("03.31.2003 18:45:05.123456", "2003-03-31 18:45:05.123456");
}

static void
automatic(void **state)
{
	AUTO("2008-01-02", "2008-01-02 00:00:00.000000");
	AUTO("2008/1/2", "2008-01-02 00:00:00.000000");
	AUTO("1-2-2008", "2008-01-02 00:00:00.000000");
	AUTO("1/2/08", "2008-01-02 00:00:00.000000");
	AUTO("2008-Feb-03", "2008-02-03 00:00:00.000000");
	AUTO("03-feb-2008", "2008-02-03 00:00:00.000000");
	AUTO("Feb-03-2008", "2008-02-03 00:00:00.000000");
	AUTO("31 March 2003", "2003-03-31 00:00:00.000000");
	AUTO("2003 March 31", "2003-03-31 00:00:00.000000");
	AUTO("Mon Mar 31 18:45:05 2003", "2003-03-31 18:45:05.000000");
	AUTO("Monday, 31 Mar 2003 06:45 pm", "2003-03-31 18:45:00.000000");
	AUTO("20030331T184505.5", "2003-03-31 18:45:05.500000");
	AUTO("20030331 1845", "2003-03-31 18:45:00.000000");
	AUTO("2003-03-31 18:45:05 +0530", "2003-03-31 18:45:05.000000 +330");
	AUTO("2003-03-31 18:45:05+05:30", "2003-03-31 18:45:05.000000 +330");
	AUTO("2003-03-31 18:45:05 CEST", "2003-03-31 18:45:05.000000 +120");
	AUTO("1996.366", "1996-12-31 00:00:00.000000");
	AUTO("00000000", "none");
	AUTO("00/00/00 00:00:00", "none");
	AUTO("1995.366", "none");
	AUTO("13/01/2003", "none");
	AUTO("31.31.2003", "none");
	AUTO("2003-03-31 18:45:05 XYZ", "none");
	AUTO("2003-03-31 18:45:05 PST PST", "none");
	AUTO("2003-03-31 2003-03-31", "none");
	AUTO("2003-03-31 25:00", "none");
	AUTO("18:45", "none");
	AUTO("March", "none");
	AUTO("March 31", "none");
	AUTO("2003-03", "none");
	AUTO("12:30:1", "none");
	AUTO("2003-03-31 12:30.5", "none");
	AUTO("now", "none");
	AUTO("infinity", "none");
	AUTO("1234567890", "none");
	AUTO("Jan-08-95 BC AD", "none");
	AUTO("a,b;c:d.e", "none");
	AUTO("2003-03-31 ,,,, 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1", "none");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_of_the_guide),
		cmocka_unit_test(patterns),
		cmocka_unit_test(no_patterns),
		cmocka_unit_test(epochs),
		cmocka_unit_test(automatic),
		cmocka_unit_test(automatic_of_the_guide),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

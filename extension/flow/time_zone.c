/*
 * time_zone.c
 *		PostgreSQL's time zones, for schedules. See time_zone.h.
 */
#include "postgres.h"

#include "flow/time_zone.h"
#include "pgtime.h"

static void
span(const void *data, int64 at, int *offset, int64 *end)
{
	const pg_tz *tz = data;
	pg_time_t time = at, boundary;
	long int before, after;
	int before_isdst, after_isdst;

	switch (pg_next_dst_boundary(&time, &before, &before_isdst, &boundary, &after, &after_isdst, tz))
	{
		case 0:
			*end = PG_INT64_MAX;
			break;
		case 1:
			*end = boundary;
			break;
		default:
			elog(ERROR, "time zone offset at " INT64_FORMAT " is unknown", at);
	}
	*offset = before;
}

/*
 * What no file is found for, PostgreSQL reads as a POSIX specification, in which "UTC+2" is two hours west of Greenwich
 * and "Europe/Berlin2" is a zone too. Nobody means that, so it is refused. A specification has a digit, and its
 * canonical name is in upper case; of IANA's names only these are so as well.
 */
static bool
is_posix_specification(const char *canonical)
{
	static const char *const names[] = {"EST5EDT", "CST6CDT", "MST7MDT", "PST8PDT", "GMT0", "GMT+0", "GMT-0"};
	bool digit = false;

	for (int i = 0; i < lengthof(names); i++)
		if (strcmp(canonical, names[i]) == 0)
			return false;
	for (const char *c = canonical; *c != '\0'; c++)
	{
		if (*c >= 'a' && *c <= 'z')
			return false;
		digit |= *c >= '0' && *c <= '9';
	}
	return digit;
}

EtlZone
time_zone_open(const char *name)
{
	pg_tz *tz = pg_tzset(name);

	/* as for the setting TimeZone, a zone that counts leap seconds is none */
	if (tz == NULL || !pg_tz_acceptable(tz) || is_posix_specification(pg_get_timezone_name(tz)))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("time zone \"%s\" is not known", name),
				errdetail("A schedule's time zone is an IANA name, such as \"UTC\" or \"Europe/Berlin\"."),
				errhint("SELECT name FROM pg_timezone_names lists them."));
	return (EtlZone){span, tz};
}

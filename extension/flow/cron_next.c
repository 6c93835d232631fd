/*
 * cron_next.c
 *		When a cron expression comes next by the clocks of a time zone.
 *
 * Clocks are put forward, and the local times of the gap never come; they are put back, and the local times of the
 * fold come twice. What is wanted then depends on what the schedule says:
 *
 * - One that restricts the hours ("30 2 * * *") is about times of day, and each of its local times is run once: one in
 *   a gap at the first moment after it, together with all others of that gap; one in a fold when it comes first. The
 *   moment at which local time first is L or later is defined for every L and never goes back, so the next run is that
 *   moment for the first L that is later than all the clock has shown so far.
 * - One that comes in every hour ("*" or all 24 of them; "*" and a step of 5 minutes) is about a rhythm, and follows
 *   the clock as it is: through a fold it goes on, in a gap nothing is missing.
 */
#include "base/platform.h"

#include "flow/cron.h"

/* Offsets from UTC differ by less: all that can precede or follow a local time is within this many seconds of it. */
#define REACH (2 * 86400)

#define EVERY_HOUR ((UINT32_C(1) << 24) - 1)

/* The latest local time that the clock has shown up to a moment. In a fold's second pass that is the fold's end. */
static int64
latest_local(const EtlZone *zone, int64 at)
{
	int64 latest = PG_INT64_MIN, from = at - REACH;

	for (;;)
	{
		int offset;
		int64 end;

		zone->span(zone->data, from, &offset, &end);
		if (end > at)
			return Max(latest, at + offset);
		latest = Max(latest, end - 1 + offset);
		from = end;
	}
}

/* The first moment at which the clock shows a local time or a later one. */
static int64
first_moment(const EtlZone *zone, int64 local)
{
	int64 from = local - REACH;

	for (;;)
	{
		int offset;
		int64 end;

		zone->span(zone->data, from, &offset, &end);
		if (local - offset < end)
			return Max(local - offset, from);
		from = end;
	}
}

/* The next moment at which the clock shows a time of the schedule, be it for the second time. */
static bool
next_shown(const EtlCron *cron, const EtlZone *zone, int64 after, int64 *next)
{
	int offset;
	int64 end, local;

	zone->span(zone->data, after, &offset, &end);
	local = after + offset;
	/* A turn for every change of offset before the answer; there is an end to both. */
	while (cron_next_local(cron, local, &local))
	{
		if (local - offset < end)
		{
			*next = local - offset;
			return true;
		}
		local = end - 1;
		zone->span(zone->data, end, &offset, &end);
		local += offset;
	}
	return false;
}

bool
cron_next(const EtlCron *cron, const EtlZone *zone, int64 after, int64 *next)
{
	int64 local;

	/* Nothing is before 1970 or after 2199, so that the sums below stay in range whatever the caller asks. */
	after = Max(after, -REACH);
	if (after > ETL_CRON_END + REACH)
		return false;
	if (cron->hours == EVERY_HOUR)
		return next_shown(cron, zone, after, next);
	if (!cron_next_local(cron, latest_local(zone, after), &local))
		return false;
	*next = first_moment(zone, local);
	return true;
}

/*
 * schedule_fuzz.c
 *		Any text is a schedule or an error, and the runs of a schedule go forward and come to an end.
 */
#include "flow/schedule.h"

static void
span(const void *data, int64 at, int *offset, int64 *end)
{
	/* An hour forward and back every hundred days. */
	int64 length = 100 * SECS_PER_DAY;
	int64 n = at >= 0 ? at / length : (at + 1) / length - 1;

	*offset = n % 2 == 0 ? SECS_PER_HOUR : 0;
	*end = (n + 1) * length;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	EtlZone zone = {span, NULL};
	EtlSchedule schedule;
	EtlError error = {0};
	TimestampTz at = 0, next;
	char *text = pnstrdup((const char *) data, size);

	if (schedule_parse(text, &schedule, &error))
	{
		for (int i = 0; i < 100 && schedule_next(&schedule, &zone, 0, at, &next); i++)
		{
			if (next <= at)
				abort();
			at = next;
		}
	}
	else if (error.sqlstate != ERRCODE_INVALID_PARAMETER_VALUE || error.message[0] == '\0' ||
			 error.detail[0] == '\0' || error.hint[0] == '\0')
		abort();
	pfree(text);
	return 0;
}

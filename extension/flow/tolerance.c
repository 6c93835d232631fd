/*
 * tolerance.c
 *		How many of a task's items may fail. See tolerance.h.
 *
 * Step Functions' ToleratedFailureCount and ToleratedFailurePercentage: the task fails when there are more.
 */
#include "base/platform.h"

#include <stdlib.h>
#include <string.h>

#include "flow/tolerance.h"

#define PARTS_OF_A_PERCENT 1000 /* etl.task takes three decimals */

int64
tolerance_count(const char *tolerate, int64 items)
{
	char *end;
	int64 whole;
	int64 parts = 0;

	if (tolerate == NULL)
		return 0;
	whole = strtol(tolerate, &end, 10);
	if (strchr(tolerate, '%') == NULL)
		return whole;
	/* Not in floating point, in which 0.29 of 100 is not 29. */
	if (*end == '.')
		for (int unit = PARTS_OF_A_PERCENT / 10; *++end >= '0' && *end <= '9'; unit /= 10)
			parts += (*end - '0') * unit;
	return items * (whole * PARTS_OF_A_PERCENT + parts) / (INT64_C(100) * PARTS_OF_A_PERCENT);
}

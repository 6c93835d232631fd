/*
 * backoff.c
 *		The delays between a step's attempts. See backoff.h.
 *
 * Step Functions' rules: IntervalSeconds, BackoffRate, MaxDelaySeconds, and of JitterStrategy FULL, which draws from all of
 * the time up to the delay, so that steps that failed together aren't repeated together.
 */
#include "base/platform.h"

#include <math.h>

#include "flow/backoff.h"

double
backoff_delay(const EtlBackoff *backoff, int number, double chance)
{
	double delay;

	if (backoff->delay <= 0)
		return 0; /* however often: the power may be infinite */
	delay = Min(backoff->delay * pow(backoff->factor, number - 1), backoff->longest);
	return backoff->jitter ? delay * chance : delay;
}

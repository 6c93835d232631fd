/*
 * backoff.h
 *		How long a failed step waits until it is repeated. Pure.
 */
#ifndef ETL_FLOW_BACKOFF_H
#define ETL_FLOW_BACKOFF_H

#include "base/platform.h"

#define ETL_BACKOFF_LONGEST 86400.0 /* seconds, where nothing else is said */

typedef struct EtlBackoff
{
	double delay;  /* seconds before the first repetition */
	double factor; /* of each further one, at least 1 */
	double longest; /* no delay is longer */
	bool jitter;   /* each is a random part of what it would be */
} EtlBackoff;

/* Seconds before repetition `number` (1, 2, …); `chance` is a random number from 0 to 1. */
extern double backoff_delay(const EtlBackoff *backoff, int number, double chance);

#endif

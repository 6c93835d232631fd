/*
 * helper.h
 *		Threads for calls of a C library that block and can't be waited for in any other way.
 *
 * What they run is no code of the server's: no palloc, no elog, nothing of the backend, only what it is given, which is
 * malloc'd. A thread that hangs is left behind. All signals are the process's own.
 *
 *		static EtlHelpers cancels = ETL_HELPERS(64);
 *		if (!helper_run(&cancels, send_cancel, cancel)) …
 */
#ifndef ETL_BASE_HELPER_H
#define ETL_BASE_HELPER_H

#include "postgres.h"

#include <pthread.h>

typedef struct EtlHelpers
{
	pthread_mutex_t lock;
	pthread_cond_t done; /* nothing is pending */
	int most;			 /* threads at a time; more work than that waits */
	int threads;
	int pending; /* work that was given and is not done */
	struct EtlHelperWork *first;
	struct EtlHelperWork *last;
} EtlHelpers;

#define ETL_HELPERS(threads_at_most)                                                                                \
	{                                                                                                               \
		.lock = PTHREAD_MUTEX_INITIALIZER, .done = PTHREAD_COND_INITIALIZER, .most = (threads_at_most)              \
	}

/* Have a thread call `work`. False: there is no memory, or no thread can be had. */
extern bool helper_run(EtlHelpers *helpers, void (*work)(void *), void *arg);
/* Wait until everything that was given is done, and no longer than this. */
extern void helper_drain(EtlHelpers *helpers, int milliseconds);

#endif

/*
 * helper.c
 *		Threads for calls that block. See helper.h.
 */
#include "postgres.h"

#include <signal.h>
#include <time.h>

#include "base/helper.h"

#define STACK_SIZE (256 * 1024) /* resolvers of names take more than one would think */

typedef struct EtlHelperWork
{
	struct EtlHelperWork *next;
	void (*work)(void *);
	void *arg;
} EtlHelperWork;

/* The lock is held, there is some. */
static EtlHelperWork *
take_first(EtlHelpers *helpers)
{
	EtlHelperWork *work = helpers->first;

	helpers->first = work->next;
	if (helpers->first == NULL)
		helpers->last = NULL;
	return work;
}

/* A thread lives as long as there is something to do. */
static void *
helper_main(void *arg)
{
	EtlHelpers *helpers = arg;

	pthread_mutex_lock(&helpers->lock);
	while (helpers->first != NULL)
	{
		EtlHelperWork *work = take_first(helpers);

		pthread_mutex_unlock(&helpers->lock);
		work->work(work->arg);
		free(work);
		pthread_mutex_lock(&helpers->lock);
		if (--helpers->pending == 0)
			pthread_cond_broadcast(&helpers->done);
	}
	helpers->threads--;
	pthread_mutex_unlock(&helpers->lock);
	return NULL;
}

/* It inherits the signal mask of this moment. */
static bool
start_thread(EtlHelpers *helpers)
{
	pthread_attr_t attributes;
	pthread_t thread;
	sigset_t all;
	sigset_t before;
	bool started;

	if (pthread_attr_init(&attributes) != 0)
		return false;
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	pthread_attr_setstacksize(&attributes, STACK_SIZE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&thread, &attributes, helper_main, helpers) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	pthread_attr_destroy(&attributes);
	return started;
}

bool
helper_run(EtlHelpers *helpers, void (*work)(void *), void *arg)
{
	EtlHelperWork *added = malloc(sizeof(EtlHelperWork));
	bool accepted = true;

	if (added == NULL)
		return false;
	*added = (EtlHelperWork){.work = work, .arg = arg};
	pthread_mutex_lock(&helpers->lock);
	if (helpers->threads < helpers->most && start_thread(helpers))
		helpers->threads++;
	accepted = helpers->threads > 0;
	if (accepted)
	{
		if (helpers->last != NULL)
			helpers->last->next = added;
		else
			helpers->first = added;
		helpers->last = added;
		helpers->pending++;
	}
	pthread_mutex_unlock(&helpers->lock);
	if (!accepted)
		free(added);
	return accepted;
}

void
helper_drain(EtlHelpers *helpers, int milliseconds)
{
	struct timespec deadline;
	int result = 0;

	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += milliseconds / 1000;
	deadline.tv_nsec += (milliseconds % 1000) * 1000000L;
	if (deadline.tv_nsec >= 1000000000L)
	{
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000L;
	}
	pthread_mutex_lock(&helpers->lock);
	while (helpers->pending > 0 && result == 0)
		result = pthread_cond_timedwait(&helpers->done, &helpers->lock, &deadline);
	pthread_mutex_unlock(&helpers->lock);
}

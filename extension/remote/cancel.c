/*
 * cancel.c
 *		Telling the other side to stop, in bounded time.
 *
 * libpq's PQcancel blocks until the other side has closed the cancel connection: for ever, if that hangs. It is
 * documented as safe in another thread, so it runs in one, which touches nothing but the PGcancel it is given, and is
 * left behind when it takes too long.
 */
#include "postgres.h"

#include <pthread.h>
#include <signal.h>
#include <time.h>

#include "remote/connection.h"

#define CANCEL_TIMEOUT 1500 /* ms */

/* Runs outside the server's own thread: no palloc, no elog, nothing of the backend. */
static void *
cancel_send(void *arg)
{
	PGcancel *cancel = arg;
	char message[256];

	(void) PQcancel(cancel, message, sizeof(message));
	PQfreeCancel(cancel);
	return NULL;
}

void
warehouse_cancel(PGconn *conn)
{
	PGcancel *cancel = PQgetCancel(conn);
	struct timespec deadline;
	sigset_t all;
	sigset_t before;
	pthread_t thread;
	bool started;

	if (cancel == NULL)
		return;
	/* The thread inherits the mask: signals are for the backend. */
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	started = pthread_create(&thread, NULL, cancel_send, cancel) == 0;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (!started)
	{
		PQfreeCancel(cancel);
		return;
	}
	clock_gettime(CLOCK_REALTIME, &deadline);
	deadline.tv_sec += CANCEL_TIMEOUT / 1000;
	deadline.tv_nsec += (CANCEL_TIMEOUT % 1000) * 1000000L;
	if (deadline.tv_nsec >= 1000000000L)
	{
		deadline.tv_sec++;
		deadline.tv_nsec -= 1000000000L;
	}
	if (pthread_timedjoin_np(thread, NULL, &deadline) != 0)
		pthread_detach(thread);
}

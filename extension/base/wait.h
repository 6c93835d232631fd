/*
 * wait.h
 *		What work that can't go on waits for, so that its caller can wait for more than that.
 *
 * Work of this kind is a function `…_poll`, which does all that can be done at once and answers true when it is through;
 * otherwise it says here what to wait for, and is called again then. It may be called too early. Who has nothing else to
 * do waits right there, in a loop; the remote executor waits for a thousand of them together.
 */
#ifndef ETL_BASE_WAIT_H
#define ETL_BASE_WAIT_H

#include "postgres.h"

typedef struct EtlWait
{
	pgsocket socket; /* PGINVALID_SOCKET: none */
	uint32 events;	 /* of the socket: WL_SOCKET_READABLE, WL_SOCKET_WRITEABLE */
	const bool *flag; /* that something which goes on beside sets, such as net/http.h's transfers; NULL: none */
	int64 until_ms;	  /* of clock_monotonic_ms(); -1: no time */
} EtlWait;

/* Nothing, for ever: what a poll function starts from. */
#define ETL_WAIT_NONE ((EtlWait){.socket = PGINVALID_SOCKET, .until_ms = -1})

/*
 * What else a wait for the network has to notice: `look` is called whenever one begins or goes on, and raises when there is no
 * use in it any more. What it looks at sets the latch when it changes.
 */
typedef struct EtlWatch
{
	void (*look)(void *arg); /* NULL: nothing */
	void *arg;
} EtlWatch;

/* Set for a while by who has something read; who sets it puts the old one back, also after an error. */
extern EtlWatch wait_watch;

static inline void
wait_look(void)
{
	if (wait_watch.look != NULL)
		wait_watch.look(wait_watch.arg);
}

#endif

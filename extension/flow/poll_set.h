/*
 * poll_set.h
 *		Waiting for a thousand sockets, the process's latch, a moment and the end of the postmaster together.
 *
 * PostgreSQL's own WaitEventSet can't change what it has: it is made anew. So the sockets are in an epoll set, which is a
 * single descriptor to it.
 */
#ifndef ETL_FLOW_POLL_SET_H
#define ETL_FLOW_POLL_SET_H

#include "postgres.h"

#include "storage/latch.h"

typedef struct EtlPollSet
{
	int epoll;
	WaitEventSet *wait_set;
} EtlPollSet;

/* For the life of the process. */
extern void poll_set_init(EtlPollSet *set);
/*
 * Once, when one of the events (WL_SOCKET_…) is there for the socket, the set answers `tag`. A socket leaves the set when
 * it is closed; a tag that comes after that is its user's to recognize.
 */
extern void poll_set_watch(EtlPollSet *set, pgsocket socket, uint32 events, uint64 tag);
/* Wait no longer than this (-1: for ever, 0: not at all) or until the latch is set. The number of tags. */
extern int poll_set_wait(EtlPollSet *set, long timeout_ms, uint64 *tags, int size);

#endif

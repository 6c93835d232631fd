/*
 * poll_set.c
 *		Waiting for many sockets. See poll_set.h.
 */
#include "postgres.h"

#include <sys/epoll.h>

#include "base/compat.h"
#include "flow/poll_set.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"

#define MOST_EVENTS 256 /* the rest is there at the next look */

void
poll_set_init(EtlPollSet *set)
{
	ReserveExternalFD();
	set->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (set->epoll < 0)
		ereport(FATAL, errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("could not make an epoll set: %m"));
	set->wait_set = CreateWaitEventSet(NULL, 3);
	AddWaitEventToSet(set->wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(set->wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	AddWaitEventToSet(set->wait_set, WL_SOCKET_READABLE, set->epoll, NULL, NULL);
}

void
poll_set_watch(EtlPollSet *set, pgsocket socket, uint32 events, uint64 tag)
{
	struct epoll_event event = {.events = EPOLLONESHOT, .data.u64 = tag};

	if (events & WL_SOCKET_READABLE)
		event.events |= EPOLLIN;
	if (events & WL_SOCKET_WRITEABLE)
		event.events |= EPOLLOUT;
	/* It may be in the set already, or its number may be that of one that was. */
	if (epoll_ctl(set->epoll, EPOLL_CTL_MOD, socket, &event) < 0 &&
		(errno != ENOENT || epoll_ctl(set->epoll, EPOLL_CTL_ADD, socket, &event) < 0))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("could not wait for a socket: %m"));
}

static int
look(EtlPollSet *set, uint64 *tags, int size)
{
	struct epoll_event events[MOST_EVENTS];
	int count = epoll_wait(set->epoll, events, Min(size, MOST_EVENTS), 0);

	if (count < 0 && errno != EINTR)
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("could not wait for sockets: %m"));
	for (int i = 0; i < count; i++)
		tags[i] = events[i].data.u64;
	return Max(count, 0);
}

int
poll_set_wait(EtlPollSet *set, long timeout_ms, uint64 *tags, int size)
{
	int count = look(set, tags, size);
	WaitEvent events[2];

	CHECK_FOR_INTERRUPTS();
	if (count > 0 || timeout_ms == 0)
		return count;
	for (int i = WaitEventSetWait(set->wait_set, timeout_ms, events, lengthof(events), PG_WAIT_EXTENSION) - 1; i >= 0; i--)
		if (events[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	return look(set, tags, size);
}

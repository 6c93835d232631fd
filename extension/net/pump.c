/*
 * pump.c
 *		What drives libcurl's multi interface, and waits for it. See pump.h, and http.h for what is its users'.
 *
 * curl tells us through callbacks which sockets it waits for and when its next timer is due; they only note that
 * down. We wait for those sockets and the process latch together in a WaitEventSet, serve interrupts, and hand
 * curl what happened. No callback raises, allocates from PostgreSQL or checks for interrupts.
 */
#include "postgres.h"

#include <signal.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/compat.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "net/http.h"
#include "net/pump.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/latch.h"

#define MAX_EVENTS 16
#define MOST_CONNECTIONS 64L

/* What curl waits for. One multi handle a process keeps its connections. */
typedef struct Watch
{
	curl_socket_t socket;
	int what; /* CURL_POLL_IN … */
} Watch;

static CURLM *multi = NULL;
static Watch *watches = NULL;
static int nwatches = 0;
static int watches_size = 0;
static bool watches_changed = true;
static int64 timer_due_ms = -1; /* on the monotonic clock; -1: none */
static int64 give_up_ms = -1; /* the same, by http_limit */
static WaitEventSet *wait_set = NULL;
static int watch_epoll = -1; /* has what curl waits for, too, once http_descriptor was asked for */

static void
note_in_epoll(curl_socket_t socket, int what)
{
	uint32 events = ((what & CURL_POLL_IN) ? EPOLLIN : 0) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0);
	struct epoll_event event = {.events = events, .data.fd = socket};

	if (watch_epoll < 0)
		return;
	if (what == CURL_POLL_REMOVE)
		epoll_ctl(watch_epoll, EPOLL_CTL_DEL, socket, NULL);
	else if (epoll_ctl(watch_epoll, EPOLL_CTL_MOD, socket, &event) < 0)
		epoll_ctl(watch_epoll, EPOLL_CTL_ADD, socket, &event);
}

static int
note_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg)
{
	int i = 0;

	note_in_epoll(socket, what);
	while (i < nwatches && watches[i].socket != socket)
		i++;
	watches_changed = true;
	if (what == CURL_POLL_REMOVE)
	{
		if (i < nwatches)
			watches[i] = watches[--nwatches];
		return 0;
	}
	if (i == watches_size)
	{
		int size = Max(8, watches_size * 2);
		Watch *larger = realloc(watches, size * sizeof(Watch));

		if (larger == NULL)
			return -1;
		watches = larger;
		watches_size = size;
	}
	watches[i] = (Watch){socket, what};
	nwatches = Max(nwatches, i + 1);
	return 0;
}

static int
note_timer(CURLM *handle, long timeout_ms, void *arg)
{
	timer_due_ms = timeout_ms < 0 ? -1 : clock_monotonic_ms() + timeout_ms;
	return 0;
}

/*
 * curl resolves names in a thread. It inherits the signal mask of this moment, and PostgreSQL's handlers must not
 * run in any thread but the process's own.
 */
static void
drive_curl(curl_socket_t socket, int events)
{
	sigset_t saved;
	int running;
	CURLMcode result;

	sigprocmask(SIG_SETMASK, &BlockSig, &saved);
	result = curl_multi_socket_action(multi, socket, events, &running);
	sigprocmask(SIG_SETMASK, &saved, NULL);
	if (result != CURLM_OK)
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE),
				errmsg("could not drive a network transfer: %s", curl_multi_strerror(result)));
}

void
pump_init(void)
{
	if (multi != NULL)
		return;
	/* libcurl would write the keys of all connections to the file that it names. */
	unsetenv("SSLKEYLOGFILE");
	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK || (multi = curl_multi_init()) == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("could not start libcurl"));
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, note_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, note_timer);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, 8L);
}

const char *
pump_authorities(void)
{
	const char *file = getenv("AWS_CA_BUNDLE");

	return file != NULL && *file ? file : NULL;
}

bool
pump_add(CURL *easy, EtlPumpState *state)
{
	return curl_easy_setopt(easy, CURLOPT_PRIVATE, state) == CURLE_OK &&
		   curl_multi_add_handle(multi, easy) == CURLM_OK;
}

void
pump_remove(CURL *easy)
{
	curl_multi_remove_handle(multi, easy);
}

static void
wait_set_build(void)
{
	if (wait_set != NULL)
	{
		WaitEventSet *old = wait_set;

		wait_set = NULL;
		FreeWaitEventSet(old);
	}
	wait_set = CreateWaitEventSet(NULL, nwatches + 2);
	AddWaitEventToSet(wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
	AddWaitEventToSet(wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
	for (int i = 0; i < nwatches; i++)
	{
		uint32 events = ((watches[i].what & CURL_POLL_IN) ? WL_SOCKET_READABLE : 0) |
						((watches[i].what & CURL_POLL_OUT) ? WL_SOCKET_WRITEABLE : 0);

		if (events != 0)
			AddWaitEventToSet(wait_set, events, watches[i].socket, NULL, NULL);
	}
	watches_changed = false;
}

static void
note_results(void)
{
	CURLMsg *message;
	int left;

	while ((message = curl_multi_info_read(multi, &left)) != NULL)
	{
		EtlPumpState *state = NULL;

		if (message->msg != CURLMSG_DONE)
			continue;
		curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &state);
		state->done = *state->progress = true;
		state->result = message->data.result;
	}
}

void
http_limit(int milliseconds)
{
	give_up_ms = milliseconds > 0 ? clock_monotonic_ms() + milliseconds : -1;
}

static void
check_limit(void)
{
	if (give_up_ms >= 0 && give_up_ms <= clock_monotonic_ms())
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE), errmsg("no answer came in time"));
}

static void
drive_timer(void)
{
	if (timer_due_ms < 0 || timer_due_ms > clock_monotonic_ms())
		return;
	timer_due_ms = -1;
	drive_curl(CURL_SOCKET_TIMEOUT, 0);
}

void
pump_wait(void)
{
	WaitEvent events[MAX_EVENTS];
	int64 timeout = -1;
	int nevents;

	if (watches_changed)
		wait_set_build();
	if (timer_due_ms >= 0)
		timeout = Max(timer_due_ms - clock_monotonic_ms(), 0);
	if (give_up_ms >= 0)
	{
		int64 left = Max(give_up_ms - clock_monotonic_ms(), 0);

		timeout = timeout < 0 ? left : Min(timeout, left);
	}
	nevents = WaitEventSetWait(wait_set, (long) timeout, events, MAX_EVENTS, PG_WAIT_EXTENSION);
	for (int i = 0; i < nevents; i++)
		if (events[i].events & WL_LATCH_SET)
			ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	check_limit();

	for (int i = 0; i < nevents; i++)
	{
		int what = ((events[i].events & WL_SOCKET_READABLE) ? CURL_CSELECT_IN : 0) |
				   ((events[i].events & WL_SOCKET_WRITEABLE) ? CURL_CSELECT_OUT : 0);

		if (what != 0)
			drive_curl(events[i].fd, what);
	}
	drive_timer();
	note_results();
}

int
http_descriptor(void)
{
	pump_init();
	if (watch_epoll < 0)
	{
		ReserveExternalFD();
		watch_epoll = epoll_create1(EPOLL_CLOEXEC);
		if (watch_epoll < 0)
			ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("could not make an epoll set: %m"));
		/* A thousand requests at a time are made by fewer connections. */
		curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, MOST_CONNECTIONS);
	}
	return watch_epoll;
}

int64
http_due_ms(void)
{
	return timer_due_ms;
}

void
http_drive(void)
{
	struct epoll_event events[MAX_EVENTS];
	int count = epoll_wait(watch_epoll, events, MAX_EVENTS, 0);

	for (int i = 0; i < count; i++)
	{
		int what = ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) ? CURL_CSELECT_IN : 0) |
				   ((events[i].events & EPOLLOUT) ? CURL_CSELECT_OUT : 0);

		drive_curl(events[i].data.fd, what);
	}
	drive_timer();
	note_results();
}

void
http_sleep(int milliseconds)
{
	int64 until = clock_monotonic_ms() + milliseconds;
	int64 left;

	if (give_up_ms >= 0)
		until = Min(until, give_up_ms);
	while ((left = until - clock_monotonic_ms()) > 0)
	{
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, (long) left,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	check_limit();
}

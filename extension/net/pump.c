/*
 * pump.c
 *		What drives libcurl's multi interface, and waits for it. See pump.h, and http.h for what is its users'.
 *
 * curl tells us through callbacks which sockets it waits for and when its next timer is due; they only note that
 * down, the sockets in an epoll set. We wait for that set and the process latch together in a WaitEventSet, which so
 * stays as it is when sockets come and go, serve interrupts, and hand curl what happened. No callback raises,
 * allocates from PostgreSQL or checks for interrupts.
 */
#include "postgres.h"

#include <poll.h>
#include <signal.h>
#include <sys/epoll.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/wait.h"
#include "libpq/pqsignal.h"
#include "miscadmin.h"
#include "net/http.h"
#include "net/pump.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/latch.h"

#define MAX_EVENTS 64
#define MOST_CONNECTIONS 64L
#define KEPT_CONNECTIONS 64L
#define FIRST_WAIT_MS 2		/* for the transfer that is wanted, when there is something for others */
#define OTHERS_WAIT_MS 1000 /* at most, while there is always something for the one that is wanted */
#define POLL_MS 10			/* between looks at them, while nobody waits */

static CURLM *multi = NULL;			  /* one a process: it keeps the connections */
static int64 timer_due_ms = -1;		  /* on the monotonic clock; -1: none */
static int64 give_up_ms = -1;		  /* the same, by http_limit */
static int64 all_driven_ms = 0;		  /* when every socket last had its turn */
static int sockets = -1;			  /* an epoll set of what curl waits for */
static WaitEventSet *wait_set = NULL; /* the latch, and `sockets` */

static int
note_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *socket_arg)
{
	uint32 events = ((what & CURL_POLL_IN) ? EPOLLIN : 0) | ((what & CURL_POLL_OUT) ? EPOLLOUT : 0);
	struct epoll_event event = {.events = events, .data.fd = socket};
	EtlPumpState *state = NULL;

	if (what == CURL_POLL_REMOVE)
	{
		epoll_ctl(sockets, EPOLL_CTL_DEL, socket, NULL);
		return 0;
	}
	if (epoll_ctl(sockets, EPOLL_CTL_MOD, socket, &event) < 0 &&
		epoll_ctl(sockets, EPOLL_CTL_ADD, socket, &event) < 0)
		return -1;
	curl_easy_getinfo(easy, CURLINFO_PRIVATE, &state);
	if (state != NULL)
		state->socket = socket;
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
	if (sockets < 0)
	{
		ReserveExternalFD();
		sockets = epoll_create1(EPOLL_CLOEXEC);
	}
	if (sockets < 0)
	{
		ReleaseExternalFD();
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES), errmsg("could not make an epoll set: %m"));
	}
	if (curl_global_init(CURL_GLOBAL_ALL) != CURLE_OK || (multi = curl_multi_init()) == NULL)
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("could not start libcurl"));
	curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, note_socket);
	curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, note_timer);
	curl_multi_setopt(multi, CURLMOPT_MAXCONNECTS, KEPT_CONNECTIONS);
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
	state->socket = CURL_SOCKET_BAD;
	return curl_easy_setopt(easy, CURLOPT_PRIVATE, state) == CURLE_OK &&
		   curl_multi_add_handle(multi, easy) == CURLM_OK;
}

void
pump_remove(CURL *easy)
{
	curl_multi_remove_handle(multi, easy);
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

static bool
drive_timer(void)
{
	if (timer_due_ms < 0 || timer_due_ms > clock_monotonic_ms())
		return false;
	timer_due_ms = -1;
	drive_curl(CURL_SOCKET_TIMEOUT, 0);
	return true;
}

/* Which of the events is the transfer's; -1: none, and none within a moment if it is for its body. */
static int
find_first(const EtlPumpState *first, struct epoll_event *events, int count)
{
	struct pollfd its = {.fd = first->socket, .events = POLLIN};

	for (int i = 0; i < count; i++)
		if (events[i].data.fd == first->socket)
			return i;
	if (count == 0 || !first->reading || first->socket == CURL_SOCKET_BAD ||
		poll(&its, 1, FIRST_WAIT_MS) <= 0)
		return -1;
	events[0] = (struct epoll_event){.events = EPOLLIN, .data.fd = first->socket};
	return 0;
}

/*
 * Let curl act on what has come or is due, without waiting. True if anything had or was. With `first` given, and something
 * there for it, only on that: the others' bytes would be copied to where they wait in memory, when they can as well wait
 * in the kernel, from where they come through the processor's cache.
 */
static bool
drive_sockets(const EtlPumpState *first)
{
	struct epoll_event events[MAX_EVENTS];
	int count = epoll_wait(sockets, events, MAX_EVENTS, 0);
	int64 now = clock_monotonic_ms();
	int only = -1;
	bool timer;

	if (first != NULL && now - all_driven_ms < OTHERS_WAIT_MS)
		only = find_first(first, events, count);
	if (only < 0)
		all_driven_ms = now;
	else
	{
		events[0] = events[only];
		count = 1;
	}
	for (int i = 0; i < count; i++)
	{
		int what = ((events[i].events & (EPOLLIN | EPOLLHUP | EPOLLERR)) ? CURL_CSELECT_IN : 0) |
				   ((events[i].events & EPOLLOUT) ? CURL_CSELECT_OUT : 0);

		drive_curl(events[i].data.fd, what);
	}
	timer = drive_timer();
	note_results();
	return count > 0 || timer;
}

void
pump_poll(void)
{
	if (clock_monotonic_ms() - all_driven_ms >= POLL_MS)
		(void) drive_sockets(NULL);
}

void
pump_catch_up(void)
{
	(void) drive_timer();
	note_results();
}

void
pump_wait(const EtlPumpState *first)
{
	WaitEvent event;
	int64 timeout = -1;

	CHECK_FOR_INTERRUPTS();
	check_limit();
	if (drive_sockets(first))
		return;
	wait_look();
	if (wait_set == NULL)
	{
		wait_set = CreateWaitEventSet(NULL, 3);
		AddWaitEventToSet(wait_set, WL_LATCH_SET, PGINVALID_SOCKET, MyLatch, NULL);
		if (IsUnderPostmaster) /* and not a single-user server */
			AddWaitEventToSet(wait_set, WL_EXIT_ON_PM_DEATH, PGINVALID_SOCKET, NULL, NULL);
		AddWaitEventToSet(wait_set, WL_SOCKET_READABLE, sockets, NULL, NULL);
	}
	if (timer_due_ms >= 0)
		timeout = Max(timer_due_ms - clock_monotonic_ms(), 0);
	if (give_up_ms >= 0)
	{
		int64 left = Max(give_up_ms - clock_monotonic_ms(), 0);

		timeout = timeout < 0 ? left : Min(timeout, left);
	}
	if (WaitEventSetWait(wait_set, (long) timeout, &event, 1, PG_WAIT_EXTENSION) == 1 &&
		(event.events & WL_LATCH_SET))
		ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	check_limit();
	(void) drive_sockets(first);
}

int
http_descriptor(void)
{
	pump_init();
	/* A thousand requests at a time are made by fewer connections. */
	curl_multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, MOST_CONNECTIONS);
	return sockets;
}

int64
http_due_ms(void)
{
	return timer_due_ms;
}

void
http_drive(void)
{
	(void) drive_sockets(NULL);
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
		wait_look();
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, (long) left,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	check_limit();
}

/*
 * resolve.c
 *		Looking up names. See resolve.h.
 *
 * getaddrinfo runs in a thread, which says through an eventfd that it is through. What the two share is freed by
 * whichever lets go of it last.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/helper.h"
#include "lib/stringinfo.h"
#include "port/atomics.h"
#include "remote/resolve.h"
#include "storage/latch.h"

#define MOST_AT_A_TIME 16
#define MOST_ADDRESSES 8

struct EtlResolve
{
	pg_atomic_uint32 holders; /* the process, the thread */
	pg_atomic_uint32 through;
	int event;
	int error; /* getaddrinfo's */
	int count;
	char addresses[MOST_ADDRESSES][INET6_ADDRSTRLEN];
	char host[NI_MAXHOST];
};

static EtlHelpers helpers = ETL_HELPERS(MOST_AT_A_TIME);

static void
let_go(EtlResolve *resolve)
{
	if (pg_atomic_sub_fetch_u32(&resolve->holders, 1) > 0)
		return;
	close(resolve->event);
	free(resolve);
}

/* Runs outside the server's own thread. */
static void
look_up(void *arg)
{
	EtlResolve *resolve = arg;
	struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
	struct addrinfo *found = NULL;
	uint64 one = 1;
	ssize_t written;

	resolve->error = getaddrinfo(resolve->host, NULL, &hints, &found);
	if (resolve->error == 0)
	{
		for (struct addrinfo *at = found; at != NULL && resolve->count < MOST_ADDRESSES; at = at->ai_next)
			if (getnameinfo(at->ai_addr, at->ai_addrlen, resolve->addresses[resolve->count], INET6_ADDRSTRLEN, NULL, 0,
							NI_NUMERICHOST) == 0)
				resolve->count++;
		freeaddrinfo(found);
	}
	pg_atomic_write_u32(&resolve->through, 1);
	pg_memory_barrier();
	written = write(resolve->event, &one, sizeof(one)); /* can't fail: the counter is zero */
	(void) written;
	let_go(resolve);
}

static bool
needs_look_up(const char *host)
{
	struct in6_addr address;

	return host[0] != '/' && host[0] != '@' && strlen(host) < NI_MAXHOST && strchr(host, '%') == NULL &&
		inet_pton(AF_INET, host, &address) != 1 && inet_pton(AF_INET6, host, &address) != 1;
}

EtlResolve *
resolve_start(const char *host)
{
	EtlResolve *resolve;

	if (!needs_look_up(host) || (resolve = calloc(1, sizeof(EtlResolve))) == NULL)
		return NULL;
	resolve->event = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	strlcpy(resolve->host, host, sizeof(resolve->host));
	pg_atomic_init_u32(&resolve->through, 0);
	pg_atomic_init_u32(&resolve->holders, 2);
	if (resolve->event >= 0 && helper_run(&helpers, look_up, resolve))
		return resolve;
	if (resolve->event >= 0)
		close(resolve->event);
	free(resolve);
	return NULL;
}

bool
resolve_poll(EtlResolve *resolve, EtlWait *wait, EtlAddresses *addresses)
{
	StringInfoData list;

	if (pg_atomic_read_u32(&resolve->through) == 0)
	{
		wait->socket = resolve->event;
		wait->events = WL_SOCKET_READABLE;
		return false;
	}
	pg_read_barrier();
	initStringInfo(&list);
	for (int i = 0; i < resolve->count; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? "," : "", resolve->addresses[i]);
	*addresses = (EtlAddresses){.count = resolve->count, .list = list.data, .problem = gai_strerror(resolve->error)};
	return true;
}

void
resolve_close(EtlResolve *resolve)
{
	let_go(resolve);
}

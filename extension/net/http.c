/*
 * http.c
 *		Requests, each a transfer of libcurl's. See http.h; pump.h has the waiting.
 *
 * No callback raises, allocates from PostgreSQL or checks for interrupts: a longjmp through curl's frames would
 * leave it in an unknown state. Their memory is malloc'd with the transfer.
 *
 * An interrupt leaves the transfer to its memory context, whose reset takes it out of curl and frees it.
 */
#include "postgres.h"

#include <arpa/inet.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/compat.h"
#include "base/handle.h"
#include "miscadmin.h"
#include "net/guard.h"
#include "net/headers.h"
#include "net/http.h"
#include "net/pump.h"
#include "utils/memutils.h"

#define BODY_BUFFER_SIZE (256 * 1024) /* unless the request brings one */
#define WAITED_SIZE (128 * 1024)	  /* of a body, that comes along while somebody waits */
#define MUCH_SIZE                                                                                            \
	(1024 * 1024) /* in the buffer, that is read without waiting: the others must not wait for long */
#define HEADERS_SIZE (64 * 1024)
#define RECEIVE_SIZE ((long) HTTP_BUFFER_MIN) /* the most curl gives the write callback at once */
#define UPLOAD_SIZE (128L * 1024)
#define EXPECT_SIZE (1024 * 1024) /* smaller bodies are sent without asking first */
#define CONNECT_TIMEOUT_S 10L
#define TRICKLE_BYTES_PER_S 1024
#define AWAY_MS 3000

int http_stall_timeout_s = 60;

struct EtlHttp
{
	MemoryContext context; /* holds `owner`, which frees this struct; deleted by http_close */
	EtlHandle *owner;
	CURL *easy;
	struct curl_slist *request_headers;
	bool added; /* to the pump */
	bool guarded;
	bool fresh;

	EtlHttpBody body;
	uint64 sent;
	int body_errno; /* of reading it */

	EtlHttpHeaders headers; /* the response's */
	bool headers_done;
	bool waited; /* for: no more of the body is wanted yet than comes along */
	bool headers_overflow;
	bool refused; /* by the guard */
	int patience_s; /* with a transfer that stands still or trickles */
	bool trickles; /* given up, for that */
	int64 period_start_ms; /* of the time in which so many bytes are to have moved … */
	int64 period_bytes; /* … and how many had before */
	int64 checked_ms; /* when that was last looked at */
	int status;

	char *buffer; /* of the response's body: bytes taken..filled */
	size_t buffer_size;
	bool buffer_is_ours;
	char *target; /* where http_read, which waits, wants the next bytes instead; NULL: in the buffer */
	size_t target_room;
	curl_off_t left; /* of the body, to come; -1: not known */
	size_t taken;
	size_t filled;
	bool paused;

	EtlPumpState pump; /* its `progress`: something has come since http_collect looked */
	bool progress;	   /* that, unless the request brings one */
	char message[CURL_ERROR_SIZE];
	EtlHttpFailure failure;
};

/* ---- callbacks: note down, copy, never raise ---- */

static size_t
receive_header(char *line, size_t size, size_t count, void *arg)
{
	EtlHttp *http = arg;
	size_t length = size * count;

	if (http->headers_done)
		return length; /* trailers */
	if (length == 0 || line[0] == '\r' || line[0] == '\n')
	{
		long status = 0;

		/* 100 Continue and its kind announce another response */
		curl_easy_getinfo(http->easy, CURLINFO_RESPONSE_CODE, &status);
		http->headers_done = *http->pump.progress = status >= 200;
		http->status = (int) status;
		curl_easy_getinfo(http->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &http->left);
		return length;
	}
	if (http_headers_add(&http->headers, line, length))
		return length;
	http->headers_overflow = true;
	return 0;
}

/*
 * curl goes on for as long as anything comes. What isn't wanted yet is better left in the kernel: it comes from there through
 * the processor's cache, and doesn't wait in memory. Not at the end, which curl wouldn't notice as long as it is paused.
 */
static bool
has_enough(const EtlHttp *http)
{
	if (http->left == 0)
		return false;
	if (http->target != NULL)
		return http->target_room < RECEIVE_SIZE;
	return http->waited && http->filled - http->taken >= WAITED_SIZE;
}

static size_t
receive_body(char *data, size_t size, size_t count, void *arg)
{
	EtlHttp *http = arg;
	size_t length = size * count;
	size_t direct = Min(http->target_room, length); /* never while bytes wait in the buffer */

	if (http->taken > 0 && length - direct > http->buffer_size - http->filled)
	{
		memmove(http->buffer, http->buffer + http->taken, http->filled - http->taken);
		http->filled -= http->taken;
		http->taken = 0;
	}
	*http->pump.progress = true;
	if (length - direct > http->buffer_size - http->filled)
	{
		http->paused = true;
		return CURL_WRITEFUNC_PAUSE;
	}
	if (direct > 0)
	{
		memcpy(http->target, data, direct);
		http->target += direct;
		http->target_room -= direct;
	}
	memcpy(http->buffer + http->filled, data + direct, length - direct);
	http->filled += length - direct;
	if (http->left > 0)
		http->left -= Min((curl_off_t) length, http->left);
	/* Of what curl has received already it goes on handing over pieces, the last one perhaps. */
	if (http->paused != has_enough(http))
	{
		http->paused = !http->paused;
		curl_easy_pause(http->easy, http->paused ? CURLPAUSE_RECV : CURLPAUSE_CONT);
	}
	return length;
}

static size_t
send_body(char *buf, size_t size, size_t count, void *arg)
{
	EtlHttp *http = arg;
	size_t length = Min((uint64) size * count, http->body.size - http->sent);

	if (http->body.data != NULL)
		memcpy(buf, http->body.data + http->sent, length);
	else if (length > 0)
	{
		ssize_t n;

		do
			n = pread(http->body.fd, buf, length, (off_t) (http->body.offset + http->sent));
		while (n < 0 && errno == EINTR);
		if (n <= 0)
		{
			http->body_errno = n < 0 ? errno : EIO; /* the file is shorter than was said */
			return CURL_READFUNC_ABORT;
		}
		length = n;
	}
	http->sent += length;
	return length;
}

/* curl starts a body over when a kept connection turns out to be dead. */
static int
seek_body(void *arg, curl_off_t offset, int origin)
{
	EtlHttp *http = arg;

	if (origin != SEEK_SET || offset < 0 || (uint64) offset > http->body.size)
		return CURL_SEEKFUNC_FAIL;
	http->sent = offset;
	return CURL_SEEKFUNC_OK;
}

static curl_socket_t
open_socket(void *arg, curlsocktype purpose, struct curl_sockaddr *address)
{
	EtlHttp *http = arg;

	if (http->guarded && !guard_address_is_public(&address->addr))
	{
		http->refused = true;
		return CURL_SOCKET_BAD;
	}
	return socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

#if LIBCURL_VERSION_NUM >= 0x075000
/*
 * Just before the request is sent, by a connection that may have been made for somebody else's: what it leads to is
 * judged again.
 */
static int
check_connection(void *arg, char *their_address, char *our_address, int their_port, int our_port)
{
	EtlHttp *http = arg;
	struct sockaddr_in v4 = {.sin_family = AF_INET};
	struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};

	/* What another address of the name was refused for is no reason for what comes now. */
	http->refused = http->guarded &&
					!(inet_pton(AF_INET, their_address, &v4.sin_addr) == 1 &&
					  guard_address_is_public((struct sockaddr *) &v4)) &&
					!(inet_pton(AF_INET6, their_address, &v6.sin6_addr) == 1 &&
					  guard_address_is_public((struct sockaddr *) &v6));
	return http->refused ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}
#endif

static void
begin_period(EtlHttp *http, int64 bytes)
{
	http->period_start_ms = clock_monotonic_ms();
	http->period_bytes = bytes;
}

/*
 * curl gives up what stands still; this, called about once a second, what trickles: one byte now and then would keep us
 * for ever. While nobody takes what has come, or looks, it is not the other side that is slow.
 */
static int
check_progress(void *arg, curl_off_t down_total, curl_off_t down, curl_off_t up_total, curl_off_t up)
{
	EtlHttp *http = arg;
	int64 bytes = down + up;
	int64 now = clock_monotonic_ms();

	if (now - http->checked_ms > AWAY_MS)
		http->period_start_ms = 0; /* nobody drove the transfer */
	http->checked_ms = now;
	if (http->paused || http->period_start_ms == 0)
		begin_period(http, bytes);
	else if (now - http->period_start_ms >= http->patience_s * INT64CONST(1000))
	{
		http->trickles = bytes - http->period_bytes < (int64) http->patience_s * TRICKLE_BYTES_PER_S;
		begin_period(http, bytes);
	}
	return http->trickles ? 1 : 0;
}

/* ---- a transfer ---- */

static void
transfer_free(void *handle)
{
	EtlHttp *http = handle;

	if (http->added)
		pump_remove(http->easy);
	curl_easy_cleanup(http->easy);
	for (struct curl_slist *line = http->request_headers; line != NULL; line = line->next)
		explicit_bzero(line->data, strlen(line->data)); /* a session token may be among them */
	curl_slist_free_all(http->request_headers);
	free(http->headers.data);
	if (http->buffer_is_ours)
		free(http->buffer);
	free(http);
}

static void
out_of_memory(void)
{
	ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
			errdetail("Failed while preparing a network transfer."));
}

static EtlHttp *
transfer_create(const EtlHttpRequest *request)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl http", ALLOCSET_SMALL_SIZES);
	EtlHandle *owner = etl_handle_reserve(context, transfer_free);
	EtlHttp *http = calloc(1, sizeof(EtlHttp));

	Assert(request->buffer == NULL || request->buffer_size >= HTTP_BUFFER_MIN);
	if (http == NULL)
		out_of_memory();
	owner->handle = http;
	http->context = context;
	http->owner = owner;
	http->headers.data = malloc(HEADERS_SIZE);
	http->headers.room = HEADERS_SIZE;
	http->buffer_is_ours = request->buffer == NULL;
	http->buffer = http->buffer_is_ours ? malloc(BODY_BUFFER_SIZE) : request->buffer;
	http->buffer_size = http->buffer_is_ours ? BODY_BUFFER_SIZE : request->buffer_size;
	http->easy = curl_easy_init();
	if (http->headers.data == NULL || http->buffer == NULL || http->easy == NULL)
		out_of_memory();
	return http;
}

/* A line break in a header would start another header, or a body. */
static void
check_text(const char *what, const char *text)
{
	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
		if (*c < 0x20 || *c == 0x7F)
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("%s of a request holds a control character", what));
}

static void
add_header(EtlHttp *http, const char *line)
{
	struct curl_slist *longer = curl_slist_append(http->request_headers, line);

	if (longer == NULL)
		out_of_memory();
	http->request_headers = longer;
}

static void
set_headers(EtlHttp *http, const EtlHttpRequest *request)
{
	for (int i = 0; i < request->nheaders; i++)
	{
		const EtlHttpField *field = &request->headers[i];
		char *line;

		check_text("a header's name", field->name);
		check_text(psprintf("header \"%s\"", field->name), field->value);
		/* curl's way of saying that a header is there and empty */
		line = *field->value ? psprintf("%s: %s", field->name, field->value) : psprintf("%s;", field->name);
		add_header(http, line);
		explicit_bzero(line, strlen(line));
		pfree(line);
	}
	if (request->body.size > 0 && request->body.size < EXPECT_SIZE)
		add_header(http, "Expect:");
}

#define SET(option, value)                                                                                   \
	do                                                                                                       \
	{                                                                                                        \
		CURLcode set_result = curl_easy_setopt(http->easy, option, value);                                   \
		if (set_result != CURLE_OK)                                                                          \
			ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),                                                  \
					errmsg("could not set %s: %s", #option, curl_easy_strerror(set_result)));                \
	} while (0)

/* What every transfer has in common: nothing of the process's environment, nothing that waits for ever. */
static void
set_policy(EtlHttp *http)
{
	SET(CURLOPT_NOSIGNAL, 1L);
	SET(CURLOPT_NETRC, (long) CURL_NETRC_IGNORED);
	SET(CURLOPT_PROXY, "");
	SET(CURLOPT_NOPROXY, "*");
	SET(CURLOPT_FOLLOWLOCATION, 0L);
#if LIBCURL_VERSION_NUM >= 0x075500
	SET(CURLOPT_PROTOCOLS_STR, http->guarded ? "https" : "http,https");
#else
	SET(CURLOPT_PROTOCOLS,
		http->guarded ? (long) CURLPROTO_HTTPS : (long) (CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
	SET(CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
	SET(CURLOPT_PATH_AS_IS, 1L);
	SET(CURLOPT_HTTP_VERSION, (long) CURL_HTTP_VERSION_1_1);
	SET(CURLOPT_SSL_VERIFYPEER, 1L);
	SET(CURLOPT_SSL_VERIFYHOST, 2L);
	if (pump_authorities() != NULL)
		SET(CURLOPT_CAINFO, pump_authorities());
	SET(CURLOPT_CONNECTTIMEOUT, CONNECT_TIMEOUT_S);
	SET(CURLOPT_LOW_SPEED_LIMIT, 1L);
	SET(CURLOPT_LOW_SPEED_TIME, (long) http->patience_s);
	SET(CURLOPT_BUFFERSIZE, RECEIVE_SIZE);
	SET(CURLOPT_UPLOAD_BUFFERSIZE, UPLOAD_SIZE);
	SET(CURLOPT_USERAGENT, "pg_etl/" ETL_VERSION);
#if LIBCURL_VERSION_NUM >= 0x075700
	/* Closing must not wait for a name that is still being resolved: cancel is to be quick. */
	SET(CURLOPT_QUICK_EXIT, 1L);
#endif
#if LIBCURL_VERSION_NUM >= 0x075000
	SET(CURLOPT_PREREQFUNCTION, check_connection);
	SET(CURLOPT_PREREQDATA, http);
	if (http->fresh)
		SET(CURLOPT_FRESH_CONNECT, 1L);
#else
	/* The guard looks at connections as they are made; one that another server's request made doesn't count. */
	if (http->guarded || http->fresh)
		SET(CURLOPT_FRESH_CONNECT, 1L);
#endif
}

static void
set_request(EtlHttp *http, const EtlHttpRequest *request)
{
	check_text("the URL", request->url);
	SET(CURLOPT_URL, request->url);
	SET(CURLOPT_ERRORBUFFER, http->message);
	SET(CURLOPT_HEADERFUNCTION, receive_header);
	SET(CURLOPT_HEADERDATA, http);
	SET(CURLOPT_WRITEFUNCTION, receive_body);
	SET(CURLOPT_WRITEDATA, http);
	SET(CURLOPT_OPENSOCKETFUNCTION, open_socket);
	SET(CURLOPT_OPENSOCKETDATA, http);
	SET(CURLOPT_NOPROGRESS, 0L);
	SET(CURLOPT_XFERINFOFUNCTION, check_progress);
	SET(CURLOPT_XFERINFODATA, http);
	SET(CURLOPT_HTTPHEADER, http->request_headers);
	SET(CURLOPT_TIMEOUT_MS, (long) request->timeout_ms);
	if (strcmp(request->method, "HEAD") == 0)
		SET(CURLOPT_NOBODY, 1L);
	else if (request->body.size > 0 || strcmp(request->method, "PUT") == 0 ||
			 strcmp(request->method, "POST") == 0)
	{
		SET(CURLOPT_UPLOAD, 1L);
		SET(CURLOPT_READFUNCTION, send_body);
		SET(CURLOPT_READDATA, http);
		SET(CURLOPT_SEEKFUNCTION, seek_body);
		SET(CURLOPT_SEEKDATA, http);
		SET(CURLOPT_INFILESIZE_LARGE, (curl_off_t) request->body.size);
		SET(CURLOPT_CUSTOMREQUEST, request->method);
	}
	else
		SET(CURLOPT_CUSTOMREQUEST, request->method);
}

/* Put a finished transfer's result into words and an SQLSTATE. */
static void
set_failure(EtlHttp *http)
{
	EtlHttpFailure *failure = &http->failure;
	const char *reason = http->message[0] ? http->message : curl_easy_strerror(http->pump.result);

	failure->transient = true;
	failure->sqlstate = ERRCODE_CONNECTION_FAILURE;
	switch (http->pump.result)
	{
		case CURLE_COULDNT_RESOLVE_HOST:
		case CURLE_COULDNT_CONNECT:
		case CURLE_SSL_CONNECT_ERROR:
			failure->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			break;
		case CURLE_PEER_FAILED_VERIFICATION:
		case CURLE_SSL_CACERT_BADFILE:
			failure->sqlstate = ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION;
			failure->transient = false;
			break;
		case CURLE_UNSUPPORTED_PROTOCOL:
		case CURLE_URL_MALFORMAT:
			failure->sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
			failure->transient = false;
			break;
		case CURLE_OUT_OF_MEMORY:
			failure->sqlstate = ERRCODE_OUT_OF_MEMORY;
			failure->transient = false;
			break;
		case CURLE_WRITE_ERROR:
		case CURLE_WEIRD_SERVER_REPLY:
			failure->sqlstate = ERRCODE_PROTOCOL_VIOLATION;
			failure->transient = false;
			break;
		default:
			break;
	}
	if (http->headers_overflow)
		reason = "the response's headers are longer than 64 kB";
	if (http->trickles)
		reason = psprintf("less than a kilobyte a second came or went for %d s", http->patience_s);
	if (http->refused)
	{
		failure->sqlstate = ERRCODE_INSUFFICIENT_PRIVILEGE;
		failure->transient = false;
		reason = "its address is not a public one, and the foreign server's owner is not a superuser";
	}
	if (http->body_errno != 0)
	{
		failure->sqlstate = ERRCODE_IO_ERROR;
		failure->transient = false;
		reason = strerror(http->body_errno);
	}
	strlcpy(failure->reason, reason, sizeof(failure->reason));
	/* It may quote the other side (a certificate's names), which writes what it likes. */
	for (char *c = failure->reason; *c; c++)
		if (*c < 0x20 || IS_HIGHBIT_SET(*c))
			*c = '?';
}

static void
wait_until_done_or(EtlHttp *http, const bool *other)
{
	while (!http->pump.done && !*other)
		pump_wait(&http->pump);
	if (http->pump.done && http->pump.result != CURLE_OK && http->failure.sqlstate == 0)
		set_failure(http);
}

static void
set_host(EtlHttp *http, const char *url)
{
	const char *host = strstr(url, "://");

	host = host != NULL ? host + 3 : url;
	strlcpy(http->failure.host, host, Min(sizeof(http->failure.host), strcspn(host, "/?") + 1));
}

EtlHttp *
http_start(const EtlHttpRequest *request)
{
	EtlHttp *http;

	pump_init();
	http = transfer_create(request);
	http->guarded = request->guarded;
	http->pump.progress = request->progress != NULL ? request->progress : &http->progress;
	http->fresh = request->fresh;
	http->patience_s = request->patience_s > 0 ? request->patience_s : http_stall_timeout_s;
	set_host(http, request->url);
	http->body = request->body;
	set_headers(http, request);
	set_policy(http);
	set_request(http, request);
	if (!pump_add(http->easy, &http->pump))
		out_of_memory();
	http->added = true;
	return http;
}

void
http_await(EtlHttp *http)
{
	http->waited = true;
	wait_until_done_or(http, &http->headers_done);
	http->waited = false;
}

int
http_status(const EtlHttp *http)
{
	return http->headers_done ? http->status : 0;
}

const EtlHttpFailure *
http_failure(const EtlHttp *http)
{
	return &http->failure;
}

const char *
http_header(const EtlHttp *http, const char *name)
{
	return http_headers_find(&http->headers, name);
}

/* curl holds back what had no place in the buffer: let it fill that. */
static void
unpause(EtlHttp *http)
{
	http->paused = false;
	http->period_start_ms = 0;
	curl_easy_pause(http->easy, CURLPAUSE_CONT);
}

bool
http_collect(EtlHttp *http, size_t limit, StringInfo out, bool *complete, EtlWait *wait)
{
	*http->pump.progress = false;
	*complete = false;
	while (http->taken < http->filled || http->paused)
	{
		size_t length = http->filled - http->taken;

		if (length > limit - out->len)
			return true;
		appendBinaryStringInfo(out, http->buffer + http->taken, (int) length);
		http->taken = http->filled = 0;
		if (http->paused)
			unpause(http);
	}
	if (!http->pump.done)
	{
		wait->flag = http->pump.progress;
		return false;
	}
	wait_until_done_or(http, &http->pump.done);
	*complete = http->pump.result == CURLE_OK;
	return true;
}

void
http_wait(const EtlWait *wait)
{
	if (wait->flag == NULL)
		http_sleep((int) Max(wait->until_ms - clock_monotonic_ms(), 0));
	while (wait->flag != NULL && !*wait->flag)
		pump_wait(NULL);
}

/*
 * Wait for the next bytes, straight into buf if that is large. What is more goes into the buffer. The number of those in buf;
 * 0: the transfer is through, or they are all in the buffer.
 */
static size_t
read_directly(EtlHttp *http, char *buf, const size_t size)
{
	size_t direct = 0;

	http->taken = http->filled = 0;
	http->target = size >= WAITED_SIZE ? buf : NULL;
	http->target_room = size >= WAITED_SIZE ? size : 0;
	http->waited = http->pump.reading = true;
	PG_TRY();
	{
		if (http->paused)
			unpause(http);
		while ((http->target == NULL || http->target == buf) && http->filled == 0 && !http->pump.done)
			pump_wait(&http->pump);
	}
	PG_FINALLY();
	{
		direct = http->target != NULL ? http->target - buf : 0;
		http->target = NULL;
		http->target_room = 0;
		http->waited = http->pump.reading = false;
	}
	PG_END_TRY();
	return direct;
}

/* Returns whether one of them has come; if not, when the first of those comes that wait for a time (-1: never). */
static bool
any_is_there(const EtlWait *waits, int count, int64 *until_ms)
{
	int64 now = clock_monotonic_ms();

	*until_ms = -1;
	for (int i = 0; i < count; i++)
	{
		if (waits[i].flag != NULL ? *waits[i].flag : waits[i].until_ms <= now)
			return true;
		if (waits[i].flag == NULL && (*until_ms < 0 || waits[i].until_ms < *until_ms))
			*until_ms = waits[i].until_ms;
	}
	return false;
}

void
http_wait_any(const EtlWait *waits, int count)
{
	bool transfers = false;
	int64 until_ms;

	for (int i = 0; i < count; i++)
		transfers |= waits[i].flag != NULL;
	while (!any_is_there(waits, count, &until_ms))
	{
		if (transfers)
			pump_wait(NULL);
		else
			http_sleep((int) Max(until_ms - clock_monotonic_ms(), 0));
	}
}

ssize_t
http_read(EtlHttp *http, char *buf, size_t size)
{
	size_t length;

	CHECK_FOR_INTERRUPTS();
	if (size == 0)
		return 0;
	if (http->filled - http->taken > MUCH_SIZE)
		pump_poll();
	if (http->taken == http->filled && (!http->pump.done || http->paused))
	{
		length = read_directly(http, buf, size);
		/* curl, which was paused, may have put off to notice that this was all: then its connection would be of no more use. */
		if (http->left == 0 && !http->pump.done)
			pump_catch_up();
		if (length > 0)
			return length;
	}
	length = Min(size, http->filled - http->taken);
	memcpy(buf, http->buffer + http->taken, length);
	http->taken += length;
	if (length > 0)
		return length;
	wait_until_done_or(http, &http->pump.done);
	return http->pump.result == CURLE_OK ? 0 : -1;
}

bool
http_read_all(EtlHttp *http, size_t limit, StringInfo out)
{
	char buf[8192];
	ssize_t n;

	while ((n = http_read(http, buf, sizeof(buf))) > 0)
	{
		if (n > limit - out->len)
		{
			appendBinaryStringInfo(out, buf, (int) (limit - out->len));
			return false;
		}
		appendBinaryStringInfo(out, buf, (int) n);
	}
	return n == 0;
}

void
http_close(EtlHttp *http)
{
	MemoryContextDelete(http->context);
}

/*
 * http.h
 *		One HTTP request at a time over libcurl, in a process that stays cancellable.
 *
 *		EtlHttp *http = http_start(&request);
 *		http_await(http);                               -- returns when the response's headers are there
 *		while ((n = http_read(http, buf, sizeof(buf))) > 0) …
 *		http_close(http);
 *
 * The body is pulled: what nobody reads stays in a bounded buffer and then at the other end. Several requests may
 * be open at once (a download that is being parsed while another object is listed). Every wait is on the process
 * latch and curl's sockets together and serves interrupts. Connections are kept for the life of the process.
 *
 * A failure to get an answer is not raised here: the caller knows what it was doing, so it decides whether to try
 * again and words the error. An HTTP status of 400 or more is an answer.
 */
#ifndef ETL_NET_HTTP_H
#define ETL_NET_HTTP_H

#include "base/error.h"
#include "base/wait.h"

/* A header, or a query parameter. */
typedef struct EtlHttpField
{
	const char *name;
	const char *value;
} EtlHttpField;

/* What is sent: `size` bytes at `data`, or, with data NULL, of the file at `fd` from `offset` on. Size 0: no body. */
typedef struct EtlHttpBody
{
	const char *data;
	int fd;
	uint64 offset;
	uint64 size;
} EtlHttpBody;

#define HTTP_BUFFER_MIN (128 * 1024) /* what curl may hand over at once */

typedef struct EtlHttpRequest
{
	const char *method;
	const char *url;
	const EtlHttpField *headers;
	int nheaders;
	EtlHttpBody body;
	/*
	 * Where the response's body waits to be read, as long as there is room: at least HTTP_BUFFER_MIN bytes, the
	 * caller's, which must stay until http_close. NULL: a buffer of its own.
	 */
	char *buffer;
	size_t buffer_size;
	bool guarded; /* https to public addresses only: see guard.h */
	bool fresh;	  /* not on a kept connection: when that turns out to be dead, libcurl repeats the request by itself */
	int timeout_ms; /* for all of it; 0: as long as something moves */
	/*
	 * What http_collect has its callers wait for, if several wait for this request together: it is looked at also after the
	 * request's end. NULL: the request's own.
	 */
	bool *progress;
	int patience_s; /* in place of http_stall_timeout_s, for an answer that takes longer; 0: that */
} EtlHttpRequest;

/* Why there is no answer, or no more of one. */
typedef struct EtlHttpFailure
{
	int sqlstate;	  /* 08001 no connection, 08006 a broken one, 42501 refused by the guard; 0: no failure */
	bool transient;	  /* another attempt may fare better */
	char reason[512]; /* what libcurl said */
	char host[264]; /* host[:port] that was asked, as in the URL */
} EtlHttpFailure;

typedef struct EtlHttp EtlHttp;

/* Setting etl.stall_timeout: a transfer that moves less than a kilobyte a second for so long is given up. */
extern int http_stall_timeout_s;

/*
 * Start a request. Freed by http_close, or with the context that is current now. The request's body must stay as it is
 * until the response is there.
 */
extern EtlHttp *http_start(const EtlHttpRequest *request);
/* Wait for the status and headers of the response. */
extern void http_await(EtlHttp *http);
/* The status; 0: there was no answer, and http_failure says why. */
extern int http_status(const EtlHttp *http);
/* A response header's value, or NULL. Valid until http_close. */
extern const char *http_header(const EtlHttp *http, const char *name);
/*
 * Up to `size` bytes of the body; 0 at its end, -1 when it broke off: http_failure says why. What comes while we wait goes
 * straight into buf.
 */
extern ssize_t http_read(EtlHttp *http, char *buf, size_t size);
/* The rest of the body, NUL-terminated, cut at `limit` bytes; false when it broke off or was longer. */
extern bool http_read_all(EtlHttp *http, size_t limit, StringInfo out);
extern const EtlHttpFailure *http_failure(const EtlHttp *http);
extern void http_close(EtlHttp *http);

/*
 * The form that doesn't wait (base/wait.h). Collect the answer: false as long as it is not through. Then http_status and
 * http_failure say what it is, and `complete` whether the whole body is in `out`, which gets `limit` bytes at most.
 */
extern bool http_collect(EtlHttp *http, size_t limit, StringInfo out, bool *complete, EtlWait *wait);
/* Wait right here for what http_collect, or something built on it, waits for. */
extern void http_wait(const EtlWait *wait);
/* The same for several of them: until there is something to do for one. */
extern void http_wait_any(const EtlWait *waits, int count);

/*
 * In a process that waits for many requests, and more, together: a descriptor that is readable when http_drive has something
 * to do for any of them, and when it has in any case (-1: not by the clock). From the first call on, before any request.
 */
extern int http_descriptor(void);
extern int64 http_due_ms(void);
extern void http_drive(void);

/* Wait on the latch, serving interrupts: between attempts. */
extern void http_sleep(int milliseconds);

/*
 * From now on, and for all requests together, wait no longer than this: then 08006 is raised. 0: as long as it takes.
 * For what is tidied up after a cancel, which must not wait for the other side that hangs.
 */
extern void http_limit(int milliseconds);

#endif

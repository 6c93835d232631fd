/*
 * request.h
 *		A signed request to AWS, tried as often as it is worth: what s3.c and call.c are built on.
 */
#ifndef ETL_AWS_REQUEST_H
#define ETL_AWS_REQUEST_H

#include "postgres.h"

#include "aws/credentials.h"
#include "aws/endpoint.h"
#include "aws/error.h"
#include "aws/server.h"
#include "net/http.h"

typedef struct EtlAwsRequest
{
	const EtlAwsServer *server;
	const EtlAwsCredentials *credentials; /* NULL: the current user's for the server */
	EtlAwsAction action;
	const char *service; /* the name it signs with; "s3" has rules of its own */
	EtlEndpoint endpoint;
	const char *bucket; /* S3: what it is about, so that a redirect can be followed; NULL: none is */
	const char *method;
	const char *path; /* encoded; starts with a slash; follows the endpoint's path */
	const EtlHttpField *query;
	int nquery;
	const EtlHttpField *headers; /* besides Host and what signing adds */
	int nheaders;
	EtlHttpBody body;
	bool *progress; /* see EtlHttpRequest */
	int timeout_ms; /* of an attempt; 0: as long as something moves */
	const char *body_hash; /* hex SHA-256 of a body in a file; NULL: the body is in memory or empty */
	bool fresh;			   /* every attempt is one of ours: see net/http.h */
	bool may_fail_late;	   /* aws_fetch_start: an <Error> in the body of a 2xx is a failure, as of a copy */
	char *buffer;		   /* for the answer's body: see EtlHttpRequest */
	size_t buffer_size;
} EtlAwsRequest;

/* The answer when its status is 2xx, its body still to be read; else NULL, with failure filled. */
extern EtlHttp *aws_request_send(const EtlAwsRequest *request, EtlAwsFailure *failure);
/*
 * The same in two steps: the first sends and returns at once, so that several are under way; the second waits for the answer
 * and tries again. The request is copied; what it points to must stay as it is. All lives in the current context.
 */
typedef struct EtlAwsSending EtlAwsSending;
extern EtlAwsSending *aws_request_start(const EtlAwsRequest *request);
extern EtlHttp *aws_request_await(EtlAwsSending *sending, EtlAwsFailure *failure);
/* As aws_request_send, and no other answer will do. */
extern EtlHttp *aws_request_send_or_raise(const EtlAwsRequest *request);
/*
 * The form that doesn't wait (base/wait.h): start, then poll until it is through. The answer's body is in `out` then; raises as
 * aws_request_fetch does. The request is copied; what it points to must stay as it is, and all lives in the current context.
 */
typedef struct EtlAwsFetch EtlAwsFetch;
extern EtlAwsFetch *aws_fetch_start(const EtlAwsRequest *request, size_t limit, StringInfo out);
extern bool aws_fetch_poll(EtlAwsFetch *fetch, EtlWait *wait);
/* Of one that is through: the status, and a header's value or NULL, valid as long as its context. */
extern int aws_fetch_status(const EtlAwsFetch *fetch);
extern const char *aws_fetch_header(const EtlAwsFetch *fetch, const char *name);
/* The same, but a failure isn't raised: aws_fetch_failure has it then, and is NULL otherwise. */
extern bool aws_fetch_try(EtlAwsFetch *fetch, EtlWait *wait);
extern const EtlAwsFailure *aws_fetch_failure(const EtlAwsFetch *fetch);
/* Close it, whether it is through or not: no poll and no header any more. */
extern void aws_fetch_abandon(EtlAwsFetch *fetch);
/* How many attempts have failed. */
extern int aws_fetch_failures(const EtlAwsFetch *fetch);
/* Wait right here until it is through. */
extern void aws_fetch_wait(EtlAwsFetch *fetch);
/* As above, its whole body read as well: one longer than limit is an error. */
extern void aws_request_fetch(const EtlAwsRequest *request, size_t limit, StringInfo out);
extern void aws_request_raise(const EtlAwsRequest *request, const EtlAwsFailure *failure)
	pg_attribute_noreturn();

/* A URL that is good for so many seconds and has the signature in it. The request's headers and body are no part of it. */
extern char *aws_request_presign(const EtlAwsRequest *request, int seconds);

/*
 * For a reader whose body broke off, and who asks for the rest: all zero, told of each break and of each byte. Breaks with
 * next to nothing between them are failed attempts of one request; a server that sends a byte a time has no more than those.
 */
typedef struct EtlAwsResume
{
	int attempts; /* that failed since enough came */
	int taken;	  /* of the retry quota, for the last one */
	uint64 moved; /* bytes since the last break */
} EtlAwsResume;

/* Is it worth asking for the rest? Then waits until it is time to, and returns true. */
extern bool aws_resume_wait(EtlAwsResume *resume, EtlAwsFailure *failure);
extern void aws_resume_moved(EtlAwsResume *resume, const EtlHttp *http, size_t bytes);

/* Raises 22023 when the text of `what` holds a control character. */
extern void aws_text_check(const char *what, const char *text);

/* Between the database's encoding and AWS's, UTF-8. What needs no conversion is returned as it is. */
extern char *aws_text_to_utf8(const char *text);
extern char *aws_text_from_utf8(const char *text);

#endif

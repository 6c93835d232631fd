/*
 * error.h
 *		What AWS answered when it refused, and the one place that makes a PostgreSQL error of it. Pure.
 */
#ifndef ETL_AWS_ERROR_H
#define ETL_AWS_ERROR_H

#include "base/error.h"
#include "net/http.h"

typedef struct EtlAwsFailure
{
	EtlHttpFailure transport; /* sqlstate not 0: there was no answer, and the rest is empty */
	int attempts; /* that failed */
	int status; /* HTTP's */
	char code[128]; /* AWS's error code; "" when it gave none (HEAD) */
	char message[1024];
	char request_id[128];
	char region[64]; /* where the bucket really is, when S3 said so */
	char endpoint[264]; /* the host it is to be asked for at, when S3 said so */
	char location[512]; /* the URL that the answer redirects to */
} EtlAwsFailure;

/* What was being done, for the error's words. */
typedef struct EtlAwsAction
{
	const char *doing; /* "read": could not read "…" */
	const char *object; /* the URI, ARN or name */
	const char *permission; /* the IAM action it takes: "s3:GetObject" */
	const char *server; /* the foreign server's name */
	const char *keys_from; /* where the keys come from; NULL: a user mapping of the server */
} EtlAwsAction;

/*
 * Take code, message and request id from an error response's body (S3's or a query protocol's XML, or JSON) and from
 * header x-amzn-errortype (NULL: none). A body that is neither leaves them empty.
 */
extern void aws_error_parse(const char *body, size_t size, const char *errortype, EtlAwsFailure *failure);
/* What headers say besides, each of them NULL for none: printable ASCII, cut to size. What is known already stays. */
extern void aws_error_headers(EtlAwsFailure *failure, const char *request_id, const char *region,
							  const char *location);
/* Does it say that the keys are not, or no more, good? Others may be. */
extern bool aws_error_refuses_keys(const EtlAwsFailure *failure);
/*
 * S3 begins to answer what takes long (a copy, the end of an upload) before it is through, with 200 and blanks that keep the
 * connection alive. Is what came then, after all, an error?
 */
extern bool aws_error_is_late(const char *body, size_t size);
/*
 * Does it say that we sign with a wrong time, and does header Date (NULL: none) tell of one that is another by enough that it
 * is worth signing anew? Then *offset, which is the seconds that are added to `now` (Unix time) so far, is what it takes.
 */
extern bool aws_error_tells_time(const EtlAwsFailure *failure, const char *date, int64 now, int64 *offset);
/* An error that is a part of an answer: its code and message, either NULL. */
extern void aws_error_set(EtlAwsFailure *failure, const char *code, const char *message);
/* The failure as a PostgreSQL error. */
extern void aws_error_describe(const EtlAwsFailure *failure, const EtlAwsAction *action, EtlError *error);

#endif

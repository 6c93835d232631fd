/*
 * s3_write.c
 *		Putting and deleting objects, one at a time. See s3.h; s3_multipart.c has large ones, s3_delete.c many.
 *
 * With must_not_exist a put whose answer was lost finds its own object when it is tried again. So it is marked:
 * an object that is in the way and has our mark is not in the way. A caller who wants to know the object again marks it
 * himself.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "aws/s3_body.h"
#include "aws/s3_request.h"

#define MAX_ANSWER_SIZE (64 * 1024)
#define MARK_SIZE 16

struct EtlS3Put
{
	EtlAwsRequest request;
	EtlHttpField headers[4 + S3_ENCRYPTION_HEADERS];
	S3Sums sums;
	const EtlAwsServer *server;
	const EtlAwsCredentials *credentials;
	const char *bucket;
	const char *key;
	const char *mark; /* by which what it has made is known again; NULL: nobody has to know */
	StringInfoData answer;
	EtlAwsFetch *fetch;
	char *etag; /* once it is through */
};

char *
s3_mark_make(void)
{
	unsigned char bytes[MARK_SIZE];
	char *mark = palloc(2 * MARK_SIZE + 1);

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes"));
	for (int i = 0; i < MARK_SIZE; i++)
		snprintf(mark + 2 * i, 3, "%02x", bytes[i]);
	return mark;
}

EtlS3Put *
s3_object_put_start(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
					const char *key, const EtlHttpBody *body, bool must_not_exist, const char *mark)
{
	EtlS3Put *put = palloc0(sizeof(EtlS3Put));
	EtlAwsRequest *request = &put->request;
	EtlHttpField *headers = put->headers;

	*request = s3_request_make(server, credentials, "PUT", bucket, key, "write", "s3:PutObject");
	put->server = server;
	put->credentials = credentials;
	put->bucket = bucket;
	put->key = key;
	if (body->size > S3_PUT_MAX_SIZE)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("could not write \"%s\": it is too large", request->action.object),
				errdetail("It has " UINT64_FORMAT " bytes; one request may have " UINT64_FORMAT ".",
						  body->size, S3_PUT_MAX_SIZE));
	request->body = *body;
	s3_body_sum(body, NULL, request->action.object, &put->sums);
	request->body_hash = put->sums.sha256;
	request->headers = headers;
	headers[request->nheaders++] = (EtlHttpField){"Content-Type", s3_content_type(key)};
	headers[request->nheaders++] = (EtlHttpField){S3_CHECKSUM_HEADER, put->sums.crc};
	request->nheaders += s3_encryption_headers(server, headers + request->nheaders);
	if (must_not_exist)
		headers[request->nheaders++] = (EtlHttpField){"If-None-Match", "*"};
	put->mark = mark == NULL && must_not_exist ? s3_mark_make() : mark;
	if (put->mark != NULL)
		headers[request->nheaders++] = (EtlHttpField){S3_MARK_HEADER, put->mark};
	initStringInfo(&put->answer);
	put->fetch = aws_fetch_start(request, MAX_ANSWER_SIZE, &put->answer);
	return put;
}

bool
s3_object_put_poll(EtlS3Put *put, EtlWait *wait)
{
	const EtlAwsFailure *failure;

	if (put->etag != NULL)
		return true;
	if (!aws_fetch_try(put->fetch, wait))
		return false;
	failure = aws_fetch_failure(put->fetch);
	if (failure == NULL)
		put->etag = s3_etag_copy(aws_fetch_header(put->fetch, "ETag"));
	else if (put->mark != NULL && (failure->status == 412 || failure->transport.sqlstate != 0))
		put->etag = s3_marked_find(put->server, put->credentials, put->bucket, put->key, put->mark);
	if (put->etag == NULL)
		aws_request_raise(&put->request, failure);
	aws_fetch_abandon(put->fetch);
	return true;
}

const char *
s3_object_put_etag(const EtlS3Put *put)
{
	return put->etag;
}

void
s3_object_put_abandon(EtlS3Put *put)
{
	aws_fetch_abandon(put->fetch);
}

char *
s3_marked_find(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
			   const char *key, const char *mark)
{
	EtlAwsRequest head = s3_request_make(server, credentials, "HEAD", bucket, key, "look at", "s3:GetObject");
	EtlAwsFailure failure;
	EtlHttp *http = aws_request_send(&head, &failure);
	const char *found = http != NULL ? http_header(http, S3_MARK_HEADER) : NULL;
	char *etag = NULL;

	if (found != NULL && strcmp(found, mark) == 0)
		etag = s3_etag_copy(http_header(http, "ETag"));
	if (http != NULL)
		http_close(http);
	return etag;
}

char *
s3_object_put(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
			  const char *key, const EtlHttpBody *body, bool must_not_exist, const char *mark)
{
	EtlS3Put *put = s3_object_put_start(server, credentials, bucket, key, body, must_not_exist, mark);
	EtlWait wait;

	while (!s3_object_put_poll(put, &wait))
		http_wait(&wait);
	return put->etag;
}

void
s3_object_delete(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
				 const char *key)
{
	EtlAwsRequest request =
		s3_request_make(server, credentials, "DELETE", bucket, key, "delete", "s3:DeleteObject");

	http_close(aws_request_send_or_raise(&request));
}

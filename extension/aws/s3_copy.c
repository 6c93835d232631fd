/*
 * s3_copy.c
 *		Copying an object within S3, which moves the bytes itself. See s3.h.
 *
 * One request copies up to 5 GB; more is copied as the parts of an upload. Either way it is the version whose
 * ETag was seen first, or none.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "aws/s3_body.h"
#include "aws/s3_multipart.h"
#include "aws/s3_request.h"
#include "aws/s3_write_answer.h"
#include "aws/sigv4.h"

#define MAX_ANSWER_SIZE (64 * 1024)

char *
s3_copy_source(const char *bucket, const char *key)
{
	StringInfoData source;

	initStringInfo(&source);
	appendStringInfo(&source, "/%s/", bucket);
	sigv4_encode(&source, aws_text_to_utf8(key), true);
	return source.data;
}

/* S3 says the same of a target that must not be there, and of an object to be written that isn't. */
void
s3_copy_raise(const EtlAwsRequest *request, const EtlAwsFailure *failure, const char *source,
			  const char *etag)
{
	if (failure->status == 412 || strcmp(failure->code, "NoSuchKey") == 0)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("\"%s\" changed while it was being copied", source),
				errdetail("It is no longer the object with ETag %s; HTTP status %d, request id %s.", etag,
						  failure->status, failure->request_id),
				errhint("Run the statement again."));
	aws_request_raise(request, failure);
}

char *
s3_object_copy(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *source_bucket,
			   const char *source_key, const char *etag, const char *bucket, const char *key)
{
	EtlAwsRequest request = s3_request_make(server, credentials, "PUT", bucket, key, "write",
											"s3:PutObject, and s3:GetObject on what is copied,");
	EtlHttpField headers[2 + S3_ENCRYPTION_HEADERS] = {
		{"x-amz-copy-source", s3_copy_source(source_bucket, source_key)},
		{"x-amz-copy-source-if-match", psprintf("\"%s\"", etag)}};
	StringInfoData answer;
	EtlAwsFetch *fetch;
	EtlWait wait;
	EtlError error;
	char *copied;

	request.headers = headers;
	request.nheaders = 2 + s3_encryption_headers(server, headers + 2);
	request.may_fail_late = true;
	initStringInfo(&answer);
	fetch = aws_fetch_start(&request, MAX_ANSWER_SIZE, &answer);
	while (!aws_fetch_try(fetch, &wait))
		http_wait(&wait);
	if (aws_fetch_failure(fetch) != NULL)
		s3_copy_raise(&request, aws_fetch_failure(fetch),
					  psprintf("s3://%s/%s", source_bucket, source_key), etag);
	if (!s3_made_etag_parse(answer.data, answer.len, S3_MADE_COPY, &copied, &error))
		s3_answer_raise(request.action.object, &error);
	return copied;
}

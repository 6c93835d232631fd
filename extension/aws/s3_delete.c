/*
 * s3_delete.c
 *		Deleting many objects of a bucket, a thousand in a request. See s3.h.
 */
#include "postgres.h"

#include <openssl/evp.h>

#include "aws/s3.h"
#include "aws/s3_body.h"
#include "aws/s3_request.h"
#include "aws/s3_write_answer.h"
#include "common/base64.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define KEYS_PER_REQUEST 1000
#define MAX_ANSWER_SIZE (4 * 1024 * 1024)
#define MD5_SIZE 16
#define MD5_TEXT_SIZE 25 /* in base64, and its NUL */

/* What could not be deleted: how many, and why the first could not. */
typedef struct Refused
{
	int count;
	char *uri;
	EtlAwsFailure failure;
} Refused;

static char *
deletion(char *const *keys, int nkeys)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoString(&body,
						   "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>");
	for (int i = 0; i < nkeys; i++)
	{
		s3_key_check(keys[i]);
		appendStringInfoString(&body, "<Object><Key>");
		s3_xml_append(&body, aws_text_to_utf8(keys[i]));
		appendStringInfoString(&body, "</Key></Object>");
	}
	appendStringInfoString(&body, "</Delete>");
	return body.data;
}

/* What knows no CRC32C wants this. False: OpenSSL computes none here, as in FIPS mode. */
static bool
md5_text(const char *data, size_t size, char out[MD5_TEXT_SIZE])
{
	uint8 digest[MD5_SIZE];
	int length;

	/* Not PostgreSQL's own, which needs a resource owner: there may be no transaction. */
	if (EVP_Digest(data, size, digest, NULL, EVP_md5(), NULL) != 1)
		return false;
	length = pg_b64_encode((const void *) digest, MD5_SIZE, out, MD5_TEXT_SIZE - 1);
	out[Max(length, 0)] = '\0';
	return length > 0;
}

static void
note_refused(const StringInfo answer, const char *bucket, int status, Refused *refused)
{
	EtlS3Deletion deletion;
	EtlError error;

	if (!s3_deletion_parse(answer->data, answer->len, &deletion, &error))
		s3_answer_raise(psprintf("s3://%s/", bucket), &error);
	if (deletion.refused > 0 && refused->count == 0)
	{
		refused->uri = psprintf("s3://%s/%s", bucket, aws_text_from_utf8(deletion.key));
		refused->failure.status = status;
		aws_error_set(&refused->failure, deletion.code, deletion.message);
	}
	refused->count += deletion.refused;
}

static void
delete_some(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
			char *const *keys, int nkeys, Refused *refused, int *gone)
{
	static const EtlHttpField query = {"delete", ""};
	EtlAwsRequest request =
		s3_request_make(server, credentials, "POST", bucket, NULL, "delete objects of", "s3:DeleteObject");
	EtlHttpField headers[4];
	char md5[MD5_TEXT_SIZE];
	int refused_before = refused->count;
	const EtlAwsFailure *failure;
	StringInfoData answer;
	EtlAwsFetch *fetch;
	S3Sums sums;
	EtlWait wait;

	request.query = &query;
	request.nquery = 1;
	request.body.data = deletion(keys, nkeys);
	request.body.size = strlen(request.body.data);
	s3_body_sum(&request.body, NULL, request.action.object, &sums);
	request.headers = headers;
	headers[request.nheaders++] = (EtlHttpField){"Content-Type", "application/xml"};
	headers[request.nheaders++] = (EtlHttpField){"x-amz-sdk-checksum-algorithm", "CRC32C"};
	headers[request.nheaders++] = (EtlHttpField){S3_CHECKSUM_HEADER, sums.crc};
	if (md5_text(request.body.data, request.body.size, md5))
		headers[request.nheaders++] = (EtlHttpField){"Content-MD5", md5};
	request.may_fail_late = true;
	initStringInfo(&answer);
	*gone += nkeys;
	fetch = aws_fetch_start(&request, MAX_ANSWER_SIZE, &answer);
	while (!aws_fetch_try(fetch, &wait))
		http_wait(&wait);
	failure = aws_fetch_failure(fetch);
	if (failure != NULL)
	{
		/* Any other failure may have come after it was done. */
		if (failure->status >= 400 && failure->status < 500)
			*gone -= nkeys;
		aws_request_raise(&request, failure);
	}
	aws_fetch_abandon(fetch);
	note_refused(&answer, bucket, 200, refused);
	*gone -= refused->count - refused_before;
}

void
s3_objects_delete(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
				  char *const *keys, int nkeys, int *gone)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "pg_etl s3 delete", ALLOCSET_DEFAULT_SIZES);
	Refused refused = {0};

	for (int done = 0; done < nkeys; done += KEYS_PER_REQUEST)
	{
		MemoryContext caller = MemoryContextSwitchTo(context);
		char *uri = refused.uri;

		CHECK_FOR_INTERRUPTS();
		delete_some(server, credentials, bucket, keys + done, Min(nkeys - done, KEYS_PER_REQUEST), &refused,
					gone);
		MemoryContextSwitchTo(caller);
		if (refused.uri != uri)
			refused.uri = pstrdup(refused.uri);
		MemoryContextReset(context);
	}
	MemoryContextDelete(context);
	if (refused.count > 0)
	{
		EtlAwsAction action = {.doing = "delete",
							   .object = refused.uri,
							   .permission = "s3:DeleteObject",
							   .server = server->name};
		EtlError error;

		aws_error_describe(&refused.failure, &action, &error);
		etl_error_detail(&error, "%s %d of %d objects could not be deleted; the others are.",
						 pstrdup(error.detail), refused.count, nkeys);
		etl_error_raise(&error);
	}
}

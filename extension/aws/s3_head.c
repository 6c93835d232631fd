/*
 * s3_head.c
 *		Looking at an object. See s3.h.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "aws/s3_body.h"
#include "aws/s3_request.h"
#include "net/date.h"
#include "utils/timestamp.h"

static TimestampTz
modified_time(const char *last_modified)
{
	int64 time;

	return date_parse_http(last_modified, &time) ? time_t_to_timestamptz((pg_time_t) time) : 0;
}

/*
 * A HEAD that is refused comes without a body, so without AWS's reason. A GET of the first byte is refused with one.
 * True when it is not refused, which happens when it has set our clock right: HEAD again.
 */
static bool
explain_refusal(const EtlAwsRequest *head, EtlAwsFailure *failure)
{
	static const EtlHttpField first_byte = {"Range", "bytes=0-0"};
	EtlAwsRequest get = *head;
	EtlHttp *http;

	if (failure->transport.sqlstate != 0 || failure->code[0] != '\0' || failure->status >= 500)
		return false;
	get.method = "GET";
	get.headers = &first_byte;
	get.nheaders = 1;
	http = aws_request_send(&get, failure);
	if (http != NULL)
		http_close(http);
	return http != NULL || failure->status == 416; /* an empty object has no first byte */
}

/* HEAD says 404 for a missing object and for a missing bucket; the latter is a mistake to be told of. */
static void
check_bucket(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket)
{
	EtlAwsRequest request =
		s3_request_make(server, credentials, "HEAD", bucket, NULL, "find bucket", "s3:ListBucket");
	EtlAwsFailure failure;
	EtlHttp *http = aws_request_send(&request, &failure);

	/* 403: it is there, and that is all we wanted to know */
	if (http != NULL)
		http_close(http);
	else if (failure.status != 403 && !explain_refusal(&request, &failure))
		aws_request_raise(&request, &failure);
}

bool
s3_object_head(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
			   const char *key, const char *version, EtlS3Object *object)
{
	EtlAwsRequest request =
		s3_request_make(server, credentials, "HEAD", bucket, key, "look at", "s3:GetObject");
	EtlAwsFailure failure;
	EtlHttp *http;

	s3_request_version(&request, version);
	http = aws_request_send(&request, &failure);
	if (http == NULL && failure.status == 404)
	{
		check_bucket(server, credentials, bucket);
		return false;
	}
	if (http == NULL && explain_refusal(&request, &failure))
		http = aws_request_send(&request, &failure);
	if (http == NULL)
		aws_request_raise(&request, &failure);
	memset(object, 0, sizeof(*object));
	object->key = pstrdup(key);
	object->etag = s3_etag_copy(http_header(http, "ETag"));
	if (http_header(http, S3_MARK_HEADER) != NULL)
		object->mark = pstrdup(http_header(http, S3_MARK_HEADER));
	object->last_modified = modified_time(http_header(http, "Last-Modified"));
	if (!s3_size_parse(http_header(http, "Content-Length"), &object->size))
		s3_protocol_error(request.action.object, "The answer has no Content-Length.");
	http_close(http);
	return true;
}

/*
 * s3_read.c
 *		Reading an object, and looking at one. See s3.h.
 *
 * A download that breaks off goes on where it stopped, with If-Match so that it can't go on in another version of
 * the object.
 */
#include "postgres.h"

#include <curl/curl.h>

#include "aws/s3.h"
#include "aws/s3_request.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct S3Reader
{
	EtlReader base;
	MemoryContext context; /* everything below; deleted by close */
	EtlAwsServer server;
	const EtlAwsCredentials *credentials;
	char *bucket;
	char *key;
	char *etag;		 /* what every part must be of; NULL: not known yet */
	uint64 position; /* next byte of the object */
	uint64
		end; /* of the bytes asked for (0: to the object's end), and once an answer is there, of those to come */
	bool answered;
	EtlHttp *http;
	EtlAwsResume resume;
} S3Reader;

/* ---- read ---- */

/*
 * A part that is not the one asked for would be silently wrong data, and so would one whose length isn't said: where
 * it breaks off it looks complete.
 */
static void
check_part(S3Reader *reader, bool ranged)
{
	const char *range = http_header(reader->http, "Content-Range");
	char expected[64];
	uint64 size;
	uint64 end;

	snprintf(expected, sizeof(expected), "bytes " UINT64_FORMAT "-", reader->position);
	if (ranged && (http_status(reader->http) != 206 || range == NULL ||
				   strncmp(range, expected, strlen(expected)) != 0))
		s3_protocol_error(reader->base.name, "A part of the object was asked for, and another one came.");
	if (!s3_size_parse(http_header(reader->http, "Content-Length"), &size))
		s3_protocol_error(reader->base.name, "The answer has no Content-Length.");
	end = reader->position + size;
	if (end < size || (reader->end > 0 && end > reader->end))
		s3_protocol_error(reader->base.name, "More bytes came than were asked for.");
	if (reader->answered && end != reader->end)
		s3_protocol_error(reader->base.name, "The rest of the object was asked for, and less came.");
	reader->end = end;
	reader->answered = true;
}

static void
reader_open(S3Reader *reader)
{
	EtlHttpField headers[2];
	EtlAwsFailure failure;
	EtlAwsRequest request = s3_request_make(&reader->server, reader->credentials, "GET", reader->bucket,
											reader->key, "read", "s3:GetObject");
	bool ranged = reader->position > 0 || reader->end > 0;

	request.headers = headers;
	if (reader->end > 0)
		headers[request.nheaders++] = (EtlHttpField){
			"Range", psprintf("bytes=" UINT64_FORMAT "-" UINT64_FORMAT, reader->position, reader->end - 1)};
	else if (reader->position > 0)
		headers[request.nheaders++] =
			(EtlHttpField){"Range", psprintf("bytes=" UINT64_FORMAT "-", reader->position)};
	if (reader->etag != NULL)
		headers[request.nheaders++] = (EtlHttpField){"If-Match", psprintf("\"%s\"", reader->etag)};

	reader->http = aws_request_send(&request, &failure);
	if (reader->http == NULL && failure.status == 412)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("\"%s\" changed while it was being read", reader->base.name),
				errdetail("It is no longer the object with ETag %s; HTTP status 412, request id %s.",
						  reader->etag, failure.request_id),
				errhint("Run the statement again."));
	if (reader->http == NULL)
		aws_request_raise(&request, &failure);
	check_part(reader, ranged);
	if (reader->etag == NULL && http_header(reader->http, "ETag") != NULL)
		reader->etag = s3_etag_copy(http_header(reader->http, "ETag"));
}

/* The body broke off: go on from there, or give up. */
static void
reader_resume(S3Reader *reader)
{
	EtlAwsFailure failure = {.transport = *http_failure(reader->http)};
	EtlAwsAction action = {"read", reader->base.name, "s3:GetObject", reader->server.name};
	EtlError error;

	http_close(reader->http);
	reader->http = NULL;
	if (reader->etag == NULL || !aws_resume_wait(&reader->resume, &failure))
	{
		aws_error_describe(&failure, &action, &error);
		etl_error_raise(&error);
	}
	reader_open(reader);
}

static size_t
reader_read(EtlReader *self, char *buf, size_t size)
{
	S3Reader *reader = (S3Reader *) self;
	MemoryContext caller = MemoryContextSwitchTo(reader->context);
	ssize_t n;

	while ((n = http_read(reader->http, buf, size)) < 0)
	{
		if (reader->position == reader->end)
		{
			n = 0; /* it broke off after the last byte */
			break;
		}
		reader_resume(reader);
	}
	if (n > 0)
		aws_resume_moved(&reader->resume, reader->http, n);
	reader->position += n;
	MemoryContextSwitchTo(caller);
	return n;
}

static void
reader_close(EtlReader *self)
{
	MemoryContextDelete(((S3Reader *) self)->context);
}

EtlReader *
s3_object_read(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
			   const char *key, uint64 offset, uint64 length, const char *etag)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "pg_etl s3 reader", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	S3Reader *reader = palloc0(sizeof(S3Reader));

	reader->base.read = reader_read;
	reader->base.close = reader_close;
	reader->base.name = psprintf("s3://%s/%s", bucket, key);
	reader->context = context;
	reader->server = *server;
	/* looked up once: a later part may be fetched when no catalog can be read */
	reader->credentials = credentials != NULL ? credentials : aws_credentials_get(server);
	reader->bucket = pstrdup(bucket);
	reader->key = pstrdup(key);
	if (etag != NULL)
	{
		aws_text_check("an ETag", etag);
		reader->etag = pstrdup(etag);
	}
	reader->position = offset;
	if (length > 0 && length > PG_UINT64_MAX - offset)
		elog(ERROR, "part of \"%s\" is out of range", reader->base.name);
	reader->end = length > 0 ? offset + length : 0;
	reader_open(reader);
	MemoryContextSwitchTo(caller);
	return &reader->base;
}

EtlAwsFetch *
s3_object_fetch_start(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
					  const char *key, size_t limit, StringInfo out)
{
	EtlAwsRequest request = s3_request_make(server, credentials, "GET", bucket, key, "read", "s3:GetObject");

	return aws_fetch_start(&request, limit, out);
}

/* ---- head ---- */

static TimestampTz
parse_http_date(const char *text)
{
	time_t t = text != NULL ? curl_getdate(text, NULL) : -1;

	return t < 0 ? 0 : time_t_to_timestamptz(t);
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
			   const char *key, EtlS3Object *object)
{
	EtlAwsRequest request =
		s3_request_make(server, credentials, "HEAD", bucket, key, "look at", "s3:GetObject");
	EtlAwsFailure failure;
	EtlHttp *http = aws_request_send(&request, &failure);

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
	object->last_modified = parse_http_date(http_header(http, "Last-Modified"));
	if (!s3_size_parse(http_header(http, "Content-Length"), &object->size))
		s3_protocol_error(request.action.object, "The answer has no Content-Length.");
	http_close(http);
	return true;
}

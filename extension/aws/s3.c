/*
 * s3.c
 *		Objects over S3's REST protocol. See s3.h.
 *
 * A download that breaks off goes on where it stopped, with If-Match so that it can't go on in another version of
 * the object. An upload's body is hashed before it is sent: the hash is signed, so S3 refuses what isn't what we had.
 */
#include "postgres.h"

#include <curl/curl.h>
#include <openssl/evp.h>
#include <unistd.h>

#include "aws/request.h"
#include "aws/s3.h"
#include "aws/sigv4.h"
#include "aws/xml.h"
#include "base/handle.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define MAX_KEY_SIZE 1024
#define MAX_LISTING_SIZE (16 * 1024 * 1024)

typedef struct S3Reader
{
	EtlReader base;
	MemoryContext context; /* everything below; deleted by close */
	EtlAwsServer server;
	const EtlAwsCredentials *credentials;
	char *bucket;
	char *key;
	char *etag; /* what every part must be of; NULL: not known yet */
	uint64 position; /* next byte of the object */
	uint64 end; /* of the bytes asked for (0: to the object's end), and once an answer is there, of those to come */
	bool answered;
	EtlHttp *http;
	int attempts; /* that failed since bytes last came */
} S3Reader;

static void
check_key(const char *key)
{
	aws_text_check("the key of an S3 object", key);
	if (strlen(key) > MAX_KEY_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("key of S3 object is too long"),
				errdetail("It has %zu bytes, S3 takes %d.", strlen(key), MAX_KEY_SIZE));
}

/* A request about the object, or with key NULL about the bucket. */
static EtlAwsRequest
s3_request(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *method,
		   const char *bucket, const char *key, const char *doing, const char *permission)
{
	EtlAwsRequest request = {
		.server = server, .credentials = credentials, .service = "s3", .method = method, .body = {.fd = -1}};
	StringInfoData path;
	EtlError error;

	if (server->mode != ETL_AWS_MODE_AWS)
		elog(ERROR, "server \"%s\" is in local mode", server->name);
	if (!endpoint_s3(server->region, server->endpoint, server->path_style, bucket, &request.endpoint, &error))
		etl_error_raise(&error);
	initStringInfo(&path);
	appendStringInfoChar(&path, '/');
	if (key != NULL)
	{
		check_key(key);
		sigv4_encode(&path, aws_text_to_utf8(key), true);
	}
	request.path = path.data;
	request.action = (EtlAwsAction){.doing = doing,
									.object = psprintf("s3://%s/%s", bucket, key != NULL ? key : ""),
									.permission = permission,
									.server = server->name};
	return request;
}

/* S3 puts quotes around it. It becomes text in a database of any encoding, so what is not ASCII goes as '?'. */
static char *
etag_copy(const char *header)
{
	size_t length;
	char *etag;

	if (header == NULL)
		return pstrdup("");
	if (*header == '"')
		header++;
	length = strlen(header);
	if (length > 0 && header[length - 1] == '"')
		length--;
	etag = pnstrdup(header, length);
	for (char *c = etag; *c; c++)
		if (*c < 0x20 || IS_HIGHBIT_SET(*c))
			*c = '?';
	return etag;
}

static bool
parse_size(const char *text, uint64 *out)
{
	char *end;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	errno = 0;
	*out = strtou64(text, &end, 10);
	return errno == 0 && *end == '\0';
}

static void
protocol_error(const char *uri, const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("unexpected answer from S3 about \"%s\"", uri),
			errdetail("%s", detail));
}

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
	if (ranged &&
		(http_status(reader->http) != 206 || range == NULL || strncmp(range, expected, strlen(expected)) != 0))
		protocol_error(reader->base.name, "A part of the object was asked for, and another one came.");
	if (!parse_size(http_header(reader->http, "Content-Length"), &size))
		protocol_error(reader->base.name, "The answer has no Content-Length.");
	end = reader->position + size;
	if (end < size || (reader->end > 0 && end > reader->end))
		protocol_error(reader->base.name, "More bytes came than were asked for.");
	if (reader->answered && end != reader->end)
		protocol_error(reader->base.name, "The rest of the object was asked for, and less came.");
	reader->end = end;
	reader->answered = true;
}

static void
reader_open(S3Reader *reader)
{
	EtlHttpField headers[2];
	EtlAwsFailure failure;
	EtlAwsRequest request = s3_request(&reader->server, reader->credentials, "GET", reader->bucket,
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
		reader->etag = etag_copy(http_header(reader->http, "ETag"));
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
	if (reader->etag == NULL || !aws_request_wait(&failure, ++reader->attempts, 0))
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
		reader->attempts = 0;
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
	EtlAwsRequest request = s3_request(server, credentials, "GET", bucket, key, "read", "s3:GetObject");

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
		s3_request(server, credentials, "HEAD", bucket, NULL, "find bucket", "s3:ListBucket");
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
	EtlAwsRequest request = s3_request(server, credentials, "HEAD", bucket, key, "look at", "s3:GetObject");
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
	object->etag = etag_copy(http_header(http, "ETag"));
	object->last_modified = parse_http_date(http_header(http, "Last-Modified"));
	if (!parse_size(http_header(http, "Content-Length"), &object->size))
		protocol_error(request.action.object, "The answer has no Content-Length.");
	http_close(http);
	return true;
}

/* ---- put, delete ---- */

/* Hex SHA-256 of the file's first `size` bytes. */
static char *
hash_file(int fd, uint64 size, const char *uri)
{
	EtlHandle *owner = etl_handle_reserve(CurrentMemoryContext, (EtlHandleFree) EVP_MD_CTX_free);
	EVP_MD_CTX *hash = owner->handle = EVP_MD_CTX_new();
	unsigned char digest[EVP_MAX_MD_SIZE];
	char *hex = palloc(SIGV4_HEX_SIZE);
	char *buf = palloc(64 * 1024);
	uint64 done = 0;

	if (hash == NULL || !EVP_DigestInit_ex(hash, EVP_sha256(), NULL))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a SHA-256 hash"));
	while (done < size)
	{
		ssize_t n = pread(fd, buf, Min(size - done, 64 * 1024), (off_t) done);

		CHECK_FOR_INTERRUPTS();
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			ereport(ERROR, errcode_for_file_access(),
					errmsg("could not read what is to be written to \"%s\": %m", uri));
		if (n == 0)
			ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("content of \"%s\" is shorter than expected", uri));
		if (!EVP_DigestUpdate(hash, buf, n))
			ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a SHA-256 hash"));
		done += n;
	}
	if (!EVP_DigestFinal_ex(hash, digest, NULL))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a SHA-256 hash"));
	etl_handle_close(owner);
	for (int i = 0; i < 32; i++)
		snprintf(hex + 2 * i, 3, "%02x", digest[i]);
	pfree(buf);
	return hex;
}

#define PUT_ID_HEADER "x-amz-meta-pg-etl-put"
#define PUT_ID_SIZE 16

static char *
put_id_make(void)
{
	unsigned char bytes[PUT_ID_SIZE];
	char *id = palloc(2 * PUT_ID_SIZE + 1);

	if (!pg_strong_random(bytes, sizeof(bytes)))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random bytes"));
	for (int i = 0; i < PUT_ID_SIZE; i++)
		snprintf(id + 2 * i, 3, "%02x", bytes[i]);
	return id;
}

/* The answer about the object, if it is the one that was put with this id. */
static EtlHttp *
put_find(const EtlAwsRequest *put, const char *id)
{
	EtlAwsRequest head = *put;
	EtlAwsFailure failure;
	EtlHttp *http;
	const char *found;

	head.method = "HEAD";
	head.nheaders = 0;
	head.body = (EtlHttpBody){.fd = -1};
	head.body_hash = NULL;
	http = aws_request_send(&head, &failure);
	found = http != NULL ? http_header(http, PUT_ID_HEADER) : NULL;
	return found != NULL && strcmp(found, id) == 0 ? http : NULL;
}

/*
 * With must_not_exist a put whose answer was lost finds its own object when it is tried again. So it is marked: an
 * object that is in the way and has our mark is not in the way.
 */
char *
s3_object_put(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
			  const char *key, const EtlHttpBody *body, bool must_not_exist)
{
	EtlHttpField marks[] = {{"If-None-Match", "*"}, {PUT_ID_HEADER, must_not_exist ? put_id_make() : NULL}};
	EtlAwsRequest request = s3_request(server, credentials, "PUT", bucket, key, "write", "s3:PutObject");
	EtlAwsFailure failure;
	EtlHttp *http;
	char *etag;

	if (body->size > S3_PUT_MAX_SIZE)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("could not write \"%s\": it is too large", request.action.object),
				errdetail("It has " UINT64_FORMAT " bytes; one object may have " UINT64_FORMAT " here.",
						  body->size, S3_PUT_MAX_SIZE),
				errhint("Write it as several objects, with MAXFILESIZE for UNLOAD."));
	request.body = *body;
	if (body->data == NULL && body->size > 0)
		request.body_hash = hash_file(body->fd, body->size, request.action.object);
	if (must_not_exist)
	{
		request.headers = marks;
		request.nheaders = lengthof(marks);
	}
	http = aws_request_send(&request, &failure);
	if (http == NULL && must_not_exist && failure.status == 412)
		http = put_find(&request, marks[1].value);
	if (http == NULL)
		aws_request_raise(&request, &failure);
	etag = etag_copy(http_header(http, "ETag"));
	http_close(http);
	return etag;
}

void
s3_object_delete(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
				 const char *key)
{
	EtlAwsRequest request =
		s3_request(server, credentials, "DELETE", bucket, key, "delete", "s3:DeleteObject");

	http_close(aws_request_send_or_raise(&request));
}

/* ---- list ---- */

/* Keys are asked for percent-encoded, since XML can't hold every character one may have. */
static char *
percent_decode(const char *text, const char *uri)
{
	char *out = pstrdup(text);
	char *to = out;

	for (const char *from = text; *from; from++)
	{
		unsigned int byte;

		if (*from == '+')
			*to++ = ' ';
		else if (*from != '%')
			*to++ = *from;
		else if (strspn(from + 1, "0123456789abcdefABCDEF") >= 2 && sscanf(from + 1, "%2x", &byte) == 1 &&
				 byte != 0)
		{
			*to++ = (char) byte;
			from += 2;
		}
		else
			protocol_error(uri, "A key in the listing is not percent-encoded.");
	}
	*to = '\0';
	pg_verify_mbstr(PG_UTF8, out, (int) (to - out), false);
	return out;
}

/* 2026-11-20T01:02:03.000Z */
static TimestampTz
parse_iso_date(const char *text)
{
	struct tm tm = {0};

	if (text == NULL || sscanf(text, "%4d-%2d-%2dT%2d:%2d:%2d", &tm.tm_year, &tm.tm_mon, &tm.tm_mday,
							   &tm.tm_hour, &tm.tm_min, &tm.tm_sec) != 6)
		return 0;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	return time_t_to_timestamptz(timegm(&tm));
}

static void
parse_listing(const EtlXml *xml, const char *uri, EtlS3Page *page)
{
	bool encoded = false;
	const char *encoding = xml_text(xml, 0, "EncodingType");
	const char *truncated = xml_text(xml, 0, "IsTruncated");
	const char *token = xml_text(xml, 0, "NextContinuationToken");

	encoded = encoding != NULL && strcmp(encoding, "url") == 0;
	page->objects = palloc0((xml->count + 1) * sizeof(EtlS3Object));
	for (int i = 1; i < xml->count; i++)
	{
		EtlS3Object *object = &page->objects[page->count];
		const char *key;

		if (xml->elements[i].depth != 1 || strcmp(xml->elements[i].name, "Contents") != 0)
			continue;
		key = xml_text(xml, i, "Key");
		if (key == NULL || !parse_size(xml_text(xml, i, "Size"), &object->size))
			protocol_error(uri, "The listing has an entry without key or size.");
		object->key = aws_text_from_utf8(encoded ? percent_decode(key, uri) : pstrdup(key));
		object->etag = etag_copy(xml_text(xml, i, "ETag"));
		object->last_modified = parse_iso_date(xml_text(xml, i, "LastModified"));
		page->count++;
	}
	if (truncated != NULL && strcmp(truncated, "true") == 0)
	{
		if (token == NULL || *token == '\0')
			protocol_error(uri, "The listing goes on, but does not say where.");
		page->next_token = pstrdup(token);
	}
}

void
s3_objects_list(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
				const char *prefix, const char *token, EtlS3Page *page)
{
	EtlAwsRequest request = s3_request(server, credentials, "GET", bucket, NULL, "list", "s3:ListBucket");
	EtlHttpField query[4] = {
		{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", aws_text_to_utf8(prefix)}};
	StringInfoData body;
	EtlXml xml;
	EtlError error;

	check_key(prefix);
	request.action.object = psprintf("s3://%s/%s", bucket, prefix);
	request.query = query;
	request.nquery = 3;
	if (token != NULL)
		query[request.nquery++] = (EtlHttpField){"continuation-token", token};
	memset(page, 0, sizeof(*page));

	initStringInfo(&body);
	aws_request_fetch(&request, MAX_LISTING_SIZE, &body);
	if (!xml_parse(body.data, body.len, &xml, &error))
		protocol_error(request.action.object, error.detail);
	parse_listing(&xml, request.action.object, page);
	xml_free(&xml);
	pfree(body.data);
}

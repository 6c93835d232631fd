/*
 * s3_read.c
 *		Reading an object, in parts that are fetched side by side. See s3.h.
 *
 * The first request is for the whole object, so that a small one takes one request, and S3 tells the checksum of the
 * whole. When the answer says that the object is large, and somebody reads on, the first response is broken off where
 * the second part begins, and that one and the following are requests for ranges, as many at a time as memory is
 * allowed for. They are handed on in order; the first is waited for, the others fill their buffers meanwhile.
 *
 * All are of one version: length and ETag are the first answer's, and every other request says If-Match. A part that
 * breaks off goes on where it stopped. What the checksum is of is what was handed on; the last bytes are handed on
 * only if it is right.
 */
#include "postgres.h"

#include "aws/checksum.h"
#include "aws/module.h"
#include "aws/s3.h"
#include "aws/s3_part.h"
#include "aws/s3_request.h"
#include "base/handle.h"
#include "miscadmin.h"
#include "utils/memutils.h"

#define PART_SIZE_MAX (UINT64CONST(8) * 1024 * 1024)
#define PART_SIZE_MIN (UINT64CONST(1) * 1024 * 1024)
#define PARTS 8
#define PARTS_MAX 32
#define AHEAD_AFTER (256 * 1024) /* who reads no more than that gets no second part */

typedef struct Part
{
	MemoryContext context; /* of its request; reset for the next part */
	EtlAwsRequest request;
	EtlAwsSending *sending; /* NULL: nothing is under way */
	EtlHttp *http;			/* NULL: the answer isn't there, or hasn't been looked at */
	uint64 position;		/* next byte of the object */
	uint64 end;				/* 0: of the object, wherever that is */
	bool whole;				/* the request was for the whole object */
	char *buffer;			/* kept for the next part; NULL for the first response, as a rule */
	size_t buffer_size;
} Part;

typedef struct S3Reader
{
	EtlReader base;
	MemoryContext context; /* everything below; deleted by close */
	EtlAwsServer server;
	const EtlAwsCredentials *credentials;
	EtlS3Source source;
	char *etag;			/* what every part must be of; NULL: not known yet */
	uint64 object_size; /* of all of it; known with end */
	uint64 position;	/* next byte to hand on */
	uint64 end;			/* of the bytes to hand on */
	bool answered;		/* end is known */
	EtlAwsResume resume;

	uint64 part_size;
	int nparts; /* at a time */
	Part *parts;
	int head;	  /* the one that `position` is in */
	int active;	  /* from head on, around the end */
	uint64 asked; /* up to where there are parts */

	EtlHandle *checksum_owner;
	EtlChecksum checksum;
	char *checksum_expected; /* NULL: none to compare with */
} S3Reader;

/* ---- the request of a part, and its answer ---- */

static void
part_send(S3Reader *reader, Part *part)
{
	MemoryContext caller;
	EtlHttpField *headers;
	int nheaders = 0;

	part->whole = part->position == 0 && part->end == 0;
	MemoryContextReset(part->context); /* the request before, and its transfer */
	part->http = NULL;
	part->sending = NULL;
	caller = MemoryContextSwitchTo(part->context);
	part->request = s3_request_make(&reader->server, reader->credentials, "GET", reader->source.bucket,
									reader->source.key, "read", "s3:GetObject");
	headers = palloc(3 * sizeof(EtlHttpField));
	if (part->whole)
		headers[nheaders++] = (EtlHttpField){"x-amz-checksum-mode", "ENABLED"};
	else if (part->end > 0)
		headers[nheaders++] = (EtlHttpField){
			"Range", psprintf("bytes=" UINT64_FORMAT "-" UINT64_FORMAT, part->position, part->end - 1)};
	else
		headers[nheaders++] = (EtlHttpField){"Range", psprintf("bytes=" UINT64_FORMAT "-", part->position)};
	if (reader->etag != NULL)
		headers[nheaders++] = (EtlHttpField){"If-Match", psprintf("\"%s\"", reader->etag)};
	part->request.headers = headers;
	part->request.nheaders = nheaders;
	s3_request_version(&part->request, reader->source.version);
	part->request.buffer = part->buffer;
	part->request.buffer_size = part->buffer_size;
	part->sending = aws_request_start(&part->request);
	MemoryContextSwitchTo(caller);
}

static void
part_check(S3Reader *reader, Part *part)
{
	EtlS3Asked asked = {.position = part->position,
						.end = part->end,
						.whole = part->whole,
						.known = reader->answered,
						.object_size = reader->object_size};
	EtlError error;

	if (!s3_part_parse(&asked, http_status(part->http), http_header(part->http, "Content-Length"),
					   http_header(part->http, "Content-Range"), &part->end, &reader->object_size, &error))
		s3_answer_raise(reader->base.name, &error);
}

/* The checksum that S3 has of the whole object. One of the checksums of parts ("…-3") is of no use without the parts' sizes. */
static void
checksum_expect(S3Reader *reader, const EtlHttp *http)
{
	const char *type = http_header(http, "x-amz-checksum-type");

	if (type != NULL && strcmp(type, "FULL_OBJECT") != 0)
		return;
	for (EtlChecksumKind kind = 0; kind < ETL_CHECKSUM_KINDS && reader->checksum_expected == NULL; kind++)
	{
		const char *value = http_header(http, psprintf("x-amz-checksum-%s", checksum_name(kind)));

		if (value == NULL || strchr(value, '-') != NULL)
			continue;
		if (!checksum_is_base64(kind, value))
			s3_protocol_error(reader->base.name,
							  psprintf("Its x-amz-checksum-%s is not a checksum.", checksum_name(kind)));
		reader->checksum_owner = etl_handle_reserve(reader->context, checksum_end);
		if (!checksum_begin(&reader->checksum, kind))
			ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("could not start a checksum"));
		reader->checksum_owner->handle = &reader->checksum;
		reader->checksum_expected = pstrdup(value);
	}
}

/* What the first answer says of the object is true of all of it. */
static void
reader_begin(S3Reader *reader, Part *part)
{
	const char *etag = http_header(part->http, "ETag");

	if (reader->etag == NULL && etag != NULL)
		reader->etag = s3_etag_copy(etag);
	reader->end = reader->object_size;
	if (reader->source.length > 0)
		reader->end = Min(reader->end, reader->source.offset + reader->source.length);
	reader->base.size = reader->end - reader->position;
	reader->answered = true;
	if (part->whole)
		checksum_expect(reader, part->http);
	/* Just over one part, and it may as well come as one. */
	if (part->end == reader->end && (reader->etag == NULL || reader->base.size < 2 * reader->part_size))
		reader->nparts = 1;
	if (reader->nparts > 1)
		part->end = Min(part->end, reader->position + reader->part_size);
	if (reader->etag == NULL && part->end < reader->end)
		s3_protocol_error(reader->base.name, "The answer has no ETag.");
	reader->asked = part->end;
}

/* Wait for the answer to a part's request, and see whether it is one. */
static void
part_await(S3Reader *reader, Part *part)
{
	EtlAwsFailure failure;
	MemoryContext caller = MemoryContextSwitchTo(part->context);

	part->http = aws_request_await(part->sending, &failure);
	if (part->http == NULL && failure.status == 412)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("\"%s\" changed while it was being read", reader->base.name),
				errdetail("It is no longer the object with ETag %s; HTTP status 412, request id %s.",
						  reader->etag, failure.request_id),
				errhint("Run the statement again."));
	if (part->http == NULL)
		aws_request_raise(&part->request, &failure);
	part_check(reader, part);
	MemoryContextSwitchTo(reader->context);
	if (!reader->answered)
		reader_begin(reader, part);
	MemoryContextSwitchTo(caller);
}

/* The body broke off: go on from there, or give up. */
static void
part_resume(S3Reader *reader, Part *part)
{
	EtlAwsFailure failure = {.transport = *http_failure(part->http)};
	EtlAwsAction action = {"read", reader->base.name, "s3:GetObject", reader->server.name};
	EtlError error;

	http_close(part->http);
	part->http = NULL;
	if (reader->etag == NULL || !aws_resume_wait(&reader->resume, &failure))
	{
		aws_error_describe(&failure, &action, &error);
		etl_error_raise(&error);
	}
	part_send(reader, part);
}

/* ---- reading ---- */

static Part *
reader_part(S3Reader *reader, int n)
{
	return &reader->parts[(reader->head + n) % reader->nparts];
}

/* Have as many parts under way as there may be. */
static void
fetch_ahead(S3Reader *reader)
{
	while (reader->active < reader->nparts && reader->asked < reader->end)
	{
		Part *part = reader_part(reader, reader->active);

		if (part->context == NULL)
			part->context = AllocSetContextCreate(reader->context, "pg_etl s3 part", ALLOCSET_SMALL_SIZES);
		if (part->buffer_size < reader->part_size)
		{
			if (part->buffer != NULL)
				pfree(part->buffer);
			part->buffer = MemoryContextAlloc(reader->context, reader->part_size);
			part->buffer_size = reader->part_size;
		}
		part->position = reader->asked;
		part->end = reader->asked = Min(reader->asked + reader->part_size, reader->end);
		reader->active++;
		part_send(reader, part);
	}
}

/* The end of the part is handed on: its place is the next one's. */
static void
part_end(S3Reader *reader, Part *part)
{
	MemoryContextReset(part->context);
	part->sending = NULL;
	part->http = NULL;
	reader->head = (reader->head + 1) % reader->nparts;
	reader->active--;
}

static void
checksum_verify(S3Reader *reader)
{
	char found[ETL_CHECKSUM_BASE64_SIZE];

	if (!checksum_base64(&reader->checksum, found))
		ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
				errmsg("could not compute a checksum of \"%s\"", reader->base.name));
	if (strcmp(found, reader->checksum_expected) != 0)
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("content of \"%s\" does not have the checksum that S3 has of it", reader->base.name),
				errdetail("Its x-amz-checksum-%s is %s, that of the " UINT64_FORMAT " bytes that came is %s.",
						  checksum_name(reader->checksum.kind), reader->checksum_expected,
						  reader->object_size, found),
				errhint("Read it again. If that fails as well, what is kept there is damaged: put it anew."));
}

/* The next bytes of the part that is at its turn, whatever that takes. */
static size_t
part_read(S3Reader *reader, Part *part, char *buf, size_t size)
{
	ssize_t n;

	for (;;)
	{
		if (part->http == NULL)
			part_await(reader, part);
		size = Min(size, part->end - part->position);
		if (size == 0)
			return 0;
		n = http_read(part->http, buf, size);
		if (n > 0)
			break;
		if (n == 0)
			s3_protocol_error(reader->base.name, "The answer is shorter than it says.");
		part_resume(reader, part);
	}
	aws_resume_moved(&reader->resume, part->http, n);
	part->position += n;
	reader->position += n;
	return n;
}

static size_t
reader_read(EtlReader *self, char *buf, size_t size)
{
	S3Reader *reader = (S3Reader *) self;
	MemoryContext caller;
	Part *part = reader_part(reader, 0);
	size_t n;

	CHECK_FOR_INTERRUPTS();
	if (reader->answered && reader->position == reader->end)
		return 0;
	caller = MemoryContextSwitchTo(reader->context);
	n = part_read(reader, part, buf, size);
	if (reader->checksum_expected != NULL)
	{
		checksum_update(&reader->checksum, buf, n);
		if (reader->position == reader->end)
			checksum_verify(reader);
	}
	if (part->position == part->end)
		part_end(reader, part);
	if (reader->position - reader->source.offset >= AHEAD_AFTER)
		fetch_ahead(reader);
	MemoryContextSwitchTo(caller);
	return n;
}

static void
reader_close(EtlReader *self)
{
	MemoryContextDelete(((S3Reader *) self)->context);
}

static S3Reader *
reader_create(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const EtlS3Source *source)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "pg_etl s3 reader", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	S3Reader *reader = palloc0(sizeof(S3Reader));
	uint64 memory = (uint64) aws_s3_read_memory * 1024;

	reader->base.read = reader_read;
	reader->base.close = reader_close;
	reader->base.name = psprintf("s3://%s/%s", source->bucket, source->key);
	reader->context = context;
	reader->server = *server;
	/* looked up once: a later part may be fetched when no catalog can be read */
	reader->credentials = credentials != NULL ? credentials : aws_credentials_get(server);
	reader->source = *source;
	reader->source.bucket = pstrdup(source->bucket);
	reader->source.key = pstrdup(source->key);
	reader->source.version = source->version != NULL ? pstrdup(source->version) : NULL;
	if (source->etag != NULL)
	{
		aws_text_check("an ETag", source->etag);
		reader->etag = pstrdup(source->etag);
	}
	if (source->length > PG_UINT64_MAX - source->offset)
		elog(ERROR, "part of \"%s\" is out of range", reader->base.name);
	reader->position = source->offset;
	reader->part_size = Max(Min(memory / PARTS, PART_SIZE_MAX), PART_SIZE_MIN);
	reader->nparts = (int) Max(Min(memory / reader->part_size, PARTS_MAX), 1);
	reader->parts = palloc0(reader->nparts * sizeof(Part));
	MemoryContextSwitchTo(caller);
	return reader;
}

EtlReader *
s3_object_read_start(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
					 const EtlS3Source *source)
{
	S3Reader *reader = reader_create(server, credentials, source);
	MemoryContext caller = MemoryContextSwitchTo(reader->context);
	Part *part = &reader->parts[0];

	part->context = AllocSetContextCreate(reader->context, "pg_etl s3 part", ALLOCSET_SMALL_SIZES);
	part->position = source->offset;
	if (source->length > 0)
		part->end = source->offset + source->length;
	/* Of a whole object the first answer tells the checksum, so that request is not for a part. */
	if (reader->nparts > 1 && (source->offset > 0 || source->length > reader->part_size) &&
		(part->end == 0 || source->length > reader->part_size))
		part->end = source->offset + reader->part_size;
	if (source->ahead > 0)
	{
		part->buffer_size = Max(source->ahead, HTTP_BUFFER_MIN);
		part->buffer = palloc(part->buffer_size);
	}
	reader->active = 1;
	part_send(reader, part);
	MemoryContextSwitchTo(caller);
	return &reader->base;
}

EtlReader *
s3_object_read(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const EtlS3Source *source)
{
	S3Reader *reader = (S3Reader *) s3_object_read_start(server, credentials, source);

	part_await(reader, &reader->parts[0]);
	return &reader->base;
}

EtlAwsFetch *
s3_object_fetch_start(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
					  const char *key, size_t limit, StringInfo out)
{
	EtlAwsRequest request = s3_request_make(server, credentials, "GET", bucket, key, "read", "s3:GetObject");

	return aws_fetch_start(&request, limit, out);
}

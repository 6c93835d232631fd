/*
 * s3_multipart.c
 *		Multipart uploads. See s3_multipart.h.
 *
 * Parts are sent a few at a time, from a file or by S3 itself from another object; this waits until all of a call are
 * there, since a request that nobody drives while its bytes are being computed would be given up by the other side.
 *
 * An upload carries a mark that its object will have. When the answer to its completion was lost, a repetition
 * finds no upload any more (or an object where none was to be), and the mark tells that it was this one that
 * was completed.
 */
#include "postgres.h"

#include "aws/s3_body.h"
#include "aws/s3_multipart.h"
#include "aws/s3_request.h"
#include "aws/s3_write_answer.h"
#include "base/clock.h"
#include "miscadmin.h"
#include "net/date.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define FIRST_PART_SIZE (UINT64CONST(8) * 1024 * 1024)
#define PARTS_OF_A_SIZE 1000
#define MAX_DOUBLINGS 8 /* 2 GB */
#define MAX_ANSWER_SIZE (64 * 1024)
#define MAX_LISTING_SIZE (16 * 1024 * 1024)

typedef struct Part
{
	char *etag;
	char crc[ETL_CHECKSUM_BASE64_SIZE]; /* "": of a copy, which S3 sums up */
} Part;

struct EtlS3Upload
{
	MemoryContext context;
	const EtlAwsServer *server;
	const EtlAwsCredentials *credentials;
	const char *bucket;
	const char *key;
	char *id;
	const char *mark;
	bool summed;	   /* S3 verifies the checksum of the whole */
	EtlChecksum whole; /* of all parts so far */
	Part *parts;
	int nparts;
	int parts_size;
};

static EtlAwsRequest
upload_request(const EtlS3Upload *upload, const char *method)
{
	return s3_request_make(upload->server, upload->credentials, method, upload->bucket, upload->key, "write",
						   "s3:PutObject");
}

/* ---- create ---- */

static void
wait_through(EtlAwsFetch *fetch)
{
	EtlWait wait;

	while (!aws_fetch_try(fetch, &wait))
		http_wait(&wait);
}

EtlS3Upload *
s3_upload_create(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
				 const char *key, const char *mark, const char *content_type, bool summed, bool *unknown)
{
	static const EtlHttpField query = {"uploads", ""};
	EtlS3Upload *upload = palloc0(sizeof(EtlS3Upload));
	EtlHttpField headers[4 + S3_ENCRYPTION_HEADERS];
	StringInfoData answer;
	EtlAwsRequest request;
	EtlAwsFetch *fetch;
	const EtlAwsFailure *failure;
	const char *type;
	EtlError error;

	*upload = (EtlS3Upload){.context = CurrentMemoryContext,
							.server = server,
							.credentials = credentials,
							.bucket = bucket,
							.key = key,
							.mark = mark};
	request = upload_request(upload, "POST");
	request.query = &query;
	request.nquery = 1;
	request.headers = headers;
	headers[request.nheaders++] =
		(EtlHttpField){"Content-Type", content_type != NULL ? content_type : s3_content_type(key)};
	headers[request.nheaders++] = (EtlHttpField){S3_MARK_HEADER, upload->mark};
	if (summed)
	{
		headers[request.nheaders++] = (EtlHttpField){"x-amz-checksum-algorithm", "CRC32C"};
		headers[request.nheaders++] = (EtlHttpField){"x-amz-checksum-type", "FULL_OBJECT"};
		if (!checksum_begin(&upload->whole, S3_CHECKSUM_KIND))
			ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not begin a checksum"));
	}
	request.nheaders += s3_encryption_headers(server, headers + request.nheaders);
	request.fresh = true;
	initStringInfo(&answer);
	*unknown = true;
	fetch = aws_fetch_start(&request, MAX_ANSWER_SIZE, &answer);
	wait_through(fetch);
	failure = aws_fetch_failure(fetch);
	if (failure != NULL)
	{
		*unknown = failure->status < 400 || failure->status >= 500 || aws_fetch_failures(fetch) > 1;
		aws_request_raise(&request, failure);
	}
	if (!s3_upload_id_parse(answer.data, answer.len, &upload->id, &error))
		s3_answer_raise(request.action.object, &error);
	*unknown = aws_fetch_failures(fetch) > 0;
	/* What speaks S3's protocol and knows no checksums of the whole takes those of the parts. */
	type = aws_fetch_header(fetch, "x-amz-checksum-type");
	upload->summed = type != NULL && strcmp(type, "FULL_OBJECT") == 0;
	aws_fetch_abandon(fetch);
	return upload;
}

const char *
s3_upload_id(const EtlS3Upload *upload)
{
	return upload->id;
}

uint64
s3_upload_part_size(const EtlS3Upload *upload)
{
	return FIRST_PART_SIZE << Min((upload != NULL ? upload->nparts : 0) / PARTS_OF_A_SIZE, MAX_DOUBLINGS);
}

/* ---- parts ---- */

/* Where the bytes of a call's parts are: in a file, or in another object. */
typedef struct PartSource
{
	int fd;
	const char *copy_source; /* NULL: the file */
	const char *copy_uri;
	const char *copy_etag;
	uint64 size;
	uint64 part_size;
	uint64 taken;
} PartSource;

/* A part that is being sent. */
typedef struct PartRun
{
	MemoryContext context; /* of this part, emptied for the next */
	int number;			   /* 0: none */
	EtlHttpField query[2];
	EtlHttpField headers[3];
	S3Sums sums;
	StringInfoData answer;
	EtlAwsRequest request;
	EtlAwsFetch *fetch; /* NULL: none */
	EtlWait wait;
} PartRun;

static void
part_start(EtlS3Upload *upload, PartSource *source, PartRun *run)
{
	uint64 size = Min(source->size - source->taken, source->part_size);
	EtlAwsRequest request = upload_request(upload, "PUT");

	if (upload->nparts == S3_MAX_PARTS)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("could not write \"%s\": it is too large", request.action.object),
				errdetail("S3 takes %d parts for an object.", S3_MAX_PARTS));
	if (upload->nparts == upload->parts_size)
	{
		upload->parts_size = Max(16, upload->parts_size * 2);
		upload->parts = upload->parts == NULL
							? MemoryContextAlloc(upload->context, upload->parts_size * sizeof(Part))
							: repalloc(upload->parts, upload->parts_size * sizeof(Part));
	}
	upload->parts[upload->nparts++] = (Part){0};
	run->number = upload->nparts;
	run->query[0] = (EtlHttpField){"partNumber", psprintf("%d", run->number)};
	run->query[1] = (EtlHttpField){"uploadId", upload->id};
	request.query = run->query;
	request.nquery = 2;
	request.headers = run->headers;
	if (source->copy_source != NULL)
	{
		run->headers[request.nheaders++] = (EtlHttpField){"x-amz-copy-source", source->copy_source};
		run->headers[request.nheaders++] =
			(EtlHttpField){"x-amz-copy-source-if-match", psprintf("\"%s\"", source->copy_etag)};
		run->headers[request.nheaders++] =
			(EtlHttpField){"x-amz-copy-source-range", psprintf("bytes=" UINT64_FORMAT "-" UINT64_FORMAT,
															   source->taken, source->taken + size - 1)};
		request.may_fail_late = true;
	}
	else
	{
		request.body = (EtlHttpBody){.fd = source->fd, .offset = source->taken, .size = size};
		s3_body_sum(&request.body, &upload->whole, request.action.object, &run->sums);
		request.body_hash = run->sums.sha256;
		strlcpy(upload->parts[run->number - 1].crc, run->sums.crc, ETL_CHECKSUM_BASE64_SIZE);
		run->headers[request.nheaders++] = (EtlHttpField){S3_CHECKSUM_HEADER, run->sums.crc};
	}
	source->taken += size;
	initStringInfo(&run->answer);
	run->request = request;
	run->fetch = aws_fetch_start(&request, MAX_ANSWER_SIZE, &run->answer);
}

static void
part_end(EtlS3Upload *upload, const PartSource *source, PartRun *run)
{
	char *etag;
	EtlError error;
	bool good = source->copy_source != NULL
					? s3_made_etag_parse(run->answer.data, run->answer.len, S3_MADE_PART, &etag, &error)
					: s3_part_etag_parse(aws_fetch_header(run->fetch, "ETag"), &etag, &error);

	if (!good)
		s3_answer_raise(psprintf("s3://%s/%s", upload->bucket, upload->key), &error);
	upload->parts[run->number - 1].etag = MemoryContextStrdup(upload->context, etag);
}

/* As aws_fetch_poll, which knows nothing of copies. */
static bool
part_poll(const PartSource *source, PartRun *run, EtlWait *wait)
{
	const EtlAwsFailure *failure;

	if (source->copy_source == NULL)
		return aws_fetch_poll(run->fetch, wait);
	if (!aws_fetch_try(run->fetch, wait))
		return false;
	failure = aws_fetch_failure(run->fetch);
	if (failure != NULL)
		s3_copy_raise(&run->request, failure, source->copy_uri, source->copy_etag);
	return true;
}

/* Polls what goes on, starts what can be started. True: all of the source's parts are there. */
static bool
parts_advance(EtlS3Upload *upload, PartSource *source, PartRun *runs, EtlWait *waits, int *nwaits)
{
	*nwaits = 0;
	for (int i = 0; i < S3_PARTS_AT_A_TIME; i++)
	{
		PartRun *run = &runs[i];
		MemoryContext caller = MemoryContextSwitchTo(run->context);

		while (run->fetch != NULL || source->taken < source->size)
		{
			if (run->fetch == NULL)
				part_start(upload, source, run);
			if (!part_poll(source, run, &waits[*nwaits]))
			{
				(*nwaits)++;
				break;
			}
			part_end(upload, source, run);
			run->fetch = NULL;
			MemoryContextReset(run->context);
		}
		MemoryContextSwitchTo(caller);
	}
	return *nwaits == 0;
}

static void
parts_run(EtlS3Upload *upload, PartSource *source)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "pg_etl s3 parts", ALLOCSET_SMALL_SIZES);
	PartRun *runs = MemoryContextAllocZero(context, S3_PARTS_AT_A_TIME * sizeof(PartRun));
	EtlWait waits[S3_PARTS_AT_A_TIME];
	int nwaits;

	for (int i = 0; i < S3_PARTS_AT_A_TIME; i++)
		runs[i].context = AllocSetContextCreate(context, "pg_etl s3 part", ALLOCSET_SMALL_SIZES);
	while (!parts_advance(upload, source, runs, waits, &nwaits))
		http_wait_any(waits, nwaits);
	MemoryContextDelete(context);
}

void
s3_upload_send(EtlS3Upload *upload, int fd, uint64 size, uint64 part_size)
{
	PartSource source = {.fd = fd, .size = size, .part_size = part_size};

	parts_run(upload, &source);
}

void
s3_upload_copy(EtlS3Upload *upload, const char *bucket, const char *key, const char *etag, uint64 size,
			   uint64 part_size)
{
	PartSource source = {.fd = -1,
						 .copy_source = s3_copy_source(bucket, key),
						 .copy_uri = psprintf("s3://%s/%s", bucket, key),
						 .copy_etag = etag,
						 .size = size,
						 .part_size = part_size};

	parts_run(upload, &source);
}

/* ---- complete, abort ---- */

static char *
completion(const EtlS3Upload *upload)
{
	StringInfoData body;

	initStringInfo(&body);
	appendStringInfoString(&body,
						   "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	for (int i = 0; i < upload->nparts; i++)
	{
		appendStringInfoString(&body, "<Part>");
		if (upload->parts[i].crc[0] != '\0')
			appendStringInfo(&body, "<ChecksumCRC32C>%s</ChecksumCRC32C>", upload->parts[i].crc);
		appendStringInfoString(&body, "<ETag>\"");
		s3_xml_append(&body, upload->parts[i].etag);
		appendStringInfo(&body, "\"</ETag><PartNumber>%d</PartNumber></Part>", i + 1);
	}
	appendStringInfoString(&body, "</CompleteMultipartUpload>");
	return body.data;
}

char *
s3_upload_complete(EtlS3Upload *upload, bool must_not_exist)
{
	EtlHttpField query = {"uploadId", upload->id};
	EtlHttpField headers[4];
	char whole[ETL_CHECKSUM_BASE64_SIZE];
	EtlAwsRequest request = upload_request(upload, "POST");
	StringInfoData answer;
	EtlAwsFetch *fetch;
	const EtlAwsFailure *failure;
	char *etag;
	EtlError error;

	request.query = &query;
	request.nquery = 1;
	request.body.data = completion(upload);
	request.body.size = strlen(request.body.data);
	request.headers = headers;
	request.may_fail_late = true;
	headers[request.nheaders++] = (EtlHttpField){"Content-Type", "application/xml"};
	if (must_not_exist)
		headers[request.nheaders++] = (EtlHttpField){"If-None-Match", "*"};
	if (upload->summed)
	{
		s3_checksum_text(&upload->whole, whole);
		headers[request.nheaders++] = (EtlHttpField){S3_CHECKSUM_HEADER, whole};
		headers[request.nheaders++] = (EtlHttpField){"x-amz-checksum-type", "FULL_OBJECT"};
	}
	initStringInfo(&answer);
	fetch = aws_fetch_start(&request, MAX_ANSWER_SIZE, &answer);
	wait_through(fetch);
	failure = aws_fetch_failure(fetch);
	if (failure == NULL)
	{
		aws_fetch_abandon(fetch);
		if (!s3_made_etag_parse(answer.data, answer.len, S3_MADE_UPLOAD, &etag, &error))
			s3_answer_raise(request.action.object, &error);
		return etag;
	}
	etag = s3_marked_find(upload->server, upload->credentials, upload->bucket, upload->key, upload->mark);
	if (etag == NULL)
		aws_request_raise(&request, failure);
	return etag;
}

void
s3_upload_abort(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
				const char *key, const char *id)
{
	EtlAwsRequest request = s3_request_make(server, credentials, "DELETE", bucket, key, "abort the upload of",
											"s3:AbortMultipartUpload");
	EtlHttpField query = {"uploadId", id};
	EtlAwsFailure failure;
	EtlHttp *http;

	request.query = &query;
	request.nquery = 1;
	http = aws_request_send(&request, &failure);
	if (http != NULL)
		http_close(http);
	else if (strcmp(failure.code, "NoSuchUpload") != 0 && strcmp(failure.code, "NoSuchBucket") != 0)
		aws_request_raise(&request, &failure);
}

/* ---- list ---- */

/* By how much S3's clock is ahead of ours, as the Date of an answer tells. */
static pg_time_t
clock_ahead(const char *date)
{
	int64 theirs;

	return date_parse_http(date, &theirs) ? theirs - timestamptz_to_time_t(clock_now()) : 0;
}

/* A page's uploads of this key that were begun then, to `ids`. */
static List *
page_take(const EtlS3UploadPage *page, const char *key, pg_time_t since, pg_time_t until, List *ids)
{
	for (int i = 0; i < page->count; i++)
		if (strcmp(page->entries[i].key, key) == 0 && page->entries[i].begun >= since &&
			page->entries[i].begun <= until)
			ids = lappend(ids, page->entries[i].id);
	return ids;
}

List *
s3_uploads_find(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
				const char *key, pg_time_t since, pg_time_t until)
{
	EtlAwsRequest request = s3_request_make(server, credentials, "GET", bucket, NULL, "list the uploads to",
											"s3:ListBucketMultipartUploads");
	const char *prefix = aws_text_to_utf8(key);
	EtlHttpField query[5] = {{"uploads", ""}, {"encoding-type", "url"}, {"prefix", prefix}};
	EtlS3UploadPage page;
	List *ids = NIL;
	bool more;

	request.query = query;
	request.nquery = 3;
	do
	{
		const char *before = request.nquery == 5 ? query[4].value : NULL;
		StringInfoData body;
		EtlAwsFetch *fetch;
		pg_time_t ahead;
		EtlError error;

		CHECK_FOR_INTERRUPTS();
		initStringInfo(&body);
		fetch = aws_fetch_start(&request, MAX_LISTING_SIZE, &body);
		aws_fetch_wait(fetch);
		ahead = clock_ahead(aws_fetch_header(fetch, "Date"));
		aws_fetch_abandon(fetch);
		if (!s3_upload_page_parse(body.data, body.len, &page, &error))
			s3_answer_raise(request.action.object, &error);
		pfree(body.data);
		ids = page_take(&page, prefix, since + ahead, until + ahead, ids);
		query[3] = (EtlHttpField){"key-marker", page.next_key};
		query[4] = (EtlHttpField){"upload-id-marker", page.next_id};
		request.nquery = 5;
		/* They come by key: what follows this one is of other keys. A page that begins where the last one did would never end. */
		more = page.next_key != NULL && strcmp(page.next_key, prefix) == 0 &&
			   (before == NULL || strcmp(before, page.next_id) != 0);
	} while (more);
	return ids;
}

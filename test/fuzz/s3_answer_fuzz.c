/*
 * s3_answer_fuzz.c
 *		Whatever S3's end says: a listing becomes objects that have a key in UTF-8, in order, or an error, and the headers
 *		around objects numbers and texts or nothing.
 */
#include "aws/s3_answer.h"
#include "mb/pg_wchar.h"
#include "net/retry.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static void
check_refusal(const EtlError *error)
{
	if (error->sqlstate == 0 || error->message[0] == '\0')
		abort();
}

static void
check_page(const EtlXml *xml)
{
	EtlS3Page page;
	EtlError error = {0};

	if (!s3_page_parse(xml, &page, &error))
	{
		check_refusal(&error);
		return;
	}
	for (int i = 0; i < page.count; i++)
	{
		const EtlS3Object *object = &page.objects[i];
		int length = (int) strlen(object->key);

		if (pg_encoding_verifymbstr(PG_UTF8, object->key, length) != length)
			abort();
		for (const char *c = object->etag; *c; c++)
			if (*c < 0x20 || IS_HIGHBIT_SET(*c))
				abort();
	}
}

static void
read_listing(const char *text, size_t size)
{
	EtlXml xml;
	EtlError error = {0};
	EtlS3Marker marker;
	char *guess = s3_token_guess(text);

	if (!xml_parse(text, size, &xml, &error))
	{
		check_refusal(&error);
		return;
	}
	check_page(&xml);
	if (!s3_marker_parse(&xml, true, &marker, &error))
		check_refusal(&error);
	if (!s3_marker_parse(&xml, false, &marker, &error))
		check_refusal(&error);
	else if (marker.token != NULL && *marker.token == '\0')
		abort();
	(void) guess; /* a comment may hold one that the document doesn't say */
	xml_free(&xml);
}

static void
read_headers(const char *text)
{
	uint64 first;
	uint64 end;
	uint64 total;

	if (s3_range_parse(text, &first, &end, &total) && end == 0)
		abort();
	(void) s3_size_parse(text, &total);
	(void) s3_etag_copy(text);
	(void) s3_time_parse(text);
	if (retry_after(text, NULL) < 0 || retry_after(NULL, text) < 0)
		abort();
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char *text = palloc(size + 1);

	memcpy(text, data, size);
	text[size] = '\0';
	read_listing(text, size);
	read_headers(text);
	run_memory_free();
	return 0;
}

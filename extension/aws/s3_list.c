/*
 * s3_list.c
 *		Listing objects. See s3.h.
 */
#include "postgres.h"

#include <time.h>

#include "aws/s3.h"
#include "aws/s3_request.h"
#include "aws/xml.h"
#include "mb/pg_wchar.h"
#include "utils/timestamp.h"

#define MAX_LISTING_SIZE (16 * 1024 * 1024)

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
			s3_protocol_error(uri, "A key in the listing is not percent-encoded.");
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
		if (key == NULL || !s3_size_parse(xml_text(xml, i, "Size"), &object->size))
			s3_protocol_error(uri, "The listing has an entry without key or size.");
		object->key = aws_text_from_utf8(encoded ? percent_decode(key, uri) : pstrdup(key));
		object->etag = s3_etag_copy(xml_text(xml, i, "ETag"));
		object->last_modified = parse_iso_date(xml_text(xml, i, "LastModified"));
		page->count++;
	}
	if (truncated != NULL && strcmp(truncated, "true") == 0)
	{
		if (token == NULL || *token == '\0')
			s3_protocol_error(uri, "The listing goes on, but does not say where.");
		page->next_token = pstrdup(token);
	}
}

void
s3_objects_list(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
				const char *prefix, const char *token, EtlS3Page *page)
{
	EtlAwsRequest request =
		s3_request_make(server, credentials, "GET", bucket, NULL, "list", "s3:ListBucket");
	EtlHttpField query[4] = {
		{"list-type", "2"}, {"encoding-type", "url"}, {"prefix", aws_text_to_utf8(prefix)}};
	StringInfoData body;
	EtlXml xml;
	EtlError error;

	s3_key_check(prefix);
	request.action.object = psprintf("s3://%s/%s", bucket, prefix);
	request.query = query;
	request.nquery = 3;
	if (token != NULL)
		query[request.nquery++] = (EtlHttpField){"continuation-token", token};
	memset(page, 0, sizeof(*page));

	initStringInfo(&body);
	aws_request_fetch(&request, MAX_LISTING_SIZE, &body);
	if (!xml_parse(body.data, body.len, &xml, &error))
		s3_protocol_error(request.action.object, error.detail);
	parse_listing(&xml, request.action.object, page);
	xml_free(&xml);
	pfree(body.data);
}

/*
 * s3_list.c
 *		Listing objects, and their versions. See s3.h.
 *
 * While a page is looked at the next one is on its way: its token is looked for as soon as the page is there, before the
 * page is parsed. A page is up to 1,000 entries, and two are in memory.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "aws/s3_request.h"
#include "aws/xml.h"
#include "mb/pg_wchar.h"
#include "utils/memutils.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

#define MAX_LISTING_SIZE (16 * 1024 * 1024)
#define MAX_QUERY 6

struct EtlS3Listing
{
	MemoryContext context;
	MemoryContext pages[2]; /* of the page that is looked at, and of the one that is on its way */
	int current;
	EtlAwsServer server;
	const EtlAwsCredentials *credentials;
	EtlS3ListSource source;
	const char *uri;	 /* for errors */
	EtlAwsFetch *fetch;	 /* of the next page; NULL: there is none */
	StringInfoData body; /* its, in its context */
};

/* ---- the request for a page ---- */

/* What goes on after a page. NULL: the first page. */
typedef struct Marker
{
	const char *token; /* or, of versions, key and version */
	const char *key;
	const char *version;
} Marker;

static void
page_request(EtlS3Listing *listing, const Marker *marker)
{
	EtlAwsRequest request =
		s3_request_make(&listing->server, listing->credentials, "GET", listing->source.bucket, NULL, "list",
						listing->source.versions ? "s3:ListBucketVersions" : "s3:ListBucket");
	EtlHttpField *query = palloc(MAX_QUERY * sizeof(EtlHttpField));
	int n = 0;
	EtlWait wait;

	request.action.object = listing->uri;
	if (listing->source.versions)
		query[n++] = (EtlHttpField){"versions", ""};
	else
		query[n++] = (EtlHttpField){"list-type", "2"};
	query[n++] = (EtlHttpField){"encoding-type", "url"};
	query[n++] = (EtlHttpField){"prefix", aws_text_to_utf8(listing->source.prefix)};
	if (listing->source.delimiter != NULL)
		query[n++] = (EtlHttpField){"delimiter", aws_text_to_utf8(listing->source.delimiter)};
	if (marker->token != NULL)
		query[n++] = (EtlHttpField){"continuation-token", marker->token};
	else if (listing->source.start_after != NULL)
		query[n++] = (EtlHttpField){"start-after", aws_text_to_utf8(listing->source.start_after)};
	if (marker->key != NULL)
		query[n++] = (EtlHttpField){"key-marker", marker->key};
	if (marker->version != NULL)
		query[n++] = (EtlHttpField){"version-id-marker", marker->version};
	Assert(n <= MAX_QUERY);
	request.query = query;
	request.nquery = n;
	initStringInfo(&listing->body);
	listing->fetch = aws_fetch_start(&request, MAX_LISTING_SIZE, &listing->body);
	/* Send it, at least. */
	if (!aws_fetch_poll(listing->fetch, &wait))
		http_drive();
}

/* ---- what a page says ---- */

/* Keys are asked for percent-encoded, since XML can't hold every character one may have. */
static char *
percent_decode(const char *text, const char *uri)
{
	char *out = palloc(strlen(text) + 1);
	char *to = out;

	for (const char *from = text; *from; from++)
	{
		static const signed char digits[256] = {
			['0'] = 1,	['1'] = 2,	['2'] = 3,	['3'] = 4,	['4'] = 5,	['5'] = 6,	['6'] = 7,	['7'] = 8,
			['8'] = 9,	['9'] = 10, ['a'] = 11, ['b'] = 12, ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16,
			['A'] = 11, ['B'] = 12, ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};
		int high;
		int low;

		if (*from == '+')
			*to++ = ' ';
		else if (*from != '%')
			*to++ = *from;
		else if ((high = digits[(unsigned char) from[1]] - 1) >= 0 &&
				 (low = digits[(unsigned char) from[2]] - 1) >= 0 && (high > 0 || low > 0))
		{
			*to++ = (char) (high << 4 | low);
			from += 2;
		}
		else
			s3_protocol_error(uri, "A key in the listing is not percent-encoded.");
	}
	*to = '\0';
	pg_verify_mbstr(PG_UTF8, out, (int) (to - out), false);
	return out;
}

/* A run of decimal digits of this length; -1: it isn't one. */
static int
digits_parse(const char *text, int length)
{
	int value = 0;

	for (int i = 0; i < length; i++)
	{
		if (text[i] < '0' || text[i] > '9')
			return -1;
		value = value * 10 + text[i] - '0';
	}
	return value;
}

/* 2026-11-20T01:02:03.000Z */
static TimestampTz
parse_iso_date(const char *text)
{
	int year, month, day, hour, minute, second;

	if (text == NULL || strlen(text) < 19 || text[4] != '-' || text[7] != '-' || text[10] != 'T')
		return 0;
	year = digits_parse(text, 4);
	month = digits_parse(text + 5, 2);
	day = digits_parse(text + 8, 2);
	hour = digits_parse(text + 11, 2);
	minute = digits_parse(text + 14, 2);
	second = digits_parse(text + 17, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || minute < 0 || second < 0)
		return 0;
	return ((TimestampTz) (date2j(year, month, day) - POSTGRES_EPOCH_JDATE) * SECS_PER_DAY +
			hour * SECS_PER_HOUR + minute * SECS_PER_MINUTE + second) *
		   USECS_PER_SEC;
}

/* The text of a child, each in turn: one pass over an entry's children instead of one for each of their names. */
static void
parse_entry(const EtlXml *xml, int entry, const char *uri, EtlS3Object *object)
{
	bool has_size = false;

	memset(object, 0, sizeof(*object));
	for (int i = entry + 1; i < xml->count && xml->elements[i].depth > xml->elements[entry].depth; i++)
	{
		const EtlXmlElement *element = &xml->elements[i];

		if (element->depth != xml->elements[entry].depth + 1)
			continue;
		if (strcmp(element->name, "Key") == 0 || strcmp(element->name, "Prefix") == 0)
			object->key = unconstify(char *, element->text);
		else if (strcmp(element->name, "Size") == 0)
			has_size = s3_size_parse(element->text, &object->size);
		else if (strcmp(element->name, "ETag") == 0)
			object->etag = s3_etag_copy(element->text);
		else if (strcmp(element->name, "LastModified") == 0)
			object->last_modified = parse_iso_date(element->text);
		else if (strcmp(element->name, "VersionId") == 0)
			object->version = s3_etag_copy(element->text);
		else if (strcmp(element->name, "IsLatest") == 0)
			object->is_latest = strcmp(element->text, "true") == 0;
	}
	object->is_prefix = strcmp(xml->elements[entry].name, "CommonPrefixes") == 0;
	object->is_delete_marker = strcmp(xml->elements[entry].name, "DeleteMarker") == 0;
	if (object->key == NULL || (!has_size && !object->is_prefix && !object->is_delete_marker))
		s3_protocol_error(uri, "The listing has an entry without key or size.");
	if (object->etag == NULL)
		object->etag = "";
}

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(((const EtlS3Object *) a)->key, ((const EtlS3Object *) b)->key);
}

static void
parse_page(const EtlXml *xml, const char *uri, EtlS3Page *page)
{
	const char *encoding = NULL;
	bool has_prefix = false;

	page->objects = palloc((xml->count + 1) * sizeof(EtlS3Object));
	page->count = 0;
	for (int i = 1; i < xml->count; i++)
	{
		const EtlXmlElement *element = &xml->elements[i];

		if (element->depth != 1)
			continue;
		if (strcmp(element->name, "EncodingType") == 0)
			encoding = element->text;
		else if (strcmp(element->name, "Contents") == 0 || strcmp(element->name, "Version") == 0 ||
				 strcmp(element->name, "DeleteMarker") == 0 || strcmp(element->name, "CommonPrefixes") == 0)
		{
			EtlS3Object *object = &page->objects[page->count++];

			parse_entry(xml, i, uri, object);
			has_prefix = has_prefix || object->is_prefix;
		}
	}
	if (encoding != NULL && strcmp(encoding, "url") == 0)
		for (int i = 0; i < page->count; i++)
			page->objects[i].key = percent_decode(page->objects[i].key, uri);
	/* Objects and prefixes come one after the other, each in order. */
	if (has_prefix)
		qsort(page->objects, page->count, sizeof(EtlS3Object), compare_keys);
	for (int i = 0; i < page->count; i++)
		page->objects[i].key = aws_text_from_utf8(page->objects[i].key);
}

/* The child of the root, or NULL. */
static const char *
root_text(const EtlXml *xml, const char *name)
{
	for (int i = 1; i < xml->count; i++)
		if (xml->elements[i].depth == 1 && strcmp(xml->elements[i].name, name) == 0)
			return xml->elements[i].text;
	return NULL;
}

/* Where the listing goes on; false: nowhere. */
static bool
parse_marker(const EtlXml *xml, const char *uri, bool versions, Marker *marker)
{
	const char *truncated = root_text(xml, "IsTruncated");
	const char *encoding = root_text(xml, "EncodingType");

	memset(marker, 0, sizeof(*marker));
	if (truncated == NULL || strcmp(truncated, "true") != 0)
		return false;
	marker->token = versions ? NULL : root_text(xml, "NextContinuationToken");
	marker->key = versions ? root_text(xml, "NextKeyMarker") : NULL;
	marker->version = versions ? root_text(xml, "NextVersionIdMarker") : NULL;
	if ((marker->token == NULL || *marker->token == '\0') && marker->key == NULL)
		s3_protocol_error(uri, "The listing goes on, but does not say where.");
	if (marker->key != NULL && encoding != NULL && strcmp(encoding, "url") == 0)
		marker->key = percent_decode(marker->key, uri);
	return true;
}

/*
 * The token of the next page by a look at the text: so that it can be asked for before this one is parsed. NULL when it isn't
 * that easy.
 */
static char *
token_guess(const StringInfo body)
{
	static const char tag[] = "<NextContinuationToken>";
	const char *token = strstr(body->data, tag);
	size_t length;

	if (token == NULL)
		return NULL;
	token += strlen(tag);
	length = strcspn(token, "<&");
	return length > 0 && token[length] == '<' ? pnstrdup(token, length) : NULL;
}

/* ---- a listing ---- */

EtlS3Listing *
s3_listing_start(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
				 const EtlS3ListSource *source)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "pg_etl s3 listing", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	EtlS3Listing *listing = palloc0(sizeof(EtlS3Listing));
	Marker first = {NULL};

	s3_key_check(source->prefix);
	if (source->start_after != NULL)
		s3_key_check(source->start_after);
	if (source->delimiter != NULL)
		aws_text_check("the delimiter of a listing", source->delimiter);
	listing->context = context;
	listing->server = *server;
	listing->credentials = credentials != NULL ? credentials : aws_credentials_get(server);
	listing->source = *source;
	listing->uri = psprintf("s3://%s/%s", source->bucket, source->prefix);
	for (int i = 0; i < 2; i++)
		listing->pages[i] = AllocSetContextCreate(context, "pg_etl s3 page", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(listing->pages[0]);
	page_request(listing, &first);
	MemoryContextSwitchTo(caller);
	return listing;
}

bool
s3_listing_next(EtlS3Listing *listing, EtlS3Page *page)
{
	MemoryContext here = listing->pages[listing->current];
	MemoryContext next = listing->pages[1 - listing->current];
	MemoryContext caller;
	StringInfoData body;
	Marker guess = {NULL};
	Marker marker;
	EtlXml xml;
	EtlError error;
	EtlWait wait;
	bool goes_on;

	if (listing->fetch == NULL)
		return false;
	caller = MemoryContextSwitchTo(here);
	while (!aws_fetch_poll(listing->fetch, &wait))
		http_wait(&wait);
	listing->fetch = NULL;
	body = listing->body;
	MemoryContextReset(next); /* of the page before */
	if (!listing->source.versions && (guess.token = token_guess(&body)) != NULL)
	{
		MemoryContextSwitchTo(next);
		page_request(listing, &guess);
		MemoryContextSwitchTo(here);
	}
	if (!xml_parse(body.data, body.len, &xml, &error))
		s3_protocol_error(listing->uri, error.detail);
	parse_page(&xml, listing->uri, page);
	goes_on = parse_marker(&xml, listing->uri, listing->source.versions, &marker);
	if (listing->fetch != NULL && (!goes_on || strcmp(marker.token, guess.token) != 0))
	{
		MemoryContextReset(next);
		listing->fetch = NULL;
	}
	if (goes_on && listing->fetch == NULL)
	{
		MemoryContextSwitchTo(next);
		page_request(listing, &marker);
	}
	listing->current = 1 - listing->current;
	MemoryContextSwitchTo(caller);
	return true;
}

void
s3_listing_end(EtlS3Listing *listing)
{
	MemoryContextDelete(listing->context);
}

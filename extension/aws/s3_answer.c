/*
 * s3_answer.c
 *		Reading S3's answers. See s3_answer.h.
 */
#include "aws/s3_answer.h"

#include "mb/pg_wchar.h"

static bool
refused(EtlError *error, const char *detail)
{
	etl_error_set(error, ERRCODE_PROTOCOL_VIOLATION, "unexpected answer from S3");
	etl_error_detail(error, "%s", detail);
	return false;
}

/* ---- headers, and texts like them ---- */

char *
s3_etag_copy(const char *header)
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
		if ((unsigned char) *c < 0x20 || IS_HIGHBIT_SET(*c))
			*c = '?';
	return etag;
}

/* The number that *text begins with, which it is moved past. */
static bool
number_parse(const char **text, uint64 *out)
{
	const char *c = *text;

	*out = 0;
	for (; *c >= '0' && *c <= '9'; c++)
	{
		uint64 digit = *c - '0';

		if (*out > PG_UINT64_MAX / 10 || (*out == PG_UINT64_MAX / 10 && digit > PG_UINT64_MAX % 10))
			return false;
		*out = *out * 10 + digit;
	}
	if (c == *text)
		return false;
	*text = c;
	return true;
}

bool
s3_size_parse(const char *text, uint64 *out)
{
	return text != NULL && number_parse(&text, out) && *text == '\0';
}

bool
s3_range_parse(const char *text, uint64 *first, uint64 *end, uint64 *total)
{
	if (text == NULL || strncmp(text, "bytes ", 6) != 0)
		return false;
	text += 6;
	if (!number_parse(&text, first) || *text++ != '-' || !number_parse(&text, end) || *text++ != '/' ||
		*end == PG_UINT64_MAX)
		return false;
	(*end)++;
	return s3_size_parse(text, total);
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

/* Days since 1970-01-01, in the Gregorian calendar; years begin in March here, so that a leap day is the last one. */
static int64
days_of(int year, int month, int day)
{
	int64 y = month > 2 ? year : year - 1;
	int64 m = month > 2 ? month - 3 : month + 9;

	return 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1 - 719468;
}

TimestampTz
s3_time_parse(const char *text)
{
	int year, month, day, hour, minute, second;
	int64 seconds;

	if (text == NULL || strlen(text) < 19 || text[4] != '-' || text[7] != '-' || text[10] != 'T' ||
		text[13] != ':' || text[16] != ':')
		return 0;
	year = digits_parse(text, 4);
	month = digits_parse(text + 5, 2);
	day = digits_parse(text + 8, 2);
	hour = digits_parse(text + 11, 2);
	minute = digits_parse(text + 14, 2);
	second = digits_parse(text + 17, 2);
	if (year < 1 || month < 1 || month > 12 || day < 1 || day > 31 || hour < 0 || hour > 23 || minute < 0 ||
		minute > 59 || second < 0 || second > 60)
		return 0;
	seconds =
		days_of(year, month, day) * SECS_PER_DAY + hour * SECS_PER_HOUR + minute * SECS_PER_MINUTE + second;
	return (seconds - (POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE) * (int64) SECS_PER_DAY) * USECS_PER_SEC;
}

/* ---- listings ---- */

/* -1: it isn't one. */
static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

bool
s3_key_decode(char *key, EtlError *error)
{
	char *from = key;
	char *to = key;
	bool ascii = true;

	for (;;)
	{
		size_t plain = strcspn(from, "%+");
		int high;
		int low;

		if (to != from)
			memmove(to, from, plain);
		to += plain;
		from += plain;
		if (*from == '\0')
			break;
		if (*from == '+')
		{
			*to++ = ' ';
			from++;
			continue;
		}
		if ((high = hex_digit(from[1])) < 0 || (low = hex_digit(from[2])) < 0 || (high == 0 && low == 0))
			return refused(error, "A key in the listing is not percent-encoded.");
		ascii &= high < 8;
		*to++ = (char) (high << 4 | low);
		from += 3;
	}
	*to = '\0';
	if (!ascii && pg_encoding_verifymbstr(PG_UTF8, key, (int) (to - key)) != (int) (to - key))
		return refused(error, "A key in the listing is not UTF-8.");
	return true;
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

static bool
is_encoded(const EtlXml *xml)
{
	const char *encoding = root_text(xml, "EncodingType");

	return encoding != NULL && strcmp(encoding, "url") == 0;
}

/* One pass over an entry's children instead of one for each of their names. */
static bool
entry_parse(const EtlXml *xml, int entry, EtlS3Object *object, EtlError *error)
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
			object->last_modified = s3_time_parse(element->text);
		else if (strcmp(element->name, "VersionId") == 0)
			object->version = s3_etag_copy(element->text);
		else if (strcmp(element->name, "IsLatest") == 0)
			object->is_latest = strcmp(element->text, "true") == 0;
	}
	object->is_prefix = strcmp(xml->elements[entry].name, "CommonPrefixes") == 0;
	object->is_delete_marker = strcmp(xml->elements[entry].name, "DeleteMarker") == 0;
	if (object->key == NULL || (!has_size && !object->is_prefix && !object->is_delete_marker))
		return refused(error, "The listing has an entry without key or size.");
	if (object->etag == NULL)
		object->etag = "";
	return true;
}

void
s3_page_order(EtlS3Page *page)
{
	EtlS3Object *sorted;
	EtlS3Object *prefixes;
	int nprefixes = 0;
	int nobjects = 0;
	int prefix = 0;
	int object = 0;

	for (int i = 0; i < page->count; i++)
		nprefixes += page->objects[i].is_prefix;
	if (nprefixes == 0)
		return;
	sorted = palloc((page->count + nprefixes) * sizeof(EtlS3Object));
	prefixes = sorted + page->count;
	for (int i = 0; i < page->count; i++)
		if (page->objects[i].is_prefix)
			prefixes[prefix++] = page->objects[i];
		else
			page->objects[nobjects++] = page->objects[i];
	prefix = 0;
	for (int i = 0; i < page->count; i++)
		if (prefix == nprefixes ||
			(object < nobjects && strcmp(page->objects[object].key, prefixes[prefix].key) <= 0))
			sorted[i] = page->objects[object++];
		else
			sorted[i] = prefixes[prefix++];
	page->objects = sorted;
}

bool
s3_page_parse(const EtlXml *xml, EtlS3Page *page, EtlError *error)
{
	bool encoded = is_encoded(xml);

	page->objects = palloc((xml->count + 1) * sizeof(EtlS3Object));
	page->count = 0;
	for (int i = 1; i < xml->count; i++)
	{
		const EtlXmlElement *element = &xml->elements[i];
		EtlS3Object *object = &page->objects[page->count];

		if (element->depth != 1 ||
			(strcmp(element->name, "Contents") != 0 && strcmp(element->name, "Version") != 0 &&
			 strcmp(element->name, "DeleteMarker") != 0 && strcmp(element->name, "CommonPrefixes") != 0))
			continue;
		if (!entry_parse(xml, i, object, error))
			return false;
		if (encoded && !s3_key_decode(object->key = pstrdup(object->key), error))
			return false;
		page->count++;
	}
	s3_page_order(page);
	return true;
}

bool
s3_marker_parse(const EtlXml *xml, bool versions, EtlS3Marker *marker, EtlError *error)
{
	const char *truncated = root_text(xml, "IsTruncated");

	memset(marker, 0, sizeof(*marker));
	if (truncated == NULL || strcmp(truncated, "true") != 0)
		return true;
	if (versions)
	{
		marker->key = root_text(xml, "NextKeyMarker");
		marker->version = root_text(xml, "NextVersionIdMarker");
	}
	else
		marker->token = root_text(xml, "NextContinuationToken");
	if ((marker->token == NULL || *marker->token == '\0') && marker->key == NULL)
		return refused(error, "The listing goes on, but does not say where.");
	if (marker->key != NULL && is_encoded(xml))
	{
		char *key = pstrdup(marker->key);

		marker->key = key;
		return s3_key_decode(key, error);
	}
	return true;
}

static bool
is_same(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

bool
s3_marker_is_same(const EtlS3Marker *a, const EtlS3Marker *b)
{
	return is_same(a->token, b->token) && is_same(a->key, b->key) && is_same(a->version, b->version);
}

char *
s3_token_guess(const char *body)
{
	static const char tag[] = "<NextContinuationToken>";
	const char *token = strstr(body, tag);
	size_t length;

	if (token == NULL)
		return NULL;
	token += strlen(tag);
	length = strcspn(token, "<&");
	return length > 0 && token[length] == '<' ? pnstrdup(token, length) : NULL;
}

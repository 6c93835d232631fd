/*
 * s3_write_answer.c
 *		Reading S3's answers about what was written. See s3_write_answer.h.
 */
#include "aws/s3_write_answer.h"

#include "aws/s3_answer.h"
#include "aws/xml_answer.h"
#include "net/date.h"

#define MAX_ID_SIZE 1024  /* S3's have some 130 characters */
#define MAX_ETAG_SIZE 256 /* an MD5 in hex and the number of parts, or what others take for it */

static bool
refused(EtlError *error, const char *detail)
{
	etl_error_set(error, ERRCODE_PROTOCOL_VIOLATION, "unexpected answer");
	etl_error_detail(error, "%s", detail);
	return false;
}

bool
s3_upload_id_parse(const char *body, size_t size, char **id, EtlError *error)
{
	EtlXml xml;
	const char *text;

	if (!xml_answer_parse(body, size, "InitiateMultipartUploadResult", &xml, error))
		return false;
	text = xml_answer_word(&xml, 0, "UploadId", MAX_ID_SIZE, error);
	if (text != NULL)
		*id = pstrdup(text);
	xml_free(&xml);
	return text != NULL;
}

/* ---- ETags ---- */

bool
s3_made_etag_parse(const char *body, size_t size, EtlS3Made made, char **etag, EtlError *error)
{
	static const char *const roots[] = {[S3_MADE_COPY] = "CopyObjectResult",
										[S3_MADE_PART] = "CopyPartResult",
										[S3_MADE_UPLOAD] = "CompleteMultipartUploadResult"};
	EtlXml xml;
	const char *text;
	bool good;

	if (!xml_answer_parse(body, size, roots[made], &xml, error))
		return false;
	text = xml_answer_word(&xml, 0, "ETag", MAX_ETAG_SIZE, error);
	good = text != NULL && s3_part_etag_parse(text, etag, error);
	xml_free(&xml);
	return good;
}

bool
s3_part_etag_parse(const char *header, char **etag, EtlError *error)
{
	char *text;

	if (header != NULL && strlen(header) > MAX_ETAG_SIZE)
		return refused(error, "Its ETag is longer than it can be.");
	text = s3_etag_copy(header);
	if (*text == '\0')
	{
		pfree(text);
		return refused(error, "The answer has no ETag.");
	}
	*etag = text;
	return true;
}

/* ---- deletions ---- */

/* A member of a refusal: as it is, since a refusal that says little is one all the same. */
static char *
member_copy(const EtlXml *xml, int parent, const char *name)
{
	const char *text = xml_text(xml, parent, name);

	return pstrdup(text != NULL ? text : "");
}

bool
s3_deletion_parse(const char *body, size_t size, EtlS3Deletion *out, EtlError *error)
{
	EtlXml xml;

	if (!xml_answer_parse(body, size, "DeleteResult", &xml, error))
		return false;
	*out = (EtlS3Deletion){.refused = 0};
	for (int i = 1; i < xml.count; i++)
	{
		if (xml.elements[i].depth != 1 || strcmp(xml.elements[i].name, "Error") != 0)
			continue;
		if (out->refused++ > 0)
			continue;
		out->key = member_copy(&xml, i, "Key");
		out->code = member_copy(&xml, i, "Code");
		out->message = member_copy(&xml, i, "Message");
	}
	xml_free(&xml);
	return true;
}

/* ---- uploads ---- */

/* The root's member, where it may be missing. */
static const char *
root_text(const EtlXml *xml, const char *name)
{
	EtlError error;
	int child = xml_answer_child(xml, 0, name, &error);

	return child > 0 ? xml->elements[child].text : NULL;
}

static bool
key_copy(const char *text, bool encoded, char **key, EtlError *error)
{
	*key = pstrdup(text);
	return !encoded || s3_key_decode(*key, error);
}

static bool
entry_parse(const EtlXml *xml, int at, bool encoded, EtlS3UploadEntry *entry, EtlError *error)
{
	int key = xml_answer_child(xml, at, "Key", error);
	int begun = key > 0 ? xml_answer_child(xml, at, "Initiated", error) : 0;
	const char *id = begun > 0 ? xml_answer_word(xml, at, "UploadId", MAX_ID_SIZE, error) : NULL;

	if (id == NULL)
		return false;
	if (!date_parse_iso(xml->elements[begun].text, &entry->begun))
		return refused(error, "Its Initiated is not a time.");
	entry->id = pstrdup(id);
	return key_copy(xml->elements[key].text, encoded, &entry->key, error);
}

static bool
next_parse(const EtlXml *xml, bool encoded, EtlS3UploadPage *page, EtlError *error)
{
	const char *truncated = root_text(xml, "IsTruncated");
	const char *key = root_text(xml, "NextKeyMarker");
	const char *id;

	if (truncated == NULL || strcmp(truncated, "true") != 0)
		return true;
	if (key == NULL || *key == '\0')
		return refused(error, "The list of uploads goes on, but does not say where.");
	id = xml_answer_word(xml, 0, "NextUploadIdMarker", MAX_ID_SIZE, error);
	if (id == NULL)
		return false;
	page->next_id = pstrdup(id);
	return key_copy(key, encoded, &page->next_key, error);
}

static bool
page_parse(const EtlXml *xml, EtlS3UploadPage *page, EtlError *error)
{
	const char *encoding = root_text(xml, "EncodingType");
	bool encoded = encoding != NULL && strcmp(encoding, "url") == 0;

	for (int i = 1; i < xml->count; i++)
		if (xml->elements[i].depth == 1 && strcmp(xml->elements[i].name, "Upload") == 0 &&
			!entry_parse(xml, i, encoded, &page->entries[page->count++], error))
			return false;
	return next_parse(xml, encoded, page, error);
}

bool
s3_upload_page_parse(const char *body, size_t size, EtlS3UploadPage *out, EtlError *error)
{
	EtlS3UploadPage page = {.count = 0};
	EtlXml xml;
	bool good;

	if (!xml_answer_parse(body, size, "ListMultipartUploadsResult", &xml, error))
		return false;
	page.entries = palloc(xml.count * sizeof(EtlS3UploadEntry));
	good = page_parse(&xml, &page, error);
	xml_free(&xml);
	if (good)
		*out = page;
	return good;
}

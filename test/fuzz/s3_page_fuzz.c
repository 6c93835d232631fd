/*
 * s3_page_fuzz.c
 *		A page of a listing that is read in one pass over its text says what it says when expat has taken it apart: the same
 *		objects in the same order, and the same marker. What expat or the reader of its elements refuse is not taken.
 *
 * An input is the text itself, or, after a "P", each byte stands for a piece of a page, so that many of them
 * are well-formed and nearly what S3 writes.
 */
#include "aws/s3_answer.h"
#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static const char *const pieces[] = {
	/* whole */
	"<Contents><Key>a%20b</Key><LastModified>2026-11-20T01:02:03.000Z</LastModified><ETag>&quot;e&quot;</"
	"ETag>"
	"<Size>10</Size><StorageClass>STANDARD</StorageClass></Contents>",
	"<Contents><Key>c</Key><Size>0</Size></Contents>",
	"<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes>",
	"<CommonPrefixes><Prefix>b%2B/</Prefix></CommonPrefixes>",
	"<EncodingType>url</EncodingType>",
	"<IsTruncated>true</IsTruncated>",
	"<IsTruncated>false</IsTruncated>",
	"<NextContinuationToken>t&amp;1=</NextContinuationToken>",
	"<Name>lake</Name>",
	"<Prefix/>",
	/* parts */
	"<Contents>",
	"</Contents>",
	"<CommonPrefixes>",
	"</CommonPrefixes>",
	"<Contents/>",
	"<Version>",
	"</Version>",
	"<DeleteMarker>1</DeleteMarker>",
	"<Key>",
	"</Key>",
	"<Key/>",
	"<Prefix>",
	"</Prefix>",
	"<Size>",
	"</Size>",
	"<ETag>",
	"</ETag>",
	"<LastModified>",
	"</LastModified>",
	"<VersionId>v</VersionId>",
	"<IsLatest>true</IsLatest>",
	"<IsTruncated>",
	"</IsTruncated>",
	"<NextContinuationToken>",
	"</NextContinuationToken>",
	"<EncodingType>",
	"</EncodingType>",
	"<Owner><ID>i</ID></Owner>",
	"<StorageClass>",
	"</StorageClass>",
	"<x a='1'/>",
	"<x:y>z</x:y>",
	"</ListBucketResult>",
	"<ListBucketResult>",
	/* texts */
	"a",
	"b/",
	"1",
	"18446744073709551616",
	"2026-11-20T01:02:03Z",
	"true",
	"url",
	"%41",
	"%C3%A9",
	"%C3",
	"%00",
	"%",
	"+",
	"&quot;",
	"&#34;",
	"&#39;",
	"&apos;",
	"&amp;",
	"&lt;",
	"&gt;",
	"&#x22;",
	"&#0;",
	"&nbsp;",
	"&",
	"\"",
	">",
	"]]>",
	"]",
	" ",
	"\n",
	"\r\n",
	"\t",
	"\x7F",
	"\x01",
	"\xC3\xA9",
	"\xFF",
	"<!-- c -->",
	"<![CDATA[a]]>",
	"<?pi?>",
};

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
compare(const char *text, size_t size)
{
	EtlS3Page page;
	EtlS3Page other;
	EtlS3Marker marker;
	EtlS3Marker other_marker;
	EtlXml xml;
	EtlError error;

	if (!s3_page_scan(text, size, &page, &marker))
		return;
	if (!xml_parse(text, size, &xml, &error) || !s3_page_parse(&xml, &other, &error) ||
		!s3_marker_parse(&xml, false, &other_marker, &error))
		abort();
	if (page.count != other.count || !s3_marker_is_same(&marker, &other_marker))
		abort();
	for (int i = 0; i < page.count; i++)
	{
		const EtlS3Object *a = &page.objects[i];
		const EtlS3Object *b = &other.objects[i];

		if (strcmp(a->key, b->key) != 0 || strcmp(a->etag, b->etag) != 0 || a->size != b->size ||
			a->last_modified != b->last_modified || a->is_prefix != b->is_prefix ||
			!is_same_text(a->version, b->version) || a->is_latest != b->is_latest ||
			a->is_delete_marker != b->is_delete_marker)
			abort();
	}
}

/* The first byte says what the page begins with, the others are its pieces. */
static void
compose(const uint8 *data, size_t size, StringInfo out)
{
	if (data[0] & 1)
		appendStringInfoString(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>");
	if (data[0] & 2)
		appendStringInfoString(out, "\n");
	if (data[0] & 4)
		appendStringInfoString(out, "<ListBucketResult xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
	else
		appendStringInfoString(out, "<ListBucketResult>");
	if (data[0] & 8)
		appendStringInfoString(out, "<EncodingType>url</EncodingType>");
	for (size_t i = 1; i < size; i++)
		appendStringInfoString(out, pieces[data[i] % lengthof(pieces)]);
	appendStringInfoString(out, "</ListBucketResult>");
	if (data[0] & 16)
		appendStringInfoString(out, "\n");
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	StringInfoData text;

	initStringInfo(&text);
	if (size > 1 && data[0] == 'P')
		compose(data + 1, size - 1, &text);
	else
		appendBinaryStringInfo(&text, (const char *) data, (int) size);
	compare(text.data, text.len);
	run_memory_free();
	return 0;
}

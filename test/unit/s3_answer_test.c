/*
 * s3_answer_test.c
 *		What S3's answers say, and what they may not: see aws/s3_answer.h.
 */
#include "aws/s3_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static EtlXml
document(const char *text)
{
	EtlXml xml;
	EtlError error;

	assert_true(xml_parse(text, strlen(text), &xml, &error));
	return xml;
}

static void
test_page(void **state)
{
	EtlXml xml = document(
		"<ListBucketResult><Name>lake</Name><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>"
		"<Contents><Key>a%20b%2Bc+d/%C3%A9</Key><LastModified>2026-11-20T01:02:03.000Z</LastModified>"
		"<ETag>&quot;e1&quot;</ETag><Size>18446744073709551615</Size><Owner><Key>not "
		"this</Key></Owner></Contents>"
		"<Contents><Size>0</Size><Key>c</Key></Contents>"
		"<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes></ListBucketResult>");
	EtlS3Page page;
	EtlError error;

	assert_true(s3_page_parse(&xml, &page, &error));
	assert_int_equal(page.count, 3);
	assert_string_equal(page.objects[0].key, "a b+c d/\xC3\xA9");
	assert_string_equal(page.objects[0].etag, "e1");
	assert_true(page.objects[0].size == PG_UINT64_MAX);
	assert_true(page.objects[0].last_modified ==
				(INT64CONST(1795136523) - INT64CONST(946684800)) * USECS_PER_SEC);
	assert_string_equal(page.objects[1].key, "b/");
	assert_true(page.objects[1].is_prefix);
	assert_string_equal(page.objects[2].key, "c");
	assert_string_equal(page.objects[2].etag, "");
	assert_true(page.objects[2].last_modified == 0);
}

/* Versions of a key come newest first, and stay so when prefixes are put between keys. */
static void
test_versions(void **state)
{
	static const char *const expected[] = {"a/", "b", "b", "b", "c/", "d"};
	static const char *const versions[] = {NULL, "v3", "v2", "v1", NULL, "v9"};
	EtlXml xml = document(
		"<R><Version><Key>b</Key><VersionId>v3</VersionId><Size>1</Size><IsLatest>true</IsLatest></Version>"
		"<DeleteMarker><Key>b</Key><VersionId>v2</VersionId><IsLatest>false</IsLatest></DeleteMarker>"
		"<Version><Key>b</Key><VersionId>v1</VersionId><Size>1</Size></Version>"
		"<Version><Key>d</Key><VersionId>v9</VersionId><Size>1</Size></Version>"
		"<CommonPrefixes><Prefix>a/</Prefix></CommonPrefixes><CommonPrefixes><Prefix>c/</Prefix></"
		"CommonPrefixes></R>");
	EtlS3Page page;
	EtlError error;

	assert_true(s3_page_parse(&xml, &page, &error));
	assert_int_equal(page.count, lengthof(expected));
	for (int i = 0; i < page.count; i++)
	{
		assert_string_equal(page.objects[i].key, expected[i]);
		if (versions[i] != NULL)
			assert_string_equal(page.objects[i].version, versions[i]);
	}
	assert_true(page.objects[1].is_latest);
	assert_true(page.objects[2].is_delete_marker);
}

static void
test_page_refused(void **state)
{
	static const char *const pages[] = {
		"<R><Contents><Size>1</Size></Contents></R>",
		"<R><Contents><Key>a</Key></Contents></R>",
		"<R><Contents><Key>a</Key><Size>-1</Size></Contents></R>",
		"<R><Contents><Key>a</Key><Size>18446744073709551616</Size></Contents></R>",
		"<R><Contents><Key>a</Key><Size>1 </Size></Contents></R>",
		"<R><EncodingType>url</EncodingType><Contents><Key>a%</Key><Size>1</Size></Contents></R>",
		"<R><EncodingType>url</EncodingType><Contents><Key>a%2</Key><Size>1</Size></Contents></R>",
		"<R><EncodingType>url</EncodingType><Contents><Key>a%2x</Key><Size>1</Size></Contents></R>",
		"<R><EncodingType>url</EncodingType><Contents><Key>a%00</Key><Size>1</Size></Contents></R>",
		"<R><Contents><Key>%FF</Key><Size>1</Size></Contents><EncodingType>url</EncodingType></R>",
		"<R><EncodingType>url</EncodingType><Contents><Key>%ED%A0%80</Key><Size>1</Size></Contents></R>"};

	for (int i = 0; i < lengthof(pages); i++)
	{
		EtlXml xml = document(pages[i]);
		EtlS3Page page;
		EtlError error = {0};

		if (s3_page_parse(&xml, &page, &error))
			fail_msg("taken: %s", pages[i]);
		assert_int_equal(error.sqlstate, ERRCODE_PROTOCOL_VIOLATION);
		assert_true(error.detail[0] != '\0');
	}
}

static void
test_marker(void **state)
{
	EtlXml xml =
		document("<R><IsTruncated>true</IsTruncated><NextContinuationToken>t&amp;1</NextContinuationToken>"
				 "<Contents><NextContinuationToken>no</NextContinuationToken></Contents></R>");
	EtlS3Marker marker;
	EtlError error;

	assert_true(s3_marker_parse(&xml, false, &marker, &error));
	assert_string_equal(marker.token, "t&1");
	assert_false(s3_marker_parse(&xml, true, &marker, &error));
	xml = document("<R><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType><NextKeyMarker>a%20b</"
				   "NextKeyMarker>"
				   "<NextVersionIdMarker>v</NextVersionIdMarker></R>");
	assert_true(s3_marker_parse(&xml, true, &marker, &error));
	assert_null(marker.token);
	assert_string_equal(marker.key, "a b");
	assert_string_equal(marker.version, "v");
	assert_true(s3_marker_is_same(&marker, &marker));
	assert_false(s3_marker_is_same(&marker, &(EtlS3Marker){.key = "a b", .version = "w"}));
	assert_false(s3_marker_is_same(&marker, &(EtlS3Marker){.key = "a b"}));
	assert_false(s3_marker_is_same(&(EtlS3Marker){.token = "t"}, &(EtlS3Marker){.token = "u"}));
	assert_true(s3_marker_is_same(&(EtlS3Marker){.token = "t"}, &(EtlS3Marker){.token = "t"}));
	assert_false(s3_marker_parse(&xml, false, &marker, &error));
	xml = document("<R><IsTruncated>true</IsTruncated><EncodingType>url</EncodingType><NextKeyMarker>%</"
				   "NextKeyMarker></R>");
	assert_false(s3_marker_parse(&xml, true, &marker, &error));
	xml = document("<R><IsTruncated>true</IsTruncated><NextContinuationToken/></R>");
	assert_false(s3_marker_parse(&xml, false, &marker, &error));
	xml = document("<R><IsTruncated>false</IsTruncated><NextContinuationToken>t</NextContinuationToken></R>");
	assert_true(s3_marker_parse(&xml, false, &marker, &error));
	assert_null(marker.token);
}

static void
test_token_guess(void **state)
{
	assert_string_equal(s3_token_guess("<R><NextContinuationToken>abc=</NextContinuationToken>"), "abc=");
	assert_null(s3_token_guess("<NextContinuationToken>a&amp;b</NextContinuationToken>"));
	assert_null(s3_token_guess("<NextContinuationToken></NextContinuationToken>"));
	assert_null(s3_token_guess("<NextContinuationToken>abc"));
	assert_null(s3_token_guess("<R/>"));
}

#define BEGIN                                                                                                \
	"<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<ListBucketResult "                                          \
	"xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
#define END "</ListBucketResult>"

/* Pages as S3 and servers like it write them are read in one pass; that it comes to the same is what s3_page_fuzz.c looks at. */
static void
test_scan(void **state)
{
	static const char page_of_s3[] =
		BEGIN "<Name>lake</Name><Prefix>a&amp;b</Prefix><NextContinuationToken>1ue&lt;=</NextContinuationToken>"
			  "<KeyCount>3</KeyCount><MaxKeys>1000</MaxKeys><EncodingType>url</EncodingType>"
			  "<IsTruncated>true</IsTruncated>"
			  "<Contents><Key>a%20b%2Bc+d/%C3%A9</Key><LastModified>2026-11-20T01:02:03.000Z</LastModified>"
			  "<ETag>&quot;e1&quot;</ETag><ChecksumAlgorithm>CRC32C</ChecksumAlgorithm>"
			  "<Size>18446744073709551615</Size><StorageClass>STANDARD</StorageClass></Contents>"
			  "<Contents><Size>0</Size><ETag>&#34;e2&#34;</ETag><Key>c</Key></Contents>"
			  "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>" END;
	static const char *const others[] = {"<ListBucketResult></ListBucketResult>",
										 BEGIN "<Prefix/><IsTruncated>false</IsTruncated>" END "\n"};
	EtlS3Page page;
	EtlS3Marker marker;

	assert_true(s3_page_scan(page_of_s3, strlen(page_of_s3), &page, &marker));
	assert_int_equal(page.count, 3);
	assert_string_equal(page.objects[0].key, "a b+c d/\xC3\xA9");
	assert_string_equal(page.objects[0].etag, "e1");
	assert_true(page.objects[0].size == PG_UINT64_MAX);
	assert_true(page.objects[0].last_modified ==
				(INT64CONST(1795136523) - INT64CONST(946684800)) * USECS_PER_SEC);
	assert_string_equal(page.objects[1].key, "b/");
	assert_true(page.objects[1].is_prefix);
	assert_string_equal(page.objects[2].key, "c");
	assert_string_equal(page.objects[2].etag, "e2");
	assert_string_equal(marker.token, "1ue<=");
	for (int i = 0; i < lengthof(others); i++)
	{
		assert_true(s3_page_scan(others[i], strlen(others[i]), &page, &marker));
		assert_int_equal(page.count, 0);
		assert_null(marker.token);
	}
}

/* More entries than there is room for at first. */
static void
test_scan_many(void **state)
{
	StringInfoData text;
	EtlS3Page page;
	EtlS3Marker marker;

	initStringInfo(&text);
	appendStringInfoString(&text, BEGIN);
	for (int i = 0; i < 5000; i++)
		appendStringInfo(&text, "<Contents><Key>k%d</Key><Size>%d</Size></Contents>", i, i);
	appendStringInfoString(&text, END);
	assert_true(s3_page_scan(text.data, text.len, &page, &marker));
	assert_int_equal(page.count, 5000);
	assert_string_equal(page.objects[4999].key, "k4999");
	assert_true(page.objects[4999].size == 4999);
	for (int length = 0; length < 300; length++)
	{
		char *cut = pnstrdup(text.data, length);

		assert_false(s3_page_scan(cut, length, &page, &marker));
		pfree(cut);
	}
}

/* What isn't quite like that is left to expat. */
static void
test_scan_leaves(void **state)
{
	static const char *const pages[] = {
		"",
		" <ListBucketResult></ListBucketResult>",
		"<!DOCTYPE r [<!ENTITY e 'x'>]><ListBucketResult></ListBucketResult>",
		"<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?><ListBucketResult></ListBucketResult>",
		"<ListBucketResult a='1'></ListBucketResult>",
		"<R></R>",
		BEGIN END "x",
		BEGIN "<!-- no -->" END,
		BEGIN "<Name><![CDATA[lake]]></Name>" END,
		BEGIN "<Name>a\x01</Name>" END,
		BEGIN "<Name>\xC3\xA9</Name>" END,
		BEGIN "<Name>&copy;</Name>" END,
		BEGIN "<Name>&#x41;</Name>" END,
		BEGIN "<Name>a]]></Name>" END,
		BEGIN "<a:Name>lake</a:Name>" END,
		BEGIN "<Owner><ID>1</ID></Owner>" END,
		BEGIN "<IsTruncated>true</IsTruncated>" END,
		BEGIN "<IsTruncated>true</IsTruncated><NextContinuationToken></NextContinuationToken>" END,
		BEGIN "<Contents/>" END,
		BEGIN "<Contents><Key>a</Key></Contents>" END,
		BEGIN "<Contents><Size>1</Size></Contents>" END,
		BEGIN "<Contents><Key>a</Key><Size>-1</Size></Contents>" END,
		BEGIN "<Contents><Key>a</Key><Size>1</Size><Owner><ID>1</ID></Owner></Contents>" END,
		BEGIN "<Contents><Key>a</Key><Size>1</Size></Contents><EncodingType>url</EncodingType>" END,
		BEGIN "<EncodingType>url</EncodingType><Contents><Key>%FF</Key><Size>1</Size></Contents>" END,
		BEGIN "<EncodingType>url</EncodingType><Contents><Key>%0</Key><Size>1</Size></Contents>" END,
		BEGIN "<Version><Key>a</Key><Size>1</Size></Version>" END};
	EtlS3Page page;
	EtlS3Marker marker;

	for (int i = 0; i < lengthof(pages); i++)
		if (s3_page_scan(pages[i], strlen(pages[i]), &page, &marker))
			fail_msg("taken: %s", pages[i]);
}

static void
test_headers(void **state)
{
	uint64 first;
	uint64 end;
	uint64 total;

	assert_string_equal(s3_etag_copy("\"a\""), "a");
	assert_string_equal(s3_etag_copy("a"), "a");
	assert_string_equal(s3_etag_copy("\""), "");
	assert_string_equal(s3_etag_copy(""), "");
	assert_string_equal(s3_etag_copy(NULL), "");
	assert_string_equal(s3_etag_copy("\"a\xC3\xA9\n\""), "a???");
	assert_true(s3_size_parse("0", &first) && first == 0);
	assert_false(s3_size_parse("", &first) || s3_size_parse(NULL, &first) || s3_size_parse("+1", &first) ||
				 s3_size_parse(" 1", &first) || s3_size_parse("1x", &first) || s3_size_parse("0x1", &first) ||
				 s3_size_parse("18446744073709551616", &first) ||
				 s3_size_parse("99999999999999999999999", &first));
	assert_true(s3_range_parse("bytes 5-9/1000", &first, &end, &total));
	assert_true(first == 5 && end == 10 && total == 1000);
	assert_false(s3_range_parse(NULL, &first, &end, &total) ||
				 s3_range_parse("bytes */1000", &first, &end, &total) ||
				 s3_range_parse("bytes 0-1/*", &first, &end, &total) ||
				 s3_range_parse("bytes 0-18446744073709551615/1", &first, &end, &total) ||
				 s3_range_parse("bytes 0--1/1", &first, &end, &total) ||
				 s3_range_parse("bytes 0-", &first, &end, &total) ||
				 s3_range_parse("bytes 0-1/2x", &first, &end, &total));
}

static void
test_time(void **state)
{
	static const char *const none[] = {"",
									   "2026-11-20",
									   "2026-13-20T01:02:03Z",
									   "2026-11-20T24:02:03Z",
									   "2026-11-20 01:02:03Z",
									   "2026-11-20T01.02.03Z",
									   "-026-11-20T01:02:03Z",
									   "0000-01-01T00:00:00Z"};

	assert_true(s3_time_parse("2000-01-01T00:00:00.000Z") == 0);
	assert_true(s3_time_parse("2000-02-29T00:00:01Z") == INT64CONST(59) * USECS_PER_DAY + USECS_PER_SEC);
	assert_true(s3_time_parse("2000-03-01T00:00:00Z") == INT64CONST(60) * USECS_PER_DAY);
	assert_true(s3_time_parse("1970-01-01T00:00:00Z") == -INT64CONST(946684800) * USECS_PER_SEC);
	assert_true(s3_time_parse("2100-03-01T00:00:00Z") ==
				(INT64CONST(4107542400) - INT64CONST(946684800)) * USECS_PER_SEC);
	for (int i = 0; i < lengthof(none); i++)
		assert_true(s3_time_parse(none[i]) == 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_page),			cmocka_unit_test(test_versions),
									   cmocka_unit_test(test_page_refused), cmocka_unit_test(test_marker),
									   cmocka_unit_test(test_token_guess),	cmocka_unit_test(test_headers),
									   cmocka_unit_test(test_time),			cmocka_unit_test(test_scan),
									   cmocka_unit_test(test_scan_many),	cmocka_unit_test(test_scan_leaves)};

	return cmocka_run_group_tests_name("s3_answer", tests, NULL, NULL);
}

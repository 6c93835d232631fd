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
									   cmocka_unit_test(test_time)};

	return cmocka_run_group_tests_name("s3_answer", tests, NULL, NULL);
}

/*
 * s3_write_answer_test.c
 *		What S3 answers when it is written to, and what it may not: see aws/s3_write_answer.h.
 */
#include "aws/s3_write_answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "aws/error.h"

#define S3_NS " xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\""
#define DECLARATION "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"

static void
check_refusal(const EtlError *error, const char *detail)
{
	assert_int_equal(error->sqlstate, ERRCODE_PROTOCOL_VIOLATION);
	assert_string_equal(error->message, "unexpected answer");
	if (detail != NULL)
		assert_string_equal(error->detail, detail);
	else
		assert_true(error->detail[0] != '\0');
}

/* `count` times the text. */
static char *
repeated(const char *text, int count)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < count; i++)
		appendStringInfoString(&out, text);
	return out.data;
}

/* ---- the beginning of an upload ---- */

static bool
upload_id(const char *body, char **id, EtlError *error)
{
	return s3_upload_id_parse(body, strlen(body), id, error);
}

static void
test_upload_id(void **state)
{
	char *id;
	EtlError error;

	assert_true(upload_id(DECLARATION
						  "<InitiateMultipartUploadResult" S3_NS "><Bucket>lake</Bucket><Key>a</Key>"
						  "<UploadId>VXBsb2FkIElE.._-~</UploadId></InitiateMultipartUploadResult>",
						  &id, &error));
	assert_string_equal(id, "VXBsb2FkIElE.._-~");
	assert_true(upload_id(" \r\n\t<InitiateMultipartUploadResult><UploadId>a&amp;b</UploadId>"
						  "</InitiateMultipartUploadResult>\n",
						  &id, &error));
	assert_string_equal(id, "a&b");
}

static void
test_upload_id_refused(void **state)
{
	static const struct
	{
		const char *body;
		const char *detail;
	} answers[] = {
		{"", NULL},
		{" \n", NULL},
		{"ok", NULL},
		{"{\"UploadId\": \"x\"}", NULL},
		{"<InitiateMultipartUploadResult><UploadId>canary</UploadId>", NULL},
		{"<InitiateMultipartUploadResult><UploadId>canary</Uploa", NULL},
		{"<!DOCTYPE a [<!ENTITY e \"canary\">]><InitiateMultipartUploadResult><UploadId>&e;</UploadId>"
		 "</InitiateMultipartUploadResult>",
		 NULL},
		{"<InitiateMultipartUploadResult><UploadId>&canary;</UploadId></InitiateMultipartUploadResult>",
		 NULL},
		{"<Error><Code>InternalError</Code></Error>", "The answer is no InitiateMultipartUploadResult."},
		{"<html><UploadId>canary</UploadId></html>", "The answer is no InitiateMultipartUploadResult."},
		{"<s3:InitiateMultipartUploadResult xmlns:s3=\"http://s3\"><s3:UploadId>canary</s3:UploadId>"
		 "</s3:InitiateMultipartUploadResult>",
		 "The answer is no InitiateMultipartUploadResult."},
		{"<InitiateMultipartUploadResult/>", "The answer has no UploadId."},
		{"<InitiateMultipartUploadResult><UploadId/></InitiateMultipartUploadResult>",
		 "The answer has no UploadId."},
		{"<InitiateMultipartUploadResult><UploadId><b>canary</b></UploadId></InitiateMultipartUploadResult>",
		 "The answer has no UploadId."},
		{"<InitiateMultipartUploadResult><a><UploadId>canary</UploadId></a></InitiateMultipartUploadResult>",
		 "The answer has no UploadId."},
		{"<InitiateMultipartUploadResult><UploadId>canary</UploadId><UploadId>canary</UploadId>"
		 "</InitiateMultipartUploadResult>",
		 "The answer has several UploadId."},
		{"<InitiateMultipartUploadResult><UploadId> canary</UploadId></InitiateMultipartUploadResult>",
		 "Its UploadId has a character that it can't have."},
		{"<InitiateMultipartUploadResult><UploadId>canary\n</UploadId></InitiateMultipartUploadResult>",
		 "Its UploadId has a character that it can't have."},
		{"<InitiateMultipartUploadResult><UploadId>can\xC3\xA4ry</UploadId></InitiateMultipartUploadResult>",
		 "Its UploadId has a character that it can't have."},
		{"<InitiateMultipartUploadResult><UploadId>canary&#127;</UploadId></InitiateMultipartUploadResult>",
		 "Its UploadId has a character that it can't have."},
	};
	char *id = NULL;
	char *enormous;
	EtlError error;

	for (int i = 0; i < lengthof(answers); i++)
	{
		if (upload_id(answers[i].body, &id, &error))
			fail_msg("taken: %s", answers[i].body);
		check_refusal(&error, answers[i].detail);
		assert_null(strstr(error.detail, "canary"));
	}
	enormous =
		psprintf("<InitiateMultipartUploadResult><UploadId>%s</UploadId></InitiateMultipartUploadResult>",
				 repeated("canary", 100 * 1000));
	assert_false(upload_id(enormous, &id, &error));
	check_refusal(&error, "Its UploadId is longer than it can be.");
	/* what follows a byte 0 is a part of the answer, too */
	assert_false(s3_upload_id_parse("<InitiateMultipartUploadResult><UploadId>a</UploadId>"
									"</InitiateMultipartUploadResult>\0<",
									86, &id, &error));
	check_refusal(&error, NULL);
	assert_null(id);
}

/* ---- ETags ---- */

static void
test_made(void **state)
{
	static const struct
	{
		EtlS3Made made;
		const char *body;
		const char *etag;
	} good[] = {
		{S3_MADE_COPY,
		 DECLARATION "<CopyObjectResult" S3_NS "><LastModified>2026-11-20T01:02:03.000Z</LastModified>"
					 "<ETag>&quot;9b2cf535f27731c974343645a3985328&quot;</ETag></CopyObjectResult>",
		 "9b2cf535f27731c974343645a3985328"},
		{S3_MADE_PART, "\n \n<CopyPartResult><ETag>\"p\"</ETag></CopyPartResult>", "p"},
		{S3_MADE_UPLOAD,
		 "  <CompleteMultipartUploadResult><Location>http://x</Location><Bucket>b</Bucket><Key>k</Key>"
		 "<ETag>&#34;3858f62230ac3c915f300c664312c11f-9&#34;</ETag></CompleteMultipartUploadResult>",
		 "3858f62230ac3c915f300c664312c11f-9"},
		{S3_MADE_COPY, "<CopyObjectResult><ETag>plain</ETag></CopyObjectResult>", "plain"},
	};
	char *etag;
	EtlError error;

	for (int i = 0; i < lengthof(good); i++)
	{
		assert_true(s3_made_etag_parse(good[i].body, strlen(good[i].body), good[i].made, &etag, &error));
		assert_string_equal(etag, good[i].etag);
	}
}

static void
test_made_refused(void **state)
{
	static const struct
	{
		EtlS3Made made;
		const char *body;
		const char *detail;
	} answers[] = {
		{S3_MADE_COPY, "", NULL},
		{S3_MADE_COPY, "<CopyObjectResult><ETag>\"e\"</ETag>", NULL},
		{S3_MADE_COPY, "<CopyPartResult><ETag>\"e\"</ETag></CopyPartResult>",
		 "The answer is no CopyObjectResult."},
		{S3_MADE_PART, "<CopyObjectResult><ETag>\"e\"</ETag></CopyObjectResult>",
		 "The answer is no CopyPartResult."},
		{S3_MADE_UPLOAD, "<Error><Code>InternalError</Code><ETag>\"e\"</ETag></Error>",
		 "The answer is no CompleteMultipartUploadResult."},
		{S3_MADE_PART, "<CopyPartResult></CopyPartResult>", "The answer has no ETag."},
		{S3_MADE_PART, "<CopyPartResult><ETag>\"\"</ETag></CopyPartResult>", "The answer has no ETag."},
		{S3_MADE_PART, "<CopyPartResult><ETag>\"</ETag></CopyPartResult>", "The answer has no ETag."},
		{S3_MADE_PART, "<CopyPartResult><ETag>\"a\"</ETag><ETag>\"b\"</ETag></CopyPartResult>",
		 "The answer has several ETag."},
		{S3_MADE_PART, "<CopyPartResult><ETag>\"\xC3\xA9\"</ETag></CopyPartResult>",
		 "Its ETag has a character that it can't have."},
	};
	char *etag = NULL;
	EtlError error;

	for (int i = 0; i < lengthof(answers); i++)
	{
		if (s3_made_etag_parse(answers[i].body, strlen(answers[i].body), answers[i].made, &etag, &error))
			fail_msg("taken: %s", answers[i].body);
		check_refusal(&error, answers[i].detail);
	}
	assert_null(etag);
}

static void
test_part(void **state)
{
	char *etag = NULL;
	EtlError error;

	assert_false(s3_part_etag_parse(NULL, &etag, &error));
	check_refusal(&error, "The answer has no ETag.");
	assert_false(s3_part_etag_parse("", &etag, &error) || s3_part_etag_parse("\"\"", &etag, &error));
	assert_false(s3_part_etag_parse(repeated("x", 257), &etag, &error));
	check_refusal(&error, "Its ETag is longer than it can be.");
	assert_null(etag);
	assert_true(s3_part_etag_parse("\"b54357faf0632cce46e942fa68356b38\"", &etag, &error));
	assert_string_equal(etag, "b54357faf0632cce46e942fa68356b38");
}

static void
test_late_error(void **state)
{
	static const char *const errors[] = {"<Error><Code>InternalError</Code><Message>m</Message></Error>",
										 "   \r\n\t<Error/>",
										 DECLARATION "<Error" S3_NS "><Code>SlowDown</Code></Error>\n"};
	static const char *const others[] = {"",
										 "  ",
										 "<Error>",
										 "<Error><Code>x</Code>",
										 "Error",
										 "<error/>",
										 "<A><Error/></A>",
										 "<CopyObjectResult/>",
										 "{\"Error\": 1}",
										 "<s:Error xmlns:s=\"http://s3\"/>",
										 "<Error/>x"};

	for (int i = 0; i < lengthof(errors); i++)
		if (!aws_error_is_late(errors[i], strlen(errors[i])))
			fail_msg("not seen: %s", errors[i]);
	for (int i = 0; i < lengthof(others); i++)
		if (aws_error_is_late(others[i], strlen(others[i])))
			fail_msg("seen: %s", others[i]);
}

/* ---- deletions ---- */

static bool
deletion(const char *body, EtlS3Deletion *out, EtlError *error)
{
	return s3_deletion_parse(body, strlen(body), out, error);
}

static void
test_deletion(void **state)
{
	EtlS3Deletion found;
	EtlError error;

	assert_true(deletion(DECLARATION "<DeleteResult" S3_NS "/>", &found, &error));
	assert_int_equal(found.refused, 0);
	assert_null(found.key);
	assert_true(
		deletion("<DeleteResult><Deleted><Key>a</Key><Code>no</Code></Deleted>"
				 "<Error><Key>b &lt;c&gt; \xC3\xA9+%20</Key><VersionId>v</VersionId><Code>AccessDenied</Code>"
				 "<Message>Access Denied</Message></Error>"
				 "<Error><Key>d</Key><Code>InternalError</Code></Error></DeleteResult>",
				 &found, &error));
	assert_int_equal(found.refused, 2);
	assert_string_equal(found.key, "b <c> \xC3\xA9+%20"); /* these are not percent-encoded */
	assert_string_equal(found.code, "AccessDenied");
	assert_string_equal(found.message, "Access Denied");
	/* a refusal that says nothing is one all the same */
	assert_true(deletion("<DeleteResult><Error/></DeleteResult>", &found, &error));
	assert_int_equal(found.refused, 1);
	assert_string_equal(found.key, "");
	assert_string_equal(found.code, "");
	assert_string_equal(found.message, "");
}

static void
test_deletion_refused(void **state)
{
	static const char *const answers[] = {"",
										  "<DeleteResult>",
										  "<DeleteResult><Error><Key>a</Key></Error>",
										  "<Error><Code>MalformedXML</Code></Error>",
										  "<R><DeleteResult/></R>",
										  "<DeleteResult><Error><Key>&#1;</Key></Error></DeleteResult>",
										  "<DeleteResult><Error><Key>\xFF</Key></Error></DeleteResult>",
										  "[]"};
	EtlS3Deletion found = {.refused = -7};
	EtlError error;

	for (int i = 0; i < lengthof(answers); i++)
	{
		if (deletion(answers[i], &found, &error))
			fail_msg("taken: %s", answers[i]);
		check_refusal(&error, NULL);
	}
	assert_int_equal(found.refused, -7);
}

static void
test_deletion_enormous(void **state)
{
	char *body = psprintf("<DeleteResult>%s</DeleteResult>",
						  repeated("<Error><Key>k</Key><Code>AccessDenied</Code></Error>", 50 * 1000));
	EtlS3Deletion found;
	EtlError error;

	assert_true(deletion(body, &found, &error));
	assert_int_equal(found.refused, 50 * 1000);
}

/* ---- uploads ---- */

#define UPLOAD(key, id, begun)                                                                               \
	"<Upload><Key>" key "</Key><UploadId>" id                                                                \
	"</UploadId><Initiator><ID>i</ID></Initiator><Initiated>" begun "</Initiated></Upload>"
#define UPLOADS(rest) "<ListMultipartUploadsResult" S3_NS ">" rest "</ListMultipartUploadsResult>"

static bool
uploads(const char *body, EtlS3UploadPage *out, EtlError *error)
{
	return s3_upload_page_parse(body, strlen(body), out, error);
}

static void
test_uploads(void **state)
{
	EtlS3UploadPage page;
	EtlError error;

	assert_true(
		uploads(UPLOADS("<Bucket>b</Bucket><IsTruncated>false</IsTruncated><NextKeyMarker>x</NextKeyMarker>"),
				&page, &error));
	assert_int_equal(page.count, 0);
	assert_null(page.next_key);
	assert_null(page.next_id);
	assert_true(uploads(
		UPLOADS(
			"<EncodingType>url</EncodingType>" UPLOAD("a+b%2Bc%01%C3%A9", "i1", "1970-01-01T00:01:00.000Z")
				UPLOAD("d", "i2",
					   "2026-11-20T01:02:03Z") "<IsTruncated>true</IsTruncated>"
											   "<NextKeyMarker>d%20e</NextKeyMarker><NextUploadIdMarker>i2</"
											   "NextUploadIdMarker>"),
		&page, &error));
	assert_int_equal(page.count, 2);
	assert_string_equal(page.entries[0].key, "a b+c\x01\xC3\xA9");
	assert_string_equal(page.entries[0].id, "i1");
	assert_int_equal(page.entries[0].begun, 60);
	assert_int_equal(page.entries[1].begun, 1795136523);
	assert_string_equal(page.next_key, "d e");
	assert_string_equal(page.next_id, "i2");
	/* what doesn't encode keys says so by not saying that it does */
	assert_true(uploads(UPLOADS(UPLOAD("a+b%20", "i", "1970-01-01T00:00:00Z")), &page, &error));
	assert_string_equal(page.entries[0].key, "a+b%20");
}

static void
test_uploads_refused(void **state)
{
	static const char *const answers[] = {
		"",
		UPLOADS("<Upload>"),
		"<ListBucketResult>" UPLOAD("a", "i", "1970-01-01T00:00:00Z") "</ListBucketResult>",
		"<Error><Code>NoSuchBucket</Code></Error>",
		UPLOADS("<Upload/>"),
		UPLOADS("<Upload><Key>a</Key><UploadId>i</UploadId></Upload>"),
		UPLOADS("<Upload><Key>a</Key><Initiated>1970-01-01T00:00:00Z</Initiated></Upload>"),
		UPLOADS("<Upload><UploadId>i</UploadId><Initiated>1970-01-01T00:00:00Z</Initiated></Upload>"),
		UPLOADS(UPLOAD("a", "", "1970-01-01T00:00:00Z")),
		UPLOADS(UPLOAD("a", "i i", "1970-01-01T00:00:00Z")),
		UPLOADS(UPLOAD("a", "i", "yesterday")),
		UPLOADS(UPLOAD("a", "i", "1970-13-01T00:00:00Z")),
		UPLOADS(UPLOAD("a", "i</UploadId><UploadId>j", "1970-01-01T00:00:00Z")),
		UPLOADS("<EncodingType>url</EncodingType>" UPLOAD("a%", "i", "1970-01-01T00:00:00Z")),
		UPLOADS("<EncodingType>url</EncodingType>" UPLOAD("a%00", "i", "1970-01-01T00:00:00Z")),
		UPLOADS("<EncodingType>url</EncodingType>" UPLOAD("%FF", "i", "1970-01-01T00:00:00Z")),
		UPLOADS("<IsTruncated>true</IsTruncated>"),
		UPLOADS("<IsTruncated>true</IsTruncated><NextKeyMarker>k</NextKeyMarker>"),
		UPLOADS("<IsTruncated>true</IsTruncated><NextKeyMarker/><NextUploadIdMarker>i</NextUploadIdMarker>"),
		UPLOADS("<IsTruncated>true</IsTruncated><NextUploadIdMarker>i</NextUploadIdMarker>"),
		UPLOADS(
			"<EncodingType>url</EncodingType><IsTruncated>true</IsTruncated><NextKeyMarker>%</NextKeyMarker>"
			"<NextUploadIdMarker>i</NextUploadIdMarker>"),
	};
	EtlS3UploadPage page = {.count = -7};
	EtlError error;

	for (int i = 0; i < lengthof(answers); i++)
	{
		if (uploads(answers[i], &page, &error))
			fail_msg("taken: %s", answers[i]);
		assert_int_equal(error.sqlstate, ERRCODE_PROTOCOL_VIOLATION);
		assert_true(error.detail[0] != '\0');
	}
	assert_int_equal(page.count, -7);
	assert_null(page.entries);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_upload_id),
									   cmocka_unit_test(test_upload_id_refused),
									   cmocka_unit_test(test_made),
									   cmocka_unit_test(test_made_refused),
									   cmocka_unit_test(test_part),
									   cmocka_unit_test(test_late_error),
									   cmocka_unit_test(test_deletion),
									   cmocka_unit_test(test_deletion_refused),
									   cmocka_unit_test(test_deletion_enormous),
									   cmocka_unit_test(test_uploads),
									   cmocka_unit_test(test_uploads_refused)};

	return cmocka_run_group_tests_name("s3_write_answer", tests, NULL, NULL);
}

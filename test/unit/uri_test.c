/*
 * uri_test.c
 *		S3 URIs: what is taken apart, what is refused and how it is worded.
 */
#include "store/uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

static void
expect(const char *uri, const char *bucket, const char *key)
{
	char *got_bucket;
	char *got_key;
	EtlError error;

	assert_true(uri_split(uri, &got_bucket, &got_key, &error));
	assert_string_equal(got_bucket, bucket);
	assert_string_equal(got_key, key);
	pfree(got_bucket);
	pfree(got_key);
}

static void
expect_refused(const char *uri, const char *detail, const char *hint)
{
	char *bucket;
	char *key;
	EtlError error;

	assert_false(uri_split(uri, &bucket, &key, &error));
	assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
	assert_string_equal(error.detail, detail);
	assert_string_equal(error.hint, hint);
}

static void
test_taken_apart(void **state)
{
	expect("s3://lake", "lake", "");
	expect("s3://lake/", "lake", "");
	expect("s3://lake/a/b.csv", "lake", "a/b.csv");
	expect("s3://lake//a", "lake", "/a");
	expect("s3://my.lake-2/a b+c%20=\xC3\xA9?x#y", "my.lake-2", "a b+c%20=\xC3\xA9?x#y");
}

static void
test_refused(void **state)
{
	char long_uri[10 + STORE_KEY_MAX + 2] = "s3://lake/";

	expect_refused("", "It does not begin with \"s3://\".", "Write it as s3://bucket/key.");
	expect_refused("/etc/passwd", "It does not begin with \"s3://\".", "Write it as s3://bucket/key.");
	expect_refused("s3a://lake/x", "It does not begin with \"s3://\".", "Use \"s3://lake/x\".");
	expect_refused("s3n://lake/x", "It does not begin with \"s3://\".", "Use \"s3://lake/x\".");
	expect_refused("S3://lake/x", "It does not begin with \"s3://\".", "Use \"s3://lake/x\".");
	expect_refused("s3://lake/a\nb", "It has the control character 0x0A after what is shown.", "");
	expect_refused("s3://lake/\x7f", "It has the control character 0x7F after what is shown.", "");
	memset(long_uri + 10, 'k', STORE_KEY_MAX);
	expect(long_uri, "lake", long_uri + 10);
	long_uri[10 + STORE_KEY_MAX] = 'k';
	expect_refused(long_uri, "A key is at most 1024 bytes long.", "");
}

static void
test_bucket_names(void **state)
{
	const char *characters = "A bucket name has lower-case letters, digits, dots and hyphens only.";

	expect_refused("s3://", "A bucket name is 3 to 63 characters long.", "");
	expect_refused("s3:///key", "A bucket name is 3 to 63 characters long.", "");
	expect_refused("s3://ab/key", "A bucket name is 3 to 63 characters long.", "");
	expect_refused("s3://0123456789012345678901234567890123456789012345678901234567890123/k",
				   "A bucket name is 3 to 63 characters long.", "");
	expect_refused("s3://Lake/key", characters, "");
	expect_refused("s3://my_lake/key", characters, "");
	expect_refused("s3://lake@host:1/key", characters, "");
	expect_refused("s3://a..b/key", "A bucket name does not have two dots in a row.", "");
	expect_refused("s3://.../key", "A bucket name does not have two dots in a row.", "");
	expect_refused("s3://-lake/key", "A bucket name begins and ends with a letter or digit.", "");
	expect_refused("s3://lake./key", "A bucket name begins and ends with a letter or digit.", "");
	expect_refused("s3://.pg/key", "A bucket name begins and ends with a letter or digit.", "");
	expect_refused("s3://10.0.0.1/key", "A bucket name does not look like an IP address.", "");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_taken_apart),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bucket_names),
	};

	return cmocka_run_group_tests_name("uri", tests, NULL, NULL);
}

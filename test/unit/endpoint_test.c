/*
 * endpoint_test.c
 *		Hosts of services, buckets in hosts and paths, and what is no endpoint.
 */
#include "aws/endpoint.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
expect(const EtlEndpoint *endpoint, const char *base, const char *host, const char *path)
{
	assert_string_equal(endpoint->base, base);
	assert_string_equal(endpoint->host, host);
	assert_string_equal(endpoint->path, path);
}

static void
test_service(void **state)
{
	EtlEndpoint e;
	EtlError error;

	assert_true(endpoint_service("sns", "us-east-1", NULL, &e, &error));
	expect(&e, "https://sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com", "");
	assert_true(endpoint_service("sts", "cn-north-1", NULL, &e, &error));
	expect(&e, "https://sts.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn", "");
	assert_true(endpoint_service("secretsmanager", "us-gov-west-1", NULL, &e, &error));
	expect(&e, "https://secretsmanager.us-gov-west-1.amazonaws.com",
		   "secretsmanager.us-gov-west-1.amazonaws.com", "");
	assert_true(endpoint_service("sns", "us-east-1", "http://127.0.0.1:5000", &e, &error));
	expect(&e, "http://127.0.0.1:5000", "127.0.0.1:5000", "");
	assert_false(endpoint_service("sns", "evil.example/", NULL, &e, &error));
	assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
}

static void
test_s3(void **state)
{
	EtlEndpoint e;
	EtlError error;

	assert_true(endpoint_s3("eu-west-1", NULL, false, "lake", &e, &error));
	expect(&e, "https://lake.s3.eu-west-1.amazonaws.com", "lake.s3.eu-west-1.amazonaws.com", "");
	assert_true(endpoint_s3("eu-west-1", NULL, true, "lake", &e, &error));
	expect(&e, "https://s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", "/lake");
	assert_true(endpoint_s3("eu-west-1", NULL, false, "my.lake", &e, &error));
	expect(&e, "https://s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", "/my.lake");
	assert_true(endpoint_s3("eu-west-1", "http://s3.test:9000", false, "my.lake", &e, &error));
	expect(&e, "http://my.lake.s3.test:9000", "my.lake.s3.test:9000", "");
	assert_true(endpoint_s3("eu-west-1", "http://127.0.0.1:9000", false, "lake", &e, &error));
	expect(&e, "http://127.0.0.1:9000", "127.0.0.1:9000", "/lake");
	assert_true(endpoint_s3("eu-west-1", "http://[::1]:9000", false, "lake", &e, &error));
	expect(&e, "http://[::1]:9000", "[::1]:9000", "/lake");
}

static void
test_bucket(void **state)
{
	const char *good[] = {"abc", "my-lake.2026", "0ab"};
	const char *bad[] = {"",
						 "ab",
						 "Lake",
						 "a_b",
						 "-abc",
						 "abc-",
						 ".ab",
						 "a..bc",
						 "1.2.3.4",
						 "lake/key",
						 "a b",
						 "evil.com?x",
						 "a123456789012345678901234567890123456789012345678901234567890123"};
	EtlError error;

	for (int i = 0; i < lengthof(good); i++)
		assert_true(endpoint_bucket_check(good[i], &error));
	for (int i = 0; i < lengthof(bad); i++)
		if (endpoint_bucket_check(bad[i], &error))
			fail_msg("bucket \"%s\" must be refused", bad[i]);
}

static void
test_custom(void **state)
{
	const char *good[] = {"http://localhost:5000", "https://s3.example.com", "http://[::1]:1",
						  "https://minio"};
	const char *bad[] = {"",
						 "localhost:5000",
						 "ftp://host",
						 "http://",
						 "http://user:pw@host",
						 "http://host/",
						 "http://host/path",
						 "http://host?x",
						 "http://host#x",
						 "http://host:0",
						 "http://host:65536",
						 "http://host:123456",
						 "http://host:",
						 "http://ho st",
						 "http://host\n",
						 "http://[::1",
						 "http://[]"};
	EtlError error;

	for (int i = 0; i < lengthof(good); i++)
		assert_true(endpoint_custom_check(good[i], &error));
	for (int i = 0; i < lengthof(bad); i++)
		if (endpoint_custom_check(bad[i], &error))
			fail_msg("endpoint \"%s\" must be refused", bad[i]);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_service), cmocka_unit_test(test_s3),
									   cmocka_unit_test(test_bucket), cmocka_unit_test(test_custom)};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}

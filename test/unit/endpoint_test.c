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

	assert_true(endpoint_service("sns", "us-east-1", &(EtlEndpointOptions){NULL}, &e, &error));
	expect(&e, "https://sns.us-east-1.amazonaws.com", "sns.us-east-1.amazonaws.com", "");
	assert_true(endpoint_service("sts", "cn-north-1", &(EtlEndpointOptions){NULL}, &e, &error));
	expect(&e, "https://sts.cn-north-1.amazonaws.com.cn", "sts.cn-north-1.amazonaws.com.cn", "");
	assert_true(endpoint_service("secretsmanager", "us-gov-west-1", &(EtlEndpointOptions){NULL}, &e, &error));
	expect(&e, "https://secretsmanager.us-gov-west-1.amazonaws.com",
		   "secretsmanager.us-gov-west-1.amazonaws.com", "");
	assert_true(
		endpoint_service("sns", "us-east-1", &(EtlEndpointOptions){"http://127.0.0.1:5000"}, &e, &error));
	expect(&e, "http://127.0.0.1:5000", "127.0.0.1:5000", "");
	assert_false(endpoint_service("sns", "evil.example/", NULL, &e, &error));
	assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
}

/* Every service and kind of endpoint in every partition, as botocore has them. */
static void
test_vectors(void **state)
{
	FILE *file = fopen("test/unit/endpoint_vectors.txt", "r");
	char service[64], region[64], host[256], signs[64];
	int fips, dualstack, count = 0;

	assert_non_null(file);
	while (fscanf(file, "%63s %63s %d %d %255s %63s", service, region, &fips, &dualstack, host, signs) == 6)
	{
		EtlEndpointOptions options = {.fips = fips, .dualstack = dualstack};
		EtlEndpoint e;
		EtlError error;

		count++;
		if (strcmp(host, "-") == 0)
		{
			if (endpoint_service(service, region, &options, &e, &error))
				fail_msg("%s in %s (%d, %d) is %s", service, region, fips, dualstack, e.host);
			assert_int_equal(error.sqlstate, ERRCODE_FEATURE_NOT_SUPPORTED);
			continue;
		}
		if (!endpoint_service(service, region, &options, &e, &error))
			fail_msg("%s in %s (%d, %d): %s", service, region, fips, dualstack, error.message);
		if (strcmp(e.host, host) != 0 || strcmp(e.region, signs) != 0)
			fail_msg("%s in %s (%d, %d) is %s of %s, not %s of %s", service, region, fips, dualstack, e.host,
					 e.region, host, signs);
	}
	assert_true(count > 1000);
	fclose(file);
}

static void
test_custom_has_no_kinds(void **state)
{
	EtlEndpoint e;
	EtlError error;

	assert_false(endpoint_service(
		"sns", "us-east-1", &(EtlEndpointOptions){.custom = "http://127.0.0.1:1", .fips = true}, &e, &error));
	assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
	assert_true(
		endpoint_s3("us-east-1", &(EtlEndpointOptions){.fips = true, .dualstack = true}, "lake", &e, &error));
	expect(&e, "https://lake.s3-fips.dualstack.us-east-1.amazonaws.com",
		   "lake.s3-fips.dualstack.us-east-1.amazonaws.com", "");
	assert_string_equal(e.region, "us-east-1");
}

static void
test_s3(void **state)
{
	EtlEndpoint e;
	EtlError error;

	assert_true(endpoint_s3("eu-west-1", &(EtlEndpointOptions){.custom = NULL, .path_style = false}, "lake",
							&e, &error));
	expect(&e, "https://lake.s3.eu-west-1.amazonaws.com", "lake.s3.eu-west-1.amazonaws.com", "");
	assert_true(endpoint_s3("eu-west-1", &(EtlEndpointOptions){.custom = NULL, .path_style = true}, "lake",
							&e, &error));
	expect(&e, "https://s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", "/lake");
	assert_true(endpoint_s3("eu-west-1", &(EtlEndpointOptions){.custom = NULL, .path_style = false},
							"my.lake", &e, &error));
	expect(&e, "https://s3.eu-west-1.amazonaws.com", "s3.eu-west-1.amazonaws.com", "/my.lake");
	assert_true(endpoint_s3("eu-west-1",
							&(EtlEndpointOptions){.custom = "http://s3.test:9000", .path_style = false},
							"my.lake", &e, &error));
	expect(&e, "http://my.lake.s3.test:9000", "my.lake.s3.test:9000", "");
	assert_true(endpoint_s3("eu-west-1",
							&(EtlEndpointOptions){.custom = "http://127.0.0.1:9000", .path_style = false},
							"lake", &e, &error));
	expect(&e, "http://127.0.0.1:9000", "127.0.0.1:9000", "/lake");
	assert_true(endpoint_s3("eu-west-1",
							&(EtlEndpointOptions){.custom = "http://[::1]:9000", .path_style = false}, "lake",
							&e, &error));
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
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_service),
									   cmocka_unit_test(test_vectors),
									   cmocka_unit_test(test_custom_has_no_kinds),
									   cmocka_unit_test(test_s3),
									   cmocka_unit_test(test_bucket),
									   cmocka_unit_test(test_custom)};

	return cmocka_run_group_tests_name("endpoint", tests, NULL, NULL);
}

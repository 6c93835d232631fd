/*
 * redirect_test.c
 *		Where a request may be sent on to, and where it may not.
 */
#include "aws/redirect.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define AWS ((EtlEndpoint){"https://lake.s3.us-east-1.amazonaws.com", "lake.s3.us-east-1.amazonaws.com", ""})

static EtlRedirect redirect;

static bool
read_region(int status, const char *region, const char *endpoint)
{
	EtlAwsFailure failure = {.status = status};

	strlcpy(failure.region, region, sizeof(failure.region));
	strlcpy(failure.endpoint, endpoint, sizeof(failure.endpoint));
	return redirect_read(&failure, "lake", "us-east-1", &AWS, NULL, &redirect);
}

static bool
read_location(const char *location, const char *custom)
{
	EtlAwsFailure failure = {.status = 307};
	EtlEndpoint endpoint = AWS;

	strlcpy(failure.location, location, sizeof(failure.location));
	if (custom != NULL)
		endpoint.base = unconstify(char *, custom);
	return redirect_read(&failure, "lake", "us-east-1", &endpoint, custom, &redirect);
}

static void
test_region(void **state)
{
	assert_true(read_region(301, "eu-west-1", ""));
	assert_string_equal(redirect.region, "eu-west-1");
	assert_string_equal(redirect.host, "");
	assert_true(read_region(400, "eu-west-1", ""));
	assert_true(read_region(301, "", "lake.s3-eu-west-1.amazonaws.com"));
	assert_string_equal(redirect.region, "eu-west-1");
	assert_true(read_region(301, "", "lake.s3.cn-north-1.amazonaws.com.cn"));
	assert_string_equal(redirect.region, "cn-north-1");

	assert_false(read_region(301, "us-east-1", "")); /* that is where it came from */
	assert_false(read_region(400, "", "lake.s3-eu-west-1.amazonaws.com"));
	assert_false(read_region(403, "eu-west-1", ""));
	assert_false(read_region(200, "eu-west-1", ""));
	assert_false(read_region(301, "eu-west-1.evil.example/", ""));
	assert_false(read_region(301, "", "lake.s3-eu-west-1.amazonaws.com.evil.example"));
	assert_false(read_region(301, "", "evil.example"));
	assert_false(read_region(301, "", ""));
}

static void
test_location(void **state)
{
	assert_true(read_location("https://lake.s3-eu-west-1.amazonaws.com/key?x=y", NULL));
	assert_string_equal(redirect.region, "eu-west-1");
	assert_string_equal(redirect.host, "lake.s3-eu-west-1.amazonaws.com");
	assert_true(read_location("https://s3.dualstack.eu-west-1.amazonaws.com/lake/key", NULL));
	assert_string_equal(redirect.region, "eu-west-1");
	assert_true(read_location("https://lake.s3.amazonaws.com/", "https://minio.example:9000"));

	assert_true(read_location("https://node2.minio.example:9000/lake/key", "https://minio.example:9000"));
	assert_string_equal(redirect.host, "node2.minio.example:9000");
	assert_string_equal(redirect.region, "");
	assert_true(read_location("https://minio.example:9000", "https://minio.example:9000"));
}

static void
test_refused(void **state)
{
	const char *refused[] = {
		"",
		"/key",
		"lake.s3.eu-west-1.amazonaws.com",
		"http://lake.s3.eu-west-1.amazonaws.com/", /* from https to http */
		"ftp://lake.s3.eu-west-1.amazonaws.com/",
		"https://",
		"https:///key",
		"https://169.254.169.254/latest",
		"https://evil.example/lake/key",
		"https://lake.s3.eu-west-1.amazonaws.com@evil.example/",
		"https://lake.s3.eu-west-1.amazonaws.com:8443/",
		"https://lake.s3.eu-west-1.amazonaws.com.evil.example/",
		"https://lake.s3.eu-west-1.evil.amazonaws.com/",
		"https://other.s3.eu-west-1.amazonaws.com/",
		"https://lake.s3x.eu-west-1.amazonaws.com/",
		"https://lake.s3..amazonaws.com/",
		"https://evilminio.example:9000/",
		"https://minio.example/",
		"https://minio.example:9001/",
		"https://evil.example#.minio.example:9000/",
		"https://user@evil.minio.example:9000/",
		"https://evil.example:80\\.minio.example:9000/",
	};

	for (int i = 0; i < lengthof(refused); i++)
	{
		if (read_location(refused[i], NULL))
			fail_msg("%s must be refused", refused[i]);
		if (read_location(refused[i], "https://minio.example:9000"))
			fail_msg("%s must be refused with an endpoint", refused[i]);
	}
	assert_false(read_location("https://minio.example:9000/", NULL));
	assert_false(read_location("https://minio.example:9000/", "http://minio.example:9000"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_region), cmocka_unit_test(test_location),
									   cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests_name("redirect", tests, NULL, NULL);
}

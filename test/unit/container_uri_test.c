/*
 * container_uri_test.c
 *		Where a container's token may be shown.
 */
#include "aws/container_uri.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
test_allowed(void **state)
{
	static const char *const uris[] = {"https://credentials.example.com/role?x=1",
									   "https://10.0.0.1:8443/",
									   "http://localhost/creds",
									   "http://localhost:1338/latest/credentials?role=a",
									   "http://127.0.0.1:80",
									   "http://127.1.2.3/x",
									   "http://[::1]:51679/v2",
									   "http://[0:0:0:0:0:0:0:1]/v2",
									   "http://169.254.170.2/v2/credentials/id",
									   "http://169.254.170.23/v1/credentials",
									   "http://[fd00:ec2::23]/v1/credentials"};
	EtlError error;

	for (int i = 0; i < lengthof(uris); i++)
		assert_true(container_uri_check(uris[i], &error));
}

static void
test_refused(void **state)
{
	static const char *const uris[] = {"",
									   "ftp://127.0.0.1/",
									   "file:///etc/passwd",
									   "127.0.0.1/x",
									   "http://",
									   "http:///x",
									   "http://169.254.169.254/latest/meta-data",
									   "http://169.254.170.3/",
									   "http://10.0.0.1/",
									   "http://example.com/",
									   "http://localhost.example.com/",
									   "http://127.0.0.1.example.com/",
									   "http://localhost@example.com/",
									   "http://127.0.0.1:80@example.com/",
									   "http://example.com#@127.0.0.1/",
									   "http://example.com?http://127.0.0.1/",
									   "http://0x7f000001/",
									   "http://2130706433/",
									   "http://0177.0.0.1/",
									   "http://127.1/",
									   "http://[::ffff:127.0.0.1]/",
									   "http://[::ffff:10.0.0.1]/",
									   "http://[fd00:ec2::254]/",
									   "http://[::1/x",
									   "http://127.0.0.1:0/",
									   "http://127.0.0.1:99999/",
									   "http://127.0.0.1/a b",
									   "http://127.0.0.1/a\r\nHost: example.com",
									   "https://user:canary@example.com/"};
	EtlError error;

	for (int i = 0; i < lengthof(uris); i++)
	{
		assert_false(container_uri_check(uris[i], &error));
		assert_int_equal(error.sqlstate, ERRCODE_INVALID_PARAMETER_VALUE);
		assert_null(strstr(error.detail, "canary"));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_allowed), cmocka_unit_test(test_refused)};

	return cmocka_run_group_tests_name("container_uri", tests, NULL, NULL);
}

/*
 * retry_test.c
 *		What is tried again, how often and after how long.
 */
#include "net/retry.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void
test_kind(void **state)
{
	assert_int_equal(retry_kind(503, "SlowDown"), ETL_RETRY_THROTTLED);
	assert_int_equal(retry_kind(400, "ThrottlingException"), ETL_RETRY_THROTTLED);
	assert_int_equal(retry_kind(429, ""), ETL_RETRY_THROTTLED);
	assert_int_equal(retry_kind(500, ""), ETL_RETRY_TRANSIENT);
	assert_int_equal(retry_kind(503, ""), ETL_RETRY_TRANSIENT);
	assert_int_equal(retry_kind(409, "ConditionalRequestConflict"), ETL_RETRY_TRANSIENT);
	assert_int_equal(retry_kind(400, "RequestTimeout"), ETL_RETRY_TRANSIENT);
	assert_int_equal(retry_kind(501, "NotImplemented"), ETL_RETRY_NEVER);
	assert_int_equal(retry_kind(403, "AccessDenied"), ETL_RETRY_NEVER);
	assert_int_equal(retry_kind(404, "NoSuchKey"), ETL_RETRY_NEVER);
	assert_int_equal(retry_kind(412, "PreconditionFailed"), ETL_RETRY_NEVER);
}

static void
test_again(void **state)
{
	int wait = -1;

	assert_false(retry_again(ETL_RETRY_NEVER, 1, 0.5, 0, &wait));
	assert_true(retry_again(ETL_RETRY_TRANSIENT, 1, 0.0, 0, &wait));
	assert_int_equal(wait, 0);
	assert_true(retry_again(ETL_RETRY_TRANSIENT, 1, 0.5, 0, &wait));
	assert_int_equal(wait, 25);
	assert_true(retry_again(ETL_RETRY_TRANSIENT, 2, 0.5, 0, &wait));
	assert_int_equal(wait, 50);
	assert_true(retry_again(ETL_RETRY_THROTTLED, 2, 0.5, 0, &wait));
	assert_int_equal(wait, 1000);
	assert_false(retry_again(ETL_RETRY_TRANSIENT, RETRY_ATTEMPTS, 0.5, 0, &wait));
	assert_false(retry_again(ETL_RETRY_THROTTLED, 1000, 0.5, 5000, &wait));

	/* what the server asks for is a floor, and has the same cap */
	assert_true(retry_again(ETL_RETRY_TRANSIENT, 1, 0.5, 3000, &wait));
	assert_int_equal(wait, 3000);
	assert_true(retry_again(ETL_RETRY_THROTTLED, 1, 0.9, 100, &wait));
	assert_int_equal(wait, 900);
	assert_true(retry_again(ETL_RETRY_THROTTLED, 1, 0.9, PG_INT64_MAX, &wait));
	assert_int_equal(wait, 20000);
	assert_true(retry_again(ETL_RETRY_TRANSIENT, 1, 0.5, -1, &wait));
	assert_int_equal(wait, 25);
}

static void
test_after(void **state)
{
	assert_int_equal(retry_after(NULL, NULL), 0);
	assert_int_equal(retry_after("1500", "9"), 1500);
	assert_int_equal(retry_after(NULL, "2"), 2000);
	assert_int_equal(retry_after("-5", "2"), 2000);
	assert_int_equal(retry_after("12x", NULL), 0);
	assert_int_equal(retry_after(NULL, "Wed, 21 Oct 2026 07:28:00 GMT"), 0);
	assert_int_equal(retry_after(NULL, "99999999999999999999"), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {cmocka_unit_test(test_kind), cmocka_unit_test(test_again),
									   cmocka_unit_test(test_after)};

	return cmocka_run_group_tests_name("retry", tests, NULL, NULL);
}

/*
 * tolerance_test.c
 *		How many of a task's items may fail.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "flow/tolerance.h"

#include <cmocka.h>

static void
a_number_is_itself(void **state)
{
	assert_int_equal(tolerance_count(NULL, 100), 0);
	assert_int_equal(tolerance_count("0", 100), 0);
	assert_int_equal(tolerance_count("5", 100), 5);
	assert_int_equal(tolerance_count("999999999", 3), 999999999);
}

static void
a_share_is_rounded_down(void **state)
{
	assert_int_equal(tolerance_count("10%", 100), 10);
	assert_int_equal(tolerance_count("10%", 99), 9);
	assert_int_equal(tolerance_count("0.29%", 10000), 29); /* 28.999… in floating point */
	assert_int_equal(tolerance_count("2.5%", 40), 1);
	assert_int_equal(tolerance_count("0.001%", 100000), 1);
	assert_int_equal(tolerance_count("0.001%", 99999), 0);
	assert_int_equal(tolerance_count("33.333%", 3), 0);
	assert_int_equal(tolerance_count("33.334%", 3), 1);
	assert_int_equal(tolerance_count("100%", 2147483647), 2147483647);
	assert_int_equal(tolerance_count("50%", 0), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_number_is_itself),
		cmocka_unit_test(a_share_is_rounded_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * backoff_test.c
 *		The delays between a step's attempts.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "flow/backoff.h"

#include <cmocka.h>

static void
each_delay_is_longer(void **state)
{
	EtlBackoff backoff = {.delay = 1.5, .factor = 2.0, .longest = ETL_BACKOFF_LONGEST};

	assert_float_equal(backoff_delay(&backoff, 1, 0.5), 1.5, 0);
	assert_float_equal(backoff_delay(&backoff, 2, 0.5), 3.0, 0);
	assert_float_equal(backoff_delay(&backoff, 5, 0.5), 24.0, 0);
	backoff.factor = 1.0;
	assert_float_equal(backoff_delay(&backoff, 1000, 0.5), 1.5, 0);
}

static void
none_is_longer_than_the_longest(void **state)
{
	EtlBackoff backoff = {.delay = 10, .factor = 100, .longest = 25};

	assert_float_equal(backoff_delay(&backoff, 1, 0), 10, 0);
	assert_float_equal(backoff_delay(&backoff, 2, 0), 25, 0);
	assert_float_equal(backoff_delay(&backoff, 1000, 0), 25, 0); /* the power is infinite */
	backoff.longest = 5;
	assert_float_equal(backoff_delay(&backoff, 1, 0), 5, 0);
}

static void
no_delay_stays_none(void **state)
{
	EtlBackoff backoff = {.delay = 0, .factor = 100, .longest = 25};

	assert_float_equal(backoff_delay(&backoff, 1, 1), 0, 0);
	assert_float_equal(backoff_delay(&backoff, 1000, 1), 0, 0);
}

static void
jitter_takes_a_part(void **state)
{
	EtlBackoff backoff = {.delay = 10, .factor = 2, .longest = 30, .jitter = true};

	assert_float_equal(backoff_delay(&backoff, 2, 0), 0, 0);
	assert_float_equal(backoff_delay(&backoff, 2, 0.25), 5, 0);
	assert_float_equal(backoff_delay(&backoff, 2, 1), 20, 0);
	assert_float_equal(backoff_delay(&backoff, 9, 0.5), 15, 0); /* of what is left by the longest */
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_delay_is_longer),
		cmocka_unit_test(none_is_longer_than_the_longest),
		cmocka_unit_test(no_delay_stays_none),
		cmocka_unit_test(jitter_takes_a_part),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

/*
 * quota_test.c
 *		How many retries a host gets, and what gives it more.
 */
#include "net/quota.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static EtlQuota quota;

static int
set_up(void **state)
{
	memset(&quota, 0, sizeof(quota));
	return 0;
}

/* Retries of a kind until the host's quota is spent. */
static int
spend(const char *host, EtlRetryKind kind)
{
	int count = 0;

	while (quota_table_take(&quota, host, quota_cost(kind)))
		count++;
	return count;
}

static void
test_spent(void **state)
{
	assert_int_equal(spend("s3.amazonaws.com", ETL_RETRY_TRANSIENT), 35); /* 500 / 14 */
	assert_false(quota_table_take(&quota, "s3.amazonaws.com", quota_cost(ETL_RETRY_TRANSIENT)));
	assert_int_equal(spend("s3.amazonaws.com", ETL_RETRY_THROTTLED), 2);	/* of the 10 that are left */
	assert_int_equal(spend("sns.amazonaws.com", ETL_RETRY_THROTTLED), 100); /* each host has its own */
	assert_int_equal(spend("sns.amazonaws.com:8443", ETL_RETRY_THROTTLED), 100);
}

static void
test_refilled(void **state)
{
	assert_false(quota_table_lacks(&quota, "a"));
	spend("a", ETL_RETRY_TRANSIENT);
	assert_true(quota_table_lacks(&quota, "a"));
	for (int i = 0; i < 4; i++)
		quota_table_give(&quota, "a", 1);
	assert_int_equal(spend("a", ETL_RETRY_TRANSIENT), 1); /* 10 were left */
	quota_table_give(&quota, "a", 14);
	assert_int_equal(spend("a", ETL_RETRY_TRANSIENT), 1);
	quota_table_give(&quota, "a", QUOTA_TOKENS); /* no bucket has more than it can hold */
	assert_false(quota_table_lacks(&quota, "a"));
	assert_int_equal(spend("a", ETL_RETRY_TRANSIENT), 35);
	quota_table_give(&quota, "b", 1);
	assert_int_equal(spend("b", ETL_RETRY_TRANSIENT), 35);
}

static void
test_forgotten(void **state)
{
	char host[32];

	spend("first", ETL_RETRY_TRANSIENT);
	spend("second", ETL_RETRY_TRANSIENT);
	assert_false(quota_table_take(&quota, "first", 14)); /* heard of again */
	for (int i = 2; i < QUOTA_HOSTS + 1; i++)
	{
		snprintf(host, sizeof(host), "host-%d", i);
		assert_true(quota_table_take(&quota, host, 14));
	}
	assert_false(quota_table_lacks(&quota, "second"));
	assert_false(quota_table_take(&quota, "first", 14));
}

static void
test_long_names(void **state)
{
	char host[2 * QUOTA_HOST_SIZE];

	memset(host, 'x', sizeof(host));
	host[sizeof(host) - 1] = '\0';
	assert_int_equal(spend(host, ETL_RETRY_TRANSIENT), 35);
	assert_true(quota_table_take(&quota, "", 14)); /* nobody's */
	assert_false(quota_table_lacks(&quota, ""));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(test_spent, set_up), cmocka_unit_test_setup(test_refilled, set_up),
		cmocka_unit_test_setup(test_forgotten, set_up), cmocka_unit_test_setup(test_long_names, set_up)};

	return cmocka_run_group_tests_name("quota", tests, NULL, NULL);
}

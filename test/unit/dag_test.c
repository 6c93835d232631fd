/*
 * dag_test.c
 *		What comes next in a graph of tasks.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "flow/dag.h"

#include <cmocka.h>

static const int on_first[] = {0};
static const int on_second[] = {1};
static const int on_both[] = {1, 2};

static void
roots_start_and_others_wait(void **state)
{
	EtlDagTask tasks[] = {{ETL_DAG_WAITING}, {ETL_DAG_WAITING, 1, on_first}, {ETL_DAG_WAITING}};

	assert_int_equal(dag_advance(tasks, 3), ETL_DAG_GOES_ON);
	assert_int_equal(tasks[0].decision, ETL_DAG_START);
	assert_int_equal(tasks[1].decision, ETL_DAG_NOTHING);
	assert_int_equal(tasks[2].decision, ETL_DAG_START);
}

static void
a_join_waits_for_all(void **state)
{
	EtlDagTask tasks[] = {{ETL_DAG_SUCCEEDED},
						  {ETL_DAG_SUCCEEDED, 1, on_first},
						  {ETL_DAG_ACTIVE, 1, on_first},
						  {ETL_DAG_WAITING, 2, on_both}};

	assert_int_equal(dag_advance(tasks, 4), ETL_DAG_GOES_ON);
	assert_int_equal(tasks[3].decision, ETL_DAG_NOTHING);
	tasks[2].state = ETL_DAG_SUCCEEDED;
	assert_int_equal(dag_advance(tasks, 4), ETL_DAG_GOES_ON);
	assert_int_equal(tasks[3].decision, ETL_DAG_START);
	tasks[3].state = ETL_DAG_SUCCEEDED;
	assert_int_equal(dag_advance(tasks, 4), ETL_DAG_ALL_SUCCEEDED);
}

static void
what_follows_a_failure_is_skipped(void **state)
{
	/* In an order that makes the skip of the last travel against the array: 0 fails, 2 on it, 1 on 2. */
	static const int on_third[] = {2};
	EtlDagTask tasks[] = {{ETL_DAG_FAILED}, {ETL_DAG_WAITING, 1, on_third}, {ETL_DAG_WAITING, 1, on_first}};

	assert_int_equal(dag_advance(tasks, 3), ETL_DAG_SOME_FAILED);
	assert_int_equal(tasks[1].decision, ETL_DAG_SKIP);
	assert_int_equal(tasks[2].decision, ETL_DAG_SKIP);
}

static void
other_branches_go_on(void **state)
{
	EtlDagTask tasks[] = {
		{ETL_DAG_FAILED}, {ETL_DAG_SUCCEEDED}, {ETL_DAG_WAITING, 1, on_second}, {ETL_DAG_WAITING, 1, on_first}};

	assert_int_equal(dag_advance(tasks, 4), ETL_DAG_GOES_ON);
	assert_int_equal(tasks[2].decision, ETL_DAG_START);
	assert_int_equal(tasks[3].decision, ETL_DAG_SKIP);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roots_start_and_others_wait),
		cmocka_unit_test(a_join_waits_for_all),
		cmocka_unit_test(what_follows_a_failure_is_skipped),
		cmocka_unit_test(other_branches_go_on),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

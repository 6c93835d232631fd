/*
 * dag_test.c
 *		When a task of a graph starts: every run_if against every way its dependencies can have ended.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "flow/dag.h"

#include <cmocka.h>

static EtlDagDecision
decide(EtlRunIf run_if, int total, int succeeded, int failed, int skipped)
{
	return dag_decide(run_if, (EtlDagCounts){total, succeeded, failed, skipped});
}

static void
a_root_starts(void **state)
{
	assert_int_equal(decide(ETL_RUN_IF_ALL_SUCCEEDED, 0, 0, 0, 0), ETL_DAG_START);
	assert_int_equal(decide(ETL_RUN_IF_ALL_DONE, 0, 0, 0, 0), ETL_DAG_START);
	assert_int_equal(decide(ETL_RUN_IF_NONE_FAILED, 0, 0, 0, 0), ETL_DAG_START);
}

static void
a_join_waits_for_all(void **state)
{
	assert_int_equal(decide(ETL_RUN_IF_ALL_SUCCEEDED, 2, 1, 0, 0), ETL_DAG_WAIT);
	assert_int_equal(decide(ETL_RUN_IF_ALL_SUCCEEDED, 2, 2, 0, 0), ETL_DAG_START);
}

static void
what_can_be_decided_early_is(void **state)
{
	assert_int_equal(decide(ETL_RUN_IF_ALL_SUCCEEDED, 3, 0, 1, 0), ETL_DAG_SKIP);
	assert_int_equal(decide(ETL_RUN_IF_ALL_SUCCEEDED, 3, 0, 0, 1), ETL_DAG_SKIP);
	assert_int_equal(decide(ETL_RUN_IF_ANY_FAILED, 3, 0, 1, 0), ETL_DAG_START);
	assert_int_equal(decide(ETL_RUN_IF_ANY_SUCCEEDED, 3, 1, 0, 0), ETL_DAG_START);
	assert_int_equal(decide(ETL_RUN_IF_NONE_FAILED, 3, 0, 1, 0), ETL_DAG_SKIP);
}

/* Once all have ended there is nothing to wait for, and the rule is as it reads. */
static void
all_ended_is_decided_as_it_reads(void **state)
{
	for (int succeeded = 0; succeeded <= 3; succeeded++)
		for (int failed = 0; failed <= 3; failed++)
			for (int skipped = 0; skipped <= 3; skipped++)
			{
				int total = succeeded + failed + skipped;

				if (total == 0)
					continue;
#define SHOULD(run_if, condition)                                                                           \
	assert_int_equal(decide(run_if, total, succeeded, failed, skipped),                                     \
					 (condition) ? ETL_DAG_START : ETL_DAG_SKIP)
				SHOULD(ETL_RUN_IF_ALL_SUCCEEDED, failed == 0 && skipped == 0);
				SHOULD(ETL_RUN_IF_ALL_DONE, true);
				SHOULD(ETL_RUN_IF_ANY_FAILED, failed > 0);
				SHOULD(ETL_RUN_IF_ANY_SUCCEEDED, succeeded > 0);
				SHOULD(ETL_RUN_IF_NONE_FAILED, failed == 0);
			}
}

/* What was decided early is not regretted when more is known. */
static void
decisions_stand(void **state)
{
	for (EtlRunIf run_if = ETL_RUN_IF_ALL_SUCCEEDED; run_if <= ETL_RUN_IF_NONE_FAILED; run_if++)
		for (int ended = 0; ended < 81; ended++)
		{
			/* four dependencies, each succeeded, failed or skipped, as the digits of `ended` to base 3 */
			EtlDagCounts counts = {.total = 4};
			EtlDagDecision last = ETL_DAG_WAIT;

			for (int i = 0, digits = ended; i < 4; i++, digits /= 3)
			{
				EtlDagDecision decision;

				counts.succeeded += digits % 3 == 0;
				counts.failed += digits % 3 == 1;
				counts.skipped += digits % 3 == 2;
				decision = dag_decide(run_if, counts);
				if (last != ETL_DAG_WAIT)
					assert_int_equal(decision, last);
				last = decision;
			}
			assert_int_not_equal(last, ETL_DAG_WAIT);
		}
}

static void
names_are_known(void **state)
{
	EtlRunIf run_if;

	assert_true(dag_run_if_from_name("none_failed", &run_if));
	assert_int_equal(run_if, ETL_RUN_IF_NONE_FAILED);
	assert_false(dag_run_if_from_name("sometimes", &run_if));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_root_starts),
		cmocka_unit_test(a_join_waits_for_all),
		cmocka_unit_test(what_can_be_decided_early_is),
		cmocka_unit_test(all_ended_is_decided_as_it_reads),
		cmocka_unit_test(decisions_stand),
		cmocka_unit_test(names_are_known),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

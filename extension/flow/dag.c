/*
 * dag.c
 *		When a task of a graph starts. See dag.h.
 */
#include "flow/dag.h"

static const char *const run_if_names[] = {
	[ETL_RUN_IF_ALL_SUCCEEDED] = "all_succeeded", [ETL_RUN_IF_ALL_DONE] = "all_done",
	[ETL_RUN_IF_ANY_FAILED] = "any_failed",		  [ETL_RUN_IF_ANY_SUCCEEDED] = "any_succeeded",
	[ETL_RUN_IF_NONE_FAILED] = "none_failed",
};

bool
dag_run_if_from_name(const char *name, EtlRunIf *run_if)
{
	for (int i = 0; i < lengthof(run_if_names); i++)
		if (strcmp(run_if_names[i], name) == 0)
		{
			*run_if = (EtlRunIf) i;
			return true;
		}
	return false;
}

EtlDagDecision
dag_decide(EtlRunIf run_if, EtlDagCounts counts)
{
	bool all_ended = counts.succeeded + counts.failed + counts.skipped == counts.total;
	bool start = false;
	bool skip = false;

	switch (run_if)
	{
		case ETL_RUN_IF_ALL_SUCCEEDED:
			start = counts.succeeded == counts.total;
			skip = counts.failed + counts.skipped > 0;
			break;
		case ETL_RUN_IF_ALL_DONE:
			start = all_ended;
			break;
		case ETL_RUN_IF_ANY_FAILED:
			start = counts.failed > 0;
			skip = all_ended && !start;
			break;
		case ETL_RUN_IF_ANY_SUCCEEDED:
			start = counts.succeeded > 0;
			skip = all_ended && !start;
			break;
		case ETL_RUN_IF_NONE_FAILED:
			start = all_ended && counts.failed == 0;
			skip = counts.failed > 0;
			break;
	}
	return start ? ETL_DAG_START : skip ? ETL_DAG_SKIP : ETL_DAG_WAIT;
}

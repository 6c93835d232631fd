/*
 * dag.h
 *		When a task of a graph starts. Pure: counts in, decision out.
 *
 * A task looks at how those it depends on have ended. What it makes of that is its run_if; it decides as soon as it
 * can, not when the last of them has ended: all_succeeded gives up at the first that did not succeed, any_failed
 * starts at the first that failed.
 */
#ifndef ETL_FLOW_DAG_H
#define ETL_FLOW_DAG_H

#include "base/platform.h"

typedef enum EtlRunIf
{
	ETL_RUN_IF_ALL_SUCCEEDED,
	ETL_RUN_IF_ALL_DONE,	  /* whatever became of them */
	ETL_RUN_IF_ANY_FAILED,
	ETL_RUN_IF_ANY_SUCCEEDED,
	ETL_RUN_IF_NONE_FAILED	  /* each succeeded or was skipped */
} EtlRunIf;

typedef enum EtlDagDecision
{
	ETL_DAG_WAIT,
	ETL_DAG_START,
	ETL_DAG_SKIP
} EtlDagDecision;

/* How many of the tasks it depends on there are, and how those that have ended did. */
typedef struct EtlDagCounts
{
	int total;
	int succeeded;
	int failed;	 /* timed out and cancelled are the same to the graph */
	int skipped;
} EtlDagCounts;

/* By the name it has in etl.task.run_if; false: there is none of that name. */
extern bool dag_run_if_from_name(const char *name, EtlRunIf *run_if);
extern EtlDagDecision dag_decide(EtlRunIf run_if, EtlDagCounts counts);

#endif

/*
 * dag.c
 *		What comes next in a graph of tasks. See dag.h.
 */
#include "flow/dag.h"

/* The state a task has once the decisions so far are carried out. */
static EtlDagState
state_to_be(const EtlDagTask *task)
{
	switch (task->decision)
	{
		case ETL_DAG_START:
			return ETL_DAG_ACTIVE;
		case ETL_DAG_SKIP:
			return ETL_DAG_SKIPPED;
		default:
			return task->state;
	}
}

static EtlDagDecision
decide(const EtlDagTask *tasks, const EtlDagTask *task)
{
	bool ready = true;

	for (int i = 0; i < task->dependency_count; i++)
	{
		EtlDagState state = state_to_be(&tasks[task->dependencies[i]]);

		if (state == ETL_DAG_FAILED || state == ETL_DAG_SKIPPED)
			return ETL_DAG_SKIP;
		if (state != ETL_DAG_SUCCEEDED)
			ready = false;
	}
	return ready ? ETL_DAG_START : ETL_DAG_NOTHING;
}

EtlDagOutcome
dag_advance(EtlDagTask *tasks, int count)
{
	EtlDagOutcome outcome = ETL_DAG_ALL_SUCCEEDED;
	bool changed = true;

	for (int i = 0; i < count; i++)
		tasks[i].decision = ETL_DAG_NOTHING;

	/* A skipped task may have what depends on it skipped: once more until nothing changes. */
	while (changed)
	{
		changed = false;
		for (int i = 0; i < count; i++)
		{
			if (state_to_be(&tasks[i]) != ETL_DAG_WAITING)
				continue;
			tasks[i].decision = decide(tasks, &tasks[i]);
			if (tasks[i].decision == ETL_DAG_SKIP)
				changed = true;
		}
	}
	for (int i = 0; i < count; i++)
	{
		EtlDagState state = state_to_be(&tasks[i]);

		if (state == ETL_DAG_WAITING || state == ETL_DAG_ACTIVE)
			return ETL_DAG_GOES_ON;
		if (state != ETL_DAG_SUCCEEDED)
			outcome = ETL_DAG_SOME_FAILED;
	}
	return outcome;
}

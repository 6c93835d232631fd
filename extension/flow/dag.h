/*
 * dag.h
 *		What comes next in a graph of tasks. Pure: states in, decisions out.
 *
 * A task starts when everything it depends on has succeeded. When something it depends on ended otherwise it is
 * skipped, and so is what depends on it in turn; other branches go on. The run is over when nothing is left to start
 * or to wait for; it has succeeded when every task has.
 */
#ifndef ETL_FLOW_DAG_H
#define ETL_FLOW_DAG_H

#include "base/platform.h"

typedef enum EtlDagState
{
	ETL_DAG_WAITING, /* for what it depends on */
	ETL_DAG_ACTIVE,	 /* queued, running or to be repeated */
	ETL_DAG_SUCCEEDED,
	ETL_DAG_FAILED, /* timed out and cancelled are the same to the graph */
	ETL_DAG_SKIPPED
} EtlDagState;

typedef enum EtlDagDecision
{
	ETL_DAG_NOTHING,
	ETL_DAG_START,
	ETL_DAG_SKIP
} EtlDagDecision;

typedef enum EtlDagOutcome
{
	ETL_DAG_GOES_ON,
	ETL_DAG_ALL_SUCCEEDED,
	ETL_DAG_SOME_FAILED
} EtlDagOutcome;

typedef struct EtlDagTask
{
	EtlDagState state;
	int dependency_count;
	const int *dependencies;  /* indexes into the array of tasks */
	EtlDagDecision decision; /* what dag_advance decides */
} EtlDagTask;

/* Decide for every waiting task; the states themselves are not changed. */
extern EtlDagOutcome dag_advance(EtlDagTask *tasks, int count);

#endif

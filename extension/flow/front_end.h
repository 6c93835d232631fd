/*
 * front_end.h
 *		What a workflow is written in, and what comes next in a run of it.
 *
 * The engine's core knows runs, steps, attempts, timers and processes. What follows what is the front end's: today
 * the rows of etl.task (a DAG); an Amazon States Language document will be a second one. A run's version says which
 * ("type" of etl.workflow_version.definition). Both functions are called with the run's row locked, inside an
 * ETL_SPI_OWNER scope.
 */
#ifndef ETL_FLOW_FRONT_END_H
#define ETL_FLOW_FRONT_END_H

#include "postgres.h"

#include "nodes/pg_list.h"

typedef struct EtlAdvice
{
	List *start; /* of int64 *: task_run_id of steps that can start now */
	List *skip;	 /* of int64 *: of those that never will */
	bool ended;	 /* nothing is left to start or to wait for */
	bool succeeded;
} EtlAdvice;

typedef struct EtlFrontEnd
{
	const char *type;
	/* Make the etl.task_run rows a new run begins with, as waiting. */
	void (*begin)(int64 run_id);
	/* Look at the run's steps and say what comes next. */
	void (*advance)(int64 run_id, EtlAdvice *advice);
} EtlFrontEnd;

extern const EtlFrontEnd front_end_dag;

#endif

/*
 * front_end.h
 *		What a workflow is written in, and what comes next in a run of it.
 *
 * The engine's core knows runs, steps, attempts, timers and processes. What follows what is the front end's: today
 * the rows of etl.task (a DAG); an Amazon States Language document will be a second one. A run's version says which
 * (EtlDefinition.type). All functions are called inside an ETL_SPI_OWNER scope with the run's row locked, or not
 * yet seen by anybody else.
 */
#ifndef ETL_FLOW_FRONT_END_H
#define ETL_FLOW_FRONT_END_H

#include "postgres.h"

#include "flow/definition.h"
#include "flow/queue.h"
#include "nodes/pg_list.h"

typedef enum EtlOutcome
{
	ETL_OUTCOME_SUCCEEDED,
	ETL_OUTCOME_FAILED, /* timed out and cancelled, too */
	ETL_OUTCOME_SKIPPED
} EtlOutcome;

/* What a front end did, for the core to carry on with. */
typedef struct EtlAdvance
{
	List *ready;  /* of EtlQueued *: steps that can start now; their rows say queued */
	List *skipped; /* of EtlSkipped *: tasks that never will; their rows say skipped */
} EtlAdvance;

typedef struct EtlSkipped
{
	char *task;
	int attempt;
} EtlSkipped;

typedef struct EtlFrontEnd
{
	const char *type;
	/* Does anything follow this task? If not, step_ended need not be called. */
	bool (*has_successors)(const EtlDefinition *definition, const EtlTaskDefinition *task);
	/* Make the rows of etl.task_run that a run begins with. If it is held all of them wait, for go_on. */
	void (*begin)(int64 run_id, const EtlDefinition *definition, bool held, EtlAdvance *advance);
	/* The run begins, or begins again: of each task that has not succeeded there is a row that says waiting, its counts zero. */
	void (*go_on)(int64 run_id, const EtlDefinition *definition, EtlAdvance *advance);
	/* A task of the run has ended for good. */
	void (*step_ended)(int64 run_id, const EtlDefinition *definition, const EtlTaskDefinition *task,
					   EtlOutcome outcome, EtlAdvance *advance);
} EtlFrontEnd;

extern const EtlFrontEnd front_end_dag;

#endif

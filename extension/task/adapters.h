/*
 * adapters.h
 *		The adapters of this room, one a file; module.c registers them. Private to task/.
 */
#ifndef ETL_TASK_ADAPTERS_H
#define ETL_TASK_ADAPTERS_H

#include "postgres.h"

#include "flow/adapter.h"
#include "store/uploads.h"
#include "task/parameters.h"

extern const EtlAdapter statement_adapter;
extern const EtlAdapter connection_adapter;
extern const EtlAdapter sns_publish_adapter;
extern const EtlAdapter glue_job_adapter;
extern const EtlAdapter aws_sdk_adapter;
extern const EtlAdapter lambda_function_adapter;
extern const EtlAdapter aws_action_adapters[]; /* ends with one that has no resource */
extern const EtlAdapter start_execution_adapter;
extern const EtlAdapter start_execution_sync_adapter;
extern const EtlAdapter start_execution_sync2_adapter;

/* uploads.c */
extern const EtlUploadWatch upload_watch;

/* An EtlConditionTest. */
extern bool condition_holds(const EtlStep *step, const char *condition);

/* An EtlItemQuery. */
extern void for_each_query_run(const EtlStep *step, const char *query, EtlItemVisit visit, void *arg);

/* The run's input, an item's columns merged over it: also its nulls, which hide what the run has of that name. */
extern Jsonb *step_values(const EtlStep *step);
/* A step's parameters: the keys of these values, what it is a step of, and the outputs of the run's earlier tasks. */
extern void statement_parameters(const EtlStep *step, EtlParameters *parameters);

#endif

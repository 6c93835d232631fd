/*
 * definition.h
 *		A version of a workflow as the engine works with it: etl.workflow_version's JSON, taken apart once a process.
 *
 * A version never changes, so what was read stays right; a process keeps a bounded number of them.
 */
#ifndef ETL_FLOW_DEFINITION_H
#define ETL_FLOW_DEFINITION_H

#include "postgres.h"

#include "flow/backoff.h"
#include "flow/dag.h"
#include "utils/jsonb.h"

typedef struct EtlTaskDefinition
{
	char *name;
	char *sql; /* these may be NULL, as in etl.task */
	char *connection;
	char *resource;
	Jsonb *arguments;
	EtlRunIf run_if;
	char *condition;
	char *wait_until;
	double poll_interval; /* seconds */
	char *for_each;
	bool remote; /* it goes to the remote executor from its first moment */
	int max_parallel; /* 0: as many as can */
	char *tolerate;
	bool wait_for_token;
	double heartbeat; /* seconds; 0: none is asked for */
	char *pool;
	int priority;
	int retries;
	EtlBackoff backoff;
	double timeout; /* seconds; 0: none */
	int dependency_count;
	int dependent_count;
	int *dependents; /* indexes of those that depend on it */
} EtlTaskDefinition;

typedef struct EtlDefinition
{
	int64 version_id;
	char *type; /* the front end: "dag" */
	int task_count;
	EtlTaskDefinition *tasks; /* in the order of their names' bytes */
} EtlDefinition;

/* Valid until definition_trim. NULL: there is no such version. */
extern const EtlDefinition *definition_get(int64 version_id);
/* Forget them all if there are too many. Nobody holds one. */
extern void definition_trim(void);
/* NULL: it has no such task. */
extern const EtlTaskDefinition *definition_task(const EtlDefinition *definition, const char *name);

#endif

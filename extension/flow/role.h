/*
 * role.h
 *		Whether steps can run as a role. Looked at before an executor is started for it, and before each step: a role may
 *		be dropped, or lose what it needs, while executors are connected as it.
 */
#ifndef ETL_FLOW_ROLE_H
#define ETL_FLOW_ROLE_H

#include "postgres.h"

#include "flow/step.h"

typedef struct EtlRoleProblem
{
	const char *what; /* in words that follow "cannot run as role …" */
	const char *hint;
} EtlRoleProblem;

extern bool etl_run_superuser_workflows; /* setting etl.run_superuser_workflows */

/* Steps can't run as the role; then `problem` says why. In a transaction. */
extern bool role_has_problem(Oid role, EtlRoleProblem *problem);
/*
 * Of the role's settings those of ours (etl.…), as a session of the role in this database has them; AtEOXact_GUC ends the
 * level that is answered. In a transaction.
 */
extern int role_apply_settings(Oid role);
/* The same as what a step fails with. */
extern EtlStepFailure role_failure(const EtlClaim *claim, const EtlRoleProblem *problem);

#endif

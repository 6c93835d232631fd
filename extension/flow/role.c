/*
 * role.c
 *		Whether steps can run as a role. See role.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "flow/role.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/syscache.h"

bool etl_run_superuser_workflows = true;

bool
role_has_problem(Oid role, EtlRoleProblem *problem)
{
	HeapTuple tuple = SearchSysCache1(AUTHOID, ObjectIdGetDatum(role));
	bool there = HeapTupleIsValid(tuple);
	bool can_login = there && ((Form_pg_authid) GETSTRUCT(tuple))->rolcanlogin;
	bool is_superuser = there && ((Form_pg_authid) GETSTRUCT(tuple))->rolsuper;

	if (there)
		ReleaseSysCache(tuple);
	problem->hint = "Give the workflow another owner, or the role what it lacks; then run it again.";
	if (!there)
		problem->what = "the role does not exist any more";
	else if (!can_login)
		problem->what = "the role has no LOGIN";
	else if (object_aclcheck(DatabaseRelationId, MyDatabaseId, role, ACL_CONNECT) != ACLCHECK_OK)
		problem->what = "the role has no CONNECT privilege on this database";
	else if (is_superuser && !etl_run_superuser_workflows)
	{
		problem->what = "it is a superuser, whose workflows are switched off";
		problem->hint = "Give the workflow an owner that is none, or set etl.run_superuser_workflows to on; then run it again.";
	}
	else
		return false;
	return true;
}

EtlStepFailure
role_failure(const EtlClaim *claim, const EtlRoleProblem *problem)
{
	char *name = GetUserNameFromId(claim->owner, true);

	return (EtlStepFailure){
		.sqlstate = ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION,
		.message = psprintf("task \"%s\" cannot run as role %s: %s", claim->step.task,
							name ? quote_identifier(name) : psprintf("%u", claim->owner), problem->what),
		.hint = problem->hint};
}

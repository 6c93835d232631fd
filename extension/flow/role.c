/*
 * role.c
 *		Whether steps can run as a role. See role.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "base/compat.h"
#include "base/spi.h"
#include "catalog/pg_authid.h"
#include "catalog/pg_database.h"
#include "catalog/pg_type.h"
#include "flow/role.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
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

int
role_apply_settings(Oid role)
{
	static EtlSpiPlan find = {
		"SELECT split_part(s.setting, '=', 1), substr(s.setting, strpos(s.setting, '=') + 1)"
		" FROM pg_db_role_setting r, unnest(r.setconfig) AS s(setting)"
		" WHERE r.setrole = $1 AND r.setdatabase IN (0, $2) AND s.setting LIKE 'etl.%' ORDER BY r.setdatabase",
		2,
		{OIDOID, OIDOID}};
	Datum values[] = {ObjectIdGetDatum(role), ObjectIdGetDatum(MyDatabaseId)};
	EtlSpiScope spi;
	uint64 count;
	char **settings;
	int level;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	count = etl_spi_execute(&find, SPI_OK_SELECT, values, NULL);
	settings = MemoryContextAlloc(spi.caller_context, (2 * count + 1) * sizeof(char *));
	for (uint64 i = 0; i < count; i++)
	{
		settings[2 * i] = etl_spi_text(&spi, i, 1);
		settings[2 * i + 1] = etl_spi_text(&spi, i, 2);
	}
	etl_spi_close(&spi);
	level = NewGUCNestLevel();
	for (uint64 i = 0; i < count; i++)
		(void) set_config_option(settings[2 * i], settings[2 * i + 1], PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
								 WARNING, false);
	return level;
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

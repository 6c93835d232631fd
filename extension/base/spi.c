/*
 * spi.c
 *		The SPI scope. See spi.h.
 */
#include "postgres.h"

#include "base/extension.h"
#include "base/spi.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/proc.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

int etl_spi_lock_timeout = 0;

void
etl_spi_open(EtlSpiScope *scope, EtlSpiRights rights)
{
	scope->caller_context = CurrentMemoryContext;
	GetUserIdAndSecContext(&scope->saved_user, &scope->saved_security);
	if (rights == ETL_SPI_OWNER)
	{
		Oid owner = etl_extension_owner();

		if (!OidIsValid(owner))
			ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
					errmsg("extension \"pg_etl\" is not created in this database"),
					errhint("Run CREATE EXTENSION pg_etl."));
		SetUserIdAndSecContext(owner, scope->saved_security | SECURITY_LOCAL_USERID_CHANGE |
										  SECURITY_RESTRICTED_OPERATION);
	}
	scope->guc_nest_level = NewGUCNestLevel();
	(void) set_config_option("search_path", "pg_catalog, pg_temp", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE,
							 true, 0, false);
	/* A step's role may have one; the bookkeeping of its step is no statement of the role's. */
	if (rights == ETL_SPI_OWNER && MyBgworkerEntry != NULL && LockTimeout != etl_spi_lock_timeout)
		(void) set_config_option("lock_timeout", psprintf("%d", etl_spi_lock_timeout), PGC_USERSET, PGC_S_SESSION,
								 GUC_ACTION_SAVE, true, 0, false);
	scope->pushed_snapshot = !ActiveSnapshotSet();
	if (scope->pushed_snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
etl_spi_close(EtlSpiScope *scope)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	if (scope->pushed_snapshot)
		PopActiveSnapshot();
	AtEOXact_GUC(true, scope->guc_nest_level);
	SetUserIdAndSecContext(scope->saved_user, scope->saved_security);
	MemoryContextSwitchTo(scope->caller_context);
}

uint64
etl_spi_run(const char *sql, int expected, int nargs, Oid *types, Datum *values, const char *nulls)
{
	int result = SPI_execute_with_args(sql, nargs, types, values, nulls, false, 0);

	if (result != expected)
		elog(ERROR, "SPI answered %s to: %s", SPI_result_code_string(result), sql);
	return SPI_processed;
}

uint64
etl_spi_execute(EtlSpiPlan *plan, int expected, Datum *values, const char *nulls)
{
	int result;

	if (plan->plan == NULL)
	{
		SPIPlanPtr prepared = SPI_prepare(plan->sql, plan->nargs, plan->types);

		if (prepared == NULL || SPI_keepplan(prepared) != 0)
			elog(ERROR, "SPI answered %s to: %s", SPI_result_code_string(SPI_result), plan->sql);
		plan->plan = prepared;
	}
	result = SPI_execute_plan(plan->plan, values, nulls, false, 0);
	if (result != expected)
		elog(ERROR, "SPI answered %s to: %s", SPI_result_code_string(result), plan->sql);
	return SPI_processed;
}

Datum
etl_spi_datum(uint64 row, int column, bool *isnull)
{
	Assert(row < SPI_processed);
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

char *
etl_spi_text(const EtlSpiScope *scope, uint64 row, int column)
{
	char *value;

	Assert(row < SPI_processed);
	value = SPI_getvalue(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column);
	return value == NULL ? NULL : MemoryContextStrdup(scope->caller_context, value);
}

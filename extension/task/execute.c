/*
 * execute.c
 *		SQL functions that run Redshift's SQL: etl.execute, etl.run_script, etl.execute_statement.
 *
 * They run as the caller. The procedures have no SET clause, because PostgreSQL lets no procedure with one end a
 * transaction; what must be pinned is pinned in local.c.
 */
#include "postgres.h"

#include "fmgr.h"
#include "nodes/parsenodes.h"
#include "task/script.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

PG_FUNCTION_INFO_V1(pg_etl_execute);
PG_FUNCTION_INFO_V1(pg_etl_run_script);
PG_FUNCTION_INFO_V1(pg_etl_execute_statement);

/* Called by a CALL that may end the transaction? */
static bool
call_is_atomic(FunctionCallInfo fcinfo)
{
	return fcinfo->context == NULL || !IsA(fcinfo->context, CallContext) ||
		   castNode(CallContext, fcinfo->context)->atomic;
}

static void
run(FunctionCallInfo fcinfo, const EtlScriptSource *source, const char *connection)
{
	EtlWarehouse *warehouse;

	if (connection == NULL)
	{
		(void) script_run_here(source, call_is_atomic(fcinfo), NULL);
		return;
	}
	warehouse = warehouse_connect(connection);
	(void) script_run_on(warehouse, source);
	warehouse_close(warehouse);
}

/* Optional arguments may be NULL; the first may not. */
static char *
argument_text(FunctionCallInfo fcinfo, int number, const char *needed)
{
	if (!PG_ARGISNULL(number))
		return text_to_cstring(PG_GETARG_TEXT_PP(number));
	if (needed != NULL)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("%s must not be null", needed));
	return NULL;
}

/* etl.execute(sql, connection, parameters) */
Datum
pg_etl_execute(PG_FUNCTION_ARGS)
{
	EtlScriptSource source = {.text = argument_text(fcinfo, 0, "sql")};

	if (!PG_ARGISNULL(2))
		parameters_add_json(&source.parameters, PG_GETARG_JSONB_P(2));
	run(fcinfo, &source, argument_text(fcinfo, 1, NULL));
	PG_RETURN_VOID();
}

/* etl.run_script(uri, parameters, connection) */
Datum
pg_etl_run_script(PG_FUNCTION_ARGS)
{
	EtlScriptSource source = {.name = argument_text(fcinfo, 0, "uri"), .text_parameters = true};

	if (!PG_ARGISNULL(1))
		parameters_add_json(&source.parameters, PG_GETARG_JSONB_P(1));
	source.text = script_fetch(source.name);
	run(fcinfo, &source, argument_text(fcinfo, 2, NULL));
	PG_RETURN_VOID();
}

/* etl.execute_statement(sql): what another server's pg_etl sends, and wants to know the number of rows of */
Datum
pg_etl_execute_statement(PG_FUNCTION_ARGS)
{
	EtlScriptSource source = {.text = text_to_cstring(PG_GETARG_TEXT_PP(0))};

	PG_RETURN_INT64(script_run_here(&source, true, NULL).rows);
}

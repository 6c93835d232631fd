/*
 * operate.c
 *		Who may operate what (see operate.h), and pausing workflows.
 */
#include "postgres.h"

#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/operate.h"
#include "flow/slot.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"

/* A query without parameters that answers one boolean, as the caller. */
static bool
ask(EtlSpiPlan *query)
{
	EtlSpiScope spi;
	bool answer;
	bool isnull;

	etl_spi_open(&spi, ETL_SPI_CALLER);
	etl_spi_execute(query, SPI_OK_SELECT, NULL, NULL);
	answer = DatumGetBool(etl_spi_datum(0, 1, &isnull));
	etl_spi_close(&spi);
	return answer;
}

bool
operate_sees_all(void)
{
	static EtlSpiPlan sees_all = {"SELECT etl._sees_all()", 0, {0}};

	return superuser() || ask(&sees_all);
}

/* An error unless the caller, whose it is if `owned`, may do this to it; `what` is "run 42". */
static void
check_operator(bool owned, const char *verb, const char *what)
{
	static EtlSpiPlan operates_all = {"SELECT etl._operates_all()", 0, {0}};

	if (!owned && !ask(&operates_all))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to %s %s", verb, what),
				errdetail("It is another owner's, and role \"%s\" is no operator.", GetUserNameFromId(GetUserId(), false)),
				errhint("etl.grant_operator makes a role one."));
}

void
operate_check(int64 run_id, const char *verb)
{
	static EtlSpiPlan see = {"SELECT pg_has_role(current_user, owner, 'USAGE') FROM etl.run WHERE run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	EtlSpiScope spi;
	bool owned;
	bool isnull;

	if (run_id != 0 && run_id == slot_run_id())
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("a step cannot %s its own run", verb),
				errdetail("The run goes on for as long as the step does."),
				errhint("Raise an error, which fails the step, or %s run " INT64_FORMAT " in a session.", verb, run_id));
	/* As the caller: row security shows only runs that they may see. */
	etl_spi_open(&spi, ETL_SPI_CALLER);
	if (etl_spi_execute(&see, SPI_OK_SELECT, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("run " INT64_FORMAT " does not exist", run_id),
				errhint("SELECT run_id FROM etl.run_status lists your runs."));
	owned = DatumGetBool(etl_spi_datum(0, 1, &isnull));
	etl_spi_close(&spi);
	check_operator(owned, verb, psprintf("run " INT64_FORMAT, run_id));
}

/* Whether that changed it. */
static Datum
set_enabled(text *name, bool enabled)
{
	static EtlSpiPlan see = {
		"SELECT owner::oid, pg_has_role(current_user, owner, 'USAGE') FROM etl.workflow WHERE name = $1", 1, {TEXTOID}};
	/* That owner's: it may have become another's workflow of this name. */
	static EtlSpiPlan set = {"UPDATE etl.workflow SET enabled = $3 WHERE name = $1 AND owner = $2 AND enabled <> $3",
							 3,
							 {TEXTOID, OIDOID, BOOLOID}};
	Datum values[] = {PointerGetDatum(name), (Datum) 0, BoolGetDatum(enabled)};
	EtlSpiScope spi;
	bool owned;
	bool changed;
	bool isnull;

	/* As the caller: row security shows only workflows that they may see. */
	etl_spi_open(&spi, ETL_SPI_CALLER);
	if (etl_spi_execute(&see, SPI_OK_SELECT, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("workflow \"%s\" does not exist", text_to_cstring(name)),
				errhint("SELECT name FROM etl.workflow lists the workflows you may see."));
	values[1] = etl_spi_datum(0, 1, &isnull);
	owned = DatumGetBool(etl_spi_datum(0, 2, &isnull));
	etl_spi_close(&spi);
	check_operator(owned, enabled ? "resume" : "pause", psprintf("workflow \"%s\"", text_to_cstring(name)));

	etl_spi_open(&spi, ETL_SPI_OWNER);
	changed = etl_spi_execute(&set, SPI_OK_UPDATE, values, NULL) > 0;
	etl_spi_close(&spi);
	return BoolGetDatum(changed);
}

PG_FUNCTION_INFO_V1(pg_etl_pause_workflow);
Datum
pg_etl_pause_workflow(PG_FUNCTION_ARGS)
{
	return set_enabled(PG_GETARG_TEXT_PP(0), false);
}

PG_FUNCTION_INFO_V1(pg_etl_resume_workflow);
Datum
pg_etl_resume_workflow(PG_FUNCTION_ARGS)
{
	return set_enabled(PG_GETARG_TEXT_PP(0), true);
}

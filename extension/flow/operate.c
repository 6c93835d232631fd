/*
 * operate.c
 *		Who may operate what. See operate.h.
 */
#include "postgres.h"

#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/operate.h"
#include "flow/slot.h"
#include "miscadmin.h"

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

void
operate_check(int64 run_id, const char *verb)
{
	static EtlSpiPlan see = {"SELECT pg_has_role(current_user, owner, 'USAGE') FROM etl.run WHERE run_id = $1", 1, {INT8OID}};
	static EtlSpiPlan operates_all = {"SELECT etl._operates_all()", 0, {0}};
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
	if (!owned && !ask(&operates_all))
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("permission denied to %s run " INT64_FORMAT, verb, run_id),
				errdetail("It is another owner's, and role \"%s\" is no operator.", GetUserNameFromId(GetUserId(), false)),
				errhint("etl.grant_operator makes a role one."));
}

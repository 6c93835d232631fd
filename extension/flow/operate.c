/*
 * operate.c
 *		Who may operate what. See operate.h.
 */
#include "postgres.h"

#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/executor.h"
#include "flow/operate.h"

void
operate_check(int64 run_id, const char *verb)
{
	static EtlSpiPlan see = {"SELECT 1 FROM etl.run WHERE run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	EtlSpiScope spi;

	if (run_id != 0 && run_id == executor_run_id())
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("a step cannot %s its own run", verb),
				errdetail("The run goes on for as long as the step does."),
				errhint("Raise an error, which fails the step, or %s run " INT64_FORMAT " in a session.", verb, run_id));
	/* As the caller: row security shows only runs that are theirs. */
	etl_spi_open(&spi, ETL_SPI_CALLER);
	if (etl_spi_execute(&see, SPI_OK_SELECT, values, NULL) == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("run " INT64_FORMAT " does not exist", run_id),
				errhint("SELECT run_id FROM etl.run_status lists your runs."));
	etl_spi_close(&spi);
}

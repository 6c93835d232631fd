/*
 * progress.c
 *		See progress.h.
 *
 * A backend has twenty numbers for the command it is at. COPY takes the first few; ours are the last ones, one of which
 * says that they are. A subtransaction's abort takes them all away, so each update looks whether they are still this load's.
 */
#include "postgres.h"

#include "base/spi.h"
#include "catalog/pg_type.h"
#include "commands/progress.h"
#include "copy/progress.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "utils/acl.h"
#include "utils/backend_progress.h"
#include "utils/backend_status.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define PARAM_REJECTED 14
#define PARAM_FILES_DONE 15
#define PARAM_FILES_TOTAL 16
#define PARAM_STARTED_AT 17
#define PARAM_LOAD_ID 18
#define PARAM_MARK 19
#define MARK 0x70675f65746c /* "pg_etl" */

PG_FUNCTION_INFO_V1(pg_etl_load_progress);

void
load_progress_begin(const EtlLoadProgress *progress)
{
	const int params[] = {PROGRESS_COPY_COMMAND,
						  PROGRESS_COPY_TYPE,
						  PROGRESS_COPY_BYTES_TOTAL,
						  PARAM_FILES_TOTAL,
						  PARAM_STARTED_AT,
						  PARAM_LOAD_ID,
						  PARAM_MARK};
	const int64 values[] = {PROGRESS_COPY_COMMAND_FROM,
							PROGRESS_COPY_TYPE_CALLBACK,
							progress->bytes_total,
							progress->files_total,
							progress->started_at,
							progress->load_id,
							MARK};

	pgstat_progress_start_command(PROGRESS_COMMAND_COPY, progress->table);
	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

static bool
is_shown(const EtlLoadProgress *progress)
{
	return MyBEEntry == NULL || (MyBEEntry->st_progress_command == PROGRESS_COMMAND_COPY &&
								 MyBEEntry->st_progress_param[PARAM_LOAD_ID] == progress->load_id);
}

void
load_progress_update(const EtlLoadProgress *progress, int64 bytes, int64 rows, int64 rejected, int64 files)
{
	const int params[] = {PROGRESS_COPY_BYTES_PROCESSED, PROGRESS_COPY_TUPLES_PROCESSED, PARAM_REJECTED,
						  PARAM_FILES_DONE};
	const int64 values[] = {bytes, rows, rejected, files};

	if (!is_shown(progress))
		load_progress_begin(progress);
	pgstat_progress_update_multi_param(lengthof(params), params, values);
}

void
load_progress_end(void)
{
	pgstat_progress_end_command();
}

static bool
caller_sees_all(void)
{
	EtlSpiScope spi;
	bool sees_all;
	bool isnull;

	etl_spi_open(&spi, ETL_SPI_CALLER);
	etl_spi_run("SELECT etl._sees_all()", SPI_OK_SELECT, 0, NULL, NULL, NULL);
	sees_all = DatumGetBool(etl_spi_datum(0, 1, &isnull));
	etl_spi_close(&spi);
	return sees_all;
}

/* PostgreSQL shows others' to pg_read_all_stats alone; here they are as open as the history of loads. */
Datum
pg_etl_load_progress(PG_FUNCTION_ARGS)
{
	static EtlSpiPlan find = {
		"SELECT p.pid, p.param19, a.usesysid, p.relid, p.param18, p.param16, p.param17, p.param1, p.param2, "
		"p.param3, p.param15"
		" FROM pg_stat_get_progress_info('COPY') p JOIN pg_stat_get_activity(NULL) a ON a.pid = p.pid"
		" WHERE p.datid = $1 AND p.param20 = $2",
		2,
		{OIDOID, INT8OID}};
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	Datum arguments[] = {ObjectIdGetDatum(MyDatabaseId), Int64GetDatum(MARK)};
	Oid caller = GetUserId();
	bool sees_all = caller_sees_all();
	EtlSpiScope spi;
	uint64 count;

	InitMaterializedSRF(fcinfo, 0);
	etl_spi_open(&spi, ETL_SPI_OWNER);
	count = etl_spi_execute(&find, SPI_OK_SELECT, arguments, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		Datum values[11];
		bool nulls[11];

		for (int column = 0; column < lengthof(values); column++)
			values[column] = etl_spi_datum(i, column + 1, &nulls[column]);
		if (!sees_all && (nulls[2] || !has_privs_of_role(caller, DatumGetObjectId(values[2]))))
			continue;
		values[4] = TimestampTzGetDatum(DatumGetInt64(values[4]));
		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	etl_spi_close(&spi);
	return (Datum) 0;
}

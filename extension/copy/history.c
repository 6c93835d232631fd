/*
 * history.c
 *		Recording what was moved. See history.h.
 *
 * The row belongs to the transaction that moved the data: both are there or neither.
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "copy/history.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static void
history_add(const char *sql, const EtlTransfer *transfer)
{
	/* read before the scope makes the extension's owner the current user */
	const char *user = GetUserNameFromId(GetUserId(), false);
	Oid types[] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, INT8OID, INT8OID, INT4OID};
	Datum values[] = {CStringGetTextDatum(user),
					  CStringGetTextDatum(transfer->subject),
					  CStringGetTextDatum(transfer->uri),
					  CStringGetTextDatum(transfer->format),
					  TimestampTzGetDatum(transfer->started_at),
					  TimestampTzGetDatum(clock_now()),
					  Int64GetDatum(transfer->rows),
					  Int64GetDatum(transfer->bytes),
					  Int32GetDatum(transfer->files)};
	EtlSpiScope spi;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_run(sql, SPI_OK_INSERT, lengthof(types), types, values, NULL);
	etl_spi_close(&spi);
}

void
load_history_add(const EtlTransfer *transfer)
{
	history_add("INSERT INTO etl.load_history"
				" (username, table_name, uri, format, started_at, finished_at, rows, bytes, files)"
				" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
				transfer);
}

void
unload_history_add(EtlTransfer *transfer)
{
	history_add("INSERT INTO etl.unload_history"
				" (username, query, uri, format, started_at, finished_at, rows, bytes, files)"
				" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
				transfer);
}

/*
 * spi.h
 *		The one way into SPI: search_path pinned to "pg_catalog, pg_temp", and, for the extension's own
 *		bookkeeping, the extension owner's rights.
 *
 *		EtlSpiScope spi;
 *		etl_spi_open(&spi, ETL_SPI_OWNER);
 *		etl_spi_run("UPDATE etl.run SET status = $1 WHERE run_id = $2", SPI_OK_UPDATE, 2, types, values, nulls);
 *		etl_spi_close(&spi);
 *
 * Parameters are never formatted into a statement; identifiers that must be are quoted. Every name in a
 * statement is schema-qualified. After an error the (sub)transaction's abort undoes the scope; nothing has to be
 * caught for its sake. Results that outlive the scope are copied with etl_spi_* into the context that was current
 * at etl_spi_open.
 */
#ifndef ETL_BASE_SPI_H
#define ETL_BASE_SPI_H

#include "postgres.h"

#include "executor/spi.h"

typedef enum EtlSpiRights
{
	ETL_SPI_CALLER, /* the current user's */
	ETL_SPI_OWNER	/* the extension owner's, in a security-restricted operation; never for user SQL */
} EtlSpiRights;

typedef struct EtlSpiScope
{
	MemoryContext caller_context; /* current at etl_spi_open; results are copied here */
	int guc_nest_level;
	bool pushed_snapshot; /* there was no active one: in a background worker */
	Oid saved_user;
	int saved_security;
} EtlSpiScope;

/* How long the bookkeeping of a background worker waits for a lock, in ms; 0: for as long as it takes. */
extern int etl_spi_lock_timeout;

extern void etl_spi_open(EtlSpiScope *scope, EtlSpiRights rights);
extern void etl_spi_close(EtlSpiScope *scope);

/* Run one statement; an error unless SPI answers `expected` (SPI_OK_…). Returns SPI_processed. */
extern uint64 etl_spi_run(const char *sql, int expected, int nargs, Oid *types, Datum *values, const char *nulls);

/*
 * A statement that is planned once a process and kept:
 *
 *		static EtlSpiPlan finish = {"UPDATE … $1 …", 1, {INT8OID}};
 *		etl_spi_execute(&finish, SPI_OK_UPDATE, values, NULL);
 */
#define ETL_SPI_MAX_ARGS 20

typedef struct EtlSpiPlan
{
	const char *sql;
	int nargs;
	Oid types[ETL_SPI_MAX_ARGS];
	SPIPlanPtr plan; /* NULL until first used */
} EtlSpiPlan;

extern uint64 etl_spi_execute(EtlSpiPlan *plan, int expected, Datum *values, const char *nulls);

/* Column `column` (1-based) of row `row` (0-based) of SPI_tuptable; NULL when null. Copied into scope's caller. */
extern char *etl_spi_text(const EtlSpiScope *scope, uint64 row, int column);
/* The raw value; by-reference values live until the scope closes. */
extern Datum etl_spi_datum(uint64 row, int column, bool *isnull);

#endif

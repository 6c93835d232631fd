/*
 * warehouse.h
 *		Statements on another server over libpq: an etl_warehouse foreign server, or what a secret describes.
 *
 *		CREATE SERVER warehouse FOREIGN DATA WRAPPER etl_warehouse
 *			OPTIONS (host '…', port '5439', dbname 'dev');             -- user mapping: user, password
 *		CREATE SERVER warehouse FOREIGN DATA WRAPPER etl_warehouse OPTIONS (secret_id 'prod/redshift');
 *
 * The connection is non-blocking; every wait is on the latch and the socket together, so cancel and timeouts
 * work, and a cancelled statement is cancelled over there too (PQcancel). A server that has pg_etl gets Redshift
 * statements through etl.execute_statement, which translates them there; a real Redshift gets them untouched.
 *
 * All functions work with a transaction open or without. Without one, connecting opens a short one to read the
 * catalogs, and none is held while the network is waited for.
 *
 * What waits for the other side comes in two forms: one that waits right here, and one that says what it waits for
 * (base/wait.h), for a process that has others to serve meanwhile.
 */
#ifndef ETL_REMOTE_WAREHOUSE_H
#define ETL_REMOTE_WAREHOUSE_H

#include "postgres.h"

#include "base/error.h"
#include "base/wait.h"

typedef struct EtlWarehouse EtlWarehouse;

/* What the other server said of a failed statement; the context's last line names the connection. */
typedef struct EtlRemoteError
{
	EtlError error;
	char context[2048];
} EtlRemoteError;

/* Called once a row, with the row as a JSON object; may raise. The text lives until it returns. */
typedef void (*EtlRemoteRow)(const char *json, void *arg);

/* Connect as the current user's mapping for foreign server `name` says. Raises on failure. */
extern EtlWarehouse *warehouse_connect(const char *name);
/*
 * Run one statement to its end; the rows it affected or returned are counted, not kept. False with `error` filled
 * when the server refused it.
 */
extern bool warehouse_execute(EtlWarehouse *warehouse, const char *sql, int64 *rows, EtlRemoteError *error);
/* Run one query and hand its rows to `visit` as they come. */
extern bool warehouse_query(EtlWarehouse *warehouse, const char *sql, EtlRemoteRow visit, void *arg,
							EtlRemoteError *error);
/* Has a statement opened a transaction that none has ended? */
extern bool warehouse_in_transaction(const EtlWarehouse *warehouse);
/* Closes now; a reset of the context it was made in does the same. */
extern void warehouse_close(EtlWarehouse *warehouse);

/*
 * The form that doesn't wait. Opening reads the catalogs, in a transaction; the caller sees to it that there is a
 * descriptor to be had (fd.h). Polling needs none, and raises when there is no connection to be had.
 */
extern EtlWarehouse *warehouse_open(const char *name);
/* As Secrets Manager's secret (JSON host, port, username, password[, dbname]) says, to database `dbname` if not NULL. */
extern EtlWarehouse *warehouse_open_secret(const char *aws_server, const char *secret_id, const char *dbname);
extern bool warehouse_connect_poll(EtlWarehouse *warehouse, EtlWait *wait);
/* Run a statement: start it, then poll until it has ended. The text must stay as it is until then. */
extern void warehouse_execute_start(EtlWarehouse *warehouse, const char *sql);
extern bool warehouse_execute_poll(EtlWarehouse *warehouse, EtlWait *wait);
/* How it ended: NULL, or what the server refused it with. */
extern const EtlRemoteError *warehouse_execute_end(EtlWarehouse *warehouse, int64 *rows);
/* Close it; if it is at a statement, a cancel is sent to the other side beside this process. */
extern void warehouse_abandon(EtlWarehouse *warehouse);
/* Wait until what was sent beside is out, and no longer than this: before the process ends. */
extern void warehouse_cancels_drain(int milliseconds);

/* ereport(ERROR) with everything the other server said. */
extern void warehouse_error_raise(const EtlRemoteError *error) pg_attribute_noreturn();

#endif

/*
 * connection.h
 *		An open warehouse connection, as connection.c, statement.c and cancel.c share it. Private to remote/.
 */
#ifndef ETL_REMOTE_CONNECTION_H
#define ETL_REMOTE_CONNECTION_H

#include "postgres.h"

#include "base/handle.h"
#include "datatype/timestamp.h"
#include "libpq-fe.h"
#include "remote/warehouse.h"

struct EtlWarehouse
{
	char *name;		   /* for errors: the server's name or the secret's id */
	EtlHandle *conn;   /* PGconn; its handle is NULL once closed */
	EtlHandle *result; /* the PGresult being looked at */
	bool translates;   /* the other side has pg_etl: statements go through etl.execute_statement */
};

/*
 * Wait until the socket is ready for one of `events` (WL_SOCKET_…), with interrupts served. False when `deadline`
 * (0: none) has passed.
 */
extern bool warehouse_wait(PGconn *conn, int events, TimestampTz deadline);

/* What the result, or for NULL the connection, says went wrong. */
extern void warehouse_error_take(const EtlWarehouse *warehouse, const PGresult *result, EtlRemoteError *error);

/* Why a connection could not be made: like warehouse_error_take, with the SQLSTATE of a server that refused it. */
extern void warehouse_error_take_refusal(const EtlWarehouse *warehouse, EtlRemoteError *error);

/* Ask the other side to cancel what it is doing. Never raises, returns within two seconds. */
extern void warehouse_cancel(PGconn *conn);

#endif

/*
 * connection.h
 *		An open warehouse connection, as connection.c, statement.c and cancel.c share it. Private to remote/.
 */
#ifndef ETL_REMOTE_CONNECTION_H
#define ETL_REMOTE_CONNECTION_H

#include "postgres.h"

#include "base/handle.h"
#include "libpq-fe.h"
#include "remote/resolve.h"
#include "remote/target.h"
#include "remote/warehouse.h"

typedef enum EtlWarehousePhase
{
	ETL_WAREHOUSE_SECRET,	/* target is to be completed by what its secret says */
	ETL_WAREHOUSE_RESOLVE,	/* the host's addresses are looked up */
	ETL_WAREHOUSE_CONNECT,	/* libpq connects */
	ETL_WAREHOUSE_ASK,		/* the other side is asked whether it translates */
	ETL_WAREHOUSE_CONNECTED
} EtlWarehousePhase;

struct EtlWarehouse
{
	char *name; /* for errors: the server's name or the secret's id */
	EtlWarehousePhase phase;
	EtlWarehouseTarget target;
	EtlSecretRun *secret; /* NULL: it has none */
	EtlRemoteError *refusal; /* what the secret's password was refused with, before the secret was read anew */
	EtlHandle *resolve; /* EtlResolve */
	PostgresPollingStatusType polling;
	int64 deadline_ms; /* to be connected by */
	EtlHandle *conn;   /* PGconn; its handle is NULL once closed */
	EtlHandle *result; /* the PGresult being looked at */
	bool translates;   /* the other side has pg_etl: statements go through etl.execute_statement */
	struct EtlExchange *exchange; /* the statement that runs; NULL: none */
};

/* Wait right here, with interrupts served. */
extern void warehouse_wait(const EtlWait *wait);

/* What the result, or for NULL the connection, says went wrong. */
extern void warehouse_error_take(const EtlWarehouse *warehouse, const PGresult *result, EtlRemoteError *error);

/* Why a connection could not be made: like warehouse_error_take, with the SQLSTATE of a server that refused it. */
extern void warehouse_error_take_refusal(const EtlWarehouse *warehouse, EtlRemoteError *error);

#endif

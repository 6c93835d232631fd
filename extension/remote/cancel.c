/*
 * cancel.c
 *		Telling the other side to stop, in bounded time.
 *
 * libpq's PQcancel blocks until the other side has closed the cancel connection: for ever, if that hangs. It is
 * documented as safe in another thread, so it runs in one, which touches nothing but the PGcancel it is given, and is
 * left behind when it takes too long.
 */
#include "postgres.h"

#include "base/helper.h"
#include "remote/connection.h"

#define MOST_AT_A_TIME 64	/* hosts that hang must not keep a cancel from those that don't */

static EtlHelpers helpers = ETL_HELPERS(MOST_AT_A_TIME);

/* Runs outside the server's own thread. */
static void
cancel_send(void *arg)
{
	PGcancel *cancel = arg;
	char message[256];

	(void) PQcancel(cancel, message, sizeof(message));
	PQfreeCancel(cancel);
}

static void
cancel_start(PGconn *conn)
{
	PGcancel *cancel = PQgetCancel(conn);

	if (cancel != NULL && !helper_run(&helpers, cancel_send, cancel))
		PQfreeCancel(cancel);
}

void
warehouse_abandon(EtlWarehouse *warehouse)
{
	PGconn *conn = warehouse->conn->handle;

	if (conn != NULL && PQtransactionStatus(conn) == PQTRANS_ACTIVE)
		cancel_start(conn);
	warehouse_close(warehouse);
}

void
warehouse_cancels_drain(int milliseconds)
{
	helper_drain(&helpers, milliseconds);
}

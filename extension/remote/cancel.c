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
#include "storage/ipc.h"

#define LEAVE_TIMEOUT 250 /* ms: a server that is told to stop is not to wait for others */
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

/* What is not out by then, goes on over there. */
static void
leave(int code, Datum arg)
{
	helper_drain(&helpers, LEAVE_TIMEOUT);
}

static void
cancel_start(PGconn *conn)
{
	static bool will_leave = false;
	PGcancel *cancel = PQgetCancel(conn);

	if (!will_leave)
		on_proc_exit(leave, (Datum) 0);
	will_leave = true;
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

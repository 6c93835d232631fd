/*
 * statement.c
 *		Running statements on an open warehouse connection.
 *
 * Nothing blocks in libpq: the statement is flushed and its results are read as the socket allows, in single-row
 * mode, so memory is bounded by a row whatever the query returns. When an interrupt, or anything else, throws us out
 * of the middle, the other side is told to cancel and the connection is closed: what it would say next belongs to
 * nobody.
 */
#include "postgres.h"

#include "base/clock.h"
#include "catalog/pg_type_d.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "remote/connection.h"
#include "remote/row.h"
#include "storage/ipc.h"
#include "storage/latch.h"

#define CANCEL_TIMEOUT_MS 1500
#define TLS_LOOK_MS 1000

/* One statement on its way, and what has become of it. */
typedef struct EtlExchange
{
	EtlWarehouse *warehouse;
	const char *sql;
	const char *wrapper; /* the statement that takes sql as its $1; NULL: sql goes as it is */
	EtlRemoteRow visit;	 /* NULL: rows are only counted */
	void *arg;
	StringInfoData json; /* the row at hand, for visit */
	bool flushed;		 /* all of it is sent */
	bool ended;
	int64 rows;
	EtlRemoteError *error; /* NULL: none */
} Exchange;

/* Transaction control is the session's, so it can't go through a function. */
static bool
is_transaction_control(const char *sql)
{
	static const char *const keywords[] = {"begin", "start", "commit", "end", "rollback", "abort"};
	size_t length = 0;

	while ((sql[length] >= 'a' && sql[length] <= 'z') || (sql[length] >= 'A' && sql[length] <= 'Z'))
		length++;
	for (int i = 0; i < lengthof(keywords); i++)
		if (strlen(keywords[i]) == length && pg_strncasecmp(keywords[i], sql, length) == 0)
			return true;
	return false;
}

static void
exchange_fail(Exchange *exchange, const PGresult *result)
{
	/* The first error is the one that matters. */
	if (exchange->error != NULL)
		return;
	exchange->error = palloc(sizeof(EtlRemoteError));
	warehouse_error_take(exchange->warehouse, result, exchange->error);
}

/* It could not even be sent. */
static void
exchange_break(Exchange *exchange)
{
	exchange_fail(exchange, NULL);
	exchange->ended = true;
}

/* What need not be tried. */
static void
exchange_refuse(Exchange *exchange, int sqlstate, const char *message)
{
	exchange->ended = true;
	exchange->error = palloc(sizeof(EtlRemoteError));
	exchange->error->context[0] = '\0';
	etl_error_set(&exchange->error->error, sqlstate, message, exchange->warehouse->name);
}

static void
exchange_send(Exchange *exchange)
{
	PGconn *conn = exchange->warehouse->conn->handle;
	Oid type = TEXTOID;
	int sent;

	if (conn == NULL)
	{
		exchange_refuse(exchange, ERRCODE_CONNECTION_DOES_NOT_EXIST, "connection to \"%s\" is closed");
		return;
	}
	if (exchange->wrapper == NULL)
		sent = PQsendQuery(conn, exchange->sql);
	else
		sent = PQsendQueryParams(conn, exchange->wrapper, 1, &type, &exchange->sql, NULL, NULL, 0);
	if (!sent || !PQsetSingleRowMode(conn))
		exchange_break(exchange);
}

static void
exchange_flush(Exchange *exchange, EtlWait *wait)
{
	PGconn *conn = exchange->warehouse->conn->handle;
	int pending;

	/* The other side may have to be listened to before it listens. */
	if (!PQconsumeInput(conn) || (pending = PQflush(conn)) < 0)
	{
		exchange_break(exchange);
		return;
	}
	exchange->flushed = pending == 0;
	wait->socket = PQsocket(conn);
	wait->events = WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE;
}

/* A row is counted or visited; a wrapper answers the count or the JSON itself, in a single column. */
static void
exchange_row(Exchange *exchange, const PGresult *row)
{
	const char *answer = PQnfields(row) == 1 ? PQgetvalue(row, 0, 0) : "";

	if (exchange->visit == NULL)
		exchange->rows = exchange->wrapper != NULL ? strtoll(answer, NULL, 10) : exchange->rows + 1;
	else if (exchange->wrapper != NULL)
		exchange->visit(answer, exchange->arg);
	else
	{
		resetStringInfo(&exchange->json);
		warehouse_row_json(row, &exchange->json);
		exchange->visit(exchange->json.data, exchange->arg);
	}
}

/* Copy data belongs to a client: then the connection can't be used further. */
static void
exchange_result(Exchange *exchange, PGresult *result)
{
	switch (PQresultStatus(result))
	{
		case PGRES_SINGLE_TUPLE:
			exchange_row(exchange, result);
			break;
		case PGRES_COMMAND_OK:
			exchange->rows = strtoll(PQcmdTuples(result), NULL, 10);
			break;
		case PGRES_TUPLES_OK: /* after the last row */
		case PGRES_EMPTY_QUERY:
			break;
		case PGRES_COPY_IN:
		case PGRES_COPY_OUT:
		case PGRES_COPY_BOTH:
			exchange_refuse(exchange, ERRCODE_FEATURE_NOT_SUPPORTED,
							"COPY from or to the client is not supported on connection \"%s\"");
			warehouse_close(exchange->warehouse);
			break;
		default:
			exchange_fail(exchange, result);
			break;
	}
}

/*
 * Look at what has come. No more is read from the socket than libpq takes at once, so that a large result leaves others
 * their turn.
 */
static void
exchange_receive(Exchange *exchange, EtlWait *wait)
{
	EtlWarehouse *warehouse = exchange->warehouse;
	PGconn *conn = warehouse->conn->handle;
	/* A lost connection makes PQgetResult answer with an error, so that is where it is noticed. */
	bool lost = !PQconsumeInput(conn);

	while (!exchange->ended && (lost || !PQisBusy(conn)))
	{
		PGresult *result = warehouse->result->handle = PQgetResult(conn);

		CHECK_FOR_INTERRUPTS();
		if (result == NULL)
			exchange->ended = true;
		else
			exchange_result(exchange, result);
		etl_handle_close(warehouse->result);
	}
	if (exchange->ended)
		return;
	wait->socket = PQsocket(conn);
	wait->events = WL_SOCKET_READABLE;
	/* Of what TLS has decrypted the socket shows nothing. */
	if (PQsslInUse(conn))
		wait->until_ms = clock_monotonic_ms() + TLS_LOOK_MS;
}

static void
exchange_start(EtlWarehouse *warehouse, Exchange *exchange)
{
	warehouse->exchange = palloc(sizeof(Exchange));
	*warehouse->exchange = *exchange;
	warehouse->exchange->warehouse = warehouse;
	exchange_send(warehouse->exchange);
}

bool
warehouse_execute_poll(EtlWarehouse *warehouse, EtlWait *wait)
{
	Exchange *exchange = warehouse->exchange;

	*wait = ETL_WAIT_NONE;
	if (!exchange->ended && !exchange->flushed)
		exchange_flush(exchange, wait);
	if (!exchange->ended && exchange->flushed)
		exchange_receive(exchange, wait);
	return exchange->ended;
}

/* On any way out but the ordinary one, FATAL included. */
static void
wait_failed(int code, Datum arg)
{
	warehouse_abandon((EtlWarehouse *) DatumGetPointer(arg));
	warehouse_cancels_drain(CANCEL_TIMEOUT_MS);
}

/* Wait right here for the end of the statement that was started. */
static bool
wait_executed(EtlWarehouse *warehouse, int64 *rows, EtlRemoteError *error)
{
	const EtlRemoteError *refusal;
	EtlWait wait;

	PG_ENSURE_ERROR_CLEANUP(wait_failed, PointerGetDatum(warehouse));
	{
		while (!warehouse_execute_poll(warehouse, &wait))
			warehouse_wait(&wait);
	}
	PG_END_ENSURE_ERROR_CLEANUP(wait_failed, PointerGetDatum(warehouse));
	refusal = warehouse_execute_end(warehouse, rows);
	if (refusal != NULL)
		*error = *refusal;
	return refusal == NULL;
}

const EtlRemoteError *
warehouse_execute_end(EtlWarehouse *warehouse, int64 *rows)
{
	Exchange *exchange = warehouse->exchange;

	warehouse->exchange = NULL;
	*rows = exchange->rows;
	return exchange->error;
}

void
warehouse_execute_start(EtlWarehouse *warehouse, const char *sql)
{
	Exchange exchange = {.sql = sql};

	if (warehouse->translates && !is_transaction_control(sql))
		exchange.wrapper = "SELECT etl.execute_statement($1)";
	exchange_start(warehouse, &exchange);
}

bool
warehouse_execute(EtlWarehouse *warehouse, const char *sql, int64 *rows, EtlRemoteError *error)
{
	warehouse_execute_start(warehouse, sql);
	return wait_executed(warehouse, rows, error);
}

bool
warehouse_query(EtlWarehouse *warehouse, const char *sql, EtlRemoteRow visit, void *arg, EtlRemoteError *error)
{
	Exchange exchange = {.sql = sql, .visit = visit, .arg = arg};
	int64 rows;

	initStringInfo(&exchange.json);
	if (warehouse->translates)
		exchange.wrapper = "SELECT etl.query($1)";
	exchange_start(warehouse, &exchange);
	return wait_executed(warehouse, &rows, error);
}

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

#include "catalog/pg_type_d.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "remote/connection.h"
#include "remote/row.h"
#include "storage/ipc.h"
#include "storage/latch.h"

/* One statement on its way, and what has become of it. */
typedef struct Exchange
{
	EtlWarehouse *warehouse;
	const char *sql;
	const char *wrapper; /* the statement that takes sql as its $1; NULL: sql goes as it is */
	EtlRemoteRow visit;	 /* NULL: rows are only counted */
	void *arg;
	StringInfoData json; /* the row at hand, for visit */
	EtlRemoteError *error;
	int64 rows;
	bool failed;
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
	if (!exchange->failed)
		warehouse_error_take(exchange->warehouse, result, exchange->error);
	exchange->failed = true;
}

static bool
exchange_send(Exchange *exchange)
{
	PGconn *conn = exchange->warehouse->conn->handle;
	Oid type = TEXTOID;
	int sent;
	int pending;

	if (exchange->wrapper == NULL)
		sent = PQsendQuery(conn, exchange->sql);
	else
		sent = PQsendQueryParams(conn, exchange->wrapper, 1, &type, &exchange->sql, NULL, NULL, 0);
	if (!sent || !PQsetSingleRowMode(conn))
		return false;
	while ((pending = PQflush(conn)) > 0)
	{
		/* The other side may have to be listened to before it listens. */
		(void) warehouse_wait(conn, WL_SOCKET_READABLE | WL_SOCKET_WRITEABLE, 0);
		if (!PQconsumeInput(conn))
			return false;
	}
	return pending == 0;
}

/* The next result, owned by the warehouse; NULL at the end of the statement. */
static PGresult *
result_next(EtlWarehouse *warehouse)
{
	PGconn *conn = warehouse->conn->handle;

	etl_handle_close(warehouse->result);
	while (PQisBusy(conn))
	{
		(void) warehouse_wait(conn, WL_SOCKET_READABLE, 0);
		/* A lost connection makes PQgetResult answer with an error, so that is where it is noticed. */
		if (!PQconsumeInput(conn))
			break;
	}
	warehouse->result->handle = PQgetResult(conn);
	return warehouse->result->handle;
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

/* Copy data belongs to a client; answer so and let go of the connection, which can't be used further. */
static void
exchange_refuse_copy(Exchange *exchange)
{
	etl_error_set(&exchange->error->error, ERRCODE_FEATURE_NOT_SUPPORTED,
				  "COPY from or to the client is not supported on connection \"%s\"", exchange->warehouse->name);
	exchange->error->context[0] = '\0';
	exchange->failed = true;
	warehouse_close(exchange->warehouse);
}

static void
exchange_run(Exchange *exchange)
{
	EtlWarehouse *warehouse = exchange->warehouse;
	PGresult *result;

	if (!exchange_send(exchange))
	{
		exchange_fail(exchange, NULL);
		return;
	}
	while ((result = result_next(warehouse)) != NULL)
	{
		CHECK_FOR_INTERRUPTS();
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
				exchange_refuse_copy(exchange);
				return;
			default:
				exchange_fail(exchange, result);
				break;
		}
	}
}

/* On any way out but the ordinary one, FATAL included. */
static void
exchange_abandon(int code, Datum arg)
{
	EtlWarehouse *warehouse = (EtlWarehouse *) DatumGetPointer(arg);

	if (warehouse->conn->handle != NULL && PQtransactionStatus(warehouse->conn->handle) == PQTRANS_ACTIVE)
		warehouse_cancel(warehouse->conn->handle);
	warehouse_close(warehouse);
}

static bool
exchange_perform(Exchange *exchange)
{
	EtlWarehouse *warehouse = exchange->warehouse;

	if (warehouse->conn->handle == NULL)
	{
		etl_error_set(&exchange->error->error, ERRCODE_CONNECTION_DOES_NOT_EXIST,
					  "connection to \"%s\" is closed", warehouse->name);
		exchange->error->context[0] = '\0';
		return false;
	}
	PG_ENSURE_ERROR_CLEANUP(exchange_abandon, PointerGetDatum(warehouse));
	{
		exchange_run(exchange);
	}
	PG_END_ENSURE_ERROR_CLEANUP(exchange_abandon, PointerGetDatum(warehouse));
	return !exchange->failed;
}

bool
warehouse_execute(EtlWarehouse *warehouse, const char *sql, int64 *rows, EtlRemoteError *error)
{
	Exchange exchange = {.warehouse = warehouse, .sql = sql, .error = error};
	bool done;

	if (warehouse->translates && !is_transaction_control(sql))
		exchange.wrapper = "SELECT etl.execute_statement($1)";
	done = exchange_perform(&exchange);
	*rows = exchange.rows;
	return done;
}

bool
warehouse_query(EtlWarehouse *warehouse, const char *sql, EtlRemoteRow visit, void *arg, EtlRemoteError *error)
{
	Exchange exchange = {.warehouse = warehouse, .sql = sql, .visit = visit, .arg = arg, .error = error};

	initStringInfo(&exchange.json);
	if (warehouse->translates)
		exchange.wrapper = "SELECT etl.query($1)";
	return exchange_perform(&exchange);
}

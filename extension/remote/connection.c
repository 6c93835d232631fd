/*
 * connection.c
 *		Opening a warehouse connection without ever blocking in libpq.
 *
 * The rules of postgres_fdw and dblink: who isn't a superuser brings a password, and the other side must have asked
 * for it. Otherwise the connection would be made as the operating system's user, or by what libpq finds in a
 * password file, which are the server's, not the user's. Every keyword goes to libpq in an array with its value, so
 * no value can smuggle in another; those that say where to and as whom are always there, so libpq does not look for
 * them in the environment.
 */
#include "postgres.h"

#include <poll.h>

#include "base/clock.h"
#include "base/transaction.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "net/http.h"
#include "remote/connection.h"
#include "remote/target.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/wait_event.h"

/* The oldest PostgreSQL that a server can be to have pg_etl; Redshift says it is 8.0.2. */
#define FIRST_POSTGRESQL_VERSION 90000

static void
conn_free(void *handle)
{
	PQfinish(handle);
	ReleaseExternalFD();
}

static void
result_free(void *handle)
{
	PQclear(handle);
}

/* The other side's notices are its own business; libpq's default would print them on our stderr. */
static void
notice_drop(void *arg, const PGresult *notice)
{
}

static void
resolve_free(void *handle)
{
	resolve_close(handle);
}

void
warehouse_wait(const EtlWait *wait)
{
	int flags = WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
	long timeout = -1;
	int happened;

	if (wait->flag != NULL)
	{
		http_wait(wait);
		return;
	}
	if (wait->socket != PGINVALID_SOCKET)
		flags |= wait->events;
	if (wait->until_ms >= 0)
	{
		flags |= WL_TIMEOUT;
		timeout = (long) Max(wait->until_ms - clock_monotonic_ms(), 0);
	}
	happened = WaitLatchOrSocket(MyLatch, flags, wait->socket, timeout, PG_WAIT_EXTENSION);
	if (happened & WL_LATCH_SET)
		ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
}

static void
target_check(const EtlWarehouseTarget *target)
{
	/* The validator sees to it, but a wrapper can be left without one; libpq would ask the environment. */
	if (target->host == NULL || target->dbname == NULL)
		ereport(ERROR, errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
				errmsg("connection \"%s\" needs options \"host\" and \"dbname\"", target->name));
	if (target->user == NULL)
		ereport(ERROR, errcode(ERRCODE_FDW_DYNAMIC_PARAMETER_VALUE_NEEDED),
				errmsg("user mapping for connection \"%s\" has no option \"user\"", target->name));
	if (target->password_needed && target->password == NULL)
		ereport(ERROR, errcode(ERRCODE_S_R_E_PROHIBITED_SQL_STATEMENT_ATTEMPTED),
				errmsg("password is required for connection \"%s\"", target->name),
				errdetail("Only a superuser, on a superuser's server, may connect without a password."),
				errhint("Set option \"password\" in the user mapping."));
	if ((target->host[0] == '/' || target->host[0] == '@') && !target->trusted)
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("connection \"%s\" may not use a Unix-domain socket", target->name),
				errdetail("Only a superuser's server may."));
}

/* One host, as often as it has addresses: libpq tries one after the other. */
static char *
repeat_host(const char *host, int count)
{
	StringInfoData list;

	initStringInfo(&list);
	for (int i = 0; i < count; i++)
		appendStringInfo(&list, "%s%s", i > 0 ? "," : "", host);
	return list.data;
}

/* Start connecting; libpq's answer is the warehouse's handle. addresses NULL: libpq finds the host by itself. */
static void
conn_start(EtlWarehouse *warehouse, const EtlAddresses *addresses)
{
	const EtlWarehouseTarget *target = &warehouse->target;
	const char *keywords[16];
	const char *values[16];
	int n = 0;
	PGconn *conn;

#define ADD(keyword, value) (keywords[n] = (keyword), values[n++] = (value))
	ADD("host", addresses != NULL ? repeat_host(target->host, addresses->count) : target->host);
	if (addresses != NULL)
		ADD("hostaddr", addresses->list);
	ADD("port", target->port);
	ADD("dbname", target->dbname);
	ADD("user", target->user);
	if (target->password != NULL)
		ADD("password", target->password);
	ADD("sslmode", target->sslmode);
	/* The server process's own Kerberos ticket is not the user's to use. */
	ADD("gssencmode", "disable");
	if (target->password_needed)
		ADD("passfile", "/dev/null/none");
	ADD("application_name", "pg_etl");
	ADD("client_encoding", GetDatabaseEncodingName());
	ADD(NULL, NULL);
#undef ADD
	Assert(n <= lengthof(keywords));

	ReserveExternalFD();
	/* expand_dbname is off: a database's name is never a connection string. */
	conn = PQconnectStartParams(keywords, values, 0);
	if (conn == NULL)
	{
		ReleaseExternalFD();
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	}
	warehouse->conn->handle = conn;
	PQsetNoticeReceiver(conn, notice_drop, NULL);
	/* So that a refusal comes with its SQLSTATE, for which libpq has no other way (warehouse_error_take_refusal). */
	PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
	if (target->password != NULL)
		explicit_bzero(target->password, strlen(target->password));
	warehouse->polling = PGRES_POLLING_WRITING;
	warehouse->phase = ETL_WAREHOUSE_CONNECT;
}

static void
raise_refusal(const EtlWarehouse *warehouse, const EtlRemoteError *refusal)
{
	ereport(ERROR, errcode(refusal->error.sqlstate), errmsg("could not connect to \"%s\"", warehouse->name),
			errdetail("%s", refusal->error.message), errhint("%s", refusal->error.hint));
}

/* It is over, unless the password was refused and is one that may have been changed since it was read. */
static void
conn_failed(EtlWarehouse *warehouse)
{
	EtlRemoteError *refusal = palloc(sizeof(EtlRemoteError));

	warehouse_error_take_refusal(warehouse, refusal);
	etl_handle_close(warehouse->conn);
	if (ERRCODE_TO_CATEGORY(refusal->error.sqlstate) != ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION ||
		warehouse->secret == NULL || !secrets_value_renew(warehouse->secret))
		raise_refusal(warehouse, refusal);
	warehouse->refusal = refusal;
	warehouse->phase = ETL_WAREHOUSE_SECRET;
}

static void
check_deadline(EtlWarehouse *warehouse)
{
	const EtlWarehouseTarget *target = &warehouse->target;

	if (clock_monotonic_ms() < warehouse->deadline_ms)
		return;
	etl_handle_close(warehouse->conn);
	ereport(ERROR, errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
			errmsg("could not connect to \"%s\"", target->name),
			errdetail("Host \"%s\", port %s, did not answer within %d s.", target->host, target->port,
					  target->connect_timeout));
}

/* From here on it is known where to: look the host up, or let libpq connect. */
static void
target_complete(EtlWarehouse *warehouse)
{
	EtlWarehouseTarget *target = &warehouse->target;

	if (target->port == NULL)
		target->port = ETL_WAREHOUSE_DEFAULT_PORT;
	if (target->sslmode == NULL)
		target->sslmode = ETL_WAREHOUSE_DEFAULT_SSLMODE;
	target_check(target);
	warehouse->deadline_ms = clock_monotonic_ms() + target->connect_timeout * INT64CONST(1000);
	warehouse->resolve->handle = resolve_start(target->host);
	if (warehouse->resolve->handle != NULL)
		warehouse->phase = ETL_WAREHOUSE_RESOLVE;
	else
		conn_start(warehouse, NULL);
}

static bool
resolve_target(EtlWarehouse *warehouse, EtlWait *wait)
{
	EtlAddresses addresses;

	if (!resolve_poll(warehouse->resolve->handle, wait, &addresses))
	{
		check_deadline(warehouse);
		wait->until_ms = warehouse->deadline_ms;
		return false;
	}
	etl_handle_close(warehouse->resolve);
	if (addresses.count == 0)
		ereport(ERROR, errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
				errmsg("could not connect to \"%s\"", warehouse->name),
				errdetail("The address of host \"%s\" is not known: %s.", warehouse->target.host, addresses.problem),
				errhint("Check the host's name."));
	conn_start(warehouse, &addresses);
	return true;
}

/* Now, without waiting? */
static bool
socket_is_ready(pgsocket socket, bool readable)
{
	struct pollfd look = {.fd = socket, .events = readable ? POLLIN : POLLOUT};

	return poll(&look, 1, 0) != 0;
}

/* libpq is connected: may this connection be used? False: it broke. */
static bool
conn_check(EtlWarehouse *warehouse)
{
	PGconn *conn = warehouse->conn->handle;

	if (warehouse->target.password_needed && !PQconnectionUsedPassword(conn))
	{
		etl_handle_close(warehouse->conn);
		ereport(ERROR, errcode(ERRCODE_S_R_E_PROHIBITED_SQL_STATEMENT_ATTEMPTED),
				errmsg("password is required for connection \"%s\"", warehouse->name),
				errdetail("The other server did not ask for one."),
				errhint("Its authentication method must be one that uses the password."));
	}
	PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
	return PQsetnonblocking(conn, 1) == 0;
}

/* Does the other side have pg_etl, so that it takes Redshift's statements through a function? */
static void
ask_start(EtlWarehouse *warehouse)
{
	warehouse->phase = ETL_WAREHOUSE_CONNECTED;
	if (PQserverVersion(warehouse->conn->handle) < FIRST_POSTGRESQL_VERSION)
		return;
	warehouse->phase = ETL_WAREHOUSE_ASK;
	warehouse_execute_start(warehouse, "SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_etl'");
}

/* True: there is something else to be done now. */
static bool
conn_poll(EtlWarehouse *warehouse, EtlWait *wait)
{
	PGconn *conn = warehouse->conn->handle;

	check_deadline(warehouse);
	/* libpq asks to be called when its socket is ready, and not before. */
	if (PQstatus(conn) == CONNECTION_BAD)
		warehouse->polling = PGRES_POLLING_FAILED;
	else if (socket_is_ready(PQsocket(conn), warehouse->polling == PGRES_POLLING_READING))
		warehouse->polling = PQconnectPoll(conn);
	if (warehouse->polling == PGRES_POLLING_OK && conn_check(warehouse))
	{
		ask_start(warehouse);
		return true;
	}
	if (warehouse->polling == PGRES_POLLING_OK || warehouse->polling == PGRES_POLLING_FAILED)
	{
		conn_failed(warehouse);
		return true;
	}
	wait->socket = PQsocket(conn);
	wait->events = warehouse->polling == PGRES_POLLING_READING ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE;
	wait->until_ms = warehouse->deadline_ms;
	return false;
}

static bool
ask_poll(EtlWarehouse *warehouse, EtlWait *wait)
{
	const EtlRemoteError *error;
	int64 found;

	if (!warehouse_execute_poll(warehouse, wait))
		return false;
	error = warehouse_execute_end(warehouse, &found);
	if (error != NULL)
		warehouse_error_raise(error);
	warehouse->translates = found > 0;
	warehouse->phase = ETL_WAREHOUSE_CONNECTED;
	return true;
}

bool
warehouse_connect_poll(EtlWarehouse *warehouse, EtlWait *wait)
{
	*wait = ETL_WAIT_NONE;
	while (warehouse->phase != ETL_WAREHOUSE_CONNECTED)
		switch (warehouse->phase)
		{
			case ETL_WAREHOUSE_SECRET:
				if (!warehouse_secret_poll(warehouse->secret, &warehouse->target, wait))
					return false;
				if (warehouse->refusal != NULL && !secrets_value_changed(warehouse->secret))
					raise_refusal(warehouse, warehouse->refusal);
				target_complete(warehouse);
				break;
			case ETL_WAREHOUSE_RESOLVE:
				if (!resolve_target(warehouse, wait))
					return false;
				break;
			case ETL_WAREHOUSE_CONNECT:
				if (!conn_poll(warehouse, wait))
					return false;
				break;
			case ETL_WAREHOUSE_ASK:
				if (!ask_poll(warehouse, wait))
					return false;
				break;
			case ETL_WAREHOUSE_CONNECTED:
				break;
		}
	return true;
}

static EtlWarehouse *
make_warehouse(const EtlWarehouseTarget *target)
{
	EtlWarehouse *warehouse = palloc0(sizeof(EtlWarehouse));

	warehouse->name = pstrdup(target->name);
	warehouse->target = *target;
	warehouse->target.name = warehouse->name;
	warehouse->target.dbname_of_secret = target->dbname == NULL;
	warehouse->resolve = etl_handle_reserve(CurrentMemoryContext, resolve_free);
	warehouse->conn = etl_handle_reserve(CurrentMemoryContext, conn_free);
	warehouse->result = etl_handle_reserve(CurrentMemoryContext, result_free);
	if (target->secret_id == NULL)
		target_complete(warehouse);
	else
		warehouse->secret = warehouse_secret_start(&warehouse->target);
	return warehouse;
}

EtlWarehouse *
warehouse_open(const char *name)
{
	EtlWarehouseTarget target;

	warehouse_target_from_server(name, &target);
	return make_warehouse(&target);
}

EtlWarehouse *
warehouse_open_secret(const char *aws_server, const char *secret_id, const char *dbname)
{
	EtlWarehouseTarget target = {
		.name = secret_id,
		.connect_timeout = ETL_WAREHOUSE_DEFAULT_TIMEOUT,
		.password_needed = !superuser(),
		.secret_id = pstrdup(secret_id),
		.aws_server = aws_server == NULL ? NULL : pstrdup(aws_server),
		.dbname = dbname == NULL ? NULL : pstrdup(dbname),
	};

	return make_warehouse(&target);
}

static EtlWarehouse *
wait_connected(EtlWarehouse *warehouse)
{
	EtlWait wait;

	while (!warehouse_connect_poll(warehouse, &wait))
		warehouse_wait(&wait);
	return warehouse;
}

/* A session's connections leave it enough descriptors for its files. */
static void
check_descriptors(const char *name)
{
	if (!AcquireExternalFD())
		ereport(ERROR, errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
				errmsg("could not connect to \"%s\"", name), errdetail("There are too many open files."),
				errhint("Raise the server's max_files_per_process and/or \"ulimit -n\" limits."));
	ReleaseExternalFD();
}

EtlWarehouse *
warehouse_connect(const char *name)
{
	EtlTransaction transaction;
	EtlWarehouse *warehouse;

	check_descriptors(name);
	etl_transaction_enter(&transaction);
	warehouse = warehouse_open(name);
	etl_transaction_leave(&transaction);
	return wait_connected(warehouse);
}

bool
warehouse_in_transaction(const EtlWarehouse *warehouse)
{
	return PQtransactionStatus(warehouse->conn->handle) != PQTRANS_IDLE;
}

void
warehouse_close(EtlWarehouse *warehouse)
{
	etl_handle_close(warehouse->resolve);
	etl_handle_close(warehouse->result);
	etl_handle_close(warehouse->conn);
}

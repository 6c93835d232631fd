/*
 * connection.c
 *		Opening a warehouse connection without ever blocking in libpq (but for its look-up of the host's name).
 *
 * The rules of postgres_fdw and dblink: who isn't a superuser brings a password, and the other side must have asked
 * for it. Otherwise the connection would be made as the operating system's user, or by what libpq finds in a
 * password file, which are the server's, not the user's. Every keyword goes to libpq in an array with its value, so
 * no value can smuggle in another; those that say where to and as whom are always there, so libpq does not look for
 * them in the environment.
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/transaction.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "remote/connection.h"
#include "remote/target.h"
#include "storage/fd.h"
#include "storage/latch.h"
#include "utils/timestamp.h"
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

bool
warehouse_wait(PGconn *conn, int events, TimestampTz deadline)
{
	int flags = events | WL_LATCH_SET | WL_EXIT_ON_PM_DEATH;
	long timeout = -1;
	int happened;

	if (deadline != 0)
	{
		timeout = TimestampDifferenceMilliseconds(clock_now(), deadline);
		if (timeout <= 0)
			return false;
		flags |= WL_TIMEOUT;
	}
	happened = WaitLatchOrSocket(MyLatch, flags, PQsocket(conn), timeout, PG_WAIT_EXTENSION);
	if (happened & WL_LATCH_SET)
		ResetLatch(MyLatch);
	CHECK_FOR_INTERRUPTS();
	return true;
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

/* Start connecting; libpq's answer is the owner's handle. */
static void
conn_start(EtlHandle *owner, const EtlWarehouseTarget *target)
{
	const char *keywords[16];
	const char *values[16];
	int n = 0;
	PGconn *conn;

#define ADD(keyword, value) (keywords[n] = (keyword), values[n++] = (value))
	ADD("host", target->host);
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

	if (!AcquireExternalFD())
		ereport(ERROR, errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
				errmsg("could not connect to \"%s\"", target->name), errdetail("There are too many open files."),
				errhint("Raise the server's max_files_per_process and/or \"ulimit -n\" limits."));
	/* expand_dbname is off: a database's name is never a connection string. */
	conn = PQconnectStartParams(keywords, values, 0);
	if (conn == NULL)
	{
		ReleaseExternalFD();
		ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"));
	}
	owner->handle = conn;
	PQsetNoticeReceiver(conn, notice_drop, NULL);
	/* So that a refusal comes with its SQLSTATE, for which libpq has no other way (warehouse_error_take_refusal). */
	PQsetErrorVerbosity(conn, PQERRORS_VERBOSE);
}

static void
conn_failed(EtlWarehouse *warehouse)
{
	EtlRemoteError refusal;

	warehouse_error_take_refusal(warehouse, &refusal);
	etl_handle_close(warehouse->conn);
	ereport(ERROR, errcode(refusal.error.sqlstate), errmsg("could not connect to \"%s\"", warehouse->name),
			errdetail("%s", refusal.error.message), errhint("%s", refusal.error.hint));
}

static void
conn_finish(EtlWarehouse *warehouse, const EtlWarehouseTarget *target)
{
	PGconn *conn = warehouse->conn->handle;
	TimestampTz deadline = TimestampTzPlusMilliseconds(clock_now(), target->connect_timeout * INT64CONST(1000));
	PostgresPollingStatusType status = PGRES_POLLING_WRITING;

	if (PQstatus(conn) == CONNECTION_BAD)
		conn_failed(warehouse);
	while (status != PGRES_POLLING_OK)
	{
		if (!warehouse_wait(conn, status == PGRES_POLLING_READING ? WL_SOCKET_READABLE : WL_SOCKET_WRITEABLE,
							deadline))
		{
			etl_handle_close(warehouse->conn);
			ereport(ERROR, errcode(ERRCODE_SQLCLIENT_UNABLE_TO_ESTABLISH_SQLCONNECTION),
					errmsg("could not connect to \"%s\"", target->name),
					errdetail("Host \"%s\", port %s, did not answer within %d s.", target->host, target->port,
							  target->connect_timeout));
		}
		status = PQconnectPoll(conn);
		if (status == PGRES_POLLING_FAILED)
			conn_failed(warehouse);
	}
	if (target->password_needed && !PQconnectionUsedPassword(conn))
	{
		etl_handle_close(warehouse->conn);
		ereport(ERROR, errcode(ERRCODE_S_R_E_PROHIBITED_SQL_STATEMENT_ATTEMPTED),
				errmsg("password is required for connection \"%s\"", target->name),
				errdetail("The other server did not ask for one."),
				errhint("Its authentication method must be one that uses the password."));
	}
	PQsetErrorVerbosity(conn, PQERRORS_DEFAULT);
	if (PQsetnonblocking(conn, 1) != 0)
		conn_failed(warehouse);
}

/* Does the other side have pg_etl, so that it takes Redshift's statements through a function? */
static bool
other_side_translates(EtlWarehouse *warehouse)
{
	EtlRemoteError error;
	int64 found;

	if (PQserverVersion(warehouse->conn->handle) < FIRST_POSTGRESQL_VERSION)
		return false;
	if (!warehouse_execute(warehouse, "SELECT FROM pg_catalog.pg_extension WHERE extname = 'pg_etl'", &found,
						   &error))
		warehouse_error_raise(&error);
	return found > 0;
}

static EtlWarehouse *
connect_target(EtlWarehouseTarget *target)
{
	EtlWarehouse *warehouse = palloc0(sizeof(EtlWarehouse));

	if (target->secret_id != NULL)
		warehouse_target_from_secret(target);
	if (target->port == NULL)
		target->port = ETL_WAREHOUSE_DEFAULT_PORT;
	if (target->sslmode == NULL)
		target->sslmode = ETL_WAREHOUSE_DEFAULT_SSLMODE;
	target_check(target);

	warehouse->name = pstrdup(target->name);
	warehouse->conn = etl_handle_reserve(CurrentMemoryContext, conn_free);
	warehouse->result = etl_handle_reserve(CurrentMemoryContext, result_free);
	conn_start(warehouse->conn, target);
	if (target->password != NULL)
		explicit_bzero(target->password, strlen(target->password));
	conn_finish(warehouse, target);
	warehouse->translates = other_side_translates(warehouse);
	return warehouse;
}

EtlWarehouse *
warehouse_connect(const char *name)
{
	EtlTransaction transaction;
	EtlWarehouseTarget target;

	etl_transaction_enter(&transaction);
	warehouse_target_from_server(name, &target);
	etl_transaction_leave(&transaction);
	return connect_target(&target);
}

EtlWarehouse *
warehouse_connect_secret(const char *aws_server, const char *secret_id, const char *dbname)
{
	EtlTransaction transaction;
	EtlWarehouseTarget target = {
		.name = secret_id,
		.connect_timeout = ETL_WAREHOUSE_DEFAULT_TIMEOUT,
		.secret_id = pstrdup(secret_id),
		.aws_server = aws_server == NULL ? NULL : pstrdup(aws_server),
		.dbname = dbname == NULL ? NULL : pstrdup(dbname),
	};

	etl_transaction_enter(&transaction);
	target.password_needed = !superuser();
	etl_transaction_leave(&transaction);
	return connect_target(&target);
}

bool
warehouse_in_transaction(const EtlWarehouse *warehouse)
{
	return PQtransactionStatus(warehouse->conn->handle) != PQTRANS_IDLE;
}

void
warehouse_close(EtlWarehouse *warehouse)
{
	etl_handle_close(warehouse->result);
	etl_handle_close(warehouse->conn);
}

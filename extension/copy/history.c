/*
 * history.c
 *		Recording what was moved. See history.h.
 *
 * The row belongs to the transaction that moved the data: both are there or neither. READ ONLY is about what its statements
 * write, which a temporary table takes as well, and objects; so it holds for all of a load or unload but this row.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "copy/history.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static int64 copy_job_id = 0; /* of the loads that are made */

/* The session's last, as Redshift's functions give them. */
static int64 last_load_id = -1;
static int64 last_load_rows = 0;
static int64 last_unload_id = -1;
static int64 last_unload_rows = 0;

/* A scope in which history is written. */
typedef struct HistoryScope
{
	EtlSpiScope spi;
	bool read_only; /* the transaction is */
} HistoryScope;

PG_FUNCTION_INFO_V1(pg_etl_last_copy_id);
PG_FUNCTION_INFO_V1(pg_etl_last_copy_count);
PG_FUNCTION_INFO_V1(pg_etl_last_unload_id);
PG_FUNCTION_INFO_V1(pg_etl_last_unload_count);

Datum
pg_etl_last_copy_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(last_load_id);
}

Datum
pg_etl_last_copy_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(last_load_rows);
}

Datum
pg_etl_last_unload_id(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(last_unload_id);
}

Datum
pg_etl_last_unload_count(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(last_unload_rows);
}

/* Others have been told that such a transaction writes nothing. */
static void
refuse_serializable(void)
{
	if (XactReadOnly && IsolationIsSerializable())
		ereport(ERROR, errcode(ERRCODE_READ_ONLY_SQL_TRANSACTION),
				errmsg("cannot load or unload in a serializable read-only transaction"),
				errdetail("Its history is written by the transaction itself."),
				errhint("Use REPEATABLE READ, or a transaction that may write."));
}

/* After an error the abort puts the transaction's own back. */
static void
history_open(HistoryScope *scope)
{
	scope->read_only = XactReadOnly;
	/* a standby can't write at all */
	if (!RecoveryInProgress())
		XactReadOnly = false;
	etl_spi_open(&scope->spi, ETL_SPI_OWNER);
}

static void
history_close(HistoryScope *scope)
{
	etl_spi_close(&scope->spi);
	XactReadOnly = scope->read_only;
}

int64
load_history_begin(void)
{
	static EtlSpiPlan next = {"SELECT nextval('etl.load_history_load_id_seq')", 0, {0}};
	HistoryScope scope;
	bool isnull;

	refuse_serializable();
	history_open(&scope);
	etl_spi_execute(&next, SPI_OK_SELECT, NULL, NULL);
	last_load_id = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	history_close(&scope);
	return last_load_id;
}

int64
load_history_last(void)
{
	return last_load_id;
}

void
load_history_set_copy_job(int64 job_id)
{
	copy_job_id = job_id;
}

int64
history_transaction(void)
{
	return (int64) U64FromFullTransactionId(GetTopFullTransactionIdIfAny());
}

void
history_session(EtlTransferSession *session)
{
	static EtlSpiPlan run = {"SELECT etl._current_run()", 0, {0}};
	EtlSpiScope spi;
	bool isnull;
	Datum run_id;

	/* read before the scope makes the extension's owner the current user */
	*session = (EtlTransferSession){
		.username = GetUserNameFromId(GetUserId(), false), .copy_job_id = copy_job_id, .pid = MyProcPid};
	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_execute(&run, SPI_OK_SELECT, NULL, NULL);
	run_id = etl_spi_datum(0, 1, &isnull);
	if (!isnull)
		session->run_id = DatumGetInt64(run_id);
	etl_spi_close(&spi);
}

static Datum
text_or_null(const char *value, char *null)
{
	*null = value == NULL ? 'n' : ' ';
	return value == NULL ? (Datum) 0 : CStringGetTextDatum(value);
}

static Datum
id_or_null(int64 id, char *null)
{
	*null = id == 0 ? 'n' : ' ';
	return Int64GetDatum(id);
}

/* One statement however many files there are. */
static void
insert_files(EtlSpiPlan *plan, int64 id, const EtlTransfer *transfer)
{
	Datum *uris;
	Datum *rows;
	Datum *bytes;
	Datum values[4];

	if (transfer->file_list == NULL || transfer->files == 0)
		return;
	uris = palloc(transfer->files * sizeof(Datum));
	rows = palloc(transfer->files * sizeof(Datum));
	bytes = palloc(transfer->files * sizeof(Datum));
	for (int i = 0; i < transfer->files; i++)
	{
		uris[i] = CStringGetTextDatum(transfer->file_list[i].uri);
		rows[i] = Int64GetDatum(transfer->file_list[i].rows);
		bytes[i] = Int64GetDatum(transfer->file_list[i].bytes);
	}
	values[0] = Int64GetDatum(id);
	values[1] = PointerGetDatum(construct_array(uris, transfer->files, TEXTOID, -1, false, TYPALIGN_INT));
	values[2] =
		PointerGetDatum(construct_array(rows, transfer->files, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[3] = PointerGetDatum(
		construct_array(bytes, transfer->files, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	etl_spi_execute(plan, SPI_OK_INSERT, values, NULL);
}

void
load_history_insert(const EtlTransfer *transfer, const EtlTransferSession *session, int64 transaction_id)
{
	static EtlSpiPlan insert = {
		"INSERT INTO etl.load_history (load_id, run_id, username, table_name, uri, format, started_at, "
		"finished_at, rows,"
		" bytes, files, status, rejected, message, table_id, transaction_id, pid, copy_job_id) OVERRIDING "
		"SYSTEM VALUE"
		" VALUES ($1, $2, $3, $4, $5, $6, $7, etl._clock(), $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
		17,
		{INT8OID, INT8OID, NAMEOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, INT8OID, INT4OID,
		 TEXTOID, INT8OID, TEXTOID, OIDOID, INT8OID, INT4OID, INT8OID}};
	static EtlSpiPlan files = {"INSERT INTO etl.load_file (load_id, uri, rows, bytes)"
							   " SELECT $1, uri, rows, bytes FROM unnest($2, $3, $4) AS f(uri, rows, bytes)",
							   4,
							   {INT8OID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID}};
	Datum values[17];
	char nulls[18] = "                 ";

	values[0] = Int64GetDatum(transfer->id);
	values[1] = id_or_null(session->run_id, &nulls[1]);
	values[2] = DirectFunctionCall1(namein, CStringGetDatum(session->username));
	values[3] = CStringGetTextDatum(transfer->subject);
	values[4] = CStringGetTextDatum(transfer->uri);
	values[5] = CStringGetTextDatum(transfer->format);
	values[6] = TimestampTzGetDatum(transfer->started_at);
	values[7] = Int64GetDatum(transfer->rows);
	values[8] = Int64GetDatum(transfer->bytes);
	values[9] = Int32GetDatum(transfer->files);
	values[10] = CStringGetTextDatum(transfer->status);
	values[11] = Int64GetDatum(transfer->rejected);
	values[12] = text_or_null(transfer->message, &nulls[12]);
	values[13] = ObjectIdGetDatum(transfer->table);
	values[14] = id_or_null(transaction_id, &nulls[14]);
	values[15] = Int32GetDatum(session->pid);
	values[16] = id_or_null(session->copy_job_id, &nulls[16]);
	etl_spi_execute(&insert, SPI_OK_INSERT, values, nulls);
	insert_files(&files, transfer->id, transfer);
}

void
load_history_add(const EtlTransfer *transfer)
{
	EtlTransferSession session;
	HistoryScope scope;

	history_session(&session);
	history_open(&scope);
	load_history_insert(transfer, &session, (int64) U64FromFullTransactionId(GetTopFullTransactionId()));
	history_close(&scope);
	last_load_rows = strcmp(transfer->status, "loaded") == 0 ? transfer->rows : 0;
}

void
unload_history_begin(EtlTransferSession *session)
{
	refuse_serializable();
	history_session(session);
}

int64
unload_history_insert(const EtlTransfer *transfer, const EtlTransferSession *session, int64 transaction_id)
{
	static EtlSpiPlan insert = {"INSERT INTO etl.unload_history (run_id, username, query, uri, format, started_at, "
								"finished_at, rows, bytes, files, status,"
								" message, transaction_id, pid) VALUES ($1, $2, $3, $4, $5, $6, etl._clock(), "
								"$7, $8, $9, $10, $11, $12, $13)"
								" RETURNING unload_id",
								13,
								{INT8OID, NAMEOID, TEXTOID, TEXTOID, TEXTOID, TIMESTAMPTZOID, INT8OID, INT8OID,
								 INT4OID, TEXTOID, TEXTOID, INT8OID, INT4OID}};
	static EtlSpiPlan files = {"INSERT INTO etl.unload_file (unload_id, uri, rows, bytes)"
							   " SELECT $1, uri, rows, bytes FROM unnest($2, $3, $4) AS f(uri, rows, bytes)",
							   4,
							   {INT8OID, TEXTARRAYOID, INT8ARRAYOID, INT8ARRAYOID}};
	Datum values[13];
	char nulls[14] = "             ";
	int64 id;
	bool isnull;

	values[0] = id_or_null(session->run_id, &nulls[0]);
	values[1] = DirectFunctionCall1(namein, CStringGetDatum(session->username));
	values[2] = CStringGetTextDatum(transfer->subject);
	values[3] = CStringGetTextDatum(transfer->uri);
	values[4] = CStringGetTextDatum(transfer->format);
	values[5] = TimestampTzGetDatum(transfer->started_at);
	values[6] = Int64GetDatum(transfer->rows);
	values[7] = Int64GetDatum(transfer->bytes);
	values[8] = Int32GetDatum(transfer->files);
	values[9] = CStringGetTextDatum(transfer->status);
	values[10] = text_or_null(transfer->message, &nulls[10]);
	values[11] = id_or_null(transaction_id, &nulls[11]);
	values[12] = Int32GetDatum(session->pid);
	etl_spi_execute(&insert, SPI_OK_INSERT_RETURNING, values, nulls);
	id = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	insert_files(&files, id, transfer);
	return id;
}

void
unload_history_add(const EtlTransfer *transfer, const EtlTransferSession *session)
{
	HistoryScope scope;

	history_open(&scope);
	last_unload_id = unload_history_insert(transfer, session,
										   (int64) U64FromFullTransactionId(GetTopFullTransactionId()));
	history_close(&scope);
	last_unload_rows = transfer->rows;
}

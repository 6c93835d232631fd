/*
 * load_error_writer.c
 *		The process that writes a load's errors, and what unloads failed. See load_error_internal.h.
 *
 * It is connected as nobody in particular, so that a role without LOGIN or a limit of connections is no obstacle, and
 * runs nobody's SQL but its own, with the extension owner's rights. It waits for no lock for long: its load may have it,
 * and DROP DATABASE waits for it. If its load leaves before the end, nothing is written.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type.h"
#include "copy/load_error_internal.h"
#include "libpq/pqsignal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/dsm.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define LOCK_TIMEOUT_MS 1000

PGDLLEXPORT void pg_etl_load_error_writer_main(Datum arg);

typedef struct Writer
{
	EtlLoadReport *report;
	shm_mq_handle *queue;
	EtlTransferSession session;
	EtlTransfer transfer; /* what is known of it, if it hasn't failed */
	int64 transaction_id;
	const char *message; /* the one at hand */
	Size left;			 /* of it */
} Writer;

static void
broken(void)
{
	ereport(ERROR, errcode(ERRCODE_PROTOCOL_VIOLATION), errmsg("a message about a load is broken"));
}

static int64
get_int(Writer *writer)
{
	int64 value;

	if (writer->left < sizeof(value))
		broken();
	memcpy(&value, writer->message, sizeof(value));
	writer->message += sizeof(value);
	writer->left -= sizeof(value);
	return value;
}

static char *
get_text(Writer *writer)
{
	int64 len = get_int(writer);
	char *text;

	if (len == -1)
		return NULL;
	if (len < 0 || (Size) len > writer->left)
		broken();
	text = pnstrdup(writer->message, len);
	writer->message += len;
	writer->left -= len;
	return text;
}

/* The next message's kind. */
static char
receive(Writer *writer)
{
	Size len;
	void *data;

	if (shm_mq_receive(writer->queue, &len, &data, false) != SHM_MQ_SUCCESS)
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE), errmsg("the load has gone"));
	if (len < 1)
		broken();
	writer->message = (const char *) data + 1;
	writer->left = len - 1;
	return *(const char *) data;
}

static void
get_session(Writer *writer)
{
	writer->session.username = get_text(writer);
	writer->session.run_id = get_int(writer);
	writer->session.copy_job_id = get_int(writer);
	writer->session.pid = (int) get_int(writer);
	writer->transaction_id = get_int(writer);
}

static void
get_transfer(Writer *writer)
{
	EtlTransfer *transfer = &writer->transfer;

	transfer->uri = get_text(writer);
	transfer->format = get_text(writer);
	transfer->rows = get_int(writer);
	transfer->bytes = get_int(writer);
	transfer->files = (int) get_int(writer);
	transfer->rejected = get_int(writer);
	transfer->status = get_text(writer);
	transfer->message = get_text(writer);
}

static void
write_header(Writer *writer)
{
	EtlTransfer *transfer = &writer->transfer;

	transfer->id = get_int(writer);
	get_session(writer);
	transfer->started_at = get_int(writer);
	transfer->table = (Oid) get_int(writer);
	transfer->subject = get_text(writer);
	if (get_int(writer) == 0)
		return;
	get_transfer(writer);
	load_history_insert(transfer, &writer->session, writer->transaction_id);
}

static void
write_unload(Writer *writer)
{
	get_session(writer);
	writer->transfer.started_at = get_int(writer);
	writer->transfer.subject = get_text(writer);
	get_transfer(writer);
	(void) unload_history_insert(&writer->transfer, &writer->session, writer->transaction_id);
}

static Datum
text_or_null(const char *text, char *null)
{
	*null = text == NULL ? 'n' : ' ';
	return text == NULL ? (Datum) 0 : CStringGetTextDatum(text);
}

static void
write_error(Writer *writer)
{
	static EtlSpiPlan insert = {
		"INSERT INTO etl.load_error (load_id, username, table_name, table_id, transaction_id, pid, "
		"started_at, uri, line,"
		" column_name, type, column_length, position, raw_line, raw_value, fields, code, reason)"
		" VALUES ($1, $2, $3, $4, nullif($5, 0), $6, $7, $8, $9, $10, $11, nullif($12, 0), nullif($13, -1), "
		"$14, $15,"
		" $16::jsonb, $17, $18)",
		18,
		{INT8OID, NAMEOID, TEXTOID, OIDOID, INT8OID, INT4OID, TIMESTAMPTZOID, TEXTOID, INT8OID, TEXTOID,
		 TEXTOID, INT4OID, INT4OID, TEXTOID, TEXTOID, TEXTOID, INT4OID, TEXTOID}};
	const EtlTransfer *transfer = &writer->transfer;
	Datum values[18];
	char nulls[19] = "                  ";

	values[0] = Int64GetDatum(transfer->id);
	values[1] = DirectFunctionCall1(namein, CStringGetDatum(writer->session.username));
	values[2] = CStringGetTextDatum(transfer->subject);
	values[3] = ObjectIdGetDatum(transfer->table);
	values[4] = Int64GetDatum(writer->transaction_id);
	values[5] = Int32GetDatum(writer->session.pid);
	values[6] = TimestampTzGetDatum(transfer->started_at);
	values[7] = text_or_null(get_text(writer), &nulls[7]);
	values[8] = Int64GetDatum(get_int(writer));
	values[9] = text_or_null(get_text(writer), &nulls[9]);
	values[10] = text_or_null(get_text(writer), &nulls[10]);
	values[11] = Int32GetDatum((int32) get_int(writer));
	values[12] = Int32GetDatum((int32) get_int(writer));
	values[13] = text_or_null(get_text(writer), &nulls[13]);
	values[14] = text_or_null(get_text(writer), &nulls[14]);
	values[15] = text_or_null(get_text(writer), &nulls[15]);
	values[16] = Int32GetDatum((int32) get_int(writer));
	values[17] = text_or_null(get_text(writer), &nulls[17]);
	etl_spi_execute(&insert, SPI_OK_INSERT, values, nulls);
}

static void
write_all(Writer *writer)
{
	MemoryContext each;
	EtlSpiScope spi;
	bool is_load;
	char kind;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	kind = receive(writer);
	is_load = kind == ETL_LOAD_MESSAGE_HEADER;
	if (is_load)
	{
		write_header(writer);
		kind = receive(writer);
	}
	each = AllocSetContextCreate(CurrentMemoryContext, "pg_etl load error", ALLOCSET_DEFAULT_SIZES);
	for (; kind != ETL_LOAD_MESSAGE_END; kind = receive(writer))
	{
		MemoryContext old = MemoryContextSwitchTo(each);

		CHECK_FOR_INTERRUPTS();
		if (is_load && kind == ETL_LOAD_MESSAGE_ERROR)
			write_error(writer);
		else if (!is_load && kind == ETL_LOAD_MESSAGE_UNLOAD)
			write_unload(writer);
		else
			broken();
		MemoryContextSwitchTo(old);
		MemoryContextReset(each);
	}
	etl_spi_close(&spi);
	CommitTransactionCommand();
}

static void
answer(EtlLoadReport *report, EtlLoadReportState state)
{
	pg_write_barrier();
	pg_atomic_write_u32(&report->state, state);
	SetLatch(report->latch);
}

/* The load says it to whom it concerns; the log has no use for it. */
static void
answer_failure(EtlLoadReport *report, MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	HOLD_INTERRUPTS();
	AbortCurrentTransaction();
	RESUME_INTERRUPTS();
	snprintf(report->message, sizeof(report->message), "%.*s.",
			 pg_mbcliplen(error->message, strlen(error->message), sizeof(report->message) - 2),
			 error->message);
	answer(report, ETL_LOAD_REPORT_FAILED);
}

void
pg_etl_load_error_writer_main(Datum arg)
{
	Writer writer = {0};
	MemoryContext context = CurrentMemoryContext;
	dsm_segment *segment;
	shm_mq *queue;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	segment = dsm_attach(DatumGetUInt32(arg));
	if (segment == NULL)
		return; /* the load has gone */
	dsm_pin_mapping(segment);
	writer.report = dsm_segment_address(segment);
	queue = (shm_mq *) ((char *) writer.report + ETL_LOAD_REPORT_SIZE);
	shm_mq_set_receiver(queue, MyProc);
	writer.queue = shm_mq_attach(queue, segment, NULL);

	BackgroundWorkerInitializeConnectionByOid(writer.report->database, InvalidOid, BGWORKER_BYPASS_ALLOWCONN);
	etl_transaction_set_defaults();
	/* Somebody waits who has locks: not for a standby, too. */
	SetConfigOption("synchronous_commit", "local", PGC_USERSET, PGC_S_SESSION);
	etl_spi_lock_timeout = LOCK_TIMEOUT_MS;
	PG_TRY();
	{
		write_all(&writer);
		answer(writer.report, ETL_LOAD_REPORT_COMMITTED);
	}
	PG_CATCH();
	{
		answer_failure(writer.report, context);
	}
	PG_END_TRY();
	dsm_detach(segment);
}

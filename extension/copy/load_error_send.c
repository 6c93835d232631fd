/*
 * load_error_send.c
 *		Having a load's errors, and what unloads failed, written by another process. See load_error.h and load_error_internal.h.
 *
 * It may be called while the transaction is about to be aborted, so it touches nothing of a transaction: no catalog,
 * no lock, no snapshot.
 */
#include "postgres.h"

#include "access/xlog.h"
#include "copy/load_error_internal.h"
#include "copy/segment.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "postmaster/bgworker.h"
#include "storage/shm_mq.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

/* Other loads that fail at the same moment have the processes for some milliseconds each. */
#define WORKER_WAIT_MS 2000
#define WORKER_RETRY_MS 20
#define HASTY_WAIT_MS 500 /* for the answer: a cancel works within two seconds */

struct EtlLoadSender
{
	dsm_segment *segment;
	EtlLoadReport *report;
	BackgroundWorkerHandle *worker;
	shm_mq_handle *queue;
	EtlLoadProblem *problem; /* what keeps it from being done */
	bool in_haste;
};

typedef EtlLoadSender Sender;

/* The errors of a load. */
typedef struct LoadReport
{
	EtlLoadErrors *errors;
	Oid table;
	const char *subject;	   /* the table, as SQL writes it */
	const EtlTransfer *failed; /* NULL: it hasn't */
} LoadReport;

static bool
fail(Sender *sender, int sqlstate, const char *problem, const char *hint)
{
	*sender->problem = (EtlLoadProblem){.sqlstate = sqlstate, .detail = problem, .hint = hint};
	return false;
}

/* A process, if one comes free within some time. */
static bool
register_writer(Sender *sender, BackgroundWorker *worker)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), sender->in_haste ? 0 : WORKER_WAIT_MS);

	while (!RegisterDynamicBackgroundWorker(worker, &sender->worker))
	{
		if (max_worker_processes == 0 || GetCurrentTimestamp() >= end)
			return false;
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, WORKER_RETRY_MS,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
	return true;
}

static bool
start_writer(Sender *sender)
{
	BackgroundWorker worker = {0};
	EtlError error;
	shm_mq *queue;

	sender->segment = load_segment_create(ETL_LOAD_REPORT_SIZE + ETL_LOAD_QUEUE_SIZE, &error);
	if (sender->segment == NULL)
		return fail(sender, error.sqlstate, psprintf("%s.", error.message), NULL);
	sender->report = dsm_segment_address(sender->segment);
	sender->report->database = MyDatabaseId;
	sender->report->latch = MyLatch;
	pg_atomic_init_u32(&sender->report->state, ETL_LOAD_REPORT_RUNNING);
	sender->report->message[0] = '\0';
	queue = shm_mq_create((char *) sender->report + ETL_LOAD_REPORT_SIZE, ETL_LOAD_QUEUE_SIZE);
	shm_mq_set_sender(queue, MyProc);

	worker.bgw_flags = BGWORKER_SHMEM_ACCESS | BGWORKER_BACKEND_DATABASE_CONNECTION;
	worker.bgw_start_time = BgWorkerStart_RecoveryFinished;
	worker.bgw_restart_time = BGW_NEVER_RESTART;
	worker.bgw_notify_pid = MyProcPid;
	worker.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(sender->segment));
	strlcpy(worker.bgw_library_name, "pg_etl", BGW_MAXLEN);
	strlcpy(worker.bgw_function_name, ETL_LOAD_WRITER_MAIN, BGW_MAXLEN);
	strlcpy(worker.bgw_name, "pg_etl load errors", BGW_MAXLEN);
	strlcpy(worker.bgw_type, "pg_etl load errors", BGW_MAXLEN);
	if (!register_writer(sender, &worker))
		return fail(sender, ERRCODE_CONFIGURATION_LIMIT_EXCEEDED, "No background worker is left.",
					"Raise max_worker_processes.");
	sender->queue = shm_mq_attach(queue, sender->segment, sender->worker);
	return true;
}

bool
load_sender_send(Sender *sender, const char *data, Size len)
{
	return shm_mq_send(sender->queue, len, data, false, false) == SHM_MQ_SUCCESS;
}

void
load_message_put_session(StringInfo message, const EtlTransferSession *session)
{
	load_message_put_text(message, session->username);
	load_message_put_int(message, session->run_id);
	load_message_put_int(message, session->copy_job_id);
	load_message_put_int(message, session->pid);
	load_message_put_int(message, history_transaction());
}

void
load_message_put_transfer(StringInfo message, const EtlTransfer *transfer)
{
	load_message_put_text(message, transfer->uri);
	load_message_put_text(message, transfer->format);
	load_message_put_int(message, transfer->rows);
	load_message_put_int(message, transfer->bytes);
	load_message_put_int(message, transfer->files);
	load_message_put_int(message, transfer->rejected);
	load_message_put_text(message, transfer->status);
	load_message_put_text(message, transfer->message);
}

static bool
send_header(Sender *sender, const LoadReport *report)
{
	const EtlLoadErrors *errors = report->errors;
	const EtlTransfer *failed = report->failed;
	StringInfoData message;
	bool sent;

	initStringInfo(&message);
	appendStringInfoChar(&message, ETL_LOAD_MESSAGE_HEADER);
	load_message_put_int(&message, errors->load_id);
	load_message_put_session(&message, &errors->session);
	load_message_put_int(&message, failed != NULL ? failed->started_at : errors->started_at);
	load_message_put_int(&message, report->table);
	load_message_put_text(&message, report->subject);
	load_message_put_int(&message, failed != NULL);
	if (failed != NULL)
		load_message_put_transfer(&message, failed);
	sent = load_sender_send(sender, message.data, message.len);
	pfree(message.data);
	return sent;
}

/* Messages with their lengths before them; all of them are whole. */
static bool
send_buffer(Sender *sender, const char *data, int len)
{
	for (int at = 0; at < len;)
	{
		int64 size;

		memcpy(&size, data + at, sizeof(size));
		at += sizeof(size);
		if (!load_sender_send(sender, data + at, size))
			return false;
		at += size;
	}
	return true;
}

static void
read_file(BufFile *file, void *to, Size size)
{
	if (BufFileRead(file, to, size) != size)
		ereport(ERROR, errcode_for_file_access(), errmsg("the temporary file they are in is cut short"));
}

static bool
send_file(Sender *sender, const EtlLoadErrors *errors)
{
	BufFile *file = errors->file;
	StringInfoData message;
	int64 left = errors->spilled;
	bool sent = true;

	if (file == NULL)
		return true;
	initStringInfo(&message);
	if (BufFileSeek(file, 0, 0L, SEEK_SET) != 0)
		ereport(ERROR, errcode_for_file_access(), errmsg("the temporary file they are in can't be read"));
	while (left > 0 && sent)
	{
		int64 size;

		read_file(file, &size, sizeof(size));
		resetStringInfo(&message);
		enlargeStringInfo(&message, size);
		read_file(file, message.data, size);
		sent = load_sender_send(sender, message.data, size);
		left -= sizeof(size) + size;
	}
	pfree(message.data);
	return sent;
}

/* Until it has answered, or is gone; in haste not for long. */
static bool
wait_for_answer(Sender *sender)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), HASTY_WAIT_MS);

	for (;;)
	{
		long left = TimestampDifferenceMilliseconds(GetCurrentTimestamp(), end);
		pid_t pid;
		bool gone = GetBackgroundWorkerPid(sender->worker, &pid) == BGWH_STOPPED;

		switch ((EtlLoadReportState) pg_atomic_read_u32(&sender->report->state))
		{
			case ETL_LOAD_REPORT_COMMITTED:
				return true;
			case ETL_LOAD_REPORT_FAILED:
				return fail(sender, ERRCODE_INTERNAL_ERROR, pstrdup(sender->report->message), NULL);
			case ETL_LOAD_REPORT_RUNNING:
				break;
		}
		if (gone)
			return fail(sender, ERRCODE_INTERNAL_ERROR, "The process that writes them ended.",
						"The server's log may say why.");
		if (sender->in_haste && left == 0)
			return fail(sender, ERRCODE_QUERY_CANCELED, "The statement was cancelled, and the process that writes them is not through yet.",
						NULL);
		(void) WaitLatch(MyLatch, WL_LATCH_SET | WL_EXIT_ON_PM_DEATH | (sender->in_haste ? WL_TIMEOUT : 0), left,
						 PG_WAIT_EXTENSION);
		ResetLatch(MyLatch);
		CHECK_FOR_INTERRUPTS();
	}
}

static bool
send_all(Sender *sender, void (*send)(Sender *sender, void *arg), void *arg)
{
	static const char end = ETL_LOAD_MESSAGE_END;

	/* A standby starts no such process before it is promoted. */
	if (RecoveryInProgress())
		return fail(sender, ERRCODE_READ_ONLY_SQL_TRANSACTION, "The server is a standby.", NULL);
	if (!start_writer(sender))
		return false;
	/* Who leaves before the end has said why, or is gone. */
	send(sender, arg);
	(void) shm_mq_send(sender->queue, 1, &end, false, true);
	return wait_for_answer(sender);
}

bool
load_sender_run(void (*send)(Sender *sender, void *arg), void *arg, bool in_haste, EtlLoadProblem *problem)
{
	Sender sender = {.problem = problem, .in_haste = in_haste};
	MemoryContext caller = CurrentMemoryContext;
	volatile bool written = false;

	PG_TRY();
	{
		written = send_all(&sender, send, arg);
	}
	PG_CATCH();
	{
		ErrorData *error;

		if (geterrcode() == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		fail(&sender, error->sqlerrcode, psprintf("%s.", error->message), NULL);
	}
	PG_END_TRY();
	if (sender.segment != NULL)
		dsm_detach(sender.segment);
	return written;
}

static void
send_report(Sender *sender, void *arg)
{
	const LoadReport *report = arg;
	const EtlLoadErrors *errors = report->errors;

	(void) (send_header(sender, report) && send_file(sender, errors) &&
			send_buffer(sender, errors->buffer.data, errors->buffer.len));
}

bool
load_errors_write(EtlLoadErrors *errors, Oid table, const EtlTransfer *failed, bool in_haste)
{
	LoadReport report = {.errors = errors, .table = table, .failed = failed};
	EtlLoadProblem problem;
	bool written;

	if (errors->count == 0 && failed == NULL)
		return true;
	report.subject = failed != NULL ? failed->subject
									: quote_qualified_identifier(get_namespace_name(get_rel_namespace(table)),
																 get_rel_name(table));
	written = load_sender_run(send_report, &report, in_haste, &problem);
	if (errors->file != NULL)
		BufFileClose(errors->file);
	errors->file = NULL;
	if (!written)
		ereport(WARNING, errcode(problem.sqlstate),
				errmsg("the errors of the load into %s could not be kept", report.subject),
				errdetail("%s", problem.detail), problem.hint == NULL ? 0 : errhint("%s", problem.hint));
	return written;
}

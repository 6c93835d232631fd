/*
 * parse_worker.c
 *		Reading files in a process of its own. See parse_worker.h.
 *
 * One segment of shared memory has the plan and two message queues. Towards the process a message is a letter and what
 * it says; back it is one batch, or an error, or nothing (stopped).
 *
 *		backend   F<file><name>  D<bytes>  D<bytes>  E  F…  S
 *		process   B<batch>  B<batch>  X<error>  S
 */
#include "postgres.h"

#include "base/stream.h"
#include "copy/parse.h"
#include "copy/parse_worker.h"
#include "copy/segment.h"
#include "fmgr.h"
#include "libpq/pqsignal.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "postmaster/bgworker.h"
#include "storage/ipc.h"
#include "storage/proc.h"
#include "storage/shm_mq.h"
#include "storage/shm_toc.h"
#include "store/codec.h"
#include "tcop/tcopprot.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

#define PARSE_MAGIC 0x65746c70
#define QUEUE_IN_BYTES (1024 * 1024)
#define QUEUE_OUT_BYTES (1 * 1024 * 1024)

enum
{
	KEY_PLAN_SIZE,
	KEY_PLAN,
	KEY_IN,
	KEY_OUT
};

enum
{
	MESSAGE_FILE = 'F',
	MESSAGE_DATA = 'D',
	MESSAGE_END = 'E',
	MESSAGE_STOP = 'S',
	MESSAGE_BATCH = 'B',
	MESSAGE_ERROR = 'X'
};

/* What a batch begins with, so that it is aligned in the message. */
typedef union MessageHead
{
	char kind;
	char aligned[MAXIMUM_ALIGNOF];
} MessageHead;

struct EtlParseWorker
{
	dsm_segment *segment;
	BackgroundWorkerHandle *handle;
	shm_mq_handle *in;
	shm_mq_handle *out;
};

/* ---- The backend's side ---- */

static dsm_segment *
segment_create(const EtlLoadPlan *plan, shm_mq **in, shm_mq **out)
{
	StringInfoData bytes;
	shm_toc_estimator estimator;
	Size size;
	dsm_segment *segment;
	shm_toc *toc;
	Size *plan_size;
	char *plan_bytes;
	EtlError error;

	initStringInfo(&bytes);
	load_plan_write(plan, &bytes);
	shm_toc_initialize_estimator(&estimator);
	shm_toc_estimate_chunk(&estimator, sizeof(Size));
	shm_toc_estimate_chunk(&estimator, bytes.len);
	shm_toc_estimate_chunk(&estimator, QUEUE_IN_BYTES);
	shm_toc_estimate_chunk(&estimator, QUEUE_OUT_BYTES);
	shm_toc_estimate_keys(&estimator, 4);
	size = shm_toc_estimate(&estimator);
	segment = load_segment_create(size, &error);
	if (segment == NULL)
	{
		ereport(DEBUG1, errcode(error.sqlstate),
				errmsg_internal("the load is read without a process beside the backend"),
				errdetail_internal("%s.", error.message));
		return NULL;
	}
	toc = shm_toc_create(PARSE_MAGIC, dsm_segment_address(segment), size);
	plan_size = shm_toc_allocate(toc, sizeof(Size));
	*plan_size = bytes.len;
	shm_toc_insert(toc, KEY_PLAN_SIZE, plan_size);
	plan_bytes = shm_toc_allocate(toc, bytes.len);
	memcpy(plan_bytes, bytes.data, bytes.len);
	shm_toc_insert(toc, KEY_PLAN, plan_bytes);
	*in = shm_mq_create(shm_toc_allocate(toc, QUEUE_IN_BYTES), QUEUE_IN_BYTES);
	shm_toc_insert(toc, KEY_IN, *in);
	shm_mq_set_sender(*in, MyProc);
	*out = shm_mq_create(shm_toc_allocate(toc, QUEUE_OUT_BYTES), QUEUE_OUT_BYTES);
	shm_toc_insert(toc, KEY_OUT, *out);
	shm_mq_set_receiver(*out, MyProc);
	pfree(bytes.data);
	return segment;
}

/*
 * The process notices by its queues that the backend has left, but not while it is busy with what it has, which may expand to
 * terabytes. So it is ended, too, whatever the backend leaves for. The handle outlives the contexts of a transaction.
 */
static void
worker_terminate(dsm_segment *segment, Datum handle)
{
	TerminateBackgroundWorker((BackgroundWorkerHandle *) DatumGetPointer(handle));
	pfree(DatumGetPointer(handle));
}

EtlParseWorker *
parse_worker_start(const EtlLoadPlan *plan)
{
	EtlParseWorker *worker = palloc0(sizeof(EtlParseWorker));
	BackgroundWorker request = {.bgw_flags = BGWORKER_SHMEM_ACCESS,
								.bgw_start_time = BgWorkerStart_ConsistentState,
								.bgw_restart_time = BGW_NEVER_RESTART,
								.bgw_notify_pid = MyProcPid};
	MemoryContext old;
	bool registered;
	shm_mq *in;
	shm_mq *out;

	worker->segment = segment_create(plan, &in, &out);
	if (worker->segment == NULL)
		return NULL;
	request.bgw_main_arg = UInt32GetDatum(dsm_segment_handle(worker->segment));
	strlcpy(request.bgw_library_name, "pg_etl", BGW_MAXLEN);
	strlcpy(request.bgw_function_name, "pg_etl_load_worker_main", BGW_MAXLEN);
	snprintf(request.bgw_name, BGW_MAXLEN, "pg_etl load worker for PID %d", MyProcPid);
	strlcpy(request.bgw_type, "pg_etl load worker", BGW_MAXLEN);
	old = MemoryContextSwitchTo(TopMemoryContext);
	registered = RegisterDynamicBackgroundWorker(&request, &worker->handle);
	MemoryContextSwitchTo(old);
	if (!registered)
	{
		dsm_detach(worker->segment);
		return NULL;
	}
	/* registered before the queues are, it comes after them: a process that waits for one of them ends by itself */
	on_dsm_detach(worker->segment, worker_terminate, PointerGetDatum(worker->handle));
	/* by the handle the queues know when the process is gone */
	worker->in = shm_mq_attach(in, worker->segment, worker->handle);
	worker->out = shm_mq_attach(out, worker->segment, worker->handle);
	return worker;
}

void
parse_worker_end(EtlParseWorker *worker)
{
	shm_mq_detach(worker->in);
	shm_mq_detach(worker->out);
	dsm_detach(worker->segment);
	pfree(worker);
}

bool
parse_worker_has_ended(const EtlParseWorker *worker)
{
	pid_t pid;

	return GetBackgroundWorkerPid(worker->handle, &pid) == BGWH_STOPPED;
}

static void
pg_attribute_noreturn() worker_is_gone(void)
{
	ereport(ERROR, errcode(ERRCODE_SYSTEM_ERROR), errmsg("the process that reads the load's files is gone"),
			errhint("The server's log says why. Nothing was loaded."));
}

static bool
worker_send(EtlParseWorker *worker, char kind, const char *data, Size len)
{
	shm_mq_iovec parts[] = {{&kind, 1}, {data, len}};

	/* what it had to say before it went is in the other queue */
	return shm_mq_sendv(worker->in, parts, len > 0 ? 2 : 1, true, true) != SHM_MQ_WOULD_BLOCK;
}

bool
parse_worker_send_file(EtlParseWorker *worker, int file, const char *name)
{
	StringInfoData message;
	bool sent;

	initStringInfo(&message);
	appendBinaryStringInfo(&message, (char *) &file, sizeof(file));
	appendBinaryStringInfo(&message, name, strlen(name) + 1);
	sent = worker_send(worker, MESSAGE_FILE, message.data, message.len);
	pfree(message.data);
	return sent;
}

bool
parse_worker_send_bytes(EtlParseWorker *worker, const char *data, Size len)
{
	return worker_send(worker, MESSAGE_DATA, data, len);
}

bool
parse_worker_send_end(EtlParseWorker *worker)
{
	return worker_send(worker, MESSAGE_END, NULL, 0);
}

bool
parse_worker_send_stop(EtlParseWorker *worker)
{
	return worker_send(worker, MESSAGE_STOP, NULL, 0);
}

/* "sqlstate\0message\0detail\0hint\0" */
static void
pg_attribute_noreturn() raise_sent(const char *data)
{
	int sqlstate;
	const char *message;
	const char *detail;
	const char *hint;

	memcpy(&sqlstate, data, sizeof(sqlstate));
	message = pstrdup(data + sizeof(sqlstate));
	detail = pstrdup(data + sizeof(sqlstate) + strlen(message) + 1);
	hint = pstrdup(data + sizeof(sqlstate) + strlen(message) + 1 + strlen(detail) + 1);
	ereport(ERROR, errcode(sqlstate), errmsg("%s", message), detail[0] == '\0' ? 0 : errdetail("%s", detail),
			hint[0] == '\0' ? 0 : errhint("%s", hint));
}

EtlParseWorkerAnswer
parse_worker_receive(EtlParseWorker *worker, const EtlBatch **batch)
{
	Size len;
	void *data;

	switch (shm_mq_receive(worker->out, &len, &data, true))
	{
		case SHM_MQ_WOULD_BLOCK:
			return ETL_PARSE_NOTHING;
		case SHM_MQ_DETACHED:
			worker_is_gone();
		case SHM_MQ_SUCCESS:
			break;
	}
	switch (((MessageHead *) data)->kind)
	{
		case MESSAGE_BATCH:
			*batch = (const EtlBatch *) ((char *) data + sizeof(MessageHead));
			return ETL_PARSE_BATCH;
		case MESSAGE_STOP:
			return ETL_PARSE_STOPPED;
		default:
			raise_sent((char *) data + sizeof(MessageHead));
	}
}

/* ---- The process's side ---- */

/* A file's bytes as they come through the queue. */
typedef struct QueueReader
{
	EtlReader base;
	shm_mq_handle *queue;
	const char *data; /* of the message that was last received */
	Size left;
	bool end;
} QueueReader;

PGDLLEXPORT void pg_etl_load_worker_main(Datum arg);

/* The next message; the process ends when there is nobody to send one. */
static char
queue_receive(shm_mq_handle *queue, const char **data, Size *len)
{
	void *message;

	if (shm_mq_receive(queue, len, &message, false) != SHM_MQ_SUCCESS)
		proc_exit(0);
	*data = (char *) message + 1;
	*len -= 1;
	return *(char *) message;
}

static size_t
queue_read(EtlReader *self, char *buf, size_t size)
{
	QueueReader *reader = (QueueReader *) self;
	size_t n;

	if (reader->left == 0 && !reader->end)
		reader->end = queue_receive(reader->queue, &reader->data, &reader->left) == MESSAGE_END;
	n = Min(size, reader->left);
	memcpy(buf, reader->data, n);
	reader->data += n;
	reader->left -= n;
	return n;
}

/* What a codec has no use for behind its end is still in the queue. */
static void
queue_close(EtlReader *self)
{
	QueueReader *reader = (QueueReader *) self;
	const char *data;
	Size len;

	while (!reader->end)
		reader->end = queue_receive(reader->queue, &data, &len) == MESSAGE_END;
}

static void
queue_send(shm_mq_handle *queue, char kind, const char *data, Size len)
{
	MessageHead head = {.kind = kind};
	shm_mq_iovec parts[] = {{head.aligned, sizeof(head)}, {data, len}};

	if (shm_mq_sendv(queue, parts, len > 0 ? 2 : 1, false, true) != SHM_MQ_SUCCESS)
		proc_exit(0);
}

static void
send_error(shm_mq_handle *queue, MemoryContext context)
{
	ErrorData *error;
	StringInfoData message;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	initStringInfo(&message);
	appendBinaryStringInfo(&message, (char *) &error->sqlerrcode, sizeof(int));
	appendBinaryStringInfo(&message, error->message, strlen(error->message) + 1);
	appendStringInfo(&message, "%s%c", error->detail == NULL ? "" : error->detail, '\0');
	appendStringInfo(&message, "%s%c", error->hint == NULL ? "" : error->hint, '\0');
	queue_send(queue, MESSAGE_ERROR, message.data, message.len);
}

static void
worker_read_files(const EtlLoadPlan *plan, shm_mq_handle *in, shm_mq_handle *out)
{
	EtlLoadParser *parser = load_parser_create(plan);
	StringInfoData batch;
	const char *data;
	Size len;

	initStringInfo(&batch);
	while (queue_receive(in, &data, &len) == MESSAGE_FILE)
	{
		QueueReader reader = {.base = {.read = queue_read, .close = queue_close}, .queue = in};
		char *name = pstrdup(data + sizeof(int));
		int file;

		memcpy(&file, data, sizeof(int));
		reader.base.name = name;
		load_parser_open(parser, file, &reader.base);
		while (load_parser_next(parser, &batch))
			queue_send(out, MESSAGE_BATCH, batch.data, batch.len);
		pfree(name);
	}
	queue_send(out, MESSAGE_STOP, NULL, 0);
}

void
pg_etl_load_worker_main(Datum arg)
{
	dsm_segment *segment;
	shm_toc *toc;
	shm_mq *in;
	shm_mq *out;
	shm_mq_handle *in_handle;
	shm_mq_handle *out_handle;
	EtlLoadPlan *plan;
	MemoryContext context;

	pqsignal(SIGTERM, die);
	BackgroundWorkerUnblockSignals();
	CurrentResourceOwner = ResourceOwnerCreate(NULL, "pg_etl load worker");
	context = AllocSetContextCreate(TopMemoryContext, "pg_etl load worker", ALLOCSET_DEFAULT_SIZES);
	MemoryContextSwitchTo(context);
	segment = dsm_attach(DatumGetUInt32(arg));
	toc = segment == NULL ? NULL : shm_toc_attach(PARSE_MAGIC, dsm_segment_address(segment));
	/* the backend has given up meanwhile */
	if (toc == NULL)
		proc_exit(0);
	in = shm_toc_lookup(toc, KEY_IN, false);
	shm_mq_set_receiver(in, MyProc);
	in_handle = shm_mq_attach(in, segment, NULL);
	out = shm_toc_lookup(toc, KEY_OUT, false);
	shm_mq_set_sender(out, MyProc);
	out_handle = shm_mq_attach(out, segment, NULL);
	plan = load_plan_read(shm_toc_lookup(toc, KEY_PLAN, false),
						  *(Size *) shm_toc_lookup(toc, KEY_PLAN_SIZE, false));
	/* Of a file's text errors show what is text here; we are connected to no database. */
	SetDatabaseEncoding(plan->encoding);
	codec_max_size_mb = plan->max_decompressed_mb;
	codec_max_ratio = plan->max_ratio;
	PG_TRY();
	{
		worker_read_files(plan, in_handle, out_handle);
	}
	PG_CATCH();
	{
		send_error(out_handle, context);
	}
	PG_END_TRY();
	/* a message is there until it was received */
	dsm_detach(segment);
	proc_exit(0);
}

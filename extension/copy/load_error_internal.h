/*
 * load_error_internal.h
 *		What the load (load_error.c, load_error_send.c) and the process that writes its errors (load_error_writer.c) share.
 *
 * The load makes a segment of shared memory with an EtlLoadReport and a queue behind it, and sends messages: one HEADER, as
 * many ERRORs as there are, one END; unloads that failed an UNLOAD each and one END. The process answers in the report. Numbers are 8 bytes, texts a number (their length,
 * -1: NULL) and bytes; the sender is a process of the same server, yet every length is checked.
 */
#ifndef ETL_COPY_LOAD_ERROR_INTERNAL_H
#define ETL_COPY_LOAD_ERROR_INTERNAL_H

#include "postgres.h"

#include "copy/load_error.h"
#include "lib/stringinfo.h"
#include "port/atomics.h"
#include "storage/buffile.h"
#include "storage/latch.h"
#include "utils/resowner.h"

struct EtlLoadErrors
{
	MemoryContext context;
	int64 load_id;
	EtlTransferSession session;
	TimestampTz started_at;
	int64 count;
	StringInfoData buffer; /* messages, each with its length before it */
	ResourceOwner owner; /* of the file */
	BufFile *file;		   /* those before, or NULL */
	int64 spilled;		   /* bytes in it */
};

#define ETL_LOAD_MESSAGE_HEADER 'H'
#define ETL_LOAD_MESSAGE_ERROR 'E'
#define ETL_LOAD_MESSAGE_UNLOAD 'U'
#define ETL_LOAD_MESSAGE_END 'F'

typedef enum EtlLoadReportState
{
	ETL_LOAD_REPORT_RUNNING,
	ETL_LOAD_REPORT_COMMITTED,
	ETL_LOAD_REPORT_FAILED
} EtlLoadReportState;

/* At the start of the segment. */
typedef struct EtlLoadReport
{
	Oid database;
	Latch *latch;			/* the load's */
	pg_atomic_uint32 state; /* EtlLoadReportState */
	char message[512];		/* FAILED: why */
} EtlLoadReport;

#define ETL_LOAD_REPORT_SIZE MAXALIGN(sizeof(EtlLoadReport))
#define ETL_LOAD_QUEUE_SIZE 65536

typedef struct EtlLoadSender EtlLoadSender;

/* Why something can't be written. */
typedef struct EtlLoadProblem
{
	int sqlstate;
	const char *detail;
	const char *hint; /* NULL: none */
} EtlLoadProblem;

/*
 * Have a process of its own write what `send` sends (all but the END), and wait until that is committed. False: it isn't, and
 * there is a problem. Raises nothing but interrupts, and looks at no catalog.
 */
extern bool load_sender_run(void (*send)(EtlLoadSender *sender, void *arg), void *arg, bool in_haste,
							EtlLoadProblem *problem);
/* False: nobody receives any more. */
extern bool load_sender_send(EtlLoadSender *sender, const char *data, Size len);
extern void load_message_put_session(StringInfo message, const EtlTransferSession *session);
extern void load_message_put_transfer(StringInfo message, const EtlTransfer *transfer);

#define ETL_LOAD_WRITER_MAIN "pg_etl_load_error_writer_main"

static inline void
load_message_put_int(StringInfo message, int64 value)
{
	appendBinaryStringInfo(message, (const char *) &value, sizeof(value));
}

static inline void
load_message_put_text(StringInfo message, const char *text)
{
	load_message_put_int(message, text == NULL ? -1 : (int64) strlen(text));
	if (text != NULL)
		appendBinaryStringInfo(message, text, strlen(text));
}

#endif

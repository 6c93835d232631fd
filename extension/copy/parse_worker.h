/*
 * parse_worker.h
 *		Reading a load's files in a process beside the backend, which sends it their bytes and gets batches of records.
 *
 * The process has no database, no session and no credentials. It ends when the backend is through,
 * when that fails, when it is gone.
 */
#ifndef ETL_COPY_PARSE_WORKER_H
#define ETL_COPY_PARSE_WORKER_H

#include "postgres.h"

#include "copy/batch.h"
#include "copy/plan.h"

typedef struct EtlParseWorker EtlParseWorker;

/* NULL: no process, or no memory to share with one, is to be had. In the current context, and until the end of the current resource owner. */
extern EtlParseWorker *parse_worker_start(const EtlLoadPlan *plan);
extern void parse_worker_end(EtlParseWorker *worker);

/*
 * The bytes of a file: its beginning, then pieces (none is empty), then its end. False: there is no room now; the very
 * same must be sent again.
 */
extern bool parse_worker_send_file(EtlParseWorker *worker, int file, const char *name);
extern bool parse_worker_send_bytes(EtlParseWorker *worker, const char *data, Size len);
extern bool parse_worker_send_end(EtlParseWorker *worker);
/* After the last file. */
extern bool parse_worker_send_stop(EtlParseWorker *worker);

typedef enum EtlParseWorkerAnswer
{
	ETL_PARSE_NOTHING, /* so far; the latch is set when there is more, or room */
	ETL_PARSE_BATCH,
	ETL_PARSE_STOPPED /* the last file is through */
} EtlParseWorkerAnswer;

/* Whether it has ended; the latch is set when it does. What it had to say before can still be received. */
extern bool parse_worker_has_ended(const EtlParseWorker *worker);

/* A batch stays until the next call. Raises what the process raised, and 58000 when it is gone. */
extern EtlParseWorkerAnswer parse_worker_receive(EtlParseWorker *worker, const EtlBatch **batch);

#endif

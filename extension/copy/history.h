/*
 * history.h
 *		etl.load_history and etl.unload_history: what was moved, by whom, when, in which files.
 *
 * A load has its id before it begins, so that what it rejects can be told to be its own. What fails has its row from
 * load_errors_write (load_error.h) or unload_failure_write (unload_failure.h), outside of the transaction that is rolled back.
 */
#ifndef ETL_COPY_HISTORY_H
#define ETL_COPY_HISTORY_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct EtlTransferFile
{
	const char *uri;
	int64 rows;	 /* loads: records found in it */
	int64 bytes; /* as stored */
} EtlTransferFile;

typedef struct EtlTransfer
{
	int64 id;			 /* load_history_begin; unloads: none */
	const char *subject; /* the table, or the query */
	Oid table;			 /* loads */
	const char *uri;
	const char *format;
	TimestampTz started_at;
	int64 rows;
	int64 bytes; /* as stored, compressed or not */
	int files;
	const EtlTransferFile *file_list; /* `files` of them; NULL: they are not recorded one by one */
	int64 rejected;					  /* loads: records that were not loaded */
	const char *status;				  /* "loaded", "failed", "checked" (NOLOAD); unloads: "unloaded", "failed" */
	const char *message;			  /* of the error that failed it; NULL: none */
} EtlTransfer;

/* What a row has from the session it is about. Strings are in the current context. */
typedef struct EtlTransferSession
{
	const char *username;
	int64 run_id;	   /* the step's run; 0: none */
	int64 copy_job_id; /* 0: none */
	int pid;
} EtlTransferSession;

/* The next load's id, which pg_last_copy_id() gives from now on. */
extern int64 load_history_begin(void);
extern void unload_history_begin(EtlTransferSession *session);
/* A row of what has been done, which belongs to the transaction. */
extern void load_history_add(const EtlTransfer *transfer);
extern void unload_history_add(const EtlTransfer *transfer, const EtlTransferSession *session);

/* From now on loads are a COPY JOB's; 0: nobody's. */
extern void load_history_set_copy_job(int64 job_id);
/* The load that was begun last in this session. */
extern int64 load_history_last(void);

extern void history_session(EtlTransferSession *session);
/* The transaction's id, 0 while it has none. */
extern int64 history_transaction(void);
/* A row, as the session's process or another writes it. Within a scope of ETL_SPI_OWNER. */
extern void load_history_insert(const EtlTransfer *transfer, const EtlTransferSession *session,
								int64 transaction_id);
/* Returns the unload's id. */
extern int64 unload_history_insert(const EtlTransfer *transfer, const EtlTransferSession *session,
								   int64 transaction_id);

#endif

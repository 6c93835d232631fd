/*
 * history.h
 *		etl.load_history and etl.unload_history: what was moved, by whom, when.
 *
 * A load has its id before it begins, so that what it rejects can be told to be its own.
 */
#ifndef ETL_COPY_HISTORY_H
#define ETL_COPY_HISTORY_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct EtlTransfer
{
	int64 id; /* load_history_begin; unloads: set when it is added */
	const char *subject; /* the table, or the query */
	Oid table;			 /* loads */
	const char *uri;
	const char *format;
	TimestampTz started_at;
	int64 rows;
	int64 bytes; /* as stored, compressed or not */
	int files;
	int64 rejected;		 /* loads: records that were not loaded */
	const char *status;	 /* "loaded", "failed", "checked" (NOLOAD); unloads: "unloaded" */
	const char *message; /* of the error that failed it; NULL: none */
} EtlTransfer;

/* The next load's id. */
extern int64 load_history_begin(void);
extern void load_history_add(const EtlTransfer *transfer);
extern void unload_history_add(EtlTransfer *transfer);

#endif

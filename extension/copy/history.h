/*
 * history.h
 *		etl.load_history and etl.unload_history: what was moved, by whom, when.
 */
#ifndef ETL_COPY_HISTORY_H
#define ETL_COPY_HISTORY_H

#include "postgres.h"

#include "datatype/timestamp.h"

typedef struct EtlTransfer
{
	const char *subject; /* the table, or the query */
	const char *uri;
	const char *format;
	TimestampTz started_at;
	int64 rows;
	int64 bytes; /* as stored, compressed or not */
	int files;
} EtlTransfer;

extern void load_history_add(const EtlTransfer *transfer);
extern void unload_history_add(const EtlTransfer *transfer);

#endif

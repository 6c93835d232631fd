/*
 * batch.h
 *		Records that were read, many at a time, as one block of memory: what a parser gives and a loader takes, be they in
 *		one process or two.
 *
 *		EtlBatch | EtlBatchRow, tuple, positions, texts, raw | EtlBatchRow, error, value, reason, raw | …
 *
 * Each part begins aligned. A record that was rejected has an error in the place of its tuple.
 */
#ifndef ETL_COPY_BATCH_H
#define ETL_COPY_BATCH_H

#include "postgres.h"

#include "access/htup_details.h"
#include "format/record.h"

/* Some 1,000 rows of a usual size: what table_multi_insert takes at a time. */
#define ETL_BATCH_BYTES (64 * 1024)
#define ETL_BATCH_ROWS 1000
#define ETL_BATCH_RAW_BYTES 1024 /* kept of a record or a value, for errors */

typedef struct EtlBatch
{
	int32 file; /* of the load's files */
	int32 rows;
} EtlBatch;

typedef struct EtlBatchRow
{
	uint32 size;	  /* of all of the row, this included */
	uint32 tuple_len; /* 0: it was rejected */
	int64 line;
	uint32 position_count; /* a place in the record for each column, if the record is kept; -1: it has none */
	uint32 text_count;
	uint32 raw_len;
	uint32 pad;
} EtlBatchRow;

/* A value that the type's input function is to read. Its text follows, then the next one, aligned as this is. */
typedef struct EtlBatchText
{
	int32 column; /* of the load's */
	uint32 len;
} EtlBatchText;

typedef struct EtlBatchError
{
	int32 code;
	int32 column;	/* of the load's; -1: none in particular */
	int32 position; /* of the value in the record; -1: not known */
	uint32 value_len;
	uint32 reason_len;
} EtlBatchError;

/* A row, taken apart. Pointers are into the batch. */
typedef struct EtlBatchItem
{
	int64 line;
	HeapTupleData tuple;	/* t_data NULL: rejected */
	const int32 *positions; /* NULL: not kept */
	const EtlBatchText *texts;
	uint32 text_count;
	const char *raw;
	uint32 raw_len;
	EtlBatchError error;
	const char *value;
	const char *reason;
} EtlBatchItem;

/* Take apart the row at `cursor`; where the next one is. */
extern const char *batch_item(const char *cursor, EtlBatchItem *item);
static inline const char *
batch_text(const EtlBatchText *text)
{
	return (const char *) (text + 1);
}
static inline const EtlBatchText *
batch_text_next(const EtlBatchText *text)
{
	return (const EtlBatchText *) (batch_text(text) + TYPEALIGN(sizeof(int32), text->len));
}
/* The first row. */
static inline const char *
batch_rows(const EtlBatch *batch)
{
	return (const char *) batch + MAXALIGN(sizeof(EtlBatch));
}

#endif

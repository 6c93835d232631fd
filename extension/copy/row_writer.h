/*
 * row_writer.h
 *		A row as UNLOAD writes it: the query's values to the bytes of a format, UTF-8 whatever the database's encoding is.
 *
 * Types that Redshift has are written without their output functions, always in the same way; the others by those, and
 * then settings count.
 */
#ifndef ETL_COPY_ROW_WRITER_H
#define ETL_COPY_ROW_WRITER_H

#include "postgres.h"

#include "copy/options.h"
#include "executor/tuptable.h"
#include "lib/stringinfo.h"

typedef struct EtlRowWriter EtlRowWriter;

/* In the current context. `left_out`: which of the query's columns aren't written; NULL: all are. */
extern EtlRowWriter *row_writer_create(const EtlUnloadOptions *options, TupleDesc query, const bool *left_out);
/* The columns that are written. */
extern TupleDesc row_writer_columns(const EtlRowWriter *writer);
/* Append the line of columns' names; nothing where the format has none. */
extern void row_writer_header(EtlRowWriter *writer, StringInfo out);
/* Append the row, whose attributes are there (slot_getallattrs). What this allocates is in the current context. */
extern void row_writer_write(EtlRowWriter *writer, TupleTableSlot *slot, StringInfo out);

#endif

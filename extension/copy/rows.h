/*
 * rows.h
 *		The rows of a load's files, of delimited text and CSV.
 */
#ifndef ETL_COPY_ROWS_H
#define ETL_COPY_ROWS_H

#include "postgres.h"

#include "copy/source.h"
#include "format/delimited.h"

/* Allocated, with all it opens, in the current context. */
typedef struct EtlLoadRows EtlLoadRows;

extern EtlLoadRows *load_rows_open(EtlLoadSource *source, const EtlLoadOptions *options);

/* The next row of all files; false after the last. The row is valid until the next call. */
extern bool load_rows_next(EtlLoadRows *rows, EtlRecord *row);

/* The line that was last begun, counted over all files; the file such a line is in, and the lines before that one. */
extern int64 load_rows_line(const EtlLoadRows *rows);
extern const EtlLoadFile *load_rows_file(const EtlLoadRows *rows, int64 line, int64 *lines_before);
/* The lines before this file, which was begun. */
extern int64 load_rows_first_line(const EtlLoadRows *rows, int file);
/* Whether an error raised now is about getting the files' bytes, not about a row. */
extern bool load_rows_fetching(const EtlLoadRows *rows);

#endif

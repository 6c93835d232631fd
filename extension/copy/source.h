/*
 * source.h
 *		The files a load reads: every object whose key starts with the prefix, in key order, as they were when the
 *		load began.
 */
#ifndef ETL_COPY_SOURCE_H
#define ETL_COPY_SOURCE_H

#include "postgres.h"

#include "copy/options.h"
#include "format/delimited.h"
#include "store/store.h"

typedef struct EtlLoadFile
{
	char *key;
	char *uri;
	char *etag;
	uint64 size;
	int64 first_line; /* lines of all files before it; set when it is opened */
} EtlLoadFile;

/* Allocated, with all it opens, in one context; deleting that closes what is open. */
typedef struct EtlLoadSource EtlLoadSource;

/* Lists the files. Raises 58P01 when there are none. */
extern EtlLoadSource *load_source_open(const char *uri, const EtlLoadOptions *options);

/* The next row of all files; false after the last. The row is valid until the next call. */
extern bool load_source_next(EtlLoadSource *source, EtlRecord *row);

/* The line that was last begun, counted over all files, and the file such a line is in. */
extern int64 load_source_line(const EtlLoadSource *source);
extern const EtlLoadFile *load_source_file(const EtlLoadSource *source, int64 line);
/* Whether an error raised now is about getting the files' bytes, not about a row. */
extern bool load_source_fetching(const EtlLoadSource *source);

extern int load_source_file_count(const EtlLoadSource *source);
extern const EtlLoadFile *load_source_files(const EtlLoadSource *source);
extern uint64 load_source_bytes(const EtlLoadSource *source);

#endif

/*
 * source.h
 *		The files a load reads, as bytes: every object whose key starts with the prefix, in key order, as they were when the
 *		load began.
 */
#ifndef ETL_COPY_SOURCE_H
#define ETL_COPY_SOURCE_H

#include "postgres.h"

#include "base/stream.h"
#include "copy/options.h"

typedef struct EtlLoadFile
{
	char *bucket;
	char *key;
	char *uri;
	char *etag;
	uint64 size;
} EtlLoadFile;

typedef struct EtlLoadSource EtlLoadSource;

extern EtlLoadSource *load_source_open(const char *uri, const EtlLoadOptions *options);
extern int load_source_file_count(const EtlLoadSource *source);
extern const EtlLoadFile *load_source_file(const EtlLoadSource *source, int i);
extern uint64 load_source_bytes(const EtlLoadSource *source);
/* The bytes of the next file, as stored; NULL after the last. The caller closes it before asking for the next. */
extern EtlReader *load_source_next(EtlLoadSource *source, int *file);

#endif

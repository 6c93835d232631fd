/*
 * source.h
 *		The files a load reads, as bytes: every object whose key starts with the prefix, in key order, or those that a
 *		manifest lists, in its order, as they were when the load began.
 *
 * What the bytes mean, compressed or not, is the parser's to say.
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

/* Allocated, with all it opens, in the current context; deleting that closes what is open. */
typedef struct EtlLoadSource EtlLoadSource;

/*
 * Finds the files. Raises 58P01 when there are none, or when one that its manifest calls mandatory isn't there. A file that
 * is listed twice is there twice.
 */
extern EtlLoadSource *load_source_open(const char *uri, const EtlLoadOptions *options);
extern int load_source_file_count(const EtlLoadSource *source);
extern const EtlLoadFile *load_source_file(const EtlLoadSource *source, int i);
/* Of all files, as stored. */
extern uint64 load_source_bytes(const EtlLoadSource *source);

/*
 * The bytes of the next file, as stored, and which one it is; NULL after the last. The next ones are fetched meanwhile. The
 * caller closes it before asking for the next.
 */
extern EtlReader *load_source_next(EtlLoadSource *source, int *file);

/*
 * A small object of the same store as a string, which is UTF-8: a manifest, a file of paths. Raises 54000 when it has more
 * than `cap` bytes.
 */
extern char *load_source_text(EtlLoadSource *source, const char *uri, size_t cap);

#endif

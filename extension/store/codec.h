/*
 * codec.h
 *		Compressed objects: a stream over a stream.
 *
 * A codec takes over the stream it is given: closing, finishing or aborting it does the same to that one. Memory is
 * a fixed buffer, and what the library needs, whatever the data expands to.
 */
#ifndef ETL_STORE_CODEC_H
#define ETL_STORE_CODEC_H

#include "postgres.h"

#include "base/stream.h"
#include "store/coder.h"

/*
 * Decompress what was written by gzip, bzip2, lzop or zstd, be it several such files one after the other. With
 * ETL_CODEC_AUTO the first bytes say by which, if by any. Raises 22P03 naming the object when it is damaged, cut short or
 * not what it is said to be, and 54000 when it expands beyond etl.decompress_max_size or etl.decompress_max_ratio.
 */
extern EtlReader *codec_reader(EtlReader *source, EtlCodec codec);
/* Compress. lzop isn't written. */
extern EtlWriter *codec_writer(EtlWriter *target, EtlCodec codec);

/* "gzip"; and what file names end with, "gz". "" for none. */
extern const char *codec_name(EtlCodec codec);
extern const char *codec_extension(EtlCodec codec);

/* Settings. */
extern int codec_max_size_mb; /* -1: no limit */
extern int codec_max_ratio;

#endif

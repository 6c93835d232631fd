/*
 * codec.h
 *		Compressed objects: a stream over a stream.
 *
 * A codec takes over the stream it is given: closing, finishing or aborting it does the same to that one. Memory is
 * a fixed buffer whatever the data expands to.
 */
#ifndef ETL_STORE_CODEC_H
#define ETL_STORE_CODEC_H

#include "postgres.h"

#include "base/stream.h"

/* Decompress gzip, of one member or several. Raises 22P03 naming the object when it is damaged or cut short. */
extern EtlReader *codec_gzip_reader(EtlReader *source);
extern EtlWriter *codec_gzip_writer(EtlWriter *target);

#endif

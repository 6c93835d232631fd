/*
 * stream.h
 *		Byte streams: what a store gives and a codec or a format consumes.
 *
 * A stream is the first member of its driver's struct. All three functions run in the server's own code, never in
 * a C library's callback, so they may ereport; each does CHECK_FOR_INTERRUPTS as it goes.
 */
#ifndef ETL_BASE_STREAM_H
#define ETL_BASE_STREAM_H

#include "postgres.h"

typedef struct EtlReader EtlReader;
struct EtlReader
{
	/*
	 * Up to `size` bytes into buf; 0 only at the end of the stream. Raises on failure. Asked for 0 bytes it waits until
	 * there would be some, so that its size is known if it can be.
	 */
	size_t (*read)(EtlReader *self, char *buf, size_t size);
	/* Frees what the stream holds; safe at any point. A context reset does the same. */
	void (*close)(EtlReader *self);
	const char *name; /* for errors: the object's URI */
	uint64 size;	  /* of what is to come, for who makes room for it; 0: it shows when it ends */
};

typedef struct EtlWriter EtlWriter;
struct EtlWriter
{
	void (*write)(EtlWriter *self, const char *buf, size_t size);
	/* No more bytes follow; the content is complete, staged and verified as far as it can be. */
	void (*finish)(EtlWriter *self);
	/* Drop everything written so far; safe at any point before finish. */
	void (*abort)(EtlWriter *self);
	const char *name;
};

#endif

/*
 * conversion.h
 *		Files in any encoding that PostgreSQL knows, converted by its own functions: so in a backend alone.
 */
#ifndef ETL_COPY_CONVERSION_H
#define ETL_COPY_CONVERSION_H

#include "postgres.h"

#include "base/stream.h"

/*
 * COPY's ENCODING by the name that PostgreSQL has for it; 0: it is UTF-8, and nothing is to be converted. Raises for
 * what isn't an encoding, and what can't be converted.
 */
extern int conversion_encoding_read(const char *name);

/* The stream in UTF-8. Takes source over, as a codec does. */
extern EtlReader *conversion_reader(EtlReader *source, int encoding);
#define ETL_CONVERSION_WRITER_BYTES (64 * 1024) /* that a writer holds */
/* Whole characters of UTF-8 go to target in the encoding. */
extern EtlWriter *conversion_writer(EtlWriter *target, int encoding);

#endif

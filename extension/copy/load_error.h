/*
 * load_error.h
 *		The records that a load rejects: kept, counted, and written so that they outlive the load's failure.
 *
 * They are written by a transaction of their own, in a background worker, which the load waits for: at its end, or
 * right before it raises the error that fails it. So STL_LOAD_ERRORS has them whatever becomes of the transaction.
 */
#ifndef ETL_COPY_LOAD_ERROR_H
#define ETL_COPY_LOAD_ERROR_H

#include "postgres.h"

#include "copy/history.h"
#include "format/record.h"

#define ETL_LOAD_RAW_LINE_BYTES 1024  /* kept of a record */
#define ETL_LOAD_RAW_VALUE_BYTES 1024 /* and of a value */

/* A rejected record. Strings may be NULL where not said otherwise; those with a length need no NUL at the end. */
typedef struct EtlLoadError
{
	const char *uri; /* never NULL */
	int64 line;		 /* in the file, from 1 */
	const char *column;
	const char *type;  /* the column's, as SQL writes it */
	int column_length; /* its width in bytes; 0: it has none */
	int position;	   /* of the value in the record, bytes from 0; -1: not known */
	const char *raw_line;
	size_t raw_line_len;
	const char *raw_value;
	size_t raw_value_len;
	EtlLoadCode code;
	const char *reason; /* never NULL */
} EtlLoadError;

typedef struct EtlLoadErrors EtlLoadErrors;

/* In the current context, for a load whose history row has this id. */
extern EtlLoadErrors *load_errors_create(int64 load_id);
/* Copies what it keeps; what isn't UTF-8 is kept with `?` for the bytes that are none. */
extern void load_errors_add(EtlLoadErrors *errors, const EtlLoadError *error);
extern int64 load_errors_count(const EtlLoadErrors *errors);

/*
 * Write them, and the failed load's row of history if `failed` isn't NULL, in a transaction of their own; wait until that
 * is committed. Where no process is to be had for it, a warning says so, and false is returned. Raises nothing else, but
 * for an interrupt.
 */
extern bool load_errors_write(EtlLoadErrors *errors, Oid table, const EtlTransfer *failed);

#endif

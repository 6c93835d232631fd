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
#define ETL_LOAD_ERRORS_KEPT 100000	  /* of a load, the first; the rest are counted */
#define ETL_LOAD_ERRORS_DETAILED 20	  /* of these, the first have their fields */

/* A value of a rejected record. */
typedef struct EtlLoadErrorField
{
	const char *column; /* never NULL */
	const char *type;
	int length;		   /* the column's width in bytes; 0: it has none */
	const char *value; /* NULL: it is null */
	size_t value_len;
} EtlLoadErrorField;

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
	const EtlLoadErrorField
		*fields; /* up to the one at fault, with it; looked at while load_errors_wants_fields */
	int field_count;
} EtlLoadError;

typedef struct EtlLoadErrors EtlLoadErrors;

/* In the current context, for a load whose history row has this id. What doesn't fit in some memory goes to a file. */
extern EtlLoadErrors *load_errors_create(int64 load_id);
/* Copies what it keeps; what isn't UTF-8 is kept with `?` for the bytes that are none. */
extern void load_errors_add(EtlLoadErrors *errors, const EtlLoadError *error);
extern int64 load_errors_count(const EtlLoadErrors *errors);
extern bool load_errors_wants_fields(const EtlLoadErrors *errors);

/*
 * Write them, and the failed load's row of history if `failed` isn't NULL, in a transaction of their own; wait until that
 * is committed. Where no process is to be had for it within two seconds, a warning says so, and false is returned. Raises nothing else, but
 * for an interrupt. With `failed` no catalog is looked at, so that an error may have been caught before; it must have been
 * copied and flushed (FlushErrorState). Once a load, at its end.
 */
extern bool load_errors_write(EtlLoadErrors *errors, Oid table, const EtlTransfer *failed, bool in_haste);

/* The HINT of the error that fails a load: where its rejected records are. In the current context. */
extern char *load_errors_hint(const EtlLoadErrors *errors);

#endif

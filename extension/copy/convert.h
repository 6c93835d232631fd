/*
 * convert.h
 *		Redshift's rules for a field on its way into a column: what is NULL, what is too long, what is cut.
 *
 * A field leaves as text that the column type's input function reads.
 */
#ifndef ETL_COPY_CONVERT_H
#define ETL_COPY_CONVERT_H

#include "postgres.h"

#include "copy/options.h"
#include "format/delimited.h"

typedef enum EtlLoadKind
{
	ETL_LOAD_STRING,
	ETL_LOAD_NUMERIC,
	ETL_LOAD_BYTES,
	ETL_LOAD_OTHER
} EtlLoadKind;

typedef struct EtlLoadColumn
{
	char *name;
	char *type; /* as SQL writes it */
	EtlLoadKind kind;
	int max_bytes; /* strings; 0: unlimited */
	int scale;	   /* numerics; -1: no fixed scale */
} EtlLoadColumn;

extern void load_column_init(EtlLoadColumn *column, const char *name, Oid type, int32 typmod);

/*
 * `in` and what comes out are not NUL-terminated; what comes out points into `in` or into the current context. Raises
 * with the reason alone: the caller knows the file, the line and the column.
 */
extern EtlField load_field_convert(const EtlLoadColumn *column, const EtlLoadOptions *options, const EtlField *in);

#endif

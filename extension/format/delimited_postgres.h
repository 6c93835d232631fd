/*
 * delimited_postgres.h
 *		Fields of text and CSV as PostgreSQL's COPY takes them apart (copyfromparse.c), for the reader of delimited text.
 *
 * Pure. PostgreSQL finds a line first and splits it then; what ends a line and what ends a field are found here in one pass,
 * which comes to the same, since both know the same quotes and escapes.
 */
#ifndef ETL_FORMAT_DELIMITED_POSTGRES_H
#define ETL_FORMAT_DELIMITED_POSTGRES_H

#include "format/delimited.h"

/* How the lines of a file end: all as the first one does. */
typedef enum EtlPostgresLineEnd
{
	ETL_POSTGRES_LINE_END_UNKNOWN,
	ETL_POSTGRES_LINE_END_NL,
	ETL_POSTGRES_LINE_END_CR,
	ETL_POSTGRES_LINE_END_CRNL
} EtlPostgresLineEnd;

typedef enum EtlPostgresFieldEnd
{
	ETL_POSTGRES_DELIMITER,
	ETL_POSTGRES_LINE_END, /* or the stream's */
	ETL_POSTGRES_END_OF_DATA, /* \. */
	ETL_POSTGRES_INCOMPLETE,  /* the bytes end before the field does */
	ETL_POSTGRES_MALFORMED
} EtlPostgresFieldEnd;

typedef struct EtlPostgresField
{
	const char *data; /* the value; if escaped what postgres_field_unescape makes it of */
	size_t len;
	bool quoted;
	bool escaped;
	const char *end;			 /* what ends it, or where it is malformed */
	const char *next;			 /* past that */
	EtlPostgresLineEnd line_end; /* as it was, or as it has been found to be */
	const char *what;			 /* is wrong; NULL: nothing */
	EtlLoadCode code;
} EtlPostgresField;

/* Of the options that passed delimited_options_check: the field at `start`, which is the first of its row or not. */
extern EtlPostgresFieldEnd postgres_field_scan(const EtlDelimitedOptions *options, EtlPostgresLineEnd line_end,
											   bool is_first, const char *start, const char *limit, bool final,
											   EtlPostgresField *field);
/* The value of an escaped field, which is never longer, in `out`; its length. */
extern size_t postgres_field_unescape(const EtlDelimitedOptions *options, const char *data, size_t len, char *out);

#endif

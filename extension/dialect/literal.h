/*
 * literal.h
 *		What a literal means, and how a value is written as one.
 */
#ifndef ETL_DIALECT_LITERAL_H
#define ETL_DIALECT_LITERAL_H

#include "dialect/lexer.h"

/*
 * The value of a literal token. In the options of COPY, UNLOAD and external tables (`option`) a backslash before
 * punctuation stands for that character ('\"', '\|'), \N and \0 stay as they are written; elsewhere only the
 * escapes that Redshift documents have a meaning, and any other is an error.
 */
extern bool literal_decode(const char *sql, const EtlToken *token, bool option, char **value,
						   EtlError *error);

/*
 * Append an ordinary literal token so that PostgreSQL reads what Redshift would: as it stands, or with E in front
 * when it has a backslash. An escape that the two dialects read differently is an error.
 */
extern bool literal_append_translated(StringInfo out, const char *sql, const EtlToken *token,
									  EtlError *error);

/* Append a value as a literal that PostgreSQL and Redshift read alike. */
extern void literal_append(StringInfo out, const char *value);

/* Append a value as a quoted identifier. */
extern void literal_append_identifier(StringInfo out, const char *name);

#endif

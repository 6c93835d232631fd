/*
 * hook_options.h
 *		The options of PostgreSQL's own COPY as those of etl.load and etl.unload.
 *
 * What PostgreSQL has an option for has its meaning; the others are those of etl.load or etl.unload.
 */
#ifndef ETL_COPY_HOOK_OPTIONS_H
#define ETL_COPY_HOOK_OPTIONS_H

#include "postgres.h"

#include "nodes/parsenodes.h"
#include "utils/jsonb.h"

typedef struct EtlCopyStatement
{
	char *format;
	Jsonb *options;
} EtlCopyStatement;

/* Every key that the statement's options bring, whatever is wrong with them; char *. */
extern List *copy_hook_secrets(const List *options);
/* `where`: the text of the statement's condition; NULL: it has none. */
extern void copy_hook_options(const CopyStmt *statement, const char *where, EtlCopyStatement *out);

#endif

/*
 * secrets.h
 *		Keeping keys that a statement brings (CREDENTIALS) out of the errors that it raises.
 *
 * The statement itself is part of an error: as the STATEMENT that the server logs, and as the CONTEXT of whatever ran
 * it. So the log's copy is left out and the keys are blotted out of the rest.
 */
#ifndef ETL_COPY_SECRETS_H
#define ETL_COPY_SECRETS_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "utils/jsonb.h"

/* Every string under "credentials" but the access key's id, whether or not the options are right; char *. */
extern List *copy_secrets_get(Jsonb *options);
/* The text without them, in the current context; NULL for NULL. */
extern char *copy_secrets_blot(const char *text, List *secrets);
/* Within PG_CATCH: raise the error again without them. `context` must outlive the handler. */
extern void copy_secrets_rethrow(List *secrets, MemoryContext context) pg_attribute_noreturn();

#endif

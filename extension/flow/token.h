/*
 * token.h
 *		Task tokens: who has one may end the step it was given to, with etl.complete_task and its like.
 *
 * A token is 256 random bits. Here is only its hash, so nobody finds it by looking.
 */
#ifndef ETL_FLOW_TOKEN_H
#define ETL_FLOW_TOKEN_H

#include "postgres.h"

/* In the current context. */
extern char *token_make(void);
/* As a bytea. */
extern Datum token_hash(const char *token);

#endif

/*
 * secret_cache.h
 *		Secrets' values, kept by the process for a few minutes so that not each connection asks for its password.
 *
 * What is kept is found by a hash over who asked where for what (SIGV4_HEX_SIZE), so nobody gets what only another
 * may read.
 */
#ifndef ETL_AWS_SECRET_CACHE_H
#define ETL_AWS_SECRET_CACHE_H

#include "postgres.h"

/* A copy in the current context, to be wiped; NULL: none is kept, or not for long enough. */
extern char *secret_cache_get(const char *id);
extern void secret_cache_keep(const char *id, const char *value);
extern void secret_cache_forget(const char *id);

#endif

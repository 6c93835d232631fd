/*
 * quota_shared.h
 *		The retry quota of all processes together (net/quota.h), or, if pg_etl is not preloaded, of this one.
 */
#ifndef ETL_NET_QUOTA_SHARED_H
#define ETL_NET_QUOTA_SHARED_H

#include "postgres.h"

#include "net/retry.h"

/* While libraries are preloaded: asks for the shared memory. */
extern void quota_shared_init(void);
/* For a retry of this kind at host[:port]: how many tokens it took, or 0: there are not enough, so give up. */
extern int quota_take(const char *host, EtlRetryKind kind);
/* A request succeeded: `taken` tokens, if it was a retry that took them, 0 if it needed none. */
extern void quota_succeeded(const char *host, int taken);

#endif

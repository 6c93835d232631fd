/*
 * quota.h
 *		How many retries a host that fails is worth: AWS's retry quota, a bucket of tokens a host. Pure; the table that
 *		all processes share is quota_shared.h's.
 *
 * A retry takes tokens; its success gives them back, and each request that succeeds at once gives one. While a host is
 * down nothing succeeds, so retries end, and what it gets of requests is what is asked for and no multiple of it.
 *
 * A host is in the table as long as its bucket isn't full, so a table of a few hosts will do. If there are more, the one
 * that was least recently heard of is forgotten, and has a full bucket again.
 */
#ifndef ETL_NET_QUOTA_H
#define ETL_NET_QUOTA_H

#include "base/platform.h"
#include "net/retry.h"

#define QUOTA_TOKENS 500
#define QUOTA_HOSTS 64
#define QUOTA_HOST_SIZE 264 /* a name, a port, and its NUL */

typedef struct EtlQuotaHost
{
	char host[QUOTA_HOST_SIZE]; /* host[:port]; "": free */
	int tokens;					/* less than QUOTA_TOKENS */
	uint64 used;				/* EtlQuota's `uses` when it was last heard of */
} EtlQuotaHost;

/* All zero: every bucket is full. */
typedef struct EtlQuota
{
	uint64 uses;
	EtlQuotaHost hosts[QUOTA_HOSTS];
} EtlQuota;

/* What a retry of this kind takes. */
extern int quota_cost(EtlRetryKind kind);
/* Take so many tokens of the host's; false: it hasn't got them. */
extern bool quota_table_take(EtlQuota *quota, const char *host, int tokens);
/* Give the host so many, as far as they have a place in its bucket. */
extern void quota_table_give(EtlQuota *quota, const char *host, int tokens);
/* False: its bucket is full, so there is no need to give it any. */
extern bool quota_table_lacks(const EtlQuota *quota, const char *host);

#endif

/*
 * quota.c
 *		The retry quota's table. See quota.h.
 */
#include "net/quota.h"

/* AWS's numbers: a service that says "too many" expects to be asked again, one that is silent or broken doesn't. */
#define TRANSIENT_COST 14
#define THROTTLED_COST 5

int
quota_cost(EtlRetryKind kind)
{
	return kind == ETL_RETRY_THROTTLED ? THROTTLED_COST : TRANSIENT_COST;
}

static int
host_find(const EtlQuota *quota, const char *host)
{
	for (int i = 0; i < QUOTA_HOSTS; i++)
		if (quota->hosts[i].host[0] != '\0' && strncmp(quota->hosts[i].host, host, QUOTA_HOST_SIZE - 1) == 0)
			return i;
	return -1;
}

/* A free place, or that of the host that was least recently heard of. */
static int
host_add(EtlQuota *quota, const char *host)
{
	int place = 0;

	for (int i = 0; i < QUOTA_HOSTS && quota->hosts[place].host[0] != '\0'; i++)
		if (quota->hosts[i].host[0] == '\0' || quota->hosts[i].used < quota->hosts[place].used)
			place = i;
	strlcpy(quota->hosts[place].host, host, QUOTA_HOST_SIZE);
	quota->hosts[place].tokens = QUOTA_TOKENS;
	return place;
}

bool
quota_table_lacks(const EtlQuota *quota, const char *host)
{
	return host_find(quota, host) >= 0;
}

bool
quota_table_take(EtlQuota *quota, const char *host, int tokens)
{
	int place = host_find(quota, host);
	EtlQuotaHost *entry;

	if (*host == '\0')
		return true; /* nobody's */
	if (place < 0)
		place = host_add(quota, host);
	entry = &quota->hosts[place];
	entry->used = ++quota->uses;
	if (entry->tokens < tokens)
		return false;
	entry->tokens -= tokens;
	return true;
}

void
quota_table_give(EtlQuota *quota, const char *host, int tokens)
{
	int place = host_find(quota, host);
	EtlQuotaHost *entry;

	if (place < 0)
		return;
	entry = &quota->hosts[place];
	entry->used = ++quota->uses;
	entry->tokens += tokens;
	if (entry->tokens >= QUOTA_TOKENS)
		entry->host[0] = '\0';
}

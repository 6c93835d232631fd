/*
 * quota_shared.c
 *		The retry quota in shared memory. See quota_shared.h.
 *
 * Many short sessions would each begin with a full bucket, and send a service that is down three requests for one.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "net/quota.h"
#include "net/quota_shared.h"
#include "storage/ipc.h"
#include "storage/lwlock.h"
#include "storage/shmem.h"

#define TRANCHE "pg_etl retry quota"

static EtlQuota own_quota; /* of this process, as long as there is no other */
static EtlQuota *quota = &own_quota;
static LWLock *lock = NULL; /* of the shared one; NULL: nobody else has it */

static shmem_request_hook_type prev_shmem_request_hook = NULL;
static shmem_startup_hook_type prev_shmem_startup_hook = NULL;

static void
quota_request(void)
{
	if (prev_shmem_request_hook)
		prev_shmem_request_hook();
	RequestAddinShmemSpace(sizeof(EtlQuota));
	RequestNamedLWLockTranche(TRANCHE, 1);
}

static void
quota_startup(void)
{
	bool found;

	if (prev_shmem_startup_hook)
		prev_shmem_startup_hook();
	LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
	quota = ShmemInitStruct(TRANCHE, sizeof(EtlQuota), &found);
	if (!found)
		memset(quota, 0, sizeof(EtlQuota));
	lock = &GetNamedLWLockTranche(TRANCHE)->lock;
	LWLockRelease(AddinShmemInitLock);
}

void
quota_shared_init(void)
{
	prev_shmem_request_hook = shmem_request_hook;
	shmem_request_hook = quota_request;
	prev_shmem_startup_hook = shmem_startup_hook;
	shmem_startup_hook = quota_startup;
}

static void
quota_lock(LWLockMode mode)
{
	if (lock != NULL)
		LWLockAcquire(lock, mode);
}

static void
quota_unlock(void)
{
	if (lock != NULL)
		LWLockRelease(lock);
}

int
quota_take(const char *host, EtlRetryKind kind)
{
	int cost = quota_cost(kind);
	bool taken;

	quota_lock(LW_EXCLUSIVE);
	taken = quota_table_take(quota, host, cost);
	quota_unlock();
	return taken ? cost : 0;
}

void
quota_succeeded(const char *host, int taken)
{
	bool lacks;

	quota_lock(LW_SHARED);
	lacks = quota_table_lacks(quota, host);
	quota_unlock();
	if (!lacks)
		return; /* as nearly always */
	quota_lock(LW_EXCLUSIVE);
	quota_table_give(quota, host, Max(taken, 1));
	quota_unlock();
}

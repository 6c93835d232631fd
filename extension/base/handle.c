/*
 * handle.c
 *		Owned C handles. See handle.h.
 */
#include "postgres.h"

#include "base/handle.h"
#include "utils/memutils.h"

static void
handle_reset(void *arg)
{
	etl_handle_close((EtlHandle *) arg);
}

EtlHandle *
etl_handle_reserve(MemoryContext context, EtlHandleFree free)
{
	EtlHandle *owner = MemoryContextAllocZero(context, sizeof(EtlHandle));

	owner->free = free;
	owner->callback.func = handle_reset;
	owner->callback.arg = owner;
	MemoryContextRegisterResetCallback(context, &owner->callback);
	return owner;
}

void
etl_handle_close(EtlHandle *owner)
{
	void *handle = owner->handle;

	owner->handle = NULL;
	if (handle != NULL)
		owner->free(handle);
}

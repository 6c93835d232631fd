/*
 * handle.h
 *		A foreign C library's handle, owned by a memory context.
 *
 * The callback that frees it is registered before the handle is acquired, so no error in between can leak it:
 *
 *		EtlHandle *owner = etl_handle_reserve(CurrentMemoryContext, (EtlHandleFree) curl_easy_cleanup);
 *		owner->handle = curl_easy_init();
 *
 * It is freed when the context is reset or deleted, or earlier by etl_handle_close. The free function must not
 * raise.
 */
#ifndef ETL_BASE_HANDLE_H
#define ETL_BASE_HANDLE_H

#include "postgres.h"

typedef void (*EtlHandleFree)(void *handle);

typedef struct EtlHandle
{
	void *handle; /* NULL: nothing to free */
	EtlHandleFree free;
	MemoryContextCallback callback;
} EtlHandle;

extern EtlHandle *etl_handle_reserve(MemoryContext context, EtlHandleFree free);
/* Frees the handle now; the owner stays and may take another. */
extern void etl_handle_close(EtlHandle *owner);

#endif

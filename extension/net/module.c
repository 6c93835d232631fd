/*
 * module.c
 *		Settings and shared memory of this room.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "net/module.h"
#include "net/quota_shared.h"

void
net_init(void)
{
	if (process_shared_preload_libraries_in_progress)
		quota_shared_init();
}

/*
 * module.c
 *		Settings and hooks of this room.
 */
#include "postgres.h"

#include "copy/feed.h"
#include "copy/hook.h"
#include "copy/module.h"
#include "copy/unload_failure.h"
#include "utils/guc.h"

void
copy_init(void)
{
	DefineCustomBoolVariable("etl.load_worker", "Read the files of large loads in a process beside the backend.",
							 NULL, &load_feed_parallel, true, PGC_USERSET, 0, NULL, NULL, NULL);
	copy_hook_init();
	unload_failure_init();
}

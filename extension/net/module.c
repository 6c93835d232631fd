/*
 * module.c
 *		Settings and shared memory of this room.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "net/http.h"
#include "net/module.h"
#include "net/quota_shared.h"
#include "utils/guc.h"

void
net_init(void)
{
	DefineCustomIntVariable("etl.stall_timeout", "How long a transfer over HTTP may stand still, or trickle.",
							"It is given up when less than a kilobyte a second comes or goes.",
							&http_stall_timeout_s, 60, 1, 3600, PGC_SIGHUP, GUC_UNIT_S, NULL, NULL, NULL);
	if (process_shared_preload_libraries_in_progress)
		quota_shared_init();
}

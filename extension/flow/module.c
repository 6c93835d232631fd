/*
 * module.c
 *		The engine's settings, hooks and static process.
 */
#include "postgres.h"

#include "flow/launcher.h"
#include "flow/module.h"
#include "flow/quiesce.h"
#include "flow/retention.h"
#include "flow/role.h"
#include "flow/remote_place.h"
#include "flow/shared.h"
#include "flow/wake.h"
#include "miscadmin.h"
#include "utils/guc.h"

void
flow_init(void)
{
	if (!process_shared_preload_libraries_in_progress)
		return; /* loaded by a session: tables and functions work, nothing is run */

	DefineCustomIntVariable("etl.max_executors", "Processes that run steps, in all databases together.",
							"Each takes one of max_worker_processes while it is there.", &etl_max_executors, 4, 1, ETL_MOST_EXECUTORS,
							PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("etl.run_superuser_workflows", "Run steps of workflows that superusers own.",
							 "If off, they fail, and no process is connected as a superuser for them.",
							 &etl_run_superuser_workflows, true, PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("etl.max_remote_steps", "External steps under way at a time, in all databases together.",
							"Each may hold a connection, which is a descriptor of its database's one process for them.",
							&etl_max_remote_steps, 1000, 1, 65536, PGC_POSTMASTER, 0, NULL, NULL, NULL);
	retention_init();
	shared_init();
	wake_init();
	quiesce_init();
	launcher_register();
}

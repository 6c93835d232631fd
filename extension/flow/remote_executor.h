/*
 * remote_executor.h
 *		The process that is at all external steps of a database, a thousand at a time.
 *
 * It takes steps from the queue's remote lane (queue.h), claims many in one commit, gives each its turns (remote_step.h)
 * and records the outcomes that are there, many in one commit. It holds no transaction while it waits.
 */
#ifndef ETL_FLOW_REMOTE_EXECUTOR_H
#define ETL_FLOW_REMOTE_EXECUTOR_H

#include "postgres.h"

/* The function the postmaster calls; executor_start registers it for the slots that are remote executors'. */
#define ETL_REMOTE_EXECUTOR_MAIN "pg_etl_remote_main"

#endif

/*
 * executor.h
 *		The process that runs steps, connected as the owner of the workflows they belong to.
 */
#ifndef ETL_FLOW_EXECUTOR_H
#define ETL_FLOW_EXECUTOR_H

#include "postgres.h"

#include "postmaster/bgworker.h"

/*
 * Have the postmaster start one, or a remote executor, for slot `index`, which is ETL_EXECUTOR_STARTING. False: no process
 * can be had.
 */
extern bool executor_start(int index, BackgroundWorkerHandle **handle);

#endif

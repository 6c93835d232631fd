/*
 * scheduler.h
 *		One process a database: timers, schedules, executors, and what interrupted processes left undone.
 */
#ifndef ETL_FLOW_SCHEDULER_H
#define ETL_FLOW_SCHEDULER_H

#include "postgres.h"

#include "postmaster/bgworker.h"

/* Have the postmaster start one for scheduler slot `slot`. False: no process can be had. */
extern bool scheduler_start(int slot, BackgroundWorkerHandle **handle);

#endif

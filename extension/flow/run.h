/*
 * run.h
 *		A run from its queuing to its end: everything that is written to etl.run.
 *
 * All functions are called inside an ETL_SPI_OWNER scope, in the transaction whose commit makes the change.
 */
#ifndef ETL_FLOW_RUN_H
#define ETL_FLOW_RUN_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* Lock the run's row. False when it has ended already (or never was). */
extern bool run_lock(int64 run_id);
/* A step of the (locked) run has started at `at`: the first one starts the run. */
extern void run_note_start(int64 run_id, TimestampTz at);
/* Something about the (locked) run's steps changed: start, skip or end what follows from it. */
extern void run_advance(int64 run_id);
/* A row of etl.event; task NULL for the run as a whole, details NULL for none. */
extern void run_event(int64 run_id, const char *task, int attempt, TimestampTz at, const char *type,
					  const char *details);

#endif

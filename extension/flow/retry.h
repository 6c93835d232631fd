/*
 * retry.h
 *		A run that has ended without success is carried on: only what did not succeed runs again.
 */
#ifndef ETL_FLOW_RETRY_H
#define ETL_FLOW_RETRY_H

#include "postgres.h"

/*
 * Inside an ETL_SPI_OWNER scope, in the transaction whose commit has the run go on. False, with nothing changed: it
 * has succeeded. An error if it goes on, or steps of it still end.
 */
extern bool retry_run(int64 run_id);

#endif

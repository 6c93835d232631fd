/*
 * query.h
 *		The query of an UNLOAD: one that only reads, run as the caller with the caller's search_path.
 */
#ifndef ETL_COPY_QUERY_H
#define ETL_COPY_QUERY_H

#include "postgres.h"

#include "tcop/dest.h"

/* Run it, its rows going to `dest`. Returns how many there were. */
extern uint64 copy_query_run(const char *sql, DestReceiver *dest);

#endif

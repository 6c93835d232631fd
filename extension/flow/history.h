/*
 * history.h
 *		Rows of etl.event: collected while something is recorded, written together.
 */
#ifndef ETL_FLOW_HISTORY_H
#define ETL_FLOW_HISTORY_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "nodes/pg_list.h"

typedef struct EtlHistory
{
	int64 run_id;
	List *events; /* not yet written */
} EtlHistory;

/* task NULL: about the run as a whole; details (JSON) may be NULL. Strings are kept, not copied. */
extern void history_add(EtlHistory *history, const char *task, int attempt, TimestampTz at, const char *type,
						const char *details);
/* Inside an ETL_SPI_OWNER scope. */
extern void history_write(EtlHistory *history);

#endif

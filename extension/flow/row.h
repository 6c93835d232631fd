/*
 * row.h
 *		Rows of etl.run, etl.task_run and etl.event, read and written through the table access methods.
 *
 * A statement costs more to start up than what it does to one row. What happens at each step (claim, outcome, history)
 * goes through here; everything else is statements (range.h). Neither rights nor row security are looked at: it is the
 * bookkeeping's, as what runs in an ETL_SPI_OWNER scope is, and never for a user's wish. Constraints, indexes and
 * triggers are a row's as with a statement.
 *
 *		EtlRow row;
 *		if (row_open(&row, ETL_RUN, run_id, 0, RowExclusiveLock))
 *			do
 *				row_set(&row, ETL_RUN_STATUS, CStringGetTextDatum("failed"), false);
 *			while (!row_update(&row) && row.found);
 *		row_close(&row);
 *
 * In transactions that are read committed. After an error the (sub)transaction's abort closes it.
 */
#ifndef ETL_FLOW_ROW_H
#define ETL_FLOW_ROW_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "flow/partition.h"

typedef struct EtlRow
{
	bool found; /* false: there is no such row, or no more */
	EtlTable table;
	int64 run_id;
	int64 task_run_id;
	/* The rest is row.c's. */
	EtlPartition partition;
	Relation relation;
	TupleTableSlot *slot;
	Datum values[ETL_MOST_COLUMNS];
	bool nulls[ETL_MOST_COLUMNS];
	bool set[ETL_MOST_COLUMNS];
} EtlRow;

/*
 * The row of a run (task_run_id 0) or of a step of it, as the last commit and this transaction have left it; its
 * partition is locked in this mode until the transaction ends. False: there is none. To be closed in any case.
 */
extern bool row_open(EtlRow *row, EtlTable table, int64 run_id, int64 task_run_id, LOCKMODE lock);
extern void row_close(EtlRow *row);
/* The value of a column, valid until the row is locked, updated or closed. */
extern Datum row_value(const EtlRow *row, int column, bool *isnull);
/* A copy of a text; NULL: it is null. */
extern char *row_text(const EtlRow *row, int column);
extern bool row_is_null(const EtlRow *row, int column);
/*
 * Lock the row as SELECT FOR UPDATE SKIP LOCKED does. False: somebody else has it, or it is gone. What has changed since it
 * was opened is seen then.
 */
extern bool row_try_lock(EtlRow *row);
/* What row_update is to write. */
extern void row_set(EtlRow *row, int column, Datum value, bool isnull);
/*
 * Write what was set. False: somebody has changed the row since it was opened. It is locked now, as it is now, and nothing
 * is set any more: whoever called decides anew. Or it is gone.
 */
extern bool row_update(EtlRow *row);

/* Insert `count` events: of each ETL_EVENT_COLUMN_COUNT values. Their event_ids are given here. */
extern void row_insert_events(int64 run_id, Datum *values, bool *nulls, int count);

#endif

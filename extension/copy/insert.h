/*
 * insert.h
 *		Rows into a table as PostgreSQL's COPY puts them there: partitions, triggers, constraints, generated columns,
 *		indexes, foreign tables, many rows at a time.
 *
 *		insert = insert_begin(rel, attnums, false);
 *		insert_query_begin(insert);
 *		{ slot = insert_slot(insert); … fill and store it …; insert_put(insert, &place); }
 *		rows = insert_end(insert);
 *
 * There may be several queries, each but the last with an insert_query_end: all its rows are in then and their AFTER ROW
 * triggers have run. Such a query may be in a subtransaction; insert_forget is called after that one was rolled back, and
 * the query's rows are as if they had never been put.
 */
#ifndef ETL_COPY_INSERT_H
#define ETL_COPY_INSERT_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "nodes/pg_list.h"
#include "utils/rel.h"

/* Where a row came from. */
typedef struct EtlRowPlace
{
	int file; /* of the load's files */
	int item; /* of a batch of its records */
	int64 line;
} EtlRowPlace;

typedef struct EtlInsert EtlInsert;

/*
 * Check what COPY checks: the current user's right to insert into these columns, row security (refused), a relation that
 * takes rows, a transaction that may write.
 */
extern void insert_check(Relation rel, List *attnums);
/*
 * Check that rows may be frozen: that the table is new in the current subtransaction, and nobody could miss them, as COPY
 * FREEZE does. A rollback of a subtransaction within it would leave them there, so nothing may go on after one.
 */
extern void insert_check_freeze(Relation rel);
/* Check what insert_check does, and begin. All lives in the current context; rel stays open until insert_end. */
extern EtlInsert *insert_begin(Relation rel, List *attnums, bool freeze);
/* Whether there is a trigger that sees the rows of a query together. */
extern bool insert_has_transition_table(const EtlInsert *insert);
/* Whether a row can be refused on its way in, so that a load that goes on after errors needs subtransactions. */
extern bool insert_may_fail(const EtlInsert *insert);
/* Whether NULLs can be: there are NOT NULL columns. */
extern bool insert_refuses_null(const EtlInsert *insert);
/* NULLs in NOT NULL columns were already refused. */
extern void insert_assume_not_null(EtlInsert *insert);
/* The rows' default values, or COPY's WHERE, may do anything, so each must be in before the next one's are asked for. */
extern void insert_one_by_one(EtlInsert *insert);

extern void insert_query_begin(EtlInsert *insert);
/* For values of the next row; what is in its memory goes with insert_slot. */
extern ExprContext *insert_context(EtlInsert *insert);
/* An empty virtual slot of the table's row type, and its row, stored and put; or a whole row as a tuple, copied. */
extern TupleTableSlot *insert_slot(EtlInsert *insert);
extern void insert_put(EtlInsert *insert, const EtlRowPlace *place);
extern void insert_put_tuple(EtlInsert *insert, HeapTuple tuple, const EtlRowPlace *place);
extern void insert_query_end(EtlInsert *insert);
extern void insert_forget(EtlInsert *insert);
extern uint64 insert_end(EtlInsert *insert);

/* While an error is handled: the row that was being put; false: none, or it can't be told which. */
extern bool insert_place(const EtlInsert *insert, EtlRowPlace *place);
extern uint64 insert_count(const EtlInsert *insert);

#endif

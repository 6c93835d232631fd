/*
 * where.h
 *		COPY … WHERE: which of the rows that were read are loaded.
 */
#ifndef ETL_COPY_WHERE_H
#define ETL_COPY_WHERE_H

#include "postgres.h"

#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

typedef struct EtlWhere EtlWhere;

/* Of its SQL text, which is checked as COPY checks it; in the current context. */
extern EtlWhere *where_create(Relation rel, const char *text);
/* It may do anything, so each row must be in before the next one is looked at. */
extern bool where_is_volatile(const EtlWhere *where);
/* Whether it is true of the row in the slot. */
extern bool where_holds(EtlWhere *where, TupleTableSlot *slot, ExprContext *context);

#endif

/*
 * complete.h
 *		What a record's tuple lacks: values that their types' input functions read, domains' checks, defaults.
 */
#ifndef ETL_COPY_COMPLETE_H
#define ETL_COPY_COMPLETE_H

#include "postgres.h"

#include "copy/batch.h"
#include "copy/plan.h"
#include "executor/tuptable.h"
#include "nodes/execnodes.h"
#include "utils/rel.h"

typedef struct EtlCompletion EtlCompletion;

/* In the current context. */
extern EtlCompletion *completion_create(Relation rel, const EtlLoadPlan *plan);
/* The tuple is the row as it is. */
extern bool completion_is_needless(const EtlCompletion *completion, const EtlBatchItem *item);
/* Whether values can be refused here, even if none of them comes as text. */
extern bool completion_may_fail(const EtlCompletion *completion);
/* A default value that may do anything, so each row must be in before the next one's is asked for. */
extern bool completion_is_volatile(const EtlCompletion *completion);
/*
 * Fill the values of the (empty, virtual) slot. They may point into the item, and into the expression context's memory.
 * *column and *text say what is being read, for an error: NULL when none is.
 */
extern void completion_fill(EtlCompletion *completion, const EtlBatchItem *item, TupleTableSlot *slot,
							ExprContext *context, int *column, const EtlBatchText **text);

#endif

/*
 * for_each.h
 *		Tasks that run once for each row of a query.
 *
 * The task's own row of etl.task_run (item 0) stands for the whole: its query is answered when the task could start,
 * and each row of the answer becomes an item, a row and a step of its own. The task's row counts how its items end, as
 * a run's row counts its tasks; it is locked before the run's row, and the run's row only by the item that ends the
 * task. All functions but for_each_query are called inside an ETL_SPI_OWNER scope.
 */
#ifndef ETL_FLOW_FOR_EACH_H
#define ETL_FLOW_FOR_EACH_H

#include "postgres.h"

#include "flow/history.h"
#include "flow/step.h"

typedef struct EtlItemList EtlItemList;

/* The rows of the claimed task's query, run as its owner; in memory up to work_mem, then on disk. May raise. */
extern EtlItemList *for_each_query(const EtlClaim *claim);
/*
 * Make the task's items and queue the first. NULL: it has them from before etl.retry_run; those that have not
 * succeeded run again. False: the run has ended.
 */
extern bool for_each_start(const EtlClaim *claim, EtlItemList *list);
/* Lock the tasks of the run that wait for their items: before the run itself, as items do that end. */
extern void for_each_lock_all(int64 run_id);
/* The same without waiting for anybody. False: somebody else has one of them. */
extern bool for_each_try_lock_all(int64 run_id);
/* Of any step: if it is an item, lock its task without waiting for it. False: somebody else has. */
extern bool for_each_try_lock(int64 run_id, int64 task_run_id);
/* Of an item: lock its task. False: that has ended. */
extern bool for_each_lock(const EtlClaim *item);
/* An item has ended for good, and is recorded: what follows from it. `rows` may be -1. False: its task, or the run, has ended before. */
extern bool for_each_item_ended(const EtlClaim *item, bool succeeded, int64 rows, EtlHistory *history);

#endif

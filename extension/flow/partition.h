/*
 * partition.h
 *		The partitions of etl.run, etl.task_run and etl.event that have a run, and where their columns are.
 *
 * For row.h. Each process keeps what it has found out, until PostgreSQL says that a partition has changed.
 */
#ifndef ETL_FLOW_PARTITION_H
#define ETL_FLOW_PARTITION_H

#include "postgres.h"

#include "access/attnum.h"
#include "storage/lockdefs.h"
#include "utils/relcache.h"

typedef enum EtlTable
{
	ETL_RUN,
	ETL_TASK_RUN,
	ETL_EVENT
} EtlTable;

/* The columns that are read or written here. */
#define ETL_RUN_COLUMNS(COLUMN)                                                                             \
	COLUMN(ETL_RUN_WORKFLOW, "workflow")                                                                    \
	COLUMN(ETL_RUN_RUN_NAME, "run_name")                                                                    \
	COLUMN(ETL_RUN_INPUT, "input")                                                                          \
	COLUMN(ETL_RUN_SCHEDULED_FOR, "scheduled_for")                                                          \
	COLUMN(ETL_RUN_PARENT_TASK_RUN_ID, "parent_task_run_id")                                                \
	COLUMN(ETL_RUN_STATUS, "status")                                                                        \
	COLUMN(ETL_RUN_VERSION_ID, "version_id")                                                                \
	COLUMN(ETL_RUN_OWNER, "owner")                                                                          \
	COLUMN(ETL_RUN_TIMEOUT, "timeout")                                                                      \
	COLUMN(ETL_RUN_MAX_ACTIVE_RUNS, "max_active_runs")                                                      \
	COLUMN(ETL_RUN_TASKS_TOTAL, "tasks_total")                                                              \
	COLUMN(ETL_RUN_TASKS_DONE, "tasks_done")                                                                \
	COLUMN(ETL_RUN_STARTED_AT, "started_at")                                                                \
	COLUMN(ETL_RUN_FINISHED_AT, "finished_at")                                                              \
	COLUMN(ETL_RUN_FAILED_TASK, "failed_task")                                                              \
	COLUMN(ETL_RUN_ERROR, "error")
#define ETL_TASK_RUN_COLUMNS(COLUMN)                                                                        \
	COLUMN(ETL_TASK_RUN_TASK, "task")                                                                       \
	COLUMN(ETL_TASK_RUN_ITEM, "item")                                                                       \
	COLUMN(ETL_TASK_RUN_ATTEMPT, "attempt")                                                                 \
	COLUMN(ETL_TASK_RUN_FIRST_ATTEMPT, "first_attempt")                                                     \
	COLUMN(ETL_TASK_RUN_STATUS, "status")                                                                   \
	COLUMN(ETL_TASK_RUN_NOTIFICATION_ID, "notification_id")                                                 \
	COLUMN(ETL_TASK_RUN_ARGUMENTS, "arguments")                                                             \
	COLUMN(ETL_TASK_RUN_STARTED_AT, "started_at")                                                           \
	COLUMN(ETL_TASK_RUN_FINISHED_AT, "finished_at")                                                         \
	COLUMN(ETL_TASK_RUN_ROWS, "rows")                                                                       \
	COLUMN(ETL_TASK_RUN_OUTPUT, "output")                                                                   \
	COLUMN(ETL_TASK_RUN_SQLSTATE, "sqlstate")                                                               \
	COLUMN(ETL_TASK_RUN_ERROR, "error")                                                                     \
	COLUMN(ETL_TASK_RUN_ERROR_DETAIL, "error_detail")                                                       \
	COLUMN(ETL_TASK_RUN_ERROR_HINT, "error_hint")                                                           \
	COLUMN(ETL_TASK_RUN_ERROR_CONTEXT, "error_context")                                                     \
	COLUMN(ETL_TASK_RUN_WORKER_PID, "worker_pid")                                                           \
	COLUMN(ETL_TASK_RUN_PROCESS_END, "process_end")                                                         \
	COLUMN(ETL_TASK_RUN_PARAMETERS, "parameters")                                                           \
	COLUMN(ETL_TASK_RUN_ITEMS, "items")
#define ETL_EVENT_COLUMNS(COLUMN)                                                                           \
	COLUMN(ETL_EVENT_EVENT_ID, "event_id")                                                                  \
	COLUMN(ETL_EVENT_RUN_ID, "run_id")                                                                      \
	COLUMN(ETL_EVENT_TASK, "task")                                                                          \
	COLUMN(ETL_EVENT_ATTEMPT, "attempt")                                                                    \
	COLUMN(ETL_EVENT_AT, "at")                                                                              \
	COLUMN(ETL_EVENT_TYPE, "type")                                                                          \
	COLUMN(ETL_EVENT_DETAILS, "details")

#define ETL_COLUMN_NUMBER(number, name) number,
enum
{
	ETL_RUN_COLUMNS(ETL_COLUMN_NUMBER) ETL_RUN_COLUMN_COUNT
};
enum
{
	ETL_TASK_RUN_COLUMNS(ETL_COLUMN_NUMBER) ETL_TASK_RUN_COLUMN_COUNT
};
enum
{
	ETL_EVENT_COLUMNS(ETL_COLUMN_NUMBER) ETL_EVENT_COLUMN_COUNT
};
#undef ETL_COLUMN_NUMBER

#define ETL_MOST_COLUMNS ETL_TASK_RUN_COLUMN_COUNT

typedef struct EtlPartition
{
	Oid relation;
	Oid key_index;
	AttrNumber columns[ETL_MOST_COLUMNS]; /* where they are; another partition may have them elsewhere */
	bool has_triggers;					  /* of somebody's, on what the engine does to its rows */
} EtlPartition;

/*
 * Open the partition that has a run, locked to the transaction's end. Of a run that is in no range it is the one for the
 * rest.
 */
extern Relation partition_open(EtlTable table, int64 run_id, LOCKMODE lock, EtlPartition *partition);
/* The name of a column. */
extern const char *partition_column_name(EtlTable table, int column);
extern int partition_column_count(EtlTable table);

#endif


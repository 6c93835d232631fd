/*
 * journal.h
 *		Which step each executor is at, where a crash can't lose it.
 *
 * A local step commits once, with its outcome; if its process dies, nothing of the attempt is in any table. So that
 * a step that kills its server can't do it for ever, each executor writes the step into its own few bytes of the
 * file pg_stat_tmp/pg_etl.journal before it starts, with one pwrite and no flush: the kernel keeps it when the process,
 * or all of PostgreSQL, dies. When the server crashes, the postmaster tells the other executors to quit (SIGQUIT), and
 * each wipes its own entry: what is left names the step whose process died first. (A machine that loses power may lose
 * the entries, as whoever removes the file does; the steps then run again without being counted.)
 */
#ifndef ETL_FLOW_JOURNAL_H
#define ETL_FLOW_JOURNAL_H

#include "postgres.h"

#include "datatype/timestamp.h"

/* In the postmaster, as shared memory is made: entries left behind become slots in ETL_EXECUTOR_RECOVER. */
extern void journal_read(void);
/* In an executor, once: open the file for slot `index`. */
extern void journal_open(int index);
/* task_run_id 0: at none. Safe in a signal handler. */
extern void journal_write(Oid dbid, int64 run_id, int64 task_run_id, TimestampTz started_at);
/* In a scheduler, when it has dealt with a slot in ETL_EXECUTOR_RECOVER. */
extern void journal_clear(int index);

#endif

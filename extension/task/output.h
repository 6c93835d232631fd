/*
 * output.h
 *		Outputs of a run's earlier tasks, as parameters of its later ones. Private to task/.
 */
#ifndef ETL_TASK_OUTPUT_H
#define ETL_TASK_OUTPUT_H

#include "postgres.h"

#include "flow/adapter.h"

/*
 * What stands for `task.key`, the key being what comes after the last dot, of what etl.task_output('task') is in the
 * step's run. Raises when the task has not succeeded or has no such output; and when the run has no such task, unless
 * `missing_ok`: then NULL. With a transaction open or without.
 */
extern const char *output_text(const EtlStep *step, const char *name, bool missing_ok);

#endif

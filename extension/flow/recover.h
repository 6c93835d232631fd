/*
 * recover.h
 *		Steps whose process is gone: what becomes of them is decided here and nowhere else.
 */
#ifndef ETL_FLOW_RECOVER_H
#define ETL_FLOW_RECOVER_H

#include "postgres.h"

/*
 * In a scheduler, each in transactions of its own.
 *
 * Steps whose process died, as the journal or the executor that left says.
 */
extern void recover_crashed(void);
/* Nobody is to recover steps of this database: it has not the extension. */
extern void recover_forget(Oid dbid);
/* External steps that are recorded as running while no executor is at them. */
extern void recover_abandoned(void);
/* Steps of an owner that nobody can connect as; `problem` says why, in words that follow "cannot run as role …". */
extern void recover_unrunnable(Oid owner, const char *problem, const char *hint);

#endif

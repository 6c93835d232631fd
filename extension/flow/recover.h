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
 * Steps the journal names: their process died and took the server with it.
 */
extern void recover_crashed(void);
/* External steps that are recorded as running while no executor is at them. */
extern void recover_abandoned(void);
/* Steps of an owner that nobody can connect as; `problem` says why, in words that follow "cannot run as role …". */
extern void recover_unrunnable(Oid owner, const char *problem, const char *hint);

#endif

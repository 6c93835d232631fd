/*
 * recover.h
 *		Steps whose process is gone: what becomes of them is decided here and nowhere else.
 */
#ifndef ETL_FLOW_RECOVER_H
#define ETL_FLOW_RECOVER_H

#include "postgres.h"

#include "flow/role.h"

/*
 * In a scheduler, each step in a transaction of its own. False: somebody has locked one, or its run; the others are
 * dealt with.
 *
 * Steps whose process died, as the journal or the executor that left says.
 */
extern bool recover_crashed(void);
/* External steps that are recorded as running while no executor is at them. */
extern bool recover_abandoned(void);
/* Steps of an owner that has this problem. */
extern bool recover_unrunnable(Oid owner, const EtlRoleProblem *problem);
/* Steps that wait for a slot of a pool that is not there. */
extern bool recover_without_pool(const char *pool);

/* In any process: nobody is to recover steps of this database, which nothing serves. */
extern void recover_forget(Oid dbid);

#endif

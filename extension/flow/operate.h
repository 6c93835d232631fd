/*
 * operate.h
 *		Who may see and operate what, for functions that then act with the extension owner's rights.
 */
#ifndef ETL_FLOW_OPERATE_H
#define ETL_FLOW_OPERATE_H

#include "postgres.h"

/* Whether the caller sees what others own: a superuser, reader or operator. */
extern bool operate_sees_all(void);
/* An error unless the caller may do this ("cancel", "retry") to the run. */
extern void operate_check(int64 run_id, const char *verb);

#endif

/*
 * tolerance.h
 *		How many of a task's items may fail. Pure.
 */
#ifndef ETL_FLOW_TOLERANCE_H
#define ETL_FLOW_TOLERANCE_H

#include "base/platform.h"

/* `tolerate` as in etl.task: a number of items, or a share of them such as 2.5%; NULL: none. */
extern int64 tolerance_count(const char *tolerate, int64 items);

#endif

/*
 * pool.h
 *		Pools: limits on how many steps run at a time (etl.pool). Who has a slot of one and who waits is in queue.h.
 */
#ifndef ETL_FLOW_POOL_H
#define ETL_FLOW_POOL_H

#include "postgres.h"

#include "datatype/timestamp.h"

/*
 * In a scheduler: tell the queue how many slots those pools have that changed and that steps are in. Steps of one that
 * is gone fail. Returns when to look next.
 */
extern TimestampTz pool_read_changed(void);

#endif

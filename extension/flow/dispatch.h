/*
 * dispatch.h
 *		Which owners get executors, and how many.
 */
#ifndef ETL_FLOW_DISPATCH_H
#define ETL_FLOW_DISPATCH_H

#include "postgres.h"

#include "datatype/timestamp.h"
#include "flow/shared.h"

/* In a scheduler, once: its slot. */
extern void dispatch_init(EtlSchedulerSlot *scheduler);
/*
 * See that executors are at work for every owner with steps in the queue. Returns when to look next: if some process
 * could not be had, or could not connect (the server log says why), in a while.
 */
extern TimestampTz dispatch(void);

#endif

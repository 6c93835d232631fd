/*
 * row_receiver.h
 *		The rows of a query that runs here, each as a JSON object, as those of one on a connection come. Private to task/.
 */
#ifndef ETL_TASK_ROW_RECEIVER_H
#define ETL_TASK_ROW_RECEIVER_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "remote/warehouse.h"
#include "tcop/dest.h"

typedef struct EtlRowReceiver
{
	DestReceiver pub; /* for script_run_here */
	EtlRemoteRow visit;
	void *arg;
	MemoryContext context; /* `visit` is called in; reset after each row */
	MemoryContext outer;   /* the receiver's own */
	TupleDesc columns;	   /* of the query under way */
	int queries;		   /* that have returned rows, or none */
} EtlRowReceiver;

extern void row_receiver_init(EtlRowReceiver *receiver, EtlRemoteRow visit, void *arg);

#endif

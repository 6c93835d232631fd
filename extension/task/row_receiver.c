/*
 * row_receiver.c
 *		Rows of a query as JSON objects. See row_receiver.h.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "executor/tuptable.h"
#include "funcapi.h"
#include "task/row_receiver.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/memutils.h"

static bool
row_receive(TupleTableSlot *slot, DestReceiver *self)
{
	EtlRowReceiver *receiver = (EtlRowReceiver *) self;
	MemoryContext outer = MemoryContextSwitchTo(receiver->context);
	bool copied;
	HeapTuple tuple = ExecFetchSlotHeapTuple(slot, false, &copied);
	Datum json = DirectFunctionCall1(row_to_json, heap_copy_tuple_as_datum(tuple, receiver->columns));

	receiver->visit(TextDatumGetCString(json), receiver->arg);
	MemoryContextSwitchTo(outer);
	MemoryContextReset(receiver->context);
	return true;
}

static void
row_startup(DestReceiver *self, int operation, TupleDesc columns)
{
	EtlRowReceiver *receiver = (EtlRowReceiver *) self;
	MemoryContext outer = MemoryContextSwitchTo(receiver->outer);

	/* The names of the query's columns: a row's own descriptor may have those of the table it comes from, or none. */
	receiver->columns = BlessTupleDesc(CreateTupleDescCopy(columns));
	receiver->queries++;
	MemoryContextSwitchTo(outer);
}

static void
row_shutdown(DestReceiver *self)
{
}

void
row_receiver_init(EtlRowReceiver *receiver, EtlRemoteRow visit, void *arg)
{
	*receiver = (EtlRowReceiver){
		.pub = {.receiveSlot = row_receive,
				.rStartup = row_startup,
				.rShutdown = row_shutdown,
				.rDestroy = row_shutdown,
				.mydest = DestTuplestore},
		.visit = visit,
		.arg = arg,
		.outer = CurrentMemoryContext,
		.context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl row", ALLOCSET_DEFAULT_SIZES)};
}

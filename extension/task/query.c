/*
 * query.c
 *		etl.query: the rows of a query, here or on a warehouse, as JSON objects.
 *
 * Rows go one by one into a tuplestore, which spills to disk; no more than one is in memory.
 */
#include "postgres.h"

#include "executor/tuptable.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "task/script.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pg_etl_query);

typedef struct RowReceiver
{
	DestReceiver pub;
	ReturnSetInfo *result;
	MemoryContext context; /* reset after each row */
} RowReceiver;

static void
row_put(const char *json, void *arg)
{
	RowReceiver *receiver = arg;
	MemoryContext outer = MemoryContextSwitchTo(receiver->context);
	Datum value = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
	bool isnull = false;

	tuplestore_putvalues(receiver->result->setResult, receiver->result->setDesc, &value, &isnull);
	MemoryContextSwitchTo(outer);
	MemoryContextReset(receiver->context);
}

static bool
row_receive(TupleTableSlot *slot, DestReceiver *self)
{
	RowReceiver *receiver = (RowReceiver *) self;
	MemoryContext outer = MemoryContextSwitchTo(receiver->context);
	Datum json;

	(void) BlessTupleDesc(slot->tts_tupleDescriptor);
	json = DirectFunctionCall1(row_to_json, ExecFetchSlotHeapTupleDatum(slot));
	row_put(TextDatumGetCString(json), receiver);
	MemoryContextSwitchTo(outer);
	return true;
}

static void
row_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
}

static void
row_shutdown(DestReceiver *self)
{
}

/* etl.query(sql, connection) */
Datum
pg_etl_query(PG_FUNCTION_ARGS)
{
	RowReceiver receiver = {.pub = {.receiveSlot = row_receive,
									.rStartup = row_startup,
									.rShutdown = row_shutdown,
									.rDestroy = row_shutdown,
									.mydest = DestTuplestore}};
	EtlScriptSource source = {0};
	EtlWarehouse *warehouse;
	EtlRemoteError error;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC | MAT_SRF_BLESS);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	receiver.result = (ReturnSetInfo *) fcinfo->resultinfo;
	receiver.context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl row", ALLOCSET_DEFAULT_SIZES);
	source.text = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (PG_ARGISNULL(1))
	{
		(void) script_run_here(&source, true, &receiver.pub);
		PG_RETURN_NULL();
	}
	warehouse = warehouse_connect(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (!warehouse_query(warehouse, source.text, row_put, &receiver, &error))
		warehouse_error_raise(&error);
	warehouse_close(warehouse);
	PG_RETURN_NULL();
}

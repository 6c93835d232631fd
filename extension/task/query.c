/*
 * query.c
 *		etl.query: the rows of a query, here or on a warehouse, as JSON objects.
 *
 * Rows go one by one into a tuplestore, which spills to disk; no more than one is in memory.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "task/row_receiver.h"
#include "task/script.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/memutils.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pg_etl_query);

typedef struct Answer
{
	ReturnSetInfo *result;
	MemoryContext context; /* reset after each row */
} Answer;

static void
row_put(const char *json, void *arg)
{
	Answer *answer = arg;
	MemoryContext outer = MemoryContextSwitchTo(answer->context);
	Datum value = DirectFunctionCall1(jsonb_in, CStringGetDatum(json));
	bool isnull = false;

	tuplestore_putvalues(answer->result->setResult, answer->result->setDesc, &value, &isnull);
	MemoryContextSwitchTo(outer);
	MemoryContextReset(answer->context);
}

/* etl.query(sql, connection) */
Datum
pg_etl_query(PG_FUNCTION_ARGS)
{
	Answer answer;
	EtlScriptSource source = {0};
	EtlWarehouse *warehouse;
	EtlRemoteError error;

	InitMaterializedSRF(fcinfo, MAT_SRF_USE_EXPECTED_DESC | MAT_SRF_BLESS);
	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	answer.result = (ReturnSetInfo *) fcinfo->resultinfo;
	answer.context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl row", ALLOCSET_DEFAULT_SIZES);
	source.text = text_to_cstring(PG_GETARG_TEXT_PP(0));
	if (PG_ARGISNULL(1))
	{
		EtlRowReceiver receiver;

		row_receiver_init(&receiver, row_put, &answer);
		(void) script_run_here(&source, true, &receiver.pub);
		PG_RETURN_NULL();
	}
	warehouse = warehouse_connect(text_to_cstring(PG_GETARG_TEXT_PP(1)));
	if (!warehouse_query(warehouse, source.text, row_put, &answer, &error))
		warehouse_error_raise(&error);
	warehouse_close(warehouse);
	PG_RETURN_NULL();
}

/*
 * pool.c
 *		Pools, from etl.pool to the queue, and from the queue to the views. See pool.h.
 *
 * The queue keeps how many slots a pool has, and counts the commits that may have changed that; the scheduler reads
 * the row when the count has moved, and when a step is the first of its pool.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/pool.h"
#include "flow/queue.h"
#include "flow/recover.h"
#include "flow/shared.h"
#include "flow/wake.h"
#include "fmgr.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define PAUSE_MS 1000 /* before what could not be done is tried again */

/* How many slots etl.pool says that a pool has, in a snapshot that sees what was committed before this is called. */
static int
read_slots(const char *name)
{
	static EtlSpiPlan read = {"SELECT slots FROM etl.pool WHERE name = $1", 1, {TEXTOID}};
	Datum values[1];
	EtlSpiScope spi;
	int slots = ETL_POOL_GONE;
	bool isnull;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	values[0] = CStringGetTextDatum(name);
	if (etl_spi_execute(&read, SPI_OK_SELECT, values, NULL) > 0)
		slots = DatumGetInt32(etl_spi_datum(0, 1, &isnull));
	etl_spi_close(&spi);
	CommitTransactionCommand();
	return slots;
}

TimestampTz
pool_read_changed(void)
{
	EtlPoolState pool;
	bool recorded = true;

	while (queue_pool_to_read(MyDatabaseId, &pool))
	{
		int slots = read_slots(pool.name);

		queue_pool_set(MyDatabaseId, &pool, slots);
		if (slots == ETL_POOL_GONE)
			recorded = recover_without_pool(pool.name) && recorded;
		CHECK_FOR_INTERRUPTS();
	}
	return recorded ? DT_NOEND : TimestampTzPlusMilliseconds(clock_now(), PAUSE_MS);
}

PG_FUNCTION_INFO_V1(pg_etl_pools_changed);
Datum
pg_etl_pools_changed(PG_FUNCTION_ARGS)
{
	wake_for_pools();
	PG_RETURN_VOID();
}

PG_FUNCTION_INFO_V1(pg_etl_pools);
Datum
pg_etl_pools(PG_FUNCTION_ARGS)
{
	ReturnSetInfo *result = (ReturnSetInfo *) fcinfo->resultinfo;
	EtlPoolState *pools;
	int count;

	InitMaterializedSRF(fcinfo, 0);
	if (etl_shared == NULL)
		return (Datum) 0;
	count = queue_pools(MyDatabaseId, &pools);
	for (int i = 0; i < count; i++)
	{
		Datum values[3] = {CStringGetTextDatum(pools[i].name), Int32GetDatum(pools[i].taken),
						   Int32GetDatum(pools[i].waiting)};
		bool nulls[3] = {false};

		tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
	}
	return (Datum) 0;
}

PG_FUNCTION_INFO_V1(pg_etl_waiting_for_pool);
Datum
pg_etl_waiting_for_pool(PG_FUNCTION_ARGS)
{
	EtlQueued step = {.pool = text_to_cstring(PG_GETARG_TEXT_PP(0)),
					  .priority = PG_GETARG_INT32(1),
					  .task_run_id = PG_GETARG_INT64(2)};
	EtlPoolState pool;

	if (etl_shared == NULL || !queue_waits_in_pool(MyDatabaseId, &step, &pool))
		PG_RETURN_NULL();
	PG_RETURN_TEXT_P(cstring_to_text(psprintf("pool %s (%d of %d slots taken)", quote_identifier(pool.name), pool.taken,
											  Max(pool.slots, 0))));
}

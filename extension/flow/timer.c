/*
 * timer.c
 *		Steps that wait for a moment. See timer.h.
 *
 * Whoever cancels a run has the locks of its timers until the transaction ends, which may be never: those are passed
 * over until later.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/timer.h"
#include "flow/wake.h"
#include "utils/timestamp.h"

#define LOCKED_PAUSE USECS_PER_SEC

TimestampTz
timer_fire(void)
{
	static EtlSpiPlan fire = {
		"WITH due AS (SELECT m.task_run_id FROM etl.timer m JOIN etl.task_run t USING (run_id, task_run_id)"
		"  WHERE m.due_at <= $1 FOR UPDATE SKIP LOCKED),"
		" fired AS (DELETE FROM etl.timer m USING due WHERE m.task_run_id = due.task_run_id"
		"  RETURNING m.task_run_id, m.run_id, m.owner, m.priority, m.pool)"
		" UPDATE etl.task_run t SET status = 'queued', queued_at = $1"
		" FROM fired JOIN etl.run r USING (run_id) JOIN etl.workflow_version v USING (version_id)"
		" WHERE t.run_id = fired.run_id AND t.task_run_id = fired.task_run_id"
		" RETURNING fired.task_run_id, fired.run_id, fired.owner, fired.priority,"
		/* A notification is no task of the version. */
		"  coalesce(etl._is_remote(v.definition -> 'tasks' -> t.task), true), fired.pool",
		1,
		{TIMESTAMPTZOID}};
	static EtlSpiPlan next = {"SELECT min(due_at) FROM etl.timer", 0, {0}};
	TimestampTz now = clock_now();
	Datum values[] = {TimestampTzGetDatum(now)};
	TimestampTz due;
	bool isnull;
	EtlSpiScope spi;
	uint64 count;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	count = etl_spi_execute(&fire, SPI_OK_UPDATE_RETURNING, values, NULL);
	for (uint64 i = 0; i < count; i++)
	{
		EtlQueued step;

		step.task_run_id = DatumGetInt64(etl_spi_datum(i, 1, &isnull));
		step.run_id = DatumGetInt64(etl_spi_datum(i, 2, &isnull));
		step.priority = DatumGetInt32(etl_spi_datum(i, 4, &isnull));
		step.remote = DatumGetBool(etl_spi_datum(i, 5, &isnull));
		step.pool = etl_spi_text(&spi, i, 6);
		wake_for_step(DatumGetObjectId(etl_spi_datum(i, 3, &isnull)), &step);
	}
	etl_spi_execute(&next, SPI_OK_SELECT, NULL, NULL);
	due = DatumGetTimestampTz(etl_spi_datum(0, 1, &isnull));
	if (isnull)
		due = DT_NOEND;
	etl_spi_close(&spi);
	CommitTransactionCommand();
	return due <= now ? now + LOCKED_PAUSE : due;
}

void
timer_clock_set_back(TimestampTz now)
{
	static EtlSpiPlan set_back = {
		"UPDATE etl.timer SET due_at = due_at - (set_at - $1), set_at = $1 WHERE set_at > $1", 1, {TIMESTAMPTZOID}};
	Datum values[] = {TimestampTzGetDatum(now)};
	EtlSpiScope spi;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_execute(&set_back, SPI_OK_UPDATE, values, NULL);
	etl_spi_close(&spi);
	CommitTransactionCommand();
}

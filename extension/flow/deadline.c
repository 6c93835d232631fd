/*
 * deadline.c
 *		Runs that take longer than their workflow's timeout. See deadline.h.
 *
 * The scheduler waits for nobody: a run that somebody has locked is passed over until later.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type.h"
#include "flow/deadline.h"
#include "flow/for_each.h"
#include "flow/range.h"
#include "flow/run.h"
#include "flow/wake.h"
#include "utils/timestamp.h"

#define PAUSE USECS_PER_SEC
#define RUNS_AT_ONCE 1000 /* before the scheduler does something else */

/* Where a look at the deadlines has come to. */
typedef struct Deadline
{
	TimestampTz now;
	TimestampTz due_at;
	int64 run_id;
	bool found; /* there is one behind the one before */
	bool passed_over;
} Deadline;

/* The deadline that comes after this one. */
static void
next_deadline(Deadline *deadline)
{
	static EtlSpiPlan next = {"SELECT due_at, run_id FROM etl.deadline WHERE (due_at, run_id) > ($1, $2)"
							  " ORDER BY due_at, run_id LIMIT 1",
							  2,
							  {TIMESTAMPTZOID, INT8OID}};
	Datum values[] = {TimestampTzGetDatum(deadline->due_at), Int64GetDatum(deadline->run_id)};
	bool isnull;

	deadline->found = etl_spi_execute(&next, SPI_OK_SELECT, values, NULL) > 0;
	if (!deadline->found)
		return;
	deadline->due_at = DatumGetTimestampTz(etl_spi_datum(0, 1, &isnull));
	deadline->run_id = DatumGetInt64(etl_spi_datum(0, 2, &isnull));
}

/* False: it is locked. */
static bool
end_run(int64 run_id)
{
	static EtlSpiPlan lock = {
		"SELECT FROM etl.run_{range} WHERE run_id = $1 AND finished_at IS NULL FOR NO KEY UPDATE SKIP LOCKED", 1, {INT8OID}};
	/* Who ends a run deletes its row here; this is for runs that somebody has deleted. */
	static EtlSpiPlan forget = {
		"DELETE FROM etl.deadline WHERE run_id = $1 AND NOT EXISTS (SELECT FROM etl.run WHERE run_id = $1)", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	EtlHistory history = {.run_id = run_id};

	if (!for_each_try_lock_all(run_id))
		return false;
	if (range_execute(&lock, run_id, SPI_OK_SELECT, values, NULL) == 0)
		return etl_spi_execute(&forget, SPI_OK_DELETE, values, NULL) > 0;
	run_time_out(run_id, &history);
	history_write(&history);
	wake_for_cancel(run_id);
	return true;
}

static void
go_on(void *arg)
{
	Deadline *deadline = arg;
	EtlSpiScope spi;

	deadline->found = false;
	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	next_deadline(deadline);
	deadline->passed_over = deadline->found && deadline->due_at <= deadline->now && !end_run(deadline->run_id);
	etl_spi_close(&spi);
	CommitTransactionCommand();
}

TimestampTz
deadline_run(void)
{
	TimestampTz now = clock_now();
	Deadline deadline = {.now = now, .due_at = DT_NOBEGIN};
	TimestampTz later = DT_NOEND; /* when to look at those that were passed over */

	for (int i = 0; i < RUNS_AT_ONCE; i++)
	{
		/* A run that it waits for may be locked, too: those behind it are not to wait for that. */
		if (etl_transaction_guard(go_on, &deadline) != 0)
			deadline.passed_over = true;
		if (deadline.passed_over)
			later = now + PAUSE;
		if (!deadline.found || deadline.due_at > now)
			return deadline.found ? Min(deadline.due_at, later) : later;
	}
	return later == DT_NOEND ? now : later;
}

void
deadline_clock_set_back(TimestampTz now)
{
	static EtlSpiPlan set_back = {"UPDATE etl.deadline d SET due_at = $1 + r.timeout FROM etl.run r"
								  " WHERE r.run_id = d.run_id AND d.due_at > $1 + r.timeout",
								  1,
								  {TIMESTAMPTZOID}};
	Datum values[] = {TimestampTzGetDatum(now)};
	EtlSpiScope spi;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_execute(&set_back, SPI_OK_UPDATE, values, NULL);
	etl_spi_close(&spi);
	CommitTransactionCommand();
}

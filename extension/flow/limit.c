/*
 * limit.c
 *		Runs that wait until fewer of their workflow go on. See limit.h.
 *
 * The limit is what etl.workflow says now; a workflow that is gone, or has become somebody else's of this name, limits
 * nothing. Runs of one workflow and owner are a line: those whose turn is EXEMPT first, whatever the limit, those of a
 * backfill last, the oldest first. A look at a line reads the runs of it that go on, of which there are few, and the first
 * that wait.
 *
 * The scheduler waits for nobody: a run that somebody has locked is passed over until later.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type.h"
#include "flow/limit.h"
#include "flow/range.h"
#include "flow/run.h"
#include "flow/wake.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define PAUSE USECS_PER_SEC
#define RUNS_AT_ONCE 100 /* of a line, before others have their turn */

/* What etl.limited_run.turn says; runs wait in this order. */
#define GOES_ON "0"
#define EXEMPT "1"
#define WAITS "2"
#define WAITS_AS_BACKFILL "3"

/* Where a look has come to. */
typedef struct Look
{
	const char *workflow; /* the line; "": before the first, for no workflow has that name */
	Oid owner;
	bool found; /* there is one behind the one before */
	bool unlimited;
	int64 places; /* how many more may go on */
	int turn;	  /* the run in the line */
	int64 run_id;
	bool taken; /* it goes on now, or is gone */
	bool waits; /* some do */
	MemoryContext context;
} Look;

void
limit_hold(int64 run_id)
{
	static EtlSpiPlan hold = {
		"INSERT INTO etl.limited_run (run_id, workflow, owner, turn)"
		" SELECT run_id, workflow, owner, CASE trigger WHEN 'backfill' THEN " WAITS_AS_BACKFILL " ELSE " WAITS
		" END"
		" FROM etl.run_{range} WHERE run_id = $1",
		1,
		{INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};

	range_execute(&hold, run_id, SPI_OK_INSERT, values, NULL);
	wake_for_limit();
}

void
limit_exempt(int64 run_id)
{
	static EtlSpiPlan exempt = {
		"UPDATE etl.limited_run SET turn = " EXEMPT " WHERE run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};

	etl_spi_execute(&exempt, SPI_OK_UPDATE, values, NULL);
}

void
limit_run_ended(int64 run_id)
{
	static EtlSpiPlan leave = {"DELETE FROM etl.limited_run WHERE run_id = $1", 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};

	etl_spi_execute(&leave, SPI_OK_DELETE, values, NULL);
	wake_for_limit();
}

/* The line that comes after this one, and how many more of it may go on. A run that somebody has deleted does not. */
static void
next_line(void *arg)
{
	static EtlSpiPlan next = {
		"SELECT l.workflow, l.owner::oid, w.max_active_runs IS NULL, coalesce(w.max_active_runs, 0) - "
		"active.count"
		" FROM (SELECT workflow, owner FROM etl.limited_run WHERE (workflow, owner) > ($1, $2)"
		"   ORDER BY workflow, owner LIMIT 1) l"
		" LEFT JOIN etl.workflow w ON w.name = l.workflow AND pg_has_role(w.owner, l.owner, 'USAGE')"
		" CROSS JOIN LATERAL (SELECT count(*) FROM etl.limited_run o WHERE o.workflow = l.workflow AND "
		"o.owner = l.owner"
		"   AND o.turn = " GOES_ON " AND EXISTS (SELECT FROM etl.run r WHERE r.run_id = o.run_id)) active",
		2,
		{TEXTOID, OIDOID}};
	Look *look = arg;
	EtlSpiScope spi;
	Datum values[2];
	bool isnull;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	values[0] = CStringGetTextDatum(look->workflow);
	values[1] = ObjectIdGetDatum(look->owner);
	look->found = etl_spi_execute(&next, SPI_OK_SELECT, values, NULL) > 0;
	if (look->found)
	{
		look->workflow = MemoryContextStrdup(look->context, etl_spi_text(&spi, 0, 1));
		look->owner = DatumGetObjectId(etl_spi_datum(0, 2, &isnull));
		look->unlimited = DatumGetBool(etl_spi_datum(0, 3, &isnull));
		look->places = DatumGetInt64(etl_spi_datum(0, 4, &isnull));
		look->turn = 0;
		look->run_id = 0;
	}
	etl_spi_close(&spi);
	CommitTransactionCommand();
}

/* False: somebody has it locked. */
static bool
let_go_on(int64 run_id)
{
	static EtlSpiPlan lock = {
		"SELECT version_id FROM etl.run_{range} WHERE run_id = $1 AND finished_at IS NULL"
		" FOR NO KEY UPDATE SKIP LOCKED",
		1,
		{INT8OID}};
	/* Who ends a run deletes its row here; this is for runs that somebody has deleted. */
	static EtlSpiPlan forget = {"DELETE FROM etl.limited_run WHERE run_id = $1 AND NOT EXISTS (SELECT FROM "
								"etl.run WHERE run_id = $1)",
								1,
								{INT8OID}};
	static EtlSpiPlan go = {
		"UPDATE etl.limited_run SET turn = " GOES_ON " WHERE run_id = $1 AND turn > " GOES_ON, 1, {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	EtlHistory history = {.run_id = run_id};

	if (range_execute(&lock, run_id, SPI_OK_SELECT, values, NULL) == 0)
		return etl_spi_execute(&forget, SPI_OK_DELETE, values, NULL) > 0;
	if (etl_spi_execute(&go, SPI_OK_UPDATE, values, NULL) > 0)
	{
		run_go_on(run_id, &history);
		history_write(&history);
	}
	return true;
}

/* The run in the line that comes after this one; it goes on if it may. */
static void
next_run(void *arg)
{
	static EtlSpiPlan next = {
		"SELECT turn::int4, run_id FROM etl.limited_run WHERE workflow = $1 AND owner = $2"
		"  AND turn > " GOES_ON " AND (turn, run_id) > ($3, $4) ORDER BY turn, run_id LIMIT 1",
		4,
		{TEXTOID, OIDOID, INT2OID, INT8OID}};
	Look *look = arg;
	Datum values[] = {(Datum) 0, ObjectIdGetDatum(look->owner), Int16GetDatum(look->turn),
					  Int64GetDatum(look->run_id)};
	EtlSpiScope spi;
	bool isnull;

	look->taken = false;
	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	values[0] = CStringGetTextDatum(look->workflow);
	look->found = etl_spi_execute(&next, SPI_OK_SELECT, values, NULL) > 0;
	if (look->found)
	{
		look->turn = DatumGetInt32(etl_spi_datum(0, 1, &isnull));
		look->run_id = DatumGetInt64(etl_spi_datum(0, 2, &isnull));
		if (look->unlimited || look->places > 0 || look->turn == atoi(EXEMPT))
			look->taken = let_go_on(look->run_id);
	}
	etl_spi_close(&spi);
	CommitTransactionCommand();
}

/* False: there may be more that could go on. */
static bool
see_to_line(Look *look)
{
	bool some = false;

	for (int i = 0; i < RUNS_AT_ONCE; i++)
	{
		/* One that can't be let go on because of an error is not to keep others from it. */
		look->found = true;
		if (etl_transaction_guard(next_run, look) != 0)
			look->taken = false;
		if (!look->found)
			return true;
		if (look->taken)
			look->places--;
		else
			look->waits = true;
		some = some || look->taken;
		if (!look->taken && !look->unlimited && look->places <= 0)
			return true;
	}
	return !some;
}

TimestampTz
limit_run(bool changed)
{
	static TimestampTz next = DT_NOBEGIN;
	TimestampTz now = clock_now();
	Look look = {.workflow = "", .context = CurrentMemoryContext};
	bool complete = true;

	/* The limit may be another meanwhile, and a clock that is put back is no reason to wait. */
	if (!changed && now < next && (next == DT_NOEND || next <= now + PAUSE))
		return next;
	next = DT_NOBEGIN; /* if an error ends it, it is to be done again */
	while (next_line(&look), look.found)
		complete = see_to_line(&look) && complete;
	next = !complete ? now : look.waits ? now + PAUSE : DT_NOEND;
	return next;
}

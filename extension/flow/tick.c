/*
 * tick.c
 *		What workflows' schedules have due becomes runs. See tick.h.
 *
 * A tick that the scheduler comes to in time is queued, as far as the workflow's rule for overlaps lets it. One it
 * comes to more than MISSED_AFTER late is missed: the rule for catching up decides. A tick that waits for a run to end
 * keeps its place, and those behind it theirs: the state's row stands still and is looked at every PAUSE.
 *
 * The scheduler serves everybody, so it waits for nobody: rows that somebody has locked are passed over until later.
 *
 * When the clock has been put back, moments come again that it had come to before. They have their runs, by whose names
 * they are known, and get no others.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/run.h"
#include "flow/schedule.h"
#include "flow/tick.h"
#include "flow/time_zone.h"
#include "flow/wake.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"
#include "utils/timestamp.h"

#define MISSED_AFTER USECS_PER_MINUTE
#define PAUSE USECS_PER_SEC
#define TICKS_AT_ONCE 100			   /* of a workflow, before others have their turn */
#define WORKFLOWS_AT_ONCE 1000		   /* before the scheduler does something else */

/* A workflow that has ticks due, and what becomes of them. */
typedef struct Due
{
	const char *workflow;
	const char *expression;
	const char *time_zone;
	const char *catchup;
	const char *overlap;
	Oid owner;
	int active_limit; /* 0: none */
	TimestampTz anchor;
	TimestampTz next; /* the first tick that nothing has become of; DT_NOEND: there is none */
	TimestampTz last_queued; /* the last tick that a run was queued for; DT_NOBEGIN: none was */
	bool waiting;	  /* for a run to end */
	EtlSchedule schedule;
	EtlZone zone;
	TimestampTz queued_for; /* 0: none was */
	TimestampTz skipped_for; /* likewise */
	char *error;			 /* NULL: none */
} Due;

static TimestampTz
next_tick(const Due *due, TimestampTz after)
{
	TimestampTz next;

	return schedule_next(&due->schedule, &due->zone, due->anchor, after, &next) ? next : DT_NOEND;
}

/* The last tick that is not after `until`, from one that isn't; by halving, for there may be millions. */
static TimestampTz
last_tick(const Due *due, TimestampTz tick, TimestampTz until)
{
	TimestampTz end = until; /* no tick is later than this and not after until */
	TimestampTz next;

	while ((next = next_tick(due, tick)) <= end)
	{
		TimestampTz middle = next + (end - next) / 2;
		TimestampTz later = next_tick(due, middle);

		if (later <= end)
			tick = later;
		else
		{
			tick = next;
			end = middle;
		}
	}
	return tick;
}

/* Lock and read the workflow that has been due for longest. False: none is, or others have them locked. */
static bool
claim_due(TimestampTz now, EtlSpiScope *spi, Due *due)
{
	static EtlSpiPlan claim = {
		"SELECT s.workflow, w.schedule, w.timezone, w.catchup, w.overlap,"
		"  coalesce(w.max_active_runs, CASE w.overlap WHEN 'allow' THEN 0 ELSE 1 END), s.anchor, "
		"s.next_run_at,"
		"  s.waiting, s.last_scheduled_for, w.owner::oid"
		" FROM etl.schedule_state s JOIN etl.workflow w ON w.name = s.workflow"
		" WHERE NOT s.paused AND s.due_at <= $1 ORDER BY s.due_at LIMIT 1 FOR NO KEY UPDATE SKIP LOCKED",
		1,
		{TIMESTAMPTZOID}};
	Datum values[] = {TimestampTzGetDatum(now)};
	Datum last;
	bool isnull;
	bool none_queued;

	if (etl_spi_execute(&claim, SPI_OK_SELECT, values, NULL) == 0)
		return false;
	last = etl_spi_datum(0, 10, &none_queued);
	*due = (Due){.workflow = etl_spi_text(spi, 0, 1),
				 .expression = etl_spi_text(spi, 0, 2),
				 .time_zone = etl_spi_text(spi, 0, 3),
				 .catchup = etl_spi_text(spi, 0, 4),
				 .overlap = etl_spi_text(spi, 0, 5),
				 .owner = DatumGetObjectId(etl_spi_datum(0, 11, &isnull)),
				 .active_limit = DatumGetInt32(etl_spi_datum(0, 6, &isnull)),
				 .anchor = DatumGetTimestampTz(etl_spi_datum(0, 7, &isnull)),
				 .next = DatumGetTimestampTz(etl_spi_datum(0, 8, &isnull)),
				 .waiting = DatumGetBool(etl_spi_datum(0, 9, &isnull)),
				 .last_queued = none_queued ? DT_NOBEGIN : DatumGetTimestampTz(last)};
	return true;
}

/*
 * Whether fewer runs go on than may, after cancelling the oldest if that is the rule. Runs of a backfill don't count:
 * they are about other times. Nor do those that the workflow's owner has no right to: they are of an earlier workflow of
 * this name.
 */
static bool
make_room(const Due *due)
{
	static EtlSpiPlan active = {
		"SELECT run_id FROM etl.run WHERE workflow = $1 AND finished_at IS NULL AND trigger <> 'backfill'"
		"  AND pg_has_role($3, owner, 'USAGE') ORDER BY run_id LIMIT $2",
		3,
		{TEXTOID, INT8OID, OIDOID}};
	Datum values[] = {CStringGetTextDatum(due->workflow), Int64GetDatum(due->active_limit),
					  ObjectIdGetDatum(due->owner)};
	bool cancel = strcmp(due->overlap, "cancel_running") == 0;
	int64 *runs;
	int count, excess;
	bool isnull;

	if (due->active_limit == 0)
		return true;
	count = (int) etl_spi_execute(&active, SPI_OK_SELECT, values, cancel ? " n " : NULL);
	excess = count - due->active_limit + 1;
	if (excess <= 0 || !cancel)
		return excess <= 0;
	runs = palloc(excess * sizeof(int64));
	for (int i = 0; i < excess; i++)
		runs[i] = DatumGetInt64(etl_spi_datum(i, 1, &isnull));
	for (int i = 0; i < excess; i++)
	{
		EtlHistory history = {.run_id = runs[i]};

		if (!run_cancel(runs[i], &history))
			continue; /* it has just ended */
		history_write(&history);
		wake_for_cancel(runs[i]);
	}
	return true;
}

/* Whether the clock has come to this tick before, and queued a run. */
static bool
was_queued(const Due *due, TimestampTz tick)
{
	static EtlSpiPlan find = {
		"SELECT FROM etl.run_name WHERE workflow = $1 AND run_name = etl._moment_name($2)", 2, {TEXTOID, TIMESTAMPTZOID}};
	Datum values[] = {CStringGetTextDatum(due->workflow), TimestampTzGetDatum(tick)};

	return tick <= due->last_queued && etl_spi_execute(&find, SPI_OK_SELECT, values, NULL) > 0;
}

static void
queue_run(const Due *due, TimestampTz tick)
{
	static EtlSpiPlan insert = {
		"INSERT INTO etl.run (workflow, run_name, trigger, scheduled_for)"
		" VALUES ($1, etl._moment_name($2), 'schedule', $2)",
		2,
		{TEXTOID, TIMESTAMPTZOID}};
	Datum values[] = {CStringGetTextDatum(due->workflow), TimestampTzGetDatum(tick)};

	etl_spi_execute(&insert, SPI_OK_INSERT, values, NULL);
}

/* Do what is to be done about the ticks up to now: queue runs, and move `next` on. */
static void
queue_ticks(Due *due, TimestampTz now)
{
	TimestampTz missed = now - MISSED_AFTER - 1; /* up to here */

	if (due->next > now)
		due->next = next_tick(due, now); /* the clock has been put back */
	/* One that waits has not been missed, nor have those behind it. */
	if (!due->waiting && due->next <= missed)
	{
		if (strcmp(due->catchup, "none") == 0)
			due->next = next_tick(due, missed);
		else if (strcmp(due->catchup, "last") == 0)
			due->next = last_tick(due, due->next, missed);
	}
	due->waiting = false;
	for (int i = 0; i < TICKS_AT_ONCE && due->next <= now; i++)
	{
		if (was_queued(due, due->next))
			;
		else if (make_room(due))
		{
			queue_run(due, due->next);
			due->queued_for = due->next;
		}
		else if (strcmp(due->overlap, "skip") == 0)
			due->skipped_for = due->next;
		else
		{
			due->waiting = true;
			break;
		}
		due->next = next_tick(due, due->next);
	}
}

/* What becomes of a workflow whose ticks can't be queued. */
static void
note_failure(Due *due, TimestampTz now, bool parsed, ErrorData *error)
{
	if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	due->queued_for = due->skipped_for = 0;
	if (error->sqlerrcode == ERRCODE_LOCK_NOT_AVAILABLE)
	{
		due->waiting = true;
		return;
	}
	/* What broke one tick would break all that are due: they are left out, and the schedule goes on. */
	due->waiting = false;
	due->next = parsed ? next_tick(due, Max(now, due->next)) : DT_NOEND;
	due->error = error->message == NULL ? "missing error text" : error->message;
	ereport(LOG, errcode(error->sqlerrcode),
			errmsg("workflow \"%s\" could not be queued by its schedule: %s", due->workflow, due->error),
			errhidestmt(true));
}

/* In a subtransaction, so that a workflow that can't be queued leaves nothing but its error. */
static void
try_ticks(Due *due, TimestampTz now)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	TimestampTz first = due->next;
	volatile bool parsed = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		EtlError problem;

		due->zone = time_zone_open(due->time_zone);
		if (!schedule_parse(due->expression, &due->schedule, &problem))
			etl_error_raise(&problem);
		parsed = true;
		queue_ticks(due, now);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		due->next = first;
		note_failure(due, now, parsed, error);
	}
	PG_END_TRY();
}

static void
write_state(const Due *due, TimestampTz now)
{
	static EtlSpiPlan update = {
		"UPDATE etl.schedule_state SET next_run_at = $2, due_at = $3, waiting = $4,"
		"  last_scheduled_for = greatest($5, last_scheduled_for), last_skipped_for = coalesce($6, last_skipped_for),"
		"  error = $7, failed_at = CASE WHEN $7 IS NOT NULL THEN $8 END, ticked_at = $8"
		" WHERE workflow = $1",
		8,
		{TEXTOID, TIMESTAMPTZOID, TIMESTAMPTZOID, BOOLOID, TIMESTAMPTZOID, TIMESTAMPTZOID, TEXTOID, TIMESTAMPTZOID}};
	/* What is left of this one is for the next pass: other workflows come first. */
	TimestampTz due_at = due->waiting ? now + PAUSE : Max(due->next, now + 1);
	Datum values[] = {CStringGetTextDatum(due->workflow),
					  TimestampTzGetDatum(due->next),
					  TimestampTzGetDatum(due_at),
					  BoolGetDatum(due->waiting),
					  TimestampTzGetDatum(due->queued_for),
					  TimestampTzGetDatum(due->skipped_for),
					  due->error == NULL ? (Datum) 0 : CStringGetTextDatum(due->error),
					  TimestampTzGetDatum(now)};
	char nulls[] = "        ";

	if (due->next == DT_NOEND)
		nulls[1] = nulls[2] = 'n';
	if (due->queued_for == 0)
		nulls[4] = 'n';
	if (due->skipped_for == 0)
		nulls[5] = 'n';
	if (due->error == NULL)
		nulls[6] = 'n';
	etl_spi_execute(&update, SPI_OK_UPDATE, values, nulls);
}

/* One workflow. False: there was none. */
static bool
tick_workflow(TimestampTz now)
{
	MemoryContext context = CurrentMemoryContext;
	EtlSpiScope spi;
	Due due;
	bool found;

	SetCurrentStatementStartTimestamp(); /* for now() */
	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	found = claim_due(now, &spi, &due);
	if (found)
	{
		try_ticks(&due, now);
		write_state(&due, now);
	}
	etl_spi_close(&spi);
	/* A crash that loses the run loses the state with it. */
	(void) set_config_option("synchronous_commit", "off", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_LOCAL, true, 0, false);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return found;
}

/* When the first of those that are not locked by now will be due; DT_NOEND: never. */
static TimestampTz
next_due(void)
{
	static EtlSpiPlan next = {"SELECT min(due_at) FROM etl.schedule_state WHERE NOT paused", 0, {0}};
	MemoryContext context = CurrentMemoryContext;
	EtlSpiScope spi;
	TimestampTz due;
	bool isnull;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_execute(&next, SPI_OK_SELECT, NULL, NULL);
	due = DatumGetTimestampTz(etl_spi_datum(0, 1, &isnull));
	if (isnull)
		due = DT_NOEND;
	etl_spi_close(&spi);
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return due;
}

void
tick_clock_set_back(TimestampTz now)
{
	static EtlSpiPlan look_again = {
		"UPDATE etl.schedule_state SET due_at = $1, waiting = false, ticked_at = $1,"
		"  anchor = least(anchor, date_trunc('second', $1)) WHERE ticked_at > $1 AND next_run_at > $1",
		1,
		{TIMESTAMPTZOID}};
	Datum values[] = {TimestampTzGetDatum(now)};
	EtlSpiScope spi;

	StartTransactionCommand();
	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_execute(&look_again, SPI_OK_UPDATE, values, NULL);
	etl_spi_close(&spi);
	CommitTransactionCommand();
}

TimestampTz
tick_run(void)
{
	TimestampTz now = clock_now();
	TimestampTz due;

	for (int i = 0; i < WORKFLOWS_AT_ONCE; i++)
	{
		if (!tick_workflow(now))
		{
			due = next_due();
			if (due <= now)
				due = now + PAUSE; /* it is locked */
			return due;
		}
	}
	return now;
}

/*
 * retention.c
 *		Making and dropping ranges of history. See retention.h.
 *
 * A range is dropped when the time of every run in it is over. So that this comes about, ranges are made as wide as runs
 * are queued in a day. Where it doesn't (few runs, workflows with different retentions in one range, a run that goes on
 * for months) rows are deleted, a few at a time. A range whose runs all have at most a tenth of their time to go is waited
 * for.
 *
 * Runs that go on, or whose end somebody is still to be told, a step that has started them included, are not touched,
 * whatever their age; nor are runs whose steps still end.
 *
 * Making and dropping takes locks on etl.run and its like that wait for whoever uses these tables in an open transaction, and
 * others wait behind that. So it is given up after the scheduler's lock_timeout, and tried again in a while.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type.h"
#include "flow/range.h"
#include "flow/retention.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/timestamp.h"

#define MAKE_PAUSE USECS_PER_MINUTE
#define PASS_PAUSE USECS_PER_HOUR
#define HINDERED_PAUSE USECS_PER_MINUTE
#define TURN (20 * (USECS_PER_SEC / 1000)) /* then the scheduler does something else */

/* $1 is etl.retention, $2 the time. A workflow of the same name that is somebody else's has no say. */
#define KEEP                                                                                                         \
	" LEFT JOIN etl.workflow w ON w.name = r.workflow AND pg_has_role(w.owner, r.owner, 'USAGE')"                    \
	" CROSS JOIN LATERAL (SELECT coalesce(w.retention, make_interval(mins => $1)) AS time,"                          \
	"  CASE WHEN r.notifications_open = 0 THEN $2 - r.finished_at END AS age) keep"

/* What a pass is at. Passes begin at the oldest range and end with what was loaded and unloaded. */
typedef enum Phase
{
	NEXT_RANGE,
	SEAL_RANGE, /* no run joins it any more */
	LOOK,		 /* whether it can be dropped */
	FREE_NAMES,	 /* of the runs in it, before it is dropped */
	DROP,
	DELETE, /* what is too old in it */
	VERSIONS,
	TRANSFERS, /* history of loads and unloads, for as long as the setting says */
	OVER
} Phase;

typedef struct Pass
{
	Phase phase;
	TimestampTz now;
	TimestampTz begin; /* runs that were queued later have time left */
	int64 first;	   /* the range; 0: the rest, which is never dropped */
	int64 last;
	int64 at;	   /* how far it, or the versions, have been seen to */
	bool kept;	   /* there are runs in it whose time is not over */
	bool hindered; /* not all could be done */
} Pass;

static int retention_minutes; /* setting etl.retention; -1: for ever */

void
retention_init(void)
{
	DefineCustomIntVariable("etl.retention", "How long runs are kept after their end, unless their workflow says.",
							"-1 keeps them for ever.", &retention_minutes, 90 * HOURS_PER_DAY * MINS_PER_HOUR, -1, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
}

static void
begin(EtlSpiScope *spi)
{
	StartTransactionCommand();
	etl_spi_open(spi, ETL_SPI_OWNER);
}

static void
commit(EtlSpiScope *spi)
{
	etl_spi_close(spi);
	CommitTransactionCommand();
}

static void
make_range(void *arg)
{
	/* As wide as what a day brings, going by the runs since the first of a range that is a day old, or of the oldest. */
	static EtlSpiPlan wanted = {
		"SELECT width FROM etl.run_run_id_seq s"
		" LEFT JOIN LATERAL (SELECT r.run_id, d.days FROM etl._ranges() g,"
		"  LATERAL (SELECT run_id, queued_at FROM etl.run"
		"   WHERE run_id BETWEEN g.first AND g.last ORDER BY run_id LIMIT 1) r,"
		"  LATERAL (SELECT greatest(extract(epoch FROM $1 - r.queued_at) / 86400, 1 / 24.0) AS days) d"
		"  ORDER BY d.days < 1, abs(1 - d.days) LIMIT 1) since ON true,"
		" LATERAL (SELECT greatest(least((s.last_value - since.run_id) / since.days, 1000000), 10000)::bigint AS width) w"
		" WHERE (SELECT coalesce(max(last), 0) FROM etl._ranges()) - s.last_value < width",
		1,
		{TIMESTAMPTZOID}};
	static EtlSpiPlan make = {"SELECT etl._make_range($1)", 1, {INT8OID}};
	bool *made = arg;
	Datum values[] = {TimestampTzGetDatum(clock_now())};
	EtlSpiScope spi;
	bool isnull;

	begin(&spi);
	*made = etl_spi_execute(&wanted, SPI_OK_SELECT, values, NULL) > 0;
	if (*made)
	{
		values[0] = etl_spi_datum(0, 1, &isnull);
		etl_spi_execute(&make, SPI_OK_SELECT, values, NULL);
	}
	commit(&spi);
}

TimestampTz
retention_make_ranges(void)
{
	static TimestampTz due = 0;
	TimestampTz now = clock_now();
	bool made;

	if (now < due && due <= now + MAKE_PAUSE)
		return due;
	do
		due = now + MAKE_PAUSE;
	while (etl_transaction_guard(make_range, &made) == 0 && made);
	return due;
}

/* A statement of the range the pass is at, with etl.retention, the time and two numbers. */
static uint64
execute(const Pass *pass, EtlSpiPlan *plan, int expected, int64 from, int64 until)
{
	Datum values[] = {Int32GetDatum(retention_minutes), TimestampTzGetDatum(pass->now), Int64GetDatum(from),
					  Int64GetDatum(until)};

	return range_execute(plan, pass->first, expected, values, retention_minutes < 0 ? "n   " : NULL);
}

#define ARGUMENTS 4, {INT4OID, TIMESTAMPTZOID, INT8OID, INT8OID}

static void
start_pass(Pass *pass)
{
	/* Whoever wants a thousand years has them. */
	static EtlSpiPlan first = {"SELECT $2 - least(min(retention), make_interval(mins => $1), interval '1000 years')"
							   " FROM etl.workflow",
							   2,
							   {INT4OID, TIMESTAMPTZOID}};
	Datum values[] = {Int32GetDatum(retention_minutes), TimestampTzGetDatum(clock_now())};
	EtlSpiScope spi;
	bool isnull;

	*pass = (Pass){.phase = NEXT_RANGE, .now = DatumGetTimestampTz(values[1]), .first = -1};
	begin(&spi);
	etl_spi_execute(&first, SPI_OK_SELECT, values, retention_minutes < 0 ? "n " : NULL);
	pass->begin = DatumGetTimestampTz(etl_spi_datum(0, 1, &isnull));
	commit(&spi);
}

/* The range behind the one it is at; the rest comes first. */
static void
next_range(Pass *pass)
{
	static EtlSpiPlan next = {
		"SELECT g.first, g.last, g.first > 0 AND s.last_value >= g.last"
		" FROM (SELECT 0 AS first, 0 AS last UNION ALL SELECT first, last FROM etl._ranges()) g, etl.run_run_id_seq s"
		" WHERE g.first > $1 ORDER BY g.first LIMIT 1",
		1,
		{INT8OID}};
	static EtlSpiPlan oldest = {"SELECT queued_at FROM etl.run_{range} ORDER BY run_id LIMIT 1", 0, {0}};
	Datum values[] = {Int64GetDatum(pass->first)};
	EtlSpiScope spi;
	bool complete;
	bool isnull;

	begin(&spi);
	if (etl_spi_execute(&next, SPI_OK_SELECT, values, NULL) == 0)
	{
		pass->phase = VERSIONS;
		pass->at = 0;
	}
	else
	{
		bool empty;

		pass->first = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
		pass->last = DatumGetInt64(etl_spi_datum(0, 2, &isnull));
		complete = DatumGetBool(etl_spi_datum(0, 3, &isnull));
		pass->at = 0;
		pass->kept = false;
		empty = range_execute(&oldest, pass->first, SPI_OK_SELECT, NULL, NULL) == 0;
		if (empty || DatumGetTimestampTz(etl_spi_datum(0, 1, &isnull)) <= pass->begin)
			pass->phase = complete ? SEAL_RANGE : DELETE;
	}
	commit(&spi);
}

/*
 * The sequence is past the range, so only a transaction that goes on can have runs for it that nobody sees yet. With this
 * lock there is none.
 */
static void
seal_range(Pass *pass)
{
	EtlSpiScope spi;

	begin(&spi);
	etl_spi_run("LOCK TABLE ONLY etl.run IN SHARE MODE", SPI_OK_UTILITY, 0, NULL, NULL, NULL);
	commit(&spi);
	pass->phase = LOOK;
}

static void
look(Pass *pass)
{
	static EtlSpiPlan look = {"SELECT max(r.run_id), coalesce(bool_or((keep.age >= keep.time) IS NOT TRUE), false),"
							  "  coalesce(bool_or((keep.age >= keep.time * 0.9) IS NOT TRUE), false)"
							  " FROM (SELECT * FROM etl.run_{range} WHERE run_id > $3 ORDER BY run_id LIMIT $4) r" KEEP,
							  ARGUMENTS};
	EtlSpiScope spi;
	bool over;
	bool isnull;

	begin(&spi);
	execute(pass, &look, SPI_OK_SELECT, pass->at, 10000);
	pass->at = DatumGetInt64(etl_spi_datum(0, 1, &over));
	pass->kept = pass->kept || DatumGetBool(etl_spi_datum(0, 2, &isnull));
	if (DatumGetBool(etl_spi_datum(0, 3, &isnull)))
	{
		pass->phase = DELETE;
		pass->at = 0;
	}
	else if (over)
		pass->phase = pass->kept ? NEXT_RANGE : FREE_NAMES;
	commit(&spi);
}

static void
free_names(Pass *pass)
{
	static EtlSpiPlan free_some = {
		"DELETE FROM etl.run_name n USING (SELECT workflow, run_name FROM etl.run_name WHERE run_id BETWEEN $1 AND $2"
		"  LIMIT 5000) s WHERE n.workflow = s.workflow AND n.run_name = s.run_name",
		2,
		{INT8OID, INT8OID}};
	Datum values[] = {Int64GetDatum(pass->first), Int64GetDatum(pass->last)};
	EtlSpiScope spi;

	begin(&spi);
	if (etl_spi_execute(&free_some, SPI_OK_DELETE, values, NULL) == 0)
		pass->phase = DROP;
	commit(&spi);
}

static void
drop(Pass *pass)
{
	static EtlSpiPlan drop = {"SELECT etl._drop_range($1, $2)", 2, {INT8OID, INT8OID}};
	Datum values[] = {Int64GetDatum(pass->first), Int64GetDatum(pass->last)};
	EtlSpiScope spi;

	begin(&spi);
	etl_spi_execute(&drop, SPI_OK_SELECT, values, NULL);
	commit(&spi);
	pass->phase = NEXT_RANGE;
}

static void
delete_some(Pass *pass)
{
	/* As many runs as have 200 tasks together. The bounds stand at each table, for its index to be used. */
	static EtlSpiPlan until = {
		"SELECT max(run_id) FROM (SELECT run_id, sum(tasks_total) OVER (ORDER BY run_id) - tasks_total AS before"
		"  FROM (SELECT * FROM etl.run_{range} WHERE run_id > $1 ORDER BY run_id LIMIT 200) r) r WHERE before < 200",
		1,
		{INT8OID}};
	static EtlSpiPlan remove = {
		"WITH old AS (SELECT r.run_id FROM etl.run_{range} r" KEEP " WHERE r.run_id > $3 AND r.run_id <= $4"
		/* An item whose turn has never come is nobody's. */
		"  AND keep.age >= keep.time AND NOT EXISTS (SELECT FROM etl.task_run_{range} t WHERE t.run_id = r.run_id"
		"   AND t.finished_at IS NULL AND NOT (t.status = 'waiting' AND t.item > 0 AND t.queued_at IS NULL))"
		"  AND NOT EXISTS (SELECT FROM etl.suspended s WHERE s.child_run_id = r.run_id) FOR UPDATE OF r SKIP LOCKED),"
		" steps AS (DELETE FROM etl.task_run_{range} t USING old WHERE t.run_id = old.run_id AND t.run_id > $3 AND t.run_id <= $4),"
		" events AS (DELETE FROM etl.event_{range} e USING old WHERE e.run_id = old.run_id AND e.run_id > $3 AND e.run_id <= $4)"
		" DELETE FROM etl.run_{range} r USING old WHERE r.run_id = old.run_id AND r.run_id > $3 AND r.run_id <= $4",
		ARGUMENTS};
	Datum values[] = {Int64GetDatum(pass->at)};
	int64 last;
	EtlSpiScope spi;
	bool over;

	begin(&spi);
	range_execute(&until, pass->first, SPI_OK_SELECT, values, NULL);
	last = DatumGetInt64(etl_spi_datum(0, 1, &over));
	if (over)
		pass->phase = NEXT_RANGE;
	else
		execute(pass, &remove, SPI_OK_DELETE, pass->at, last);
	commit(&spi);
	pass->at = last;
}

/*
 * Versions that no run has. The last of a workflow stays: the next is counted from it. Whoever queues a run locks its
 * version; here they are locked first, and then looked at by a statement that sees all runs that were queued before.
 */
static void
remove_versions(Pass *pass)
{
	static EtlSpiPlan find = {
		"SELECT max(version_id), coalesce(array_agg(version_id) FILTER (WHERE old), '{}')"
		" FROM (SELECT v.version_id, EXISTS (SELECT FROM etl.workflow_version n WHERE n.workflow = v.workflow"
		"    AND n.version > v.version) OR NOT EXISTS (SELECT FROM etl.workflow w WHERE w.name = v.workflow) AS old"
		"  FROM etl.workflow_version v WHERE v.version_id > $1 ORDER BY v.version_id LIMIT 1000) v",
		1,
		{INT8OID}};
	static EtlSpiPlan lock = {"SELECT FROM etl.workflow_version WHERE version_id = ANY ($1) FOR UPDATE", 1, {INT8ARRAYOID}};
	static EtlSpiPlan remove = {
		"DELETE FROM etl.workflow_version v WHERE v.version_id = ANY ($1)"
		" AND (SELECT true FROM etl.run r WHERE r.version_id = v.version_id LIMIT 1) IS NULL"
		" AND NOT EXISTS (SELECT FROM etl.workflow w WHERE w.version_id = v.version_id)",
		1,
		{INT8ARRAYOID}};
	Datum values[] = {Int64GetDatum(pass->at)};
	EtlSpiScope spi;
	bool over;
	bool isnull;

	begin(&spi);
	etl_spi_execute(&find, SPI_OK_SELECT, values, NULL);
	pass->at = DatumGetInt64(etl_spi_datum(0, 1, &over));
	if (over)
		pass->phase = TRANSFERS;
	else
	{
		values[0] = etl_spi_datum(0, 2, &isnull);
		etl_spi_execute(&lock, SPI_OK_SELECT, values, NULL);
		etl_spi_execute(&remove, SPI_OK_DELETE, values, NULL);
	}
	commit(&spi);
}

static void
remove_transfers(Pass *pass)
{
	static EtlSpiPlan remove = {"SELECT etl._remove_transfers($2 - make_interval(mins => $1), 1000)", 2, {INT4OID, TIMESTAMPTZOID}};
	Datum values[] = {Int32GetDatum(retention_minutes), TimestampTzGetDatum(pass->now)};
	EtlSpiScope spi;
	bool isnull;

	pass->phase = OVER;
	if (retention_minutes < 0)
		return;
	begin(&spi);
	etl_spi_execute(&remove, SPI_OK_SELECT, values, NULL);
	if (DatumGetBool(etl_spi_datum(0, 1, &isnull)))
		pass->phase = TRANSFERS;
	commit(&spi);
}

static void
go_on(void *arg)
{
	static void (*const phases[])(Pass *) = {
		[NEXT_RANGE] = next_range, [SEAL_RANGE] = seal_range, [LOOK] = look,
		[FREE_NAMES] = free_names, [DROP] = drop,				[DELETE] = delete_some,
		[VERSIONS] = remove_versions, [TRANSFERS] = remove_transfers,
	};
	Pass *pass = arg;

	phases[pass->phase](pass);
}

TimestampTz
retention_run(void)
{
	static Pass pass = {.phase = OVER};
	static TimestampTz due = 0; /* the next pass */
	TimestampTz now = clock_now();
	TimestampTz end = GetCurrentTimestamp() + TURN;

	if (pass.phase == OVER)
	{
		if (now < due && due <= now + PASS_PAUSE)
			return due;
		start_pass(&pass);
	}
	while (pass.phase != OVER && GetCurrentTimestamp() < end)
		if (etl_transaction_guard(go_on, &pass) != 0)
		{
			/* Something is locked, or broken: on to the next. */
			pass.hindered = true;
			pass.phase = pass.phase == NEXT_RANGE || pass.phase >= VERSIONS ? OVER : NEXT_RANGE;
		}
	if (pass.phase != OVER)
		return now;
	due = now + (pass.hindered ? HINDERED_PAUSE : PASS_PAUSE);
	return due;
}

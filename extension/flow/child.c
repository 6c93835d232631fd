/*
 * child.c
 *		Runs that a step of another run has started. See child.h.
 *
 * The run is queued in the transaction that records the step, so it is started exactly once. The link to the step is
 * written with the extension owner's rights: who could write it could end anybody's step.
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/child.h"
#include "flow/limit.h"
#include "flow/range.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define LONGEST_NAME 80 /* characters of a run's name */

/*
 * How many runs stand above this one, and whether it, or one of them, is of this workflow. What has been deleted from
 * history counts no more.
 */
static int
depth_of(int64 run_id, const char *workflow, bool *is_above)
{
	static EtlSpiPlan walk = {
		"WITH RECURSIVE above AS (SELECT parent_run_id, workflow, 0 AS depth FROM etl.run WHERE run_id = $1"
		" UNION ALL SELECT r.parent_run_id, r.workflow, above.depth + 1 FROM above JOIN etl.run r ON "
		"r.run_id = above.parent_run_id"
		"  WHERE above.depth < $2)"
		" SELECT max(depth), bool_or(workflow = $3) FROM above",
		3,
		{INT8OID, INT4OID, TEXTOID}};
	Datum values[] = {Int64GetDatum(run_id), Int32GetDatum(ETL_CHILD_MAX_DEPTH),
					  CStringGetTextDatum(workflow)};
	bool isnull;

	etl_spi_execute(&walk, SPI_OK_SELECT, values, NULL);
	*is_above = DatumGetBool(etl_spi_datum(0, 2, &isnull));
	return DatumGetInt32(etl_spi_datum(0, 1, &isnull));
}

static void
link_to_step(const EtlStep *step, const char *workflow, int64 run_id, bool waits)
{
	static EtlSpiPlan update = {
		"UPDATE etl.run_{range} SET trigger = 'workflow', parent_run_id = $2, parent_task_run_id = $3"
		" WHERE run_id = $1",
		3,
		{INT8OID, INT8OID, INT8OID}};
	Datum values[] = {Int64GetDatum(run_id), Int64GetDatum(step->run_id), Int64GetDatum(step->task_run_id)};
	EtlSpiScope spi;
	bool is_above;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	if (depth_of(step->run_id, workflow, &is_above) + 1 >= ETL_CHILD_MAX_DEPTH)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("task \"%s\" cannot start workflow \"%s\": runs have started each other %d deep",
					   step->task, workflow, ETL_CHILD_MAX_DEPTH),
				errdetail("Run " INT64_FORMAT
						  " was started by a step of another, that one by another's, and so on.",
						  step->run_id),
				errhint("SELECT run_id, workflow, parent_run_id FROM etl.run_status shows who started whom."
						" For work that is to be repeated for ever, give the workflow a schedule."));
	range_execute(&update, run_id, SPI_OK_UPDATE, values, waits ? NULL : "  n");
	/* It would wait for a run that waits for it. */
	if (waits && is_above)
		limit_exempt(run_id);
	etl_spi_close(&spi);
}

/* Each attempt starts another run, and whoever sees its name knows whose it is. */
static char *
make_name(const EtlStep *step)
{
	char *prefix = psprintf(INT64_FORMAT "/", step->run_id);
	char *suffix =
		step->item == 0 ? psprintf("/%d", step->attempt) : psprintf("/%d/%d", step->item, step->attempt);
	int room = LONGEST_NAME - strlen(prefix) - strlen(suffix);

	return psprintf("%s%.*s%s", prefix, (int) pg_mbcharcliplen(step->task, strlen(step->task), room),
					step->task, suffix);
}

EtlChild
child_start(const EtlStep *step, const char *workflow, const char *run_name, Jsonb *input, bool waits)
{
	static EtlSpiPlan insert = {"INSERT INTO etl.run (workflow, run_name, input) VALUES ($1, $2, $3)"
								" RETURNING run_id, queued_at",
								3,
								{TEXTOID, TEXTOID, JSONBOID}};
	EtlChild child = {.run_name = run_name == NULL ? make_name(step) : pstrdup(run_name)};
	Datum values[] = {CStringGetTextDatum(workflow), CStringGetTextDatum(child.run_name),
					  JsonbPGetDatum(input)};
	EtlSpiScope spi;
	bool isnull;

	etl_spi_open(&spi, ETL_SPI_CALLER);
	etl_spi_execute(&insert, SPI_OK_INSERT_RETURNING, values, NULL);
	child.run_id = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	child.queued_at = DatumGetTimestampTz(etl_spi_datum(0, 2, &isnull));
	etl_spi_close(&spi);
	link_to_step(step, workflow, child.run_id, waits);
	return child;
}

static int
parse_sqlstate(const char *text, int otherwise)
{
	if (text == NULL || strlen(text) != 5)
		return otherwise;
	return MAKE_SQLSTATE(text[0], text[1], text[2], text[3], text[4]);
}

bool
child_outcome(EtlSpiScope *spi, const EtlClaim *claim, int64 run_id, EtlStepStatus *status,
			  EtlStepResult *result, EtlStepFailure *failure)
{
	/* What Step Functions answers; the output of a run is that of its tasks, by their names. */
	static EtlSpiPlan look = {
		"SELECT r.finished_at IS NOT NULL, r.status, r.workflow, r.failed_task, r.error, f.sqlstate,"
		"  jsonb_build_object('RunId', r.run_id, 'Name', coalesce(r.run_name, r.run_id::text),"
		"   'Status', upper(r.status), 'StartDate', r.queued_at, 'StopDate', r.finished_at,"
		"   'Input', CASE WHEN $2 THEN r.input ELSE to_jsonb(r.input::text) END,"
		"   'Output', CASE WHEN $2 THEN o.output ELSE to_jsonb(o.output::text) END)"
		" FROM etl.run_{range} r"
		" CROSS JOIN LATERAL (SELECT coalesce(jsonb_object_agg(t.task,"
		"    coalesce(t.output, jsonb_build_object('rows', t.rows))), '{}') AS output"
		"   FROM etl.task_run_{range} t WHERE t.run_id = r.run_id AND t.item = 0 AND t.status = 'succeeded'"
		"    AND t.notification_id IS NULL) o"
		" LEFT JOIN LATERAL (SELECT t.sqlstate FROM etl.task_run_{range} t WHERE t.run_id = r.run_id"
		"   AND t.task = r.failed_task AND t.item = 0 ORDER BY t.attempt DESC LIMIT 1) f ON true"
		" WHERE r.run_id = $1",
		2,
		{INT8OID, BOOLOID}};
	Datum values[] = {Int64GetDatum(run_id),
					  BoolGetDatum(claim->adapter != NULL && claim->adapter->json_output)};
	MemoryContext old;
	char *ended_as;
	bool isnull;

	*status = ETL_STEP_FAILED;
	if (range_execute(&look, run_id, SPI_OK_SELECT, values, NULL) == 0)
	{
		failure->sqlstate = ERRCODE_UNDEFINED_OBJECT;
		failure->message =
			psprintf("run " INT64_FORMAT ", which task \"%s\" waited for, is gone", run_id, claim->step.task);
		return true;
	}
	if (!DatumGetBool(etl_spi_datum(0, 1, &isnull)))
		return false;
	ended_as = etl_spi_text(spi, 0, 2);
	old = MemoryContextSwitchTo(spi->caller_context);
	if (strcmp(ended_as, "succeeded") == 0)
	{
		*status = ETL_STEP_SUCCEEDED;
		result->output = DatumGetJsonbPCopy(etl_spi_datum(0, 7, &isnull));
	}
	else
	{
		char *failed_task = etl_spi_text(spi, 0, 4);
		char *error = etl_spi_text(spi, 0, 5);

		failure->sqlstate = parse_sqlstate(etl_spi_text(spi, 0, 6), ERRCODE_QUERY_CANCELED);
		failure->message = psprintf("run " INT64_FORMAT " of workflow \"%s\" has ended as %s", run_id,
									etl_spi_text(spi, 0, 3), ended_as);
		if (failed_task != NULL)
			failure->detail = psprintf("Task \"%s\": %s", failed_task, error);
		else
			failure->detail = error;
		failure->hint = psprintf("SELECT * FROM etl.task_status WHERE run_id = " INT64_FORMAT ";", run_id);
	}
	MemoryContextSwitchTo(old);
	return true;
}

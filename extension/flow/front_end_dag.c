/*
 * front_end_dag.c
 *		Rows of etl.task as a front end.
 *
 * Each waiting step's row counts how the tasks it depends on have ended, so that the end of a task looks at what
 * depends on it and at nothing else. What is skipped has ended too: its own dependents are looked at in the next
 * round, until none is left.
 */
#include "postgres.h"

#include "base/clock.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/front_end.h"
#include "flow/range.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static bool
dag_has_successors(const EtlDefinition *definition, const EtlTaskDefinition *task)
{
	return task->dependent_count > 0;
}

static Datum
text_array(Datum *elements, int count)
{
	return PointerGetDatum(construct_array(elements, count, TEXTOID, -1, false, TYPALIGN_INT));
}

static Datum
int_array(Datum *elements, int count)
{
	return PointerGetDatum(construct_array(elements, count, INT4OID, sizeof(int32), true, TYPALIGN_INT));
}

static void
add_ready(EtlAdvance *advance, int64 run_id, int64 task_run_id, const EtlTaskDefinition *task)
{
	EtlQueued *step = palloc(sizeof(EtlQueued));

	*step = (EtlQueued){.task_run_id = task_run_id,
						.run_id = run_id,
						.priority = task->priority,
						.remote = task->remote,
						.pool = task->pool};
	advance->ready = lappend(advance->ready, step);
}

static void
dag_begin(int64 run_id, const EtlDefinition *definition, bool held, EtlAdvance *advance)
{
	static EtlSpiPlan begin = {"INSERT INTO etl.task_run_{range} (run_id, task, status, queued_at)"
							   " SELECT $1, t.name, CASE WHEN t.waits THEN 'waiting' ELSE 'queued' END,"
							   "  CASE WHEN t.waits THEN NULL ELSE $4 END"
							   " FROM unnest($2, $3) AS t(name, waits) RETURNING task_run_id, task, status",
							   4,
							   {INT8OID, TEXTARRAYOID, BOOLARRAYOID, TIMESTAMPTZOID}};
	Datum *names = palloc(definition->task_count * sizeof(Datum));
	Datum *waits = palloc(definition->task_count * sizeof(Datum));
	Datum values[4];
	uint64 count;
	bool isnull;

	for (int i = 0; i < definition->task_count; i++)
	{
		names[i] = CStringGetTextDatum(definition->tasks[i].name);
		waits[i] = BoolGetDatum(held || definition->tasks[i].dependency_count > 0);
	}
	values[0] = Int64GetDatum(run_id);
	values[1] = text_array(names, definition->task_count);
	values[2] = PointerGetDatum(construct_array(waits, definition->task_count, BOOLOID, 1, true, TYPALIGN_CHAR));
	values[3] = TimestampTzGetDatum(clock_now());
	count = range_execute(&begin, run_id, SPI_OK_INSERT_RETURNING, values, NULL);
	for (uint64 i = 0; i < count; i++)
		if (strcmp(TextDatumGetCString(etl_spi_datum(i, 3, &isnull)), "queued") == 0)
			add_ready(advance, run_id, DatumGetInt64(etl_spi_datum(i, 1, &isnull)),
					  definition_task(definition, TextDatumGetCString(etl_spi_datum(i, 2, &isnull))));
	SPI_freetuptable(SPI_tuptable);
}

/* What a round adds to the counts of one waiting task. */
typedef struct Increment
{
	bool touched;
	int succeeded;
	int failed;
	int skipped;
} Increment;

static void
count_end(const EtlTaskDefinition *task, EtlOutcome outcome, Increment *increments)
{
	for (int d = 0; d < task->dependent_count; d++)
	{
		Increment *increment = &increments[task->dependents[d]];

		increment->touched = true;
		if (outcome == ETL_OUTCOME_SUCCEEDED)
			increment->succeeded++;
		else if (outcome == ETL_OUTCOME_FAILED)
			increment->failed++;
		else
			increment->skipped++;
	}
}

/* Write the increments; the rows of the tasks that still wait are SPI's result. */
static uint64
add_increments(int64 run_id, const EtlDefinition *definition, const Increment *increments)
{
	static EtlSpiPlan add = {
		"UPDATE etl.task_run_{range} t SET dependencies_succeeded = t.dependencies_succeeded + i.succeeded,"
		"  dependencies_failed = t.dependencies_failed + i.failed,"
		"  dependencies_skipped = t.dependencies_skipped + i.skipped"
		" FROM unnest($2, $3, $4, $5) AS i(task, succeeded, failed, skipped)"
		/* One that has been ready before waits for something else. */
		" WHERE t.run_id = $1 AND t.task = i.task AND t.item = 0 AND t.status = 'waiting' AND t.queued_at IS NULL"
		" RETURNING t.task_run_id, t.task, t.dependencies_succeeded, t.dependencies_failed, t.dependencies_skipped,"
		"  t.attempt",
		5,
		{INT8OID, TEXTARRAYOID, INT4ARRAYOID, INT4ARRAYOID, INT4ARRAYOID}};
	Datum *columns[4];
	Datum values[5];
	int count = 0;

	for (int c = 0; c < lengthof(columns); c++)
		columns[c] = palloc(definition->task_count * sizeof(Datum));
	for (int i = 0; i < definition->task_count; i++)
	{
		if (!increments[i].touched)
			continue;
		columns[0][count] = CStringGetTextDatum(definition->tasks[i].name);
		columns[1][count] = Int32GetDatum(increments[i].succeeded);
		columns[2][count] = Int32GetDatum(increments[i].failed);
		columns[3][count] = Int32GetDatum(increments[i].skipped);
		count++;
	}
	if (count == 0)
		return 0;
	values[0] = Int64GetDatum(run_id);
	values[1] = text_array(columns[0], count);
	for (int c = 1; c < lengthof(columns); c++)
		values[c + 1] = int_array(columns[c], count);
	return range_execute(&add, run_id, SPI_OK_UPDATE_RETURNING, values, NULL);
}

/* The plan takes the ids of steps, the time, and the run. */
static void
update_steps(EtlSpiPlan *update, int64 run_id, const List *ids)
{
	Datum *elements = palloc(list_length(ids) * sizeof(Datum));
	Datum values[3];
	int count = 0;
	ListCell *cell;

	if (ids == NIL)
		return;
	foreach (cell, ids)
		elements[count++] = Int64GetDatum(*(int64 *) lfirst(cell));
	values[0] = PointerGetDatum(
		construct_array(elements, count, INT8OID, sizeof(int64), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE));
	values[1] = TimestampTzGetDatum(clock_now());
	values[2] = Int64GetDatum(run_id);
	range_execute(update, run_id, SPI_OK_UPDATE, values, NULL);
}

static EtlSkipped *
make_skipped(char *task, int attempt)
{
	EtlSkipped *skipped = palloc(sizeof(EtlSkipped));

	*skipped = (EtlSkipped){.task = task, .attempt = attempt};
	return skipped;
}

static List *
append_id(List *list, int64 id)
{
	int64 *copy = palloc(sizeof(int64));

	*copy = id;
	return lappend(list, copy);
}

/* Decide for the `count` tasks in SPI's result. What is skipped is counted into the next round's increments. */
static bool
decide_round(int64 run_id, const EtlDefinition *definition, uint64 count, Increment *next, EtlAdvance *advance)
{
	static EtlSpiPlan start = {
		"UPDATE etl.task_run_{range} SET status = 'queued', queued_at = $2 WHERE run_id = $3 AND task_run_id = ANY ($1)",
		3,
		{INT8ARRAYOID, TIMESTAMPTZOID, INT8OID}};
	static EtlSpiPlan skip = {
		"UPDATE etl.task_run_{range} SET status = 'skipped', finished_at = $2 WHERE run_id = $3 AND task_run_id = ANY ($1)",
		3,
		{INT8ARRAYOID, TIMESTAMPTZOID, INT8OID}};
	List *started = NIL;
	List *skipped = NIL;
	bool isnull;

	for (uint64 i = 0; i < count; i++)
	{
		int64 id = DatumGetInt64(etl_spi_datum(i, 1, &isnull));
		char *name = TextDatumGetCString(etl_spi_datum(i, 2, &isnull));
		const EtlTaskDefinition *task = definition_task(definition, name);
		EtlDagCounts counts = {.total = task->dependency_count,
							   .succeeded = DatumGetInt32(etl_spi_datum(i, 3, &isnull)),
							   .failed = DatumGetInt32(etl_spi_datum(i, 4, &isnull)),
							   .skipped = DatumGetInt32(etl_spi_datum(i, 5, &isnull))};

		switch (dag_decide(task->run_if, counts))
		{
			case ETL_DAG_START:
				started = append_id(started, id);
				add_ready(advance, run_id, id, task);
				break;
			case ETL_DAG_SKIP:
				skipped = append_id(skipped, id);
				advance->skipped = lappend(advance->skipped, make_skipped(name, DatumGetInt32(etl_spi_datum(i, 6, &isnull))));
				count_end(task, ETL_OUTCOME_SKIPPED, next);
				break;
			case ETL_DAG_WAIT:
				break;
		}
	}
	SPI_freetuptable(SPI_tuptable);
	update_steps(&start, run_id, started);
	update_steps(&skip, run_id, skipped);
	return skipped != NIL;
}

/* Rounds until nothing follows any more. */
static void
settle(int64 run_id, const EtlDefinition *definition, Increment *increments, EtlAdvance *advance)
{
	bool more = true;

	while (more)
	{
		Increment *next = palloc0(definition->task_count * sizeof(Increment));
		uint64 count = add_increments(run_id, definition, increments);

		more = count > 0 && decide_round(run_id, definition, count, next, advance);
		increments = next;
	}
}

static void
dag_step_ended(int64 run_id, const EtlDefinition *definition, const EtlTaskDefinition *task, EtlOutcome outcome,
			   EtlAdvance *advance)
{
	Increment *increments = palloc0(definition->task_count * sizeof(Increment));

	count_end(task, outcome, increments);
	settle(run_id, definition, increments, advance);
}

static void
dag_go_on(int64 run_id, const EtlDefinition *definition, EtlAdvance *advance)
{
	static EtlSpiPlan succeeded = {"SELECT task FROM etl.task_run_{range} WHERE run_id = $1 AND item = 0 AND status = 'succeeded'"
								   " AND notification_id IS NULL",
								   1,
								   {INT8OID}};
	Increment *increments = palloc0(definition->task_count * sizeof(Increment));
	Datum values[] = {Int64GetDatum(run_id)};
	uint64 count = range_execute(&succeeded, run_id, SPI_OK_SELECT, values, NULL);
	bool isnull;

	for (uint64 i = 0; i < count; i++)
		count_end(definition_task(definition, TextDatumGetCString(etl_spi_datum(i, 1, &isnull))),
				  ETL_OUTCOME_SUCCEEDED, increments);
	SPI_freetuptable(SPI_tuptable);
	for (int i = 0; i < definition->task_count; i++)
		increments[i].touched = true; /* those that depend on nothing, too */
	settle(run_id, definition, increments, advance);
}

const EtlFrontEnd front_end_dag = {.type = "dag",
								   .has_successors = dag_has_successors,
								   .begin = dag_begin,
								   .go_on = dag_go_on,
								   .step_ended = dag_step_ended};

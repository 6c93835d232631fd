/*
 * front_end_dag.c
 *		Rows of etl.task as a front end: reads the steps' states, has dag.c decide.
 */
#include "postgres.h"

#include "base/spi.h"
#include "catalog/pg_type.h"
#include "flow/dag.h"
#include "flow/front_end.h"
#include "utils/array.h"
#include "utils/builtins.h"

static void
dag_begin(int64 run_id)
{
	static EtlSpiPlan begin = {"INSERT INTO etl.task_run (run_id, task, status)"
							   " SELECT r.run_id, t.name, 'waiting' FROM etl.run r"
							   " JOIN etl.workflow_version v USING (version_id),"
							   " jsonb_object_keys(v.definition -> 'tasks') AS t(name)"
							   " WHERE r.run_id = $1",
							   1,
							   {INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};

	etl_spi_execute(&begin, SPI_OK_INSERT, values, NULL);
}

static EtlDagState
state_from_status(const char *status)
{
	if (strcmp(status, "waiting") == 0)
		return ETL_DAG_WAITING;
	if (strcmp(status, "succeeded") == 0)
		return ETL_DAG_SUCCEEDED;
	if (strcmp(status, "skipped") == 0)
		return ETL_DAG_SKIPPED;
	if (strcmp(status, "failed") == 0 || strcmp(status, "timed_out") == 0 || strcmp(status, "cancelled") == 0)
		return ETL_DAG_FAILED;
	return ETL_DAG_ACTIVE; /* queued, running, retrying */
}

/* Positions (0-based) of a task's dependencies among the rows. */
static void
set_dependencies(EtlDagTask *task, Datum positions)
{
	Datum *values;
	bool *nulls;
	int *dependencies;

	deconstruct_array(DatumGetArrayTypeP(positions), INT4OID, sizeof(int32), true, TYPALIGN_INT, &values, &nulls,
					  &task->dependency_count);
	dependencies = palloc(task->dependency_count * sizeof(int));
	for (int i = 0; i < task->dependency_count; i++)
		dependencies[i] = DatumGetInt32(values[i]);
	task->dependencies = dependencies;
}

static List *
append_id(List *list, int64 id)
{
	int64 *copy = palloc(sizeof(int64));

	*copy = id;
	return lappend(list, copy);
}

static void
dag_advance_run(int64 run_id, EtlAdvice *advice)
{
	/* The last attempt of each task, numbered, with the numbers of those it depends on. */
	static EtlSpiPlan look = {
		"WITH last AS MATERIALIZED ("
		" SELECT t.task_run_id, t.status, t.task,"
		"  row_number() OVER (ORDER BY t.task)::int4 - 1 AS position,"
		"  v.definition -> 'tasks' -> t.task"
		"   -> 'depends_on' AS depends_on"
		" FROM (SELECT DISTINCT ON (task) * FROM etl.task_run"
		"  WHERE run_id = $1 AND notification_id IS NULL"
		"  ORDER BY task, attempt DESC) t"
		" JOIN etl.run r USING (run_id) JOIN etl.workflow_version v USING (version_id))"
		" SELECT l.task_run_id, l.status,"
		"  ARRAY(SELECT o.position FROM jsonb_array_elements_text(l.depends_on) AS d(name)"
		"   JOIN last o ON o.task = d.name)"
		" FROM last l ORDER BY l.position",
		1,
		{INT8OID}};
	Datum values[] = {Int64GetDatum(run_id)};
	int count = (int) etl_spi_execute(&look, SPI_OK_SELECT, values, NULL);
	EtlDagTask *tasks = palloc0(count * sizeof(EtlDagTask));
	int64 *ids = palloc(count * sizeof(int64));
	EtlDagOutcome outcome;
	bool isnull;

	for (int i = 0; i < count; i++)
	{
		ids[i] = DatumGetInt64(etl_spi_datum(i, 1, &isnull));
		tasks[i].state = state_from_status(TextDatumGetCString(etl_spi_datum(i, 2, &isnull)));
		set_dependencies(&tasks[i], etl_spi_datum(i, 3, &isnull));
	}
	SPI_freetuptable(SPI_tuptable);

	outcome = dag_advance(tasks, count);
	for (int i = 0; i < count; i++)
	{
		if (tasks[i].decision == ETL_DAG_START)
			advice->start = append_id(advice->start, ids[i]);
		else if (tasks[i].decision == ETL_DAG_SKIP)
			advice->skip = append_id(advice->skip, ids[i]);
	}
	advice->ended = outcome != ETL_DAG_GOES_ON;
	advice->succeeded = outcome == ETL_DAG_ALL_SUCCEEDED;
}

const EtlFrontEnd front_end_dag = {.type = "dag", .begin = dag_begin, .advance = dag_advance_run};

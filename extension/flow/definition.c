/*
 * definition.c
 *		Versions of workflows, read and kept. See definition.h.
 */
#include "postgres.h"

#include "base/spi.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "flow/definition.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

#define MOST_KEPT 256 /* versions a process keeps; then it starts over */

typedef struct Kept
{
	int64 version_id;
	EtlDefinition *definition;
} Kept;

static MemoryContext kept_context = NULL;
static HTAB *kept = NULL;
static Oid kept_of = InvalidOid; /* etl.workflow_version: the extension may be dropped and created again */

static void
start_over(void)
{
	HASHCTL control = {.keysize = sizeof(int64), .entrysize = sizeof(Kept)};

	if (kept_context == NULL)
		kept_context = AllocSetContextCreate(TopMemoryContext, "pg_etl definitions", ALLOCSET_DEFAULT_SIZES);
	MemoryContextReset(kept_context);
	control.hcxt = kept_context;
	kept = hash_create("pg_etl definitions", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

/* Columns of the query in read_definition, by their names. */
static Datum
column(uint64 row, const char *name, bool *isnull)
{
	int number = SPI_fnumber(SPI_tuptable->tupdesc, name);

	if (number <= 0)
		elog(ERROR, "no column \"%s\" in a definition's query", name);
	return etl_spi_datum(row, number, isnull);
}

static char *
text_or_null(uint64 row, const char *name)
{
	bool isnull;
	Datum value = column(row, name, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

static double
number_or(uint64 row, const char *name, double otherwise)
{
	bool isnull;
	Datum value = column(row, name, &isnull);

	return isnull ? otherwise : DatumGetFloat8(value);
}

static bool
is_true(uint64 row, const char *name)
{
	bool isnull;
	Datum value = column(row, name, &isnull);

	return !isnull && DatumGetBool(value);
}

static EtlRunIf
read_run_if(uint64 row, const char *task)
{
	EtlRunIf run_if = ETL_RUN_IF_ALL_SUCCEEDED;
	char *name = text_or_null(row, "run_if");

	if (name != NULL && !dag_run_if_from_name(name, &run_if))
		ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
				errmsg("task \"%s\" of a workflow's version has run_if \"%s\"", task, name));
	return run_if;
}

static EtlBackoff
read_backoff(uint64 row)
{
	char *jitter = text_or_null(row, "retry_jitter");

	return (EtlBackoff){.delay = number_or(row, "retry_delay", 1.0),
						.factor = number_or(row, "retry_backoff", 2.0),
						.longest = number_or(row, "retry_max_delay", ETL_BACKOFF_LONGEST),
						.jitter = jitter != NULL && strcmp(jitter, "full") == 0};
}

static void
read_task(uint64 row, EtlTaskDefinition *task)
{
	bool isnull;
	Datum arguments = column(row, "arguments", &isnull);

	task->name = text_or_null(row, "name");
	task->sql = text_or_null(row, "sql");
	task->connection = text_or_null(row, "connection");
	task->resource = text_or_null(row, "resource");
	task->arguments = isnull ? NULL : DatumGetJsonbPCopy(arguments);
	task->run_if = read_run_if(row, task->name);
	task->condition = text_or_null(row, "condition");
	task->wait_until = text_or_null(row, "wait_until");
	task->poll_interval = number_or(row, "poll_interval", 60);
	task->for_each = text_or_null(row, "for_each");
	task->remote = is_true(row, "remote");
	task->max_parallel = (int) number_or(row, "max_parallel", 0);
	task->tolerate = text_or_null(row, "tolerate");
	task->wait_for_token = is_true(row, "wait_for_token");
	task->heartbeat = number_or(row, "heartbeat", 0);
	task->pool = text_or_null(row, "pool");
	task->priority = (int) number_or(row, "priority", 0);
	task->retries = (int) number_or(row, "retries", 0);
	task->backoff = read_backoff(row);
	task->timeout = number_or(row, "timeout", 0);
}

/* Column dependencies has the positions (1-based) of what the task depends on: turn it round. */
static void
link_tasks(EtlDefinition *definition)
{
	for (int i = 0; i < definition->task_count; i++)
	{
		Datum *positions;
		bool *nulls;
		bool isnull;

		deconstruct_array(DatumGetArrayTypeP(column(i, "dependencies", &isnull)), INT4OID, sizeof(int32), true,
						  TYPALIGN_INT, &positions, &nulls, &definition->tasks[i].dependency_count);
		for (int d = 0; d < definition->tasks[i].dependency_count; d++)
		{
			EtlTaskDefinition *dependency = &definition->tasks[DatumGetInt32(positions[d]) - 1];

			if (dependency->dependents == NULL)
				dependency->dependents = palloc(definition->task_count * sizeof(int));
			dependency->dependents[dependency->dependent_count++] = i;
		}
	}
}

static EtlDefinition *
read_definition(int64 version_id)
{
	static EtlSpiPlan read = {
		"WITH task AS MATERIALIZED (SELECT t.name, t.step, row_number() OVER (ORDER BY t.name COLLATE \"C\")::int4 AS position"
		"  FROM etl.workflow_version v, jsonb_each(v.definition -> 'tasks') AS t(name, step)"
		"  WHERE v.version_id = $1)"
		" SELECT name, t.*, etl._is_remote(step) AS remote,"
		"  ARRAY(SELECT o.position FROM unnest(t.depends_on) AS d(name) JOIN task o USING (name)) AS dependencies,"
		"  (SELECT definition ->> 'type' FROM etl.workflow_version WHERE version_id = $1) AS type"
		" FROM task, jsonb_to_record(step) AS t(sql text, connection text, resource text, arguments jsonb,"
		"  depends_on text[], run_if text, condition text, wait_until text, poll_interval float8, for_each text,"
		"  max_parallel float8, tolerate text, wait_for_token bool, heartbeat float8, pool text, priority float8,"
		"  retries float8, retry_delay float8, retry_backoff float8,"
		"  retry_max_delay float8, retry_jitter text, timeout float8)"
		" ORDER BY position",
		1,
		{INT8OID}};
	Datum values[] = {Int64GetDatum(version_id)};
	int count = (int) etl_spi_execute(&read, SPI_OK_SELECT, values, NULL);
	MemoryContext old;
	EtlDefinition *definition;

	if (count == 0)
		return NULL;
	old = MemoryContextSwitchTo(kept_context); /* SPI has left its own current */
	definition = palloc0(sizeof(EtlDefinition));
	definition->version_id = version_id;
	definition->type = text_or_null(0, "type");
	definition->task_count = count;
	definition->tasks = palloc0(count * sizeof(EtlTaskDefinition));
	for (int i = 0; i < count; i++)
		read_task(i, &definition->tasks[i]);
	link_tasks(definition);
	MemoryContextSwitchTo(old);
	return definition;
}

void
definition_trim(void)
{
	if (kept != NULL && hash_get_num_entries(kept) >= MOST_KEPT)
		start_over();
}

const EtlDefinition *
definition_get(int64 version_id)
{
	Oid table = get_relname_relid("workflow_version", get_namespace_oid("etl", false));
	Kept *entry;
	EtlDefinition *definition;
	EtlSpiScope spi;

	if (kept == NULL || table != kept_of)
	{
		start_over();
		kept_of = table;
	}
	entry = hash_search(kept, &version_id, HASH_FIND, NULL);
	if (entry != NULL)
		return entry->definition;
	etl_spi_open(&spi, ETL_SPI_OWNER);
	definition = read_definition(version_id);
	etl_spi_close(&spi);
	if (definition == NULL)
		return NULL;
	entry = hash_search(kept, &version_id, HASH_ENTER, NULL);
	entry->definition = definition;
	return definition;
}

static int
compare_names(const void *name, const void *task)
{
	return strcmp(name, ((const EtlTaskDefinition *) task)->name);
}

const EtlTaskDefinition *
definition_task(const EtlDefinition *definition, const char *name)
{
	return bsearch(name, definition->tasks, definition->task_count, sizeof(EtlTaskDefinition), compare_names);
}

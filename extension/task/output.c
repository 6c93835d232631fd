/*
 * output.c
 *		Outputs of a run's tasks. See output.h.
 *
 * They are read with the extension owner's rights: a step may know of its own run what other steps of it have left.
 */
#include "postgres.h"

#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type_d.h"
#include "flow/range.h"
#include "task/output.h"
#include "task/parameters.h"
#include "utils/builtins.h"

typedef struct Output
{
	char *status; /* NULL: there is no such task */
	Jsonb *values;
} Output;

/* The same values that etl.task_output has. */
static Output
read_output(int64 run_id, const char *task)
{
	static EtlSpiPlan read = {
		"SELECT t.status, jsonb_build_object('rows', t.rows) || coalesce("
		"  CASE WHEN jsonb_typeof(t.output) = 'object' THEN t.output ELSE jsonb_build_object('output', t.output) END, '{}') FROM etl.task_run_{range} t"
		" WHERE t.run_id = $1 AND t.task = $2 AND t.item = 0 AND t.notification_id IS NULL ORDER BY t.attempt DESC LIMIT 1",
		2,
		{INT8OID, TEXTOID}};
	EtlTransaction transaction;
	EtlSpiScope spi;
	Output output = {0};
	char *values = NULL;

	etl_transaction_enter(&transaction);
	etl_spi_open(&spi, ETL_SPI_OWNER);
	if (range_execute(&read, run_id, SPI_OK_SELECT, (Datum[]){Int64GetDatum(run_id), CStringGetTextDatum(task)}, NULL) > 0)
	{
		output.status = etl_spi_text(&spi, 0, 1);
		values = etl_spi_text(&spi, 0, 2);
	}
	etl_spi_close(&spi);
	etl_transaction_leave(&transaction);
	if (values != NULL)
		output.values = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(values)));
	return output;
}

static char *
known_keys(Jsonb *values)
{
	JsonbIterator *iterator = JsonbIteratorInit(&values->root);
	JsonbIteratorToken token;
	JsonbValue item;
	StringInfoData keys;

	initStringInfo(&keys);
	while ((token = JsonbIteratorNext(&iterator, &item, true)) != WJB_DONE)
		if (token == WJB_KEY)
			appendStringInfo(&keys, "%s%.*s", keys.len > 0 ? ", " : "", item.val.string.len, item.val.string.val);
	return keys.data;
}

const char *
output_text(const EtlStep *step, const char *name, bool missing_ok)
{
	const char *dot = strrchr(name, '.');
	char *task = pnstrdup(name, dot - name);
	const char *key = dot + 1;
	Output output = read_output(step->run_id, task);
	JsonbValue *value;
	char *text;

	if (output.status == NULL && missing_ok)
		return NULL;
	if (output.status == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("task \"%s\" does not exist in this workflow", task),
				errdetail("A parameter with a dot in its name, \"%s\", is the output of a task.", name));
	if (strcmp(output.status, "succeeded") != 0)
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE), errmsg("task \"%s\" has no output", task),
				errdetail("Its status is \"%s\".", output.status),
				errhint("Name it in depends_on, so that it has ended before this task starts."));
	value = getKeyJsonValueFromContainer(&output.values->root, key, strlen(key), NULL);
	if (value == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("task \"%s\" has no output \"%s\"", task, key),
				errdetail("It has %s.", known_keys(output.values)));
	text = json_value_text(value);
	if (text == NULL)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("output \"%s\" of task \"%s\" is null", key, task),
				errhint("Where it may be, ask for it with etl.task_output(%s) ->> %s.", quote_literal_cstr(task),
						quote_literal_cstr(key)));
	return text;
}

/*
 * glue_job.c
 *		arn:aws:states:::glue:startJobRun.sync: a job of table etl.job.
 *
 * A job of kind sql_script does what the common Glue Python-shell job does: read the SQL file s3://--bucket/--file,
 * split it, and run the statements one by one, each committed by itself, in database --db of the warehouse that
 * secret --db_creds describes. Arguments besides these four are parameters of the file.
 */
#include "postgres.h"

#include "base/spi.h"
#include "base/transaction.h"
#include "catalog/pg_type_d.h"
#include "store/store.h"
#include "task/adapters.h"
#include "task/arguments.h"
#include "task/script.h"
#include "utils/builtins.h"
#include "utils/json.h"

static const char *const script_arguments[] = {"--db", "--db_creds", "--bucket", "--file"};

/* The job's default arguments. The row is read as the current user, whose row security decides whether it exists. */
static Jsonb *
job_default_arguments(const char *name)
{
	EtlTransaction transaction;
	EtlSpiScope spi;
	Oid type = TEXTOID;
	Datum value;
	char *arguments = NULL;

	etl_transaction_enter(&transaction);
	value = CStringGetTextDatum(name);
	etl_spi_open(&spi, ETL_SPI_CALLER);
	if (etl_spi_run("SELECT default_arguments FROM etl.job WHERE name = $1", SPI_OK_SELECT, 1, &type, &value, NULL) >
		0)
		arguments = etl_spi_text(&spi, 0, 1);
	etl_spi_close(&spi);
	etl_transaction_leave(&transaction);
	if (arguments == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("job \"%s\" does not exist", name),
				errhint("INSERT INTO etl.job (name) VALUES (%s);", quote_literal_cstr(name)));
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(arguments)));
}

static const char *
job_argument(const char *job, const EtlParameters *given, const char *name)
{
	const char *value = parameters_lookup(name, (void *) given);

	if (value == NULL || value[0] == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("job \"%s\" needs argument \"%s\"", job, name),
				errhint("Put it into the step's \"Arguments\" or the job's default_arguments."));
	return value;
}

static bool
is_script_argument(const char *name)
{
	for (int i = 0; i < lengthof(script_arguments); i++)
		if (strcmp(script_arguments[i], name) == 0)
			return true;
	return false;
}

/* Every other argument is a parameter of the file, by its name without the dashes. */
static void
add_script_parameters(const EtlParameters *given, EtlParameters *parameters)
{
	for (int i = list_length(given->items) - 1; i >= 0; i--)
	{
		const EtlParameter *argument = list_nth(given->items, i);

		if (!is_script_argument(argument->name))
			parameters_add(parameters,
						   strncmp(argument->name, "--", 2) == 0 ? argument->name + 2 : argument->name,
						   argument->value);
	}
}

static Jsonb *
job_output(const char *name, int statements)
{
	StringInfoData output;

	initStringInfo(&output);
	appendStringInfoString(&output, "{\"JobName\": ");
	escape_json(&output, name);
	appendStringInfo(&output, ", \"JobRunState\": \"SUCCEEDED\", \"Statements\": %d}", statements);
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(output.data)));
}

typedef struct GlueJob
{
	char *name;
	EtlScriptSource source;
	EtlScriptFetch *fetch; /* of the source's text */
	EtlWarehouse *warehouse;
	EtlScriptRun *script;
} GlueJob;

static void *
glue_job_start(const EtlStep *step)
{
	GlueJob *job = palloc0(sizeof(GlueJob));
	EtlParameters given = {0};
	EtlArguments arguments;
	Jsonb *overrides;
	const char *creds;
	const char *db;
	const char *bucket;

	arguments_open(&arguments, step);
	job->name = arguments_text(&arguments, "JobName", true);
	overrides = arguments_object(&arguments, "Arguments");
	arguments_close(&arguments);

	parameters_add_json(&given, job_default_arguments(job->name));
	parameters_add_json(&given, overrides);
	db = job_argument(job->name, &given, "--db");
	creds = job_argument(job->name, &given, "--db_creds");
	bucket = job_argument(job->name, &given, "--bucket");
	job->source.text_parameters = true;
	job->source.name = store_uri_format(bucket, job_argument(job->name, &given, "--file"));
	add_script_parameters(&given, &job->source.parameters);

	job->fetch = script_fetch_start(job->source.name);
	job->warehouse = warehouse_open_secret(NULL, creds, db);
	job->script = script_start_on(job->warehouse, &job->source);
	return job;
}

static bool
glue_job_poll(void *arg, EtlWait *wait, EtlStepResult *result)
{
	GlueJob *job = arg;
	EtlScriptOutcome outcome;

	if (job->source.text == NULL)
		job->source.text = script_fetch_poll(job->fetch, wait);
	if (job->source.text == NULL || !script_poll(job->script, wait, &outcome))
		return false;
	warehouse_close(job->warehouse);
	result->rows = outcome.rows;
	result->output = job_output(job->name, outcome.statements);
	return true;
}

static void
glue_job_abandon(void *arg)
{
	warehouse_abandon(((GlueJob *) arg)->warehouse);
}

const EtlAdapter glue_job_adapter = {.resource = "arn:aws:states:::glue:startJobRun.sync",
									 .start = glue_job_start,
									 .poll = glue_job_poll,
									 .abandon = glue_job_abandon};

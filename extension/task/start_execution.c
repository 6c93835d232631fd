/*
 * start_execution.c
 *		arn:aws:states:::states:startExecution: a run of another workflow, in three forms. By itself it starts the run;
 *		.sync and .sync:2 end when it does, with its output as a string or as JSON.
 *
 * The run is queued in the step's own transaction, so it is started exactly once.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "flow/child.h"
#include "miscadmin.h"
#include "task/adapters.h"
#include "task/arguments.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/datetime.h"
#include "utils/timestamp.h"

/* arn:aws:states:REGION:ACCOUNT:stateMachine:NAME, or a name. */
#define ARN_PREFIX "arn:"
#define ARN_KIND ":stateMachine:"

static char *
workflow_name(const char *machine)
{
	const char *kind = strstr(machine, ARN_KIND);

	if (strncmp(machine, ARN_PREFIX, strlen(ARN_PREFIX)) != 0)
		return pstrdup(machine);
	if (kind == NULL || strstr(machine, ":states:") == NULL || kind[strlen(ARN_KIND)] == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("StateMachineArn \"%s\" is not a state machine's", machine),
				errhint("Give a workflow's name, or arn:aws:states:REGION:ACCOUNT:stateMachine:NAME."));
	return pstrdup(kind + strlen(ARN_KIND));
}

/* As the API has it, a string of JSON, or as definitions have it, an object. */
static Jsonb *
run_input(EtlArguments *arguments)
{
	char *text = arguments_text(arguments, "Input", false);
	Jsonb *input = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text == NULL ? "{}" : text)));

	if (!JB_ROOT_IS_OBJECT(input))
		ereport(
			ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("argument \"Input\" of resource \"%s\" must be a JSON object", arguments->step->resource));
	return input;
}

/* A workflow that has no ARN is named by its name in the run's. */
static char *
execution_arn(const char *machine, const char *workflow, const char *run_name)
{
	const char *kind = strstr(machine, ARN_KIND);

	if (strncmp(machine, ARN_PREFIX, strlen(ARN_PREFIX)) != 0)
		return psprintf("arn:aws:states:::execution:%s:%s", workflow, run_name);
	return psprintf("%.*s:execution:%s:%s", (int) (kind - machine), machine, workflow, run_name);
}

static Jsonb *
make_output(const char *arn, const EtlChild *child)
{
	StringInfoData output;
	char date[MAXDATELEN + 1];

	JsonEncodeDateTime(date, TimestampTzGetDatum(child->queued_at), TIMESTAMPTZOID, NULL);
	initStringInfo(&output);
	appendStringInfoString(&output, "{\"ExecutionArn\": ");
	escape_json(&output, arn);
	appendStringInfo(&output, ", \"StartDate\": \"%s\", \"RunId\": " INT64_FORMAT "}", date, child->run_id);
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(output.data)));
}

static void
start(const EtlStep *step, EtlStepResult *result, bool waits)
{
	EtlArguments arguments;
	EtlChild child;
	Jsonb *input;
	char *machine;
	char *workflow;
	char *name;

	arguments_open(&arguments, step);
	machine = arguments_text(&arguments, "StateMachineArn", true);
	name = arguments_text(&arguments, "Name", false);
	input = run_input(&arguments);
	arguments_close(&arguments);
	workflow = workflow_name(machine);
	child = child_start(step, workflow, name, input, waits);
	if (waits)
		result->child_run_id = child.run_id;
	else
		result->output = make_output(execution_arn(machine, workflow, child.run_name), &child);
	result->rows = -1;
}

static void
start_execution_run(const EtlStep *step, EtlStepResult *result)
{
	start(step, result, false);
}

static void
start_execution_sync_run(const EtlStep *step, EtlStepResult *result)
{
	start(step, result, true);
}

const EtlAdapter start_execution_adapter = {
	.resource = "arn:aws:states:::states:startExecution", .run = start_execution_run};
const EtlAdapter start_execution_sync_adapter = {.resource = "arn:aws:states:::states:startExecution.sync",
												 .run = start_execution_sync_run};
const EtlAdapter start_execution_sync2_adapter = {.resource = "arn:aws:states:::states:startExecution.sync:2",
												  .json_output = true,
												  .run = start_execution_sync_run};

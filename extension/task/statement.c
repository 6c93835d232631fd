/*
 * statement.c
 *		A step that is a statement here: it runs in the step's own transaction, so it takes effect exactly once.
 */
#include "postgres.h"

#include "store/store.h"
#include "task/adapters.h"
#include "task/script.h"
#include "utils/fmgrprotos.h"

Jsonb *
step_values(const EtlStep *step)
{
	if (step->item_parameters == NULL)
		return step->input;
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(step->input),
											  JsonbPGetDatum(step->item_parameters)));
}

void
statement_parameters(const EtlStep *step, EtlParameters *parameters)
{
	parameters_add_json(parameters, step_values(step));
	if (step->item > 0)
		parameters_add(parameters, "item_number", psprintf("%d", step->item));
	parameters->outputs_of = step;
	parameters_add(parameters, "run_id", psprintf(INT64_FORMAT, step->run_id));
	parameters_add(parameters, "run_name", step->run_name == NULL ? "" : step->run_name);
	if (step->scheduled_for != NULL)
		parameters_add(parameters, "scheduled_for", step->scheduled_for);
	parameters_add(parameters, "workflow", step->workflow);
	parameters_add(parameters, "task", step->task);
	parameters_add(parameters, "attempt", psprintf("%d", step->attempt));
	if (step->task_token != NULL)
		parameters_add(parameters, "task_token", step->task_token);
}

static void
statement_run(const EtlStep *step, EtlStepResult *result)
{
	EtlScriptSource source = {.text = step->sql};

	statement_parameters(step, &source.parameters);
	result->rows = script_run_here(&source, true, NULL).rows;
	/* Now, not at the commit: an object that can't be written is this step's failure, with its place and reason. */
	store_publish_staged();
}

const EtlAdapter statement_adapter = {.run = statement_run};

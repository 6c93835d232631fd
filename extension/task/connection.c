/*
 * connection.c
 *		A step that is a statement on a connection: it runs over there, and nobody waits for it here.
 */
#include "postgres.h"

#include "task/adapters.h"
#include "task/script.h"

typedef struct ConnectionJob
{
	EtlScriptSource source;
	EtlWarehouse *warehouse;
	EtlScriptRun *script;
} ConnectionJob;

static void *
connection_start(const EtlStep *step)
{
	ConnectionJob *job = palloc0(sizeof(ConnectionJob));

	job->source.text = step->sql;
	statement_parameters(step, &job->source.parameters);
	job->warehouse = warehouse_open(step->connection);
	job->script = script_start_on(job->warehouse, &job->source);
	return job;
}

static bool
connection_poll(void *arg, EtlWait *wait, EtlStepResult *result)
{
	ConnectionJob *job = arg;
	EtlScriptOutcome outcome;

	if (!script_poll(job->script, wait, &outcome))
		return false;
	warehouse_close(job->warehouse);
	result->rows = outcome.rows;
	return true;
}

static void
connection_abandon(void *arg)
{
	warehouse_abandon(((ConnectionJob *) arg)->warehouse);
}

const EtlAdapter connection_adapter = {
	.on_connection = true, .start = connection_start, .poll = connection_poll, .abandon = connection_abandon};

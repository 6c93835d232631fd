/*
 * connection.c
 *		A step that is a statement on a connection: it runs over there, with no transaction open here.
 */
#include "postgres.h"

#include "task/adapters.h"
#include "task/script.h"

static void
connection_run(const EtlStep *step, EtlStepResult *result)
{
	EtlScriptSource source = {.text = step->sql};
	EtlWarehouse *warehouse;

	statement_parameters(step, &source.parameters);
	warehouse = warehouse_connect(step->connection);
	result->rows = script_run_on(warehouse, &source).rows;
	warehouse_close(warehouse);
}

const EtlAdapter connection_adapter = {.on_connection = true, .run = connection_run};

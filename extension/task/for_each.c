/*
 * for_each.c
 *		A task's for_each: a query here, before the task runs once for each of its rows.
 */
#include "postgres.h"

#include "task/adapters.h"
#include "task/row_receiver.h"
#include "task/script.h"
#include "utils/builtins.h"

typedef struct Items
{
	EtlItemVisit visit;
	void *arg;
} Items;

static void
item_receive(const char *json, void *arg)
{
	const Items *items = arg;

	items->visit(DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(json))), items->arg);
}

void
for_each_query_run(const EtlStep *step, const char *query, EtlItemVisit visit, void *arg)
{
	Items items = {.visit = visit, .arg = arg};
	EtlScriptSource source = {.text = query};
	EtlRowReceiver receiver;

	row_receiver_init(&receiver, item_receive, &items);
	statement_parameters(step, &source.parameters);
	if (script_run_here(&source, true, &receiver.pub).statements != 1 || receiver.queries != 1)
		ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR), errmsg("for_each is not one query"),
				errhint("Give one SELECT, each of whose rows is an item."));
}

/*
 * condition.c
 *		A task's condition: a SQL boolean, evaluated here before the step runs.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "executor/tuptable.h"
#include "task/adapters.h"
#include "task/script.h"
#include "utils/builtins.h"

/* Takes the one value that the condition's query returns. */
typedef struct ConditionReceiver
{
	DestReceiver pub;
	bool holds;
} ConditionReceiver;

static bool
condition_receive(TupleTableSlot *slot, DestReceiver *self)
{
	bool isnull;
	Datum value = slot_getattr(slot, 1, &isnull);

	((ConditionReceiver *) self)->holds = !isnull && DatumGetBool(value);
	return true;
}

static void
condition_startup(DestReceiver *self, int operation, TupleDesc columns)
{
	Oid type = TupleDescAttr(columns, 0)->atttypid;

	if (type != BOOLOID)
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("condition is of type %s, not boolean", format_type_be(type)),
				errhint("Write it as a WHERE clause is written, such as :count > 0."));
}

static void
condition_shutdown(DestReceiver *self)
{
}

/* A comment at its end must not swallow the parenthesis. */
bool
condition_holds(const EtlStep *step, const char *condition)
{
	ConditionReceiver receiver = {.pub = {.receiveSlot = condition_receive,
										  .rStartup = condition_startup,
										  .rShutdown = condition_shutdown,
										  .rDestroy = condition_shutdown,
										  .mydest = DestNone}};
	EtlScriptSource source = {.text = psprintf("SELECT (%s\n)", condition)};

	statement_parameters(step, &source.parameters);
	if (script_run_here(&source, true, &receiver.pub).statements != 1)
		ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR), errmsg("condition is more than one expression"));
	return receiver.holds;
}

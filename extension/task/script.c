/*
 * script.c
 *		Going through a script statement by statement. See script.h.
 *
 * Where the statements run is the callers' business; what is common is here: splitting, parameters, and saying in
 * every error which statement it is about.
 */
#include "postgres.h"

#include "dialect/dialect.h"
#include "miscadmin.h"
#include "task/local.h"
#include "task/script.h"
#include "utils/memutils.h"

/* Runs one statement and returns its rows. */
typedef int64 (*StatementRun)(const char *sql, bool last, void *arg);

typedef struct ScriptPlace
{
	const EtlScriptSource *source;
	const EtlScript *script;
	int statement; /* -1: none yet */
} ScriptPlace;

static void
script_error_callback(void *arg)
{
	const ScriptPlace *place = arg;
	const char *name = place->source->name;
	int number = place->statement + 1;
	int line = number == 0 ? 0 : place->script->statements[place->statement].line;

	/* The server's log would quote the call, which may hold a COPY's credentials. */
	errhidestmt(true);
	if (number == 0 && name != NULL)
		errcontext("script %s", name);
	else if (name != NULL)
		errcontext("statement %d (line %d) of %s", number, line, name);
	else if (number > 0 && place->script->count > 1)
		errcontext("statement %d (line %d)", number, line);
}

static void
script_split(const EtlScriptSource *source, EtlScript *script)
{
	const char *text = source->text;
	EtlError error;

	if (source->text_parameters)
		text = dialect_substitute_text(text, parameters_lookup, (void *) &source->parameters);
	if (!dialect_split(text, script, &error))
		etl_error_raise(&error);
}

static int64
statement_run(const EtlScriptSource *source, const char *sql, bool last, StatementRun run, void *arg)
{
	char *substituted;
	EtlError error;

	if (!dialect_substitute(sql, parameters_lookup, (void *) &source->parameters, &substituted, &error))
		etl_error_raise(&error);
	return run(substituted, last, arg);
}

static EtlScriptOutcome
script_run(const EtlScriptSource *source, StatementRun run, void *arg)
{
	EtlScript script;
	EtlScriptOutcome outcome = {0};
	ScriptPlace place = {.source = source, .script = &script, .statement = -1};
	ErrorContextCallback callback = {.callback = script_error_callback, .arg = &place};
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl statement", ALLOCSET_DEFAULT_SIZES);

	callback.previous = error_context_stack;
	error_context_stack = &callback;
	script_split(source, &script);
	for (int i = 0; i < script.count; i++)
	{
		MemoryContext outer = MemoryContextSwitchTo(context);

		CHECK_FOR_INTERRUPTS();
		place.statement = i;
		outcome.rows += statement_run(source, script.statements[i].sql, i == script.count - 1, run, arg);
		outcome.statements++;
		MemoryContextSwitchTo(outer);
		MemoryContextReset(context);
	}
	error_context_stack = callback.previous;
	MemoryContextDelete(context);
	return outcome;
}

EtlScriptOutcome
script_run_here(const EtlScriptSource *source, bool atomic, DestReceiver *rows)
{
	EtlLocalSession session;
	EtlScriptOutcome outcome;

	local_session_open(&session, atomic, rows);
	outcome = script_run(source, local_statement_run, &session);
	local_session_close(&session);
	return outcome;
}

static int64
remote_statement_run(const char *sql, bool last, void *arg)
{
	EtlRemoteError error;
	int64 rows;

	if (!warehouse_execute(arg, sql, &rows, &error))
		warehouse_error_raise(&error);
	return rows;
}

EtlScriptOutcome
script_run_on(EtlWarehouse *warehouse, const EtlScriptSource *source)
{
	EtlScriptOutcome outcome = script_run(source, remote_statement_run, warehouse);

	/* Closing the connection would roll it back, and nobody would know. */
	if (warehouse_in_transaction(warehouse))
		ereport(ERROR, errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("the script leaves a transaction open"),
				errdetail("What it did since its last BEGIN is rolled back."), errhint("End it with COMMIT."));
	return outcome;
}

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

/* A statement with its parameters put in. */
static char *
statement_text(const EtlScriptSource *source, const char *sql)
{
	char *substituted;
	EtlError error;

	if (!dialect_substitute(sql, parameters_lookup, (void *) &source->parameters, &substituted, &error))
		etl_error_raise(&error);
	return substituted;
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
		outcome.rows += run(statement_text(source, script.statements[i].sql), i == script.count - 1, arg);
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

/* Closing the connection would roll it back, and nobody would know. */
static void
check_no_transaction(const EtlWarehouse *warehouse)
{
	if (warehouse_in_transaction(warehouse))
		ereport(ERROR, errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				errmsg("the script leaves a transaction open"),
				errdetail("What it did since its last BEGIN is rolled back."), errhint("End it with COMMIT."));
}

EtlScriptOutcome
script_run_on(EtlWarehouse *warehouse, const EtlScriptSource *source)
{
	EtlScriptOutcome outcome = script_run(source, remote_statement_run, warehouse);

	check_no_transaction(warehouse);
	return outcome;
}

struct EtlScriptRun
{
	EtlWarehouse *warehouse;
	const EtlScriptSource *source;
	EtlScript script;
	ScriptPlace place;
	bool running;		   /* the statement at the place is */
	MemoryContext context; /* of that statement; reset for each */
	EtlScriptOutcome outcome;
};

EtlScriptRun *
script_start_on(EtlWarehouse *warehouse, const EtlScriptSource *source)
{
	EtlScriptRun *run = palloc0(sizeof(EtlScriptRun));

	run->warehouse = warehouse;
	run->source = source;
	run->place = (ScriptPlace){.source = source, .script = &run->script, .statement = -1};
	run->context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl statement", ALLOCSET_SMALL_SIZES);
	return run;
}

static void
start_next_statement(EtlScriptRun *run)
{
	MemoryContext outer;

	MemoryContextReset(run->context);
	outer = MemoryContextSwitchTo(run->context);
	run->place.statement++;
	warehouse_execute_start(run->warehouse,
							statement_text(run->source, run->script.statements[run->place.statement].sql));
	run->running = true;
	MemoryContextSwitchTo(outer);
}

/* The statement that runs, to its end. */
static bool
poll_statement(EtlScriptRun *run, EtlWait *wait)
{
	MemoryContext outer = MemoryContextSwitchTo(run->context);
	bool ended = warehouse_execute_poll(run->warehouse, wait);
	const EtlRemoteError *error = NULL;
	int64 rows;

	if (ended)
	{
		error = warehouse_execute_end(run->warehouse, &rows);
		if (error != NULL)
			warehouse_error_raise(error);
		run->running = false;
		run->outcome.rows += rows;
		run->outcome.statements++;
	}
	MemoryContextSwitchTo(outer);
	return ended;
}

static bool
poll_script(EtlScriptRun *run, EtlWait *wait)
{
	if (run->script.statements == NULL)
		script_split(run->source, &run->script);
	while (run->running || run->place.statement + 1 < run->script.count)
	{
		if (!run->running)
			start_next_statement(run);
		if (!poll_statement(run, wait))
			return false;
	}
	return true;
}

bool
script_poll(EtlScriptRun *run, EtlWait *wait, EtlScriptOutcome *outcome)
{
	ErrorContextCallback callback = {
		.previous = error_context_stack, .callback = script_error_callback, .arg = &run->place};
	bool ended;

	if (!warehouse_connect_poll(run->warehouse, wait))
		return false;
	error_context_stack = &callback;
	ended = poll_script(run, wait);
	error_context_stack = callback.previous;
	if (ended)
		check_no_transaction(run->warehouse);
	*outcome = run->outcome;
	return ended;
}

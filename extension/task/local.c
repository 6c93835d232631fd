/*
 * local.c
 *		Running translated statements on this server.
 *
 * A statement runs as the current user, with that user's search_path and schema redshift behind it. What a
 * translation looks like is nobody's business, and it may hold the credentials of a COPY: no error, and no notice in
 * the log, shows its text.
 */
#include "postgres.h"

#include "base/extension.h"
#include "catalog/namespace.h"
#include "catalog/pg_type_d.h"
#include "dialect/dialect.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "miscadmin.h"
#include "parser/parser.h"
#include "task/local.h"
#include "utils/builtins.h"
#include "utils/guc.h"

/* Drops rows, but keeps the number that a call answers, if it does. */
typedef struct CountReceiver
{
	DestReceiver pub;
	int64 count;
} CountReceiver;

static bool
count_receive(TupleTableSlot *slot, DestReceiver *self)
{
	CountReceiver *receiver = (CountReceiver *) self;

	if (slot->tts_tupleDescriptor->natts == 1 && TupleDescAttr(slot->tts_tupleDescriptor, 0)->atttypid == INT8OID)
	{
		bool isnull;
		Datum value = slot_getattr(slot, 1, &isnull);

		if (!isnull)
			receiver->count = DatumGetInt64(value);
	}
	return true;
}

static void
count_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
}

static void
count_shutdown(DestReceiver *self)
{
}

/* Whether a statement that is no query became a call of one of these: its row is no row of the statement's. */
static bool
is_translated_call(const char *sql)
{
	static const char *const calls[] = {"SELECT etl.load(", "SELECT etl.unload(", "SELECT etl.drop_table(",
										"SELECT etl.create_external_schema("};

	for (int i = 0; i < lengthof(calls); i++)
		if (strncmp(sql, calls[i], strlen(calls[i])) == 0)
			return true;
	return false;
}

void
local_session_open(EtlLocalSession *session, bool atomic, DestReceiver *rows)
{
	session->atomic = atomic;
	session->rows = rows;
	if (SPI_connect_ext(atomic ? 0 : SPI_OPT_NONATOMIC) != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

void
local_session_close(EtlLocalSession *session)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
}

/* Takes keys as COPY and UNLOAD can: they are in the translation. */
static bool
has_keys(const char *sql)
{
	return is_translated_call(sql) && strstr(sql, "\"credentials\"") != NULL;
}

static int
settings_enter(const char *sql)
{
	static const char explain[] = "auto_explain.log_min_duration";
	int nest_level = NewGUCNestLevel();

	/* It would log the statement as its plan's query text. The setting is not the user's to change, so it is ours. */
	if (has_keys(sql) && GetConfigOption(explain, true, false) != NULL)
		(void) set_config_option(explain, "-1", PGC_SUSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (!standard_conforming_strings)
		(void) set_config_option("standard_conforming_strings", "on", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
								 0, false);
	/* Redshift's: a date that is assigned to a text has one look, whatever the session's taste. */
	if (DateStyle != USE_ISO_DATES || DateOrder != DATEORDER_MDY)
		(void) set_config_option("DateStyle", "ISO, MDY", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	if (etl_extension_has_schema("redshift"))
		(void) set_config_option("search_path",
								 namespace_search_path[0] == '\0' ? "redshift"
																  : psprintf("%s, redshift", namespace_search_path),
								 PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	return nest_level;
}

/* Outermost while a statement runs: what is said meanwhile goes to the client whole, to the log without the text. */
static void
hide_context(void *arg)
{
	errhidecontext(true);
}

/*
 * Take SPI's own line out of the error's context: the last one, which quotes the statement. It is found by the
 * statement, since the words around it are in the user's language.
 */
static void
error_strip_statement(ErrorData *error, const char *sql)
{
	char *line = NULL;

	if (error->internalquery != NULL && strcmp(error->internalquery, sql) == 0)
	{
		error->internalquery = NULL;
		error->internalpos = 0;
	}
	if (error->context == NULL)
		return;
	for (char *at = strstr(error->context, sql); at != NULL; at = strstr(at + 1, sql))
		line = at;
	if (line == NULL)
		return;
	while (line > error->context && line[-1] != '\n')
		line--;
	if (line == error->context)
		error->context = NULL;
	else
		line[-1] = '\0';
}

/* Nothing is rolled back here: the error goes on, as it came but for the statement's text. */
static int
execute_hidden(const char *sql, DestReceiver *rows)
{
	SPIExecuteOptions options = {.dest = rows};
	ErrorContextCallback barrier = {.callback = hide_context};
	MemoryContext context = CurrentMemoryContext;
	int result = 0;

	PG_TRY();
	{
		ErrorContextCallback *outer = error_context_stack;

		/* The callers' own lines are added when the error is thrown again. */
		error_context_stack = &barrier;
		result = SPI_execute_extended(sql, &options);
		error_context_stack = outer;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		error_strip_statement(error, sql);
		ThrowErrorData(error);
	}
	PG_END_TRY();
	return result;
}

static int64
execute(EtlLocalSession *session, const char *sql)
{
	CountReceiver counter = {.pub = {.receiveSlot = count_receive,
									 .rStartup = count_startup,
									 .rShutdown = count_shutdown,
									 .rDestroy = count_shutdown,
									 .mydest = DestTuplestore}};
	bool call = is_translated_call(sql);
	int nest_level = settings_enter(sql);
	int result = execute_hidden(sql, session->rows == NULL || call ? &counter.pub : session->rows);

	if (result < 0)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("the statement can't be run from a script"),
				result == SPI_ERROR_COPY ? errdetail("It copies from or to the client.")
										 : errdetail("SPI answers %s.", SPI_result_code_string(result)));
	AtEOXact_GUC(true, nest_level);
	return call ? counter.count : (int64) SPI_processed;
}

static void
transaction_end(EtlLocalSession *session, EtlStatementKind kind)
{
	const char *verb = kind == ETL_STATEMENT_COMMIT ? "COMMIT" : "ROLLBACK";

	if (session->atomic)
		ereport(ERROR, errcode(ERRCODE_INVALID_TRANSACTION_TERMINATION), errmsg("%s is not possible here", verb),
				errdetail("The script runs inside a transaction that is not its own."),
				errhint("Leave it out, or run the script by a CALL that is not in a transaction block."));
	if (kind == ETL_STATEMENT_COMMIT)
		SPI_commit();
	else
		SPI_rollback();
}

int64
local_statement_run(const char *sql, bool last, void *arg)
{
	EtlLocalSession *session = arg;
	EtlTranslation translation;
	EtlError error;

	if (!dialect_translate(sql, &translation, &error))
		etl_error_raise(&error);
	switch (translation.kind)
	{
		case ETL_STATEMENT_NOTHING:
		case ETL_STATEMENT_BEGIN: /* there always is a transaction */
			return 0;
		case ETL_STATEMENT_COMMIT:
			/* Last of all it says what is going to happen anyway. */
			if (!last)
				transaction_end(session, translation.kind);
			return 0;
		case ETL_STATEMENT_ROLLBACK:
			transaction_end(session, translation.kind);
			return 0;
		case ETL_STATEMENT_OTHER:
			break;
	}
	return execute(session, translation.sql);
}

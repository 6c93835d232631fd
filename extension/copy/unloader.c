/*
 * unloader.c
 *		etl.unload: a query's rows into files.
 *
 * The executor pushes each row to the receiver here, which renders it as Redshift would and passes it on to the
 * files. Settings that change how values look are pinned for the run.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "copy/history.h"
#include "copy/query.h"
#include "copy/secrets.h"
#include "copy/target.h"
#include "fmgr.h"
#include "format/delimited.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

typedef struct Unloader
{
	DestReceiver base;
	const EtlUnloadOptions *options;
	EtlUnloadTarget *target;
	EtlDelimitedOptions dialect;
	FmgrInfo *output; /* a column's output function */
	EtlField *fields;
	StringInfoData row;
	MemoryContext context;
	MemoryContext row_context;
} Unloader;

PG_FUNCTION_INFO_V1(pg_etl_unload);

/* Files are UTF-8 whatever the database's encoding is. */
static EtlField
field_of_text(char *text)
{
	EtlField field = {0};
	int len = strlen(text);

	field.data = pg_server_to_any(text, len, PG_UTF8);
	field.len = field.data == text ? len : strlen(field.data);
	return field;
}

static void
unloader_write_row(Unloader *unloader, int column_count)
{
	resetStringInfo(&unloader->row);
	delimited_row_write(&unloader->row, &unloader->dialect, unloader->fields, column_count);
}

/* FORCE_QUOTE, of columns of the query. */
static void
unloader_force_quotes(Unloader *unloader, TupleDesc tupdesc)
{
	bool *forced = palloc0(tupdesc->natts * sizeof(bool));
	ListCell *lc;

	foreach (lc, unloader->options->force_quote)
	{
		const char *name = lfirst(lc);
		bool found = false;

		for (int i = 0; i < tupdesc->natts; i++)
			if (strcmp(name, "*") == 0 || strcmp(name, NameStr(TupleDescAttr(tupdesc, i)->attname)) == 0)
				forced[i] = found = true;
		if (!found)
			ereport(ERROR, errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					errmsg("column \"%s\" of option \"force_quote\" is not unloaded", name));
	}
	unloader->dialect.force_quote = forced;
	unloader->dialect.force_count = tupdesc->natts;
}

static void
unloader_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	Unloader *unloader = (Unloader *) self;
	MemoryContext old = MemoryContextSwitchTo(unloader->context);

	unloader->output = palloc(tupdesc->natts * sizeof(FmgrInfo));
	unloader->fields = palloc0(tupdesc->natts * sizeof(EtlField));
	initStringInfo(&unloader->row);
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Oid function;
		bool is_varlena;

		getTypeOutputInfo(TupleDescAttr(tupdesc, i)->atttypid, &function, &is_varlena);
		fmgr_info(function, &unloader->output[i]);
		unloader->fields[i] = field_of_text(NameStr(TupleDescAttr(tupdesc, i)->attname));
	}
	if (unloader->options->header)
		unloader_write_row(unloader, tupdesc->natts);
	unloader_force_quotes(unloader, tupdesc); /* the header has none of them */
	unload_target_start(unloader->target, unloader->row.data, unloader->row.len);
	MemoryContextSwitchTo(old);
}

static bool
unloader_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Unloader *unloader = (Unloader *) self;
	MemoryContext old = MemoryContextSwitchTo(unloader->row_context);
	int column_count = slot->tts_tupleDescriptor->natts;

	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(unloader->row_context);
	slot_getallattrs(slot);
	for (int i = 0; i < column_count; i++)
	{
		if (slot->tts_isnull[i])
			unloader->fields[i] = (EtlField){.is_null = true};
		else
			unloader->fields[i] = field_of_text(OutputFunctionCall(&unloader->output[i], slot->tts_values[i]));
	}
	unloader_write_row(unloader, column_count);
	unload_target_write(unloader->target, unloader->row.data, unloader->row.len);
	MemoryContextSwitchTo(old);
	return true;
}

static void
unloader_shutdown(DestReceiver *self)
{
	Unloader *unloader = (Unloader *) self;
	MemoryContext old = MemoryContextSwitchTo(unloader->context);

	unload_target_finish(unloader->target);
	MemoryContextSwitchTo(old);
}

static void
unloader_destroy(DestReceiver *self)
{
}

static void
unloader_set_dialect(Unloader *unloader)
{
	const EtlUnloadOptions *options = unloader->options;
	EtlError error;

	unloader->dialect.delimiter = options->delimiter;
	unloader->dialect.delimiter_len = strlen(options->delimiter);
	unloader->dialect.quote = options->format == ETL_COPY_CSV ? options->csv_quote : '\0';
	unloader->dialect.escape = options->format == ETL_COPY_CSV ? options->csv_escape
							   : options->escape || options->postgres ? '\\'
																	  : '\0';
	unloader->dialect.postgres = options->postgres;
	unloader->dialect.surrounding_quotes = options->add_quotes;
	unloader->dialect.null_string = options->null;
	unloader->dialect.null_len = strlen(options->null);
	if (!delimited_options_check(&unloader->dialect, &error))
		etl_error_raise(&error);
}

static void
pin_setting(const char *name, const char *value)
{
	(void) set_config_option(name, value, PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
}

static uint64
unloader_run(Unloader *unloader, const char *query)
{
	int guc_level = NewGUCNestLevel();
	uint64 rows;

	if (!unloader->options->postgres)
	{
		/* As Redshift writes values. DateStyle's other half, how dates are read, stays the session's. */
		pin_setting("DateStyle", "ISO");
		pin_setting("IntervalStyle", "postgres");
		pin_setting("extra_float_digits", "1");
		pin_setting("bytea_output", "hex");
	}
	rows = copy_query_run(query, &unloader->base);
	AtEOXact_GUC(true, guc_level);
	return rows;
}

static int64
unload(EtlTransfer *transfer, Jsonb *given)
{
	EtlUnloadOptions options;
	Unloader unloader = {.base = {unloader_receive, unloader_startup, unloader_shutdown, unloader_destroy, DestNone}};
	MemoryContext old;

	copy_unload_options_read(transfer->format, given, &options);
	unloader.options = &options;
	unloader.context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl unload", ALLOCSET_DEFAULT_SIZES);
	unloader.row_context = AllocSetContextCreate(unloader.context, "pg_etl unload row", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(unloader.context);
	unloader_set_dialect(&unloader);
	unloader.target = unload_target_open(transfer->uri, &options);
	transfer->rows = (int64) unloader_run(&unloader, transfer->subject);
	MemoryContextSwitchTo(old);

	transfer->bytes = (int64) unload_target_bytes(unloader.target);
	transfer->files = unload_target_file_count(unloader.target);
	transfer->status = "unloaded";
	unload_history_add(transfer);
	MemoryContextDelete(unloader.context);
	return transfer->rows;
}

Datum
pg_etl_unload(PG_FUNCTION_ARGS)
{
	Jsonb *options = PG_GETARG_JSONB_P(3);
	List *secrets = copy_secrets_get(options);
	EtlTransfer transfer = {.started_at = clock_now()};
	MemoryContext context = CurrentMemoryContext;
	int64 rows;

	transfer.subject = text_to_cstring(PG_GETARG_TEXT_PP(0));
	transfer.uri = text_to_cstring(PG_GETARG_TEXT_PP(1));
	transfer.format = text_to_cstring(PG_GETARG_TEXT_PP(2));
	PG_TRY();
	{
		rows = unload(&transfer, options);
	}
	PG_CATCH();
	{
		copy_secrets_rethrow(secrets, context);
	}
	PG_END_TRY();
	PG_RETURN_INT64(rows);
}

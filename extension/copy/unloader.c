/*
 * unloader.c
 *		etl.unload: a query's rows into files.
 *
 * The executor pushes each row to the receiver here, which has it written into the buffer of the file that it belongs in.
 * Settings that change how values look are pinned for the run. The run is in a subtransaction: when it fails that is rolled back,
 * and only then the failure is written down, by a process that must not find locks of ours.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "copy/history.h"
#include "copy/partitions.h"
#include "copy/query.h"
#include "copy/row_writer.h"
#include "copy/secrets.h"
#include "copy/target.h"
#include "copy/unload_failure.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/resowner.h"

typedef struct Unloader
{
	DestReceiver base;
	const EtlUnloadOptions *options;
	EtlUnloadTarget *target;
	EtlRowWriter *writer;
	EtlUnloadSeries *series;   /* all rows go there; NULL: to partitions */
	EtlPartitions *partitions;
	MemoryContext context;
	MemoryContext row_context;
	bool begun; /* all is right with the statement: it is one that has been tried */
} Unloader;

PG_FUNCTION_INFO_V1(pg_etl_unload);

static void
unloader_startup(DestReceiver *self, int operation, TupleDesc tupdesc)
{
	Unloader *unloader = (Unloader *) self;
	const EtlUnloadOptions *options = unloader->options;
	MemoryContext old = MemoryContextSwitchTo(unloader->context);
	bool *partition_by = partition_columns(options, tupdesc);
	StringInfoData header;

	unloader->writer = row_writer_create(options, tupdesc, options->include ? NULL : partition_by);
	initStringInfo(&header);
	if (options->header)
		row_writer_header(unloader->writer, &header);
	unloader->begun = true;
	unload_target_start(unloader->target, header.data, header.len);
	if (partition_by != NULL)
		unloader->partitions = partitions_create(unloader->target, options, tupdesc, unloader->writer);
	else
		unloader->series = unload_series_open(unloader->target, "");
	MemoryContextSwitchTo(old);
}

static bool
unloader_receive(TupleTableSlot *slot, DestReceiver *self)
{
	Unloader *unloader = (Unloader *) self;
	MemoryContext old = MemoryContextSwitchTo(unloader->row_context);

	CHECK_FOR_INTERRUPTS();
	MemoryContextReset(unloader->row_context);
	slot_getallattrs(slot);
	if (unloader->partitions != NULL)
		partitions_write(unloader->partitions, slot);
	else
	{
		row_writer_write(unloader->writer, slot, unload_series_row(unloader->series));
		unload_series_row_end(unloader->series);
	}
	MemoryContextSwitchTo(old);
	return true;
}

static void
unloader_shutdown(DestReceiver *self)
{
	Unloader *unloader = (Unloader *) self;
	MemoryContext old = MemoryContextSwitchTo(unloader->context);

	if (unloader->partitions != NULL)
		partitions_finish(unloader->partitions);
	else
		unload_series_close(unloader->series);
	unload_target_finish(unloader->target, row_writer_columns(unloader->writer));
	MemoryContextSwitchTo(old);
}

static void
unloader_destroy(DestReceiver *self)
{
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

static void
unloader_unload(Unloader *unloader, EtlTransfer *transfer, const EtlTransferSession *session, List *secrets)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		transfer->rows = (int64) unloader_run(unloader, transfer->subject);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		if (unloader->begun)
			unload_failure_write(transfer, session, copy_secrets_blot(error->message, secrets),
								 error->sqlerrcode == ERRCODE_QUERY_CANCELED);
		ReThrowError(error);
	}
	PG_END_TRY();
}

static int64
unload(EtlTransfer *transfer, Jsonb *given, List *secrets)
{
	EtlUnloadOptions options;
	EtlTransferSession session;
	Unloader unloader = {.base = {unloader_receive, unloader_startup, unloader_shutdown, unloader_destroy, DestNone}};
	MemoryContext old;

	copy_unload_options_read(transfer->format, given, &options);
	unloader.options = &options;
	unloader.context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl unload", ALLOCSET_DEFAULT_SIZES);
	unloader.row_context = AllocSetContextCreate(unloader.context, "pg_etl unload row", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(unloader.context);
	unloader.target = unload_target_open(transfer->uri, &options);
	unload_history_begin(&session);
	unloader_unload(&unloader, transfer, &session, secrets);
	MemoryContextSwitchTo(old);

	transfer->file_list = unload_target_files(unloader.target, &transfer->files);
	for (int i = 0; i < transfer->files; i++)
		transfer->bytes += transfer->file_list[i].bytes;
	transfer->status = "unloaded";
	unload_history_add(transfer, &session);
	unload_failure_expect(transfer, &session, secrets);
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
		rows = unload(&transfer, options, secrets);
	}
	PG_CATCH();
	{
		copy_secrets_rethrow(secrets, context);
	}
	PG_END_TRY();
	PG_RETURN_INT64(rows);
}

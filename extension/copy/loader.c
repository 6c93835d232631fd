/*
 * loader.c
 *		etl.load: files into a table, what COPY calls.
 *
 * Batches of records come from the feed; rows go to the insert; what is rejected on the way is kept. Where a row can
 * still be refused on its way in (by a constraint, a trigger, an input function) and the load is to go on after that, a
 * batch is put in a subtransaction: if one of its rows is refused it is rolled back, and put again in two parts, until the
 * row is alone.
 *
 * The whole load is in a subtransaction, too: when it fails the table is as it was, and only then the rejected records
 * are written down, and the error goes on its way.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "base/clock.h"
#include "base/compat.h"
#include "commands/copy.h"
#include "copy/complete.h"
#include "copy/feed.h"
#include "copy/history.h"
#include "copy/insert.h"
#include "copy/load_code.h"
#include "copy/load_error.h"
#include "copy/progress.h"
#include "copy/record_reader.h"
#include "copy/secrets.h"
#include "copy/shown_text.h"
#include "copy/where.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/resowner.h"

#define SHOWN_VALUE_BYTES 100 /* of a value in an error, as COPY shows */
#define MAX_PATHS_SIZE (4 * 1024 * 1024)

typedef struct Loader
{
	EtlTransfer *transfer;
	EtlLoadOptions options;
	Relation rel;
	EtlLoadPlan *plan;
	EtlLoadSource *source;
	EtlLoadFeed *feed;
	EtlInsert *insert; /* NULL: NOLOAD */
	EtlCompletion *completion;
	EtlWhere *where; /* NULL: all rows are loaded */
	TupleTableSlot *slot; /* NOLOAD */
	ExprContext *expressions;
	EtlLoadErrors *errors; /* NULL: it hasn't begun */
	ResourceOwner owner;   /* outside of the load's subtransaction */
	List *secrets;		   /* that the statement brought */
	int64 *file_rows;	   /* records found in each file */
	EtlLoadProgress progress;
	int64 most_errors; /* it fails with so many */
	bool goes_on;	   /* after errors */
	bool may_fail;	   /* a row that is read may still be refused */
	const EtlBatch *batch;
	EtlBatchItem *items;	  /* of the batch */
	const EtlBatchItem *item; /* that is completed; NULL: none */
	int column;				  /* of it that is read; -1: none */
	const EtlBatchText *text;
	int64 checked; /* NOLOAD: rows */
	bool failing;  /* the error that is raised is about a record that has been rejected */
	MemoryContext context;
} Loader;

PG_FUNCTION_INFO_V1(pg_etl_load);

/* DETAIL: where it is, and what. */
static char *
error_place(const EtlLoadError *error)
{
	StringInfoData out;

	initStringInfo(&out);
	appendStringInfo(&out, "File \"%s\", line %lld", error->uri, (long long) error->line);
	if (error->column != NULL)
		appendStringInfo(&out, ", column \"%s\"", error->column);
	/* What isn't text can't be shown. */
	if (error->column != NULL && error->raw_value_len > 0 &&
		pg_verify_mbstr(PG_UTF8, error->raw_value, error->raw_value_len, true))
		appendStringInfo(&out, ": \"%s%s\"", shown_text(error->raw_value, error->raw_value_len, SHOWN_VALUE_BYTES),
						 error->raw_value_len > SHOWN_VALUE_BYTES ? "..." : "");
	appendStringInfoChar(&out, '.');
	return out.data;
}

/* A record is rejected. Raises when that was one too many. */
static void
loader_reject(Loader *loader, const EtlLoadError *error, int sqlstate)
{
	const char *hint = load_code_hint(error->code, error->column_length > 0);

	load_errors_add(loader->errors, error);
	if (load_errors_count(loader->errors) < loader->most_errors)
		return;
	loader->failing = true;
	if (loader->most_errors > 1)
		ereport(ERROR, errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				errmsg("load into table %s reached MAXERROR: %lld records were rejected",
					   loader->transfer->subject, (long long) loader->most_errors),
				errdetail("%s The last one was rejected for this: %s.", error_place(error), error->reason));
	ereport(ERROR, errcode(sqlstate), errmsg("%s", error->reason), errdetail("%s", error_place(error)),
			hint == NULL ? 0 : errhint("%s", hint));
}

static void
error_set_column(const Loader *loader, EtlLoadError *error, int column)
{
	if (column < 0)
		return;
	error->column = loader->plan->columns[column].name;
	error->type = loader->plan->columns[column].type.name;
	error->column_length = loader->plan->columns[column].type.max_bytes;
}

static void
error_of_item(const Loader *loader, int file, const EtlBatchItem *item, EtlLoadError *error)
{
	*error = (EtlLoadError){.uri = load_source_file(loader->source, file)->uri,
							.line = item->line,
							.position = -1,
							.raw_line = item->raw,
							.raw_line_len = item->raw_len};
}

/* The record's fields, read once more: all there are, or up to the column at fault. */
static void
error_set_fields(const Loader *loader, EtlLoadError *error, int column)
{
	EtlRecordReader *reader;
	EtlLoadErrorField *fields;
	EtlRecord record;
	EtlError ignored;

	if (!load_errors_wants_fields(loader->errors) || error->raw_line_len == 0)
		return;
	reader = record_reader_create_for_one(loader->plan);
	reader->feed(reader, error->raw_line, error->raw_line_len, true);
	if (reader->next(reader, &record, &ignored) == ETL_RECORD_ROW)
	{
		int count = Min(record.field_count, loader->plan->column_count);

		count = column < 0 ? count : Min(count, column + 1);
		fields = palloc0(count * sizeof(EtlLoadErrorField));
		for (int i = 0; i < count; i++)
		{
			const EtlLoadColumn *read = &loader->plan->columns[i];

			fields[i] = (EtlLoadErrorField){.column = read->name,
											.type = read->type.name,
											.length = read->type.max_bytes,
											.value = record.fields[i].is_null ? NULL : record.fields[i].data,
											.value_len = record.fields[i].len};
		}
		error->fields = fields;
		error->field_count = count;
	}
	/* the fields are the reader's: it goes with the load */
}

static void
reject_unread(Loader *loader, const EtlBatchItem *item)
{
	EtlLoadError error;
	char *reason = pnstrdup(item->reason, item->error.reason_len);

	error_of_item(loader, loader->batch->file, item, &error);
	error_set_column(loader, &error, item->error.column);
	error.position = item->error.position;
	error.raw_value = item->value;
	error.raw_value_len = item->error.value_len;
	error.code = item->error.code;
	error.reason = reason;
	error_set_fields(loader, &error, item->error.column);
	loader_reject(loader, &error, load_code_sqlstate(error.code, error.column_length > 0));
	pfree(reason);
}

/* What a row was refused for by the server, as a rejected record. */
static void
error_of_server(const Loader *loader, int file, const EtlBatchItem *item, const ErrorData *data,
				EtlLoadError *error)
{
	error_of_item(loader, file, item, error);
	if (item == loader->item && loader->column >= 0)
	{
		error_set_column(loader, error, loader->column);
		if (loader->text != NULL)
		{
			error->raw_value = batch_text(loader->text);
			error->raw_value_len = loader->text->len;
		}
		if (item->positions != NULL)
			error->position = item->positions[loader->column];
	}
	else
		for (int i = 0; data->column_name != NULL && i < loader->plan->column_count; i++)
			if (strcmp(loader->plan->columns[i].name, data->column_name) == 0)
				error_set_column(loader, error, i);
	error->code = load_code_of_sqlstate(data->sqlerrcode);
	error->reason = copy_secrets_blot(data->message, loader->secrets);
	error_set_fields(loader, error, item == loader->item ? loader->column : -1);
}

static void
loader_put(Loader *loader, const EtlBatchItem *item)
{
	EtlRowPlace place = {loader->batch->file, item - loader->items, item->line};
	TupleTableSlot *slot;
	ExprContext *context;
	bool wanted;

	CHECK_FOR_INTERRUPTS();
	if (loader->where == NULL && completion_is_needless(loader->completion, item))
	{
		HeapTupleData tuple = item->tuple;

		if (loader->insert != NULL)
			insert_put_tuple(loader->insert, &tuple, &place);
		else
			loader->checked++;
		return;
	}
	slot = loader->insert != NULL ? insert_slot(loader->insert) : ExecClearTuple(loader->slot);
	if (loader->insert == NULL)
		ResetExprContext(loader->expressions);
	context = loader->insert != NULL ? insert_context(loader->insert) : loader->expressions;
	loader->item = item;
	completion_fill(loader->completion, item, slot, context, &loader->column, &loader->text);
	ExecStoreVirtualTuple(slot);
	wanted = loader->where == NULL || where_holds(loader->where, slot, context);
	loader->item = NULL;
	if (wanted && loader->insert != NULL)
		insert_put(loader->insert, &place);
	else if (wanted)
		loader->checked++;
}

/* Put these items; false: one was refused, and it is as if none had been put. Then *data says why, *at which, or -1. */
static bool
put_together(Loader *loader, int first, int last, ErrorData **data, int *at)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	volatile int i = first;
	volatile bool done = false;

	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		if (loader->insert != NULL)
			insert_query_begin(loader->insert);
		for (; i < last; i++)
			if (loader->items[i].tuple.t_data != NULL)
				loader_put(loader, &loader->items[i]);
		if (loader->insert != NULL)
			insert_query_end(loader->insert);
		done = true;
	}
	PG_CATCH();
	{
		EtlRowPlace place;

		MemoryContextSwitchTo(context);
		*data = CopyErrorData();
		*at = loader->item != NULL ? i : -1;
		if (*at < 0 && loader->insert != NULL && insert_place(loader->insert, &place))
			*at = place.item;
		if (!load_code_is_of_row((*data)->sqlerrcode))
			PG_RE_THROW();
		FlushErrorState();
		RollbackAndReleaseCurrentSubTransaction();
	}
	PG_END_TRY();
	if (done)
		ReleaseCurrentSubTransaction();
	else if (loader->insert != NULL)
		insert_forget(loader->insert);
	MemoryContextSwitchTo(context);
	CurrentResourceOwner = owner;
	return done;
}

static void
put_in_subtransactions(Loader *loader, int first, int last)
{
	ErrorData *data;
	int at;

	if (first == last || put_together(loader, first, last, &data, &at))
		return;
	if (last - first == 1 || at >= 0)
	{
		EtlLoadError error;

		at = at < 0 ? first : at;
		error_of_server(loader, loader->batch->file, &loader->items[at], data, &error);
		loader->item = NULL;
		loader->column = -1;
		/* what comes before it is put first: errors are in the order of their lines */
		put_in_subtransactions(loader, first, at);
		loader_reject(loader, &error, data->sqlerrcode);
		FreeErrorData(data);
		put_in_subtransactions(loader, at + 1, last);
		return;
	}
	FreeErrorData(data);
	put_in_subtransactions(loader, first, first + (last - first) / 2);
	put_in_subtransactions(loader, first + (last - first) / 2, last);
}

/* Records that are wrong as they stand are rejected; the others are left. How many of those need an input function. */
static int
loader_look_at_batch(Loader *loader)
{
	const char *cursor = batch_rows(loader->batch);
	int texts = 0;

	for (int i = 0; i < loader->batch->rows; i++)
	{
		EtlBatchItem *item = &loader->items[i];

		cursor = batch_item(cursor, item);
		texts += item->text_count > 0;
		if (item->tuple.t_data == NULL)
			reject_unread(loader, item);
	}
	return texts;
}

static void
loader_take_batch(Loader *loader)
{
	int texts = loader_look_at_batch(loader);

	loader->file_rows[loader->batch->file] += loader->batch->rows;

	if (loader->goes_on && (loader->may_fail || texts > 0))
	{
		put_in_subtransactions(loader, 0, loader->batch->rows);
		return;
	}
	if (loader->goes_on && loader->insert != NULL)
		insert_query_begin(loader->insert);
	for (int i = 0; i < loader->batch->rows; i++)
		if (loader->items[i].tuple.t_data != NULL)
			loader_put(loader, &loader->items[i]);
	if (loader->goes_on && loader->insert != NULL)
		insert_query_end(loader->insert);
}

static void
loader_show_progress(const Loader *loader)
{
	int64 rows = loader->insert != NULL ? (int64) insert_count(loader->insert) : loader->checked;

	load_progress_update(&loader->progress, (int64) load_feed_bytes(loader->feed), rows,
						 load_errors_count(loader->errors), load_feed_files(loader->feed));
}

static void
loader_take_all(Loader *loader)
{
	/* a load that goes on after errors has a query a batch */
	if (!loader->goes_on && loader->insert != NULL)
		insert_query_begin(loader->insert);
	while ((loader->batch = load_feed_next(loader->feed)) != NULL)
	{
		loader_show_progress(loader);
		loader_take_batch(loader);
	}
	load_feed_end(loader->feed);
	if (loader->insert == NULL)
	{
		loader->transfer->rows = loader->checked;
		ExecDropSingleTupleTableSlot(loader->slot);
		FreeExprContext(loader->expressions, true);
		return;
	}
	if (loader->goes_on)
		insert_query_begin(loader->insert);
	loader->transfer->rows = (int64) insert_end(loader->insert);
	/* so that what runs next in this statement sees the rows */
	CommandCounterIncrement();
}

/* Redshift's rule: who has EXPLICIT_IDS has them in the files. */
static void
check_ids_listed(TupleDesc tupdesc, List *attnums)
{
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

		if (attr->attidentity && !attr->attisdropped && !list_member_int(attnums, attr->attnum))
			ereport(ERROR, errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					errmsg("EXPLICIT_IDS needs identity column \"%s\" in the column list", NameStr(attr->attname)));
	}
}

/* The columns a load fills: those asked for, or all but generated ones and, without EXPLICIT_IDS or in COPY, identity columns. */
static List *
columns_choose(Relation rel, const EtlLoadOptions *options)
{
	TupleDesc tupdesc = RelationGetDescr(rel);
	bool with_ids = options->explicit_ids || options->postgres;
	List *names = NIL;
	List *attnums;
	ListCell *lc;

	foreach (lc, options->columns)
		names = lappend(names, makeString(lfirst(lc)));
	if (names == NIL)
		for (int i = 0; i < tupdesc->natts; i++)
		{
			Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

			if (attr->attisdropped || attr->attgenerated || (attr->attidentity && !with_ids))
				continue;
			names = lappend(names, makeString(pstrdup(NameStr(attr->attname))));
		}
	if (names == NIL)
		ereport(ERROR, errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				errmsg("table \"%s\" has no column that a load could fill", RelationGetRelationName(rel)));
	attnums = CopyGetAttnums(tupdesc, rel, names);
	if (options->explicit_ids)
		check_ids_listed(tupdesc, attnums);
	foreach (lc, attnums)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, lfirst_int(lc) - 1);

		if (attr->attidentity == ATTRIBUTE_IDENTITY_ALWAYS && !with_ids)
			ereport(ERROR, errcode(ERRCODE_GENERATED_ALWAYS),
					errmsg("column \"%s\" is an identity column", NameStr(attr->attname)),
					errhint("Leave it out of the column list, or use EXPLICIT_IDS."));
	}
	return attnums;
}

static int64
errors_allowed(const EtlLoadOptions *options)
{
	return options->ignore_all_errors ? PG_INT64_MAX : Max(options->max_error, 1);
}

static void
loader_open_insert(Loader *loader, List *attnums)
{
	if (loader->options.no_load)
	{
		loader->slot = MakeSingleTupleTableSlot(RelationGetDescr(loader->rel), &TTSOpsVirtual);
		loader->expressions = CreateStandaloneExprContext();
		return;
	}
	loader->insert = insert_begin(loader->rel, attnums, loader->options.freeze);
	loader->may_fail |= insert_may_fail(loader->insert);
	if (completion_is_volatile(loader->completion) ||
		(loader->where != NULL && where_is_volatile(loader->where)))
		insert_one_by_one(loader->insert);
	if (loader->options.postgres)
		loader->may_fail |= insert_refuses_null(loader->insert);
	else if (list_length(attnums) == RelationGetDescr(loader->rel)->natts)
		insert_assume_not_null(loader->insert);
	if (loader->goes_on && insert_has_transition_table(loader->insert))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("loading into table %s with MAXERROR is not supported", loader->transfer->subject),
				errdetail("It has a trigger with a transition table, which is to see all rows together."),
				errhint("Load without MAXERROR, or into another table."));
}

/* All is right with the statement: from here on the load is one that has been tried, and keeps what it rejects. */
static void
loader_begin(Loader *loader)
{
	ResourceOwner current = CurrentResourceOwner;

	loader->transfer->id = load_history_begin();
	/* not the subtransaction's */
	CurrentResourceOwner = loader->owner;
	loader->errors = load_errors_create(loader->transfer->id);
	CurrentResourceOwner = current;
}

static void
loader_open(Loader *loader, List *attnums)
{
	const EtlLoadOptions *options = &loader->options;

	shown_text_prepare();
	insert_check(loader->rel, attnums);
	loader->most_errors = errors_allowed(options);
	loader->goes_on = loader->most_errors > 1;
	loader->column = -1;
	loader->plan = load_plan_make(loader->rel, attnums, options);
	loader->source = load_source_open(loader->transfer->uri, options);
	if (options->paths != NULL)
		loader->plan->path_text = load_source_text(loader->source, options->paths, MAX_PATHS_SIZE);
	record_reader_check(loader->plan);
	if (options->where != NULL)
		loader->where = where_create(loader->rel, options->where);
	loader_begin(loader);
	loader->completion = completion_create(loader->rel, loader->plan);
	loader->may_fail = completion_may_fail(loader->completion) || loader->where != NULL;
	loader_open_insert(loader, attnums);
	loader->plan->keep_raw = loader->may_fail;
	loader->items = palloc(ETL_BATCH_ROWS * sizeof(EtlBatchItem));
	loader->transfer->bytes = (int64) load_source_bytes(loader->source);
	loader->transfer->files = load_source_file_count(loader->source);
	loader->file_rows = MemoryContextAllocHuge(CurrentMemoryContext, loader->transfer->files * sizeof(int64));
	memset(loader->file_rows, 0, loader->transfer->files * sizeof(int64));
	loader->feed = load_feed_begin(loader->plan, loader->source);
	loader->progress = (EtlLoadProgress){.table = loader->transfer->table,
										 .load_id = loader->transfer->id,
										 .started_at = loader->transfer->started_at,
										 .bytes_total = loader->transfer->bytes,
										 .files_total = loader->transfer->files};
	load_progress_begin(&loader->progress);
}

static void
loader_run(Loader *loader, Oid relid)
{
	int guc_level = NewGUCNestLevel();
	List *attnums;

	/* What a date like 01/02/2008 means must not depend on who loads it. */
	if (!loader->options.postgres)
		(void) set_config_option("DateStyle", "ISO, MDY", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true,
								 0, false);
	loader->rel = table_open(relid, RowExclusiveLock);
	attnums = columns_choose(loader->rel, &loader->options);
	loader_open(loader, attnums);
	loader_take_all(loader);
	load_progress_end();
	table_close(loader->rel, NoLock);
	AtEOXact_GUC(true, guc_level);
}

/* While an error is handled, before what it left behind is rolled back: which record it is about, if about one. */
static void
loader_blame(Loader *loader, ErrorData *data)
{
	const EtlBatchItem *item = loader->item;
	EtlBatchItem nowhere = {0};
	EtlRowPlace place;
	EtlLoadError error;
	int file;

	if (loader->errors == NULL || loader->failing || !load_code_is_of_row(data->sqlerrcode))
		return;
	if (item != NULL)
		file = loader->batch->file;
	else
	{
		if (loader->insert == NULL || !insert_place(loader->insert, &place))
			return;
		/* rows are put together: its batch may be gone */
		nowhere.line = place.line;
		nowhere.raw = "";
		file = place.file;
		item = loader->batch != NULL && place.file == loader->batch->file &&
					   place.item < loader->batch->rows && loader->items[place.item].line == place.line
				   ? &loader->items[place.item]
				   : &nowhere;
	}
	error_of_server(loader, file, item, data, &error);
	load_errors_add(loader->errors, &error);
	data->detail =
		data->detail == NULL ? error_place(&error) : psprintf("%s %s", error_place(&error), data->detail);
}

/* The load has failed and was rolled back: what it rejected is written down, and the error raised again. */
static void
pg_attribute_noreturn() loader_fail(Loader *loader, ErrorData *data)
{
	EtlTransfer *transfer = loader->transfer;

	if (loader->errors == NULL)
		ReThrowError(data);
	transfer->status = "failed";
	transfer->message = copy_secrets_blot(data->message, loader->secrets);
	transfer->rows = 0;
	transfer->rejected = load_errors_count(loader->errors);
	if (load_errors_write(loader->errors, transfer->table, transfer, data->sqlerrcode == ERRCODE_QUERY_CANCELED) && transfer->rejected > 0)
		data->hint = psprintf("%s%s%s", data->hint == NULL ? "" : data->hint, data->hint == NULL ? "" : " ",
							  load_errors_hint(loader->errors));
	ReThrowError(data);
}

static void
loader_load(Loader *loader, Oid relid)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;

	if (loader->options.freeze)
	{
		Relation rel = table_open(relid, RowExclusiveLock);

		insert_check_freeze(rel);
		table_close(rel, NoLock);
	}
	loader->owner = owner;
	BeginInternalSubTransaction(NULL);
	MemoryContextSwitchTo(context);
	PG_TRY();
	{
		loader_run(loader, relid);
		ReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *data;

		MemoryContextSwitchTo(context);
		data = CopyErrorData();
		FlushErrorState();
		loader_blame(loader, data);
		RollbackAndReleaseCurrentSubTransaction();
		MemoryContextSwitchTo(context);
		CurrentResourceOwner = owner;
		loader_fail(loader, data);
	}
	PG_END_TRY();
}

static const EtlTransferFile *
loader_files(const Loader *loader)
{
	int count = loader->transfer->files;
	EtlTransferFile *list = MemoryContextAllocHuge(CurrentMemoryContext, count * sizeof(EtlTransferFile));

	for (int i = 0; i < count; i++)
	{
		const EtlLoadFile *file = load_source_file(loader->source, i);

		list[i] =
			(EtlTransferFile){.uri = file->uri, .rows = loader->file_rows[i], .bytes = (int64) file->size};
	}
	return list;
}

/* As SQL writes it. Who gives a number, or the table of a transaction that drops it, may give one that isn't there. */
static char *
table_name(Oid relid)
{
	const char *schema = get_namespace_name(get_rel_namespace(relid));
	const char *name = get_rel_name(relid);

	if (schema == NULL || name == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("there is no table with OID %u", relid));
	return quote_qualified_identifier(schema, name);
}

static int64
load(Oid relid, EtlTransfer *transfer, Jsonb *given)
{
	Loader loader = {.transfer = transfer, .secrets = copy_secrets_get(given)};
	MemoryContext old;

	copy_load_options_read(transfer->format, given, &loader.options);
	transfer->table = relid;
	transfer->subject = table_name(relid);
	transfer->status = loader.options.no_load ? "checked" : "loaded";
	loader.context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl load", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(loader.context);
	loader_load(&loader, relid);
	transfer->rejected = load_errors_count(loader.errors);
	transfer->file_list = loader_files(&loader);
	if (transfer->rejected > 0)
		(void) load_errors_write(loader.errors, relid, NULL, false);
	load_history_add(transfer);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(loader.context);
	return transfer->rows;
}

Datum
pg_etl_load(PG_FUNCTION_ARGS)
{
	Jsonb *options = PG_GETARG_JSONB_P(3);
	List *secrets = copy_secrets_get(options);
	EtlTransfer transfer = {.started_at = clock_now()};
	MemoryContext context = CurrentMemoryContext;
	int64 rows;

	transfer.uri = text_to_cstring(PG_GETARG_TEXT_PP(1));
	transfer.format = text_to_cstring(PG_GETARG_TEXT_PP(2));
	PG_TRY();
	{
		rows = load(PG_GETARG_OID(0), &transfer, options);
	}
	PG_CATCH();
	{
		copy_secrets_rethrow(secrets, context);
	}
	PG_END_TRY();
	PG_RETURN_INT64(rows);
}

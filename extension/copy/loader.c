/*
 * loader.c
 *		etl.load: files into a table.
 *
 * The rows of the files, with Redshift's conversions done, are fed to PostgreSQL's own COPY as clean text: triggers,
 * defaults, constraints, partitions, indexes and progress are then its code, not a copy of it. It asks for data with
 * a callback that has no argument; each call gives it (a piece of) one row, so that the line it counts can be set to
 * the source's. Over several files lines are counted on, and the file is found again from the line.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "base/clock.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "commands/copyfrom_internal.h"
#include "copy/convert.h"
#include "copy/load_error.h"
#include "copy/rows.h"
#include "copy/secrets.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/rls.h"

#define SHOWN_VALUE_BYTES 100 /* of a value in an error, as COPY shows */

typedef struct Loader
{
	const EtlLoadOptions *options;
	EtlLoadSource *source;
	EtlLoadRows *rows;
	EtlLoadColumn *columns;
	int column_count;
	EtlTransfer *transfer;
	EtlLoadErrors *errors;
	List *secrets;
	EtlRecord record; /* the last */
	const EtlLoadColumn *column; /* that is converted; NULL: none */
	const EtlField *field;		 /* its field */
	CopyFromState copy;
	StringInfoData row; /* as COPY text */
	int row_sent;
	bool in_copy; /* the last error report came from inside the copy of a row */
	MemoryContext context;
	MemoryContext row_context;
} Loader;

/* The load whose COPY is asking for data; the callback has no argument. A trigger may start another load. */
static Loader *current_loader = NULL;

PG_FUNCTION_INFO_V1(pg_etl_load);

static void
row_append(StringInfo row, const EtlField *field)
{
	if (field->is_null)
	{
		appendStringInfoString(row, "\\N");
		return;
	}
	for (uint32 i = 0; i < field->len; i++)
	{
		char c = field->data[i];
		const char *escaped = c == '\\' ? "\\\\" : c == '\n' ? "\\n" : c == '\r' ? "\\r" : c == '\t' ? "\\t" : NULL;

		if (escaped != NULL)
			appendBinaryStringInfo(row, escaped, 2);
		else
			appendStringInfoCharMacro(row, c);
	}
}

static void
row_check_count(const Loader *loader, const EtlRecord *row)
{
	if (row->field_count > loader->column_count)
		ereport(ERROR, errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				errmsg("extra columns: the row has %d fields for %d columns", row->field_count,
					   loader->column_count),
				errhint("Check the delimiter and the column list."));
	if (row->field_count < loader->column_count && !loader->options->fill_record)
		ereport(ERROR, errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				errmsg("missing columns: the row has %d fields for %d columns", row->field_count,
					   loader->column_count),
				errhint("Check the delimiter and the column list, or use FILLRECORD."));
}

/* Convert the next row into loader->row; false after the last. */
static bool
loader_next_row(Loader *loader)
{
	static const EtlField missing = {.data = "", .len = 0};
	EtlRecord *row = &loader->record;
	MemoryContext old;

	*row = (EtlRecord){.code = ETL_LOAD_OK};
	if (!load_rows_next(loader->rows, row))
		return false;
	loader->copy->cur_lineno = load_rows_line(loader->rows);
	MemoryContextReset(loader->row_context);
	old = MemoryContextSwitchTo(loader->row_context);
	row_check_count(loader, row);
	resetStringInfo(&loader->row);
	for (int i = 0; i < loader->column_count; i++)
	{
		EtlField converted;

		loader->column = &loader->columns[i];
		loader->field = i < row->field_count ? &row->fields[i] : &missing;
		converted = load_field_convert(loader->column, loader->options, loader->field);
		if (i > 0)
			appendStringInfoCharMacro(&loader->row, '\t');
		row_append(&loader->row, &converted);
	}
	loader->column = NULL;
	appendStringInfoCharMacro(&loader->row, '\n');
	loader->row_sent = 0;
	MemoryContextSwitchTo(old);
	return true;
}

static int
loader_give_data(void *outbuf, int minread, int maxread)
{
	Loader *loader = current_loader;
	MemoryContext old = MemoryContextSwitchTo(loader->context);
	int n;

	CHECK_FOR_INTERRUPTS();
	if (loader->row_sent == loader->row.len && !loader_next_row(loader))
		n = 0;
	else
	{
		n = Min(maxread, loader->row.len - loader->row_sent);
		memcpy(outbuf, loader->row.data + loader->row_sent, n);
		loader->row_sent += n;
	}
	MemoryContextSwitchTo(old);
	return n;
}

/*
 * Called as an error is reported: COPY's own callback being on the stack tells an error about a row from one that
 * comes after the rows, such as a foreign key's.
 */
static void
loader_error_callback(void *arg)
{
	Loader *loader = arg;
	ErrorContextCallback *frame = error_context_stack;

	while (frame != NULL && (frame->callback != CopyFromErrorCallback || frame->arg != loader->copy))
		frame = frame->previous;
	loader->in_copy = frame != NULL;
}

/* DETAIL: the place in the source, then what the error itself says. */
static char *
loader_error_detail(Loader *loader, const char *detail)
{
	int64 line = (int64) loader->copy->cur_lineno;
	int64 before;
	const EtlLoadFile *file = load_rows_file(loader->rows, line, &before);
	const char *column = loader->copy->cur_attname;
	const char *value = loader->copy->cur_attval;
	int len = value == NULL ? 0 : strlen(value);
	StringInfoData out;

	if (loader->column != NULL)
	{
		column = loader->column->name;
		value = loader->field->data;
		len = loader->field->len;
	}
	initStringInfo(&out);
	appendStringInfo(&out, "File \"%s\", line %lld", file->uri, (long long) (line - before));
	if (column != NULL)
		appendStringInfo(&out, ", column \"%s\"", column);
	/* What isn't text can't be shown. */
	if (column != NULL && value != NULL && pg_verifymbstr(value, len, true))
	{
		int shown = pg_mbcliplen(value, len, SHOWN_VALUE_BYTES);

		appendStringInfo(&out, ": \"%.*s%s\"", shown, value, shown < len ? "..." : "");
	}
	appendStringInfo(&out, ".%s%s", detail == NULL ? "" : " ", detail == NULL ? "" : detail);
	return out.data;
}

/* What Redshift would call it. */
static EtlLoadCode
loader_error_code(const Loader *loader, int sqlstate)
{
	switch (sqlstate)
	{
		case ERRCODE_BAD_COPY_FILE_FORMAT:
			return loader->record.field_count > loader->column_count ? ETL_LOAD_EXTRA_COLUMNS : ETL_LOAD_MISSING_COLUMNS;
		case ERRCODE_STRING_DATA_RIGHT_TRUNCATION:
		case ERRCODE_NUMERIC_VALUE_OUT_OF_RANGE:
			return ETL_LOAD_OUT_OF_RANGE;
		case ERRCODE_INVALID_DATETIME_FORMAT:
		case ERRCODE_DATETIME_FIELD_OVERFLOW:
			return ETL_LOAD_DATE;
		case ERRCODE_CHARACTER_NOT_IN_REPERTOIRE:
			return ETL_LOAD_UTF8;
		case ERRCODE_NOT_NULL_VIOLATION:
			return ETL_LOAD_NOT_NULL;
		default:
			return ETL_LOAD_UNKNOWN;
	}
}

/* The rejected row, with its column and value if it is one's fault. */
static void
loader_record_row(Loader *loader, const ErrorData *error)
{
	int64 line = (int64) loader->copy->cur_lineno;
	int64 before;
	const EtlLoadFile *file = load_rows_file(loader->rows, line, &before);
	const EtlLoadColumn *column = loader->column;
	EtlLoadError rejected = {.uri = file->uri,
							 .line = line - before,
							 .position = -1,
							 .raw_line = loader->record.raw,
							 .raw_line_len = loader->record.raw_len,
							 .reason = copy_secrets_blot(error->message, loader->secrets)};

	rejected.code = loader->record.code != ETL_LOAD_OK ? loader->record.code : loader_error_code(loader, error->sqlerrcode);
	if (column != NULL)
	{
		rejected.raw_value = loader->field->data;
		rejected.raw_value_len = loader->field->len;
	}
	else if (loader->copy->cur_attname != NULL)
	{
		for (int i = 0; i < loader->column_count; i++)
			if (strcmp(loader->columns[i].name, loader->copy->cur_attname) == 0)
				column = &loader->columns[i];
		rejected.raw_value = loader->copy->cur_attval;
		rejected.raw_value_len = rejected.raw_value == NULL ? 0 : strlen(rejected.raw_value);
	}
	if (column != NULL)
	{
		rejected.column = column->name;
		rejected.type = column->type;
		rejected.column_length = column->max_bytes;
	}
	load_errors_add(loader->errors, &rejected);
}

/* Keep what is wrong, and that the load has failed. */
static void
loader_record_failure(Loader *loader, const ErrorData *error, bool of_row)
{
	EtlTransfer *transfer = loader->transfer;

	if (of_row)
		loader_record_row(loader, error);
	transfer->status = "failed";
	transfer->message = copy_secrets_blot(error->message, loader->secrets);
	transfer->rejected = load_errors_count(loader->errors);
	transfer->bytes = (int64) load_source_bytes(loader->source);
	transfer->files = load_source_file_count(loader->source);
	load_errors_write(loader->errors, transfer->table, transfer);
}

static uint64
loader_run(Loader *loader)
{
	Loader *outer = current_loader;
	MemoryContext context = CurrentMemoryContext;
	ErrorContextCallback callback = {error_context_stack, loader_error_callback, loader};
	uint64 rows;

	error_context_stack = &callback;
	current_loader = loader;
	PG_TRY();
	{
		rows = CopyFrom(loader->copy);
	}
	PG_CATCH();
	{
		ErrorData *error;
		bool of_row;

		current_loader = outer;
		MemoryContextSwitchTo(context);
		error = CopyErrorData();
		if (error->sqlerrcode == ERRCODE_QUERY_CANCELED)
			PG_RE_THROW();
		of_row = loader->in_copy && !load_rows_fetching(loader->rows);
		FlushErrorState();
		if (of_row)
		{
			error->detail = loader_error_detail(loader, error->detail);
			error->hint = psprintf("%s%s%s", error->hint == NULL ? "" : error->hint, error->hint == NULL ? "" : " ",
								   load_errors_hint(loader->errors));
		}
		loader_record_failure(loader, error, of_row);
		ReThrowError(error);
	}
	PG_END_TRY();
	current_loader = outer;
	error_context_stack = callback.previous;
	return rows;
}

/* The columns a load fills: those asked for, or all but generated ones and, without EXPLICIT_IDS, identity columns. */
static List *
columns_choose(Relation rel, const EtlLoadOptions *options)
{
	TupleDesc tupdesc = RelationGetDescr(rel);
	List *names = NIL;
	ListCell *lc;

	foreach (lc, options->columns)
		names = lappend(names, makeString(lfirst(lc)));
	if (names == NIL)
		for (int i = 0; i < tupdesc->natts; i++)
		{
			Form_pg_attribute attr = TupleDescAttr(tupdesc, i);

			if (attr->attisdropped || attr->attgenerated || (attr->attidentity && !options->explicit_ids))
				continue;
			names = lappend(names, makeString(pstrdup(NameStr(attr->attname))));
		}
	if (names == NIL)
		ereport(ERROR, errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
				errmsg("table \"%s\" has no column that a load could fill", RelationGetRelationName(rel)));
	return names;
}

/* The rights COPY asks for, and its refusal of row security. */
static void
loader_check_rights(ParseState *pstate, ParseNamespaceItem *nsitem, Relation rel, List *attnums)
{
	Bitmapset *inserted = NULL;
	ListCell *lc;

	foreach (lc, attnums)
		inserted = bms_add_member(inserted, lfirst_int(lc) - FirstLowInvalidHeapAttributeNumber);
	etl_check_insert_privilege(pstate, nsitem, inserted);
	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("loading into table \"%s\" is not supported: it has row-level security",
					   RelationGetRelationName(rel)),
				errhint("Load into another table and use INSERT."));
	if (XactReadOnly && !rel->rd_islocaltemp)
		PreventCommandIfReadOnly("COPY FROM");
}

static void
loader_set_columns(Loader *loader, Relation rel, List *attnums)
{
	ListCell *lc;

	loader->columns = palloc(list_length(attnums) * sizeof(EtlLoadColumn));
	foreach (lc, attnums)
	{
		Form_pg_attribute attr = TupleDescAttr(RelationGetDescr(rel), lfirst_int(lc) - 1);

		if (attr->attidentity == ATTRIBUTE_IDENTITY_ALWAYS && !loader->options->explicit_ids)
			ereport(ERROR, errcode(ERRCODE_GENERATED_ALWAYS),
					errmsg("column \"%s\" is an identity column", NameStr(attr->attname)),
					errhint("Leave it out of the column list, or use EXPLICIT_IDS."));
		load_column_init(&loader->columns[loader->column_count++], NameStr(attr->attname), attr->atttypid,
						 attr->atttypmod);
	}
}

static uint64
loader_load(Loader *loader, Relation rel, const char *uri)
{
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *nsitem = addRangeTableEntryForRelation(pstate, rel, RowExclusiveLock, NULL, false, false);
	List *names = columns_choose(rel, loader->options);
	List *attnums = CopyGetAttnums(RelationGetDescr(rel), rel, names);
	List *format = list_make1(makeDefElem("encoding", (Node *) makeString("UTF8"), -1));
	uint64 rows;

	loader_check_rights(pstate, nsitem, rel, attnums);
	loader_set_columns(loader, rel, attnums);
	loader->source = load_source_open(uri, loader->options);
	loader->rows = load_rows_open(loader->source, loader->options);
	loader->copy = BeginCopyFrom(pstate, rel, NULL, NULL, false, loader_give_data, names, format);
	loader->transfer->id = load_history_begin();
	loader->errors = load_errors_create(loader->transfer->id);
	rows = loader_run(loader);
	EndCopyFrom(loader->copy);
	free_parsestate(pstate);
	/* so that what runs next in this statement sees the rows */
	CommandCounterIncrement();
	return rows;
}

static const EtlTransferFile *
loader_files(const Loader *loader)
{
	int count = load_source_file_count(loader->source);
	int64 lines = load_rows_line(loader->rows);
	EtlTransferFile *list = palloc(count * sizeof(EtlTransferFile));

	for (int i = 0; i < count; i++)
	{
		const EtlLoadFile *file = load_source_file(loader->source, i);
		int64 first = load_rows_first_line(loader->rows, i);

		list[i] = (EtlTransferFile){.uri = file->uri,
									.rows = (i + 1 < count ? load_rows_first_line(loader->rows, i + 1) : lines) - first,
									.bytes = (int64) file->size};
	}
	return list;
}

static int64
load(Oid relid, EtlTransfer *transfer, Jsonb *given)
{
	EtlLoadOptions options;
	Loader loader = {0};
	Relation rel;
	MemoryContext old;
	int guc_level;

	copy_load_options_read(transfer->format, given, &options);
	rel = table_open(relid, RowExclusiveLock);
	transfer->subject = quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
												   RelationGetRelationName(rel));

	transfer->table = relid;
	loader.options = &options;
	loader.transfer = transfer;
	loader.secrets = copy_secrets_get(given);
	loader.context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl load", ALLOCSET_DEFAULT_SIZES);
	loader.row_context = AllocSetContextCreate(loader.context, "pg_etl load row", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(loader.context);
	initStringInfo(&loader.row);

	/* What a date like 01/02/2008 means must not depend on who loads it. */
	guc_level = NewGUCNestLevel();
	(void) set_config_option("DateStyle", "ISO, MDY", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	transfer->rows = (int64) loader_load(&loader, rel, transfer->uri);
	AtEOXact_GUC(true, guc_level);

	table_close(rel, NoLock);
	transfer->bytes = (int64) load_source_bytes(loader.source);
	transfer->files = load_source_file_count(loader.source);
	transfer->status = "loaded";
	transfer->file_list = loader_files(&loader);
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

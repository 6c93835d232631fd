/*
 * scan.c
 *		Scanning an external table: registered partitions → files → rows.
 *
 * Partitions are chosen before anything is listed: the quals on partition columns are evaluated against each one's
 * registered values, at every start of a scan, so parameters count. Then one folder is listed at a time, and one file
 * is open at a time, in the version that the listing saw.
 */
#include "postgres.h"

#include "access/relation.h"
#include "base/compat.h"
#include "catalog/pg_type.h"
#include "external/files.h"
#include "external/options.h"
#include "external/partitions.h"
#include "external/plan.h"
#include "external/schema.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "store/codec.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define SCAN_BUFFER_SIZE 65536
#define SHOWN_VALUE_BYTES 100 /* of a value in an error, as COPY shows */

typedef struct ScanColumn
{
	AttrNumber attnum; /* 0: the query doesn't need it */
	const char *name;
	bool is_string; /* an empty field is a value, not NULL */
	FmgrInfo input;
	Oid ioparam;
	int32 typmod;
} ScanColumn;

typedef struct ExternalScan
{
	EtlExternalTable *table;
	ScanColumn *columns; /* those that are in the files, in order */
	int column_count;
	EtlPartition *partitions;
	bool *chosen;
	int partition_count; /* an unpartitioned table is one partition without values */
	int chosen_count;
	ExprState *prune_early; /* the pruning quals that need nothing but the query's parameters */
	ExprState *prune;		/* all */
	bool started;
	int partition; /* that is read */
	EtlStore *store; /* NULL until the first row is asked for */
	char *bucket;
	List *files; /* of the partition */
	int file;	 /* that is read */
	char *uri;
	EtlReader *stream; /* NULL: no file is open */
	EtlRecordReader *parser;
	EtlRecord row;
	const ScanColumn *column; /* that is converted; NULL: none */
	const char *value;
	int64 files_read;
	uint64 bytes_read;
	MemoryContext context;			 /* of the scan */
	MemoryContext partition_context; /* the list of files */
	MemoryContext file_context;
	MemoryContext row_context;
	char buf[SCAN_BUFFER_SIZE];
} ExternalScan;

static bool
has_exec_param(Node *node, void *context)
{
	if (node == NULL)
		return false;
	if (IsA(node, SubPlan) || (IsA(node, Param) && ((Param *) node)->paramkind == PARAM_EXEC))
		return true;
	return expression_tree_walker(node, has_exec_param, context);
}

static void
scan_choose(ExternalScan *scan, ForeignScanState *node, ExprState *quals)
{
	ExprContext *econtext = node->ss.ps.ps_ExprContext;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	scan->chosen_count = 0;
	for (int i = 0; i < scan->partition_count; i++)
	{
		int position = 0;
		ListCell *lc;

		ExecClearTuple(slot);
		memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
		foreach (lc, scan->table->partition_attnums)
		{
			slot->tts_values[lfirst_int(lc) - 1] = scan->partitions[i].values[position];
			slot->tts_isnull[lfirst_int(lc) - 1] = scan->partitions[i].nulls[position];
			position++;
		}
		ExecStoreVirtualTuple(slot);
		econtext->ecxt_scantuple = slot;
		scan->chosen[i] = ExecQual(quals, econtext);
		scan->chosen_count += scan->chosen[i];
		ResetExprContext(econtext);
	}
	ExecClearTuple(slot);
}

static void
scan_set_columns(ExternalScan *scan, TupleDesc tupdesc, List *needed)
{
	scan->columns = palloc0(tupdesc->natts * sizeof(ScanColumn));
	for (int i = 0; i < tupdesc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(tupdesc, i);
		ScanColumn *column = &scan->columns[scan->column_count];
		Oid base = getBaseType(attr->atttypid);
		Oid function;

		if (attr->attisdropped || list_member_int(scan->table->partition_attnums, attr->attnum))
			continue;
		scan->column_count++;
		if (!list_member_int(needed, attr->attnum) && !list_member_int(needed, 0))
			continue;
		column->attnum = attr->attnum;
		column->name = NameStr(attr->attname);
		column->is_string = base == TEXTOID || base == VARCHAROID || base == BPCHAROID || base == NAMEOID;
		column->typmod = attr->atttypmod;
		getTypeInputInfo(attr->atttypid, &function, &column->ioparam);
		fmgr_info(function, &column->input);
	}
}

static void
scan_set_partitions(ExternalScan *scan)
{
	if (scan->table->partition_attnums != NIL)
		scan->partitions = external_partitions_get(scan->table, &scan->partition_count);
	else
	{
		scan->partitions = palloc0(sizeof(EtlPartition));
		scan->partitions->location = scan->table->location;
		scan->partition_count = 1;
	}
	scan->chosen = palloc0(Max(scan->partition_count, 1) * sizeof(bool));
}

static void
external_scan_begin(ForeignScanState *node, int eflags)
{
	ForeignScan *plan = castNode(ForeignScan, node->ss.ps.plan);
	Relation rel = node->ss.ss_currentRelation;
	ExternalScan *scan = palloc0(sizeof(ExternalScan));
	List *early = NIL;
	ListCell *lc;

	scan->context = CurrentMemoryContext;
	scan->table = external_table_get(RelationGetRelid(rel));
	if (!(eflags & EXEC_FLAG_EXPLAIN_ONLY))
		external_table_check_readable(scan->table);
	scan_set_columns(scan, RelationGetDescr(rel), plan->fdw_private);
	scan_set_partitions(scan);
	foreach (lc, plan->fdw_exprs)
		if (!has_exec_param(lfirst(lc), NULL))
			early = lappend(early, lfirst(lc));
	scan->prune = ExecInitQual(plan->fdw_exprs, &node->ss.ps);
	scan->prune_early = ExecInitQual(early, &node->ss.ps);
	if (eflags & EXEC_FLAG_EXPLAIN_ONLY)
		scan_choose(scan, node, scan->prune_early);
	scan->partition_context =
		AllocSetContextCreate(scan->context, "pg_etl external partition", ALLOCSET_DEFAULT_SIZES);
	scan->file_context = AllocSetContextCreate(scan->context, "pg_etl external file", ALLOCSET_DEFAULT_SIZES);
	scan->row_context = AllocSetContextCreate(scan->context, "pg_etl external row", ALLOCSET_DEFAULT_SIZES);
	node->fdw_state = scan;
}

static bool
ends_with(const char *text, const char *end)
{
	size_t text_len = strlen(text);
	size_t end_len = strlen(end);

	return text_len >= end_len && pg_strcasecmp(text + text_len - end_len, end) == 0;
}

/* As in Spectrum a file's name comes before the table's compression_type. What is called so must be it: see codec_reader. */
static EtlCodec
codec_of_file(const ExternalScan *scan, const char *key)
{
	for (EtlCodec codec = ETL_CODEC_GZIP; codec <= ETL_CODEC_ZSTD; codec++)
		if (ends_with(key, psprintf(".%s", codec_extension(codec))))
			return codec;
	return scan->table->codec;
}

static void
scan_open_file(ExternalScan *scan)
{
	EtlObject *file = list_nth(scan->files, scan->file);
	MemoryContext old = MemoryContextSwitchTo(scan->file_context);

	scan->uri = store_uri_format(scan->bucket, file->key);
	if (ends_with(file->key, ".snappy"))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("could not read \"%s\": this compression is not supported", scan->uri),
				errhint("gzip, bzip2, lzop and zstd are."));
	scan->stream = codec_reader(store_read(scan->store, scan->bucket, file->key, 0, 0, file->etag),
								codec_of_file(scan, file->key));
	scan->parser = delimited_reader_create(&scan->table->dialect);
	MemoryContextSwitchTo(old);
	scan->files_read++;
	scan->bytes_read += file->size;
}

static void
scan_close_file(ExternalScan *scan)
{
	if (scan->stream != NULL)
		scan->stream->close(scan->stream);
	scan->stream = NULL;
	MemoryContextReset(scan->file_context);
}

static void
scan_feed(ExternalScan *scan)
{
	MemoryContext old = MemoryContextSwitchTo(scan->file_context);
	size_t n = scan->stream->read(scan->stream, scan->buf, sizeof(scan->buf));

	scan->parser->feed(scan->parser, scan->buf, n, n == 0);
	MemoryContextSwitchTo(old);
}

/* Move on to a partition that was chosen and list it; false after the last. */
static bool
scan_next_partition(ExternalScan *scan)
{
	MemoryContext old;

	scan->files = NIL;
	scan->file = 0;
	MemoryContextReset(scan->partition_context);
	do
		scan->partition++;
	while (scan->partition < scan->partition_count && !scan->chosen[scan->partition]);
	if (scan->partition >= scan->partition_count)
		return false;
	old = MemoryContextSwitchTo(scan->partition_context);
	scan->files = external_files_list(scan->store, scan->partitions[scan->partition].location, &scan->bucket);
	MemoryContextSwitchTo(old);
	return true;
}

/* The next row of all files into scan->row; false after the last. */
static bool
scan_next_row(ExternalScan *scan)
{
	EtlError error;

	while (true)
	{
		if (scan->stream == NULL)
		{
			if (scan->file < list_length(scan->files))
			{
				scan_open_file(scan);
				scan_feed(scan);
			}
			else if (!scan_next_partition(scan))
				return false;
			continue;
		}
		switch (scan->parser->next(scan->parser, &scan->row, &error))
		{
			case ETL_RECORD_ROW:
				return true;
			case ETL_RECORD_NEED_MORE:
				scan_feed(scan);
				break;
			case ETL_RECORD_END:
				scan_close_file(scan);
				scan->file++;
				break;
			case ETL_RECORD_ERROR:
				etl_error_detail(&error, "File \"%s\" of external table \"%s\".", scan->uri, scan->table->name);
				etl_error_raise(&error);
		}
	}
}

static void
scan_error_callback(void *arg)
{
	ExternalScan *scan = arg;
	int shown = pg_mbcliplen(scan->value, strlen(scan->value), SHOWN_VALUE_BYTES);

	errcontext("external table \"%s\", file \"%s\", line %lld, column \"%s\": \"%.*s%s\"", scan->table->name,
			   scan->uri, (long long) scan->row.line, scan->column->name, shown, scan->value,
			   scan->value[shown] == '\0' ? "" : "...");
}

static Datum
scan_convert(ExternalScan *scan, ScanColumn *column, const EtlField *field)
{
	char *text = pnstrdup(field->data, field->len);

	scan->column = column;
	scan->value = "";
	scan->value = pg_any_to_server(text, field->len, PG_UTF8);
	return InputFunctionCall(&column->input, (char *) scan->value, column->ioparam, column->typmod);
}

/* The row's fields, by position: those past the columns are ignored, columns past the fields are NULL. */
static void
scan_fill_slot(ExternalScan *scan, TupleTableSlot *slot)
{
	ErrorContextCallback callback = {error_context_stack, scan_error_callback, scan};
	MemoryContext old = MemoryContextSwitchTo(scan->row_context);
	int available = Min(scan->row.field_count, ETL_RECORD_MAX_FIELDS);
	int position = 0;
	ListCell *lc;

	MemoryContextReset(scan->row_context);
	memset(slot->tts_isnull, true, slot->tts_tupleDescriptor->natts * sizeof(bool));
	error_context_stack = &callback;
	for (int i = 0; i < Min(available, scan->column_count); i++)
	{
		ScanColumn *column = &scan->columns[i];
		const EtlField *field = &scan->row.fields[i];

		if (column->attnum == 0 || field->is_null || (field->len == 0 && !column->is_string))
			continue;
		slot->tts_values[column->attnum - 1] = scan_convert(scan, column, field);
		slot->tts_isnull[column->attnum - 1] = false;
	}
	error_context_stack = callback.previous;
	foreach (lc, scan->table->partition_attnums)
	{
		slot->tts_values[lfirst_int(lc) - 1] = scan->partitions[scan->partition].values[position];
		slot->tts_isnull[lfirst_int(lc) - 1] = scan->partitions[scan->partition].nulls[position];
		position++;
	}
	MemoryContextSwitchTo(old);
}

static void
scan_start(ExternalScan *scan, ForeignScanState *node)
{
	scan_choose(scan, node, scan->prune);
	scan->partition = -1;
	scan->started = true;
	if (scan->store == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(scan->context);

		scan->store = external_schema_store(get_rel_namespace(scan->table->relid));
		MemoryContextSwitchTo(old);
	}
}

static TupleTableSlot *
external_scan_iterate(ForeignScanState *node)
{
	ExternalScan *scan = node->fdw_state;
	TupleTableSlot *slot = node->ss.ss_ScanTupleSlot;

	CHECK_FOR_INTERRUPTS();
	if (!scan->started)
		scan_start(scan, node);
	ExecClearTuple(slot);
	if (!scan_next_row(scan))
		return slot;
	scan_fill_slot(scan, slot);
	return ExecStoreVirtualTuple(slot);
}

static void
external_scan_restart(ForeignScanState *node)
{
	ExternalScan *scan = node->fdw_state;

	scan_close_file(scan);
	scan->files = NIL;
	scan->file = 0;
	scan->started = false;
}

static void
external_scan_end(ForeignScanState *node)
{
	if (node->fdw_state != NULL)
		scan_close_file(node->fdw_state);
}

static void
external_scan_explain(ForeignScanState *node, ExplainState *es)
{
	ExternalScan *scan = node->fdw_state;

	ExplainPropertyText("Location", scan->table->location, es);
	if (scan->table->partition_attnums != NIL)
		ExplainPropertyText("Partitions", psprintf("%d of %d", scan->chosen_count, scan->partition_count), es);
	if (es->analyze)
	{
		ExplainPropertyInteger("Files", NULL, scan->files_read, es);
		ExplainPropertyInteger("Bytes", NULL, (int64) scan->bytes_read, es);
	}
}

PG_FUNCTION_INFO_V1(pg_etl_external_handler);

Datum
pg_etl_external_handler(PG_FUNCTION_ARGS)
{
	FdwRoutine *routine = makeNode(FdwRoutine);

	routine->GetForeignRelSize = external_get_rel_size;
	routine->GetForeignPaths = external_get_paths;
	routine->GetForeignPlan = external_get_plan;
	routine->BeginForeignScan = external_scan_begin;
	routine->IterateForeignScan = external_scan_iterate;
	routine->ReScanForeignScan = external_scan_restart;
	routine->EndForeignScan = external_scan_end;
	routine->ExplainForeignScan = external_scan_explain;
	PG_RETURN_POINTER(routine);
}

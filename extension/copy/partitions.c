/*
 * partitions.c
 *		UNLOAD's PARTITION BY. See partitions.h.
 *
 * Rows go straight into the files of their partition while there are few of these. Each open file takes memory, so
 * when there are more, the rows of those that came later are sorted by folder, on disk beyond work_mem, and written
 * at the end, a partition at a time. No partition is opened twice, nobody guesses how many there will be, and a query
 * that comes in the partitions' order could do without; but a file is closed only when no more rows can come.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/pg_collation.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "copy/partitions.h"
#include "executor/tuptable.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/tuplesort.h"

#define DEFAULT_PARTITION "__HIVE_DEFAULT_PARTITION__"

/* What Hive writes as a percent sign and two digits in the name of a folder. */
#define ESCAPED_CHARACTERS "\"#%'*/:=?\\{[]^\177"

typedef struct PartitionColumn
{
	int number; /* of the query's columns, from 0 */
	Oid type;
	char *prefix; /* its name, escaped, and the equals sign */
	FmgrInfo output;
} PartitionColumn;

/* Of the hash table. */
typedef struct OpenPartition
{
	char *folder; /* first: the key */
	EtlUnloadSeries *series;
} OpenPartition;

struct EtlPartitions
{
	EtlUnloadTarget *target;
	EtlRowWriter *writer;
	PartitionColumn *columns;
	int ncolumns;
	StringInfoData folder; /* of the row at hand */
	HTAB *open;
	OpenPartition *last; /* that a row was written to */
	Tuplesortstate *sort; /* NULL: all partitions fit so far */
	TupleTableSlot *slot; /* of what is sorted: folder, number of the row, its text */
	int64 sorted_rows;
	StringInfoData row;
	MemoryContext context;
};

static uint32
folder_hash(const void *key, Size size)
{
	const char *folder = *(const char *const *) key;

	return string_hash(folder, strlen(folder) + 1);
}

static int
folder_compare(const void *a, const void *b, Size size)
{
	return strcmp(*(const char *const *) a, *(const char *const *) b);
}

/* ---- names of folders ---- */

static void
append_escaped(StringInfo out, const char *text)
{
	for (const char *c = text; *c != '\0'; c++)
	{
		if ((unsigned char) *c < ' ' || strchr(ESCAPED_CHARACTERS, *c) != NULL)
			appendStringInfo(out, "%%%02X", (unsigned char) *c);
		else
			appendStringInfoChar(out, *c);
	}
}

static void
append_value(StringInfo out, PartitionColumn *column, Datum value)
{
	char *text;

	if (column->type == BOOLOID)
		text = DatumGetBool(value) ? "true" : "false";
	else
		text = OutputFunctionCall(&column->output, value);
	if (column->type == BPCHAROID)
		for (int len = strlen(text); len > 0 && text[len - 1] == ' '; len--)
			text[len - 1] = '\0';
	append_escaped(out, text[0] == '\0' ? DEFAULT_PARTITION : text);
}

static void
partition_folder(EtlPartitions *partitions, TupleTableSlot *slot)
{
	StringInfo folder = &partitions->folder;

	resetStringInfo(folder);
	for (int i = 0; i < partitions->ncolumns; i++)
	{
		PartitionColumn *column = &partitions->columns[i];

		appendStringInfoString(folder, column->prefix);
		if (slot->tts_isnull[column->number])
			appendStringInfoString(folder, DEFAULT_PARTITION);
		else
			append_value(folder, column, slot->tts_values[column->number]);
		appendStringInfoChar(folder, '/');
	}
}

/* ---- columns ---- */

static int
find_column(TupleDesc columns, const char *name)
{
	int found = -1;

	for (int i = 0; i < columns->natts; i++)
	{
		if (strcmp(NameStr(TupleDescAttr(columns, i)->attname), name) != 0)
			continue;
		if (found >= 0)
			ereport(ERROR, errcode(ERRCODE_AMBIGUOUS_COLUMN),
					errmsg("partition column \"%s\" is ambiguous", name),
					errdetail("The query has several columns of that name."));
		found = i;
	}
	if (found < 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN), errmsg("partition column \"%s\" does not exist", name),
				errdetail("The query has no column of that name."));
	return found;
}

static void
check_type(Form_pg_attribute column)
{
	Oid type = getBaseType(column->atttypid);

	if (type == BYTEAOID || type == JSONOID || type == JSONBOID || type == XMLOID || type_is_rowtype(type) ||
		OidIsValid(get_base_element_type(type)))
		ereport(ERROR, errcode(ERRCODE_DATATYPE_MISMATCH),
				errmsg("column \"%s\" cannot name partitions", NameStr(column->attname)),
				errdetail("It is of type %s.", format_type_be(column->atttypid)));
}

bool *
partition_columns(const EtlUnloadOptions *options, TupleDesc columns)
{
	bool *names = palloc0(Max(columns->natts, 1) * sizeof(bool));
	ListCell *cell;

	if (options->partition_by == NIL)
		return NULL;
	foreach (cell, options->partition_by)
	{
		int i = find_column(columns, lfirst(cell));

		check_type(TupleDescAttr(columns, i));
		names[i] = true;
	}
	if (list_length(options->partition_by) == columns->natts && !options->include)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("all columns are partition columns, so that the files would have none"),
				errhint("Leave one out of PARTITION BY, or use INCLUDE."));
	return names;
}

/* ---- rows ---- */

EtlPartitions *
partitions_create(EtlUnloadTarget *target, const EtlUnloadOptions *options, TupleDesc columns, EtlRowWriter *writer)
{
	EtlPartitions *partitions = palloc0(sizeof(EtlPartitions));
	HASHCTL control = {.keysize = sizeof(char *),
					   .entrysize = sizeof(OpenPartition),
					   .hash = folder_hash,
					   .match = folder_compare,
					   .hcxt = CurrentMemoryContext};
	ListCell *cell;

	partitions->context = CurrentMemoryContext;
	partitions->target = target;
	partitions->writer = writer;
	partitions->columns = palloc0(list_length(options->partition_by) * sizeof(PartitionColumn));
	foreach (cell, options->partition_by)
	{
		PartitionColumn *column = &partitions->columns[partitions->ncolumns++];
		StringInfoData prefix;
		Oid output;
		bool is_varlena;

		column->number = find_column(columns, lfirst(cell));
		column->type = getBaseType(TupleDescAttr(columns, column->number)->atttypid);
		getTypeOutputInfo(column->type, &output, &is_varlena);
		fmgr_info(output, &column->output);
		initStringInfo(&prefix);
		append_escaped(&prefix, lfirst(cell));
		appendStringInfoChar(&prefix, '=');
		column->prefix = prefix.data;
	}
	initStringInfo(&partitions->folder);
	initStringInfo(&partitions->row);
	partitions->open = hash_create("pg_etl open partitions", unload_target_max_series(target), &control,
								   HASH_ELEM | HASH_FUNCTION | HASH_COMPARE | HASH_CONTEXT);
	return partitions;
}

static void
sort_begin(EtlPartitions *partitions)
{
	MemoryContext old = MemoryContextSwitchTo(partitions->context);
	AttrNumber columns[] = {1, 2};
	Oid operators[] = {TextLessOperator, Int8LessOperator};
	Oid collations[] = {C_COLLATION_OID, InvalidOid};
	bool nulls_first[] = {false, false};
	TupleDesc desc = CreateTemplateTupleDesc(3);

	TupleDescInitEntry(desc, 1, "folder", TEXTOID, -1, 0);
	TupleDescInitEntry(desc, 2, "number", INT8OID, -1, 0);
	TupleDescInitEntry(desc, 3, "row", BYTEAOID, -1, 0);
	partitions->slot = MakeSingleTupleTableSlot(desc, &TTSOpsMinimalTuple);
	partitions->sort =
		tuplesort_begin_heap(desc, 2, columns, operators, collations, nulls_first, work_mem, NULL, TUPLESORT_NONE);
	MemoryContextSwitchTo(old);
}

static void
sort_put(EtlPartitions *partitions, TupleTableSlot *row)
{
	TupleTableSlot *slot = partitions->slot;

	if (partitions->sort == NULL)
	{
		sort_begin(partitions);
		slot = partitions->slot;
	}
	resetStringInfo(&partitions->row);
	row_writer_write(partitions->writer, row, &partitions->row);
	ExecClearTuple(slot);
	slot->tts_values[0] =
		PointerGetDatum(cstring_to_text_with_len(partitions->folder.data, partitions->folder.len));
	slot->tts_values[1] = Int64GetDatum(partitions->sorted_rows++);
	slot->tts_values[2] = PointerGetDatum(cstring_to_text_with_len(partitions->row.data, partitions->row.len));
	memset(slot->tts_isnull, false, 3);
	ExecStoreVirtualTuple(slot);
	tuplesort_puttupleslot(partitions->sort, slot);
}

/* The partition of the row at hand; NULL: one that isn't open, and there are as many as may be. */
static OpenPartition *
open_partition(EtlPartitions *partitions)
{
	const char *folder = partitions->folder.data;
	bool found;
	OpenPartition *partition = partitions->last;

	if (partition != NULL && strcmp(partition->folder, folder) == 0)
		return partition;
	partition = hash_search(partitions->open, &folder, HASH_FIND, NULL);
	if (partition == NULL &&
		hash_get_num_entries(partitions->open) < unload_target_max_series(partitions->target))
	{
		EtlUnloadSeries *series = unload_series_open(partitions->target, folder);

		folder = MemoryContextStrdup(partitions->context, folder);
		partition = hash_search(partitions->open, &folder, HASH_ENTER, &found);
		partition->series = series;
	}
	if (partition != NULL)
		partitions->last = partition;
	return partition;
}

void
partitions_write(EtlPartitions *partitions, TupleTableSlot *slot)
{
	OpenPartition *partition;

	partition_folder(partitions, slot);
	partition = open_partition(partitions);
	if (partition == NULL)
	{
		sort_put(partitions, slot);
		return;
	}
	row_writer_write(partitions->writer, slot, unload_series_row(partition->series));
	unload_series_row_end(partition->series);
}

static void
write_sorted(EtlPartitions *partitions)
{
	EtlUnloadSeries *series = NULL;
	char *folder = NULL;

	tuplesort_performsort(partitions->sort);
	while (tuplesort_gettupleslot(partitions->sort, true, false, partitions->slot, NULL))
	{
		text *name;
		text *row;

		CHECK_FOR_INTERRUPTS();
		slot_getallattrs(partitions->slot);
		name = DatumGetTextPP(partitions->slot->tts_values[0]);
		row = DatumGetTextPP(partitions->slot->tts_values[2]);
		if (folder == NULL || strlen(folder) != VARSIZE_ANY_EXHDR(name) ||
			memcmp(folder, VARDATA_ANY(name), VARSIZE_ANY_EXHDR(name)) != 0)
		{
			if (series != NULL)
				unload_series_close(series);
			if (folder != NULL)
				pfree(folder);
			folder = text_to_cstring(name);
			series = unload_series_open(partitions->target, folder);
		}
		appendBinaryStringInfo(unload_series_row(series), VARDATA_ANY(row), VARSIZE_ANY_EXHDR(row));
		unload_series_row_end(series);
	}
	if (series != NULL)
		unload_series_close(series);
	ExecDropSingleTupleTableSlot(partitions->slot);
	tuplesort_end(partitions->sort);
}

void
partitions_finish(EtlPartitions *partitions)
{
	HASH_SEQ_STATUS all;
	OpenPartition *partition;

	hash_seq_init(&all, partitions->open);
	while ((partition = hash_seq_search(&all)) != NULL)
		unload_series_close(partition->series);
	if (partitions->sort != NULL)
		write_sorted(partitions);
}

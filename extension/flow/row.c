/*
 * row.c
 *		Rows of history without statements. See row.h.
 *
 * The parts are PostgreSQL's executor's own: table_tuple_update with its answers to what others do meanwhile,
 * ExecConstraints, ExecInsertIndexTuples. A table that has somebody's trigger is written by statements, which know what
 * those need (UPDATE OF, WHEN, transition tables).
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/spi.h"
#include "catalog/namespace.h"
#include "commands/sequence.h"
#include "executor/executor.h"
#include "flow/row.h"
#include "lib/stringinfo.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* The first row of the index that has the key. */
static bool
fetch(EtlRow *row)
{
	Relation index = index_open(row->partition.key_index, AccessShareLock);
	int keys = row->task_run_id == 0 ? 1 : 2;
	ScanKeyData key[2];
	IndexScanDesc scan;
	bool found;

	ScanKeyInit(&key[0], 1, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(row->run_id));
	ScanKeyInit(&key[1], 2, BTEqualStrategyNumber, F_INT8EQ, Int64GetDatum(row->task_run_id));
	scan = index_beginscan(row->relation, index, GetActiveSnapshot(), NULL, keys, 0);
	index_rescan(scan, key, keys, NULL, 0);
	found = index_getnext_slot(scan, ForwardScanDirection, row->slot);
	index_endscan(scan);
	index_close(index, NoLock);
	return found;
}

bool
row_open(EtlRow *row, EtlTable table, int64 run_id, int64 task_run_id, LOCKMODE lock)
{
	*row = (EtlRow){.table = table, .run_id = run_id, .task_run_id = task_run_id};
	row->relation = partition_open(table, run_id, lock, &row->partition);
	row->slot = table_slot_create(row->relation, NULL);
	CommandCounterIncrement(); /* what this transaction has done is seen */
	PushActiveSnapshot(GetTransactionSnapshot());
	row->found = fetch(row);
	return row->found;
}

void
row_close(EtlRow *row)
{
	if (row->relation == NULL)
		return;
	ExecDropSingleTupleTableSlot(row->slot);
	PopActiveSnapshot();
	table_close(row->relation, NoLock);
	row->relation = NULL;
}

Datum
row_value(const EtlRow *row, int column, bool *isnull)
{
	Assert(row->found && column < partition_column_count(row->table));
	return slot_getattr(row->slot, row->partition.columns[column], isnull);
}

char *
row_text(const EtlRow *row, int column)
{
	bool isnull;
	Datum value = row_value(row, column, &isnull);

	return isnull ? NULL : TextDatumGetCString(value);
}

bool
row_is_null(const EtlRow *row, int column)
{
	bool isnull;

	(void) row_value(row, column, &isnull);
	return isnull;
}

void
row_set(EtlRow *row, int column, Datum value, bool isnull)
{
	row->values[column] = value;
	row->nulls[column] = isnull;
	row->set[column] = true;
}

/* Lock the newest version of the row, which then is what the slot has. False: it is gone, or passed over. */
static bool
lock_newest(EtlRow *row, LockTupleMode mode, LockWaitPolicy policy, bool *changed)
{
	TM_FailureData failure = {0};
	ItemPointerData at = row->slot->tts_tid;
	TM_Result result;

	result = table_tuple_lock(row->relation, &at, GetActiveSnapshot(), row->slot, GetCurrentCommandId(false),
							  mode, policy, TUPLE_LOCK_FLAG_FIND_LAST_VERSION, &failure);
	memset(row->set, 0, sizeof(row->set));
	*changed = failure.traversed;
	row->found = result == TM_Ok;
	if (result != TM_Ok && result != TM_Deleted && result != TM_WouldBlock)
		elog(ERROR, "row of table \"%s\" could not be locked: %d", RelationGetRelationName(row->relation),
			 result);
	return row->found;
}

bool
row_try_lock(EtlRow *row)
{
	bool changed;

	return lock_newest(row, LockTupleExclusive, LockWaitSkip, &changed);
}

/* Whoever executes a plan has these; here they serve constraints and indexes. */
typedef struct Target
{
	EState *estate;
	ResultRelInfo *result;
	bool indexes_open;
} Target;

static void
target_open(Target *target, Relation relation)
{
	*target = (Target){.estate = CreateExecutorState(), .result = makeNode(ResultRelInfo)};
	target->result->ri_RelationDesc = relation;
	target->estate->es_output_cid = GetCurrentCommandId(true);
}

static void
target_insert_index_tuples(Target *target, TupleTableSlot *slot, bool update, TU_UpdateIndexes indexes)
{
	if (!target->indexes_open)
		ExecOpenIndices(target->result, false);
	target->indexes_open = true;
	list_free(etl_insert_index_tuples(target->result, slot, target->estate, update, indexes));
	ResetPerTupleExprContext(target->estate);
}

static void
target_close(Target *target)
{
	if (target->indexes_open)
		ExecCloseIndices(target->result);
	pfree(target->result);
	FreeExecutorState(target->estate);
}

/* The row with what was set, in a slot of its own. */
static TupleTableSlot *
make_version(EtlRow *row)
{
	TupleTableSlot *version = table_slot_create(row->relation, NULL);
	int columns = RelationGetNumberOfAttributes(row->relation);

	slot_getallattrs(row->slot);
	memcpy(version->tts_values, row->slot->tts_values, columns * sizeof(Datum));
	memcpy(version->tts_isnull, row->slot->tts_isnull, columns * sizeof(bool));
	for (int i = 0; i < partition_column_count(row->table); i++)
		if (row->set[i])
		{
			version->tts_values[row->partition.columns[i] - 1] = row->values[i];
			version->tts_isnull[row->partition.columns[i] - 1] = row->nulls[i];
		}
	return ExecStoreVirtualTuple(version);
}

/* False: it has been changed meanwhile. */
static bool
write_version(EtlRow *row)
{
	TupleTableSlot *version = make_version(row);
	TM_FailureData failure;
	LockTupleMode mode;
	TU_UpdateIndexes indexes;
	TM_Result result;
	Target target;

	target_open(&target, row->relation);
	if (RelationGetDescr(row->relation)->constr != NULL)
		ExecConstraints(target.result, version, target.estate);
	result = etl_table_tuple_update(row->relation, &row->slot->tts_tid, version, GetActiveSnapshot(),
									&failure, &mode, &indexes);
	if (result == TM_Ok && indexes != TU_None)
		target_insert_index_tuples(&target, version, true, indexes);
	target_close(&target);
	ExecDropSingleTupleTableSlot(version);
	if (result == TM_SelfModified)
		elog(ERROR, "row of table \"%s\" is changed twice", RelationGetRelationName(row->relation));
	return result == TM_Ok;
}

/* A statement's values, which it takes as parameters, of the types its table has for them. */
typedef struct Parameters
{
	int count;
	Oid types[ETL_MOST_COLUMNS + 2];
	Datum values[ETL_MOST_COLUMNS + 2];
	char nulls[ETL_MOST_COLUMNS + 2];
} Parameters;

/* Its number. */
static int
add_parameter(Parameters *parameters, Oid type, Datum value, bool isnull)
{
	parameters->types[parameters->count] = type;
	parameters->values[parameters->count] = value;
	parameters->nulls[parameters->count] = isnull ? 'n' : ' ';
	return ++parameters->count;
}

static void
run_statement(const char *sql, int expected, Parameters *parameters)
{
	EtlSpiScope spi;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_run(sql, expected, parameters->count, parameters->types, parameters->values, parameters->nulls);
	etl_spi_close(&spi);
}

static Oid
column_type(Relation relation, const EtlPartition *partition, int column)
{
	return TupleDescAttr(RelationGetDescr(relation), partition->columns[column] - 1)->atttypid;
}

static void
update_by_statement(EtlRow *row)
{
	Parameters parameters = {0};
	StringInfoData sql;
	const char *separator = "SET";

	initStringInfo(&sql);
	appendStringInfo(&sql, "UPDATE etl.%s", quote_identifier(RelationGetRelationName(row->relation)));
	for (int i = 0; i < partition_column_count(row->table); i++)
	{
		if (!row->set[i])
			continue;
		appendStringInfo(&sql, " %s %s = $%d", separator, partition_column_name(row->table, i),
						 add_parameter(&parameters, column_type(row->relation, &row->partition, i),
									   row->values[i], row->nulls[i]));
		separator = ",";
	}
	appendStringInfo(&sql, " WHERE run_id = $%d",
					 add_parameter(&parameters, INT8OID, Int64GetDatum(row->run_id), false));
	if (row->task_run_id != 0)
		appendStringInfo(&sql, " AND task_run_id = $%d",
						 add_parameter(&parameters, INT8OID, Int64GetDatum(row->task_run_id), false));
	run_statement(sql.data, SPI_OK_UPDATE, &parameters);
}

bool
row_update(EtlRow *row)
{
	bool changed = true;

	if (row->partition.has_triggers)
	{
		EtlRow wanted = *row;

		if (!lock_newest(row, LockTupleNoKeyExclusive, LockWaitBlock, &changed) || changed)
			return false;
		update_by_statement(&wanted);
		return true;
	}
	if (write_version(row))
		return true;
	(void) lock_newest(row, LockTupleNoKeyExclusive, LockWaitBlock, &changed);
	return false;
}

static void
insert_by_statements(Relation relation, const EtlPartition *partition, EtlTable table, const Datum *values,
					 const bool *nulls, int count)
{
	int columns = partition_column_count(table);

	for (int i = 0; i < count; i++)
	{
		Parameters parameters = {0};
		StringInfoData names;
		StringInfoData numbers;

		initStringInfo(&names);
		initStringInfo(&numbers);
		for (int c = 0; c < columns; c++)
		{
			appendStringInfo(&names, "%s%s", c == 0 ? "" : ", ", partition_column_name(table, c));
			appendStringInfo(&numbers, "%s$%d", c == 0 ? "" : ", ",
							 add_parameter(&parameters, column_type(relation, partition, c),
										   values[i * columns + c], nulls[i * columns + c]));
		}
		run_statement(psprintf("INSERT INTO etl.%s (%s) VALUES (%s)",
							   quote_identifier(RelationGetRelationName(relation)), names.data, numbers.data),
					  SPI_OK_INSERT, &parameters);
	}
}

static void
insert(Relation relation, const EtlPartition *partition, EtlTable table, const Datum *values,
	   const bool *nulls, int count)
{
	TupleTableSlot **slots = palloc(count * sizeof(TupleTableSlot *));
	int columns = partition_column_count(table);
	Target target;

	target_open(&target, relation);
	for (int i = 0; i < count; i++)
	{
		slots[i] = table_slot_create(relation, NULL);
		memset(slots[i]->tts_isnull, true, RelationGetNumberOfAttributes(relation) * sizeof(bool));
		for (int c = 0; c < columns; c++)
		{
			slots[i]->tts_values[partition->columns[c] - 1] = values[i * columns + c];
			slots[i]->tts_isnull[partition->columns[c] - 1] = nulls[i * columns + c];
		}
		ExecStoreVirtualTuple(slots[i]);
		if (RelationGetDescr(relation)->constr != NULL)
			ExecConstraints(target.result, slots[i], target.estate);
	}
	table_multi_insert(relation, slots, count, GetCurrentCommandId(true), 0, NULL);
	for (int i = 0; i < count; i++)
	{
		target_insert_index_tuples(&target, slots[i], false, TU_All);
		ExecDropSingleTupleTableSlot(slots[i]);
	}
	target_close(&target);
	pfree(slots);
}

void
row_insert_events(int64 run_id, Datum *values, bool *nulls, int count)
{
	EtlPartition partition;
	Relation relation = partition_open(ETL_EVENT, run_id, RowExclusiveLock, &partition);
	Oid ids = get_relname_relid("event_id_seq", get_namespace_oid("etl", false));

	for (int i = 0; i < count; i++)
	{
		int id = i * ETL_EVENT_COLUMN_COUNT + ETL_EVENT_EVENT_ID;

		values[id] = Int64GetDatum(nextval_internal(ids, false));
		nulls[id] = false;
	}
	if (partition.has_triggers)
		insert_by_statements(relation, &partition, ETL_EVENT, values, nulls, count);
	else
		insert(relation, &partition, ETL_EVENT, values, nulls, count);
	table_close(relation, NoLock);
}

/*
 * insert.c
 *		Rows into a table. See insert.h.
 *
 * PostgreSQL's COPY has all of this in one function that also asks for the rows, so it can't be used for rows that are
 * already there, or in subtransactions. What follows does the same by the same functions of the executor, and keeps to
 * COPY's order of things: route to a partition, BEFORE ROW triggers, generated columns, constraints, the row, its index
 * entries, AFTER ROW triggers. Rows are gathered a table and put many at a time, unless something could look at the table
 * between two of them.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/hio.h"
#include "access/htup_details.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "base/compat.h"
#include "commands/trigger.h"
#include "copy/insert.h"
#include "executor/execPartition.h"
#include "executor/executor.h"
#include "executor/nodeModifyTable.h"
#include "foreign/fdwapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "parser/parse_relation.h"
#include "tcop/utility.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/resowner.h"
#include "utils/rls.h"
#include "utils/snapmgr.h"

/* As COPY has them: beyond that nothing is gained. */
#define BUFFERED_ROWS 1000
#define BUFFERED_BYTES 65535
#define KEPT_BUFFERS 32

/* Rows gathered for one table. */
typedef struct InsertBuffer
{
	ResultRelInfo *rri;
	BulkInsertState bulk;
	int count;
	TupleTableSlot *slots[BUFFERED_ROWS]; /* those that were ever used */
	EtlRowPlace places[BUFFERED_ROWS];
} InsertBuffer;

struct EtlInsert
{
	Relation rel;
	EState *estate;
	ModifyTableState *mtstate;
	ResultRelInfo *root;
	PartitionTupleRouting *routing; /* NULL: not partitioned */
	TransitionCaptureState *capture;
	TupleTableSlot *slot; /* the row as the root has it */
	BulkInsertState bulk; /* for rows put one by one */
	ResultRelInfo *previous;
	ResourceOwner owner;  /* what is opened on the way is kept beyond a subtransaction */
	List *buffers;		  /* of InsertBuffer * */
	InsertBuffer *buffer; /* last used */
	int buffered_rows;
	Size buffered_bytes;
	int options; /* TABLE_INSERT_… */
	CommandId command;
	bool one_by_one;
	bool checked_not_null;
	uint64 count;
	uint64 count_before; /* the query */
	EState *firing;		 /* that AFTER triggers run in now: one that fails leaves it unfit for the next */
	bool in_row;
	EtlRowPlace place;
};

static void
insert_check_rights(Relation rel, List *attnums, ParseState *pstate)
{
	ParseNamespaceItem *nsitem =
		addRangeTableEntryForRelation(pstate, rel, RowExclusiveLock, NULL, false, false);
	Bitmapset *columns = NULL;
	ListCell *lc;

	foreach (lc, attnums)
		columns = bms_add_member(columns, lfirst_int(lc) - FirstLowInvalidHeapAttributeNumber);
	etl_check_insert_privilege(pstate, nsitem, columns);
	if (check_enable_rls(RelationGetRelid(rel), InvalidOid, false) == RLS_ENABLED)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("loading into table \"%s\" is not supported: it has row-level security",
					   RelationGetRelationName(rel)),
				errhint("Load into another table and use INSERT."));
	if (XactReadOnly && !rel->rd_islocaltemp)
		PreventCommandIfReadOnly("COPY FROM");
}

static void
insert_check_kind(Relation rel)
{
	char kind = rel->rd_rel->relkind;

	if (kind == RELKIND_RELATION || kind == RELKIND_FOREIGN_TABLE || kind == RELKIND_PARTITIONED_TABLE ||
		(rel->trigdesc != NULL && rel->trigdesc->trig_insert_instead_row))
		return;
	ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
			errmsg("cannot load into \"%s\": it is no table", RelationGetRelationName(rel)),
			kind == RELKIND_VIEW ? errhint("A view takes rows by an INSTEAD OF INSERT trigger.") : 0);
}

static bool
has_trigger(const ResultRelInfo *rri, bool before_or_instead)
{
	const TriggerDesc *triggers = rri->ri_TrigDesc;

	if (triggers == NULL)
		return false;
	return before_or_instead ? triggers->trig_insert_before_row || triggers->trig_insert_instead_row
							 : triggers->trig_insert_after_row || triggers->trig_insert_new_table;
}

/* The query ends: its AFTER triggers run. */
static void
fire_triggers(EtlInsert *insert)
{
	MemoryContext old = MemoryContextSwitchTo(insert->estate->es_query_cxt);

	insert->firing = CreateExecutorState();
	MemoryContextSwitchTo(old);
	AfterTriggerEndQuery(insert->firing);
	ExecResetTupleTable(insert->firing->es_tupleTable, false);
	ExecCloseResultRelations(insert->firing);
	FreeExecutorState(insert->firing);
	insert->firing = NULL;
}

static void
insert_open(EtlInsert *insert, ParseState *pstate)
{
	EState *estate = insert->estate;
	ModifyTableState *mtstate = makeNode(ModifyTableState);
	ResultRelInfo *root = makeNode(ResultRelInfo);

	etl_init_range_table(estate, pstate);
	ExecInitResultRelation(estate, root, 1);
	etl_check_insert_target(root);
	ExecOpenIndices(root, false);
	mtstate->ps.state = estate;
	mtstate->operation = CMD_INSERT;
	mtstate->mt_nrels = 1;
	mtstate->resultRelInfo = root;
	mtstate->rootResultRelInfo = root;
	if (root->ri_FdwRoutine != NULL && root->ri_FdwRoutine->BeginForeignInsert != NULL)
		root->ri_FdwRoutine->BeginForeignInsert(mtstate, root);
	root->ri_BatchSize = 1;
	insert->root = root;
	insert->mtstate = mtstate;
}

void
insert_check(Relation rel, List *attnums)
{
	insert_check_rights(rel, attnums, make_parsestate(NULL));
	insert_check_kind(rel);
}

void
insert_check_freeze(Relation rel)
{
	if (rel->rd_rel->relkind != RELKIND_RELATION)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot perform COPY FREEZE on \"%s\"", RelationGetRelationName(rel)),
				rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE ? errhint("Load into its partitions.")
																   : errdetail("It is no table."));
	/* its registration would count */
	InvalidateCatalogSnapshot();
	if (!ThereAreNoPriorRegisteredSnapshots() || !ThereAreNoReadyPortals())
		ereport(ERROR, errcode(ERRCODE_INVALID_TRANSACTION_STATE),
				errmsg("cannot perform COPY FREEZE because of prior transaction activity"));
	if (rel->rd_createSubid != GetCurrentSubTransactionId() &&
		rel->rd_newRelfilelocatorSubid != GetCurrentSubTransactionId())
		ereport(ERROR, errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				errmsg("cannot perform COPY FREEZE because the table was not created or truncated in the current "
					   "subtransaction"));
}

EtlInsert *
insert_begin(Relation rel, List *attnums, bool freeze)
{
	EtlInsert *insert = palloc0(sizeof(EtlInsert));
	ParseState *pstate = make_parsestate(NULL);

	insert->rel = rel;
	insert_check_rights(rel, attnums, pstate);
	insert_check_kind(rel);
	insert->owner = CurrentResourceOwner;
	insert->estate = CreateExecutorState();
	if (RELKIND_HAS_STORAGE(rel->rd_rel->relkind) &&
		(rel->rd_createSubid != InvalidSubTransactionId ||
		 rel->rd_firstRelfilelocatorSubid != InvalidSubTransactionId))
		insert->options |= TABLE_INSERT_SKIP_FSM;
	if (freeze)
		insert->options |= TABLE_INSERT_FROZEN;
	insert_open(insert, pstate);
	insert->slot = table_slot_create(rel, &insert->estate->es_tupleTable);
	insert->bulk = GetBulkInsertState();
	insert->one_by_one =
		has_trigger(insert->root, true) || insert->root->ri_FdwRoutine != NULL ||
		(rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE && insert->root->ri_TrigDesc != NULL &&
		 insert->root->ri_TrigDesc->trig_insert_new_table);
	if (rel->rd_rel->relkind == RELKIND_PARTITIONED_TABLE)
		insert->routing = ExecSetupPartitionTupleRouting(insert->estate, rel);
	AfterTriggerBeginQuery();
	ExecBSInsertTriggers(insert->estate, insert->root);
	fire_triggers(insert);
	return insert;
}

bool
insert_has_transition_table(const EtlInsert *insert)
{
	return insert->root->ri_TrigDesc != NULL && insert->root->ri_TrigDesc->trig_insert_new_table;
}

bool
insert_may_fail(const EtlInsert *insert)
{
	const TupleConstr *constraints = RelationGetDescr(insert->rel)->constr;

	return insert->routing != NULL || insert->root->ri_FdwRoutine != NULL ||
		   insert->root->ri_TrigDesc != NULL || insert->root->ri_NumIndices > 0 ||
		   insert->rel->rd_rel->relispartition ||
		   (constraints != NULL && (constraints->num_check > 0 || constraints->has_generated_stored));
}

bool
insert_refuses_null(const EtlInsert *insert)
{
	const TupleConstr *constraints = RelationGetDescr(insert->rel)->constr;

	return constraints != NULL && constraints->has_not_null;
}

void
insert_assume_not_null(EtlInsert *insert)
{
	/* a trigger could make one */
	insert->checked_not_null = !has_trigger(insert->root, true);
}

void
insert_one_by_one(EtlInsert *insert)
{
	insert->one_by_one = true;
}

void
insert_query_begin(EtlInsert *insert)
{
	insert->count_before = insert->count;
	insert->command = GetCurrentCommandId(true);
	AfterTriggerBeginQuery();
	/* belongs to the query that has just begun */
	insert->capture = insert->mtstate->mt_transition_capture =
		MakeTransitionCaptureState(insert->rel->trigdesc, RelationGetRelid(insert->rel), CMD_INSERT);
}

/* Index entries and AFTER ROW triggers of a row that is in. */
static void
row_finish(EtlInsert *insert, ResultRelInfo *rri, TupleTableSlot *slot)
{
	List *recheck = NIL;

	if (rri->ri_NumIndices > 0)
		recheck = etl_insert_index_tuples(rri, slot, insert->estate, false, TU_All);
	if (recheck != NIL || has_trigger(rri, false))
		ExecARInsertTriggers(insert->estate, rri, slot, recheck, insert->capture);
	list_free(recheck);
}

static void
buffer_flush(EtlInsert *insert, InsertBuffer *buffer)
{
	MemoryContext old;
	int count = buffer->count;

	if (count == 0)
		return;
	insert->in_row = false;
	/* table_multi_insert may leak */
	old = MemoryContextSwitchTo(GetPerTupleMemoryContext(insert->estate));
	table_multi_insert(buffer->rri->ri_RelationDesc, buffer->slots, count, insert->command, insert->options,
					   buffer->bulk);
	MemoryContextSwitchTo(old);
	if (buffer->rri->ri_NumIndices > 0 || has_trigger(buffer->rri, false))
	{
		insert->in_row = true;
		for (int i = 0; i < count; i++)
		{
			insert->place = buffer->places[i];
			row_finish(insert, buffer->rri, buffer->slots[i]);
			ResetPerTupleExprContext(insert->estate);
		}
		insert->in_row = false;
	}
	for (int i = 0; i < count; i++)
		ExecClearTuple(buffer->slots[i]);
	buffer->count = 0;
	insert->count += count;
}

static void
buffer_free(EtlInsert *insert, InsertBuffer *buffer)
{
	FreeBulkInsertState(buffer->bulk);
	for (int i = 0; i < BUFFERED_ROWS && buffer->slots[i] != NULL; i++)
		ExecDropSingleTupleTableSlot(buffer->slots[i]);
	table_finish_bulk_insert(buffer->rri->ri_RelationDesc, insert->options);
	pfree(buffer);
}

/* Everything gathered so far is put, and of many partitions' buffers the oldest go. */
static void
insert_flush(EtlInsert *insert)
{
	ListCell *lc;

	foreach (lc, insert->buffers)
		buffer_flush(insert, lfirst(lc));
	insert->buffered_rows = 0;
	insert->buffered_bytes = 0;
	while (list_length(insert->buffers) > KEPT_BUFFERS)
	{
		InsertBuffer *oldest = linitial(insert->buffers);

		if (oldest == insert->buffer)
			insert->buffer = NULL;
		insert->buffers = list_delete_first(insert->buffers);
		buffer_free(insert, oldest);
	}
}

static InsertBuffer *
buffer_for(EtlInsert *insert, ResultRelInfo *rri)
{
	MemoryContext old;
	InsertBuffer *buffer;
	ListCell *lc;

	if (insert->buffer != NULL && insert->buffer->rri == rri)
		return insert->buffer;
	foreach (lc, insert->buffers)
	{
		buffer = lfirst(lc);
		if (buffer->rri == rri)
			return insert->buffer = buffer;
	}
	old = MemoryContextSwitchTo(insert->estate->es_query_cxt);
	buffer = palloc0(sizeof(InsertBuffer));
	buffer->rri = rri;
	buffer->bulk = GetBulkInsertState();
	insert->buffers = lappend(insert->buffers, buffer);
	MemoryContextSwitchTo(old);
	return insert->buffer = buffer;
}

static TupleTableSlot *
buffer_slot(EtlInsert *insert, InsertBuffer *buffer)
{
	if (buffer->slots[buffer->count] == NULL)
	{
		MemoryContext old = MemoryContextSwitchTo(insert->estate->es_query_cxt);
		ResourceOwner current = CurrentResourceOwner;

		CurrentResourceOwner = insert->owner;
		buffer->slots[buffer->count] = table_slot_create(buffer->rri->ri_RelationDesc, NULL);
		CurrentResourceOwner = current;
		MemoryContextSwitchTo(old);
	}
	return buffer->slots[buffer->count];
}

/* The partition for the row. What it opens stays open when a subtransaction is rolled back. */
static ResultRelInfo *
insert_route(EtlInsert *insert, TupleTableSlot *slot)
{
	ResourceOwner current = CurrentResourceOwner;
	ResultRelInfo *rri;

	CurrentResourceOwner = insert->owner;
	rri = ExecFindPartition(insert->mtstate, insert->root, insert->routing, slot, insert->estate);
	CurrentResourceOwner = current;
	if (rri != insert->previous)
		ReleaseBulkInsertStatePin(insert->bulk);
	insert->previous = rri;
	return rri;
}

static void
row_check(EtlInsert *insert, ResultRelInfo *rri, TupleTableSlot *slot)
{
	const TupleConstr *constraints = RelationGetDescr(rri->ri_RelationDesc)->constr;
	bool partition_is_known =
		insert->routing != NULL && !(rri->ri_TrigDesc != NULL && rri->ri_TrigDesc->trig_insert_before_row);

	if (constraints != NULL && constraints->has_generated_stored)
		ExecComputeStoredGenerated(rri, insert->estate, slot, CMD_INSERT);
	if (constraints != NULL && rri->ri_FdwRoutine == NULL &&
		(!insert->checked_not_null || rri != insert->root || constraints->num_check > 0 ||
		 constraints->has_generated_stored))
		ExecConstraints(rri, slot, insert->estate);
	if (rri->ri_RelationDesc->rd_rel->relispartition && !partition_is_known)
		ExecPartitionCheck(rri, slot, insert->estate, true);
}

/* A row of which something could see those before it: they are all put first. */
static void
row_put_alone(EtlInsert *insert, ResultRelInfo *rri, TupleTableSlot *slot)
{
	const TriggerDesc *triggers = rri->ri_TrigDesc;

	if (triggers != NULL && triggers->trig_insert_before_row &&
		!ExecBRInsertTriggers(insert->estate, rri, slot))
		return;
	if (triggers != NULL && triggers->trig_insert_instead_row)
	{
		ExecIRInsertTriggers(insert->estate, rri, slot);
		insert->count++;
		return;
	}
	row_check(insert, rri, slot);
	if (rri->ri_FdwRoutine != NULL)
	{
		slot = rri->ri_FdwRoutine->ExecForeignInsert(insert->estate, rri, slot, NULL);
		if (slot == NULL)
			return;
		slot->tts_tableOid = RelationGetRelid(rri->ri_RelationDesc);
	}
	else
		table_tuple_insert(rri->ri_RelationDesc, slot, insert->command, insert->options, insert->bulk);
	row_finish(insert, rri, slot);
	insert->count++;
}

static void
insert_row(EtlInsert *insert, TupleTableSlot *slot, Size size)
{
	ResultRelInfo *rri = insert->root;
	bool alone = insert->one_by_one;

	if (insert->routing != NULL)
	{
		TupleConversionMap *map;

		slot->tts_tableOid = RelationGetRelid(insert->rel);
		rri = insert_route(insert, slot);
		alone |= has_trigger(rri, true) || rri->ri_FdwRoutine != NULL;
		if (insert->capture != NULL)
			insert->capture->tcs_original_insert_tuple =
				rri->ri_TrigDesc != NULL && rri->ri_TrigDesc->trig_insert_before_row ? NULL : slot;
		map = ExecGetRootToChildMap(rri, insert->estate);
		if (alone && map != NULL)
			slot = execute_attr_map_slot(map->attrMap, slot, rri->ri_PartitionTupleSlot);
		else if (!alone)
		{
			TupleTableSlot *own = buffer_slot(insert, buffer_for(insert, rri));

			slot = map != NULL ? execute_attr_map_slot(map->attrMap, slot, own) : ExecCopySlot(own, slot);
		}
	}
	slot->tts_tableOid = RelationGetRelid(rri->ri_RelationDesc);
	if (alone)
	{
		if (insert->buffered_rows > 0)
		{
			EtlRowPlace place = insert->place;

			insert_flush(insert);
			insert->place = place;
			insert->in_row = true;
		}
		row_put_alone(insert, rri, slot);
	}
	else
	{
		InsertBuffer *buffer = buffer_for(insert, rri);

		row_check(insert, rri, slot);
		ExecMaterializeSlot(slot);
		buffer->places[buffer->count++] = insert->place;
		insert->buffered_rows++;
		insert->buffered_bytes += size;
		if (insert->buffered_rows >= BUFFERED_ROWS || insert->buffered_bytes >= BUFFERED_BYTES)
			insert_flush(insert);
	}
	insert->in_row = false;
}

static void
row_begin(EtlInsert *insert, const EtlRowPlace *place)
{
	insert->place = *place;
	insert->in_row = true;
}

ExprContext *
insert_context(EtlInsert *insert)
{
	return GetPerTupleExprContext(insert->estate);
}

/* The slot that a row is to be filled into: where it is gathered, if it can only go there. */
TupleTableSlot *
insert_slot(EtlInsert *insert)
{
	TupleTableSlot *slot = insert->one_by_one || insert->routing != NULL
							   ? insert->slot
							   : buffer_slot(insert, buffer_for(insert, insert->root));

	ResetPerTupleExprContext(insert->estate);
	ExecClearTuple(slot);
	return slot;
}

static TupleTableSlot *
current_slot(EtlInsert *insert)
{
	if (insert->one_by_one || insert->routing != NULL)
		return insert->slot;
	return insert->buffer->slots[insert->buffer->count];
}

void
insert_put(EtlInsert *insert, const EtlRowPlace *place)
{
	TupleTableSlot *slot = current_slot(insert);

	row_begin(insert, place);
	insert_row(insert, slot,
			   heap_compute_data_size(slot->tts_tupleDescriptor, slot->tts_values, slot->tts_isnull));
}

void
insert_put_tuple(EtlInsert *insert, HeapTuple tuple, const EtlRowPlace *place)
{
	TupleTableSlot *slot = insert_slot(insert);

	row_begin(insert, place);
	ExecForceStoreHeapTuple(tuple, slot, false);
	insert_row(insert, slot, tuple->t_len);
}

void
insert_query_end(EtlInsert *insert)
{
	insert_flush(insert);
	fire_triggers(insert);
	/* a subtransaction that ends must not leave pins */
	ReleaseBulkInsertStatePin(insert->bulk);
	if (insert->buffers != NIL)
	{
		ListCell *lc;

		foreach (lc, insert->buffers)
			ReleaseBulkInsertStatePin(((InsertBuffer *) lfirst(lc))->bulk);
	}
}

void
insert_forget(EtlInsert *insert)
{
	ListCell *lc;

	if (insert->firing != NULL)
		FreeExecutorState(insert->firing);
	insert->firing = NULL;
	/* the pins went with the subtransaction */
	insert->bulk->current_buf = InvalidBuffer;
	foreach (lc, insert->buffers)
	{
		InsertBuffer *buffer = lfirst(lc);

		buffer->bulk->current_buf = InvalidBuffer;
		for (int i = 0; i < BUFFERED_ROWS && buffer->slots[i] != NULL; i++)
			ExecClearTuple(buffer->slots[i]);
		buffer->count = 0;
	}
	ExecClearTuple(insert->slot);
	insert->buffered_rows = 0;
	insert->buffered_bytes = 0;
	insert->in_row = false;
	insert->count = insert->count_before;
}

uint64
insert_end(EtlInsert *insert)
{
	EState *estate = insert->estate;
	uint64 count;
	ListCell *lc;

	insert_flush(insert);
	ExecASInsertTriggers(estate, insert->root, insert->capture);
	fire_triggers(insert);
	count = insert->count;
	foreach (lc, insert->buffers)
		buffer_free(insert, lfirst(lc));
	FreeBulkInsertState(insert->bulk);
	if (insert->root->ri_FdwRoutine != NULL && insert->root->ri_FdwRoutine->EndForeignInsert != NULL)
		insert->root->ri_FdwRoutine->EndForeignInsert(estate, insert->root);
	ExecResetTupleTable(estate->es_tupleTable, false);
	if (insert->routing != NULL)
		ExecCleanupTupleRouting(insert->mtstate, insert->routing);
	ExecCloseResultRelations(estate);
	ExecCloseRangeTableRelations(estate);
	FreeExecutorState(estate);
	return count;
}

bool
insert_place(const EtlInsert *insert, EtlRowPlace *place)
{
	*place = insert->place;
	return insert->in_row;
}

uint64
insert_count(const EtlInsert *insert)
{
	return insert->count + insert->buffered_rows;
}

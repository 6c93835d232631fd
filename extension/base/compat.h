/*
 * compat.h
 *		The only file that looks at PG_VERSION_NUM. Code is written against the newest signature; each shim names
 *		the version that brought it.
 */
#ifndef ETL_BASE_COMPAT_H
#define ETL_BASE_COMPAT_H

#include "postgres.h"

#include "storage/latch.h"
#include "utils/memutils.h"

#if PG_VERSION_NUM < 150000
#error "pg_etl needs PostgreSQL 15 or later"
#endif

/* 16: object_aclcheck replaces one function a kind of object */
#if PG_VERSION_NUM < 160000
#include "catalog/pg_database.h"
#include "catalog/pg_foreign_data_wrapper.h"
#include "catalog/pg_foreign_server.h"
#include "catalog/pg_proc.h"
#include "utils/acl.h"
static inline AclResult
object_aclcheck(Oid classid, Oid objectid, Oid roleid, AclMode mode)
{
	Assert(classid == ForeignServerRelationId || classid == ForeignDataWrapperRelationId ||
		   classid == DatabaseRelationId || classid == ProcedureRelationId);
	if (classid == ProcedureRelationId)
		return pg_proc_aclcheck(objectid, roleid, mode);
	if (classid == DatabaseRelationId)
		return pg_database_aclcheck(objectid, roleid, mode);
	return classid == ForeignServerRelationId ? pg_foreign_server_aclcheck(objectid, roleid, mode)
											  : pg_foreign_data_wrapper_aclcheck(objectid, roleid, mode);
}
#endif

/* 17: a WaitEventSet belongs to a resource owner (NULL: to the process), no more to a memory context */
#if PG_VERSION_NUM < 170000
#define CreateWaitEventSet(owner, nevents)                                                                  \
	(AssertMacro((owner) == NULL), CreateWaitEventSet(TopMemoryContext, (nevents)))
#endif

/* 16: permissions left the range table entry for a struct of their own. Raises unless the current user may insert. */
#include "catalog/pg_class.h"
#include "executor/executor.h"
#include "parser/parse_relation.h"
static inline void
etl_check_insert_privilege(ParseState *pstate, ParseNamespaceItem *nsitem, Bitmapset *columns)
{
#if PG_VERSION_NUM < 160000
	nsitem->p_rte->requiredPerms = ACL_INSERT;
	nsitem->p_rte->insertedCols = columns;
	ExecCheckRTPerms(pstate->p_rtable, true);
#else
	nsitem->p_perminfo->requiredPerms = ACL_INSERT;
	nsitem->p_perminfo->insertedCols = columns;
	ExecCheckPermissions(pstate->p_rtable, list_make1(nsitem->p_perminfo), true);
#endif
}

/*
 * The same of what an expression reads of the table: of what was transformed between the two calls. Raises unless the
 * current user may select it.
 */
static inline void
etl_select_privilege_begin(ParseNamespaceItem *nsitem)
{
#if PG_VERSION_NUM < 160000
	nsitem->p_rte->requiredPerms = 0;
#else
	nsitem->p_perminfo->requiredPerms = 0;
#endif
}
static inline void
etl_select_privilege_check(ParseState *pstate, ParseNamespaceItem *nsitem)
{
#if PG_VERSION_NUM < 160000
	ExecCheckRTPerms(pstate->p_rtable, true);
#else
	ExecCheckPermissions(pstate->p_rtable, list_make1(nsitem->p_perminfo), true);
#endif
}

/* What copy/insert.c asks of the executor. 16: rights are a list of their own; 18: so are the tables not pruned */
#include "executor/executor.h"
#include "utils/rel.h"
static inline void
etl_init_range_table(EState *estate, ParseState *pstate)
{
#if PG_VERSION_NUM < 160000
	ExecInitRangeTable(estate, pstate->p_rtable);
#elif PG_VERSION_NUM < 180000
	ExecInitRangeTable(estate, pstate->p_rtable, pstate->p_rteperminfos);
#else
	ExecInitRangeTable(estate, pstate->p_rtable, pstate->p_rteperminfos, bms_make_singleton(1));
#endif
}

/* 18: the check knows ON CONFLICT */
static inline void
etl_check_insert_target(ResultRelInfo *target)
{
#if PG_VERSION_NUM < 180000
	CheckValidResultRel(target, CMD_INSERT);
#else
	CheckValidResultRel(target, CMD_INSERT, ONCONFLICT_NONE, NIL);
#endif
}

/* 16: the map is made when it is first asked for; its relation's file has another name */
#if PG_VERSION_NUM < 160000
#define ExecGetRootToChildMap(target, estate) ((target)->ri_RootToPartitionMap)
#define rd_firstRelfilelocatorSubid rd_firstRelfilenodeSubid
#define rd_newRelfilelocatorSubid rd_newRelfilenodeSubid
#endif

/* 18: ExecutorRun lost execute_once, EXPLAIN's helpers got headers of their own, a foreign path counts disabled nodes */
#if PG_VERSION_NUM < 180000
#define ExecutorRun(desc, direction, count) ExecutorRun(desc, direction, count, true)
#include "commands/explain.h"
#else
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

/* 16: object_ownercheck replaces one function a kind of object */
#if PG_VERSION_NUM < 160000
#define object_ownercheck(classid, objectid, roleid)                                                        \
	(AssertMacro((classid) == RelationRelationId || (classid) == DatabaseRelationId),                       \
	 (classid) == DatabaseRelationId ? pg_database_ownercheck((objectid), (roleid))                         \
									 : pg_class_ownercheck((objectid), (roleid)))
#endif

/* 17 and 18 each gave create_foreignscan_path another argument */
#include "optimizer/pathnode.h"
static inline ForeignPath *
etl_create_foreignscan_path(PlannerInfo *root, RelOptInfo *rel, double rows, Cost startup, Cost total,
							Relids required_outer)
{
#if PG_VERSION_NUM < 170000
	return create_foreignscan_path(root, rel, NULL, rows, startup, total, NIL, required_outer, NULL, NIL);
#elif PG_VERSION_NUM < 180000
	return create_foreignscan_path(root, rel, NULL, rows, startup, total, NIL, required_outer, NULL, NIL, NIL);
#else
	return create_foreignscan_path(root, rel, NULL, rows, 0, startup, total, NIL, required_outer, NULL, NIL, NIL);
#endif
}

/* 16: indexes that an update has to follow are told apart by whether they only summarize */
#include "access/tableam.h"
#include "access/xact.h"
#if PG_VERSION_NUM < 160000
typedef enum TU_UpdateIndexes
{
	TU_None,
	TU_All,
	TU_Summarizing
} TU_UpdateIndexes;
#endif
static inline TM_Result
etl_table_tuple_update(Relation relation, ItemPointer tid, TupleTableSlot *slot, Snapshot snapshot,
					   TM_FailureData *failure, LockTupleMode *mode, TU_UpdateIndexes *indexes)
{
#if PG_VERSION_NUM < 160000
	bool all;
	TM_Result result = table_tuple_update(relation, tid, slot, GetCurrentCommandId(true), snapshot, InvalidSnapshot, true,
										  failure, mode, &all);

	*indexes = all ? TU_All : TU_None;
	return result;
#else
	return table_tuple_update(relation, tid, slot, GetCurrentCommandId(true), snapshot, InvalidSnapshot, true, failure,
							  mode, indexes);
#endif
}
static inline List *
etl_insert_index_tuples(ResultRelInfo *result, TupleTableSlot *slot, EState *estate, bool update, TU_UpdateIndexes indexes)
{
#if PG_VERSION_NUM < 160000
	return ExecInsertIndexTuples(result, slot, estate, update, false, NULL, NIL);
#else
	return ExecInsertIndexTuples(result, slot, estate, update, false, NULL, NIL, indexes == TU_Summarizing);
#endif
}

/* 18: an index scan counts its searches, if somebody asks */
#include "access/genam.h"
#if PG_VERSION_NUM < 180000
#define index_beginscan(heap, index, snapshot, instrument, nkeys, norderbys)                                \
	(AssertMacro((instrument) == NULL), index_beginscan((heap), (index), (snapshot), (nkeys), (norderbys)))
#endif

/* 17: a message can be flushed by the same call */
#include "replication/message.h"
#if PG_VERSION_NUM < 170000
#define LogLogicalMessage(prefix, message, size, transactional, flush)                                      \
	(AssertMacro(!(flush)), LogLogicalMessage((prefix), (message), (size), (transactional)))
#endif

#endif

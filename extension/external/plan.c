/*
 * plan.c
 *		Planning the scan of an external table. See plan.h.
 *
 * Nothing here asks the store: a plan may be made for an EXPLAIN, or where there is no network.
 */
#include "postgres.h"

#include "base/compat.h"
#include "external/options.h"
#include "external/partitions.h"
#include "external/plan.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "optimizer/planmain.h"
#include "optimizer/restrictinfo.h"

#define ROWS_PER_PARTITION 1000 /* a guess, where property numRows doesn't say */
#define SCAN_STARTUP_COST 1000	/* listing and opening over the network */

void
external_get_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	EtlExternalTable *table = external_table_get(relid);
	double rows = table->row_estimate;

	if (rows <= 0)
		rows = (double) ROWS_PER_PARTITION *
			(table->partition_attnums == NIL ? 1 : external_partitions_count(relid));
	baserel->fdw_private = table;
	baserel->tuples = rows;
	baserel->rows = clamp_row_est(rows * clauselist_selectivity(root, baserel->baserestrictinfo, 0, JOIN_INNER,
																 NULL));
}

void
external_get_paths(PlannerInfo *root, RelOptInfo *baserel, Oid relid)
{
	Cost startup = SCAN_STARTUP_COST + baserel->baserestrictcost.startup;
	Cost total = startup + baserel->tuples * (cpu_tuple_cost * 10 + baserel->baserestrictcost.per_tuple);

	add_path(baserel, (Path *) etl_create_foreignscan_path(root, baserel, baserel->rows, startup, total,
														   baserel->lateral_relids));
}

static bool
is_partition_qual(const EtlExternalTable *table, RelOptInfo *baserel, RestrictInfo *info)
{
	Bitmapset *used = NULL;
	bool only_partitions;
	ListCell *lc;

	/* A security barrier's own quals must come before a function that could leak the values. */
	if (info->security_level > baserel->baserestrict_min_security && !info->leakproof)
		return false;
	pull_varattnos((Node *) info->clause, baserel->relid, &used);
	foreach (lc, table->partition_attnums)
		used = bms_del_member(used, lfirst_int(lc) - FirstLowInvalidHeapAttributeNumber);
	only_partitions = bms_is_empty(used);
	return only_partitions && !contain_volatile_functions((Node *) info->clause);
}

static List *
needed_attnums(RelOptInfo *baserel, List *scan_clauses)
{
	Bitmapset *used = NULL;
	List *attnums = NIL;
	int member = -1;

	pull_varattnos((Node *) baserel->reltarget->exprs, baserel->relid, &used);
	pull_varattnos((Node *) scan_clauses, baserel->relid, &used);
	while ((member = bms_next_member(used, member)) >= 0)
		if (member + FirstLowInvalidHeapAttributeNumber >= 0)
			attnums = lappend_int(attnums, member + FirstLowInvalidHeapAttributeNumber);
	return attnums;
}

ForeignScan *
external_get_plan(PlannerInfo *root, RelOptInfo *baserel, Oid relid, ForeignPath *best_path, List *tlist,
				  List *scan_clauses, Plan *outer_plan)
{
	EtlExternalTable *table = baserel->fdw_private;
	List *partition_quals = NIL;
	ListCell *lc;

	foreach (lc, scan_clauses)
	{
		RestrictInfo *info = lfirst_node(RestrictInfo, lc);

		if (!info->pseudoconstant && is_partition_qual(table, baserel, info))
			partition_quals = lappend(partition_quals, info->clause);
	}
	scan_clauses = extract_actual_clauses(scan_clauses, false);
	return make_foreignscan(tlist, scan_clauses, baserel->relid, partition_quals,
							needed_attnums(baserel, scan_clauses), NIL, NIL, outer_plan);
}

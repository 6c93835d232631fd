/*
 * plan.h
 *		What the planner hands to a scan of an external table.
 */
#ifndef ETL_EXTERNAL_PLAN_H
#define ETL_EXTERNAL_PLAN_H

#include "postgres.h"

#include "foreign/fdwapi.h"

/*
 * The plan's fdw_private is the list of attribute numbers that the query needs (0: all); its fdw_exprs are the quals
 * on partition columns alone, to prune with.
 */
extern void external_get_rel_size(PlannerInfo *root, RelOptInfo *baserel, Oid relid);
extern void external_get_paths(PlannerInfo *root, RelOptInfo *baserel, Oid relid);
extern ForeignScan *external_get_plan(PlannerInfo *root, RelOptInfo *baserel, Oid relid, ForeignPath *best_path,
									  List *tlist, List *scan_clauses, Plan *outer_plan);

#endif

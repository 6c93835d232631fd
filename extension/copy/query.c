/*
 * query.c
 *		Running the query of an UNLOAD. See query.h.
 *
 * As COPY (query) TO does: rows are pushed to the receiver as the executor makes them, so nothing is held.
 */
#include "postgres.h"

#include "base/compat.h"
#include "copy/query.h"
#include "executor/execdesc.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/snapmgr.h"

/* A syntax error's position is one in the inner query, not in the statement that the client sent. */
static void
query_error_callback(void *arg)
{
	int position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

static void pg_attribute_noreturn()
query_refuse(void)
{
	ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR), errmsg("the query to unload must be one that only reads"),
			errhint("Give one SELECT, VALUES or WITH ... SELECT statement, without INTO and without row locks."));
}

static PlannedStmt *
query_plan(const char *sql)
{
	ErrorContextCallback callback = {error_context_stack, query_error_callback, (void *) sql};
	List *statements;
	List *queries;
	PlannedStmt *plan;

	error_context_stack = &callback;
	statements = pg_parse_query(sql);
	if (list_length(statements) != 1 || !IsA(linitial_node(RawStmt, statements)->stmt, SelectStmt))
		query_refuse();
	queries = pg_analyze_and_rewrite_fixedparams(linitial_node(RawStmt, statements), sql, NULL, 0, NULL);
	/* SELECT INTO becomes a utility statement there */
	if (list_length(queries) != 1 || linitial_node(Query, queries)->commandType != CMD_SELECT)
		query_refuse();
	plan = pg_plan_query(linitial_node(Query, queries), sql, CURSOR_OPT_PARALLEL_OK, NULL);
	if (!CommandIsReadOnly(plan))
		query_refuse();
	error_context_stack = callback.previous;
	return plan;
}

uint64
copy_query_run(const char *sql, DestReceiver *dest)
{
	PlannedStmt *plan = query_plan(sql);
	QueryDesc *desc;
	uint64 rows;

	PushCopiedSnapshot(GetActiveSnapshot());
	UpdateActiveSnapshotCommandId();
	desc = CreateQueryDesc(plan, sql, GetActiveSnapshot(), InvalidSnapshot, dest, NULL, NULL, 0);
	ExecutorStart(desc, 0);
	ExecutorRun(desc, ForwardScanDirection, 0);
	rows = desc->estate->es_processed;
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	PopActiveSnapshot();
	return rows;
}

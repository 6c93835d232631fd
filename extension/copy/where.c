/*
 * where.c
 *		COPY ... WHERE. See where.h.
 *
 * The text is parsed as what it is, the end of a COPY statement, and nothing else gets through. What follows is what
 * PostgreSQL's COPY does with its tree.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "base/compat.h"
#include "copy/where.h"
#include "executor/executor.h"
#include "nodes/bitmapset.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"

static const char before_where[] = "COPY t FROM 's3://a/b' WHERE ";

struct EtlWhere
{
	ExprState *state;
	bool is_volatile;
};

/* A position is one in the text, not in the statement that called. */
static void
set_position(void *arg)
{
	int position = geterrposition();

	if (position <= (int) strlen(before_where))
		return;
	errposition(0);
	internalerrposition(position - (int) strlen(before_where));
	internalerrquery(arg);
}

static Node *
where_parse(const char *statement)
{
	List *trees = raw_parser(statement, RAW_PARSE_DEFAULT);
	CopyStmt *copy = list_length(trees) == 1 ? (CopyStmt *) linitial_node(RawStmt, trees)->stmt : NULL;

	if (copy == NULL || !IsA(copy, CopyStmt) || copy->options != NIL || copy->whereClause == NULL)
		ereport(ERROR, errcode(ERRCODE_SYNTAX_ERROR), errmsg("option \"where\" is not a condition"),
				errhint("Write it as after WHERE: id > 1 AND name IS NOT NULL."));
	return copy->whereClause;
}

/* Values of generated columns aren't there yet, nor those of system columns. */
static void
check_columns(Relation rel, Node *condition)
{
	TupleDesc desc = RelationGetDescr(rel);
	Bitmapset *columns = NULL;
	int member = -1;

	pull_varattnos(condition, 1, &columns);
	if (bms_is_member(0 - FirstLowInvalidHeapAttributeNumber, columns)) /* the whole row */
		columns = bms_add_range(columns, 1 - FirstLowInvalidHeapAttributeNumber,
								desc->natts - FirstLowInvalidHeapAttributeNumber);
	while ((member = bms_next_member(columns, member)) >= 0)
	{
		int number = member + FirstLowInvalidHeapAttributeNumber;

		if (number < 0)
			ereport(ERROR, errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					errmsg("system columns are not supported in COPY ... WHERE"));
		if (number > 0 && TupleDescAttr(desc, number - 1)->attgenerated)
			ereport(ERROR, errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					errmsg("generated columns are not supported in COPY ... WHERE"),
					errdetail("Column \"%s\" is a generated column.", NameStr(TupleDescAttr(desc, number - 1)->attname)));
	}
}

EtlWhere *
where_create(Relation rel, const char *text)
{
	EtlWhere *where = palloc(sizeof(EtlWhere));
	char *statement = psprintf("%s%s", before_where, text);
	ErrorContextCallback callback = {.callback = set_position, .arg = (void *) text, .previous = error_context_stack};
	ParseState *pstate = make_parsestate(NULL);
	ParseNamespaceItem *nsitem;
	Node *tree;

	error_context_stack = &callback;
	pstate->p_sourcetext = statement;
	nsitem = addRangeTableEntryForRelation(pstate, rel, RowExclusiveLock, NULL, false, false);
	etl_select_privilege_begin(nsitem);
	addNSItemToQuery(pstate, nsitem, false, true, true);
	tree = transformExpr(pstate, where_parse(statement), EXPR_KIND_COPY_WHERE);
	tree = coerce_to_boolean(pstate, tree, "WHERE");
	etl_select_privilege_check(pstate, nsitem);
	assign_expr_collations(pstate, tree);
	check_columns(rel, tree);
	where->is_volatile = contain_volatile_functions(tree);
	tree = eval_const_expressions(NULL, tree);
	tree = (Node *) canonicalize_qual((Expr *) tree, false);
	where->state = ExecInitQual(make_ands_implicit((Expr *) tree), NULL);
	error_context_stack = callback.previous;
	free_parsestate(pstate);
	return where;
}

bool
where_is_volatile(const EtlWhere *where)
{
	return where->is_volatile;
}

bool
where_holds(EtlWhere *where, TupleTableSlot *slot, ExprContext *context)
{
	context->ecxt_scantuple = slot;
	return ExecQual(where->state, context);
}

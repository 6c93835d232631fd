/*
 * hook.c
 *		COPY of objects in PostgreSQL's syntax. See hook.h.
 *
 * The statement becomes a call of etl.load or etl.unload, by those who may call these. A query is taken from the
 * statement's text: its tree doesn't say where it ends.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "base/compat.h"
#include "base/extension.h"
#include "catalog/namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/copy.h"
#include "commands/dbcommands.h"
#include "copy/hook.h"
#include "copy/hook_options.h"
#include "copy/secrets.h"
#include "miscadmin.h"
#include "parser/parse_func.h"
#include "parser/scanner.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static ProcessUtility_hook_type prev_process_utility_hook = NULL;

/* The function, for the current user to call. */
static Oid
function_get(const char *name, Oid first)
{
	Oid types[] = {first, TEXTOID, TEXTOID, JSONBOID};
	List *names = list_make2(makeString("etl"), makeString(pstrdup(name)));
	Oid function = LookupFuncName(names, lengthof(types), types, false);
	AclResult allowed = object_aclcheck(ProcedureRelationId, function, GetUserId(), ACL_EXECUTE);

	if (allowed != ACLCHECK_OK)
		aclcheck_error(allowed, OBJECT_FUNCTION, psprintf("etl.%s", name));
	return function;
}

/* S3://, however it is written, as the store wants it. */
static char *
object_uri(const CopyStmt *statement)
{
	return psprintf("s3://%s", statement->filename + strlen("s3://"));
}

static int64
copy_from(const CopyStmt *statement, const EtlCopyStatement *copy)
{
	Oid relid = RangeVarGetRelid(statement->relation, RowExclusiveLock, false);

	return DatumGetInt64(OidFunctionCall4(function_get("load", REGCLASSOID), ObjectIdGetDatum(relid),
										  CStringGetTextDatum(object_uri(statement)),
										  CStringGetTextDatum(copy->format), JsonbPGetDatum(copy->options)));
}

/* What stands between the brackets after COPY, or after its WHERE. */
static char *
text_between(const char *sql, const PlannedStmt *pstmt, bool is_condition)
{
	const int where = ScanKeywordTokens[ScanKeywordLookup("where", &ScanKeywords)];
	core_yy_extra_type extra;
	core_YYSTYPE value;
	YYLTYPE location;
	core_yyscan_t scanner;
	int start = -1;
	int depth = 0;
	int token;

	sql += Max(pstmt->stmt_location, 0);
	scanner = scanner_init(sql, &extra, &ScanKeywords, ScanKeywordTokens);
	while ((token = core_yylex(&value, &location, scanner)) != 0)
	{
		if (is_condition && start < 0 && token == where && depth == 0)
			start = location + strlen("where");
		else if (token == '(' && depth++ == 0 && !is_condition)
			start = location + 1;
		else if (token == ')' && --depth == 0 && !is_condition)
			break;
		else if (token == ';' && depth == 0)
			break;
	}
	scanner_finish(scanner);
	if (start < 0)
		elog(ERROR, "%s of COPY not found", is_condition ? "condition" : "query");
	return pnstrdup(sql + start, location - start);
}

/* COPY t (columns) TO: the table's own rows. */
static char *
table_query(const CopyStmt *statement)
{
	Relation rel = table_openrv(statement->relation, AccessShareLock);
	TupleDesc desc = RelationGetDescr(rel);
	StringInfoData query;
	ListCell *lc;

	if (rel->rd_rel->relkind != RELKIND_RELATION && rel->rd_rel->relkind != RELKIND_MATVIEW)
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("cannot copy from \"%s\": it is not a table", RelationGetRelationName(rel)),
				errhint("Try the COPY (SELECT ...) TO variant."));
	initStringInfo(&query);
	foreach (lc, CopyGetAttnums(desc, rel, statement->attlist))
		appendStringInfo(&query, ", %s", quote_identifier(NameStr(TupleDescAttr(desc, lfirst_int(lc) - 1)->attname)));
	query.data = psprintf("SELECT %s FROM ONLY %s", query.len == 0 ? "" : query.data + 2,
						  quote_qualified_identifier(get_namespace_name(RelationGetNamespace(rel)),
													 RelationGetRelationName(rel)));
	table_close(rel, NoLock);
	return query.data;
}

static int64
copy_to(const CopyStmt *statement, const EtlCopyStatement *copy, const char *sql, const PlannedStmt *pstmt)
{
	char *query = statement->query != NULL ? text_between(sql, pstmt, false) : table_query(statement);

	return DatumGetInt64(OidFunctionCall4(function_get("unload", TEXTOID), CStringGetTextDatum(query),
										  CStringGetTextDatum(object_uri(statement)),
										  CStringGetTextDatum(copy->format), JsonbPGetDatum(copy->options)));
}

/* Without it this would be a file of a strange name, that isn't there or that the user may not read. */
static void
check_extension(const CopyStmt *statement)
{
	if (OidIsValid(etl_extension_owner()))
		return;
	ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("COPY %s \"%s\" needs extension pg_etl, which is not created in database \"%s\"",
				   statement->is_from ? "FROM" : "TO", statement->filename, get_database_name(MyDatabaseId)),
			errhint("CREATE EXTENSION pg_etl"));
}

static void
copy_run(const PlannedStmt *pstmt, const char *sql, QueryCompletion *completion)
{
	const CopyStmt *statement = (CopyStmt *) pstmt->utilityStmt;
	List *secrets = copy_hook_secrets(statement->options);
	MemoryContext context = CurrentMemoryContext;
	int64 rows;

	PG_TRY();
	{
		EtlCopyStatement copy;

		check_extension(statement);
		PreventCommandIfParallelMode("COPY");
		copy_hook_options(statement, statement->whereClause == NULL ? NULL : text_between(sql, pstmt, true), &copy);
		rows = statement->is_from ? copy_from(statement, &copy) : copy_to(statement, &copy, sql, pstmt);
	}
	PG_CATCH();
	{
		copy_secrets_rethrow(secrets, context);
	}
	PG_END_TRY();
	if (completion != NULL)
		SetQueryCompletion(completion, CMDTAG_COPY, rows);
}

static bool
is_ours(const PlannedStmt *pstmt)
{
	const CopyStmt *statement = (CopyStmt *) pstmt->utilityStmt;

	return IsA(statement, CopyStmt) && statement->filename != NULL && !statement->is_program &&
		   pg_strncasecmp(statement->filename, "s3://", strlen("s3://")) == 0 && IsTransactionState();
}

static void
process_utility(PlannedStmt *pstmt, const char *sql, bool read_only_tree, ProcessUtilityContext context,
				ParamListInfo params, QueryEnvironment *environment, DestReceiver *dest,
				QueryCompletion *completion)
{
	if (is_ours(pstmt))
		copy_run(pstmt, sql, completion);
	else if (prev_process_utility_hook)
		prev_process_utility_hook(pstmt, sql, read_only_tree, context, params, environment, dest, completion);
	else
		standard_ProcessUtility(pstmt, sql, read_only_tree, context, params, environment, dest, completion);
}

void
copy_hook_init(void)
{
	prev_process_utility_hook = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}

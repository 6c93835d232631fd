/*
 * alter_external.c
 *		ALTER TABLE of an external table: its partitions.
 *
 * All partitions of a statement go into one SELECT, so that one statement stays one statement.
 */
#include "dialect/json.h"
#include "dialect/literal.h"
#include "dialect/translate.h"

/* (key = 'value', …) as a JSON object. */
static bool
parse_values(EtlParser *parser, char **json)
{
	StringInfoData object;

	initStringInfo(&object);
	appendStringInfoChar(&object, '{');
	if (!parser_expect_operator(parser, "("))
		return false;
	do
	{
		const EtlToken *token;
		char *key;
		char *value;

		if (!parser_expect_identifier(parser, "a partition column", &key) ||
			!parser_expect_operator(parser, "="))
			return false;
		token = parser_token(parser);
		if (token->kind == ETL_TOKEN_NUMBER)
		{
			value = pnstrdup(parser->sql + token->start, token->end - token->start);
			parser_advance(parser);
		}
		else if (!parser_expect_string(parser, "the partition's value", &value))
			return false;
		json_append_text_member(&object, key, value);
	} while (parser_accept_operator(parser, ","));
	appendStringInfoChar(&object, '}');
	*json = object.data;
	return parser_expect_operator(parser, ")");
}

/* etl.function('table'::regclass, '{…}'::jsonb */
static void
append_call(StringInfo sql, const char *function, const char *table, const char *values)
{
	appendStringInfo(sql, "%s etl.%s(", sql->len == 0 ? "SELECT" : ",\n      ", function);
	literal_append(sql, table);
	appendStringInfoString(sql, "::regclass, ");
	literal_append(sql, values);
	appendStringInfoString(sql, "::jsonb");
}

/* PARTITION (…) LOCATION '…' … */
static bool
add_partitions(EtlParser *parser, const char *table, bool if_not_exists, StringInfo sql)
{
	do
	{
		char *values;
		char *location;

		if (!parser_expect_word(parser, "partition") || !parse_values(parser, &values) ||
			!parser_expect_word(parser, "location") || !parser_expect_string(parser, "an S3 URI", &location))
			return false;
		append_call(sql, "add_partition", table, values);
		appendStringInfoString(sql, ", ");
		literal_append(sql, location);
		appendStringInfo(sql, ", %s)", if_not_exists ? "true" : "false");
	} while (parser_token(parser)->kind != ETL_TOKEN_END);
	return true;
}

static bool
drop_partition(EtlParser *parser, const char *table, StringInfo sql)
{
	char *values;

	if (!parser_expect_word(parser, "partition") || !parse_values(parser, &values) ||
		!parser_expect_end(parser))
		return false;
	append_call(sql, "drop_partition", table, values);
	appendStringInfoChar(sql, ')');
	return true;
}

static bool
set_location(EtlParser *parser, const char *table, StringInfo sql)
{
	char *values;
	char *location;

	if (!parser_expect_word(parser, "partition") || !parse_values(parser, &values) ||
		!parser_expect_word(parser, "set") || !parser_expect_word(parser, "location") ||
		!parser_expect_string(parser, "an S3 URI", &location) || !parser_expect_end(parser))
		return false;
	append_call(sql, "set_partition_location", table, values);
	appendStringInfoString(sql, ", ");
	literal_append(sql, location);
	appendStringInfoChar(sql, ')');
	return true;
}

/* SET LOCATION and its like on a whole table: Redshift's, and not served yet. */
static bool
is_refused(EtlParser *parser)
{
	static const char *const clauses[] = {"set location", "set file format", "set table properties"};
	const EtlToken *token = parser_token(parser);

	for (int i = 0; i < lengthof(clauses); i++)
		if (parser_accept_words(parser, clauses[i]))
		{
			etl_error_set(parser->error, ERRCODE_FEATURE_NOT_SUPPORTED, "ALTER TABLE ... %s is not supported",
						  clauses[i]);
			etl_error_hint(parser->error, "Drop the external table and create it anew.");
			parser_fail_at(parser, token);
			return true;
		}
	return false;
}

/* A column may be called partition; only the clause has a bracket behind the word. */
static bool
is_partition(const EtlParser *parser)
{
	return parser_is_word(parser, "partition") && lexer_is_operator(parser->sql, parser_peek(parser, 1), "(");
}

EtlFamilyResult
translate_alter_external(EtlParser *parser, EtlTranslation *out)
{
	const EtlToken *name = parser_peek(parser, 1);
	StringInfoData sql;
	char *table;
	bool ok;

	/* ALTER TABLE IF EXISTS, ONLY and ALL IN TABLESPACE are PostgreSQL's */
	if (!parser_accept_word(parser, "table") ||
		(name->kind != ETL_TOKEN_WORD && name->kind != ETL_TOKEN_QUOTED) || parser_is_word(parser, "if") ||
		parser_is_word(parser, "only") || parser_is_word(parser, "all"))
		return ETL_FAMILY_PASS;
	if (!parser_expect_name(parser, "a table's name", &table))
		return ETL_FAMILY_FAILED;

	initStringInfo(&sql);
	if (parser_accept_word(parser, "add"))
	{
		bool if_not_exists = parser_accept_words(parser, "if not exists");

		if (!is_partition(parser))
			return ETL_FAMILY_PASS;
		ok = add_partitions(parser, table, if_not_exists, &sql);
	}
	else if (parser_accept_word(parser, "drop"))
	{
		if (!is_partition(parser))
			return ETL_FAMILY_PASS;
		ok = drop_partition(parser, table, &sql);
	}
	else if (is_partition(parser))
		ok = set_location(parser, table, &sql);
	else
		return is_refused(parser) ? ETL_FAMILY_FAILED : ETL_FAMILY_PASS;
	out->sql = sql.data;
	return ok ? ETL_FAMILY_DONE : ETL_FAMILY_FAILED;
}

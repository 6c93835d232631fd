/*
 * external_schema.c
 *		CREATE EXTERNAL SCHEMA becomes a call of etl.create_external_schema.
 *
 * A data catalog's database is a schema here. The federated kinds (POSTGRES, MYSQL, streams) are something else
 * altogether and refused by name.
 */
#include "dialect/json.h"
#include "dialect/literal.h"
#include "dialect/translate.h"

typedef struct SchemaClause
{
	const char *word;
	const char *key;
	bool given;
} SchemaClause;

static bool
given_twice(EtlParser *parser, const char *clause)
{
	etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "CREATE EXTERNAL SCHEMA has \"%s\" twice", clause);
	etl_error_hint(parser->error, "Keep one of the two.");
	return parser_fail_at(parser, parser_token(parser));
}

/* DATABASE 'd', REGION 'r', … in any order. */
static bool
parse_clauses(EtlParser *parser, StringInfo json)
{
	SchemaClause clauses[] = {
		{"DATABASE", "database"},		  {"REGION", "region"},			{"IAM_ROLE", "iam_role"},
		{"CATALOG_ROLE", "catalog_role"}, {"CATALOG_ID", "catalog_id"},
	};
	bool create_database = false;

	while (parser_token(parser)->kind != ETL_TOKEN_END)
	{
		SchemaClause *clause = NULL;
		char *value;

		if (parser_is_word(parser, "create"))
		{
			if (create_database)
				return given_twice(parser, "CREATE EXTERNAL DATABASE");
			if (!parser_accept_words(parser, "create external database if not exists"))
				return parser_fail(parser, "CREATE EXTERNAL DATABASE IF NOT EXISTS");
			create_database = true;
			continue;
		}
		for (int i = 0; i < lengthof(clauses) && clause == NULL; i++)
			if (parser_is_word(parser, clauses[i].word))
				clause = &clauses[i];
		if (clause == NULL)
			return parser_fail(parser, "DATABASE, REGION, IAM_ROLE, CATALOG_ROLE or CREATE EXTERNAL DATABASE "
									   "IF NOT EXISTS");
		if (clause->given)
			return given_twice(parser, clause->word);
		clause->given = true;
		parser_advance(parser);
		if (strcmp(clause->word, "IAM_ROLE") == 0 && parser_accept_word(parser, "default"))
			value = pstrdup("default");
		else if (!parser_expect_string(parser, "a value", &value))
			return false;
		json_append_text_member(json, clause->key, value);
	}
	if (create_database)
		json_append_boolean_member(json, "create_database", true);
	if (!clauses[2].given)
	{
		etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "CREATE EXTERNAL SCHEMA has no IAM_ROLE");
		etl_error_hint(parser->error, "Add IAM_ROLE default, or IAM_ROLE 'arn:aws:iam::...'.");
		return parser_fail_at(parser, parser_token(parser));
	}
	return true;
}

/* FROM [DATA CATALOG] */
static bool
parse_source(EtlParser *parser)
{
	const EtlToken *token;

	if (!parser_expect_word(parser, "from"))
		return false;
	token = parser_token(parser);
	if (parser_accept_words(parser, "data catalog") || parser_is_word(parser, "database"))
		return true;
	if (token->kind != ETL_TOKEN_WORD)
		return parser_fail(parser, "DATA CATALOG");
	etl_error_set(parser->error, ERRCODE_FEATURE_NOT_SUPPORTED,
				  "external schema FROM \"%.*s\" is not supported", token->end - token->start,
				  parser->sql + token->start);
	etl_error_hint(parser->error, "FROM DATA CATALOG is supported.");
	return parser_fail_at(parser, token);
}

EtlFamilyResult
translate_external_schema(EtlParser *parser, EtlTranslation *out)
{
	StringInfoData json;
	StringInfoData sql;
	bool if_not_exists;
	char *name;

	if (!parser_accept_words(parser, "external schema"))
		return ETL_FAMILY_PASS;
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	if_not_exists = parser_accept_words(parser, "if not exists");
	if (!parser_expect_identifier(parser, "a schema's name", &name) || !parse_source(parser) ||
		!parse_clauses(parser, &json))
		return ETL_FAMILY_FAILED;
	appendStringInfoChar(&json, '}');

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT etl.create_external_schema(");
	literal_append(&sql, name);
	appendStringInfo(&sql, ", %s, ", if_not_exists ? "true" : "false");
	literal_append(&sql, json.data);
	appendStringInfoString(&sql, "::jsonb)");
	out->sql = sql.data;
	return ETL_FAMILY_DONE;
}

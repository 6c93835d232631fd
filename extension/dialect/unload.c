/*
 * unload.c
 *		UNLOAD ('select') TO 's3://…' becomes a call of etl.unload, its query translated on the way.
 */
#include "dialect/json.h"
#include "dialect/literal.h"
#include "dialect/options.h"
#include "dialect/translate.h"

#define MEGABYTE (INT64CONST(1024) * 1024)

static const EtlOptionRule rules[] = {
	{"CSV", ETL_OPTION_FLAG, NULL, "csv"},
	{"PARQUET", ETL_OPTION_FLAG, NULL, "parquet"},
	{"JSON", ETL_OPTION_FLAG, NULL, "json"},
	{"FIXEDWIDTH", ETL_OPTION_STRING, "fixedwidth", "fixedwidth"},
	{"PARTITION BY", ETL_OPTION_COLUMNS, "partition_by", .word = "include", .word_key = "include"},
	{"MANIFEST", ETL_OPTION_FLAG, "manifest", .word = "verbose", .word_key = "manifest_verbose"},
	{"HEADER", ETL_OPTION_FLAG, "header"},
	{"DELIMITER", ETL_OPTION_STRING, "delimiter"},
	{"ADDQUOTES", ETL_OPTION_FLAG, "addquotes"},
	{"NULL", ETL_OPTION_STRING, "null"},
	{"ESCAPE", ETL_OPTION_FLAG, "escape"},
	{"BZIP2", ETL_OPTION_FLAG, "bzip2"},
	{"GZIP", ETL_OPTION_FLAG, "gzip"},
	{"ZSTD", ETL_OPTION_FLAG, "zstd"},
	{"ALLOWOVERWRITE", ETL_OPTION_FLAG, "allowoverwrite"},
	{"CLEANPATH", ETL_OPTION_FLAG, "cleanpath"},
	{"PARALLEL", ETL_OPTION_SWITCH, "parallel"},
	/* 6.2 GB, which isn't a whole number of bytes */
	{"MAXFILESIZE", ETL_OPTION_SIZE, "maxfilesize", .minimum = 5 * MEGABYTE,
	 .maximum = INT64CONST(6657199309)},
	{"ROWGROUPSIZE", ETL_OPTION_SIZE, "rowgroupsize", .minimum = 32 * MEGABYTE, .maximum = 128 * MEGABYTE},
	{"REGION", ETL_OPTION_STRING, "region"},
	{"EXTENSION", ETL_OPTION_STRING, "extension"},
	{"ENCRYPTED", ETL_OPTION_FLAG, "encrypted", .word = "auto", .word_key = "encrypted_auto"},
	{"KMS_KEY_ID", ETL_OPTION_STRING, "kms_key_id"},
	{"FORMULA_GUARD", ETL_OPTION_FLAG, "formula_guard"}, /* ours */
	{"MASTER_SYMMETRIC_KEY", ETL_OPTION_REFUSED, .word = "Use ENCRYPTED with KMS_KEY_ID: S3 encrypts then."},
};

static const EtlOptionConflict conflicts[] = {
	{"CSV", false, "ADDQUOTES,ESCAPE"},
	{"PARQUET", false, "DELIMITER,ADDQUOTES,ESCAPE,NULL,HEADER,GZIP,BZIP2,ZSTD,FORMULA_GUARD"},
	{"JSON", false, "DELIMITER,ADDQUOTES,ESCAPE,NULL,HEADER,FORMULA_GUARD"},
	{"FIXEDWIDTH", false, "DELIMITER,HEADER,ADDQUOTES,ESCAPE,FORMULA_GUARD"},
	{"BZIP2", false, "GZIP,ZSTD"},
	{"GZIP", false, "ZSTD"},
	{"ALLOWOVERWRITE", false, "CLEANPATH"},
};

/* A select, its LIMIT (if any) inside brackets: what Redshift unloads. */
static bool
check_query(EtlParser *query)
{
	int depth = 0;

	if (!parser_is_word(query, "select") && !parser_is_word(query, "with") && !parser_is_operator(query, "("))
		return parser_fail(query, "SELECT or WITH");
	for (; parser_token(query)->kind != ETL_TOKEN_END; parser_advance(query))
	{
		if (parser_is_operator(query, "("))
			depth++;
		else if (parser_is_operator(query, ")"))
			depth--;
		else if (parser_is_operator(query, ";"))
			return parser_fail(query, "one statement, with nothing behind it");
		else if (depth == 0 && parser_is_word(query, "limit"))
		{
			etl_error_set(query->error, ERRCODE_FEATURE_NOT_SUPPORTED,
						  "UNLOAD of a query with an outer LIMIT is not supported");
			etl_error_hint(query->error,
						   "Put the query with its LIMIT into a subquery: SELECT * FROM (...) AS q.");
			return parser_fail_at(query, parser_token(query));
		}
	}
	query->next = 0;
	return true;
}

/*
 * The literal at the cursor as a query of PostgreSQL's. An error inside has its place in the statement where the
 * literal stands there byte for byte ($$…$$), otherwise that of the literal.
 */
static bool
translate_query(EtlParser *parser, char **translated)
{
	const EtlToken *literal = parser_token(parser);
	EtlParser query = {.error = parser->error};
	EtlToken *tokens;
	char *text;
	int count;
	bool ok = false;

	if (!parser_is_string(parser))
		return parser_fail(parser, "the query in quotes");
	if (!literal_decode(parser->sql, literal, false, &text, parser->error))
		return false;
	tokens = lexer_tokens(text, &count, parser->error);
	if (tokens != NULL)
	{
		while (count > 1 && lexer_is_operator(text, &tokens[count - 2], ";"))
		{
			tokens[--count - 1].kind = ETL_TOKEN_END;
			text[tokens[count - 1].start] = '\0';
		}
		query.sql = text;
		query.tokens = tokens;
		ok = check_query(&query) && translate_text(&query, translated);
		pfree(tokens);
	}
	if (!ok && literal->kind == ETL_TOKEN_DOLLAR)
		parser->error->position += strchr(parser->sql + literal->start + 1, '$') + 1 - parser->sql;
	else if (!ok)
		parser->error->position = literal->start + 1;
	else
		parser_advance(parser);
	return ok;
}

static bool
check_encryption(EtlParser *parser, const EtlOptions *options)
{
	const EtlToken *key = options_find(options, "KMS_KEY_ID");

	for (int i = 0; key != NULL && i < options->count; i++)
		if (strcmp(options->rules[i].name, "ENCRYPTED") == 0 && options->given[i].word)
		{
			etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR,
						  "UNLOAD options \"ENCRYPTED AUTO\" and \"KMS_KEY_ID\" can't be used together");
			etl_error_hint(parser->error, "Take AUTO out, or the key.");
			return parser_fail_at(parser, key);
		}
	if (key == NULL || !options->authorization.from_credentials)
		return true;
	etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR,
				  "UNLOAD options \"KMS_KEY_ID\" and \"CREDENTIALS\" can't be used together");
	etl_error_hint(parser->error, "Use IAM_ROLE, or ACCESS_KEY_ID and SECRET_ACCESS_KEY.");
	return parser_fail_at(parser, key);
}

EtlFamilyResult
translate_unload(EtlParser *parser, EtlTranslation *out)
{
	EtlOptions options = {"UNLOAD", rules, lengthof(rules), conflicts, lengthof(conflicts)};
	StringInfoData json;
	StringInfoData sql;
	const EtlToken *target;
	char *query;
	char *uri;

	if (!parser_expect_operator(parser, "(") || !translate_query(parser, &query) ||
		!parser_expect_operator(parser, ")") || !parser_expect_word(parser, "to"))
		return ETL_FAMILY_FAILED;
	target = parser_token(parser);
	if (!parser_expect_string(parser, "an S3 URI", &uri))
		return ETL_FAMILY_FAILED;
	if (pg_strncasecmp(uri, "s3://", 5) != 0)
	{
		etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "UNLOAD target \"%s\" is no S3 URI", uri);
		etl_error_hint(parser->error, "Write 's3://bucket/prefix'.");
		parser_fail_at(parser, target);
		return ETL_FAMILY_FAILED;
	}
	if (!options_parse(parser, &options) || !options_require(parser, &options, "KMS_KEY_ID", "ENCRYPTED") ||
		!options_require(parser, &options, "ROWGROUPSIZE", "PARQUET") || !check_encryption(parser, &options))
		return ETL_FAMILY_FAILED;

	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	options_append(&json, &options);
	appendStringInfoChar(&json, '}');

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT etl.unload(");
	literal_append(&sql, query);
	appendStringInfoString(&sql, ", ");
	literal_append(&sql, uri);
	appendStringInfo(&sql, ", '%s', ", options_format(&options));
	literal_append(&sql, json.data);
	appendStringInfoString(&sql, "::jsonb)");
	out->sql = sql.data;
	return ETL_FAMILY_DONE;
}

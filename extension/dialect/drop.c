/*
 * drop.c
 *		DROP TABLE, which drops external tables too, and DROP SCHEMA … DROP EXTERNAL DATABASE.
 */
#include "dialect/literal.h"
#include "dialect/rewrite.h"
#include "dialect/translate.h"

static EtlFamilyResult
drop_table(EtlParser *parser, EtlTranslation *out)
{
	StringInfoData sql;
	bool if_exists = parser_accept_words(parser, "if exists");
	bool cascade;

	initStringInfo(&sql);
	appendStringInfoString(&sql, "SELECT etl.drop_table(ARRAY[");
	for (bool first = true; first || parser_accept_operator(parser, ","); first = false)
	{
		char *name;

		if (!parser_expect_name(parser, "a table's name", &name))
			return ETL_FAMILY_FAILED;
		if (!first)
			appendStringInfoString(&sql, ", ");
		literal_append(&sql, name);
	}
	cascade = parser_accept_word(parser, "cascade");
	if (!cascade)
		parser_accept_word(parser, "restrict");
	if (!parser_expect_end(parser))
		return ETL_FAMILY_FAILED;
	appendStringInfo(&sql, "]::text[], %s, %s)", if_exists ? "true" : "false", cascade ? "true" : "false");
	out->sql = sql.data;
	return ETL_FAMILY_DONE;
}

/* The catalogue's database is the schema itself here, so the clause has nothing left to do. */
static EtlFamilyResult
drop_schema(EtlParser *parser, EtlTranslation *out)
{
	while (parser_token(parser)->kind != ETL_TOKEN_END)
	{
		const EtlToken *first = parser_token(parser);

		if (parser_accept_words(parser, "drop external database"))
		{
			EtlRewrite rewrite;

			rewrite_init(&rewrite, parser->sql);
			rewrite_remove(&rewrite, first, parser_token(parser) - 1);
			out->sql = rewrite_finish(&rewrite);
			return ETL_FAMILY_DONE;
		}
		parser_advance(parser);
	}
	return ETL_FAMILY_PASS;
}

EtlFamilyResult
translate_drop(EtlParser *parser, EtlTranslation *out)
{
	if (parser_accept_word(parser, "table"))
		return drop_table(parser, out);
	if (parser_accept_word(parser, "schema"))
		return drop_schema(parser, out);
	return ETL_FAMILY_PASS;
}

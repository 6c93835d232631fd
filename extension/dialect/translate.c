/*
 * translate.c
 *		One statement to the family it belongs to; what belongs to none keeps its shape.
 */
#include "dialect/translate.h"

static const struct
{
	const char *word; /* the statement's first */
	EtlFamily family;
} families[] = {
	{"abort", translate_transaction},
	{"alter", translate_alter_external},
	{"begin", translate_transaction},
	{"commit", translate_transaction},
	{"copy", translate_copy},
	{"create", translate_external_schema},
	{"create", translate_external_table},
	{"create", translate_create_table},
	{"drop", translate_drop},
	{"end", translate_transaction},
	{"reset", translate_setting},
	{"rollback", translate_transaction},
	{"set", translate_setting},
	{"start", translate_transaction},
	{"unload", translate_unload},
};

static bool
translate_tokens(EtlParser *parser, EtlTranslation *out)
{
	for (int i = 0; i < lengthof(families); i++)
	{
		parser->next = 0;
		if (!parser_accept_word(parser, families[i].word))
			continue;
		switch (families[i].family(parser, out))
		{
			case ETL_FAMILY_DONE:
				return true;
			case ETL_FAMILY_FAILED:
				return false;
			case ETL_FAMILY_PASS:
				break;
		}
	}
	parser->next = 0;
	return translate_text(parser, &out->sql);
}

bool
dialect_translate(const char *sql, EtlTranslation *out, EtlError *error)
{
	EtlParser parser = {.sql = sql, .error = error};
	int count;
	EtlToken *tokens = lexer_tokens(sql, &count, error);
	bool ok;

	if (tokens == NULL)
		return false;
	/* the semicolons at the end, should there be some, are not the families' concern */
	while (count > 1 && lexer_is_operator(sql, &tokens[count - 2], ";"))
		tokens[--count - 1].kind = ETL_TOKEN_END;

	out->kind = count > 1 ? ETL_STATEMENT_OTHER : ETL_STATEMENT_NOTHING;
	out->sql = NULL;
	parser.tokens = tokens;
	if (count == 1)
		out->sql = pstrdup("");
	ok = count == 1 || translate_tokens(&parser, out);
	pfree(tokens);
	if (!ok)
		dialect_error_locate(error, sql, 0);
	return ok;
}

void
dialect_error_locate(EtlError *error, const char *script, int offset)
{
	int line = 1;
	int column = 1;

	if (error->position == 0)
		return;
	/* columns are characters, as editors count them */
	for (int i = 0; i < offset + error->position - 1; i++)
	{
		if (script[i] == '\n')
		{
			line++;
			column = 1;
		}
		else if (((unsigned char) script[i] & 0xC0) != 0x80)
			column++;
	}
	etl_error_detail(error, "At line %d, column %d.", line, column);
}

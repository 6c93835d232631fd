/*
 * text.c
 *		What holds in every statement that keeps its shape.
 *
 * - a literal with a backslash becomes E'…', so that it means what Redshift means by it;
 * - #name, a temporary table's, becomes "#name": to PostgreSQL # is an operator;
 * - VARCHAR(MAX) and CHAR(MAX) get their lengths.
 *
 * Everything else passes through byte for byte.
 */
#include "dialect/literal.h"
#include "dialect/rewrite.h"
#include "dialect/translate.h"

/* After one of these words a value, a name or an expression begins, so that # can't be an operator between two. */
static const char *const openers[] = {
	"all",		"analyze",	 "and",		  "between", "by",	   "case",	  "copy",	"describe", "distinct",
	"else",		"except",	 "exists",	  "from",	 "having", "ilike",	  "in",		"into",		"intersect",
	"is",		"join",		 "like",	  "limit",	 "lock",   "not",	  "offset", "on",		"only",
	"or",		"recursive", "returning", "select",	 "set",	   "similar", "table",	"then",		"to",
	"truncate", "union",	 "update",	  "using",	 "vacuum", "values",  "when",	"where",	"with",
};

/* An operand can end here, so that a # that follows is the operator "exclusive or". */
static bool
ends_operand(const char *sql, const EtlToken *token)
{
	if (token->kind == ETL_TOKEN_OPERATOR)
		return lexer_is_operator(sql, token, ")") || lexer_is_operator(sql, token, "]");
	if (token->kind == ETL_TOKEN_WORD)
		for (int i = 0; i < lengthof(openers); i++)
			if (lexer_is_word(sql, token, openers[i]))
				return false;
	return true;
}

/* Token i is the # of a temporary table's name. */
static bool
is_temporary_name(const char *sql, const EtlToken *tokens, int i)
{
	return lexer_is_operator(sql, &tokens[i], "#") && tokens[i + 1].kind == ETL_TOKEN_WORD &&
		   tokens[i + 1].start == tokens[i].end && i > 0 && !ends_operand(sql, &tokens[i - 1]) &&
		   !(lexer_is_operator(sql, &tokens[i - 1], "#") && tokens[i - 1].end == tokens[i].start);
}

static const char *
maximum_length(const char *sql, const EtlToken *type)
{
	if (lexer_is_word(sql, type, "varying") || lexer_is_word(sql, type, "varchar") ||
		lexer_is_word(sql, type, "nvarchar"))
		return "65535";
	if (lexer_is_word(sql, type, "char") || lexer_is_word(sql, type, "character") ||
		lexer_is_word(sql, type, "nchar") || lexer_is_word(sql, type, "bpchar"))
		return "4096";
	return NULL;
}

bool
translate_text_range(EtlParser *parser, int first, int last, EtlRewrite *rewrite)
{
	const char *sql = parser->sql;
	const EtlToken *tokens = parser->tokens;

	for (int i = first; i < last; i++)
	{
		if (tokens[i].kind == ETL_TOKEN_STRING)
		{
			StringInfo out = rewrite_copy_to(rewrite, tokens[i].start);

			if (!literal_append_translated(out, sql, &tokens[i], parser->error))
				return false;
			rewrite_skip_to(rewrite, tokens[i].end);
		}
		else if (i + 1 < last && is_temporary_name(sql, tokens, i))
		{
			char *name = pnstrdup(sql + tokens[i].start, tokens[i + 1].end - tokens[i].start);

			for (char *c = name; *c; c++)
				*c = pg_ascii_tolower(*c);
			literal_append_identifier(rewrite_copy_to(rewrite, tokens[i].start), name);
			rewrite_skip_to(rewrite, tokens[i + 1].end);
			pfree(name);
			i++;
		}
		else if (i >= 2 && lexer_is_word(sql, &tokens[i], "max") &&
				 lexer_is_operator(sql, &tokens[i - 1], "(") && lexer_is_operator(sql, &tokens[i + 1], ")") &&
				 maximum_length(sql, &tokens[i - 2]) != NULL)
			rewrite_replace(rewrite, tokens[i].start, tokens[i].end, maximum_length(sql, &tokens[i - 2]));
	}
	return true;
}

bool
translate_text(EtlParser *parser, char **sql)
{
	EtlRewrite rewrite;
	int count = 0;

	while (parser->tokens[count].kind != ETL_TOKEN_END)
		count++;
	rewrite_init(&rewrite, parser->sql);
	if (!translate_text_range(parser, 0, count, &rewrite))
		return false;
	*sql = rewrite_finish(&rewrite);
	return true;
}

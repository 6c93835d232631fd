/*
 * parser.c
 *		See parser.h.
 */
#include "dialect/parser.h"

#include "dialect/literal.h"

const EtlToken *
parser_token(const EtlParser *parser)
{
	return &parser->tokens[parser->next];
}

const EtlToken *
parser_peek(const EtlParser *parser, int ahead)
{
	const EtlToken *token = parser_token(parser);

	while (ahead-- > 0 && token->kind != ETL_TOKEN_END)
		token++;
	return token;
}

void
parser_advance(EtlParser *parser)
{
	if (parser_token(parser)->kind != ETL_TOKEN_END)
		parser->next++;
}

bool
parser_is_word(const EtlParser *parser, const char *word)
{
	return lexer_is_word(parser->sql, parser_token(parser), word);
}

bool
parser_is_operator(const EtlParser *parser, const char *text)
{
	return lexer_is_operator(parser->sql, parser_token(parser), text);
}

bool
parser_accept_word(EtlParser *parser, const char *word)
{
	if (!parser_is_word(parser, word))
		return false;
	parser_advance(parser);
	return true;
}

bool
parser_accept_words(EtlParser *parser, const char *words)
{
	int saved = parser->next;

	while (*words)
	{
		char *word = pnstrdup(words, strcspn(words, " "));
		bool accepted = parser_accept_word(parser, word);

		pfree(word);
		if (!accepted)
		{
			parser->next = saved;
			return false;
		}
		words += strcspn(words, " ");
		words += strspn(words, " ");
	}
	return true;
}

bool
parser_accept_operator(EtlParser *parser, const char *text)
{
	if (!parser_is_operator(parser, text))
		return false;
	parser_advance(parser);
	return true;
}

bool
parser_expect_word(EtlParser *parser, const char *word)
{
	return parser_accept_word(parser, word) || parser_fail(parser, word);
}

bool
parser_expect_operator(EtlParser *parser, const char *text)
{
	return parser_accept_operator(parser, text) || parser_fail(parser, psprintf("\"%s\"", text));
}

bool
parser_expect_end(EtlParser *parser)
{
	return parser_token(parser)->kind == ETL_TOKEN_END || parser_fail(parser, "the end of the statement");
}

bool
parser_is_string(const EtlParser *parser)
{
	EtlTokenKind kind = parser_token(parser)->kind;

	return kind == ETL_TOKEN_STRING || kind == ETL_TOKEN_DOLLAR;
}

bool
parser_expect_string(EtlParser *parser, const char *what, char **value)
{
	if (!parser_is_string(parser))
		return parser_fail(parser, psprintf("%s in quotes", what));
	if (!literal_decode(parser->sql, parser_token(parser), true, value, parser->error))
		return false;
	parser_advance(parser);
	return true;
}

bool
parser_expect_identifier(EtlParser *parser, const char *what, char **name)
{
	const EtlToken *token = parser_token(parser);
	const char *text = parser->sql + token->start;
	int length = token->end - token->start;

	if (token->kind == ETL_TOKEN_WORD)
	{
		*name = pnstrdup(text, length);
		for (char *c = *name; *c; c++)
			*c = pg_ascii_tolower(*c);
	}
	else if (token->kind == ETL_TOKEN_QUOTED && *text == '"')
	{
		char *to = *name = pnstrdup(text + 1, length - 2);

		for (const char *from = *name; *from; from++)
		{
			*to++ = *from;
			if (*from == '"')
				from++;
		}
		*to = '\0';
	}
	else
		return parser_fail(parser, what);
	parser_advance(parser);
	return true;
}

bool
parser_expect_name(EtlParser *parser, const char *what, char **name)
{
	StringInfoData out;

	initStringInfo(&out);
	do
	{
		const EtlToken *token;

		if (out.len > 0)
			appendStringInfoChar(&out, '.');
		if (parser_is_operator(parser, "#"))
		{
			char *word;

			parser_advance(parser);
			if (!parser_expect_identifier(parser, what, &word))
				return false;
			literal_append_identifier(&out, psprintf("#%s", word));
			continue;
		}
		token = parser_token(parser);
		if (token->kind != ETL_TOKEN_WORD && token->kind != ETL_TOKEN_QUOTED)
			return parser_fail(parser, what);
		appendBinaryStringInfo(&out, parser->sql + token->start, token->end - token->start);
		parser_advance(parser);
	} while (parser_accept_operator(parser, "."));
	*name = out.data;
	return true;
}

bool
parser_skip_brackets(EtlParser *parser)
{
	int depth = 0;

	do
	{
		if (parser_token(parser)->kind == ETL_TOKEN_END)
			return parser_fail(parser, "\")\"");
		if (parser_is_operator(parser, "("))
			depth++;
		else if (parser_is_operator(parser, ")"))
			depth--;
		parser_advance(parser);
	} while (depth > 0);
	return true;
}

bool
parser_fail_at(EtlParser *parser, const EtlToken *token)
{
	parser->error->position = token->start + 1;
	return false;
}

bool
parser_fail(EtlParser *parser, const char *expected)
{
	const EtlToken *token = parser_token(parser);

	switch (token->kind)
	{
		case ETL_TOKEN_END:
			etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "syntax error at the end of the statement");
			break;
		case ETL_TOKEN_WORD:
		case ETL_TOKEN_OPERATOR:
			etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "syntax error at or near \"%.*s\"",
						  token->end - token->start, parser->sql + token->start);
			break;
		default:
			etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "syntax error at a literal");
	}
	etl_error_hint(parser->error, "Expected here: %s.", expected);
	return parser_fail_at(parser, token);
}

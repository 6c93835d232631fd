/*
 * lexer.c
 *		The lexer behind everything else here. One pass, no look-back, no recursion; see lexer.h.
 */
#include "dialect/lexer.h"

#include "dialect/dialect.h"

static bool
is_identifier_start(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c >= 0x80;
}

static bool
is_digit(unsigned char c)
{
	return c >= '0' && c <= '9';
}

static bool
is_space(unsigned char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

bool
lexer_is_identifier_byte(unsigned char c)
{
	return is_identifier_start(c) || is_digit(c) || c == '$';
}

void
lexer_init(EtlLexer *lexer, const char *sql)
{
	lexer->sql = sql;
	lexer->position = 0;
}

static bool
unclosed(const EtlLexer *lexer, int start, const char *what, EtlError *error)
{
	etl_error_set(error, ERRCODE_SYNTAX_ERROR, "unterminated %s", what);
	if (lexer->sql[start] == '\'')
		etl_error_hint(error,
					   "Close the quote; a backslash in front of one escapes it, so that a literal's last "
					   "backslash is written twice.");
	else
		etl_error_hint(error, "Close what is opened there.");
	error->position = start + 1;
	dialect_error_locate(error, lexer->sql, 0);
	return false;
}

/* The byte after a `--` comment that starts at i: its line's end. */
static int
skip_line_comment(const char *sql, int i)
{
	while (sql[i] != '\0' && sql[i] != '\n' && sql[i] != '\r')
		i++;
	return i;
}

static bool
skip_blanks(EtlLexer *lexer, EtlError *error)
{
	const char *sql = lexer->sql;
	int i = lexer->position;

	for (;;)
	{
		if (is_space(sql[i]))
			i++;
		else if (sql[i] == '-' && sql[i + 1] == '-')
			i = skip_line_comment(sql, i);
		else if (sql[i] == '/' && sql[i + 1] == '*')
		{
			int start = i;
			int depth = 1;

			for (i += 2; depth > 0; i++)
			{
				if (sql[i] == '\0')
					return unclosed(lexer, start, "/* comment", error);
				if (sql[i] == '/' && sql[i + 1] == '*')
				{
					depth++;
					i++;
				}
				else if (sql[i] == '*' && sql[i + 1] == '/')
				{
					depth--;
					i++;
				}
			}
		}
		else
			break;
	}
	lexer->position = i;
	return true;
}

/*
 * SQL joins literals that only white space with a line break (or `--` comments) separates. If what follows the
 * closing quote at `i` continues the literal, the position of the next opening quote, otherwise 0.
 */
static int
continuation(const char *sql, int i)
{
	bool new_line = false;

	for (;;)
	{
		if (is_space(sql[i]))
		{
			new_line |= sql[i] == '\n' || sql[i] == '\r';
			i++;
		}
		else if (sql[i] == '-' && sql[i + 1] == '-')
			i = skip_line_comment(sql, i);
		else
			break;
	}
	return new_line && sql[i] == '\'' ? i : 0;
}

/* A literal whose opening quote is at `quote`. */
static bool
lex_string(EtlLexer *lexer, EtlToken *token, int quote, bool backslash, EtlError *error)
{
	const char *sql = lexer->sql;
	int i = quote + 1;

	for (;;)
	{
		if (sql[i] == '\0')
			return unclosed(lexer, quote, "quoted string", error);
		if (backslash && sql[i] == '\\')
		{
			if (sql[i + 1] == '\0')
				return unclosed(lexer, quote, "quoted string", error);
			i += 2;
		}
		else if (sql[i] != '\'')
			i++;
		else if (sql[i + 1] == '\'')
			i += 2;
		else
		{
			int next = continuation(sql, i + 1);

			if (next == 0)
				break;
			i = next + 1;
		}
	}
	token->end = i + 1;
	return true;
}

static bool
lex_quoted_identifier(EtlLexer *lexer, EtlToken *token, int quote, EtlError *error)
{
	const char *sql = lexer->sql;
	int i = quote + 1;

	while (sql[i] != '"' || sql[i + 1] == '"')
	{
		if (sql[i] == '\0')
			return unclosed(lexer, quote, "quoted identifier", error);
		i += sql[i] == '"' ? 2 : 1;
	}
	token->kind = ETL_TOKEN_QUOTED;
	token->end = i + 1;
	return true;
}

/* $1, $tag$…$tag$ or a lone dollar. */
static bool
lex_dollar(EtlLexer *lexer, EtlToken *token, EtlError *error)
{
	const char *sql = lexer->sql;
	int i = token->start + 1;
	int tag_length;
	const char *close;
	char *tag;

	if (is_digit(sql[i]))
	{
		while (is_digit(sql[i]))
			i++;
		token->kind = ETL_TOKEN_PARAMETER;
		token->end = i;
		return true;
	}
	if (is_identifier_start(sql[i]))
		while (is_identifier_start(sql[i]) || is_digit(sql[i]))
			i++;
	if (sql[i] != '$')
	{
		token->kind = ETL_TOKEN_OPERATOR;
		token->end = token->start + 1;
		return true;
	}
	tag_length = i + 1 - token->start;
	tag = pnstrdup(sql + token->start, tag_length);
	close = strstr(sql + i + 1, tag);
	pfree(tag);
	if (close == NULL)
		return unclosed(lexer, token->start, "dollar-quoted string", error);
	token->kind = ETL_TOKEN_DOLLAR;
	token->end = (int) (close - sql) + tag_length;
	return true;
}

/* A word, or the literal or identifier that a one-letter word or U& introduces. */
static bool
lex_word(EtlLexer *lexer, EtlToken *token, EtlError *error)
{
	const char *sql = lexer->sql;
	int i = token->start;
	char letter = sql[i];

	if (sql[i + 1] == '\'' && strchr("eEbBxXnN", letter) != NULL)
	{
		bool backslash = letter == 'e' || letter == 'E';

		token->kind = backslash ? ETL_TOKEN_ESCAPE : ETL_TOKEN_VERBATIM;
		return lex_string(lexer, token, i + 1, backslash, error);
	}
	if ((letter == 'u' || letter == 'U') && sql[i + 1] == '&' && sql[i + 2] == '\'')
	{
		token->kind = ETL_TOKEN_VERBATIM;
		return lex_string(lexer, token, i + 2, false, error);
	}
	if ((letter == 'u' || letter == 'U') && sql[i + 1] == '&' && sql[i + 2] == '"')
		return lex_quoted_identifier(lexer, token, i + 2, error);

	while (lexer_is_identifier_byte(sql[i]))
		i++;
	token->kind = ETL_TOKEN_WORD;
	token->end = i;
	return true;
}

static void
lex_number(EtlLexer *lexer, EtlToken *token)
{
	const char *sql = lexer->sql;
	int i = token->start;

	while (is_digit(sql[i]))
		i++;
	if (sql[i] == '.' && sql[i + 1] != '.')
		for (i++; is_digit(sql[i]);)
			i++;
	if ((sql[i] == 'e' || sql[i] == 'E') && (sql[i + 1] == '+' || sql[i + 1] == '-') && is_digit(sql[i + 2]))
		i += 2;
	/* the exponent's digits; also 0x1F, 1_000 and whatever else the server is to judge */
	while (lexer_is_identifier_byte(sql[i]))
		i++;
	token->kind = ETL_TOKEN_NUMBER;
	token->end = i;
}

bool
lexer_next(EtlLexer *lexer, EtlToken *token, EtlError *error)
{
	const char *sql = lexer->sql;
	unsigned char c;
	bool ok = true;

	if (!skip_blanks(lexer, error))
		return false;
	token->start = lexer->position;
	token->end = token->start;
	c = sql[token->start];

	if (c == '\0')
		token->kind = ETL_TOKEN_END;
	else if (c == '\'')
	{
		token->kind = ETL_TOKEN_STRING;
		ok = lex_string(lexer, token, token->start, true, error);
	}
	else if (c == '"')
		ok = lex_quoted_identifier(lexer, token, token->start, error);
	else if (c == '$')
		ok = lex_dollar(lexer, token, error);
	else if (is_identifier_start(c))
		ok = lex_word(lexer, token, error);
	else if (is_digit(c) || (c == '.' && is_digit(sql[token->start + 1])))
		lex_number(lexer, token);
	else
	{
		char next = sql[token->start + 1];

		token->kind = ETL_TOKEN_OPERATOR;
		token->end = token->start + (c == ':' && (next == ':' || next == '=') ? 2 : 1);
	}
	lexer->position = token->end;
	return ok;
}

EtlToken *
lexer_tokens(const char *sql, int *count, EtlError *error)
{
	int capacity = 64;
	EtlToken *tokens = palloc(capacity * sizeof(EtlToken));
	EtlLexer lexer;

	lexer_init(&lexer, sql);
	*count = 0;
	do
	{
		if (*count == capacity)
		{
			capacity *= 2;
			tokens = repalloc(tokens, capacity * sizeof(EtlToken));
		}
		if (!lexer_next(&lexer, &tokens[*count], error))
		{
			pfree(tokens);
			return NULL;
		}
	} while (tokens[(*count)++].kind != ETL_TOKEN_END);
	return tokens;
}

bool
lexer_is_word(const char *sql, const EtlToken *token, const char *word)
{
	int length = token->end - token->start;

	return token->kind == ETL_TOKEN_WORD && length == (int) strlen(word) &&
		   pg_strncasecmp(sql + token->start, word, length) == 0;
}

bool
lexer_is_operator(const char *sql, const EtlToken *token, const char *text)
{
	int length = token->end - token->start;

	return token->kind == ETL_TOKEN_OPERATOR && length == (int) strlen(text) &&
		   memcmp(sql + token->start, text, length) == 0;
}

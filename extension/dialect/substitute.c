/*
 * substitute.c
 *		Parameters into a script, by psql's rules or as plain text.
 */
#include "dialect/dialect.h"
#include "dialect/lexer.h"
#include "dialect/literal.h"

/* What psql takes for a variable's name; digits may come first. */
static int
variable_length(const char *text)
{
	int i = 0;

	while (text[i] != '$' && lexer_is_identifier_byte(text[i]))
		i++;
	return i;
}

/*
 * The name of a task's output, task.key, before a closing quote; 0: that isn't one. psql leaves such a text as it is,
 * and so it is an error in all SQL: no colon comes before a literal, but for an array's bounds, and no bound has a dot.
 * A task's name may have blanks and signs.
 */
static int
output_length(const char *text)
{
	int length = 0;
	int dot = -1;

	for (; (unsigned char) text[length] >= ' ' && text[length] != '\'' && text[length] != '\\'; length++)
		if (text[length] == '.')
			dot = length;
	/* A doubled quote does not close. */
	return text[length] == '\'' && text[length + 1] != '\'' && dot > 0 && dot + 1 < length ? length : 0;
}

/*
 * If a parameter starts at the colon `text`, appends its value and returns the length of the reference; 0 when there
 * is none, or no value.
 */
static int
append_parameter(StringInfo out, const char *text, EtlParameterLookup lookup, void *arg)
{
	const char *open = strchr("'\"{", text[1]) && text[1] != '\0' ? text + 1 : NULL;
	const char *name = open == NULL ? text + 1 : *open == '{' ? open + 2 : open + 1;
	int length;
	char close;
	char *key;
	const char *value;

	if (open != NULL && *open == '{' && open[1] != '?')
		return 0;
	length = variable_length(name);
	close = open == NULL ? '\0' : *open == '{' ? '}' : *open;
	if (close == '\'' && name[length] != close)
		length = output_length(name);
	if (length == 0 || (close != '\0' && name[length] != close))
		return 0;

	key = pnstrdup(name, length);
	value = lookup(key, arg);
	pfree(key);
	if (close == '}')
		appendStringInfoString(out, value != NULL ? "TRUE" : "FALSE");
	else if (value == NULL)
		return 0;
	else if (close == '\'')
	{
		/* The E that a backslash takes in front of the literal must not become a part of the word before it. */
		if (strchr(value, '\\') != NULL && out->len > 0 && lexer_is_identifier_byte(out->data[out->len - 1]))
			appendStringInfoChar(out, ' ');
		literal_append(out, value);
	}
	else if (close == '"')
		literal_append_identifier(out, value);
	else
		appendStringInfoString(out, value);
	return (int) (name - text) + length + (close != '\0' ? 1 : 0);
}

bool
dialect_substitute(const char *sql, EtlParameterLookup lookup, void *arg, char **out, EtlError *error)
{
	StringInfoData result;
	EtlLexer lexer;
	EtlToken token;
	int copied = 0;

	initStringInfo(&result);
	lexer_init(&lexer, sql);
	do
	{
		int length;

		if (!lexer_next(&lexer, &token, error))
			return false;
		if (lexer_is_operator(sql, &token, "\\") && sql[token.end] == ':')
		{
			appendBinaryStringInfo(&result, sql + copied, token.start - copied);
			copied = token.end;
			lexer.position = token.end + 1;
			continue;
		}
		if (!lexer_is_operator(sql, &token, ":"))
			continue;
		appendBinaryStringInfo(&result, sql + copied, token.start - copied);
		copied = token.start;
		length = append_parameter(&result, sql + token.start, lookup, arg);
		copied += length;
		if (length > 0)
			lexer.position = copied;
	} while (token.kind != ETL_TOKEN_END);
	appendStringInfoString(&result, sql + copied);
	*out = result.data;
	return true;
}

/* A name between ${ and } or < and >; the characters that such scripts use. */
static int
placeholder_length(const char *text)
{
	int i = 0;

	while (lexer_is_identifier_byte(text[i]) || text[i] == '-' || text[i] == '.')
		i++;
	return i;
}

char *
dialect_substitute_text(const char *sql, EtlParameterLookup lookup, void *arg)
{
	StringInfoData result;

	initStringInfo(&result);
	while (*sql)
	{
		int open = sql[0] == '<' ? 1 : sql[0] == '$' && sql[1] == '{' ? 2 : 0;
		int length = open > 0 ? placeholder_length(sql + open) : 0;
		const char *value = NULL;

		if (length > 0 && sql[open + length] == (open == 1 ? '>' : '}'))
		{
			char *name = pnstrdup(sql + open, length);

			value = lookup(name, arg);
			pfree(name);
		}
		if (value != NULL)
		{
			appendStringInfoString(&result, value);
			sql += open + length + 1;
		}
		else
			appendStringInfoChar(&result, *sql++);
	}
	return result.data;
}

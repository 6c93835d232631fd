/*
 * literal.c
 *		Redshift's literals against PostgreSQL's.
 *
 * Redshift reads '…' as PostgreSQL's E'…', less the escapes that came later: \b \f \n \r \t, one to three octal
 * digits, \\ and \'. A backslash before anything else was dropped silently, while people who moved to standard
 * literals mean it ('\d' in a pattern): both readings are likely, so neither is taken.
 */
#include "dialect/literal.h"

static bool
is_octal(char c)
{
	return c >= '0' && c <= '7';
}

static bool
is_letter_or_digit(unsigned char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c >= 0x80;
}

static bool
is_documented_escape(char c)
{
	return c != '\0' && (strchr("bfnrt\\'", c) != NULL || is_octal(c));
}

static bool
ambiguous_escape(const char *sql, int backslash, EtlError *error)
{
	unsigned char c = sql[backslash + 1];

	if (c > ' ' && c < 0x7f)
		etl_error_set(error, ERRCODE_SYNTAX_ERROR, "ambiguous escape \"\\%c\" in a string literal", c);
	else
		etl_error_set(error, ERRCODE_SYNTAX_ERROR, "ambiguous escape in a string literal");
	etl_error_hint(error,
				   "Write a double backslash for a backslash, or use E'...' for an escape of PostgreSQL's.");
	error->position = backslash + 1;
	return false;
}

/* The escape whose backslash is at *i; leaves *i behind it. */
static bool
decode_escape(StringInfo out, const char *sql, int *i, bool option, EtlError *error)
{
	int backslash = *i;
	char c = sql[backslash + 1];

	*i = backslash + 2;
	if (is_octal(c))
	{
		int value = c - '0';

		for (int digits = 1; digits < 3 && is_octal(sql[*i]); digits++)
			value = value * 8 + (sql[(*i)++] - '0');
		if (value > 0x7F)
		{
			/* half a character, for all one knows */
			etl_error_set(error, ERRCODE_SYNTAX_ERROR, "octal escape beyond ASCII in a string literal");
			etl_error_hint(error, "Write the character itself.");
			error->position = backslash + 1;
			return false;
		}
		if (value != 0)
			appendStringInfoChar(out, (char) value);
		else if (option)
			appendStringInfoString(out, "\\0");
		else
			return ambiguous_escape(sql, backslash, error);
	}
	else if (c == 'b')
		appendStringInfoChar(out, '\b');
	else if (c == 'f')
		appendStringInfoChar(out, '\f');
	else if (c == 'n')
		appendStringInfoChar(out, '\n');
	else if (c == 'r')
		appendStringInfoChar(out, '\r');
	else if (c == 't')
		appendStringInfoChar(out, '\t');
	else if (is_documented_escape(c) || (option && !is_letter_or_digit(c)))
		appendStringInfoChar(out, c);
	else if (option && c == 'N')
		appendStringInfoString(out, "\\N");
	else
		return ambiguous_escape(sql, backslash, error);
	return true;
}

static void
decode_dollar(StringInfo out, const char *sql, const EtlToken *token)
{
	int tag = (int) (strchr(sql + token->start + 1, '$') - (sql + token->start)) + 1;

	appendBinaryStringInfo(out, sql + token->start + tag, token->end - token->start - 2 * tag);
}

bool
literal_decode(const char *sql, const EtlToken *token, bool option, char **value, EtlError *error)
{
	StringInfoData out;
	int i = token->start;
	bool inside = false; /* between two quotes; outside lies what separates a literal's parts */

	initStringInfo(&out);
	if (token->kind == ETL_TOKEN_DOLLAR)
		decode_dollar(&out, sql, token);
	else
		while (i < token->end)
		{
			if (!inside && sql[i] == '-' && sql[i + 1] == '-')
				i += strcspn(sql + i, "\n\r");
			else if (!inside)
				inside = sql[i++] == '\'';
			else if (sql[i] == '\\')
			{
				if (!decode_escape(&out, sql, &i, option, error))
					return false;
			}
			else if (sql[i] != '\'')
				appendStringInfoChar(&out, sql[i++]);
			else if (i + 1 < token->end && sql[i + 1] == '\'')
			{
				appendStringInfoChar(&out, '\'');
				i += 2;
			}
			else
			{
				inside = false;
				i++;
			}
		}
	*value = out.data;
	return true;
}

bool
literal_append_translated(StringInfo out, const char *sql, const EtlToken *token, EtlError *error)
{
	int length = token->end - token->start;

	if (memchr(sql + token->start, '\\', length) == NULL)
	{
		appendBinaryStringInfo(out, sql + token->start, length);
		return true;
	}
	/* the E must not become a part of the word before it */
	if (token->start > 0 && lexer_is_identifier_byte(sql[token->start - 1]))
		appendStringInfoChar(out, ' ');
	appendStringInfoChar(out, 'E');
	for (int i = token->start; i < token->end; i++)
	{
		if (sql[i] != '\\')
		{
			appendStringInfoChar(out, sql[i]);
			continue;
		}
		i++;
		if (!is_documented_escape(sql[i]))
			return ambiguous_escape(sql, i - 1, error);
		/* '' is read alike under every backslash_quote */
		appendStringInfoChar(out, sql[i] == '\'' ? '\'' : '\\');
		appendStringInfoChar(out, sql[i]);
	}
	return true;
}

/* Better seen as an escape than as itself; line breaks and tabs lay a query out and stay. */
static bool
is_unprintable(unsigned char c)
{
	return (c < ' ' && c != '\n' && c != '\t') || c == 0x7F;
}

void
literal_append(StringInfo out, const char *value)
{
	for (const char *c = value; *c; c++)
		if (*c == '\\' || is_unprintable(*c))
		{
			appendStringInfoChar(out, 'E');
			break;
		}
	appendStringInfoChar(out, '\'');
	for (; *value; value++)
	{
		if (is_unprintable(*value))
		{
			appendStringInfo(out, "\\%03o", (unsigned char) *value);
			continue;
		}
		if (*value == '\'' || *value == '\\')
			appendStringInfoChar(out, *value);
		appendStringInfoChar(out, *value);
	}
	appendStringInfoChar(out, '\'');
}

void
literal_append_identifier(StringInfo out, const char *name)
{
	appendStringInfoChar(out, '"');
	for (; *name; name++)
	{
		if (*name == '"')
			appendStringInfoChar(out, '"');
		appendStringInfoChar(out, *name);
	}
	appendStringInfoChar(out, '"');
}

/*
 * delimited_postgres.c
 *		Fields as PostgreSQL's COPY takes them apart. See delimited_postgres.h. Pure.
 */
#include "format/delimited_postgres.h"

static EtlPostgresFieldEnd
malformed(EtlPostgresField *field, const char *at, EtlLoadCode code, const char *what)
{
	field->end = at;
	field->code = code;
	field->what = what;
	return ETL_POSTGRES_MALFORMED;
}

static EtlPostgresFieldEnd
ended(EtlPostgresField *field, const char *end, const char *next, EtlPostgresFieldEnd by)
{
	field->end = end;
	field->next = next;
	return by;
}

/* At a carriage return or a newline. */
static EtlPostgresFieldEnd
at_line_end(const char *p, const char *limit, bool final, EtlPostgresField *field)
{
	EtlPostgresLineEnd line_end = field->line_end;

	if (*p == '\n')
	{
		if (line_end == ETL_POSTGRES_LINE_END_CR || line_end == ETL_POSTGRES_LINE_END_CRNL)
			return malformed(field, p, ETL_LOAD_LINE, "a newline that ends no line, since the first line ends in another way");
		field->line_end = ETL_POSTGRES_LINE_END_NL;
		return ended(field, p, p + 1, ETL_POSTGRES_LINE_END);
	}
	if (line_end != ETL_POSTGRES_LINE_END_CR)
	{
		if (p + 1 == limit && !final)
			return ETL_POSTGRES_INCOMPLETE;
		if (line_end != ETL_POSTGRES_LINE_END_NL && p + 1 < limit && p[1] == '\n')
		{
			field->line_end = ETL_POSTGRES_LINE_END_CRNL;
			return ended(field, p, p + 2, ETL_POSTGRES_LINE_END);
		}
		if (line_end != ETL_POSTGRES_LINE_END_UNKNOWN)
			return malformed(field, p, ETL_LOAD_LINE,
							 "a carriage return that ends no line, since the first line ends in another way");
	}
	field->line_end = ETL_POSTGRES_LINE_END_CR;
	return ended(field, p, p + 1, ETL_POSTGRES_LINE_END);
}

/*
 * At a backslash and what may be the dot of the end of data. ETL_POSTGRES_DELIMITER: it isn't (CSV), or the backslash is
 * followed by something else.
 */
static EtlPostgresFieldEnd
at_backslash(bool csv, const char *p, const char *limit, bool final, EtlPostgresField *field)
{
	const char *after = p + 2;
	bool is_line_end;

	if (limit - p < 2)
		return final ? ETL_POSTGRES_DELIMITER : ETL_POSTGRES_INCOMPLETE;
	if (p[1] != '.')
		return ETL_POSTGRES_DELIMITER;
	if (field->line_end == ETL_POSTGRES_LINE_END_CRNL && after < limit && *after == '\r')
		after++;
	if (after == limit && !final)
		return ETL_POSTGRES_INCOMPLETE;
	is_line_end = after < limit && (*after == '\n' || *after == '\r');
	if (field->line_end == ETL_POSTGRES_LINE_END_CRNL && after == p + 2)
		is_line_end = false;
	if (!is_line_end && csv)
		return ETL_POSTGRES_DELIMITER;
	if (!is_line_end)
		return malformed(field, p, ETL_LOAD_LINE, "\\. that is not followed by a line end");
	if (field->line_end != ETL_POSTGRES_LINE_END_UNKNOWN &&
		*after != (field->line_end == ETL_POSTGRES_LINE_END_CR ? '\r' : '\n'))
		return malformed(field, p, ETL_LOAD_LINE, "\\. whose line ends in another way than the first line");
	return ended(field, p, after + 1, ETL_POSTGRES_END_OF_DATA);
}

static inline bool
at_delimiter(const EtlDelimitedOptions *options, const char *p, const char *limit)
{
	int len = options->delimiter_len;

	return *p == options->delimiter[0] &&
		   (len == 1 || (limit - p >= len && memcmp(p, options->delimiter, len) == 0));
}

static int
hexadecimal(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : (c | 0x20) >= 'a' && (c | 0x20) <= 'f' ? (c | 0x20) - 'a' + 10 : -1;
}

static EtlPostgresFieldEnd
scan_text(const EtlDelimitedOptions *options, const char *p, const char *limit, bool final, EtlPostgresField *field)
{
	while (p < limit)
	{
		EtlPostgresFieldEnd end;

		if (at_delimiter(options, p, limit))
			return ended(field, p, p + options->delimiter_len, ETL_POSTGRES_DELIMITER);
		if (*p == '\n' || *p == '\r')
			return at_line_end(p, limit, final, field);
		if (*p++ != '\\')
			continue;
		end = at_backslash(false, p - 1, limit, final, field);
		if (end != ETL_POSTGRES_DELIMITER)
			return end;
		/* one that nothing follows is dropped */
		if (p == limit)
			return ended(field, p - 1, limit, ETL_POSTGRES_LINE_END);
		field->escaped = true;
		/* digits are no delimiter, whatever that is */
		if (*p++ == 'x')
			for (int digits = 0; digits < 2 && p < limit && hexadecimal(*p) >= 0; digits++)
				p++;
	}
	return final ? ended(field, limit, limit, ETL_POSTGRES_LINE_END) : ETL_POSTGRES_INCOMPLETE;
}

static inline char
escape_of(const EtlDelimitedOptions *options)
{
	return options->escape != '\0' ? options->escape : options->quote;
}

/* Past the quote that closes the one before p; NULL: there is none. Only a final one, or one that something follows, counts. */
static const char *
skip_quoted(const EtlDelimitedOptions *options, const char *p, const char *limit, bool final, bool *escaped)
{
	const char quote = options->quote;
	const char escape = escape_of(options);

	for (;; p++)
	{
		if (escape == quote)
		{
			p = memchr(p, quote, limit - p);
			if (p == NULL)
				return NULL;
		}
		else
			while (p < limit && *p != quote && *p != escape)
				p++;
		if (p == limit || (p + 1 == limit && !final))
			return NULL;
		if (*p == escape && p + 1 < limit && (p[1] == escape || p[1] == quote))
		{
			*escaped = true;
			p++;
		}
		else if (*p == quote)
			return p + 1;
	}
}

/* Quotes may open and close anywhere in a field. */
static EtlPostgresFieldEnd
scan_csv(const EtlDelimitedOptions *options, const char *start, const char *limit, bool final, EtlPostgresField *field)
{
	const char *p = start;
	const char *closed = NULL; /* past the quote that closes one at the field's start */
	EtlPostgresFieldEnd end;

	while (p < limit && *p != '\n' && *p != '\r' && !at_delimiter(options, p, limit))
	{
		if (*p != options->quote)
		{
			p++;
			continue;
		}
		field->quoted = true;
		closed = skip_quoted(options, p + 1, limit, final, &field->escaped);
		if (closed == NULL && final)
			return malformed(field, limit, ETL_LOAD_DELIMITER, "quoted field has no closing quote");
		if (closed == NULL)
			return ETL_POSTGRES_INCOMPLETE;
		field->escaped |= p > start;
		p = closed;
	}
	if (p == limit)
		end = final ? ended(field, p, p, ETL_POSTGRES_LINE_END) : ETL_POSTGRES_INCOMPLETE;
	else if (*p == '\n' || *p == '\r')
		end = at_line_end(p, limit, final, field);
	else
		end = ended(field, p, p + options->delimiter_len, ETL_POSTGRES_DELIMITER);
	/* quotes around the whole of it need no unescape */
	field->escaped |= field->quoted && closed != p;
	if (field->quoted && !field->escaped)
		field->data = start + 1;
	return end;
}

EtlPostgresFieldEnd
postgres_field_scan(const EtlDelimitedOptions *options, EtlPostgresLineEnd line_end, bool is_first, const char *start,
					const char *limit, bool final, EtlPostgresField *field)
{
	const bool csv = options->quote != '\0';
	EtlPostgresFieldEnd end = ETL_POSTGRES_DELIMITER;

	*field = (EtlPostgresField){.data = start, .line_end = line_end};
	if (csv && is_first && start < limit && *start == '\\')
		end = at_backslash(true, start, limit, final, field);
	if (end == ETL_POSTGRES_DELIMITER)
		end = csv ? scan_csv(options, start, limit, final, field) : scan_text(options, start, limit, final, field);
	if (end != ETL_POSTGRES_INCOMPLETE && end != ETL_POSTGRES_MALFORMED)
		field->len = field->end - field->data - (field->data > start ? 1 : 0);
	return end;
}

/* What text has after the backslash before *cursor, which is left behind it. */
static char
text_escape(const char **cursor, const char *end)
{
	static const char letters[] = "bfnrtv";
	static const char characters[] = "\b\f\n\r\t\v";
	const char *p = *cursor;
	const char *letter = memchr(letters, *p, sizeof(letters) - 1);
	int value = (unsigned char) *p++;

	if (letter != NULL)
		value = characters[letter - letters];
	else if (value >= '0' && value <= '7')
	{
		value -= '0';
		for (int digits = 1; digits < 3 && p < end && *p >= '0' && *p <= '7'; digits++)
			value = value * 8 + (*p++ - '0');
	}
	else if (value == 'x' && p < end && hexadecimal(*p) >= 0)
	{
		value = hexadecimal(*p++);
		if (p < end && hexadecimal(*p) >= 0)
			value = value * 16 + hexadecimal(*p++);
	}
	*cursor = p;
	return (char) value;
}

static size_t
unescape_text(const char *p, const char *end, char *out)
{
	char *to = out;

	while (p < end)
		if (*p++ == '\\' && p < end)
			*to++ = text_escape(&p, end);
		else
			*to++ = p[-1];
	return to - out;
}

static size_t
unescape_csv(const EtlDelimitedOptions *options, const char *p, const char *end, char *out)
{
	const char escape = escape_of(options);
	char *to = out;
	bool in_quotes = false;

	for (; p < end; p++)
		if (in_quotes && *p == escape && p + 1 < end && (p[1] == escape || p[1] == options->quote))
			*to++ = *++p;
		else if (*p == options->quote)
			in_quotes = !in_quotes;
		else
			*to++ = *p;
	return to - out;
}

size_t
postgres_field_unescape(const EtlDelimitedOptions *options, const char *data, size_t len, char *out)
{
	return options->quote != '\0' ? unescape_csv(options, data, data + len, out)
								  : unescape_text(data, data + len, out);
}

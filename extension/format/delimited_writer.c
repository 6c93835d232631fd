/*
 * delimited_writer.c
 *		Fields to a row of delimited text or CSV. Pure.
 *
 * Text without ESCAPE writes values as they are, as UNLOAD does: a delimiter inside a value is then the user's
 * choice of delimiter. CSV and ESCAPE read back to what was written.
 */
#include "format/delimited.h"

/* Whether a reader of CSV would take the bare field for something else. */
static bool
csv_needs_quotes(const EtlDelimitedOptions *options, const EtlField *field)
{
	const char *end = field->data + field->len;

	if ((field->len > 0 || options->postgres) && field->len == options->null_len &&
		memcmp(field->data, options->null_string, field->len) == 0)
		return true;
	for (const char *p = field->data; p < end; p++)
	{
		if (*p == options->quote || *p == '\n' || *p == '\r' ||
			(options->escape != '\0' && *p == options->escape && !options->postgres))
			return true;
		if (*p == options->delimiter[0] && end - p >= options->delimiter_len &&
			memcmp(p, options->delimiter, options->delimiter_len) == 0)
			return true;
	}
	/* The tail of this field and the delimiter after it must not read as an earlier delimiter. */
	return options->delimiter_len > 1 && field->len > 0 &&
		   memchr(options->delimiter, end[-1], options->delimiter_len) != NULL;
}

/* A row that COPY would take for the end of data. */
static bool
is_end_of_data(const EtlDelimitedOptions *options, const EtlField *fields, int field_count)
{
	return options->postgres && field_count == 1 && fields[0].len == 2 && memcmp(fields[0].data, "\\.", 2) == 0;
}

static void
csv_field_write(StringInfo out, const EtlDelimitedOptions *options, const EtlField *field, bool forced)
{
	if (!forced && !csv_needs_quotes(options, field))
	{
		appendBinaryStringInfo(out, field->data, field->len);
		return;
	}
	appendStringInfoCharMacro(out, options->quote);
	for (uint32 i = 0; i < field->len; i++)
	{
		char c = field->data[i];

		if (c == options->quote)
			appendStringInfoCharMacro(out, options->postgres && options->escape != '\0' ? options->escape : options->quote);
		else if (options->escape != '\0' && c == options->escape)
			appendStringInfoCharMacro(out, options->escape);
		appendStringInfoCharMacro(out, c);
	}
	appendStringInfoCharMacro(out, options->quote);
}

/*
 * Any character of a longer delimiter: then nothing can read as it. By its first byte, as an escape within a character would
 * make the file no UTF-8.
 */
static bool
is_of_delimiter(const EtlDelimitedOptions *options, char c)
{
	return ((unsigned char) c & 0xC0) != 0x80 && memchr(options->delimiter, c, options->delimiter_len) != NULL;
}

static bool
text_needs_escape(const EtlDelimitedOptions *options, char c)
{
	if (c == '\n' || c == '\r' || c == options->escape)
		return true;
	if (options->surrounding_quotes && (c == '"' || c == '\''))
		return true;
	return is_of_delimiter(options, c);
}

/* As COPY writes text. */
static void
copy_field_write(StringInfo out, const EtlDelimitedOptions *options, const EtlField *field)
{
	static const char letters[] = "bfnrtv";
	static const char characters[] = "\b\f\n\r\t\v";

	for (uint32 i = 0; i < field->len; i++)
	{
		char c = field->data[i];
		const char *character = memchr(characters, c, sizeof(characters) - 1);
		bool special = character != NULL || c == '\\' || is_of_delimiter(options, c);

		if (special)
			appendStringInfoCharMacro(out, '\\');
		if (character != NULL)
			c = letters[character - characters];
		appendStringInfoCharMacro(out, c);
	}
}

static void
text_field_write(StringInfo out, const EtlDelimitedOptions *options, const EtlField *field)
{
	if (options->surrounding_quotes)
		appendStringInfoCharMacro(out, '"');
	if (options->escape == '\0')
		appendBinaryStringInfo(out, field->data, field->len);
	else
	{
		/* What reads as NULL. */
		if (!options->surrounding_quotes && field->len > 0 &&
			field->len == (uint32) options->null_len &&
			memcmp(field->data, options->null_string, field->len) == 0 &&
			!text_needs_escape(options, field->data[0]))
			appendStringInfoCharMacro(out, options->escape);
		for (uint32 i = 0; i < field->len; i++)
		{
			if (text_needs_escape(options, field->data[i]))
				appendStringInfoCharMacro(out, options->escape);
			appendStringInfoCharMacro(out, field->data[i]);
		}
	}
	if (options->surrounding_quotes)
		appendStringInfoCharMacro(out, '"');
}

void
delimited_row_write(StringInfo out, const EtlDelimitedOptions *options, const EtlField *fields,
					int field_count)
{
	for (int i = 0; i < field_count; i++)
	{
		if (i > 0)
			appendBinaryStringInfo(out, options->delimiter, options->delimiter_len);
		if (fields[i].is_null)
			appendBinaryStringInfo(out, options->null_string, options->null_len);
		else if (options->quote != '\0')
			csv_field_write(out, options, &fields[i],
							(options->force_quote != NULL && i < options->force_count && options->force_quote[i]) ||
								is_end_of_data(options, fields, field_count));
		else if (options->postgres)
			copy_field_write(out, options, &fields[i]);
		else
			text_field_write(out, options, &fields[i]);
	}
	appendStringInfoCharMacro(out, '\n');
}

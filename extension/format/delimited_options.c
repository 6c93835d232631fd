/*
 * delimited_options.c
 *		Which options of delimited text can work together. Pure.
 *
 * The reader looks at one byte and must know what it is: so no two of delimiter, quote, escape and line end begin
 * with the same one.
 */
#include "format/delimited.h"

static bool
contains(const EtlDelimitedOptions *options, char byte)
{
	return memchr(options->delimiter, byte, options->delimiter_len) != NULL;
}

/* Whether a field that is the null string, with the delimiter behind it, has a delimiter that begins within it. */
static bool
null_has_delimiter(const EtlDelimitedOptions *options)
{
	int null_len = options->null_len;
	int len = options->delimiter_len;

	for (int at = 0; at < null_len; at++)
	{
		int inside = Min(len, null_len - at);

		if (memcmp(options->null_string + at, options->delimiter, inside) == 0 &&
			memcmp(options->delimiter, options->delimiter + inside, len - inside) == 0)
			return true;
	}
	return false;
}

/* Whether what follows the null string is taken as it is. */
static bool
null_ends_with_escape(const EtlDelimitedOptions *options)
{
	int count = 0;

	/* in COPY's CSV only quotes have escapes in them */
	if (options->escape == '\0' || (options->postgres && options->quote != '\0'))
		return false;
	while (count < options->null_len && options->null_string[options->null_len - count - 1] == options->escape)
		count++;
	return count % 2 == 1;
}

/*
 * Whether some value, with its escapes, is written as just the null string. Without escapes in it the writer sees to that,
 * but for COPY's text, where that is the user's matter.
 */
static bool
null_is_written_value(const EtlDelimitedOptions *options)
{
	bool escapes = false;

	if (options->escape == '\0' || options->quote != '\0' || options->surrounding_quotes)
		return false;
	for (int i = 0; i < options->null_len; i++)
	{
		char c = options->null_string[i];

		if (c == options->escape && i + 1 < options->null_len)
		{
			c = options->null_string[++i];
			escapes = true;
			if (c != options->escape && !contains(options, c) &&
				!(options->postgres && memchr("bfnrtv", c, 6) != NULL))
				return false;
		}
		else if (contains(options, c))
			return false;
	}
	return escapes;
}

/* In COPY's text a backslash in front makes other characters of these. */
static bool
has_backslash_sequence(const EtlDelimitedOptions *options)
{
	for (int i = 0; i < options->delimiter_len; i++)
		if (memchr("abcdefghijklmnopqrstuvwxyz0123456789.", options->delimiter[i], 37) != NULL)
			return true;
	return false;
}

static bool
is_line_end(char byte)
{
	return byte == '\n' || byte == '\r';
}

bool
delimited_options_check(const EtlDelimitedOptions *options, EtlError *error)
{
	const int sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;

	if (options->delimiter_len < 1 || options->delimiter_len > ETL_DELIMITED_MAX_DELIMITER)
		return etl_error_set(error, sqlstate, "delimiter must be 1 to %d bytes long",
							 ETL_DELIMITED_MAX_DELIMITER);
	if (contains(options, '\n') || contains(options, '\r'))
		return etl_error_set(error, sqlstate, "delimiter must not contain a line end");
	if (options->quote != '\0')
	{
		if (is_line_end(options->quote))
			return etl_error_set(error, sqlstate, "quote character must not be a line end");
		if (contains(options, options->quote))
			return etl_error_set(error, sqlstate, "delimiter must not contain the quote character");
		if (options->surrounding_quotes)
			return etl_error_set(error, sqlstate, "CSV already takes the quotes off its fields");
	}
	/* in PostgreSQL's CSV an escape is one inside quotes alone */
	if (options->escape != '\0' && !(options->postgres && options->quote != '\0'))
	{
		if (is_line_end(options->escape))
			return etl_error_set(error, sqlstate, "escape character must not be a line end");
		if (contains(options, options->escape))
			return etl_error_set(error, sqlstate, "delimiter must not contain the escape character");
	}
	if (options->postgres && options->quote == '\0' && has_backslash_sequence(options))
		return etl_error_set(error, sqlstate,
							 "delimiter must not contain a lower-case letter, a digit or a dot");
	if (options->surrounding_quotes && (contains(options, '"') || contains(options, '\'')))
		return etl_error_set(error, sqlstate,
							 "delimiter must not contain a quote that is to be removed or added");
	if (memchr(options->null_string, '\n', options->null_len) != NULL ||
		memchr(options->null_string, '\r', options->null_len) != NULL)
		return etl_error_set(error, sqlstate, "null string must not contain a line end");
	/* Written, it would be read as two fields; in a file it can't be one. */
	if (null_has_delimiter(options))
		return etl_error_set(error, sqlstate, "null string must not contain the delimiter");
	if (null_is_written_value(options))
		return etl_error_set(error, sqlstate, "null string must not be how a value is written");
	if (options->surrounding_quotes && options->null_len > 0 &&
		(options->null_string[0] == '"' || options->null_string[0] == '\''))
		return etl_error_set(error, sqlstate,
							 "null string must not begin with a quote that is to be removed or added");
	if (null_ends_with_escape(options))
		return etl_error_set(error, sqlstate, "null string must not end with the escape character");
	if (options->quote != '\0' && options->null_len > 0 &&
		memchr(options->null_string, options->quote, options->null_len) != NULL)
		return etl_error_set(error, sqlstate, "null string must not contain the quote character");
	if (options->ignore_header < 0)
		return etl_error_set(error, sqlstate, "number of header rows must not be negative");
	return true;
}

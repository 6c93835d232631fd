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
	if (options->postgres && options->quote == '\0' &&
		strchr("\\.abcdefghijklmnopqrstuvwxyz0123456789", options->delimiter[0]) != NULL)
		return etl_error_set(error, sqlstate, "delimiter must not begin with \"%c\", which has a meaning after a backslash",
							 options->delimiter[0]);
	if (options->surrounding_quotes && (contains(options, '"') || contains(options, '\'')))
		return etl_error_set(error, sqlstate,
							 "delimiter must not contain a quote that is to be removed or added");
	if (memchr(options->null_string, '\n', options->null_len) != NULL)
		return etl_error_set(error, sqlstate, "null string must not contain a line end");
	/* Written, it would be read as two fields; in a file it can't be one. */
	if (options->null_len > 0 && memmem(options->null_string, options->null_len, options->delimiter,
										options->delimiter_len) != NULL)
		return etl_error_set(error, sqlstate, "null string must not contain the delimiter");
	if (options->quote != '\0' && options->null_len > 0 &&
		memchr(options->null_string, options->quote, options->null_len) != NULL)
		return etl_error_set(error, sqlstate, "null string must not contain the quote character");
	if (options->ignore_header < 0)
		return etl_error_set(error, sqlstate, "number of header rows must not be negative");
	return true;
}

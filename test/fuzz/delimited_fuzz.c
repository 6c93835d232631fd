/*
 * delimited_fuzz.c
 *		The reader of delimited text, under options the input picks, read whole and in pieces: the same rows.
 */
#include "format/delimited.h"

#include "records.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	EtlDelimitedOptions options = {.null_string = "N", .null_len = 1};
	EtlError error;

	if (size < 2)
		return 0;
	options.delimiter = data[0] & 1 ? "::" : data[0] & 32 ? "\t" : ",";
	options.delimiter_len = strlen(options.delimiter);
	options.quote = data[0] & 2 ? '"' : '\0';
	options.escape = data[0] & 4 ? '\\' : '\0';
	options.surrounding_quotes = data[0] & 8;
	options.ignore_blank_lines = data[0] & 16;
	options.postgres = data[0] & 32;
	if (options.postgres && options.quote == '\0')
		options.escape = '\\'; /* its text always has one */
	options.ignore_header = data[0] >> 6;
	if (delimited_options_check(&options, &error) &&
		records_digest(delimited_reader_create(&options), (const char *) data + 2, size - 2, size) !=
			records_digest(delimited_reader_create(&options), (const char *) data + 2, size - 2, Max(data[1], 1)))
		abort();
	return 0;
}

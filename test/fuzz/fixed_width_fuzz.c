/*
 * fixed_width_fuzz.c
 *		The reader of fields of fixed width, with widths that the input picks, read whole and in pieces: the same rows.
 */
#include "format/fixed_width.h"

#include "records.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	int widths[3];
	EtlFixedWidthOptions options = {.widths = widths, .null_string = "N", .null_len = 1};
	EtlError error;
	const char *input = (const char *) data + 5;

	if (size < 5)
		return 0;
	size -= 5;
	for (int i = 0; i < 3; i++)
		widths[i] = data[2 + i] % 32;
	options.width_count = data[0] & 3;
	options.ignore_blank_lines = data[0] & 4;
	options.null_len = data[0] >> 3 & 1;
	options.ignore_header = data[0] >> 6;
	if (fixed_width_options_check(&options, &error) &&
		records_digest(fixed_width_reader_create(&options), input, size, size) !=
			records_digest(fixed_width_reader_create(&options), input, size, Max(data[1], 1)))
		abort();
	return 0;
}

/*
 * delimited_fuzz.c
 *		The reader of delimited text, under options the input picks, read whole and in pieces: the same rows.
 */
#include "format/delimited.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static uint64
digest(const EtlDelimitedOptions *options, const char *input, size_t len, size_t step)
{
	EtlRecordReader *reader = delimited_reader_create(options);
	EtlRecord row;
	EtlError error;
	EtlRecordStatus status = ETL_RECORD_NEED_MORE;
	uint64 hash = 0;

	for (size_t at = 0; status != ETL_RECORD_END; at += Min(step, len - at))
	{
		reader->feed(reader, input + at, Min(step, len - at), step >= len - at);
		while ((status = reader->next(reader, &row, &error)) != ETL_RECORD_NEED_MORE &&
			   status != ETL_RECORD_END)
		{
			hash = hash * 31 + row.line * 7 + row.raw_len * 5 + status;
			for (int i = 0; i < Min(row.field_count, ETL_RECORD_MAX_FIELDS); i++)
				for (uint32 j = 0; j < row.fields[i].len; j++)
					hash = hash * 31 + (uint8) row.fields[i].data[j];
		}
	}
	reader->free(reader);
	return hash;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	EtlDelimitedOptions options = {.null_string = "N", .null_len = 1};
	EtlError error;

	if (size < 2)
		return 0;
	options.delimiter = data[0] & 1 ? "::" : ",";
	options.delimiter_len = strlen(options.delimiter);
	options.quote = data[0] & 2 ? '"' : '\0';
	options.escape = data[0] & 4 ? '\\' : '\0';
	options.surrounding_quotes = data[0] & 8;
	options.ignore_blank_lines = data[0] & 16;
	options.ignore_header = data[0] >> 6;
	if (delimited_options_check(&options, &error) &&
		digest(&options, (const char *) data + 2, size - 2, size) !=
			digest(&options, (const char *) data + 2, size - 2, Max(data[1], 1)))
		abort();
	return 0;
}

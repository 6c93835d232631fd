/*
 * format_driver.c
 *		The readers of CSV and JSON as a program, for format_property.py. On stdin: a letter (c: CSV, j: JSON, each object as a
 *		whole), the length of a piece and of the input, then the input. On stdout: a byte for each record, r or e; of r
 *		the count of fields, then each one's length and bytes; in the end a dot. Numbers are 32 bits, little-endian.
 */
#include "format/delimited.h"
#include "format/json_reader.h"

static void
put(uint32 number)
{
	fwrite(&number, sizeof(number), 1, stdout);
}

static void
run(EtlRecordReader *reader, const char *input, size_t len, size_t step)
{
	EtlRecordStatus status = ETL_RECORD_NEED_MORE;
	EtlRecord record;
	EtlError error;

	for (size_t at = 0; status != ETL_RECORD_END; at += Min(step, len - at))
	{
		reader->feed(reader, input + at, Min(step, len - at), step >= len - at);
		while ((status = reader->next(reader, &record, &error)) == ETL_RECORD_ROW ||
			   status == ETL_RECORD_ERROR)
		{
			putchar(status == ETL_RECORD_ROW ? 'r' : 'e');
			if (status == ETL_RECORD_ERROR)
				continue;
			put(record.field_count);
			for (int i = 0; i < record.field_count; i++)
			{
				put(record.fields[i].len);
				fwrite(record.fields[i].data, 1, record.fields[i].len, stdout);
			}
		}
	}
	putchar('.');
	reader->free(reader);
}

int
main(void)
{
	const EtlDelimitedOptions csv = {
		.delimiter = ",", .delimiter_len = 1, .quote = '"', .null_string = "no null", .null_len = 7};
	const EtlJsonOptions json = {.mapping = ETL_JSON_NOSHRED, .column_count = 1};
	int format;

	while ((format = getchar()) != EOF)
	{
		uint32 sizes[2];
		char *input;

		if (fread(sizes, sizeof(uint32), 2, stdin) != 2)
			return 1;
		input = malloc(Max(sizes[1], 1));
		if (fread(input, 1, sizes[1], stdin) != sizes[1])
			return 1;
		run(format == 'c' ? delimited_reader_create(&csv) : json_reader_create(&json), input, sizes[1],
			Max(sizes[0], 1));
		free(input);
	}
	return 0;
}

/*
 * json_writer_fuzz.c
 *		The writer of JSON strings: what it writes of UTF-8 is JSON, and the reader, in pieces, gives the text back, as a
 *		member's name and as its value.
 */
#include "aws/json_valid.h"
#include "format/json_reader.h"
#include "format/json_writer.h"
#include "mb/pg_wchar.h"

#include "run_memory.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

/* The one member of the one record, of which `text` is the name. */
static void
read_back(const StringInfo json, size_t step, const char *text, size_t len)
{
	const char *const columns[] = {text};
	EtlJsonOptions options = {.mapping = ETL_JSON_AUTO, .columns = columns, .column_count = 1};
	EtlRecordReader *reader = json_reader_create(&options);
	EtlRecordStatus status;
	EtlRecord record;
	EtlError error;
	size_t at = 0;

	do
	{
		size_t piece = Min(step, json->len - at);

		reader->feed(reader, json->data + at, piece, at + piece == json->len);
		at += piece;
		status = reader->next(reader, &record, &error);
	} while (status == ETL_RECORD_NEED_MORE);
	if (status != ETL_RECORD_ROW || record.field_count != 1 || record.fields[0].is_null ||
		!record.fields[0].quoted || record.fields[0].len != len || memcmp(record.fields[0].data, text, len) != 0)
		abort();
	while ((status = reader->next(reader, &record, &error)) == ETL_RECORD_NEED_MORE)
	{
		size_t piece = Min(step, json->len - at);

		reader->feed(reader, json->data + at, piece, at + piece == json->len);
		at += piece;
	}
	if (status != ETL_RECORD_END)
		abort();
	reader->free(reader);
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	StringInfoData json;
	size_t len;
	char *text;

	if (size < 1)
		return 0;
	len = size - 1;
	/* no value of a database has a NUL byte or what isn't UTF-8 */
	if (memchr(data + 1, '\0', len) != NULL ||
		pg_encoding_verifymbstr(PG_UTF8, (const char *) data + 1, (int) len) != (int) len)
		return 0;
	text = pnstrdup((const char *) data + 1, len);
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	json_string_write(&json, text, len);
	appendStringInfoChar(&json, ':');
	json_string_write(&json, text, len);
	appendStringInfoString(&json, "}\n");
	if (!aws_json_valid(json.data, json.len))
		abort();
	read_back(&json, Max(data[0], 1), text, len);
	run_memory_free();
	return 0;
}

/*
 * records.h
 *		What the tests of record readers share: an input read whole and cut at every byte gives the same records.
 *
 * Included after setjmp.h, stdarg.h and cmocka.h. A record is shown as "line:field/field\n": NULL is ~, quoted fields are
 * in []; a malformed one as "line!message\n".
 */
#include "format/record.h"

typedef EtlRecordReader *(*RecordReaderMaker)(const void *options);

static void
record_show(StringInfo out, EtlRecordStatus status, const EtlRecord *record, const EtlError *error)
{
	if (status == ETL_RECORD_ERROR)
	{
		assert_int_not_equal(record->code, ETL_LOAD_OK);
		appendStringInfo(out, "%d!%s\n", (int) record->line, error->message);
		return;
	}
	appendStringInfo(out, "%d:", (int) record->line);
	for (int i = 0; i < Min(record->field_count, ETL_RECORD_MAX_FIELDS); i++)
	{
		const EtlField *field = &record->fields[i];

		if (i > 0)
			appendStringInfoChar(out, '/');
		if (field->is_null)
			appendStringInfoChar(out, '~');
		else if (field->quoted)
			appendStringInfo(out, "[%.*s]", (int) field->len, field->data);
		else
			appendBinaryStringInfo(out, field->data, field->len);
	}
	appendStringInfoChar(out, '\n');
}

/* Read input in pieces that end at cut, then of `step` bytes each. */
static char *
records_read(EtlRecordReader *reader, const char *input, size_t len, size_t cut, size_t step)
{
	EtlRecord record;
	EtlError error;
	StringInfoData out;
	size_t at = 0;
	char *piece = NULL;
	bool over = false;

	initStringInfo(&out);
	for (size_t next = cut;; next = Min(len, next + step))
	{
		EtlRecordStatus status;

		/* A buffer of its own, of the exact size: the sanitizer sees a read past it, and of an older one. */
		free(piece);
		piece = malloc(Max(next - at, 1));
		memcpy(piece, input + at, next - at);
		reader->feed(reader, piece, next - at, next == len);
		at = next;
		while ((status = reader->next(reader, &record, &error)) != ETL_RECORD_NEED_MORE &&
			   status != ETL_RECORD_END)
		{
			record_show(&out, status, &record, &error);
			over = status == ETL_RECORD_ERROR && error.sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED;
			if (over)
				break;
		}
		if (over || at == len || status == ETL_RECORD_END)
			break;
	}
	free(piece);
	reader->free(reader);
	return out.data;
}

static void
records_expect(RecordReaderMaker make, const void *options, const char *input, size_t len,
			   const char *expected)
{
	for (size_t cut = 0; cut <= len; cut++)
	{
		char *got = records_read(make(options), input, len, cut, Max(len, 1));

		assert_string_equal(got, expected);
		pfree(got);
	}
	for (size_t step = 1; step <= 3; step++)
	{
		char *got = records_read(make(options), input, len, Min(step, len), step);

		assert_string_equal(got, expected);
		pfree(got);
	}
}

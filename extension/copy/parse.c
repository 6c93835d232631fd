/*
 * parse.c
 *		Files to batches of records. See parse.h.
 */
#include "postgres.h"

#include "base/error.h"
#include "copy/batch.h"
#include "copy/parse.h"
#include "copy/shown_text.h"
#include "copy/record_reader.h"
#include "copy/tuple.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "store/codec.h"
#include "utils/datetime.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define PARSE_BUFFER_SIZE (256 * 1024)
#define SHOWN_FIELD_BYTES 100

struct EtlLoadParser
{
	const EtlLoadPlan *plan;
	EtlValueType *types; /* a column's */
	EtlValueRules rules;
	EtlValue *values;
	int32 *positions;
	EtlValueScratch scratch;
	pg_tz *zone;
	MemoryContext file_context;
	int file;
	EtlReader *stream; /* NULL: none is open */
	bool at_header;	   /* its header is yet to come, and must match */
	EtlRecordReader *records;
	char *buf;
};

/* How far east of UTC the session's zone is at a local time, in seconds. */
static int
zone_offset(int64 local_microseconds, void *arg)
{
	struct pg_tm tm;
	fsec_t fsec;

	if (timestamp2tm(local_microseconds, NULL, &tm, &fsec, NULL, NULL) != 0)
		return 0;
	return -DetermineTimeZoneOffset(&tm, arg);
}

EtlLoadParser *
load_parser_create(const EtlLoadPlan *plan)
{
	EtlLoadParser *parser = palloc0(sizeof(EtlLoadParser));
	const EtlLoadOptions *options = &plan->options;
	EtlValueRules *rules = &parser->rules;

	parser->plan = plan;
	parser->types = palloc(plan->column_count * sizeof(EtlValueType));
	for (int i = 0; i < plan->column_count; i++)
		parser->types[i] = plan->columns[i].type;
	parser->values = palloc0(plan->column_count * sizeof(EtlValue));
	parser->positions = palloc0(plan->column_count * sizeof(int32));
	initStringInfo(&parser->scratch);
	rules->invalid = options->invalid == NULL ? '\0' : options->invalid[0];
	rules->accept_any_date = options->accept_any_date;
	rules->blanks_as_null = options->blanks_as_null;
	rules->empty_as_null = options->empty_as_null;
	rules->trim_blanks = options->trim_blanks;
	rules->truncate_columns = options->truncate_columns;
	rules->round_decimals = options->round_decimals;
	rules->json_strings = options->format == ETL_COPY_JSON;
	record_reader_time_formats(options, rules);
	parser->zone = pg_tzset(plan->time_zone);
	rules->zone_offset = parser->zone == NULL ? NULL : zone_offset;
	rules->zone_arg = parser->zone;
	parser->buf = palloc(PARSE_BUFFER_SIZE);
	parser->file_context =
		AllocSetContextCreate(CurrentMemoryContext, "pg_etl load file", ALLOCSET_DEFAULT_SIZES);
	return parser;
}

void
load_parser_open(EtlLoadParser *parser, int file, EtlReader *stream)
{
	MemoryContext old;

	MemoryContextReset(parser->file_context);
	old = MemoryContextSwitchTo(parser->file_context);
	parser->file = file;
	parser->stream = record_reader_stream(&parser->plan->options, stream);
	parser->records = record_reader_create(parser->plan);
	parser->records->feed(parser->records, "", 0, false);
	parser->at_header = parser->plan->options.header_match;
	MemoryContextSwitchTo(old);
}

static int
header_place(const EtlLoadParser *parser, const EtlRecord *record)
{
	return errdetail("File \"%s\", line " INT64_FORMAT ".", parser->stream->name, record == NULL ? 1 : record->line);
}

/* HEADER match: each column's name, or it is an error of the file. NULL: there is no header. */
static void
check_header(EtlLoadParser *parser, const EtlRecord *record)
{
	const EtlLoadPlan *plan = parser->plan;

	parser->at_header = false;
	if (record == NULL || record->field_count != plan->column_count)
		ereport(ERROR, errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
				errmsg("wrong number of fields in header line: got %d, expected %d",
					   record == NULL ? 0 : record->field_count, plan->column_count),
				header_place(parser, record));
	for (int i = 0; i < plan->column_count; i++)
	{
		const EtlField *field = &record->fields[i];
		const char *expected = plan->columns[i].member;

		if (field->is_null)
			ereport(ERROR, errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
					errmsg("column name mismatch in header line field %d: got null value, expected \"%s\"", i + 1,
						   plan->columns[i].name),
					header_place(parser, record));
		if (field->len != strlen(expected) || memcmp(field->data, expected, field->len) != 0)
			ereport(ERROR, errcode(ERRCODE_BAD_COPY_FILE_FORMAT),
					errmsg("column name mismatch in header line field %d: got \"%s\", expected \"%s\"", i + 1,
						   shown_text(field->data, field->len, SHOWN_FIELD_BYTES), plan->columns[i].name),
					header_place(parser, record));
	}
}

static void
parser_close(EtlLoadParser *parser)
{
	parser->records->free(parser->records);
	parser->stream->close(parser->stream);
	parser->stream = NULL;
}

static void
parser_feed(EtlLoadParser *parser)
{
	MemoryContext old = MemoryContextSwitchTo(parser->file_context);
	size_t n = parser->stream->read(parser->stream, parser->buf, PARSE_BUFFER_SIZE);

	parser->records->feed(parser->records, parser->buf, n, n == 0);
	MemoryContextSwitchTo(old);
}

static void
append_aligned(StringInfo batch, const void *data, Size len)
{
	static const char zeros[MAXIMUM_ALIGNOF];

	appendBinaryStringInfo(batch, data, len);
	appendBinaryStringInfo(batch, zeros, MAXALIGN(batch->len) - batch->len);
}

/* Where its size is to be written when the row is whole. */
static int
row_begin(StringInfo batch, const EtlBatchRow *row)
{
	int at = batch->len;

	append_aligned(batch, row, sizeof(*row));
	return at;
}

static void
row_end(StringInfo batch, int at)
{
	((EtlBatchRow *) (batch->data + at))->size = batch->len - at;
	((EtlBatch *) batch->data)->rows++;
}

static int32
position_of(const EtlRecord *record, const char *data)
{
	return data != NULL && data >= record->raw && data <= record->raw + record->raw_len ? data - record->raw
																						: -1;
}

static void
append_error(StringInfo batch, const EtlRecord *record, EtlLoadCode code, int column, const EtlField *field,
			 const char *reason)
{
	EtlBatchRow row = {.line = record->line, .raw_len = Min(record->raw_len, ETL_BATCH_RAW_BYTES)};
	EtlBatchError error = {.code = code, .column = column, .position = -1, .reason_len = strlen(reason)};
	int at = row_begin(batch, &row);

	if (field != NULL && !field->is_null)
	{
		error.position = position_of(record, field->data);
		error.value_len = Min(field->len, ETL_BATCH_RAW_BYTES);
	}
	append_aligned(batch, &error, sizeof(error));
	append_aligned(batch, field == NULL ? "" : field->data, error.value_len);
	append_aligned(batch, reason, error.reason_len);
	append_aligned(batch, record->raw, row.raw_len);
	row_end(batch, at);
}

static void
append_record(EtlLoadParser *parser, StringInfo batch, const EtlRecord *record, int text_count)
{
	const EtlLoadPlan *plan = parser->plan;
	EtlBatchRow row = {.line = record->line, .text_count = text_count};
	int at;
	uint32 tuple_len;

	if (plan->keep_raw)
	{
		row.position_count = plan->column_count;
		row.raw_len = Min(record->raw_len, ETL_BATCH_RAW_BYTES);
	}
	at = row_begin(batch, &row);
	tuple_len = load_tuple_append(batch, plan, parser->values);
	((EtlBatchRow *) (batch->data + at))->tuple_len = tuple_len;
	append_aligned(batch, parser->positions, row.position_count * sizeof(int32));
	for (int i = 0; text_count > 0 && i < plan->column_count; i++)
	{
		EtlBatchText text = {.column = i, .len = parser->values[i].len};

		if (parser->values[i].is_null || !parser->values[i].is_text)
			continue;
		appendBinaryStringInfo(batch, (char *) &text, sizeof(text));
		appendBinaryStringInfo(batch, parser->values[i].data, text.len);
		while (batch->len % sizeof(int32) != 0)
			appendStringInfoCharMacro(batch, '\0');
	}
	append_aligned(batch, record->raw, row.raw_len);
	row_end(batch, at);
}

/* Whether the record has as many fields as there are columns; a delimiter at its end is no field. */
static bool
check_count(EtlLoadParser *parser, StringInfo batch, const EtlRecord *record, int *count)
{
	const EtlLoadOptions *options = &parser->plan->options;
	int columns = parser->plan->column_count;
	const EtlField *last;
	EtlLoadCode code;
	char reason[ETL_VALUE_REASON_SIZE];

	*count = record->field_count;
	if (*count == columns || (*count < columns && options->fill_record))
		return true;
	last = *count == columns + 1 && *count <= ETL_RECORD_MAX_FIELDS ? &record->fields[columns] : NULL;
	if (options->format == ETL_COPY_TEXT && !options->postgres && last != NULL &&
		(last->len == 0 || last->is_null) && !last->quoted)
	{
		*count = columns;
		return true;
	}
	code = record->raw_len == 0 ? ETL_LOAD_EMPTY_LINE
		   : *count > columns	? ETL_LOAD_EXTRA_COLUMNS
								: ETL_LOAD_MISSING_COLUMNS;
	snprintf(reason, sizeof(reason), "%s columns: the row has %d fields for %d columns",
			 *count > columns ? "extra" : "missing", *count, columns);
	append_error(batch, record, code, -1, NULL, reason);
	return false;
}

/* The field of a column that isn't simply the record's: made for it, in *made. */
static const EtlField *
field_make(const EtlLoadPlan *plan, const EtlRecord *record, int column, int count, EtlField *made)
{
	EtlValueKind kind = plan->columns[column].type.kind;
	bool fixed_width = plan->options.format == ETL_COPY_FIXEDWIDTH;

	if (column < count)
	{
		*made = record->fields[column];
		/* What fills the width up is nothing that an input function knows. */
		if (kind == ETL_VALUE_OTHER || kind == ETL_VALUE_SUPER)
			while (made->len > 0 && made->data[made->len - 1] == ' ')
				made->len--;
	}
	else /* FILLRECORD: NULL, but of text and CSV a VARCHAR is empty */
		*made = (EtlField){.data = "", .is_null = kind != ETL_VALUE_VARCHAR || fixed_width};
	return made;
}

static void
parse_record(EtlLoadParser *parser, StringInfo batch, const EtlRecord *record)
{
	const EtlLoadPlan *plan = parser->plan;
	char reason[ETL_VALUE_REASON_SIZE];
	const bool fixed_width = plan->options.format == ETL_COPY_FIXEDWIDTH;
	size_t fields_len = 0;
	int text_count = 0;
	int count;

	if (!check_count(parser, batch, record, &count))
		return;
	for (int i = 0; i < Min(count, plan->column_count); i++)
		fields_len += record->fields[i].len;
	resetStringInfo(&parser->scratch);
	value_scratch_reserve(&parser->scratch, parser->types, plan->column_count, fields_len);
	for (int i = 0; i < plan->column_count; i++)
	{
		const EtlLoadColumn *column = &plan->columns[i];
		EtlField made;
		const EtlField *field =
			i < count && !fixed_width ? &record->fields[i] : field_make(plan, record, i, count, &made);
		EtlValue *value = &parser->values[i];
		EtlLoadCode code = value_read(&column->type, &parser->rules, field, &parser->scratch, value, reason);

		if (code == ETL_LOAD_OK && value->is_null && column->not_null)
		{
			code = ETL_LOAD_NOT_NULL;
			snprintf(reason, sizeof(reason), "null value in a column that is NOT NULL");
		}
		if (code != ETL_LOAD_OK)
		{
			append_error(batch, record, code, i, field, reason);
			return;
		}
		value->is_text |= column->as_text;
		text_count += value->is_text && !value->is_null;
		if (plan->keep_raw)
			parser->positions[i] = position_of(record, field->data);
	}
	append_record(parser, batch, record, text_count);
}

static void
pg_attribute_noreturn() raise_record(const EtlLoadParser *parser, const EtlRecord *record, const EtlError *error)
{
	ereport(ERROR, errcode(error->sqlstate), errmsg("%s", error->message),
			errdetail("File \"%s\", line " INT64_FORMAT ".", parser->stream->name, record->line),
			error->hint[0] == '\0' ? 0 : errhint("%s", error->hint));
}

/* A record that isn't well-formed. One that has no end is the end of the load: false, or raised in an empty batch. */
static bool
reject_record(EtlLoadParser *parser, StringInfo batch, const EtlRecord *record, const EtlError *error)
{
	const char *reason = error->message;

	if (error->sqlstate == ERRCODE_PROGRAM_LIMIT_EXCEEDED)
	{
		/* what was found before it comes first, be it what explains it */
		if (((EtlBatch *) batch->data)->rows > 0)
			return false;
		raise_record(parser, record, error);
	}
	/* the line is beside it */
	if (strncmp(reason, "line ", 5) == 0 && strstr(reason, ": ") != NULL)
		reason = strstr(reason, ": ") + 2;
	append_error(batch, record, record->code == ETL_LOAD_OK ? ETL_LOAD_UNKNOWN : record->code,
				 record->bad_field < parser->plan->column_count ? record->bad_field : -1, NULL, reason);
	return true;
}

bool
load_parser_next(EtlLoadParser *parser, StringInfo batch)
{
	EtlBatch header = {.file = parser->file};
	EtlRecord record;
	EtlError error;

	resetStringInfo(batch);
	append_aligned(batch, &header, sizeof(header));
	CHECK_FOR_INTERRUPTS();
	while (parser->stream != NULL)
	{
		switch (parser->records->next(parser->records, &record, &error))
		{
			case ETL_RECORD_ROW:
				if (parser->at_header)
				{
					check_header(parser, &record);
					continue;
				}
				parse_record(parser, batch, &record);
				break;
			case ETL_RECORD_ERROR:
				if (parser->at_header)
					raise_record(parser, &record, &error);
				if (!reject_record(parser, batch, &record, &error))
					return true;
				break;
			case ETL_RECORD_NEED_MORE:
				parser_feed(parser);
				continue;
			case ETL_RECORD_END:
				if (parser->at_header)
					check_header(parser, NULL);
				parser_close(parser);
				continue;
		}
		if (batch->len >= ETL_BATCH_BYTES || ((EtlBatch *) batch->data)->rows >= ETL_BATCH_ROWS)
			return true;
	}
	return ((EtlBatch *) batch->data)->rows > 0;
}

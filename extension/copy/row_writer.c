/*
 * row_writer.c
 *		A row as UNLOAD writes it. See row_writer.h.
 *
 * A value of one of Redshift's types is written right into the row: no output function, no text in between. What it can
 * be made of is known, so unless a delimiter or null string is made of the same, nobody looks for what needs quotes.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "copy/row_writer.h"
#include "copy/value_kind.h"
#include "fmgr.h"
#include "format/delimited.h"
#include "format/fixed_width.h"
#include "format/json_writer.h"
#include "format/value.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/date.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* What typed values are written with. */
#define PLAIN_CHARACTERS "0123456789+-.: abcdefinstyBCDIN"

typedef struct WriterColumn
{
	int number; /* of the query's, from 0 */
	EtlValueKind kind;
	bool is_string; /* of those that a formula can be in */
	char *name;		/* JSON: the member's, quoted, with the colon */
	FmgrInfo output; /* of a kind that isn't known */
} WriterColumn;

struct EtlRowWriter
{
	const EtlUnloadOptions *options;
	EtlDelimitedOptions dialect;
	bool plain; /* typed values never need quotes or escapes */
	bool is_utf8; /* the database is */
	WriterColumn *columns;
	int ncolumns;
	TupleDesc written;
	StringInfoData scratch;
	EtlFixedWidthOptions fixed;
	EtlField *fields; /* of a row, where it is written as a whole */
	void (*write)(EtlRowWriter *writer, TupleTableSlot *slot, StringInfo out);
};

/* ---- values ---- */

/* The session's zone at that time, in seconds west. */
static int32
zone_at(TimestampTz time)
{
	struct pg_tm tm;
	fsec_t fraction;
	int zone;

	if (TIMESTAMP_NOT_FINITE(time) || timestamp2tm(time, &zone, &tm, &fraction, NULL, NULL) != 0)
		return 0;
	return zone;
}

/* The bytes of a value of variable length. */
static void
value_point(EtlValue *value, Datum datum)
{
	struct varlena *bytes = PG_DETOAST_DATUM_PACKED(datum);

	value->data = VARDATA_ANY(bytes);
	value->len = VARSIZE_ANY_EXHDR(bytes);
}

/* True: one that value_write writes; false: a text, in data and len. */
static inline bool
value_get(WriterColumn *column, Datum datum, EtlValue *value)
{
	switch (column->kind)
	{
		case ETL_VALUE_BOOL:
			value->as.boolean = DatumGetBool(datum);
			return true;
		case ETL_VALUE_INT2:
			value->as.integer = DatumGetInt16(datum);
			return true;
		case ETL_VALUE_INT4:
			value->as.integer = DatumGetInt32(datum);
			return true;
		case ETL_VALUE_INT8:
		case ETL_VALUE_TIME:
		case ETL_VALUE_TIMESTAMP:
			value->as.integer = DatumGetInt64(datum);
			return true;
		case ETL_VALUE_TIMESTAMPTZ:
			value->as.integer = DatumGetTimestampTz(datum);
			value->zone = zone_at(value->as.integer);
			return true;
		case ETL_VALUE_DATE:
			value->as.integer = DatumGetDateADT(datum);
			return true;
		case ETL_VALUE_FLOAT4:
			value->as.number = DatumGetFloat4(datum);
			return true;
		case ETL_VALUE_FLOAT8:
			value->as.number = DatumGetFloat8(datum);
			return true;
		case ETL_VALUE_TIMETZ:
			value->as.integer = DatumGetTimeTzADTP(datum)->time;
			value->zone = DatumGetTimeTzADTP(datum)->zone;
			return true;
		case ETL_VALUE_NUMERIC:
		case ETL_VALUE_BYTES:
			value_point(value, datum);
			return true;
		case ETL_VALUE_VARCHAR:
		case ETL_VALUE_CHAR:
			value_point(value, datum);
			return false;
		default:
			value->data = OutputFunctionCall(&column->output, datum);
			value->len = strlen(value->data);
			return false;
	}
}

static EtlField
field_of_text(const EtlRowWriter *writer, const char *text, size_t len)
{
	EtlField field = {.data = text, .len = len};

	if (!writer->is_utf8)
	{
		field.data = pg_server_to_any(text, len, PG_UTF8);
		if (field.data != text)
			field.len = strlen(field.data);
	}
	return field;
}

/* ---- formulas ---- */

static bool
is_number(const char *text, size_t len)
{
	size_t i = text[0] == '-' || text[0] == '+' ? 1 : 0;
	size_t digits = 0;

	for (; i < len && isdigit((unsigned char) text[i]); i++)
		digits++;
	if (i < len && text[i] == '.')
		for (i++; i < len && isdigit((unsigned char) text[i]); i++)
			digits++;
	if (digits > 0 && i < len && (text[i] == 'e' || text[i] == 'E'))
	{
		i++;
		if (i < len && (text[i] == '-' || text[i] == '+'))
			i++;
		for (digits = 0; i < len && isdigit((unsigned char) text[i]); i++)
			digits++;
	}
	return digits > 0 && i == len;
}

/* A spreadsheet takes what begins so for a formula; an apostrophe in front makes it a text. */
static void
guard_formula(EtlField *field)
{
	char *guarded;

	if (field->len == 0 || strchr("=+-@\t\r", field->data[0]) == NULL || field->data[0] == '\0' ||
		is_number(field->data, field->len))
		return;
	guarded = palloc(field->len + 1);
	guarded[0] = '\'';
	memcpy(guarded + 1, field->data, field->len);
	field->data = guarded;
	field->len++;
}

/* ---- delimited ---- */

/* Of what mostly is one byte or none. */
static inline void
append_short(StringInfo out, const char *data, int len)
{
	for (int i = 0; i < len; i++)
		appendStringInfoCharMacro(out, data[i]);
}

/* A row of one field, without its line end. */
static void
delimited_field(EtlRowWriter *writer, const EtlField *field, StringInfo out)
{
	delimited_row_write(out, &writer->dialect, field, 1);
	out->len--;
}

static inline void
delimited_value(EtlRowWriter *writer, WriterColumn *column, Datum datum, StringInfo out)
{
	EtlValue value;
	EtlField field;

	if (value_get(column, datum, &value))
	{
		if (writer->plain)
		{
			value_write(out, column->kind, &value);
			return;
		}
		resetStringInfo(&writer->scratch);
		value_write(&writer->scratch, column->kind, &value);
		field = (EtlField){.data = writer->scratch.data, .len = writer->scratch.len};
	}
	else
	{
		field = field_of_text(writer, value.data, value.len);
		if (writer->options->formula_guard && column->is_string)
			guard_formula(&field);
	}
	delimited_field(writer, &field, out);
}

static void
delimited_row(EtlRowWriter *writer, TupleTableSlot *slot, StringInfo out)
{
	const EtlDelimitedOptions *dialect = &writer->dialect;

	for (int i = 0; i < writer->ncolumns; i++)
	{
		WriterColumn *column = &writer->columns[i];

		if (i > 0)
			append_short(out, dialect->delimiter, dialect->delimiter_len);
		if (slot->tts_isnull[column->number])
			append_short(out, dialect->null_string, dialect->null_len);
		else
			delimited_value(writer, column, slot->tts_values[column->number], out);
	}
	appendStringInfoCharMacro(out, '\n');
}

static void
delimited_header(EtlRowWriter *writer, StringInfo out)
{
	for (int i = 0; i < writer->written->natts; i++)
	{
		const char *name = NameStr(TupleDescAttr(writer->written, i)->attname);
		EtlField field = field_of_text(writer, name, strlen(name));

		if (i > 0)
			appendBinaryStringInfoNT(out, writer->dialect.delimiter, writer->dialect.delimiter_len);
		if (writer->options->formula_guard)
			guard_formula(&field);
		delimited_field(writer, &field, out);
	}
	appendStringInfoCharMacro(out, '\n');
}

/* As PostgreSQL's COPY: by output functions, the row as a whole. */
static void
postgres_row(EtlRowWriter *writer, TupleTableSlot *slot, StringInfo out)
{
	for (int i = 0; i < writer->ncolumns; i++)
	{
		WriterColumn *column = &writer->columns[i];

		if (slot->tts_isnull[column->number])
			writer->fields[i] = (EtlField){.is_null = true};
		else
		{
			char *text = OutputFunctionCall(&column->output, slot->tts_values[column->number]);

			writer->fields[i] = field_of_text(writer, text, strlen(text));
			if (writer->options->formula_guard && column->is_string)
				guard_formula(&writer->fields[i]);
		}
	}
	delimited_row_write(out, &writer->dialect, writer->fields, writer->ncolumns);
}

/* FORCE_QUOTE, of columns that are written; the header has none of them. */
static void
set_forced_quotes(EtlRowWriter *writer)
{
	bool *forced = palloc0(Max(writer->ncolumns, 1) * sizeof(bool));
	ListCell *lc;

	foreach (lc, writer->options->force_quote)
	{
		const char *name = lfirst(lc);
		bool found = false;

		for (int i = 0; i < writer->ncolumns; i++)
			if (strcmp(name, "*") == 0 ||
				strcmp(name, NameStr(TupleDescAttr(writer->written, i)->attname)) == 0)
				forced[i] = found = true;
		if (!found)
			ereport(ERROR, errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					errmsg("column \"%s\" of option \"force_quote\" is not unloaded", name));
	}
	writer->dialect.force_quote = forced;
	writer->dialect.force_count = writer->ncolumns;
}

static void
set_dialect(EtlRowWriter *writer)
{
	const EtlUnloadOptions *options = writer->options;
	EtlDelimitedOptions *dialect = &writer->dialect;
	EtlError error;

	dialect->delimiter = options->delimiter;
	dialect->delimiter_len = strlen(options->delimiter);
	dialect->quote = options->format == ETL_COPY_CSV ? options->csv_quote : '\0';
	dialect->escape = options->format == ETL_COPY_CSV			? options->csv_escape
					  : options->escape || options->postgres ? '\\'
															   : '\0';
	dialect->postgres = options->postgres;
	dialect->surrounding_quotes = options->add_quotes;
	dialect->null_string = options->null;
	dialect->null_len = strlen(options->null);
	if (!delimited_options_check(dialect, &error))
		etl_error_raise(&error);
	writer->plain = !options->add_quotes && strpbrk(options->delimiter, PLAIN_CHARACTERS) == NULL &&
					(dialect->quote == '\0' || strchr(PLAIN_CHARACTERS, dialect->quote) == NULL) &&
					(options->null[0] == '\0' || strchr(PLAIN_CHARACTERS, options->null[0]) == NULL);
}

/* ---- JSON ---- */

/* A number that JSON has none of, NaN or an infinity, is a string. */
static void
json_number(StringInfo out, EtlValueKind kind, const EtlValue *value)
{
	int before = out->len;
	char last;

	value_write(out, kind, value);
	last = out->data[out->len - 1];
	if (last >= '0' && last <= '9')
		return;
	appendStringInfoString(out, "\"\"");
	memmove(out->data + before + 1, out->data + before, out->len - 2 - before);
	out->data[before] = '"';
}

/* A line is a row: line ends between the tokens of a json value, which can be nowhere else in it, are blanks. */
static void
json_document(StringInfo out, const EtlField *field)
{
	int before = out->len;

	appendBinaryStringInfo(out, field->data, field->len);
	for (char *c = out->data + before; c < out->data + out->len; c++)
		if (*c == '\n' || *c == '\r')
			*c = ' ';
}

static void
json_value(EtlRowWriter *writer, WriterColumn *column, Datum datum, StringInfo out)
{
	EtlValue value;
	EtlField field;

	if (!value_get(column, datum, &value))
	{
		field = field_of_text(writer, value.data, value.len);
		if (column->kind == ETL_VALUE_SUPER)
			json_document(out, &field);
		else
			json_string_write(out, field.data, field.len);
		return;
	}
	switch (column->kind)
	{
		case ETL_VALUE_INT2:
		case ETL_VALUE_INT4:
		case ETL_VALUE_INT8:
		case ETL_VALUE_FLOAT4:
		case ETL_VALUE_FLOAT8:
		case ETL_VALUE_NUMERIC:
			json_number(out, column->kind, &value);
			break;
		default:
			/* None of them has a character that would be escaped. */
			appendStringInfoChar(out, '"');
			value_write(out, column->kind, &value);
			appendStringInfoChar(out, '"');
			break;
	}
}

static void
json_row(EtlRowWriter *writer, TupleTableSlot *slot, StringInfo out)
{
	appendStringInfoChar(out, '{');
	for (int i = 0; i < writer->ncolumns; i++)
	{
		WriterColumn *column = &writer->columns[i];

		if (i > 0)
			appendStringInfoChar(out, ',');
		appendStringInfoString(out, column->name);
		if (slot->tts_isnull[column->number])
			appendStringInfoString(out, "null");
		else
			json_value(writer, column, slot->tts_values[column->number], out);
	}
	appendStringInfoString(out, "}\n");
}

static void
set_names(EtlRowWriter *writer)
{
	for (int i = 0; i < writer->ncolumns; i++)
	{
		const char *name = NameStr(TupleDescAttr(writer->written, i)->attname);
		EtlField field = field_of_text(writer, name, strlen(name));
		StringInfoData member;

		for (int j = 0; j < i; j++)
			if (strcmp(NameStr(TupleDescAttr(writer->written, j)->attname), name) == 0)
				ereport(ERROR, errcode(ERRCODE_DUPLICATE_COLUMN),
						errmsg("the query has several columns of the name \"%s\"", name),
						errdetail("In JSON they would be one member."), errhint("Give them names of their own with AS."));
		initStringInfo(&member);
		json_string_write(&member, field.data, field.len);
		appendStringInfoChar(&member, ':');
		writer->columns[i].name = member.data;
	}
}

/* ---- fixed width ---- */

static int
utf8_characters(const char *text)
{
	int count = 0;

	for (; *text != '\0'; text++)
		count += (*text & 0xC0) != 0x80;
	return count;
}

/* The null string where it fits; where it doesn't, nothing, but for a string, which might then be read as one. */
static void
fixed_null(EtlRowWriter *writer, int i)
{
	const char *null = writer->options->null;
	int len = strlen(null);

	if (len == 0 ||
		(!writer->columns[i].is_string && utf8_characters(null) > writer->fixed.widths[i]))
		writer->fields[i] = (EtlField){.is_null = true};
	else
		writer->fields[i] = (EtlField){.data = null, .len = len};
}

static void
fixed_value(EtlRowWriter *writer, int i, Datum datum)
{
	WriterColumn *column = &writer->columns[i];
	EtlValue value;
	StringInfoData text;

	if (!value_get(column, datum, &value))
	{
		writer->fields[i] = field_of_text(writer, value.data, value.len);
		return;
	}
	initStringInfo(&text);
	value_write(&text, column->kind, &value);
	writer->fields[i] = (EtlField){.data = text.data, .len = text.len};
}

static void
fixed_row(EtlRowWriter *writer, TupleTableSlot *slot, StringInfo out)
{
	EtlError error;
	int bad;

	for (int i = 0; i < writer->ncolumns; i++)
	{
		int number = writer->columns[i].number;

		if (slot->tts_isnull[number])
			fixed_null(writer, i);
		else
			fixed_value(writer, i, slot->tts_values[number]);
	}
	if (!fixed_width_row_write(out, &writer->fixed, writer->fields, &bad, &error))
		ereport(ERROR, errcode(error.sqlstate),
				errmsg("value of column \"%s\" is longer than its fixed width",
					   NameStr(TupleDescAttr(writer->written, bad)->attname)),
				errdetail("%s", error.detail), errhint("FIXEDWIDTH cuts nothing: give the column a larger width."));
}

static void
set_widths(EtlRowWriter *writer)
{
	const EtlUnloadOptions *options = writer->options;
	int *widths = palloc(options->fixed_count * sizeof(int));
	EtlError error;

	if (options->fixed_count != writer->ncolumns)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"fixedwidth\" has %d columns, the files have %d", options->fixed_count,
					   writer->ncolumns));
	for (int i = 0; i < writer->ncolumns; i++)
	{
		widths[i] = options->fixed[i].width;
		if (writer->columns[i].kind == ETL_VALUE_BYTES)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("column \"%s\" of type bytea cannot be unloaded with FIXEDWIDTH",
						   NameStr(TupleDescAttr(writer->written, i)->attname)));
	}
	writer->fixed = (EtlFixedWidthOptions){.widths = widths, .width_count = writer->ncolumns};
	if (!fixed_width_options_check(&writer->fixed, &error))
		etl_error_raise(&error);
	writer->fields = palloc0(writer->ncolumns * sizeof(EtlField));
}

/* ---- the writer ---- */

static void
add_column(EtlRowWriter *writer, TupleDesc query, int number)
{
	WriterColumn *column = &writer->columns[writer->ncolumns++];
	Oid type = getBaseType(TupleDescAttr(query, number)->atttypid);
	char category;
	bool is_preferred;
	Oid output;
	bool is_varlena;

	column->number = number;
	column->kind = writer->options->postgres ? ETL_VALUE_OTHER : value_kind_of_type(type);
	get_type_category_preferred(type, &category, &is_preferred);
	column->is_string = category == TYPCATEGORY_STRING;
	getTypeOutputInfo(type, &output, &is_varlena);
	fmgr_info(output, &column->output);
	TupleDescCopyEntry(writer->written, writer->ncolumns, query, number + 1);
}

EtlRowWriter *
row_writer_create(const EtlUnloadOptions *options, TupleDesc query, const bool *left_out)
{
	EtlRowWriter *writer = palloc0(sizeof(EtlRowWriter));
	int count = 0;

	for (int i = 0; i < query->natts; i++)
		count += left_out == NULL || !left_out[i];
	writer->options = options;
	writer->is_utf8 = GetDatabaseEncoding() == PG_UTF8;
	writer->columns = palloc0(Max(count, 1) * sizeof(WriterColumn));
	writer->written = CreateTemplateTupleDesc(count);
	for (int i = 0; i < query->natts; i++)
		if (left_out == NULL || !left_out[i])
			add_column(writer, query, i);
	initStringInfo(&writer->scratch);
	switch (options->format)
	{
		case ETL_COPY_JSON:
			set_names(writer);
			writer->write = json_row;
			break;
		case ETL_COPY_FIXEDWIDTH:
			set_widths(writer);
			writer->write = fixed_row;
			break;
		default:
			set_dialect(writer);
			writer->write = delimited_row;
			if (!options->postgres)
				break;
			writer->fields = palloc0(Max(count, 1) * sizeof(EtlField));
			writer->write = postgres_row;
			set_forced_quotes(writer);
			break;
	}
	return writer;
}

TupleDesc
row_writer_columns(const EtlRowWriter *writer)
{
	return writer->written;
}

void
row_writer_header(EtlRowWriter *writer, StringInfo out)
{
	if (writer->write == delimited_row)
		delimited_header(writer, out);
	else if (writer->write == postgres_row)
	{
		for (int i = 0; i < writer->ncolumns; i++)
		{
			const char *name = NameStr(TupleDescAttr(writer->written, i)->attname);

			writer->fields[i] = field_of_text(writer, name, strlen(name));
			if (writer->options->formula_guard)
				guard_formula(&writer->fields[i]);
		}
		writer->dialect.force_count = 0;
		delimited_row_write(out, &writer->dialect, writer->fields, writer->ncolumns);
		writer->dialect.force_count = writer->ncolumns;
	}
}

void
row_writer_write(EtlRowWriter *writer, TupleTableSlot *slot, StringInfo out)
{
	writer->write(writer, slot, out);
}

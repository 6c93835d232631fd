/*
 * convert.c
 *		Redshift's rules for fields. See convert.h.
 */
#include "postgres.h"

#include <ctype.h>

#include "catalog/pg_type.h"
#include "copy/convert.h"
#include "mb/pg_wchar.h"
#include "parser/scansup.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/numeric.h"

void
load_column_init(EtlLoadColumn *column, const char *name, Oid type, int32 typmod)
{
	Oid base = getBaseTypeAndTypmod(type, &typmod);

	column->name = pstrdup(name);
	column->type = format_type_with_typemod(type, typmod);
	column->kind = ETL_LOAD_OTHER;
	column->max_bytes = 0;
	column->scale = -1;
	if (base == VARCHAROID || base == BPCHAROID)
	{
		column->kind = ETL_LOAD_STRING;
		column->max_bytes = typmod >= (int32) VARHDRSZ ? typmod - VARHDRSZ : 0;
	}
	else if (base == TEXTOID || base == NAMEOID)
		column->kind = ETL_LOAD_STRING;
	else if (base == NUMERICOID)
	{
		column->kind = ETL_LOAD_NUMERIC;
		/* numeric(p,s): s is the low half, sign-extended from its 11 bits */
		if (typmod >= (int32) VARHDRSZ)
			column->scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
	}
	else if (base == BYTEAOID)
		column->kind = ETL_LOAD_BYTES;
}

static bool
is_blank(const EtlField *field)
{
	for (uint32 i = 0; i < field->len; i++)
		if (!scanner_isspace(field->data[i]))
			return false;
	return true;
}

/* Each byte of an invalid run becomes the replacement, so the run keeps its length. */
static void
utf8_repair(EtlField *field, int valid, char replacement)
{
	char *data = pnstrdup(field->data, field->len);
	uint32 at = valid;

	while (at < field->len && data[at] != '\0')
	{
		data[at++] = replacement;
		at += pg_encoding_verifymbstr(PG_UTF8, data + at, field->len - at);
	}
	field->data = data;
}

static void
utf8_check(EtlField *field, const char *replacement)
{
	int valid = pg_encoding_verifymbstr(PG_UTF8, field->data, field->len);

	if (valid < field->len && replacement != NULL)
	{
		utf8_repair(field, valid, replacement[0]);
		valid = pg_encoding_verifymbstr(PG_UTF8, field->data, field->len);
	}
	if (valid < field->len)
		report_invalid_encoding(PG_UTF8, field->data + valid, field->len - valid);
}

static void
string_convert(const EtlLoadColumn *column, const EtlLoadOptions *options, EtlField *field)
{
	utf8_check(field, options->invalid);
	/* before the blanks are trimmed away */
	if (field->len > 0 && options->blanks_as_null && is_blank(field))
		field->is_null = true;
	if (options->trim_blanks)
		while (field->len > 0 && scanner_isspace(field->data[field->len - 1]))
			field->len--;
	if (field->len == 0 && options->empty_as_null)
		field->is_null = true;
	if (field->is_null || column->max_bytes == 0 || field->len <= column->max_bytes)
		return;
	if (!options->truncate_columns)
		ereport(ERROR, errcode(ERRCODE_STRING_DATA_RIGHT_TRUNCATION),
				errmsg("value of %u bytes is too long for type %s", field->len, column->type),
				errhint("Widths are bytes. Widen the column, or use TRUNCATECOLUMNS to cut the value."));
	field->len = pg_encoding_mbcliplen(PG_UTF8, field->data, field->len, column->max_bytes);
}

static bool
is_digits(const char *data, const char *end)
{
	while (data < end && isdigit((unsigned char) *data))
		data++;
	return data == end;
}

/* Digits past the scale are dropped, where numeric's input function would round. */
static void
numeric_convert(const EtlLoadColumn *column, EtlField *field)
{
	const char *end = field->data + field->len;
	const char *point = memchr(field->data, '.', field->len);
	bool exponent = memchr(field->data, 'e', field->len) != NULL || memchr(field->data, 'E', field->len) != NULL;

	if (column->scale < 0 || (point == NULL && !exponent) || (!exponent && end - point - 1 <= column->scale))
		return;
	if (!exponent && is_digits(point + 1, end))
		field->len = point - field->data + (column->scale == 0 ? 0 : 1 + column->scale);
	else
	{
		/* not digits alone, or not a number at all, which is for the input function to say */
		char *text = pnstrdup(field->data, field->len);
		Datum value = DirectFunctionCall3(numeric_in, CStringGetDatum(text), ObjectIdGetDatum(InvalidOid),
										  Int32GetDatum(-1));

		value = DirectFunctionCall2(numeric_trunc, value, Int32GetDatum(column->scale));
		field->data = DatumGetCString(DirectFunctionCall1(numeric_out, value));
		field->len = strlen(field->data);
	}
}

/* Redshift writes VARBYTE as hexadecimal digits; bytea wants them announced. */
static void
bytes_convert(EtlField *field)
{
	if (field->len >= 2 && field->data[0] == '\\' && field->data[1] == 'x')
		return;
	field->data = psprintf("\\x%.*s", (int) field->len, field->data);
	field->len += 2;
}

EtlField
load_field_convert(const EtlLoadColumn *column, const EtlLoadOptions *options, const EtlField *in)
{
	EtlField field = *in;

	if (field.is_null)
		return field;
	if (column->kind == ETL_LOAD_STRING)
	{
		string_convert(column, options, &field);
		return field;
	}
	if (field.len == 0)
	{
		field.is_null = true;
		return field;
	}
	utf8_check(&field, NULL);
	if (column->kind == ETL_LOAD_NUMERIC && !options->round_decimals)
		numeric_convert(column, &field);
	else if (column->kind == ETL_LOAD_BYTES)
		bytes_convert(&field);
	return field;
}

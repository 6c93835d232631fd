/*
 * value_fuzz.c
 *		value_read of every kind under rules the input picks, in the room that value_scratch_reserve makes; what is read is
 *		written and read again, and is the same.
 */
#include "format/time_format.h"
#include "format/value.h"

#include <math.h>

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static int
odd_offset(int64 local, void *arg)
{
	return local % 2 == 0 ? 19800 : -3600;
}

static EtlLoadCode
read_exact(const EtlValueType *type, const EtlValueRules *rules, const char *text, size_t len,
		   EtlValueScratch *scratch, EtlValue *value)
{
	char reason[ETL_VALUE_REASON_SIZE] = "";
	EtlField field = {text, len};
	EtlLoadCode code;
	const char *room;

	resetStringInfo(scratch);
	value_scratch_reserve(scratch, type, 1, len);
	room = scratch->data;
	code = value_read(type, rules, &field, scratch, value, reason);
	if (scratch->data != room || (code == ETL_LOAD_OK) != (reason[0] == '\0'))
		abort();
	return code;
}

/* Dates before 1 and after 9999 have no ISO form, and no bytes at all are NULL. */
static bool
is_same(const EtlValue *one, const EtlValue *two, EtlValueKind kind)
{
	if (two->is_text)
		return kind >= ETL_VALUE_DATE && kind <= ETL_VALUE_TIMESTAMPTZ;
	if (two->is_null)
		return kind == ETL_VALUE_BYTES && one->len == 0;
	if (kind == ETL_VALUE_BOOL)
		return one->as.boolean == two->as.boolean;
	if (kind == ETL_VALUE_FLOAT4 || kind == ETL_VALUE_FLOAT8)
		return one->as.number == two->as.number || (isnan(one->as.number) && isnan(two->as.number));
	if (kind == ETL_VALUE_TIMETZ && one->zone != two->zone)
		return false;
	if (kind >= ETL_VALUE_INT2 && kind <= ETL_VALUE_TIMESTAMPTZ && kind != ETL_VALUE_NUMERIC)
		return one->as.integer == two->as.integer;
	return one->len == two->len && memcmp(one->data, two->data, one->len) == 0;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static EtlTimeFormat *automatic;
	static EtlValueScratch scratch;
	static EtlValueScratch again;
	static StringInfoData out;
	EtlValueRules rules = {.zone_offset = odd_offset};
	EtlValueType type = {.name = "of the fuzzer"};
	EtlValue value = {0};
	EtlValue second = {0};
	EtlError error;

	if (scratch.data == NULL)
	{
		initStringInfo(&scratch);
		initStringInfo(&again);
		initStringInfo(&out);
		automatic = time_format_create("auto", false, &error);
	}
	if (size < 4)
		return 0;
	type.kind = data[0] % (ETL_VALUE_SUPER + 1);
	type.max_bytes = data[1] % 64;
	if (type.kind == ETL_VALUE_NUMERIC)
	{
		type.precision = data[1];
		type.scale = data[2] % 80 - 8;
	}
	rules.invalid = data[3] & 1 ? '?' : '\0';
	rules.accept_any_date = data[3] & 2;
	rules.blanks_as_null = data[3] & 4;
	rules.empty_as_null = data[3] & 8;
	rules.trim_blanks = data[3] & 16;
	rules.truncate_columns = data[3] & 32;
	rules.round_decimals = data[3] & 64;
	rules.date_format = rules.time_format = data[3] & 128 ? automatic : NULL;
	if (read_exact(&type, &rules, (const char *) data + 4, size - 4, &scratch, &value) != ETL_LOAD_OK ||
		value.is_null || value.is_text)
		return 0;
	if (type.kind == ETL_VALUE_TIMESTAMPTZ)
		value.zone = -3600;
	resetStringInfo(&out);
	value_write(&out, type.kind, &value);
	rules = (EtlValueRules){0};
	if (read_exact(&type, &rules, out.data, out.len, &again, &second) != ETL_LOAD_OK ||
		!is_same(&value, &second, type.kind))
		abort();
	return 0;
}

/*
 * value_test.c
 *		Text to values, by Redshift's rules. What PostgreSQL makes of the same texts: t/027_values.pl.
 */
#include "format/time_format.h"
#include "format/value.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <math.h>

static const EtlValueRules NO_RULES;

static const EtlValueType TYPES[] = {
	[ETL_VALUE_OTHER] = {ETL_VALUE_OTHER, "inet"},
	[ETL_VALUE_BOOL] = {ETL_VALUE_BOOL, "boolean"},
	[ETL_VALUE_INT2] = {ETL_VALUE_INT2, "smallint"},
	[ETL_VALUE_INT4] = {ETL_VALUE_INT4, "integer"},
	[ETL_VALUE_INT8] = {ETL_VALUE_INT8, "bigint"},
	[ETL_VALUE_FLOAT4] = {ETL_VALUE_FLOAT4, "real"},
	[ETL_VALUE_FLOAT8] = {ETL_VALUE_FLOAT8, "double precision"},
	[ETL_VALUE_NUMERIC] = {ETL_VALUE_NUMERIC, "numeric(12,2)", .precision = 12, .scale = 2},
	[ETL_VALUE_DATE] = {ETL_VALUE_DATE, "date"},
	[ETL_VALUE_TIME] = {ETL_VALUE_TIME, "time without time zone"},
	[ETL_VALUE_TIMETZ] = {ETL_VALUE_TIMETZ, "time with time zone"},
	[ETL_VALUE_TIMESTAMP] = {ETL_VALUE_TIMESTAMP, "timestamp without time zone"},
	[ETL_VALUE_TIMESTAMPTZ] = {ETL_VALUE_TIMESTAMPTZ, "timestamp with time zone"},
	[ETL_VALUE_VARCHAR] = {ETL_VALUE_VARCHAR, "character varying(5)", .max_bytes = 5},
	[ETL_VALUE_CHAR] = {ETL_VALUE_CHAR, "character(5)", .max_bytes = 5},
	[ETL_VALUE_BYTES] = {ETL_VALUE_BYTES, "bytea"},
	[ETL_VALUE_SUPER] = {ETL_VALUE_SUPER, "jsonb"},
};

/* A value as text: "NULL", "text:…" for the input function, "1207 reason", or what it is; bytes in hexadecimal. */
static void
value_show(StringInfo out, const EtlValueType *type, const EtlValue *value)
{
	if (value->is_null)
		appendStringInfoString(out, "NULL");
	else if (value->is_text)
		appendStringInfo(out, "text:%.*s", (int) value->len, value->data);
	else if (type->kind == ETL_VALUE_BOOL)
		appendStringInfoString(out, value->as.boolean ? "true" : "false");
	else if (type->kind == ETL_VALUE_FLOAT4 || type->kind == ETL_VALUE_FLOAT8)
		appendStringInfo(out, "%.17g", value->as.number);
	else if (type->kind == ETL_VALUE_VARCHAR || type->kind == ETL_VALUE_CHAR)
		appendStringInfo(out, "'%.*s'", (int) value->len, value->data);
	else if (type->kind == ETL_VALUE_BYTES || type->kind == ETL_VALUE_NUMERIC)
		for (uint32 i = 0; i < value->len; i++)
			appendStringInfo(out, "%02x", (unsigned char) value->data[i]);
	else
	{
		appendStringInfo(out, INT64_FORMAT, value->as.integer);
		if (type->kind == ETL_VALUE_TIMETZ)
			appendStringInfo(out, " %d", value->zone);
	}
}

/* From memory of exactly that size, so that the sanitizer sees a byte read past it. */
static const char *
read_bytes_of(const EtlValueType *type, const EtlValueRules *rules, const char *data, size_t len)
{
	static StringInfoData out;
	EtlValueScratch scratch;
	EtlValue value = {0};
	char *copy = malloc(len + 1);
	char *exact = memcpy(copy + 1, data, len);
	EtlField field = {exact, len};
	char reason[ETL_VALUE_REASON_SIZE] = "none";
	EtlLoadCode code;
	const char *room;

	if (out.data == NULL)
		initStringInfo(&out);
	resetStringInfo(&out);
	initStringInfo(&scratch);
	value_scratch_reserve(&scratch, type, 1, len);
	room = scratch.data;
	code = value_read(type, rules, &field, &scratch, &value, reason);
	assert_ptr_equal(scratch.data, room);
	if (code == ETL_LOAD_OK)
		value_show(&out, type, &value);
	else
		appendStringInfo(&out, "%d %s", code, reason);
	pfree(scratch.data);
	free(copy);
	return out.data;
}

static const char *
read_by(EtlValueKind kind, const EtlValueRules *rules, const char *text)
{
	return read_bytes_of(&TYPES[kind], rules, text, strlen(text));
}

static const char *
read_plain(EtlValueKind kind, const char *text)
{
	return read_by(kind, &NO_RULES, text);
}

static void
null_and_blank(void **state)
{
	EtlField field = {NULL, 0, .is_null = true};
	EtlValue value = {0};
	char reason[ETL_VALUE_REASON_SIZE];

	for (int i = 0; i < lengthof(TYPES); i++)
	{
		bool is_string = i == ETL_VALUE_VARCHAR || i == ETL_VALUE_CHAR;

		assert_int_equal(value_read(&TYPES[i], &NO_RULES, &field, NULL, &value, reason), ETL_LOAD_OK);
		assert_true(value.is_null);
		assert_string_equal(read_plain(i, ""), !is_string ? "NULL" : i == ETL_VALUE_CHAR ? "'     '" : "''");
		assert_string_equal(read_plain(i, " \t "), !is_string			 ? "NULL"
												   : i == ETL_VALUE_CHAR ? "' \t   '"
																		 : "' \t '");
	}
}

static void
strings(void **state)
{
	EtlValueRules rules = NO_RULES;

	assert_string_equal(read_plain(ETL_VALUE_VARCHAR, "abcde"), "'abcde'");
	assert_string_equal(read_plain(ETL_VALUE_VARCHAR, " a "), "' a '");
	assert_string_equal(read_plain(ETL_VALUE_VARCHAR, "abcdef"),
						"1204 value of 6 bytes is too long for type character varying(5)");
	assert_string_equal(read_plain(ETL_VALUE_VARCHAR, "ab   "), "'ab   '");
	assert_string_equal(read_plain(ETL_VALUE_VARCHAR, "abcd      "), "'abcd '");
	assert_string_equal(read_plain(ETL_VALUE_VARCHAR, "äöü"),
						"1204 value of 6 bytes is too long for type character varying(5)");
	assert_string_equal(read_plain(ETL_VALUE_CHAR, "ab"), "'ab   '");
	assert_string_equal(read_plain(ETL_VALUE_CHAR, "abcde   "), "'abcde'");
	assert_string_equal(read_plain(ETL_VALUE_CHAR, "abcdef"),
						"1204 value of 6 bytes is too long for type character(5)");
	assert_string_equal(
		read_plain(ETL_VALUE_CHAR, "ä"),
		"1220 multibyte characters are not for type character(5): character varying has them");
	rules.truncate_columns = true;
	assert_string_equal(read_by(ETL_VALUE_VARCHAR, &rules, "abcdef"), "'abcde'");
	assert_string_equal(read_by(ETL_VALUE_VARCHAR, &rules, "äöü"), "'äö'");
	assert_string_equal(read_by(ETL_VALUE_VARCHAR, &rules, "€€"), "'€'");
	assert_string_equal(read_by(ETL_VALUE_CHAR, &rules, "abcdef"), "'abcde'");
	rules = (EtlValueRules){.blanks_as_null = true};
	assert_string_equal(read_by(ETL_VALUE_VARCHAR, &rules, "      "), "NULL");
	assert_string_equal(read_by(ETL_VALUE_VARCHAR, &rules, ""), "''");
	assert_string_equal(read_by(ETL_VALUE_CHAR, &rules, " "), "NULL");
	rules = (EtlValueRules){.empty_as_null = true};
	assert_string_equal(read_by(ETL_VALUE_VARCHAR, &rules, ""), "NULL");
	assert_string_equal(read_by(ETL_VALUE_VARCHAR, &rules, " "), "' '");
	assert_string_equal(read_by(ETL_VALUE_CHAR, &rules, ""), "NULL");
	rules = (EtlValueRules){.trim_blanks = true};
	assert_string_equal(read_by(ETL_VALUE_VARCHAR, &rules, " ab \t  "), "' ab'");
	assert_string_equal(read_by(ETL_VALUE_VARCHAR, &rules, "   "), "''");
	rules.blanks_as_null = true;
	assert_string_equal(read_by(ETL_VALUE_VARCHAR, &rules, "   "), "NULL");
}

/* A bad byte at each place of strings of each length, in every way that they are looked at. */
static void
bytes_of_strings(void **state)
{
	EtlValueType type = {ETL_VALUE_VARCHAR, "text"};
	EtlValueRules repair = {.invalid = '#'};
	char data[70];
	char expected[200];

	for (size_t len = 1; len < sizeof(data); len++)
		for (size_t at = 0; at < len; at++)
		{
			memset(data, 'x', len);
			data[at] = '\xe9';
			snprintf(expected, sizeof(expected),
					 "1220 invalid byte sequence for encoding \"UTF8\": 0xe9%s%s, at byte %zu for type text",
					 at + 1 < len ? " 0x78" : "", at + 2 < len ? " 0x78" : "", at + 1);
			assert_string_equal(read_bytes_of(&type, &NO_RULES, data, len), expected);
			snprintf(expected, sizeof(expected), "'%.*s#%.*s'", (int) at, data, (int) (len - at - 1),
					 data + at + 1);
			assert_string_equal(read_bytes_of(&type, &repair, data, len), expected);
			data[at] = '\0';
			snprintf(expected, sizeof(expected), "1218 NUL byte at byte %zu for type text", at + 1);
			assert_string_equal(read_bytes_of(&type, &NO_RULES, data, len), expected);
			assert_string_equal(read_bytes_of(&type, &repair, data, len), expected);
			if (at + 2 <= len)
			{
				memcpy(data + at, "é", 2);
				snprintf(expected, sizeof(expected), "'%.*s'", (int) len, data);
				assert_string_equal(read_bytes_of(&type, &NO_RULES, data, len), expected);
			}
		}
	assert_string_equal(read_bytes_of(&type, &repair, "a\xff\xfe\xfd-\xe2\x82z", 8), "'a###-##z'");
	assert_string_equal(
		read_by(ETL_VALUE_CHAR, &repair, "\xff"),
		"1220 invalid byte sequence for encoding \"UTF8\": 0xff, at byte 1 for type character(5)");
	/* surrogates, overlong forms, past the last code point */
	assert_non_null(strstr(read_bytes_of(&type, &NO_RULES, "\xed\xa0\x80", 3), "1220"));
	assert_non_null(strstr(read_bytes_of(&type, &NO_RULES, "\xc0\x80", 2), "1220"));
	assert_non_null(strstr(read_bytes_of(&type, &NO_RULES, "\xf4\x90\x80\x80", 4), "1220"));
}

/* A string of JSON is one in SUPER, whatever is in it; what isn't quoted is JSON as it stands. */
static void
json_strings(void **state)
{
	static const char text[] = "\001\001\001 {\"\\";
	const EtlValueRules rules = {.json_strings = true};
	const EtlValueType *super = &TYPES[ETL_VALUE_SUPER];
	EtlField field = {.data = text, .len = sizeof(text) - 1, .quoted = true};
	EtlValueScratch scratch;
	EtlValue value;
	char reason[ETL_VALUE_REASON_SIZE];
	const char *room;

	initStringInfo(&scratch);
	value_scratch_reserve(&scratch, super, 1, field.len);
	room = scratch.data;
	assert_int_equal(value_read(super, &rules, &field, &scratch, &value, reason), ETL_LOAD_OK);
	assert_ptr_equal(scratch.data, room);
	assert_true(value.is_text && !value.is_null);
	assert_int_equal(value.len, strlen("\"\\u0001\\u0001\\u0001 {\\\"\\\\\""));
	assert_memory_equal(value.data, "\"\\u0001\\u0001\\u0001 {\\\"\\\\\"", value.len);
	field.len = 0;
	assert_int_equal(value_read(super, &rules, &field, &scratch, &value, reason), ETL_LOAD_OK);
	assert_true(!value.is_null && value.len == 2);
	field.data = "\xff";
	field.len = 1;
	assert_int_equal(value_read(super, &rules, &field, &scratch, &value, reason), ETL_LOAD_UTF8);
	assert_string_equal(read_by(ETL_VALUE_SUPER, &rules, "[1]"), "text:[1]");
	assert_string_equal(read_by(ETL_VALUE_SUPER, &rules, ""), "NULL");
	pfree(scratch.data);
}

static void
others(void **state)
{
	assert_string_equal(read_plain(ETL_VALUE_OTHER, " 10.0.0.1 "), "text: 10.0.0.1 ");
	assert_string_equal(read_plain(ETL_VALUE_OTHER, "10\xff"),
						"1220 invalid byte sequence for encoding \"UTF8\": 0xff, at byte 3 for type inet");
	assert_string_equal(read_plain(ETL_VALUE_SUPER, "{\"a\": 1}"), "text:{\"a\": 1}");
	assert_string_equal(read_plain(ETL_VALUE_BYTES, "00fFa9"), "00ffa9");
	assert_string_equal(read_plain(ETL_VALUE_BYTES, "\\x00ff"), "00ff");
	assert_string_equal(read_plain(ETL_VALUE_BYTES, "\\x"), "");
	assert_string_equal(read_plain(ETL_VALUE_BYTES, "00f"),
						"1219 an odd number of hexadecimal digits for type bytea");
	assert_string_equal(read_plain(ETL_VALUE_BYTES, "00fg"),
						"1219 invalid hexadecimal digit at byte 4 for type bytea");
	assert_string_equal(read_plain(ETL_VALUE_BYTES, "\\x@0"),
						"1219 invalid hexadecimal digit at byte 3 for type bytea");
}

static void
booleans(void **state)
{
	static const char *const yes[] = {"t", "T", "true", "TRUE", "True", "y", "yes", "YES", "1", "on", " t "};
	static const char *const no[] = {"f", "F", "false", "FALSE", "n", "no", "No", "0", "off", "OFF", "\tf"};
	static const char *const bad[] = {"tr", "2", "00", "yess", "o", "of", "-1", "truefalse"};

	for (int i = 0; i < lengthof(yes); i++)
		assert_string_equal(read_plain(ETL_VALUE_BOOL, yes[i]), "true");
	for (int i = 0; i < lengthof(no); i++)
		assert_string_equal(read_plain(ETL_VALUE_BOOL, no[i]), "false");
	for (int i = 0; i < lengthof(bad); i++)
		assert_string_equal(read_plain(ETL_VALUE_BOOL, bad[i]), "1210 not a value of type boolean");
}

static void
integers(void **state)
{
	static const char *const same[] = {"0",
									   "7",
									   "-1",
									   "12345678",
									   "123456789",
									   "-1234567890123456",
									   "12345678901234567",
									   "9223372036854775807",
									   "-9223372036854775808"};

	for (int i = 0; i < lengthof(same); i++)
		assert_string_equal(read_plain(ETL_VALUE_INT8, same[i]), same[i]);
	assert_string_equal(read_plain(ETL_VALUE_INT8, " +5\t"), "5");
	assert_string_equal(read_plain(ETL_VALUE_INT8, "-0"), "0");
	assert_string_equal(read_plain(ETL_VALUE_INT8, "000000000000000000000000000000000042"), "42");
	assert_string_equal(read_plain(ETL_VALUE_INT8, "9223372036854775808"),
						"1222 value is out of range for type bigint");
	assert_string_equal(read_plain(ETL_VALUE_INT8, "-9223372036854775809"),
						"1222 value is out of range for type bigint");
	assert_string_equal(read_plain(ETL_VALUE_INT8, "100000000000000000000000000"),
						"1222 value is out of range for type bigint");
	assert_string_equal(read_plain(ETL_VALUE_INT4, "2147483647"), "2147483647");
	assert_string_equal(read_plain(ETL_VALUE_INT4, "-2147483648"), "-2147483648");
	assert_string_equal(read_plain(ETL_VALUE_INT4, "2147483648"),
						"1222 value is out of range for type integer");
	assert_string_equal(read_plain(ETL_VALUE_INT2, "-32768"), "-32768");
	assert_string_equal(read_plain(ETL_VALUE_INT2, "-32769"), "1222 value is out of range for type smallint");
	assert_string_equal(read_plain(ETL_VALUE_INT4, "12.0"), "1207 invalid digit at byte 3 for type integer");
	assert_string_equal(read_plain(ETL_VALUE_INT4, "1 2"), "1207 invalid digit at byte 2 for type integer");
	assert_string_equal(read_plain(ETL_VALUE_INT4, "1e3"), "1207 invalid digit at byte 2 for type integer");
	assert_string_equal(read_plain(ETL_VALUE_INT4, "--1"), "1207 invalid digit at byte 2 for type integer");
	assert_string_equal(read_plain(ETL_VALUE_INT4, "-"), "1207 no digit for type integer");
	assert_string_equal(read_plain(ETL_VALUE_INT4, "\xff"), "1207 invalid digit at byte 1 for type integer");
	assert_string_equal(read_plain(ETL_VALUE_INT4, "1234567890123456789012x"),
						"1207 invalid digit at byte 23 for type integer");
}

static void
floats(void **state)
{
	char exact[64];

	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "0.1"), "0.10000000000000001");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "-1.5e3"), "-1500");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, ".5"), "0.5");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "5."), "5");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "1E+2"), "100");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "-0"), "-0");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "NaN"), "NaN");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "-infinity"), "-Infinity");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "+Inf"), "Infinity");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "3.141592653589793238462643383279502884"),
						"3.1415926535897931");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "1e-310"), "9.9999999999999694e-311");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "0e999999999999"), "0");
	snprintf(exact, sizeof(exact), "%.17g", (double) 16777217.0f);
	assert_string_equal(read_plain(ETL_VALUE_FLOAT4, "16777217"), exact);
	/* just above half-way between two floats, but half-way once it is a double */
	assert_string_equal(read_plain(ETL_VALUE_FLOAT4, "16777217.0000000001"), "16777218");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "1e400"),
						"1204 value is out of range for type double precision");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT8, "1e-400"),
						"1204 value is out of range for type double precision");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT4, "1e39"), "1204 value is out of range for type real");
	assert_string_equal(read_plain(ETL_VALUE_FLOAT4, "1e-50"), "1204 value is out of range for type real");
	for (int i = 0; i < 12; i++)
	{
		static const char *const bad[] = {"x",	 ".",	"1e",	"1e+", "e5",	"1.2.3",
										  "0x1", "1 2", "nano", "--1", "1e5.0", "infinit"};

		assert_string_equal(read_plain(ETL_VALUE_FLOAT8, bad[i]),
							"1208 not a value of type double precision");
	}
}

/* The expected bytes are those of a machine that has the lowest byte first. */
static void
numerics(void **state)
{
	EtlValueRules rules = {.round_decimals = true};
	EtlValueType any = {ETL_VALUE_NUMERIC, "numeric"};

	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "42045.45"), "01810400fd079411");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "-42045.4"), "01a10400fd07a00f");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "0"), "0081");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "-0.00"), "0081");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "1.999"), "00810100ac26");
	assert_string_equal(read_by(ETL_VALUE_NUMERIC, &rules, "1.995"), "00810200");
	assert_string_equal(read_by(ETL_VALUE_NUMERIC, &rules, "-1.994"), "00a10100ac26");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "9999999999.99"), "028163000f270f27ac26");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "9999999999.999"), "028163000f270f27ac26");
	assert_string_equal(read_by(ETL_VALUE_NUMERIC, &rules, "9999999999.995"),
						"1204 value is out of range for type numeric(12,2)");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "10000000000"),
						"1204 value is out of range for type numeric(12,2)");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "1e3"), "0081e803");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "1e10"),
						"1204 value is out of range for type numeric(12,2)");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "1e-3"), "0081");
	assert_string_equal(read_by(ETL_VALUE_NUMERIC, &rules, "5e-3"), "7f816400");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "NaN"), "00c0");
	assert_string_equal(read_plain(ETL_VALUE_NUMERIC, "Infinity"),
						"1204 value is out of range for type numeric(12,2)");
	assert_string_equal(read_bytes_of(&any, &NO_RULES, "-inf", 4), "00f0");
	/* few enough digits for a word, too many once the last group is full */
	assert_string_equal(read_bytes_of(&any, &NO_RULES, "5.9861639024596", 15), "808605008526f6189b097017");
	assert_string_equal(read_bytes_of(&any, &NO_RULES, "1e20000", 7), "00008813"
																	  "0100");
	assert_string_equal(read_bytes_of(&any, &NO_RULES, "1e200000", 8),
						"1204 value is out of range for type numeric");
	assert_string_equal(read_bytes_of(&any, &NO_RULES, "1e-20000", 8),
						"1204 value is out of range for type numeric");
	assert_string_equal(read_bytes_of(&any, &NO_RULES, "1e9999999999999999999", 21),
						"1204 value is out of range for type numeric");
	for (int i = 0; i < 13; i++)
	{
		static const char *const bad[] = {"x",	 ".",	 "1e",	"1e+",	 "e5", "1.2.3", "0x1",
										  "1 2", "nano", "1,5", "1.23x", "-",  "+."};

		assert_string_equal(read_plain(ETL_VALUE_NUMERIC, bad[i]), "1209 not a value of type numeric(12,2)");
	}
}

static void
dates(void **state)
{
	EtlValueRules rules = {.accept_any_date = true};

	assert_string_equal(read_plain(ETL_VALUE_DATE, "2000-01-01"), "0");
	assert_string_equal(read_plain(ETL_VALUE_DATE, "1999-12-31"), "-1");
	assert_string_equal(read_plain(ETL_VALUE_DATE, "2024-02-29"), "8825");
	assert_string_equal(read_plain(ETL_VALUE_DATE, " 2000-3-1 "), "60");
	assert_string_equal(read_plain(ETL_VALUE_DATE, "2000-01-02 23:59:59"), "1");
	assert_string_equal(read_plain(ETL_VALUE_DATE, "2023-02-29"), "1205 not a value of type date");
	assert_string_equal(read_plain(ETL_VALUE_DATE, "2023-13-01"), "1205 not a value of type date");
	assert_string_equal(read_plain(ETL_VALUE_DATE, "0000-00-00"), "1205 not a value of type date");
	assert_string_equal(read_plain(ETL_VALUE_DATE, "01/02/2003"), "text:01/02/2003");
	assert_string_equal(read_plain(ETL_VALUE_DATE, "infinity"), "text:infinity");
	assert_string_equal(read_plain(ETL_VALUE_DATE, "x\xff"),
						"1220 invalid byte sequence for encoding \"UTF8\": 0xff, at byte 2 for type date");
	assert_string_equal(read_by(ETL_VALUE_DATE, &rules, "2023-02-29"), "NULL");
	assert_string_equal(read_by(ETL_VALUE_DATE, &rules, "00000000"), "NULL");
	assert_string_equal(read_by(ETL_VALUE_TIMESTAMP, &rules, "00/00/00 00:00:00"), "NULL");
}

static void
times_of_fewer_digits(void **state)
{
	EtlValueType thousandths = {ETL_VALUE_TIMESTAMP, "timestamp(3) without time zone", .scale = 3};
	EtlValueType seconds = {ETL_VALUE_TIME, "time(0) without time zone", .scale = 6};

	assert_string_equal(read_bytes_of(&thousandths, &NO_RULES, "2000-01-01 00:00:00.0005", 24), "1000");
	assert_string_equal(read_bytes_of(&thousandths, &NO_RULES, "2000-01-01 00:00:00.000499", 26), "0");
	assert_string_equal(read_bytes_of(&thousandths, &NO_RULES, "1999-12-31 23:59:59.9995", 24), "-1000");
	assert_string_equal(read_bytes_of(&seconds, &NO_RULES, "23:59:59.5", 10), "86400000000");
}

static int
two_hours_east(int64 local, void *arg)
{
	*(int64 *) arg = local;
	return 7200;
}

static void
timestamps(void **state)
{
	int64 local = 0;
	EtlValueRules rules = {.zone_offset = two_hours_east, .zone_arg = &local};

	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01 00:00:01"), "1000000");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01"), "0");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01T01:02"), "3720000000");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01 00:00:00.5"), "500000");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01 00:00:00.123456"), "123456");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01 00:00:00.1234567"), "123457");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01 24:00:00"), "86400000000");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01 24:00:01"),
						"1206 not a value of type timestamp without time zone");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01 12:60:00"),
						"1206 not a value of type timestamp without time zone");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01 01:00:00 PM"),
						"text:2000-01-01 01:00:00 PM");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMP, "2000-01-01 00:00:01+05"), "1000000");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMPTZ, "2000-01-01 00:00:01Z"), "1000000");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMPTZ, "2000-01-01 00:00:00 +0530"), "-19800000000");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMPTZ, "2000-01-01 00:00:00-05:30"), "19800000000");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMPTZ, "2000-01-01 00:00:00-05:30:10"), "19810000000");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMPTZ, "2000-01-01 00:00:00+16"),
						"1206 not a value of type timestamp with time zone");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMPTZ, "2000-01-01 00:00:00 PST"),
						"text:2000-01-01 00:00:00 PST");
	assert_string_equal(read_plain(ETL_VALUE_TIMESTAMPTZ, "2000-01-01 00:00:00"), "text:2000-01-01 00:00:00");
	assert_string_equal(read_by(ETL_VALUE_TIMESTAMPTZ, &rules, "2000-01-01 12:00:00"), "36000000000");
	assert_true(local == INT64CONST(43200000000));
	assert_string_equal(read_plain(ETL_VALUE_TIME, "23:59:59.999999"), "86399999999");
	assert_string_equal(read_plain(ETL_VALUE_TIME, "24:00"), "86400000000");
	assert_string_equal(read_plain(ETL_VALUE_TIME, "25:00"),
						"1206 not a value of type time without time zone");
	assert_string_equal(read_plain(ETL_VALUE_TIME, "noon"), "text:noon");
	assert_string_equal(read_plain(ETL_VALUE_TIMETZ, "01:00:00+02"), "3600000000 -7200");
	assert_string_equal(read_plain(ETL_VALUE_TIMETZ, "01:00:00"), "text:01:00:00");
}

/* All values of a record that has every kind several times are where they were when the last one is read. */
static void
room_for_a_record(void **state)
{
	static const char *const texts[] = {[ETL_VALUE_OTHER] = "x",
										[ETL_VALUE_BOOL] = "t",
										[ETL_VALUE_INT2] = "1",
										[ETL_VALUE_INT4] = "1",
										[ETL_VALUE_INT8] = "1",
										[ETL_VALUE_FLOAT4] = "1e-30",
										[ETL_VALUE_FLOAT8] = "1e-300",
										[ETL_VALUE_NUMERIC] = "9.99",
										[ETL_VALUE_DATE] = "2000-01-01",
										[ETL_VALUE_TIME] = "00:00",
										[ETL_VALUE_TIMETZ] = "00:00Z",
										[ETL_VALUE_TIMESTAMP] = "2000-01-01",
										[ETL_VALUE_TIMESTAMPTZ] = "2000-01-01",
										[ETL_VALUE_VARCHAR] = "\xff\xff",
										[ETL_VALUE_CHAR] = "",
										[ETL_VALUE_BYTES] = "00",
										[ETL_VALUE_SUPER] = "1"};
	EtlValueRules rules = {.invalid = '?', .round_decimals = true};
	EtlValueType types[lengthof(texts) * 40];
	EtlValue values[lengthof(types)];
	EtlValueScratch scratch;
	char reason[ETL_VALUE_REASON_SIZE];
	size_t fields_len = 0;
	const char *room;

	for (int i = 0; i < lengthof(types); i++)
	{
		types[i] = TYPES[i % lengthof(texts)];
		fields_len += strlen(texts[i % lengthof(texts)]);
	}
	initStringInfo(&scratch);
	value_scratch_reserve(&scratch, types, lengthof(types), fields_len);
	room = scratch.data;
	for (int i = 0; i < lengthof(types); i++)
	{
		EtlField field = {texts[i % lengthof(texts)], strlen(texts[i % lengthof(texts)])};

		assert_int_equal(value_read(&types[i], &rules, &field, &scratch, &values[i], reason), ETL_LOAD_OK);
	}
	assert_ptr_equal(scratch.data, room);
	for (int i = 0; i < lengthof(types); i++)
		if (types[i].kind == ETL_VALUE_CHAR)
			assert_memory_equal(values[i].data, "     ", 5);
		else if (types[i].kind == ETL_VALUE_VARCHAR)
			assert_memory_equal(values[i].data, "??", 2);
		else if (types[i].kind == ETL_VALUE_NUMERIC)
			assert_int_equal(values[i].len, 6);
	pfree(scratch.data);
}

static void
by_format(void **state)
{
	EtlError error;
	int64 local = 0;
	EtlValueRules rules = {.date_format = time_format_create("MM/DD/YYYY", true, &error),
						   .time_format = time_format_create("epochsecs", false, &error),
						   .zone_offset = two_hours_east,
						   .zone_arg = &local};

	assert_string_equal(read_by(ETL_VALUE_DATE, &rules, "1/2/2000"), "1");
	assert_string_equal(read_by(ETL_VALUE_DATE, &rules, "2000-01-02"),
						"1205 not a value of type date in the load's format");
	assert_string_equal(read_by(ETL_VALUE_DATE, &rules, " "), "NULL");
	assert_string_equal(read_by(ETL_VALUE_TIMESTAMP, &rules, "946684800"), "0");
	assert_string_equal(read_by(ETL_VALUE_TIMESTAMPTZ, &rules, "946684801"), "1000000");
	assert_string_equal(read_by(ETL_VALUE_TIMESTAMP, &rules, "now"),
						"1206 not a value of type timestamp without time zone in the load's format");
	assert_string_equal(read_by(ETL_VALUE_TIME, &rules, "00:00:01"), "1000000");
	rules.time_format = time_format_create("MM/DD/YYYY HH:MI", false, &error);
	assert_string_equal(read_by(ETL_VALUE_TIMESTAMPTZ, &rules, "01/01/2000 02:01"), "60000000");
	rules.zone_offset = NULL;
	assert_string_equal(read_by(ETL_VALUE_TIMESTAMPTZ, &rules, "01/01/2000 00:01"), "60000000");
	rules.accept_any_date = true;
	assert_string_equal(read_by(ETL_VALUE_TIMESTAMPTZ, &rules, "00/00/0000 00:01"), "NULL");
	assert_string_equal(read_by(ETL_VALUE_TIME, &rules, "25:00"),
						"1206 not a value of type time without time zone");
	rules.date_format = rules.time_format = time_format_create("auto", false, &error);
	assert_string_equal(read_by(ETL_VALUE_DATE, &rules, "Jan 2, 2000 12:00"), "1");
	assert_string_equal(read_by(ETL_VALUE_DATE, &rules, "2000-01-02"), "1");
	assert_string_equal(read_by(ETL_VALUE_TIMESTAMP, &rules, "01/01/2000 00:00:01 PST"), "1000000");
	assert_string_equal(read_by(ETL_VALUE_TIMESTAMPTZ, &rules, "01/01/2000 00:00:01 PST"), "28801000000");
	/* without a format, any date that is none is never left to the input function */
	rules = (EtlValueRules){.accept_any_date = true};
	assert_string_equal(read_by(ETL_VALUE_DATE, &rules, "Jan 2, 2000"), "1");
	assert_string_equal(read_by(ETL_VALUE_DATE, &rules, "infinity"), "NULL");
}

static const char *
write_of(EtlValueKind kind, EtlValue value)
{
	static StringInfoData out;

	if (out.data == NULL)
		initStringInfo(&out);
	resetStringInfo(&out);
	appendStringInfoChar(&out, '|');
	value_write(&out, kind, &value);
	assert_int_equal(strlen(out.data), out.len);
	return out.data + 1;
}

/* What is read, written. The rest: t/027_values.pl. */
static const char *
written(EtlValueKind kind, const char *text)
{
	EtlField field = {text, strlen(text)};
	EtlValueType type = {kind, "any"};
	EtlValueScratch scratch;
	EtlValue value;
	const char *out;
	char reason[ETL_VALUE_REASON_SIZE];

	initStringInfo(&scratch);
	assert_int_equal(value_read(&type, &NO_RULES, &field, &scratch, &value, reason), ETL_LOAD_OK);
	out = write_of(kind, value);
	pfree(scratch.data);
	return out;
}

static void
writing(void **state)
{
	EtlValue value = {.as.boolean = true};

	assert_string_equal(write_of(ETL_VALUE_BOOL, value), "t");
	value.as.boolean = false;
	assert_string_equal(write_of(ETL_VALUE_BOOL, value), "f");
	assert_string_equal(written(ETL_VALUE_INT8, "-9223372036854775808"), "-9223372036854775808");
	assert_string_equal(written(ETL_VALUE_INT2, "100"), "100");
	assert_string_equal(written(ETL_VALUE_FLOAT4, "0.1"), "0.1");
	assert_string_equal(written(ETL_VALUE_FLOAT8, "1e300"), "1e+300");
	assert_string_equal(written(ETL_VALUE_FLOAT8, "-inf"), "-Infinity");
	assert_string_equal(written(ETL_VALUE_NUMERIC, "-0.0001200"), "-0.0001200");
	assert_string_equal(written(ETL_VALUE_NUMERIC, "1e20"), "100000000000000000000");
	assert_string_equal(written(ETL_VALUE_NUMERIC, "NaN"), "NaN");
	assert_string_equal(written(ETL_VALUE_NUMERIC, "-inf"), "-Infinity");
	assert_string_equal(written(ETL_VALUE_DATE, "2008-1-2"), "2008-01-02");
	assert_string_equal(written(ETL_VALUE_TIME, "03:04:05.060000"), "03:04:05.06");
	assert_string_equal(written(ETL_VALUE_TIMETZ, "03:04-03:30"), "03:04:00-03:30");
	assert_string_equal(written(ETL_VALUE_TIMETZ, "03:04+00:00:01"), "03:04:00+00:00:01");
	assert_string_equal(written(ETL_VALUE_TIMESTAMP, "2008-01-02 03:04:05"), "2008-01-02 03:04:05");
	assert_string_equal(written(ETL_VALUE_VARCHAR, "ab "), "ab ");
	assert_string_equal(written(ETL_VALUE_BYTES, "\\x00Ff"), "00ff");
	value = (EtlValue){.as.integer = -INT64CONST(63113904000000000), .zone = -7200};
	assert_string_equal(write_of(ETL_VALUE_TIMESTAMPTZ, value), "0001-01-01 02:00:00+02 BC");
	value.as.integer = PG_INT64_MIN;
	assert_string_equal(write_of(ETL_VALUE_TIMESTAMPTZ, value), "-infinity");
	assert_string_equal(write_of(ETL_VALUE_TIMESTAMP, value), "-infinity");
	value.as.integer = PG_INT64_MAX;
	assert_string_equal(write_of(ETL_VALUE_TIMESTAMP, value), "infinity");
	value.as.integer = PG_INT32_MAX;
	assert_string_equal(write_of(ETL_VALUE_DATE, value), "infinity");
	/* the first and the last date and timestamp that there are */
	value.as.integer = -2451545;
	assert_string_equal(write_of(ETL_VALUE_DATE, value), "4714-11-24 BC");
	value.as.integer = 2145031948;
	assert_string_equal(write_of(ETL_VALUE_DATE, value), "5874897-12-31");
	value.as.integer = -INT64CONST(211813488000000000);
	assert_string_equal(write_of(ETL_VALUE_TIMESTAMP, value), "4714-11-24 00:00:00 BC");
	value.as.integer = INT64CONST(9223371331199999999);
	assert_string_equal(write_of(ETL_VALUE_TIMESTAMP, value), "294276-12-31 23:59:59.999999");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(null_and_blank),
		cmocka_unit_test(strings),
		cmocka_unit_test(bytes_of_strings),
		cmocka_unit_test(others),
		cmocka_unit_test(json_strings),
		cmocka_unit_test(booleans),
		cmocka_unit_test(integers),
		cmocka_unit_test(floats),
		cmocka_unit_test(numerics),
		cmocka_unit_test(dates),
		cmocka_unit_test(timestamps),
		cmocka_unit_test(times_of_fewer_digits),
		cmocka_unit_test(by_format),
		cmocka_unit_test(room_for_a_record),
		cmocka_unit_test(writing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

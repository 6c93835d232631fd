/*
 * value_read.c
 *		A field's text to a value: what is NULL, the strings, and which reader has the rest. See value.h. Pure.
 *
 * Strings that need no change, which is nearly all, aren't copied. Text is looked at sixteen bytes a step for what
 * isn't plain ASCII; only that goes through PostgreSQL's own check of UTF-8.
 */
#include "format/value_kind.h"

#include "format/json_writer.h"

#include "mb/pg_wchar.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#define BLANKS_STEP                                                                                          \
	32 /* of a CHAR that isn't wider, so many blanks are written, for a fixed number is quick */

EtlLoadCode
value_reject(char *reason, EtlLoadCode code, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(reason, ETL_VALUE_REASON_SIZE, fmt, args);
	va_end(args);
	return code;
}

/* Eight bytes have a NUL or one that isn't ASCII. Without the latter, only a NUL makes the subtraction borrow. */
static inline bool
word_is_special(uint64 word)
{
	return ((word | (word - UINT64CONST(0x0101010101010101))) & UINT64CONST(0x8080808080808080)) != 0;
}

static inline uint64
word_load(const char *data)
{
	uint64 word;

	memcpy(&word, data, sizeof(word));
	return word;
}

static inline uint32
half_load(const char *data)
{
	uint32 half;

	memcpy(&half, data, sizeof(half));
	return half;
}

/* Whether these bytes are ASCII without a NUL. What is left of the last step is looked at twice. */
static inline bool
is_plain(const char *data, uint32 len)
{
	if (len >= 16)
	{
#ifdef __SSE2__
		const __m128i one = _mm_set1_epi8(1);
		__m128i found = _mm_cmpgt_epi8(one, _mm_loadu_si128((const __m128i *) (data + len - 16)));

		/* as signed bytes, both the NUL and what isn't ASCII are less than one */
		for (uint32 at = 0; at + 16 < len; at += 16)
			found = _mm_or_si128(found, _mm_cmpgt_epi8(one, _mm_loadu_si128((const __m128i *) (data + at))));
		return _mm_movemask_epi8(found) == 0;
#else
		bool special = word_is_special(word_load(data + len - 8));

		for (uint32 at = 0; at + 8 < len; at += 8)
			special |= word_is_special(word_load(data + at));
		return !special;
#endif
	}
	if (len >= 8)
		return !word_is_special(word_load(data)) && !word_is_special(word_load(data + len - 8));
	if (len >= 4)
		return !word_is_special((uint64) half_load(data + len - 4) << 32 | half_load(data));
	for (uint32 at = 0; at < len; at++)
		if ((int8) data[at] < 1)
			return false;
	return true;
}

/* The bytes up to the first that isn't UTF-8, or is a NUL; all of them: len. */
static inline uint32
valid_length(const char *data, uint32 len)
{
	return likely(is_plain(data, len)) ? len : (uint32) pg_encoding_verifymbstr(PG_UTF8, data, len);
}

/* The bytes from `at` on are a NUL or not UTF-8. */
static pg_noinline EtlLoadCode
reject_bytes(const EtlValueType *type, const char *data, uint32 len, uint32 at, char *reason)
{
	char hex[MAX_MULTIBYTE_CHAR_LEN * 5 + 1] = "";
	uint32 count = Min(len - at, (uint32) pg_utf_mblen((const unsigned char *) data + at));

	if (data[at] == '\0')
		return value_reject(reason, ETL_LOAD_NUL, "NUL byte at byte %u for type %s", at + 1, type->name);
	for (uint32 i = 0; i < count; i++)
		snprintf(hex + i * 5, sizeof(hex) - i * 5, " 0x%02x", (unsigned char) data[at + i]);
	return value_reject(reason, ETL_LOAD_UTF8,
						"invalid byte sequence for encoding \"UTF8\":%s, at byte %u for type %s", hex, at + 1,
						type->name);
}

EtlLoadCode
value_read_text(const EtlValueType *type, const char *data, const char *end, EtlValue *value, char *reason)
{
	uint32 len = end - data;
	uint32 valid = valid_length(data, len);

	if (unlikely(valid < len))
		return reject_bytes(type, data, len, valid, reason);
	value->is_text = true;
	value->data = data;
	value->len = len;
	return ETL_LOAD_OK;
}

/* Copied, with each byte of an invalid run replaced, so that the run keeps its length. A NUL byte stays. */
static pg_noinline const char *
utf8_repair(const char *from, uint32 len, uint32 valid, char replacement, EtlValueScratch *scratch)
{
	char *data;

	enlargeStringInfo(scratch, len);
	data = scratch->data + scratch->len;
	memcpy(data, from, len);
	scratch->len += len;
	while (valid < len && data[valid] != '\0')
	{
		data[valid++] = replacement;
		valid += pg_encoding_verifymbstr(PG_UTF8, data + valid, len - valid);
	}
	return data;
}

static bool
is_blank(const char *data, uint32 len)
{
	for (uint32 at = 0; at < len; at++)
		if (!value_is_blank(data[at]))
			return false;
	return true;
}

/* What is too long and may be cut: blanks past the width, or with TRUNCATECOLUMNS everything there. */
static pg_noinline EtlLoadCode
string_cut(const EtlValueType *type, const EtlValueRules *rules, const char *data, uint32 *len, char *reason)
{
	uint32 width = type->max_bytes;

	for (uint32 at = width; at < *len && !rules->truncate_columns; at++)
		if (data[at] != ' ')
			return value_reject(reason, ETL_LOAD_OUT_OF_RANGE, "value of %u bytes is too long for type %s",
								*len, type->name);
	while (width > 0 && ((unsigned char) data[width] & 0xC0) == 0x80)
		width--;
	*len = width;
	return ETL_LOAD_OK;
}

/* Up to BLANKS_STEP bytes. */
static inline void
copy_few(char *to, const char *from, uint32 len)
{
	if (len >= 16)
	{
		memcpy(to, from, 16);
		memcpy(to + len - 16, from + len - 16, 16);
	}
	else if (len >= 8)
	{
		memcpy(to, from, 8);
		memcpy(to + len - 8, from + len - 8, 8);
	}
	else if (len >= 4)
	{
		memcpy(to, from, 4);
		memcpy(to + len - 4, from + len - 4, 4);
	}
	else
		for (uint32 at = 0; at < len; at++)
			to[at] = from[at];
}

/* Redshift's CHAR has single bytes only, so its width in characters is that in bytes. */
static inline void
char_pad(uint32 width, EtlValueScratch *scratch, EtlValue *value)
{
	char *out;

	if (unlikely(scratch->maxlen - scratch->len < (int64) Max(width, BLANKS_STEP)))
		enlargeStringInfo(scratch, Max(width, BLANKS_STEP));
	out = scratch->data + scratch->len;
	if (width <= BLANKS_STEP)
	{
		memset(out, ' ', BLANKS_STEP);
		copy_few(out, value->data, value->len);
	}
	else
	{
		memcpy(out, value->data, value->len);
		memset(out + value->len, ' ', width - value->len);
	}
	value->data = out;
	value->len = width;
	scratch->len += width;
}

static pg_noinline EtlLoadCode
read_string(const EtlValueType *type, const EtlValueRules *rules, const EtlField *field,
			EtlValueScratch *scratch, EtlValue *value, char *reason)
{
	const char *data = field->data;
	uint32 len = field->len;

	if (unlikely(!is_plain(data, len)))
	{
		uint32 valid = pg_encoding_verifymbstr(PG_UTF8, data, len);

		if (valid < len && rules->invalid != '\0' && type->kind == ETL_VALUE_VARCHAR)
		{
			data = utf8_repair(data, len, valid, rules->invalid, scratch);
			valid = pg_encoding_verifymbstr(PG_UTF8, data, len);
		}
		if (valid < len)
			return reject_bytes(type, data, len, valid, reason);
		if (type->kind == ETL_VALUE_CHAR)
			return value_reject(reason, ETL_LOAD_UTF8,
								"multibyte characters are not for type %s: character varying has them",
								type->name);
	}
	/* before the blanks are trimmed away */
	if (rules->blanks_as_null && len > 0 && is_blank(data, len))
		value->is_null = true;
	if (rules->trim_blanks)
		while (len > 0 && value_is_blank(data[len - 1]))
			len--;
	if (rules->empty_as_null && len == 0)
		value->is_null = true;
	if (value->is_null)
		return ETL_LOAD_OK;
	if (unlikely(type->max_bytes > 0 && len > (uint32) type->max_bytes))
	{
		EtlLoadCode code = string_cut(type, rules, data, &len, reason);

		if (code != ETL_LOAD_OK)
			return code;
	}
	value->data = data;
	value->len = len;
	if (type->kind == ETL_VALUE_CHAR && len < (uint32) type->max_bytes)
		char_pad(type->max_bytes, scratch, value);
	return ETL_LOAD_OK;
}

/* Up to four letters in lower case as one number; other bytes come out as no letter does. */
static inline uint32
word_fold(const char *text, uint32 len)
{
	uint32 word = 0;

	for (uint32 at = 0; at < len; at++)
		word = word << 8 | (unsigned char) (text[at] | 0x20);
	return word;
}

#define WORD(a, b, c, d) ((uint32) (a) << 24 | (b) << 16 | (c) << 8 | (d))

/* The words of Redshift, and on and off. */
static pg_noinline EtlLoadCode
read_boolean(const EtlValueType *type, const char *text, const char *end, EtlValue *value, char *reason)
{
	uint32 len = end - text;
	uint32 word = len <= 5 ? word_fold(text, Min(len, 4)) : 0;

	if (len == 5 && (word != WORD('f', 'a', 'l', 's') || (text[4] | 0x20) != 'e'))
		word = 0;
	switch (word)
	{
		case 't':
		case 'y':
		case WORD(0, 0, 'o', 'n'):
		case WORD(0, 'y', 'e', 's'):
		case WORD('t', 'r', 'u', 'e'):
			value->as.boolean = true;
			return ETL_LOAD_OK;
		case 'f':
		case 'n':
		case WORD(0, 0, 'n', 'o'):
		case WORD(0, 'o', 'f', 'f'):
		case WORD('f', 'a', 'l', 's'):
			if (word == WORD('f', 'a', 'l', 's') && len == 4)
				break;
			value->as.boolean = false;
			return ETL_LOAD_OK;
		case '0':
		case '1':
			/* the other byte that is folded into it is a control character */
			if (*text != '0' && *text != '1')
				break;
			value->as.boolean = word == '1';
			return ETL_LOAD_OK;
	}
	return value_reject(reason, ETL_LOAD_BOOLEAN, "not a value of type %s", type->name);
}

/* Of what is no digit, 16. */
static inline uint32
hex_digit(unsigned char c)
{
	static const uint8 values[256] = {
#define X 16
#define NO8 X, X, X, X, X, X, X, X
#define NO32 NO8, NO8, NO8, NO8
		NO32, NO8,	NO8,  0,   1,  2,  3,  4, 5,   6,	7,	 8, 9,	X,	X,	X,	X,	X,	X, /* to '?' */
		X,	  10,	11,	  12,  13, 14, 15, X, NO8, NO8, NO8, X, 10, 11, 12, 13, 14, 15, X,
		NO8,  NO8,	NO8, /* to DEL */
		NO32, NO32, NO32, NO32
#undef NO32
#undef NO8
#undef X
	};

	return values[c];
}

static pg_noinline EtlLoadCode
read_bytes(const EtlValueType *type, const char *text, const char *end, EtlValueScratch *scratch,
		   EtlValue *value, char *reason)
{
	const char *digits = text;
	char *out;

	if (end - digits >= 2 && digits[0] == '\\' && digits[1] == 'x')
		digits += 2;
	if ((end - digits) % 2 != 0)
		return value_reject(reason, ETL_LOAD_HEX, "an odd number of hexadecimal digits for type %s",
							type->name);
	value->len = (end - digits) / 2;
	enlargeStringInfo(scratch, value->len);
	value->data = out = scratch->data + scratch->len;
	for (; digits < end; digits += 2)
	{
		uint32 high = hex_digit(digits[0]);
		uint32 low = hex_digit(digits[1]);

		if (unlikely((high | low) > 15))
			return value_reject(reason, ETL_LOAD_HEX, "invalid hexadecimal digit at byte %d for type %s",
								(int) (digits - text) + (high > 15 ? 1 : 2), type->name);
		*out++ = (char) (high << 4 | low);
	}
	scratch->len += value->len;
	return ETL_LOAD_OK;
}

/* A string of JSON back in its quotes, for the type's input function. */
static pg_noinline EtlLoadCode
read_json_string(const EtlValueType *type, const EtlField *field, EtlValueScratch *scratch, EtlValue *value,
				 char *reason)
{
	int start = scratch->len;
	EtlLoadCode code = value_read_text(type, field->data, field->data + field->len, value, reason);

	if (code != ETL_LOAD_OK)
		return code;
	json_string_write(scratch, field->data, field->len);
	value->data = scratch->data + start;
	value->len = scratch->len - start;
	return ETL_LOAD_OK;
}

/* The reader of a kind that isn't a string; what it is given has no blanks at its ends. */
static pg_attribute_always_inline EtlLoadCode
read_kind(const EtlValueType *type, const EtlValueRules *rules, const EtlField *field, const char *data,
		  const char *end, EtlValueScratch *scratch, EtlValue *value, char *reason)
{
	switch (type->kind)
	{
		case ETL_VALUE_INT2:
		case ETL_VALUE_INT4:
		case ETL_VALUE_INT8:
			return value_read_integer(type, data, end, value, reason);
		case ETL_VALUE_NUMERIC:
			return value_read_numeric(type, rules, data, end, scratch, value, reason);
		case ETL_VALUE_DATE:
		case ETL_VALUE_TIME:
		case ETL_VALUE_TIMETZ:
		case ETL_VALUE_TIMESTAMP:
		case ETL_VALUE_TIMESTAMPTZ:
			return value_read_time(type, rules, data, end, value, reason);
		case ETL_VALUE_FLOAT4:
		case ETL_VALUE_FLOAT8:
			return value_read_float(type, data, end, scratch, value, reason);
		case ETL_VALUE_BOOL:
			return read_boolean(type, data, end, value, reason);
		case ETL_VALUE_BYTES:
			return read_bytes(type, data, end, scratch, value, reason);
		case ETL_VALUE_SUPER:
			if (rules->json_strings && field->quoted)
				return read_json_string(type, field, scratch, value, reason);
			break;
		case ETL_VALUE_OTHER:
		case ETL_VALUE_VARCHAR: /* not here */
		case ETL_VALUE_CHAR:
			break;
	}
	/* its blanks are its own */
	return value_read_text(type, field->data, field->data + field->len, value, reason);
}

/* With a blank at an end, or empty. Apart from value_read, as all that isn't usual: so that has no registers to save. */
static pg_noinline EtlLoadCode
read_blank(const EtlValueType *type, const EtlValueRules *rules, const EtlField *field,
		   EtlValueScratch *scratch, EtlValue *value, char *reason)
{
	const char *data = field->data;
	const char *end = data + field->len;

	while (data < end && value_is_blank(*data))
		data++;
	while (data < end && value_is_blank(end[-1]))
		end--;
	if (data == end && !(type->kind == ETL_VALUE_SUPER && rules->json_strings && field->quoted))
	{
		value->is_null = true;
		return ETL_LOAD_OK;
	}
	return read_kind(type, rules, field, data, end, scratch, value, reason);
}

EtlLoadCode
value_read(const EtlValueType *type, const EtlValueRules *rules, const EtlField *field,
		   EtlValueScratch *scratch, EtlValue *value, char reason[ETL_VALUE_REASON_SIZE])
{
	const char *data = field->data;
	const char *end = data + field->len;

	value->is_null = field->is_null;
	value->is_text = false;
	if (field->is_null)
		return ETL_LOAD_OK;
	if (type->kind == ETL_VALUE_VARCHAR || type->kind == ETL_VALUE_CHAR)
		return read_string(type, rules, field, scratch, value, reason);
	/* of a type that has no strings, an empty field and a blank one are NULL */
	if (unlikely(data == end || (unsigned char) *data <= ' ' || (unsigned char) end[-1] <= ' '))
		return read_blank(type, rules, field, scratch, value, reason);
	return read_kind(type, rules, field, data, end, scratch, value, reason);
}

void
value_scratch_reserve(EtlValueScratch *scratch, const EtlValueType *types, int ntypes, size_t fields_len)
{
	/* a numeric of one digit has four bytes; a float's text is copied for strtod, with a NUL behind it */
	size_t need = fields_len + BLANKS_STEP;

	bool has_super = false;

	for (int i = 0; i < ntypes; i++)
		if (types[i].kind == ETL_VALUE_NUMERIC)
			need += 16;
		else if (types[i].kind == ETL_VALUE_SUPER)
		{
			need += 2; /* quotes */
			has_super = true;
		}
		else if (types[i].kind == ETL_VALUE_CHAR)
			need += types[i].max_bytes;
	/* a string of JSON may be written as \u0001 and so on */
	enlargeStringInfo(scratch, has_super ? need + 5 * fields_len : need);
}

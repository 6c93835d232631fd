/*
 * value_numeric.c
 *		Text to the bytes of a numeric: what PostgreSQL's numeric_in makes of it, but for digits past the scale, which are
 *		dropped unless ROUNDEC asks for rounding. See value_kind.h. Pure.
 *
 * A number of up to twelve digits or so without an exponent is made in one word: its digits with the point left out,
 * filled up to a whole number of base-10,000 digits behind the point, and then divided into these. All else goes digit
 * by digit over the text.
 */
#include "format/value_digits.h"
#include "format/value_numeric.h"

#include "port/pg_bitutils.h"

#define WORD_DIGITS 15
#define WORD_MAX UINT64CONST(9999999999999999) /* four groups */
#define LONG_FEW_DIGITS 64					   /* of base 10,000: kept on the stack */

static pg_noinline EtlLoadCode
reject_syntax(const EtlValueType *type, char *reason)
{
	return value_reject(reason, ETL_LOAD_DECIMAL, "not a value of type %s", type->name);
}

static pg_noinline EtlLoadCode
reject_range(const EtlValueType *type, char *reason)
{
	return value_reject(reason, ETL_LOAD_OUT_OF_RANGE, "value is out of range for type %s", type->name);
}

/* Append header and digits. The digits begin and end with none that is zero; zero has none, and no sign. */
static inline void
numeric_append(EtlValueScratch *scratch, bool negative, int weight, int scale, const uint16 *digits,
			   int count, EtlValue *value)
{
	uint16 header[2];
	int header_size = sizeof(uint16);
	char *out;

	if (count == 0)
	{
		negative = false;
		weight = 0;
	}
	if (likely(scale <= NUMERIC_SHORT_SCALE_MAX && weight <= NUMERIC_SHORT_WEIGHT_MAX &&
			   weight >= NUMERIC_SHORT_WEIGHT_MIN))
		header[0] = NUMERIC_KIND_SHORT | (negative ? NUMERIC_SHORT_NEGATIVE : 0) |
					scale << NUMERIC_SHORT_SCALE_SHIFT | (weight < 0 ? NUMERIC_SHORT_WEIGHT_SIGN : 0) |
					(weight & NUMERIC_SHORT_WEIGHT_MASK);
	else
	{
		header[0] = (negative ? NUMERIC_KIND_NEGATIVE : 0) | scale;
		header[1] = (uint16) weight;
		header_size = sizeof(header);
	}
	value->len = header_size + count * sizeof(uint16);
	if (unlikely(scratch->len + value->len >= scratch->maxlen))
		enlargeStringInfo(scratch, value->len);
	out = scratch->data + scratch->len;
	value->data = out;
	memcpy(out, header, header_size);
	memcpy(out + header_size, digits, count * sizeof(uint16));
	scratch->len += value->len;
}

static EtlLoadCode
special_read(const EtlValueType *type, const char *data, const char *end, EtlValueScratch *scratch,
			 EtlValue *value, char *reason)
{
	bool negative = *data == '-';
	bool has_sign = negative || *data == '+';
	const char *word = data + has_sign;
	int len = end - word;
	uint16 header;

	if (len == 3 && !has_sign && pg_strncasecmp(word, "nan", 3) == 0)
		header = NUMERIC_IS_NAN;
	else if ((len == 3 && pg_strncasecmp(word, "inf", 3) == 0) ||
			 (len == 8 && pg_strncasecmp(word, "infinity", 8) == 0))
		header = negative ? NUMERIC_IS_MINUS_INFINITY : NUMERIC_IS_INFINITY;
	else
		return reject_syntax(type, reason);
	/* one with a precision can't have what is infinite */
	if (header != NUMERIC_IS_NAN && type->precision > 0)
		return reject_range(type, reason);
	enlargeStringInfo(scratch, sizeof(header));
	value->data = scratch->data + scratch->len;
	value->len = sizeof(header);
	memcpy(scratch->data + scratch->len, &header, sizeof(header));
	scratch->len += sizeof(header);
	return ETL_LOAD_OK;
}

/* What is written: the digits of the text, and where the point goes. */
typedef struct Digits
{
	const char *whole; /* before the point */
	int64 whole_count;
	const char *fraction;
	int64 count; /* of both */
	int64 top;	 /* the power of ten that the first digit counts */
	int64 first; /* the first digit that isn't zero; count: none */
	int64 kept;	 /* digits that the scale leaves; may be negative, or more than there are */
} Digits;

static inline int
digit_at(const Digits *digits, int64 at)
{
	return (at < digits->whole_count ? digits->whole[at] : digits->fraction[at - digits->whole_count]) - '0';
}

static inline int64
floor_div(int64 number, int64 divisor)
{
	return number >= 0 ? number / divisor : -((divisor - 1 - number) / divisor);
}

/* [sign] digits [. digits] [e exponent]; false: it isn't that. An exponent past all bounds is one at them. */
static bool
digits_scan(const char *data, const char *end, Digits *out, int64 *exponent)
{
	const char *at = data;
	bool negative;

	if (*at == '-' || *at == '+')
		at++;
	out->whole = at;
	while (at < end && value_is_digit(*at))
		at++;
	out->whole_count = out->count = at - out->whole;
	out->fraction = at;
	if (at < end && *at == '.')
	{
		out->fraction = ++at;
		while (at < end && value_is_digit(*at))
			at++;
		out->count += at - out->fraction;
	}
	*exponent = 0;
	if (out->count == 0)
		return false;
	if (at == end)
		return true;
	if ((*at != 'e' && *at != 'E') || ++at == end)
		return false;
	negative = *at == '-';
	if ((negative || *at == '+') && ++at == end)
		return false;
	for (; at < end; at++)
	{
		if (!value_is_digit(*at))
			return false;
		*exponent = Min(*exponent * 10 + (*at - '0'), PG_INT32_MAX);
	}
	if (negative)
		*exponent = -*exponent;
	return true;
}

/* Base-10,000 digits of the kept ones, the last one up by one if `up`. Returns how many; `weight` is the first one's. */
static int
digits_convert(const Digits *digits, bool up, int64 scale, uint16 *out, int64 *weight)
{
	int64 last = Min(digits->kept, digits->count) - 1;
	int64 bottom = up ? -scale : digits->top - last; /* the lowest power of ten that is written */
	int64 high = floor_div(Max(digits->top - digits->first, bottom), NUMERIC_BASE_DIGITS);
	int count = high - floor_div(bottom, NUMERIC_BASE_DIGITS) + 2;
	int skip = 0;

	/* one more in front, for the carry */
	memset(out, 0, count * sizeof(uint16));
	for (int64 at = digits->first; at <= last; at++)
	{
		int64 power = digits->top - at;
		int64 group = floor_div(power, NUMERIC_BASE_DIGITS);

		out[high - group + 1] += digit_at(digits, at) * value_power10[power - group * NUMERIC_BASE_DIGITS];
	}
	if (up)
	{
		int64 group = floor_div(bottom, NUMERIC_BASE_DIGITS);

		out[count - 1] += value_power10[bottom - group * NUMERIC_BASE_DIGITS];
		for (int i = count - 1; out[i] >= NUMERIC_BASE; i--)
		{
			out[i] -= NUMERIC_BASE;
			out[i - 1]++;
		}
	}
	while (count > 0 && out[count - 1] == 0)
		count--;
	while (skip < count && out[skip] == 0)
		skip++;
	memmove(out, out + skip, (count - skip) * sizeof(uint16));
	*weight = high + 1 - skip;
	return count - skip;
}

/* More digits in front of the point than the precision leaves. */
static bool
is_over(const EtlValueType *type, const uint16 *digits, int count, int64 weight)
{
	int64 whole = weight * NUMERIC_BASE_DIGITS;

	if (count == 0)
		return false;
	for (uint16 first = digits[0]; first > 0; first /= 10)
		whole++;
	return whole > type->precision - type->scale;
}

static pg_noinline EtlLoadCode
long_read(const EtlValueType *type, const EtlValueRules *rules, const char *data, const char *end,
		  EtlValueScratch *scratch, EtlValue *value, char *reason)
{
	Digits digits;
	int64 exponent;
	int64 scale;
	int64 weight;
	bool up = false;
	EtlLoadCode code = ETL_LOAD_OK;
	uint16 few[LONG_FEW_DIGITS];
	uint16 *out = few;
	int count;

	if (!digits_scan(data, end, &digits, &exponent))
		return special_read(type, data, end, scratch, value, reason);
	if (exponent >= PG_INT32_MAX / 2 || exponent <= -(PG_INT32_MAX / 2))
		return reject_range(type, reason);
	digits.top = digits.whole_count - 1 + exponent;
	for (digits.first = 0; digits.first < digits.count && digit_at(&digits, digits.first) == 0;
		 digits.first++)
		continue;
	scale = Max(digits.count - digits.whole_count - exponent, 0);
	digits.kept = digits.count;
	if (type->precision > 0)
	{
		scale = type->scale;
		digits.kept = digits.top + scale + 1;
		up = rules->round_decimals && digits.kept >= 0 && digits.kept < digits.count &&
			 digit_at(&digits, digits.kept) >= 5;
	}
	count = Max(Min(digits.kept, digits.count) - digits.first, 0) / NUMERIC_BASE_DIGITS + 4;
	if (count > lengthof(few))
		out = palloc(count * sizeof(uint16));
	count = digits.first < Min(digits.kept, digits.count) || up
				? digits_convert(&digits, up, scale, out, &weight)
				: 0;
	if (count == 0)
		weight = 0;
	scale = Max(scale, 0);
	if (scale > NUMERIC_LONG_SCALE_MASK || weight > PG_INT16_MAX || weight < PG_INT16_MIN ||
		(type->precision > 0 && is_over(type, out, count, weight)))
		code = reject_range(type, reason);
	else
		numeric_append(scratch, *data == '-', weight, scale, out, count, value);
	if (out != few)
		pfree(out);
	return code;
}

/* Digits past the scale: that they are some, and whether they round up. */
static inline bool
dropped_read(const EtlValueRules *rules, const char *at, const char *end, bool *up)
{
	*up = rules->round_decimals && *at >= '5';
	for (; at < end; at++)
		if (!value_is_digit(*at))
			return false;
	return true;
}

/* Digits behind the point become whole groups: the zeros that this takes, and the weight of the last group. */
static inline uint32
to_group(uint32 digits)
{
	return -digits % NUMERIC_BASE_DIGITS;
}

static inline int
group_of(uint32 digits)
{
	return -(int) ((digits + NUMERIC_BASE_DIGITS - 1) / NUMERIC_BASE_DIGITS);
}

/*
 * Append a number of at most four groups, the lowest of which has this weight: always in the short form, whose weight is
 * large enough for it. The groups are put side by side in one word and stored at once, so that nothing here branches on
 * how many there are. What is stored past the value is overwritten by what is next.
 */
static inline void
word_append(EtlValueScratch *scratch, bool negative, int weight, int scale, uint64 word, EtlValue *value)
{
	uint32 high = word / (NUMERIC_BASE * NUMERIC_BASE);
	uint32 low = word % (NUMERIC_BASE * NUMERIC_BASE);
	uint64 groups = high / NUMERIC_BASE | (uint64) (high % NUMERIC_BASE) << 16 |
					(uint64) (low / NUMERIC_BASE) << 32 | (uint64) (low % NUMERIC_BASE) << 48;
	bool is_zero = word == 0;
	int before = pg_rightmost_one_pos64(groups | UINT64CONST(1) << 63) / 16; /* groups that are zero */
	int after = 3 - pg_leftmost_one_pos64(groups | 1) / 16;
	uint16 header;
	char *out;

	weight = is_zero ? 0 : weight + 3 - before;
	header = NUMERIC_KIND_SHORT | (negative && !is_zero ? NUMERIC_SHORT_NEGATIVE : 0) |
			 scale << NUMERIC_SHORT_SCALE_SHIFT | (weight < 0 ? NUMERIC_SHORT_WEIGHT_SIGN : 0) |
			 (weight & NUMERIC_SHORT_WEIGHT_MASK);
	groups >>= before * 16;
	if (unlikely(scratch->maxlen - scratch->len < (int) (sizeof(header) + sizeof(groups))))
		enlargeStringInfo(scratch, sizeof(header) + sizeof(groups));
	out = scratch->data + scratch->len;
	memcpy(out, &header, sizeof(header));
	for (int i = 0; i < 4; i++)
	{
		uint16 group = groups >> (i * 16);

		memcpy(out + sizeof(header) + i * sizeof(group), &group, sizeof(group));
	}
	value->data = out;
	value->len = is_zero ? sizeof(header) : sizeof(header) + (4 - before - after) * sizeof(uint16);
	scratch->len += value->len;
}

/*
 * The digits of a short text with as many behind its point as the scale has, which most texts are, in one go: the
 * characters before the point are moved on to where it was.
 */
static inline bool
short_read(const char *digits, uint32 len, uint32 scale, uint64 *word)
{
#ifndef WORDS_BIGENDIAN
	uint64 whole = (UINT64CONST(1) << (7 - scale) * 8) - 1;
	uint64 loaded = value_digits_load(digits, len);

	return value_digits_convert((loaded & ~(whole << 8 | 0xFF)) | (loaded & whole) << 8 | '0', word);
#else
	return false;
#endif
}

/* Of digits that fit a word once those past the scale are gone. */
static pg_noinline EtlLoadCode
word_read(const EtlValueType *type, const EtlValueRules *rules, const char *data, const char *end,
		  EtlValueScratch *scratch, EtlValue *value, char *reason)
{
	bool negative = *data == '-';
	const char *digits = data + (negative || *data == '+');
	const char *point = memchr(digits, '.', end - digits);
	uint32 whole_count = (point == NULL ? end : point) - digits;
	uint32 fraction_count = point == NULL ? 0 : end - point - 1;
	uint32 kept = fraction_count;
	uint32 scale = fraction_count;
	uint64 whole;
	uint64 fraction = 0;
	uint64 word;
	bool up = false;

	if (type->precision > 0)
	{
		scale = type->scale;
		kept = Min(fraction_count, scale);
	}
	if (whole_count + kept > WORD_DIGITS || scale > NUMERIC_SHORT_SCALE_MAX ||
		whole_count + fraction_count == 0 || !value_digits_read(digits, whole_count, &whole) ||
		(kept > 0 && !value_digits_read(point + 1, kept, &fraction)) ||
		(kept < fraction_count && !dropped_read(rules, point + 1 + kept, end, &up)))
		return long_read(type, rules, data, end, scratch, value, reason);
	word = whole * value_power10[kept] + fraction + up;
	if (type->precision > 0)
	{
		/* digits that there may be, in what the word counts */
		int most = type->precision - (int) (scale - kept);

		if (most < VALUE_DIGITS_MAX && word >= value_power10[Max(most, 0)])
			return reject_range(type, reason);
	}
	word *= value_power10[to_group(kept)];
	if (word > WORD_MAX)
		return long_read(type, rules, data, end, scratch, value, reason);
	word_append(scratch, negative, group_of(kept), scale, word, value);
	return ETL_LOAD_OK;
}

EtlLoadCode
value_read_numeric(const EtlValueType *type, const EtlValueRules *rules, const char *data, const char *end,
				   EtlValueScratch *scratch, EtlValue *value, char *reason)
{
	bool negative = *data == '-';
	const char *digits = data + (negative || *data == '+');
	uint32 len = end - digits;
	uint32 scale = type->scale;
	uint64 word;

	/* seven digits are in the range of most types, and with three zeros behind them within a word */
	if (len <= 8 && scale > 0 && scale < len && end[-1 - (int) scale] == '.' && type->precision >= 7 &&
		likely(short_read(digits, len, scale, &word)))
	{
		word_append(scratch, negative, group_of(scale), scale, word * value_power10[to_group(scale)], value);
		return ETL_LOAD_OK;
	}
	return word_read(type, rules, data, end, scratch, value, reason);
}

/*
 * value_number.c
 *		Text to integers and floats. See value_kind.h. Pure.
 *
 * A float of at most fifteen digits and a small power of ten is a whole number times or by a power of ten, both of which
 * a double has exactly, so that one operation gives the nearest double (W. D. Clinger). The rest is for strtod, which is
 * correct, too, but slower.
 */
#include "format/value_digits.h"

#include <float.h>
#include <math.h>

#define EXACT_DIGITS 15
#define EXACT_POWER 22

static const double exact_power10[EXACT_POWER + 1] = {1e0,	1e1,  1e2,	1e3,  1e4,	1e5,  1e6,	1e7,
													  1e8,	1e9,  1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
													  1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* Why these aren't an integer: the first byte that doesn't belong, or too many that do. */
static pg_noinline EtlLoadCode
reject_integer(const EtlValueType *type, const char *data, const char *end, char *reason)
{
	const char *at = data;

	if (*at == '-' || *at == '+')
		at++;
	if (at == end)
		return value_reject(reason, ETL_LOAD_DIGIT, "no digit for type %s", type->name);
	for (; at < end; at++)
		if (!value_is_digit(*at))
			return value_reject(reason, ETL_LOAD_DIGIT, "invalid digit at byte %d for type %s",
								(int) (at - data) + 1, type->name);
	return value_reject(reason, ETL_LOAD_OVERFLOW, "value is out of range for type %s", type->name);
}

static uint64
integer_most(EtlValueKind kind)
{
	return kind == ETL_VALUE_INT8 ? PG_INT64_MAX : kind == ETL_VALUE_INT4 ? PG_INT32_MAX : PG_INT16_MAX;
}

/* Of more than eight digits. */
static pg_noinline EtlLoadCode
integer_long(const EtlValueType *type, const char *data, const char *end, EtlValue *value, char *reason)
{
	bool negative = *data == '-';
	const char *digits = data + (negative || *data == '+');
	uint64 number;

	while (end - digits > VALUE_DIGITS_MAX && *digits == '0')
		digits++;
	if (end - digits > VALUE_DIGITS_MAX || !value_digits_read(digits, end - digits, &number) ||
		number > integer_most(type->kind) + negative)
		return reject_integer(type, data, end, reason);
	value->as.integer = (int64) (negative ? 0 - number : number);
	return ETL_LOAD_OK;
}

EtlLoadCode
value_read_integer(const EtlValueType *type, const char *data, const char *end, EtlValue *value, char *reason)
{
	bool negative = *data == '-';
	const char *digits = data + (negative || *data == '+');
	uint64 number = 0;

	if (end - digits > 8)
		return integer_long(type, data, end, value, reason);
	if (unlikely(digits == end || !value_digits_read8(digits, end - digits, &number)))
		return reject_integer(type, data, end, reason);
	if (unlikely(type->kind == ETL_VALUE_INT2 && number > (uint64) PG_INT16_MAX + negative))
		return reject_integer(type, data, end, reason);
	value->as.integer = negative ? -(int64) number : (int64) number;
	return ETL_LOAD_OK;
}

/* Digits with at most one point, and an exponent. */
typedef struct Decimal
{
	bool negative;
	bool inexact; /* it has more digits than the mantissa holds */
	uint64 mantissa;
	int64 exponent; /* of ten */
} Decimal;

static bool
exponent_scan(const char *at, const char *end, int64 *exponent)
{
	bool negative;
	int64 number = 0;

	if (at == end)
		return false;
	negative = *at == '-';
	if (negative || *at == '+')
		at++;
	if (at == end)
		return false;
	for (; at < end; at++)
	{
		if (!value_is_digit(*at))
			return false;
		number = Min(number * 10 + (*at - '0'), PG_INT32_MAX);
	}
	*exponent += negative ? -number : number;
	return true;
}

static bool
decimal_scan(const char *data, const char *end, Decimal *out)
{
	const char *at = data;
	const char *first;
	bool any = false;
	int digits = 0;

	*out = (Decimal){.negative = *at == '-'};
	if (*at == '-' || *at == '+')
		at++;
	first = at;
	for (; at < end && value_is_digit(*at); at++)
	{
		if (digits < VALUE_DIGITS_MAX)
		{
			out->mantissa = out->mantissa * 10 + (*at - '0');
			digits += out->mantissa > 0;
		}
		else
		{
			out->inexact = true;
			out->exponent++;
		}
	}
	any = at > first;
	if (at < end && *at == '.')
	{
		first = ++at;
		for (; at < end && value_is_digit(*at); at++)
		{
			if (digits < VALUE_DIGITS_MAX)
			{
				out->mantissa = out->mantissa * 10 + (*at - '0');
				digits += out->mantissa > 0;
				out->exponent--;
			}
			else
				out->inexact = true;
		}
		any |= at > first;
	}
	if (!any)
		return false;
	return at == end || ((*at == 'e' || *at == 'E') && exponent_scan(at + 1, end, &out->exponent));
}

static bool
word_scan(const char *data, const char *end, double *number)
{
	bool negative = *data == '-';
	int len;

	if (negative || *data == '+')
		data++;
	len = end - data;
	if ((len == 3 && pg_strncasecmp(data, "inf", 3) == 0) ||
		(len == 8 && pg_strncasecmp(data, "infinity", 8) == 0))
		*number = negative ? -INFINITY : INFINITY;
	else if (len == 3 && pg_strncasecmp(data, "nan", 3) == 0)
		*number = negative ? -NAN : NAN;
	else
		return false;
	return true;
}

/* A float that is half-way between two of FLOAT4 may have got there by rounding. */
static inline bool
is_half_float(double number)
{
	uint64 bits;

	memcpy(&bits, &number, sizeof(bits));
	return (bits & 0x1FFFFFFF) == 0x10000000;
}

/* strtod wants a NUL at the end. The locale's point is a full stop: the server sets LC_NUMERIC to C. */
static pg_noinline bool
float_convert(const EtlValueType *type, const char *data, const char *end, EtlValueScratch *scratch,
			  double *number)
{
	int len = end - data;
	char *copy;

	enlargeStringInfo(scratch, len + 1);
	copy = scratch->data + scratch->len;
	memcpy(copy, data, len);
	copy[len] = '\0';
	*number = type->kind == ETL_VALUE_FLOAT4 ? strtof(copy, NULL) : strtod(copy, NULL);
	return !isinf(*number);
}

EtlLoadCode
value_read_float(const EtlValueType *type, const char *data, const char *end, EtlValueScratch *scratch,
				 EtlValue *value, char *reason)
{
	bool single = type->kind == ETL_VALUE_FLOAT4;
	Decimal decimal;
	double number;

	if (unlikely(!decimal_scan(data, end, &decimal)))
	{
		if (word_scan(data, end, &value->as.number))
			return ETL_LOAD_OK;
		return value_reject(reason, ETL_LOAD_FLOAT, "not a value of type %s", type->name);
	}
	if (likely(decimal.mantissa < value_power10[EXACT_DIGITS] && decimal.exponent >= -EXACT_POWER &&
			   decimal.exponent <= EXACT_POWER && !decimal.inexact))
	{
		number = (double) decimal.mantissa;
		if (decimal.exponent < 0)
			number /= exact_power10[-decimal.exponent];
		else
			number *= exact_power10[decimal.exponent];
		if (decimal.negative)
			number = -number;
		/* within these bounds FLOAT4 neither overflows nor loses digits to a small exponent */
		if (!single ||
			(!is_half_float(number) && fabs(number) < 1e38 && (fabs(number) > 1e-37 || number == 0)))
		{
			value->as.number = single ? (double) (float) number : number;
			return ETL_LOAD_OK;
		}
	}
	if (!float_convert(type, data, end, scratch, &value->as.number) ||
		(value->as.number == 0 && decimal.mantissa != 0))
		return value_reject(reason, ETL_LOAD_OUT_OF_RANGE, "value is out of range for type %s", type->name);
	return ETL_LOAD_OK;
}

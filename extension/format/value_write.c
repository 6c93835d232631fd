/*
 * value_write.c
 *		Values to the text that UNLOAD writes: what PostgreSQL's output functions give under DateStyle ISO, but for bytes,
 *		which Redshift writes as hexadecimal digits alone. See value.h. Pure.
 *
 * Room is made once a value; then characters are stored, two digits a step.
 */
#include "format/time_parts.h"
#include "format/value_kind.h"
#include "format/value_numeric.h"

#include "common/shortest_dec.h"

#define INTEGER_SIZE 24	  /* more than any integer has */
#define TIMESTAMP_SIZE 64 /* more than any date or time has */

static const char two_digits[] =
	"00010203040506070809101112131415161718192021222324252627282930313233343536373839"
	"40414243444546474849505152535455565758596061626364656667686970717273747576777879"
	"8081828384858687888990919293949596979899";

static inline char *
write2(char *at, uint32 number)
{
	memcpy(at, two_digits + number * 2, 2);
	return at + 2;
}

static inline char *
write4(char *at, uint32 number)
{
	return write2(write2(at, number / 100), number % 100);
}

/* Without zeros in front. */
static char *
write_number(char *at, uint64 number)
{
	char digits[INTEGER_SIZE];
	char *first = digits + sizeof(digits);
	size_t len;

	for (; number >= 100; number /= 100)
		write2(first -= 2, number % 100);
	if (number >= 10)
		write2(first -= 2, number);
	else
		*--first = '0' + number;
	len = digits + sizeof(digits) - first;
	memcpy(at, first, len);
	return at + len;
}

static char *
write_integer(char *at, int64 number)
{
	if (number >= 0)
		return write_number(at, number);
	*at = '-';
	return write_number(at + 1, 0 - (uint64) number);
}

static char *
write_word(char *at, const char *word)
{
	size_t len = strlen(word);

	memcpy(at, word, len);
	return at + len;
}

/* Years before 1 are counted from 1 BC, which is said at the end of all. */
static char *
write_date(char *at, int year, int month, int day)
{
	if (year <= 0)
		year = 1 - year;
	at = year > 9999 ? write_number(at, year) : write4(at, year);
	*at++ = '-';
	at = write2(at, month);
	*at++ = '-';
	return write2(at, day);
}

/* HH:MM:SS, and the microseconds without zeros behind them. */
static char *
write_time(char *at, int64 time)
{
	uint32 fraction = time % USECS_PER_SEC;
	uint32 seconds = time / USECS_PER_SEC;

	at = write2(at, seconds / SECS_PER_HOUR);
	*at++ = ':';
	at = write2(at, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	*at++ = ':';
	at = write2(at, seconds % SECS_PER_MINUTE);
	if (fraction == 0)
		return at;
	*at++ = '.';
	at = write2(write4(at, fraction / 100), fraction % 100);
	while (at[-1] == '0')
		at--;
	return at;
}

/* The offset, of seconds west: +HH, and minutes and seconds if there are some. */
static char *
write_zone(char *at, int32 zone)
{
	uint32 seconds = abs(zone);

	*at++ = zone <= 0 ? '+' : '-';
	at = write2(at, seconds / SECS_PER_HOUR);
	if (seconds % SECS_PER_HOUR == 0)
		return at;
	*at++ = ':';
	at = write2(at, seconds / SECS_PER_MINUTE % MINS_PER_HOUR);
	if (seconds % SECS_PER_MINUTE == 0)
		return at;
	*at++ = ':';
	return write2(at, seconds % SECS_PER_MINUTE);
}

static char *
write_day(char *at, int64 days)
{
	int year;
	int month;
	int day;

	if (days == PG_INT32_MIN || days == PG_INT32_MAX)
		return write_word(at, days < 0 ? "-infinity" : "infinity");
	time_days_split(days, &year, &month, &day);
	at = write_date(at, year, month, day);
	return year > 0 ? at : write_word(at, " BC");
}

static char *
write_timestamp(char *at, int64 timestamp, bool has_zone, int32 zone)
{
	int64 days;
	int year;
	int month;
	int day;

	if (timestamp == DT_NOBEGIN || timestamp == DT_NOEND)
		return write_word(at, timestamp == DT_NOBEGIN ? "-infinity" : "infinity");
	if (has_zone)
		timestamp -= zone * USECS_PER_SEC;
	days = timestamp / USECS_PER_DAY - (timestamp % USECS_PER_DAY < 0);
	time_days_split(days, &year, &month, &day);
	at = write_date(at, year, month, day);
	*at++ = ' ';
	at = write_time(at, timestamp - days * USECS_PER_DAY);
	if (has_zone)
		at = write_zone(at, zone);
	return year > 0 ? at : write_word(at, " BC");
}

/* Of a numeric: its digits, where the first one counts, and how many places behind the point are shown. */
typedef struct Numeric
{
	const char *digits; /* not aligned */
	int count;
	int weight;
	int scale;
	bool negative;
} Numeric;

static inline uint32
numeric_digit(const Numeric *numeric, int at)
{
	uint16 digit;

	if (at < 0 || at >= numeric->count)
		return 0;
	memcpy(&digit, numeric->digits + at * sizeof(digit), sizeof(digit));
	return digit;
}

static void
numeric_unpack(const EtlValue *value, uint16 header, Numeric *out)
{
	int header_size = sizeof(uint16);

	if ((header & NUMERIC_KIND_MASK) == NUMERIC_KIND_SHORT)
	{
		out->negative = (header & NUMERIC_SHORT_NEGATIVE) != 0;
		out->scale = header >> NUMERIC_SHORT_SCALE_SHIFT & NUMERIC_SHORT_SCALE_MAX;
		out->weight = header & NUMERIC_SHORT_WEIGHT_MASK;
		if (header & NUMERIC_SHORT_WEIGHT_SIGN)
			out->weight -= NUMERIC_SHORT_WEIGHT_MASK + 1;
	}
	else
	{
		int16 weight;

		memcpy(&weight, value->data + sizeof(uint16), sizeof(weight));
		out->negative = (header & NUMERIC_KIND_MASK) == NUMERIC_KIND_NEGATIVE;
		out->scale = header & NUMERIC_LONG_SCALE_MASK;
		out->weight = weight;
		header_size += sizeof(weight);
	}
	out->digits = value->data + header_size;
	out->count = (value->len - header_size) / sizeof(uint16);
}

static void
write_numeric(StringInfo out, const EtlValue *value)
{
	uint16 header;
	Numeric numeric;
	int at_digit = 0;
	char *at;

	memcpy(&header, value->data, sizeof(header));
	if ((header & NUMERIC_KIND_MASK) == NUMERIC_KIND_SPECIAL)
	{
		appendStringInfoString(out, header == NUMERIC_IS_NAN		? "NaN"
									: header == NUMERIC_IS_INFINITY ? "Infinity"
																	: "-Infinity");
		return;
	}
	numeric_unpack(value, header, &numeric);
	/* sign, point, what the last digit has too many, and a zero in front */
	enlargeStringInfo(out, (Max(numeric.weight, 0) + 1) * NUMERIC_BASE_DIGITS + numeric.scale + 8);
	at = out->data + out->len;
	if (numeric.negative)
		*at++ = '-';
	at = write_number(at, numeric.weight < 0 ? 0 : numeric_digit(&numeric, at_digit++));
	for (; at_digit <= numeric.weight; at_digit++)
		at = write4(at, numeric_digit(&numeric, at_digit));
	if (numeric.scale > 0)
	{
		char *end = at + 1 + numeric.scale;

		*at++ = '.';
		for (at_digit = numeric.weight + 1; at < end; at_digit++)
			at = write4(at, numeric_digit(&numeric, at_digit));
		at = end;
	}
	out->len = at - out->data;
}

static void
write_bytes(StringInfo out, const EtlValue *value)
{
	static const char digits[] = "0123456789abcdef";
	char *at;

	enlargeStringInfo(out, value->len * 2);
	at = out->data + out->len;
	for (uint32 i = 0; i < value->len; i++)
	{
		*at++ = digits[(unsigned char) value->data[i] >> 4];
		*at++ = digits[(unsigned char) value->data[i] & 0xF];
	}
	out->len = at - out->data;
}

static char *
write_short(char *at, EtlValueKind kind, const EtlValue *value)
{
	switch (kind)
	{
		case ETL_VALUE_BOOL:
			*at = value->as.boolean ? 't' : 'f';
			return at + 1;
		case ETL_VALUE_FLOAT4:
			return at + float_to_shortest_decimal_bufn((float) value->as.number, at);
		case ETL_VALUE_FLOAT8:
			return at + double_to_shortest_decimal_bufn(value->as.number, at);
		case ETL_VALUE_DATE:
			return write_day(at, value->as.integer);
		case ETL_VALUE_TIME:
			return write_time(at, value->as.integer);
		case ETL_VALUE_TIMETZ:
			return write_zone(write_time(at, value->as.integer), value->zone);
		case ETL_VALUE_TIMESTAMP:
			return write_timestamp(at, value->as.integer, false, 0);
		case ETL_VALUE_TIMESTAMPTZ:
			return write_timestamp(at, value->as.integer, true, value->zone);
		default:
			return write_integer(at, value->as.integer);
	}
}

void
value_write(StringInfo out, EtlValueKind kind, const EtlValue *value)
{
	Assert(!value->is_null);
	switch (kind)
	{
		case ETL_VALUE_NUMERIC:
			write_numeric(out, value);
			break;
		case ETL_VALUE_BYTES:
			write_bytes(out, value);
			break;
		case ETL_VALUE_VARCHAR:
		case ETL_VALUE_CHAR:
		case ETL_VALUE_OTHER:
		case ETL_VALUE_SUPER:
			appendBinaryStringInfo(out, value->data, value->len);
			return;
		default:
			enlargeStringInfo(out, TIMESTAMP_SIZE);
			out->len = write_short(out->data + out->len, kind, value) - out->data;
	}
	out->data[out->len] = '\0';
}

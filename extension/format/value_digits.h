/*
 * value_digits.h
 *		Decimal digits to a number, eight a step. Private to format/value*.c.
 *
 * Eight characters are loaded as one word with the first digit in its lowest byte. Pairs are added up to numbers of two
 * digits, those to numbers of four, those to one of eight: three multiplications, no loop, no branch on the length that
 * the processor would have to guess.
 */
#ifndef ETL_FORMAT_VALUE_DIGITS_H
#define ETL_FORMAT_VALUE_DIGITS_H

#include "format/value_kind.h"

#define VALUE_DIGITS_MAX 19 /* any number of so many digits fits a uint64 */

static const uint64 value_power10[VALUE_DIGITS_MAX + 1] = {
	UINT64CONST(1),
	UINT64CONST(10),
	UINT64CONST(100),
	UINT64CONST(1000),
	UINT64CONST(10000),
	UINT64CONST(100000),
	UINT64CONST(1000000),
	UINT64CONST(10000000),
	UINT64CONST(100000000),
	UINT64CONST(1000000000),
	UINT64CONST(10000000000),
	UINT64CONST(100000000000),
	UINT64CONST(1000000000000),
	UINT64CONST(10000000000000),
	UINT64CONST(100000000000000),
	UINT64CONST(1000000000000000),
	UINT64CONST(10000000000000000),
	UINT64CONST(100000000000000000),
	UINT64CONST(1000000000000000000),
	UINT64CONST(10000000000000000000),
};

#ifndef WORDS_BIGENDIAN
/* 1 to 8 characters, with the digit zero before them. Reads nothing outside them. */
static inline uint64
value_digits_load(const char *data, uint32 len)
{
	uint32 shift = (8 - len) * 8;
	uint64 word;

	if (len >= 4)
	{
		uint32 first;
		uint32 last;

		memcpy(&first, data, 4);
		memcpy(&last, data + len - 4, 4);
		/* where they overlap, they are the same */
		word = (uint64) last << 32 | (uint64) first << shift;
	}
	else
		word = (uint64) (unsigned char) data[0] << shift |
			   (uint64) (unsigned char) data[len >> 1] << (shift + (len >> 1) * 8) |
			   (uint64) (unsigned char) data[len - 1] << 56;
	return word | (UINT64CONST(0x3030303030303030) & ((UINT64CONST(1) << shift) - 1));
}
#endif

#ifndef WORDS_BIGENDIAN
/* Eight loaded characters; false: they aren't all digits. */
static inline bool
value_digits_convert(uint64 word, uint64 *number)
{
	/* the high half of each byte is that of a digit, and still is when six is added */
	if (((word & UINT64CONST(0xF0F0F0F0F0F0F0F0)) |
		 (((word + UINT64CONST(0x0606060606060606)) & UINT64CONST(0xF0F0F0F0F0F0F0F0)) >> 4)) !=
		UINT64CONST(0x3333333333333333))
		return false;
	word &= UINT64CONST(0x0F0F0F0F0F0F0F0F);
	word = word * 10 + (word >> 8);
	*number =
		(uint32) (((word & UINT64CONST(0x000000FF000000FF)) * UINT64CONST(0x000F424000000064) +
				   ((word >> 16) & UINT64CONST(0x000000FF000000FF)) * UINT64CONST(0x0000271000000001)) >>
				  32);
	return true;
}
#endif

/* 1 to 8 characters; false: they aren't all digits. */
static inline bool
value_digits_read8(const char *data, uint32 len, uint64 *number)
{
#ifndef WORDS_BIGENDIAN
	return value_digits_convert(value_digits_load(data, len), number);
#else
	*number = 0;
	for (uint32 i = 0; i < len; i++)
	{
		if (!value_is_digit(data[i]))
			return false;
		*number = *number * 10 + (data[i] - '0');
	}
	return true;
#endif
}

/* 0 to VALUE_DIGITS_MAX characters; false: they aren't all digits. None are zero. */
static inline bool
value_digits_read(const char *data, uint32 len, uint64 *number)
{
	uint64 high = 0;
	uint64 low = 0;

	while (len > 0)
	{
		uint32 step = (len - 1) % 8 + 1;

		if (!value_digits_read8(data, step, &low))
			return false;
		if (len <= 8)
			break;
		high = high * UINT64CONST(100000000) + low;
		data += step;
		len -= step;
	}
	*number = high * UINT64CONST(100000000) + low;
	return true;
}

#endif

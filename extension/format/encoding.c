/*
 * encoding.c
 *		UTF-16 to UTF-8. See encoding.h. Pure.
 */
#include "format/encoding.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

void
encoding_decoder_init(EtlEncodingDecoder *decoder, EtlEncoding encoding)
{
	*decoder = (EtlEncodingDecoder){.encoding = encoding, .big_endian = encoding == ETL_ENCODING_UTF16BE};
}

static bool
is_high(uint16 unit)
{
	return unit >= 0xD800 && unit <= 0xDBFF;
}

static bool
is_low(uint16 unit)
{
	return unit >= 0xDC00 && unit <= 0xDFFF;
}

static char *
put_three(char *out, uint16 unit)
{
	*out++ = 0xE0 | unit >> 12;
	*out++ = 0x80 | (unit >> 6 & 0x3F);
	*out++ = 0x80 | (unit & 0x3F);
	return out;
}

/* A unit, after the half of a pair that may be kept; at most six bytes. */
static char *
put_unit(EtlEncodingDecoder *decoder, char *out, uint16 unit)
{
	uint16 high = decoder->high;

	decoder->high = 0;
	if (high != 0 && is_low(unit))
	{
		uint32 code = 0x10000 + ((uint32) (high - 0xD800) << 10) + (unit - 0xDC00);

		*out++ = 0xF0 | code >> 18;
		*out++ = 0x80 | (code >> 12 & 0x3F);
		*out++ = 0x80 | (code >> 6 & 0x3F);
		*out++ = 0x80 | (code & 0x3F);
		return out;
	}
	if (high != 0)
		out = put_three(out, high);
	if (is_high(unit))
	{
		decoder->high = unit;
		return out;
	}
	if (unit >= 0x800)
		return put_three(out, unit);
	if (unit >= 0x80)
	{
		*out++ = 0xC0 | unit >> 6;
		*out++ = 0x80 | (unit & 0x3F);
		return out;
	}
	*out++ = unit;
	return out;
}

/* The first unit of the file: a byte order mark, or what must not be one. */
static bool
start(EtlEncodingDecoder *decoder, uint8 first, uint8 second, bool *is_mark, EtlError *error)
{
	bool little = first == 0xFF && second == 0xFE;
	bool big = first == 0xFE && second == 0xFF;

	*is_mark = little || big;
	if (decoder->encoding == ETL_ENCODING_UTF16)
	{
		if (!*is_mark)
		{
			etl_error_set(error, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE, "no byte order mark of UTF-16");
			etl_error_hint(
				error,
				"If it is UTF-16 without one, say which byte comes first with ENCODING UTF16LE or UTF16BE.");
			return false;
		}
		decoder->big_endian = big;
	}
	else if (*is_mark && decoder->big_endian != big)
		return etl_error_set(error, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
							 "a byte order mark of %s where %s was expected", big ? "UTF-16BE" : "UTF-16LE",
							 big ? "UTF-16LE" : "UTF-16BE");
	decoder->started = true;
	return true;
}

/* As many units as are ASCII, eight at a time; returns bytes of out. */
static size_t
decode_ascii(bool big_endian, const uint8 *in, const uint8 *in_end, char *out, const char *out_end)
{
	char *begin = out;

#ifdef __SSE2__
	const __m128i beyond = _mm_set1_epi16((short) 0xFF80);

	while (in_end - in >= 16 && out_end - out >= 16)
	{
		__m128i units = _mm_loadu_si128((const __m128i *) in);

		if (big_endian)
			units = _mm_or_si128(_mm_slli_epi16(units, 8), _mm_srli_epi16(units, 8));
		if (_mm_movemask_epi8(_mm_cmpeq_epi16(_mm_and_si128(units, beyond), _mm_setzero_si128())) != 0xFFFF)
			break;
		_mm_storel_epi64((__m128i *) out, _mm_packus_epi16(units, units));
		in += 16;
		out += 8;
	}
#endif
	return out - begin;
}

static bool
finish(EtlEncodingDecoder *decoder, char **out, EtlError *error)
{
	if (decoder->has_byte)
		return etl_error_set(error, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
							 "half a character of UTF-16 at its end");
	if (decoder->high != 0)
		*out = put_three(*out, decoder->high);
	decoder->high = 0;
	return true;
}

bool
encoding_decode(EtlEncodingDecoder *decoder, const uint8 **in, const uint8 *in_end, bool eof, char **out,
				char *out_end, EtlError *error)
{
	while (*in < in_end && out_end - *out >= ETL_ENCODING_MIN_ROOM)
	{
		uint8 first;
		uint8 second;
		bool is_mark;

		if (decoder->started && !decoder->has_byte && decoder->high == 0)
		{
			size_t units = decode_ascii(decoder->big_endian, *in, in_end, *out, out_end);

			*in += 2 * units;
			*out += units;
			decoder->position += 2 * units;
			if (*in == in_end || out_end - *out < ETL_ENCODING_MIN_ROOM)
				break;
		}
		if (!decoder->has_byte)
		{
			decoder->byte = *(*in)++;
			decoder->has_byte = true;
			continue;
		}
		first = decoder->byte;
		second = *(*in)++;
		decoder->has_byte = false;
		if (!decoder->started)
		{
			if (!start(decoder, first, second, &is_mark, error))
				return false;
			if (is_mark)
			{
				decoder->position += 2;
				continue;
			}
		}
		*out = put_unit(decoder, *out, decoder->big_endian ? first << 8 | second : second << 8 | first);
		decoder->position += 2;
	}
	if (eof && *in == in_end && out_end - *out >= ETL_ENCODING_MIN_ROOM)
		return finish(decoder, out, error);
	return true;
}

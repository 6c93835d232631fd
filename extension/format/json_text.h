/*
 * json_text.h
 *		JSON strings: finding their end, taking their escapes out. Pure.
 */
#ifndef ETL_FORMAT_JSON_TEXT_H
#define ETL_FORMAT_JSON_TEXT_H

#include "format/record.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/* The first quote, backslash or control character from p on, or limit. */
static inline const char *
json_string_stop(const char *p, const char *limit)
{
#ifdef __SSE2__
	const __m128i quote = _mm_set1_epi8('"');
	const __m128i backslash = _mm_set1_epi8('\\');
	const __m128i control = _mm_set1_epi8(0x1f);

	for (; limit - p >= 16; p += 16)
	{
		__m128i block = _mm_loadu_si128((const __m128i *) p);
		__m128i hits =
			_mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, quote), _mm_cmpeq_epi8(block, backslash)),
						 _mm_cmpeq_epi8(_mm_min_epu8(block, control), block));
		int mask = _mm_movemask_epi8(hits);

		if (mask != 0)
			return p + __builtin_ctz(mask);
	}
#endif
	while (p < limit && *p != '"' && *p != '\\' && (unsigned char) *p >= 0x20)
		p++;
	return p;
}

/*
 * Write the string whose escapes are valid, without them, to `to`, which has room for as many bytes, and set *len. What
 * can't be text: ETL_LOAD_NUL for \u0000, ETL_LOAD_UTF8 for half of a surrogate pair.
 */
extern EtlLoadCode json_unescape(const char *from, const char *end, char *to, uint32 *len);

#endif

/*
 * json_text.c
 *		JSON strings without their escapes. Pure.
 */
#include "format/json_text.h"

static uint32
hex4(const char *p)
{
	uint32 value = 0;

	for (int i = 0; i < 4; i++)
	{
		char c = p[i];

		value = value << 4 | (c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
	}
	return value;
}

static char *
utf8_put(char *to, uint32 code)
{
	if (code < 0x80)
		*to++ = code;
	else if (code < 0x800)
	{
		*to++ = 0xC0 | code >> 6;
		*to++ = 0x80 | (code & 0x3F);
	}
	else if (code < 0x10000)
	{
		*to++ = 0xE0 | code >> 12;
		*to++ = 0x80 | (code >> 6 & 0x3F);
		*to++ = 0x80 | (code & 0x3F);
	}
	else
	{
		*to++ = 0xF0 | code >> 18;
		*to++ = 0x80 | (code >> 12 & 0x3F);
		*to++ = 0x80 | (code >> 6 & 0x3F);
		*to++ = 0x80 | (code & 0x3F);
	}
	return to;
}

/* \uXXXX at *from (on the u), and the second half of a pair. */
static EtlLoadCode
unicode_escape(const char **from, const char *end, char **to)
{
	const char *p = *from + 1;
	uint32 code = hex4(p);

	p += 4;
	if (code == 0)
		return ETL_LOAD_NUL;
	if (code >= 0xDC00 && code <= 0xDFFF)
		return ETL_LOAD_UTF8;
	if (code >= 0xD800 && code <= 0xDBFF)
	{
		uint32 low = end - p >= 6 && p[0] == '\\' && p[1] == 'u' ? hex4(p + 2) : 0;

		if (low < 0xDC00 || low > 0xDFFF)
			return ETL_LOAD_UTF8;
		code = 0x10000 + ((code - 0xD800) << 10) + (low - 0xDC00);
		p += 6;
	}
	*to = utf8_put(*to, code);
	*from = p;
	return ETL_LOAD_OK;
}

EtlLoadCode
json_unescape(const char *from, const char *end, char *to, uint32 *len)
{
	char *start = to;

	while (from < end)
	{
		const char *plain = from;
		EtlLoadCode code;

		from = memchr(plain, '\\', end - plain);
		if (from == NULL)
			from = end;
		memcpy(to, plain, from - plain);
		to += from - plain;
		if (from == end)
			break;
		from++;
		switch (*from)
		{
			case 'b':
				*to++ = '\b';
				break;
			case 'f':
				*to++ = '\f';
				break;
			case 'n':
				*to++ = '\n';
				break;
			case 'r':
				*to++ = '\r';
				break;
			case 't':
				*to++ = '\t';
				break;
			case 'u':
				code = unicode_escape(&from, end, &to);
				if (code != ETL_LOAD_OK)
					return code;
				continue;
			default: /* quote, backslash, slash */
				*to++ = *from;
		}
		from++;
	}
	*len = to - start;
	return ETL_LOAD_OK;
}

/*
 * encoding_test.c
 *		UTF-16 to UTF-8, with the input cut at every byte and the room for output as small as it may be.
 */
#include "format/encoding.h"

#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

/* Input in two pieces, output room bytes at a time; NULL and error filled if it is refused. */
static char *
decode(EtlEncoding encoding, const char *input, size_t len, size_t cut, size_t room, EtlError *error)
{
	EtlEncodingDecoder decoder;
	StringInfoData out;
	size_t at = 0;

	initStringInfo(&out);
	encoding_decoder_init(&decoder, encoding);
	for (size_t end = cut;; end = len)
	{
		uint8 *piece = malloc(Max(end - at, 1));
		const uint8 *in = piece;
		bool more = true;

		memcpy(piece, input + at, end - at);
		while (more)
		{
			char *buffer = malloc(room);
			char *to = buffer;

			if (!encoding_decode(&decoder, &in, piece + (end - at), end == len, &to, buffer + room, error))
			{
				free(buffer);
				free(piece);
				pfree(out.data);
				return NULL;
			}
			assert_true(to <= buffer + room);
			appendBinaryStringInfo(&out, buffer, to - buffer);
			more = in < piece + (end - at) || room - (to - buffer) < ETL_ENCODING_MIN_ROOM;
			free(buffer);
		}
		free(piece);
		at = end;
		if (end == len)
			break;
	}
	assert_int_equal(decoder.position, len);
	return out.data;
}

static void
expect(EtlEncoding encoding, const char *input, size_t len, const char *expected)
{
	EtlError error;

	for (size_t cut = 0; cut <= len; cut++)
		for (size_t room = ETL_ENCODING_MIN_ROOM; room <= 100; room += 17)
		{
			char *got = decode(encoding, input, len, cut, room, &error);

			if (got == NULL)
				fail_msg("%s", error.message);
			assert_string_equal(got, expected);
			pfree(got);
		}
}

static void
expect_refused(EtlEncoding encoding, const char *input, size_t len, const char *message)
{
	EtlError error;

	for (size_t cut = 0; cut <= len; cut++)
	{
		assert_null(decode(encoding, input, len, cut, 64, &error));
		assert_int_equal(error.sqlstate, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE);
		assert_string_equal(error.message, message);
	}
}

#define EXPECT(encoding, input, expected) expect(encoding, input, sizeof(input) - 1, expected)
#define REFUSED(encoding, input, message) expect_refused(encoding, input, sizeof(input) - 1, message)

static void
test_decode(void **state)
{
	EXPECT(ETL_ENCODING_UTF16LE, "", "");
	EXPECT(ETL_ENCODING_UTF16, "", "");
	EXPECT(ETL_ENCODING_UTF16LE, "a\0\xE9\0\xAC\x20", "a\xC3\xA9\xE2\x82\xAC");
	EXPECT(ETL_ENCODING_UTF16BE, "\0a\0\xE9\x20\xAC", "a\xC3\xA9\xE2\x82\xAC");
	EXPECT(ETL_ENCODING_UTF16LE,
		   "\xFF\xFE"
		   "a\0",
		   "a");
	EXPECT(ETL_ENCODING_UTF16BE, "\xFE\xFF\0a", "a");
	EXPECT(ETL_ENCODING_UTF16,
		   "\xFF\xFE"
		   "a\0",
		   "a");
	EXPECT(ETL_ENCODING_UTF16, "\xFE\xFF\0a", "a");
	/* in the middle it is a character */
	EXPECT(ETL_ENCODING_UTF16LE, "a\0\xFF\xFE", "a\xEF\xBB\xBF");
	EXPECT(ETL_ENCODING_UTF16LE,
		   "\x3D\xD8\x00\xDE"
		   "b\0",
		   "\xF0\x9F\x98\x80"
		   "b");
	EXPECT(ETL_ENCODING_UTF16BE, "\xDB\xFF\xDF\xFF", "\xF4\x8F\xBF\xBF");
	EXPECT(ETL_ENCODING_UTF16LE,
		   "0\0"
		   "1\0"
		   "2\0"
		   "3\0"
		   "4\0"
		   "5\0"
		   "6\0"
		   "7\0"
		   "8\0"
		   "9\0"
		   "a\0"
		   "b\0"
		   "c\0"
		   "d\0"
		   "e\0"
		   "f\0"
		   "\x7F\0"
		   "\x80\0"
		   "x\0",
		   "0123456789abcdef\x7F\xC2\x80x");
	EXPECT(ETL_ENCODING_UTF16BE,
		   "\0"
		   "0\0"
		   "1\0"
		   "2\0"
		   "3\0"
		   "4\0"
		   "5\0"
		   "6\0"
		   "7\0"
		   "8\0"
		   "9",
		   "0123456789");
}

/* They come out as what is no UTF-8. */
static void
test_half_pairs(void **state)
{
	EXPECT(ETL_ENCODING_UTF16LE,
		   "a\0\x3D\xD8"
		   "b\0",
		   "a\xED\xA0\xBD"
		   "b");
	EXPECT(ETL_ENCODING_UTF16LE, "\x3D\xD8\x3D\xD8\x00\xDE", "\xED\xA0\xBD\xF0\x9F\x98\x80");
	EXPECT(ETL_ENCODING_UTF16LE,
		   "\x00\xDE"
		   "b\0",
		   "\xED\xB8\x80"
		   "b");
	EXPECT(ETL_ENCODING_UTF16LE, "b\0\x3D\xD8", "b\xED\xA0\xBD");
}

static void
test_refused(void **state)
{
	REFUSED(ETL_ENCODING_UTF16, "a\0", "no byte order mark of UTF-16");
	REFUSED(ETL_ENCODING_UTF16LE, "\xFE\xFF\0a", "a byte order mark of UTF-16BE where UTF-16LE was expected");
	REFUSED(ETL_ENCODING_UTF16BE,
			"\xFF\xFE"
			"a\0",
			"a byte order mark of UTF-16LE where UTF-16BE was expected");
	REFUSED(ETL_ENCODING_UTF16LE, "a\0b", "half a character of UTF-16 at its end");
}

/* Every character there is, both ways round. */
static void
test_all(void **state)
{
	static char units[2 * 2 * 0x110000];
	static char expected[4 * 0x110000];

	for (int big = 0; big <= 1; big++)
	{
		char *unit = units;
		char *to = expected;
		char *got;
		EtlError error;

		for (uint32 code = 1; code < 0x110000; code++)
		{
			uint16 pair[2] = {code, 0};

			if (code >= 0xD800 && code <= 0xDFFF)
				continue;
			if (code >= 0x10000)
			{
				pair[0] = 0xD800 + ((code - 0x10000) >> 10);
				pair[1] = 0xDC00 + ((code - 0x10000) & 0x3FF);
			}
			for (int i = 0; i < 2 && pair[i] != 0; i++)
			{
				*unit++ = big ? pair[i] >> 8 : pair[i];
				*unit++ = big ? pair[i] : pair[i] >> 8;
			}
			/* the table of RFC 3629 */
			if (code < 0x80)
				*to++ = code;
			else
			{
				int extra = code < 0x800 ? 1 : code < 0x10000 ? 2 : 3;

				*to++ = (extra == 1 ? 0xC0 : extra == 2 ? 0xE0 : 0xF0) | code >> (6 * extra);
				while (extra-- > 0)
					*to++ = 0x80 | (code >> (6 * extra) & 0x3F);
			}
		}
		*to = '\0';
		got = decode(big ? ETL_ENCODING_UTF16BE : ETL_ENCODING_UTF16LE, units, unit - units, 77777, 4096,
					 &error);
		assert_non_null(got);
		assert_string_equal(got, expected);
		pfree(got);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_decode),
		cmocka_unit_test(test_half_pairs),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_all),
	};

	return cmocka_run_group_tests_name("encoding", tests, NULL, NULL);
}

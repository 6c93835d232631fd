/*
 * codec_test.c
 *		The coders: round trips, files made by the programs themselves, and damaged ones. See store/coder.h.
 */
#include "store/coder.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include "store/lzo1x.h"

typedef struct Named
{
	const char *name;
	EtlDecoder *(*decoder)(void);
	EtlEncoder *(*encoder)(void);
	EtlCodec codec;
} Named;

static const Named coders[] = {{"gzip", gzip_decoder_create, gzip_encoder_create, ETL_CODEC_GZIP},
							   {"bzip2", bzip2_decoder_create, bzip2_encoder_create, ETL_CODEC_BZIP2},
							   {"zstd", zstd_decoder_create, zstd_encoder_create, ETL_CODEC_ZSTD}};

/* "hello lzop, " 40 times, as lzop 1.04 writes it from stdin: a header, a block and the end */
static const uint8 lzop_file[] = {
#include "lzop_file.inc"
};

static char *
text_make(size_t size)
{
	char *text = palloc(size + 1);
	uint32 seed = 1;

	/* runs, repetitions and noise */
	for (size_t i = 0; i < size; i++)
	{
		seed = seed * 1664525 + 1013904223;
		text[i] = (i / 1000) % 3 == 0 ? 'a' : (i / 1000) % 3 == 1 ? "0123456789,\n"[i % 12] : (char) (seed >> 24);
	}
	text[size] = '\0';
	return text;
}

static void
encode(const Named *named, const char *data, size_t size, size_t piece, StringInfo out)
{
	EtlEncoder *encoder = named->encoder();
	EtlCoderBytes bytes = {.in = (const uint8 *) data};
	bool done = false;
	uint8 room[100];

	while (!done)
	{
		EtlError error;

		if (bytes.in_size == 0)
			bytes.in_size = Min(piece, size - ((const char *) bytes.in - data));
		bytes.out = room;
		bytes.out_size = sizeof(room);
		assert_true(encoder->encode(encoder, &bytes, (const char *) bytes.in + bytes.in_size == data + size, &done, &error));
		appendBinaryStringInfo(out, (char *) room, (int) (sizeof(room) - bytes.out_size));
	}
	encoder->free(encoder);
}

/* False: damaged, or cut short. */
static bool
decode(EtlDecoder *(*create)(void), const void *data, size_t size, size_t piece, size_t room, StringInfo out)
{
	EtlDecoder *decoder = create();
	EtlCoderBytes bytes = {.in = data};
	const uint8 *end = bytes.in + size;
	uint8 *buf = palloc(room);
	bool ok = true;

	for (;;)
	{
		EtlError error;
		size_t got;

		if (bytes.in_size == 0)
			bytes.in_size = Min(piece, (size_t) (end - bytes.in));
		bytes.out = buf;
		bytes.out_size = room;
		ok = decoder->decode(decoder, &bytes, &error);
		if (!ok)
		{
			assert_int_equal(error.sqlstate, ERRCODE_INVALID_BINARY_REPRESENTATION);
			assert_true(error.detail[0] != '\0');
			break;
		}
		got = room - bytes.out_size;
		appendBinaryStringInfo(out, (char *) buf, (int) got);
		if (got == 0 && bytes.in_size == 0 && bytes.in == end)
		{
			ok = decoder->between;
			break;
		}
	}
	decoder->free(decoder);
	pfree(buf);
	return ok;
}

static void
round_trip(void **state)
{
	static const size_t sizes[] = {0, 1, 1000, 500000};
	char *text = text_make(500000);

	for (int i = 0; i < lengthof(coders); i++)
		for (int j = 0; j < lengthof(sizes); j++)
		{
			StringInfoData packed;
			StringInfoData plain;

			initStringInfo(&packed);
			initStringInfo(&plain);
			encode(&coders[i], text, sizes[j], 70000, &packed);
			assert_int_equal(coder_recognize((uint8 *) packed.data, packed.len), coders[i].codec);
			assert_true(decode(coders[i].decoder, packed.data, packed.len, 1000, 3000, &plain));
			assert_int_equal(plain.len, sizes[j]);
			assert_memory_equal(plain.data, text, sizes[j]);
			pfree(packed.data);
			pfree(plain.data);
		}
	pfree(text);
}

/* Several files one after the other, a byte at a time, into a byte of room. */
static void
concatenated(void **state)
{
	char *text = text_make(5000);

	for (int i = 0; i < lengthof(coders); i++)
	{
		StringInfoData packed;
		StringInfoData plain;

		initStringInfo(&packed);
		initStringInfo(&plain);
		encode(&coders[i], text, 5000, 100, &packed);
		encode(&coders[i], text, 0, 100, &packed);
		encode(&coders[i], text, 3000, 100, &packed);
		assert_true(decode(coders[i].decoder, packed.data, packed.len, 1, 1, &plain));
		assert_int_equal(plain.len, 8000);
		assert_memory_equal(plain.data, text, 5000);
		assert_memory_equal(plain.data + 5000, text, 3000);
		appendStringInfoString(&packed, "garbage");
		resetStringInfo(&plain);
		assert_false(decode(coders[i].decoder, packed.data, packed.len, 100, 100, &plain));
		pfree(packed.data);
		pfree(plain.data);
	}
	pfree(text);
}

/* Cut anywhere, a file is not whole; and with a byte changed anywhere it never gives other data. */
static void
damaged(const Named *named, const uint8 *file, size_t size, const char *text, size_t text_size, bool checksummed)
{
	StringInfoData plain;
	uint8 *copy = palloc(size);

	initStringInfo(&plain);
	for (size_t cut = 1; cut < size; cut++)
	{
		resetStringInfo(&plain);
		assert_false(decode(named->decoder, file, cut, 64, 64, &plain));
	}
	for (size_t i = 0; checksummed && i < size; i++)
	{
		memcpy(copy, file, size);
		copy[i] ^= 0x41;
		resetStringInfo(&plain);
		if (decode(named->decoder, copy, size, 64, 64, &plain))
		{
			/* a time, a name, a level: nothing that matters */
			assert_int_equal(plain.len, text_size);
			assert_memory_equal(plain.data, text, text_size);
		}
	}
	pfree(copy);
	pfree(plain.data);
}

static void
damaged_anywhere(void **state)
{
	char *text = text_make(2500);

	for (int i = 0; i < lengthof(coders); i++)
	{
		StringInfoData packed;

		initStringInfo(&packed);
		encode(&coders[i], text, 2500, 2500, &packed);
		/* a frame whose first bytes say that it is to be skipped is skipped */
		damaged(&coders[i], (uint8 *) packed.data, packed.len, text, 2500, coders[i].codec != ETL_CODEC_ZSTD);
		pfree(packed.data);
	}
	pfree(text);
}

static void
gzip_padding(void **state)
{
	StringInfoData packed;
	StringInfoData plain;

	initStringInfo(&packed);
	initStringInfo(&plain);
	encode(&coders[0], "abc", 3, 3, &packed);
	appendBinaryStringInfo(&packed, "\0\0\0\0\0", 5);
	assert_true(decode(gzip_decoder_create, packed.data, packed.len, 2, 10, &plain));
	assert_string_equal(plain.data, "abc");
	appendStringInfoChar(&packed, 'x');
	assert_false(decode(gzip_decoder_create, packed.data, packed.len, 2, 10, &plain));
	pfree(packed.data);
	pfree(plain.data);
}

static char *
lzop_text(void)
{
	StringInfoData text;

	initStringInfo(&text);
	for (int i = 0; i < 40; i++)
		appendStringInfoString(&text, "hello lzop, ");
	return text.data;
}

static void
lzop(void **state)
{
	static const Named named = {"lzop", lzop_decoder_create, NULL, ETL_CODEC_LZOP};
	char *text = lzop_text();
	StringInfoData twice;
	StringInfoData plain;

	initStringInfo(&twice);
	initStringInfo(&plain);
	assert_int_equal(coder_recognize(lzop_file, sizeof(lzop_file)), ETL_CODEC_LZOP);
	assert_true(decode(lzop_decoder_create, lzop_file, sizeof(lzop_file), 7, 11, &plain));
	assert_string_equal(plain.data, text);
	damaged(&named, lzop_file, sizeof(lzop_file), text, strlen(text), true);
	appendBinaryStringInfo(&twice, (const char *) lzop_file, sizeof(lzop_file));
	appendBinaryStringInfo(&twice, (const char *) lzop_file, sizeof(lzop_file));
	resetStringInfo(&plain);
	assert_true(decode(lzop_decoder_create, twice.data, twice.len, 1, 1, &plain));
	assert_int_equal(plain.len, 2 * strlen(text));
	pfree(text);
	pfree(twice.data);
	pfree(plain.data);
}

static void
lzo1x_blocks(void **state)
{
	uint8 out[32];

	/* an empty block; literals alone; a match that overlaps itself */
	assert_true(lzo1x_decompress((const uint8 *) "\x11\0\0", 3, out, 0));
	assert_true(lzo1x_decompress((const uint8 *) "\x14" "abc" "\x11\0\0", 7, out, 3));
	assert_memory_equal(out, "abc", 3);
	assert_true(lzo1x_decompress((const uint8 *) "\x12" "a" "\x27\x00\x00\x11\0\0", 8, out, 10));
	assert_memory_equal(out, "aaaaaaaaaa", 10);
	/* a match before the beginning; too long; cut; no end; something after the end */
	assert_false(lzo1x_decompress((const uint8 *) "\x12" "a" "\x27\x04\x00\x11\0\0", 8, out, 10));
	assert_false(lzo1x_decompress((const uint8 *) "\x12" "a" "\x27\x00\x00\x11\0\0", 8, out, 9));
	assert_false(lzo1x_decompress((const uint8 *) "\x12" "a" "\x27\x00\x00\x11\0", 7, out, 10));
	assert_false(lzo1x_decompress((const uint8 *) "\x12" "a" "\x27\x00\x00", 5, out, 10));
	assert_false(lzo1x_decompress((const uint8 *) "\x12" "a" "\x27\x00\x00\x11\0\0\0", 9, out, 10));
	assert_false(lzo1x_decompress((const uint8 *) "", 0, out, 0));
}

static void
recognized(void **state)
{
	assert_int_equal(coder_recognize((const uint8 *) "", 0), ETL_CODEC_NONE);
	assert_int_equal(coder_recognize((const uint8 *) "BZh91,2,3,4", 11), ETL_CODEC_NONE);
	assert_int_equal(coder_recognize((const uint8 *) "\x1F\x8B", 2), ETL_CODEC_NONE);
	assert_int_equal(coder_recognize((const uint8 *) "\x52\x2A\x4D\x18\x00\x00\x00\x00\x00\x00", 10), ETL_CODEC_ZSTD);
	assert_int_equal(coder_recognize((const uint8 *) "1,2,3,4,5,6,7", 13), ETL_CODEC_NONE);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(round_trip), cmocka_unit_test(concatenated), cmocka_unit_test(damaged_anywhere),
		cmocka_unit_test(gzip_padding), cmocka_unit_test(lzop), cmocka_unit_test(lzo1x_blocks),
		cmocka_unit_test(recognized),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}

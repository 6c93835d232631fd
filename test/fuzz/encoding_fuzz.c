/*
 * encoding_fuzz.c
 *		UTF-16 to UTF-8: whole and in pieces of any size the same, or both refused.
 */
#include "format/encoding.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

static bool
digest(EtlEncoding encoding, const uint8 *data, size_t size, size_t step, size_t room, uint64 *hash)
{
	EtlEncodingDecoder decoder;
	EtlError error;
	char *out = malloc(room);
	uint8 *piece = malloc(Max(step, 1));
	bool ok = true;
	bool more;

	*hash = 0;
	encoding_decoder_init(&decoder, encoding);
	for (size_t at = 0; ok; at += Min(step, size - at))
	{
		size_t len = Min(step, size - at);
		const uint8 *in = piece;

		memcpy(piece, data + at, len);
		do
		{
			char *to = out;

			ok = encoding_decode(&decoder, &in, piece + len, len == size - at, &to, out + room, &error);
			for (char *p = out; p < to; p++)
				*hash = *hash * 31 + (uint8) *p;
			more = in < piece + len || room - (to - out) < ETL_ENCODING_MIN_ROOM;
		} while (ok && more);
		if (len == size - at)
			break;
	}
	free(out);
	free(piece);
	return ok;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	EtlEncoding encoding;
	uint64 whole;
	uint64 pieces;
	bool ok;

	if (size < 3)
		return 0;
	encoding = ETL_ENCODING_UTF16 + data[0] % 3;
	ok = digest(encoding, data + 3, size - 3, size, 4 * size + ETL_ENCODING_MIN_ROOM, &whole);
	if (ok !=
			digest(encoding, data + 3, size - 3, Max(data[1], 1), ETL_ENCODING_MIN_ROOM + data[2], &pieces) ||
		(ok && whole != pieces))
		abort();
	return 0;
}

/*
 * coder_fuzz.c
 *		Every decoder on what the input says it is to read, whole and in pieces: the same bytes, or an error both times.
 */
#include "store/coder.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

#define FAILED 1
#define MOST (256 * 1024) /* bytes of what it expands to: bombs are not what is looked for */

static uint64
digest(EtlDecoder *(*create)(void), const uint8 *data, size_t size, size_t piece, size_t room)
{
	EtlDecoder *decoder = create();
	EtlCoderBytes bytes = {.in = data};
	const uint8 *end = data + size;
	uint8 buf[4096];
	uint64 hash = 0;
	size_t total = 0;

	while (total < MOST)
	{
		EtlError error;
		size_t got;

		if (bytes.in_size == 0)
			bytes.in_size = Min(piece, (size_t) (end - bytes.in));
		bytes.out = buf;
		bytes.out_size = Min(room, MOST - total);
		got = bytes.out_size;
		if (!decoder->decode(decoder, &bytes, &error))
		{
			hash = FAILED;
			break;
		}
		got -= bytes.out_size;
		for (size_t i = 0; i < got; i++)
			hash = hash * 31 + buf[i] + 2;
		total += got;
		if (got == 0 && bytes.in_size == 0 && bytes.in == end)
		{
			if (!decoder->between)
				hash = FAILED;
			break;
		}
	}
	decoder->free(decoder);
	return hash;
}

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	static EtlDecoder *(*const create[])(void) = {gzip_decoder_create, bzip2_decoder_create, lzop_decoder_create,
												  zstd_decoder_create};

	uint64 whole;
	uint64 pieces;

	if (size < 1)
		return 0;
	(void) coder_recognize(data + 1, size - 1);
	whole = digest(create[data[0] % 4], data + 1, size - 1, size, 4096);
	pieces = digest(create[data[0] % 4], data + 1, size - 1, data[0] / 4 + 1, data[0] / 2 + 1);
	/* libzstd 1.5.4 compares an empty frame's size with what its header says only if it has all of it at once */
	if (whole != pieces && (data[0] % 4 != 3 || (whole != FAILED && pieces != FAILED)))
		abort();
	return 0;
}

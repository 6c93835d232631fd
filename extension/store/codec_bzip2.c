/*
 * codec_bzip2.c
 *		bzip2 by libbz2. See coder.h. Pure.
 *
 * Streams put one after the other are one file, as parallel bzip2 programs write them.
 */
#include "store/coder.h"

#include <bzlib.h>

#define BLOCK_SIZE_100K 9 /* as the bzip2 program's default */

typedef struct Bzip2Decoder
{
	EtlDecoder base;
	bz_stream bz;
} Bzip2Decoder;

typedef struct Bzip2Encoder
{
	EtlEncoder base;
	bz_stream bz;
} Bzip2Encoder;

static void
lend(bz_stream *bz, const EtlCoderBytes *bytes)
{
	bz->next_in = (char *) unconstify(uint8 *, bytes->in);
	bz->avail_in = (unsigned int) Min(bytes->in_size, (size_t) 1 << 30);
	bz->next_out = (char *) bytes->out;
	bz->avail_out = (unsigned int) Min(bytes->out_size, (size_t) 1 << 30);
}

static void
take_back(const bz_stream *bz, EtlCoderBytes *bytes)
{
	bytes->in_size -= (const uint8 *) bz->next_in - bytes->in;
	bytes->in = (const uint8 *) bz->next_in;
	bytes->out_size -= (uint8 *) bz->next_out - bytes->out;
	bytes->out = (uint8 *) bz->next_out;
}

static bool
bzip2_decode(EtlDecoder *self, EtlCoderBytes *bytes, EtlError *error)
{
	bz_stream *bz = &((Bzip2Decoder *) self)->bz;

	while (bytes->out_size > 0)
	{
		size_t room = bytes->out_size;
		int result;

		if (self->between)
		{
			if (bytes->in_size == 0)
				break;
			/* a stream's state is not made to be used again */
			BZ2_bzDecompressEnd(bz);
			memset(bz, 0, sizeof(*bz));
			if (BZ2_bzDecompressInit(bz, 0, 0) != BZ_OK)
				return coder_out_of_memory(error);
			self->between = false;
		}
		lend(bz, bytes);
		result = BZ2_bzDecompress(bz);
		take_back(bz, bytes);
		if (result == BZ_STREAM_END)
			self->between = true;
		else if (result == BZ_MEM_ERROR)
			return coder_out_of_memory(error);
		else if (result == BZ_DATA_ERROR_MAGIC)
			return coder_damaged(error, "What follows its end, or its beginning, is not bzip2.");
		else if (result != BZ_OK)
			return coder_damaged(error, "libbz2 says: a checksum does not match, or the data make no sense.");
		/* a block that is complete may give more without input */
		else if (bytes->in_size == 0 && bytes->out_size == room)
			break;
	}
	return true;
}

static void
bzip2_decoder_free(EtlDecoder *self)
{
	(void) BZ2_bzDecompressEnd(&((Bzip2Decoder *) self)->bz);
	free(self);
}

EtlDecoder *
bzip2_decoder_create(void)
{
	Bzip2Decoder *decoder = calloc(1, sizeof(Bzip2Decoder));

	if (decoder == NULL)
		return NULL;
	decoder->base = (EtlDecoder){.decode = bzip2_decode, .free = bzip2_decoder_free, .between = true};
	return &decoder->base;
}

static bool
bzip2_encode(EtlEncoder *self, EtlCoderBytes *bytes, bool finish, bool *done, EtlError *error)
{
	bz_stream *bz = &((Bzip2Encoder *) self)->bz;
	int result;

	*done = false;
	if (!finish && bytes->in_size == 0)
		return true;
	lend(bz, bytes);
	result = BZ2_bzCompress(bz, finish && bz->avail_in == bytes->in_size ? BZ_FINISH : BZ_RUN);
	take_back(bz, bytes);
	*done = result == BZ_STREAM_END;
	if (result < 0)
		return coder_damaged(error, "libbz2 says: error %d.", result);
	return true;
}

static void
bzip2_encoder_free(EtlEncoder *self)
{
	(void) BZ2_bzCompressEnd(&((Bzip2Encoder *) self)->bz);
	free(self);
}

EtlEncoder *
bzip2_encoder_create(void)
{
	Bzip2Encoder *encoder = calloc(1, sizeof(Bzip2Encoder));

	if (encoder == NULL)
		return NULL;
	if (BZ2_bzCompressInit(&encoder->bz, BLOCK_SIZE_100K, 0, 0) != BZ_OK)
	{
		free(encoder);
		return NULL;
	}
	encoder->base = (EtlEncoder){.encode = bzip2_encode, .free = bzip2_encoder_free};
	return &encoder->base;
}

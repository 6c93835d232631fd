/*
 * codec_gzip.c
 *		gzip by zlib. See coder.h. Pure.
 *
 * Members put one after the other are one file. Zeros may follow the last, as tape blocks leave them; anything else is
 * an error: what looks like garbage may be the rest of the data.
 */
#include "store/coder.h"

#include <zlib.h>

#define WINDOW_BITS (MAX_WBITS + 16) /* + 16: gzip's header and checksum, not zlib's */

typedef struct GzipDecoder
{
	EtlDecoder base;
	z_stream zs;
	bool any_member;
	bool padding; /* zeros after the last member */
} GzipDecoder;

typedef struct GzipEncoder
{
	EtlEncoder base;
	z_stream zs;
} GzipEncoder;

static void
lend(z_stream *zs, const EtlCoderBytes *bytes)
{
	zs->next_in = unconstify(uint8 *, bytes->in);
	zs->avail_in = (uInt) Min(bytes->in_size, (size_t) 1 << 30);
	zs->next_out = bytes->out;
	zs->avail_out = (uInt) Min(bytes->out_size, (size_t) 1 << 30);
}

static void
take_back(const z_stream *zs, EtlCoderBytes *bytes)
{
	bytes->in_size -= zs->next_in - bytes->in;
	bytes->in = zs->next_in;
	bytes->out_size -= zs->next_out - bytes->out;
	bytes->out = zs->next_out;
}

/* Between members: what follows is another one, or padding. */
static bool
begin_member(GzipDecoder *decoder, EtlCoderBytes *bytes, EtlError *error)
{
	if (decoder->any_member)
		while (bytes->in_size > 0 && *bytes->in == 0)
		{
			decoder->padding = true;
			bytes->in++;
			bytes->in_size--;
		}
	if (bytes->in_size == 0)
		return true;
	if (decoder->padding)
		return coder_damaged(error, "Something other than zeros follows its end.");
	if (decoder->any_member && inflateReset(&decoder->zs) != Z_OK)
		return coder_out_of_memory(error);
	decoder->base.between = false;
	decoder->any_member = true;
	return true;
}

static bool
gzip_decode(EtlDecoder *self, EtlCoderBytes *bytes, EtlError *error)
{
	GzipDecoder *decoder = (GzipDecoder *) self;
	z_stream *zs = &decoder->zs;

	while (bytes->in_size > 0 && bytes->out_size > 0)
	{
		int result;

		if (self->between && !begin_member(decoder, bytes, error))
			return false;
		if (bytes->in_size == 0)
			break;
		lend(zs, bytes);
		result = inflate(zs, Z_NO_FLUSH);
		take_back(zs, bytes);
		if (result == Z_STREAM_END)
			self->between = true;
		else if (result == Z_MEM_ERROR)
			return coder_out_of_memory(error);
		else if (result != Z_OK && result != Z_BUF_ERROR)
			return coder_damaged(error, "zlib says: %s.", zs->msg != NULL ? zs->msg : "it can't be read");
	}
	return true;
}

static void
gzip_decoder_free(EtlDecoder *self)
{
	(void) inflateEnd(&((GzipDecoder *) self)->zs);
	free(self);
}

EtlDecoder *
gzip_decoder_create(void)
{
	GzipDecoder *decoder = calloc(1, sizeof(GzipDecoder));

	if (decoder == NULL)
		return NULL;
	if (inflateInit2(&decoder->zs, WINDOW_BITS) != Z_OK)
	{
		free(decoder);
		return NULL;
	}
	decoder->base = (EtlDecoder){.decode = gzip_decode, .free = gzip_decoder_free, .between = true};
	return &decoder->base;
}

static bool
gzip_encode(EtlEncoder *self, EtlCoderBytes *bytes, bool finish, bool *done, EtlError *error)
{
	z_stream *zs = &((GzipEncoder *) self)->zs;
	int result;

	lend(zs, bytes);
	result = deflate(zs, finish && zs->avail_in == bytes->in_size ? Z_FINISH : Z_NO_FLUSH);
	take_back(zs, bytes);
	*done = result == Z_STREAM_END;
	if (result == Z_STREAM_ERROR)
		return coder_damaged(error, "zlib says: stream error.");
	return true;
}

static void
gzip_encoder_free(EtlEncoder *self)
{
	(void) deflateEnd(&((GzipEncoder *) self)->zs);
	free(self);
}

EtlEncoder *
gzip_encoder_create(void)
{
	GzipEncoder *encoder = calloc(1, sizeof(GzipEncoder));

	if (encoder == NULL)
		return NULL;
	if (deflateInit2(&encoder->zs, Z_DEFAULT_COMPRESSION, Z_DEFLATED, WINDOW_BITS, 8, Z_DEFAULT_STRATEGY) !=
		Z_OK)
	{
		free(encoder);
		return NULL;
	}
	encoder->base = (EtlEncoder){.encode = gzip_encode, .free = gzip_encoder_free};
	return &encoder->base;
}

/*
 * codec_zstd.c
 *		zstd by libzstd. See coder.h. Pure.
 *
 * Frames put one after the other are one file; those to be skipped are. A frame says how much of what it expanded to must
 * be remembered: more than WINDOW_LOG_MAX says is refused, as by the zstd program unless it is told otherwise.
 */
#include "store/coder.h"

#include <zstd.h>
#include <zstd_errors.h>

#define WINDOW_LOG_MAX 27 /* 128 MB; only --ultra and --long need more than 8 */
#define LEVEL 3			  /* as the zstd program's default */

typedef struct ZstdDecoder
{
	EtlDecoder base;
	ZSTD_DCtx *context;
} ZstdDecoder;

typedef struct ZstdEncoder
{
	EtlEncoder base;
	ZSTD_CCtx *context;
} ZstdEncoder;

static bool
zstd_decode(EtlDecoder *self, EtlCoderBytes *bytes, EtlError *error)
{
	ZSTD_inBuffer in = {bytes->in, bytes->in_size, 0};
	ZSTD_outBuffer out = {bytes->out, bytes->out_size, 0};
	bool ok = true;

	for (;;)
	{
		size_t taken = in.pos;
		size_t given = out.pos;
		size_t result;

		if (out.pos == out.size || (self->between && in.pos == in.size))
			break;
		result = ZSTD_decompressStream(((ZstdDecoder *) self)->context, &out, &in);
		if (ZSTD_isError(result))
		{
			if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
				ok = coder_out_of_memory(error);
			else
				ok = coder_damaged(error, "libzstd says: %s.", ZSTD_getErrorName(result));
			break;
		}
		if (result == 0)
			self->between = true;
		else if (in.pos > taken || out.pos > given)
			self->between = false;
		else
			break; /* it needs more input */
	}
	bytes->in += in.pos;
	bytes->in_size -= in.pos;
	bytes->out += out.pos;
	bytes->out_size -= out.pos;
	return ok;
}

static void
zstd_decoder_free(EtlDecoder *self)
{
	ZSTD_freeDCtx(((ZstdDecoder *) self)->context);
	free(self);
}

EtlDecoder *
zstd_decoder_create(void)
{
	ZstdDecoder *decoder = calloc(1, sizeof(ZstdDecoder));

	if (decoder == NULL)
		return NULL;
	decoder->base = (EtlDecoder){.decode = zstd_decode, .free = zstd_decoder_free, .between = true};
	decoder->context = ZSTD_createDCtx();
	if (decoder->context == NULL ||
		ZSTD_isError(ZSTD_DCtx_setParameter(decoder->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)))
	{
		zstd_decoder_free(&decoder->base);
		return NULL;
	}
	return &decoder->base;
}

static bool
zstd_encode(EtlEncoder *self, EtlCoderBytes *bytes, bool finish, bool *done, EtlError *error)
{
	ZSTD_inBuffer in = {bytes->in, bytes->in_size, 0};
	ZSTD_outBuffer out = {bytes->out, bytes->out_size, 0};
	size_t result = ZSTD_compressStream2(((ZstdEncoder *) self)->context, &out, &in,
										 finish ? ZSTD_e_end : ZSTD_e_continue);

	bytes->in += in.pos;
	bytes->in_size -= in.pos;
	bytes->out += out.pos;
	bytes->out_size -= out.pos;
	*done = false;
	if (!ZSTD_isError(result))
		*done = finish && result == 0;
	else if (ZSTD_getErrorCode(result) == ZSTD_error_memory_allocation)
		return coder_out_of_memory(error);
	else
		return coder_damaged(error, "libzstd says: %s.", ZSTD_getErrorName(result));
	return true;
}

static void
zstd_encoder_free(EtlEncoder *self)
{
	ZSTD_freeCCtx(((ZstdEncoder *) self)->context);
	free(self);
}

EtlEncoder *
zstd_encoder_create(void)
{
	ZstdEncoder *encoder = calloc(1, sizeof(ZstdEncoder));

	if (encoder == NULL)
		return NULL;
	encoder->base = (EtlEncoder){.encode = zstd_encode, .free = zstd_encoder_free};
	encoder->context = ZSTD_createCCtx();
	if (encoder->context == NULL ||
		ZSTD_isError(ZSTD_CCtx_setParameter(encoder->context, ZSTD_c_compressionLevel, LEVEL)) ||
		ZSTD_isError(ZSTD_CCtx_setParameter(encoder->context, ZSTD_c_checksumFlag, 1)))
	{
		zstd_encoder_free(&encoder->base);
		return NULL;
	}
	return &encoder->base;
}

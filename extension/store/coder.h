/*
 * coder.h
 *		Compression as pure code: what each codec_*.c gives, and codec.c makes streams of. Private to store/.
 *
 * A coder has malloc'd state, so its library may fail without a longjmp through its frames; whoever creates one frees it.
 * It takes bytes from `in` and puts bytes to `out`, advancing both, until one is used up. Neither side's size matters to
 * it: a byte at a time gives the same result.
 */
#ifndef ETL_STORE_CODER_H
#define ETL_STORE_CODER_H

#include "base/error.h"

typedef struct EtlCoderBytes
{
	const uint8 *in;
	size_t in_size;
	uint8 *out;
	size_t out_size;
} EtlCoderBytes;

typedef struct EtlDecoder EtlDecoder;
struct EtlDecoder
{
	/* False: error->detail says what is wrong with the data, or sqlstate 53200 that there is no memory. */
	bool (*decode)(EtlDecoder *self, EtlCoderBytes *bytes, EtlError *error);
	void (*free)(EtlDecoder *self);
	bool between; /* the data may end here: no member has begun, or the last one is complete */
};

typedef struct EtlEncoder EtlEncoder;
struct EtlEncoder
{
	/* With `finish` no more input follows; *done once all has been put out. */
	bool (*encode)(EtlEncoder *self, EtlCoderBytes *bytes, bool finish, bool *done, EtlError *error);
	void (*free)(EtlEncoder *self);
};

/* NULL: out of memory. */
extern EtlDecoder *gzip_decoder_create(void);
extern EtlDecoder *bzip2_decoder_create(void);
extern EtlDecoder *lzop_decoder_create(void);
extern EtlDecoder *zstd_decoder_create(void);
extern EtlEncoder *gzip_encoder_create(void);
extern EtlEncoder *bzip2_encoder_create(void);
extern EtlEncoder *zstd_encoder_create(void);

/* Both return false. */
extern bool coder_out_of_memory(EtlError *error);
extern bool coder_damaged(EtlError *error, const char *fmt, ...) pg_attribute_printf(2, 3);

/* Which codec the first bytes of a file are of; that of a longer file than `size` needs CODER_MAGIC_SIZE. */
#define CODER_MAGIC_SIZE 10

typedef enum EtlCodec
{
	ETL_CODEC_NONE,
	ETL_CODEC_GZIP,
	ETL_CODEC_BZIP2,
	ETL_CODEC_LZOP,
	ETL_CODEC_ZSTD,
	ETL_CODEC_AUTO /* of a reader: what its first bytes say */
} EtlCodec;

extern EtlCodec coder_recognize(const uint8 *data, size_t size);

#endif

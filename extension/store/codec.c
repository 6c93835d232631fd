/*
 * codec.c
 *		Streams of coders. See codec.h; the coders are pure and in codec_*.c.
 *
 * A coder's state is malloc'd and freed by the context's reset callback. Its errors come back as return codes, so no longjmp
 * crosses a library's frames.
 */
#include "postgres.h"

#include "base/handle.h"
#include "miscadmin.h"
#include "store/codec.h"

#define BUFFER_SIZE (128 * 1024)
/* Data may be any number of times its file's size up to here: little of it is no harm. */
#define RATIO_FREE_BYTES (UINT64CONST(100) * 1024 * 1024)

int codec_max_size_mb = -1;
int codec_max_ratio = 1000;

typedef struct Codec
{
	const char *name;
	const char *extension;
	EtlDecoder *(*decoder)(void);
	EtlEncoder *(*encoder)(void);
} Codec;

static const Codec codecs[] = {
	[ETL_CODEC_NONE] = {"", "", NULL, NULL},
	[ETL_CODEC_GZIP] = {"gzip", "gz", gzip_decoder_create, gzip_encoder_create},
	[ETL_CODEC_BZIP2] = {"bzip2", "bz2", bzip2_decoder_create, bzip2_encoder_create},
	[ETL_CODEC_LZOP] = {"lzop", "lzo", lzop_decoder_create, NULL},
	[ETL_CODEC_ZSTD] = {"zstd", "zst", zstd_decoder_create, zstd_encoder_create},
};

typedef struct CodecReader
{
	EtlReader base;
	EtlReader *source;
	EtlCodec codec;	  /* ETL_CODEC_AUTO until the first bytes are there */
	EtlHandle *owner; /* of the decoder */
	bool at_eof;	  /* the source has no more */
	uint64 bytes_in;
	uint64 bytes_out;
	const uint8 *next; /* in `in`: what the decoder hasn't taken yet */
	size_t left;
	uint8 in[BUFFER_SIZE];
} CodecReader;

typedef struct CodecWriter
{
	EtlWriter base;
	EtlWriter *target;
	EtlCodec codec;
	EtlHandle *owner; /* of the encoder */
	uint8 out[BUFFER_SIZE];
} CodecWriter;

const char *
codec_name(EtlCodec codec)
{
	return codecs[codec].name;
}

const char *
codec_extension(EtlCodec codec)
{
	return codecs[codec].extension;
}

static void
decoder_free(void *decoder)
{
	((EtlDecoder *) decoder)->free(decoder);
}

static void
encoder_free(void *encoder)
{
	((EtlEncoder *) encoder)->free(encoder);
}

static void
pg_attribute_noreturn() out_of_memory(EtlCodec codec)
{
	ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
			errdetail("Failed in %s.", codecs[codec].name));
}

static void
pg_attribute_noreturn() damaged(const CodecReader *reader, const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			errmsg("object \"%s\" is not a valid %s file", reader->base.name, codecs[reader->codec].name),
			errdetail("%s", detail));
}

/* ---- reading ---- */

static void
fill(CodecReader *reader)
{
	size_t n;

	memmove(reader->in, reader->next, reader->left);
	reader->next = reader->in;
	n = reader->source->read(reader->source, (char *) reader->in + reader->left, BUFFER_SIZE - reader->left);
	reader->at_eof = n == 0;
	reader->left += n;
	reader->bytes_in += n;
}

static void
choose(CodecReader *reader, EtlCodec codec)
{
	reader->codec = codec;
	if (codec == ETL_CODEC_NONE)
		return;
	reader->owner->handle = codecs[codec].decoder();
	if (reader->owner->handle == NULL)
		out_of_memory(codec);
}

static void
recognize(CodecReader *reader)
{
	while (reader->left < CODER_MAGIC_SIZE && !reader->at_eof)
		fill(reader);
	choose(reader, coder_recognize(reader->next, reader->left));
}

static void
check_caps(const CodecReader *reader)
{
	if (codec_max_ratio > 0 && reader->bytes_out > RATIO_FREE_BYTES &&
		reader->bytes_out / codec_max_ratio > reader->bytes_in)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("object \"%s\" expands to more than %d times its size", reader->base.name,
					   codec_max_ratio),
				errdetail("Its first " UINT64_FORMAT " bytes gave " UINT64_FORMAT " bytes.", reader->bytes_in,
						  reader->bytes_out),
				errhint("If it is meant to, raise etl.decompress_max_ratio."));
	if (codec_max_size_mb >= 0 && reader->bytes_out > (uint64) codec_max_size_mb * 1024 * 1024)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("object \"%s\" expands to more than %d MB", reader->base.name, codec_max_size_mb),
				errdetail("Its first " UINT64_FORMAT " bytes gave " UINT64_FORMAT " bytes.", reader->bytes_in,
						  reader->bytes_out),
				errhint("If it is meant to, raise etl.decompress_max_size."));
}

/* What is not compressed at all passes through. */
static size_t
read_plain(CodecReader *reader, char *buf, size_t size)
{
	size_t n = Min(size, reader->left);

	if (n == 0)
		return reader->at_eof ? 0 : reader->source->read(reader->source, buf, size);
	memcpy(buf, reader->next, n);
	reader->next += n;
	reader->left -= n;
	return n;
}

static size_t
codec_read(EtlReader *self, char *buf, size_t size)
{
	CodecReader *reader = (CodecReader *) self;
	EtlCoderBytes bytes = {.out = (uint8 *) buf, .out_size = size};
	EtlDecoder *decoder;

	if (reader->codec == ETL_CODEC_AUTO)
		recognize(reader);
	if (reader->codec == ETL_CODEC_NONE)
		return read_plain(reader, buf, size);
	decoder = reader->owner->handle;
	while (bytes.out_size == size)
	{
		EtlError error;

		CHECK_FOR_INTERRUPTS();
		if (reader->left == 0 && !reader->at_eof)
			fill(reader);
		bytes.in = reader->next;
		bytes.in_size = reader->left;
		if (!decoder->decode(decoder, &bytes, &error))
		{
			if (error.sqlstate == ERRCODE_OUT_OF_MEMORY)
				out_of_memory(reader->codec);
			damaged(reader, error.detail);
		}
		reader->next = bytes.in;
		reader->left = bytes.in_size;
		if (bytes.out_size == size && reader->left == 0 && reader->at_eof)
		{
			if (!decoder->between)
				damaged(reader, "It ends in the middle of its data.");
			return 0;
		}
	}
	reader->bytes_out += size - bytes.out_size;
	check_caps(reader);
	return size - bytes.out_size;
}

static void
codec_close(EtlReader *self)
{
	CodecReader *reader = (CodecReader *) self;

	etl_handle_close(reader->owner);
	reader->source->close(reader->source);
}

EtlReader *
codec_reader(EtlReader *source, EtlCodec codec)
{
	CodecReader *reader;

	if (codec == ETL_CODEC_NONE)
		return source;
	reader = palloc(sizeof(CodecReader));
	memset(reader, 0, offsetof(CodecReader, in));
	reader->base.read = codec_read;
	reader->base.close = codec_close;
	reader->base.name = source->name;
	reader->source = source;
	reader->codec = codec;
	reader->next = reader->in;
	reader->owner = etl_handle_reserve(CurrentMemoryContext, decoder_free);
	if (codec != ETL_CODEC_AUTO)
		choose(reader, codec);
	return &reader->base;
}

/* ---- writing ---- */

static void
encode(CodecWriter *writer, const char *buf, size_t size, bool finish)
{
	EtlEncoder *encoder = writer->owner->handle;
	EtlCoderBytes bytes = {.in = (const uint8 *) buf, .in_size = size};
	bool done = false;
	bool full;

	do
	{
		EtlError error;

		CHECK_FOR_INTERRUPTS();
		bytes.out = writer->out;
		bytes.out_size = BUFFER_SIZE;
		if (!encoder->encode(encoder, &bytes, finish, &done, &error))
		{
			if (error.sqlstate == ERRCODE_OUT_OF_MEMORY)
				out_of_memory(writer->codec);
			ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR),
					errmsg("could not compress object \"%s\"", writer->base.name),
					errdetail("%s", error.detail));
		}
		full = bytes.out_size == 0;
		if (bytes.out_size < BUFFER_SIZE)
			writer->target->write(writer->target, (char *) writer->out, BUFFER_SIZE - bytes.out_size);
	} while (bytes.in_size > 0 || (finish ? !done : full));
}

static void
codec_write(EtlWriter *self, const char *buf, size_t size)
{
	if (size > 0)
		encode((CodecWriter *) self, buf, size, false);
}

static void
codec_finish(EtlWriter *self)
{
	CodecWriter *writer = (CodecWriter *) self;

	encode(writer, NULL, 0, true);
	etl_handle_close(writer->owner);
	writer->target->finish(writer->target);
}

static void
codec_abort(EtlWriter *self)
{
	CodecWriter *writer = (CodecWriter *) self;

	etl_handle_close(writer->owner);
	writer->target->abort(writer->target);
}

EtlWriter *
codec_writer(EtlWriter *target, EtlCodec codec)
{
	CodecWriter *writer;

	if (codec == ETL_CODEC_NONE)
		return target;
	Assert(codecs[codec].encoder != NULL);
	writer = palloc(sizeof(CodecWriter));
	memset(writer, 0, offsetof(CodecWriter, out));
	writer->base.write = codec_write;
	writer->base.finish = codec_finish;
	writer->base.abort = codec_abort;
	writer->base.name = target->name;
	writer->target = target;
	writer->codec = codec;
	writer->owner = etl_handle_reserve(CurrentMemoryContext, encoder_free);
	writer->owner->handle = codecs[codec].encoder();
	if (writer->owner->handle == NULL)
		out_of_memory(codec);
	return &writer->base;
}

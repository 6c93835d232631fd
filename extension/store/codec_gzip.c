/*
 * codec_gzip.c
 *		gzip by zlib. See codec.h.
 *
 * zlib allocates with malloc, and its state is freed by the context's reset callback: no longjmp crosses its
 * frames.
 */
#include "postgres.h"

#include <zlib.h>

#include "base/handle.h"
#include "miscadmin.h"
#include "store/codec.h"

#define GZIP_BUFFER_SIZE 65536
/* Data is refused when it is this many times its file's size, once that is worth minding: nothing real is. */
#define GZIP_MAX_RATIO 1000
#define GZIP_RATIO_FREE_BYTES (UINT64CONST(100) * 1024 * 1024)
#define GZIP_WINDOW_BITS (MAX_WBITS + 16) /* + 16: gzip's header and checksum, not zlib's */

typedef struct GzipReader
{
	EtlReader base;
	EtlReader *source;
	EtlHandle *owner; /* inflate's state: &zs while it is live */
	z_stream zs;
	bool in_member; /* between a member's first byte and its last */
	bool any_member;
	bool at_eof; /* the source has no more */
	uint64 bytes_in;
	uint64 bytes_out;
	char in[GZIP_BUFFER_SIZE];
} GzipReader;

typedef struct GzipWriter
{
	EtlWriter base;
	EtlWriter *target;
	EtlHandle *owner;
	z_stream zs;
	char out[GZIP_BUFFER_SIZE];
} GzipWriter;

static void
gzip_inflate_end(void *zs)
{
	(void) inflateEnd(zs);
}

static void
gzip_deflate_end(void *zs)
{
	(void) deflateEnd(zs);
}

static void
pg_attribute_noreturn() gzip_out_of_memory(void)
{
	ereport(ERROR, errcode(ERRCODE_OUT_OF_MEMORY), errmsg("out of memory"),
			errdetail("zlib could not allocate its state."));
}

static void
pg_attribute_noreturn() gzip_damaged(const GzipReader *reader, const char *detail)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_BINARY_REPRESENTATION),
			errmsg("object \"%s\" is not a valid gzip file", reader->base.name), errdetail("%s", detail));
}

static size_t
gzip_read(EtlReader *self, char *buf, size_t size)
{
	GzipReader *reader = (GzipReader *) self;
	z_stream *zs = &reader->zs;

	size = Min(size, (size_t) 1 << 30);
	zs->next_out = (Bytef *) buf;
	zs->avail_out = (uInt) size;
	while (zs->avail_out == size)
	{
		int result;

		CHECK_FOR_INTERRUPTS();
		if (zs->avail_in == 0 && !reader->at_eof)
		{
			zs->next_in = (Bytef *) reader->in;
			zs->avail_in = (uInt) reader->source->read(reader->source, reader->in, sizeof(reader->in));
			reader->at_eof = zs->avail_in == 0;
			reader->bytes_in += zs->avail_in;
		}
		if (zs->avail_in == 0)
		{
			if (reader->in_member)
				gzip_damaged(reader, "It ends in the middle of its data.");
			return 0;
		}
		if (!reader->in_member)
		{
			/* What follows a member's end is the next one: gzip files may be put one after the other. */
			if (reader->any_member && inflateReset(zs) != Z_OK)
				gzip_out_of_memory();
			reader->in_member = reader->any_member = true;
		}
		result = inflate(zs, Z_NO_FLUSH);
		if (result == Z_STREAM_END)
			reader->in_member = false;
		else if (result == Z_MEM_ERROR)
			gzip_out_of_memory();
		else if (result != Z_OK && result != Z_BUF_ERROR)
			gzip_damaged(reader,
						 zs->msg != NULL ? psprintf("zlib says: %s.", zs->msg) : "zlib can't read it.");
	}
	reader->bytes_out += size - zs->avail_out;
	if (reader->bytes_out > GZIP_RATIO_FREE_BYTES && reader->bytes_out / GZIP_MAX_RATIO > reader->bytes_in)
		ereport(
			ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
			errmsg("object \"%s\" expands to more than %d times its size", reader->base.name, GZIP_MAX_RATIO),
			errdetail("It was read up to byte " UINT64_FORMAT " of its data.", reader->bytes_out));
	return size - zs->avail_out;
}

static void
gzip_close(EtlReader *self)
{
	GzipReader *reader = (GzipReader *) self;

	etl_handle_close(reader->owner);
	reader->source->close(reader->source);
}

EtlReader *
codec_gzip_reader(EtlReader *source)
{
	GzipReader *reader = palloc0(sizeof(GzipReader));

	reader->base.read = gzip_read;
	reader->base.close = gzip_close;
	reader->base.name = source->name;
	reader->source = source;
	reader->owner = etl_handle_reserve(CurrentMemoryContext, gzip_inflate_end);
	if (inflateInit2(&reader->zs, GZIP_WINDOW_BITS) != Z_OK)
		gzip_out_of_memory();
	reader->owner->handle = &reader->zs;
	return &reader->base;
}

static void
gzip_deflate(GzipWriter *writer, int flush)
{
	z_stream *zs = &writer->zs;

	do
	{
		size_t n;

		CHECK_FOR_INTERRUPTS();
		zs->next_out = (Bytef *) writer->out;
		zs->avail_out = sizeof(writer->out);
		if (deflate(zs, flush) == Z_STREAM_ERROR)
			elog(ERROR, "deflate answered Z_STREAM_ERROR for \"%s\"", writer->base.name);
		n = sizeof(writer->out) - zs->avail_out;
		if (n > 0)
			writer->target->write(writer->target, writer->out, n);
	} while (zs->avail_out == 0);
}

static void
gzip_write(EtlWriter *self, const char *buf, size_t size)
{
	GzipWriter *writer = (GzipWriter *) self;

	while (size > 0)
	{
		size_t n = Min(size, (size_t) 1 << 30);

		writer->zs.next_in = (Bytef *) buf;
		writer->zs.avail_in = (uInt) n;
		gzip_deflate(writer, Z_NO_FLUSH);
		buf += n;
		size -= n;
	}
}

static void
gzip_finish(EtlWriter *self)
{
	GzipWriter *writer = (GzipWriter *) self;

	writer->zs.next_in = NULL;
	writer->zs.avail_in = 0;
	gzip_deflate(writer, Z_FINISH);
	etl_handle_close(writer->owner);
	writer->target->finish(writer->target);
}

static void
gzip_abort(EtlWriter *self)
{
	GzipWriter *writer = (GzipWriter *) self;

	etl_handle_close(writer->owner);
	writer->target->abort(writer->target);
}

EtlWriter *
codec_gzip_writer(EtlWriter *target)
{
	GzipWriter *writer = palloc0(sizeof(GzipWriter));

	writer->base.write = gzip_write;
	writer->base.finish = gzip_finish;
	writer->base.abort = gzip_abort;
	writer->base.name = target->name;
	writer->target = target;
	writer->owner = etl_handle_reserve(CurrentMemoryContext, gzip_deflate_end);
	if (deflateInit2(&writer->zs, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP_WINDOW_BITS, 8,
					 Z_DEFAULT_STRATEGY) != Z_OK)
		gzip_out_of_memory();
	writer->owner->handle = &writer->zs;
	return &writer->base;
}

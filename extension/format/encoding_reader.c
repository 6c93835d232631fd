/*
 * encoding_reader.c
 *		A stream in UTF-8 of one in another encoding. Over encoding.c, which is pure.
 */
#include "postgres.h"

#include "format/encoding.h"
#include "miscadmin.h"

#define BUFFER_SIZE (64 * 1024)

typedef struct EncodingReader
{
	EtlReader base;
	EtlReader *source;
	EtlEncodingDecoder decoder;
	bool at_eof; /* the source has no more */
	bool ended;	 /* nor have we */
	const uint8 *next;
	const uint8 *in_end;
	char *ready; /* what is decoded and not read yet, in out */
	char *ready_end;
	uint8 in[BUFFER_SIZE];
	char out[BUFFER_SIZE];
} EncodingReader;

static void
pg_attribute_noreturn() wrong(const EncodingReader *reader, EtlError *error)
{
	EtlError raised;

	etl_error_set(&raised, error->sqlstate, "object \"%s\" is not in the encoding that was said",
				  reader->base.name);
	etl_error_detail(&raised, "It has %s (byte " UINT64_FORMAT ").", error->message,
					 reader->decoder.position + 1);
	etl_error_hint(&raised, "%s", error->hint[0] != '\0' ? error->hint : "See the option ENCODING.");
	etl_error_raise(&raised);
}

/* Decode more. Nothing is ready, and neither the end has been reached. */
static void
decode(EncodingReader *reader)
{
	EtlError error;

	CHECK_FOR_INTERRUPTS();
	if (reader->next == reader->in_end && !reader->at_eof)
	{
		size_t n = reader->source->read(reader->source, (char *) reader->in, BUFFER_SIZE);

		reader->at_eof = n == 0;
		reader->next = reader->in;
		reader->in_end = reader->in + n;
	}
	reader->ready = reader->out;
	reader->ready_end = reader->out;
	if (!encoding_decode(&reader->decoder, &reader->next, reader->in_end, reader->at_eof, &reader->ready_end,
						 reader->out + BUFFER_SIZE, &error))
		wrong(reader, &error);
	reader->ended = reader->at_eof && reader->next == reader->in_end;
}

static size_t
reader_read(EtlReader *self, char *buf, size_t size)
{
	EncodingReader *reader = (EncodingReader *) self;
	size_t n;

	while (reader->ready == reader->ready_end && !reader->ended)
		decode(reader);
	n = Min(size, reader->ready_end - reader->ready);
	memcpy(buf, reader->ready, n);
	reader->ready += n;
	return n;
}

static void
reader_close(EtlReader *self)
{
	EncodingReader *reader = (EncodingReader *) self;

	reader->source->close(reader->source);
	pfree(reader);
}

EtlReader *
encoding_reader(EtlReader *source, EtlEncoding encoding)
{
	EncodingReader *reader;

	if (encoding == ETL_ENCODING_UTF8)
		return source;
	reader = palloc(sizeof(EncodingReader));
	memset(reader, 0, offsetof(EncodingReader, in));
	reader->base = (EtlReader){.read = reader_read, .close = reader_close, .name = source->name};
	reader->source = source;
	encoding_decoder_init(&reader->decoder, encoding);
	reader->next = reader->in_end = reader->in;
	return &reader->base;
}

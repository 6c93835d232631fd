/*
 * conversion.c
 *		Files in other encodings. See conversion.h.
 *
 * What is read and written here is UTF-8, and becomes the database's encoding after that. So in a database of another one
 * a file would be converted twice, which needn't come to what PostgreSQL's direct conversion does: there only the
 * database's own is taken.
 */
#include "postgres.h"

#include "base/error.h"
#include "catalog/namespace.h"
#include "copy/conversion.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"

#define BUFFER_SIZE (64 * 1024)

typedef struct ConversionReader
{
	EtlReader base;
	EtlReader *source;
	Oid function;
	int encoding;
	bool at_eof;	 /* the source has no more */
	bool ended;		 /* nor have we */
	uint64 position; /* bytes of the file that are converted */
	size_t in_len;
	size_t ready; /* what is converted and not read yet: of out */
	size_t ready_end;
	char in[BUFFER_SIZE];
	char out[BUFFER_SIZE * MAX_CONVERSION_GROWTH + 1];
} ConversionReader;

typedef struct ConversionWriter
{
	EtlWriter base;
	EtlWriter *target;
	Oid function;
	int encoding;
	char out[ETL_CONVERSION_WRITER_BYTES + 1];
} ConversionWriter;

static Oid
function_get(int from, int to)
{
	Oid function = FindDefaultConversionProc(from, to);

	if (!OidIsValid(function))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_FUNCTION),
				errmsg("default conversion function for encoding \"%s\" to \"%s\" does not exist",
					   pg_encoding_to_char(from), pg_encoding_to_char(to)));
	return function;
}

int
conversion_encoding_read(const char *name)
{
	int encoding = pg_char_to_encoding(name);
	int database = GetDatabaseEncoding();

	if (encoding < 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown encoding \"%s\"", name),
				errhint("The encodings are those that PostgreSQL knows, and for loading utf16, utf16le and utf16be."));
	/* bytes that are the database's */
	if (encoding == PG_SQL_ASCII)
		encoding = database;
	if (encoding == PG_UTF8 || encoding == PG_SQL_ASCII)
		return 0;
	if (database != PG_UTF8 && database != encoding)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("encoding \"%s\" is not supported in a database whose encoding is \"%s\"", name,
					   GetDatabaseEncodingName()),
				errhint("Files may be in UTF-8 or in the database's encoding."));
	return encoding;
}

static void
pg_attribute_noreturn() wrong(const ConversionReader *reader)
{
	const char *next = reader->in;
	int len = pg_encoding_verifymbchar(reader->encoding, next, reader->in_len);
	bool valid = len > 0 && *next != '\0';
	EtlError error;
	StringInfoData bytes;

	if (len <= 0)
		len = Min(pg_encoding_mblen(reader->encoding, next), reader->in_len);
	initStringInfo(&bytes);
	for (int i = 0; i < len; i++)
		appendStringInfo(&bytes, " 0x%02x", (unsigned char) next[i]);
	etl_error_set(&error, valid ? ERRCODE_UNTRANSLATABLE_CHARACTER : ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
				  "object \"%s\" is not in the encoding that was said", reader->base.name);
	etl_error_detail(&error, "It has%s, which %s %s (byte " UINT64_FORMAT ").", bytes.data,
					 valid ? "has no equivalent in" : "is no character of",
					 valid ? "UTF8" : pg_encoding_to_char(reader->encoding), reader->position + 1);
	etl_error_hint(&error, "See the option ENCODING.");
	etl_error_raise(&error);
}

/* Convert more. Nothing is ready, and neither the end has been reached. */
static void
convert(ConversionReader *reader)
{
	int converted;

	CHECK_FOR_INTERRUPTS();
	if (!reader->at_eof)
	{
		size_t n = reader->source->read(reader->source, reader->in + reader->in_len, BUFFER_SIZE - reader->in_len);

		reader->at_eof = n == 0;
		reader->in_len += n;
	}
	converted = pg_do_encoding_conversion_buf(reader->function, reader->encoding, PG_UTF8, (unsigned char *) reader->in,
											  (int) reader->in_len, (unsigned char *) reader->out, sizeof(reader->out),
											  true);
	/* a character may be cut by the end of what is there */
	if (converted == 0 && reader->in_len > 0 && (reader->at_eof || reader->in_len >= MAX_CONVERSION_INPUT_LENGTH))
		wrong(reader);
	reader->ready = 0;
	reader->ready_end = strlen(reader->out);
	reader->position += converted;
	reader->in_len -= converted;
	memmove(reader->in, reader->in + converted, reader->in_len);
	reader->ended = reader->at_eof && reader->in_len == 0;
}

static size_t
reader_read(EtlReader *self, char *buf, size_t size)
{
	ConversionReader *reader = (ConversionReader *) self;
	size_t n;

	while (reader->ready == reader->ready_end && !reader->ended)
		convert(reader);
	n = Min(size, reader->ready_end - reader->ready);
	memcpy(buf, reader->out + reader->ready, n);
	reader->ready += n;
	return n;
}

static void
reader_close(EtlReader *self)
{
	ConversionReader *reader = (ConversionReader *) self;

	reader->source->close(reader->source);
	pfree(reader);
}

EtlReader *
conversion_reader(EtlReader *source, int encoding)
{
	ConversionReader *reader = palloc(sizeof(ConversionReader));

	memset(reader, 0, offsetof(ConversionReader, in));
	reader->base = (EtlReader){.read = reader_read, .close = reader_close, .name = source->name};
	reader->source = source;
	reader->encoding = encoding;
	reader->function = function_get(encoding, PG_UTF8);
	return &reader->base;
}

static void
writer_write(EtlWriter *self, const char *buf, size_t size)
{
	ConversionWriter *writer = (ConversionWriter *) self;

	while (size > 0)
	{
		const int limit = ETL_CONVERSION_WRITER_BYTES / MAX_CONVERSION_GROWTH;
		int len = pg_encoding_mbcliplen(PG_UTF8, buf, (int) Min(size, limit + 1), limit);

		if (len == 0) /* no whole character */
			report_invalid_encoding(PG_UTF8, buf, (int) Min(size, limit));
		/* raises for a character that the encoding doesn't have */
		(void) pg_do_encoding_conversion_buf(writer->function, PG_UTF8, writer->encoding, (unsigned char *) buf, len,
											 (unsigned char *) writer->out, sizeof(writer->out), false);
		writer->target->write(writer->target, writer->out, strlen(writer->out));
		buf += len;
		size -= len;
	}
}

static void
writer_finish(EtlWriter *self)
{
	ConversionWriter *writer = (ConversionWriter *) self;

	writer->target->finish(writer->target);
}

static void
writer_abort(EtlWriter *self)
{
	ConversionWriter *writer = (ConversionWriter *) self;

	writer->target->abort(writer->target);
}

EtlWriter *
conversion_writer(EtlWriter *target, int encoding)
{
	ConversionWriter *writer = palloc(sizeof(ConversionWriter));

	memset(writer, 0, offsetof(ConversionWriter, out));
	writer->base =
		(EtlWriter){.write = writer_write, .finish = writer_finish, .abort = writer_abort, .name = target->name};
	writer->target = target;
	writer->encoding = encoding;
	writer->function = function_get(PG_UTF8, encoding);
	return &writer->base;
}

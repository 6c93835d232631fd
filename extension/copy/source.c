/*
 * source.c
 *		The files a load reads, as rows. See source.h.
 *
 * Every file is read as the listing saw it (its ETag is asked for), so a load never mixes two versions of one object.
 * Each has a memory context of its own that holds its stream and its parser.
 */
#include "postgres.h"

#include "copy/source.h"
#include "store/codec.h"
#include "utils/memutils.h"

#define SOURCE_BUFFER_SIZE 65536

struct EtlLoadSource
{
	const EtlLoadOptions *options;
	EtlDelimitedOptions dialect;
	EtlStore *store;
	char *bucket;
	EtlLoadFile *files;
	int file_count;
	int file_capacity;
	uint64 bytes;
	int current;			 /* file that is read; file_count at the end */
	int64 line;				 /* last row's, over all files */
	bool fetching;
	MemoryContext context;	 /* of the whole load */
	MemoryContext file_context;
	EtlReader *stream; /* NULL: no file is open */
	EtlRecordReader *parser;
	char buf[SOURCE_BUFFER_SIZE];
};

static bool
source_add_file(const EtlObject *object, void *arg)
{
	EtlLoadSource *source = arg;
	MemoryContext old = MemoryContextSwitchTo(source->context);
	EtlLoadFile *file;

	if (source->file_count == source->file_capacity)
	{
		source->file_capacity *= 2;
		source->files = repalloc_huge(source->files, source->file_capacity * sizeof(EtlLoadFile));
	}
	file = &source->files[source->file_count++];
	file->key = pstrdup(object->key);
	file->uri = store_uri_format(source->bucket, object->key);
	file->etag = pstrdup(object->etag);
	file->size = object->size;
	file->first_line = 0;
	source->bytes += object->size;
	MemoryContextSwitchTo(old);
	return true;
}

EtlLoadSource *
load_source_open(const char *uri, const EtlLoadOptions *options)
{
	EtlLoadSource *source = palloc0(sizeof(EtlLoadSource));
	bool csv = options->format == ETL_COPY_CSV;
	EtlUri parsed;
	EtlError error;

	source->context = CurrentMemoryContext;
	source->options = options;
	source->dialect.delimiter = options->delimiter;
	source->dialect.delimiter_len = strlen(options->delimiter);
	source->dialect.quote = csv ? options->quote[0] : '\0';
	source->dialect.escape = options->escape ? '\\' : '\0';
	source->dialect.surrounding_quotes = options->remove_quotes;
	source->dialect.null_string = options->null;
	source->dialect.null_len = strlen(options->null);
	source->dialect.ignore_blank_lines = options->ignore_blank_lines;
	source->dialect.ignore_header = options->ignore_header;
	if (!delimited_options_check(&source->dialect, &error))
		etl_error_raise(&error);

	store_uri_parse(uri, &parsed);
	source->bucket = parsed.bucket;
	source->store = store_open_with(&options->access);
	source->file_capacity = 16;
	source->files = palloc(source->file_capacity * sizeof(EtlLoadFile));
	store_list(source->store, parsed.bucket, parsed.key, source_add_file, source);
	if (source->file_count == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_FILE), errmsg("no object's key starts with \"%s\"", uri),
				errhint("Check the bucket and the prefix; letter case counts."));
	source->file_context = AllocSetContextCreate(source->context, "pg_etl load file", ALLOCSET_DEFAULT_SIZES);
	return source;
}

static void
source_open_file(EtlLoadSource *source)
{
	EtlLoadFile *file = &source->files[source->current];
	MemoryContext old = MemoryContextSwitchTo(source->file_context);

	file->first_line = source->line;
	source->stream = codec_reader(store_read(source->store, source->bucket, file->key, 0, 0, file->etag),
								  source->options->codec);
	source->parser = delimited_reader_create(&source->dialect);
	MemoryContextSwitchTo(old);
}

static void
source_close_file(EtlLoadSource *source)
{
	source->stream->close(source->stream);
	source->stream = NULL;
	MemoryContextReset(source->file_context);
	source->current++;
}

static void
source_feed(EtlLoadSource *source)
{
	MemoryContext old = MemoryContextSwitchTo(source->file_context);
	size_t n = source->stream->read(source->stream, source->buf, sizeof(source->buf));

	source->parser->feed(source->parser, source->buf, n, n == 0);
	MemoryContextSwitchTo(old);
}

bool
load_source_next(EtlLoadSource *source, EtlRecord *row)
{
	source->fetching = true;
	while (source->current < source->file_count)
	{
		EtlError error;
		EtlRecordStatus status = ETL_RECORD_NEED_MORE;

		if (source->stream == NULL)
			source_open_file(source);
		else
			status = source->parser->next(source->parser, row, &error);
		switch (status)
		{
			case ETL_RECORD_NEED_MORE:
				source_feed(source);
				break;
			case ETL_RECORD_END:
				source_close_file(source);
				break;
			case ETL_RECORD_ROW:
				source->line = source->files[source->current].first_line + row->line;
				source->fetching = false;
				return true;
			case ETL_RECORD_ERROR:
				source->line = source->files[source->current].first_line + row->line;
				source->fetching = false;
				etl_error_raise(&error);
		}
	}
	source->fetching = false;
	return false;
}

int64
load_source_line(const EtlLoadSource *source)
{
	return source->line;
}

const EtlLoadFile *
load_source_file(const EtlLoadSource *source, int64 line)
{
	int i = Min(source->current, source->file_count - 1);

	while (i > 0 && source->files[i].first_line >= line)
		i--;
	return &source->files[i];
}

bool
load_source_fetching(const EtlLoadSource *source)
{
	return source->fetching;
}

int
load_source_file_count(const EtlLoadSource *source)
{
	return source->file_count;
}

const EtlLoadFile *
load_source_files(const EtlLoadSource *source)
{
	return source->files;
}

uint64
load_source_bytes(const EtlLoadSource *source)
{
	return source->bytes;
}

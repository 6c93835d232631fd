/*
 * target.c
 *		The files an unload writes. See target.h.
 *
 * Names are Redshift's: <prefix>0000_part_00, _part_01 …, as its first slice would write them, or with PARALLEL OFF
 * <prefix>000, 001 …; then the extension. A row never spans two files.
 */
#include "postgres.h"

#include "copy/conversion.h"
#include "copy/target.h"
#include "copy/unload_manifest.h"
#include "store/codec.h"
#include "utils/memutils.h"

#define BLOCK_SIZE (256 * 1024)			 /* written at a time */
#define BLOCK_SIZE_OF_SEVERAL (64 * 1024) /* where several series are open */
#define SERIES_MEMORY (64 * 1024 * 1024) /* for all that are open */
#define MAX_SERIES 256

/* Counts what reaches the object, which compression makes less than what was written. */
typedef struct CountingWriter
{
	EtlWriter base;
	EtlWriter *target;
	uint64 bytes;
} CountingWriter;

struct EtlUnloadTarget
{
	const EtlUnloadOptions *options;
	EtlStore *store;
	EtlUri uri;
	uint64 mark; /* what was staged before this unload */
	bool replaces;
	bool vacant; /* there was no object at all under the prefix */
	char *header;
	size_t header_len;
	int block_size;
	EtlTransferFile *files;
	int file_count;
	int files_size;
	char **folders; /* of the series that were opened */
	int folder_count;
	int folders_size;
	MemoryContext context;
};

struct EtlUnloadSeries
{
	EtlUnloadTarget *target;
	char *folder;
	StringInfoData buf; /* of the open file, not written yet */
	int row_start;		/* of the last row in it */
	int file_count;
	int file;				 /* the open one: which of the target's */
	EtlWriter *writer;		 /* NULL: none is open */
	CountingWriter *counter; /* the lowest layer of writer */
	MemoryContext context;
	MemoryContext file_context;
};

static void
counting_write(EtlWriter *self, const char *buf, size_t size)
{
	CountingWriter *counter = (CountingWriter *) self;

	counter->target->write(counter->target, buf, size);
	counter->bytes += size;
}

static void
counting_finish(EtlWriter *self)
{
	CountingWriter *counter = (CountingWriter *) self;

	counter->target->finish(counter->target);
}

static void
counting_abort(EtlWriter *self)
{
	CountingWriter *counter = (CountingWriter *) self;

	counter->target->abort(counter->target);
}

/* ---- names ---- */

static char *
target_file_key(const EtlUnloadTarget *target, const char *folder, int number)
{
	const EtlUnloadOptions *options = target->options;
	const char *extension;

	if (options->single)
		return number == 0 ? target->uri.key : psprintf("%s_part%d", target->uri.key, number + 1);
	extension = options->extension != NULL ? options->extension : codec_extension(options->codec);
	return psprintf(options->serial ? "%s%s%03d%s%s" : "%s%s0000_part_%02d%s%s", target->uri.key, folder, number,
					extension[0] == '\0' || extension[0] == '.' ? "" : ".", extension);
}

static char *
target_manifest_key(const EtlUnloadTarget *target)
{
	return psprintf("%smanifest", target->uri.key);
}

/* Publishing checks it again; this is to refuse before more is done in vain, and with the remedy. */
static void
target_check_free(const EtlUnloadTarget *target, const char *key)
{
	EtlObject object;

	if (!target->replaces && !target->vacant && store_head(target->store, target->uri.bucket, key, &object))
		ereport(ERROR, errcode(ERRCODE_DUPLICATE_FILE),
				errmsg("object \"%s\" already exists", store_uri_format(target->uri.bucket, key)),
				errhint("Use ALLOWOVERWRITE to replace it, or unload to another prefix."));
}

static EtlWriter *
target_stage(EtlUnloadTarget *target, const char *key)
{
	return store_stage(target->store, target->uri.bucket, key, !target->replaces);
}

/* ---- files ---- */

static void
target_add_file(EtlUnloadTarget *target, const char *key)
{
	if (target->file_count == target->files_size)
	{
		target->files_size = Max(16, target->files_size * 2);
		target->files = target->files == NULL
							? MemoryContextAlloc(target->context, target->files_size * sizeof(EtlTransferFile))
							: repalloc_huge(target->files, target->files_size * sizeof(EtlTransferFile));
	}
	target->files[target->file_count++] =
		(EtlTransferFile){.uri = MemoryContextStrdup(target->context, store_uri_format(target->uri.bucket, key))};
}

static void
series_open_file(EtlUnloadSeries *series)
{
	EtlUnloadTarget *target = series->target;
	MemoryContext old = MemoryContextSwitchTo(series->file_context);
	char *key = target_file_key(target, series->folder, series->file_count);
	CountingWriter *counter = palloc0(sizeof(CountingWriter));

	target_check_free(target, key);
	counter->base.write = counting_write;
	counter->base.finish = counting_finish;
	counter->base.abort = counting_abort;
	counter->target = target_stage(target, key);
	counter->base.name = counter->target->name;
	series->counter = counter;
	series->writer = codec_writer(&counter->base, target->options->codec);
	if (target->options->conversion != 0)
		series->writer = conversion_writer(series->writer, target->options->conversion);
	series->file = target->file_count;
	target_add_file(target, key);
	series->file_count++;
	MemoryContextSwitchTo(old);
	appendBinaryStringInfo(&series->buf, target->header, target->header_len);
}

static void
series_flush(EtlUnloadSeries *series)
{
	MemoryContext old = MemoryContextSwitchTo(series->file_context);

	if (series->buf.len > 0)
		series->writer->write(series->writer, series->buf.data, series->buf.len);
	resetStringInfo(&series->buf);
	series->row_start = 0;
	MemoryContextSwitchTo(old);
}

static void
series_close_file(EtlUnloadSeries *series)
{
	EtlTransferFile *file = &series->target->files[series->file];
	MemoryContext old;

	series_flush(series);
	old = MemoryContextSwitchTo(series->file_context);
	series->writer->finish(series->writer);
	MemoryContextSwitchTo(old);
	series->writer = NULL;
	file->bytes = (int64) series->counter->bytes;
	MemoryContextReset(series->file_context);
}

/* The last row is the first of the next file. */
static void
series_split(EtlUnloadSeries *series)
{
	int len = series->buf.len - series->row_start;
	char *row = palloc(len);

	memcpy(row, series->buf.data + series->row_start, len);
	series->buf.len = series->row_start;
	series_close_file(series);
	series_open_file(series);
	appendBinaryStringInfo(&series->buf, row, len);
	pfree(row);
}

StringInfo
unload_series_row(EtlUnloadSeries *series)
{
	if (series->writer == NULL)
		series_open_file(series);
	series->row_start = series->buf.len;
	return &series->buf;
}

/* What an encoder may have taken and not written yet, compressed: of bzip2 a block, of the others what they collect. */
static int
codec_backlog(EtlCodec codec)
{
	switch (codec)
	{
		case ETL_CODEC_GZIP:
			return 80 * 1024;
		case ETL_CODEC_BZIP2:
			return 900 * 1000 + 16 * 1024;
		case ETL_CODEC_ZSTD:
			return 132 * 1024;
		default:
			return 0;
	}
}

/* How large the open file may have become when it is finished, with all that is in the buffer. */
static uint64
series_file_size(const EtlUnloadSeries *series)
{
	const EtlUnloadOptions *options = series->target->options;
	/* Of the characters of UTF-8 that another encoding has none takes more than twice as many bytes there. */
	uint64 buffered = options->conversion == 0 ? series->buf.len : UINT64CONST(2) * series->buf.len;
	uint64 size = series->counter->bytes + codec_backlog(options->codec) + buffered;

	/* What can't be compressed gets longer. */
	return options->codec == ETL_CODEC_NONE ? size : size + buffered / 64;
}

void
unload_series_row_end(EtlUnloadSeries *series)
{
	EtlUnloadTarget *target = series->target;

	if (target->files[series->file].rows > 0 && series_file_size(series) > target->options->max_file_size)
		series_split(series);
	target->files[series->file].rows++;
	if (series->buf.len >= target->block_size)
		series_flush(series);
}

static void
target_add_folder(EtlUnloadTarget *target, char *folder)
{
	if (target->folder_count == target->folders_size)
	{
		target->folders_size *= 2;
		target->folders = repalloc_huge(target->folders, target->folders_size * sizeof(char *));
	}
	target->folders[target->folder_count++] = folder;
}

EtlUnloadSeries *
unload_series_open(EtlUnloadTarget *target, const char *folder)
{
	MemoryContext context =
		AllocSetContextCreate(target->context, "pg_etl unload series", ALLOCSET_SMALL_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	EtlUnloadSeries *series = palloc0(sizeof(EtlUnloadSeries));

	series->target = target;
	series->context = context;
	series->file_context = AllocSetContextCreate(context, "pg_etl unload file", ALLOCSET_DEFAULT_SIZES);
	series->folder = MemoryContextStrdup(target->context, folder);
	initStringInfo(&series->buf);
	enlargeStringInfo(&series->buf, target->block_size);
	MemoryContextSwitchTo(old);
	target_add_folder(target, series->folder);
	/* A query without rows leaves an empty file of text, and none of JSON, where it would be no value. */
	if (target->options->partition_by == NIL && target->options->format != ETL_COPY_JSON)
		series_open_file(series);
	return series;
}

void
unload_series_close(EtlUnloadSeries *series)
{
	if (series->writer != NULL)
		series_close_file(series);
	MemoryContextDelete(series->context);
}

/* What an encoder holds while its file is open. */
static int
codec_memory(EtlCodec codec)
{
	switch (codec)
	{
		case ETL_CODEC_GZIP:
			return 512 * 1024;
		case ETL_CODEC_BZIP2:
			return 8 * 1024 * 1024;
		case ETL_CODEC_ZSTD:
			return 4 * 1024 * 1024;
		default:
			return 0;
	}
}

int
unload_target_max_series(const EtlUnloadTarget *target)
{
	int each = 2 * target->block_size + codec_memory(target->options->codec) +
			   (target->options->conversion != 0 ? ETL_CONVERSION_WRITER_BYTES : 0);

	return Min(MAX_SERIES, SERIES_MEMORY / each);
}

/* ---- the target ---- */

EtlUnloadTarget *
unload_target_open(const char *uri, const EtlUnloadOptions *options)
{
	EtlUnloadTarget *target = palloc0(sizeof(EtlUnloadTarget));

	target->context = CurrentMemoryContext;
	target->options = options;
	target->replaces = options->allow_overwrite || options->clean_path;
	target->block_size = options->partition_by != NIL ? BLOCK_SIZE_OF_SEVERAL : BLOCK_SIZE;
	target->header = "";
	store_uri_parse(uri, &target->uri);
	/* Partitions are folders: the prefix is one, too. */
	if (options->partition_by != NIL && target->uri.key[0] != '\0' &&
		target->uri.key[strlen(target->uri.key) - 1] != '/')
		target->uri.key = psprintf("%s/", target->uri.key);
	/* Also if there will be none: what isn't partitioned has no folders for CLEANPATH, which removes all then. */
	target->folders_size = 16;
	target->folders = palloc(target->folders_size * sizeof(char *));
	target->store = store_open_with(&options->access);
	store_settle(target->uri.bucket, target->uri.key);
	if (options->encrypted)
	{
		target->store->server->encryption = pstrdup("aws:kms");
		target->store->server->kms_key_id = options->kms_key_id;
	}
	target->mark = store_stage_mark();
	return target;
}

static bool
see_one(const EtlObject *object, void *arg)
{
	*(bool *) arg = false;
	return false;
}

void
unload_target_start(EtlUnloadTarget *target, const char *header, size_t len)
{
	const EtlUnloadOptions *options = target->options;

	target->header = MemoryContextAlloc(target->context, len + 1);
	memcpy(target->header, header, len);
	target->header_len = len;
	/* Where nothing is, nobody needs to look for each of a thousand partitions. */
	if (options->partition_by != NIL && !target->replaces)
	{
		EtlListing listing = {.prefix = target->uri.key, .before_put = true};
		bool vacant = true;

		store_list_some(target->store, target->uri.bucket, &listing, see_one, &vacant);
		target->vacant = vacant;
	}
	if (options->manifest)
		target_check_free(target, target_manifest_key(target));
	if (options->partition_by == NIL && options->format == ETL_COPY_JSON)
		target_check_free(target, target_file_key(target, "", 0));
}

void
unload_target_finish(EtlUnloadTarget *target, TupleDesc columns)
{
	const EtlUnloadOptions *options = target->options;

	if (options->manifest)
	{
		StringInfoData text;
		EtlWriter *writer = target_stage(target, target_manifest_key(target));

		initStringInfo(&text);
		unload_manifest_write(&text, target->files, target->file_count, target->header_len > 0,
					   options->manifest_verbose ? columns : NULL);
		writer->write(writer, text.data, text.len);
		writer->finish(writer);
	}
	if (options->clean_path)
		store_stage_clean(target->store, target->uri.bucket, target->uri.key,
						  options->partition_by != NIL ? target->folders : NULL, target->folder_count, target->mark);
}

const EtlTransferFile *
unload_target_files(const EtlUnloadTarget *target, int *count)
{
	*count = target->file_count;
	return target->files;
}

/*
 * target.c
 *		The files an unload writes. See target.h.
 *
 * Names are Redshift's: <prefix>0000_part_00, _part_01 …, as its first slice would write them, or with PARALLEL OFF
 * <prefix>000, 001 …; then the extension. A row never spans two files.
 */
#include "postgres.h"

#include "copy/target.h"
#include "store/codec.h"
#include "utils/json.h"
#include "utils/memutils.h"

#define TARGET_BUFFER_SIZE 65536

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
	char *header;
	size_t header_len;
	StringInfoData buf;		 /* of the open file, not written yet */
	EtlWriter *writer;		 /* NULL: no file is open */
	CountingWriter *counter; /* the lowest layer of writer */
	bool has_rows;			 /* the open file has */
	int file_count;
	uint64 bytes; /* of the files that are finished */
	StringInfoData manifest;
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

static char *
target_file_key(const EtlUnloadTarget *target, int number)
{
	const EtlUnloadOptions *options = target->options;
	const char *extension;

	if (options->single)
		return number == 0 ? target->uri.key : psprintf("%s_part%d", target->uri.key, number + 1);
	extension = options->extension != NULL ? options->extension : codec_extension(options->codec);
	return psprintf(options->serial ? "%s%03d%s%s" : "%s0000_part_%02d%s%s", target->uri.key, number,
					extension[0] == '\0' ? "" : ".", extension);
}

static char *
target_manifest_key(const EtlUnloadTarget *target)
{
	return psprintf("%smanifest", target->uri.key);
}

/* Publishing checks it again; this is to refuse before the query is run, and with the remedy. */
static void
target_check_free(const EtlUnloadTarget *target, const char *key)
{
	EtlObject object;

	if (!target->options->allow_overwrite && store_head(target->store, target->uri.bucket, key, &object))
		ereport(ERROR, errcode(ERRCODE_DUPLICATE_FILE),
				errmsg("object \"%s\" already exists", store_uri_format(target->uri.bucket, key)),
				errhint("Use ALLOWOVERWRITE to replace it, or unload to another prefix."));
}

static EtlWriter *
target_stage(EtlUnloadTarget *target, const char *key)
{
	target_check_free(target, key);
	return store_stage(target->store, target->uri.bucket, key, !target->options->allow_overwrite);
}

static void
target_open_file(EtlUnloadTarget *target)
{
	MemoryContext old = MemoryContextSwitchTo(target->file_context);
	char *key = target_file_key(target, target->file_count);
	CountingWriter *counter = palloc0(sizeof(CountingWriter));

	counter->base.write = counting_write;
	counter->base.finish = counting_finish;
	counter->base.abort = counting_abort;
	counter->target = target_stage(target, key);
	counter->base.name = counter->target->name;
	target->counter = counter;
	target->writer = codec_writer(&counter->base, target->options->codec);
	target->has_rows = false;
	MemoryContextSwitchTo(target->context);
	appendStringInfoString(&target->manifest, target->file_count == 0 ? "\n    {\"url\":" : ",\n    {\"url\":");
	escape_json(&target->manifest, store_uri_format(target->uri.bucket, key));
	appendStringInfoChar(&target->manifest, '}');
	MemoryContextSwitchTo(old);
	target->file_count++;
	appendBinaryStringInfo(&target->buf, target->header, target->header_len);
}

static void
target_flush(EtlUnloadTarget *target)
{
	MemoryContext old = MemoryContextSwitchTo(target->file_context);

	if (target->buf.len > 0)
		target->writer->write(target->writer, target->buf.data, target->buf.len);
	resetStringInfo(&target->buf);
	MemoryContextSwitchTo(old);
}

static void
target_close_file(EtlUnloadTarget *target)
{
	MemoryContext old;

	target_flush(target);
	old = MemoryContextSwitchTo(target->file_context);
	target->writer->finish(target->writer);
	MemoryContextSwitchTo(old);
	target->writer = NULL;
	target->bytes += target->counter->bytes;
	MemoryContextReset(target->file_context);
}

EtlUnloadTarget *
unload_target_open(const char *uri, const EtlUnloadOptions *options)
{
	EtlUnloadTarget *target = palloc0(sizeof(EtlUnloadTarget));

	target->context = CurrentMemoryContext;
	target->file_context = AllocSetContextCreate(target->context, "pg_etl unload file", ALLOCSET_DEFAULT_SIZES);
	target->options = options;
	store_uri_parse(uri, &target->uri);
	target->store = store_open_with(&options->access);
	target->header = "";
	initStringInfo(&target->buf);
	initStringInfo(&target->manifest);
	return target;
}

void
unload_target_start(EtlUnloadTarget *target, const char *header, size_t len)
{
	target->header = MemoryContextAlloc(target->context, len + 1);
	memcpy(target->header, header, len);
	target->header_len = len;
	if (target->options->manifest)
		target_check_free(target, target_manifest_key(target));
	target_open_file(target);
}

void
unload_target_write(EtlUnloadTarget *target, const char *row, size_t len)
{
	if (target->has_rows && target->counter->bytes + target->buf.len + len > target->options->max_file_size)
	{
		target_close_file(target);
		target_open_file(target);
	}
	target->has_rows = true;
	appendBinaryStringInfo(&target->buf, row, len);
	if (target->buf.len >= TARGET_BUFFER_SIZE)
		target_flush(target);
}

static void
target_write_manifest(EtlUnloadTarget *target)
{
	char *text = psprintf("{\n  \"entries\": [%s\n  ]\n}\n", target->manifest.data);
	EtlWriter *writer = target_stage(target, target_manifest_key(target));

	writer->write(writer, text, strlen(text));
	writer->finish(writer);
}

void
unload_target_finish(EtlUnloadTarget *target)
{
	target_close_file(target);
	if (target->options->manifest)
		target_write_manifest(target);
}

int
unload_target_file_count(const EtlUnloadTarget *target)
{
	return target->file_count;
}

uint64
unload_target_bytes(const EtlUnloadTarget *target)
{
	return target->bytes;
}

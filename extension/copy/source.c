/*
 * source.c
 *		The files a load reads. See source.h.
 */
#include "postgres.h"

#include "copy/source.h"
#include "store/store.h"
#include "utils/memutils.h"

struct EtlLoadSource
{
	EtlStore *store;
	char *bucket;
	EtlLoadFile *files;
	int file_count;
	int file_capacity;
	int next;
	uint64 bytes;
	MemoryContext context;
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
	file->bucket = source->bucket;
	file->key = pstrdup(object->key);
	file->uri = store_uri_format(source->bucket, object->key);
	file->etag = pstrdup(object->etag);
	file->size = object->size;
	source->bytes += object->size;
	MemoryContextSwitchTo(old);
	return true;
}

EtlLoadSource *
load_source_open(const char *uri, const EtlLoadOptions *options)
{
	EtlLoadSource *source = palloc0(sizeof(EtlLoadSource));
	EtlUri parsed;

	source->context = CurrentMemoryContext;
	store_uri_parse(uri, &parsed);
	source->bucket = parsed.bucket;
	source->store = store_open_with(&options->access);
	source->file_capacity = 16;
	source->files = palloc(source->file_capacity * sizeof(EtlLoadFile));
	store_list(source->store, parsed.bucket, parsed.key, source_add_file, source);
	if (source->file_count == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_FILE), errmsg("no object's key starts with \"%s\"", uri),
				errhint("Check the bucket and the prefix; letter case counts."));
	return source;
}

int
load_source_file_count(const EtlLoadSource *source)
{
	return source->file_count;
}

const EtlLoadFile *
load_source_file(const EtlLoadSource *source, int i)
{
	return &source->files[i];
}

uint64
load_source_bytes(const EtlLoadSource *source)
{
	return source->bytes;
}

EtlReader *
load_source_next(EtlLoadSource *source, int *file)
{
	MemoryContext old;
	EtlReader *reader;

	if (source->next == source->file_count)
		return NULL;
	old = MemoryContextSwitchTo(source->context);
	*file = source->next++;
	reader = store_read(source->store, source->bucket, source->files[*file].key, 0, 0, source->files[*file].etag);
	MemoryContextSwitchTo(old);
	return reader;
}

/*
 * source.c
 *		The files a load reads. See source.h.
 *
 * Every file is read as it was found (its ETag is asked for), so a load never mixes two versions of one object.
 */
#include "postgres.h"

#include "copy/load_manifest.h"
#include "copy/source.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/read_many.h"
#include "store/store.h"
#include "utils/memutils.h"

#define MANIFEST_BYTES (16 * 1024 * 1024)

struct EtlLoadSource
{
	EtlStore *store;
	EtlLoadFile *files;
	int file_count;
	int file_capacity;
	uint64 bytes;
	char *bucket; /* whose objects are being found */
	int next;
	EtlReadMany *many; /* of the bucket of the file that was read last; NULL: none was */
	int asked;		   /* files that were added to it, or read */
	MemoryContext context;
};

static void
source_add_file(EtlLoadSource *source, char *bucket, const EtlObject *object)
{
	MemoryContext old = MemoryContextSwitchTo(source->context);
	EtlLoadFile *file;

	if (source->file_count == source->file_capacity)
	{
		source->file_capacity = Max(source->file_capacity * 2, 16);
		source->files = source->files == NULL
							? palloc(source->file_capacity * sizeof(EtlLoadFile))
							: repalloc_huge(source->files, source->file_capacity * sizeof(EtlLoadFile));
	}
	file = &source->files[source->file_count++];
	file->bucket = bucket;
	file->key = pstrdup(object->key);
	file->uri = store_uri_format(bucket, object->key);
	file->etag = pstrdup(object->etag);
	file->size = object->size;
	source->bytes += object->size;
	MemoryContextSwitchTo(old);
}

static bool
source_add_listed(const EtlObject *object, void *arg)
{
	EtlLoadSource *source = arg;

	source_add_file(source, source->bucket, object);
	return true;
}

static void
source_list(EtlLoadSource *source, const char *uri)
{
	EtlUri parsed;

	store_uri_parse(uri, &parsed);
	source->bucket = parsed.bucket;
	store_list(source->store, parsed.bucket, parsed.key, source_add_listed, source);
	if (source->file_count == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_FILE), errmsg("no object's key starts with \"%s\"", uri),
				errhint("Check the bucket and the prefix; letter case counts."));
}

static void
source_find(EtlLoadSource *source, const char *uri)
{
	EtlObject object;
	EtlUri parsed;

	store_uri_parse(uri, &parsed);
	store_require_key(parsed.bucket, parsed.key);
	if (!store_head(source->store, parsed.bucket, parsed.key, &object))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_FILE), errmsg("object \"%s\" does not exist", uri),
				errhint("Check the bucket and the key; letter case counts."));
	object.key = parsed.key;
	source_add_file(source, parsed.bucket, &object);
}

static void
source_read_manifest(EtlLoadSource *source, const char *uri)
{
	List *entries = load_manifest_parse(uri, load_source_text(source, uri, MANIFEST_BYTES));
	ListCell *lc;

	foreach (lc, entries)
	{
		EtlManifestEntry *entry = lfirst(lc);
		EtlObject object;

		CHECK_FOR_INTERRUPTS();
		if (!store_head(source->store, entry->uri.bucket, entry->uri.key, &object))
		{
			if (!entry->mandatory)
				continue;
			ereport(
				ERROR, errcode(ERRCODE_UNDEFINED_FILE),
				errmsg("object \"%s\" does not exist", store_uri_format(entry->uri.bucket, entry->uri.key)),
				errdetail("Manifest \"%s\" lists it as mandatory.", uri));
		}
		if (entry->content_length >= 0 && (uint64) entry->content_length != object.size)
			ereport(ERROR, errcode(ERRCODE_DATA_CORRUPTED),
					errmsg("object \"%s\" is not the one that manifest \"%s\" lists",
						   store_uri_format(entry->uri.bucket, entry->uri.key), uri),
					errdetail("It has " UINT64_FORMAT
							  " bytes, and in the manifest a content_length of " INT64_FORMAT ".",
							  object.size, entry->content_length));
		object.key = entry->uri.key;
		source_add_file(source, entry->uri.bucket, &object);
	}
	if (source->file_count == 0)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_FILE),
				errmsg("no object that manifest \"%s\" lists exists", uri),
				errdetail("It lists %d.", list_length(entries)));
}

/* Those that are asked for one by one. */
static void
source_add_named(EtlLoadSource *source, const char *uri, List *files)
{
	EtlUri parsed;
	ListCell *lc;

	store_uri_parse(uri, &parsed);
	foreach (lc, files)
	{
		char *etag = pstrdup(lfirst(lc));
		char *size = strchr(etag, ' ');
		char *key = size == NULL ? NULL : strchr(size + 1, ' ');
		EtlObject object = {.etag = etag};

		if (key == NULL || key[1] == '\0')
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("option \"files\" must be an array of \"ETAG SIZE KEY\""));
		*size = '\0';
		*key = '\0';
		object.size = strtoull(size + 1, NULL, 10);
		object.key = key + 1;
		source_add_file(source, parsed.bucket, &object);
		pfree(etag);
	}
}

EtlLoadSource *
load_source_open(const char *uri, const EtlLoadOptions *options)
{
	EtlLoadSource *source = palloc0(sizeof(EtlLoadSource));

	source->context = CurrentMemoryContext;
	source->store = store_open_with(&options->access);
	if (options->files != NIL)
		source_add_named(source, uri, options->files);
	else if (options->manifest)
		source_read_manifest(source, uri);
	else if (options->single)
		source_find(source, uri);
	else
		source_list(source, uri);
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

/* Ask for as many of the files that follow as may be asked for at a time; they are of one bucket. */
static void
source_ask(EtlLoadSource *source)
{
	const char *bucket = source->files[source->next].bucket;

	if (source->many != NULL && source->asked == source->next)
	{
		/* all that were asked for were read: the next may be of another bucket */
		read_many_end(source->many);
		source->many = NULL;
	}
	if (source->many == NULL)
		source->many = store_read_many(source->store, bucket);
	for (; source->asked < source->file_count; source->asked++)
	{
		EtlLoadFile *file = &source->files[source->asked];
		EtlObject object = {.key = file->key, .size = file->size, .etag = file->etag};

		if (strcmp(file->bucket, bucket) != 0 || !read_many_takes(source->many, &object))
			break;
		read_many_add(source->many, &object);
	}
}

EtlReader *
load_source_next(EtlLoadSource *source, int *file)
{
	MemoryContext old;
	EtlReader *reader;

	if (source->next == source->file_count)
		return NULL;
	old = MemoryContextSwitchTo(source->context);
	source_ask(source);
	*file = source->next++;
	reader = read_many_next(source->many);
	MemoryContextSwitchTo(old);
	return reader;
}

char *
load_source_text(EtlLoadSource *source, const char *uri, size_t cap)
{
	StringInfoData text;
	EtlUri parsed;
	EtlReader *reader;
	size_t n;

	store_uri_parse(uri, &parsed);
	store_require_key(parsed.bucket, parsed.key);
	initStringInfo(&text);
	reader = store_read(source->store, parsed.bucket, parsed.key, 0, 0, NULL);
	do
	{
		enlargeStringInfo(&text, 8192);
		n = reader->read(reader, text.data + text.len, text.maxlen - text.len - 1);
		text.len += (int) n;
		if (text.len > cap)
			ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED), errmsg("object \"%s\" is too large", uri),
					errdetail("It is read whole, and may have %zu bytes.", cap));
	} while (n > 0);
	text.data[text.len] = '\0';
	reader->close(reader);
	if (pg_encoding_verifymbstr(PG_UTF8, text.data, text.len) != text.len)
		ereport(ERROR, errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				errmsg("object \"%s\" is not UTF-8 text", uri));
	return text.data;
}

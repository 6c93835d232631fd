/*
 * s3.c
 *		The S3 driver: pages to objects, and credentials to every call. The protocol is aws/s3.h's.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "aws/s3_multipart.h"
#include "miscadmin.h"
#include "store/s3.h"
#include "store/s3_upload.h"
#include "utils/memutils.h"

static void
s3_list(EtlStore *store, const char *bucket, const char *prefix, EtlObjectVisitor visit, void *arg)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext contexts[2]; /* a page each: the token to the next outlives the page it came with */
	char *token = NULL;
	bool go_on = true;

	for (int i = 0; i < 2; i++)
		contexts[i] = AllocSetContextCreate(caller, "etl s3 listing", ALLOCSET_DEFAULT_SIZES);
	for (int n = 0; go_on; n++)
	{
		EtlS3Page page;

		MemoryContextReset(contexts[n % 2]);
		MemoryContextSwitchTo(contexts[n % 2]);
		s3_objects_list(store->server, store->credentials, bucket, prefix, token, &page);
		MemoryContextSwitchTo(caller);
		for (int i = 0; i < page.count && go_on; i++)
		{
			EtlObject object = {.key = page.objects[i].key,
								.size = page.objects[i].size,
								.etag = page.objects[i].etag,
								.last_modified = page.objects[i].last_modified};

			CHECK_FOR_INTERRUPTS();
			go_on = visit(&object, arg);
		}
		token = page.next_token;
		if (token == NULL)
			break;
	}
	for (int i = 0; i < 2; i++)
		MemoryContextDelete(contexts[i]);
}

static bool
s3_head(EtlStore *store, const char *bucket, const char *key, EtlObject *object)
{
	EtlS3Object found;

	if (!s3_object_head(store->server, store->credentials, bucket, key, &found))
		return false;
	object->key = pstrdup(key);
	object->size = found.size;
	object->etag = found.etag;
	object->last_modified = found.last_modified;
	return true;
}

static EtlReader *
s3_read(EtlStore *store, const char *bucket, const char *key, uint64 offset, uint64 length, const char *etag)
{
	return s3_object_read(store->server, store->credentials, bucket, key, offset, length, etag);
}

static char *
s3_put(EtlStore *store, const char *bucket, const char *key, const EtlHttpBody *body, bool must_not_exist)
{
	return s3_object_put(store->server, store->credentials, bucket, key, body, must_not_exist);
}

static bool
s3_remove(EtlStore *store, const char *bucket, const char *key)
{
	s3_object_delete(store->server, store->credentials, bucket, key);
	return true;
}

static void
s3_remove_many(EtlStore *store, const char *bucket, char *const *keys, int nkeys)
{
	s3_objects_delete(store->server, store->credentials, bucket, keys, nkeys);
}

static char *
s3_copy(EtlStore *store, const EtlUri *source, const EtlUri *target)
{
	EtlS3Object object;

	/* If it isn't there, reading it raises what S3 has to say; unless it came meanwhile: look again. */
	while (!s3_object_head(store->server, store->credentials, source->bucket, source->key, &object))
	{
		EtlReader *reader = s3_read(store, source->bucket, source->key, 0, 0, NULL);

		reader->close(reader);
	}
	if (object.size > S3_COPY_MAX_SIZE)
		return s3_upload_copy_object(store, source, object.etag, object.size, target);
	return s3_object_copy(store->server, store->credentials, source->bucket, source->key, object.etag,
						  target->bucket, target->key);
}

static EtlStorePut *
s3_put_start(EtlStore *store, const char *bucket, const char *key, const EtlHttpBody *body, bool must_not_exist)
{
	return (EtlStorePut *) s3_object_put_start(store->server, store->credentials, bucket, key, body,
											   must_not_exist);
}

static bool
s3_put_poll(EtlStorePut *put, EtlWait *wait)
{
	return s3_object_put_poll((EtlS3Put *) put, wait);
}

static char *
s3_put_find(EtlStorePut *put)
{
	return s3_object_put_find((EtlS3Put *) put);
}

const EtlStoreDriver store_s3_driver = {
	.name = "s3",
	.list = s3_list,
	.head = s3_head,
	.read = s3_read,
	.put = s3_put,
	.remove = s3_remove,
	.remove_many = s3_remove_many,
	.copy = s3_copy,
	.put_start = s3_put_start,
	.put_poll = s3_put_poll,
	.put_find = s3_put_find,
	.upload_begin = s3_upload_begin,
	.upload_part_size = s3_upload_next_size,
	.upload_parts = S3_PARTS_AT_A_TIME,
	.upload_send = s3_upload_parts,
	.upload_complete = s3_upload_finish,
	.upload_drop = s3_upload_drop,
};

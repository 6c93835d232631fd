/*
 * s3.c
 *		The S3 driver: pages to objects, and credentials to every call. The protocol is aws/s3.h's.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "miscadmin.h"
#include "store/s3.h"
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

	if (!s3_object_head(store->server, store->credentials, bucket, key, NULL, &found))
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
	return s3_object_read(
		store->server, store->credentials,
		&(EtlS3Source){.bucket = bucket, .key = key, .etag = etag, .offset = offset, .length = length});
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

const EtlStoreDriver store_s3_driver = {
	.name = "s3",
	.list = s3_list,
	.head = s3_head,
	.read = s3_read,
	.put = s3_put,
	.remove = s3_remove,
};

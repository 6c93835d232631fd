/*
 * s3.c
 *		The S3 driver: pages to objects, and credentials to every call. The protocol is aws/s3.h's.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "miscadmin.h"
#include "store/s3.h"

static EtlObject
object_from_s3(const EtlS3Object *object)
{
	return (EtlObject){.key = object->key,
					   .size = object->size,
					   .etag = object->etag,
					   .last_modified = object->last_modified,
					   .is_prefix = object->is_prefix,
					   .version = object->version,
					   .is_latest = object->is_latest,
					   .is_delete_marker = object->is_delete_marker};
}

static void
s3_list(EtlStore *store, const char *bucket, const EtlListing *what, EtlObjectVisitor visit, void *arg)
{
	EtlS3ListSource source = {.bucket = bucket,
							  .prefix = what->prefix,
							  .delimiter = what->delimiter,
							  .start_after = what->start_after,
							  .versions = what->versions};
	EtlS3Listing *listing = s3_listing_start(store->server, store->credentials, &source);
	EtlS3Page page;
	bool go_on = true;

	while (go_on && s3_listing_next(listing, &page))
		for (int i = 0; i < page.count && go_on; i++)
		{
			EtlObject object = object_from_s3(&page.objects[i]);

			CHECK_FOR_INTERRUPTS();
			go_on = visit(&object, arg);
		}
	s3_listing_end(listing);
}

static bool
s3_head(EtlStore *store, const char *bucket, const char *key, const char *version, EtlObject *object)
{
	EtlS3Object found;

	if (!s3_object_head(store->server, store->credentials, bucket, key, version, &found))
		return false;
	*object = object_from_s3(&found);
	return true;
}

static EtlReader *
s3_read(EtlStore *store, const char *bucket, const char *key, const EtlObjectPart *part)
{
	return s3_object_read(store->server, store->credentials,
						  &(EtlS3Source){.bucket = bucket,
										 .key = key,
										 .version = part->version,
										 .etag = part->etag,
										 .offset = part->offset,
										 .length = part->length});
}

static EtlReader *
s3_read_start(EtlStore *store, const char *bucket, const EtlObject *object)
{
	return s3_object_read_start(
		store->server, store->credentials,
		&(EtlS3Source){.bucket = bucket, .key = object->key, .etag = object->etag, .ahead = object->size});
}

static char *
s3_presign(EtlStore *store, const char *bucket, const char *key, const char *method, int seconds)
{
	return s3_object_presign(store->server, store->credentials, bucket, key, method, seconds);
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
	.read_start = s3_read_start,
	.put = s3_put,
	.remove = s3_remove,
	.presign = s3_presign,
};

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
					   .is_delete_marker = object->is_delete_marker,
					   .mark = object->mark};
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
s3_put(EtlStore *store, const char *bucket, const char *key, const EtlHttpBody *body, const EtlPutTerms *terms)
{
	return s3_object_put(store->server, store->credentials, bucket, key, body, terms->must_not_exist, terms->mark);
}

static bool
s3_remove(EtlStore *store, const char *bucket, const char *key)
{
	s3_object_delete(store->server, store->credentials, bucket, key);
	return true;
}

static void
s3_remove_many(EtlStore *store, const char *bucket, char *const *keys, int nkeys, int *gone)
{
	s3_objects_delete(store->server, store->credentials, bucket, keys, nkeys, gone);
}

static char *
s3_copy(EtlStore *store, const EtlUri *source, const EtlUri *target)
{
	EtlS3Object object;

	/* If it isn't there, reading it raises what S3 has to say; unless it came meanwhile: look again. */
	while (!s3_object_head(store->server, store->credentials, source->bucket, source->key, NULL, &object))
	{
		EtlReader *reader = s3_read(store, source->bucket, source->key, &(EtlObjectPart){.offset = 0});

		reader->close(reader);
	}
	if (object.size > S3_COPY_MAX_SIZE)
		return s3_upload_copy_object(store, source, object.etag, object.size, target);
	return s3_object_copy(store->server, store->credentials, source->bucket, source->key, object.etag,
						  target->bucket, target->key);
}

static EtlStorePut *
s3_put_start(EtlStore *store, const char *bucket, const char *key, const EtlHttpBody *body, const EtlPutTerms *terms)
{
	return (EtlStorePut *) s3_object_put_start(store->server, store->credentials, bucket, key, body,
											   terms->must_not_exist, terms->mark);
}

static bool
s3_put_poll(EtlStorePut *put, EtlWait *wait)
{
	return s3_object_put_poll((EtlS3Put *) put, wait);
}

static void
s3_put_abandon(EtlStorePut *put)
{
	s3_object_put_abandon((EtlS3Put *) put);
}

const EtlStoreDriver store_s3_driver = {
	.name = "s3",
	.list = s3_list,
	.head = s3_head,
	.read = s3_read,
	.read_start = s3_read_start,
	.put = s3_put,
	.mark = s3_mark_make,
	.remove = s3_remove,
	.remove_many = s3_remove_many,
	.copy = s3_copy,
	.put_start = s3_put_start,
	.put_poll = s3_put_poll,
	.put_abandon = s3_put_abandon,
	.upload_begin = s3_upload_begin,
	.upload_part_size = s3_upload_next_size,
	.upload_parts = S3_PARTS_AT_A_TIME,
	.upload_send = s3_upload_parts,
	.upload_complete = s3_upload_finish,
	.upload_drop = s3_upload_drop,
	.presign = s3_presign,
};

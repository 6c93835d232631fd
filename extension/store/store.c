/*
 * store.c
 *		Opening a store and calling its driver. See store.h.
 */
#include "postgres.h"

#include "store/glob.h"
#include "store/local.h"
#include "store/s3.h"
#include "store/store.h"
#include "store/uri.h"

void
store_uri_parse(const char *uri, EtlUri *out)
{
	EtlError error;

	if (!uri_split(uri, &out->bucket, &out->key, &error))
		etl_error_raise(&error);
}

char *
store_uri_format(const char *bucket, const char *key)
{
	return psprintf("s3://%s/%s", bucket, key);
}

EtlStore *
store_open(const char *server_name, const EtlAwsCredentials *credentials)
{
	EtlStore *store = palloc(sizeof(EtlStore));

	store->server = aws_server_get(server_name);
	store->credentials = credentials;
	store->credentials_given = credentials != NULL;
	store->iam_role = NULL;
	store->driver = store->server->mode == ETL_AWS_MODE_LOCAL ? &store_local_driver : &store_s3_driver;
	return store;
}

/* An object has a key; the bucket itself is none. */
void
store_require_key(const char *bucket, const char *key)
{
	if (key[0] == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("\"%s\" names a bucket, not an object", store_uri_format(bucket, key)),
				errhint("Write it as s3://bucket/key."));
}

void
store_list(EtlStore *store, const char *bucket, const char *prefix, EtlObjectVisitor visit, void *arg)
{
	store->driver->list(store, bucket, &(EtlListing){.prefix = prefix}, visit, arg);
}

/* What folders can't do. */
static void
pg_attribute_noreturn() raise_local_mode(const EtlStore *store, const char *what)
{
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("AWS server \"%s\" has no %s", store->server->name, what),
			errdetail("It is in local mode, where objects are files."));
}

void
store_list_some(EtlStore *store, const char *bucket, const EtlListing *listing, EtlObjectVisitor visit,
				void *arg)
{
	if (listing->versions && store->server->mode == ETL_AWS_MODE_LOCAL)
		raise_local_mode(store, "versions of objects");
	store->driver->list(store, bucket, listing, visit, arg);
}

typedef struct Glob
{
	EtlGlob *glob;
	EtlObjectVisitor visit;
	void *arg;
} Glob;

static bool
visit_matching(const EtlObject *object, void *arg)
{
	const Glob *filter = arg;

	return !glob_matches(filter->glob, object->key) || filter->visit(object, filter->arg);
}

void
store_glob(EtlStore *store, const char *bucket, const char *pattern, EtlObjectVisitor visit, void *arg)
{
	Glob filter = {.visit = visit, .arg = arg};
	EtlError error;

	filter.glob = glob_compile(pattern, &error);
	if (filter.glob == NULL)
		etl_error_raise(&error);
	store_list(store, bucket, glob_prefix(filter.glob), visit_matching, &filter);
	glob_free(filter.glob);
}

bool
store_head(EtlStore *store, const char *bucket, const char *key, EtlObject *object)
{
	return store_head_version(store, bucket, key, NULL, object);
}

bool
store_head_version(EtlStore *store, const char *bucket, const char *key, const char *version,
				   EtlObject *object)
{
	store_require_key(bucket, key);
	if (version != NULL && store->server->mode == ETL_AWS_MODE_LOCAL)
		raise_local_mode(store, "versions of objects");
	memset(object, 0, sizeof(*object));
	return store->driver->head(store, bucket, key, version, object);
}

const char *
store_identity(const EtlObject *object)
{
	return object->mark != NULL ? object->mark : object->etag;
}

EtlReader *
store_read(EtlStore *store, const char *bucket, const char *key, uint64 offset, uint64 length,
		   const char *etag)
{
	store_require_key(bucket, key);
	return store->driver->read(store, bucket, key,
							   &(EtlObjectPart){.offset = offset, .length = length, .etag = etag});
}

EtlReader *
store_read_version(EtlStore *store, const char *bucket, const char *key, const char *version)
{
	store_require_key(bucket, key);
	if (version != NULL && store->server->mode == ETL_AWS_MODE_LOCAL)
		raise_local_mode(store, "versions of objects");
	return store->driver->read(store, bucket, key, &(EtlObjectPart){.version = version});
}

char *
store_presign(EtlStore *store, const char *bucket, const char *key, const char *method, int seconds)
{
	store_require_key(bucket, key);
	if (store->driver->presign == NULL)
		raise_local_mode(store, "presigned URLs");
	return store->driver->presign(store, bucket, key, method, seconds);
}

char *
store_put(EtlStore *store, const char *bucket, const char *key, const char *data, size_t size,
		  bool must_not_exist)
{
	EtlHttpBody body = {.data = data, .fd = -1, .size = size};

	store_require_key(bucket, key);
	return store->driver->put(store, bucket, key, &body, &(EtlPutTerms){.must_not_exist = must_not_exist});
}

void
store_remove(EtlStore *store, const char *bucket, const char *key)
{
	store_require_key(bucket, key);
	store->driver->remove(store, bucket, key);
}

void
store_remove_many(EtlStore *store, const char *bucket, char *const *keys, int nkeys, int *gone)
{
	for (int i = 0; i < nkeys; i++)
		store_require_key(bucket, keys[i]);
	store->driver->remove_many(store, bucket, keys, nkeys, gone);
}

char *
store_copy_object(EtlStore *store, const EtlUri *source, const EtlUri *target)
{
	store_require_key(source->bucket, source->key);
	store_require_key(target->bucket, target->key);
	if (strcmp(source->bucket, target->bucket) == 0 && strcmp(source->key, target->key) == 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("cannot copy object \"%s\" to itself", store_uri_format(source->bucket, source->key)));
	return store->driver->copy(store, source, target);
}

/*
 * sql_write.c
 *		etl.s3_put, s3_copy, s3_delete.
 *
 * They act at once, on the caller's rights to the server; none is undone by a rollback. What has been done
 * outside is not to be done again for a commit that a crash lost, so that waits for the disk.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/sql_arguments.h"
#include "utils/array.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(pg_etl_s3_put);
PG_FUNCTION_INFO_V1(pg_etl_s3_put_text);
PG_FUNCTION_INFO_V1(pg_etl_s3_copy);
PG_FUNCTION_INFO_V1(pg_etl_s3_delete);
PG_FUNCTION_INFO_V1(pg_etl_s3_delete_many);

static Datum
put(FunctionCallInfo fcinfo, const char *data, size_t size)
{
	bool must_not_exist = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
	EtlUri uri;

	(void) uri_from_argument(fcinfo, 0, &uri);
	ForceSyncCommit();
	return CStringGetTextDatum(
		store_put(store_from_argument(fcinfo, 3), uri.bucket, uri.key, data, size, must_not_exist));
}

static struct varlena *
content_from_argument(FunctionCallInfo fcinfo)
{
	if (PG_ARGISNULL(1))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("content of an object must not be null"));
	return PG_GETARG_VARLENA_PP(1);
}

Datum
pg_etl_s3_put(PG_FUNCTION_ARGS)
{
	struct varlena *content = content_from_argument(fcinfo);

	return put(fcinfo, VARDATA_ANY(content), VARSIZE_ANY_EXHDR(content));
}

Datum
pg_etl_s3_put_text(PG_FUNCTION_ARGS)
{
	struct varlena *content = content_from_argument(fcinfo);
	char *data = VARDATA_ANY(content);
	int len = VARSIZE_ANY_EXHDR(content);
	char *converted = pg_server_to_any(data, len, PG_UTF8);

	return put(fcinfo, converted, converted == data ? len : strlen(converted));
}

Datum
pg_etl_s3_copy(PG_FUNCTION_ARGS)
{
	EtlUri source;
	EtlUri target;

	(void) uri_from_argument(fcinfo, 0, &source);
	(void) uri_from_argument(fcinfo, 1, &target);
	ForceSyncCommit();
	PG_RETURN_DATUM(CStringGetTextDatum(store_copy_object(store_from_argument(fcinfo, 2), &source, &target)));
}

Datum
pg_etl_s3_delete(PG_FUNCTION_ARGS)
{
	EtlUri uri;

	(void) uri_from_argument(fcinfo, 0, &uri);
	ForceSyncCommit();
	store_remove(store_from_argument(fcinfo, 1), uri.bucket, uri.key);
	PG_RETURN_BOOL(true);
}

static int
compare_buckets(const void *a, const void *b)
{
	return strcmp(((const EtlUri *) a)->bucket, ((const EtlUri *) b)->bucket);
}

/* The URIs of argument 0, by bucket. */
static EtlUri *
uris_from_argument(FunctionCallInfo fcinfo, int *count)
{
	Datum *elements;
	bool *nulls;
	EtlUri *uris;

	if (PG_ARGISNULL(0))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("S3 URIs must not be null"));
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &elements, &nulls, count);
	uris = palloc(Max(*count, 1) * sizeof(EtlUri));
	for (int i = 0; i < *count; i++)
	{
		CHECK_FOR_INTERRUPTS();
		if (nulls[i])
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("S3 URI must not be null"),
					errdetail("It is number %d of the array.", i + 1));
		store_uri_parse(TextDatumGetCString(elements[i]), &uris[i]);
		store_require_key(uris[i].bucket, uris[i].key);
	}
	qsort(uris, *count, sizeof(EtlUri), compare_buckets);
	return uris;
}

Datum
pg_etl_s3_delete_many(PG_FUNCTION_ARGS)
{
	int count;
	EtlUri *uris = uris_from_argument(fcinfo, &count);
	EtlStore *store = store_from_argument(fcinfo, 1);
	char **keys = palloc(Max(count, 1) * sizeof(char *));

	ForceSyncCommit();
	for (int first = 0; first < count;)
	{
		int nkeys = 0;
		int gone = 0;

		while (first + nkeys < count && strcmp(uris[first].bucket, uris[first + nkeys].bucket) == 0)
		{
			keys[nkeys] = uris[first + nkeys].key;
			nkeys++;
		}
		store_remove_many(store, uris[first].bucket, keys, nkeys, &gone);
		first += nkeys;
	}
	PG_RETURN_INT64(count);
}

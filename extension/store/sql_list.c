/*
 * sql_list.c
 *		etl.s3_list, s3_glob, s3_head, s3_versions: what there is.
 */
#include "postgres.h"

#include "funcapi.h"
#include "store/sql_arguments.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pg_etl_s3_list);
PG_FUNCTION_INFO_V1(pg_etl_s3_glob);
PG_FUNCTION_INFO_V1(pg_etl_s3_head);
PG_FUNCTION_INFO_V1(pg_etl_s3_versions);

#define OBJECT_COLUMNS 4  /* uri, size, etag, last_modified */
#define VERSION_COLUMNS 7 /* and version_id, is_latest, is_delete_marker */

/* The texts of a row are made in the same memory as those of the row before: a listing has many. */
typedef struct ObjectRows
{
	ReturnSetInfo *result;
	StringInfoData uri; /* a varlena: s3://bucket/ and a key */
	int uri_len;		/* without the key */
	StringInfoData etag;
	StringInfoData version;
} ObjectRows;

/* A text value: what is in buf up to `len`, and `rest`. Good until the next one is made in it. */
static Datum
text_value(StringInfo buf, int len, const char *rest)
{
	buf->len = len;
	appendStringInfoString(buf, rest);
	SET_VARSIZE(buf->data, buf->len);
	return PointerGetDatum(buf->data);
}

static bool
add_object_row(const EtlObject *object, void *arg)
{
	ObjectRows *rows = arg;
	bool bare = object->is_prefix || object->is_delete_marker;
	bool nulls[VERSION_COLUMNS] = {false, bare, bare, object->is_prefix, object->version == NULL};
	Datum values[VERSION_COLUMNS] = {0};

	values[0] = text_value(&rows->uri, rows->uri_len, object->key);
	values[1] = Int64GetDatum(object->size);
	if (!bare)
		values[2] = text_value(&rows->etag, VARHDRSZ, object->etag);
	values[3] = TimestampTzGetDatum(object->last_modified);
	if (object->version != NULL)
		values[4] = text_value(&rows->version, VARHDRSZ, object->version);
	values[5] = BoolGetDatum(object->is_latest);
	values[6] = BoolGetDatum(object->is_delete_marker);
	tuplestore_putvalues(rows->result->setResult, rows->result->setDesc, values, nulls);
	return true;
}

static void
object_rows_begin(FunctionCallInfo fcinfo, const char *bucket, ObjectRows *rows)
{
	InitMaterializedSRF(fcinfo, 0);
	rows->result = (ReturnSetInfo *) fcinfo->resultinfo;
	initStringInfo(&rows->uri);
	initStringInfo(&rows->etag);
	initStringInfo(&rows->version);
	(void) text_value(&rows->uri, VARHDRSZ, store_uri_format(bucket, ""));
	rows->uri_len = rows->uri.len;
}

/* Where a listing begins: a key, or the URI of an object of the same bucket, as a listing answers it. */
static char *
start_from_argument(FunctionCallInfo fcinfo, int n, const char *bucket)
{
	char *start = text_from_argument(fcinfo, n);
	EtlUri uri;

	if (start == NULL || strncmp(start, "s3://", 5) != 0)
		return start;
	store_uri_parse(start, &uri);
	if (strcmp(uri.bucket, bucket) != 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("a listing of bucket \"%s\" cannot start after \"%s\"", bucket, start));
	return uri.key;
}

Datum
pg_etl_s3_list(PG_FUNCTION_ARGS)
{
	EtlUri uri;
	ObjectRows rows;
	EtlListing listing = {.delimiter = text_from_argument(fcinfo, 1)};

	(void) uri_from_argument(fcinfo, 0, &uri);
	listing.prefix = uri.key;
	listing.start_after = start_from_argument(fcinfo, 2, uri.bucket);
	if (listing.delimiter != NULL && listing.delimiter[0] == '\0')
		listing.delimiter = NULL;
	object_rows_begin(fcinfo, uri.bucket, &rows);
	store_list_some(store_from_argument(fcinfo, 3), uri.bucket, &listing, add_object_row, &rows);
	return (Datum) 0;
}

Datum
pg_etl_s3_glob(PG_FUNCTION_ARGS)
{
	EtlUri uri;
	ObjectRows rows;

	(void) uri_from_argument(fcinfo, 0, &uri);
	object_rows_begin(fcinfo, uri.bucket, &rows);
	store_glob(store_from_argument(fcinfo, 1), uri.bucket, uri.key, add_object_row, &rows);
	return (Datum) 0;
}

Datum
pg_etl_s3_head(PG_FUNCTION_ARGS)
{
	EtlUri uri;
	ObjectRows rows;
	EtlObject object;

	(void) uri_from_argument(fcinfo, 0, &uri);
	object_rows_begin(fcinfo, uri.bucket, &rows);
	if (store_head_version(store_from_argument(fcinfo, 2), uri.bucket, uri.key, text_from_argument(fcinfo, 1),
						   &object))
		(void) add_object_row(&object, &rows);
	return (Datum) 0;
}

Datum
pg_etl_s3_versions(PG_FUNCTION_ARGS)
{
	EtlUri uri;
	ObjectRows rows;

	(void) uri_from_argument(fcinfo, 0, &uri);
	object_rows_begin(fcinfo, uri.bucket, &rows);
	store_list_some(store_from_argument(fcinfo, 1), uri.bucket,
					&(EtlListing){.prefix = uri.key, .versions = true}, add_object_row, &rows);
	return (Datum) 0;
}

/*
 * sql_functions.c
 *		etl.s3_fetch, s3_fetch_text, s3_list, s3_head: what reads. sql_write.c has what writes.
 */
#include "postgres.h"

#include "fmgr.h"
#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/sql_arguments.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pg_etl_s3_fetch);
PG_FUNCTION_INFO_V1(pg_etl_s3_fetch_text);
PG_FUNCTION_INFO_V1(pg_etl_s3_list);
PG_FUNCTION_INFO_V1(pg_etl_s3_glob);
PG_FUNCTION_INFO_V1(pg_etl_s3_head);

EtlStore *
store_from_argument(FunctionCallInfo fcinfo, int n)
{
	return store_open(PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n)), NULL);
}

char *
uri_from_argument(FunctionCallInfo fcinfo, int n, EtlUri *uri)
{
	char *name;

	if (PG_ARGISNULL(n))
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("S3 URI must not be null"));
	name = text_to_cstring(PG_GETARG_TEXT_PP(n));
	store_uri_parse(name, uri);
	return name;
}

/* The whole object, as a varlena. */
static struct varlena *
fetch(FunctionCallInfo fcinfo)
{
	EtlUri uri;
	char *name = uri_from_argument(fcinfo, 0, &uri);
	EtlStore *store = store_from_argument(fcinfo, 1);
	EtlReader *reader;
	EtlObject object;
	struct varlena *result;
	uint64 done = 0;
	size_t n;

	/* If it isn't there, reading it raises what the store has to say; unless it came meanwhile: look again.
	 */
	while (!store_head(store, uri.bucket, uri.key, &object))
	{
		reader = store_read(store, uri.bucket, uri.key, 0, 0, NULL);
		reader->close(reader);
	}
	if (object.size > MaxAllocSize - VARHDRSZ)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("object \"%s\" is too large for a value", name),
				errdetail("It is " UINT64_FORMAT " bytes long; a value has at most 1 GB.", object.size),
				errhint("Load it with COPY, or read it as an external table."));
	result = palloc(object.size + VARHDRSZ);
	reader = store_read(store, uri.bucket, uri.key, 0, 0, object.etag);
	while (done < object.size && (n = reader->read(reader, VARDATA(result) + done, object.size - done)) > 0)
		done += n;
	if (done != object.size)
		ereport(
			ERROR, errcode(ERRCODE_CONNECTION_FAILURE), errmsg("object \"%s\" ended early", name),
			errdetail("It has " UINT64_FORMAT " bytes, of which " UINT64_FORMAT " came.", object.size, done));
	reader->close(reader);
	SET_VARSIZE(result, done + VARHDRSZ);
	return result;
}

Datum
pg_etl_s3_fetch(PG_FUNCTION_ARGS)
{
	PG_RETURN_BYTEA_P(fetch(fcinfo));
}

Datum
pg_etl_s3_fetch_text(PG_FUNCTION_ARGS)
{
	struct varlena *content = fetch(fcinfo);
	int len = VARSIZE(content) - VARHDRSZ;
	int valid = pg_encoding_verifymbstr(PG_UTF8, VARDATA(content), len);
	char *converted;

	if (valid != len)
		ereport(ERROR, errcode(ERRCODE_CHARACTER_NOT_IN_REPERTOIRE),
				errmsg("object \"%s\" is not UTF-8 text", text_to_cstring(PG_GETARG_TEXT_PP(0))),
				errdetail("Byte %d, 0x%02X, is not part of a character.", valid + 1,
						  (unsigned char) VARDATA(content)[valid]),
				errhint("etl.s3_fetch answers it as bytea."));
	converted = pg_any_to_server(VARDATA(content), len, PG_UTF8);
	if (converted == VARDATA(content))
		PG_RETURN_TEXT_P(content);
	PG_RETURN_TEXT_P(cstring_to_text(converted));
}

#define OBJECT_COLUMNS 4

typedef struct ObjectRows
{
	ReturnSetInfo *result;
	const char *bucket;
	MemoryContext row_context;
} ObjectRows;

static bool
add_object_row(const EtlObject *object, void *arg)
{
	ObjectRows *rows = arg;
	MemoryContext caller = MemoryContextSwitchTo(rows->row_context);
	bool nulls[OBJECT_COLUMNS] = {false};
	Datum values[OBJECT_COLUMNS] = {
		CStringGetTextDatum(store_uri_format(rows->bucket, object->key)),
		Int64GetDatum(object->size),
		CStringGetTextDatum(object->etag),
		TimestampTzGetDatum(object->last_modified),
	};

	tuplestore_putvalues(rows->result->setResult, rows->result->setDesc, values, nulls);
	MemoryContextSwitchTo(caller);
	MemoryContextReset(rows->row_context);
	return true;
}

static void
object_rows_begin(FunctionCallInfo fcinfo, const char *bucket, ObjectRows *rows)
{
	InitMaterializedSRF(fcinfo, 0);
	rows->result = (ReturnSetInfo *) fcinfo->resultinfo;
	rows->bucket = bucket;
	rows->row_context = AllocSetContextCreate(CurrentMemoryContext, "etl object row", ALLOCSET_SMALL_SIZES);
}

Datum
pg_etl_s3_list(PG_FUNCTION_ARGS)
{
	EtlUri uri;
	ObjectRows rows;

	(void) uri_from_argument(fcinfo, 0, &uri);
	object_rows_begin(fcinfo, uri.bucket, &rows);
	store_list(store_from_argument(fcinfo, 1), uri.bucket, uri.key, add_object_row, &rows);
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
	if (store_head(store_from_argument(fcinfo, 1), uri.bucket, uri.key, &object))
		(void) add_object_row(&object, &rows);
	return (Datum) 0;
}

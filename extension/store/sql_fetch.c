/*
 * sql_fetch.c
 *		etl.s3_fetch, s3_fetch_text, s3_fetch_all, s3_presign, and _s3_drain, which is for measurements.
 */
#include "postgres.h"

#include "funcapi.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "store/read_many.h"
#include "store/sql_arguments.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/tuplestore.h"

PG_FUNCTION_INFO_V1(pg_etl_s3_fetch);
PG_FUNCTION_INFO_V1(pg_etl_s3_fetch_text);
PG_FUNCTION_INFO_V1(pg_etl_s3_fetch_all);
PG_FUNCTION_INFO_V1(pg_etl_s3_presign);
PG_FUNCTION_INFO_V1(pg_etl_s3_drain);

/* All that the reader has, as a varlena; closes it. */
static struct varlena *
read_whole(EtlReader *reader)
{
	struct varlena *result;
	uint64 size;
	uint64 done = 0;
	char more;
	size_t n = reader->read(reader, &more, 0); /* now its size is known */

	size = reader->size;
	if (size > MaxAllocSize - VARHDRSZ)
		ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
				errmsg("object \"%s\" is too large for a value", reader->name),
				errdetail("It is " UINT64_FORMAT " bytes long; a value has at most 1 GB.", size),
				errhint("Load it with COPY, or read it as an external table."));
	result = palloc(size + VARHDRSZ);
	while (done < size && (n = reader->read(reader, VARDATA(result) + done, size - done)) > 0)
		done += n;
	if (done != size)
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE), errmsg("object \"%s\" ended early", reader->name),
				errdetail("It has " UINT64_FORMAT " bytes, of which " UINT64_FORMAT " came.", size, done));
	reader->close(reader);
	SET_VARSIZE(result, done + VARHDRSZ);
	return result;
}

static struct varlena *
fetch(FunctionCallInfo fcinfo)
{
	EtlUri uri;

	(void) uri_from_argument(fcinfo, 0, &uri);
	return read_whole(store_read_version(store_from_argument(fcinfo, 2), uri.bucket, uri.key,
										 text_from_argument(fcinfo, 1)));
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

/* ---- all objects below a prefix ---- */

typedef struct AllRows
{
	ReturnSetInfo *result;
	EtlReadMany *many;
	MemoryContext row_context;
} AllRows;

/* The row of the object that is at its turn; false: there is none. */
static bool
add_content_row(AllRows *rows)
{
	MemoryContext caller = MemoryContextSwitchTo(rows->row_context);
	EtlReader *reader = read_many_next(rows->many);
	bool nulls[2] = {false};
	Datum values[2];

	if (reader != NULL)
	{
		values[0] = CStringGetTextDatum(reader->name);
		values[1] = PointerGetDatum(read_whole(reader));
		tuplestore_putvalues(rows->result->setResult, rows->result->setDesc, values, nulls);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextReset(rows->row_context);
	return reader != NULL;
}

static bool
add_object(const EtlObject *object, void *arg)
{
	AllRows *rows = arg;

	while (!read_many_takes(rows->many, object))
		(void) add_content_row(rows);
	read_many_add(rows->many, object);
	return true;
}

Datum
pg_etl_s3_fetch_all(PG_FUNCTION_ARGS)
{
	EtlUri uri;
	AllRows rows;
	EtlStore *store;

	(void) uri_from_argument(fcinfo, 0, &uri);
	store = store_from_argument(fcinfo, 1);
	InitMaterializedSRF(fcinfo, 0);
	rows.result = (ReturnSetInfo *) fcinfo->resultinfo;
	rows.many = store_read_many(store, uri.bucket);
	rows.row_context = AllocSetContextCreate(CurrentMemoryContext, "etl object row", ALLOCSET_SMALL_SIZES);
	store_list(store, uri.bucket, uri.key, add_object, &rows);
	while (add_content_row(&rows))
		CHECK_FOR_INTERRUPTS();
	read_many_end(rows.many);
	return (Datum) 0;
}

Datum
pg_etl_s3_presign(PG_FUNCTION_ARGS)
{
	EtlUri uri;
	char *method = text_from_argument(fcinfo, 2);
	Interval *expires = PG_ARGISNULL(1) ? NULL : PG_GETARG_INTERVAL_P(1);
	int64 seconds;

	(void) uri_from_argument(fcinfo, 0, &uri);
	if (expires == NULL || method == NULL)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
				errmsg("time and method of a presigned URL must not be null"));
	seconds = ((int64) expires->month * DAYS_PER_MONTH + expires->day) * SECS_PER_DAY +
			  expires->time / USECS_PER_SEC;
	return CStringGetTextDatum(store_presign(store_from_argument(fcinfo, 3), uri.bucket, uri.key, method,
											 (int) Max(Min(seconds, PG_INT32_MAX), 0)));
}

/* Read an object to its end and drop it; how many bytes there were. */
Datum
pg_etl_s3_drain(PG_FUNCTION_ARGS)
{
	const size_t size = 256 * 1024;
	char *buf = palloc(size);
	EtlUri uri;
	EtlReader *reader;
	uint64 done = 0;
	size_t n;

	(void) uri_from_argument(fcinfo, 0, &uri);
	reader = store_read(store_from_argument(fcinfo, 1), uri.bucket, uri.key, 0, 0, NULL);
	while ((n = reader->read(reader, buf, size)) > 0)
		done += n;
	reader->close(reader);
	PG_RETURN_INT64(done);
}

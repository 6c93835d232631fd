/*
 * sql_functions.c
 *		etl.s3_put, s3_delete. Those that look are in sql_fetch.c and sql_list.c.
 *
 * They act at once, on the caller's rights to the server; none is undone by a rollback.
 */
#include "postgres.h"

#include "access/xact.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "store/sql_arguments.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(pg_etl_s3_put);
PG_FUNCTION_INFO_V1(pg_etl_s3_put_text);
PG_FUNCTION_INFO_V1(pg_etl_s3_delete);

EtlStore *
store_from_argument(FunctionCallInfo fcinfo, int n)
{
	return store_open(text_from_argument(fcinfo, n), NULL);
}

char *
uri_from_argument(FunctionCallInfo fcinfo, int n, EtlUri *uri)
{
	char *name = text_from_argument(fcinfo, n);

	if (name == NULL)
		ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("S3 URI must not be null"));
	store_uri_parse(name, uri);
	return name;
}

char *
text_from_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

static Datum
put(FunctionCallInfo fcinfo, const char *data, size_t size)
{
	EtlUri uri;

	(void) uri_from_argument(fcinfo, 0, &uri);
	ForceSyncCommit(); /* what has been done outside is not to be done again for a commit that a crash lost */
	return CStringGetTextDatum(
		store_put(store_from_argument(fcinfo, 2), uri.bucket, uri.key, data, size, false));
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
pg_etl_s3_delete(PG_FUNCTION_ARGS)
{
	EtlUri uri;

	(void) uri_from_argument(fcinfo, 0, &uri);
	ForceSyncCommit();
	store_remove(store_from_argument(fcinfo, 1), uri.bucket, uri.key);
	PG_RETURN_BOOL(true);
}

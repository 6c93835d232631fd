/*
 * sql_arguments.c
 *		What the SQL functions of this room are called with. See sql_arguments.h.
 */
#include "postgres.h"

#include "store/sql_arguments.h"
#include "utils/builtins.h"

EtlStore *
store_from_argument(FunctionCallInfo fcinfo, int n)
{
	return store_open(text_from_argument(fcinfo, n), NULL);
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

char *
text_from_argument(FunctionCallInfo fcinfo, int n)
{
	return PG_ARGISNULL(n) ? NULL : text_to_cstring(PG_GETARG_TEXT_PP(n));
}

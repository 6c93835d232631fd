/*
 * sql_arguments.h
 *		Arguments that the SQL functions of this room have in common. The functions are not strict, as the
 *		server may be NULL.
 */
#ifndef ETL_STORE_SQL_ARGUMENTS_H
#define ETL_STORE_SQL_ARGUMENTS_H

#include "postgres.h"

#include "fmgr.h"
#include "store/store.h"

/* Argument n, a server's name: NULL when it isn't given. */
extern EtlStore *store_from_argument(FunctionCallInfo fcinfo, int n);
/* Argument n, a URI. */
extern char *uri_from_argument(FunctionCallInfo fcinfo, int n, EtlUri *uri);

#endif

/*
 * sql_arguments.h
 *		What the SQL functions of this room are called with. Private to store/sql_*.c.
 */
#ifndef ETL_STORE_SQL_ARGUMENTS_H
#define ETL_STORE_SQL_ARGUMENTS_H

#include "postgres.h"

#include "fmgr.h"
#include "store/store.h"

/* Argument n, a server's name: the store behind it, of the setting's server when it is NULL. */
extern EtlStore *store_from_argument(FunctionCallInfo fcinfo, int n);
/* Argument n, a URI, as it is and in parts. The functions are not strict, as others may be NULL: this may not. */
extern char *uri_from_argument(FunctionCallInfo fcinfo, int n, EtlUri *uri);
/* Argument n, or NULL. */
extern char *text_from_argument(FunctionCallInfo fcinfo, int n);

#endif

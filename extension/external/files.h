/*
 * files.h
 *		The files of an external table's folder.
 */
#ifndef ETL_EXTERNAL_FILES_H
#define ETL_EXTERNAL_FILES_H

#include "postgres.h"

#include "nodes/pg_list.h"
#include "store/store.h"

/*
 * Those under the location, with or without its trailing slash, in key order, as a list of EtlObject *; hidden ones
 * (a part of the path begins with ".", "_" or "#", or ends with "~") left out. Allocated in the current context.
 */
extern List *external_files_list(EtlStore *store, const char *location, char **bucket);

#endif

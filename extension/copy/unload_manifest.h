/*
 * unload_manifest.h
 *		The list of an unload's files, as Redshift writes it.
 */
#ifndef ETL_COPY_UNLOAD_MANIFEST_H
#define ETL_COPY_UNLOAD_MANIFEST_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "copy/history.h"
#include "lib/stringinfo.h"

/*
 * UTF-8. With `columns` the verbose form: sizes, counts of rows (of lines, if each file has a header), the columns that the
 * files have.
 */
extern void unload_manifest_write(StringInfo out, const EtlTransferFile *files, int file_count, bool header, TupleDesc columns);

#endif

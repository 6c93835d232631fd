/*
 * target.h
 *		The files an unload writes: their names, their order, their size, their manifest.
 *
 * They are staged: nobody sees one before the transaction commits. A series is files of one folder, of which one is open
 * at a time: an unload has one series, or one for each partition.
 */
#ifndef ETL_COPY_TARGET_H
#define ETL_COPY_TARGET_H

#include "postgres.h"

#include "access/tupdesc.h"
#include "copy/history.h"
#include "copy/options.h"
#include "lib/stringinfo.h"

typedef struct EtlUnloadTarget EtlUnloadTarget;
typedef struct EtlUnloadSeries EtlUnloadSeries;

/* Opening checks who asks and where to. */
extern EtlUnloadTarget *unload_target_open(const char *uri, const EtlUnloadOptions *options);
/*
 * Before the query runs: `header` (may be empty) begins each file. Raises 58P02 when there is an object of a name that is
 * known now.
 */
extern void unload_target_start(EtlUnloadTarget *target, const char *header, size_t len);

/*
 * A series in a folder ("" or "day=2026-11-20/"). Its first file is opened with its first row, unless an empty one is to be
 * written. Opening a file raises 58P02 when one of its name is there.
 */
extern EtlUnloadSeries *unload_series_open(EtlUnloadTarget *target, const char *folder);
/* Where the next row is to be appended, and that it was: the next file is started when this one would get too large. */
extern StringInfo unload_series_row(EtlUnloadSeries *series);
extern void unload_series_row_end(EtlUnloadSeries *series);
extern void unload_series_close(EtlUnloadSeries *series);
/* How many series may be open at a time, by the memory that each takes. */
extern int unload_target_max_series(const EtlUnloadTarget *target);

/* All series are closed. `columns` of the files, for a manifest that has them. */
extern void unload_target_finish(EtlUnloadTarget *target, TupleDesc columns);

/* The data files, in the order they were begun. */
extern const EtlTransferFile *unload_target_files(const EtlUnloadTarget *target, int *count);

#endif

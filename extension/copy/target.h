/*
 * target.h
 *		The files an unload writes: their names, their order, their size, their manifest.
 *
 * They are staged: nobody sees one before the transaction commits.
 */
#ifndef ETL_COPY_TARGET_H
#define ETL_COPY_TARGET_H

#include "postgres.h"

#include "copy/options.h"

typedef struct EtlUnloadTarget EtlUnloadTarget;

/*
 * Opening checks who asks and where to; starting opens the first file, and raises 58P02 when one of its name is
 * there. `header` (may be empty) begins each file.
 */
extern EtlUnloadTarget *unload_target_open(const char *uri, const EtlUnloadOptions *options);
extern void unload_target_start(EtlUnloadTarget *target, const char *header, size_t len);
/* One whole row; starts the next file when this one would get larger than it may. */
extern void unload_target_write(EtlUnloadTarget *target, const char *row, size_t len);
extern void unload_target_finish(EtlUnloadTarget *target);

extern int unload_target_file_count(const EtlUnloadTarget *target);
extern uint64 unload_target_bytes(const EtlUnloadTarget *target);

#endif

/*
 * unload_failure.h
 *		The rows of etl.unload_history of unloads that fail: while they run, or when their files are published at the commit.
 *
 * A process of its own writes them (load_error_writer.c), for the transaction is rolled back.
 */
#ifndef ETL_COPY_UNLOAD_FAILURE_H
#define ETL_COPY_UNLOAD_FAILURE_H

#include "postgres.h"

#include "copy/history.h"

extern void unload_failure_init(void);

/*
 * The unload has failed, which `message` says. Where the row can't be written a warning says so. Raises interrupts alone; it may
 * be called after an error that was copied and flushed.
 */
extern void unload_failure_write(const EtlTransfer *transfer, const EtlTransferSession *session, const char *message,
								 bool in_haste);

/*
 * The unload is through, but for its files, which will be published when the transaction commits: it may yet fail. The secrets
 * (copy/secrets.h) are blotted out where its message has them.
 */
extern void unload_failure_expect(const EtlTransfer *transfer, const EtlTransferSession *session, List *secrets);

#endif

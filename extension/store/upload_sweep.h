/*
 * upload_sweep.h
 *		What the files upload_sweep*.c share, all of it in the sweeper's process.
 */
#ifndef ETL_STORE_UPLOAD_SWEEP_H
#define ETL_STORE_UPLOAD_SWEEP_H

#include "store/uploads.h"

/* An upload, or some objects, may take so long: DROP DATABASE waits for processes for five seconds. */
#define UNDO_MS 4000

/* End the process if this database is to have none of ours in it, or it was told to. */
extern void upload_sweep_leave_if_told(void);
/* The store that the record is about, as its role has it now, in a transaction that is over before the network is waited for. */
extern EtlStore *upload_sweep_store(const EtlUploadRecord *record);
/* Remove the objects unless their transaction has committed. True: they are to be looked for again. */
extern bool upload_sweep_objects(EtlUploadFile *file, const EtlUploadRecord *record);

#endif

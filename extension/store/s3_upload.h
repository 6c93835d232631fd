/*
 * s3_upload.h
 *		The S3 driver's uploads: those of aws/s3_multipart.h, each with its record (uploads.h). For store/s3*.c.
 */
#ifndef ETL_STORE_S3_UPLOAD_H
#define ETL_STORE_S3_UPLOAD_H

#include "store/store.h"

/* What the driver has of them: see EtlStoreDriver. */
extern EtlStoreUpload *s3_upload_begin(EtlStore *store, const char *bucket, const char *key,
									   const char *mark);
extern uint64 s3_upload_next_size(EtlStoreUpload *upload);
extern void s3_upload_parts(EtlStoreUpload *upload, int fd, uint64 size, uint64 part_size);
extern void s3_upload_finish(EtlStoreUpload *upload, bool must_not_exist);
extern bool s3_upload_drop(EtlStoreUpload *upload);

/*
 * What s3_upload_drop had to leave to this session, now that it may wait. Not for long, and it raises no failure but a
 * cancel.
 */
extern void s3_uploads_tidy(void);

/* Copy what is too large for one request. The copy's etag. */
extern char *s3_upload_copy_object(EtlStore *store, const EtlUri *source, const char *etag, uint64 size,
								   const EtlUri *target);

#endif

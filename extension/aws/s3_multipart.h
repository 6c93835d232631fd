/*
 * s3_multipart.h
 *		Large objects: S3's multipart uploads.
 *
 * The parts of an upload are nobody's object until it is completed; until it is completed or aborted they cost
 * money. So whoever makes one sees to it that its id isn't lost: store/upload_record.h.
 */
#ifndef ETL_AWS_S3_MULTIPART_H
#define ETL_AWS_S3_MULTIPART_H

#include "postgres.h"

#include "aws/credentials.h"
#include "aws/server.h"
#include "nodes/pg_list.h"
#include "pgtime.h"

/* Parts that are sent at a time. */
#define S3_PARTS_AT_A_TIME 4
/* What S3 takes of an upload. */
#define S3_MAX_PARTS 10000

typedef struct EtlS3Upload EtlS3Upload;

/*
 * Begin the upload of an object. All of it lives in the current context, and the arguments must stay as they
 * are. Nothing is done at S3 when the context goes: see above. While *unknown is true there may be an upload
 * whose id nobody knows: while the request is under way, when its outcome can't be told, and when it took more
 * than one attempt. `mark` is one of s3_mark_make. `content_type` NULL: by the
 * key's extension. With `summed` S3 is to verify a checksum of the whole.
 */
extern EtlS3Upload *s3_upload_create(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
									 const char *bucket, const char *key, const char *mark,
									 const char *content_type, bool summed, bool *unknown);
extern const char *s3_upload_id(const EtlS3Upload *upload);
/*
 * How large the next part (of NULL: the first) is to be: 8 MB, and twice that after every thousand parts up to
 * 2 GB, so that ten thousand parts are more than the 5 TB an object may have.
 */
extern uint64 s3_upload_part_size(const EtlS3Upload *upload);
/*
 * The file's first `size` bytes as the next parts, each of `part_size` but the last, several at a time. Returns
 * when S3 has all of them. Only the upload's last call may leave a part of less than 5 MB.
 */
extern void s3_upload_send(EtlS3Upload *upload, int fd, uint64 size, uint64 part_size);
/* The first `size` bytes of another object, that of this ETag, as the next parts. */
extern void s3_upload_copy(EtlS3Upload *upload, const char *bucket, const char *key, const char *etag,
						   uint64 size, uint64 part_size);
/* The object appears, all of it. Its etag. With must_not_exist one that is there is an error (58P02) and stays. */
extern char *s3_upload_complete(EtlS3Upload *upload, bool must_not_exist);

/* Abort an upload; succeeds as well when there was no such upload (any more). */
extern void s3_upload_abort(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
							const char *bucket, const char *key, const char *id);
/*
 * The ids of the uploads of exactly this key that were begun from `since` until `until` (seconds since 1970, by
 * our clock).
 */
extern List *s3_uploads_find(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
							 const char *bucket, const char *key, pg_time_t since, pg_time_t until);

#endif

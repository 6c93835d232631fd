/*
 * s3_write_answer.h
 *		What S3 answers when it is written to: uploads in parts, copies, deletions of many. Pure. s3_answer.h has what is read.
 *
 * False: the error says what S3 would not have answered (08P01), and nothing of `out` is set; s3_answer_raise (s3_request.h)
 * raises it with the object's name. What is returned is allocated in the current context.
 */
#ifndef ETL_AWS_S3_WRITE_ANSWER_H
#define ETL_AWS_S3_WRITE_ANSWER_H

#include "base/error.h"

/* CreateMultipartUpload: the upload's id, printable ASCII. */
extern bool s3_upload_id_parse(const char *body, size_t size, char **id, EtlError *error);

/* What a request has made, whose ETag is in the answer's body. */
typedef enum EtlS3Made
{
	S3_MADE_COPY,  /* CopyObject */
	S3_MADE_PART,  /* UploadPartCopy */
	S3_MADE_UPLOAD /* CompleteMultipartUpload */
} EtlS3Made;

/* Its ETag, without the quotes: printable ASCII. */
extern bool s3_made_etag_parse(const char *body, size_t size, EtlS3Made made, char **etag, EtlError *error);
/* The same of a part that was sent, from header ETag (NULL: none). */
extern bool s3_part_etag_parse(const char *header, char **etag, EtlError *error);

/* What DeleteObjects, told to be quiet, did not delete, and why the first of that. */
typedef struct EtlS3Deletion
{
	int refused;
	char *key;	/* UTF-8; NULL: nothing was refused */
	char *code; /* as AWS writes it; "": it gives none */
	char *message;
} EtlS3Deletion;

extern bool s3_deletion_parse(const char *body, size_t size, EtlS3Deletion *out, EtlError *error);

typedef struct EtlS3UploadEntry
{
	char *key;	 /* UTF-8 */
	char *id;	 /* printable ASCII */
	int64 begun; /* Unix time, by S3's clock */
} EtlS3UploadEntry;

/* A page of ListMultipartUploads. */
typedef struct EtlS3UploadPage
{
	EtlS3UploadEntry *entries;
	int count;
	char *next_key; /* where the next page begins; both NULL: this is the last */
	char *next_id;
} EtlS3UploadPage;

extern bool s3_upload_page_parse(const char *body, size_t size, EtlS3UploadPage *out, EtlError *error);

#endif

/*
 * s3_request.h
 *		What the files of s3.h share: requests to S3, and the parts of its answers. Private to aws/s3_*.c.
 */
#ifndef ETL_AWS_S3_REQUEST_H
#define ETL_AWS_S3_REQUEST_H

#include "postgres.h"

#include "aws/request.h"

/* Raises 22023 for a key (or prefix) that S3 can't have. */
extern void s3_key_check(const char *key);
/* A request about the object, or with key NULL about the bucket; `doing` and `permission` are for its errors. */
extern EtlAwsRequest s3_request_make(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
									 const char *method, const char *bucket, const char *key,
									 const char *doing, const char *permission);
/* Make a request that reads about this version of the object; NULL: the newest. */
extern void s3_request_version(EtlAwsRequest *request, const char *version);
/*
 * The etag of the object if it carries this mark (s3_body.h): then it is what the request that sent it has made. NULL: it
 * isn't, or that can't be told.
 */
extern char *s3_marked_find(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
							const char *key, const char *mark);
/* Append text (UTF-8, no control characters) as it stands in XML. */
extern void s3_xml_append(StringInfo out, const char *text);
/* The object as header x-amz-copy-source names it. */
extern char *s3_copy_source(const char *bucket, const char *key);
/* Raises why `source`, "s3://…", the object of that ETag, could not be copied: 40001 if it no longer is that one. */
extern void s3_copy_raise(const EtlAwsRequest *request, const EtlAwsFailure *failure, const char *source,
						  const char *etag);
/* Raises 08P01: the answer about the object is not one that S3 gives. */
extern void s3_protocol_error(const char *uri, const char *detail) pg_attribute_noreturn();
/* The same, as a parser of answers says why; if it had no memory, that. */
extern void s3_answer_raise(const char *uri, const EtlError *error) pg_attribute_noreturn();

#endif

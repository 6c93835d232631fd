/*
 * s3.h
 *		Amazon S3, an object at a time.
 *
 * Every function signs with `credentials`, or, when that is NULL, with the current user's for the server; retries
 * what is worth retrying; checks for interrupts; and raises with the object's URI, the AWS code, the request id and
 * the IAM action it needed. The server must not be in local mode.
 */
#ifndef ETL_AWS_S3_H
#define ETL_AWS_S3_H

#include "postgres.h"

#include "aws/credentials.h"
#include "aws/request.h"
#include "aws/s3_answer.h"
#include "aws/server.h"
#include "base/stream.h"
#include "net/http.h"

/* What S3 takes in one PUT. */
#define S3_PUT_MAX_SIZE (UINT64CONST(5) * 1024 * 1024 * 1024)

/* What is to be listed; the strings must stay as they are. */
typedef struct EtlS3ListSource
{
	const char *bucket;
	const char *prefix;
	const char *delimiter; /* NULL: none; keys that have it after the prefix come as one, up to and with it */
	const char *start_after; /* NULL: from the first key on */
	bool versions;			 /* all of an object, newest first */
} EtlS3ListSource;

/* What is to be read. */
typedef struct EtlS3Source
{
	const char *bucket;
	const char *key;
	const char *version; /* its id; NULL: the newest */
	const char *etag;	 /* not NULL: 40001 unless the object is that one */
	uint64 offset;
	uint64 length; /* 0: to the end */
	size_t ahead;  /* bytes that may wait in memory before anybody reads; 0: some */
} EtlS3Source;

/*
 * GET; a large object in parts, side by side, in as much memory as setting etl.s3_read_memory says. When the last byte is
 * read, it was of one version, its length is right, and so is the checksum if S3 has one of a whole object that is read whole.
 */
extern EtlReader *s3_object_read(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
								 const EtlS3Source *source);
/* The same, without waiting for an answer: what is wrong with it the first read raises. */
extern EtlReader *s3_object_read_start(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
									   const EtlS3Source *source);
/* A whole object of no more than `limit` bytes, without waiting: see aws_fetch_start. */
extern EtlAwsFetch *s3_object_fetch_start(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
										  const char *bucket, const char *key, size_t limit, StringInfo out);
/* A name by which an object is known again: random, hex. */
extern char *s3_mark_make(void);
/* HEAD, of a version unless that is NULL. False: no such object. A missing bucket raises. */
extern bool s3_object_head(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
						   const char *bucket, const char *key, const char *version, EtlS3Object *object);
/*
 * PUT; returns the new object's etag. With must_not_exist an object that is there is an error (58P02) and stays
 * as it is: S3 itself decides (If-None-Match). `mark` (of s3_mark_make), unless it is NULL, is what a HEAD of the object
 * will tell.
 */
extern char *s3_object_put(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
						   const char *bucket, const char *key, const EtlHttpBody *body, bool must_not_exist,
						   const char *mark);
/*
 * The form that doesn't wait (base/wait.h): start, which reads the body once for its checksums, then poll until it is
 * through; polling raises when it fails. The arguments must stay as they are, and all lives in the current context. Poll
 * waits in one case: to learn whether an object that is in the way is the one that a lost answer was about.
 */
typedef struct EtlS3Put EtlS3Put;
extern EtlS3Put *s3_object_put_start(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
									 const char *bucket, const char *key, const EtlHttpBody *body,
									 bool must_not_exist, const char *mark);
extern bool s3_object_put_poll(EtlS3Put *put, EtlWait *wait);
extern const char *s3_object_put_etag(const EtlS3Put *put);
/* Give it up if it isn't through: whether the object will be there then is not known. */
extern void s3_object_put_abandon(EtlS3Put *put);
/* DELETE; succeeds as well when there was no such object. */
extern void s3_object_delete(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
							 const char *bucket, const char *key);
/*
 * DELETE of many objects, whether they are there or not, in requests of a thousand. All are tried; if some can't be
 * deleted, that is an error which says how many, and why the first can't. *gone counts those that are, or may be.
 */
extern void s3_objects_delete(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *bucket,
							  char *const *keys, int nkeys, int *gone);
/* What one request copies; more takes an upload (s3_multipart.h). */
#define S3_COPY_MAX_SIZE (UINT64CONST(5) * 1024 * 1024 * 1024)
/* Copy the object with this ETag (40001: it has another) within S3. The copy's etag. */
extern char *s3_object_copy(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
							const char *source_bucket, const char *source_key, const char *etag, const char *bucket,
							const char *key);
/*
 * LIST, version 2: a page at a time, the next one being fetched while one is looked at. A page lives until the next call;
 * false: there are no more.
 */
typedef struct EtlS3Listing EtlS3Listing;
extern EtlS3Listing *s3_listing_start(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
									  const EtlS3ListSource *source);
extern bool s3_listing_next(EtlS3Listing *listing, EtlS3Page *page);
extern void s3_listing_end(EtlS3Listing *listing);
/*
 * A URL that lets its holder do `method` to the object for so many seconds, with no credentials of his own. Nothing is asked of
 * S3, so the object need not be there.
 */
extern char *s3_object_presign(const EtlAwsServer *server, const EtlAwsCredentials *credentials,
							   const char *bucket, const char *key, const char *method, int seconds);

#endif

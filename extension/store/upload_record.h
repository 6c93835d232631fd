/*
 * upload_record.h
 *		What is written down about a multipart upload, so that it can be aborted by somebody else: the text of
 *		it. Pure.
 *
 * A line a fact, each a name, a blank and a value; "ready" ends what is written before the upload is asked for.
 * Lines are appended after that. No secret is ever among them. A value has no line break: nothing that is
 * recorded can have one.
 */
#ifndef ETL_STORE_UPLOAD_RECORD_H
#define ETL_STORE_UPLOAD_RECORD_H

#include "base/error.h"

typedef struct EtlUploadRecord
{
	unsigned int database;
	unsigned int role;	 /* whose credentials it was made with */
	unsigned int server; /* the foreign server; its options may have changed since */
	char *server_name;
	char *region;	 /* which a statement may have named */
	char *iam_role;	 /* which a statement may have named, or a chain of them; NULL: none */
	bool keys_given; /* the statement brought its keys, and nobody else has them */
	char *bucket;
	char *key;
	int64 began; /* seconds since 1970 */

	char *upload_id; /* NULL: not known (yet) */
	int64 created;	 /* when it became known */
	bool strays;	 /* there may be another one besides, whose id isn't known */

	int failures; /* of aborting it */
	int64 tried;  /* the last time */
	char *error;  /* of that */
} EtlUploadRecord;

/* All of a record but what is appended later. */
extern void upload_record_write(const EtlUploadRecord *record, StringInfo out);
/* The lines that are appended. */
extern void upload_record_write_id(const char *upload_id, int64 created, bool strays, StringInfo out);
extern void upload_record_write_failure(int failures, int64 tried, const char *error, StringInfo out);
/*
 * False: the text ends before "ready", so nothing was asked of S3 yet, or it is no record. A line that is cut
 * short at the end is as if it were not there. Texts point into a copy, allocated in the current context.
 */
extern bool upload_record_parse(const char *text, size_t size, EtlUploadRecord *out);
/* How long after its last failure, in seconds, it is tried again: a minute, doubled each time, an hour at most. */
extern int64 upload_record_pause(int failures);

#endif

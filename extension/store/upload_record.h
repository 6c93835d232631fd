/*
 * upload_record.h
 *		What is written down about a multipart upload, or about objects that a transaction makes, so that they can
 *		be undone by somebody else: the text of it. Pure.
 *
 * A line a fact, each a name, a blank and a value; "ready" ends what is written before the store is asked for
 * anything. Lines are appended after that. No secret is ever among them. A value has no line break: nothing that is
 * recorded can have one.
 */
#ifndef ETL_STORE_UPLOAD_RECORD_H
#define ETL_STORE_UPLOAD_RECORD_H

#include "base/error.h"

/* An object that is about to be made. */
typedef struct EtlRecordedObject
{
	char *identity; /* tells it from others of that key; has no blank */
	char *key;
} EtlRecordedObject;

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
	int64 began; /* seconds since 1970 */

	/* of an upload */
	char *key;
	char *upload_id; /* NULL: not known (yet) */
	int64 created;	 /* when it became known */
	bool strays;	 /* there may be another one besides, whose id isn't known */

	/* of objects */
	uint64 transaction; /* that makes them, with its epoch; 0: this is about an upload */
	bool is_local;		/* they are in local mode */
	bool is_aborted;	/* the transaction is, which is not asked again */
	EtlRecordedObject *objects;
	int nobjects;
	int64 looked; /* when they were removed, as far as they were there; 0: not yet */

	int failures; /* of undoing it */
	int64 tried;  /* the last time */
	char *error;  /* of that */
} EtlUploadRecord;

/* All of a record but what is appended later. */
extern void upload_record_write(const EtlUploadRecord *record, StringInfo out);
/* The lines that are appended. */
extern void upload_record_write_object(const EtlRecordedObject *object, StringInfo out);
extern void upload_record_write_aborted(StringInfo out);
extern void upload_record_write_looked(int64 looked, StringInfo out);
extern void upload_record_write_id(const char *upload_id, int64 created, bool strays, StringInfo out);
extern void upload_record_write_failure(int failures, int64 tried, const char *error, StringInfo out);
/*
 * False: the text ends before "ready", so nothing was asked of the store yet, or it is no record. A line that is cut
 * short at the end is as if it were not there. Texts point into a copy, allocated in the current context.
 */
extern bool upload_record_parse(const char *text, size_t size, EtlUploadRecord *out);
/* How long after its last failure, in seconds, it is tried again: a minute, doubled each time, an hour at most. */
extern int64 upload_record_pause(int failures);

#endif

/*
 * store.h
 *		Object stores: one interface, a driver each for S3 and for folders (local mode).
 *
 * A driver is a table of functions; everything above it (COPY, UNLOAD, external tables, the SQL functions) works
 * on either. All functions raise on failure, with the object's URI in the message; all check for interrupts.
 *
 * Writing is staged: bytes go to a place nobody sees until the object is published.
 *   store_put             one object, visible when it returns (etl.s3_put)
 *   store_stage           a writer whose object is published when the transaction commits; a (sub)transaction
 *                         that aborts leaves nothing. Publishing happens just before the commit
 *                         (XACT_EVENT_PRE_COMMIT), or earlier in store_publish_staged, so its failure is still the
 *                         transaction's failure. What is published is on record until the transaction has committed
 *                         (uploads.h), so that what a killed process leaves is removed.
 *
 * Many small objects are read by read_many.h.
 */
#ifndef ETL_STORE_STORE_H
#define ETL_STORE_STORE_H

#include "postgres.h"

#include "aws/credentials.h"
#include "aws/server.h"
#include "base/stream.h"
#include "datatype/timestamp.h"
#include "net/http.h"

typedef struct EtlUri
{
	char *bucket;
	char *key; /* "" for the bucket itself; never starts with the separating slash */
} EtlUri;

typedef struct EtlObject
{
	char *key;
	uint64 size; /* bytes */
	char *etag;	 /* without the quotes S3 puts around it */
	TimestampTz last_modified;
	bool is_prefix; /* of a listing with a delimiter: what several keys begin with; nothing else is known */
	char *version;	/* of a listing of versions: its id; otherwise NULL */
	bool is_latest;
	bool is_delete_marker; /* such a version is what is left of an object that was deleted */
	char *mark;			   /* what it was marked with as it was put; NULL: nothing, or that isn't known */
} EtlObject;

/* What is to be listed. */
typedef struct EtlListing
{
	const char *prefix;
	const char *delimiter; /* keys that have it after the prefix come as one, up to and with it; NULL: none */
	const char *start_after; /* keys up to and with this one are left out; NULL: none */
	bool versions;			 /* all versions of each object, the newest first; S3 alone has some */
	bool before_put;		 /* objects are about to be put there: a bucket that comes with its first one has none */
} EtlListing;

/* What is to be read of an object. */
typedef struct EtlObjectPart
{
	uint64 offset;
	uint64 length;		 /* 0: to the end */
	const char *etag;	 /* not NULL: raise if the object isn't that one */
	const char *version; /* its id; NULL: the newest. S3 alone has some */
} EtlObjectPart;

/*
 * How an object is to be put. What tells it from any other the key may have, later or for somebody else, is its identity:
 * a mark, for a driver that has such a thing; otherwise what is announced before the object can be seen.
 */
typedef struct EtlPutTerms
{
	bool must_not_exist; /* 58P02 if the object is there */
	const char *mark;	 /* of the driver's; NULL: none */
	void (*announce)(void *arg, const char *identity); /* NULL: nobody wants to know */
	void *arg;
} EtlPutTerms;

typedef struct EtlStore EtlStore;
typedef struct EtlStorePut EtlStorePut;		  /* a driver's: an object that is being put */
typedef struct EtlStoreUpload EtlStoreUpload; /* a driver's: an object that is made of parts */

/* Called once an object, in key order; the object lives until it returns. Return false to stop. */
typedef bool (*EtlObjectVisitor)(const EtlObject *object, void *arg);

typedef struct EtlStoreDriver
{
	const char *name;
	void (*list)(EtlStore *store, const char *bucket, const EtlListing *listing, EtlObjectVisitor visit,
				 void *arg);
	/* false: no such object (a missing bucket raises on S3; in local mode it comes with its first object) */
	bool (*head)(EtlStore *store, const char *bucket, const char *key, const char *version,
				 EtlObject *object);
	EtlReader *(*read)(EtlStore *store, const char *bucket, const char *key, const EtlObjectPart *part);
	/* Ask for the object (one of a listing), which is to be in memory when it is read, and don't wait. NULL: no use. */
	EtlReader *(*read_start)(EtlStore *store, const char *bucket, const EtlObject *object);
	/* Publish the body as the object. Returns its etag. */
	char *(*put)(EtlStore *store, const char *bucket, const char *key, const EtlHttpBody *body,
				 const EtlPutTerms *terms);
	/* A mark to put an object with. NULL: objects have none. */
	char *(*mark)(void);
	/* true also when there was no such object, as S3 answers */
	bool (*remove)(EtlStore *store, const char *bucket, const char *key);
	/*
	 * All of them are tried; raises when some could not be removed, and says how many. *gone is raised by how many are
	 * gone, or may be, also then.
	 */
	void (*remove_many)(EtlStore *store, const char *bucket, char *const *keys, int nkeys, int *gone);
	/* Copy the object, of one version, to another key of the store. Its etag. */
	char *(*copy)(EtlStore *store, const EtlUri *source, const EtlUri *target);

	/*
	 * Putting several objects at a time: the form of put that doesn't wait (base/wait.h), NULL for a driver that has
	 * none. The arguments must stay until it is through. put_abandon gives up one that isn't: whether the object will be
	 * there then is not known.
	 */
	EtlStorePut *(*put_start)(EtlStore *store, const char *bucket, const char *key, const EtlHttpBody *body,
							  const EtlPutTerms *terms);
	bool (*put_poll)(EtlStorePut *put, EtlWait *wait);
	void (*put_abandon)(EtlStorePut *put);

	/*
	 * Objects of which parts are sent while they are being written; NULL for a driver that has none. Nothing of one is to
	 * be seen until it is completed. upload_drop gives it up: no network, raises nothing; false: it still needs the
	 * memory context it was begun in, and deletes that when it can.
	 */
	EtlStoreUpload *(*upload_begin)(EtlStore *store, const char *bucket, const char *key, const char *mark);
	/* How large the next part is to be (NULL: the first), and how many are sent at a time. */
	uint64 (*upload_part_size)(EtlStoreUpload *upload);
	int upload_parts;
	/* The file's first `size` bytes, in parts of this size; only the last of an object's may be smaller. Waits. */
	void (*upload_send)(EtlStoreUpload *upload, int fd, uint64 size, uint64 part_size);
	void (*upload_complete)(EtlStoreUpload *upload, bool must_not_exist);
	bool (*upload_drop)(EtlStoreUpload *upload);
	/* A URL that lets its holder do so to the object for a while. NULL: there is no such thing. */
	char *(*presign)(EtlStore *store, const char *bucket, const char *key, const char *method, int seconds);
} EtlStoreDriver;

struct EtlStore
{
	const EtlStoreDriver *driver;
	EtlAwsServer *server;
	const EtlAwsCredentials *credentials; /* overrides the server's; NULL: the server's own */
	bool credentials_given;				  /* by the statement: nobody can ask for them again */
	const char *iam_role;				  /* whose credentials they are; NULL: the server's own, or given */
};

/* What tells the object from any other: see EtlPutTerms. */
extern const char *store_identity(const EtlObject *object);

/* Parse "s3://bucket/key". Raises 22023 naming the URI and what is wrong with it. */
extern void store_uri_parse(const char *uri, EtlUri *out);
/* "s3://bucket/key" */
extern char *store_uri_format(const char *bucket, const char *key);

/*
 * Open the store behind AWS server `server_name` (NULL: setting etl.aws_server) for the current user.
 * `credentials`, if not NULL, take the place of the server's (ACCESS_KEY_ID … in COPY).
 */
extern EtlStore *store_open(const char *server_name, const EtlAwsCredentials *credentials);

/* An error unless the key names an object; what takes one does that itself. */
extern void store_require_key(const char *bucket, const char *key);
extern void store_list(EtlStore *store, const char *bucket, const char *prefix, EtlObjectVisitor visit,
					   void *arg);
extern void store_list_some(EtlStore *store, const char *bucket, const EtlListing *listing,
							EtlObjectVisitor visit, void *arg);
/* Those whose keys match a pattern (store/glob.h). Only what has its literal beginning is listed. */
extern void store_glob(EtlStore *store, const char *bucket, const char *pattern, EtlObjectVisitor visit, void *arg);
extern bool store_head(EtlStore *store, const char *bucket, const char *key, EtlObject *object);
/* `version`: its id; NULL: the newest */
extern bool store_head_version(EtlStore *store, const char *bucket, const char *key, const char *version,
							   EtlObject *object);
extern EtlReader *store_read(EtlStore *store, const char *bucket, const char *key, uint64 offset,
							 uint64 length, const char *etag);
extern EtlReader *store_read_version(EtlStore *store, const char *bucket, const char *key,
									 const char *version);
extern char *store_presign(EtlStore *store, const char *bucket, const char *key, const char *method,
						   int seconds);
extern char *store_put(EtlStore *store, const char *bucket, const char *key, const char *data, size_t size,
					   bool must_not_exist);
extern void store_remove(EtlStore *store, const char *bucket, const char *key);
extern void store_remove_many(EtlStore *store, const char *bucket, char *const *keys, int nkeys, int *gone);
extern char *store_copy_object(EtlStore *store, const EtlUri *source, const EtlUri *target);

/*
 * A writer whose object appears at commit. With must_not_exist, an object that is there at that time is an error (58P02)
 * that names it; whoever wants to know before looks.
 */
extern EtlWriter *store_stage(EtlStore *store, const char *bucket, const char *key, bool must_not_exist);
/*
 * At commit, when all that is staged is there, remove the objects whose keys begin with the prefix, but for those that were
 * staged since the mark. With folders only those whose keys begin with the prefix and one of them; no folder begins with
 * another. A (sub)transaction that aborts removes nothing.
 */
extern uint64 store_stage_mark(void);
extern void store_stage_clean(EtlStore *store, const char *bucket, const char *prefix, char *const *folders, int nfolders,
							  uint64 mark);
/*
 * Wait until what failed transactions have left under keys with this prefix is removed. For who is about to look there what
 * he may write; some seconds at most.
 */
extern void store_settle(const char *bucket, const char *prefix);
/* Do now what is to be done at commit. Objects published here are removed again on failure. */
extern void store_publish_staged(void);
/* Called when that was tried, before its error is raised: with the error, or NULL. */
extern void (*store_published_hook)(const ErrorData *error);

#endif

/*
 * local.h
 *		The driver for local mode, and what its files share.
 *
 * s3://bucket/key is the file <root>/bucket/key. <root> is the administrator's word; below it nothing is trusted:
 * every component is opened by itself, relative to the folder before it, and never through a symbolic link, so no key
 * and nothing that others put into a bucket leads outside.
 */
#ifndef ETL_STORE_LOCAL_H
#define ETL_STORE_LOCAL_H

#include "store/store.h"

#include <sys/stat.h>

extern const EtlStoreDriver store_local_driver;

/* local_path.c: keys and folders */

typedef enum LocalFound
{
	LOCAL_FOUND,
	LOCAL_NO_ROOT,
	LOCAL_NO_BUCKET,
	LOCAL_NO_FOLDER,	  /* below the bucket */
	LOCAL_FOLDER_IS_FILE, /* an object has the name of a folder the key needs */
	LOCAL_IS_LINK,		  /* a symbolic link is in the way */
	LOCAL_FAILED		  /* errno says why */
} LocalFound;

/* NULL, or why the file system can't have the key (or, for a listing, the folder part of a prefix). */
extern const char *local_key_fault(const char *key);
/* Raises 0A000 when there is a fault. */
extern void local_key_check(const char *bucket, const char *key);
/*
 * Open the folder that holds the key, making it (and the bucket) on request; *leaf is the rest of the key. Raises
 * nothing. *fd is the caller's to close, or -1.
 */
extern LocalFound local_folder_open(const EtlStore *store, const char *bucket, const char *key, bool create,
									int *fd, const char **leaf);
/* Remove the folders above the key that are empty, up to the bucket. Best effort. */
extern void local_folders_prune(const EtlStore *store, const char *bucket, const char *key);
/* Raise what anything but LOCAL_FOUND means when the object is wanted. */
extern void local_raise(const EtlStore *store, LocalFound found, const char *bucket, const char *key)
	pg_attribute_noreturn();
/* There is no such object. */
extern void local_raise_missing(const char *bucket, const char *key) pg_attribute_noreturn();

/* The object that the file is. Its key isn't set. */
extern void local_object_fill(const struct stat *status, EtlObject *object);

/* The driver's functions: local_list.c, local_read.c, local_write.c */
extern void local_list(EtlStore *store, const char *bucket, const EtlListing *what, EtlObjectVisitor visit,
					   void *arg);
extern bool local_head(EtlStore *store, const char *bucket, const char *key, const char *version,
					   EtlObject *object);
extern EtlReader *local_read(EtlStore *store, const char *bucket, const char *key, const EtlObjectPart *part);
extern char *local_put(EtlStore *store, const char *bucket, const char *key, const EtlHttpBody *body,
					   const EtlPutTerms *terms);
extern bool local_remove(EtlStore *store, const char *bucket, const char *key);
extern void local_remove_many(EtlStore *store, const char *bucket, char *const *keys, int nkeys,
							  int *gone);
extern char *local_copy(EtlStore *store, const EtlUri *source, const EtlUri *target);

#endif

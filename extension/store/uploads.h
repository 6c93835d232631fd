/*
 * uploads.h
 *		Records of multipart uploads, and of the objects that a transaction makes just before it commits, where a
 *		crash can't lose them: a file each.
 *
 * It is written before the store is asked for anything, and removed when the upload is completed or aborted, or the
 * transaction has committed. Whoever is at it holds a lock on its record, which ends with the process: who can take the
 * lock knows that it is abandoned. Undoing that is upload_sweep.c's: uploads are aborted, and objects of a transaction
 * that hasn't committed removed.
 */
#ifndef ETL_STORE_UPLOADS_H
#define ETL_STORE_UPLOADS_H

#include "postgres.h"

#include "store/store.h"
#include "store/upload_record.h"

typedef struct EtlUploadFile EtlUploadFile;

/*
 * Record that an upload to the object is about to be made; durable when it returns. It is TopMemoryContext's, and its
 * descriptor is this file's: end it by one of the last two below, which raise nothing.
 */
extern EtlUploadFile *uploads_record(const EtlStore *store, const char *bucket, const char *key);
/* Its id is known; `strays`: there may be another one besides. Durable when it returns. */
extern void uploads_record_id(EtlUploadFile *file, const char *upload_id, bool strays);
/*
 * Record that objects are about to be made in a bucket, as far as they are known by now; durable when it returns. As above
 * otherwise.
 */
extern EtlUploadFile *uploads_record_objects(const EtlStore *store, Oid role, const char *bucket, uint64 transaction,
											 EtlRecordedObject *objects, int nobjects);
/* One more. Durable when it returns. */
extern void uploads_record_object(EtlUploadFile *file, const EtlRecordedObject *object);
/* The objects stay, whatever becomes of the transaction: durable when it returns. Ends it, unless it raises. */
extern void uploads_record_keep(EtlUploadFile *file);
/* It is completed, or was never made. If there may be strays, this leaves it to the sweeper all the same. */
extern void uploads_record_done(EtlUploadFile *file);
/* Nobody is at it any more: the sweeper is to undo it. No network. */
extern void uploads_record_abandon(EtlUploadFile *file);

/*
 * For upload_sweep.c: call back for each record of this database (InvalidOid: of any) whose writer is gone,
 * with the lock held and the file read. When `visit` returns false the file is removed, otherwise it stays.
 */
typedef bool (*EtlUploadVisit)(EtlUploadFile *file, const EtlUploadRecord *record, void *arg);
extern void uploads_visit(Oid database, EtlUploadVisit visit, void *arg);
/* In `visit`: what the record is called. */
extern const char *uploads_record_name(const EtlUploadFile *file);
/* In `visit`: it is sure now that the transaction will not commit. */
extern void uploads_record_aborted(EtlUploadFile *file);
/* In `visit`: its objects were removed as far as they were there at that time. */
extern void uploads_record_looked(EtlUploadFile *file, int64 time);
/* In `visit`: it could not be undone, for this reason. */
extern void uploads_record_failure(EtlUploadFile *file, const EtlUploadRecord *record, const char *error);
/* Whether the upload with this id is on record, whoever is at it. */
extern bool uploads_is_known(const char *upload_id);

/*
 * Take the locks of all records of this database that have an object of which `has` says yes and whose transaction is over,
 * until uploads_release, which raises nothing: the sweeper is not at those objects meanwhile. Waits for it.
 */
typedef bool (*EtlPlaceTest)(const char *bucket, const char *key, void *arg);
extern void uploads_hold(EtlPlaceTest has, void *arg);
extern void uploads_release(void);

/*
 * Who sees to it that abandoned uploads are aborted. `look` has it look, after this call; `must_leave` tells
 * that this database is to have no process of ours in it. Called from task_init; without it sessions abort
 * their own, later.
 */
typedef struct EtlUploadWatch
{
	void (*look)(Oid database);
	bool (*must_leave)(Oid database);
} EtlUploadWatch;
extern void uploads_watch_register(const EtlUploadWatch *watch);
extern const EtlUploadWatch *uploads_watch(void); /* NULL: nobody */

/*
 * In a scheduler: start a process that aborts what is abandoned in this database. Waits for nobody. Returns
 * when to look again; DT_NOEND: when somebody abandons one.
 */
extern TimestampTz uploads_sweep(void);

#endif

/*
 * stage.h
 *		What the files stage*.c share; everybody else has store.h.
 */
#ifndef ETL_STORE_STAGE_H
#define ETL_STORE_STAGE_H

#include "postgres.h"

#include "access/xact.h"
#include "lib/ilist.h"
#include "storage/fd.h"
#include "store/store.h"
#include "store/uploads.h"

typedef enum EtlStageState
{
	STAGE_OPEN,		/* being written */
	STAGE_FINISHED, /* complete, and nobody sees it */
	STAGE_SENT,		/* being published: it is there, or it isn't */
	STAGE_PUBLISHED
} EtlStageState;

typedef struct EtlStaged
{
	EtlWriter writer;	   /* first: callers hold a pointer to it */
	dlist_node node;	   /* in staged_objects */
	MemoryContext context; /* holds all of it */
	SubTransactionId subid;
	EtlStore *store;
	char *bucket;
	char *key;
	Oid role;
	uint64 number;	/* they are numbered as they are asked for */
	char *identity; /* see EtlPutTerms; NULL: not known yet */
	bool must_not_exist;
	bool keys_given; /* the statement brought the credentials, as COPY and UNLOAD can */
	bool existed;	 /* there is an object that publishing replaces */
	EtlStageState state;
	const struct EtlStageClean *clean; /* that it takes part in, known when it is published; NULL: none */
	bool is_recorded;
	EtlUploadFile *record; /* of its publishing; NULL: there is nothing to record */
	EtlStoreUpload *upload; /* of what came before what is in the file; NULL: nothing did */
	uint64 part_size;		/* of the parts that what is in the file will be; 0: there are none */
	File file;
	uint64 size; /* bytes in the file */
	char *buf;	 /* bytes that are not in it yet; NULL: there are none */
	size_t buffered;
} EtlStaged;

extern dlist_head staged_objects; /* in the order they were staged */

/* A descriptor of the file, of its own: the file's own may be closed while the network is waited for. */
extern int stage_descriptor(EtlStaged *staged);
extern void stage_descriptor_close(int fd);

/* What is to be removed once all are published: see store_stage_clean. */
typedef struct EtlStageClean
{
	dlist_node node;	   /* in stage_cleans */
	MemoryContext context; /* holds all of it */
	SubTransactionId subid;
	uint64 mark; /* what is staged with a higher number stays */
	EtlStore *store;
	char *bucket;
	char *prefix;
	char **folders; /* sorted; NULL: all that begins with the prefix */
	int nfolders;
	int gone; /* objects that are removed, or may be */
} EtlStageClean;

extern dlist_head stage_cleans;

/* A store of our own: the caller's may be gone at the commit, and the user another one. In the current context. */
extern EtlStore *stage_store_copy(const EtlStore *store);
/* Register the callbacks that end what is staged with its transaction. */
extern void stage_begin(void);
/* Remove what is to be. From the first of it on the objects that take its place are kept for good. */
extern void stage_clean_all(void);
extern void stage_clean_drop(EtlStageClean *clean);
/* The one that the object takes part in. NULL: none. */
extern EtlStageClean *stage_clean_of(const EtlStaged *staged);

/*
 * Publish all of them, and then remove what is to be. What was published is taken back when one fails, and then that is
 * raised. Nothing is taken off the lists.
 */
extern void stage_publish_all(void);

/*
 * What replaces other objects stays if the transaction fails: look which do, before anything is sent, and keep the sweeper
 * from all of these places. *current is the one that an error is about.
 */
extern void stage_look_all(EtlStaged **current);

/* Put on record what is about to be published, as far as it replaces nothing. */
extern void stage_record_all(void);
/* An object whose identity was not known by then is about to appear. */
extern void stage_record_identity(EtlStaged *staged, const char *identity);
/* What takes part in this stays, whatever becomes of the transaction. */
extern void stage_record_keep(const EtlStageClean *clean);
/* All that was recorded so far is there. */
extern void stage_record_published(void);
/* Nothing is there of what was recorded since then. Raises nothing, as the next two. */
extern void stage_record_taken_back(void);
extern void stage_record_committed(void);
/* It has failed: somebody else is to remove what is there of it. No network. */
extern void stage_record_aborted(void);
/* The same of a subtransaction; what it has published is its parent's if it commits. */
extern void stage_record_sub_committed(SubTransactionId subid, SubTransactionId parent);
extern void stage_record_sub_aborted(SubTransactionId subid);

#endif

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
	EtlUploadFile *record; /* of its publishing; NULL: not begun */
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
} EtlStageClean;

extern dlist_head stage_cleans;

/* A store of our own: the caller's may be gone at the commit, and the user another one. In the current context. */
extern EtlStore *stage_store_copy(const EtlStore *store);
/* Register the callbacks that end what is staged with its transaction. */
extern void stage_begin(void);
/* Remove what is to be. Before the first of it what is published is kept for good: it takes the place of that. */
extern void stage_clean_all(void);
extern void stage_clean_drop(EtlStageClean *clean);

/*
 * Publish all of them, and then remove what is to be. What was published is taken back when one fails, and then that is
 * raised. Nothing is taken off the lists.
 */
extern void stage_publish_all(void);

/* Put on record what is about to be published, as far as it replaces nothing. */
extern void stage_record_all(void);
/* An object whose identity was not known by then is about to appear. */
extern void stage_record_identity(EtlStaged *staged, const char *identity);
/* All that is on record stays, whatever becomes of the transaction. */
extern void stage_record_keep(void);
/* All that was recorded so far is there. */
extern void stage_record_published(void);
/* Nothing is there of what was recorded since then. Raises nothing, as the next two. */
extern void stage_record_taken_back(void);
extern void stage_record_committed(void);
/* The transaction has failed: somebody else is to remove what is there of it. No network. */
extern void stage_record_abandon(void);

#endif

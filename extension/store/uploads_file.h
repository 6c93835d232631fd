/*
 * uploads_file.h
 *		A record's file. Private to uploads*.c.
 */
#ifndef ETL_STORE_UPLOADS_FILE_H
#define ETL_STORE_UPLOADS_FILE_H

#include "lib/ilist.h"
#include "nodes/pg_list.h"
#include "pgstat.h"
#include "store/uploads.h"

#define UPLOADS_FOLDER PG_STAT_TMP_DIR "/pg_etl.uploads"

struct EtlUploadFile
{
	dlist_node node; /* of those this process has written */
	int fd;			 /* has the lock */
	char path[MAXPGPATH];
	off_t complete; /* what is in it without failures to undo it */
	bool strays;
	Oid database;
};

/* Open and, with `lock`, lock a record; its text. False: it isn't to be had, as somebody is at it, or it is gone. */
extern bool uploads_file_read(EtlUploadFile *file, const char *name, bool lock, StringInfo text);
/* Read a record without its lock: somebody may be at it. False: there is none. */
extern bool uploads_file_parse(const char *name, StringInfo text, EtlUploadRecord *record);
/*
 * The names in the folder, all at once: visiting may take long, and files come and go meanwhile. Sorted, so that who takes
 * several locks takes them in one order.
 */
extern List *uploads_file_names(void);
/* Other databases' are theirs. */
extern bool uploads_file_is_ours(const char *name);
/* It is of objects, and the transaction that makes them is over. */
extern bool upload_is_over(const EtlUploadRecord *record);

#endif

/*
 * uploads_file.h
 *		A record's file. Private to uploads*.c.
 */
#ifndef ETL_STORE_UPLOADS_FILE_H
#define ETL_STORE_UPLOADS_FILE_H

#include "lib/ilist.h"
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

#endif

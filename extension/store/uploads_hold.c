/*
 * uploads_hold.c
 *		Keeping the sweeper from objects that are about to be replaced. See uploads.h.
 *
 * It removes what is still as a failed transaction has made it. Between its look and its removal another writer could put
 * an object of the same key.
 */
#include "postgres.h"

#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"
#include "store/uploads_file.h"
#include "utils/memutils.h"

#define HOLD_PAUSE_MS 20

static dlist_head held = DLIST_STATIC_INIT(held);

static bool
has_any(const EtlUploadRecord *record, EtlPlaceTest has, void *arg)
{
	for (int i = 0; i < record->nobjects; i++)
		if (has(record->bucket, record->objects[i].key, arg))
			return true;
	return false;
}

static bool
is_held(const char *name)
{
	dlist_iter iter;

	dlist_foreach(iter, &held)
		if (strcmp(uploads_record_name(dlist_container(EtlUploadFile, node, iter.cur)), name) == 0)
			return true;
	return false;
}

/* False: somebody else has the lock. */
static bool
hold(const char *name, StringInfo text)
{
	EtlUploadFile *file = MemoryContextAllocZero(TopMemoryContext, sizeof(EtlUploadFile));

	if (!AcquireExternalFD())
	{
		pfree(file);
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("too many objects are being written at a time"),
				errhint("Raise max_files_per_process."));
	}
	if (uploads_file_read(file, name, true, text))
	{
		dlist_push_tail(&held, &file->node);
		return true;
	}
	ReleaseExternalFD();
	pfree(file);
	return false;
}

void
uploads_hold(EtlPlaceTest has, void *arg)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl records", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, uploads_file_names())
	{
		EtlUploadRecord record;

		while (uploads_file_is_ours(lfirst(cell)) && !is_held(lfirst(cell)) && uploads_file_parse(lfirst(cell), &text, &record) &&
			   upload_is_over(&record) && has_any(&record, has, arg) && !hold(lfirst(cell), &text))
			http_sleep(HOLD_PAUSE_MS);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

void
uploads_release(void)
{
	if (dlist_is_empty(&held))
		return;
	while (!dlist_is_empty(&held))
	{
		EtlUploadFile *file = dlist_container(EtlUploadFile, node, dlist_pop_head_node(&held));

		close(file->fd);
		ReleaseExternalFD();
		pfree(file);
	}
	if (uploads_watch() != NULL)
		uploads_watch()->look(MyDatabaseId);
}

/*
 * uploads_read.c
 *		Looking at the records of uploads and of objects that are made. See uploads.h.
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "access/transam.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "storage/procarray.h"
#include "store/uploads_file.h"
#include "utils/memutils.h"

#define SETTLE_MS 10000
#define SETTLE_PAUSE_MS 20
#define LOCK_PAUSE_MS 500

const char *
uploads_record_name(const EtlUploadFile *file)
{
	return file->path + strlen(UPLOADS_FOLDER "/");
}

static bool
read_text(int fd, off_t size, StringInfo text)
{
	resetStringInfo(text);
	if (size >= MaxAllocSize)
		return false; /* we have written none that is so large */
	enlargeStringInfo(text, size);
	while (text->len < size)
	{
		ssize_t n = pread(fd, text->data + text->len, size - text->len, text->len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return false;
		if (n == 0)
			break; /* it was longer before somebody noted a failure anew */
		text->len += n;
	}
	text->data[text->len] = '\0';
	return true;
}

bool
uploads_file_read(EtlUploadFile *file, const char *name, bool lock, StringInfo text)
{
	struct stat status;
	bool is_read;

	snprintf(file->path, MAXPGPATH, UPLOADS_FOLDER "/%s", name);
	file->fd = open(file->path, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (file->fd < 0)
		return false;
	PG_TRY();
	{
		is_read = (!lock || flock(file->fd, LOCK_EX | LOCK_NB) == 0) && fstat(file->fd, &status) == 0 &&
				  status.st_nlink > 0 && read_text(file->fd, status.st_size, text);
	}
	PG_CATCH();
	{
		close(file->fd);
		PG_RE_THROW();
	}
	PG_END_TRY();
	if (is_read)
		return true;
	close(file->fd);
	file->fd = -1;
	return false;
}

/* Where failures begin: they are written anew each time. */
static off_t
complete_size(const StringInfo text)
{
	const char *failures = strstr(text->data, "\nfailures ");

	return failures != NULL ? failures + 1 - text->data : text->len;
}

typedef struct Visit
{
	Oid database;
	EtlUploadVisit visit;
	void *arg;
	StringInfoData text;
} Visit;

static void
visit_file(Visit *visit, const char *name)
{
	EtlUploadFile *file = palloc0(sizeof(EtlUploadFile));
	EtlUploadRecord record;
	bool stays;

	/* The database is in the name, so that others' are left in peace. */
	if (OidIsValid(visit->database) && strtoul(name, NULL, 10) != visit->database)
		return;
	if (!uploads_file_read(file, name, true, &visit->text))
		return;
	file->complete = complete_size(&visit->text);
	PG_TRY();
	{
		stays = upload_record_parse(visit->text.data, visit->text.len, &record) &&
				visit->visit(file, &record, visit->arg);
		if (!stays && unlink(file->path) != 0 && errno != ENOENT)
			ereport(LOG, errcode_for_file_access(), errmsg("could not remove file \"%s\": %m", file->path));
	}
	PG_FINALLY();
	{
		close(file->fd);
	}
	PG_END_TRY();
	pfree(file);
}

static int
compare_names(const ListCell *a, const ListCell *b)
{
	return strcmp(lfirst(a), lfirst(b));
}

List *
uploads_file_names(void)
{
	List *names = NIL;
	struct dirent *entry;
	DIR *dir = AllocateDir(UPLOADS_FOLDER);

	if (dir == NULL && errno == ENOENT)
		return NIL; /* there has been none */
	while ((entry = ReadDirExtended(dir, UPLOADS_FOLDER, LOG)) != NULL)
		if (entry->d_name[0] != '.')
			names = lappend(names, pstrdup(entry->d_name));
	if (dir != NULL)
		FreeDir(dir);
	list_sort(names, compare_names);
	return names;
}

void
uploads_visit(Oid database, EtlUploadVisit visit, void *arg)
{
	Visit state = {.database = database, .visit = visit, .arg = arg};
	List *names = uploads_file_names();
	ListCell *cell;

	initStringInfo(&state.text);
	foreach (cell, names)
		visit_file(&state, lfirst(cell));
	list_free_deep(names);
	pfree(state.text.data);
}

bool
uploads_file_is_ours(const char *name)
{
	return strtoul(name, NULL, 10) == MyDatabaseId;
}

bool
uploads_file_parse(const char *name, StringInfo text, EtlUploadRecord *record)
{
	EtlUploadFile file;

	if (!uploads_file_read(&file, name, false, text))
		return false;
	close(file.fd);
	return upload_record_parse(text->data, text->len, record);
}

bool
uploads_is_known(const char *upload_id)
{
	List *names = uploads_file_names();
	StringInfoData text;
	bool known = false;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, names)
	{
		EtlUploadRecord record;

		if (uploads_file_parse(lfirst(cell), &text, &record) && record.upload_id != NULL &&
			strcmp(record.upload_id, upload_id) == 0)
			known = true;
	}
	list_free_deep(names);
	pfree(text.data);
	return known;
}

bool
upload_is_over(const EtlUploadRecord *record)
{
	return record->transaction != 0 &&
		   !TransactionIdIsInProgress(XidFromFullTransactionId(FullTransactionIdFromU64(record->transaction)));
}

/* There are objects to be removed, and nobody has tried yet. */
static bool
is_unsettled(const EtlUploadRecord *record, const char *bucket, const char *prefix)
{
	if (record->looked != 0 || record->failures > 0 || strcmp(record->bucket, bucket) != 0 || !upload_is_over(record))
		return false;
	for (int i = 0; i < record->nobjects; i++)
		if (strncmp(record->objects[i].key, prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

/* Somebody has the lock. */
static bool
is_locked(const char *name)
{
	char path[MAXPGPATH];
	bool locked;
	int fd;

	snprintf(path, MAXPGPATH, UPLOADS_FOLDER "/%s", name);
	fd = open(path, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return false;
	locked = flock(fd, LOCK_SH | LOCK_NB) != 0;
	close(fd);
	return locked;
}

/* *locked, unless that is NULL: whether somebody is at any of them. */
static bool
any_unsettled(const char *bucket, const char *prefix, bool *locked)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "pg_etl records", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	bool any = false;
	StringInfoData text;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, uploads_file_names())
	{
		EtlUploadRecord record;

		if (!uploads_file_is_ours(lfirst(cell)) || !uploads_file_parse(lfirst(cell), &text, &record) ||
			!is_unsettled(&record, bucket, prefix))
			continue;
		any = true;
		if (locked != NULL && is_locked(lfirst(cell)))
			*locked = true;
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return any;
}

/* As long as somebody is at it, and some time for somebody to come. */
void
store_settle(const char *bucket, const char *prefix)
{
	if (uploads_watch() == NULL)
		return; /* nobody will remove it */
	for (int idle = 0; idle < SETTLE_MS; idle += SETTLE_PAUSE_MS)
	{
		bool locked = false;

		/* Asking for a lock is in the way of who wants it, so that is done seldom. */
		if (!any_unsettled(bucket, prefix, idle % LOCK_PAUSE_MS == 0 ? &locked : NULL))
			break;
		if (locked)
			idle = 0;
		uploads_watch()->look(MyDatabaseId);
		http_sleep(SETTLE_PAUSE_MS);
	}
}

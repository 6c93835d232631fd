/*
 * uploads.c
 *		Records of multipart uploads. See uploads.h.
 *
 * They are in a folder that base backups leave out: a copy of the server must not abort what the server it is a
 * copy of is uploading. What a standby that takes over doesn't know of, a lifecycle rule of the bucket removes.
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "common/file_perm.h"
#include "foreign/foreign.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "storage/ipc.h"
#include "store/uploads.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define UPLOADS_FOLDER PG_STAT_TMP_DIR "/pg_etl.uploads"
#define MAX_RECORD_SIZE (64 * 1024)

struct EtlUploadFile
{
	dlist_node node; /* in written, where uploads_record made it */
	int fd;			 /* has the lock */
	char path[MAXPGPATH];
	off_t complete; /* what is in it without failures to abort it */
	bool strays;
	Oid database;
};

static dlist_head written = DLIST_STATIC_INIT(written); /* what this process has on record and is at */
static const EtlUploadWatch *the_watch = NULL;

void
uploads_watch_register(const EtlUploadWatch *watch)
{
	the_watch = watch;
}

const EtlUploadWatch *
uploads_watch(void)
{
	return the_watch;
}

static void
pg_attribute_noreturn() raise_unwritable(const char *path)
{
	ereport(ERROR, errcode_for_file_access(), errmsg("could not write file \"%s\": %m", path),
			errdetail("An upload to S3 is not begun without a record of it, by which it can be aborted."));
	pg_unreachable();
}

/* What is in the folder survives a crash of the machine. */
static void
sync_folder(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int result = fd >= 0 ? pg_fsync(fd) : -1;
	int saved_errno = errno;

	if (fd >= 0)
		close(fd);
	errno = saved_errno;
	if (result != 0)
		raise_unwritable(path);
}

static void
append(EtlUploadFile *file, const char *text, int size, bool durable)
{
	int written = 0;

	while (written < size)
	{
		ssize_t n;

		errno = 0;
		n = write(file->fd, text + written, size - written);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			if (errno == 0)
				errno = ENOSPC;
			raise_unwritable(file->path);
		}
		written += n;
	}
	if (durable && pg_fsync(file->fd) != 0)
		raise_unwritable(file->path);
}

/* Close it, which ends the lock. Raises nothing. */
static void
file_close(EtlUploadFile *file)
{
	dlist_delete(&file->node);
	close(file->fd);
	ReleaseExternalFD();
	pfree(file);
}

/*
 * The process ends: by an error that no PG_CATCH sees if it was terminated. The lock would end by itself, but nobody would look.
 */
static void
abandon_all(int code, Datum arg)
{
	while (!dlist_is_empty(&written))
		uploads_record_abandon(dlist_container(EtlUploadFile, node, dlist_head_node(&written)));
}

/* The lock is taken before anybody can take it for abandoned: one that came in between has removed it. */
static bool
create_locked(EtlUploadFile *file)
{
	struct stat status;

	file->fd = open(file->path, O_RDWR | O_CREAT | O_EXCL | O_APPEND | O_CLOEXEC, pg_file_create_mode);
	if (file->fd < 0 && errno == EEXIST)
		return false;
	if (file->fd < 0)
		raise_unwritable(file->path);
	if (flock(file->fd, LOCK_EX | LOCK_NB) == 0 && fstat(file->fd, &status) == 0 && status.st_nlink > 0)
		return true;
	if (errno != EWOULDBLOCK && errno != 0)
		raise_unwritable(file->path);
	close(file->fd);
	file->fd = -1;
	return false;
}

static void
create_file(EtlUploadFile *file)
{
	static uint32 counter = 0;

	if (mkdir(UPLOADS_FOLDER, pg_dir_create_mode) == 0)
		sync_folder(PG_STAT_TMP_DIR);
	else if (errno != EEXIST)
		raise_unwritable(UPLOADS_FOLDER);
	do
	{
		CHECK_FOR_INTERRUPTS();
		errno = 0;
		snprintf(file->path, MAXPGPATH, UPLOADS_FOLDER "/%u.%d.%u", MyDatabaseId, MyProcPid, counter++);
	} while (!create_locked(file));
}

EtlUploadFile *
uploads_record(const EtlStore *store, const char *bucket, const char *key)
{
	static bool registered = false;
	EtlUploadFile *file = MemoryContextAllocZero(TopMemoryContext, sizeof(EtlUploadFile));
	EtlUploadRecord record = {.database = MyDatabaseId,
							  .role = GetUserId(),
							  .server = get_foreign_server_oid(store->server->name, true),
							  .server_name = store->server->name,
							  .region = store->server->region,
							  .iam_role = unconstify(char *, store->iam_role),
							  .keys_given = store->credentials_given,
							  .bucket = unconstify(char *, bucket),
							  .key = unconstify(char *, key),
							  .began = timestamptz_to_time_t(clock_now())};
	StringInfoData text;

	file->fd = -1;
	file->database = MyDatabaseId;
	if (!AcquireExternalFD())
	{
		pfree(file);
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("too many large objects are being written at a time"),
				errhint("Raise max_files_per_process."));
	}
	initStringInfo(&text);
	upload_record_write(&record, &text);
	PG_TRY();
	{
		create_file(file);
		append(file, text.data, text.len, true);
		sync_folder(UPLOADS_FOLDER);
		file->complete = text.len;
	}
	PG_CATCH();
	{
		if (file->fd >= 0)
		{
			(void) unlink(file->path); /* nothing was asked of S3 yet */
			close(file->fd);
		}
		ReleaseExternalFD();
		pfree(file);
		PG_RE_THROW();
	}
	PG_END_TRY();
	pfree(text.data);
	if (!registered)
		on_shmem_exit(abandon_all, (Datum) 0);
	registered = true;
	dlist_push_tail(&written, &file->node);
	return file;
}

void
uploads_record_id(EtlUploadFile *file, const char *upload_id, bool strays)
{
	StringInfoData text;

	initStringInfo(&text);
	upload_record_write_id(upload_id, timestamptz_to_time_t(clock_now()), strays, &text);
	append(file, text.data, text.len, true);
	file->complete += text.len;
	file->strays = strays;
	pfree(text.data);
}

void
uploads_record_done(EtlUploadFile *file)
{
	if (file->strays)
	{
		uploads_record_abandon(file);
		return;
	}
	if (unlink(file->path) != 0)
		ereport(LOG, errcode_for_file_access(), errmsg("could not remove file \"%s\": %m", file->path));
	file_close(file);
}

void
uploads_record_abandon(EtlUploadFile *file)
{
	Oid database = file->database;

	file_close(file);
	if (the_watch != NULL)
		the_watch->look(database);
}

void
uploads_record_failure(EtlUploadFile *file, const EtlUploadRecord *record, const char *error)
{
	StringInfoData text;

	initStringInfo(&text);
	upload_record_write_failure(record->failures + 1, timestamptz_to_time_t(clock_now()), error, &text);
	if (ftruncate(file->fd, file->complete) != 0)
		raise_unwritable(file->path);
	append(file, text.data, text.len, false);
	pfree(text.data);
}

const char *
uploads_record_name(const EtlUploadFile *file)
{
	return file->path + strlen(UPLOADS_FOLDER "/");
}

/* ---- looking at all of them ---- */

/*
 * Open and, with `lock`, lock a record; its text. False: it isn't to be had, as its writer is at it, or it is
 * gone.
 */
static bool
file_read(EtlUploadFile *file, const char *name, bool lock, StringInfo text)
{
	struct stat status;
	ssize_t n;

	snprintf(file->path, MAXPGPATH, UPLOADS_FOLDER "/%s", name);
	file->fd = open(file->path, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	if (file->fd < 0)
		return false;
	resetStringInfo(text);
	enlargeStringInfo(text, MAX_RECORD_SIZE);
	if ((!lock || flock(file->fd, LOCK_EX | LOCK_NB) == 0) && fstat(file->fd, &status) == 0 &&
		status.st_nlink > 0 && (n = pread(file->fd, text->data, MAX_RECORD_SIZE, 0)) >= 0)
	{
		text->len = n;
		text->data[n] = '\0';
		return true;
	}
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
	if (!file_read(file, name, true, &visit->text))
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

/* The names in the folder, all at once: visiting may take long, and files come and go meanwhile. */
static List *
file_names(void)
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
	return names;
}

void
uploads_visit(Oid database, EtlUploadVisit visit, void *arg)
{
	Visit state = {.database = database, .visit = visit, .arg = arg};
	List *names = file_names();
	ListCell *cell;

	initStringInfo(&state.text);
	foreach (cell, names)
		visit_file(&state, lfirst(cell));
	list_free_deep(names);
	pfree(state.text.data);
}

bool
uploads_is_known(const char *upload_id)
{
	List *names = file_names();
	StringInfoData text;
	bool known = false;
	ListCell *cell;

	initStringInfo(&text);
	foreach (cell, names)
	{
		EtlUploadFile file;
		EtlUploadRecord record;

		if (!file_read(&file, lfirst(cell), false, &text))
			continue;
		close(file.fd);
		if (upload_record_parse(text.data, text.len, &record) && record.upload_id != NULL &&
			strcmp(record.upload_id, upload_id) == 0)
			known = true;
	}
	list_free_deep(names);
	pfree(text.data);
	return known;
}

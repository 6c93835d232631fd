/*
 * uploads.c
 *		Writing records of uploads and of objects that are made. See uploads.h; uploads_read.c has the rest of it.
 *
 * They are in a folder that base backups leave out: a copy of the server must not undo what the server it is a copy of
 * is writing. What a standby that takes over doesn't know of stays; of uploads a lifecycle rule of the bucket removes it.
 */
#include "postgres.h"

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
#include "store/uploads_file.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

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
			errdetail("No object is written without a record of it, by which it can be undone."));
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

/* What is the same for all records. */
static EtlUploadRecord
record_of(const EtlStore *store, Oid role, const char *bucket)
{
	/* Nothing else that is recorded can have one: keys, regions and the like are checked where they are read. */
	if (strpbrk(store->server->name, "\r\n") != NULL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("cannot write objects by a server whose name has a line break"));
	return (EtlUploadRecord){.database = MyDatabaseId,
							 .role = role,
							 .server = get_foreign_server_oid(store->server->name, true),
							 .server_name = store->server->name,
							 .region = store->server->region,
							 .iam_role = unconstify(char *, store->iam_role),
							 .keys_given = store->credentials_given,
							 .bucket = unconstify(char *, bucket),
							 .began = timestamptz_to_time_t(clock_now())};
}

static EtlUploadFile *
record_begin(const EtlUploadRecord *record)
{
	static bool registered = false;
	EtlUploadFile *file = MemoryContextAllocZero(TopMemoryContext, sizeof(EtlUploadFile));
	StringInfoData text;

	file->fd = -1;
	file->database = MyDatabaseId;
	if (!AcquireExternalFD())
	{
		pfree(file);
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("too many objects are being written at a time"),
				errhint("Raise max_files_per_process."));
	}
	PG_TRY();
	{
		initStringInfo(&text);
		upload_record_write(record, &text);
		create_file(file);
		append(file, text.data, text.len, true);
		sync_folder(UPLOADS_FOLDER);
		file->complete = text.len;
	}
	PG_CATCH();
	{
		if (file->fd >= 0)
		{
			(void) unlink(file->path); /* nothing was asked of the store yet */
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

EtlUploadFile *
uploads_record(const EtlStore *store, const char *bucket, const char *key)
{
	EtlUploadRecord record = record_of(store, GetUserId(), bucket);

	record.key = unconstify(char *, key);
	return record_begin(&record);
}

EtlUploadFile *
uploads_record_objects(const EtlStore *store, Oid role, const char *bucket, uint64 transaction,
					   EtlRecordedObject *objects, int nobjects)
{
	EtlUploadRecord record = record_of(store, role, bucket);

	record.transaction = transaction;
	record.is_local = store->server->mode == ETL_AWS_MODE_LOCAL;
	record.objects = objects;
	record.nobjects = nobjects;
	return record_begin(&record);
}

/* Add lines to what is to stay. */
static void
append_complete(EtlUploadFile *file, StringInfo text)
{
	append(file, text->data, text->len, true);
	file->complete += text->len;
	pfree(text->data);
}

void
uploads_record_object(EtlUploadFile *file, const EtlRecordedObject *object)
{
	StringInfoData text;

	initStringInfo(&text);
	upload_record_write_object(object, &text);
	append_complete(file, &text);
}

void
uploads_record_id(EtlUploadFile *file, const char *upload_id, bool strays)
{
	StringInfoData text;

	initStringInfo(&text);
	upload_record_write_id(upload_id, timestamptz_to_time_t(clock_now()), strays, &text);
	append_complete(file, &text);
	file->strays = strays;
}

void
uploads_record_keep(EtlUploadFile *file)
{
	if (unlink(file->path) != 0)
		ereport(ERROR, errcode_for_file_access(), errmsg("could not remove file \"%s\": %m", file->path));
	sync_folder(UPLOADS_FOLDER);
	file_close(file);
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

/* Away with failures: what comes next takes their place. */
static void
cut_failures(EtlUploadFile *file)
{
	if (ftruncate(file->fd, file->complete) != 0)
		raise_unwritable(file->path);
}

void
uploads_record_aborted(EtlUploadFile *file)
{
	StringInfoData text;

	initStringInfo(&text);
	upload_record_write_aborted(&text);
	cut_failures(file);
	append_complete(file, &text);
}

void
uploads_record_looked(EtlUploadFile *file, int64 time)
{
	StringInfoData text;

	initStringInfo(&text);
	upload_record_write_looked(time, &text);
	cut_failures(file);
	append_complete(file, &text);
}

void
uploads_record_failure(EtlUploadFile *file, const EtlUploadRecord *record, const char *error)
{
	StringInfoData text;

	initStringInfo(&text);
	upload_record_write_failure(record->failures + 1, timestamptz_to_time_t(clock_now()), error, &text);
	cut_failures(file);
	append(file, text.data, text.len, false);
	pfree(text.data);
}

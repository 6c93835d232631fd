/*
 * local_write.c
 *		Putting and removing objects, in local mode.
 *
 * An object appears whole or not at all: its bytes go to a file in <root>/.pg_etl (no bucket can be called that),
 * which is flushed and then given its name: by rename, which replaces what is there, or by link, which fails if
 * anything is. Folders come with the first object in them and go with the last; the bucket stays.
 *
 * Whoever writes a file in <root>/.pg_etl holds a lock on it, which ends with the process. So one that can be locked is
 * what a killed process left, and goes before the next is made. Roots may be shared between servers.
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "common/file_perm.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "store/local.h"

#define STAGING_FOLDER ".pg_etl"
#define COPY_BUFFER_SIZE 65536

/* How often to make the folders again that a concurrent removal takes away before the object is in them. */
#define FOLDER_ATTEMPTS 100

typedef struct LocalPut
{
	const EtlStore *store;
	const char *bucket;
	const char *key;
	const char *uri;
	int staging; /* <root>/.pg_etl; -1: not open, as for the others */
	int fd;		 /* the file in it */
	int folder;	 /* where the object goes */
	char name[64];
} LocalPut;

/* What goes into an object: one of the two. */
typedef struct LocalContent
{
	const EtlHttpBody *body;
	EtlReader *source;
} LocalContent;

static void
pg_attribute_noreturn() raise_unwritable(const LocalPut *put)
{
	ereport(ERROR, errcode_for_file_access(), errmsg("could not write object \"%s\": %m", put->uri));
	pg_unreachable();
}

/* Best effort: what can't be removed now harms nobody. */
static void
staging_sweep(int staging)
{
	int fd = openat(staging, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	struct dirent *entry;

	if (dir == NULL && fd >= 0)
		close(fd);
	if (dir == NULL)
		return;
	while ((entry = readdir(dir)) != NULL)
	{
		int file = openat(staging, entry->d_name, O_WRONLY | O_NONBLOCK | O_NOFOLLOW | O_CLOEXEC);

		if (file < 0)
			continue;
		if (flock(file, LOCK_EX | LOCK_NB) == 0)
			(void) unlinkat(staging, entry->d_name, 0);
		close(file);
	}
	closedir(dir);
}

/* Make and lock a file. False: there is one of that name, or a sweep came between making and locking it. */
static bool
staging_create(LocalPut *put)
{
	struct stat status;

	put->fd = openat(put->staging, put->name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
					 pg_file_create_mode);
	if (put->fd < 0 && errno == EEXIST)
		return false;
	if (put->fd < 0)
		raise_unwritable(put);
	/* A file system without locks has no sweeps either. */
	if ((flock(put->fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
		fstat(put->fd, &status) == 0 && status.st_nlink > 0)
		return true;
	close(put->fd);
	put->fd = -1;
	return false;
}

static void
staging_open(LocalPut *put)
{
	static uint32 counter = 0;
	const char *root_path = put->store->server->root;
	int root = open(root_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int saved_errno;

	if (root < 0)
		local_raise(put->store, errno == ENOENT ? LOCAL_NO_ROOT : LOCAL_FAILED, put->bucket, put->key);
	if (mkdirat(root, STAGING_FOLDER, S_IRWXU) == 0 || errno == EEXIST)
		put->staging = openat(root, STAGING_FOLDER, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	saved_errno = errno;
	close(root);
	errno = saved_errno;
	if (put->staging < 0)
		raise_unwritable(put);
	staging_sweep(put->staging);
	do
	{
		CHECK_FOR_INTERRUPTS();
		snprintf(put->name, sizeof(put->name), "%d.%u", MyProcPid, counter++);
	} while (!staging_create(put));
}

static void
write_bytes(LocalPut *put, const char *data, size_t size)
{
	while (size > 0)
	{
		ssize_t n;

		CHECK_FOR_INTERRUPTS();
		errno = 0;
		n = write(put->fd, data, Min(size, COPY_BUFFER_SIZE));
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
		{
			if (errno == 0)
				errno = ENOSPC;
			raise_unwritable(put);
		}
		data += n;
		size -= n;
	}
}

static void
write_file(LocalPut *put, const EtlHttpBody *body)
{
	char *buf = palloc(COPY_BUFFER_SIZE);

	for (uint64 done = 0; done < body->size;)
	{
		ssize_t n = pread(body->fd, buf, Min(COPY_BUFFER_SIZE, body->size - done), body->offset + done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n == 0)
			errno = EIO; /* the file is shorter than was said */
		if (n <= 0)
			ereport(ERROR, errcode_for_file_access(),
					errmsg("could not read what was staged for object \"%s\": %m", put->uri));
		write_bytes(put, buf, n);
		done += n;
	}
	pfree(buf);
}

static void
write_stream(LocalPut *put, EtlReader *source)
{
	char *buf = palloc(COPY_BUFFER_SIZE);
	size_t n;

	while ((n = source->read(source, buf, COPY_BUFFER_SIZE)) > 0)
		write_bytes(put, buf, n);
	pfree(buf);
}

static void
write_content(LocalPut *put, const LocalContent *content)
{
	if (content->source != NULL)
		write_stream(put, content->source);
	else if (content->body->data != NULL || content->body->size == 0)
		write_bytes(put, content->body->data, content->body->size);
	else
		write_file(put, content->body);
	if (pg_fsync(put->fd) != 0)
		raise_unwritable(put);
}

/* Give the file its name. False: its folder is gone, try again. */
static bool
publish(LocalPut *put, bool must_not_exist)
{
	const char *leaf;
	struct stat status;
	LocalFound found = local_folder_open(put->store, put->bucket, put->key, true, &put->folder, &leaf);
	int result;

	/* With create, a folder is missing only when it was removed at once. */
	if (found == LOCAL_NO_FOLDER || found == LOCAL_NO_BUCKET)
		return false;
	if (found != LOCAL_FOUND)
		local_raise(put->store, found, put->bucket, put->key);
	if (must_not_exist)
		result = linkat(put->staging, put->name, put->folder, leaf, 0);
	else
		result = renameat(put->staging, put->name, put->folder, leaf);
	if (result != 0)
	{
		int saved_errno = errno;

		if (fstatat(put->folder, leaf, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISDIR(status.st_mode))
			ereport(
				ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("local mode cannot have object \"%s\"", put->uri),
				errdetail("There are objects whose keys begin with \"%s/\": a folder can't be a file too.",
						  put->key));
		if (saved_errno == EEXIST)
			ereport(ERROR, errcode(ERRCODE_DUPLICATE_FILE), errmsg("object \"%s\" already exists", put->uri));
		if (saved_errno == ENOENT)
		{
			close(put->folder);
			put->folder = -1;
			return false;
		}
		errno = saved_errno;
		raise_unwritable(put);
	}
	if (pg_fsync(put->folder) != 0)
		raise_unwritable(put);
	return true;
}

static char *
put_object(LocalPut *put, const LocalContent *content, const EtlPutTerms *terms)
{
	struct stat status;
	EtlObject object;
	int attempt = 0;

	staging_open(put);
	write_content(put, content);
	/* What is to be known of the object its name doesn't change. */
	if (fstat(put->fd, &status) != 0)
		raise_unwritable(put);
	local_object_fill(&status, &object);
	if (terms->announce != NULL)
		terms->announce(terms->arg, store_identity(&object));
	while (!publish(put, terms->must_not_exist))
	{
		CHECK_FOR_INTERRUPTS();
		if (++attempt == FOLDER_ATTEMPTS)
			ereport(ERROR, errcode(ERRCODE_OBJECT_IN_USE), errmsg("could not write object \"%s\"", put->uri),
					errdetail("The folder it belongs in was removed again and again."));
	}
	return object.etag;
}

static char *
put_content(EtlStore *store, const char *bucket, const char *key, const LocalContent *content,
			const EtlPutTerms *terms)
{
	LocalPut *put = palloc(sizeof(LocalPut));
	char *volatile etag = NULL;

	local_key_check(bucket, key);
	*put = (LocalPut){.store = store,
					  .bucket = bucket,
					  .key = key,
					  .uri = store_uri_format(bucket, key),
					  .staging = -1,
					  .fd = -1,
					  .folder = -1};
	PG_TRY();
	{
		etag = put_object(put, content, terms);
	}
	PG_FINALLY();
	{
		if (put->fd >= 0)
		{
			(void) unlinkat(put->staging, put->name,
							0); /* the name it had while it was written, if it still has it */
			close(put->fd);
		}
		if (put->staging >= 0)
			close(put->staging);
		if (put->folder >= 0)
			close(put->folder);
		if (etag == NULL)
			local_folders_prune(store, bucket, key);
	}
	PG_END_TRY();
	pfree(put);
	return etag;
}

char *
local_put(EtlStore *store, const char *bucket, const char *key, const EtlHttpBody *body, const EtlPutTerms *terms)
{
	LocalContent content = {.body = body};

	return put_content(store, bucket, key, &content, terms);
}

char *
local_copy(EtlStore *store, const EtlUri *source, const EtlUri *target)
{
	LocalContent content = {.source = local_read(store, source->bucket, source->key, &(EtlObjectPart){.offset = 0})};
	char *etag;

	etag = put_content(store, target->bucket, target->key, &content, &(EtlPutTerms){.must_not_exist = false});
	content.source->close(content.source);
	return etag;
}

bool
local_remove(EtlStore *store, const char *bucket, const char *key)
{
	const char *leaf;
	struct stat status;
	int folder;
	int result = 0;
	int saved_errno;
	LocalFound found;

	local_key_check(bucket, key);
	found = local_folder_open(store, bucket, key, false, &folder, &leaf);
	if (found == LOCAL_NO_FOLDER || found == LOCAL_FOLDER_IS_FILE)
		return true;
	if (found != LOCAL_FOUND)
		local_raise(store, found, bucket, key);
	if (fstatat(folder, leaf, &status, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(status.st_mode))
		result = unlinkat(folder, leaf, 0);
	saved_errno = errno;
	close(folder);
	if (result != 0 && saved_errno != ENOENT)
	{
		errno = saved_errno;
		ereport(ERROR, errcode_for_file_access(),
				errmsg("could not remove object \"%s\": %m", store_uri_format(bucket, key)));
	}
	local_folders_prune(store, bucket, key);
	return true;
}

void
local_remove_many(EtlStore *store, const char *bucket, char *const *keys, int nkeys, int *gone)
{
	MemoryContext caller = CurrentMemoryContext;
	ErrorData *volatile first = NULL;
	volatile int failed = 0;

	for (volatile int i = 0; i < nkeys; i++)
	{
		CHECK_FOR_INTERRUPTS();
		PG_TRY();
		{
			local_remove(store, bucket, keys[i]);
			(*gone)++;
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(caller);
			failed++;
			if (first == NULL)
				first = CopyErrorData();
			FlushErrorState();
		}
		PG_END_TRY();
	}
	if (first == NULL)
		return;
	first->detail = psprintf("%s%s%d of %d objects could not be deleted; the others are.",
							 first->detail != NULL ? first->detail : "", first->detail != NULL ? " " : "", failed,
							 nkeys);
	ReThrowError(first);
}

/*
 * local_read.c
 *		Looking at an object and reading it, in local mode.
 *
 * Objects are replaced whole (local_write.c renames a new file over the old), so an open file stays the object it was
 * when it was opened, whoever publishes meanwhile.
 */
#include "postgres.h"

#include <fcntl.h>
#include <unistd.h>

#include "base/handle.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "store/local.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

typedef struct LocalReader
{
	EtlReader base;
	MemoryContext context; /* holds this struct and the owner of the descriptor */
	EtlHandle *owner;
	int fd;
	uint64 position;
	uint64 end;
} LocalReader;

/*
 * Not a hash of the content, which would mean to read it: what tells one file from any other, and a file from what
 * it was before.
 */
void
local_object_fill(const struct stat *status, EtlObject *object)
{
	memset(object, 0, sizeof(*object));
	object->size = status->st_size;
	object->etag = psprintf("%llx-%llx-%llx%08lx", (unsigned long long) status->st_ino,
							(unsigned long long) status->st_size, (unsigned long long) status->st_mtim.tv_sec,
							(unsigned long) status->st_mtim.tv_nsec);
	object->last_modified = time_t_to_timestamptz(status->st_mtim.tv_sec) + status->st_mtim.tv_nsec / 1000;
}

/* There is no file to be an object: not an error for who only asks. */
static bool
is_absent(LocalFound found)
{
	return found == LOCAL_NO_BUCKET || found == LOCAL_NO_FOLDER || found == LOCAL_FOLDER_IS_FILE;
}

bool
local_head(EtlStore *store, const char *bucket, const char *key, const char *version, EtlObject *object)
{
	const char *leaf;
	struct stat status;
	int folder;
	int result;
	int saved_errno;
	LocalFound found;

	local_key_check(bucket, key);
	found = local_folder_open(store, bucket, key, false, &folder, &leaf);
	/* A bucket that isn't there comes with its first object, so it has none. */
	if (is_absent(found))
		return false;
	if (found != LOCAL_FOUND)
		local_raise(store, found, bucket, key);
	result = fstatat(folder, leaf, &status, AT_SYMLINK_NOFOLLOW);
	saved_errno = errno;
	close(folder);
	errno = saved_errno;
	if (result != 0 && errno != ENOENT)
		local_raise(store, LOCAL_FAILED, bucket, key);
	if (result == 0 && S_ISLNK(status.st_mode))
		local_raise(store, LOCAL_IS_LINK, bucket, key);
	if (result != 0 || !S_ISREG(status.st_mode))
		return false;
	local_object_fill(&status, object);
	object->key = pstrdup(key);
	return true;
}

static size_t
local_reader_read(EtlReader *self, char *buf, size_t size)
{
	LocalReader *reader = (LocalReader *) self;
	ssize_t n;

	CHECK_FOR_INTERRUPTS();
	size = Min(size, reader->end - reader->position);
	if (size == 0)
		return 0;
	do
		n = pread(reader->fd, buf, size, reader->position);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		ereport(ERROR, errcode_for_file_access(), errmsg("could not read object \"%s\": %m", self->name));
	if (n == 0)
		ereport(ERROR, errcode(ERRCODE_CONNECTION_FAILURE), errmsg("object \"%s\" ended early", self->name),
				errdetail("%llu of %llu bytes were missing: its file was cut while it was being read.",
						  (unsigned long long) (reader->end - reader->position),
						  (unsigned long long) reader->end));
	reader->position += n;
	return n;
}

static void
local_reader_close(EtlReader *self)
{
	MemoryContextDelete(((LocalReader *) self)->context);
}

static void
local_fd_free(void *reader)
{
	int fd = ((LocalReader *) reader)->fd;

	if (fd >= 0)
		close(fd);
	ReleaseExternalFD();
}

static LocalReader *
local_reader_create(const char *bucket, const char *key)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "etl local object", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	LocalReader *reader = palloc0(sizeof(LocalReader));

	reader->base.read = local_reader_read;
	reader->base.close = local_reader_close;
	reader->base.name = store_uri_format(bucket, key);
	reader->context = context;
	reader->fd = -1;
	reader->owner = etl_handle_reserve(context, local_fd_free);
	MemoryContextSwitchTo(caller);
	if (!AcquireExternalFD())
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_RESOURCES),
				errmsg("too many open files to read object \"%s\"", reader->base.name));
	reader->owner->handle = reader;
	return reader;
}

EtlReader *
local_read(EtlStore *store, const char *bucket, const char *key, const EtlObjectPart *part)
{
	LocalReader *reader;
	EtlObject object;
	const char *leaf;
	struct stat status;
	int folder;
	int saved_errno;
	LocalFound found;

	local_key_check(bucket, key);
	reader = local_reader_create(bucket, key);
	found = local_folder_open(store, bucket, key, false, &folder, &leaf);
	if (found == LOCAL_FOLDER_IS_FILE)
		local_raise_missing(bucket, key);
	if (found != LOCAL_FOUND)
		local_raise(store, found, bucket, key);
	/* O_NONBLOCK: a pipe that someone put there must not make us wait for its other end. */
	reader->fd = openat(folder, leaf, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	saved_errno = errno;
	close(folder);
	errno = saved_errno;
	if (reader->fd < 0)
		local_raise(store,
					errno == ENOENT	 ? LOCAL_NO_FOLDER
					: errno == ELOOP ? LOCAL_IS_LINK
									 : LOCAL_FAILED,
					bucket, key);
	if (fstat(reader->fd, &status) != 0)
		local_raise(store, LOCAL_FAILED, bucket, key);
	if (!S_ISREG(status.st_mode))
		local_raise_missing(bucket, key);

	local_object_fill(&status, &object);
	if (part->etag != NULL && strcmp(part->etag, object.etag) != 0)
		ereport(ERROR, errcode(ERRCODE_T_R_SERIALIZATION_FAILURE),
				errmsg("object \"%s\" has changed", reader->base.name),
				errdetail("It was \"%s\" and is \"%s\" now.", part->etag, object.etag));
	if (part->offset > 0 && part->offset >= object.size)
		ereport(
			ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("object \"%s\" has no byte %llu", reader->base.name, (unsigned long long) part->offset),
			errdetail("It is %llu bytes long.", (unsigned long long) object.size));
	reader->position = part->offset;
	reader->end =
		part->length == 0 ? object.size : part->offset + Min(part->length, object.size - part->offset);
	reader->base.size = reader->end - reader->position;
	return &reader->base;
}

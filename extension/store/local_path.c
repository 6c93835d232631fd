/*
 * local_path.c
 *		From bucket and key to an open folder, a component at a time.
 *
 * O_NOFOLLOW looks at the last component of a path only, so each call gets one component. Nothing between the
 * first openat and the last close raises, so no descriptor can be lost to an error.
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include "common/file_perm.h"
#include "storage/fd.h"
#include "store/local.h"
#include "store/uri.h"

#define FOLDER_FLAGS (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

const char *
local_key_fault(const char *key)
{
	if (strlen(key) > STORE_KEY_MAX)
		return "A key is at most 1024 bytes long.";
	for (const char *part = key;; part++)
	{
		size_t len = strcspn(part, "/");

		if (len == 0)
			return "Local mode has no folder or file with an empty name: the key begins or ends with a "
				   "slash, or has two "
				   "in a row.";
		if ((len == 1 && part[0] == '.') || (len == 2 && part[0] == '.' && part[1] == '.'))
			return "\".\" and \"..\" are not names of a folder or file.";
		if (len > NAME_MAX)
			return "A folder or file name is at most 255 bytes long.";
		part += len;
		if (*part == '\0')
			return NULL;
	}
}

void
local_key_check(const char *bucket, const char *key)
{
	const char *fault = local_key_fault(key);

	if (fault != NULL)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("local mode cannot have object \"%s\"", store_uri_format(bucket, key)),
				errdetail("%s", fault));
}

/* Open folder `name` of the folder at `parent`, which is closed. */
static LocalFound
folder_enter(int parent, const char *name, bool create, int *fd)
{
	LocalFound found = LOCAL_FAILED;
	struct stat status;
	int saved_errno;

	*fd = openat(parent, name, FOLDER_FLAGS);
	/* A crash of the machine must not take the folder away from an object that was committed. */
	if (*fd < 0 && errno == ENOENT && create &&
		(mkdirat(parent, name, pg_dir_create_mode) == 0 || errno == EEXIST) && pg_fsync(parent) == 0)
		*fd = openat(parent, name, FOLDER_FLAGS);
	saved_errno = errno;
	if (*fd >= 0)
		found = LOCAL_FOUND;
	else if (saved_errno == ENOENT)
		found = LOCAL_NO_FOLDER;
	else if ((saved_errno == ENOTDIR || saved_errno == ELOOP) &&
			 fstatat(parent, name, &status, AT_SYMLINK_NOFOLLOW) == 0)
		found = S_ISLNK(status.st_mode) ? LOCAL_IS_LINK : LOCAL_FOLDER_IS_FILE;
	close(parent);
	errno = saved_errno;
	return found;
}

LocalFound
local_folder_open(const EtlStore *store, const char *bucket, const char *key, bool create, int *fd,
				  const char **leaf)
{
	LocalFound found;
	const char *slash;

	*fd = open(store->server->root, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (*fd < 0)
		return errno == ENOENT ? LOCAL_NO_ROOT : LOCAL_FAILED;
	found = folder_enter(*fd, bucket, create, fd);
	if (found == LOCAL_NO_FOLDER)
		return LOCAL_NO_BUCKET;
	*leaf = key;
	while (found == LOCAL_FOUND && (slash = strchr(*leaf, '/')) != NULL)
	{
		char name[NAME_MAX + 1];

		Assert(slash - *leaf <= NAME_MAX); /* local_key_fault saw to it */
		strlcpy(name, *leaf, slash - *leaf + 1);
		found = folder_enter(*fd, name, create, fd);
		*leaf = slash + 1;
	}
	return found;
}

void
local_folders_prune(const EtlStore *store, const char *bucket, const char *key)
{
	char path[STORE_KEY_MAX + 1];
	char *slash;

	strlcpy(path, key, sizeof(path));
	while ((slash = strrchr(path, '/')) != NULL)
	{
		const char *leaf;
		int fd;
		bool removed;

		*slash = '\0';
		if (local_folder_open(store, bucket, path, false, &fd, &leaf) != LOCAL_FOUND)
			return;
		removed = unlinkat(fd, leaf, AT_REMOVEDIR) == 0;
		close(fd);
		if (!removed)
			return;
	}
}

void
local_raise_missing(const char *bucket, const char *key)
{
	ereport(ERROR, errcode(ERRCODE_UNDEFINED_FILE),
			errmsg("object \"%s\" does not exist", store_uri_format(bucket, key)));
	pg_unreachable();
}

void
local_raise(const EtlStore *store, LocalFound found, const char *bucket, const char *key)
{
	int saved_errno = errno;
	const char *uri = store_uri_format(bucket, key);

	errno = saved_errno;
	switch (found)
	{
		case LOCAL_NO_ROOT:
			ereport(
				ERROR, errcode(ERRCODE_UNDEFINED_FILE),
				errmsg("directory \"%s\" of server \"%s\" does not exist", store->server->root,
					   store->server->name),
				errhint(
					"Create it for the operating system user the server runs as, or set option \"root\"."));
			break;
		case LOCAL_NO_BUCKET:
			ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("bucket \"%s\" does not exist", bucket),
					errdetail("Server \"%s\" is in local mode: a bucket is a directory in its root.",
							  store->server->name),
					errhint("Putting an object into it creates it."));
			break;
		case LOCAL_FOLDER_IS_FILE:
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("local mode cannot have object \"%s\"", uri),
					errdetail(
						"Another object's key is the beginning of its path: a file can't be a folder too."));
			break;
		case LOCAL_IS_LINK:
			ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
					errmsg("object \"%s\" is behind a symbolic link", uri),
					errdetail("Links in the directory of a local server are not followed."));
			break;
		case LOCAL_FAILED:
			ereport(ERROR, errcode_for_file_access(), errmsg("could not open object \"%s\": %m", uri));
			break;
		case LOCAL_FOUND:
		case LOCAL_NO_FOLDER:
			break;
	}
	local_raise_missing(bucket, key);
}

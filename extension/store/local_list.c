/*
 * local_list.c
 *		Listing a bucket in local mode: a prefix is the beginning of keys, not a folder, and keys come in byte order.
 *
 * A folder's entries are read, sorted and visited one folder at a time; a folder is sorted as its name with the slash
 * that follows it in keys ("a.txt" < "a/b"), so walking them in order is the order of the whole listing. What is no
 * regular file or folder, symbolic links above all, isn't there.
 */
#include "postgres.h"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/handle.h"
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "miscadmin.h"
#include "storage/fd.h"
#include "store/local.h"
#include "store/uri.h"
#include "utils/memutils.h"

typedef struct LocalListing
{
	const char *bucket;
	const char *prefix;
	size_t prefix_len;
	const char *delimiter;	 /* NULL: none */
	const char *start_after; /* NULL: none */
	char *rolled;			 /* the last keys' common beginning, which has been visited; NULL: none */
	EtlObjectVisitor visit;
	void *arg;
	StringInfoData path; /* key of the folder being read, with its final slash; "" for the bucket */
} LocalListing;

static int
compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

static void
folder_free(void *dir)
{
	(void) closedir((DIR *) dir);
	ReleaseExternalFD();
}

static void
pg_attribute_noreturn() raise_unreadable(const LocalListing *listing)
{
	ereport(ERROR, errcode_for_file_access(),
			errmsg("could not list \"%s\": %m", store_uri_format(listing->bucket, listing->path.data)));
	pg_unreachable();
}

/* Whether keys that begin with path/name begin with the prefix, which has no slash after path. */
static bool
matches(const LocalListing *listing, const char *name)
{
	const char *rest = listing->path.len < listing->prefix_len ? listing->prefix + listing->path.len : "";

	return strncmp(name, rest, strlen(rest)) == 0;
}

/* The folder's entries worth a look, sorted; folders have a final slash. */
static char **
folder_names(LocalListing *listing, DIR *dir, size_t *count)
{
	size_t size = 64;
	char **names = palloc(size * sizeof(char *));
	struct dirent *entry;

	*count = 0;
	while (errno = 0, (entry = readdir(dir)) != NULL)
	{
		size_t len = strlen(entry->d_name);
		struct stat status;
		char *name;

		CHECK_FOR_INTERRUPTS();
		if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0 ||
			!matches(listing, entry->d_name))
			continue;
		if (fstatat(dirfd(dir), entry->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0)
		{
			if (errno == ENOENT) /* removed since */
				continue;
			raise_unreadable(listing);
		}
		if (!S_ISREG(status.st_mode) && !S_ISDIR(status.st_mode))
			continue;
		/* Others may have put anything there; it is about to become a key, which is text. */
		(void) pg_verifymbstr(entry->d_name, len, false);
		name = palloc(len + 2);
		memcpy(name, entry->d_name, len);
		strcpy(name + len, S_ISDIR(status.st_mode) ? "/" : "");
		if (*count == size)
			names = repalloc_huge(names, (size *= 2) * sizeof(char *));
		names[(*count)++] = name;
	}
	if (errno != 0)
		raise_unreadable(listing);
	qsort(names, *count, sizeof(char *), compare_names);
	return names;
}

/* Whether path/name, or for a folder ("name/") everything in it, is left out of the listing. */
static bool
left_out(LocalListing *listing, const char *name)
{
	int path_len = listing->path.len;
	const char *key;
	bool out = false;

	if (listing->rolled == NULL && listing->start_after == NULL)
		return false;
	appendStringInfoString(&listing->path, name);
	key = listing->path.data;
	if (listing->rolled != NULL && strncmp(key, listing->rolled, strlen(listing->rolled)) == 0)
		out = true;
	else if (listing->start_after != NULL && strcmp(key, listing->start_after) <= 0)
		out = key[listing->path.len - 1] != '/' || strncmp(key, listing->start_after, listing->path.len) != 0;
	listing->path.len = path_len;
	listing->path.data[path_len] = '\0';
	return out;
}

/* The object as it is, or what its key and those after it begin with. */
static bool
visit_object(LocalListing *listing, EtlObject *object)
{
	const char *delimiter =
		listing->delimiter != NULL ? strstr(object->key + listing->prefix_len, listing->delimiter) : NULL;
	EtlObject prefix = {.is_prefix = true};

	if (delimiter == NULL)
		return listing->visit(object, listing->arg);
	if (listing->rolled != NULL)
		pfree(listing->rolled);
	listing->rolled = pnstrdup(object->key, delimiter + strlen(listing->delimiter) - object->key);
	if (listing->start_after != NULL && strcmp(listing->rolled, listing->start_after) <= 0)
		return true; /* it is a row of the listing like any other */
	prefix.key = listing->rolled;
	return listing->visit(&prefix, listing->arg);
}

static bool
visit_file(LocalListing *listing, int folder, const char *name)
{
	struct stat status;
	EtlObject object;
	bool go_on;

	if (fstatat(folder, name, &status, AT_SYMLINK_NOFOLLOW) != 0)
	{
		if (errno == ENOENT)
			return true;
		raise_unreadable(listing);
	}
	if (!S_ISREG(status.st_mode))
		return true;
	local_object_fill(&status, &object);
	object.key = psprintf("%s%s", listing->path.data, name);
	go_on = visit_object(listing, &object);
	pfree(object.key);
	pfree(object.etag);
	return go_on;
}

/* List the folder open at fd, which is closed, whatever happens. False: the visitor has seen enough. */
static bool
list_folder(LocalListing *listing, int fd)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "etl local folder", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	EtlHandle *owner = etl_handle_reserve(context, folder_free);
	int path_len = listing->path.len;
	size_t count;
	char **names;
	DIR *dir = fdopendir(fd);
	bool go_on = true;

	if (dir == NULL)
	{
		int saved_errno = errno;

		close(fd);
		errno = saved_errno;
		raise_unreadable(listing);
	}
	ReserveExternalFD();
	owner->handle = dir;
	check_stack_depth();
	names = folder_names(listing, dir, &count);
	for (size_t i = 0; i < count && go_on; i++)
	{
		size_t len = strlen(names[i]);

		CHECK_FOR_INTERRUPTS();
		if (path_len + len > STORE_KEY_MAX)
			ereport(ERROR, errcode(ERRCODE_PROGRAM_LIMIT_EXCEEDED),
					errmsg("a path under \"%s\" is too long to be a key",
						   store_uri_format(listing->bucket, listing->path.data)),
					errdetail("A key is at most %d bytes long.", STORE_KEY_MAX));
		if (left_out(listing, names[i]))
			continue;
		if (names[i][len - 1] != '/')
		{
			/* The visitor's memory is the caller's. */
			MemoryContextSwitchTo(caller);
			go_on = visit_file(listing, dirfd(dir), names[i]);
			MemoryContextSwitchTo(context);
			continue;
		}
		names[i][len - 1] = '\0';
		fd = openat(dirfd(dir), names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 && errno == ENOENT)
			continue;
		if (fd < 0)
			raise_unreadable(listing);
		appendStringInfo(&listing->path, "%s/", names[i]);
		MemoryContextSwitchTo(caller);
		go_on = list_folder(listing, fd);
		MemoryContextSwitchTo(context);
		listing->path.len = path_len;
		listing->path.data[path_len] = '\0';
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
	return go_on;
}

void
local_list(EtlStore *store, const char *bucket, const EtlListing *what, EtlObjectVisitor visit, void *arg)
{
	const char *prefix = what->prefix;
	LocalListing listing = {.bucket = bucket,
							.prefix = prefix,
							.prefix_len = strlen(prefix),
							.delimiter = what->delimiter,
							.start_after = what->start_after,
							.visit = visit,
							.arg = arg};
	const char *slash = strrchr(prefix, '/');
	char *folder = slash != NULL ? pnstrdup(prefix, slash - prefix) : NULL;
	/* No key has an empty part or "..": then there is nothing to list, in a bucket that must be there all the same. */
	bool possible = folder == NULL || local_key_fault(folder) == NULL;
	const char *any_key = folder != NULL && possible ? psprintf("%s/*", folder) : "*";
	const char *leaf;
	int fd;
	LocalFound found = local_folder_open(store, bucket, any_key, false, &fd, &leaf);

	if (found == LOCAL_NO_FOLDER || found == LOCAL_FOLDER_IS_FILE ||
		(found == LOCAL_NO_BUCKET && what->before_put))
		return;
	if (found != LOCAL_FOUND)
		local_raise(store, found, bucket, prefix);
	if (!possible)
	{
		close(fd);
		return;
	}
	initStringInfo(&listing.path);
	if (folder != NULL)
		appendStringInfo(&listing.path, "%s/", folder);
	(void) list_folder(&listing, fd);
}

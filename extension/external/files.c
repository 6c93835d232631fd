/*
 * files.c
 *		The files of an external table's folder. See files.h.
 */
#include "postgres.h"

#include "external/files.h"
#include "utils/memutils.h"

typedef struct FileList
{
	size_t folder_len;
	List *files;
	MemoryContext context;
} FileList;

/* Whether a part of the path is hidden, or the key is a folder's marker. */
static bool
path_hidden(const char *path)
{
	while (true)
	{
		const char *slash = strchr(path, '/');
		size_t len = slash == NULL ? strlen(path) : slash - path;

		if (len == 0 || strchr("._#", path[0]) != NULL || path[len - 1] == '~')
			return true;
		if (slash == NULL)
			return false;
		path = slash + 1;
	}
}

static bool
files_add(const EtlObject *object, void *arg)
{
	FileList *list = arg;
	MemoryContext old;
	EtlObject *file;

	if (object->size == 0 || path_hidden(object->key + list->folder_len))
		return true;
	old = MemoryContextSwitchTo(list->context);
	file = palloc(sizeof(EtlObject));
	*file = *object;
	file->key = pstrdup(object->key);
	file->etag = pstrdup(object->etag);
	list->files = lappend(list->files, file);
	MemoryContextSwitchTo(old);
	return true;
}

List *
external_files_list(EtlStore *store, const char *location, char **bucket)
{
	FileList list = {.context = CurrentMemoryContext};
	EtlUri uri;
	EtlObject object;
	char *folder;
	size_t len;

	store_uri_parse(location, &uri);
	*bucket = uri.bucket;
	len = strlen(uri.key);
	while (len > 0 && uri.key[len - 1] == '/')
		len--;
	folder = len == 0 ? pstrdup("") : psprintf("%.*s/", (int) len, uri.key);
	list.folder_len = strlen(folder);
	store_list(store, uri.bucket, folder, files_add, &list);
	/* A location may also name an object, a manifest. */
	if (list.files == NIL && len > 0 && len == strlen(uri.key) && store_head(store, uri.bucket, uri.key, &object))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("location \"%s\" is an object, not a folder", location),
				errdetail("A manifest as the location of an external table is not supported yet."),
				errhint("Give the folder that holds the files."));
	return list.files;
}

/*
 * names.c
 *		Look up a member's name by its path. See names.h.
 */
#include "aws/names.h"

static const EtlAwsName *
find_exact(const EtlAwsName *names, int count, const char *path)
{
	int low = 0, high = count;

	while (low < high)
	{
		int middle = (low + high) / 2;
		int order = strcmp(path, names[middle].path);

		if (order == 0)
			return &names[middle];
		if (order < 0)
			high = middle;
		else
			low = middle + 1;
	}
	return NULL;
}

const EtlAwsName *
names_find(const EtlAwsName *names, int count, const char *path)
{
	while (path != NULL)
	{
		const EtlAwsName *found = find_exact(names, count, path);
		const char *dot = strchr(path, '.');

		if (found != NULL)
			return found;
		path = dot != NULL ? dot + 1 : NULL;
	}
	return NULL;
}

/*
 * glob_fuzz.c
 *		A pattern and a key, with a zero byte between: no crash, and what matches begins with the literal prefix.
 */
#include "store/glob.h"

int LLVMFuzzerTestOneInput(const uint8 *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8 *data, size_t size)
{
	char *pattern = pnstrdup((const char *) data, size);
	char *key = strlen(pattern) < size ? pnstrdup((const char *) data + strlen(pattern) + 1, size - strlen(pattern) - 1)
									   : pstrdup("");
	EtlError error;
	EtlGlob *glob = glob_compile(pattern, &error);

	if (glob != NULL)
	{
		if (glob_matches(glob, key) && strncmp(key, glob_prefix(glob), strlen(glob_prefix(glob))) != 0)
			abort();
		glob_free(glob);
	}
	pfree(pattern);
	pfree(key);
	return 0;
}

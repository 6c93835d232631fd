/*
 * secret_cache.c
 *		Secrets' values for a few minutes. See secret_cache.h.
 */
#include "postgres.h"

#include "aws/secret_cache.h"
#include "aws/sigv4.h"
#include "base/clock.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define CACHE_SIZE 64
#define KEEP_SECONDS 300

typedef struct Kept
{
	char id[SIGV4_HEX_SIZE]; /* "": an empty place */
	char *value;
	TimestampTz until;
} Kept;

static Kept cache[CACHE_SIZE];

static void
forget(Kept *kept)
{
	if (kept->value != NULL)
	{
		explicit_bzero(kept->value, strlen(kept->value));
		pfree(kept->value);
	}
	memset(kept, 0, sizeof(*kept));
}

static Kept *
find(const char *id)
{
	TimestampTz now = clock_now();
	Kept *found = NULL;

	for (int i = 0; i < CACHE_SIZE; i++)
	{
		if (cache[i].value != NULL && cache[i].until <= now)
			forget(&cache[i]);
		if (cache[i].value != NULL && strcmp(cache[i].id, id) == 0)
			found = &cache[i];
	}
	return found;
}

char *
secret_cache_get(const char *id)
{
	Kept *kept = find(id);

	return kept != NULL ? pstrdup(kept->value) : NULL;
}

/* In its own place, an empty one, or that of the oldest. */
void
secret_cache_keep(const char *id, const char *value)
{
	char *copy = MemoryContextStrdup(TopMemoryContext, value);
	Kept *place = find(id);

	if (place == NULL)
		place = &cache[0];
	for (int i = 1; i < CACHE_SIZE && place->value != NULL && strcmp(place->id, id) != 0; i++)
		if (cache[i].value == NULL || cache[i].until < place->until)
			place = &cache[i];
	forget(place);
	place->value = copy;
	place->until = clock_now() + KEEP_SECONDS * USECS_PER_SEC;
	strlcpy(place->id, id, sizeof(place->id));
}

void
secret_cache_forget(const char *id)
{
	Kept *kept = find(id);

	if (kept != NULL)
		forget(kept);
}

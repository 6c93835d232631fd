/*
 * stage_clean.c
 *		Removing the objects that what was staged takes the place of: store_stage_clean.
 *
 * Old objects go when all new ones are there, so that a failure before that leaves them. Listing and removing take
 * turns, a batch at a time: memory doesn't grow with what there is to remove.
 */
#include "postgres.h"

#include "store/stage.h"
#include "utils/memutils.h"

#define CLEAN_BATCH 1000 /* what S3 removes in a request */

dlist_head stage_cleans = DLIST_STATIC_INIT(stage_cleans);

/* A listing under way. */
typedef struct Cleaning
{
	EtlStageClean *clean;
	char **kept; /* keys of staged objects, sorted */
	int nkept;
	char *batch[CLEAN_BATCH];
	int count;
	char *last; /* key that was seen; NULL: none */
} Cleaning;

static int
compare_keys(const void *a, const void *b)
{
	return strcmp(*(char *const *) a, *(char *const *) b);
}

void
store_stage_clean(EtlStore *store, const char *bucket, const char *prefix, char *const *folders, int nfolders,
				  uint64 mark)
{
	MemoryContext context;
	MemoryContext caller;
	EtlStageClean *clean;

	stage_begin();
	/* Under the caller's context until it is in the list: an error before that frees it. */
	context = AllocSetContextCreate(CurrentMemoryContext, "etl staged clean", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	clean = palloc0(sizeof(EtlStageClean));
	clean->context = context;
	clean->subid = GetCurrentSubTransactionId();
	clean->mark = mark;
	clean->store = stage_store_copy(store);
	clean->bucket = pstrdup(bucket);
	clean->prefix = pstrdup(prefix);
	if (folders != NULL)
	{
		clean->folders = MemoryContextAllocHuge(context, Max(nfolders, 1) * sizeof(char *));
		clean->nfolders = nfolders;
		for (int i = 0; i < nfolders; i++)
			clean->folders[i] = pstrdup(folders[i]);
		qsort(clean->folders, nfolders, sizeof(char *), compare_keys);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, TopMemoryContext);
	dlist_push_tail(&stage_cleans, &clean->node);
}

void
stage_clean_drop(EtlStageClean *clean)
{
	dlist_delete(&clean->node);
	MemoryContextDelete(clean->context);
}

static bool
takes_part(const EtlStageClean *clean, const EtlStaged *staged)
{
	return staged->number > clean->mark && strcmp(staged->bucket, clean->bucket) == 0 &&
		   strncmp(staged->key, clean->prefix, strlen(clean->prefix)) == 0;
}

EtlStageClean *
stage_clean_of(const EtlStaged *staged)
{
	dlist_iter iter;

	dlist_foreach(iter, &stage_cleans)
	{
		EtlStageClean *clean = dlist_container(EtlStageClean, node, iter.cur);

		if (takes_part(clean, staged))
			return clean;
	}
	return NULL;
}

static void
find_kept(Cleaning *cleaning)
{
	const EtlStageClean *clean = cleaning->clean;
	dlist_iter iter;
	int size = 0;

	dlist_foreach(iter, &staged_objects)
	{
		EtlStaged *staged = dlist_container(EtlStaged, node, iter.cur);

		if (!takes_part(clean, staged))
			continue;
		if (cleaning->nkept == size)
		{
			size = Max(64, size * 2);
			cleaning->kept = cleaning->kept == NULL
								 ? palloc(size * sizeof(char *))
								 : repalloc_huge(cleaning->kept, size * sizeof(char *));
		}
		cleaning->kept[cleaning->nkept++] = staged->key;
	}
	if (cleaning->nkept > 0)
		qsort(cleaning->kept, cleaning->nkept, sizeof(char *), compare_keys);
}

/* Whether the key is in one of the folders: the last of them that isn't behind it begins it, or none does. */
static bool
in_folders(const EtlStageClean *clean, const char *key)
{
	const char *rest = key + strlen(clean->prefix);
	int low = 0;
	int high = clean->nfolders;

	if (clean->folders == NULL)
		return true;
	while (low < high)
	{
		int middle = (low + high) / 2;

		if (strcmp(clean->folders[middle], rest) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low > 0 && strncmp(rest, clean->folders[low - 1], strlen(clean->folders[low - 1])) == 0;
}

static bool
visit(const EtlObject *object, void *arg)
{
	Cleaning *cleaning = arg;
	const char *key = object->key;

	if (!in_folders(cleaning->clean, key) ||
		(cleaning->nkept > 0 &&
		 bsearch(&key, cleaning->kept, cleaning->nkept, sizeof(char *), compare_keys) != NULL))
		return true;
	cleaning->batch[cleaning->count++] = pstrdup(key);
	return cleaning->count < CLEAN_BATCH;
}

static void
clean_one(EtlStageClean *clean)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "etl clean", ALLOCSET_DEFAULT_SIZES);
	MemoryContext batch = AllocSetContextCreate(context, "etl clean batch", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	Cleaning *cleaning = palloc0(sizeof(Cleaning));

	cleaning->clean = clean;
	find_kept(cleaning);
	do
	{
		EtlListing listing = {.prefix = clean->prefix, .start_after = cleaning->last};

		MemoryContextReset(batch);
		MemoryContextSwitchTo(batch);
		cleaning->count = 0;
		store_list_some(clean->store, clean->bucket, &listing, visit, cleaning);
		if (cleaning->count > 0)
		{
			stage_record_keep(clean);
			store_remove_many(clean->store, clean->bucket, cleaning->batch, cleaning->count, &clean->gone);
			cleaning->last = MemoryContextStrdup(context, cleaning->batch[cleaning->count - 1]);
		}
	} while (cleaning->count == CLEAN_BATCH);
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

void
stage_clean_all(void)
{
	dlist_iter iter;

	dlist_foreach(iter, &stage_cleans) clean_one(dlist_container(EtlStageClean, node, iter.cur));
}

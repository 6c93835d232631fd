/*
 * stage_look.c
 *		Looking at the places that objects are about to be published to. See stage.h.
 */
#include "postgres.h"

#include "store/stage.h"
#include "utils/memutils.h"

/* True also if that can't be learnt: what has perhaps replaced another object isn't removed. */
static bool
replaces_another(EtlStaged *staged)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool there = true;
	EtlObject object;

	PG_TRY();
	{
		there = store_head(staged->store, staged->bucket, staged->key, &object);
	}
	PG_CATCH();
	{
		if (geterrcode() != ERRCODE_INSUFFICIENT_PRIVILEGE)
			PG_RE_THROW();
		MemoryContextSwitchTo(context);
		FlushErrorState();
	}
	PG_END_TRY();
	return there;
}

static int
compare_places(const void *a, const void *b)
{
	const EtlStaged *left = *(EtlStaged *const *) a;
	const EtlStaged *right = *(EtlStaged *const *) b;
	int order = strcmp(left->bucket, right->bucket);

	return order != 0 ? order : strcmp(left->key, right->key);
}

typedef struct Places
{
	EtlStaged **sorted;
	int count;
} Places;

/* Whether we are to write there. See uploads_hold. */
static bool
is_place(const char *bucket, const char *key, void *arg)
{
	const Places *places = arg;
	EtlStaged wanted = {.bucket = unconstify(char *, bucket), .key = unconstify(char *, key)};
	EtlStaged *pointer = &wanted;

	return bsearch(&pointer, places->sorted, places->count, sizeof(EtlStaged *), compare_places) != NULL;
}

/* Nobody must remove what others have left there while we put ours in its place. */
static void
hold_places(void)
{
	Places places = {0};
	dlist_iter iter;

	dlist_foreach(iter, &staged_objects) places.count++;
	if (places.count == 0)
		return;
	places.sorted = palloc_extended(places.count * sizeof(EtlStaged *), MCXT_ALLOC_HUGE);
	places.count = 0;
	dlist_foreach(iter, &staged_objects)
		places.sorted[places.count++] = dlist_container(EtlStaged, node, iter.cur);
	qsort(places.sorted, places.count, sizeof(EtlStaged *), compare_places);
	uploads_hold(is_place, &places);
	pfree(places.sorted);
}

void
stage_look_all(EtlStaged **current)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "etl publish look", ALLOCSET_SMALL_SIZES);
	dlist_iter iter;

	hold_places();
	MemoryContextSwitchTo(context);
	dlist_foreach(iter, &staged_objects)
	{
		EtlStaged *staged = dlist_container(EtlStaged, node, iter.cur);

		*current = staged;
		if (staged->state != STAGE_FINISHED)
			elog(ERROR, "object \"%s\" is staged but not finished", staged->writer.name);
		if (!staged->must_not_exist)
			staged->existed = replaces_another(staged);
		MemoryContextReset(context);
	}
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(context);
}

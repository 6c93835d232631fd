/*
 * segment.c
 *		Shared memory for the processes beside a load. See segment.h.
 *
 * dsm_create answers only that there are too many segments; that the memory itself is full it raises, and leaves a note of the
 * segment with the resource owner. Nothing but that note is left then (it holds no lock meanwhile, and has removed what it made),
 * so a resource owner of its own is all that has to be rolled back.
 */
#include "postgres.h"

#include "copy/segment.h"
#include "utils/resowner.h"

static void
release(ResourceOwner owner)
{
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_BEFORE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_LOCKS, false, false);
	ResourceOwnerRelease(owner, RESOURCE_RELEASE_AFTER_LOCKS, false, false);
}

/* Or there is a folder for it that can't be written. */
static bool
is_lack_of_room(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_INSUFFICIENT_RESOURCES ||
		   ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_SYSTEM_ERROR || sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE;
}

dsm_segment *
load_segment_create(Size size, EtlError *error)
{
	MemoryContext context = CurrentMemoryContext;
	ResourceOwner owner = CurrentResourceOwner;
	ResourceOwner own = ResourceOwnerCreate(owner, "pg_etl load segment");
	dsm_segment *volatile segment = NULL;

	(void) etl_error_set(error, ERRCODE_INSUFFICIENT_RESOURCES, "too many segments of shared memory");
	PG_TRY();
	{
		CurrentResourceOwner = own;
		segment = dsm_create(size, DSM_CREATE_NULL_IF_MAXSEGMENTS);
		if (segment != NULL)
			dsm_pin_mapping(segment);
		CurrentResourceOwner = owner;
	}
	PG_CATCH();
	{
		ErrorData *data;

		CurrentResourceOwner = owner;
		release(own);
		if (!is_lack_of_room(geterrcode()))
		{
			ResourceOwnerDelete(own);
			PG_RE_THROW();
		}
		MemoryContextSwitchTo(context);
		data = CopyErrorData();
		FlushErrorState();
		(void) etl_error_set(error, data->sqlerrcode, "%s", data->message);
		FreeErrorData(data);
	}
	PG_END_TRY();
	ResourceOwnerDelete(own);
	/* from no owner's to the current one's */
	if (segment != NULL)
		dsm_unpin_mapping(segment);
	return segment;
}

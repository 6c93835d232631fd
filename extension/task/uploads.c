/*
 * uploads.c
 *		Abandoned uploads are the store's to abort, and the engine's to look after: this is what they have of one another.
 */
#include "postgres.h"

#include "flow/shared.h"
#include "store/uploads.h"
#include "task/adapters.h"

static void
look(Oid database)
{
	if (etl_shared != NULL)
		shared_wake_scheduler(database);
}

static bool
must_leave(Oid database)
{
	return etl_shared != NULL && shared_is_quiesced(database);
}

const EtlUploadWatch upload_watch = {.look = look, .must_leave = must_leave};

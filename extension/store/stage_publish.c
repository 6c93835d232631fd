/*
 * stage_publish.c
 *		Making staged objects visible, and taking them back. See stage.h.
 *
 * Several are on their way at a time where the driver can do that. When one fails, the others that are on their
 * way are waited for, and all that is there is removed again, unless it has replaced another object. Where the
 * outcome isn't known (a cancel, a connection that broke) an object that must not have existed is removed only
 * if it is ours.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "store/stage.h"
#include "utils/memutils.h"

#define PUBLISHED_AT_A_TIME 8
#define CANCELLED_TAKE_BACK_MS 1000 /* a cancel works within two seconds, also where the other side hangs */

/* An object that is on its way. */
typedef struct Publish
{
	MemoryContext context; /* of this one */
	EtlStaged *staged;	   /* NULL: none */
	EtlStorePut *put;
	int fd;
	EtlWait wait;
} Publish;

typedef struct Publisher
{
	Publish runs[PUBLISHED_AT_A_TIME];
	dlist_node *next;	/* to be started; NULL: all are */
	bool several;		/* things to do, so an object may have to be taken back */
	EtlStaged *current; /* that an error is about; NULL: of none */
} Publisher;

static void
run_end(Publish *run)
{
	if (run->fd >= 0)
		stage_descriptor_close(run->fd);
	run->fd = -1;
	run->put = NULL;
	run->staged = NULL;
}

/* What can't be on its way beside others: large objects, whose parts are there, and those of drivers that wait. */
static void
publish_waiting(EtlStaged *staged)
{
	const EtlStoreDriver *driver = staged->store->driver;
	int fd;

	if (staged->upload != NULL)
	{
		driver->upload_complete(staged->upload, staged->must_not_exist);
		return;
	}
	fd = stage_descriptor(staged);
	PG_TRY();
	{
		EtlHttpBody body = {.fd = fd, .size = staged->size};

		(void) driver->put(staged->store, staged->bucket, staged->key, &body, staged->must_not_exist);
	}
	PG_FINALLY();
	{
		stage_descriptor_close(fd);
	}
	PG_END_TRY();
}

static void
run_start(Publisher *publisher, Publish *run)
{
	EtlStaged *staged = dlist_container(EtlStaged, node, publisher->next);
	const EtlStoreDriver *driver = staged->store->driver;
	EtlHttpBody body = {.size = staged->size};
	EtlObject object;

	publisher->current = staged;
	publisher->next = dlist_has_next(&staged_objects, &staged->node)
						  ? dlist_next_node(&staged_objects, &staged->node)
						  : NULL;
	if (staged->state != STAGE_FINISHED)
		elog(ERROR, "object \"%s\" is staged but not finished", staged->writer.name);
	/* One that is alone is never taken back, so nobody needs to know whether it replaces another. */
	if (!staged->must_not_exist)
		staged->existed =
			!publisher->several || store_head(staged->store, staged->bucket, staged->key, &object);
	staged->state = STAGE_SENT;
	if (staged->upload != NULL || driver->put_start == NULL)
	{
		publish_waiting(staged);
		staged->state = STAGE_PUBLISHED;
		return;
	}
	run->fd = body.fd = stage_descriptor(staged);
	run->staged = staged;
	run->put = driver->put_start(staged->store, staged->bucket, staged->key, &body, staged->must_not_exist);
}

/* False: it is through, and the place is free. */
static bool
run_poll(Publisher *publisher, Publish *run)
{
	publisher->current = run->staged;
	if (!run->staged->store->driver->put_poll(run->put, &run->wait))
		return true;
	run->staged->state = STAGE_PUBLISHED;
	run_end(run);
	return false;
}

/* Polls what is on its way, starts what can be. True: all are published. */
static bool
advance(Publisher *publisher, EtlWait *waits, int *nwaits)
{
	*nwaits = 0;
	for (int i = 0; i < PUBLISHED_AT_A_TIME; i++)
	{
		Publish *run = &publisher->runs[i];
		MemoryContext caller = MemoryContextSwitchTo(run->context);

		while (run->put != NULL || publisher->next != NULL)
		{
			if (run->put == NULL)
				run_start(publisher, run);
			if (run->put != NULL && run_poll(publisher, run))
			{
				waits[(*nwaits)++] = run->wait;
				break;
			}
			MemoryContextReset(run->context);
		}
		MemoryContextSwitchTo(caller);
	}
	return *nwaits == 0;
}

/* One has failed: wait for the others that are on their way. What becomes of them is noted, not raised. */
static void
settle(Publisher *publisher)
{
	MemoryContext caller = CurrentMemoryContext;

	for (int i = 0; i < PUBLISHED_AT_A_TIME; i++)
	{
		Publish *run = &publisher->runs[i];
		volatile bool cancelled = false;

		if (run->put == NULL || run->staged == publisher->current)
			continue;
		PG_TRY();
		{
			MemoryContextSwitchTo(run->context);
			while (!run->staged->store->driver->put_poll(run->put, &run->wait))
				http_wait(&run->wait);
			run->staged->state = STAGE_PUBLISHED;
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(caller);
			cancelled = geterrcode() == ERRCODE_QUERY_CANCELED;
			FlushErrorState();
		}
		PG_END_TRY();
		MemoryContextSwitchTo(caller);
		if (cancelled)
			break;
	}
}

/* Whether an object of which the outcome isn't known is there because of us. */
static bool
is_ours(Publisher *publisher, EtlStaged *staged)
{
	for (int i = 0; i < PUBLISHED_AT_A_TIME; i++)
		if (publisher->runs[i].staged == staged && publisher->runs[i].put != NULL)
		{
			char *etag = staged->store->driver->put_find(publisher->runs[i].put);

			return staged->must_not_exist ? etag != NULL : !staged->existed;
		}
	return false;
}

/*
 * Take back what this publish has made before it failed; best effort, as the failure is what the user must hear of.
 */
static void
take_back(Publisher *publisher, bool cancelled_before)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool cancelled = false;
	dlist_iter iter;

	http_limit(cancelled_before ? CANCELLED_TAKE_BACK_MS : 0);
	dlist_foreach(iter, &staged_objects)
	{
		EtlStaged *staged = dlist_container(EtlStaged, node, iter.cur);

		if (cancelled)
			break;
		if (staged->state < STAGE_SENT || staged->existed)
			continue;
		PG_TRY();
		{
			if (staged->state == STAGE_PUBLISHED || is_ours(publisher, staged))
				store_remove(staged->store, staged->bucket, staged->key);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(context);
			cancelled = geterrcode() == ERRCODE_QUERY_CANCELED;
			FlushErrorState();
			ereport(WARNING, errcode(ERRCODE_WARNING),
					errmsg("object \"%s\" %s although the transaction failed", staged->writer.name,
						   staged->state == STAGE_PUBLISHED ? "stays" : "may stay"));
		}
		PG_END_TRY();
	}
	http_limit(0);
}

/* An answer that refuses an object says that it isn't there; anything else leaves it open. */
static bool
outcome_is_open(int sqlstate)
{
	return ERRCODE_TO_CATEGORY(sqlstate) == ERRCODE_CONNECTION_EXCEPTION ||
		   sqlstate == ERRCODE_QUERY_CANCELED || sqlstate == ERRCODE_SYSTEM_ERROR;
}

static void
publish_failed(Publisher *publisher, ErrorData *error)
{
	bool cancelled = error->sqlerrcode == ERRCODE_QUERY_CANCELED;
	dlist_iter iter;

	/* What is logged as the failed statement may be the one that has the keys in it. */
	dlist_foreach(iter, &staged_objects) error->hide_stmt |=
		dlist_container(EtlStaged, node, iter.cur)->keys_given;
	if (publisher->current != NULL && publisher->current->state == STAGE_SENT &&
		!outcome_is_open(error->sqlerrcode))
		publisher->current->state = STAGE_FINISHED;
	if (!cancelled)
		settle(publisher);
	take_back(publisher, cancelled);
	for (int i = 0; i < PUBLISHED_AT_A_TIME; i++)
		run_end(&publisher->runs[i]);
}

void
stage_publish_all(void)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "etl publish", ALLOCSET_SMALL_SIZES);
	Publisher *publisher = MemoryContextAllocZero(context, sizeof(Publisher));
	EtlWait waits[PUBLISHED_AT_A_TIME];
	int nwaits;

	for (int i = 0; i < PUBLISHED_AT_A_TIME; i++)
	{
		publisher->runs[i].context =
			AllocSetContextCreate(context, "etl publish object", ALLOCSET_SMALL_SIZES);
		publisher->runs[i].fd = -1;
	}
	if (!dlist_is_empty(&staged_objects))
		publisher->next = dlist_head_node(&staged_objects);
	publisher->several = !dlist_is_empty(&stage_cleans) ||
						 (publisher->next != NULL && dlist_has_next(&staged_objects, publisher->next));
	PG_TRY();
	{
		while (!advance(publisher, waits, &nwaits))
			http_wait_any(waits, nwaits);
		publisher->current = NULL;
		stage_clean_all();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		publish_failed(publisher, error);
		MemoryContextDelete(context);
		ReThrowError(error);
	}
	PG_END_TRY();
	MemoryContextDelete(context);
}

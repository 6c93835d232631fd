/*
 * stage_publish.c
 *		Making staged objects visible, and taking them back. See stage.h.
 *
 * Several are on their way at a time where the driver can do that. When one fails, the others that are on their
 * way are waited for, and all that is there is removed again, unless it has replaced another object. Where the
 * outcome isn't known (a cancel, a connection that broke) an object is removed if its identity is what it was put with.
 * What can't be removed, or may still come, is left to the sweeper (upload_sweep.c).
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
	EtlPutTerms terms;
	int fd;
	EtlWait wait;
} Publish;

typedef struct Publisher
{
	Publish runs[PUBLISHED_AT_A_TIME];
	dlist_node *next;	/* to be started; NULL: all are */
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

/* An announcement, see EtlPutTerms. */
static void
note_identity(void *arg, const char *identity)
{
	stage_record_identity(arg, identity);
}

static EtlPutTerms
terms_of(EtlStaged *staged)
{
	EtlPutTerms terms = {.must_not_exist = staged->must_not_exist, .mark = staged->identity};

	if (staged->store->driver->mark == NULL)
	{
		terms.announce = note_identity;
		terms.arg = staged;
	}
	return terms;
}

/* What can't be on its way beside others: large objects, whose parts are there, and those of drivers that wait. */
static void
publish_waiting(EtlStaged *staged)
{
	const EtlStoreDriver *driver = staged->store->driver;
	EtlPutTerms terms = terms_of(staged);
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

		(void) driver->put(staged->store, staged->bucket, staged->key, &body, &terms);
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

	publisher->current = staged;
	publisher->next = dlist_has_next(&staged_objects, &staged->node)
						  ? dlist_next_node(&staged_objects, &staged->node)
						  : NULL;
	staged->state = STAGE_SENT;
	if (staged->upload != NULL || driver->put_start == NULL)
	{
		publish_waiting(staged);
		staged->state = STAGE_PUBLISHED;
		return;
	}
	run->fd = body.fd = stage_descriptor(staged);
	run->staged = staged;
	run->terms = terms_of(staged);
	run->put = driver->put_start(staged->store, staged->bucket, staged->key, &body, &run->terms);
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

/* Nobody waits any more for those that are on their way. */
static void
abandon_all(Publisher *publisher)
{
	for (int i = 0; i < PUBLISHED_AT_A_TIME; i++)
	{
		Publish *run = &publisher->runs[i];

		if (run->put != NULL)
			run->staged->store->driver->put_abandon(run->put);
		run_end(run);
	}
}

/* Remove what may be there. False: it isn't there, but may come. */
static bool
take_back_one(EtlStaged *staged)
{
	EtlObject object;

	if (staged->state != STAGE_PUBLISHED)
	{
		if (staged->identity == NULL)
			return true; /* it was not to be seen yet */
		if (!store_head(staged->store, staged->bucket, staged->key, &object))
			return staged->store->driver->put_start == NULL;
		if (strcmp(store_identity(&object), staged->identity) != 0)
			return true;
	}
	store_remove(staged->store, staged->bucket, staged->key);
	return true;
}

/*
 * Take back what this publish has made before it failed, unless it is all there is; best effort, as the failure is what the
 * user must hear of. False: something is left, or may come.
 */
static bool
take_back(bool cancelled_before)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool given_up = false;
	volatile bool complete = true;
	dlist_iter iter;

	http_limit(cancelled_before ? CANCELLED_TAKE_BACK_MS : 0);
	dlist_foreach(iter, &staged_objects)
	{
		EtlStaged *staged = dlist_container(EtlStaged, node, iter.cur);

		if (staged->state < STAGE_SENT || staged->existed || (staged->clean != NULL && staged->clean->gone > 0))
			continue;
		if (given_up)
		{
			complete = false;
			break;
		}
		PG_TRY();
		{
			if (!take_back_one(staged))
				complete = false;
		}
		PG_CATCH();
		{
			complete = false;
			MemoryContextSwitchTo(context);
			/* The other side doesn't answer: nor will it for the others. */
			given_up = geterrcode() == ERRCODE_QUERY_CANCELED ||
					   ERRCODE_TO_CATEGORY(geterrcode()) == ERRCODE_CONNECTION_EXCEPTION;
			FlushErrorState();
			ereport(WARNING, errcode(ERRCODE_WARNING),
					errmsg("object \"%s\" %s although the transaction failed", staged->writer.name,
						   staged->state == STAGE_PUBLISHED ? "stays" : "may stay"),
					errhint("As long as etl.abandoned_uploads shows it, its removal is tried again."));
		}
		PG_END_TRY();
	}
	http_limit(0);
	return complete;
}

/* Somebody has refused the object, so it isn't there; anything else leaves that open. */
static bool
is_refusal(int sqlstate)
{
	int category = ERRCODE_TO_CATEGORY(sqlstate);

	return sqlstate == ERRCODE_DUPLICATE_FILE || sqlstate == ERRCODE_INSUFFICIENT_PRIVILEGE ||
		   sqlstate == ERRCODE_UNDEFINED_OBJECT || category == ERRCODE_DATA_EXCEPTION ||
		   category == ERRCODE_FEATURE_NOT_SUPPORTED || category == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION;
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
		is_refusal(error->sqlerrcode))
		publisher->current->state = STAGE_FINISHED;
	if (!cancelled)
		settle(publisher);
	abandon_all(publisher);
	if (take_back(cancelled))
		stage_record_taken_back();
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
	PG_TRY();
	{
		stage_look_all(&publisher->current);
		stage_record_all();
		while (!advance(publisher, waits, &nwaits))
			http_wait_any(waits, nwaits);
		publisher->current = NULL;
		stage_clean_all();
		stage_record_published();
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

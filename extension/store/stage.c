/*
 * stage.c
 *		Objects that appear when the transaction commits: store_stage and store_publish_staged.
 *
 * The bytes of a staged object are in a temporary file of the server's own kind; its record is in a list that
 * knows which subtransaction staged it. A subtransaction that aborts takes its records along, one that commits
 * hands them to its parent; an abort of the transaction drops all. Dropping closes files and does nothing
 * else: no network and no errors in an abort.
 *
 * Publishing is the last thing before the commit, so that its failure still is the transaction's. What no
 * order of things can give is a commit of two systems at once: if the commit itself fails after the publish,
 * the objects stay.
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xact.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "store/store.h"
#include "utils/memutils.h"

#define STAGE_BUFFER_SIZE 65536
#define CANCELLED_TAKE_BACK_MS 1000 /* a cancel works within two seconds, also where the other side hangs */

typedef struct EtlStaged
{
	EtlWriter writer;	   /* first: callers hold a pointer to it */
	dlist_node node;	   /* in staged_objects */
	MemoryContext context; /* holds all of it */
	SubTransactionId subid;
	EtlStore *store;
	char *bucket;
	char *key;
	bool must_not_exist;
	bool finished;
	bool keys_given; /* the statement brought the credentials, as COPY and UNLOAD can */
	bool existed; /* there is an object that publishing replaces */
	bool published;
	File file;
	uint64 size; /* bytes in the file */
	char *buf;	 /* bytes that are not in it yet; NULL once finished */
	size_t buffered;
} EtlStaged;

static dlist_head staged_objects = DLIST_STATIC_INIT(staged_objects); /* in the order they were staged */
static bool callbacks_registered = false;

/* Forget the object and its bytes. Raises nothing. */
static void
staged_drop(EtlStaged *staged)
{
	dlist_delete(&staged->node);
	if (staged->file >= 0)
		FileClose(staged->file); /* deletes it */
	MemoryContextDelete(staged->context);
}

static void
staged_drop_all(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &staged_objects) staged_drop(dlist_container(EtlStaged, node, iter.cur));
}

static void
stage_xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			store_publish_staged();
			break;
		case XACT_EVENT_PRE_PREPARE:
			if (!dlist_is_empty(&staged_objects))
				ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot PREPARE a transaction that has written objects"),
						errdetail("Object \"%s\" is to be published when the transaction commits.",
								  dlist_head_element(EtlStaged, node, &staged_objects)->writer.name));
			break;
		case XACT_EVENT_ABORT:
			staged_drop_all();
			break;
		default:
			break;
	}
}

static void
stage_subxact_callback(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	dlist_mutable_iter iter;

	if (event != SUBXACT_EVENT_ABORT_SUB && event != SUBXACT_EVENT_COMMIT_SUB)
		return;
	dlist_foreach_modify(iter, &staged_objects)
	{
		EtlStaged *staged = dlist_container(EtlStaged, node, iter.cur);

		if (staged->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			staged_drop(staged);
		else
			staged->subid = parent;
	}
}

static void
file_write(EtlStaged *staged, const char *data, size_t size)
{
	while (size > 0)
	{
		int n;

		CHECK_FOR_INTERRUPTS();
		errno = 0;
		n = FileWrite(staged->file, (char *) data, Min(size, STAGE_BUFFER_SIZE), staged->size,
					  PG_WAIT_EXTENSION);
		if (n <= 0)
		{
			if (errno == 0)
				errno = ENOSPC;
			ereport(
				ERROR, errcode_for_file_access(),
				errmsg("could not stage object \"%s\": %m", staged->writer.name),
				errhint("Its bytes are kept with the server's temporary files until they are published."));
		}
		staged->size += n;
		data += n;
		size -= n;
	}
}

static void
stage_write(EtlWriter *self, const char *data, size_t size)
{
	EtlStaged *staged = (EtlStaged *) self;

	Assert(!staged->finished);
	if (staged->buffered + size > STAGE_BUFFER_SIZE)
	{
		file_write(staged, staged->buf, staged->buffered);
		staged->buffered = 0;
	}
	if (size > STAGE_BUFFER_SIZE)
	{
		file_write(staged, data, size);
		return;
	}
	memcpy(staged->buf + staged->buffered, data, size);
	staged->buffered += size;
}

static void
stage_finish(EtlWriter *self)
{
	EtlStaged *staged = (EtlStaged *) self;

	file_write(staged, staged->buf, staged->buffered);
	pfree(staged->buf);
	staged->buf = NULL;
	staged->finished = true;
}

static void
stage_abort(EtlWriter *self)
{
	staged_drop((EtlStaged *) self);
}

/*
 * A store of our own: the caller's may be gone when the object is published, and the user may be another
 * then, so whose credentials sign is settled now.
 */
static EtlStore *
store_copy(const EtlStore *store)
{
	EtlStore *copy = palloc(sizeof(EtlStore));

	*copy = *store;
	copy->server = aws_server_copy(store->server);
	if (store->credentials != NULL)
		copy->credentials = aws_credentials_copy(store->credentials);
	else if (copy->server->mode == ETL_AWS_MODE_AWS)
		copy->credentials = aws_credentials_get(copy->server);
	return copy;
}

static void
pg_attribute_noreturn() raise_exists(const char *uri)
{
	ereport(ERROR, errcode(ERRCODE_DUPLICATE_FILE), errmsg("object \"%s\" already exists", uri));
	pg_unreachable();
}

EtlWriter *
store_stage(EtlStore *store, const char *bucket, const char *key, bool must_not_exist)
{
	EtlObject object;
	MemoryContext context;
	MemoryContext caller;
	EtlStaged *staged;

	/* A look now spares the work when it is in vain; the publish decides. */
	if (must_not_exist && store_head(store, bucket, key, &object))
		raise_exists(store_uri_format(bucket, key));
	if (!callbacks_registered)
	{
		RegisterXactCallback(stage_xact_callback, NULL);
		RegisterSubXactCallback(stage_subxact_callback, NULL);
		callbacks_registered = true;
	}
	/* Under the caller's context until it is in the list: an error before that frees it. */
	context = AllocSetContextCreate(CurrentMemoryContext, "etl staged object", ALLOCSET_SMALL_SIZES);
	caller = MemoryContextSwitchTo(context);
	staged = palloc0(sizeof(EtlStaged));
	staged->writer.write = stage_write;
	staged->writer.finish = stage_finish;
	staged->writer.abort = stage_abort;
	staged->writer.name = store_uri_format(bucket, key);
	staged->context = context;
	staged->subid = GetCurrentSubTransactionId();
	staged->store = store_copy(store);
	staged->keys_given = store->credentials != NULL;
	staged->bucket = pstrdup(bucket);
	staged->key = pstrdup(key);
	staged->must_not_exist = must_not_exist;
	staged->buf = palloc(STAGE_BUFFER_SIZE);
	staged->file = -1;
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, TopMemoryContext);
	dlist_push_tail(&staged_objects, &staged->node);
	/* Kept over the end of resource owners: this file closes it, in the callbacks above. */
	staged->file = OpenTemporaryFile(true);
	return &staged->writer;
}

static void
publish_one(EtlStaged *staged, bool may_be_taken_back)
{
	EtlHttpBody body = {.size = staged->size};
	EtlObject object;

	if (may_be_taken_back && !staged->must_not_exist)
		staged->existed = store_head(staged->store, staged->bucket, staged->key, &object);
	if (FileSize(staged->file) !=
		staged->size) /* also opens it, should its descriptor have been needed elsewhere */
		ereport(ERROR, errcode(ERRCODE_IO_ERROR),
				errmsg("what was staged for object \"%s\" is not as it was written", staged->writer.name));
	/* A descriptor of our own: that one may be closed again while the network is waited for. */
	ReserveExternalFD();
	body.fd = dup(FileGetRawDesc(staged->file));
	PG_TRY();
	{
		if (body.fd < 0)
			ereport(ERROR, errcode_for_file_access(),
					errmsg("could not publish object \"%s\": %m", staged->writer.name));
		(void) staged->store->driver->put(staged->store, staged->bucket, staged->key, &body,
										  staged->must_not_exist);
	}
	PG_FINALLY();
	{
		if (body.fd >= 0)
			close(body.fd);
		ReleaseExternalFD();
	}
	PG_END_TRY();
	staged->published = true;
}

/* Take back what this publish has made before it failed; best effort, as the failure is what the user must
 * hear of. */
static void
take_back(EtlStaged *failed, bool cancelled_before)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool cancelled = false;
	dlist_iter iter;

	http_limit(cancelled_before ? CANCELLED_TAKE_BACK_MS : 0);
	dlist_foreach(iter, &staged_objects)
	{
		EtlStaged *staged = dlist_container(EtlStaged, node, iter.cur);

		if (staged == failed || cancelled)
			break;
		if (!staged->published || staged->existed)
			continue;
		PG_TRY();
		{
			store_remove(staged->store, staged->bucket, staged->key);
		}
		PG_CATCH();
		{
			MemoryContextSwitchTo(context);
			cancelled = geterrcode() == ERRCODE_QUERY_CANCELED;
			FlushErrorState();
			ereport(WARNING, errcode(ERRCODE_WARNING),
					errmsg("object \"%s\" stays although the transaction failed", staged->writer.name));
		}
		PG_END_TRY();
	}
	http_limit(0);
}

void
store_publish_staged(void)
{
	MemoryContext caller = CurrentMemoryContext;
	dlist_mutable_iter iter;
	EtlStaged *volatile current = NULL;

	if (dlist_is_empty(&staged_objects))
		return;
	PG_TRY();
	{
		dlist_foreach_modify(iter, &staged_objects)
		{
			current = dlist_container(EtlStaged, node, iter.cur);
			if (!current->finished)
				elog(ERROR, "object \"%s\" is staged but not finished", current->writer.name);
			publish_one(current, dlist_has_next(&staged_objects, &current->node));
		}
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		/* What is logged as the failed statement may be the one that has the keys in it. */
		dlist_foreach_modify(iter, &staged_objects)
			error->hide_stmt |= dlist_container(EtlStaged, node, iter.cur)->keys_given;
		take_back(current, error->sqlerrcode == ERRCODE_QUERY_CANCELED);
		ReThrowError(error);
	}
	PG_END_TRY();
	staged_drop_all();
	/* The objects are there: the commit that says so must not be lost, even where commits don't wait for the disk. */
	ForceSyncCommit();
}

/*
 * stage.c
 *		Objects that appear when the transaction commits: store_stage and store_publish_staged.
 *
 * The bytes of a staged object are in a temporary file of the server's own kind; its record is in a list that
 * knows which subtransaction staged it. A subtransaction that aborts takes its records along, one that commits
 * hands them to its parent; an abort of the transaction drops all. Dropping closes files and does nothing
 * else: no network and no errors in an abort.
 *
 * An object that grows large doesn't stay in that file, where the driver knows objects made of parts (S3's
 * multipart uploads): whenever a few parts are full they are sent, and the file is filled anew. Nobody sees
 * parts until the object is published. They are sent at once and waited for: requests that nobody drives while
 * a query computes the next row would be given up by the other side.
 *
 * Publishing (stage_publish.c) is the last thing before the commit, so that its failure still is the
 * transaction's. Two systems can't commit at once: what is published and then not committed is removed by somebody else,
 * from what is on record about it (stage_record.c).
 */
#include "postgres.h"

#include <unistd.h>

#include "access/xact.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/fd.h"
#include "store/s3_upload.h"
#include "store/stage.h"
#include "utils/memutils.h"

#define STAGE_BUFFER_SIZE 65536

dlist_head staged_objects = DLIST_STATIC_INIT(staged_objects);
void (*store_published_hook)(const ErrorData *error) = NULL;
static bool callbacks_registered = false;
static uint64 last_number = 0;

/* Forget the object and its bytes. Raises nothing. */
static void
staged_drop(EtlStaged *staged)
{
	dlist_delete(&staged->node);
	if (staged->file >= 0)
		FileClose(staged->file); /* deletes it */
	if (staged->upload == NULL || staged->store->driver->upload_drop(staged->upload))
		MemoryContextDelete(staged->context);
}

static void
staged_drop_all(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &staged_objects) staged_drop(dlist_container(EtlStaged, node, iter.cur));
	dlist_foreach_modify(iter, &stage_cleans) stage_clean_drop(dlist_container(EtlStageClean, node, iter.cur));
}

static void
stage_xact_callback(XactEvent event, void *arg)
{
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			s3_uploads_tidy(); /* before what a failure of this could undo no more */
			store_publish_staged();
			break;
		case XACT_EVENT_PRE_PREPARE:
			if (!dlist_is_empty(&staged_objects))
				ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot PREPARE a transaction that has written objects"),
						errdetail("Object \"%s\" is to be published when the transaction commits.",
								  dlist_head_element(EtlStaged, node, &staged_objects)->writer.name));
			if (!dlist_is_empty(&stage_cleans))
				ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("cannot PREPARE a transaction that is to remove objects"));
			break;
		case XACT_EVENT_COMMIT:
			stage_record_committed();
			uploads_release();
			break;
		case XACT_EVENT_ABORT:
			staged_drop_all();
			stage_record_aborted();
			uploads_release();
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
	dlist_foreach_modify(iter, &stage_cleans)
	{
		EtlStageClean *clean = dlist_container(EtlStageClean, node, iter.cur);

		if (clean->subid != subid)
			continue;
		if (event == SUBXACT_EVENT_ABORT_SUB)
			stage_clean_drop(clean);
		else
			clean->subid = parent;
	}
	if (event == SUBXACT_EVENT_ABORT_SUB)
		stage_record_sub_aborted(subid);
	else
		stage_record_sub_committed(subid, parent);
}

uint64
store_stage_mark(void)
{
	return last_number;
}

void
stage_begin(void)
{
	if (callbacks_registered)
		return;
	RegisterXactCallback(stage_xact_callback, NULL);
	RegisterSubXactCallback(stage_subxact_callback, NULL);
	callbacks_registered = true;
}

/* How much the file may hold: all of the object where it can't be sent in parts. */
static uint64
file_capacity(EtlStaged *staged)
{
	const EtlStoreDriver *driver = staged->store->driver;

	if (driver->upload_begin == NULL)
		return PG_UINT64_MAX;
	return staged->part_size * driver->upload_parts;
}

int
stage_descriptor(EtlStaged *staged)
{
	int fd;

	/* This also opens it, should its descriptor have been needed elsewhere. */
	if (FileSize(staged->file) < 0 || (staged->upload == NULL && FileSize(staged->file) != staged->size))
		ereport(ERROR, errcode(ERRCODE_IO_ERROR),
				errmsg("what was staged for object \"%s\" is not as it was written", staged->writer.name));
	ReserveExternalFD();
	fd = dup(FileGetRawDesc(staged->file));
	if (fd < 0)
	{
		ReleaseExternalFD();
		ereport(ERROR, errcode_for_file_access(),
				errmsg("could not publish object \"%s\": %m", staged->writer.name));
	}
	return fd;
}

void
stage_descriptor_close(int fd)
{
	close(fd);
	ReleaseExternalFD();
}

static void
file_send(EtlStaged *staged)
{
	const EtlStoreDriver *driver = staged->store->driver;
	MemoryContext caller = MemoryContextSwitchTo(staged->context);
	int fd;

	if (staged->upload == NULL)
		staged->upload = driver->upload_begin(staged->store, staged->bucket, staged->key, staged->identity);
	fd = stage_descriptor(staged);
	PG_TRY();
	{
		driver->upload_send(staged->upload, fd, staged->size, staged->part_size);
	}
	PG_FINALLY();
	{
		stage_descriptor_close(fd);
	}
	PG_END_TRY();
	staged->part_size = driver->upload_part_size(staged->upload);
	staged->size = 0;
	MemoryContextSwitchTo(caller);
}

static void
file_write(EtlStaged *staged, const char *data, size_t size)
{
	while (size > 0)
	{
		int n;

		CHECK_FOR_INTERRUPTS();
		if (staged->size == file_capacity(staged))
			file_send(staged);
		errno = 0;
		n = FileWrite(staged->file, (char *) data,
					  Min(Min(size, STAGE_BUFFER_SIZE), file_capacity(staged) - staged->size), staged->size,
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

	Assert(staged->state == STAGE_OPEN);
	if (staged->buffered + size > STAGE_BUFFER_SIZE)
	{
		file_write(staged, staged->buf, staged->buffered);
		staged->buffered = 0;
	}
	/* Who writes in large blocks needs no other buffer. */
	if (size > STAGE_BUFFER_SIZE / 2)
	{
		file_write(staged, staged->buf, staged->buffered);
		staged->buffered = 0;
		file_write(staged, data, size);
		return;
	}
	if (staged->buf == NULL)
		staged->buf = MemoryContextAlloc(staged->context, STAGE_BUFFER_SIZE);
	memcpy(staged->buf + staged->buffered, data, size);
	staged->buffered += size;
}

static void
stage_finish(EtlWriter *self)
{
	EtlStaged *staged = (EtlStaged *) self;

	file_write(staged, staged->buf, staged->buffered);
	if (staged->buf != NULL)
		pfree(staged->buf);
	staged->buf = NULL;
	if (staged->upload != NULL)
	{
		file_send(staged);
		FileClose(staged->file);
		staged->file = -1;
	}
	staged->state = STAGE_FINISHED;
}

static void
stage_abort(EtlWriter *self)
{
	staged_drop((EtlStaged *) self);
}

/* Whose credentials sign is settled now. */
EtlStore *
stage_store_copy(const EtlStore *store)
{
	EtlStore *copy = palloc(sizeof(EtlStore));

	*copy = *store;
	copy->server = aws_server_copy(store->server);
	if (store->credentials != NULL)
		copy->credentials = aws_credentials_copy(store->credentials);
	else if (copy->server->mode == ETL_AWS_MODE_AWS)
		copy->credentials = aws_credentials_get(copy->server);
	copy->iam_role = store->iam_role != NULL ? pstrdup(store->iam_role) : NULL;
	return copy;
}

EtlWriter *
store_stage(EtlStore *store, const char *bucket, const char *key, bool must_not_exist)
{
	MemoryContext context;
	MemoryContext caller;
	EtlStaged *staged;

	store_require_key(bucket, key);
	stage_begin();
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
	staged->role = GetUserId();
	staged->number = ++last_number;
	if (store->driver->mark != NULL)
		staged->identity = store->driver->mark();
	staged->store = stage_store_copy(store);
	staged->keys_given = store->credentials != NULL;
	staged->bucket = pstrdup(bucket);
	staged->key = pstrdup(key);
	staged->must_not_exist = must_not_exist;
	staged->file = -1;
	if (store->driver->upload_begin != NULL)
		staged->part_size = store->driver->upload_part_size(NULL);
	MemoryContextSwitchTo(caller);
	MemoryContextSetParent(context, TopMemoryContext);
	dlist_push_tail(&staged_objects, &staged->node);
	/* Kept over the end of resource owners: this file closes it, in the callbacks above. */
	staged->file = OpenTemporaryFile(true);
	return &staged->writer;
}

void
store_publish_staged(void)
{
	MemoryContext caller = CurrentMemoryContext;

	if (dlist_is_empty(&staged_objects) && dlist_is_empty(&stage_cleans))
		return;
	PG_TRY();
	{
		stage_publish_all();
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		if (store_published_hook != NULL)
			store_published_hook(error);
		ReThrowError(error);
	}
	PG_END_TRY();
	if (store_published_hook != NULL)
		store_published_hook(NULL);
	staged_drop_all();
	/* The objects are there: the commit that says so must not be lost, even where commits don't wait for the disk. */
	ForceSyncCommit();
}

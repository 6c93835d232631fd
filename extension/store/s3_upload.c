/*
 * s3_upload.c
 *		Uploads that leave nothing behind. See s3_upload.h.
 *
 * A record is there before S3 is asked for the upload, and goes when that is completed. One that is given up,
 * by a rollback or a process that ends, is aborted by the sweeper (upload_sweep.c), as an abort callback must
 * not wait for a network. What the sweeper can't do, since a statement brought the keys or nobody preloaded
 * pg_etl, the session does at the end of its next transaction.
 */
#include "postgres.h"

#include "aws/s3.h"
#include "aws/s3_multipart.h"
#include "lib/ilist.h"
#include "miscadmin.h"
#include "store/s3_upload.h"
#include "store/uploads.h"
#include "utils/memutils.h"

#define TIDY_MS 1000 /* somebody waits for the end of a transaction that has nothing to do with it */
#define COPY_PART_SIZE (UINT64CONST(1024) * 1024 * 1024) /* at least */

struct EtlStoreUpload
{
	dlist_node node;	   /* in left_over, once it is dropped */
	MemoryContext context; /* what it was begun in */
	EtlStore *store;
	const char *bucket;
	const char *key;
	EtlUploadFile *file; /* NULL: it is completed, or given up */
	EtlS3Upload *s3;	 /* NULL: not begun */
	bool unknown;		 /* there may be an upload of which no id is known */
};

static dlist_head left_over = DLIST_STATIC_INIT(left_over);

static EtlStoreUpload *
upload_begin(EtlStore *store, const char *bucket, const char *key, const char *mark, bool summed)
{
	EtlStoreUpload *upload = palloc0(sizeof(EtlStoreUpload));

	upload->context = CurrentMemoryContext;
	upload->store = store;
	upload->bucket = bucket;
	upload->key = key;
	upload->file = uploads_record(store, bucket, key);
	PG_TRY();
	{
		upload->s3 = s3_upload_create(store->server, store->credentials, bucket, key, mark, NULL, summed,
									  &upload->unknown);
		uploads_record_id(upload->file, s3_upload_id(upload->s3), upload->unknown);
	}
	PG_CATCH();
	{
		if (upload->unknown || upload->s3 != NULL)
			uploads_record_abandon(upload->file);
		else
			uploads_record_done(upload->file);
		PG_RE_THROW();
	}
	PG_END_TRY();
	return upload;
}

EtlStoreUpload *
s3_upload_begin(EtlStore *store, const char *bucket, const char *key, const char *mark)
{
	return upload_begin(store, bucket, key, mark, true);
}

uint64
s3_upload_next_size(EtlStoreUpload *upload)
{
	return s3_upload_part_size(upload != NULL ? upload->s3 : NULL);
}

void
s3_upload_parts(EtlStoreUpload *upload, int fd, uint64 size, uint64 part_size)
{
	s3_upload_send(upload->s3, fd, size, part_size);
}

void
s3_upload_finish(EtlStoreUpload *upload, bool must_not_exist)
{
	EtlUploadFile *file = upload->file;

	(void) s3_upload_complete(upload->s3, must_not_exist);
	upload->file = NULL;
	uploads_record_done(file);
}

bool
s3_upload_drop(EtlStoreUpload *upload)
{
	if (upload->file == NULL)
		return true;
	if (uploads_watch() == NULL || upload->store->credentials_given)
	{
		dlist_push_tail(&left_over, &upload->node);
		return false;
	}
	uploads_record_abandon(upload->file);
	upload->file = NULL;
	return true;
}

/* One try: what it can't do now is the sweeper's, or is shown by etl.abandoned_uploads. */
static void
tidy_one(EtlStoreUpload *upload)
{
	MemoryContext caller = MemoryContextSwitchTo(upload->context);
	EtlUploadFile *volatile file = upload->file;

	upload->file = NULL;
	PG_TRY();
	{
		s3_upload_abort(upload->store->server, upload->store->credentials, upload->bucket, upload->key,
						s3_upload_id(upload->s3));
		uploads_record_done(file);
		file = NULL;
	}
	PG_CATCH();
	{
		uploads_record_abandon(file);
		if (geterrcode() == ERRCODE_QUERY_CANCELED)
		{
			http_limit(0);
			MemoryContextDelete(upload->context);
			PG_RE_THROW();
		}
		MemoryContextSwitchTo(caller);
		FlushErrorState();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(caller);
	MemoryContextDelete(upload->context);
}

void
s3_uploads_tidy(void)
{
	if (dlist_is_empty(&left_over))
		return;
	http_limit(TIDY_MS);
	while (!dlist_is_empty(&left_over))
		tidy_one(dlist_container(EtlStoreUpload, node, dlist_pop_head_node(&left_over)));
	http_limit(0);
}

char *
s3_upload_copy_object(EtlStore *store, const EtlUri *source, const char *etag, uint64 size,
					  const EtlUri *target)
{
	/* s3_upload_drop may leave the upload to s3_uploads_tidy, which deletes its context. */
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "pg_etl s3 copy", ALLOCSET_SMALL_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	EtlStoreUpload *upload = upload_begin(store, target->bucket, target->key, s3_mark_make(), false);
	uint64 part_size = Max(COPY_PART_SIZE, (size + S3_MAX_PARTS - 1) / S3_MAX_PARTS);
	char *copied = NULL;

	PG_TRY();
	{
		s3_upload_copy(upload->s3, source->bucket, source->key, etag, size, part_size);
		copied = s3_upload_complete(upload->s3, false);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(caller);
		error = CopyErrorData();
		FlushErrorState();
		MemoryContextDeleteChildren(context); /* parts that are under way would come after the abort */
		if (!s3_upload_drop(upload))
			s3_uploads_tidy();
		ReThrowError(error);
	}
	PG_END_TRY();
	uploads_record_done(upload->file);
	MemoryContextSwitchTo(caller);
	copied = pstrdup(copied);
	MemoryContextDelete(context);
	return copied;
}

/*
 * stage_record.c
 *		What is on record of the objects that are published: see uploads.h.
 *
 * Publishing comes before the commit, and a process can be killed between the two, or at the second of many objects. So
 * they are on record until the transaction has committed: whoever finds the record abandoned asks what became of the
 * transaction, and removes them if it didn't commit. Objects that have replaced others are not among them, since nothing
 * would bring those back.
 *
 * A record has the objects of one bucket that were staged one after the other for the same server and role. Where the
 * driver marks objects it is written once, with all of them; elsewhere each is added when its identity is known.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "replication/message.h"
#include "store/stage.h"
#include "store/uploads.h"
#include "utils/memutils.h"

typedef struct Recorded
{
	dlist_node node; /* in recorded */
	EtlUploadFile *file; /* NULL: it could not be made */
	bool published;		 /* an earlier publish of this transaction has made all of them */
} Recorded;

static dlist_head recorded = DLIST_STATIC_INIT(recorded); /* of this transaction */

static bool
same_text(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
belong_together(const EtlStaged *a, const EtlStaged *b)
{
	return a->role == b->role && strcmp(a->bucket, b->bucket) == 0 &&
		   strcmp(a->store->server->name, b->store->server->name) == 0 &&
		   same_text(a->store->server->region, b->store->server->region) &&
		   same_text(a->store->iam_role, b->store->iam_role) &&
		   a->store->credentials_given == b->store->credentials_given;
}

static EtlStaged *
next_of(EtlStaged *staged)
{
	return dlist_has_next(&staged_objects, &staged->node)
			   ? dlist_container(EtlStaged, node, dlist_next_node(&staged_objects, &staged->node))
			   : NULL;
}

/*
 * The transaction's number, which is in the log for good: otherwise a crash could have another transaction take the same
 * number, commit, and keep what this one has made.
 */
static uint64
transaction_number(void)
{
	FullTransactionId number = GetTopFullTransactionId();

	XLogFlush(LogLogicalMessage("pg_etl", "", 0, true));
	return U64FromFullTransactionId(number);
}

static EtlUploadFile *
record_make(const EtlStaged *first, EtlRecordedObject *objects, int nobjects)
{
	Recorded *record = MemoryContextAllocZero(TopMemoryContext, sizeof(Recorded));

	dlist_push_tail(&recorded, &record->node);
	record->file = uploads_record_objects(first->store, first->role, first->bucket, transaction_number(), objects,
										  nobjects);
	return record->file;
}

/* A record of this one and those after it that belong to it. The first that doesn't. */
static EtlStaged *
record_some(EtlStaged *first)
{
	EtlRecordedObject *objects;
	EtlStaged *end = first;
	EtlUploadFile *file;
	int count = 0;
	int nobjects = 0;

	for (; end != NULL && belong_together(first, end); end = next_of(end))
		count++;
	objects = palloc_extended(sizeof(EtlRecordedObject) * count, MCXT_ALLOC_HUGE);
	for (EtlStaged *staged = first; staged != end; staged = next_of(staged))
		if (staged->identity != NULL && !staged->existed)
			objects[nobjects++] = (EtlRecordedObject){.identity = staged->identity, .key = staged->key};
	if (nobjects > 0 || first->identity == NULL)
	{
		file = record_make(first, objects, nobjects);
		for (EtlStaged *staged = first; staged != end; staged = next_of(staged))
			staged->record = file;
	}
	pfree(objects);
	return end;
}

void
stage_record_all(void)
{
	EtlStaged *staged =
		dlist_is_empty(&staged_objects) ? NULL : dlist_head_element(EtlStaged, node, &staged_objects);

	while (staged != NULL)
		staged = record_some(staged);
}

void
stage_record_identity(EtlStaged *staged, const char *identity)
{
	staged->identity = MemoryContextStrdup(staged->context, identity);
	if (!staged->existed)
		uploads_record_object(staged->record,
							  &(EtlRecordedObject){.identity = staged->identity, .key = staged->key});
}

static void
record_end(Recorded *record, void (*end)(EtlUploadFile *file))
{
	if (record->file != NULL)
		end(record->file);
	dlist_delete(&record->node);
	pfree(record);
}

static void
end_all(void (*end)(EtlUploadFile *file))
{
	while (!dlist_is_empty(&recorded))
		record_end(dlist_head_element(Recorded, node, &recorded), end);
}

void
stage_record_published(void)
{
	dlist_iter iter;

	dlist_foreach(iter, &recorded) dlist_container(Recorded, node, iter.cur)->published = true;
}

void
stage_record_taken_back(void)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &recorded)
	{
		Recorded *record = dlist_container(Recorded, node, iter.cur);

		if (!record->published)
			record_end(record, uploads_record_done);
	}
}

void
stage_record_keep(void)
{
	end_all(uploads_record_keep);
}

void
stage_record_committed(void)
{
	end_all(uploads_record_done);
}

void
stage_record_abandon(void)
{
	end_all(uploads_record_abandon);
}

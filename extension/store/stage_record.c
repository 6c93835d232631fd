/*
 * stage_record.c
 *		What is on record of the objects that are published: see uploads.h.
 *
 * Publishing comes before the commit, and a process can be killed between the two, or at the second of many objects. So
 * they are on record until the transaction has committed: whoever finds the record abandoned asks what became of the
 * transaction, and removes them if it didn't commit. Objects that have replaced others are not among them, since nothing
 * would bring those back.
 *
 * A record has the objects of one bucket that were staged for the same server and role. Where the driver marks objects it
 * is written once, with all of them; elsewhere each is added when its identity is known.
 *
 * A step publishes in a subtransaction, which can fail alone: a record names that, and goes its way.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "base/compat.h"
#include "store/stage.h"
#include "store/uploads.h"
#include "utils/memutils.h"

typedef struct Recorded
{
	dlist_node node; /* in recorded */
	SubTransactionId subid;
	EtlUploadFile *file;		/* NULL: it could not be made */
	const EtlStageClean *clean; /* that all of it takes part in; NULL: none */
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
	return a->role == b->role && a->clean == b->clean && strcmp(a->bucket, b->bucket) == 0 &&
		   a->store->driver == b->store->driver && strcmp(a->store->server->name, b->store->server->name) == 0 &&
		   same_text(a->store->server->region, b->store->server->region) &&
		   same_text(a->store->iam_role, b->store->iam_role) &&
		   a->store->credentials_given == b->store->credentials_given;
}

/*
 * The (sub)transaction's number, which is in the log for good: otherwise a crash could have another transaction take the
 * same number, commit, and keep what this one has made.
 */
static uint64
transaction_number(void)
{
	FullTransactionId number = GetCurrentFullTransactionId();

	XLogFlush(LogLogicalMessage("pg_etl", "", 0, true, false));
	return U64FromFullTransactionId(number);
}

static EtlUploadFile *
record_make(const EtlStaged *first, uint64 transaction, EtlRecordedObject *objects, int nobjects)
{
	Recorded *record = MemoryContextAllocZero(TopMemoryContext, sizeof(Recorded));

	record->subid = GetCurrentSubTransactionId();
	record->clean = first->clean;
	dlist_push_tail(&recorded, &record->node);
	record->file =
		uploads_record_objects(first->store, first->role, first->bucket, transaction, objects, nobjects);
	return record->file;
}

/* A record of this one and all after it that belong to it. `objects` has room for them. */
static void
record_some(EtlStaged *first, uint64 transaction, EtlRecordedObject *objects)
{
	EtlUploadFile *file = NULL;
	int nobjects = 0;

	for (dlist_node *node = &first->node; node != &staged_objects.head; node = node->next)
	{
		EtlStaged *staged = dlist_container(EtlStaged, node, node);

		if (!belong_together(first, staged))
			continue;
		staged->is_recorded = true;
		if (staged->identity != NULL && !staged->existed)
			objects[nobjects++] = (EtlRecordedObject){.identity = staged->identity, .key = staged->key};
	}
	if (nobjects > 0 || first->store->driver->mark == NULL)
		file = record_make(first, transaction, objects, nobjects);
	for (dlist_node *node = &first->node; node != &staged_objects.head; node = node->next)
	{
		EtlStaged *staged = dlist_container(EtlStaged, node, node);

		if (belong_together(first, staged))
			staged->record = file;
	}
}

void
stage_record_all(void)
{
	EtlRecordedObject *objects;
	uint64 transaction = 0;
	dlist_iter iter;
	int count = 0;

	dlist_foreach(iter, &staged_objects)
	{
		EtlStaged *staged = dlist_container(EtlStaged, node, iter.cur);

		staged->clean = stage_clean_of(staged);
		count++;
	}
	if (count == 0)
		return;
	objects = palloc_extended(sizeof(EtlRecordedObject) * count, MCXT_ALLOC_HUGE);
	transaction = transaction_number();
	dlist_foreach(iter, &staged_objects)
	{
		EtlStaged *staged = dlist_container(EtlStaged, node, iter.cur);

		if (!staged->is_recorded)
			record_some(staged, transaction, objects);
	}
	pfree(objects);
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
stage_record_keep(const EtlStageClean *clean)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &recorded)
	{
		Recorded *record = dlist_container(Recorded, node, iter.cur);

		if (record->clean == clean)
			record_end(record, uploads_record_keep);
	}
}

void
stage_record_committed(void)
{
	while (!dlist_is_empty(&recorded))
		record_end(dlist_head_element(Recorded, node, &recorded), uploads_record_done);
}

void
stage_record_aborted(void)
{
	while (!dlist_is_empty(&recorded))
		record_end(dlist_head_element(Recorded, node, &recorded), uploads_record_abandon);
}

void
stage_record_sub_committed(SubTransactionId subid, SubTransactionId parent)
{
	dlist_iter iter;

	dlist_foreach(iter, &recorded)
	{
		Recorded *record = dlist_container(Recorded, node, iter.cur);

		if (record->subid == subid)
			record->subid = parent;
	}
}

void
stage_record_sub_aborted(SubTransactionId subid)
{
	dlist_mutable_iter iter;

	dlist_foreach_modify(iter, &recorded)
	{
		Recorded *record = dlist_container(Recorded, node, iter.cur);

		if (record->subid == subid)
			record_end(record, uploads_record_abandon);
	}
}

/*
 * upload_sweep_objects.c
 *		Removing the objects of a transaction that failed. See upload_sweep.h.
 *
 * They are removed if the transaction that made them hasn't committed and they are the ones that it made. A request that a
 * killed process has sent may still be on its way, so they are looked for a second time.
 */
#include "postgres.h"

#include "access/xact.h"
#include "base/clock.h"
#include "net/http.h"
#include "store/upload_sweep.h"
#include "utils/builtins.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"
#include "utils/xid8.h"

#define REMOVE_BATCH 100

typedef enum Outcome
{
	OUTCOME_COMMITTED, /* or nobody knows any more */
	OUTCOME_OPEN,
	OUTCOME_ABORTED
} Outcome;

static Outcome
transaction_outcome(uint64 transaction)
{
	LOCAL_FCINFO(call, 1);
	MemoryContext context = CurrentMemoryContext;
	Outcome outcome = OUTCOME_OPEN;
	Datum status;
	char *word;

	StartTransactionCommand(); /* what it raises may leave a lock */
	InitFunctionCallInfoData(*call, NULL, 1, InvalidOid, NULL, NULL);
	call->args[0].value = FullTransactionIdGetDatum(FullTransactionIdFromU64(transaction));
	call->args[0].isnull = false;
	status = pg_xact_status(call);
	if (call->isnull)
		outcome = OUTCOME_COMMITTED;
	else
	{
		word = TextDatumGetCString(status);
		if (strcmp(word, "aborted") == 0)
			outcome = OUTCOME_ABORTED;
		if (strcmp(word, "committed") == 0)
			outcome = OUTCOME_COMMITTED;
	}
	CommitTransactionCommand();
	MemoryContextSwitchTo(context);
	return outcome;
}

typedef struct Removal
{
	EtlStore *store;
	const EtlUploadRecord *record;
	char *batch[REMOVE_BATCH]; /* keys of what is still as it was made */
	int count;
	ErrorData *first; /* of what could not be looked at or removed; NULL: nothing */
} Removal;

static void
remove_batch(Removal *removal)
{
	int count = removal->count;
	int gone = 0;

	removal->count = 0;
	if (count > 0)
		store_remove_many(removal->store, removal->record->bucket, removal->batch, count, &gone);
}

static void
look_at(Removal *removal, const EtlRecordedObject *made)
{
	EtlObject object;

	if (store_head(removal->store, removal->record->bucket, made->key, &object) &&
		strcmp(store_identity(&object), made->identity) == 0)
		removal->batch[removal->count++] = made->key;
	if (removal->count == REMOVE_BATCH)
		remove_batch(removal);
}

/*
 * One object, or with NULL what is in the batch. One that can't be removed is not in the way of the others. False: there is no
 * use in going on.
 */
static bool
try_one(Removal *removal, const EtlRecordedObject *made, MemoryContext keep)
{
	MemoryContext context = CurrentMemoryContext;
	volatile bool go_on = true;

	PG_TRY();
	{
		http_limit(UNDO_MS);
		if (made != NULL)
			look_at(removal, made);
		else
			remove_batch(removal);
	}
	PG_CATCH();
	{
		ErrorData *error;

		MemoryContextSwitchTo(keep);
		error = CopyErrorData();
		FlushErrorState();
		MemoryContextSwitchTo(context);
		go_on = ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_CONNECTION_EXCEPTION &&
				ERRCODE_TO_CATEGORY(error->sqlerrcode) != ERRCODE_OPERATOR_INTERVENTION;
		/* With its bucket an object is gone, too. */
		if (error->sqlerrcode != ERRCODE_UNDEFINED_OBJECT && removal->first == NULL)
			removal->first = error;
	}
	PG_END_TRY();
	return go_on;
}

/* Remove those that are still as they were made. Raises for the first that can't be when all are tried. */
static void
remove_objects(EtlStore *store, const EtlUploadRecord *record)
{
	MemoryContext caller = CurrentMemoryContext;
	MemoryContext context = AllocSetContextCreate(caller, "pg_etl object removal", ALLOCSET_DEFAULT_SIZES);
	Removal *removal = palloc0(sizeof(Removal));
	bool go_on = true;

	removal->store = store;
	removal->record = record;
	for (int i = 0; i < record->nobjects && go_on; i++)
	{
		upload_sweep_leave_if_told();
		MemoryContextSwitchTo(context);
		go_on = try_one(removal, &record->objects[i], caller);
		MemoryContextSwitchTo(caller);
		MemoryContextReset(context);
	}
	if (go_on)
		(void) try_one(removal, NULL, caller);
	MemoryContextDelete(context);
	if (removal->first != NULL)
		ReThrowError(removal->first);
}

bool
upload_sweep_objects(EtlUploadFile *file, const EtlUploadRecord *record)
{
	Outcome outcome = record->is_aborted ? OUTCOME_ABORTED : transaction_outcome(record->transaction);

	if (outcome != OUTCOME_ABORTED || record->nobjects == 0)
		return outcome == OUTCOME_OPEN;
	if (!record->is_aborted)
		uploads_record_aborted(file);
	remove_objects(upload_sweep_store(record), record);
	if (record->is_local || record->looked != 0)
		return false;
	uploads_record_looked(file, timestamptz_to_time_t(clock_now()));
	return true;
}

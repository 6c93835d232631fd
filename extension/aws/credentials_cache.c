/*
 * credentials_cache.c
 *		Keys that were fetched, kept by the process while they are good, and the requests for them under way.
 *
 * What is kept is found by a hash over everything that led to it, the secret key included: another role of the same
 * session that knows only half of the credentials doesn't get what the whole of them got.
 *
 * However many wait for the same keys, they are asked for once: whoever needs them carries the one request on, and its
 * memory is no caller's, so it doesn't matter who gives up. While keys are good they are used even if newer ones can't
 * be had.
 */
#include "postgres.h"

#include "aws/credentials_provider.h"
#include "base/clock.h"
#include "utils/memutils.h"
#include "utils/timestamp.h"

#define CACHE_SIZE 64
#define SPARE_SECONDS 300	   /* keys this close to their end are renewed */
#define RENEW_AGAIN_SECONDS 60 /* and not more often than this */

typedef struct Slot
{
	char id[SIGV4_HEX_SIZE];
	EtlAwsKeys keys; /* no access key id: none yet */
	TimestampTz expires_at;
	TimestampTz renew_at;
	uint64 used; /* the larger, the later */

	/* Of the request, and read by all who wait for it, maybe after its end: so a slot is never freed. */
	bool progress;
	MemoryContext context; /* NULL: no request goes on */
	EtlAwsCredentials *credentials; /* whose keys it gets */
	void *run;

	struct Slot *next;
} Slot;

static Slot *slots = NULL;
static int nslots = 0;
static uint64 uses = 0;

static void
request_end(Slot *slot)
{
	if (slot->credentials != NULL)
		credentials_wipe(slot->credentials);
	if (slot->context != NULL)
		MemoryContextDelete(slot->context);
	slot->context = NULL;
	slot->credentials = NULL;
	slot->run = NULL;
	slot->progress = true;
}

static Slot *
slot_find(const char *id)
{
	Slot *slot = slots;

	while (slot != NULL && strcmp(slot->id, id) != 0)
		slot = slot->next;
	return slot;
}

/* One that is used no more, or a new one when all are new or busy. */
static Slot *
slot_take(const char *id)
{
	Slot *place = NULL;

	for (Slot *slot = slots; nslots >= CACHE_SIZE && slot != NULL; slot = slot->next)
		if (slot->context == NULL && (place == NULL || slot->used < place->used))
			place = slot;
	if (place == NULL)
	{
		place = MemoryContextAllocZero(TopMemoryContext, sizeof(Slot));
		place->next = slots;
		slots = place;
		nslots++;
	}
	aws_keys_wipe(&place->keys);
	strlcpy(place->id, id, sizeof(place->id));
	return place;
}

/* Keep what came. */
static void
slot_fill(Slot *slot, EtlAwsTemporary *answer)
{
	MemoryContext caller = MemoryContextSwitchTo(TopMemoryContext);
	EtlAwsKeys keys = aws_keys_copy(&answer->keys);

	MemoryContextSwitchTo(caller);
	aws_keys_wipe(&answer->keys);
	aws_keys_wipe(&slot->keys);
	slot->keys = keys;
	slot->expires_at =
		answer->expires_at != 0 ? time_t_to_timestamptz((pg_time_t) answer->expires_at) : DT_NOEND;
	slot->renew_at = DT_NOEND;
	if (answer->expires_at != 0)
		slot->renew_at = Max(slot->expires_at - SPARE_SECONDS * USECS_PER_SEC,
							 clock_now() + RENEW_AGAIN_SECONDS * USECS_PER_SEC);
}

/* Newer ones can't be had: may those at hand be used for now? An interrupt is no reason to go on. */
static bool
old_ones_will_do(Slot *slot)
{
	int sqlstate = geterrcode();

	return slot->keys.access_key_id != NULL && clock_now() < slot->expires_at &&
		   ERRCODE_TO_CATEGORY(sqlstate) != ERRCODE_OPERATOR_INTERVENTION &&
		   ERRCODE_TO_CATEGORY(sqlstate) != ERRCODE_INSUFFICIENT_RESOURCES;
}

/* Within PG_CATCH. */
static void
note_failure(Slot *slot, MemoryContext context)
{
	ErrorData *error;

	MemoryContextSwitchTo(context);
	error = CopyErrorData();
	FlushErrorState();
	ereport(LOG, errmsg("could not renew AWS credentials: %s", error->message),
			error->detail != NULL ? errdetail("%s", error->detail) : 0,
			errhint("Those at hand are used until they expire."));
	FreeErrorData(error);
	slot->renew_at = clock_now() + RENEW_AGAIN_SECONDS * USECS_PER_SEC;
}

/* True: there are keys in the slot. */
static bool
renew(Slot *slot, const EtlAwsCredentials *credentials, EtlWait *wait)
{
	const EtlAwsProvider *provider = credentials->provider;
	MemoryContext caller = CurrentMemoryContext;
	EtlAwsTemporary answer = {.expires_at = 0};
	volatile bool ended = false;

	PG_TRY();
	{
		if (slot->context == NULL)
		{
			slot->context =
				AllocSetContextCreate(TopMemoryContext, "pg_etl credentials", ALLOCSET_SMALL_SIZES);
			MemoryContextSwitchTo(slot->context);
			slot->credentials = aws_credentials_copy(credentials);
			slot->run = provider->start(slot->credentials, &slot->progress);
		}
		MemoryContextSwitchTo(slot->context);
		ended = provider->poll(slot->run, &answer, wait);
		if (ended)
		{
			slot_fill(slot, &answer);
			request_end(slot);
		}
		else if (wait->flag != &slot->progress)
			slot->progress = true; /* the others have something else to wait for, too */
		MemoryContextSwitchTo(caller);
	}
	PG_CATCH();
	{
		request_end(slot);
		if (!old_ones_will_do(slot))
			PG_RE_THROW();
		note_failure(slot, caller);
		ended = true;
	}
	PG_END_TRY();
	return ended;
}

bool
credentials_cache_poll(const EtlAwsCredentials *credentials, EtlAwsKeys *keys, EtlWait *wait)
{
	Slot *slot = slot_find(credentials->id);

	if (slot == NULL)
		slot = slot_take(credentials->id);
	slot->used = ++uses;
	if ((slot->keys.access_key_id == NULL || slot->renew_at <= clock_now()) &&
		!renew(slot, credentials, wait))
		return false;
	*keys = aws_keys_copy(&slot->keys);
	return true;
}

void
credentials_cache_forget(const EtlAwsCredentials *credentials, const char *access_key_id)
{
	Slot *slot = slot_find(credentials->id);

	/* Others may have been fetched since. */
	if (slot != NULL && slot->keys.access_key_id != NULL &&
		strcmp(slot->keys.access_key_id, access_key_id) == 0)
		aws_keys_wipe(&slot->keys);
}

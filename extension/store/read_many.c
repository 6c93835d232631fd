/*
 * read_many.c
 *		A window of objects that are on their way. See read_many.h.
 */
#include "postgres.h"

#include "aws/module.h"
#include "store/read_many.h"
#include "utils/memutils.h"

#define MOST 32						 /* at a time */
#define SMALL (UINT64CONST(1) << 20) /* larger ones are fetched in parts, which is as good */

typedef struct Ahead
{
	EtlReader *reader; /* NULL: it is not asked for before its turn, and nothing behind it */
	char *key;
	char *etag;
	uint64 room; /* what it takes of the memory */
} Ahead;

struct EtlReadMany
{
	MemoryContext context;
	EtlStore store;
	char *bucket;
	Ahead ahead[MOST]; /* count of them, from first on, around the end */
	int first;
	int count;
	uint64 room; /* of all of them */
};

EtlReadMany *
store_read_many(EtlStore *store, const char *bucket)
{
	MemoryContext context =
		AllocSetContextCreate(CurrentMemoryContext, "etl objects ahead", ALLOCSET_DEFAULT_SIZES);
	MemoryContext caller = MemoryContextSwitchTo(context);
	EtlReadMany *many = palloc0(sizeof(EtlReadMany));

	many->context = context;
	many->store = *store;
	/* Who signs is looked up once. */
	if (store->driver->read_start != NULL && store->credentials == NULL)
		many->store.credentials = aws_credentials_get(store->server);
	many->bucket = pstrdup(bucket);
	MemoryContextSwitchTo(caller);
	return many;
}

static uint64
room_of(const EtlObject *object)
{
	return Max(object->size, HTTP_BUFFER_MIN);
}

bool
read_many_takes(const EtlReadMany *many, const EtlObject *object)
{
	const Ahead *last = &many->ahead[(many->first + many->count + MOST - 1) % MOST];

	return many->count == 0 || (many->count < MOST && last->reader != NULL &&
								many->room + room_of(object) <= (uint64) aws_s3_read_memory * 1024);
}

void
read_many_add(EtlReadMany *many, const EtlObject *object)
{
	MemoryContext caller = MemoryContextSwitchTo(many->context);
	Ahead *ahead = &many->ahead[(many->first + many->count) % MOST];

	if (!read_many_takes(many, object))
		elog(ERROR, "too many objects are read at a time");
	store_require_key(many->bucket, object->key);
	memset(ahead, 0, sizeof(*ahead));
	many->count++;
	if (many->store.driver->read_start != NULL && object->size <= SMALL)
	{
		ahead->reader = many->store.driver->read_start(&many->store, many->bucket, object);
		ahead->room = room_of(object);
		many->room += ahead->room;
	}
	else
	{
		ahead->key = pstrdup(object->key);
		ahead->etag = object->etag != NULL ? pstrdup(object->etag) : NULL;
	}
	MemoryContextSwitchTo(caller);
}

EtlReader *
read_many_next(EtlReadMany *many)
{
	MemoryContext caller;
	Ahead *ahead = &many->ahead[many->first];
	EtlReader *reader = ahead->reader;

	if (many->count == 0)
		return NULL;
	many->first = (many->first + 1) % MOST;
	many->count--;
	many->room -= ahead->room;
	if (reader != NULL)
		return reader;
	caller = MemoryContextSwitchTo(many->context);
	reader = store_read(&many->store, many->bucket, ahead->key, 0, 0, ahead->etag);
	pfree(ahead->key);
	if (ahead->etag != NULL)
		pfree(ahead->etag);
	MemoryContextSwitchTo(caller);
	return reader;
}

void
read_many_end(EtlReadMany *many)
{
	MemoryContextDelete(many->context);
}

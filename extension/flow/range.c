/*
 * range.c
 *		Statements about one run. See range.h.
 *
 * Each process keeps the ranges' bounds until PostgreSQL says that the partitions of etl.run have changed. It hears that
 * before it can hear of a run in a new range: that run's transaction came after the range.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "flow/range.h"
#include "lib/stringinfo.h"
#include "partitioning/partbounds.h"
#include "partitioning/partdesc.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define PLACEHOLDER "{range}"
#define MOST_KEPT 512 /* plans a process keeps; then it starts over */

typedef struct Range
{
	int64 first; /* 0: the rest */
	int64 last;
} Range;

typedef struct KeptKey
{
	const EtlSpiPlan *plan;
	int64 first;
} KeptKey;

typedef struct Kept
{
	KeptKey key;
	EtlSpiPlan plan;
} Kept;

static MemoryContext range_context = NULL;
static Range *ranges;	  /* in order */
static int range_count;
static bool ranges_known = false;
static Oid runs_table; /* etl.run, whose they are */
static HTAB *kept = NULL;

static void
forget_ranges(Datum arg, Oid relation)
{
	if (relation == runs_table || !OidIsValid(relation))
		ranges_known = false;
}

static void
read_ranges(void)
{
	Relation runs;
	PartitionBoundInfo bounds;

	runs_table = get_relname_relid("run", get_namespace_oid("etl", false));
	runs = table_open(runs_table, AccessShareLock);
	bounds = RelationGetPartitionDesc(runs, true)->boundinfo;
	if (ranges != NULL)
		pfree(ranges);
	ranges = MemoryContextAlloc(range_context, (bounds->ndatums + 1) * sizeof(Range));
	range_count = 0;
	/* indexes[i] is the partition that ends before datums[i]; -1: there is none. */
	for (int i = 1; i < bounds->ndatums; i++)
		if (bounds->indexes[i] >= 0)
			ranges[range_count++] = (Range){.first = DatumGetInt64(bounds->datums[i - 1][0]),
											.last = DatumGetInt64(bounds->datums[i][0]) - 1};
	/* Not held to the transaction's end: a step may take hours. */
	table_close(runs, AccessShareLock);
}

static Range
find_range(int64 run_id)
{
	int low = 0;
	int high;

	if (range_context == NULL)
	{
		range_context = AllocSetContextCreate(TopMemoryContext, "pg_etl ranges", ALLOCSET_DEFAULT_SIZES);
		CacheRegisterRelcacheCallback(forget_ranges, (Datum) 0);
	}
	if (!ranges_known)
	{
		ranges_known = true; /* until something changes, be it while they are read */
		read_ranges();
	}
	high = range_count;
	while (low < high)
	{
		int middle = (low + high) / 2;

		if (ranges[middle].last < run_id)
			low = middle + 1;
		else
			high = middle;
	}
	if (low < range_count && ranges[low].first <= run_id)
		return ranges[low];
	return (Range){0};
}

int64
range_first(int64 run_id)
{
	return find_range(run_id).first;
}

static char *
range_name(Range range)
{
	if (range.first == 0)
		return "rest";
	return psprintf(INT64_FORMAT "_to_" INT64_FORMAT, range.first, range.last);
}

char *
range_partition_name(const char *table, int64 run_id)
{
	return psprintf("%s_%s", table, range_name(find_range(run_id)));
}

static char *
write_statement(const char *sql, Range range)
{
	StringInfoData statement;
	const char *place;

	initStringInfo(&statement);
	for (; (place = strstr(sql, PLACEHOLDER)) != NULL; sql = place + strlen(PLACEHOLDER))
	{
		appendBinaryStringInfo(&statement, sql, place - sql);
		appendStringInfoString(&statement, range_name(range));
	}
	appendStringInfoString(&statement, sql);
	return statement.data;
}

/* No statement of this kind is under way: none has a trigger that comes back here. */
static void
start_over(void)
{
	HASHCTL control = {.keysize = sizeof(KeptKey), .entrysize = sizeof(Kept), .hcxt = range_context};

	if (kept != NULL)
	{
		HASH_SEQ_STATUS all;
		Kept *entry;

		hash_seq_init(&all, kept);
		while ((entry = hash_seq_search(&all)) != NULL)
		{
			if (entry->plan.plan != NULL)
				SPI_freeplan(entry->plan.plan);
			pfree(unconstify(char *, entry->plan.sql));
		}
		hash_destroy(kept);
	}
	kept = hash_create("pg_etl statements of ranges", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

uint64
range_execute(EtlSpiPlan *plan, int64 run_id, int expected, Datum *values, const char *nulls)
{
	Range range = find_range(run_id);
	KeptKey key = {.plan = plan, .first = range.first};
	Kept *entry;

	if (kept == NULL)
		start_over();
	entry = hash_search(kept, &key, HASH_FIND, NULL);
	if (entry == NULL)
	{
		char *statement;

		if (hash_get_num_entries(kept) >= MOST_KEPT)
			start_over();
		statement = MemoryContextStrdup(range_context, write_statement(plan->sql, range));
		entry = hash_search(kept, &key, HASH_ENTER, NULL);
		entry->plan = *plan;
		entry->plan.sql = statement;
	}
	return etl_spi_execute(&entry->plan, expected, values, nulls);
}

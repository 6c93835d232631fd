/*
 * partition.c
 *		Partitions of history, opened by the run they have. See partition.h.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/namespace.h"
#include "catalog/pg_trigger.h"
#include "commands/trigger.h"
#include "executor/spi.h"
#include "flow/partition.h"
#include "flow/range.h"
#include "utils/hsearch.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"

#define MOST_KEPT 256 /* partitions a process knows; then it starts over */

#define COLUMN_NAME(number, name) name,
static const char *const run_columns[] = {ETL_RUN_COLUMNS(COLUMN_NAME)};
static const char *const task_run_columns[] = {ETL_TASK_RUN_COLUMNS(COLUMN_NAME)};
static const char *const event_columns[] = {ETL_EVENT_COLUMNS(COLUMN_NAME)};

StaticAssertDecl(lengthof(run_columns) <= ETL_MOST_COLUMNS && lengthof(event_columns) <= ETL_MOST_COLUMNS,
				 "task_run is the table with most columns");

/* The engine changes rows of the first two, and makes rows of the third. */
static const struct
{
	const char *name;
	const char *const *columns;
	int column_count;
	int16 writes; /* TRIGGER_TYPE_… */
} tables[] = {
	[ETL_RUN] = {"run", run_columns, lengthof(run_columns), TRIGGER_TYPE_UPDATE},
	[ETL_TASK_RUN] = {"task_run", task_run_columns, lengthof(task_run_columns), TRIGGER_TYPE_UPDATE},
	[ETL_EVENT] = {"event", event_columns, lengthof(event_columns), TRIGGER_TYPE_INSERT},
};

typedef struct KeptKey
{
	int64 table;
	int64 first; /* of its range; 0: the rest */
} KeptKey;

typedef struct Kept
{
	KeptKey key;
	bool known;
	EtlPartition partition;
} Kept;

static HTAB *kept = NULL;
static uint64 changes = 0; /* that PostgreSQL has told of */

const char *
partition_column_name(EtlTable table, int column)
{
	return tables[table].columns[column];
}

int
partition_column_count(EtlTable table)
{
	return tables[table].column_count;
}

static void
forget(Datum arg, Oid relation)
{
	HASH_SEQ_STATUS all;
	Kept *entry;

	changes++;
	if (kept == NULL)
		return;
	hash_seq_init(&all, kept);
	while ((entry = hash_seq_search(&all)) != NULL)
		if (!OidIsValid(relation) || entry->partition.relation == relation)
			entry->known = false;
}

static void
start_over(void)
{
	HASHCTL control = {.keysize = sizeof(KeptKey), .entrysize = sizeof(Kept), .hcxt = TopMemoryContext};

	if (kept == NULL)
		CacheRegisterRelcacheCallback(forget, (Datum) 0);
	else
		hash_destroy(kept);
	kept = NULL; /* until there is another */
	kept = hash_create("pg_etl partitions", 32, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
}

static Kept *
find_kept(EtlTable table, int64 first)
{
	KeptKey key = {.table = table, .first = first};
	bool found;
	Kept *entry;

	if (kept == NULL || hash_get_num_entries(kept) >= MOST_KEPT)
		start_over();
	entry = hash_search(kept, &key, HASH_ENTER, &found);
	if (!found)
	{
		entry->known = false;
		entry->partition = (EtlPartition){0};
	}
	return entry;
}

/* A foreign key's own trigger is none: the engine leaves keys as they are. */
static bool
has_triggers(Relation relation, int16 writes)
{
	TriggerDesc *triggers = relation->trigdesc;

	for (int i = 0; triggers != NULL && i < triggers->numtriggers; i++)
	{
		const Trigger *trigger = &triggers->triggers[i];

		if (trigger->tgenabled != TRIGGER_DISABLED && (trigger->tgtype & writes) != 0 &&
			RI_FKey_trigger_type(trigger->tgfoid) != RI_TRIGGER_FK)
			return true;
	}
	return false;
}

static EtlPartition
describe(Relation relation, EtlTable table)
{
	EtlPartition partition = {.relation = RelationGetRelid(relation),
							  .has_triggers = has_triggers(relation, tables[table].writes)};

	list_free(RelationGetIndexList(relation)); /* finds the key's */
	partition.key_index = relation->rd_pkindex;
	if (!OidIsValid(partition.key_index))
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
				errmsg("table \"%s\" has no primary key", RelationGetRelationName(relation)));
	for (int i = 0; i < tables[table].column_count; i++)
	{
		int number = SPI_fnumber(RelationGetDescr(relation), tables[table].columns[i]);

		if (number <= 0)
			ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("table \"%s\" has no column \"%s\"", RelationGetRelationName(relation),
						   tables[table].columns[i]));
		partition.columns[i] = (AttrNumber) number;
	}
	return partition;
}

/* Its name is what finds it: NULL if it has gone since its range was looked up. */
static Relation
open_by_name(EtlTable table, int64 run_id, LOCKMODE lock)
{
	Oid relation =
		get_relname_relid(range_partition_name(tables[table].name, run_id), get_namespace_oid("etl", false));

	return OidIsValid(relation) ? try_table_open(relation, lock) : NULL;
}

static void
keep(EtlTable table, int64 first, Relation relation)
{
	uint64 before = changes;
	EtlPartition partition = describe(relation, table);
	Kept *entry = find_kept(table, first);

	entry->partition = partition;
	entry->known = changes == before;
}

Relation
partition_open(EtlTable table, int64 run_id, LOCKMODE lock, EtlPartition *partition)
{
	for (;;)
	{
		int64 first = range_first(run_id);
		const Kept *entry = find_kept(table, first);
		bool known = entry->known;
		Relation relation =
			known ? try_table_open(entry->partition.relation, lock) : open_by_name(table, run_id, lock);

		/* To have the lock is to have heard of all that came before it: is this still the partition? */
		if (relation != NULL && range_first(run_id) == first && find_kept(table, first)->known == known)
		{
			if (!known)
				keep(table, first, relation);
			*partition = find_kept(table, first)->partition;
			return relation;
		}
		if (relation != NULL)
			table_close(relation, lock);
		else if (known)
			find_kept(table, first)->known = false;
		else if (range_first(run_id) == first)
			ereport(
				ERROR, errcode(ERRCODE_UNDEFINED_TABLE),
				errmsg("table \"etl.%s\" does not exist", range_partition_name(tables[table].name, run_id)));
	}
}

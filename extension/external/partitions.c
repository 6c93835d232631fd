/*
 * partitions.c
 *		Registering partitions, and reading what is registered. See partitions.h.
 *
 * A partition's values are kept as a JSON object of text, each in its type's own spelling (ISO for dates), so that
 * 2008-1-1 and 2008-01-01 are the same partition. They are written with the extension owner's rights, once the caller
 * is known to own the table.
 */
#include "postgres.h"

#include "access/relation.h"
#include "base/compat.h"
#include "base/spi.h"
#include "catalog/pg_type.h"
#include "external/partitions.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "store/store.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(pg_etl_add_partition);
PG_FUNCTION_INFO_V1(pg_etl_drop_partition);
PG_FUNCTION_INFO_V1(pg_etl_set_partition_location);

static char *
value_to_text(const char *column, const JsonbValue *value)
{
	switch (value->type)
	{
		case jbvNull:
			return NULL;
		case jbvString:
			return pnstrdup(value->val.string.val, value->val.string.len);
		case jbvNumeric:
			return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
		case jbvBool:
			return pstrdup(value->val.boolean ? "true" : "false");
		default:
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("value of partition column \"%s\" must be a string, a number or a boolean", column));
	}
}

static Datum
text_to_value(Oid relid, AttrNumber attnum, const char *text)
{
	Oid type;
	int32 typmod;
	Oid collation;
	Oid function;
	Oid ioparam;

	get_atttypetypmodcoll(relid, attnum, &type, &typmod, &collation);
	getTypeInputInfo(type, &function, &ioparam);
	return OidInputFunctionCall(function, (char *) text, ioparam, typmod);
}

/* In its type's own spelling. Raises when the text isn't a value of the column's type. */
static char *
value_normalize(Oid relid, AttrNumber attnum, const char *text)
{
	Oid function;
	bool is_varlena;

	getTypeOutputInfo(get_atttype(relid, attnum), &function, &is_varlena);
	return OidOutputFunctionCall(function, text_to_value(relid, attnum, text));
}

static void pg_attribute_noreturn()
keys_refuse(Oid relid, List *attnums)
{
	StringInfoData names;
	ListCell *lc;

	initStringInfo(&names);
	foreach (lc, attnums)
		appendStringInfo(&names, "%s%s", names.len == 0 ? "" : ", ", get_attname(relid, lfirst_int(lc), false));
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("a partition of external table \"%s\" needs a value for each of its partition columns and for "
				   "no other",
				   get_rel_name(relid)),
			names.len == 0 ? errdetail("The table has no partition columns.")
						   : errdetail("They are: %s.", names.data));
}

/* The values as they are stored; raises unless the keys are exactly the partition columns. */
static Jsonb *
values_normalize(Oid relid, Jsonb *values)
{
	List *attnums = external_partition_attnums(relid);
	JsonbParseState *state = NULL;
	JsonbValue *object;
	int guc_level = NewGUCNestLevel();
	ListCell *lc;

	if (attnums == NIL || !JB_ROOT_IS_OBJECT(values) || JB_ROOT_COUNT(values) != list_length(attnums))
		keys_refuse(relid, attnums);
	(void) set_config_option("DateStyle", "ISO, MDY", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	pushJsonbValue(&state, WJB_BEGIN_OBJECT, NULL);
	foreach (lc, attnums)
	{
		char *name = get_attname(relid, lfirst_int(lc), false);
		JsonbValue *given = getKeyJsonValueFromContainer(&values->root, name, strlen(name), NULL);
		JsonbValue key = {.type = jbvString, .val.string = {.len = strlen(name), .val = name}};
		JsonbValue value = {.type = jbvNull};
		char *text;

		if (given == NULL)
			keys_refuse(relid, attnums);
		text = value_to_text(name, given);
		if (text != NULL)
		{
			value.type = jbvString;
			value.val.string.val = value_normalize(relid, lfirst_int(lc), text);
			value.val.string.len = strlen(value.val.string.val);
		}
		pushJsonbValue(&state, WJB_KEY, &key);
		pushJsonbValue(&state, WJB_VALUE, &value);
	}
	object = pushJsonbValue(&state, WJB_END_OBJECT, NULL);
	AtEOXact_GUC(true, guc_level);
	return JsonbValueToJsonb(object);
}

static void
owner_check(Oid relid)
{
	char *name = get_rel_name(relid);

	if (name == NULL)
		ereport(ERROR, errcode(ERRCODE_UNDEFINED_TABLE), errmsg("external table with OID %u does not exist", relid));
	if (!object_ownercheck(RelationRelationId, relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_FOREIGN_TABLE, name);
}

/*
 * Lock the table against others who change its partitions, for its owner only: nobody else is to stand in the queue
 * of its lock. While he waited it may have gone, or to another owner.
 */
static void
partitions_lock(Oid relid)
{
	owner_check(relid);
	LockRelationOid(relid, ShareUpdateExclusiveLock);
	owner_check(relid);
}

static uint64
partition_run(const char *sql, int expected, Oid relid, Jsonb *values, const char *location)
{
	Oid types[] = {OIDOID, JSONBOID, TEXTOID};
	Datum args[] = {ObjectIdGetDatum(relid), JsonbPGetDatum(values),
					location == NULL ? (Datum) 0 : CStringGetTextDatum(location)};
	EtlSpiScope spi;
	uint64 rows;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	rows = etl_spi_run(sql, expected, location == NULL ? 2 : 3, types, args, NULL);
	etl_spi_close(&spi);
	return rows;
}

static char *
location_get(text *argument)
{
	char *location = text_to_cstring(argument);
	EtlUri uri;

	store_uri_parse(location, &uri);
	return location;
}

static char *
values_show(Jsonb *values)
{
	return JsonbToCString(NULL, &values->root, VARSIZE(values));
}

static void pg_attribute_noreturn()
partition_missing(Oid relid, Jsonb *values)
{
	ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT),
			errmsg("external table \"%s\" has no partition %s", get_rel_name(relid), values_show(values)));
}

Datum
pg_etl_add_partition(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(0);
	char *location = location_get(PG_GETARG_TEXT_PP(2));
	bool if_not_exists = PG_GETARG_BOOL(3);
	Jsonb *values;

	partitions_lock(relid);
	values = values_normalize(relid, PG_GETARG_JSONB_P(1));
	if (partition_run("INSERT INTO etl.external_partition (table_name, \"values\", location) VALUES ($1, $2, $3)"
					  " ON CONFLICT DO NOTHING",
					  SPI_OK_INSERT, relid, values, location) == 0)
		ereport(if_not_exists ? NOTICE : ERROR, errcode(ERRCODE_DUPLICATE_OBJECT),
				errmsg(if_not_exists ? "external table \"%s\" already has partition %s, skipping"
									 : "external table \"%s\" already has partition %s",
					   get_rel_name(relid), values_show(values)),
				if_not_exists ? 0 : errhint("Use IF NOT EXISTS, or SET LOCATION to change where it is."));
	PG_RETURN_VOID();
}

Datum
pg_etl_drop_partition(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(0);
	Jsonb *values;

	partitions_lock(relid);
	values = values_normalize(relid, PG_GETARG_JSONB_P(1));
	if (partition_run("DELETE FROM etl.external_partition WHERE table_name = $1 AND \"values\" = $2", SPI_OK_DELETE,
					  relid, values, NULL) == 0)
		partition_missing(relid, values);
	PG_RETURN_VOID();
}

Datum
pg_etl_set_partition_location(PG_FUNCTION_ARGS)
{
	Oid relid = PG_GETARG_OID(0);
	char *location = location_get(PG_GETARG_TEXT_PP(2));
	Jsonb *values;

	partitions_lock(relid);
	values = values_normalize(relid, PG_GETARG_JSONB_P(1));
	if (partition_run("UPDATE etl.external_partition SET location = $3 WHERE table_name = $1 AND \"values\" = $2",
					  SPI_OK_UPDATE, relid, values, location) == 0)
		partition_missing(relid, values);
	PG_RETURN_VOID();
}

static void
partition_read_values(const EtlExternalTable *table, Jsonb *values, EtlPartition *out)
{
	int count = list_length(table->partition_attnums);

	out->values = palloc0(count * sizeof(Datum));
	out->nulls = palloc0(count * sizeof(bool));
	for (int i = 0; i < count; i++)
	{
		AttrNumber attnum = list_nth_int(table->partition_attnums, i);
		char *name = get_attname(table->relid, attnum, false);
		JsonbValue *value = getKeyJsonValueFromContainer(&values->root, name, strlen(name), NULL);
		char *text;

		/* a partition column was renamed after the partition was registered */
		if (value == NULL)
			ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("partition %s of external table \"%s\" has no value for column \"%s\"", values_show(values),
						   table->name, name),
					errhint("Drop the partition and add it again."));
		text = value_to_text(name, value);
		out->nulls[i] = text == NULL;
		if (text != NULL)
			out->values[i] = text_to_value(table->relid, attnum, text);
	}
}

/* Input functions may run the user's code (a domain's check), so the values are converted after the scope closed. */
EtlPartition *
external_partitions_get(const EtlExternalTable *table, int *count)
{
	Oid types[] = {OIDOID};
	Datum args[] = {ObjectIdGetDatum(table->relid)};
	EtlPartition *partitions;
	char **values;
	EtlSpiScope spi;
	int guc_level;
	uint64 rows;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	rows = etl_spi_run("SELECT location, \"values\" FROM etl.external_partition WHERE table_name = $1"
					   " ORDER BY \"values\"",
					   SPI_OK_SELECT, 1, types, args, NULL);
	partitions = MemoryContextAlloc(spi.caller_context, Max(rows, 1) * sizeof(EtlPartition));
	values = MemoryContextAlloc(spi.caller_context, Max(rows, 1) * sizeof(char *));
	for (uint64 i = 0; i < rows; i++)
	{
		partitions[i].location = etl_spi_text(&spi, i, 1);
		values[i] = etl_spi_text(&spi, i, 2);
	}
	etl_spi_close(&spi);

	guc_level = NewGUCNestLevel();
	(void) set_config_option("DateStyle", "ISO, MDY", PGC_USERSET, PGC_S_SESSION, GUC_ACTION_SAVE, true, 0, false);
	for (uint64 i = 0; i < rows; i++)
		partition_read_values(table, DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(values[i]))),
							  &partitions[i]);
	AtEOXact_GUC(true, guc_level);
	*count = (int) rows;
	return partitions;
}

int64
external_partitions_count(Oid relid)
{
	Oid types[] = {OIDOID};
	Datum args[] = {ObjectIdGetDatum(relid)};
	EtlSpiScope spi;
	bool isnull;
	int64 count;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_run("SELECT count(*) FROM etl.external_partition WHERE table_name = $1", SPI_OK_SELECT, 1, types, args,
				NULL);
	count = DatumGetInt64(etl_spi_datum(0, 1, &isnull));
	etl_spi_close(&spi);
	return count;
}

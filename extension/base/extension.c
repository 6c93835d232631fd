/*
 * extension.c
 *		The extension's own entries in the catalogs. See extension.h.
 *
 * An answer is kept until a schema or a role changes: the extension comes and goes with its schemas, and changes hands
 * with them. "There is none" is never kept.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "base/extension.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "commands/extension.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/syscache.h"

static bool listening = false;
static uint64 changes = 0;
static Oid kept_owner = InvalidOid;
static Oid kept_schema = InvalidOid; /* the last that was the extension's */

static void
forget(Datum arg, int cache, uint32 hash)
{
	changes++;
	kept_owner = InvalidOid;
	kept_schema = InvalidOid;
}

static void
listen_once(void)
{
	if (listening)
		return;
	CacheRegisterSyscacheCallback(NAMESPACEOID, forget, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHOID, forget, (Datum) 0);
	listening = true;
}

static Oid
read_owner(void)
{
	Relation extensions = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple tuple;
	Oid owner = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_extname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum("pg_etl"));
	scan = systable_beginscan(extensions, ExtensionNameIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(extensions, AccessShareLock);
	return owner;
}

Oid
etl_extension_owner(void)
{
	uint64 before;
	Oid owner;

	if (OidIsValid(kept_owner))
		return kept_owner;
	listen_once();
	before = changes;
	owner = read_owner();
	if (changes == before) /* nor has it changed while it was read */
		kept_owner = owner;
	return owner;
}

bool
etl_extension_has_schema(const char *name)
{
	Oid schema = get_namespace_oid(name, true);
	uint64 before;
	bool ours;

	if (!OidIsValid(schema) || schema == kept_schema)
		return OidIsValid(schema);
	listen_once();
	before = changes;
	ours = getExtensionOfObject(NamespaceRelationId, schema) == get_extension_oid("pg_etl", true);
	if (ours && changes == before)
		kept_schema = schema;
	return ours;
}

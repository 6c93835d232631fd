/*
 * drop.c
 *		etl.drop_table: DROP TABLE as Redshift has it, where it drops external tables too.
 */
#include "postgres.h"

#include "base/spi.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "fmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/varlena.h"

PG_FUNCTION_INFO_V1(pg_etl_drop_table);

static void
drop_list_add(StringInfo list, const char *schema, const char *name)
{
	appendStringInfo(list, "%s%s", list->len == 0 ? "" : ", ", quote_qualified_identifier(schema, name));
}

/* Through DROP itself, so that rights, dependencies and event triggers are its own. */
static void
drop_list_run(const char *kind, const StringInfo list, bool cascade)
{
	if (list->len > 0)
		etl_spi_run(psprintf("DROP %s %s %s", kind, list->data, cascade ? "CASCADE" : "RESTRICT"), SPI_OK_UTILITY, 0,
					NULL, NULL, NULL);
}

Datum
pg_etl_drop_table(PG_FUNCTION_ARGS)
{
	bool if_exists = PG_GETARG_BOOL(1);
	bool cascade = PG_GETARG_BOOL(2);
	StringInfoData tables;
	StringInfoData foreign_tables;
	EtlSpiScope spi;
	Datum *names;
	bool *nulls;
	int count;

	initStringInfo(&tables);
	initStringInfo(&foreign_tables);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(0), TEXTOID, -1, false, TYPALIGN_INT, &names, &nulls, &count);
	for (int i = 0; i < count; i++)
	{
		RangeVar *name;
		Oid relid;

		if (nulls[i])
			ereport(ERROR, errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("a table's name must not be null"));
		name = makeRangeVarFromNameList(textToQualifiedNameList(DatumGetTextPP(names[i])));
		relid = RangeVarGetRelid(name, NoLock, if_exists);
		if (!OidIsValid(relid))
			ereport(NOTICE, errcode(ERRCODE_UNDEFINED_TABLE),
					errmsg("table \"%s\" does not exist, skipping", name->relname));
		else
			drop_list_add(get_rel_relkind(relid) == RELKIND_FOREIGN_TABLE ? &foreign_tables : &tables,
						  get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	}
	etl_spi_open(&spi, ETL_SPI_CALLER);
	drop_list_run("FOREIGN TABLE", &foreign_tables, cascade);
	drop_list_run("TABLE", &tables, cascade);
	etl_spi_close(&spi);
	PG_RETURN_VOID();
}

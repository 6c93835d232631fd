/*
 * schema.c
 *		External schemas. See schema.h.
 */
#include "postgres.h"

#include "base/spi.h"
#include "catalog/namespace.h"
#include "catalog/pg_type.h"
#include "commands/dbcommands.h"
#include "external/schema.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"

/*
 * Columns of etl.external_schema, then CREATE EXTERNAL DATABASE IF NOT EXISTS: the schema itself is all there is of the
 * catalogue's database here, so that has nothing to do.
 */
static const char *const schema_options[] = {"database",	 "region",	   "iam_role",
											 "catalog_role", "catalog_id", "create_database"};

#define COLUMN_COUNT 5

PG_FUNCTION_INFO_V1(pg_etl_create_external_schema);

EtlStore *
external_schema_store(Oid schema)
{
	EtlStoreAccess access = {0};
	Oid types[] = {OIDOID};
	Datum args[] = {ObjectIdGetDatum(schema)};
	EtlSpiScope spi;

	etl_spi_open(&spi, ETL_SPI_OWNER);
	if (etl_spi_run("SELECT iam_role, region FROM etl.external_schema WHERE schema_name = $1", SPI_OK_SELECT, 1,
					types, args, NULL) > 0)
	{
		access.iam_role = etl_spi_text(&spi, 0, 1);
		access.region = etl_spi_text(&spi, 0, 2);
	}
	etl_spi_close(&spi);
	return store_open_with(&access);
}

/* The columns in the order of schema_options; raises on any other option. */
static void
schema_options_read(Jsonb *options, Datum *values, char *nulls)
{
	JsonbIterator *iterator;
	JsonbValue element;
	JsonbIteratorToken token;
	int option = -1;

	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("options must be a JSON object"));
	iterator = JsonbIteratorInit(&options->root);
	while ((token = JsonbIteratorNext(&iterator, &element, option >= 0)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char *name = pnstrdup(element.val.string.val, element.val.string.len);

			for (option = 0; option < lengthof(schema_options); option++)
				if (strcmp(schema_options[option], name) == 0)
					break;
			if (option == lengthof(schema_options))
				ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown option \"%s\"", name),
						errhint("The options are: database, region, iam_role, catalog_role, catalog_id, "
								"create_database."));
		}
		else if (token == WJB_VALUE)
		{
			if (element.type != jbvNull && element.type != (option < COLUMN_COUNT ? jbvString : jbvBool))
				ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" must be %s", schema_options[option],
							   option < COLUMN_COUNT ? "a string" : "true or false"));
			if (element.type == jbvString)
			{
				values[option] = PointerGetDatum(
					cstring_to_text_with_len(element.val.string.val, element.val.string.len));
				nulls[option] = ' ';
			}
			option = -1;
		}
	}
}

Datum
pg_etl_create_external_schema(PG_FUNCTION_ARGS)
{
	char *name = text_to_cstring(PG_GETARG_TEXT_PP(0));
	bool if_not_exists = PG_GETARG_BOOL(1);
	Oid types[COLUMN_COUNT + 1] = {TEXTOID, TEXTOID, TEXTOID, TEXTOID, TEXTOID, OIDOID};
	Datum values[COLUMN_COUNT + 1] = {0};
	char nulls[] = "nnnnn ";
	EtlSpiScope spi;

	schema_options_read(PG_GETARG_JSONB_P(2), values, nulls);
	if (if_not_exists && OidIsValid(get_namespace_oid(name, true)))
	{
		ereport(NOTICE, errcode(ERRCODE_DUPLICATE_SCHEMA), errmsg("schema \"%s\" already exists, skipping", name));
		PG_RETURN_VOID();
	}
	etl_spi_open(&spi, ETL_SPI_CALLER);
	etl_spi_run(psprintf("CREATE SCHEMA %s", quote_identifier(name)), SPI_OK_UTILITY, 0, NULL, NULL, NULL);
	etl_spi_close(&spi);

	values[COLUMN_COUNT] = ObjectIdGetDatum(get_namespace_oid(name, false));
	etl_spi_open(&spi, ETL_SPI_OWNER);
	etl_spi_run("INSERT INTO etl.external_schema (schema_name, database, region, iam_role, catalog_role, catalog_id)"
				" VALUES ($6, $1, $2, $3, $4, $5)",
				SPI_OK_INSERT, lengthof(types), types, values, nulls);
	etl_spi_close(&spi);
	PG_RETURN_VOID();
}

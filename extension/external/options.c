/*
 * options.c
 *		An external table's OPTIONS: the validator and the reader. See options.h.
 */
#include "postgres.h"

#include "access/reloptions.h"
#include "catalog/pg_class.h"
#include "catalog/pg_foreign_table.h"
#include "commands/defrem.h"
#include "external/options.h"
#include "fmgr.h"
#include "foreign/foreign.h"
#include "store/store.h"
#include "utils/builtins.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"

static const char *const table_options[] = {
	"location",	   "format",		   "partition_columns", "field_delimiter", "line_delimiter", "serde",
	"input_format", "serde_properties", "table_properties",	"output_format"};

static const char *const formats[] = {"text", "opencsv", "parquet", "orc", "avro", "json", "regex", "grok"};

PG_FUNCTION_INFO_V1(pg_etl_external_validator);

static char *
join_names(const char *const *names, int count)
{
	StringInfoData out;

	initStringInfo(&out);
	for (int i = 0; i < count; i++)
		appendStringInfo(&out, "%s%s", i == 0 ? "" : ", ", names[i]);
	return out.data;
}

static bool
name_known(const char *name, const char *const *names, int count)
{
	for (int i = 0; i < count; i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

static Jsonb *
option_json(const char *name, const char *value, bool array)
{
	Jsonb *json = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(value)));

	if (array ? !JB_ROOT_IS_ARRAY(json) || JB_ROOT_IS_SCALAR(json) : !JB_ROOT_IS_OBJECT(json))
		ereport(ERROR, errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				errmsg("option \"%s\" must be a JSON %s", name, array ? "array of column names" : "object"));
	return json;
}

static void
validate_table_option(const char *name, char *value)
{
	if (!name_known(name, table_options, lengthof(table_options)))
		ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME), errmsg("invalid option \"%s\"", name),
				errhint("The options of an external table are: %s.",
						join_names(table_options, lengthof(table_options))));
	if (strcmp(name, "location") == 0)
	{
		EtlUri uri;

		store_uri_parse(value, &uri);
	}
	else if (strcmp(name, "format") == 0 && !name_known(value, formats, lengthof(formats)))
		ereport(ERROR, errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE), errmsg("unknown format \"%s\"", value),
				errhint("The formats of an external table are: %s.", join_names(formats, lengthof(formats))));
	else if (strcmp(name, "partition_columns") == 0)
		(void) option_json(name, value, true);
	else if (strcmp(name, "serde_properties") == 0 || strcmp(name, "table_properties") == 0)
		(void) option_json(name, value, false);
}

Datum
pg_etl_external_validator(PG_FUNCTION_ARGS)
{
	List *options = untransformRelOptions(PG_GETARG_DATUM(0));
	Oid catalog = PG_GETARG_OID(1);
	bool has_location = false;
	ListCell *lc;

	foreach (lc, options)
	{
		DefElem *option = lfirst_node(DefElem, lc);

		if (catalog != ForeignTableRelationId)
			ereport(ERROR, errcode(ERRCODE_FDW_INVALID_OPTION_NAME),
					errmsg("invalid option \"%s\"", option->defname),
					errhint("Only the foreign tables of etl_external have options."));
		validate_table_option(option->defname, defGetString(option));
		has_location = has_location || strcmp(option->defname, "location") == 0;
	}
	if (catalog == ForeignTableRelationId && !has_location)
		ereport(ERROR, errcode(ERRCODE_FDW_OPTION_NAME_NOT_FOUND), errmsg("option \"location\" is required"),
				errhint("Give the folder of the table's files: location 's3://bucket/folder/'."));
	PG_RETURN_VOID();
}

/* A property of the JSON object, as text; NULL when it isn't there. */
static char *
property_get(Jsonb *properties, const char *name)
{
	JsonbValue *value;

	if (properties == NULL)
		return NULL;
	value = getKeyJsonValueFromContainer(&properties->root, name, strlen(name), NULL);
	if (value == NULL || value->type == jbvNull)
		return NULL;
	if (value->type == jbvNumeric)
		return DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	if (value->type != jbvString)
		ereport(ERROR, errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				errmsg("property \"%s\" must be a string", name));
	return pnstrdup(value->val.string.val, value->val.string.len);
}

/* A character is written as itself, as \t, or as three octal digits: '\001'. */
static char *
delimiter_decode(char *written)
{
	if (strcmp(written, "\\t") == 0)
		return pstrdup("\t");
	if (written[0] == '\\' && strlen(written) == 4 && strspn(written + 1, "01234567") == 3)
		return psprintf("%c", (int) (strtol(written + 1, NULL, 8) & 0x7f));
	return written;
}

/* The one byte that a property names, or its default. */
static char
property_char(Jsonb *properties, const char *name, char fallback)
{
	char *value = property_get(properties, name);

	if (value == NULL)
		return fallback;
	value = delimiter_decode(value);
	if (strlen(value) == 2 && value[0] == '\\')
		value++;
	if (strlen(value) != 1)
		ereport(ERROR, errcode(ERRCODE_FDW_INVALID_ATTRIBUTE_VALUE),
				errmsg("property \"%s\" must be a single character", name));
	return value[0];
}

static void
dialect_set(EtlExternalTable *table, char *field_delimiter, Jsonb *serde, Jsonb *properties)
{
	EtlDelimitedOptions *dialect = &table->dialect;
	bool csv = strcmp(table->format, "opencsv") == 0;
	char *delimiter = field_delimiter;
	char *header = property_get(properties, "skip.header.line.count");
	char *null = property_get(properties, "serialization.null.format");

	if (delimiter == NULL)
		delimiter = property_get(serde, csv ? "separatorChar" : "field.delim");
	if (delimiter == NULL && !csv)
		delimiter = property_get(serde, "serialization.format");
	if (delimiter == NULL)
		delimiter = csv ? "," : "\\001";
	if (null == NULL)
		null = property_get(serde, "serialization.null.format");
	dialect->delimiter = delimiter_decode(delimiter);
	dialect->delimiter_len = strlen(dialect->delimiter);
	dialect->quote = csv ? property_char(serde, "quoteChar", '"') : '\0';
	dialect->escape = csv ? property_char(serde, "escapeChar", '\\') : property_char(serde, "escape.delim", '\0');
	dialect->null_string = null == NULL ? "\\N" : null;
	dialect->null_len = strlen(dialect->null_string);
	if (header != NULL)
		dialect->ignore_header = pg_strtoint32(header);
}

static List *
attnums_of_names(Oid relid, Jsonb *names)
{
	List *attnums = NIL;
	JsonbIterator *iterator = JsonbIteratorInit(&names->root);
	JsonbValue element;
	JsonbIteratorToken token;

	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		char *name;
		AttrNumber attnum;

		if (token != WJB_ELEM)
			continue;
		name = element.type == jbvString ? pnstrdup(element.val.string.val, element.val.string.len) : "";
		attnum = get_attnum(relid, name);
		if (attnum <= 0)
			ereport(ERROR, errcode(ERRCODE_UNDEFINED_COLUMN),
					errmsg("partition column \"%s\" of external table \"%s\" does not exist", name,
						   get_rel_name(relid)),
					errhint("Set option \"partition_columns\" to the names the columns have now."));
		attnums = lappend_int(attnums, attnum);
	}
	return attnums;
}

static char *
option_get(List *options, const char *name)
{
	ListCell *lc;

	foreach (lc, options)
		if (strcmp(lfirst_node(DefElem, lc)->defname, name) == 0)
			return defGetString(lfirst_node(DefElem, lc));
	return NULL;
}

static Jsonb *
option_get_object(List *options, const char *name)
{
	char *value = option_get(options, name);

	return value == NULL ? NULL : option_json(name, value, false);
}

/* Table property compression_type; NULL: it isn't set. */
static EtlCodec
codec_of_property(const char *value)
{
	if (value == NULL)
		return ETL_CODEC_AUTO;
	for (EtlCodec codec = ETL_CODEC_NONE; codec <= ETL_CODEC_ZSTD; codec++)
		if (pg_strcasecmp(value, codec == ETL_CODEC_NONE ? "none" : codec_name(codec)) == 0)
			return codec;
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
			errmsg("compression_type \"%s\" is not supported", value),
			errhint("none, gzip, bzip2, lzop and zstd are."));
}

EtlExternalTable *
external_table_get(Oid relid)
{
	EtlExternalTable *table = palloc0(sizeof(EtlExternalTable));
	List *options = GetForeignTable(relid)->options;
	Jsonb *serde = option_get_object(options, "serde_properties");
	Jsonb *properties = option_get_object(options, "table_properties");
	char *columns = option_get(options, "partition_columns");
	char *rows = property_get(properties, "numRows");
	char *compression = property_get(properties, "compression_type");

	table->relid = relid;
	table->name = quote_qualified_identifier(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid));
	table->location = option_get(options, "location");
	table->format = option_get(options, "format");
	if (table->format == NULL)
		table->format = "text";
	if (columns != NULL)
		table->partition_attnums = attnums_of_names(relid, option_json("partition_columns", columns, true));
	table->codec = codec_of_property(compression);
	if (rows != NULL)
		table->row_estimate = Max(strtod(rows, NULL), 0);
	dialect_set(table, option_get(options, "field_delimiter"), serde, properties);
	/* LINES TERMINATED BY: what ends a line is told from the file */
	return table;
}

static bool
is_external_table(Oid relid)
{
	ForeignServer *server;

	if (get_rel_relkind(relid) != RELKIND_FOREIGN_TABLE)
		return false;
	server = GetForeignServer(GetForeignTable(relid)->serverid);
	return strcmp(GetForeignDataWrapper(server->fdwid)->fdwname, "etl_external") == 0;
}

List *
external_partition_attnums(Oid relid)
{
	if (!is_external_table(relid))
		ereport(ERROR, errcode(ERRCODE_WRONG_OBJECT_TYPE),
				errmsg("\"%s\" is not an external table", get_rel_name(relid)));
	return external_table_get(relid)->partition_attnums;
}

void
external_table_check_readable(EtlExternalTable *table)
{
	EtlError error;

	if (strcmp(table->format, "text") != 0 && strcmp(table->format, "opencsv") != 0)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("reading external table \"%s\" is not supported yet: its format is \"%s\"", table->name,
					   table->format),
				errhint("Formats \"text\" and \"opencsv\" can be read."));
	if (!delimited_options_check(&table->dialect, &error))
		etl_error_raise(&error);
}

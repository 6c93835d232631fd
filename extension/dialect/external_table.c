/*
 * external_table.c
 *		CREATE EXTERNAL TABLE becomes CREATE FOREIGN TABLE on the server etl_external.
 *
 * Partition columns stand behind the others, as in Redshift, and are named in an option; what the clauses say
 * about the files becomes options too, only those that were given. Hive's names of types are said PostgreSQL's way.
 */
#include "dialect/json.h"
#include "dialect/literal.h"
#include "dialect/translate.h"

#define MAX_COLUMNS 1600 /* PostgreSQL's limit, and Redshift's */

typedef struct ExternalTable
{
	char *name;
	StringInfoData columns;			  /* of CREATE FOREIGN TABLE */
	StringInfoData partition_columns; /* JSON array */
	char *column_names[MAX_COLUMNS];
	int column_count;
	bool partitioned;
	const char *serde_format;  /* what ROW FORMAT says, or NULL */
	const char *stored_format; /* what STORED AS says */
	char *field_delimiter;
	char *line_delimiter;
	char *serde_properties; /* JSON object */
	char *input_format;
	char *output_format;
	char *location;
	char *table_properties; /* JSON object */
} ExternalTable;

typedef struct NamedFormat
{
	const char *name;
	const char *format;
} NamedFormat;

/* Classes by the last part of their names. */
static const NamedFormat serdes[] = {
	{"LazySimpleSerDe", "text"}, {"OpenCSVSerde", "opencsv"}, {"JsonSerDe", "json"},
	{"RegexSerDe", "regex"},	 {"GrokSerDe", "grok"},		  {"ParquetHiveSerDe", "parquet"},
	{"OrcSerde", "orc"},		 {"AvroSerDe", "avro"},
};

static const NamedFormat input_formats[] = {
	{"TextInputFormat", "text"},
	{"MapredParquetInputFormat", "parquet"},
	{"OrcInputFormat", "orc"},
	{"AvroContainerInputFormat", "avro"},
};

static const NamedFormat stored_formats[] = {
	{"TEXTFILE", "text"},
	{"PARQUET", "parquet"},
	{"ORC", "orc"},
	{"AVRO", "avro"},
};

static const char *
find_class(const NamedFormat *formats, int count, const char *class)
{
	const char *dot = strrchr(class, '.');

	for (int i = 0; i < count; i++)
		if (strcmp(dot != NULL ? dot + 1 : class, formats[i].name) == 0)
			return formats[i].format;
	return NULL;
}

static bool
not_supported(EtlParser *parser, const EtlToken *token, const char *what, const char *name)
{
	etl_error_set(parser->error, ERRCODE_FEATURE_NOT_SUPPORTED, "%s \"%s\" is not supported", what, name);
	etl_error_hint(parser->error, "docs/dialect.md lists what an external table can be made of.");
	return parser_fail_at(parser, token);
}

static bool
already_given(EtlParser *parser, const char *clause)
{
	etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "CREATE EXTERNAL TABLE has \"%s\" twice", clause);
	etl_error_hint(parser->error, "Keep one of the two.");
	return parser_fail_at(parser, parser_token(parser));
}

/* A type at the cursor, up to the comma or bracket behind it, as PostgreSQL calls it. */
static bool
parse_type(EtlParser *parser, const char *column, StringInfo out)
{
	static const char *const nested[] = {"struct", "array", "map"};
	static const struct
	{
		const char *hive;
		const char *type;
	} types[] = {
		{"string", "text"},	 {"double", "double precision"}, {"tinyint", "smallint"},
		{"binary", "bytea"}, {"varbyte", "bytea"},
	};
	const EtlToken *token = parser_token(parser);
	EtlRewrite rewrite;
	int first;

	if (token->kind != ETL_TOKEN_WORD)
		return parser_fail(parser, "a type");
	for (int i = 0; i < lengthof(nested); i++)
		if (parser_is_word(parser, nested[i]))
		{
			etl_error_set(parser->error, ERRCODE_FEATURE_NOT_SUPPORTED,
						  "type \"%s\" of column \"%s\" is not supported", nested[i], column);
			etl_error_hint(parser->error,
						   "Declare it as varchar(65535): nested values are read as JSON text.");
			return parser_fail_at(parser, token);
		}
	for (int i = 0; i < lengthof(types); i++)
		if (parser_accept_word(parser, types[i].hive))
		{
			if (strcmp(types[i].hive, "double") == 0)
				parser_accept_word(parser, "precision");
			if (parser_is_operator(parser, "(") && !parser_skip_brackets(parser))
				return false;
			appendStringInfoString(out, types[i].type);
			return true;
		}

	first = parser->next;
	while (!parser_is_operator(parser, ",") && !parser_is_operator(parser, ")"))
	{
		if (parser_token(parser)->kind == ETL_TOKEN_END)
			return parser_fail(parser, "\")\"");
		if (!parser_is_operator(parser, "("))
			parser_advance(parser);
		else if (!parser_skip_brackets(parser))
			return false;
	}
	rewrite_init(&rewrite, parser->sql);
	rewrite_skip_to(&rewrite, token->start);
	if (!translate_text_range(parser, first, parser->next, &rewrite))
		return false;
	appendStringInfoString(out, rewrite_copy_to(&rewrite, parser->tokens[parser->next - 1].end)->data);
	return true;
}

/* (name type, …), the table's own or those of PARTITIONED BY. */
static bool
parse_columns(EtlParser *parser, ExternalTable *table, bool partition)
{
	if (!parser_expect_operator(parser, "("))
		return false;
	do
	{
		const EtlToken *token = parser_token(parser);
		char *name;

		if (!parser_expect_identifier(parser, "a column's name", &name))
			return false;
		for (int i = 0; i < table->column_count; i++)
			if (strcmp(table->column_names[i], name) == 0)
			{
				etl_error_set(parser->error, ERRCODE_DUPLICATE_COLUMN, "column \"%s\" is there twice", name);
				etl_error_hint(parser->error,
							   "A partition column is in no file: leave it out of the first list.");
				return parser_fail_at(parser, token);
			}
		if (table->column_count == MAX_COLUMNS)
		{
			etl_error_set(parser->error, ERRCODE_TOO_MANY_COLUMNS, "a table can have at most %d columns",
						  MAX_COLUMNS);
			etl_error_hint(parser->error, "Split the table.");
			return parser_fail_at(parser, token);
		}
		table->column_names[table->column_count++] = name;

		if (table->column_count > 1)
			appendStringInfoString(&table->columns, ",\n\t");
		appendBinaryStringInfo(&table->columns, parser->sql + token->start, token->end - token->start);
		appendStringInfoChar(&table->columns, ' ');
		if (!parse_type(parser, name, &table->columns))
			return false;
		if (partition)
		{
			if (table->partition_columns.len > 1)
				appendStringInfoString(&table->partition_columns, ", ");
			json_append_string(&table->partition_columns, name);
		}
	} while (parser_accept_operator(parser, ","));
	return parser_expect_operator(parser, ")");
}

/* ('name' = 'value', …) as a JSON object; the values of two names are wanted on the way. */
static bool
parse_properties(EtlParser *parser, char **json, char **field_delimiter, char **line_delimiter)
{
	StringInfoData object;

	initStringInfo(&object);
	appendStringInfoChar(&object, '{');
	if (!parser_expect_operator(parser, "("))
		return false;
	do
	{
		char *name;
		char *value;

		if (!parser_expect_string(parser, "a property", &name) || !parser_expect_operator(parser, "=") ||
			!parser_expect_string(parser, "a value", &value))
			return false;
		json_append_text_member(&object, name, value);
		if (field_delimiter != NULL && strcmp(name, "field.delim") == 0)
			*field_delimiter = value;
		if (line_delimiter != NULL && strcmp(name, "line.delim") == 0)
			*line_delimiter = value;
	} while (parser_accept_operator(parser, ","));
	appendStringInfoChar(&object, '}');
	*json = object.data;
	return parser_expect_operator(parser, ")");
}

static bool
parse_delimited(EtlParser *parser, ExternalTable *table)
{
	for (;;)
	{
		if (parser_accept_words(parser, "fields terminated by"))
		{
			if (!parser_expect_string(parser, "a delimiter", &table->field_delimiter))
				return false;
		}
		else if (parser_accept_words(parser, "lines terminated by"))
		{
			if (!parser_expect_string(parser, "a delimiter", &table->line_delimiter))
				return false;
		}
		else
			break;
	}
	table->serde_format = "text";
	return true;
}

/* ROW FORMAT DELIMITED … | SERDE '…' [WITH SERDEPROPERTIES (…)], behind the two words */
static bool
parse_row_format(EtlParser *parser, ExternalTable *table)
{
	const EtlToken *token;
	char *class;

	if (table->serde_format != NULL)
		return already_given(parser, "ROW FORMAT");
	if (parser_accept_word(parser, "delimited"))
		return parse_delimited(parser, table);
	if (!parser_accept_word(parser, "serde"))
		return parser_fail(parser, "DELIMITED or SERDE");
	token = parser_token(parser);
	if (!parser_expect_string(parser, "a class", &class))
		return false;
	table->serde_format = find_class(serdes, lengthof(serdes), class);
	if (table->serde_format == NULL)
		return not_supported(parser, token, "SerDe", class);
	return !parser_accept_words(parser, "with serdeproperties") ||
		   parse_properties(parser, &table->serde_properties, &table->field_delimiter,
							&table->line_delimiter);
}

/* STORED AS PARQUET | … | INPUTFORMAT '…' OUTPUTFORMAT '…', behind the two words */
static bool
parse_stored_as(EtlParser *parser, ExternalTable *table)
{
	const EtlToken *token = parser_token(parser);

	if (table->stored_format != NULL)
		return already_given(parser, "STORED AS");
	if (parser_accept_word(parser, "inputformat"))
	{
		token = parser_token(parser);
		if (!parser_expect_string(parser, "a class", &table->input_format) ||
			!parser_expect_word(parser, "outputformat") ||
			!parser_expect_string(parser, "a class", &table->output_format))
			return false;
		table->stored_format = find_class(input_formats, lengthof(input_formats), table->input_format);
		return table->stored_format != NULL ||
			   not_supported(parser, token, "INPUTFORMAT", table->input_format);
	}
	for (int i = 0; i < lengthof(stored_formats); i++)
		if (parser_accept_word(parser, stored_formats[i].name))
		{
			table->stored_format = stored_formats[i].format;
			return true;
		}
	if (token->kind != ETL_TOKEN_WORD)
		return parser_fail(parser, "PARQUET, ORC, AVRO, TEXTFILE or INPUTFORMAT");
	return not_supported(parser, token, "file format",
						 pnstrdup(parser->sql + token->start, token->end - token->start));
}

static bool
parse_clauses(EtlParser *parser, ExternalTable *table)
{
	while (parser_token(parser)->kind != ETL_TOKEN_END)
	{
		const EtlToken *token = parser_token(parser);
		bool ok;

		if (parser_accept_words(parser, "partitioned by"))
		{
			if (table->partitioned)
				return already_given(parser, "PARTITIONED BY");
			table->partitioned = true;
			ok = parse_columns(parser, table, true);
		}
		else if (parser_accept_words(parser, "row format"))
			ok = parse_row_format(parser, table);
		else if (parser_accept_words(parser, "stored as"))
			ok = parse_stored_as(parser, table);
		else if (parser_accept_word(parser, "location"))
			ok = table->location == NULL ? parser_expect_string(parser, "an S3 URI", &table->location)
										 : already_given(parser, "LOCATION");
		else if (parser_accept_words(parser, "table properties") ||
				 parser_accept_word(parser, "tblproperties"))
			ok = table->table_properties == NULL
					 ? parse_properties(parser, &table->table_properties, NULL, NULL)
					 : already_given(parser, "TABLE PROPERTIES");
		else if (parser_is_word(parser, "as"))
			ok = not_supported(parser, token, "command", "CREATE EXTERNAL TABLE AS");
		else
			ok = parser_fail(parser, "PARTITIONED BY, ROW FORMAT, STORED AS, LOCATION or TABLE PROPERTIES");
		if (!ok)
			return false;
	}
	return true;
}

/* What must be there, and the format that the clauses agree on. */
static bool
check_table(EtlParser *parser, const ExternalTable *table, const char **format)
{
	if (table->stored_format == NULL || table->location == NULL)
	{
		etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR, "external table \"%s\" has no %s", table->name,
					  table->stored_format == NULL ? "STORED AS" : "LOCATION");
		etl_error_hint(parser->error, "Add STORED AS and LOCATION 's3://bucket/folder/'.");
		return parser_fail_at(parser, parser_token(parser));
	}
	*format = table->serde_format != NULL ? table->serde_format : table->stored_format;
	/* the text SerDes all read TEXTFILE; LazySimple is what a columnar table gets by default */
	if (strcmp(table->stored_format, "text") != 0 && strcmp(*format, table->stored_format) != 0)
	{
		if (strcmp(*format, "text") != 0)
		{
			etl_error_set(parser->error, ERRCODE_SYNTAX_ERROR,
						  "external table \"%s\" is stored as %s and has a row format for %s", table->name,
						  table->stored_format, *format);
			etl_error_hint(parser->error, "Leave ROW FORMAT out, or use the one that belongs to STORED AS.");
			return parser_fail_at(parser, parser_token(parser));
		}
		*format = table->stored_format;
	}
	return true;
}

static void
append_option(StringInfo sql, const char *name, const char *value)
{
	if (value == NULL)
		return;
	if (sql->data[sql->len - 1] != '(')
		appendStringInfoString(sql, ", ");
	appendStringInfo(sql, "%s ", name);
	literal_append(sql, value);
}

EtlFamilyResult
translate_external_table(EtlParser *parser, EtlTranslation *out)
{
	ExternalTable table = {0};
	StringInfoData sql;
	const char *format = NULL;

	if (!parser_accept_words(parser, "external table"))
		return ETL_FAMILY_PASS;
	initStringInfo(&table.columns);
	initStringInfo(&table.partition_columns);
	appendStringInfoChar(&table.partition_columns, '[');
	if (!parser_expect_name(parser, "a table's name", &table.name))
		return ETL_FAMILY_FAILED;
	/* without columns it is CREATE EXTERNAL TABLE … AS, which the clauses refuse where they come to AS */
	if (parser_is_operator(parser, "(") && !parse_columns(parser, &table, false))
		return ETL_FAMILY_FAILED;
	if (!parse_clauses(parser, &table))
		return ETL_FAMILY_FAILED;
	if (table.column_count == 0)
	{
		parser_fail(parser, "columns, between brackets behind the table's name");
		return ETL_FAMILY_FAILED;
	}
	if (!check_table(parser, &table, &format))
		return ETL_FAMILY_FAILED;
	appendStringInfoChar(&table.partition_columns, ']');

	initStringInfo(&sql);
	appendStringInfo(&sql, "CREATE FOREIGN TABLE %s (\n\t%s\n) SERVER etl_external OPTIONS (", table.name,
					 table.columns.data);
	append_option(&sql, "location", table.location);
	append_option(&sql, "format", format);
	append_option(&sql, "partition_columns", table.partitioned ? table.partition_columns.data : NULL);
	append_option(&sql, "field_delimiter", table.field_delimiter);
	append_option(&sql, "line_delimiter", table.line_delimiter);
	append_option(&sql, "serde_properties", table.serde_properties);
	append_option(&sql, "table_properties", table.table_properties);
	append_option(&sql, "input_format", table.input_format);
	append_option(&sql, "output_format", table.output_format);
	appendStringInfoChar(&sql, ')');
	out->sql = sql.data;
	return ETL_FAMILY_DONE;
}

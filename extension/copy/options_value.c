/*
 * options_value.c
 *		Reading options by their table. See options_value.h.
 */
#include "postgres.h"

#include "aws/request.h"
#include "copy/options_value.h"
#include "format/record.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

static void
pg_attribute_noreturn() option_wrong_type(const char *name, const char *wanted)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("option \"%s\" must be %s", name, wanted));
}

static void
pg_attribute_noreturn() option_unknown(const char *name, const EtlCopyOptionTable *table)
{
	StringInfoData known;

	initStringInfo(&known);
	for (int i = 0; i < table->count; i++)
		appendStringInfo(&known, "%s%s", i == 0 ? "" : ", ", table->options[i].name);
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown option \"%s\"", name),
			errhint("The options are: %s.", known.data));
}

static char *
value_text(const char *name, const JsonbValue *value)
{
	if (value->type != jbvString)
		option_wrong_type(name, "a string");
	return pnstrdup(value->val.string.val, value->val.string.len);
}

static bool
value_bool(const char *name, const JsonbValue *value)
{
	if (value->type != jbvBool)
		option_wrong_type(name, "true or false");
	return value->val.boolean;
}

static bool
value_switch(const EtlCopyOption *option, const JsonbValue *value)
{
	static const char *const words[] = {"off", "false", "on", "true"};
	char *text;

	if (value->type == jbvBool)
		return value->val.boolean;
	if (value->type != jbvString)
		option_wrong_type(option->name, "true or false");
	text = value_text(option->name, value);
	for (int i = 0; i < lengthof(words); i++)
		if (pg_strcasecmp(text, words[i]) == 0)
			return i >= 2;
	if (option->word == NULL || pg_strcasecmp(text, option->word) != 0)
		option_wrong_type(option->name, option->word == NULL
											? "true or false"
											: psprintf("true, false or \"%s\"", option->word));
	return true;
}

static int64
value_integer(const EtlCopyOption *option, const JsonbValue *value)
{
	char *digits;
	char *end;
	int64 number;

	if (value->type != jbvNumeric)
		option_wrong_type(option->name, "a number");
	digits = DatumGetCString(DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric)));
	errno = 0;
	number = strtoll(digits, &end, 10);
	if (*end != '\0')
		option_wrong_type(option->name, "a whole number");
	if (errno != 0 || number < option->minimum || number > option->maximum)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"%s\" must be %s, not %s%s", option->name, option->range, digits,
					   option->kind == COPY_OPTION_SIZE ? " bytes" : ""));
	return number;
}

static List *
value_list(const char *name, const JsonbValue *value)
{
	List *list = NIL;
	JsonbIterator *iterator;
	JsonbValue element;
	JsonbIteratorToken token;

	if (value->type != jbvBinary || !JsonContainerIsArray(value->val.binary.data))
		option_wrong_type(name, "an array of strings");
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
		if (token == WJB_ELEM)
			list = lappend(list, value_text(name, &element));
	return list;
}

static EtlAwsCredentials *
value_credentials(const char *name, const JsonbValue *value)
{
	EtlAwsKeys keys = {NULL};
	JsonbIterator *iterator;
	JsonbValue element;
	JsonbIteratorToken token;
	char *key = NULL;

	if (value->type != jbvBinary || !JsonContainerIsObject(value->val.binary.data))
		option_wrong_type(name, "an object");
	iterator = JsonbIteratorInit(value->val.binary.data);
	while ((token = JsonbIteratorNext(&iterator, &element, true)) != WJB_DONE)
	{
		if (token == WJB_KEY)
			key = value_text(name, &element);
		else if (token == WJB_VALUE && element.type != jbvNull)
		{
			if (strcmp(key, "access_key_id") == 0)
				keys.access_key_id = value_text(key, &element);
			else if (strcmp(key, "secret_access_key") == 0)
				keys.secret_access_key = value_text(key, &element);
			else if (strcmp(key, "session_token") == 0)
				keys.session_token = value_text(key, &element);
			else
				ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"%s\" has an unknown key", name),
						errhint("The keys are: access_key_id, secret_access_key, session_token."));
		}
	}
	if (keys.access_key_id == NULL || keys.secret_access_key == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"%s\" needs both access_key_id and secret_access_key", name));
	return aws_credentials_static(&keys);
}

/* Returns whether the option counts as given. */
static bool
option_set(const EtlCopyOption *option, const JsonbValue *value, void *out)
{
	bool nowhere = option->offset == COPY_OPTION_NOWHERE;
	void *field = nowhere ? NULL : (char *) out + option->offset;
	bool on;
	int64 number;

	switch (option->kind)
	{
		case COPY_OPTION_BOOL:
		case COPY_OPTION_SWITCH:
			on = option->kind == COPY_OPTION_BOOL ? value_bool(option->name, value)
												  : value_switch(option, value);
			if (!nowhere)
				*(bool *) field = on;
			return on;
		case COPY_OPTION_INTEGER:
		case COPY_OPTION_SIZE:
			number = value_integer(option, value);
			if (!nowhere)
				*(int64 *) field = number;
			return true;
		case COPY_OPTION_TEXT:
			*(char **) field = value_text(option->name, value);
			return true;
		case COPY_OPTION_LIST:
			*(List **) field = value_list(option->name, value);
			return true;
		case COPY_OPTION_CREDENTIALS:
			*(EtlAwsCredentials **) field = value_credentials(option->name, value);
			return true;
	}
	pg_unreachable();
}

static int
option_find(const EtlCopyOptionTable *table, const char *name)
{
	for (int i = 0; i < table->count; i++)
		if (strcmp(table->options[i].name, name) == 0)
			return i;
	return -1;
}

const EtlCopyOption *
copy_option_find(const EtlCopyOptionTable *table, const char *name)
{
	int found = option_find(table, name);

	return found < 0 ? NULL : &table->options[found];
}

static bool
option_given(const EtlCopyOptionTable *table, EtlCopyOptionsGiven given, const char *name)
{
	return (given & UINT64CONST(1) << option_find(table, name)) != 0;
}

EtlCopyOptionsGiven
copy_options_read(const EtlCopyOptionTable *table, Jsonb *options, void *out)
{
	EtlCopyOptionsGiven given = 0;
	JsonbIterator *iterator;
	JsonbValue value;
	JsonbIteratorToken token;
	int found = -1;

	Assert(table->count <= 64);
	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("options must be a JSON object"));
	iterator = JsonbIteratorInit(&options->root);
	while ((token = JsonbIteratorNext(&iterator, &value, found >= 0)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char *name = pnstrdup(value.val.string.val, value.val.string.len);

			found = option_find(table, name);
			if (found < 0)
				option_unknown(name, table);
		}
		else if (token == WJB_VALUE)
		{
			if (value.type != jbvNull && option_set(&table->options[found], &value, out))
				given |= UINT64CONST(1) << found;
			found = -1;
		}
	}
	return given;
}

static void
pg_attribute_noreturn() option_excluded(const char *name, const char *kind, const char *other)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("option \"%s\" cannot be used with %s \"%s\"", name, kind, other));
}

void
copy_options_check(const EtlCopyOptionTable *table, EtlCopyOptionsGiven given, EtlCopyFormat format)
{
	for (int i = 0; i < table->count; i++)
	{
		const EtlCopyOption *option = &table->options[i];

		if (option->formats != 0 && (option->formats & COPY_FORMAT(format)) == 0 &&
			(given & UINT64CONST(1) << i) != 0)
			option_excluded(option->name, "format", copy_format_name(format));
	}
	for (const EtlCopyOptionPair *pair = table->pairs; pair < table->pairs + table->pair_count; pair++)
		if (option_given(table, given, pair->first) && option_given(table, given, pair->second))
			option_excluded(pair->first, "option", pair->second);
}

void
copy_options_require(const EtlCopyOptionTable *table, EtlCopyOptionsGiven given, const char *name,
					 const char *needed)
{
	if (option_given(table, given, name) && !option_given(table, given, needed))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"%s\" needs option \"%s\"", name, needed));
}

static const char *const format_names[] = {
	[ETL_COPY_TEXT] = "text", [ETL_COPY_CSV] = "csv", [ETL_COPY_FIXEDWIDTH] = "fixedwidth",
	[ETL_COPY_JSON] = "json", [ETL_COPY_XML] = "xml",
};

const char *
copy_format_name(EtlCopyFormat format)
{
	return format_names[format];
}

EtlCopyFormat
copy_format_read(const char *format, const char *operation, bool xml)
{
	static const char *const later[] = {"parquet", "orc", "avro"};
	int count = xml ? lengthof(format_names) : ETL_COPY_XML;
	const char *formats = xml ? "text, csv, fixedwidth, json, xml" : "text, csv, fixedwidth, json";

	for (int i = 0; i < count; i++)
		if (strcmp(format, format_names[i]) == 0)
			return i;
	for (int i = 0; i < lengthof(later); i++)
		if (strcmp(format, later[i]) == 0)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("%s format \"%s\" is not supported yet", operation, format),
					errhint("The formats are: %s.", formats));
	if (strcmp(format, "shapefile") == 0)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("%s format \"%s\" is not supported", operation, format),
				errhint("Convert the file to CSV, with its shapes as text."));
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown format \"%s\"", format),
			errhint("The formats are: %s.", formats));
}

EtlCodec
copy_codec_chosen(const EtlCopyCompression *compression)
{
	return compression->gzip	? ETL_CODEC_GZIP
		   : compression->bzip2 ? ETL_CODEC_BZIP2
		   : compression->lzop	? ETL_CODEC_LZOP
		   : compression->zstd	? ETL_CODEC_ZSTD
								: ETL_CODEC_NONE;
}

char
copy_character_read(const char *name, const char *written, char fallback)
{
	if (written == NULL)
		return fallback;
	if (strcmp(written, "\\\"") == 0)
		return '"';
	if (strlen(written) != 1 || IS_HIGHBIT_SET(written[0]))
		option_wrong_type(name, "a single one-byte character");
	return written[0];
}

char *
copy_delimiter_read(const char *written, EtlCopyFormat format)
{
	StringInfoData out;

	if (written == NULL)
		return pstrdup(format == ETL_COPY_CSV ? "," : "|");
	initStringInfo(&out);
	written = aws_text_to_utf8(written);
	for (const char *c = written; *c != '\0'; c++)
	{
		int code = 0;

		if (c[0] == '\\' && strspn(c + 1, "01234567") >= 3)
			code = (c[1] - '0') * 64 + (c[2] - '0') * 8 + (c[3] - '0');
		if (code > 0 && code < 256)
		{
			appendStringInfoChar(&out, (char) code);
			c += 3;
		}
		else if (c[0] == '\\' && c[1] == 't')
		{
			appendStringInfoChar(&out, '\t');
			c++;
		}
		else
			appendStringInfoChar(&out, *c);
	}
	if (!pg_verify_mbstr(PG_UTF8, out.data, out.len, true))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"delimiter\" is not UTF-8"),
				errdetail("Octal from \\200 on is a part of a character that isn't ASCII."),
				errhint("Write the character itself, or all its bytes."));
	return out.data;
}

static void
fixed_column_read(char *item, EtlFixedColumn *column)
{
	char *colon = strrchr(item, ':');
	char *width;
	char *end;
	long number;

	if (colon == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("column \"%s\" of option \"fixedwidth\" has no width", item),
				errhint("Write 'label:width,label:width'."));
	*colon = '\0';
	width = colon + 1 + strspn(colon + 1, " ");
	for (end = colon; end > item && end[-1] == ' ';)
		*--end = '\0';
	if (*item == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"fixedwidth\" has a column without a label"),
				errhint("Write 'label:width,label:width'."));
	number = strtol(width, &end, 10);
	if (strspn(width, "0123456789") == 0 || end[strspn(end, " ")] != '\0')
		ereport(
			ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("width \"%s\" of column \"%s\" of option \"fixedwidth\" is not a number", width, item));
	if (number < 1 || number > ETL_RECORD_MAX_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("width \"%s\" of column \"%s\" of option \"fixedwidth\" must be from 1 to %d", width,
					   item, ETL_RECORD_MAX_SIZE));
	column->label = item;
	column->width = (int) number;
}

EtlFixedColumn *
copy_fixed_columns_read(const char *spec, int *count)
{
	char *item = pstrdup(spec);
	EtlFixedColumn *columns;
	int capacity = 1;

	for (const char *c = spec; *c != '\0'; c++)
		capacity += *c == ',';
	if (capacity > ETL_RECORD_MAX_FIELDS)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"fixedwidth\" has %d columns", capacity),
				errhint("It may have %d.", ETL_RECORD_MAX_FIELDS));
	columns = palloc(capacity * sizeof(EtlFixedColumn));
	for (*count = 0; *count < capacity; (*count)++)
	{
		char *comma = strchr(item, ',');

		if (comma != NULL)
			*comma = '\0';
		item += strspn(item, " ");
		fixed_column_read(item, &columns[*count]);
		for (int i = 0; i < *count; i++)
			if (strcmp(columns[i].label, columns[*count].label) == 0)
				ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("option \"fixedwidth\" has two columns \"%s\"", columns[i].label));
		item = comma == NULL ? NULL : comma + 1;
	}
	return columns;
}

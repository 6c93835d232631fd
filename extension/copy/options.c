/*
 * options.c
 *		Reading the options of etl.load and etl.unload. See options.h.
 *
 * A table an operation says what each key is and where its value goes; what a table can't say (what goes with what,
 * what stands for a tab) is checked below it.
 */
#include "postgres.h"

#include <limits.h>

#include "copy/options.h"
#include "utils/builtins.h"
#include "utils/numeric.h"

#define MIN_FILE_SIZE (UINT64CONST(5) * 1024 * 1024)
#define MAX_FILE_SIZE UINT64CONST(6657199309) /* 6.2 GB, rounded up */

typedef enum OptionKind
{
	OPTION_BOOL,
	OPTION_INTEGER, /* int64 at the offset */
	OPTION_TEXT,
	OPTION_LIST,		/* of strings */
	OPTION_CREDENTIALS, /* an object of keys */
	OPTION_ONLY,		/* text with one value that is served: `only` */
	OPTION_IGNORED,		/* has no meaning here */
	OPTION_LATER		/* an error unless it is false or null */
} OptionKind;

typedef struct OptionSpec
{
	const char *name;
	OptionKind kind;
	size_t offset;
	const char *only;
} OptionSpec;

/* Redshift has an option for each; one may be given. */
typedef struct Compression
{
	bool gzip;
	bool bzip2;
	bool lzop;
	bool zstd;
} Compression;

/* What the tables below fill that needs another look before it is part of the public struct. */
typedef struct LoadRaw
{
	EtlLoadOptions out;
	int64 ignore_header;
	int64 max_error;
	Compression compression;
} LoadRaw;

typedef struct UnloadRaw
{
	EtlUnloadOptions out;
	int64 max_file_size;
	bool parallel;
	Compression compression;
} UnloadRaw;

#define LOAD(field) offsetof(LoadRaw, field)
#define UNLOAD(field) offsetof(UnloadRaw, field)

static const OptionSpec load_specs[] = {
	{"acceptanydate", OPTION_BOOL, LOAD(out.accept_any_date)},
	{"acceptinvchars", OPTION_TEXT, LOAD(out.invalid)},
	{"blanksasnull", OPTION_BOOL, LOAD(out.blanks_as_null)},
	{"bzip2", OPTION_BOOL, LOAD(compression.bzip2)},
	{"columns", OPTION_LIST, LOAD(out.columns)},
	{"comprows", OPTION_IGNORED},
	{"compupdate", OPTION_IGNORED},
	{"credentials", OPTION_CREDENTIALS, LOAD(out.access.credentials)},
	{"dateformat", OPTION_TEXT, LOAD(out.date_format)},
	{"delimiter", OPTION_TEXT, LOAD(out.delimiter)},
	{"emptyasnull", OPTION_BOOL, LOAD(out.empty_as_null)},
	{"encoding", OPTION_ONLY, 0, "utf8"},
	{"escape", OPTION_BOOL, LOAD(out.escape)},
	{"explicit_ids", OPTION_BOOL, LOAD(out.explicit_ids)},
	{"fillrecord", OPTION_BOOL, LOAD(out.fill_record)},
	{"fixedwidth", OPTION_LATER},
	{"gzip", OPTION_BOOL, LOAD(compression.gzip)},
	{"iam_role", OPTION_TEXT, LOAD(out.access.iam_role)},
	{"ignoreallerrors", OPTION_BOOL, LOAD(out.ignore_all_errors)},
	{"ignoreblanklines", OPTION_BOOL, LOAD(out.ignore_blank_lines)},
	{"ignoreheader", OPTION_INTEGER, LOAD(ignore_header)},
	{"jsonpaths", OPTION_LATER},
	{"lzop", OPTION_BOOL, LOAD(compression.lzop)},
	{"manifest", OPTION_LATER},
	{"maxerror", OPTION_INTEGER, LOAD(max_error)},
	{"noload", OPTION_BOOL, LOAD(out.no_load)},
	{"null", OPTION_TEXT, LOAD(out.null)},
	{"quote", OPTION_TEXT, LOAD(out.quote)},
	{"readratio", OPTION_IGNORED},
	{"region", OPTION_TEXT, LOAD(out.access.region)},
	{"removequotes", OPTION_BOOL, LOAD(out.remove_quotes)},
	{"roundec", OPTION_BOOL, LOAD(out.round_decimals)},
	{"statupdate", OPTION_IGNORED},
	{"timeformat", OPTION_TEXT, LOAD(out.time_format)},
	{"trimblanks", OPTION_BOOL, LOAD(out.trim_blanks)},
	{"truncatecolumns", OPTION_BOOL, LOAD(out.truncate_columns)},
	{"zstd", OPTION_BOOL, LOAD(compression.zstd)},
};

static const OptionSpec unload_specs[] = {
	{"addquotes", OPTION_BOOL, UNLOAD(out.add_quotes)},
	{"allowoverwrite", OPTION_BOOL, UNLOAD(out.allow_overwrite)},
	{"bzip2", OPTION_BOOL, UNLOAD(compression.bzip2)},
	{"cleanpath", OPTION_LATER},
	{"credentials", OPTION_CREDENTIALS, UNLOAD(out.access.credentials)},
	{"delimiter", OPTION_TEXT, UNLOAD(out.delimiter)},
	{"encrypted", OPTION_LATER},
	{"encrypted_auto", OPTION_LATER},
	{"escape", OPTION_BOOL, UNLOAD(out.escape)},
	{"extension", OPTION_TEXT, UNLOAD(out.extension)},
	{"fixedwidth", OPTION_LATER},
	{"gzip", OPTION_BOOL, UNLOAD(compression.gzip)},
	{"header", OPTION_BOOL, UNLOAD(out.header)},
	{"iam_role", OPTION_TEXT, UNLOAD(out.access.iam_role)},
	{"include", OPTION_LATER},
	{"kms_key_id", OPTION_LATER},
	{"manifest", OPTION_BOOL, UNLOAD(out.manifest)},
	{"manifest_verbose", OPTION_LATER},
	{"maxfilesize", OPTION_INTEGER, UNLOAD(max_file_size)},
	{"null", OPTION_TEXT, UNLOAD(out.null)},
	{"parallel", OPTION_BOOL, UNLOAD(parallel)},
	{"partition_by", OPTION_LATER},
	{"region", OPTION_TEXT, UNLOAD(out.access.region)},
	{"rowgroupsize", OPTION_LATER},
	{"zstd", OPTION_BOOL, UNLOAD(compression.zstd)},
};

static void pg_attribute_noreturn()
option_wrong_type(const char *name, const char *wanted)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("option \"%s\" must be %s", name, wanted));
}

static void pg_attribute_noreturn()
option_unsupported(const char *name)
{
	ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED), errmsg("option \"%s\" is not supported yet", name));
}

static void pg_attribute_noreturn()
option_unknown(const char *name, const OptionSpec *specs, int nspecs)
{
	StringInfoData known;

	initStringInfo(&known);
	for (int i = 0; i < nspecs; i++)
		appendStringInfo(&known, "%s%s", i == 0 ? "" : ", ", specs[i].name);
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

static int64
value_integer(const char *name, const JsonbValue *value)
{
	bool error;
	int32 small;
	Datum digits;

	if (value->type != jbvNumeric)
		option_wrong_type(name, "a number");
	small = numeric_int4_opt_error(value->val.numeric, &error);
	if (!error)
		return small;
	digits = DirectFunctionCall1(numeric_out, NumericGetDatum(value->val.numeric));
	return DatumGetInt64(DirectFunctionCall1(int8in, digits));
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

/* No message here shows a value: it may be a secret under the wrong key. */
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

static void
option_set(const OptionSpec *spec, const JsonbValue *value, void *out)
{
	void *field = (char *) out + spec->offset;

	switch (spec->kind)
	{
		case OPTION_BOOL:
			*(bool *) field = value_bool(spec->name, value);
			break;
		case OPTION_INTEGER:
			*(int64 *) field = value_integer(spec->name, value);
			break;
		case OPTION_TEXT:
			*(char **) field = value_text(spec->name, value);
			break;
		case OPTION_LIST:
			*(List **) field = value_list(spec->name, value);
			break;
		case OPTION_CREDENTIALS:
			*(EtlAwsCredentials **) field = value_credentials(spec->name, value);
			break;
		case OPTION_ONLY:
			if (pg_strcasecmp(value_text(spec->name, value), spec->only) != 0)
				ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
						errmsg("option \"%s\" with value \"%s\" is not supported yet", spec->name,
							   value_text(spec->name, value)),
						errhint("\"%s\" is.", spec->only));
			break;
		case OPTION_LATER:
			if (value->type != jbvBool || value->val.boolean)
				option_unsupported(spec->name);
			break;
		case OPTION_IGNORED:
			break;
	}
}

static void
options_read(Jsonb *options, const OptionSpec *specs, int nspecs, void *out)
{
	JsonbIterator *iterator;
	JsonbValue value;
	JsonbIteratorToken token;
	const OptionSpec *spec = NULL;

	if (!JB_ROOT_IS_OBJECT(options))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("options must be a JSON object"));
	iterator = JsonbIteratorInit(&options->root);
	while ((token = JsonbIteratorNext(&iterator, &value, spec != NULL)) != WJB_DONE)
	{
		if (token == WJB_KEY)
		{
			char *name = pnstrdup(value.val.string.val, value.val.string.len);

			for (spec = specs; spec < specs + nspecs; spec++)
				if (strcmp(spec->name, name) == 0)
					break;
			if (spec == specs + nspecs)
				option_unknown(name, specs, nspecs);
		}
		else if (token == WJB_VALUE)
		{
			if (value.type != jbvNull)
				option_set(spec, &value, out);
			spec = NULL;
		}
	}
}

static EtlCopyFormat
format_read(const char *format, const char *operation)
{
	static const char *const later[] = {"parquet", "json", "orc", "avro", "fixedwidth", "shapefile"};

	if (strcmp(format, "text") == 0)
		return ETL_COPY_TEXT;
	if (strcmp(format, "csv") == 0)
		return ETL_COPY_CSV;
	for (int i = 0; i < lengthof(later); i++)
		if (strcmp(format, later[i]) == 0)
			ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
					errmsg("%s format \"%s\" is not supported yet", operation, format),
					errhint("Formats \"text\" and \"csv\" are."));
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown format \"%s\"", format),
			errhint("The formats are: text, csv."));
}

static void
exclude(bool first, const char *first_name, bool second, const char *second_name)
{
	if (first && second)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"%s\" cannot be used with %s", first_name, second_name));
}

static EtlCodec
codec_chosen(const Compression *compression)
{
	const struct
	{
		bool given;
		EtlCodec codec;
		const char *name;
	} choices[] = {{compression->gzip, ETL_CODEC_GZIP, "gzip"},
				   {compression->bzip2, ETL_CODEC_BZIP2, "bzip2"},
				   {compression->lzop, ETL_CODEC_LZOP, "lzop"},
				   {compression->zstd, ETL_CODEC_ZSTD, "zstd"}};
	EtlCodec codec = ETL_CODEC_NONE;

	for (int i = 0; i < lengthof(choices); i++)
	{
		for (int j = i + 1; j < lengthof(choices); j++)
			exclude(choices[i].given, choices[i].name, choices[j].given,
					psprintf("option \"%s\"", choices[j].name));
		if (choices[i].given)
			codec = choices[i].codec;
	}
	return codec;
}

/* Redshift writes a character as itself, as \t or as three octal digits: '\001'. */
static char *
delimiter_read(char *written, const char *fallback)
{
	if (written == NULL)
		return pstrdup(fallback);
	if (written[0] == '\\' && written[1] == 't' && written[2] == '\0')
		return pstrdup("\t");
	if (written[0] == '\\' && strlen(written) == 4 && strspn(written + 1, "01234567") == 3)
	{
		long code = strtol(written + 1, NULL, 8);

		if (code > 0 && code < 128)
			return psprintf("%c", (int) code);
	}
	return written;
}

static void
access_check(const EtlStoreAccess *access)
{
	exclude(access->iam_role != NULL, "iam_role", access->credentials != NULL, "option \"credentials\"");
}

void
copy_load_options_read(const char *format, Jsonb *options, EtlLoadOptions *out)
{
	LoadRaw raw = {{0}};
	bool csv;

	raw.out.format = format_read(format, "loading");
	options_read(options, load_specs, lengthof(load_specs), &raw);
	csv = raw.out.format == ETL_COPY_CSV;

	access_check(&raw.out.access);
	raw.out.codec = codec_chosen(&raw.compression);
	exclude(raw.out.escape, "escape", csv, "format \"csv\"");
	exclude(raw.out.remove_quotes, "removequotes", csv, "format \"csv\"");
	exclude(raw.out.quote != NULL, "quote", !csv, "format \"text\"");
	raw.out.delimiter = delimiter_read(raw.out.delimiter, csv ? "," : "|");
	if (raw.out.quote == NULL)
		raw.out.quote = pstrdup("\"");
	/* Redshift takes QUOTE '\"' for the quote itself: a backslash escapes in its literals. */
	if (strcmp(raw.out.quote, "\\\"") == 0)
		raw.out.quote = pstrdup("\"");
	if (strlen(raw.out.quote) != 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"quote\" must be a single one-byte character"));
	if (raw.out.null == NULL)
		raw.out.null = pstrdup("\\N");
	raw.out.null_len = strlen(raw.out.null);
	if (raw.out.invalid != NULL && (strlen(raw.out.invalid) != 1 || (unsigned char) raw.out.invalid[0] > 127))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"acceptinvchars\" must be a single ASCII character"));
	if (raw.ignore_header < 0 || raw.ignore_header > INT_MAX)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"ignoreheader\" must be a number of lines, not %lld", (long long) raw.ignore_header));
	raw.out.ignore_header = (int) raw.ignore_header;
	/* 0 and 1 both fail on the first error. */
	if (raw.max_error < 0 || raw.max_error > 100000)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"maxerror\" must be from 0 to 100000, not %lld", (long long) raw.max_error));
	raw.out.max_error = (int) raw.max_error;
	*out = raw.out;
}

void
copy_unload_options_read(const char *format, Jsonb *options, EtlUnloadOptions *out)
{
	UnloadRaw raw = {.max_file_size = MAX_FILE_SIZE, .parallel = true};
	bool csv;

	raw.out.format = format_read(format, "unloading");
	options_read(options, unload_specs, lengthof(unload_specs), &raw);
	csv = raw.out.format == ETL_COPY_CSV;

	access_check(&raw.out.access);
	raw.out.codec = codec_chosen(&raw.compression);
	exclude(raw.out.escape, "escape", csv, "format \"csv\"");
	exclude(raw.out.add_quotes, "addquotes", csv, "format \"csv\"");
	raw.out.delimiter = delimiter_read(raw.out.delimiter, csv ? "," : "|");
	if (raw.out.extension != NULL && strpbrk(raw.out.extension, "/\r\n") != NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"extension\" must not contain \"/\" or a line end"));
	if (raw.out.null == NULL)
		raw.out.null = pstrdup("");
	if (raw.max_file_size < (int64) MIN_FILE_SIZE || raw.max_file_size > (int64) MAX_FILE_SIZE)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"maxfilesize\" must be from 5 MB to 6.2 GB, not %lld bytes",
					   (long long) raw.max_file_size));
	raw.out.max_file_size = (uint64) raw.max_file_size;
	raw.out.serial = !raw.parallel;
	*out = raw.out;
}

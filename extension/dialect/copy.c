/*
 * copy.c
 *		COPY table FROM 's3://…' becomes a call of etl.load.
 *
 * The whole option list is parsed and checked here. Whether an option is served is the loader's to say: it alone
 * knows. COPY from a file, a program or STDIN is PostgreSQL's own and none of this room's business.
 */
#include "dialect/copy_job.h"
#include "dialect/json.h"
#include "dialect/literal.h"
#include "dialect/options.h"
#include "dialect/translate.h"

static const EtlOptionRule rules[] = {
	/* source */
	{"MANIFEST", ETL_OPTION_FLAG, "manifest"},
	{"REGION", ETL_OPTION_STRING, "region"},
	/* format */
	{"CSV", ETL_OPTION_FLAG, NULL, "csv"},
	{"FIXEDWIDTH", ETL_OPTION_STRING, "fixedwidth", "fixedwidth"},
	{"JSON", ETL_OPTION_DEFAULTED, "jsonpaths", "json", .word = "auto"},
	{"AVRO", ETL_OPTION_DEFAULTED, "jsonpaths", "avro", .word = "auto"},
	{"XML", ETL_OPTION_DEFAULTED, "xmlpaths", "xml", .word = "auto"}, /* ours, as is ROWTAG */
	{"ROWTAG", ETL_OPTION_STRING, "rowtag"},
	{"PARQUET", ETL_OPTION_FLAG, NULL, "parquet"},
	{"ORC", ETL_OPTION_FLAG, NULL, "orc"},
	{"DELIMITER", ETL_OPTION_STRING, "delimiter"},
	{"QUOTE", ETL_OPTION_STRING, "quote"},
	/* compression */
	{"GZIP", ETL_OPTION_FLAG, "gzip"},
	{"BZIP2", ETL_OPTION_FLAG, "bzip2"},
	{"LZOP", ETL_OPTION_FLAG, "lzop"},
	{"ZSTD", ETL_OPTION_FLAG, "zstd"},
	/* conversion */
	{"ACCEPTANYDATE", ETL_OPTION_FLAG, "acceptanydate"},
	{"ACCEPTINVCHARS", ETL_OPTION_DEFAULTED, "acceptinvchars", .word = "?"},
	{"BLANKSASNULL", ETL_OPTION_FLAG, "blanksasnull"},
	{"DATEFORMAT", ETL_OPTION_STRING, "dateformat"},
	{"EMPTYASNULL", ETL_OPTION_FLAG, "emptyasnull"},
	{"ENCODING", ETL_OPTION_WORD, "encoding"},
	{"ESCAPE", ETL_OPTION_FLAG, "escape"},
	{"EXPLICIT_IDS", ETL_OPTION_FLAG, "explicit_ids"},
	{"FILLRECORD", ETL_OPTION_FLAG, "fillrecord"},
	{"IGNOREBLANKLINES", ETL_OPTION_FLAG, "ignoreblanklines"},
	{"IGNOREHEADER", ETL_OPTION_INTEGER, "ignoreheader", .minimum = 0, .maximum = PG_INT32_MAX},
	{"NULL", ETL_OPTION_STRING, "null"},
	{"REMOVEQUOTES", ETL_OPTION_FLAG, "removequotes"},
	{"ROUNDEC", ETL_OPTION_FLAG, "roundec"},
	{"TIMEFORMAT", ETL_OPTION_STRING, "timeformat"},
	{"TRIMBLANKS", ETL_OPTION_FLAG, "trimblanks"},
	{"TRUNCATECOLUMNS", ETL_OPTION_FLAG, "truncatecolumns"},
	/* operation */
	{"COMPROWS", ETL_OPTION_INTEGER, "comprows", .minimum = 0, .maximum = PG_INT32_MAX},
	{"COMPUPDATE", ETL_OPTION_SWITCH, "compupdate", .word = "preset"},
	{"IGNOREALLERRORS", ETL_OPTION_FLAG, "ignoreallerrors"},
	{"MAXERROR", ETL_OPTION_INTEGER, "maxerror", .minimum = 0, .maximum = 100000},
	{"NOLOAD", ETL_OPTION_FLAG, "noload"},
	{"READRATIO", ETL_OPTION_INTEGER, "readratio", .minimum = 1, .maximum = 200},
	{"STATUPDATE", ETL_OPTION_SWITCH, "statupdate"},
	/* known, and not to be had */
	{"SHAPEFILE", ETL_OPTION_REFUSED, NULL, "shapefile", .word = "Convert the file to CSV, with its shapes as text."},
	{"ENCRYPTED", ETL_OPTION_REFUSED, .word = "Let S3 encrypt: objects it encrypts itself need no option."},
	{"MASTER_SYMMETRIC_KEY", ETL_OPTION_REFUSED,
	 .word = "Let S3 encrypt: objects it encrypts itself need no option."},
	{"SSH", ETL_OPTION_REFUSED, .word = "Put the files to S3 and load them from there."},
};

static const char lines_only[] =
	"DELIMITER,ESCAPE,FILLRECORD,IGNOREBLANKLINES,IGNOREHEADER,NULL,READRATIO,REMOVEQUOTES,QUOTE";
static const char columnar_only[] = "ACCEPTINVCHARS,EXPLICIT_IDS,FILLRECORD,MANIFEST,STATUPDATE";

static const EtlOptionConflict conflicts[] = {
	{"CSV", false, "ESCAPE,REMOVEQUOTES"},
	{"FIXEDWIDTH", false, "DELIMITER,ESCAPE,QUOTE,REMOVEQUOTES"},
	{"JSON", false, lines_only},
	{"AVRO", false, lines_only},
	{"XML", false, lines_only},
	{"PARQUET", true, columnar_only},
	{"ORC", true, columnar_only},
	{"GZIP", false, "BZIP2,LZOP,ZSTD"},
	{"BZIP2", false, "LZOP,ZSTD"},
	{"LZOP", false, "ZSTD"},
	{"IGNOREALLERRORS", false, "MAXERROR"},
};

/* The statement's source is one of Redshift's: its URI is at the cursor. */
static bool
is_redshift_source(EtlParser *parser, char **uri)
{
	static const char *const schemes[] = {"s3://", "emr://", "dynamodb://"};
	EtlError ignored;

	if (!parser_is_string(parser) || !literal_decode(parser->sql, parser_token(parser), true, uri, &ignored))
		return false;
	for (int i = 0; i < lengthof(schemes); i++)
		if (pg_strncasecmp(*uri, schemes[i], strlen(schemes[i])) == 0)
			return true;
	return false;
}

/* COPY table [(columns)] FROM, up to the source. PASS when it is PostgreSQL's COPY. */
static EtlFamilyResult
parse_target(EtlParser *parser, char **table, StringInfo json, char **uri)
{
	int target = parser->next;
	const EtlToken *token = parser_token(parser);
	char *columns = NULL;

	/* a look ahead that changes nothing: is there a name, and a URI of Redshift's after FROM? */
	if (token->kind != ETL_TOKEN_WORD && token->kind != ETL_TOKEN_QUOTED && !parser_is_operator(parser, "#"))
		return ETL_FAMILY_PASS;
	while (!parser_is_word(parser, "from"))
	{
		if (parser_token(parser)->kind == ETL_TOKEN_END)
			return ETL_FAMILY_PASS;
		parser_advance(parser);
	}
	parser_advance(parser);
	if (!is_redshift_source(parser, uri))
		return ETL_FAMILY_PASS;

	parser->next = target;
	if (!parser_expect_name(parser, "a table's name", table) ||
		(parser_is_operator(parser, "(") && !options_parse_columns(parser, &columns)) ||
		!parser_expect_word(parser, "from"))
		return ETL_FAMILY_FAILED;
	if (columns != NULL)
	{
		json_append_key(json, "columns");
		appendStringInfoString(json, columns);
	}
	return ETL_FAMILY_DONE;
}

EtlFamilyResult
translate_copy(EtlParser *parser, EtlTranslation *out)
{
	EtlOptions options = {"COPY", rules, lengthof(rules), conflicts, lengthof(conflicts)};
	StringInfoData json;
	StringInfoData sql;
	EtlFamilyResult result;
	EtlParser copy;
	EtlCopyJob job;
	char *table;
	char *uri;

	if (copy_job_is_next(parser))
		return translate_copy_job(parser, out);
	initStringInfo(&json);
	appendStringInfoChar(&json, '{');
	result = parse_target(parser, &table, &json, &uri);
	if (result != ETL_FAMILY_DONE)
		return result;
	if (pg_strncasecmp(uri, "s3://", 5) != 0)
	{
		etl_error_set(parser->error, ERRCODE_FEATURE_NOT_SUPPORTED, "COPY from \"%.*s\" is not supported",
					  (int) strcspn(uri, ":"), uri);
		etl_error_hint(parser->error, "Put the files to S3 and load them from there.");
		parser_fail_at(parser, parser_token(parser));
		return ETL_FAMILY_FAILED;
	}
	parser_advance(parser);
	if (!copy_job_split(parser, &copy, &job) || !options_parse(&copy, &options) ||
		!options_require(&copy, &options, "QUOTE", "CSV") || !options_require(&copy, &options, "ROWTAG", "XML") ||
		!options_require(&copy, &options, "XML", "ROWTAG") || !copy_job_check_options(&copy, &job, &options))
		return ETL_FAMILY_FAILED;
	options_append(&json, &options);
	appendStringInfoChar(&json, '}');

	initStringInfo(&sql);
	appendStringInfoString(&sql, job.token != 0 ? "SELECT etl.copy_job_create(" : "SELECT etl.load(");
	if (job.token != 0)
	{
		literal_append(&sql, job.name);
		appendStringInfoString(&sql, ", ");
	}
	literal_append(&sql, table);
	appendStringInfoString(&sql, "::regclass, ");
	literal_append(&sql, uri);
	appendStringInfo(&sql, ", '%s', ", options_format(&options));
	literal_append(&sql, json.data);
	appendStringInfoString(&sql, "::jsonb");
	if (job.token != 0)
		copy_job_append(&sql, parser, &job);
	appendStringInfoChar(&sql, ')');
	out->sql = sql.data;
	return ETL_FAMILY_DONE;
}

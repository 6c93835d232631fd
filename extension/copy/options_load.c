/*
 * options_load.c
 *		The options of a load. See options.h; which pairs exclude one another is Redshift's guide's word.
 */
#include "postgres.h"

#include <limits.h>

#include "aws/request.h"
#include "copy/conversion.h"
#include "copy/options_value.h"

#define JSON COPY_FORMAT(ETL_COPY_JSON)
#define XML COPY_FORMAT(ETL_COPY_XML)

/* What the table fills that needs another look before it is part of the public struct. */
typedef struct LoadRaw
{
	EtlLoadOptions out;
	int64 ignore_header;
	int64 max_error;
	char *encoding;
	char *csv_escape;
	char *fixed;
	char *json_paths;
	char *xml_paths;
	EtlCopyCompression compression;
} LoadRaw;

#define AT(field) offsetof(LoadRaw, field)

static const EtlCopyOption options[] = {
	{"acceptanydate", COPY_OPTION_BOOL, AT(out.accept_any_date)},
	{"acceptinvchars", COPY_OPTION_TEXT, AT(out.invalid)},
	{"blanksasnull", COPY_OPTION_BOOL, AT(out.blanks_as_null)},
	{"bzip2", COPY_OPTION_BOOL, AT(compression.bzip2)},
	{"columns", COPY_OPTION_LIST, AT(out.columns)},
	{"comprows", COPY_OPTION_INTEGER, COPY_OPTION_NOWHERE, .minimum = 0, .maximum = INT_MAX,
	 .range = "a number of rows"},
	{"compupdate", COPY_OPTION_SWITCH, COPY_OPTION_NOWHERE, .word = "preset"},
	{"credentials", COPY_OPTION_CREDENTIALS, AT(out.access.credentials)},
	{"csv_escape", COPY_OPTION_TEXT, AT(csv_escape), .formats = COPY_FORMAT(ETL_COPY_CSV)},
	{"dateformat", COPY_OPTION_TEXT, AT(out.date_format)},
	{"delimiter", COPY_OPTION_TEXT, AT(out.delimiter), .formats = COPY_DELIMITED},
	{"emptyasnull", COPY_OPTION_BOOL, AT(out.empty_as_null)},
	{"encoding", COPY_OPTION_TEXT, AT(encoding)},
	{"escape", COPY_OPTION_BOOL, AT(out.escape), .formats = COPY_FORMAT(ETL_COPY_TEXT)},
	{"explicit_ids", COPY_OPTION_BOOL, AT(out.explicit_ids)},
	{"files", COPY_OPTION_LIST, AT(out.files)},
	{"fillrecord", COPY_OPTION_BOOL, AT(out.fill_record), .formats = COPY_LINES},
	{"fixedwidth", COPY_OPTION_TEXT, AT(fixed), .formats = COPY_FORMAT(ETL_COPY_FIXEDWIDTH)},
	{"force_not_null", COPY_OPTION_LIST, AT(out.force_not_null), .formats = COPY_FORMAT(ETL_COPY_CSV)},
	{"force_null", COPY_OPTION_LIST, AT(out.force_null), .formats = COPY_FORMAT(ETL_COPY_CSV)},
	{"freeze", COPY_OPTION_BOOL, AT(out.freeze)},
	{"gzip", COPY_OPTION_BOOL, AT(compression.gzip)},
	{"header_match", COPY_OPTION_BOOL, AT(out.header_match), .formats = COPY_DELIMITED},
	{"iam_role", COPY_OPTION_TEXT, AT(out.access.iam_role)},
	{"ignoreallerrors", COPY_OPTION_BOOL, AT(out.ignore_all_errors)},
	{"ignoreblanklines", COPY_OPTION_BOOL, AT(out.ignore_blank_lines), .formats = COPY_LINES},
	{"ignoreheader", COPY_OPTION_INTEGER, AT(ignore_header), .formats = COPY_LINES, .minimum = 0,
	 .maximum = INT_MAX, .range = "a number of lines"},
	{"jsonpaths", COPY_OPTION_TEXT, AT(json_paths), .formats = JSON},
	{"lzop", COPY_OPTION_BOOL, AT(compression.lzop)},
	{"manifest", COPY_OPTION_BOOL, AT(out.manifest)},
	{"maxerror", COPY_OPTION_INTEGER, AT(max_error), .minimum = 0, .maximum = 100000,
	 .range = "from 0 to 100000"},
	{"noload", COPY_OPTION_BOOL, AT(out.no_load)},
	{"null", COPY_OPTION_TEXT, AT(out.null), .formats = COPY_LINES},
	{"postgres", COPY_OPTION_BOOL, AT(out.postgres)},
	{"quote", COPY_OPTION_TEXT, AT(out.quote), .formats = COPY_FORMAT(ETL_COPY_CSV)},
	{"readratio", COPY_OPTION_INTEGER, COPY_OPTION_NOWHERE, .formats = COPY_LINES, .minimum = 1,
	 .maximum = 200, .range = "from 1 to 200"},
	{"region", COPY_OPTION_TEXT, AT(out.access.region)},
	{"removequotes", COPY_OPTION_BOOL, AT(out.remove_quotes), .formats = COPY_FORMAT(ETL_COPY_TEXT)},
	{"roundec", COPY_OPTION_BOOL, AT(out.round_decimals)},
	{"rowtag", COPY_OPTION_TEXT, AT(out.row_tag), .formats = XML},
	{"server", COPY_OPTION_TEXT, AT(out.access.server)},
	{"single", COPY_OPTION_BOOL, AT(out.single)},
	{"statupdate", COPY_OPTION_SWITCH, COPY_OPTION_NOWHERE},
	{"timeformat", COPY_OPTION_TEXT, AT(out.time_format)},
	{"trimblanks", COPY_OPTION_BOOL, AT(out.trim_blanks)},
	{"truncatecolumns", COPY_OPTION_BOOL, AT(out.truncate_columns)},
	{"where", COPY_OPTION_TEXT, AT(out.where)},
	{"xmlpaths", COPY_OPTION_TEXT, AT(xml_paths), .formats = XML},
	{"zstd", COPY_OPTION_BOOL, AT(compression.zstd)},
};

static const EtlCopyOptionPair pairs[] = {
	{"gzip", "bzip2"},
	{"gzip", "lzop"},
	{"gzip", "zstd"},
	{"bzip2", "lzop"},
	{"bzip2", "zstd"},
	{"lzop", "zstd"},
	{"iam_role", "credentials"},
	{"ignoreallerrors", "maxerror"},
	{"files", "manifest"},
	{"freeze", "ignoreallerrors"},
	{"freeze", "maxerror"},
	{"header_match", "ignoreheader"},
	{"single", "manifest"},
	{"postgres", "acceptanydate"},
	{"postgres", "dateformat"},
	{"postgres", "escape"},
	{"postgres", "fillrecord"},
	{"postgres", "removequotes"},
	{"postgres", "timeformat"},
	{"postgres", "truncatecolumns"},
};

const EtlCopyOptionTable copy_load_option_table = {options, lengthof(options), pairs, lengthof(pairs)};

static void
pg_attribute_noreturn() option_invalid(const char *name, const char *wanted)
{
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			errmsg("option \"%s\" must be %s", name, wanted));
}

/* Redshift's, and for PostgreSQL's COPY also those of the server. */
static void
encoding_read(const char *written, EtlLoadOptions *out)
{
	static const struct
	{
		const char *name;
		EtlEncoding encoding;
	} encodings[] = {
		{"utf8", ETL_ENCODING_UTF8},	   {"utf-8", ETL_ENCODING_UTF8},
		{"utf16", ETL_ENCODING_UTF16},	   {"utf-16", ETL_ENCODING_UTF16},
		{"utf16le", ETL_ENCODING_UTF16LE}, {"utf-16le", ETL_ENCODING_UTF16LE},
		{"utf16be", ETL_ENCODING_UTF16BE}, {"utf-16be", ETL_ENCODING_UTF16BE},
	};

	if (written == NULL)
		return;
	if (out->format == ETL_COPY_FIXEDWIDTH && pg_strcasecmp(written, "utf8") != 0 && pg_strcasecmp(written, "utf-8") != 0)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"encoding\" with value \"%s\" cannot be used with format \"fixedwidth\"", written),
				errhint("Files of fixed width are UTF-8."));
	for (int i = 0; i < lengthof(encodings); i++)
	{
		if (pg_strcasecmp(written, encodings[i].name) != 0)
			continue;
		out->encoding = encodings[i].encoding;
		return;
	}
	if (out->postgres)
	{
		out->conversion = conversion_encoding_read(written);
		return;
	}
	ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("unknown encoding \"%s\"", written),
			errhint("The encodings are: utf8, utf16, utf16le, utf16be."));
}

/* 'auto', 'auto ignorecase', 'noshred', or the URI of a file with paths. */
static void
mapping_read(const char *name, char *written, bool xml, EtlLoadOptions *out)
{
	EtlUri uri;

	out->json = ETL_JSON_AUTO;
	if (written == NULL || pg_strcasecmp(written, "auto") == 0)
		return;
	if (pg_strcasecmp(written, "auto ignorecase") == 0)
		out->json = ETL_JSON_AUTO_IGNORECASE;
	else if (!xml && pg_strcasecmp(written, "noshred") == 0)
		out->json = ETL_JSON_NOSHRED;
	else if (pg_strncasecmp(written, "s3://", strlen("s3://")) == 0)
	{
		store_uri_parse(written, &uri);
		store_require_key(uri.bucket, uri.key);
		out->json = ETL_JSON_PATHS;
		out->paths = written;
	}
	else
		option_invalid(name,
					   xml ? "\"auto\", \"auto ignorecase\" or the URI of a file with paths"
						   : "\"auto\", \"auto ignorecase\", \"noshred\" or the URI of a file with paths");
}

/* \N, which may also be written \\N, and the NUL byte, which is written \0 or \000. */
static void
null_read(EtlLoadOptions *out)
{
	if (out->null == NULL || strcmp(out->null, "\\\\N") == 0)
		out->null = pstrdup("\\N");
	if (strpbrk(out->null, "\r\n") != NULL || strcmp(out->null, "\\n") == 0)
		option_invalid("null", "a text without a line end");
	out->null = aws_text_to_utf8(out->null);
	out->null_len = (int) strlen(out->null);
	if (strcmp(out->null, "\\0") == 0 || strcmp(out->null, "\\000") == 0)
	{
		out->null = pstrdup("");
		out->null_len = 1;
	}
}

/* COPY's own: a tab and \N, or a comma and the empty string, unless it says otherwise, and then just what it says. */
static void
postgres_read(LoadRaw *raw)
{
	EtlLoadOptions *out = &raw->out;
	bool csv = out->format == ETL_COPY_CSV;

	if (out->delimiter == NULL)
		out->delimiter = pstrdup(csv ? "," : "\t");
	if (out->null == NULL)
		out->null = pstrdup(csv ? "" : "\\N");
	if (strpbrk(out->null, "\r\n") != NULL)
		option_invalid("null", "a text without a line end");
	out->delimiter = aws_text_to_utf8(out->delimiter);
	out->null = aws_text_to_utf8(out->null);
	out->null_len = (int) strlen(out->null);
	out->escape = !csv;
	out->csv_escape = csv ? copy_character_read("csv_escape", raw->csv_escape, '\0') : '\0';
}

static void
format_check(EtlCopyOptionsGiven given, LoadRaw *raw)
{
	EtlLoadOptions *out = &raw->out;

	copy_options_check(&copy_load_option_table, given, out->format);
	switch (out->format)
	{
		case ETL_COPY_CSV:
			out->quote = psprintf("%c", copy_character_read("quote", out->quote, '"'));
			/* FALLTHROUGH */
		case ETL_COPY_TEXT:
			if (out->postgres)
			{
				postgres_read(raw);
				break;
			}
			out->delimiter = copy_delimiter_read(out->delimiter, out->format);
			null_read(out);
			break;
		case ETL_COPY_FIXEDWIDTH:
			if (raw->fixed == NULL)
				ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("format \"fixedwidth\" needs option \"fixedwidth\""),
						errhint("Write 'label:width,label:width'."));
			out->fixed = copy_fixed_columns_read(raw->fixed, &out->fixed_count);
			null_read(out);
			break;
		case ETL_COPY_JSON:
			mapping_read("jsonpaths", raw->json_paths, false, out);
			break;
		case ETL_COPY_XML:
			if (out->row_tag == NULL || *out->row_tag == '\0')
				ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
						errmsg("format \"xml\" needs option \"rowtag\""),
						errhint("It is the name of the element that is a row."));
			mapping_read("xmlpaths", raw->xml_paths, true, out);
			break;
	}
}

void
copy_load_options_read(const char *format, Jsonb *given_options, EtlLoadOptions *out)
{
	LoadRaw raw = {{0}};
	EtlCopyOptionsGiven given;

	raw.out.format = copy_format_read(format, "loading", true);
	given = copy_options_read(&copy_load_option_table, given_options, &raw);
	if (raw.fixed != NULL && raw.out.format == ETL_COPY_TEXT)
		raw.out.format = ETL_COPY_FIXEDWIDTH;
	copy_options_require(&copy_load_option_table, given, "csv_escape", "postgres");
	copy_options_require(&copy_load_option_table, given, "force_null", "postgres");
	copy_options_require(&copy_load_option_table, given, "force_not_null", "postgres");
	copy_options_require(&copy_load_option_table, given, "freeze", "postgres");
	copy_options_require(&copy_load_option_table, given, "header_match", "postgres");
	copy_options_require(&copy_load_option_table, given, "where", "postgres");
	format_check(given, &raw);
	raw.out.codec = copy_codec_chosen(&raw.compression);
	encoding_read(raw.encoding, &raw.out);
	raw.out.ignore_header = (int) raw.ignore_header;
	raw.out.max_error = (int) raw.max_error;
	if (raw.out.invalid != NULL && (strlen(raw.out.invalid) != 1 || (unsigned char) raw.out.invalid[0] > 127))
		option_invalid("acceptinvchars", "a single ASCII character");
	if (raw.out.row_tag != NULL)
		raw.out.row_tag = aws_text_to_utf8(raw.out.row_tag);
	if (raw.out.date_format != NULL)
		raw.out.date_format = aws_text_to_utf8(raw.out.date_format);
	if (raw.out.time_format != NULL)
		raw.out.time_format = aws_text_to_utf8(raw.out.time_format);
	*out = raw.out;
}

/*
 * options_unload.c
 *		The options of an unload. See options.h; which pairs exclude one another is Redshift's guide's word.
 */
#include "postgres.h"

#include "aws/request.h"
#include "copy/conversion.h"
#include "copy/options_value.h"

#define MIN_FILE_SIZE (INT64CONST(5) * 1024 * 1024)
#define MAX_FILE_SIZE INT64CONST(6657199309) /* 6.2 GB, rounded up */

#define TEXT COPY_FORMAT(ETL_COPY_TEXT)

/* What the table fills that needs another look before it is part of the public struct. */
typedef struct UnloadRaw
{
	EtlUnloadOptions out;
	int64 max_file_size;
	char *fixed;
	char *csv_escape;
	char *encoding;
	char *quote;
	bool encrypted_auto;
	bool parallel;
	EtlCopyCompression compression;
} UnloadRaw;

#define AT(field) offsetof(UnloadRaw, field)

static const EtlCopyOption options[] = {
	{"addquotes", COPY_OPTION_BOOL, AT(out.add_quotes), .formats = TEXT},
	{"allowoverwrite", COPY_OPTION_BOOL, AT(out.allow_overwrite)},
	{"bzip2", COPY_OPTION_BOOL, AT(compression.bzip2)},
	{"cleanpath", COPY_OPTION_BOOL, AT(out.clean_path)},
	{"credentials", COPY_OPTION_CREDENTIALS, AT(out.access.credentials)},
	{"csv_escape", COPY_OPTION_TEXT, AT(csv_escape), .formats = COPY_FORMAT(ETL_COPY_CSV)},
	{"delimiter", COPY_OPTION_TEXT, AT(out.delimiter), .formats = COPY_DELIMITED},
	{"encoding", COPY_OPTION_TEXT, AT(encoding), .formats = COPY_DELIMITED},
	{"encrypted", COPY_OPTION_BOOL, AT(out.encrypted)},
	{"encrypted_auto", COPY_OPTION_BOOL, AT(encrypted_auto)},
	{"escape", COPY_OPTION_BOOL, AT(out.escape), .formats = TEXT},
	{"extension", COPY_OPTION_TEXT, AT(out.extension)},
	{"fixedwidth", COPY_OPTION_TEXT, AT(fixed), .formats = COPY_FORMAT(ETL_COPY_FIXEDWIDTH)},
	{"force_quote", COPY_OPTION_LIST, AT(out.force_quote), .formats = COPY_FORMAT(ETL_COPY_CSV)},
	{"formula_guard", COPY_OPTION_BOOL, AT(out.formula_guard), .formats = COPY_DELIMITED},
	{"gzip", COPY_OPTION_BOOL, AT(compression.gzip)},
	{"header", COPY_OPTION_BOOL, AT(out.header), .formats = COPY_DELIMITED},
	{"iam_role", COPY_OPTION_TEXT, AT(out.access.iam_role)},
	{"include", COPY_OPTION_BOOL, AT(out.include)},
	{"kms_key_id", COPY_OPTION_TEXT, AT(out.kms_key_id)},
	{"manifest", COPY_OPTION_BOOL, AT(out.manifest)},
	{"manifest_verbose", COPY_OPTION_BOOL, AT(out.manifest_verbose)},
	{"maxfilesize", COPY_OPTION_SIZE, AT(max_file_size), .minimum = MIN_FILE_SIZE, .maximum = MAX_FILE_SIZE,
	 .range = "from 5 MB to 6.2 GB"},
	{"null", COPY_OPTION_TEXT, AT(out.null), .formats = COPY_LINES},
	{"parallel", COPY_OPTION_SWITCH, AT(parallel)},
	{"partition_by", COPY_OPTION_LIST, AT(out.partition_by)},
	{"postgres", COPY_OPTION_BOOL, AT(out.postgres), .formats = COPY_DELIMITED},
	{"quote", COPY_OPTION_TEXT, AT(quote), .formats = COPY_FORMAT(ETL_COPY_CSV)},
	{"region", COPY_OPTION_TEXT, AT(out.access.region)},
	{"rowgroupsize", COPY_OPTION_SIZE, COPY_OPTION_NOWHERE, .formats = COPY_NO_FORMAT,
	 .minimum = INT64CONST(32) * 1024 * 1024, .maximum = INT64CONST(128) * 1024 * 1024,
	 .range = "from 32 MB to 128 MB"},
	{"server", COPY_OPTION_TEXT, AT(out.access.server)},
	{"single", COPY_OPTION_BOOL, AT(out.single)},
	{"zstd", COPY_OPTION_BOOL, AT(compression.zstd)},
};

static const EtlCopyOptionPair pairs[] = {
	{"gzip", "bzip2"},
	{"gzip", "zstd"},
	{"bzip2", "zstd"},
	{"iam_role", "credentials"},
	{"allowoverwrite", "cleanpath"},
	{"encrypted_auto", "kms_key_id"},
	{"postgres", "addquotes"},
	{"postgres", "escape"},
	{"single", "partition_by"},
	{"single", "cleanpath"},
	{"single", "extension"},
};

const EtlCopyOptionTable copy_unload_option_table = {options, lengthof(options), pairs, lengthof(pairs)};

static void
partition_by_check(const EtlUnloadOptions *out, EtlCopyOptionsGiven given)
{
	ListCell *lc;
	ListCell *other;

	copy_options_require(&copy_unload_option_table, given, "include", "partition_by");
	foreach (lc, out->partition_by)
		foreach (other, out->partition_by)
			if (other != lc && strcmp(lfirst(other), lfirst(lc)) == 0)
				ereport(ERROR, errcode(ERRCODE_DUPLICATE_COLUMN),
						errmsg("option \"partition_by\" has column \"%s\" twice", (char *) lfirst(lc)));
}

static void
format_check(EtlCopyOptionsGiven given, UnloadRaw *raw)
{
	EtlUnloadOptions *out = &raw->out;

	copy_options_check(&copy_unload_option_table, given, out->format);
	if (out->postgres)
	{
		if (out->delimiter == NULL)
			out->delimiter = pstrdup(out->format == ETL_COPY_CSV ? "," : "\t");
		out->delimiter = aws_text_to_utf8(out->delimiter);
		if (out->null == NULL)
			out->null = pstrdup(out->format == ETL_COPY_CSV ? "" : "\\N");
	}
	else if (out->format == ETL_COPY_TEXT || out->format == ETL_COPY_CSV)
		out->delimiter = copy_delimiter_read(out->delimiter, out->format);
	out->csv_quote = copy_character_read("quote", raw->quote, '"');
	out->csv_escape = copy_character_read("csv_escape", raw->csv_escape, '\0');
	if (out->format == ETL_COPY_FIXEDWIDTH)
	{
		if (raw->fixed == NULL)
			ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("format \"fixedwidth\" needs option \"fixedwidth\""),
					errhint("Write 'label:width,label:width'."));
		out->fixed = copy_fixed_columns_read(raw->fixed, &out->fixed_count);
	}
	if (out->null == NULL)
		out->null = pstrdup("");
	else if (strpbrk(out->null, "\r\n") != NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"null\" must be a text without a line end"));
	out->null = aws_text_to_utf8(out->null);
}

void
copy_unload_options_read(const char *format, Jsonb *given_options, EtlUnloadOptions *out)
{
	UnloadRaw raw = {.max_file_size = MAX_FILE_SIZE, .parallel = true};
	EtlCopyOptionsGiven given;

	raw.out.format = copy_format_read(format, "unloading", false);
	given = copy_options_read(&copy_unload_option_table, given_options, &raw);
	if (raw.fixed != NULL && raw.out.format == ETL_COPY_TEXT)
		raw.out.format = ETL_COPY_FIXEDWIDTH;
	format_check(given, &raw);
	partition_by_check(&raw.out, given);
	copy_options_require(&copy_unload_option_table, given, "csv_escape", "postgres");
	copy_options_require(&copy_unload_option_table, given, "encoding", "postgres");
	copy_options_require(&copy_unload_option_table, given, "force_quote", "postgres");
	if (raw.encoding != NULL)
		raw.out.conversion = conversion_encoding_read(raw.encoding);
	copy_options_require(&copy_unload_option_table, given, "manifest_verbose", "manifest");
	copy_options_require(&copy_unload_option_table, given, "encrypted_auto", "encrypted");
	copy_options_require(&copy_unload_option_table, given, "kms_key_id", "encrypted");
	/* AUTO is what the bucket says, and S3 goes by that when it isn't told otherwise. */
	raw.out.encrypted = raw.out.encrypted && !raw.encrypted_auto;
	raw.out.codec = copy_codec_chosen(&raw.compression);
	if (raw.out.extension != NULL && strpbrk(raw.out.extension, "/\r\n") != NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("option \"extension\" must not contain \"/\" or a line end"));
	raw.out.max_file_size = (uint64) raw.max_file_size;
	raw.out.serial = !raw.parallel;
	*out = raw.out;
}

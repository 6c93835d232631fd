/*
 * record_reader.c
 *		From options to readers. See record_reader.h.
 */
#include "postgres.h"

#include "copy/conversion.h"
#include "copy/record_reader.h"
#include "copy/shown_text.h"
#include "format/delimited.h"
#include "format/encoding.h"
#include "format/fixed_width.h"
#include "format/json_paths.h"
#include "format/json_reader.h"
#include "format/time_format.h"
#include "format/xml_reader.h"
#include "store/codec.h"

/* FORCE_NULL and FORCE_NOT_NULL, where a column has them. */
static void
set_forced(const EtlLoadPlan *plan, EtlDelimitedOptions *dialect)
{
	bool *force_null = palloc(plan->column_count);
	bool *force_not_null = palloc(plan->column_count);

	for (int i = 0; i < plan->column_count; i++)
	{
		force_null[i] = plan->columns[i].force_null;
		force_not_null[i] = plan->columns[i].force_not_null;
		if (force_null[i])
			dialect->force_null = force_null;
		if (force_not_null[i])
			dialect->force_not_null = force_not_null;
	}
	dialect->force_count = plan->column_count;
}

/* A text of what an option or a file has. */
static char *
text_of_error(const char *text)
{
	return shown_text(text, strlen(text), strlen(text));
}

/* It may quote what is in the options, which is UTF-8. */
static void
pg_attribute_noreturn() error_raise(const EtlError *error)
{
	ereport(ERROR, errcode(error->sqlstate), errmsg("%s", text_of_error(error->message)),
			error->detail[0] == '\0' ? 0 : errdetail("%s", text_of_error(error->detail)),
			error->hint[0] == '\0' ? 0 : errhint("%s", text_of_error(error->hint)));
}

static EtlDelimitedOptions
delimited_options(const EtlLoadPlan *plan)
{
	const EtlLoadOptions *options = &plan->options;
	bool csv = options->format == ETL_COPY_CSV;
	EtlDelimitedOptions dialect = {.delimiter = options->delimiter,
								   .delimiter_len = strlen(options->delimiter),
								   .quote = csv ? options->quote[0] : '\0',
								   .escape = csv			   ? options->csv_escape
											 : options->escape ? '\\'
															   : '\0',
								   .postgres = options->postgres,
								   .surrounding_quotes = options->remove_quotes,
								   .null_string = options->null,
								   .null_len = options->null_len,
								   .ignore_blank_lines = options->ignore_blank_lines,
								   .ignore_header = options->ignore_header};

	if (options->postgres && csv)
		set_forced(plan, &dialect);
	return dialect;
}

static EtlTimeFormat *
time_format(const char *format, bool is_date)
{
	EtlError error;
	EtlTimeFormat *compiled;

	if (format == NULL)
		return NULL;
	compiled = time_format_create(format, is_date, &error);
	if (compiled == NULL)
		error_raise(&error);
	return compiled;
}

void
record_reader_time_formats(const EtlLoadOptions *options, EtlValueRules *rules)
{
	rules->date_format = time_format(options->date_format, true);
	rules->time_format = time_format(options->time_format, false);
}

static EtlFixedWidthOptions
fixed_width_options(const EtlLoadOptions *options)
{
	int *widths = palloc(options->fixed_count * sizeof(int));
	EtlFixedWidthOptions fixed = {.widths = widths,
								  .width_count = options->fixed_count,
								  .null_string = options->null,
								  .null_len = options->null_len,
								  .ignore_blank_lines = options->ignore_blank_lines,
								  .ignore_header = options->ignore_header};

	for (int i = 0; i < options->fixed_count; i++)
		widths[i] = options->fixed[i].width;
	return fixed;
}

static const char *const *
column_names(const EtlLoadPlan *plan)
{
	const char **names = palloc(plan->column_count * sizeof(char *));

	for (int i = 0; i < plan->column_count; i++)
		names[i] = plan->columns[i].member;
	return names;
}

/* The compiled paths; NULL: there are none. */
static EtlJsonPaths *
paths_of(const EtlLoadPlan *plan)
{
	bool xml = plan->options.format == ETL_COPY_XML;
	EtlJsonPaths *paths = palloc0(sizeof(EtlJsonPaths));
	EtlError error;

	if (plan->path_text == NULL)
		return NULL;
	if (!json_paths_parse(plan->path_text, strlen(plan->path_text), xml ? "xmlpaths" : "jsonpaths", paths,
						  &error))
		ereport(ERROR, errcode(error.sqlstate), errmsg("%s", text_of_error(error.message)),
				errdetail("It is in file \"%s\".%s%s", plan->options.paths,
						  error.detail[0] == '\0' ? "" : " ", text_of_error(error.detail)),
				error.hint[0] == '\0' ? 0 : errhint("%s", text_of_error(error.hint)));
	if (paths->count != plan->column_count)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("file \"%s\" has %d paths for %d columns", plan->options.paths, paths->count,
					   plan->column_count),
				errhint("Give one path a column, in the order of the column list."));
	return paths;
}

static EtlJsonOptions
json_options(const EtlLoadPlan *plan)
{
	EtlJsonOptions json = {.mapping = plan->options.json,
						   .columns = column_names(plan),
						   .paths = paths_of(plan),
						   .column_count = plan->column_count};

	return json;
}

static EtlXmlOptions
xml_options(const EtlLoadPlan *plan)
{
	EtlXmlOptions xml = {.row_tag = plan->options.row_tag,
						 .columns = column_names(plan),
						 .paths = paths_of(plan),
						 .column_count = plan->column_count,
						 .ignore_case = plan->options.json == ETL_JSON_AUTO_IGNORECASE,
						 .is_utf8 = plan->options.encoding != ETL_ENCODING_UTF8 || plan->options.conversion != 0};

	return xml;
}

static void
json_check(const EtlLoadPlan *plan)
{
	(void) paths_of(plan);
	if (plan->options.json == ETL_JSON_NOSHRED && plan->column_count != 1)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("JSON 'noshred' loads into one column, not %d", plan->column_count),
				errhint("Name the column: COPY table (column) FROM ..."));
}

void
record_reader_check(const EtlLoadPlan *plan)
{
	EtlValueRules ignored;
	EtlError error;
	bool ok = true;

	switch (plan->options.format)
	{
		case ETL_COPY_TEXT:
		case ETL_COPY_CSV:
		{
			EtlDelimitedOptions dialect = delimited_options(plan);

			ok = delimited_options_check(&dialect, &error);
			break;
		}
		case ETL_COPY_FIXEDWIDTH:
		{
			EtlFixedWidthOptions fixed = fixed_width_options(&plan->options);

			ok = fixed_width_options_check(&fixed, &error);
			if (ok && fixed.width_count != plan->column_count)
				ereport(
					ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					errmsg("FIXEDWIDTH has %d widths for %d columns", fixed.width_count, plan->column_count),
					errhint("Give one width a column, in the order of the column list."));
			break;
		}
		case ETL_COPY_JSON:
			json_check(plan);
			break;
		case ETL_COPY_XML:
		{
			EtlXmlOptions xml = xml_options(plan);

			ok = xml_options_check(&xml, &error);
			break;
		}
	}
	if (!ok)
		error_raise(&error);
	record_reader_time_formats(&plan->options, &ignored);
}

EtlReader *
record_reader_stream(const EtlLoadOptions *options, EtlReader *stream)
{
	stream = codec_reader(stream, options->codec);
	if (options->conversion != 0)
		return conversion_reader(stream, options->conversion);
	return encoding_reader(stream, options->encoding);
}

static EtlRecordReader *
xml_reader(const EtlLoadPlan *plan)
{
	EtlXmlOptions xml = xml_options(plan);
	EtlError error;
	EtlRecordReader *reader = xml_reader_create(&xml, &error);

	if (reader == NULL)
		error_raise(&error);
	return reader;
}

EtlRecordReader *
record_reader_create(const EtlLoadPlan *plan)
{
	switch (plan->options.format)
	{
		case ETL_COPY_TEXT:
		case ETL_COPY_CSV:
		{
			EtlDelimitedOptions dialect = delimited_options(plan);

			return delimited_reader_create(&dialect);
		}
		case ETL_COPY_FIXEDWIDTH:
		{
			EtlFixedWidthOptions fixed = fixed_width_options(&plan->options);

			return fixed_width_reader_create(&fixed);
		}
		case ETL_COPY_JSON:
		{
			EtlJsonOptions json = json_options(plan);

			return json_reader_create(&json);
		}
		case ETL_COPY_XML:
			return xml_reader(plan);
	}
	pg_unreachable();
}

EtlRecordReader *
record_reader_create_for_one(const EtlLoadPlan *plan)
{
	EtlLoadPlan one = *plan;

	one.options.ignore_header = 0;
	return record_reader_create(&one);
}

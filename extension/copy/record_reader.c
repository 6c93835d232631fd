/*
 * record_reader.c
 *		From options to readers. See record_reader.h.
 */
#include "postgres.h"

#include "copy/record_reader.h"
#include "format/delimited.h"
#include "format/time_format.h"
#include "store/codec.h"

static EtlDelimitedOptions
delimited_options(const EtlLoadOptions *options)
{
	bool csv = options->format == ETL_COPY_CSV;
	EtlDelimitedOptions dialect = {.delimiter = options->delimiter,
								   .delimiter_len = strlen(options->delimiter),
								   .quote = csv ? options->quote[0] : '\0',
								   .escape = options->escape ? '\\' : '\0',
								   .surrounding_quotes = options->remove_quotes,
								   .null_string = options->null,
								   .null_len = options->null_len,
								   .ignore_blank_lines = options->ignore_blank_lines,
								   .ignore_header = options->ignore_header};

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
		etl_error_raise(&error);
	return compiled;
}

void
record_reader_time_formats(const EtlLoadOptions *options, EtlValueRules *rules)
{
	rules->date_format = time_format(options->date_format, true);
	rules->time_format = time_format(options->time_format, false);
}

void
record_reader_check(const EtlLoadPlan *plan)
{
	EtlDelimitedOptions dialect = delimited_options(&plan->options);
	EtlValueRules ignored;
	EtlError error;

	if (!delimited_options_check(&dialect, &error))
		etl_error_raise(&error);
	record_reader_time_formats(&plan->options, &ignored);
}

EtlReader *
record_reader_stream(const EtlLoadOptions *options, EtlReader *stream)
{
	return codec_reader(stream, options->codec);
}

EtlRecordReader *
record_reader_create(const EtlLoadPlan *plan)
{
	EtlDelimitedOptions dialect = delimited_options(&plan->options);

	return delimited_reader_create(&dialect);
}

EtlRecordReader *
record_reader_create_for_one(const EtlLoadPlan *plan)
{
	EtlLoadPlan one = *plan;

	one.options.ignore_header = 0;
	return record_reader_create(&one);
}

/*
 * rows.c
 *		The files a load reads, as rows. See rows.h.
 *
 * Each file has a memory context of its own that holds its parser.
 */
#include "postgres.h"

#include "copy/rows.h"
#include "store/codec.h"
#include "utils/memutils.h"

#define ROWS_BUFFER_SIZE 65536

struct EtlLoadRows
{
	const EtlLoadOptions *options;
	EtlLoadSource *source;
	EtlDelimitedOptions dialect;
	int64 *first_line; /* of each file: the lines of all before it */
	int current;
	int64 line; /* last row's, over all files */
	bool fetching;
	MemoryContext file_context;
	EtlReader *stream; /* NULL: no file is open */
	EtlRecordReader *parser;
	char buf[ROWS_BUFFER_SIZE];
};

EtlLoadRows *
load_rows_open(EtlLoadSource *source, const EtlLoadOptions *options)
{
	EtlLoadRows *rows = palloc0(sizeof(EtlLoadRows));
	EtlError error;

	rows->options = options;
	rows->source = source;
	rows->dialect.delimiter = options->delimiter;
	rows->dialect.delimiter_len = strlen(options->delimiter);
	rows->dialect.quote = options->format == ETL_COPY_CSV ? options->quote[0] : '\0';
	rows->dialect.escape = options->escape ? '\\' : '\0';
	rows->dialect.surrounding_quotes = options->remove_quotes;
	rows->dialect.null_string = options->null;
	rows->dialect.null_len = options->null_len;
	rows->dialect.ignore_blank_lines = options->ignore_blank_lines;
	rows->dialect.ignore_header = options->ignore_header;
	if (!delimited_options_check(&rows->dialect, &error))
		etl_error_raise(&error);
	rows->first_line = palloc0(load_source_file_count(source) * sizeof(int64));
	rows->current = -1;
	rows->file_context =
		AllocSetContextCreate(CurrentMemoryContext, "pg_etl load file", ALLOCSET_DEFAULT_SIZES);
	return rows;
}

static bool
rows_open_file(EtlLoadRows *rows)
{
	MemoryContext old = MemoryContextSwitchTo(rows->file_context);

	rows->stream = load_source_next(rows->source, &rows->current);
	if (rows->stream != NULL)
	{
		rows->first_line[rows->current] = rows->line;
		rows->stream = codec_reader(rows->stream, rows->options->codec);
		rows->parser = delimited_reader_create(&rows->dialect);
	}
	MemoryContextSwitchTo(old);
	return rows->stream != NULL;
}

static void
rows_close_file(EtlLoadRows *rows)
{
	rows->stream->close(rows->stream);
	rows->stream = NULL;
	MemoryContextReset(rows->file_context);
}

static void
rows_feed(EtlLoadRows *rows)
{
	MemoryContext old = MemoryContextSwitchTo(rows->file_context);
	size_t n = rows->stream->read(rows->stream, rows->buf, sizeof(rows->buf));

	rows->parser->feed(rows->parser, rows->buf, n, n == 0);
	MemoryContextSwitchTo(old);
}

bool
load_rows_next(EtlLoadRows *rows, EtlRecord *row)
{
	EtlRecordStatus status = ETL_RECORD_NEED_MORE;
	EtlError error;

	rows->fetching = true;
	for (;;)
	{
		if (rows->stream != NULL)
			status = rows->parser->next(rows->parser, row, &error);
		else if (!rows_open_file(rows))
			break;
		else
			status = ETL_RECORD_NEED_MORE;
		switch (status)
		{
			case ETL_RECORD_NEED_MORE:
				rows_feed(rows);
				break;
			case ETL_RECORD_END:
				rows_close_file(rows);
				break;
			case ETL_RECORD_ROW:
				rows->line = rows->first_line[rows->current] + row->line;
				rows->fetching = false;
				return true;
			case ETL_RECORD_ERROR:
				rows->line = rows->first_line[rows->current] + row->line;
				rows->fetching = false;
				etl_error_raise(&error);
		}
	}
	rows->fetching = false;
	return false;
}

int64
load_rows_line(const EtlLoadRows *rows)
{
	return rows->line;
}

const EtlLoadFile *
load_rows_file(const EtlLoadRows *rows, int64 line, int64 *lines_before)
{
	int i = Max(rows->current, 0);

	while (i > 0 && rows->first_line[i] >= line)
		i--;
	*lines_before = rows->first_line[i];
	return load_source_file(rows->source, i);
}

int64
load_rows_first_line(const EtlLoadRows *rows, int file)
{
	return rows->first_line[file];
}

bool
load_rows_fetching(const EtlLoadRows *rows)
{
	return rows->fetching;
}

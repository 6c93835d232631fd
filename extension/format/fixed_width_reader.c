/*
 * fixed_width_reader.c
 *		Bytes to rows of fields of fixed width. See fixed_width.h. Pure.
 */
#include "format/fixed_width.h"

#include "format/window.h"

typedef struct FixedWidthReader
{
	EtlRecordReader base;
	EtlFixedWidthOptions options;
	EtlWindow window;
	int header_left;
	int64 line;
	bool over_limit;  /* a line was too long: stays an error */
	EtlField *fields; /* one more than there are widths */
} FixedWidthReader;

bool
fixed_width_options_check(const EtlFixedWidthOptions *options, EtlError *error)
{
	const int sqlstate = ERRCODE_INVALID_PARAMETER_VALUE;
	int64 sum = 0;

	if (options->width_count < 1 || options->width_count >= ETL_RECORD_MAX_FIELDS)
		return etl_error_set(error, sqlstate, "there must be 1 to %d fixed widths",
							 ETL_RECORD_MAX_FIELDS - 1);
	for (int i = 0; i < options->width_count; i++)
	{
		if (options->widths[i] < 1)
			return etl_error_set(error, sqlstate, "fixed width %d must be at least 1", i + 1);
		sum += options->widths[i];
	}
	if (sum > ETL_RECORD_MAX_SIZE)
		return etl_error_set(error, sqlstate, "fixed widths must not be more than %d characters together",
							 ETL_RECORD_MAX_SIZE);
	if (options->ignore_header < 0)
		return etl_error_set(error, sqlstate, "number of header rows must not be negative");
	return true;
}

static void
reader_free(EtlRecordReader *self)
{
	FixedWidthReader *reader = (FixedWidthReader *) self;

	window_free(&reader->window);
	pfree(reader->fields);
	pfree(reader);
}

static void
reader_feed(EtlRecordReader *self, const char *buf, size_t len, bool eof)
{
	window_feed(&((FixedWidthReader *) self)->window, buf, len, eof);
}

static EtlRecordStatus
over_limit(FixedWidthReader *reader, EtlRecord *row, EtlError *error)
{
	reader->over_limit = true;
	*row = (EtlRecord){.line = reader->line, .code = ETL_LOAD_LINE, .bad_field = -1};
	etl_error_set(error, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "line " INT64_FORMAT ": row is longer than %d MB",
				  reader->line, ETL_RECORD_MAX_SIZE / (1024 * 1024));
	return ETL_RECORD_ERROR;
}

/*
 * Behind the first `count` characters from p on, or end. A character is a byte and the continuation bytes after it; so
 * bytes that are no UTF-8 belong to some character, too.
 */
static inline const char *
skip_characters(const char *p, const char *end, int count)
{
	const uint64 high_bits = UINT64CONST(0x8080808080808080);

	/* Eight at a time while they are ASCII, what follows included: a continuation byte may. */
	for (; count >= 8 && end - p >= 9 && (p[8] & 0xC0) != 0x80; count -= 8, p += 8)
	{
		uint64 word;

		memcpy(&word, p, sizeof(word));
		if ((word & high_bits) != 0)
			break;
	}
	for (; count > 0 && p < end; count--)
	{
		p++;
		while (p < end && (*p & 0xC0) == 0x80)
			p++;
	}
	return p;
}

static bool
is_null(const EtlFixedWidthOptions *options, const char *data, const char *end)
{
	size_t len = end - data;

	if (len < options->null_len || memcmp(data, options->null_string, options->null_len) != 0)
		return false;
	for (data += options->null_len; data < end; data++)
		if (*data != ' ')
			return false;
	return true;
}

/* Split the line from p to end. */
static void
split(FixedWidthReader *reader, EtlRecord *row, const char *p, const char *end)
{
	const EtlFixedWidthOptions *options = &reader->options;
	int count = 0;

	do
	{
		const char *next =
			count < options->width_count ? skip_characters(p, end, options->widths[count]) : end;

		reader->fields[count++] =
			(EtlField){.data = p, .len = next - p, .is_null = is_null(options, p, next)};
		p = next;
	} while (p < end);
	row->fields = reader->fields;
	row->field_count = count;
}

/* PostgreSQL has no text with NUL in it. In the null string it may be: then the field has no text. */
static bool
check_no_nul(EtlRecord *row, EtlError *error)
{
	if (memchr(row->raw, '\0', row->raw_len) == NULL)
		return true;
	for (int i = 0; i < row->field_count; i++)
	{
		if (row->fields[i].is_null || memchr(row->fields[i].data, '\0', row->fields[i].len) == NULL)
			continue;
		etl_error_set(error, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
					  "line " INT64_FORMAT ": NUL byte in field %d", row->line, i + 1);
		etl_error_hint(
			error,
			"Text cannot have NUL bytes. If they stand for missing values, say so with NULL AS '\\0'.");
		row->code = ETL_LOAD_NUL;
		row->bad_field = i;
		row->fields = NULL;
		row->field_count = 0;
		return false;
	}
	return true;
}

static EtlRecordStatus
reader_next(EtlRecordReader *self, EtlRecord *row, EtlError *error)
{
	FixedWidthReader *reader = (FixedWidthReader *) self;

	for (;;)
	{
		const char *start;
		const char *limit;
		const char *newline = NULL;
		const char *end;
		bool final;

		if (reader->over_limit)
			return over_limit(reader, row, error);
		if (window_look(&reader->window, &start, &limit, &final))
		{
			if (final && start == limit)
				return ETL_RECORD_END;
			newline = memchr(start, '\n', limit - start);
			/* A carriage return that belongs to the line end may be among them. */
			if (newline == NULL && limit - start > ETL_RECORD_MAX_SIZE + 1)
				return over_limit(reader, row, error);
			if (newline == NULL && final)
				newline = limit;
		}
		if (newline == NULL)
		{
			if (!window_extend(&reader->window, start, limit))
				return ETL_RECORD_NEED_MORE;
			continue;
		}
		end = newline > start && newline[-1] == '\r' ? newline - 1 : newline;
		if (end - start > ETL_RECORD_MAX_SIZE)
			return over_limit(reader, row, error);
		*row = (EtlRecord){.line = reader->line++, .raw = start, .raw_len = end - start, .bad_field = -1};
		window_advance(&reader->window, newline < limit ? newline + 1 : limit);
		if (reader->header_left > 0)
		{
			reader->header_left--;
			continue;
		}
		if (reader->options.ignore_blank_lines && row->raw_len == 0)
			continue;
		split(reader, row, start, end);
		return check_no_nul(row, error) ? ETL_RECORD_ROW : ETL_RECORD_ERROR;
	}
}

EtlRecordReader *
fixed_width_reader_create(const EtlFixedWidthOptions *options)
{
	FixedWidthReader *reader = palloc0(sizeof(FixedWidthReader));

	reader->base = (EtlRecordReader){reader_feed, reader_next, reader_free};
	reader->options = *options;
	reader->fields = palloc((options->width_count + 1) * sizeof(EtlField));
	window_init(&reader->window);
	reader->header_left = options->ignore_header;
	reader->line = 1;
	return &reader->base;
}

/*
 * delimited_reader.c
 *		Bytes of delimited text or CSV to rows of fields. Pure.
 *
 * A row is split in one pass over a window that has it whole (format/window.h); fields point into the window, and only
 * those with an escape in them are copied.
 *
 * Finding the next delimiter, line end, quote or escape is where the time goes: 64 bytes are compared with all of them at
 * once, and what stops a field is the next bit of the result. Anything but a bare field is left to the slower scan_….
 */
#include "format/delimited.h"

#include "format/delimited_postgres.h"
#include "format/window.h"
#include "port/pg_bitutils.h"

#ifdef __SSE2__
#include <emmintrin.h>
#endif

/*
 * What stops the scan of a bare field: line end, delimiter, quote, escape. Unused ones repeat the line end. PostgreSQL's
 * fields also stop at a carriage return.
 */
#define STOPS 4

typedef enum Scan
{
	SCAN_FIELD, /* and the row goes on */
	SCAN_ROW,
	SCAN_INCOMPLETE, /* the window ends before the row does */
	SCAN_BAD
} Scan;

/* Why there are no more rows. */
typedef enum Stop
{
	STOP_NOT,
	STOP_OVER_LIMIT, /* a row was too long: stays an error */
	STOP_END_OF_DATA /* of PostgreSQL's */
} Stop;

typedef struct DelimitedReader
{
	EtlRecordReader base;
	EtlDelimitedOptions options;
	char stops[STOPS];
	bool is_stop[256];

	EtlWindow window;

	/* Of `block`, 64 bytes of the window: where the stops are that are still ahead. NULL: not looked at. */
	const char *block;
	const char *block_limit; /* the window's, then */
	uint64 bits;

	int header_left;
	int64 line;
	bool forced; /* there are columns with FORCE_NULL or FORCE_NOT_NULL */
	Stop stopped;
	EtlPostgresLineEnd line_end; /* of PostgreSQL's rows */
	bool ends_data;				 /* PostgreSQL's end of data cuts the row that was split last */
	bool has_no_end;			 /* of the row that is malformed: a quote isn't closed */
	EtlLoadCode code;			 /* of the row that is malformed */

	/* The row being split */
	const char *raw;
	const char *raw_end;  /* its line end, or a carriage return before that, is not part of it */
	const char *next_row; /* start of the one after it */
	bool multiline;		  /* may have line ends inside */
	bool odd;			  /* may have NUL bytes */
	bool any_escaped;
	bool may_have_nul; /* an escape stands for one */
	int field_count;
	EtlField fields[ETL_RECORD_MAX_FIELDS];
	bool escaped[ETL_RECORD_MAX_FIELDS]; /* data still has its escapes or doubled quotes */
	StringInfoData scratch;					/* fields without them */
} DelimitedReader;

static void
reader_free(EtlRecordReader *self)
{
	DelimitedReader *reader = (DelimitedReader *) self;

	window_free(&reader->window);
	pfree(reader->scratch.data);
	pfree(reader);
}

static void
reader_feed(EtlRecordReader *self, const char *buf, size_t len, bool eof)
{
	DelimitedReader *reader = (DelimitedReader *) self;

	window_feed(&reader->window, buf, len, eof);
	reader->block = NULL;
}

/* The first stop at or after p, or limit. */
static inline const char *
find_stop(const DelimitedReader *reader, const char *p, const char *limit)
{
#ifdef __SSE2__
	const __m128i stop0 = _mm_set1_epi8(reader->stops[0]);
	const __m128i stop1 = _mm_set1_epi8(reader->stops[1]);
	const __m128i stop2 = _mm_set1_epi8(reader->stops[2]);
	const __m128i stop3 = _mm_set1_epi8(reader->stops[3]);

	for (; limit - p >= 16; p += 16)
	{
		__m128i block = _mm_loadu_si128((const __m128i *) p);
		__m128i hits = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(block, stop0), _mm_cmpeq_epi8(block, stop1)),
									_mm_or_si128(_mm_cmpeq_epi8(block, stop2), _mm_cmpeq_epi8(block, stop3)));
		int mask = _mm_movemask_epi8(hits);

		if (mask != 0)
			return p + __builtin_ctz(mask);
	}
#endif
	while (p < limit && !reader->is_stop[(unsigned char) *p])
		p++;
	return p;
}

static inline bool
at_delimiter(const DelimitedReader *reader, const char *p, const char *limit)
{
	int len = reader->options.delimiter_len;

	return p < limit && *p == reader->options.delimiter[0] &&
		   (len == 1 || (limit - p >= len && memcmp(p, reader->options.delimiter, len) == 0));
}

/*
 * Whether a line end, or the stream's, is at p. One that the window cuts in two counts as none: the row is then
 * found incomplete.
 */
static inline bool
at_row_end(const char *p, const char *limit, bool final)
{
	if (p < limit && *p == '\r')
		p++;
	return p < limit ? *p == '\n' : final;
}

static inline bool
is_null_string(const EtlDelimitedOptions *options, const char *data, size_t len)
{
	return len == options->null_len &&
		   (len == 0 || (*data == *options->null_string && memcmp(data, options->null_string, len) == 0));
}

/* FORCE_NULL and FORCE_NOT_NULL, of fields without their escapes. */
static void
force_fields(DelimitedReader *reader)
{
	const EtlDelimitedOptions *options = &reader->options;
	int count = Min(Min(reader->field_count, ETL_RECORD_MAX_FIELDS), options->force_count);

	for (int i = 0; i < count; i++)
	{
		EtlField *field = &reader->fields[i];

		if (field->is_null && options->force_not_null != NULL && options->force_not_null[i])
			field->is_null = false;
		else if (options->force_null != NULL && options->force_null[i] &&
				 is_null_string(options, field->data, field->len))
			field->is_null = true;
	}
}

static inline void
add_field(DelimitedReader *reader, const char *data, const char *end, bool quoted, bool escaped)
{
	if (reader->field_count < ETL_RECORD_MAX_FIELDS)
	{
		bool is_null = !quoted && is_null_string(&reader->options, data, end - data);

		reader->fields[reader->field_count] =
			(EtlField){.data = data, .len = end - data, .is_null = is_null, .quoted = quoted};
		reader->escaped[reader->field_count] = escaped;
		reader->any_escaped |= escaped;
	}
	reader->field_count++;
}

#ifdef __SSE2__
#define BLOCK 64

static inline void
set_bare_field(DelimitedReader *reader, int i, const char *data, const char *end)
{
	if (i >= ETL_RECORD_MAX_FIELDS)
		return;
	reader->fields[i] = (EtlField){.data = data,
								   .len = end - data,
								   .is_null = is_null_string(&reader->options, data, end - data)};
	reader->escaped[i] = false;
}

static inline bool
begins_oddly(const EtlDelimitedOptions *options, char c)
{
	if (options->quote != '\0')
		return c == ' ' || c == '\t' || c == options->quote;
	return c == '"' || c == '\'';
}

/* The stops among the 64 bytes of a block, and NUL bytes: the lowest bit is the first byte. */
static inline uint64
find_stops(const DelimitedReader *reader, const char *block)
{
	const __m128i stop0 = _mm_set1_epi8(reader->stops[0]);
	const __m128i stop1 = _mm_set1_epi8(reader->stops[1]);
	const __m128i stop2 = _mm_set1_epi8(reader->stops[2]);
	const __m128i stop3 = _mm_set1_epi8(reader->stops[3]);
	uint64 bits = 0;

	for (int i = 0; i < BLOCK; i += 16)
	{
		__m128i bytes = _mm_loadu_si128((const __m128i *) (block + i));
		__m128i hits = _mm_or_si128(_mm_or_si128(_mm_cmpeq_epi8(bytes, stop0), _mm_cmpeq_epi8(bytes, stop1)),
									_mm_or_si128(_mm_cmpeq_epi8(bytes, stop2), _mm_cmpeq_epi8(bytes, stop3)));

		hits = _mm_or_si128(hits, _mm_cmpeq_epi8(bytes, _mm_setzero_si128()));
		bits |= (uint64) (unsigned) _mm_movemask_epi8(hits) << i;
	}
	return bits;
}

/* Look at the block that starts at p, or at as much of it as there is. */
static inline void
look_at(DelimitedReader *reader, const char *p, const char *limit)
{
	reader->block = p;
	reader->block_limit = limit;
	if (limit - p >= BLOCK)
		reader->bits = find_stops(reader, p);
	else
	{
		char rest[BLOCK] = {0};

		memcpy(rest, p, limit - p);
		reader->bits = find_stops(reader, rest) & ((UINT64CONST(1) << (limit - p)) - 1);
	}
}

/* From now on the next stop is the first at or after p, of a window that ends at limit. */
static inline void
look_from(DelimitedReader *reader, const char *p, const char *limit)
{
	if (reader->block == NULL || reader->block_limit != limit || p < reader->block || p - reader->block >= BLOCK)
		look_at(reader, p, limit);
	else
		reader->bits &= ~UINT64CONST(0) << (p - reader->block);
}

/* Whether a stop is a line end; of PostgreSQL's rows: the one that is to be expected. */
static inline bool
ends_line(const DelimitedReader *reader, const char *stop, const char *limit)
{
	if (*stop == '\n')
		return !reader->options.postgres || reader->line_end == ETL_POSTGRES_LINE_END_NL;
	return *stop == '\r' && reader->line_end == ETL_POSTGRES_LINE_END_CRNL && stop + 1 < limit && stop[1] == '\n';
}

/*
 * Take bare fields from *cursor on while they are the next thing, each with its delimiter, which is one byte. True: the row
 * ends at *cursor.
 */
static inline bool
scan_bare_fields(DelimitedReader *reader, const char **cursor, const char *limit)
{
	const EtlDelimitedOptions *options = &reader->options;
	const char delimiter = options->delimiter[0];
	const bool quotes = options->quote != '\0' || options->surrounding_quotes;
	int count = reader->field_count;
	const char *p = *cursor;
	const char *block;
	uint64 bits;
	bool ended = false;

	look_from(reader, p, limit);
	block = reader->block;
	bits = reader->bits;
	for (;;)
	{
		const char *stop;

		/* It may begin with blanks that don't belong to it, or with a quote. */
		if (quotes && p < limit && begins_oddly(options, *p))
			break;
		while (bits == 0 && limit - block > BLOCK)
		{
			look_at(reader, block + BLOCK, limit);
			block = reader->block;
			bits = reader->bits;
		}
		if (bits == 0)
			break;
		stop = block + pg_rightmost_one_pos64(bits);
		bits &= bits - 1;
		if (*stop == delimiter)
		{
			set_bare_field(reader, count++, p, stop);
			p = stop + 1;
			continue;
		}
		ended = ends_line(reader, stop, limit);
		if (ended)
		{
			if (stop > p && stop[-1] == '\r')
				stop--;
			set_bare_field(reader, count++, p, stop);
			p = stop;
		}
		break;
	}
	reader->bits = bits;
	reader->field_count = count;
	*cursor = p;
	return ended;
}
#endif

/* The row ends at p: a line end or the stream's end. */
static void
end_row(DelimitedReader *reader, const char *p, const char *limit)
{
	reader->raw_end = p;
	if (p < limit && *p == '\r')
		p++;
	reader->next_row = p < limit ? p + 1 : limit;
}

/* The row is malformed where p is, and ends at the first line end from there, whatever quotes there are. */
static Scan
bad_row(DelimitedReader *reader, const char *p, const char *limit, bool final, EtlLoadCode code, EtlError *error,
		const char *what)
{
	const char *newline = memchr(p, '\n', limit - p);

	if (newline == NULL && !final)
		return SCAN_INCOMPLETE;
	if (newline == NULL)
		newline = limit;
	if (newline > reader->raw && newline[-1] == '\r')
		newline--;
	end_row(reader, newline, limit);
	reader->multiline = true;
	reader->code = code;
	etl_error_set(error, ERRCODE_BAD_COPY_FILE_FORMAT, "line " INT64_FORMAT ": %s", reader->line, what);
	etl_error_detail(error, "It is field %d of the row.", reader->field_count + 1);
	return SCAN_BAD;
}

/*
 * Each scan_… takes one field from *cursor and leaves *cursor on what ends it: a delimiter, a line end, the limit of
 * a final window.
 */

/* A CSV field in quotes; *cursor is on the opening one. */
static Scan
scan_csv_quoted(DelimitedReader *reader, const char **cursor, const char *limit, bool final,
				EtlError *error)
{
	const char quote = reader->options.quote;
	const char escape = reader->options.escape != '\0' ? reader->options.escape : quote;
	const char *start = *cursor + 1;
	const char *p = start;
	const char *end;
	bool escaped = false;

	reader->multiline = true;
	for (;;)
	{
		if (escape == quote)
		{
			p = memchr(p, quote, limit - p);
			if (p == NULL)
				p = limit;
		}
		else
			while (p < limit && *p != quote && *p != escape)
				p++;
		if (p == limit)
		{
			if (!final)
				return SCAN_INCOMPLETE;
			return bad_row(reader, p, limit, final, ETL_LOAD_DELIMITER, error, "quoted field has no closing quote");
		}
		if (p + 1 == limit && !final)
			return SCAN_INCOMPLETE;
		if (p + 1 < limit && (*p != quote || p[1] == quote))
		{
			escaped = true;
			p += 2;
			continue;
		}
		if (*p != quote)
			return bad_row(reader, limit, limit, final, ETL_LOAD_DELIMITER, error, "quoted field has no closing quote");
		break;
	}
	end = p++;
	while (p < limit && (*p == ' ' || *p == '\t') && !at_delimiter(reader, p, limit))
		p++;
	if (!at_delimiter(reader, p, limit) && !at_row_end(p, limit, final))
	{
		/* Possibly the beginning of either, that the window cuts. */
		if (!final && limit - p < Max(2, reader->options.delimiter_len) && memchr(p, '\n', limit - p) == NULL)
			return SCAN_INCOMPLETE;
		return bad_row(reader, p, limit, final, ETL_LOAD_LINE, error, "characters follow the closing quote of a field");
	}
	add_field(reader, start, end, true, escaped);
	*cursor = p;
	return SCAN_ROW;
}

/* A text field that begins with a quote to be removed; the one that closes it ends the field. */
static Scan
scan_surrounded(DelimitedReader *reader, const char **cursor, const char *limit, bool final,
				EtlError *error)
{
	const char quote = **cursor;
	const char escape = reader->options.escape;
	const char *start = *cursor + 1;
	bool escaped = false;

	for (const char *p = start; p < limit; p++)
	{
		if (escape != '\0' && *p == escape)
		{
			escaped = true;
			reader->multiline = true;
			p++;
		}
		else if (*p == quote && (at_delimiter(reader, p + 1, limit) || at_row_end(p + 1, limit, final)))
		{
			add_field(reader, start, p, true, escaped);
			*cursor = p + 1;
			return SCAN_ROW;
		}
		else if (*p == '\n')
			return bad_row(reader, p, limit, final, ETL_LOAD_DELIMITER, error,
						   "field begins with a quote and does not end with it");
	}
	if (!final)
		return SCAN_INCOMPLETE;
	return bad_row(reader, limit, limit, final, ETL_LOAD_DELIMITER, error, "field begins with a quote and does not end with it");
}

static Scan
scan_bare(DelimitedReader *reader, const char **cursor, const char *limit, bool final, EtlError *error)
{
	const EtlDelimitedOptions *options = &reader->options;
	const char *start = *cursor;
	const char *p = start;
	const char *kept = start; /* bytes before this are the field's, whatever they are */
	bool escaped = false;

	for (;;)
	{
		p = find_stop(reader, p, limit);
		if (p == limit)
		{
			if (!final)
				return SCAN_INCOMPLETE;
			break;
		}
		if (*p == '\n')
			break;
		if (options->escape != '\0' && *p == options->escape)
		{
			if (p + 1 == limit)
				return final ? bad_row(reader, limit, limit, final, ETL_LOAD_LINE, error,
									   "nothing follows the escape character")
							 : SCAN_INCOMPLETE;
			escaped = true;
			reader->multiline = true;
			p += 2;
			kept = p;
		}
		else if (options->quote != '\0' && *p == options->quote)
			return bad_row(reader, p, limit, final, ETL_LOAD_LINE, error,
						   "quote inside a field that does not begin with one");
		else if (at_delimiter(reader, p, limit))
		{
			add_field(reader, start, p, false, escaped);
			*cursor = p;
			return SCAN_ROW;
		}
		else
			p++; /* only looks like the delimiter's beginning */
	}
	if (p > kept && p[-1] == '\r')
		p--;
	add_field(reader, start, p, false, escaped);
	*cursor = p;
	return SCAN_ROW;
}

/* A field that isn't bare, or may not be. */
static Scan
scan_field(DelimitedReader *reader, const char **cursor, const char *limit, bool final, EtlError *error)
{
	const EtlDelimitedOptions *options = &reader->options;
	const char *p = *cursor;
	Scan scan;

	if (options->quote != '\0')
	{
		/* Blanks between delimiter and quote are no part of the field. */
		while (p < limit && (*p == ' ' || *p == '\t') && !at_delimiter(reader, p, limit))
			p++;
	}
	if (p < limit && options->quote != '\0' && *p == options->quote)
	{
		*cursor = p;
		scan = scan_csv_quoted(reader, cursor, limit, final, error);
	}
	else if (options->surrounding_quotes && p < limit && (*p == '"' || *p == '\''))
		scan = scan_surrounded(reader, cursor, limit, final, error);
	else
		scan = scan_bare(reader, cursor, limit, final, error);
	if (scan != SCAN_ROW)
		return scan;
	if (at_delimiter(reader, *cursor, limit))
	{
		*cursor += options->delimiter_len;
		return SCAN_FIELD;
	}
	end_row(reader, *cursor, limit);
	return SCAN_ROW;
}

/* What most quoted fields are: in quotes as a whole, with none of them in it, and not the last. */
static inline bool
scan_plain_quoted(DelimitedReader *reader, const char **cursor, const char *limit)
{
	const char quote = reader->options.quote;
	const char *start = *cursor + 1;
	const char *end;

	if (quote == '\0' || reader->options.escape != '\0' || *cursor == limit || **cursor != quote)
		return false;
	/* may be the end of data */
	if (quote == '\\' && *cursor == reader->raw)
		return false;
	end = memchr(start, quote, limit - start);
	if (end == NULL || !at_delimiter(reader, end + 1, limit))
		return false;
	reader->multiline = true;
	add_field(reader, start, end, true, false);
	*cursor = end + 1 + reader->options.delimiter_len;
	return true;
}

/* Likewise; apart from the loop over bare ones, whose registers it would take. */
static pg_noinline Scan
scan_postgres_field(DelimitedReader *reader, const char **cursor, const char *limit, bool final, EtlError *error)
{
	EtlPostgresField field;
	EtlPostgresFieldEnd end;

	if (scan_plain_quoted(reader, cursor, limit))
		return SCAN_FIELD;
	end = postgres_field_scan(&reader->options, reader->line_end, *cursor == reader->raw, *cursor, limit, final, &field);
	reader->multiline |= field.quoted || field.escaped;
	switch (end)
	{
		case ETL_POSTGRES_INCOMPLETE:
			return SCAN_INCOMPLETE;
		case ETL_POSTGRES_MALFORMED:
			reader->has_no_end = field.end == limit;
			return bad_row(reader, field.end, limit, final, field.code, error, field.what);
		case ETL_POSTGRES_DELIMITER:
			add_field(reader, field.data, field.data + field.len, field.quoted, field.escaped);
			*cursor = field.next;
			return SCAN_FIELD;
		case ETL_POSTGRES_LINE_END:
		case ETL_POSTGRES_END_OF_DATA:
			break;
	}
	add_field(reader, field.data, field.data + field.len, field.quoted, field.escaped);
	reader->line_end = field.line_end;
	reader->ends_data = end == ETL_POSTGRES_END_OF_DATA;
	reader->raw_end = field.end;
	reader->next_row = field.next;
	return SCAN_ROW;
}

/* Split the row that starts at `start`. */
static Scan
scan_row(DelimitedReader *reader, const char *start, const char *limit, bool final, EtlError *error)
{
	const bool postgres = reader->options.postgres;
	const char *p = start;
	Scan scan = SCAN_FIELD;
#ifdef __SSE2__
	/* a backslash is special to PostgreSQL's CSV there */
	bool try_bare = reader->options.delimiter_len == 1 && !(postgres && start < limit && *start == '\\');
#endif

	reader->raw = start;
	reader->field_count = 0;
	reader->any_escaped = false;
	reader->may_have_nul = false;
	reader->multiline = false;
	reader->odd = false;
	while (scan == SCAN_FIELD)
	{
#ifdef __SSE2__
		if (try_bare && scan_bare_fields(reader, &p, limit))
		{
			end_row(reader, p, limit);
			return SCAN_ROW;
		}
		try_bare = reader->options.delimiter_len == 1;
#endif
		reader->odd = true;
		scan = postgres ? scan_postgres_field(reader, &p, limit, final, error)
						: scan_field(reader, &p, limit, final, error);
	}
	return scan;
}

/* Take the escapes out of fields that have any. Done once a row is known to be whole, and so how long it is. */
static void
unescape_fields(DelimitedReader *reader)
{
	const char quote = reader->options.quote;
	const char escape = reader->options.escape;
	const bool postgres = reader->options.postgres;
	int kept = Min(reader->field_count, ETL_RECORD_MAX_FIELDS);

	resetStringInfo(&reader->scratch);
	/* All the room now: fields point into it, so it must not move. */
	enlargeStringInfo(&reader->scratch, reader->raw_end - reader->raw);
	for (int i = 0; i < kept; i++)
	{
		EtlField *field = &reader->fields[i];
		const char *end = field->data + field->len;
		char *out = reader->scratch.data + reader->scratch.len;
		char *to = out;

		if (!reader->escaped[i] || field->is_null)
			continue;
		if (postgres)
		{
			to += postgres_field_unescape(&reader->options, field->data, field->len, to);
			reader->may_have_nul = true;
		}
		for (const char *p = field->data; !postgres && p < end; p++)
		{
			if (p + 1 < end && ((escape != '\0' && *p == escape) || (quote != '\0' && *p == quote)))
				p++;
			*to++ = *p;
		}
		field->data = out;
		field->len = to - out;
		reader->scratch.len += field->len;
	}
}

static void
finish_fields(DelimitedReader *reader)
{
	if (reader->any_escaped)
		unescape_fields(reader);
	if (reader->forced)
		force_fields(reader);
}

/* PostgreSQL has no text with NUL in it. In the null string it may be: then the field has no text. */
static bool
check_no_nul(DelimitedReader *reader, EtlError *error)
{
	int kept = Min(reader->field_count, ETL_RECORD_MAX_FIELDS);

	if (!reader->may_have_nul && (!reader->odd || memchr(reader->raw, '\0', reader->raw_end - reader->raw) == NULL))
		return true;
	for (int i = 0; i < kept; i++)
	{
		const EtlField *field = &reader->fields[i];

		if (!field->is_null && memchr(field->data, '\0', field->len) != NULL)
		{
			etl_error_set(error, ERRCODE_CHARACTER_NOT_IN_REPERTOIRE,
						  "line " INT64_FORMAT ": NUL byte in field %d", reader->line, i + 1);
			reader->code = ETL_LOAD_NUL;
			reader->field_count = i;
			etl_error_hint(
				error,
				"Text cannot have NUL bytes. If they stand for missing values, say so with NULL AS '\\0'.");
			return false;
		}
	}
	return true;
}

static EtlRecordStatus
over_limit(DelimitedReader *reader, EtlRecord *row, EtlError *error)
{
	reader->stopped = STOP_OVER_LIMIT;
	memset(row, 0, sizeof(*row));
	row->line = reader->line;
	row->code = ETL_LOAD_LINE;
	row->bad_field = -1;
	etl_error_set(error, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "line " INT64_FORMAT ": row is longer than %d MB",
				  reader->line, ETL_RECORD_MAX_SIZE / (1024 * 1024));
	if (reader->options.quote != '\0')
		etl_error_hint(error, "A quoted field that is never closed makes one row of all that follows.");
	return ETL_RECORD_ERROR;
}

static void
advance(DelimitedReader *reader)
{
	if (reader->multiline)
	{
		const char end = reader->line_end == ETL_POSTGRES_LINE_END_CR ? '\r' : '\n';

		for (const char *p = reader->raw; (p = memchr(p, end, reader->raw_end - p)) != NULL; p++)
			reader->line++;
	}
	reader->line++;
	window_advance(&reader->window, reader->next_row);
}

/* What isn't data need not be well-formed, unless a stray quote in it swallows lines that may be. */
static bool
may_be_header(const DelimitedReader *reader, Scan scan)
{
	if (scan == SCAN_ROW)
		return true;
	/* PostgreSQL has it end where a line ends, and nowhere else, but doesn't look at its fields */
	if (reader->options.postgres)
		return reader->has_no_end;
	return memchr(reader->raw, '\n', reader->raw_end - reader->raw) == NULL;
}

static EtlRecordStatus
reader_next(EtlRecordReader *self, EtlRecord *row, EtlError *error)
{
	DelimitedReader *reader = (DelimitedReader *) self;

	for (;;)
	{
		const char *start;
		const char *limit;
		bool final;
		Scan scan = SCAN_INCOMPLETE;

		if (reader->stopped != STOP_NOT)
			return reader->stopped == STOP_END_OF_DATA ? ETL_RECORD_END : over_limit(reader, row, error);
		if (window_look(&reader->window, &start, &limit, &final))
		{
			if (final && start == limit)
				return ETL_RECORD_END;
			scan = scan_row(reader, start, limit, final, error);
			/* A carriage return that belongs to the line end may be among them. */
			if (scan == SCAN_INCOMPLETE && limit - start > ETL_RECORD_MAX_SIZE + 1)
				return over_limit(reader, row, error);
		}
		if (scan == SCAN_INCOMPLETE)
		{
			if (!window_extend(&reader->window, start, limit))
				return ETL_RECORD_NEED_MORE;
			continue;
		}

		if (reader->raw_end - reader->raw > ETL_RECORD_MAX_SIZE)
			return over_limit(reader, row, error);
		row->line = reader->line;
		row->raw = reader->raw;
		row->raw_len = reader->raw_end - reader->raw;
		if (reader->ends_data)
		{
			reader->ends_data = false;
			if (row->raw_len == 0 || reader->header_left > 0)
				reader->stopped = STOP_END_OF_DATA;
			/* what follows the line of a row that was cut is read on, as COPY does */
			if (reader->stopped != STOP_NOT)
				continue;
		}
		if (reader->header_left > 0)
		{
			reader->header_left--;
			if (may_be_header(reader, scan))
			{
				advance(reader);
				continue;
			}
		}
		if (scan == SCAN_ROW && reader->options.ignore_blank_lines && row->raw_len == 0)
		{
			advance(reader);
			continue;
		}
		if (scan == SCAN_ROW && (reader->any_escaped || reader->forced))
			finish_fields(reader);
		if (scan == SCAN_ROW && !check_no_nul(reader, error))
			scan = SCAN_BAD;
		row->fields = scan == SCAN_BAD ? NULL : reader->fields;
		row->field_count = scan == SCAN_BAD ? 0 : reader->field_count;
		row->code = scan == SCAN_BAD ? reader->code : ETL_LOAD_OK;
		row->bad_field = scan == SCAN_BAD ? reader->field_count : -1;
		advance(reader);
		return scan == SCAN_BAD ? ETL_RECORD_ERROR : ETL_RECORD_ROW;
	}
}

EtlRecordReader *
delimited_reader_create(const EtlDelimitedOptions *options)
{
	DelimitedReader *reader = palloc0(sizeof(DelimitedReader));

	reader->base = (EtlRecordReader){reader_feed, reader_next, reader_free};
	reader->options = *options;
	reader->forced = options->force_null != NULL || options->force_not_null != NULL;
	if (options->escape == options->quote) /* says no more than CSV does by itself */
		reader->options.escape = '\0';
	reader->stops[0] = '\n';
	reader->stops[1] = options->delimiter[0];
	reader->stops[2] = options->quote != '\0' ? options->quote : '\n';
	reader->stops[3] = reader->options.escape != '\0' ? reader->options.escape : '\n';
	/* in PostgreSQL's CSV an escape is one inside quotes alone */
	if (options->postgres)
		reader->stops[options->quote != '\0' ? 3 : 2] = '\r';
	for (int i = 0; i < STOPS; i++)
		reader->is_stop[(unsigned char) reader->stops[i]] = true;
	window_init(&reader->window);
	initStringInfo(&reader->scratch);
	reader->header_left = options->ignore_header;
	reader->line = 1;
	return &reader->base;
}

/*
 * json_reader.c
 *		Bytes of JSON to rows of fields. Pure.
 *
 * Between records it only looks at arrays' brackets and commas; json_walk.c reads the records. One that is malformed is
 * skipped by its brackets, with no regard to what is between them but strings, which end with their line at the latest.
 */
#include "format/json_reader.h"

#include "format/json_text.h"
#include "format/json_walk.h"
#include "format/window.h"

typedef struct JsonReader
{
	EtlRecordReader base;
	EtlWindow window;
	bool array_records; /* an array at the top is a record */
	bool in_array;		/* of records */
	bool after_element; /* there, a comma or the end must follow */
	bool after_comma;	/* there, an element must */
	int64 line;
	bool over_limit;		/* a record was too long: stays an error */
	StringInfoData scratch; /* fields without their escapes */
	EtlJsonWalk walk;
} JsonReader;

static void
reader_free(EtlRecordReader *self)
{
	JsonReader *reader = (JsonReader *) self;

	window_free(&reader->window);
	json_walk_free(&reader->walk);
	pfree(reader->scratch.data);
	pfree(reader);
}

static void
reader_feed(EtlRecordReader *self, const char *buf, size_t len, bool eof)
{
	window_feed(&((JsonReader *) self)->window, buf, len, eof);
}

static int64
count_lines(const char *p, const char *end)
{
	int64 count = 0;

	for (; (p = memchr(p, '\n', end - p)) != NULL; p++)
		count++;
	return count;
}

static EtlRecordStatus
over_limit(JsonReader *reader, EtlRecord *record, EtlError *error)
{
	reader->over_limit = true;
	*record = (EtlRecord){.line = reader->line, .code = ETL_LOAD_LINE, .bad_field = -1};
	etl_error_set(error, ERRCODE_PROGRAM_LIMIT_EXCEEDED,
				  "line " INT64_FORMAT ": JSON object is longer than %d MB", reader->line,
				  ETL_RECORD_MAX_SIZE / (1024 * 1024));
	etl_error_hint(error, "An object that is never closed makes one of all that follows.");
	return ETL_RECORD_ERROR;
}

/* A malformed record from start to end; what is wrong is at bad_at. */
static EtlRecordStatus
malformed(JsonReader *reader, EtlRecord *record, EtlError *error, const char *start, const char *end,
		  const char *bad_at, const char *problem)
{
	while (end > start && json_is_blank(end[-1]))
		end--;
	bad_at = Min(bad_at, end);
	*record = (EtlRecord){.line = reader->line + count_lines(start, bad_at),
						  .raw = start,
						  .raw_len = end - start,
						  .code = ETL_LOAD_LINE,
						  .bad_field = -1};
	etl_error_set(error, ERRCODE_BAD_COPY_FILE_FORMAT, "line " INT64_FORMAT ": invalid JSON: %s",
				  record->line, problem);
	etl_error_detail(error, "It is wrong at byte %d of the record.", (int) (bad_at - start) + 1);
	return ETL_RECORD_ERROR;
}

/* Whether a line that starts at p starts a record. */
static bool
starts_record(const JsonReader *reader, const char *p)
{
	return *p == '{' || (reader->array_records && *p == '[');
}

/*
 * The end of the malformed record that starts at start, NULL if it is behind the limit: see json_reader.h. bad_at is the
 * first byte that can't be; up to there brackets match.
 */
static const char *
find_end(const JsonReader *reader, const char *start, const char *bad_at, const char *limit, bool final)
{
	bool is_record = *start == '{' || *start == '[';
	bool in_string = false;
	int depth = 0;

	if (bad_at > start && bad_at < limit && starts_record(reader, bad_at) && bad_at[-1] == '\n')
		return bad_at;
	for (const char *p = start; p < limit; p++)
	{
		if (*p == '\n')
		{
			in_string = false;
			if (p < bad_at)
				continue;
			if (depth <= 0)
				return p;
			if (p + 1 < limit && starts_record(reader, p + 1))
				return p + 1;
			if (p + 1 == limit && !final)
				return NULL;
		}
		else if (in_string)
		{
			if (*p == '\\' && p + 1 < limit && p[1] != '\n')
				p++;
			else if (*p == '"')
				in_string = false;
		}
		else if (*p == '"')
			in_string = true;
		else if (*p == '{' || *p == '[')
		{
			if (!is_record && p > start && depth <= 0 && starts_record(reader, p))
				return p;
			depth++;
		}
		else if (*p == '}' || *p == ']')
		{
			if (!is_record && p > start && depth <= 0 && reader->in_array && *p == ']')
				return p;
			if (--depth == 0)
				return p + 1;
		}
		else if (*p == ',' && !is_record && p > start && depth <= 0 && reader->in_array)
			return p;
	}
	return final ? limit : NULL;
}

/* Take the escapes out of fields that have any. false: one can't be text. */
static bool
unescape_fields(JsonReader *reader, EtlRecord *record, EtlError *error)
{
	EtlJsonWalk *walk = &reader->walk;
	size_t room = 0;

	for (int i = 0; i < walk->column_count; i++)
		if (walk->escaped[i])
			room += walk->fields[i].len;
	resetStringInfo(&reader->scratch);
	/* All the room now: fields point into it, so it must not move. */
	enlargeStringInfo(&reader->scratch, room);
	for (int i = 0; i < walk->column_count; i++)
	{
		EtlField *field = &walk->fields[i];
		char *out = reader->scratch.data + reader->scratch.len;

		if (!walk->escaped[i])
			continue;
		walk->escaped[i] = false;
		record->code = json_unescape(field->data, field->data + field->len, out, &field->len);
		if (record->code != ETL_LOAD_OK)
		{
			record->bad_field = i;
			etl_error_set(error, ERRCODE_UNTRANSLATABLE_CHARACTER, "line " INT64_FORMAT ": %s in field %d",
						  record->line, record->code == ETL_LOAD_NUL ? "\\u0000" : "half of a surrogate pair",
						  i + 1);
			etl_error_detail(error, record->code == ETL_LOAD_NUL ? "Text cannot have NUL bytes."
																 : "No character is written that way.");
			return false;
		}
		field->data = out;
		reader->scratch.len += field->len;
	}
	return true;
}

/* Whether every path led where it could; else the first that didn't is what is wrong. */
static bool
check_paths(JsonReader *reader, EtlRecord *record, EtlError *error)
{
	EtlJsonWalk *walk = &reader->walk;

	for (int i = 0; i < walk->column_count; i++)
	{
		if (walk->trouble[i] == ETL_JSON_TROUBLE_NONE)
			continue;
		record->code = ETL_LOAD_LINE;
		record->bad_field = i;
		etl_error_set(error, ERRCODE_BAD_COPY_FILE_FORMAT, "line " INT64_FORMAT ": invalid JSONPath: %s",
					  record->line,
					  walk->trouble[i] == ETL_JSON_TROUBLE_INDEX ? "not an array or index out of range"
																 : "member is not an object");
		etl_error_detail(error, "It is path %d.", i + 1);
		return false;
	}
	return true;
}

static EtlRecordStatus
whole(JsonReader *reader, EtlRecord *record, EtlError *error, const char *start)
{
	EtlJsonWalk *walk = &reader->walk;

	if (walk->multiline)
		reader->line += count_lines(start, walk->end);
	*record = (EtlRecord){.fields = walk->fields,
						  .field_count = walk->column_count,
						  .line = reader->line,
						  .raw = start,
						  .raw_len = walk->end - start,
						  .bad_field = -1};
	if ((walk->any_trouble && !check_paths(reader, record, error)) ||
		(walk->any_escaped && !unescape_fields(reader, record, error)))
	{
		record->fields = NULL;
		record->field_count = 0;
		return ETL_RECORD_ERROR;
	}
	return ETL_RECORD_ROW;
}

/* A record, or what should be one, at start. NEED_MORE: it is cut off by limit. */
static EtlRecordStatus
read_record(JsonReader *reader, EtlRecord *record, EtlError *error, const char *start, const char *limit,
			bool final)
{
	EtlJsonWalk *walk = &reader->walk;
	EtlRecordStatus status;
	const char *end;

	if (reader->in_array && reader->after_element)
	{
		walk->bad_at = start;
		walk->problem = "two elements have no comma between them";
		end = find_end(reader, start, start, limit, final);
	}
	else
	{
		EtlJsonOutcome outcome = json_walk(walk, start, limit, final);

		if (outcome == ETL_JSON_CUT)
			return ETL_RECORD_NEED_MORE;
		end = outcome == ETL_JSON_BAD ? find_end(reader, start, walk->bad_at, limit, final) : walk->end;
		if (outcome == ETL_JSON_WHOLE && end - start <= ETL_RECORD_MAX_SIZE && starts_record(reader, start))
		{
			status = whole(reader, record, error, start);
			window_advance(&reader->window, end);
			reader->after_element = true;
			reader->after_comma = false;
			return status;
		}
		if (outcome == ETL_JSON_WHOLE)
		{
			walk->bad_at = start;
			walk->problem = "it is no object";
		}
	}
	if (end == NULL)
		return ETL_RECORD_NEED_MORE;
	if (end - start > ETL_RECORD_MAX_SIZE)
		return over_limit(reader, record, error);
	status = malformed(reader, record, error, start, end, walk->bad_at, walk->problem);
	reader->line += count_lines(start, end);
	window_advance(&reader->window, end);
	reader->after_element = *start != ',';
	reader->after_comma = *start == ',';
	return status;
}

/* A bracket or comma around records, at p. false: it is none, or can't be there. */
static bool
read_array(JsonReader *reader, const char *p)
{
	if (!reader->in_array)
	{
		if (*p != '[' || reader->array_records)
			return false;
		reader->in_array = true;
		reader->after_element = false;
		reader->after_comma = false;
		return true;
	}
	if (*p == ',' && reader->after_element)
	{
		reader->after_element = false;
		reader->after_comma = true;
		return true;
	}
	if (*p == ']' && !reader->after_comma)
	{
		reader->in_array = false;
		return true;
	}
	return false;
}

static EtlRecordStatus
reader_next(EtlRecordReader *self, EtlRecord *record, EtlError *error)
{
	JsonReader *reader = (JsonReader *) self;

	for (;;)
	{
		const char *start;
		const char *limit;
		bool final;

		if (reader->over_limit)
			return over_limit(reader, record, error);
		if (window_look(&reader->window, &start, &limit, &final))
		{
			const char *p = start;
			EtlRecordStatus status;

			while (p < limit && (json_is_blank(*p) || read_array(reader, p)))
				reader->line += *p++ == '\n';
			if (p > start)
				window_advance(&reader->window, p);
			start = p;
			if (p == limit && final && !reader->in_array)
				return ETL_RECORD_END;
			if (p == limit && final)
			{
				reader->in_array = false;
				return malformed(reader, record, error, p, p, p,
								 "the array around the objects is not closed");
			}
			if (p < limit && *p == ']' && reader->in_array)
			{
				reader->in_array = false;
				window_advance(&reader->window, p + 1);
				return malformed(reader, record, error, p, p + 1, p, "a comma is followed by no element");
			}
			if (p < limit)
			{
				status = read_record(reader, record, error, p, limit, final);
				if (status != ETL_RECORD_NEED_MORE)
					return status;
				if (limit - p > ETL_RECORD_MAX_SIZE)
					return over_limit(reader, record, error);
			}
		}
		if (!window_extend(&reader->window, start, limit))
			return ETL_RECORD_NEED_MORE;
	}
}

EtlRecordReader *
json_reader_create(const EtlJsonOptions *options)
{
	JsonReader *reader = palloc(sizeof(JsonReader));

	memset(reader, 0, offsetof(JsonReader, walk));
	reader->base = (EtlRecordReader){reader_feed, reader_next, reader_free};
	window_init(&reader->window);
	initStringInfo(&reader->scratch);
	reader->line = 1;
	json_walk_init(&reader->walk, options);
	reader->array_records = reader->walk.tree.root->elements != NULL;
	return &reader->base;
}

/*
 * json_paths.c
 *		Paths into nested values. See json_paths.h. Pure.
 */
#include "format/json_paths.h"

#include "format/json_reader.h"
#include "format/json_text.h"
#include "format/json_walk.h"

typedef struct Parse
{
	EtlError *error;
	int number; /* of the path, from 1 */
	const char *text;
	int len;
	EtlJsonStep steps[ETL_JSON_MAX_STEPS];
	int count;
} Parse;

static bool
refuse(Parse *parse, const char *why)
{
	etl_error_set(parse->error, ERRCODE_INVALID_PARAMETER_VALUE,
				  "path %d \"%.*s\" of the paths file is not usable", parse->number, parse->len, parse->text);
	etl_error_detail(parse->error, "%s", why);
	etl_error_hint(parse->error, "A path is $ followed by members, .name or ['name'], and elements, [0].");
	return false;
}

static EtlJsonStep
name_step(const char *name, int len)
{
	return (EtlJsonStep){.name = pnstrdup(name, len), .len = len};
}

/* [0], ['name'] or ["name"]; *cursor is behind the bracket. */
static bool
parse_bracket(Parse *parse, const char **cursor, const char *end, EtlJsonStep *step)
{
	const char *p = *cursor;

	if (p < end && (*p == '\'' || *p == '"'))
	{
		const char *close = memchr(p + 1, *p, end - p - 1);

		if (close == NULL || close + 1 == end || close[1] != ']')
			return refuse(parse, "A name in brackets has no closing quote and bracket.");
		if (close == p + 1)
			return refuse(parse, "A name in brackets is empty.");
		*step = name_step(p + 1, close - p - 1);
		*cursor = close + 2;
		return true;
	}
	*step = (EtlJsonStep){0};
	for (; p < end && *p >= '0' && *p <= '9'; p++)
	{
		if (step->index > (PG_INT32_MAX - 9) / 10)
			return refuse(parse, "The number of an element is too large.");
		step->index = step->index * 10 + (*p - '0');
	}
	if (p == *cursor || p == end || *p != ']')
		return refuse(parse, "There must be a number from 0 or a name in quotes between brackets.");
	*cursor = p + 1;
	return true;
}

static bool
parse_path(Parse *parse, EtlJsonPath *path)
{
	const char *p = parse->text;
	const char *end = p + parse->len;
	EtlJsonStep *steps;

	parse->count = 0;
	if (memchr(p, '\0', parse->len) != NULL)
		return refuse(parse, "It has a NUL byte in it.");
	if (parse->len == 0 || *p++ != '$')
		return refuse(parse, "It does not begin with $.");
	while (p < end)
	{
		EtlJsonStep *step = &parse->steps[parse->count];

		if (parse->count++ == ETL_JSON_MAX_STEPS)
			return refuse(parse, "It has more than " CppAsString2(ETL_JSON_MAX_STEPS) " steps.");
		if (*p == '.')
		{
			const char *name = ++p;

			while (p < end && *p != '.' && *p != '[')
				p++;
			if (p == name)
				return refuse(parse, "A name is missing after a point.");
			if (p - name == 1 && *name == '*')
				return refuse(parse, "It can lead to more than one value: * is not supported.");
			*step = name_step(name, p - name);
		}
		else if (*p == '[')
		{
			p++;
			if (!parse_bracket(parse, &p, end, step))
				return false;
		}
		else
			return refuse(parse, "A step does not begin with a point or a bracket.");
	}
	steps = palloc(Max(parse->count, 1) * sizeof(EtlJsonStep));
	memcpy(steps, parse->steps, parse->count * sizeof(EtlJsonStep));
	*path = (EtlJsonPath){steps, parse->count};
	return true;
}

/* The list of strings, which is well-formed. */
static bool
parse_list(const char *p, const char *end, EtlJsonPaths *out, EtlError *error)
{
	Parse *parse = palloc(sizeof(Parse));
	int room = 1;

	for (const char *q = p; q < end; q++)
		room += *q == ',';
	*out = (EtlJsonPaths){.paths = palloc(room * sizeof(EtlJsonPath))};
	parse->error = error;
	for (p++; p < end; p++)
	{
		const char *start = p + 1;
		char *text;
		uint32 len;
		bool ok;

		if (json_is_blank(*p) || *p == ',' || *p == ']')
			continue;
		parse->number = out->count + 1;
		if (*p != '"')
			return etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE,
								 "path %d of the paths file is no string", parse->number);
		for (p = start; *p != '"'; p++)
			p += *p == '\\';
		text = palloc(p - start + 1);
		ok = json_unescape(start, p, text, &len) == ETL_LOAD_OK;
		if (!ok)
			return etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE,
								 "path %d of the paths file has an escape that no text can have",
								 parse->number);
		parse->text = text;
		parse->len = len;
		if (!parse_path(parse, &out->paths[out->count]))
			return false;
		out->count++;
		pfree(text);
	}
	pfree(parse);
	return true;
}

bool
json_paths_parse(const char *text, size_t len, const char *member, EtlJsonPaths *out, EtlError *error)
{
	const EtlJsonOptions options = {.mapping = ETL_JSON_AUTO, .columns = &member, .column_count = 1};
	EtlRecordReader *reader = json_reader_create(&options);
	EtlRecord record;
	EtlRecordStatus status;
	bool ok = false;

	*out = (EtlJsonPaths){0};
	reader->feed(reader, text, len, true);
	status = reader->next(reader, &record, error);
	if (status == ETL_RECORD_ROW && !record.fields[0].is_null && !record.fields[0].quoted &&
		record.fields[0].data[0] == '[')
		ok = parse_list(record.fields[0].data, record.fields[0].data + record.fields[0].len, out, error);
	else
	{
		if (status == ETL_RECORD_ERROR)
		{
			char why[sizeof(error->message)];

			strlcpy(why, error->message, sizeof(why));
			etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "paths file is not usable");
			etl_error_detail(error, "It has %s.", why);
		}
		else
		{
			etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "paths file has no list \"%s\"", member);
			etl_error_hint(error, "It looks like {\"%s\": [\"$.name\", \"$['other name'][0]\"]}.", member);
		}
	}
	if (ok && reader->next(reader, &record, error) != ETL_RECORD_END)
		ok = etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "paths file has more than one object");
	reader->free(reader);
	return ok;
}

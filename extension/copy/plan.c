/*
 * plan.c
 *		Making plans, and taking them to another process. See plan.h.
 */
#include "postgres.h"

#include "aws/request.h"
#include "catalog/pg_type.h"
#include "copy/plan.h"
#include "copy/value_kind.h"
#include "mb/pg_wchar.h"
#include "pgtime.h"
#include "store/codec.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

static void
value_type_init(EtlValueType *value, Oid type, int32 typmod)
{
	Oid base;

	value->name = format_type_with_typemod(type, typmod);
	base = getBaseTypeAndTypmod(type, &typmod);
	value->kind = value_kind_of_type(base);
	switch (value->kind)
	{
		case ETL_VALUE_VARCHAR:
		case ETL_VALUE_CHAR:
			value->max_bytes = typmod >= (int32) VARHDRSZ ? typmod - VARHDRSZ : 0;
			break;
		case ETL_VALUE_NUMERIC:
			/* numeric(p,s): s is the low half, sign-extended from its 11 bits */
			if (typmod >= (int32) VARHDRSZ)
			{
				value->precision = ((typmod - VARHDRSZ) >> 16) & 0xffff;
				value->scale = (((typmod - VARHDRSZ) & 0x7ff) ^ 1024) - 1024;
			}
			break;
		case ETL_VALUE_TIME:
		case ETL_VALUE_TIMETZ:
		case ETL_VALUE_TIMESTAMP:
		case ETL_VALUE_TIMESTAMPTZ:
			/* digits of a second that are dropped */
			value->scale = typmod < 0 ? 0 : 6 - typmod;
			break;
		default:
			break;
	}
}

static bool
is_listed(const List *names, const char *name)
{
	ListCell *lc;

	foreach (lc, names)
		if (strcmp(lfirst(lc), name) == 0)
			return true;
	return false;
}

/* Each name is that of a column that is loaded. */
static void
names_check(const EtlLoadPlan *plan, const List *names, const char *option)
{
	ListCell *lc;

	foreach (lc, names)
	{
		int i = 0;

		while (i < plan->column_count && strcmp(plan->columns[i].name, lfirst(lc)) != 0)
			i++;
		if (i == plan->column_count)
			ereport(ERROR, errcode(ERRCODE_INVALID_COLUMN_REFERENCE),
					errmsg("column \"%s\" of option \"%s\" is not loaded", (char *) lfirst(lc), option));
	}
}

/* PostgreSQL's rules are those of the types' input functions. A text without a width is what it is without one, too. */
static void
column_set_postgres(EtlLoadColumn *column, const EtlLoadOptions *options)
{
	/* PostgreSQL has them of these formats alone; what JSON and others have is what COPY TO writes. */
	if (options->format == ETL_COPY_TEXT || options->format == ETL_COPY_CSV)
	{
		column->as_text |= column->type.kind != ETL_VALUE_VARCHAR || column->type.max_bytes > 0;
		column->type.kind = ETL_VALUE_VARCHAR;
		column->type.max_bytes = 0;
	}
	/* triggers come first, and WHERE */
	column->not_null = false;
	column->force_null = is_listed(options->force_null, column->name);
	column->force_not_null = is_listed(options->force_not_null, column->name);
}

EtlLoadPlan *
load_plan_make(Relation rel, List *attnums, const EtlLoadOptions *options)
{
	EtlLoadPlan *plan = palloc0(sizeof(EtlLoadPlan));
	TupleDesc desc = RelationGetDescr(rel);

	plan->options = *options;
	memset(&plan->options.access, 0, sizeof(plan->options.access));
	plan->options.columns = NIL;
	plan->options.where = NULL;
	plan->attribute_count = desc->natts;
	plan->attributes = palloc0(desc->natts * sizeof(EtlLoadAttribute));
	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute attr = TupleDescAttr(desc, i);

		plan->attributes[i].column = -1;
		plan->attributes[i].len = attr->attlen;
		plan->attributes[i].align = attr->attalign;
		plan->attributes[i].packed = attr->attstorage != TYPSTORAGE_PLAIN;
	}
	plan->columns = palloc0(list_length(attnums) * sizeof(EtlLoadColumn));
	for (int i = 0; i < list_length(attnums); i++)
	{
		EtlLoadColumn *column = &plan->columns[i];
		Form_pg_attribute attr;

		column->attribute = list_nth_int(attnums, i) - 1;
		attr = TupleDescAttr(desc, column->attribute);
		column->name = pstrdup(NameStr(attr->attname));
		column->member = aws_text_to_utf8(column->name);
		column->not_null = attr->attnotnull;
		value_type_init(&column->type, attr->atttypid, attr->atttypmod);
		column->as_text = GetDatabaseEncoding() != PG_UTF8 &&
						  (column->type.kind == ETL_VALUE_VARCHAR || column->type.kind == ETL_VALUE_CHAR);
		if (options->postgres)
			column_set_postgres(column, options);
		plan->attributes[column->attribute].column = i;
	}
	plan->column_count = list_length(attnums);
	names_check(plan, options->force_null, "force_null");
	names_check(plan, options->force_not_null, "force_not_null");
	plan->options.force_null = plan->options.force_not_null = NIL;
	plan->time_zone = pstrdup(pg_get_timezone_name(session_timezone));
	plan->max_decompressed_mb = codec_max_size_mb;
	plan->max_ratio = codec_max_ratio;
	plan->encoding = GetDatabaseEncoding();
	return plan;
}

static void
write_string(StringInfo out, const char *string)
{
	/* a length, so that NULL is none */
	uint32 len = string == NULL ? PG_UINT32_MAX : strlen(string);

	appendBinaryStringInfo(out, (char *) &len, sizeof(len));
	if (string != NULL)
		appendBinaryStringInfo(out, string, len);
}

static void
write_array(StringInfo out, const void *array, int count, Size size)
{
	appendBinaryStringInfo(out, array, count * size);
}

static void
write_options(const EtlLoadOptions *options, StringInfo out)
{
	write_string(out, options->delimiter);
	write_string(out, options->quote);
	write_array(out, options->null, options->null == NULL ? 0 : options->null_len, 1);
	for (int i = 0; i < options->fixed_count; i++)
	{
		write_string(out, options->fixed[i].label);
		write_array(out, &options->fixed[i].width, 1, sizeof(int));
	}
	write_string(out, options->paths);
	write_string(out, options->row_tag);
	write_string(out, options->invalid);
	write_string(out, options->date_format);
	write_string(out, options->time_format);
}

void
load_plan_write(const EtlLoadPlan *plan, StringInfo out)
{
	appendBinaryStringInfo(out, (const char *) plan, sizeof(*plan));
	write_options(&plan->options, out);
	write_string(out, plan->path_text);
	write_string(out, plan->time_zone);
	write_array(out, plan->attributes, plan->attribute_count, sizeof(EtlLoadAttribute));
	write_array(out, plan->columns, plan->column_count, sizeof(EtlLoadColumn));
	for (int i = 0; i < plan->column_count; i++)
	{
		write_string(out, plan->columns[i].name);
		write_string(out, plan->columns[i].member);
		write_string(out, plan->columns[i].type.name);
	}
}

static void *
read_array(const char **cursor, const char *end, int count, Size size)
{
	void *array = palloc(count * size + 1);

	if ((Size) (end - *cursor) < count * size)
		elog(ERROR, "plan of a load is too short");
	memcpy(array, *cursor, count * size);
	((char *) array)[count * size] = '\0';
	*cursor += count * size;
	return array;
}

static char *
read_string(const char **cursor, const char *end)
{
	uint32 *len = read_array(cursor, end, 1, sizeof(uint32));

	return *len == PG_UINT32_MAX ? NULL : read_array(cursor, end, *len, 1);
}

static void
read_options(EtlLoadOptions *options, const char **cursor, const char *end)
{
	options->delimiter = read_string(cursor, end);
	options->quote = read_string(cursor, end);
	options->null = options->null == NULL ? NULL : read_array(cursor, end, options->null_len, 1);
	options->fixed = palloc(options->fixed_count * sizeof(EtlFixedColumn));
	for (int i = 0; i < options->fixed_count; i++)
	{
		options->fixed[i].label = read_string(cursor, end);
		options->fixed[i].width = *(int *) read_array(cursor, end, 1, sizeof(int));
	}
	options->paths = read_string(cursor, end);
	options->row_tag = read_string(cursor, end);
	options->invalid = read_string(cursor, end);
	options->date_format = read_string(cursor, end);
	options->time_format = read_string(cursor, end);
}

EtlLoadPlan *
load_plan_read(const char *data, Size len)
{
	const char *end = data + len;
	EtlLoadPlan *plan = read_array(&data, end, 1, sizeof(EtlLoadPlan));

	read_options(&plan->options, &data, end);
	plan->path_text = read_string(&data, end);
	plan->time_zone = read_string(&data, end);
	plan->attributes = read_array(&data, end, plan->attribute_count, sizeof(EtlLoadAttribute));
	plan->columns = read_array(&data, end, plan->column_count, sizeof(EtlLoadColumn));
	for (int i = 0; i < plan->column_count; i++)
	{
		plan->columns[i].name = read_string(&data, end);
		plan->columns[i].member = read_string(&data, end);
		plan->columns[i].type.name = read_string(&data, end);
	}
	return plan;
}

/*
 * unload_manifest.c
 *		The list of an unload's files. See unload_manifest.h.
 */
#include "postgres.h"

#include "aws/request.h"
#include "catalog/pg_type.h"
#include "copy/unload_manifest.h"
#include "utils/builtins.h"
#include "utils/json.h"
#include "utils/lsyscache.h"

#define NUMERIC_PRECISION(typmod) ((((typmod) - VARHDRSZ) >> 16) & 0xffff)
#define NUMERIC_SCALE(typmod) ((int) (((((typmod) - VARHDRSZ) & 0x7ff) ^ 1024) - 1024))

static void
column_write(StringInfo out, Form_pg_attribute column)
{
	int32 typmod = column->atttypmod;
	Oid type = getBaseTypeAndTypmod(column->atttypid, &typmod);

	appendStringInfoString(out, "{\"name\":");
	escape_json(out, aws_text_to_utf8(NameStr(column->attname)));
	appendStringInfoString(out, ", \"type\":{\"base\":");
	escape_json(out, aws_text_to_utf8(format_type_be(type)));
	if ((type == VARCHAROID || type == BPCHAROID) && typmod >= (int32) VARHDRSZ)
		appendStringInfo(out, ", \"max_length\":%d", typmod - (int32) VARHDRSZ);
	else if (type == NUMERICOID && typmod >= (int32) VARHDRSZ)
		appendStringInfo(out, ", \"precision\":%d, \"scale\":%d", NUMERIC_PRECISION(typmod), NUMERIC_SCALE(typmod));
	appendStringInfoString(out, "}}");
}

static void
meta_write(StringInfo out, int64 bytes, int64 rows)
{
	appendStringInfo(out, "\"meta\":{\"content_length\":" INT64_FORMAT ", \"record_count\":" INT64_FORMAT "}", bytes,
					 rows);
}

void
unload_manifest_write(StringInfo out, const EtlTransferFile *files, int file_count, bool header, TupleDesc columns)
{
	int64 bytes = 0;
	int64 rows = 0;

	appendStringInfoString(out, "{\n  \"entries\": [");
	for (int i = 0; i < file_count; i++)
	{
		int64 lines = files[i].rows + (header ? 1 : 0);

		appendStringInfoString(out, i == 0 ? "\n    {\"url\":" : ",\n    {\"url\":");
		escape_json(out, aws_text_to_utf8(files[i].uri));
		if (columns != NULL)
		{
			appendStringInfoString(out, ", ");
			meta_write(out, files[i].bytes, lines);
		}
		appendStringInfoChar(out, '}');
		bytes += files[i].bytes;
		rows += lines;
	}
	appendStringInfoString(out, "\n  ]");
	if (columns != NULL)
	{
		appendStringInfoString(out, ",\n  \"schema\": {\n    \"elements\": [");
		for (int i = 0; i < columns->natts; i++)
		{
			appendStringInfoString(out, i == 0 ? "\n      " : ",\n      ");
			column_write(out, TupleDescAttr(columns, i));
		}
		appendStringInfoString(out, "\n    ]\n  },\n  ");
		meta_write(out, bytes, rows);
		appendStringInfoString(out, ",\n  \"author\":{\"name\":\"pg_etl\", \"version\":\"" ETL_VERSION "\"}");
	}
	appendStringInfoString(out, "\n}\n");
}

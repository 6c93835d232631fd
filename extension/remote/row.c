/*
 * row.c
 *		A remote row as a JSON object. See row.h.
 */
#include "postgres.h"

#include "catalog/pg_type_d.h"
#include "common/jsonapi.h"
#include "mb/pg_wchar.h"
#include "remote/row.h"
#include "utils/json.h"

static void
append_string(StringInfo json, const char *text)
{
	/* It comes from elsewhere: what is no text here must not become any. */
	(void) pg_verifymbstr(text, strlen(text), false);
	escape_json(json, text);
}

static void
append_value(StringInfo json, Oid type, const char *text)
{
	switch (type)
	{
		case BOOLOID:
			appendStringInfoString(json, text[0] == 't' ? "true" : "false");
			break;
		case INT2OID:
		case INT4OID:
		case INT8OID:
		case FLOAT4OID:
		case FLOAT8OID:
		case NUMERICOID:
			/* NaN and the infinities are no JSON numbers */
			if (IsValidJsonNumber(text, strlen(text)))
				appendStringInfoString(json, text);
			else
				append_string(json, text);
			break;
		case JSONOID:
		case JSONBOID:
			(void) pg_verifymbstr(text, strlen(text), false);
			appendStringInfoString(json, text);
			break;
		default:
			append_string(json, text);
			break;
	}
}

void
warehouse_row_json(const PGresult *row, StringInfo json)
{
	appendStringInfoChar(json, '{');
	for (int column = 0; column < PQnfields(row); column++)
	{
		if (column > 0)
			appendStringInfoString(json, ", ");
		append_string(json, PQfname(row, column));
		appendStringInfoString(json, ": ");
		if (PQgetisnull(row, 0, column))
			appendStringInfoString(json, "null");
		else
			append_value(json, PQftype(row, column), PQgetvalue(row, 0, column));
	}
	appendStringInfoChar(json, '}');
}

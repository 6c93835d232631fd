/*
 * json.c
 *		See json.h.
 */
#include "dialect/json.h"

void
json_append_string(StringInfo out, const char *value)
{
	appendStringInfoChar(out, '"');
	for (; *value; value++)
	{
		unsigned char c = *value;

		if (c == '"' || c == '\\')
			appendStringInfo(out, "\\%c", c);
		else if (c < ' ')
			appendStringInfo(out, "\\u%04x", c);
		else
			appendStringInfoChar(out, c);
	}
	appendStringInfoChar(out, '"');
}

void
json_append_key(StringInfo out, const char *key)
{
	if (out->data[out->len - 1] != '{')
		appendStringInfoString(out, ", ");
	json_append_string(out, key);
	appendStringInfoString(out, ": ");
}

void
json_append_text_member(StringInfo out, const char *key, const char *value)
{
	json_append_key(out, key);
	json_append_string(out, value);
}

void
json_append_integer_member(StringInfo out, const char *key, int64 value)
{
	json_append_key(out, key);
	appendStringInfo(out, INT64_FORMAT, value);
}

void
json_append_boolean_member(StringInfo out, const char *key, bool value)
{
	json_append_key(out, key);
	appendStringInfoString(out, value ? "true" : "false");
}

/*
 * value.c
 *		JSON out of a tree. See value.h.
 */
#include "aws/value.h"

const EtlAwsValue *
aws_value_member(const EtlAwsValue *object, const char *name)
{
	for (int i = 0; i < object->count; i++)
		if (object->kind == AWS_VALUE_OBJECT && strcmp(object->items[i].name, name) == 0)
			return &object->items[i];
	return NULL;
}

void
aws_value_quote(StringInfo out, const char *text)
{
	appendStringInfoChar(out, '"');
	for (const unsigned char *c = (const unsigned char *) text; *c; c++)
	{
		if (*c == '"' || *c == '\\')
			appendStringInfo(out, "\\%c", *c);
		else if (*c < 0x20 || *c == 0x7F)
			appendStringInfo(out, "\\u%04x", *c);
		else
			appendStringInfoChar(out, (char) *c);
	}
	appendStringInfoChar(out, '"');
}

static void
write_items(StringInfo out, const EtlAwsValue *value)
{
	for (int i = 0; i < value->count; i++)
	{
		if (i > 0)
			appendStringInfoChar(out, ',');
		if (value->kind == AWS_VALUE_OBJECT)
		{
			aws_value_quote(out, value->items[i].name);
			appendStringInfoChar(out, ':');
		}
		aws_value_write(out, &value->items[i]);
	}
}

void
aws_value_write(StringInfo out, const EtlAwsValue *value)
{
	switch (value->kind)
	{
		case AWS_VALUE_NULL:
			appendStringInfoString(out, "null");
			break;
		case AWS_VALUE_SCALAR:
			appendStringInfoString(out, value->text);
			break;
		case AWS_VALUE_STRING:
			aws_value_quote(out, value->text);
			break;
		case AWS_VALUE_ARRAY:
			appendStringInfoChar(out, '[');
			write_items(out, value);
			appendStringInfoChar(out, ']');
			break;
		case AWS_VALUE_OBJECT:
			appendStringInfoChar(out, '{');
			write_items(out, value);
			appendStringInfoChar(out, '}');
			break;
	}
}

const char *
aws_value_text(const EtlAwsValue *value)
{
	StringInfoData out;

	if (value->kind == AWS_VALUE_STRING || value->kind == AWS_VALUE_SCALAR)
		return value->text;
	initStringInfo(&out);
	aws_value_write(&out, value);
	return out.data;
}

/*
 * xml_answer.c
 *		Reading the members of small XML answers. See xml_answer.h.
 */
#include "aws/xml_answer.h"

static bool
refused(EtlError *error, const char *format, const char *name)
{
	etl_error_set(error, ERRCODE_PROTOCOL_VIOLATION, "unexpected answer");
	etl_error_detail(error, format, name);
	return false;
}

bool
xml_answer_parse(const char *data, size_t size, const char *root, EtlXml *out, EtlError *error)
{
	while (size > 0 && (*data == ' ' || *data == '\t' || *data == '\r' || *data == '\n'))
	{
		data++;
		size--;
	}
	if (!xml_parse(data, size, out, error))
	{
		if (error->sqlstate == ERRCODE_PROTOCOL_VIOLATION)
			strlcpy(error->message, "unexpected answer", sizeof(error->message));
		return false;
	}
	if (strcmp(out->elements[0].name, root) == 0)
		return true;
	xml_free(out);
	return refused(error, "The answer is no %s.", root);
}

int
xml_answer_child(const EtlXml *xml, int parent, const char *name, EtlError *error)
{
	int depth = xml->elements[parent].depth;
	int found = 0;

	for (int i = parent + 1; i < xml->count && xml->elements[i].depth > depth; i++)
		if (xml->elements[i].depth == depth + 1 && strcmp(xml->elements[i].name, name) == 0)
		{
			if (found > 0)
				return refused(error, "The answer has several %s.", name);
			found = i;
		}
	if (found == 0)
		refused(error, "The answer has no %s.", name);
	return found;
}

const char *
xml_answer_word(const EtlXml *xml, int parent, const char *name, size_t longest, EtlError *error)
{
	int child = xml_answer_child(xml, parent, name, error);
	const char *text = xml->elements[child].text;
	size_t length = strlen(text);

	if (child == 0)
		return NULL;
	if (length == 0)
		refused(error, "The answer has no %s.", name);
	else if (length > longest)
		refused(error, "Its %s is longer than it can be.", name);
	else
	{
		for (size_t i = 0; i < length; i++)
			if (text[i] <= 0x20 || text[i] >= 0x7F)
			{
				refused(error, "Its %s has a character that it can't have.", name);
				return NULL;
			}
		return text;
	}
	return NULL;
}

/*
 * protocol_xml.c
 *		An answer of the query protocols as JSON. See protocol.h.
 */
#include "aws/protocol.h"
#include "aws/xml.h"

typedef struct Reader
{
	const EtlAwsService *service;
	EtlXml xml;
	StringInfo out;
} Reader;

/* The element after element i and all that is in it. */
static int
after(const EtlXml *xml, int i)
{
	int depth = xml->elements[i].depth;

	do
		i++;
	while (i < xml->count && xml->elements[i].depth > depth);
	return i;
}

static bool
has_children(const EtlXml *xml, int i)
{
	return i + 1 < xml->count && xml->elements[i + 1].depth > xml->elements[i].depth;
}

static bool
is_child(const EtlXml *xml, int parent, int i)
{
	return i < xml->count && xml->elements[i].depth > xml->elements[parent].depth;
}

static void write_element(Reader *reader, int i, const char *path, const char *kind);

static void
write_list(Reader *reader, int parent, const char *path)
{
	appendStringInfoChar(reader->out, '[');
	for (int i = parent + 1; is_child(&reader->xml, parent, i); i = after(&reader->xml, i))
	{
		if (i > parent + 1)
			appendStringInfoChar(reader->out, ',');
		write_element(reader, i, path, NULL);
	}
	appendStringInfoChar(reader->out, ']');
}

/* The child of that name, `length` bytes; 0: there is none. */
static int
child_named(const EtlXml *xml, int parent, const char *name, size_t length)
{
	for (int i = parent + 1; is_child(xml, parent, i); i = after(xml, i))
		if (strncmp(xml->elements[i].name, name, length) == 0 && xml->elements[i].name[length] == '\0')
			return i;
	return 0;
}

static void
write_map(Reader *reader, int parent, const char *path, const char *kind)
{
	const char *equals = strchr(kind, '=');
	bool first = true;

	appendStringInfoChar(reader->out, '{');
	for (int i = parent + 1; is_child(&reader->xml, parent, i); i = after(&reader->xml, i))
	{
		int key = child_named(&reader->xml, i, kind, equals - kind);
		int value = child_named(&reader->xml, i, equals + 1, strlen(equals + 1));

		if (key == 0 || value == 0)
			continue;
		if (!first)
			appendStringInfoChar(reader->out, ',');
		first = false;
		aws_value_quote(reader->out, reader->xml.elements[key].text);
		appendStringInfoChar(reader->out, ':');
		write_element(reader, value, path, NULL);
	}
	appendStringInfoChar(reader->out, '}');
}

/* A member, and the neighbours that have its name; answers what comes after them. */
static int
write_member(Reader *reader, int parent, int i, const char *path)
{
	const EtlXml *xml = &reader->xml;
	const char *name = xml->elements[i].name;
	char *below = psprintf("%s.%s", path, name);
	const EtlAwsName *row =
		names_find(reader->service->names->answers, reader->service->names->nanswers, below);
	char *written = pstrdup(row != NULL && row->name != NULL ? row->name : name);
	int next = after(xml, i);
	bool several = is_child(xml, parent, next) && strcmp(xml->elements[next].name, name) == 0;

	if (reader->service->protocol == AWS_PROTOCOL_EC2)
		written[0] = pg_ascii_toupper((unsigned char) written[0]);
	aws_value_quote(reader->out, written);
	appendStringInfoString(reader->out, several ? ":[" : ":");
	write_element(reader, i, below, row != NULL ? row->kind : NULL);
	for (; several && is_child(xml, parent, next) && strcmp(xml->elements[next].name, name) == 0;
		 next = after(xml, next))
	{
		appendStringInfoChar(reader->out, ',');
		write_element(reader, next, below, row != NULL ? row->kind : NULL);
	}
	if (several)
		appendStringInfoChar(reader->out, ']');
	pfree(written);
	pfree(below);
	return next;
}

/* But for a child of the name `without`. */
static void
write_structure(Reader *reader, int parent, const char *path, const char *without)
{
	int i = parent + 1;
	bool first = true;

	appendStringInfoChar(reader->out, '{');
	while (is_child(&reader->xml, parent, i))
	{
		if (without != NULL && strcmp(reader->xml.elements[i].name, without) == 0)
		{
			i = after(&reader->xml, i);
			continue;
		}
		if (!first)
			appendStringInfoChar(reader->out, ',');
		first = false;
		i = write_member(reader, parent, i, path);
	}
	appendStringInfoChar(reader->out, '}');
}

/* Lists that no table knows: of a newer version of the service. */
static bool
looks_like_list(const Reader *reader, int parent)
{
	const char *item = reader->service->protocol == AWS_PROTOCOL_EC2 ? "item" : "member";

	for (int i = parent + 1; is_child(&reader->xml, parent, i); i = after(&reader->xml, i))
		if (strcmp(reader->xml.elements[i].name, item) != 0)
			return false;
	return true;
}

static void
write_element(Reader *reader, int i, const char *path, const char *kind)
{
	if (kind != NULL && strchr(kind, '=') != NULL)
		write_map(reader, i, path, kind);
	else if (kind != NULL)
		write_list(reader, i, path);
	else if (!has_children(&reader->xml, i))
		aws_value_quote(reader->out, reader->xml.elements[i].text);
	else if (looks_like_list(reader, i))
		write_list(reader, i, path);
	else
		write_structure(reader, i, path, NULL);
}

bool
protocol_xml_read(const EtlAwsService *service, const char *action, const char *data, size_t size,
				  StringInfo out, EtlError *error)
{
	Reader reader = {.service = service, .out = out};
	char *root = psprintf("%sResponse", action);
	char *result = psprintf("%sResult", action);
	int at;

	if (!xml_parse(data, size, &reader.xml, error))
		return false;
	if (strcmp(reader.xml.elements[0].name, root) != 0)
	{
		xml_free(&reader.xml);
		etl_error_set(error, ERRCODE_PROTOCOL_VIOLATION, "unexpected answer");
		etl_error_detail(error, "The XML is no %s.", root);
		return false;
	}
	if (service->protocol == AWS_PROTOCOL_EC2)
		write_structure(&reader, 0, action, "requestId");
	else if ((at = child_named(&reader.xml, 0, result, strlen(result))) > 0)
		write_structure(&reader, at, action, NULL);
	else
		appendStringInfoString(out, "{}");
	xml_free(&reader.xml);
	return true;
}

/*
 * xml.c
 *		XML into a flat list, with expat. See xml.h.
 *
 * No callback allocates: before expat starts there is room for as many elements as the document has "<" and may have, and for as
 * much text as it has bytes (expat hands out no more than it gets once entities can't be declared).
 */
#include "aws/xml.h"

#include <expat.h>

#define MAX_DEPTH 32

typedef struct Parse
{
	XML_Parser parser;
	EtlXml *xml;
	int capacity;
	char *text; /* names and texts, one after another, each with its NUL */
	size_t text_size;
	size_t text_used;
	char *open_text; /* where the text of the innermost element starts; NULL: it has elements in it */
	int depth;
	const char *refused;
} Parse;

static void
refuse(Parse *parse, const char *why)
{
	if (parse->refused == NULL)
		parse->refused = why;
	XML_StopParser(parse->parser, XML_FALSE);
}

static void
start_doctype(void *arg, const XML_Char *name, const XML_Char *sysid, const XML_Char *pubid, int internal)
{
	refuse(arg, "it has a document type declaration");
}

static bool
append(Parse *parse, const char *text, size_t length)
{
	if (length > parse->text_size - parse->text_used)
	{
		refuse(parse, "it is larger than it can be");
		return false;
	}
	memcpy(parse->text + parse->text_used, text, length);
	parse->text_used += length;
	return true;
}

static void
start_element(void *arg, const XML_Char *name, const XML_Char **attributes)
{
	Parse *parse = arg;
	EtlXmlElement *element = &parse->xml->elements[parse->xml->count];

	if (parse->depth == MAX_DEPTH)
	{
		refuse(parse, "it is nested too deeply");
		return;
	}
	if (parse->xml->count == parse->capacity)
	{
		refuse(parse, "it is larger than it can be");
		return;
	}
	if (parse->open_text != NULL)
		parse->text_used = parse->open_text - parse->text; /* blanks before the first child */
	element->name = parse->text + parse->text_used;
	element->text = "";
	element->depth = parse->depth++;
	if (!append(parse, name, strlen(name) + 1))
		return;
	parse->xml->count++;
	parse->open_text = parse->text + parse->text_used;
}

static void
end_element(void *arg, const XML_Char *name)
{
	Parse *parse = arg;

	parse->depth--;
	if (parse->open_text != NULL && append(parse, "", 1))
		parse->xml->elements[parse->xml->count - 1].text = parse->open_text;
	parse->open_text = NULL;
}

static void
character_data(void *arg, const XML_Char *text, int length)
{
	Parse *parse = arg;

	if (parse->open_text != NULL)
		append(parse, text, length);
}

bool
xml_parse(const char *data, size_t size, EtlXml *out, EtlError *error)
{
	Parse parse = {.xml = out};
	XML_Parser parser;
	const char *why = NULL;
	bool no_memory = false;

	if (size > PG_INT32_MAX / 2)
		return etl_error_set(error, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "XML document is too large");
	for (size_t i = 0; i < size; i++)
		parse.capacity += data[i] == '<';
	/* <a/> is the shortest; what stands in a comment or in CDATA begins none */
	parse.capacity = Min(parse.capacity, (int) (size / 4) + 1);
	parse.text_size = size + 1;
	parse.text = palloc(parse.text_size);
	out->elements = palloc0((parse.capacity + 1) * sizeof(EtlXmlElement));
	out->count = 0;

	parse.parser = parser = XML_ParserCreate("UTF-8");
	if (parser == NULL)
		return etl_error_set(error, ERRCODE_OUT_OF_MEMORY, "out of memory");
	XML_SetUserData(parser, &parse);
	XML_SetElementHandler(parser, start_element, end_element);
	XML_SetCharacterDataHandler(parser, character_data);
	XML_SetStartDoctypeDeclHandler(parser, start_doctype);
	if (XML_Parse(parser, data, (int) size, XML_TRUE) != XML_STATUS_OK)
	{
		why = parse.refused != NULL ? parse.refused : XML_ErrorString(XML_GetErrorCode(parser));
		no_memory = XML_GetErrorCode(parser) == XML_ERROR_NO_MEMORY;
	}
	XML_ParserFree(parser);
	if (why == NULL)
		return true;
	out->count = 0;
	pfree(parse.text);
	pfree(out->elements);
	out->elements = NULL;
	if (no_memory)
		return etl_error_set(error, ERRCODE_OUT_OF_MEMORY, "out of memory");
	etl_error_set(error, ERRCODE_PROTOCOL_VIOLATION, "could not read an XML document");
	etl_error_detail(error, "The document is not usable: %s.", why);
	return false;
}

void
xml_free(EtlXml *xml)
{
	if (xml->count > 0)
		pfree((char *) xml->elements[0].name); /* the root's name opens the text */
	pfree(xml->elements);
	xml->elements = NULL;
	xml->count = 0;
}

const char *
xml_text(const EtlXml *xml, int parent, const char *name)
{
	for (int i = parent + 1; i < xml->count && xml->elements[i].depth > xml->elements[parent].depth; i++)
		if (strcmp(xml->elements[i].name, name) == 0)
			return xml->elements[i].text;
	return NULL;
}

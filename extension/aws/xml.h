/*
 * xml.h
 *		A whole small XML document (an error, a listing, temporary credentials) as a flat list. Pure.
 *
 * UTF-8 only; a document type declaration is refused, and with it every entity but XML's own five.
 */
#ifndef ETL_AWS_XML_H
#define ETL_AWS_XML_H

#include "base/error.h"

typedef struct EtlXmlElement
{
	int depth; /* the root has 0 */
	const char *name;
	const char *text; /* "" for an element that has elements in it */
} EtlXmlElement;

typedef struct EtlXml
{
	EtlXmlElement *elements; /* in document order */
	int count;
} EtlXml;

/* Free with xml_free, or with the memory context. */
extern bool xml_parse(const char *data, size_t size, EtlXml *out, EtlError *error);
extern void xml_free(EtlXml *xml);
/* The text of the first element called name below element `parent` (an index), or NULL. */
extern const char *xml_text(const EtlXml *xml, int parent, const char *name);

#endif

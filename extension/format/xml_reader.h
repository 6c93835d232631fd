/*
 * xml_reader.h
 *		Rows of XML: each element of one name, at any depth, is a record.
 *
 * Pure. Names are without their namespaces' prefixes. A row element inside another is part of that one.
 *
 * By names, a column takes the first child element of its name; if there is none, the attribute of that name of the row
 * element. By paths (json_paths.h), it takes what its path leads to from the row element: a child by name, the first of
 * that name unless a number follows ($.line[1] is the second), in the end perhaps an attribute ($.customer.@id). A value is
 * all the text in the element, that of elements inside it too, as it stands; an empty element is ''; NULL is one that isn't
 * there. All values count as quoted.
 *
 * A record's line is the one where its element starts. XML that isn't well-formed is an error (1216) after which nothing can
 * be read: from then on next says so with 54000, as for a record over the limit. So is a document type declaration, and
 * with it every entity but XML's own five; and nesting beyond the limit. Encodings: UTF-8, and what expat knows of what a
 * document can declare (UTF-16, ISO-8859-1, US-ASCII); any other is an error that says so.
 */
#ifndef ETL_FORMAT_XML_READER_H
#define ETL_FORMAT_XML_READER_H

#include "format/json_paths.h"
#include "format/record.h"

#define ETL_XML_MAX_DEPTH 256
#define ETL_XML_MAX_MEMORY (64 * 1024 * 1024) /* bytes of expat's, in all readers of the process */

typedef struct EtlXmlOptions
{
	const char *row_tag;
	const char *const *columns; /* their names, if paths is NULL */
	const EtlJsonPaths *paths;	/* column_count of them */
	int column_count;			/* fields of a record, at most ETL_RECORD_MAX_FIELDS */
	bool ignore_case;			/* of A to Z, in the names of columns */
	bool is_utf8;				/* whatever the document declares: it was decoded on the way here */
} EtlXmlOptions;

/* Whether the row tag is a name, and paths are what leads to something: false with 22023 filled in. */
extern bool xml_options_check(const EtlXmlOptions *options, EtlError *error);

/*
 * Allocated, with all it grows into, in the current context, but for expat's memory, which the context's reset frees, too
 * (outside the server only `free` does). NULL: out of memory, 53200. The options are copied.
 */
extern EtlRecordReader *xml_reader_create(const EtlXmlOptions *options, EtlError *error);

#endif

/*
 * xml_answer.h
 *		What the small XML answers of AWS have in common: a root of a certain name, and members that are there once. Pure.
 *
 * When AWS would not have answered that, the error is 08P01 and its detail says why, without a word of the answer, which may
 * hold keys. The caller raises it with the name of what it was about.
 */
#ifndef ETL_AWS_XML_ANSWER_H
#define ETL_AWS_XML_ANSWER_H

#include "aws/xml.h"

/*
 * A document whose root has this name. Blanks may stand before it: S3 keeps a connection alive with them. To be freed with
 * xml_free when this is true.
 */
extern bool xml_answer_parse(const char *data, size_t size, const char *root, EtlXml *out, EtlError *error);
/* The child of element `parent` with this name; 0: there is none, or there are several, as the error says. */
extern int xml_answer_child(const EtlXml *xml, int parent, const char *name, EtlError *error);
/*
 * Its text if that is 1 to `longest` printable characters of ASCII, as an id, an ETag or a key is: it may become a header, a
 * parameter or a line. NULL: it isn't.
 */
extern const char *xml_answer_word(const EtlXml *xml, int parent, const char *name, size_t longest,
								   EtlError *error);

#endif

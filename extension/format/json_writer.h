/*
 * json_writer.h
 *		Text as it stands in JSON (UNLOAD). Pure.
 */
#ifndef ETL_FORMAT_JSON_WRITER_H
#define ETL_FORMAT_JSON_WRITER_H

#include "format/record.h"

/* Append the text, which is UTF-8, as a JSON string with its quotes. */
extern void json_string_write(StringInfo out, const char *text, size_t len);

#endif

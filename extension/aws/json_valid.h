/*
 * json_valid.h
 *		Is it JSON? Pure, without memory: what json-c makes of a text takes up to 250 times its size.
 */
#ifndef ETL_AWS_JSON_VALID_H
#define ETL_AWS_JSON_VALID_H

#include "base/platform.h"

/* Whether the text is one JSON value in UTF-8 (RFC 8259), nested no more than 256 deep, and nothing else. */
extern bool aws_json_valid(const char *json, size_t size);

#endif

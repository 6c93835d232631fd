/*
 * json.h
 *		Small JSON documents, by json-c. Pure. Nothing is allocated from PostgreSQL.
 */
#ifndef ETL_AWS_JSON_H
#define ETL_AWS_JSON_H

#include "base/platform.h"

#include <json-c/json.h>

#define AWS_JSON_MAX_SIZE (1024 * 1024)

/*
 * The value of a small document (an error, a secret), to be given back with json_object_put: all of it or nothing. NULL: it isn't
 * JSON, is nested more than `depth` deep, is larger than such a document is, or, with *no_memory, there was no memory for it.
 */
extern json_object *aws_json_parse(const char *json, size_t size, int depth, bool *no_memory);

#endif

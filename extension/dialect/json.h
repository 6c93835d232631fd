/*
 * json.h
 *		Writes a flat JSON object, member by member, into a StringInfo: the options that a translated statement
 *		hands over.
 */
#ifndef ETL_DIALECT_JSON_H
#define ETL_DIALECT_JSON_H

#include "base/platform.h"

/* The text as a JSON string. It must have come from a C string, so it can't hold a NUL. */
extern void json_append_string(StringInfo out, const char *value);

/* Start a member: the separator when one is needed, "key":. The value is appended next. */
extern void json_append_key(StringInfo out, const char *key);

extern void json_append_text_member(StringInfo out, const char *key, const char *value);
extern void json_append_integer_member(StringInfo out, const char *key, int64 value);
extern void json_append_boolean_member(StringInfo out, const char *key, bool value);

#endif

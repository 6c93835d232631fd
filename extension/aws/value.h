/*
 * value.h
 *		A JSON value as a tree of plain structs: what requests are written from. Pure.
 */
#ifndef ETL_AWS_VALUE_H
#define ETL_AWS_VALUE_H

#include "base/platform.h"

/* How deep values may be nested; AWS's own are not nearly. */
#define AWS_VALUE_DEPTH 64

typedef enum EtlAwsValueKind
{
	AWS_VALUE_NULL,
	AWS_VALUE_SCALAR, /* a number, or true or false */
	AWS_VALUE_STRING,
	AWS_VALUE_ARRAY,
	AWS_VALUE_OBJECT
} EtlAwsValueKind;

typedef struct EtlAwsValue
{
	EtlAwsValueKind kind;
	const char *name; /* of an object's member; NULL: it is none */
	const char *text; /* of a scalar or string, UTF-8 */
	struct EtlAwsValue *items;
	int count;
} EtlAwsValue;

/* The object's member of that name, or NULL. */
extern const EtlAwsValue *aws_value_member(const EtlAwsValue *object, const char *name);
/* Its JSON text. */
extern void aws_value_write(StringInfo out, const EtlAwsValue *value);
/* A string's text, or the JSON text of anything else. */
extern const char *aws_value_text(const EtlAwsValue *value);
/* text as a JSON string, quotes included. */
extern void aws_value_quote(StringInfo out, const char *text);

#endif

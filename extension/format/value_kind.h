/*
 * value_kind.h
 *		What value_read.c hands to the readers of single kinds. Private to format/value*.c.
 *
 * A reader gets text that isn't empty and has no blanks at its ends. It fills the members of the value that its kind
 * has, or says why not through value_reject.
 */
#ifndef ETL_FORMAT_VALUE_KIND_H
#define ETL_FORMAT_VALUE_KIND_H

#include "format/value.h"

/* Write the reason and return the code. */
extern EtlLoadCode value_reject(char *reason, EtlLoadCode code, const char *fmt, ...)
	pg_attribute_printf(3, 4) pg_attribute_cold;

/* The text as it is, for the type's own input function; UTF-8 without a NUL byte, or rejected. */
extern EtlLoadCode value_read_text(const EtlValueType *type, const char *data, const char *end,
								   EtlValue *value, char *reason);

extern EtlLoadCode value_read_integer(const EtlValueType *type, const char *data, const char *end,
									  EtlValue *value, char *reason);
extern EtlLoadCode value_read_float(const EtlValueType *type, const char *data, const char *end,
									EtlValueScratch *scratch, EtlValue *value, char *reason);
extern EtlLoadCode value_read_numeric(const EtlValueType *type, const EtlValueRules *rules, const char *data,
									  const char *end, EtlValueScratch *scratch, EtlValue *value,
									  char *reason);
extern EtlLoadCode value_read_time(const EtlValueType *type, const EtlValueRules *rules, const char *data,
								   const char *end, EtlValue *value, char *reason);

static inline bool
value_is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

static inline bool
value_is_digit(char c)
{
	return (unsigned char) (c - '0') <= 9;
}

#endif

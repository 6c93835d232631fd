/*
 * input.h
 *		Between jsonb and what goes over the wire: a call's input as a tree (value.h), and an answer's text as jsonb.
 */
#ifndef ETL_AWS_INPUT_H
#define ETL_AWS_INPUT_H

#include "postgres.h"

#include "aws/value.h"
#include "lib/stringinfo.h"
#include "utils/jsonb.h"

/* In UTF-8, in the current context. */
extern EtlAwsValue *aws_input_value(Jsonb *input);
/*
 * The jsonb of a JSON object in UTF-8; no text at all is {}. Raises 08P01, with `what` named, when it is anything else. Nothing
 * of the text is in an error: it may hold secrets.
 */
extern Jsonb *aws_answer_jsonb(const char *what, StringInfo text);

#endif

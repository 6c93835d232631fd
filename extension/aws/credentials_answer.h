/*
 * credentials_answer.h
 *		Keys as the metadata services of machines and containers answer them, a JSON object. Pure.
 */
#ifndef ETL_AWS_CREDENTIALS_ANSWER_H
#define ETL_AWS_CREDENTIALS_ANSWER_H

#include "aws/keys.h"
#include "base/error.h"

/*
 * {"AccessKeyId": …, "SecretAccessKey": …, "Token": …, "Expiration": …}; expires_at (Unix time) is 0 when it
 * doesn't say. False with 28000 when the service says why there are none (Code and Message), with 08P01 when it says something else;
 * no value of the answer is in that. The caller adds where it came from.
 */
extern bool credentials_answer_parse(const char *json, size_t size, EtlAwsKeys *keys, int64 *expires_at,
									 EtlError *error);

/*
 * The first line of an answer that is text, a token or a role's name: printable ASCII without blanks, so that it may become a
 * header or a part of a path. False with 08P01: it has no such `what`.
 */
extern bool credentials_line_parse(const char *text, size_t size, const char *what, char **line, EtlError *error);

#endif

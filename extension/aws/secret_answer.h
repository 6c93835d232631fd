/*
 * secret_answer.h
 *		What Secrets Manager answers to GetSecretValue. Pure.
 */
#ifndef ETL_AWS_SECRET_ANSWER_H
#define ETL_AWS_SECRET_ANSWER_H

#include "base/error.h"

/*
 * The secret's value, UTF-8 text: SecretString, or SecretBinary decoded. The caller wipes it. Errors say nothing of
 * what is in it.
 */
extern bool secret_answer_parse(const char *json, size_t size, const char *secret_id, char **value,
								EtlError *error);

#endif

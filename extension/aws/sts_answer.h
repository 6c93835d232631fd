/*
 * sts_answer.h
 *		The keys of a role, as STS answers them. Pure.
 */
#ifndef ETL_AWS_STS_ANSWER_H
#define ETL_AWS_STS_ANSWER_H

#include "aws/keys.h"
#include "base/error.h"

/*
 * What action AssumeRole, or AssumeRoleWithWebIdentity, has answered: all three of the keys, printable ASCII, and when they expire (Unix
 * time). False with 08P01 when it says something else; nothing is set then, and no value of the answer is in the error. The
 * caller wipes the answer.
 */
extern bool sts_answer_parse(const char *body, size_t size, const char *action, EtlAwsKeys *keys,
							 int64 *expires_at, EtlError *error);

#endif

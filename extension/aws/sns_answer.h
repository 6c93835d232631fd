/*
 * sns_answer.h
 *		What SNS answers to Publish. Pure.
 */
#ifndef ETL_AWS_SNS_ANSWER_H
#define ETL_AWS_SNS_ANSWER_H

#include "base/error.h"

/* The message's id, printable ASCII, in the current context. False with 08P01 when it says something else. */
extern bool sns_answer_parse(const char *body, size_t size, char **message_id, EtlError *error);

#endif

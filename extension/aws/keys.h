/*
 * keys.h
 *		What a request is signed with. Pure.
 *
 * They are secrets: whoever has a copy wipes it when done, and none goes into an error or a log.
 */
#ifndef ETL_AWS_KEYS_H
#define ETL_AWS_KEYS_H

#include "base/platform.h"

typedef struct EtlAwsKeys
{
	char *access_key_id; /* NULL: nobody's, and the request goes unsigned */
	char *secret_access_key;
	char *session_token; /* NULL: none */
} EtlAwsKeys;

/* A copy in the current context. */
extern EtlAwsKeys aws_keys_copy(const EtlAwsKeys *keys);
/* Overwrites, frees and forgets them. */
extern void aws_keys_wipe(EtlAwsKeys *keys);

#endif

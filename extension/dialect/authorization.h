/*
 * authorization.h
 *		IAM_ROLE, ACCESS_KEY_ID … and CREDENTIALS, the same three in COPY and UNLOAD.
 */
#ifndef ETL_DIALECT_AUTHORIZATION_H
#define ETL_DIALECT_AUTHORIZATION_H

#include "dialect/parser.h"

typedef struct EtlAuthorization
{
	char *iam_role; /* "default" or ARNs */
	char *access_key_id;
	char *secret_access_key;
	char *session_token;
	bool from_credentials; /* the CREDENTIALS form was used */
} EtlAuthorization;

/* A keyword of an authorization stands at the cursor. */
extern bool authorization_is_next(const EtlParser *parser);
extern bool authorization_parse(EtlParser *parser, EtlAuthorization *authorization);
/* There is one, and it is whole; `command` is for the message. */
extern bool authorization_check(EtlParser *parser, const EtlAuthorization *authorization,
								const char *command);
/* "iam_role" or "credentials" as a member of the options. */
extern void authorization_append(StringInfo json, const EtlAuthorization *authorization);

/* The words, for hints. */
extern const char *const authorization_words[];

#endif

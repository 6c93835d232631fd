/*
 * credentials.h
 *		Who signs: one file a provider (credentials_mapping.c, credentials_environment.c,
 *		credentials_assume_role.c).
 */
#ifndef ETL_AWS_CREDENTIALS_H
#define ETL_AWS_CREDENTIALS_H

#include "postgres.h"

#include "aws/server.h"

typedef struct EtlAwsCredentials
{
	char *access_key_id;
	char *secret_access_key;
	char *session_token; /* NULL: none */
} EtlAwsCredentials;

/*
 * The current user's credentials for the server: server->credentials when that is set, otherwise by the provider its
 * options choose and allocated in the current context. Raises 28000 with a hint that shows the CREATE USER MAPPING
 * statement when there are none.
 */
extern EtlAwsCredentials *aws_credentials_get(const EtlAwsServer *server);

/*
 * Temporary credentials of the IAM role, which the server's own credentials assume (STS AssumeRole); for "arn1,arn2"
 * the first role assumes the second, and so on. Kept by the process until shortly before they expire.
 */
extern EtlAwsCredentials *aws_credentials_assume_role(const EtlAwsServer *server, const char *role_arn);

/* The providers; aws_credentials_get asks the one that the server's options choose. */
extern EtlAwsCredentials *credentials_mapping_get(const EtlAwsServer *server);
extern EtlAwsCredentials *credentials_environment_get(const EtlAwsServer *server);

#endif

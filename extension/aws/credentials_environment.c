/*
 * credentials_environment.c
 *		The database server's own environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
 */
#include "postgres.h"

#include "aws/credentials_provider.h"

EtlAwsCredentials *
credentials_environment_get(const EtlAwsServer *server)
{
	EtlAwsCredentials *credentials = credentials_make(NULL, NULL);
	const char *id = credentials_environment_variable("AWS_ACCESS_KEY_ID");
	const char *secret = credentials_environment_variable("AWS_SECRET_ACCESS_KEY");
	const char *token = credentials_environment_variable("AWS_SESSION_TOKEN");

	if (id == NULL || secret == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("no AWS credentials for server \"%s\" in the environment", server->name),
				errhint("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment that PostgreSQL "
						"is started in."));
	credentials->keys.access_key_id = pstrdup(id);
	credentials->keys.secret_access_key = pstrdup(secret);
	credentials->keys.session_token = token != NULL ? pstrdup(token) : NULL;
	credentials->origin = pstrdup("the environment that PostgreSQL was started in");
	return credentials_identify(credentials);
}

/*
 * credentials_environment.c
 *		The database server's own environment: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN.
 */
#include "postgres.h"

#include "aws/credentials.h"

EtlAwsCredentials *
credentials_environment_get(const EtlAwsServer *server)
{
	EtlAwsCredentials *credentials = palloc0(sizeof(EtlAwsCredentials));
	const char *id = getenv("AWS_ACCESS_KEY_ID");
	const char *secret = getenv("AWS_SECRET_ACCESS_KEY");
	const char *token = getenv("AWS_SESSION_TOKEN");

	/* The owner may have changed since the option was set. */
	if (!server->trusted)
		ereport(ERROR, errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				errmsg("AWS server \"%s\" may not use the environment's credentials", server->name),
				errdetail("Its owner is not a superuser."),
				errhint("Make a superuser its owner, or set its option credentials to 'user_mapping'."));
	if (id == NULL || *id == '\0' || secret == NULL || *secret == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("no AWS credentials for server \"%s\" in the environment", server->name),
				errhint("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the environment that PostgreSQL "
						"is started in."));
	credentials->access_key_id = pstrdup(id);
	credentials->secret_access_key = pstrdup(secret);
	credentials->session_token = token != NULL && *token ? pstrdup(token) : NULL;
	return credentials;
}

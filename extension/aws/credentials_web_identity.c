/*
 * credentials_web_identity.c
 *		A role that whoever holds a signed token may assume, as Kubernetes (EKS) hands them to its pods:
 *		AWS_WEB_IDENTITY_TOKEN_FILE, AWS_ROLE_ARN, AWS_ROLE_SESSION_NAME.
 *
 * The file is read anew each time: the token in it is replaced long before the pod ends.
 */
#include "postgres.h"

#include "aws/credentials_provider.h"
#include "aws/sts.h"

#define MAX_TOKEN_SIZE 20000 /* what STS takes */

static void *
web_identity_start(const EtlAwsCredentials *credentials, bool *progress)
{
	EtlStsRole role = {.server = credentials->server,
					   .role_arn = credentials->role_arn,
					   .session_name = credentials->session_name};
	char *token = credentials_file_read(credentials->place, MAX_TOKEN_SIZE);

	if (token == NULL)
		ereport(ERROR, errcode_for_file_access(),
				errmsg("could not assume role \"%s\": could not read file \"%s\": %m", credentials->role_arn,
					   credentials->place),
				errdetail("It is to hold the web identity token."));
	if (*token == '\0')
		ereport(ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("could not assume role \"%s\": file \"%s\" is empty", credentials->role_arn,
					   credentials->place),
				errdetail("It is to hold the web identity token."));
	return sts_web_identity_start(&role, token, progress);
}

static bool
web_identity_poll(void *run, EtlAwsTemporary *out, EtlWait *wait)
{
	return sts_poll(run, &out->keys, &out->expires_at, wait);
}

static const EtlAwsProvider provider = {
	.name = "web identity", .start = web_identity_start, .poll = web_identity_poll};

EtlAwsCredentials *
credentials_web_identity_make(const EtlAwsServer *server, const char *role_arn, const char *token_file,
							  const char *session_name)
{
	EtlAwsCredentials *credentials = credentials_make(server, &provider);

	aws_credentials_roles_check(role_arn);
	credentials->origin = psprintf("role \"%s\"", role_arn);
	credentials->role_arn = pstrdup(role_arn);
	credentials->place = pstrdup(token_file);
	credentials->session_name = pstrdup(session_name != NULL ? session_name : STS_SESSION_NAME);
	return credentials_identify(credentials);
}

EtlAwsCredentials *
credentials_web_identity_get(const EtlAwsServer *server)
{
	const char *role_arn = credentials_environment_variable("AWS_ROLE_ARN");
	const char *token_file = credentials_environment_variable("AWS_WEB_IDENTITY_TOKEN_FILE");
	const char *session_name = server->role_session_name;

	if (session_name == NULL)
		session_name = credentials_environment_variable("AWS_ROLE_SESSION_NAME");
	if (role_arn == NULL || token_file == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("no web identity for AWS server \"%s\" in the environment", server->name),
				errhint("Kubernetes sets AWS_ROLE_ARN and AWS_WEB_IDENTITY_TOKEN_FILE for a pod whose "
						"service account has "
						"a role."));
	return credentials_web_identity_make(server, role_arn, token_file, session_name);
}

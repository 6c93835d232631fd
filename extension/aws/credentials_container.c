/*
 * credentials_container.c
 *		The credentials of a container, as ECS, EKS Pod Identity and Greengrass serve them at a URI that the environment
 *		names: AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or …_FULL_URI, with what is to be shown there in
 *		AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE or AWS_CONTAINER_AUTHORIZATION_TOKEN.
 */
#include "postgres.h"

#include "aws/container_uri.h"
#include "aws/credentials_answer.h"
#include "aws/credentials_provider.h"
#include "aws/metadata.h"

#define ECS_ENDPOINT "http://169.254.170.2"
#define MAX_TOKEN_SIZE 20000

typedef struct ContainerRun
{
	const EtlAwsCredentials *credentials;
	EtlHttpField authorization;
	EtlMetadataRun *request;
} ContainerRun;

static void *
container_start(const EtlAwsCredentials *credentials, bool *progress)
{
	ContainerRun *run = palloc0(sizeof(ContainerRun));

	run->credentials = credentials;
	run->authorization = (EtlHttpField){"Authorization", credentials->token};
	if (credentials->token_file != NULL)
		run->authorization.value = credentials_file_read(credentials->token_file, MAX_TOKEN_SIZE);
	if (credentials->token_file != NULL && run->authorization.value == NULL)
		ereport(ERROR, errcode_for_file_access(),
				errmsg("could not get AWS credentials from \"%s\": could not read file \"%s\": %m",
					   credentials->place, credentials->token_file),
				errdetail("It is to hold the container's authorization token."));
	run->request = metadata_start("GET", credentials->place,
								  run->authorization.value != NULL ? &run->authorization : NULL, progress);
	return run;
}

static bool
container_poll(void *arg, EtlAwsTemporary *out, EtlWait *wait)
{
	ContainerRun *run = arg;
	const char *uri = run->credentials->place;
	StringInfoData body;
	EtlError error;
	int status;
	bool good;

	if (!metadata_poll(run->request, &status, &body, wait))
		return false;
	good = credentials_answer_parse(body.data, body.len, &out->keys, &out->expires_at, &error);
	explicit_bzero(body.data, body.maxlen);
	if (status == 200 && good)
		return true;
	ereport(ERROR, errcode(status == 200 ? error.sqlstate : ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			errmsg("could not get AWS credentials from \"%s\": %s", uri, error.message),
			errdetail("%sHTTP status %d.", error.detail[0] ? psprintf("%s ", error.detail) : "", status));
}

static const EtlAwsProvider provider = {
	.name = "container", .start = container_start, .poll = container_poll};

static char *
find_uri(const EtlAwsServer *server)
{
	const char *relative = credentials_environment_variable("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
	const char *full = credentials_environment_variable("AWS_CONTAINER_CREDENTIALS_FULL_URI");
	EtlError error;

	if (relative != NULL && *relative == '/')
		full = psprintf("%s%s", ECS_ENDPOINT, relative);
	else if (full == NULL)
		ereport(ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
				errmsg("no container credentials for AWS server \"%s\" in the environment", server->name),
				errhint("ECS and EKS set AWS_CONTAINER_CREDENTIALS_RELATIVE_URI or "
						"AWS_CONTAINER_CREDENTIALS_FULL_URI for "
						"a container that has a role."));
	if (!container_uri_check(full, &error))
		etl_error_raise(&error);
	return pstrdup(full);
}

EtlAwsCredentials *
credentials_container_get(const EtlAwsServer *server)
{
	EtlAwsCredentials *credentials = credentials_make(server, &provider);
	const char *token = credentials_environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN");
	const char *token_file = credentials_environment_variable("AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE");

	credentials->place = find_uri(server);
	credentials->origin = psprintf("\"%s\"", credentials->place);
	if (token_file != NULL)
		credentials->token_file = pstrdup(token_file);
	else if (token != NULL)
		credentials->token = pstrdup(token);
	return credentials_identify(credentials);
}

/*
 * credentials_instance.c
 *		The role of the EC2 instance that the database server runs on, from its metadata service, version 2 only: a token
 *		is asked for first, and shown with each question. Version 1 answers anybody who can make the server send a GET.
 *
 * AWS_EC2_METADATA_SERVICE_ENDPOINT names another place for it, AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE says IPv6, and
 * AWS_EC2_METADATA_DISABLED that there is none, as for the SDKs.
 */
#include "postgres.h"

#include "aws/credentials_answer.h"
#include "aws/credentials_provider.h"
#include "aws/endpoint.h"
#include "aws/metadata.h"

#define ENDPOINT "http://169.254.169.254"
#define ENDPOINT_V6 "http://[fd00:ec2::254]"
#define ROLES_PATH "/latest/meta-data/iam/security-credentials/"
#define TOKEN_SECONDS "21600"

static const EtlHttpField token_lifetime = {"X-aws-ec2-metadata-token-ttl-seconds", TOKEN_SECONDS};

typedef enum Phase
{
	PHASE_TOKEN,
	PHASE_ROLE,
	PHASE_KEYS
} Phase;

typedef struct InstanceRun
{
	const char *endpoint;
	bool *progress;
	Phase phase;
	EtlHttpField token;
	EtlMetadataRun *request;
} InstanceRun;

static void *
instance_start(const EtlAwsCredentials *credentials, bool *progress)
{
	InstanceRun *run = palloc0(sizeof(InstanceRun));

	run->endpoint = credentials->place;
	run->progress = progress;
	run->request =
		metadata_start("PUT", psprintf("%s/latest/api/token", run->endpoint), &token_lifetime, progress);
	return run;
}

static void
ask(InstanceRun *run, Phase phase, const char *path)
{
	run->phase = phase;
	run->request = metadata_start("GET", psprintf("%s%s", run->endpoint, path), &run->token, run->progress);
}

static void
refused(const InstanceRun *run, int status)
{
	bool no_role = run->phase == PHASE_ROLE && status == 404;

	ereport(ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			errmsg("could not get AWS credentials from \"%s\": %s", run->endpoint,
				   no_role ? "the instance has no role" : "the metadata service refused"),
			errdetail("HTTP status %d.", status),
			no_role ? errhint("Attach an instance profile to the EC2 instance.")
					: errhint("The instance's metadata options must let version 2 be used."));
}

static char *
take_line(const InstanceRun *run, StringInfo body, const char *what)
{
	char *line;
	EtlError error;
	bool good = credentials_line_parse(body->data, body->len, what, &line, &error);

	explicit_bzero(body->data, body->maxlen);
	if (!good)
		ereport(ERROR, errcode(error.sqlstate),
				errmsg("could not get AWS credentials from \"%s\": %s", run->endpoint, error.message),
				errdetail("%s", error.detail));
	return line;
}

static void
take_keys(const InstanceRun *run, StringInfo body, EtlAwsTemporary *out)
{
	EtlError error;
	bool good = credentials_answer_parse(body->data, body->len, &out->keys, &out->expires_at, &error);

	explicit_bzero(body->data, body->maxlen);
	if (!good)
		ereport(ERROR, errcode(error.sqlstate),
				errmsg("could not get AWS credentials from \"%s\": %s", run->endpoint, error.message),
				errdetail("%s", error.detail));
}

static char *
path_of_role(const char *role)
{
	StringInfoData path;

	initStringInfo(&path);
	appendStringInfoString(&path, ROLES_PATH);
	sigv4_encode(&path, role, false);
	return path.data;
}

static bool
instance_poll(void *arg, EtlAwsTemporary *out, EtlWait *wait)
{
	InstanceRun *run = arg;
	StringInfoData body;
	int status;

	for (;;)
	{
		if (!metadata_poll(run->request, &status, &body, wait))
			return false;
		if (status != 200)
			refused(run, status);
		switch (run->phase)
		{
			case PHASE_TOKEN:
				run->token = (EtlHttpField){"X-aws-ec2-metadata-token", take_line(run, &body, "token")};
				ask(run, PHASE_ROLE, ROLES_PATH);
				break;
			case PHASE_ROLE:
				ask(run, PHASE_KEYS, path_of_role(take_line(run, &body, "role")));
				break;
			case PHASE_KEYS:
				take_keys(run, &body, out);
				return true;
		}
	}
}

static const EtlAwsProvider provider = {.name = "instance", .start = instance_start, .poll = instance_poll};

EtlAwsCredentials *
credentials_instance_get(const EtlAwsServer *server)
{
	EtlAwsCredentials *credentials = credentials_make(server, &provider);
	const char *endpoint = credentials_environment_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT");
	const char *mode = credentials_environment_variable("AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE");
	const char *disabled = credentials_environment_variable("AWS_EC2_METADATA_DISABLED");
	EtlError error;

	if (disabled != NULL && pg_strcasecmp(disabled, "true") == 0)
		ereport(
			ERROR, errcode(ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION),
			errmsg("AWS server \"%s\" may not ask the instance for credentials", server->name),
			errdetail("AWS_EC2_METADATA_DISABLED is set in the environment that PostgreSQL was started in."));
	if (endpoint == NULL)
		endpoint = mode != NULL && pg_strcasecmp(mode, "IPv6") == 0 ? ENDPOINT_V6 : ENDPOINT;
	credentials->place = pstrdup(endpoint);
	while (credentials->place[0] != '\0' && credentials->place[strlen(credentials->place) - 1] == '/')
		credentials->place[strlen(credentials->place) - 1] = '\0';
	if (!endpoint_custom_check(credentials->place, &error))
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("AWS_EC2_METADATA_SERVICE_ENDPOINT can't be used"), errdetail("%s", error.detail));
	credentials->origin = pstrdup("the instance's metadata service");
	return credentials_identify(credentials);
}

/*
 * credentials_assume_role.c
 *		An IAM role, which other credentials assume (STS AssumeRole).
 */
#include "postgres.h"

#include "aws/credentials_provider.h"
#include "aws/sts.h"

static void *
role_start(const EtlAwsCredentials *credentials, bool *progress)
{
	EtlStsRole role = {.server = credentials->server,
					   .role_arn = credentials->role_arn,
					   .session_name = credentials->session_name,
					   .external_id = credentials->external_id};

	return sts_assume_role_start(&role, credentials->source, progress);
}

static bool
role_poll(void *run, EtlAwsTemporary *out, EtlWait *wait)
{
	return sts_poll(run, &out->keys, &out->expires_at, wait);
}

static const EtlAwsProvider provider = {.name = "role", .start = role_start, .poll = role_poll};

EtlAwsCredentials *
credentials_role_make(const EtlAwsServer *server, const EtlAwsCredentials *source, const char *role_arn,
					  const char *external_id, const char *session_name)
{
	EtlAwsCredentials *credentials = credentials_make(server, &provider);

	credentials->origin = psprintf("role \"%s\"", role_arn);
	credentials->source = aws_credentials_copy(source);
	credentials->role_arn = pstrdup(role_arn);
	credentials->external_id = external_id != NULL ? pstrdup(external_id) : NULL;
	credentials->session_name = pstrdup(session_name != NULL ? session_name : STS_SESSION_NAME);
	return credentials_identify(credentials);
}

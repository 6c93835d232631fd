/*
 * sts.c
 *		AssumeRole and AssumeRoleWithWebIdentity. See sts.h.
 */
#include "postgres.h"

#include "aws/call.h"
#include "aws/credentials_answer.h"
#include "aws/sts.h"

#define TIMEOUT_MS 10000 /* who comes after one that gave up waits for the same attempt */
#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

struct EtlStsRun
{
	char *role_arn;
	char *token; /* NULL: none */
	EtlAwsCallRun *call;
};

static void
check_text(const char *what, const char *text, const char *characters, size_t longest)
{
	size_t length = strlen(text);

	if (length < 2 || length > longest || strspn(text, characters) != length)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("invalid value for %s: \"%s\"", what, text),
				errdetail("It has 2 to %zu letters, digits and characters of %s.", longest,
						  characters + strlen(LETTERS_AND_DIGITS)));
}

void
sts_session_name_check(const char *what, const char *name)
{
	check_text(what, name, LETTERS_AND_DIGITS "+=,.@-_", 64);
}

void
sts_external_id_check(const char *what, const char *external_id)
{
	check_text(what, external_id, LETTERS_AND_DIGITS "+=,.@-_:/", 1224);
}

static EtlStsRun *
start(const EtlStsRole *role, const EtlAwsCredentials *credentials, const char *action, EtlHttpField third,
	  bool *progress)
{
	EtlStsRun *run = palloc0(sizeof(EtlStsRun));
	EtlHttpField parameters[] = {{"RoleArn", role->role_arn}, {"RoleSessionName", role->session_name}, third};
	EtlAwsCall call = {.server = role->server,
					   .credentials = credentials,
					   .service = "sts",
					   .action = action,
					   .doing = "assume role",
					   .progress = progress,
					   .timeout_ms = TIMEOUT_MS};

	call.object = run->role_arn = pstrdup(role->role_arn);
	run->call = aws_call_query_start(&call, parameters, third.value != NULL ? 3 : 2);
	return run;
}

EtlStsRun *
sts_assume_role_start(const EtlStsRole *role, const EtlAwsCredentials *credentials, bool *progress)
{
	return start(role, credentials, "AssumeRole", (EtlHttpField){"ExternalId", role->external_id}, progress);
}

EtlStsRun *
sts_web_identity_start(const EtlStsRole *role, char *token, bool *progress)
{
	EtlStsRun *run = start(role, aws_credentials_nobody("the file of the web identity"), "AssumeRoleWithWebIdentity",
						   (EtlHttpField){"WebIdentityToken", token}, progress);

	run->token = token;
	return run;
}

static char *
required_text(const EtlStsRun *run, const EtlXml *xml, const char *name)
{
	const char *text = xml_text(xml, 0, name);

	if (text == NULL || *text == '\0')
		ereport(ERROR, errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("could not assume role \"%s\": unexpected answer", run->role_arn),
				errdetail("The answer has no %s.", name));
	return pstrdup(text);
}

bool
sts_poll(EtlStsRun *run, EtlAwsKeys *keys, int64 *expires_at, EtlWait *wait)
{
	EtlXml answer;

	if (!aws_call_poll(run->call, wait))
		return false;
	if (run->token != NULL)
		explicit_bzero(run->token, strlen(run->token));
	aws_call_xml(run->call, &answer);
	keys->access_key_id = required_text(run, &answer, "AccessKeyId");
	keys->secret_access_key = required_text(run, &answer, "SecretAccessKey");
	keys->session_token = required_text(run, &answer, "SessionToken");
	if (!credentials_time_parse(required_text(run, &answer, "Expiration"), expires_at))
		ereport(ERROR, errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("could not assume role \"%s\": unexpected answer", run->role_arn),
				errdetail("Its Expiration is not a time."));
	xml_free(&answer);
	return true;
}

/*
 * sts.c
 *		AssumeRole and AssumeRoleWithWebIdentity. See sts.h.
 */
#include "postgres.h"

#include "aws/call.h"
#include "aws/sts.h"
#include "aws/sts_answer.h"

#define TIMEOUT_MS 10000 /* who comes after one that gave up waits for the same attempt */
#define LETTERS_AND_DIGITS "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"

struct EtlStsRun
{
	char *role_arn;
	const char *action;
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
	run->action = action;
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

bool
sts_poll(EtlStsRun *run, EtlAwsKeys *keys, int64 *expires_at, EtlWait *wait)
{
	StringInfo answer;
	EtlError error;
	bool good;

	if (!aws_call_poll(run->call, wait))
		return false;
	if (run->token != NULL)
		explicit_bzero(run->token, strlen(run->token));
	answer = aws_call_answer(run->call);
	good = sts_answer_parse(answer->data, answer->len, run->action, keys, expires_at, &error);
	explicit_bzero(answer->data, answer->maxlen);
	if (!good)
		ereport(ERROR, errcode(error.sqlstate),
				errmsg("could not assume role \"%s\": %s", run->role_arn, error.message),
				error.detail[0] ? errdetail("%s", error.detail) : 0);
	return true;
}

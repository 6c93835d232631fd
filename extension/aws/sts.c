/*
 * sts.c
 *		AssumeRole. See sts.h.
 */
#include "postgres.h"

#include "aws/call.h"
#include "aws/sts.h"
#include "fmgr.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

#define SESSION_NAME "pg_etl"

static char *
required_text(const EtlXml *xml, const char *name, const char *role_arn)
{
	const char *text = xml_text(xml, 0, name);

	if (text == NULL || *text == '\0')
		ereport(ERROR, errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("could not assume role \"%s\": unexpected answer", role_arn),
				errdetail("The answer has no %s.", name));
	return pstrdup(text);
}

EtlAwsCredentials *
sts_assume_role(const EtlAwsServer *server, const EtlAwsCredentials *credentials, const char *role_arn,
				TimestampTz *expires_at)
{
	EtlHttpField parameters[] = {{"RoleArn", role_arn}, {"RoleSessionName", SESSION_NAME}};
	EtlAwsCall call = {server, credentials, "sts", "AssumeRole", "assume role", role_arn};
	EtlAwsCredentials *temporary = palloc(sizeof(EtlAwsCredentials));
	EtlXml answer;
	char *expiration;

	aws_call_query(&call, parameters, lengthof(parameters), &answer);
	temporary->access_key_id = required_text(&answer, "AccessKeyId", role_arn);
	temporary->secret_access_key = required_text(&answer, "SecretAccessKey", role_arn);
	temporary->session_token = required_text(&answer, "SessionToken", role_arn);
	expiration = required_text(&answer, "Expiration", role_arn);
	*expires_at = DatumGetTimestampTz(DirectFunctionCall3(timestamptz_in, CStringGetDatum(expiration),
														  ObjectIdGetDatum(InvalidOid), Int32GetDatum(-1)));
	xml_free(&answer);
	return temporary;
}

/*
 * local_call.c
 *		SNS Publish, Secrets Manager GetSecretValue and STS GetCallerIdentity without AWS. See local_call.h.
 */
#include "postgres.h"

#include "aws/input.h"
#include "aws/local_call.h"
#include "aws/secrets.h"
#include "aws/sns.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/json.h"

#define ACCOUNT "000000000000"

static Jsonb *
answer_of(const StringInfoData *text)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text->data)));
}

static JsonbValue *
member(Jsonb *input, const char *name)
{
	JsonbValue *value = getKeyJsonValueFromContainer(&input->root, name, strlen(name), NULL);

	return value == NULL || value->type == jbvNull ? NULL : value;
}

static char *
member_text(Jsonb *input, const char *action, const char *name, bool needed)
{
	JsonbValue *value = member(input, name);

	if (value != NULL && value->type == jbvString)
		return pnstrdup(value->val.string.val, value->val.string.len);
	if (value != NULL || needed)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				errmsg("member \"%s\" of the input of \"%s\" is to be a string", name, action));
	return NULL;
}

static Jsonb *
publish(const EtlAwsServer *server, Jsonb *input)
{
	char *topic_arn = member_text(input, "sns:Publish", "TopicArn", true);
	char *message = member_text(input, "sns:Publish", "Message", true);
	char *subject = member_text(input, "sns:Publish", "Subject", false);
	char *group_id = member_text(input, "sns:Publish", "MessageGroupId", false);
	char *deduplication_id = member_text(input, "sns:Publish", "MessageDeduplicationId", false);
	JsonbValue *attributes = member(input, "MessageAttributes");
	StringInfoData answer;

	if (attributes != NULL && attributes->type != jbvBinary)
		ereport(ERROR, errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("SNS message attributes are not a JSON object"));
	initStringInfo(&answer);
	appendStringInfoString(&answer, "{\"MessageId\": ");
	escape_json(&answer,
				sns_publish(server, topic_arn, message, subject,
							attributes == NULL ? NULL : JsonbValueToJsonb(attributes), group_id, deduplication_id));
	appendStringInfoChar(&answer, '}');
	return answer_of(&answer);
}

static Jsonb *
get_secret_value(const EtlAwsServer *server, Jsonb *input)
{
	char *secret_id = member_text(input, "secretsmanager:GetSecretValue", "SecretId", true);
	char *value = secrets_value_get(server, secret_id);
	StringInfoData answer;

	initStringInfo(&answer);
	appendStringInfoString(&answer, "{\"Name\": ");
	escape_json(&answer, secret_id);
	appendStringInfoString(&answer, ", \"SecretString\": ");
	escape_json(&answer, value);
	appendStringInfoChar(&answer, '}');
	explicit_bzero(value, strlen(value));
	return answer_of(&answer);
}

static Jsonb *
get_caller_identity(void)
{
	char *role = GetUserNameFromId(GetUserId(), false);
	StringInfoData answer;

	initStringInfo(&answer);
	appendStringInfoString(&answer, "{\"Account\": \"" ACCOUNT "\", \"Arn\": ");
	escape_json(&answer, psprintf("arn:aws:iam::" ACCOUNT ":user/%s", role));
	appendStringInfoString(&answer, ", \"UserId\": ");
	escape_json(&answer, role);
	appendStringInfoChar(&answer, '}');
	return answer_of(&answer);
}

Jsonb *
local_call(const EtlAwsServer *server, const char *service, const char *action, Jsonb *input)
{
	if (strcmp(service, "sns") == 0 && strcmp(action, "Publish") == 0)
		return publish(server, input);
	if (strcmp(service, "secretsmanager") == 0 && strcmp(action, "GetSecretValue") == 0)
		return get_secret_value(server, input);
	if (strcmp(service, "sts") == 0 && strcmp(action, "GetCallerIdentity") == 0)
		return get_caller_identity();
	ereport(
		ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
		errmsg("action \"%s\" of AWS service \"%s\" can't be called in local mode", action, service),
		errdetail(
			"Server \"%s\" is in local mode, which has sns Publish, secretsmanager GetSecretValue and sts "
			"GetCallerIdentity.",
			server->name),
		errhint(
			"Name a server with mode 'aws'; its option \"endpoint\" may be a test server's."));
}

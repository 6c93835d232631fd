/*
 * protocol.c
 *		The message of a call. See protocol.h.
 */
#include "aws/protocol.h"

static void
json_write(const EtlAwsService *service, const char *action, const EtlAwsValue *input, EtlAwsMessage *out)
{
	StringInfoData body;

	initStringInfo(&body);
	aws_value_write(&body, input);
	out->method = "POST";
	out->path = pstrdup("/");
	out->headers[0] = (EtlHttpField){"Content-Type", psprintf("application/x-amz-json-%s", service->version)};
	out->headers[1] = (EtlHttpField){"X-Amz-Target", psprintf("%s.%s", service->target, action)};
	out->nheaders = 2;
	out->body = body.data;
}

/* An action is part of a header, a form or a path, and of messages. */
static bool
check_action(const EtlAwsService *service, const char *action, EtlError *error)
{
	size_t length = strlen(action);
	const char *refusal;

	if (length == 0 || length > 128 || action[0] < 'A' || action[0] > 'Z' ||
		strspn(action, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") != length)
	{
		etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE, "invalid action of AWS service \"%s\"",
					  service->name);
		etl_error_detail(error, "An action is letters and digits, the first a capital.");
		etl_error_hint(error, "It looks like ListFunctions.");
		return false;
	}
	refusal = service_refusal(service, action);
	if (refusal == NULL)
		return true;
	etl_error_set(error, ERRCODE_FEATURE_NOT_SUPPORTED, "action \"%s\" of AWS service \"%s\" can't be called",
				  action, service->name);
	etl_error_detail(error, "%s", refusal);
	return false;
}

static bool
check_depth(const EtlAwsValue *value, int depth, EtlError *error)
{
	if (depth > AWS_VALUE_DEPTH)
	{
		etl_error_set(error, ERRCODE_PROGRAM_LIMIT_EXCEEDED, "the input of an AWS call is nested too deeply");
		etl_error_detail(error, "It may have %d levels.", AWS_VALUE_DEPTH);
		return false;
	}
	for (int i = 0; i < value->count; i++)
		if (!check_depth(&value->items[i], depth + 1, error))
			return false;
	return true;
}

bool
protocol_write(const EtlAwsService *service, const char *action, const EtlAwsValue *input, EtlAwsMessage *out,
			   EtlError *error)
{
	memset(out, 0, sizeof(*out));
	if (input->kind != AWS_VALUE_OBJECT)
	{
		etl_error_set(error, ERRCODE_INVALID_PARAMETER_VALUE,
					  "the input of an AWS call is not a JSON object");
		etl_error_detail(error, "It is %s.",
						 input->kind == AWS_VALUE_ARRAY	   ? "an array"
						 : input->kind == AWS_VALUE_STRING ? "a string"
						 : input->kind == AWS_VALUE_SCALAR ? "a number or a boolean"
														   : "null");
		etl_error_hint(error, "Its keys are the members of the action's request: {\"FunctionName\": \"f\"}.");
		return false;
	}
	if (!check_action(service, action, error) || !check_depth(input, 0, error))
		return false;
	switch (service->protocol)
	{
		case AWS_PROTOCOL_QUERY:
		case AWS_PROTOCOL_EC2:
			return protocol_query_write(service, action, input, out, error);
		case AWS_PROTOCOL_REST:
			return protocol_rest_write(service, action, input, out, error);
		case AWS_PROTOCOL_JSON:
			break;
	}
	json_write(service, action, input, out);
	return true;
}

static bool
is_map(const EtlAwsService *service, const EtlAwsValue *value)
{
	char *name;
	bool found;

	if (value->kind != AWS_VALUE_OBJECT || value->name == NULL)
		return false;
	name = psprintf(" %s ", value->name);
	name[1] = pg_ascii_tolower((unsigned char) name[1]);
	found = strstr(service->lower_maps, name) != NULL;
	pfree(name);
	return found;
}

void
protocol_rename(const EtlAwsService *service, EtlAwsValue *value, bool to_capital)
{
	if (service->lower_maps == NULL || is_map(service, value))
		return;
	for (int i = 0; i < value->count; i++)
	{
		EtlAwsValue *item = &value->items[i];

		protocol_rename(service, item, to_capital);
		if (value->kind == AWS_VALUE_OBJECT && item->name[0] != '\0')
		{
			char *name = pstrdup(item->name);

			name[0] = to_capital ? pg_ascii_toupper((unsigned char) name[0])
								 : pg_ascii_tolower((unsigned char) name[0]);
			item->name = name;
		}
	}
}

/*
 * invoke.c
 *		Calls of any service. See invoke.h.
 *
 * Neither what is sent nor what is answered is part of a message: it may be a secret.
 */
#include "postgres.h"

#include "aws/call.h"
#include "aws/input.h"
#include "aws/invoke.h"
#include "aws/json_valid.h"
#include "aws/local_call.h"
#include "aws/request.h"
#include "common/cryptohash.h"
#include "common/sha2.h"
#include "utils/fmgrprotos.h"

#define TOKEN_SIZE 37 /* 8-4-4-4-12 hex digits and a NUL: what all services take */

struct EtlAwsInvokeRun
{
	const EtlAwsService *service;
	char *action;
	char *name; /* "lambda:Invoke" */
	bool capitals;
	EtlAwsServer server; /* of the region that the input names */
	Jsonb *local;		 /* the answer of local mode, where nothing is waited for */
	EtlAwsCallRun *call;
};

/* The region of "arn:aws:sns:eu-west-1:…" when it is of that service; NULL: none. */
static char *
arn_region(const char *arn, const char *service)
{
	char *kind = psprintf(":%s:", service);
	const char *at = strncmp(arn, "arn:aws", 7) == 0 ? strchr(arn + 4, ':') : NULL;
	size_t length;
	EtlError error;
	char *region;

	if (at == NULL || strncmp(at, kind, strlen(kind)) != 0)
		return NULL;
	at += strlen(kind);
	length = strcspn(at, ":");
	region = pnstrdup(at, length);
	return at[length] == ':' && endpoint_region_check(region, &error) ? region : NULL;
}

/* The region of "https://sqs.eu-west-1.amazonaws.com/…" */
static char *
queue_region(const char *url)
{
	static const char start[] = "https://sqs.";
	size_t length;
	EtlError error;
	char *region;

	if (strncmp(url, start, strlen(start)) != 0)
		return NULL;
	url += strlen(start);
	length = strcspn(url, "./:");
	region = pnstrdup(url, length);
	return strncmp(url + length, ".amazonaws.", 11) == 0 && endpoint_region_check(region, &error) ? region
																								  : NULL;
}

/* What is reached in its own region only says by its ARN or URL which that is. */
static char *
input_region(const EtlAwsService *service, const EtlAwsValue *input)
{
	static const struct
	{
		const char *service;
		const char *member;
	} members[] = {{"sns", "TopicArn"},		   {"sns", "TargetArn"},		  {"sqs", "QueueUrl"},
				   {"lambda", "FunctionName"}, {"states", "stateMachineArn"}, {"states", "executionArn"},
				   {"states", "activityArn"}};

	for (int i = 0; i < lengthof(members); i++)
	{
		const EtlAwsValue *value = strcmp(members[i].service, service->name) == 0
									   ? aws_value_member(input, members[i].member)
									   : NULL;
		char *region = NULL;

		if (value != NULL && value->kind == AWS_VALUE_STRING)
			region = strcmp(members[i].member, "QueueUrl") == 0 ? queue_region(value->text)
																: arn_region(value->text, service->name);
		if (region != NULL)
			return region;
	}
	return NULL;
}

/* A UUID made of the key, so that it has a form that every service takes; or a random one. */
static char *
make_token(const char *key)
{
	uint8 bytes[PG_SHA256_DIGEST_LENGTH];
	StringInfoData token;

	if (key == NULL)
	{
		if (!pg_strong_random(bytes, sizeof(bytes)))
			ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not generate random values"));
	}
	else
	{
		pg_cryptohash_ctx *context = pg_cryptohash_create(PG_SHA256);

		if (pg_cryptohash_init(context) < 0 ||
			pg_cryptohash_update(context, (const uint8 *) key, strlen(key)) < 0 ||
			pg_cryptohash_final(context, bytes, sizeof(bytes)) < 0)
			ereport(ERROR, errcode(ERRCODE_INTERNAL_ERROR), errmsg("could not compute a SHA-256 hash"));
		pg_cryptohash_free(context);
	}
	initStringInfo(&token);
	for (int i = 0; i < 16; i++)
		appendStringInfo(&token, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
	return token.data;
}

static bool
ends_with(const EtlAwsValue *value, const char *end)
{
	size_t length = value != NULL && value->kind == AWS_VALUE_STRING ? strlen(value->text) : 0;

	return length > strlen(end) && strcmp(value->text + length - strlen(end), end) == 0;
}

/* The member that tells AWS of a repetition; NULL: it can't be told. */
static const char *
token_member(const EtlAwsService *service, const char *action, const EtlAwsValue *input, const char *key)
{
	if (strcmp(service->name, "sqs") == 0 && strcmp(action, "SendMessage") == 0 &&
		ends_with(aws_value_member(input, "QueueUrl"), ".fifo"))
		return "MessageDeduplicationId";
	if (strcmp(service->name, "sns") == 0 && strcmp(action, "Publish") == 0 &&
		ends_with(aws_value_member(input, "TopicArn"), ".fifo"))
		return "MessageDeduplicationId";
	/* an execution of that name and input is started once; a name of chance would show up in its history */
	if (key != NULL && strcmp(service->name, "states") == 0 && strcmp(action, "StartExecution") == 0)
		return "name";
	return service_token(service->name, action);
}

/*
 * A FIFO queue or topic may go by the content of messages, which a random id would defeat: there it takes a key.
 */
static void
add_token(const EtlAwsService *service, const char *action, EtlAwsValue *input, const char *key)
{
	const char *member = token_member(service, action, input, key);

	if (input->kind != AWS_VALUE_OBJECT || member == NULL || aws_value_member(input, member) != NULL ||
		(key == NULL && strcmp(member, "MessageDeduplicationId") == 0))
		return;
	input->items = repalloc(input->items, (input->count + 1) * sizeof(EtlAwsValue));
	input->items[input->count++] =
		(EtlAwsValue){.kind = AWS_VALUE_STRING, .name = member, .text = make_token(key)};
}

static const EtlAwsService *
service_get(const char *name)
{
	const EtlAwsService *service = service_find(name);

	if (service != NULL)
		return service;
	aws_text_check("the name of an AWS service", name);
	if (pg_strcasecmp(name, "s3") == 0)
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("AWS service \"s3\" can't be called by name"),
				errhint("Use etl.s3_fetch, etl.s3_put, etl.s3_list and their like."));
	ereport(ERROR, errcode(ERRCODE_UNDEFINED_OBJECT), errmsg("AWS service \"%s\" is not known", name),
			errhint("Known are %s.", service_names()));
}

EtlAwsInvokeRun *
aws_invoke_start(const EtlAwsInvocation *invocation)
{
	EtlAwsInvokeRun *run = palloc0(sizeof(EtlAwsInvokeRun));
	EtlAwsValue *input;
	EtlAwsMessage message;
	EtlAwsCall call;
	EtlError error;
	char *region;

	run->service = service_get(invocation->service);
	run->action = pstrdup(invocation->action);
	run->action[0] = pg_ascii_toupper((unsigned char) run->action[0]);
	run->capitals = invocation->capitals;
	run->server = *invocation->server;
	input = aws_input_value(invocation->input);
	if (run->capitals)
		protocol_rename(run->service, input, false);
	add_token(run->service, run->action, input, invocation->idempotency_key);
	if (!protocol_write(run->service, run->action, input, &message, &error))
		etl_error_raise(&error);
	run->name = psprintf("%s:%s", run->service->name, run->action);
	if (run->server.mode == ETL_AWS_MODE_LOCAL)
	{
		run->local = local_call(&run->server, run->service->name, run->action, invocation->input);
		return run;
	}
	region = input_region(run->service, input);
	if (region != NULL)
		run->server.region = region;
	call = (EtlAwsCall){&run->server, NULL, run->service->name, run->action, "call", run->name};
	run->call = aws_call_message_start(&call, &message);
	return run;
}

bool
aws_invoke_poll(EtlAwsInvokeRun *run, EtlWait *wait)
{
	return run->local != NULL || aws_call_poll(run->call, wait);
}

void
aws_invoke_wait(EtlAwsInvokeRun *run)
{
	if (run->local == NULL)
		aws_call_wait(run->call);
}

static void
add_member(StringInfo out, const char *name)
{
	if (out->len > 1)
		appendStringInfoChar(out, ',');
	aws_value_quote(out, name);
	appendStringInfoChar(out, ':');
}

/* What of a REST answer is not in its body as JSON. */
static void
add_rest(const EtlAwsInvokeRun *run, const EtlAwsRest *rest, StringInfo out)
{
	const char *list = rest->answer_headers != NULL ? rest->answer_headers : "";
	char *member, *name;

	while (protocol_next_name(&list, &member, &name))
	{
		const char *value = aws_call_header(run->call, name);

		if (value == NULL)
			continue;
		add_member(out, member);
		aws_value_quote(out, value);
	}
	if (rest->answer_status != NULL)
	{
		add_member(out, rest->answer_status);
		appendStringInfo(out, "%d", aws_call_status(run->call));
	}
	if (rest->answer_payload != NULL && aws_call_answer(run->call)->len > 0)
	{
		StringInfo answer = aws_call_answer(run->call);

		add_member(out, rest->answer_payload);
		if (aws_json_valid(answer->data, answer->len))
			appendBinaryStringInfo(out, answer->data, answer->len);
		else
			aws_value_quote(out, answer->data);
	}
}

static Jsonb *
merge(Jsonb *body, Jsonb *rest)
{
	return DatumGetJsonbP(DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(body), JsonbPGetDatum(rest)));
}

static Jsonb *
rest_result(const EtlAwsInvokeRun *run, const EtlAwsRest *rest)
{
	StringInfoData more;
	Jsonb *members;

	initStringInfo(&more);
	appendStringInfoChar(&more, '{');
	add_rest(run, rest, &more);
	appendStringInfoChar(&more, '}');
	members = aws_answer_jsonb(run->name, &more);
	explicit_bzero(more.data, more.maxlen);
	if (rest->answer_payload != NULL)
		return members;
	return merge(aws_answer_jsonb(run->name, aws_call_answer(run->call)), members);
}

static Jsonb *
xml_result(const EtlAwsInvokeRun *run)
{
	StringInfo answer = aws_call_answer(run->call);
	StringInfoData json;
	EtlError error;
	Jsonb *result;

	initStringInfo(&json);
	if (!protocol_xml_read(run->service, run->action, answer->data, answer->len, &json, &error))
		ereport(ERROR, errcode(error.sqlstate), errmsg("could not call \"%s\": unexpected answer", run->name),
				errdetail("%s", error.detail));
	result = aws_answer_jsonb(run->name, &json);
	explicit_bzero(json.data, json.maxlen);
	return result;
}

static Jsonb *
renamed(const EtlAwsInvokeRun *run, Jsonb *answer)
{
	EtlAwsValue *value = aws_input_value(answer);
	StringInfoData json;

	protocol_rename(run->service, value, true);
	initStringInfo(&json);
	aws_value_write(&json, value);
	return aws_answer_jsonb(run->name, &json);
}

Jsonb *
aws_invoke_result(EtlAwsInvokeRun *run)
{
	const EtlAwsRest *rest;
	StringInfo answer;
	Jsonb *result;

	if (run->local != NULL)
		return run->local;
	answer = aws_call_answer(run->call);
	rest = service_rest(run->service, run->action);
	if (run->service->protocol == AWS_PROTOCOL_QUERY || run->service->protocol == AWS_PROTOCOL_EC2)
		result = xml_result(run);
	else if (rest != NULL)
		result = rest_result(run, rest);
	else
		result = aws_answer_jsonb(run->name, answer);
	explicit_bzero(answer->data, answer->maxlen);
	return run->capitals && run->service->lower_maps != NULL ? renamed(run, result) : result;
}

Jsonb *
aws_invoke(const EtlAwsServer *server, const char *service, const char *action, Jsonb *input)
{
	EtlAwsInvocation invocation = {.server = server, .service = service, .action = action, .input = input};
	EtlAwsInvokeRun *run = aws_invoke_start(&invocation);

	aws_invoke_wait(run);
	return aws_invoke_result(run);
}

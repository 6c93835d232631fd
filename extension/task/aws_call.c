/*
 * aws_call.c
 *		Resources that are one call of AWS: arn:aws:states:::aws-sdk:SERVICE:ACTION, which is any; those that Step Functions
 *		has by names of their own (lambda:invoke, sqs:sendMessage, …); and arn:aws:lambda:…, a function.
 *
 * The arguments are the call's input and its answer is the output, with the names that Step Functions has: each member
 * starts with a capital. A call is repeated with the same token where the service takes one.
 */
#include "postgres.h"

#include "aws/invoke.h"
#include "aws/service.h"
#include "mb/pg_wchar.h"
#include "task/adapters.h"
#include "task/arguments.h"
#include "task/parameters.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/json.h"

#define SDK_PREFIX "arn:aws:states:::aws-sdk:"
#define MAX_REASON_SIZE 1000 /* of what a function says of its failure */

/* A resource of a name of its own. */
typedef struct Action
{
	const char *resource;
	const char *service;
	const char *action;
	Jsonb *(*prepare)(Jsonb *input); /* NULL: it is the input */
	Jsonb *(*finish)(
		Jsonb *input,
		Jsonb *answer); /* the output of an answer; NULL: it is one. Raises when it is a failure. */
} Action;

typedef struct Job
{
	const Action *action; /* NULL: any other */
	Jsonb *input;
	EtlAwsInvokeRun *run;
} Job;

static Jsonb *
jsonb_of(const char *text)
{
	return DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(text)));
}

static JsonbValue *
member(Jsonb *object, const char *name)
{
	return JB_ROOT_IS_OBJECT(object) ? getKeyJsonValueFromContainer(&object->root, name, strlen(name), NULL)
									 : NULL;
}

static char *
json_text(JsonbValue *value)
{
	Jsonb *whole = JsonbValueToJsonb(value);

	return JsonbToCString(NULL, &whole->root, VARSIZE(whole));
}

/* The object, with that member's value in place of what it has. */
static Jsonb *
with_text(Jsonb *object, const char *name, const char *text)
{
	StringInfoData change;

	initStringInfo(&change);
	appendStringInfoChar(&change, '{');
	escape_json(&change, name);
	appendStringInfoString(&change, ": ");
	escape_json(&change, text);
	appendStringInfoChar(&change, '}');
	return DatumGetJsonbP(
		DirectFunctionCall2(jsonb_concat, JsonbPGetDatum(object), JsonbPGetDatum(jsonb_of(change.data))));
}

/* A payload is JSON, so a string has its quotes. */
static Jsonb *
prepare_invoke(Jsonb *input)
{
	JsonbValue *payload = member(input, "Payload");

	return payload == NULL ? input : with_text(input, "Payload", json_text(payload));
}

/* A function's words, of bounded length; "" when there are none. */
static char *
reason(JsonbValue *value)
{
	char *text = value == NULL || value->type == jbvNull ? pstrdup("") : json_value_text(value);

	text[pg_mbcliplen(text, (int) strlen(text), MAX_REASON_SIZE)] = '\0';
	return text;
}

/* A function that failed is answered with a status of success. */
static Jsonb *
finish_invoke(Jsonb *input, Jsonb *answer)
{
	JsonbValue *error = member(answer, "FunctionError");
	JsonbValue *payload = member(answer, "Payload");
	Jsonb *said = payload == NULL ? jsonb_of("{}") : JsonbValueToJsonb(payload);
	char *type;

	if (error == NULL)
		return answer;
	type = reason(member(said, "errorType"));
	ereport(ERROR, errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			errmsg("Lambda function \"%s\" failed: %s", json_value_text(member(input, "FunctionName")),
				   *type ? type : reason(error)),
			errdetail("It said: %s", reason(member(said, "errorMessage"))),
			errhint("Look at its log in CloudWatch Logs."));
}

/* A message is text; other JSON goes as its text. */
static Jsonb *
prepare_send_message(Jsonb *input)
{
	JsonbValue *body = member(input, "MessageBody");

	return body == NULL || body->type == jbvString || body->type == jbvNull
			   ? input
			   : with_text(input, "MessageBody", json_text(body));
}

/* An event's detail is text; other JSON goes as its text. */
static Jsonb *
prepare_put_events(Jsonb *input)
{
	JsonbIterator *iterator = JsonbIteratorInit(&input->root);
	JsonbParseState *state = NULL;
	JsonbValue *result = NULL;
	JsonbIteratorToken token;
	JsonbValue item;
	bool detail = false;
	bool skip = false;
	int depth = 0;

	while ((token = JsonbIteratorNext(&iterator, &item, skip)) != WJB_DONE)
	{
		skip = false;
		depth += token == WJB_BEGIN_OBJECT || token == WJB_BEGIN_ARRAY;
		if (token == WJB_KEY)
			/* {"Entries": [{"Detail": …}]} */
			skip = detail =
				depth == 3 && item.val.string.len == 6 && memcmp(item.val.string.val, "Detail", 6) == 0;
		else if (token == WJB_VALUE && detail)
		{
			if (item.type != jbvString)
			{
				char *text = json_text(&item);

				item = (JsonbValue){.type = jbvString, .val.string = {(int) strlen(text), text}};
			}
			detail = false;
		}
		depth -= token == WJB_END_OBJECT || token == WJB_END_ARRAY;
		result = pushJsonbValue(&state, token, token < WJB_BEGIN_ARRAY ? &item : NULL);
	}
	return JsonbValueToJsonb(result);
}

/* What EventBridge didn't take it says in an answer of success. */
static Jsonb *
finish_put_events(Jsonb *input, Jsonb *answer)
{
	JsonbValue *failed = member(answer, "FailedEntryCount");
	JsonbValue *entries = member(answer, "Entries");
	char *count = failed == NULL || failed->type == jbvNull ? "0" : json_value_text(failed);

	if (strcmp(count, "0") == 0)
		return answer;
	ereport(ERROR, errcode(ERRCODE_EXTERNAL_ROUTINE_EXCEPTION),
			errmsg("EventBridge did not take %s of the events", count),
			errdetail("It said: %s", entries == NULL ? "nothing" : reason(entries)),
			errhint("The others are put; a repetition puts them again."));
}

static const Action actions[] = {
	{"arn:aws:states:::lambda:invoke", "lambda", "Invoke", prepare_invoke, finish_invoke},
	{"arn:aws:states:::sqs:sendMessage", "sqs", "SendMessage", prepare_send_message, NULL},
	{"arn:aws:states:::dynamodb:getItem", "dynamodb", "GetItem", NULL, NULL},
	{"arn:aws:states:::dynamodb:putItem", "dynamodb", "PutItem", NULL, NULL},
	{"arn:aws:states:::dynamodb:updateItem", "dynamodb", "UpdateItem", NULL, NULL},
	{"arn:aws:states:::dynamodb:deleteItem", "dynamodb", "DeleteItem", NULL, NULL},
	{"arn:aws:states:::events:putEvents", "events", "PutEvents", prepare_put_events, finish_put_events},
};

static void *
start(const EtlStep *step, const Action *action, const char *service, const char *name, Jsonb *input)
{
	Job *job = palloc0(sizeof(Job));
	EtlAwsInvocation invocation = {.server = aws_server_get(NULL),
								   .service = service,
								   .action = name,
								   .input = input,
								   .idempotency_key = step->idempotency_key,
								   .capitals = true};

	job->action = action;
	job->input = input;
	job->run = aws_invoke_start(&invocation);
	return job;
}

static Jsonb *
take_input(const EtlStep *step)
{
	EtlArguments arguments;

	arguments_open(&arguments, step);
	return arguments.values == NULL ? jsonb_of("{}") : arguments.values;
}

static void *
action_start(const EtlStep *step)
{
	const Action *action = actions;
	Jsonb *input = take_input(step);

	/* a resource may have a suffix that says that the step has a token */
	while (strncmp(action->resource, step->resource, strlen(action->resource)) != 0)
		action++;
	if (action->prepare != NULL)
		input = action->prepare(input);
	return start(step, action, action->service, action->action, input);
}

/* "SERVICE:ACTION" of a resource, the action with a capital; a suffix after a dot is none of it. */
static bool
sdk_action(const char *resource, const EtlAwsService **service, char **action)
{
	const char *name = resource + strlen(SDK_PREFIX);
	const char *colon;

	if (strncmp(resource, SDK_PREFIX, strlen(SDK_PREFIX)) != 0 || (colon = strchr(name, ':')) == NULL)
		return false;
	*service = service_find(pnstrdup(name, colon - name));
	*action = pnstrdup(colon + 1, strcspn(colon + 1, "."));
	(*action)[0] = pg_ascii_toupper((unsigned char) (*action)[0]);
	return *service != NULL && **action != '\0';
}

/* A service whose actions are all known has no others. */
static bool
sdk_serves(const char *resource)
{
	const EtlAwsService *service;
	char *action;

	if (strchr(resource, '.') != NULL || !sdk_action(resource, &service, &action) ||
		service_refusal(service, action) != NULL)
		return false;
	return service->rest == NULL || service->rest->actions == NULL || service_rest(service, action) != NULL;
}

static void *
sdk_start(const EtlStep *step)
{
	const EtlAwsService *service;
	char *action;

	if (!sdk_action(step->resource, &service, &action))
		elog(ERROR, "unexpected resource \"%s\"", step->resource);
	if (service_is_secret(service, action))
		ereport(ERROR, errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				errmsg("resource \"%s\" can't be a step", step->resource),
				errdetail("Its answer is a secret, and a step's output is kept in etl.task_run."),
				errhint("Call etl.aws_call in the statement that needs it."));
	return start(step, NULL, service->name, action, take_input(step));
}

/* arn:aws:lambda:REGION:ACCOUNT:function:NAME, or with :QUALIFIER */
static bool
function_serves(const char *resource)
{
	const char *service = strncmp(resource, "arn:aws", 7) == 0 ? strstr(resource, ":lambda:") : NULL;
	const char *name = service != NULL ? strstr(service, ":function:") : NULL;

	return name != NULL && strncmp(resource + strcspn(resource + 4, ":") + 4, ":lambda:", 8) == 0 &&
		   name[strlen(":function:")] != '\0';
}

/* The arguments are the function's, and so is the answer. */
static void *
function_start(const EtlStep *step)
{
	Jsonb *payload = take_input(step);
	Jsonb *input =
		with_text(jsonb_of("{}"), "Payload", JsonbToCString(NULL, &payload->root, VARSIZE(payload)));
	const char *suffix = strstr(step->resource, ".waitForTaskToken");
	char *name = suffix == NULL ? pstrdup(step->resource) : pnstrdup(step->resource, suffix - step->resource);

	return start(step, &actions[0], "lambda", "Invoke", with_text(input, "FunctionName", name));
}

static bool
call_poll(void *arg, EtlWait *wait, EtlStepResult *result)
{
	Job *job = arg;

	if (!aws_invoke_poll(job->run, wait))
		return false;
	result->output = aws_invoke_result(job->run);
	if (job->action != NULL && job->action->finish != NULL)
		result->output = job->action->finish(job->input, result->output);
	return true;
}

static bool
function_poll(void *arg, EtlWait *wait, EtlStepResult *result)
{
	JsonbValue *payload;

	if (!call_poll(arg, wait, result))
		return false;
	payload = member(result->output, "Payload");
	result->output = payload == NULL ? NULL : JsonbValueToJsonb(payload);
	return true;
}

/* The request goes with the job's memory. */
static void
call_abandon(void *job)
{
}

#define ACTION_ADAPTER(arn)                                                                                  \
	{                                                                                                        \
		.resource = arn, .start = action_start, .poll = call_poll, .abandon = call_abandon                   \
	}

const EtlAdapter aws_action_adapters[] = {ACTION_ADAPTER("arn:aws:states:::lambda:invoke"),
										  ACTION_ADAPTER("arn:aws:states:::sqs:sendMessage"),
										  ACTION_ADAPTER("arn:aws:states:::dynamodb:getItem"),
										  ACTION_ADAPTER("arn:aws:states:::dynamodb:putItem"),
										  ACTION_ADAPTER("arn:aws:states:::dynamodb:updateItem"),
										  ACTION_ADAPTER("arn:aws:states:::dynamodb:deleteItem"),
										  ACTION_ADAPTER("arn:aws:states:::events:putEvents"),
										  {.resource = NULL}};

const EtlAdapter lambda_function_adapter = {.resource = "arn:aws:lambda:REGION:ACCOUNT:function:NAME",
											.serves = function_serves,
											.start = function_start,
											.poll = function_poll,
											.abandon = call_abandon};

const EtlAdapter aws_sdk_adapter = {.resource = "arn:aws:states:::aws-sdk:SERVICE:ACTION",
									.serves = sdk_serves,
									.start = sdk_start,
									.poll = call_poll,
									.abandon = call_abandon};

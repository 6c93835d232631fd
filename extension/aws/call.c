/*
 * call.c
 *		Service calls that need no more than their protocol. See call.h.
 */
#include "postgres.h"

#include "aws/call.h"
#include "aws/request.h"
#include "aws/sigv4.h"

#define MAX_ANSWER_SIZE (8 * 1024 * 1024)

/* A service gets a file of its own only when it needs more than this. */
typedef struct Service
{
	const char *name; /* in its host name, in IAM actions and as signing name */
	const char *version; /* query protocol: of its API */
	const char *target; /* JSON protocol: what precedes the action in X-Amz-Target */
} Service;

static const Service services[] = {
	{.name = "secretsmanager", .target = "secretsmanager"},
	{.name = "sns", .version = "2010-03-31"},
	{.name = "sts", .version = "2011-06-15"},
};

static const Service *
service_find(const char *name)
{
	for (int i = 0; i < lengthof(services); i++)
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	elog(ERROR, "unknown AWS service \"%s\"", name);
}

struct EtlAwsCallRun
{
	const char *doing;
	const char *object;
	StringInfoData answer;
	EtlAwsFetch *fetch;
};

static EtlAwsCallRun *
call_start(const EtlAwsCall *call, const EtlHttpField *headers, int nheaders, const char *body)
{
	EtlAwsCallRun *run = palloc0(sizeof(EtlAwsCallRun));
	EtlAwsRequest request = {.server = call->server,
							 .credentials = call->credentials != NULL ? call->credentials
																	  : aws_credentials_get(call->server),
							 .action = {.doing = call->doing,
										.object = call->object,
										.permission = psprintf("%s:%s", call->service, call->action),
										.server = call->server->name},
							 .service = call->service,
							 .method = "POST",
							 .path = "/",
							 .headers = headers,
							 .nheaders = nheaders,
							 .body = {.data = body, .fd = -1, .size = strlen(body)},
							 .progress = call->progress,
							 .timeout_ms = call->timeout_ms};
	EtlEndpointOptions options = {call->server->endpoint, call->server->use_fips, call->server->use_dualstack,
								  call->server->path_style};
	EtlError error;

	if (!endpoint_service(call->service, call->server->region, &options, &request.endpoint, &error))
		etl_error_raise(&error);
	run->doing = call->doing;
	run->object = call->object;
	initStringInfo(&run->answer);
	run->fetch = aws_fetch_start(&request, MAX_ANSWER_SIZE, &run->answer);
	return run;
}

EtlAwsCallRun *
aws_call_query_start(const EtlAwsCall *call, const EtlHttpField *parameters, int nparameters)
{
	static const EtlHttpField headers[] = {
		{"Content-Type", "application/x-www-form-urlencoded; charset=utf-8"}};
	const Service *service = service_find(call->service);
	EtlHttpField *form = palloc((nparameters + 2) * sizeof(EtlHttpField));

	form[0] = (EtlHttpField){"Action", call->action};
	form[1] = (EtlHttpField){"Version", service->version};
	if (nparameters > 0)
		memcpy(form + 2, parameters, nparameters * sizeof(EtlHttpField));
	return call_start(call, headers, lengthof(headers), sigv4_query_string(form, nparameters + 2));
}

EtlAwsCallRun *
aws_call_json_start(const EtlAwsCall *call, const char *input)
{
	const Service *service = service_find(call->service);
	EtlHttpField *headers = palloc(2 * sizeof(EtlHttpField));

	headers[0] = (EtlHttpField){"Content-Type", "application/x-amz-json-1.1"};
	headers[1] = (EtlHttpField){"X-Amz-Target", psprintf("%s.%s", service->target, call->action)};
	return call_start(call, headers, 2, input);
}

bool
aws_call_poll(EtlAwsCallRun *run, EtlWait *wait)
{
	return aws_fetch_poll(run->fetch, wait);
}

void
aws_call_wait(EtlAwsCallRun *run)
{
	EtlWait wait;

	while (!aws_call_poll(run, &wait))
		http_wait(&wait);
}

StringInfo
aws_call_answer(EtlAwsCallRun *run)
{
	return &run->answer;
}

void
aws_call_xml(EtlAwsCallRun *run, EtlXml *out)
{
	EtlError error;

	if (!xml_parse(run->answer.data, run->answer.len, out, &error))
		ereport(ERROR, errcode(ERRCODE_PROTOCOL_VIOLATION),
				errmsg("could not %s \"%s\": unexpected answer", run->doing, run->object),
				errdetail("%s", error.detail));
	explicit_bzero(run->answer.data, run->answer.len);
}

void
aws_call_query(const EtlAwsCall *call, const EtlHttpField *parameters, int nparameters, EtlXml *out)
{
	EtlAwsCallRun *run = aws_call_query_start(call, parameters, nparameters);

	aws_call_wait(run);
	aws_call_xml(run, out);
}
